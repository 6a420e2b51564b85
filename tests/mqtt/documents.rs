//! Documents: several values in one JSON object on one topic.

use bemo_sync::codec::Value;

use super::bemo::Bemo;
use super::mosquitto::Mosquitto;
use super::tap::{Message, Tap};
use super::{SILENCE, int};

const HSV: usize = 0;
const BRIGHTNESS: usize = 1;
const ON: usize = 2;

/// The lamp of `examples/lampi.yaml`, at this broker.
fn lamp(port: u16) -> String {
    let yaml = std::fs::read_to_string("examples/lampi.yaml").unwrap();
    let yaml = yaml.replace("adapter: auto", "adapter: virtual");
    assert!(yaml.contains("broker: auto"));
    yaml.replace("broker: auto", &format!("broker: \"127.0.0.1:{port}\""))
}

fn hsv(hue: i128, saturation: i128) -> Value {
    Value::List([hue, saturation, 255].map(Value::Int).into())
}

const LAMP_SAYS: &str =
    r#"{"color": {"h": 0.3, "s": 0.5}, "brightness": 0.5, "on": true, "client": "lamp_ui"}"#;

/// The lamp, when it has heard what its program says first.
fn lamp_that_knows(broker: &Mosquitto) -> (Bemo, Tap) {
    let mut owner = Tap::connect(broker.port, "owner");
    owner.publish_retained("lamp/changed", LAMP_SAYS);
    let bemo = Bemo::connected(&lamp(broker.port));
    let mut heard: Vec<_> = (0..3).map(|_| bemo.next_heard()).collect();
    heard.sort_by_key(|(cell, _)| *cell);
    // 0.3 and 0.5 of 255, to the nearest.
    let expected = [
        (HSV, hsv(77, 128)),
        (BRIGHTNESS, int(128)),
        (ON, Value::Bool(true)),
    ];
    assert_eq!(heard, expected);
    owner.subscribe("lamp/set_config");
    (bemo, owner)
}

#[test]
fn the_lamp_says_that_it_is_there_and_the_broker_that_it_is_gone() {
    let broker = Mosquitto::start();
    let bemo = Bemo::connected(&lamp(broker.port));
    let mut tap = Tap::connect(broker.port, "tap");
    broker.log.wait_for("Sending PUBCOMP to lamp_bt_peripheral");
    let topic = "lamp/connection/lamp_bt_peripheral/state";
    tap.subscribe(topic);
    assert_eq!(tap.next_on(topic), "1");
    bemo.abort();
    assert_eq!(tap.next_on(topic), "0");
    broker
        .log
        .wait_for("Received PUBLISH from lamp_bt_peripheral (d0, q2, r1, m2, 'lamp/connection/");
}

#[test]
fn a_write_asks_the_lamp_for_what_has_changed_and_nothing_else() {
    let broker = Mosquitto::start();
    let (bemo, mut owner) = lamp_that_knows(&broker);
    bemo.write(BRIGHTNESS, int(255)).unwrap();
    let expected = Message {
        topic: "lamp/set_config".to_owned(),
        payload: b"{\"brightness\": 1.0, \"client\": \"lamp_bt_peripheral\"}".to_vec(),
        qos: 1,
        retain: false,
    };
    assert_eq!(owner.next(), expected);
    bemo.write(HSV, hsv(0, 255)).unwrap();
    assert_eq!(
        owner.next_on("lamp/set_config"),
        r#"{"color": {"h": 0.0, "s": 1.0}, "client": "lamp_bt_peripheral"}"#
    );
    assert!(owner.is_silent_for(SILENCE));
}

