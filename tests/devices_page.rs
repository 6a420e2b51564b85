//! What docs/devices.md shows can be written as it stands there.

use std::path::Path;

use bemo_sync::config::{Placeholders, load_str};

const PAGE: &str = include_str!("../docs/devices.md");

/// The pieces of YAML on the page, each made a whole configuration.
fn pieces() -> Vec<String> {
    let blocks = PAGE.split("```yaml\n").skip(1);
    blocks
        .map(|block| {
            let (yaml, _) = block.split_once("```").expect("a block has an end");
            whole(yaml)
        })
        .collect()
}

fn whole(yaml: &str) -> String {
    const HEAD: &str = "version: 1\nble: { adapter: auto }\nmqtt: { broker: auto }\n";
    const SERVICE: &str = "services:\n  - name: Device\n    uuid: 7a4bbfe6-999f-4717-b63a-066e06971f59\n    \
        characteristics:\n";
    if yaml.starts_with("- ") {
        let indented = yaml.lines().map(|line| format!("      {line}\n"));
        format!("{HEAD}{SERVICE}{}", indented.collect::<String>())
    } else {
        format!("{HEAD}{yaml}")
    }
}

#[test]
fn every_piece_of_yaml_on_the_page_has_no_mistake() {
    let pieces = pieces();
    assert!(pieces.len() >= 6, "{} pieces were found", pieces.len());
    for yaml in pieces {
        let host = Placeholders::new(vec![("hostname", "box".to_owned())]);
        let loaded = load_str(Path::new("devices.md"), &yaml, &|_| None, host);
        if let Err(mistakes) = loaded {
            panic!("{mistakes}\n{yaml}");
        }
    }
}

#[test]
fn every_example_that_the_page_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for link in PAGE.split("](").skip(1) {
        let (target, _) = link.split_once(')').expect("a link has an end");
        assert!(root.join("docs").join(target).exists(), "{target}");
    }
}
