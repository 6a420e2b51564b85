//! The device in JSON: everything derives from the type of a value.

use serde_json::{Value as Json, json};

use super::World;

const KINDS: &str = r#"
version: 1
ble: { adapter: virtual }
mqtt: { broker: "127.0.0.1:1", client_id: kinds }
console: { listen: "127.0.0.1:0" }
services:
  - name: Kinds
    uuid: FF00
    characteristics:
      - { name: Percent, uuid: FF01, access: [read, write], value: { type: u8, min: 0, max: 100, step: 5, unit: percentage }, mqtt: { state: a, command: b } }
      - { name: Half degrees, uuid: FF02, access: [read, write], value: { type: i16, scale: { by: 0.5 }, min: 5, max: 30, unit: celsius } }
      - { name: On, uuid: FF03, access: [read, write], value: { type: bool } }
      - { name: Mode, uuid: FF04, access: [read, write], value: { type: u8, enum: { off: 0, heat: 1, cool: 2 } } }
      - name: HSV
        uuid: FF05
        access: [read, write, notify]
        value:
          type: struct
          fields:
            - { name: hue, type: u8, json: /color/h, scale: { to: [0.0, 1.0], decimals: 2 } }
            - { name: saturation, type: u8, json: /color/s, scale: { to: [0.0, 1.0], decimals: 2 } }
            - { name: value, type: u8, constant: 255 }
      - { name: Name, uuid: FF06, access: [read, write], value: { type: utf8, max_length: 20 } }
      - { name: Bytes, uuid: FF07, access: [read, write_without_response], value: { type: bytes, max_length: 4 } }
      - { name: Some, uuid: FF08, access: [read, write], value: { type: array, max_items: 3, items: { type: u8 } } }
      - { name: Same, uuid: FF09, access: [read, write], value: { type: f32, scale: { decimals: 1 }, min: -1, max: 1 } }
      - { name: Big, uuid: FF0A, access: [read], value: { type: u64, initial: 1 } }
  - name: Kinds
    uuid: FF10
    characteristics:
      - { name: Same, uuid: FF11, access: [read], value: { type: u8, constant: 1 } }
"#;

fn device() -> Json {
    World::new(KINDS).http.json("/api/v1/device")
}

fn characteristic<'a>(device: &'a Json, id: &str) -> &'a Json {
    let services = device["services"].as_array().unwrap().iter();
    let mut all = services.flat_map(|it| it["characteristics"].as_array().unwrap());
    all.find(|it| it["id"] == json!(id))
        .unwrap_or_else(|| panic!("{id} in {device}"))
}

#[test]
fn every_type_says_what_a_field_for_it_needs() {
    let device = device();
    let shape = |id: &str| characteristic(&device, &format!("kinds.{id}"))["value"].clone();
    let has = |id: &str, expected: Json| {
        let shape = shape(id);
        for (key, value) in expected.as_object().unwrap() {
            assert_eq!(&shape[key], value, "{key} of {id}");
        }
    };
    has(
        "percent",
        json!({ "kind": "number", "type": "u8", "min": 0, "max": 100, "step": 5, "unit": "%", "decimals": 0, "range": "0 to 100" }),
    );
    has(
        "half-degrees",
        json!({ "kind": "number", "min": 5.0, "max": 30.0, "step": 0.5, "unit": "°C", "decimals": 1 }),
    );
    has("on", json!({ "kind": "boolean", "labels": [] }));
    has(
        "mode",
        json!({ "kind": "enum", "labels": ["off", "heat", "cool"] }),
    );
    has("hsv", json!({ "kind": "struct", "color": "hsv" }));
    has("name", json!({ "kind": "text", "max_length": 20 }));
    has("bytes", json!({ "kind": "bytes", "max_length": 4 }));
    has("some", json!({ "kind": "array", "max_length": 3 }));
    has(
        "same",
        json!({ "kind": "number", "min": -1.0, "max": 1.0, "step": 0.1, "decimals": 1 }),
    );
    let hsv = shape("hsv");
    let field = |index: usize, key: &str| hsv["fields"][index][key].clone();
    assert_eq!(field(0, "at"), json!("/color/h"));
    assert_eq!((field(0, "min"), field(0, "max")), (json!(0.0), json!(1.0)));
    // In digits, for whoever has no numbers of 64 bits.
    let big = &characteristic(&device, "kinds.big")["value"]["range"];
    assert_eq!(*big, json!("0 to 18446744073709551615"));
    assert_eq!(field(2, "constant"), json!(true));
    assert_eq!(shape("some")["item"]["type"], json!("u8"));
    // The schema is that of the topic.
    let schema = jsonschema::draft202012::new(&shape("percent")["schema"]).unwrap();
    assert!(schema.is_valid(&json!(5)) && !schema.is_valid(&json!(101)));
}

