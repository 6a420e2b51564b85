//! `owner: remote`: another program holds the truth; its state is followed, and writes are requests.

use super::bemo::{Bemo, yaml};
use super::mosquitto::Mosquitto;
use super::tap::{Message, Tap};
use super::{NUMBER_REMOTE, SILENCE, at, int};

#[test]
fn the_retained_state_is_followed_from_the_start() {
    let broker = Mosquitto::start();
    let mut owner = Tap::connect(broker.port, "owner");
    owner.publish_retained("number/changed", "{\"number\": 42}");
    let bemo = Bemo::start(&yaml(&at(broker.port), &[NUMBER_REMOTE]));
    assert_eq!(bemo.next_heard(), (0, int(42)));
    owner.publish("number/changed", "{\"number\": 43}");
    assert_eq!(bemo.next_heard(), (0, int(43)));
    owner.publish("number/changed", "{\"number\": 43}");
    assert!(bemo.hears_nothing_for(SILENCE), "the same again is no news");
}

#[test]
fn every_write_becomes_one_request_even_if_the_value_is_the_same() {
    let broker = Mosquitto::start();
    let mut owner = Tap::connect(broker.port, "owner");
    owner.subscribe("number/set");
    let bemo = Bemo::connected(&yaml(&at(broker.port), &[NUMBER_REMOTE]));
    let expected = Message {
        topic: "number/set".to_owned(),
        payload: b"{\"number\": 9}".to_vec(),
        qos: 1,
        retain: false,
    };
    for _ in 0..3 {
        bemo.write(0, int(9)).unwrap();
        assert_eq!(owner.next(), expected);
        assert!(owner.is_silent_for(SILENCE), "a write is one request");
        owner.publish("number/changed", "{\"number\": 9}");
    }
    // Not retained either: who comes later does not find it.
    let mut late = Tap::connect(broker.port, "late");
    late.subscribe("number/set");
    assert!(late.is_silent_for(SILENCE));
}

#[test]
fn a_report_is_not_sent_back() {
    let broker = Mosquitto::start();
    let bemo = Bemo::connected(&yaml(&at(broker.port), &[NUMBER_REMOTE]));
    let mut owner = Tap::on_everything(broker.port);
    broker.log.wait_for("Sending SUBACK to bemo");
    owner.publish("number/changed", "{\"number\": 5}");
    assert_eq!(bemo.next_heard(), (0, int(5)));
    assert_eq!(owner.next().topic, "number/changed");
    assert!(owner.is_silent_for(SILENCE));
}

#[test]
fn without_confirmation_the_last_report_comes_back() {
    let broker = Mosquitto::start();
    let bemo = Bemo::connected(&yaml(&at(broker.port), &[NUMBER_REMOTE]));
    broker.log.wait_for("Sending SUBACK to bemo");
    let mut owner = Tap::connect(broker.port, "owner");
    owner.publish("number/changed", "{\"number\": 5}");
    assert_eq!(bemo.next_heard(), (0, int(5)));
    bemo.write(0, int(9)).unwrap();
    assert_eq!(
        bemo.value(0),
        Some(int(9)),
        "what was asked for is shown at once"
    );
    assert_eq!(bemo.next_heard(), (0, int(5)));
}

#[test]
fn a_request_made_while_the_broker_is_away_is_sent_when_it_is_back() {
    let mut broker = Mosquitto::stopped("allow_anonymous true\n");
    let bemo = Bemo::start(&yaml(&at(broker.port), &[NUMBER_REMOTE]));
    bemo.log.wait_for("WARN");
    bemo.write(0, int(8)).unwrap();
    bemo.write(0, int(9)).unwrap();
    broker.start_again();
    broker
        .log
        .wait_for("Received PUBLISH from bemo (d0, q1, r0, m2, 'number/set', ... (13 bytes))");
    bemo.log.wait_for("payload=\"{\\\"number\\\": 9}\"");
    assert_eq!(
        broker.log.count("Received PUBLISH from bemo"),
        1,
        "the newest wins"
    );
}