#[test]
fn our_own_message_confirms_and_is_no_news() {
    let broker = Mosquitto::start();
    let (bemo, mut owner) = lamp_that_knows(&broker);
    bemo.write(BRIGHTNESS, int(254)).unwrap();
    assert_eq!(
        owner.next_on("lamp/set_config"),
        r#"{"brightness": 1.0, "client": "lamp_bt_peripheral"}"#
    );
    let own = r#"{"brightness": 1.0, "on": true, "client": "lamp_bt_peripheral"}"#;
    owner.publish("lamp/changed", own);
    // Rounded it is what was written. Past the time in which a request has to be confirmed, too.
    assert!(bemo.hears_nothing_for(std::time::Duration::from_millis(2500)));
    assert_eq!(bemo.value(BRIGHTNESS), Some(int(254)));
    // And without a request that it could answer it says nothing.
    let own = r#"{"brightness": 0.0, "on": false, "client": "lamp_bt_peripheral"}"#;
    owner.publish("lamp/changed", own);
    assert!(bemo.hears_nothing_for(SILENCE));
    assert_eq!(bemo.value(BRIGHTNESS), Some(int(254)));
    assert_eq!(bemo.value(ON), Some(Value::Bool(true)));
}

#[test]
fn the_first_message_after_connecting_is_news_even_if_it_is_our_own() {
    let broker = Mosquitto::start();
    let mut owner = Tap::connect(broker.port, "owner");
    let own = r#"{"on": true, "client": "lamp_bt_peripheral"}"#;
    owner.publish_retained("lamp/changed", own);
    let bemo = Bemo::start(&lamp(broker.port));
    assert_eq!(bemo.next_heard(), (ON, Value::Bool(true)));
    owner.publish(
        "lamp/changed",
        r#"{"on": false, "client": "lamp_bt_peripheral"}"#,
    );
    assert!(bemo.hears_nothing_for(SILENCE));
}

#[test]
fn what_a_message_does_not_mention_stays_and_what_nobody_knows_is_ignored() {
    let broker = Mosquitto::start();
    let (bemo, mut owner) = lamp_that_knows(&broker);
    owner.publish(
        "lamp/changed",
        r#"{"color": {"s": 1}, "mood": 7, "client": "lamp_ui"}"#,
    );
    assert_eq!(bemo.next_heard(), (HSV, hsv(77, 255)));
    owner.publish("lamp/changed", "{}");
    assert!(bemo.hears_nothing_for(SILENCE));
    assert!(owner.is_silent_for(SILENCE), "a report is not sent back");
}

