//! The JSON Schemas say what the program says: the committed one is the program's own, every
//! configuration here validates, and a wrong one does not.

#[path = "support/files.rs"]
mod files;

use std::fs;
use std::path::Path;

use bemo_sync::config::{Placeholders, load_str, schema::services_schema};
use bemo_sync::rehearsal::{files_in, tests_schema};
use files::yaml_files;
use serde_json::{Value as Json, json};

const COMMITTED: &str = "schemas/services.schema.json";

fn validator() -> jsonschema::Validator {
    jsonschema::draft202012::new(services_schema().as_value()).expect("the schema is a schema")
}

fn yaml(source: &str) -> Json {
    serde_saphyr::from_str(source).expect("it is YAML")
}

#[test]
fn the_committed_schema_is_the_programs_own() {
    let committed = fs::read_to_string(COMMITTED).unwrap_or_default();
    let own = serde_json::to_string_pretty(&services_schema()).unwrap() + "\n";
    assert!(
        committed == own,
        "{COMMITTED} is stale: run `cargo run -- schema > {COMMITTED}`"
    );
}

#[test]
fn the_schema_is_valid_against_its_own_meta_schema() {
    let schema = services_schema();
    assert_eq!(
        schema.get("$schema"),
        Some(&json!("https://json-schema.org/draft/2020-12/schema"))
    );
    assert!(jsonschema::draft202012::meta::is_valid(schema.as_value()));
}

#[test]
fn the_demo_and_every_example_validate_and_point_to_the_schema() {
    let validator = validator();
    let files = yaml_files(Path::new("examples"));
    assert!(files.len() >= 2);
    for path in files
        .iter()
        .map(|path| path.as_path())
        .chain([Path::new("services.yaml")])
    {
        let source = fs::read_to_string(path).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&yaml(&source))
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", path.display());
        let modeline = source.lines().next().unwrap_or_default();
        let reference = modeline
            .strip_prefix("# yaml-language-server: $schema=")
            .unwrap_or_else(|| {
                panic!(
                    "{}: the first line points editors to the schema",
                    path.display()
                )
            });
        assert!(
            path.parent().unwrap().join(reference).exists(),
            "{}: {reference}",
            path.display()
        );
    }
}

/// What an editor marks red is what `check` refuses, for mistakes that a schema can tell.
#[test]
fn what_the_schema_refuses_check_refuses_too() {
    let source = fs::read_to_string("services.yaml").unwrap();
    let mistakes = [
        ("version: 1", "version: 2"),
        ("name: Lampi-Test", "name: 7"),
        ("advertise: true", "advertise: perhaps"),
        ("advertise: true", "advertize: true"),
        ("uuid: 180A", "uuid: 180"),
        ("access: [read, write, notify]", "access: []"),
        ("access: [read, write, notify]", "access: [read, wriet]"),
        ("type: u8", "type: u9"),
        ("overflow: wrap", "overflow: bounce"),
        ("min: 0", "min: low"),
        ("every: 1s", "every: 1"),
        ("ticker: {", "tiker: {"),
        ("adapter: auto", "adapter: best"),
        ("owner: here", "owner: me"),
        ("state: number/changed", "state: 7"),
    ];
    let validator = validator();
    for (right, wrong) in mistakes {
        assert!(source.contains(right), "{right}");
        let broken = source.replacen(right, wrong, 1);
        assert!(
            !validator.is_valid(&yaml(&broken)),
            "the schema takes `{wrong}`"
        );
        let host = Placeholders::new(vec![("hostname", "host".to_owned())]);
        let checked = load_str(Path::new("services.yaml"), &broken, &|_| None, host);
        assert!(checked.is_err(), "check takes `{wrong}`");
    }
}

#[test]
fn every_key_is_described() {
    let schema = services_schema();
    let mut silent = Vec::new();
    undescribed(schema.as_value(), "", &mut silent);
    assert!(silent.is_empty(), "no description: {silent:#?}");
}

#[test]
fn the_committed_schema_of_tests_is_the_programs_own() {
    const COMMITTED: &str = "schemas/test.schema.json";
    let committed = fs::read_to_string(COMMITTED).unwrap_or_default();
    let own = serde_json::to_string_pretty(&tests_schema()).unwrap() + "\n";
    assert!(committed == own, "{COMMITTED} is stale: run `make docs`");
    assert!(jsonschema::draft202012::meta::is_valid(
        tests_schema().as_value()
    ));
}

#[test]
fn every_key_of_a_test_is_described() {
    let mut silent = Vec::new();
    undescribed(tests_schema().as_value(), "", &mut silent);
    assert!(silent.is_empty(), "no description: {silent:#?}");
}

#[test]
fn every_file_of_tests_validates_and_a_wrong_one_does_not() {
    let validator = jsonschema::draft202012::new(tests_schema().as_value()).unwrap();
    let files = files_in(Path::new(".")).unwrap();
    assert!(files.len() >= 2, "{files:?}");
    for path in files {
        let source = fs::read_to_string(&path).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&yaml(&source))
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", path.display());
        let modeline = source.lines().next().unwrap_or_default();
        let reference = modeline.strip_prefix("# yaml-language-server: $schema=");
        let reference = reference.unwrap_or_else(|| panic!("{} has none", path.display()));
        assert!(path.parent().unwrap().join(reference).exists());
    }
    let source = fs::read_to_string("services.test.yaml").unwrap();
    for (right, wrong) in [
        ("expect: nothing", "expect: noting"),
        ("wait: 1ms", "wait: 1"),
        ("broker: lost", "broker: gone"),
        ("publish: {", "pubish: {"),
        ("retain: true", "retain: 7"),
        ("bytes: \"01\"", "bytes: \"0\""),
        ("subscribe: Some Number", "subscribe: 7"),
        ("write: Some Number", "wriet: Some Number"),
    ] {
        assert!(source.contains(right), "{right}");
        let broken = source.replacen(right, wrong, 1);
        assert!(!validator.is_valid(&yaml(&broken)), "it takes `{wrong}`");
    }
}

fn undescribed(schema: &Json, place: &str, silent: &mut Vec<String>) {
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        if property.get("description").is_none() && property.get("$ref").is_none() {
            silent.push(format!("{place}/{key}"));
        }
    }
    for (name, definition) in schema["$defs"].as_object().into_iter().flatten() {
        if definition.get("description").is_none() {
            silent.push(name.clone());
        }
        undescribed(definition, name, silent);
    }
}
