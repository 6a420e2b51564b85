//! A configuration: a plan, or mistakes that are somewhere in it. Of a plan everything is made that can be.

use std::io::Write;

use bemo_sync::config::{Loaded, Mistakes, Span};
use bemo_sync::docs::{asyncapi, gatt};
use bemo_sync::engine::Time;
use bemo_sync::plan::Plan;

use super::world::{self, World, assert_valid, rest};

pub fn run(bytes: &[u8]) {
    let loaded = match std::str::from_utf8(bytes) {
        Ok(source) => world::load(source),
        // Only a file can hold this.
        Err(_) => {
            let mut file = tempfile::NamedTempFile::new_in(folder()).expect("a file");
            file.write_all(bytes).expect("it can be written");
            bemo_sync::config::load(file.path())
        }
    };
    match loaded {
        Ok(Loaded { plan, .. }) => everything_of(plan),
        Err(mistakes) => assert_places(&String::from_utf8_lossy(bytes), &mistakes),
    }
}

fn folder() -> std::path::PathBuf {
    let memory = std::path::PathBuf::from("/dev/shm");
    match memory.is_dir() {
        true => memory,
        false => std::env::temp_dir(),
    }
}

/// Every mistake is somewhere in the file, or just behind it, and says something.
fn assert_places(source: &str, mistakes: &Mistakes) {
    assert!(!mistakes.diagnostics.is_empty());
    // A carriage return alone ends a line too, for YAML.
    let as_yaml = source.replace("\r\n", "\n").replace('\r', "\n");
    let as_bytes: Vec<&str> = source.split('\n').collect();
    let as_yaml: Vec<&str> = as_yaml.split('\n').collect();
    let is_in = |lines: &[&str], span: Span| {
        let line = lines.get(span.line.wrapping_sub(1));
        let columns = line.map_or(0, |line| line.chars().count() + 1);
        (1..=columns).contains(&span.column) && span.length >= 1
    };
    for mistake in &mistakes.diagnostics {
        assert!(!mistake.message.is_empty());
        let is_in_it = is_in(&as_yaml, mistake.span) || is_in(&as_bytes, mistake.span);
        assert!(is_in_it, "{mistake:?} is not in the file");
    }
    let said = mistakes.to_string();
    assert!(said.ends_with("nothing was started"));
    assert!(said.len() < 1_000_000, "{} bytes are said", said.len());
}

fn everything_of(plan: Plan) {
    let documents = (gatt(&plan), asyncapi(&plan).to_string());
    assert!(!documents.0.is_empty() && !documents.1.is_empty());
    for link in plan.links.iter().flat_map(|link| &link.candidates) {
        for topic in link.topics() {
            serde_json::to_string(&topic.schema).expect("a schema is JSON");
        }
    }
    drop(plan.engine(Time::default()));
    world::run(async {
        let world = World::of(plan).await;
        if let Some(server) = &world.server {
            let central = server.connect();
            for (handle, characteristic) in world.characteristics(&central) {
                // Errors are answers like any other.
                if let Ok(octets) = central.read_long(handle) {
                    assert_valid(&characteristic.spec, &octets);
                }
            }
        }
        rest().await;
        world.runtime.stop().await;
    });
}
