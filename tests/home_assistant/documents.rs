//! The document of each configuration of this repository, letter for letter.

use bemo_sync::docs::discovery;
use serde_json::Value as Json;

use super::bemo::plan;
use super::{configurations, told, with_home_assistant};

/// What a configuration tells, and what it does not.
pub fn document(yaml: &str) -> (Json, Vec<String>) {
    let mut all = discovery(&plan(&with_home_assistant(yaml)));
    let told = all.pop().expect("Home Assistant is told");
    (told.document, told.notes)
}

#[test]
fn each_configuration_becomes_entities() {
    for path in configurations() {
        let path = path.to_str().expect("names are ASCII");
        let (document, notes) = document(&told(path, 1883));
        let mut text = serde_json::to_string_pretty(&document["cmps"]).expect("it is JSON");
        for note in notes {
            text.push_str(&format!("\n{note}"));
        }
        insta::with_settings!({ snapshot_suffix => path.replace('/', ".") }, {
            insta::assert_snapshot!(text);
        });
    }
}

fn characteristic(rest: &str) -> String {
    format!(
        "version: 1\nmqtt: {{ client_id: it, home_assistant: true }}\nservices:\n  - name: S\n    uuid: 180F\n    \
         characteristics:\n      - {{ name: V, uuid: a001, access: [read, write], {rest} }}\n"
    )
}

/// The one component of a value.
fn component(rest: &str) -> Json {
    let (document, notes) = document(&characteristic(rest));
    let all = document["cmps"].as_object().expect("components");
    assert_eq!(all.len(), 1, "{document} {notes:?}");
    all.values().next().expect("one").clone()
}

#[test]
fn what_a_value_becomes_follows_from_what_may_be_done_with_it() {
    for (rest, expected) in [
        (
            "value: { type: u8 }, mqtt: { state: s, command: c }",
            "number",
        ),
        ("value: { type: u8 }, mqtt: { state: s }", "sensor"),
        ("value: { type: u8 }, mqtt: { command: c }", "number"),
        (
            "value: { type: bool }, mqtt: { state: s, command: c }",
            "switch",
        ),
        ("value: { type: bool }, mqtt: { state: s }", "binary_sensor"),
        ("value: { type: bool }, mqtt: { command: c }", "switch"),
        (
            "value: { type: u8, enum: { a: 0, b: 1 } }, mqtt: { state: s, command: c }",
            "select",
        ),
        (
            "value: { type: u8, enum: { a: 0, b: 1 } }, mqtt: { state: s }",
            "sensor",
        ),
        (
            "value: { type: u8, allowed: [1] }, mqtt: { command: c }",
            "button",
        ),
        (
            "value: { type: u8, allowed: [1, 2] }, mqtt: { command: c }",
            "select",
        ),
        (
            "value: { type: utf8, max_length: 9 }, mqtt: { state: s, command: c }",
            "text",
        ),
        (
            "value: { type: utf8, max_length: 9 }, mqtt: { state: s }",
            "sensor",
        ),
        (
            "value: { type: bytes, length: 2 }, mqtt: { state: s, command: c }",
            "text",
        ),
        (
            "value: { type: u8, enum: { a: 0, b: 1 } }, delivery: { every: 4 }, mqtt: { state: s }",
            "event",
        ),
        (
            "value: { type: u8 }, mqtt: { state: s, command: c, home_assistant: { component: sensor } }",
            "sensor",
        ),
        (
            "value: { type: bool }, mqtt: { command: c, home_assistant: { component: button } }",
            "button",
        ),
    ] {
        assert_eq!(component(rest)["p"], expected, "{rest}");
    }
}

#[test]
fn what_is_a_secret_is_not_told() {
    let secured = "security: encrypted, value: { type: utf8, max_length: 9, pattern: \"^[a-z]*$\" }, \
        mqtt: { state: s, command: c";
    let (hidden, notes) = document(&characteristic(&format!("{secured} }}")));
    assert_eq!(hidden["cmps"], serde_json::json!({}));
    assert!(notes[0].contains("encrypted"), "{notes:?}");
    assert_eq!(
        component(&format!("{secured}, home_assistant: true }}"))["p"],
        "text"
    );
    // What it may be is as much of a secret as what it is, and what it is called is none.
    for value in [
        "type: utf8, constant: \"${NONE:-hush}\"",
        "type: utf8, allowed: [\"${NONE:-hush}\", other]",
        "type: utf8, max_length: 20, pattern: \"^(${NONE:-hush}.*)?$\"",
        "type: u8, enum: { a: 0, b: \"${NONE:-77}\" }",
        "type: u8, max: \"${NONE:-77}\"",
        "type: u8, unit: \"${NONE:-celsius}\"",
        "type: struct, fields: [{ name: a, type: u8 }, { name: b, type: u8, max: \"${NONE:-77}\" }]",
        "type: struct, fields: [{ name: a, type: u8, json: \"/${NONE:-hush}\" }]",
    ] {
        let value = format!("value: {{ {value} }}, mqtt: {{ state: s }}");
        let yaml = characteristic(&value).replace("[read, write]", "[read]");
        let (hidden, notes) = document(&yaml);
        assert_eq!(hidden["cmps"], serde_json::json!({}), "{value}");
        assert!(notes[0].contains("environment"), "{notes:?}");
        assert!(!notes[0].contains("hush"), "{notes:?}");
    }
    let named = "value: { type: struct, fields: [{ name: \"${NONE:-open}\", type: u8 }] }, mqtt: { state: s }";
    assert_eq!(component(named)["p"], "sensor");
    let off = "value: { type: u8 }, mqtt: { state: s, home_assistant: false }";
    let (off, notes) = document(&characteristic(off));
    assert_eq!((&off["cmps"], notes.len()), (&serde_json::json!({}), 0));
}
