//! A mistake in the YAML is shown at its place, with what is wrong and what to write instead, and all
//! of them at once. `tests/mistakes/*.yaml` are the mistakes, `tests/snapshots` what is said of them.

use std::path::Path;

use bemo_sync::config::{Placeholders, load_str};

/// What `check` says of a source, with an environment in which only `SET` is set.
fn said_of(name: &str, source: &str) -> String {
    let host = Placeholders::new(vec![
        ("hostname", "raspberrypi".to_owned()),
        ("machine_id", "0123456789abcdef0123456789abcdef".to_owned()),
    ]);
    let environment = |name: &str| (name == "SET").then(|| "s3cr3t".to_owned());
    match load_str(Path::new(name), source, &environment, host) {
        Ok(_) => "no mistakes".to_owned(),
        Err(mistakes) => mistakes.to_string(),
    }
}

#[test]
fn every_mistake_is_shown_at_its_place() {
    insta::glob!("mistakes/*.yaml", |path| {
        let source = std::fs::read_to_string(path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy();
        insta::assert_snapshot!(said_of(&name, &source));
    });
}

#[test]
fn the_demo_and_every_example_have_no_mistakes() {
    for path in yaml_files(Path::new("examples"))
        .iter()
        .chain([&Path::new("services.yaml").to_owned()])
    {
        let source = std::fs::read_to_string(path).unwrap();
        assert_eq!(
            said_of(&path.to_string_lossy(), &source),
            "no mistakes",
            "{}",
            path.display()
        );
    }
}

#[test]
fn what_came_from_the_environment_is_never_shown() {
    for source in [
        "version: \"${SET}\"\nservices: []\n",
        "version: 1\nservices: \"${SET}\"\n",
        "version: 1\nservices: []\nble: { adapter: \"${SET}\" }\n",
        "version: 1\nservices: []\nmqtt: { broker: \"${SET}:port\" }\n",
        "version: 1\nservices: []\nmqtt: { broker: auto, password: [\"${SET}\"] }\n",
        "version: 1\nservices: []\nmqtt: { will: { topic: \"${SET}/#\", payload: 1 } }\n",
        "version: 1\ndevice: { name: \"${SET}{none}\" }\nservices: [{ uuid: \"${SET}\" }]\n",
    ] {
        let said = said_of("secret.yaml", source);
        assert!(said.contains("secret.yaml:"), "{said}");
        assert!(!said.contains("s3cr3t"), "{said}");
    }
}

#[test]
fn a_variable_is_of_the_type_that_is_wanted_of_it() {
    let source = |number: &str| {
        format!(
            "version: {number}\nble: {{ adapter: \"${{UNSET:-virtual}}\" }}\nservices:\n  \
             - name: \"{{hostname}} $${{SET}}\"\n    uuid: 180F\n    characteristics:\n      \
             - name: Level\n        uuid: 2A19\n        access: [read]\n        value: {{ type: u8 }}\n"
        )
    };
    assert_eq!(said_of("a.yaml", &source("\"${UNSET:-1}\"")), "no mistakes");
    assert!(said_of("a.yaml", &source("\"1\"")).contains("where a whole number is wanted"));
}

#[test]
fn hostile_yaml_ends_in_an_error() {
    let deep = "[".repeat(100_000);
    assert!(
        said_of("deep.yaml", &deep).contains("levels deep")
            || said_of("deep.yaml", &deep).contains("not YAML")
    );
    let mut bomb = String::from("a: &a [x,x,x,x,x,x,x,x,x,x]\n");
    for (name, of) in ('b'..='z').zip('a'..) {
        bomb.push_str(&format!(
            "{name}: &{name} [*{of},*{of},*{of},*{of},*{of},*{of},*{of},*{of}]\n"
        ));
    }
    assert!(said_of("bomb.yaml", &bomb).contains("unknown key `a`"));
    assert!(
        said_of("bomb.yaml", &format!("{bomb}version: *z\nservices: *z\n"))
            .contains("a list where")
    );
    let payload = "services: [{ characteristics: [{ mqtt: { state: a, payload: *z } }] }]";
    assert!(said_of("bomb.yaml", &format!("{bomb}{payload}\n")).contains("too much in this"));
}

fn yaml_files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.extension() {
            None => yaml_files(&path),
            Some(extension) if extension == "yaml" => vec![path],
            Some(_) => Vec::new(),
        })
        .collect()
}
