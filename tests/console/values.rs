//! Values as everything sees them, and what an operator asks them to be.

use serde_json::json;

use super::{DEMO, World};
use crate::bemo::yaml;

const NUMBER: &str = "/api/v1/values/number-service.some-number";

#[test]
fn an_operator_sets_a_value_and_everybody_hears_of_it() {
    let world = World::demo();
    let view = world.http.put(NUMBER, &json!({ "value": 42 })).ok();
    assert_eq!(view["value"], json!(42));
    assert_eq!(view["hex"], json!("2A"));
    assert_eq!(
        view["origin"],
        json!({ "link": "console", "by": "operator" })
    );
    assert_eq!(
        world.bemo.next_heard(),
        (0, bemo_sync::codec::Value::Int(42))
    );
    assert_eq!(world.http.json(NUMBER)["version"], view["version"]);
    let all = world.http.json("/api/v1/values");
    assert_eq!(all["values"][0]["value"], json!(42));
}

#[test]
fn what_breaks_a_constraint_is_refused_with_the_reason_and_remembered() {
    let world = World::demo();
    let refused = world
        .http
        .put(NUMBER, &json!({ "value": 201 }))
        .problem(422);
    assert_eq!(refused["detail"], json!("201 is outside 0 … 200"));
    assert_eq!(refused["cause"], json!("out_of_range"));
    let typed = world
        .http
        .put(NUMBER, &json!({ "value": "much" }))
        .problem(422);
    assert_eq!(typed["cause"], json!("wrong_type"));
    let view = world.http.json(NUMBER);
    assert_eq!(view["value"], json!(7));
    assert_eq!(view["rejected"]["by"], json!("operator"));
    assert_eq!(view["rejected"]["cause"], json!("wrong_type"));
    assert_eq!(view["rejected"]["count"], json!(2));
}

#[test]
fn a_misspelt_field_of_a_struct_is_refused_and_a_part_is_enough() {
    let pair = "      - name: Pair
        uuid: 7a4b0003-999f-4717-b63a-066e06971f59
        access: [read, write]
        value: { type: struct, fields: [{ name: a, type: u8 }, { name: b, type: u8 }] }
";
    let world = World::new(&(DEMO.to_owned() + pair));
    let put = |value: serde_json::Value| {
        let body = json!({ "value": value });
        world.http.put("/api/v1/values/number-service.pair", &body)
    };
    assert_eq!(put(json!({ "a": 1, "b": 2 })).ok()["hex"], json!("01 02"));
    for value in [json!({ "zz": 5 }), json!({ "a": 7, "d": 4 })] {
        let refused = put(value).problem(422);
        assert_eq!(refused["cause"], json!("not_allowed"));
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.ends_with("there are `a`, `b`"), "{detail}");
    }
    assert_eq!(put(json!({ "b": 3 })).ok()["hex"], json!("01 03"));
    // A write on the air is of the whole.
    let write = |value: serde_json::Value| {
        let body = json!({ "characteristic": "number-service.pair", "value": value });
        world
            .http
            .post(&format!("{}/write", world.central()), &body)
    };
    write(json!({ "a": 9 })).ok();
    let view = world.http.json("/api/v1/values/number-service.pair");
    assert_eq!(view["hex"], json!("09 00"));
    let detail = write(json!({ "a": 8, "bb": 1 })).detail(422);
    assert!(detail.contains("there is no `bb` in it"), "{detail}");
}

#[test]
fn a_body_that_is_not_understood_is_told_what_is_expected_and_not_what_it_said() {
    let world = World::demo();
    let central = world.central();
    let write = "has `characteristic`, and can have `hex`, `value`, `response`";
    let how = "has `characteristic`, and can have `how` (\"notifications\", \"indications\", null)";
    for (verb, body, says) in [
        ("write", json!({ "s3cret": 1 }), write),
        (
            "write",
            json!({ "characteristic": "x", "response": "s3cret" }),
            write,
        ),
        (
            "subscribe",
            json!({ "characteristic": "x", "how": "s3cret" }),
            how,
        ),
        ("read", json!("s3cret"), "has `characteristic`"),
        (
            "secure",
            json!({ "level": "s3cret" }),
            "has `level` (\"open\", \"encrypted\", \"authenticated\")",
        ),
    ] {
        let detail = world
            .http
            .post(&format!("{central}/{verb}"), &body)
            .detail(400);
        assert!(
            detail.ends_with(&format!(": a body here {says}")),
            "{detail}"
        );
        assert!(!detail.contains("s3cret"), "{detail}");
    }
    let detail = world.http.put(NUMBER, &json!({ "vlaue": 1 })).detail(400);
    assert!(detail.ends_with("a body here has `value`"), "{detail}");
}

#[test]
fn a_value_that_nobody_knows_is_not_found() {
    let world = World::demo();
    for path in ["", "/history"] {
        let nobody = format!("/api/v1/values/number-service.nobody{path}");
        world.http.get(&nobody).problem(404);
    }
    world
        .http
        .put("/api/v1/values/x", &json!({ "value": 1 }))
        .problem(404);
    world.http.get("/api/v1/nothing").problem(404);
    assert_eq!(world.http.delete(NUMBER).status, 405);
}

#[test]
fn what_is_secret_is_neither_shown_nor_set() {
    let world = World::demo();
    let key = "/api/v1/values/number-service.key";
    let view = world.http.json(key);
    assert_eq!(view["withheld"], json!(true));
    for what in ["value", "hex"] {
        assert!(view[what].is_null(), "{view}");
    }
    assert_eq!(view["shown"], json!("withheld"));
    assert_eq!(
        world.http.json(&format!("{key}/history"))["points"],
        json!([])
    );
    let detail = world
        .http
        .put(key, &json!({ "value": "other" }))
        .detail(403);
    assert!(detail.contains("secret"), "{detail}");
}