#[test]
fn a_wrong_key_is_refused_alone() {
    let broker = Mosquitto::start();
    let (bemo, mut owner) = lamp_that_knows(&broker);
    owner.publish("lamp/changed", r#"{"brightness": 7.5, "on": false}"#);
    assert_eq!(bemo.next_heard(), (ON, Value::Bool(false)));
    bemo.log.wait_for("value=\"Brightness\" cause=OutOfRange");
    owner.publish("lamp/changed", r#"{"brightness": 0, "on": "yes"}"#);
    assert_eq!(bemo.next_heard(), (BRIGHTNESS, int(0)));
    bemo.log.wait_for("value=\"On / Off\" cause=WrongType");
    for wrong in ["", "7", "[1]", "{\"on\": tru"] {
        owner.publish("lamp/changed", wrong);
    }
    owner.publish("lamp/changed", r#"{"on": true}"#);
    assert_eq!(bemo.next_heard(), (ON, Value::Bool(true)));
}

#[test]
fn what_nobody_confirms_comes_back() {
    let broker = Mosquitto::start();
    let (bemo, mut owner) = lamp_that_knows(&broker);
    bemo.write(ON, Value::Bool(false)).unwrap();
    assert_eq!(
        owner.next_on("lamp/set_config"),
        r#"{"on": false, "client": "lamp_bt_peripheral"}"#
    );
    assert_eq!(bemo.next_heard(), (ON, Value::Bool(true)));
}

#[test]
fn what_was_asked_for_while_the_broker_was_away_goes_into_one_message() {
    let mut broker = Mosquitto::stopped("allow_anonymous true\n");
    let bemo = Bemo::start(&lamp(broker.port));
    bemo.log.wait_for("WARN");
    bemo.write(ON, Value::Bool(true)).unwrap();
    bemo.write(BRIGHTNESS, int(0)).unwrap();
    bemo.write(BRIGHTNESS, int(255)).unwrap();
    broker.start_again();
    let payload =
        r#"payload="{\"brightness\": 1.0, \"on\": true, \"client\": \"lamp_bt_peripheral\"}""#;
    bemo.log.wait_for(payload);
    broker.log.wait_for("'lamp/set_config'");
    assert_eq!(broker.log.count("'lamp/set_config'"), 1);
}

/// A configuration with these documents and characteristics, with a UUID and a name each.
fn yaml(port: u16, documents: &str, characteristics: &[&str]) -> String {
    let yaml = super::bemo::yaml(&super::at(port), characteristics);
    yaml.replace(
        "\nservices:",
        &format!("\ndocuments: {documents}\nservices:"),
    )
}

const ROOM: &str = "{ room: { state: room/state, command: room/set } }";
const LEVEL: &str = "access: [read, write, notify], \
    value: { type: u8, max: 100, json: /level }, mqtt: { document: room }";
const LABEL: &str = "access: [read, write], \
    value: { type: utf8, json: /text/label }, mqtt: { document: room }";
const MAKER: &str = "access: [read], \
    value: { type: utf8, constant: CWRU, json: /maker }, mqtt: { document: room }";

#[test]
fn a_document_that_is_owned_here_is_published_whole_and_set_in_parts() {
    let broker = Mosquitto::start();
    let bemo = Bemo::connected(&yaml(broker.port, ROOM, &[LEVEL, LABEL, MAKER]));
    let mut tap = Tap::connect(broker.port, "tap");
    broker.log.wait_for("Sending PUBACK to bemo");
    tap.subscribe("room/state");
    let first = tap.next();
    assert!(first.retain);
    assert_eq!(
        String::from_utf8(first.payload).unwrap(),
        r#"{"level": 0, "text": {"label": ""}, "maker": "CWRU"}"#
    );
    tap.publish("room/set", r#"{"level": 7, "maker": "me", "more": []}"#);
    assert_eq!(
        tap.next_on("room/state"),
        r#"{"level": 7, "text": {"label": ""}, "maker": "CWRU"}"#
    );
    assert_eq!(bemo.next_heard(), (0, int(7)));
    assert_eq!(
        bemo.log.count("cause=Constant"),
        0,
        "a constant is no mistake of theirs"
    );
    // Out of range alone; the rest of the message counts.
    tap.publish("room/set", r#"{"level": 101, "text": {"label": "attic"}}"#);
    assert_eq!(
        tap.next_on("room/state"),
        r#"{"level": 7, "text": {"label": "attic"}, "maker": "CWRU"}"#
    );
    tap.publish("room/set", r#"{"level": 7}"#);
    assert!(
        tap.is_silent_for(SILENCE),
        "what changes nothing has no echo"
    );
}

#[test]
fn a_retained_command_for_a_document_is_one_of_the_past() {
    let broker = Mosquitto::start();
    let mut tap = Tap::connect(broker.port, "tap");
    tap.publish_retained("room/set", r#"{"level": 7}"#);
    let bemo = Bemo::connected(&yaml(broker.port, ROOM, &[LEVEL]));
    bemo.log.wait_for("cause=RetainedCommand");
    assert_eq!(bemo.value(0), Some(int(0)));
}

const WIFI: &str =
    "{ wifi: { omit_empty: true, state: { topic: wifi/apply, send: gathered, retain: false } } }";
const SSID: &str = "access: [write], value: { type: utf8, json: /ssid }, mqtt: { document: wifi }";
const PSK: &str = "access: [write], value: { type: utf8, json: /psk }, mqtt: { document: wifi }";
const APPLY: &str = "access: [write], value: { type: u8, initial: 1 }, mqtt: { gathers: wifi }";

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

#[test]
fn a_write_gathers_what_was_written_before_it_every_time() {
    let mut broker = Mosquitto::start();
    let bemo = Bemo::connected(&yaml(broker.port, WIFI, &[SSID, PSK, APPLY]));
    let mut tap = Tap::on_everything(broker.port);
    bemo.write(0, text("home")).unwrap();
    assert!(tap.is_silent_for(SILENCE), "nothing before it is gathered");
    bemo.write(2, int(1)).unwrap();
    assert_eq!(tap.next_on("wifi/apply"), r#"{"ssid": "home"}"#);
    bemo.write(1, text("secret!!")).unwrap();
    bemo.write(2, int(1)).unwrap();
    assert_eq!(
        tap.next_on("wifi/apply"),
        r#"{"ssid": "home", "psk": "secret!!"}"#
    );
    // A connection that is made anew is no write.
    bemo.log.wait_for_count("Incoming(PubAck", 2);
    broker.kill();
    bemo.log.wait_for("lost the connection");
    broker.start_again();
    let mut tap = Tap::on_everything(broker.port);
    bemo.log
        .wait_for_count("INFO bemo_sync::plugins::mqtt::client: connected to", 2);
    assert!(tap.is_silent_for(SILENCE));
    // But one while the broker is away is one when it is back.
    broker.kill();
    bemo.log.wait_for_count("lost the connection", 2);
    bemo.write(2, int(1)).unwrap();
    broker.start_again();
    broker.log.wait_for_count("Received PUBLISH from bemo", 3);
}

/// Temperature and humidity of one struct come from two documents, and a write asks the owners of both.
#[test]
fn a_struct_can_stand_in_two_documents_and_is_delivered_when_both_are() {
    let broker = Mosquitto::start();
    let documents = "{ cellar: { owner: remote, state: cellar, command: cellar/set, confirm_within: 200ms }, \
        attic: { owner: remote, state: attic, command: attic/set, confirm_within: 200ms } }";
    let both = "access: [read, write, notify], value: { type: struct, fields: [ \
        { name: low, type: u8, json: /t }, { name: high, type: u8, json: \"attic#/t\" } ] }, \
        mqtt: { document: cellar }";
    let bemo = Bemo::connected(&yaml(broker.port, documents, &[both]));
    broker.log.wait_for("Sending SUBACK to bemo");
    let mut tap = Tap::on_everything(broker.port);
    let pair = |low, high| Value::List([low, high].map(Value::Int).into());
    tap.publish("attic", r#"{"t": 30}"#);
    assert_eq!(bemo.next_heard(), (0, pair(0, 30)));
    tap.publish("cellar", r#"{"t": 10}"#);
    assert_eq!(bemo.next_heard(), (0, pair(10, 30)));
    for high in [31, 32] {
        bemo.write(0, pair(11, high)).unwrap();
        assert_eq!(tap.next_on("cellar/set"), "{\"t\": 11}");
        assert_eq!(tap.next_on("attic/set"), format!("{{\"t\": {high}}}"));
        // Nobody confirms.
        assert_eq!(bemo.next_heard(), (0, pair(10, 30)));
    }
}

#[test]
fn of_a_state_in_parts_the_broker_keeps_none() {
    let broker = Mosquitto::start();
    let room = "{ room: { state: { topic: room/state, send: changed }, command: room/set } }";
    let _bemo = Bemo::connected(&yaml(broker.port, room, &[LEVEL, LABEL]));
    // What the values begin with is published too, before anybody listens.
    broker.log.wait_for("Received PUBLISH from bemo");
    let mut tap = Tap::connect(broker.port, "tap");
    tap.subscribe("room/state");
    tap.publish("room/set", r#"{"level": 7}"#);
    assert_eq!(tap.next_on("room/state"), r#"{"level": 7}"#);
    let mut late = Tap::connect(broker.port, "late");
    late.subscribe("room/state");
    assert!(late.is_silent_for(SILENCE), "a part is not the state");
}
