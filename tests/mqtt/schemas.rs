//! The JSON Schemas of payloads say what is sent and what is taken.

use serde_json::{Value as Json, json};

use super::bemo::{plan, yaml};
use super::{NUMBER_HERE, NUMBER_REMOTE};

fn schemas(characteristics: &[&str]) -> Vec<(String, Json)> {
    let plan = plan(&yaml("{ broker: auto }", characteristics));
    let links = plan.links.iter().flat_map(|link| &link.candidates);
    links
        .flat_map(|link| link.topics())
        .map(|topic| {
            assert!(topic.description.contains("Value 0"));
            (topic.topic, topic.schema.to_value())
        })
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
        for (_, schema) in schemas {
            assert!(accepts(&schema, json!({ "number": 255, "more": 1 })));
            assert!(!accepts(&schema, json!({ "number": 256 })));
            assert!(!accepts(&schema, json!({})));
        }
    }
}

#[test]
fn every_payload_has_the_declared_range_also_where_a_number_outside_is_wrapped() {
    let wrapped = "access: [read], value: { type: u8, max: 9, overflow: wrap }, \
        mqtt: { state: a, command: b }";
    for (_, schema) in schemas(&[wrapped]) {
        assert!(accepts(&schema, json!(9)));
        assert!(!accepts(&schema, json!(10)));
    }
}

#[test]
fn a_payload_at_the_bound_of_a_32_bit_float_is_valid() {
    let narrow = "access: [read], value: { type: f32, min: 0.1, max: 0.7 }, mqtt: { state: a }";
    let (_, schema) = &schemas(&[narrow])[0];
    for payload in ["0.1", "0.7"] {
        let payload: serde_json::Value = serde_json::from_str(payload).unwrap();
        assert!(accepts(schema, payload));
    }
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

#[test]
fn a_document_has_a_schema_of_all_its_values_and_our_own_mark() {
    let yaml = std::fs::read_to_string("examples/lampi.yaml").unwrap();
    let plan = plan(&yaml.replace("adapter: auto", "adapter: virtual"));
    let links = plan.links.iter().flat_map(|link| &link.candidates);
    let topics: Vec<_> = links.flat_map(|link| link.topics()).collect();
    let names: Vec<_> = topics
        .iter()
        .map(|it| (it.topic.as_str(), it.direction, it.qos, it.retain))
        .collect();
    use bemo_sync::plugin::Direction::{Publish, Subscribe};
    let state = "lamp/connection/lamp_bt_peripheral/state";
    assert_eq!(
        names,
        [
            ("lamp/bluetooth", Publish, 1, false),
            ("lamp/changed", Subscribe, 1, false),
            (state, Publish, 2, true),
            ("lamp/set_config", Publish, 1, false),
        ]
    );
    let changed = topics[1].schema.as_value();
    let says = json!({ "color": { "h": 0.3, "s": 0.5 }, "on": true, "client": "lamp_ui", "x": 1 });
    assert!(accepts(changed, says));
    assert!(accepts(changed, json!({})));
    assert!(!accepts(changed, json!({ "brightness": 1.1 })));
    assert!(!accepts(changed, json!({ "on": 1 })));
    let asks = topics[3].schema.as_value();
    assert!(accepts(
        asks,
        json!({ "on": true, "client": "lamp_bt_peripheral" })
    ));
    assert!(!accepts(asks, json!({ "on": true, "client": "lamp_ui" })));
    assert!(!accepts(asks, json!({ "on": true })));
    let presence = &topics[2];
    assert_eq!(presence.content_type, "text/plain");
    assert!(accepts(presence.schema.as_value(), json!("0")));
    assert!(!accepts(presence.schema.as_value(), json!("2")));
}
