//! The JSON Schemas of payloads say what is sent and what is taken.

use serde_json::{Value as Json, json};

use super::bemo::{plan, yaml};
use super::{NUMBER_HERE, NUMBER_REMOTE};

fn schemas(characteristics: &[&str]) -> Vec<(String, Json)> {
    let plan = plan(&yaml("{ broker: auto }", characteristics));
    let links = plan.links.iter().flat_map(|link| &link.candidates);
    links
        .flat_map(|link| link.payload_schemas())
        .map(|(topic, schema)| (topic, schema.to_value()))
        .collect()
}

fn accepts(schema: &Json, payload: Json) -> bool {
    jsonschema::draft202012::new(schema)
        .expect("it is a schema")
        .is_valid(&payload)
}

#[test]
fn every_topic_has_one_with_the_declared_range() {
    for number in [NUMBER_HERE, NUMBER_REMOTE] {
        let schemas = schemas(&[number]);
        let topics: Vec<&str> = schemas.iter().map(|(topic, _)| topic.as_str()).collect();
        assert_eq!(topics, ["number/changed", "number/set"]);
        for (topic, schema) in schemas {
            assert_eq!(schema["title"], json!(topic));
            assert!(schema["description"].as_str().unwrap().contains("Value 0"));
            assert!(accepts(&schema, json!({ "number": 255, "more": 1 })));
            assert!(!accepts(&schema, json!({ "number": 256 })));
            assert!(!accepts(&schema, json!({})));
        }
    }
}

#[test]
fn what_is_wrapped_may_come_in_from_outside_the_range_but_never_goes_out() {
    let wrapped = "access: [read], value: { type: u8, overflow: wrap }, \
        mqtt: { state: a, command: b }";
    let schemas = schemas(&[wrapped]);
    assert!(!accepts(&schemas[0].1, json!(256)));
    assert!(accepts(&schemas[1].1, json!(256)));
}

#[test]
fn values_that_share_a_topic_share_its_schema() {
    let on =
        "access: [read], value: { type: bool }, mqtt: { command: lamp, payload: { on: $value } }";
    let level = "access: [read], value: { type: u8 }, \
        mqtt: { owner: remote, state: lamp, payload: { level: $value } }";
    let schemas = schemas(&[on, level]);
    let [(topic, schema)] = &schemas[..] else {
        panic!("{schemas:?}")
    };
    assert_eq!(topic, "lamp");
    assert!(accepts(schema, json!({ "on": true, "level": 7 })));
    assert!(!accepts(schema, json!({ "on": true, "level": 700 })));
    assert!(!accepts(schema, json!({ "on": 1, "level": 7 })));
}