const SECRET: &str = r#"
version: 1
ble: { adapter: virtual }
mqtt: { broker: "127.0.0.1:1", client_id: secret }
console: { listen: "127.0.0.1:0" }
services:
  - name: Secret
    uuid: FF00
    characteristics:
      - { name: Words, uuid: FF01, access: [read, write], value: { type: utf8, allowed: ["${NONE:-hush}", hush2], max_length: 9 } }
      - { name: Pattern, uuid: FF02, access: [read, write], value: { type: utf8, max_length: 9, pattern: "^(${NONE:-hush}.*)?$" } }
      - { name: Enum, uuid: FF03, access: [read, write], value: { type: u8, enum: { hush: 0, hush2: "${NONE:-77}" } } }
      - { name: Range, uuid: FF04, access: [read, write], value: { type: u16, max: "${NONE:-7777}", unit: celsius } }
      - { name: Secured, uuid: FF05, access: [read, write], security: encrypted, value: { type: i16, scale: { by: 0.5 }, max: 7777, unit: celsius } }
      - name: Parts
        uuid: FF06
        access: [read, write]
        value: { type: struct, fields: [{ name: a, type: u8, json: /hush }, { name: b, type: u8, max: "${NONE:-77}" }] }
      - name: Answer
        uuid: FF07
        access: [write, indicate]
        value: { type: u8, max: 9 }
        response: { value: { type: u8, max: "${NONE:-77}" }, accepted: 1, refused: 2 }
      - { name: "${NONE:-Open}", uuid: "${NONE:-FF08}", access: [read], value: { type: u8, max: 9 } }
"#;

#[test]
fn of_what_is_withheld_there_is_only_the_kind_the_type_and_the_length() {
    let world = World::new(SECRET);
    let device = world.http.json("/api/v1/device");
    let expected = |kind: &str, ty: &str, length: (usize, usize)| {
        json!({
            "kind": kind, "type": ty, "min": null, "max": null, "step": null, "range": null, "unit": null,
            "decimals": null, "labels": [], "allowed": [], "min_length": length.0,
            "max_length": length.1, "pattern": null, "color": null, "fields": [], "item": null,
            "nullable": false, "schema": {},
        })
    };
    let of = |id: &str| characteristic(&device, &format!("secret.{id}"));
    for (id, kind, ty, length) in [
        ("words", "enum", "utf8", (0, 9)),
        ("pattern", "text", "utf8", (0, 9)),
        ("enum", "enum", "u8", (1, 1)),
        ("range", "number", "u16", (2, 2)),
        ("secured", "number", "i16", (2, 2)),
        ("parts", "struct", "struct", (2, 2)),
    ] {
        assert_eq!(of(id)["withheld"], json!(true), "{id}");
        assert_eq!(of(id)["value"], expected(kind, ty, length), "{id}");
        for it in of(id)["descriptors"].as_array().unwrap() {
            let is_shown = it["uuid"] != "0x2904";
            assert_eq!(it["hex"].is_string(), is_shown, "{it} of {id}");
        }
    }
    let answer = &of("answer")["answer"];
    assert_eq!(answer["value"], expected("number", "u8", (1, 1)));
    assert_eq!(of("answer")["value"]["max"], json!(9));
    // Names and UUIDs are on the air, wherever they come from.
    assert_eq!(of("open")["uuid"], json!("0xFF08"));
    assert_eq!(of("open")["withheld"], json!(false));
    assert_eq!(of("open")["value"]["max"], json!(9));
    // Nor does a refusal quote it.
    let central = world.central();
    for id in ["words", "pattern", "enum", "range", "parts"] {
        for value in [json!("x"), json!(70_000), json!({ "b": 300 })] {
            let write = json!({ "characteristic": format!("secret.{id}"), "value": value });
            let said = world.http.post(&format!("{central}/write"), &write).body;
            assert!(said.contains("this is secret") || said == "{}", "{said}");
        }
    }
}