#[test]
fn a_constant_and_what_nobody_can_be_asked_for_are_not_set() {
    let world = World::new(
        &yaml(
            "{ broker: \"127.0.0.1:1\" }",
            &[
                "access: [read], value: { type: u8, constant: 3 }",
                "access: [read], value: { type: u8 }, mqtt: { owner: remote, state: a }",
            ],
        )
        .replace(
            "services:",
            "console: { listen: \"127.0.0.1:0\" }\nservices:",
        ),
    );
    let put = |id: &str| {
        world
            .http
            .put(&format!("/api/v1/values/{id}"), &json!({ "value": 1 }))
    };
    assert!(put("service.value-0").detail(403).contains("constant"));
    assert!(put("service.value-1").detail(403).contains("command"));
}

#[test]
fn the_last_minutes_are_remembered_with_the_least_and_the_greatest_of_each_second() {
    let world = World::demo();
    let mut events = world.http.events("");
    for value in [150, 3, 99] {
        world.http.put(NUMBER, &json!({ "value": value })).ok();
        // It has been looked at.
        events.wait_for("values", |views| views[0]["value"] == json!(value));
    }
    let history = world.http.json(&format!("{NUMBER}/history"));
    let points = history["points"].as_array().expect("points").clone();
    let number = |point: &serde_json::Value, index: usize| point[index].as_f64().unwrap();
    assert_eq!(number(points.last().unwrap(), 1), 99.0);
    let least = points
        .iter()
        .map(|it| number(it, 2))
        .fold(f64::MAX, f64::min);
    let greatest = points
        .iter()
        .map(|it| number(it, 3))
        .fold(f64::MIN, f64::max);
    assert_eq!((least, greatest), (3.0, 150.0));
    assert!(
        points.is_sorted_by(|a, b| number(a, 0) < number(b, 0)),
        "{points:?}"
    );
}

#[test]
fn one_change_can_be_followed_from_who_asked_for_it_to_who_has_heard_of_it() {
    let world = World::demo();
    let central = world.central();
    let number = "number-service.some-number";
    let subscribe = json!({ "characteristic": number, "how": "notifications" });
    world
        .http
        .post(&format!("{central}/subscribe"), &subscribe)
        .ok();
    let mut events = world.http.events("");
    let version = world.http.put(NUMBER, &json!({ "value": 8 })).ok()["version"].clone();
    // The streams get the steps as they come, and who asks later gets them too.
    let is_there = |flow: &serde_json::Value, kind: &str| {
        let steps = flow["steps"].as_array().unwrap();
        steps
            .iter()
            .any(|it| it["kind"] == kind && it["version"] == version && it["link"] == "ble")
    };
    events.wait_for("flow", |flow| is_there(flow, "arrived"));
    let flow = world.http.json(&format!("/api/v1/flow?value={number}"));
    let steps: Vec<_> = flow["steps"].as_array().unwrap().iter().collect();
    assert!(steps.iter().all(|step| step["value"] == json!(number)));
    let way: Vec<&str> = steps
        .iter()
        .filter(|step| {
            step["version"] == version && step["link"] != "hand" && step["link"] != "store"
        })
        .map(|step| step["kind"].as_str().unwrap())
        .collect();
    assert_eq!(way[..3], ["requested", "accepted", "handed_out"], "{way:?}");
    assert!(way.contains(&"arrived"), "{way:?}");
    assert!(steps.is_sorted_by_key(|step| step["seq"].as_u64().unwrap()));
    let last = world.http.json("/api/v1/flow?limit=1");
    assert_eq!(last["steps"].as_array().unwrap().len(), 1);
}

/// A lamp that is switched with a word, and a temperature in hundredths, over an adapter that is not there.
const WORDS: &str = r#"
version: 1
device: { name: Lampi-Test }
ble: { adapter: hci97 }
console: { listen: "127.0.0.1:0" }
services:
  - name: Lamp
    uuid: 7a4bbfe6-999f-4717-b63a-066e06971f59
    characteristics:
      - name: Warmth
        uuid: 7a4b0001-999f-4717-b63a-066e06971f59
        access: [read, write, notify]
        value: { type: i16, scale: 0.01, initial: 21 }
"#;

#[test]
fn on_an_adapter_that_is_not_there_values_are_set_all_the_same_and_every_step_shows_them_scaled() {
    let world = World::new(WORDS);
    let warmth = "lamp.warmth";
    let device = world.http.json("/api/v1/device");
    let shape = &device["services"][0]["characteristics"][0];
    assert_eq!(shape["settable"], json!(true), "{shape}");
    assert_ne!(device["adapter"]["kind"], json!("virtual"));
    let mut events = world.http.events("");
    let path = format!("/api/v1/values/{warmth}");
    let set = world.http.put(&path, &json!({ "value": 20.5 })).ok();
    assert_eq!(set["value"], json!(20.5));
    let has = |flow: &serde_json::Value, kind: &str| {
        let steps = flow["steps"].as_array().unwrap();
        steps.iter().any(|it| it["kind"] == kind)
    };
    events.wait_for("flow", |flow| has(flow, "accepted"));
    let flow = world.http.json(&format!("/api/v1/flow?value={warmth}"));
    assert!(has(&flow, "handed_out"), "{flow}");
    for step in flow["steps"].as_array().unwrap() {
        let text = step["text"].as_str().unwrap();
        let is_raw = ["2100", "2050"].iter().any(|raw| text.contains(raw));
        assert!(!is_raw, "{text}");
        if step["kind"] == "accepted" {
            assert!(text.contains("20.5"), "{text}");
        }
    }
}
