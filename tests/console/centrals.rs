//! Virtual centrals: real ATT operations, and what a phone would not say: why.

use serde_json::{Value as Json, json};

use super::{DEMO, World};
use bemo_sync::codec::Value;

const NUMBER: &str = "number-service.some-number";
const KEY: &str = "number-service.key";

fn act(world: &World, central: &str, verb: &str, body: Json) -> crate::http::Response {
    world.http.post(&format!("{central}/{verb}"), &body)
}

#[test]
fn a_central_reads_and_writes_as_a_phone_does() {
    let world = World::demo();
    let central = world.central();
    let read = act(
        &world,
        &central,
        "read",
        json!({ "characteristic": NUMBER }),
    )
    .ok();
    assert_eq!(
        read,
        json!({ "hex": "07", "value": 7, "shown": "7", "length": 1 })
    );
    for (what, expected) in [
        (json!({ "characteristic": NUMBER, "hex": "0x2a" }), 42),
        (json!({ "characteristic": NUMBER, "value": 43 }), 43),
    ] {
        act(&world, &central, "write", what).ok();
        assert_eq!(world.bemo.value(0), Some(Value::Int(expected)));
    }
    let view = world.http.json(&format!("/api/v1/values/{NUMBER}"));
    assert_eq!(view["origin"]["link"], json!("ble"));
    let address = world.http.json("/api/v1/centrals")["centrals"][0]["address"].clone();
    assert_eq!(view["origin"]["by"], address);
}

#[test]
fn an_att_error_comes_with_its_code_its_name_and_the_reason() {
    let world = World::demo();
    let central = world.central();
    let write = |body: Json| act(&world, &central, "write", body).problem(422);
    let refused = write(json!({ "characteristic": NUMBER, "value": 201 }));
    assert_eq!(refused["att"], json!({ "code": 0x80, "name": "Refused" }));
    assert_eq!(refused["detail"], json!("201 is outside 0 … 200"));
    assert_eq!(refused["cause"], json!("out_of_range"));
    let long = write(json!({ "characteristic": NUMBER, "hex": "01 02" }));
    assert_eq!(long["att"]["code"], json!(0x0D));
    assert!(long["detail"].as_str().unwrap().contains("byte"), "{long}");
    let open = write(json!({ "characteristic": KEY, "value": "x" }));
    assert_eq!(open["att"]["code"], json!(0x0F));
    assert!(
        open["detail"].as_str().unwrap().contains("secure"),
        "{open}"
    );
    // What cannot be sent at all is said too.
    let none = write(json!({ "characteristic": NUMBER, "value": 256 }));
    assert_eq!(none["att"], Json::Null);
    for body in [
        json!({ "characteristic": NUMBER }),
        json!({ "characteristic": NUMBER, "hex": "0", }),
    ] {
        act(&world, &central, "write", body).problem(400);
    }
    let both = json!({ "characteristic": NUMBER, "hex": "00", "value": 0 });
    let detail = act(&world, &central, "write", both).detail(400);
    assert_eq!(detail, "only one of `hex` and `value`");
    let command = json!({ "characteristic": NUMBER, "value": 1, "response": false });
    assert_eq!(write(command)["att"]["code"], json!(0x03));
    act(
        &world,
        &central,
        "write",
        json!({ "characteristic": "x", "value": 1 }),
    )
    .problem(404);
    assert_eq!(world.bemo.value(0), Some(Value::Int(7)));
}

#[test]
fn a_central_that_is_encrypted_may_write_what_is_secret_and_is_not_shown_it() {
    let world = World::demo();
    let central = world.central();
    let key = json!({ "characteristic": KEY });
    let open = act(&world, &central, "read", key.clone()).problem(422);
    assert_eq!(open["att"]["name"], json!("InsufficientEncryption"));
    act(&world, &central, "secure", json!({ "level": "encrypted" })).ok();
    act(
        &world,
        &central,
        "write",
        json!({ "characteristic": KEY, "value": "other" }),
    )
    .ok();
    assert_eq!(world.bemo.value(1), Some(Value::Text("other".into())));
    let read = act(&world, &central, "read", key).ok();
    assert_eq!(
        read,
        json!({ "hex": null, "value": null, "shown": "withheld", "length": 5 })
    );
    // Nor why it is refused, where the reason quotes it.
    let long = json!({ "characteristic": KEY, "value": "much too long for it" });
    let refused = act(&world, &central, "write", long).problem(422);
    assert!(!refused.to_string().contains("much"), "{refused}");
}