#[test]
fn a_characteristic_is_described_as_a_central_discovers_it() {
    let device = device();
    let hsv = characteristic(&device, "kinds.hsv");
    assert_eq!(hsv["properties"], json!(["read", "write", "notify"]));
    assert_eq!(hsv["uuid"], json!("0xFF05"));
    let [declaration, value] = ["handle", "value_handle"].map(|key| hsv[key].as_u64().unwrap());
    assert_eq!(value, declaration + 1);
    let descriptors = hsv["descriptors"].as_array().unwrap();
    let uuids: Vec<&str> = descriptors
        .iter()
        .map(|it| it["uuid"].as_str().unwrap())
        .collect();
    assert_eq!(uuids, ["0x2902", "0x2901", "0x2904"]);
    assert_eq!(descriptors[0]["handle"], json!(value + 1));
    assert_eq!(descriptors[1]["hex"], json!("48 53 56"));
    assert_eq!(device["adapter"]["kind"], json!("virtual"));
    assert_eq!(device["broker"]["address"], json!("127.0.0.1:1"));
}

#[test]
fn a_value_knows_its_topics_and_a_topic_its_values() {
    let device = device();
    let percent = characteristic(&device, "kinds.percent");
    let topics: Vec<_> = percent["topics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (
                it["topic"].as_str().unwrap(),
                it["role"].as_str().unwrap(),
                it["direction"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(topics, [("a", "state", "out"), ("b", "command", "in")]);
    assert_eq!(percent["owner"], json!("here"));
    let all = device["topics"].as_array().unwrap();
    assert_eq!(all[0]["values"], json!(["kinds.percent"]));
}

#[test]
fn two_of_one_name_have_ids_of_their_own() {
    let device = device();
    assert_eq!(
        characteristic(&device, "kinds.same")["uuid"],
        json!("0xFF09")
    );
    assert_eq!(
        characteristic(&device, "kinds.same-2")["uuid"],
        json!("0xFF11")
    );
    assert_eq!(
        characteristic(&device, "kinds.same-2")["settable"],
        json!(false)
    );
}

#[test]
fn the_health_is_that_of_the_links_and_a_word_for_programs() {
    let world = World::new(KINDS);
    let health = world.http.json("/api/v1/health");
    let links: Vec<&str> = health["links"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["link"].as_str().unwrap())
        .collect();
    assert_eq!(links[..4], ["ble", "mqtt", "store", "console"], "{links:?}");
    let word = world.http.get("/healthz");
    assert!(matches!(word.status, 200 | 503), "{}", word.body);
    let metrics = world.http.get("/metrics");
    assert_eq!(
        metrics.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    assert!(
        metrics.body.contains("# TYPE bemo_sync_"),
        "{}",
        metrics.body
    );
    assert!(
        metrics.body.contains("bemo_sync_centrals 0"),
        "{}",
        metrics.body
    );
}
