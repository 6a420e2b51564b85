//! Payloads that are no JSON, and values that take from several topics.

use bemo_sync::codec::Value;

use super::bemo::{Bemo, yaml};
use super::mosquitto::Mosquitto;
use super::tap::Tap;
use super::{SILENCE, at, int};

/// What is published of a value when it is set, and what it becomes by a payload.
fn check(characteristic: &str, set: Value, published: &[u8], taken: &[(&[u8], Value)]) {
    let broker = Mosquitto::start();
    let characteristic = format!("access: [read, write, notify], {characteristic}");
    let bemo = Bemo::connected(&yaml(&at(broker.port), &[&characteristic]));
    let mut tap = Tap::on_everything(broker.port);
    broker.log.wait_for("Sending SUBACK to bemo");
    broker.log.wait_for("Sending PUBACK to bemo");
    tap.next();
    bemo.write(0, set).unwrap();
    assert_eq!(tap.next().payload, published);
    for (payload, value) in taken {
        tap.publish("a/set", payload);
        assert_eq!(tap.next().topic, "a/set");
        assert_eq!(tap.next().topic, "a", "{payload:?} is taken");
        assert_eq!(bemo.value(0).as_ref(), Some(value));
    }
    tap.publish("a/set", [0xFF, 0xFE, 0xFD]);
    bemo.log.wait_for("refused");
}

#[test]
fn text_is_json_without_quotes() {
    let topics = "mqtt: { state: a, command: a/set, format: text }";
    check(
        &format!("value: {{ type: f64 }}, {topics}"),
        Value::Float(21.5),
        b"21.5",
        &[(b"-3", Value::Float(-3.0)), (b" 4.5\n", Value::Float(4.5))],
    );
    check(
        &format!("value: {{ type: utf8, initial: x }}, {topics}"),
        Value::Text("Living \"room\"".into()),
        b"Living \"room\"",
        &[
            (b"7", Value::Text("7".into())),
            (b"", Value::Text("".into())),
        ],
    );
    check(
        &format!("value: {{ type: u8, enum: {{ off: 0, heat: 3 }} }}, {topics}"),
        int(3),
        b"heat",
        &[(b"off", int(0))],
    );
    check(
        &format!("value: {{ type: bool }}, {topics}"),
        Value::Bool(true),
        b"true",
        &[(b"false", Value::Bool(false))],
    );
    check(
        &format!("value: {{ type: bool, enum: {{ \"OFF\": false, \"ON\": true }} }}, {topics}"),
        Value::Bool(true),
        b"ON",
        &[(b"OFF", Value::Bool(false))],
    );
}

#[test]
fn raw_is_what_is_on_the_air_and_hex_its_digits() {
    check(
        "value: { type: u16 }, mqtt: { state: a, command: a/set, format: raw }",
        int(0x1234),
        b"\x34\x12",
        &[(b"\x00\xFF", int(0xFF00))],
    );
    check(
        "value: { type: u16, endian: big }, mqtt: { state: a, command: a/set, format: hex }",
        int(0x1234),
        b"1234",
        &[(b"00fF", int(255))],
    );
}

#[test]
fn several_topics_feed_one_value() {
    let broker = Mosquitto::start();
    let fed = "access: [read, write, notify], value: { type: u8 }, \
        mqtt: { state: a, command: [a/set, { topic: \"all/{client_id}\", qos: 0 }] }";
    let bemo = Bemo::connected(&yaml(&at(broker.port), &[fed]));
    broker.log.wait_for("Sending SUBACK to bemo");
    let mut tap = Tap::connect(broker.port, "tap");
    tap.publish("a/set", "1");
    assert_eq!(bemo.next_heard(), (0, int(1)));
    tap.publish("all/bemo", "2");
    assert_eq!(bemo.next_heard(), (0, int(2)));
    assert_eq!(broker.log.count("Received SUBSCRIBE from bemo"), 1);
}

#[test]
fn what_a_remote_owner_has_said_too_long_ago_is_not_known() {
    let broker = Mosquitto::start();
    let mut owner = Tap::connect(broker.port, "owner");
    let value = "access: [read, notify], value: { type: u8 }, \
        mqtt: { owner: remote, state: a, valid_for: 500ms }";
    let bemo = Bemo::connected(&yaml(&at(broker.port), &[value]));
    broker.log.wait_for("Sending SUBACK to bemo");
    owner.publish("a", "7");
    assert_eq!(bemo.next_heard(), (0, int(7)));
    let forgotten = (0..100).any(|_| {
        assert!(
            bemo.hears_nothing_for(SILENCE),
            "nobody can be told of nothing"
        );
        bemo.value(0).is_none()
    });
    assert!(forgotten);
}