#[test]
fn each_of_two_centrals_hears_what_the_other_writes_in_its_own_stream() {
    let world = World::demo();
    let centrals = [world.central(), world.central()];
    let ids = centrals
        .each_ref()
        .map(|it| it.rsplit_once('/').unwrap().1.to_owned());
    let mut streams = ids
        .each_ref()
        .map(|id| world.http.events(&format!("?central={id}")));
    for central in &centrals {
        let subscribe = json!({ "characteristic": NUMBER, "how": "notifications" });
        act(&world, central, "subscribe", subscribe).ok();
    }
    for (writer, value) in [(0, 11), (1, 12), (0, 13)] {
        let write = json!({ "characteristic": NUMBER, "value": value });
        act(&world, &centrals[writer], "write", write).ok();
        let heard = streams[1 - writer].next_of("central");
        assert_eq!(heard["id"].to_string(), ids[1 - writer]);
        let notification = &heard["notification"];
        assert_eq!(
            notification["value"],
            json!(value),
            "who wrote does not hear of it"
        );
        assert_eq!(notification["characteristic"], json!(NUMBER));
        assert_eq!(notification["how"], json!("notifications"));
    }
    let view = world.http.json(&format!("/api/v1/values/{NUMBER}"));
    assert_eq!(view["subscribers"].as_array().unwrap().len(), 2);
    let end = json!({ "characteristic": NUMBER, "how": null });
    act(&world, &centrals[0], "subscribe", end).ok();
    let view = world.http.json(&format!("/api/v1/values/{NUMBER}"));
    assert_eq!(view["subscribers"].as_array().unwrap().len(), 1);
    // It can be told apart what cannot be subscribed to.
    let wrong = json!({ "characteristic": NUMBER, "how": "indications" });
    let refused = act(&world, &centrals[0], "subscribe", wrong).problem(422);
    assert_eq!(refused["att"]["code"], json!(0x06));
}

#[test]
fn a_central_is_gone_a_while_after_its_stream_and_not_before() {
    let world = World::demo();
    let central = world.central();
    let id = central.rsplit_once('/').unwrap().1.to_owned();
    let stream = world.http.events(&format!("?central={id}"));
    drop(stream);
    // Who comes back in time, as a page that is loaded anew, has it still.
    let mut stream = world.http.events(&format!("?central={id}"));
    act(
        &world,
        &central,
        "read",
        json!({ "characteristic": NUMBER }),
    )
    .ok();
    let connected = |health: &Json| health["centrals"].as_array().unwrap().len();
    stream.wait_for("health", |health| connected(health) == 1);
    let mut watcher = world.http.events("");
    drop(stream);
    watcher.wait_for("health", |health| connected(health) == 0);
    act(
        &world,
        &central,
        "read",
        json!({ "characteristic": NUMBER }),
    )
    .problem(404);
}

#[test]
fn a_central_can_be_deleted_and_only_so_many_are_open() {
    let world = World::demo();
    let all: Vec<String> = (0..32).map(|_| world.central()).collect();
    let detail = world.http.post("/api/v1/centrals", &json!({})).detail(429);
    assert!(detail.contains("32"), "{detail}");
    world.http.delete(&all[0]).ok();
    world.http.delete(&all[0]).problem(404);
    world.central();
}

#[test]
fn without_a_virtual_adapter_there_are_no_virtual_centrals() {
    let yaml = DEMO.replace(
        "ble: { adapter: virtual }\n",
        "mqtt: { broker: \"127.0.0.1:1\" }\n",
    );
    let world = World::new(&yaml.replace("security: encrypted", "security: open"));
    let detail = world.http.post("/api/v1/centrals", &json!({})).detail(409);
    assert!(detail.contains("adapter: virtual"), "{detail}");
    assert_eq!(
        world.http.json("/api/v1/device")["adapter"]["kind"],
        json!("none")
    );
}
