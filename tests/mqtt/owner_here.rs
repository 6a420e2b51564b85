//! `owner: here`: what this process holds is published, and commands set it.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::bemo::{Bemo, yaml};
use super::mosquitto::Mosquitto;
use super::tap::{Message, Tap};
use super::{NUMBER_HERE, SILENCE, at, int};

#[test]
fn the_state_is_published_retained_on_connecting_byte_for_byte() {
    let broker = Mosquitto::start();
    let bemo = Bemo::connected(&yaml(&at(broker.port), &[NUMBER_HERE]));
    // In the broker once it is acknowledged; whoever comes then finds it retained.
    broker.log.wait_for("Sending PUBACK to bemo");
    let mut tap = Tap::on_everything(broker.port);
    let expected = Message {
        topic: "number/changed".to_owned(),
        payload: b"{\"number\": 1}".to_vec(),
        qos: 1,
        retain: true,
    };
    assert_eq!(tap.next(), expected);
    drop(bemo);
}

#[test]
fn mosquitto_sub_prints_the_tutorials_line_and_mosquitto_pub_sets_the_value() {
    let broker = Mosquitto::start();
    let port = broker.port.to_string();
    let _bemo = Bemo::connected(&yaml(&at(broker.port), &[NUMBER_HERE]));
    let mut subscriber = Command::new("mosquitto_sub")
        .args([
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-v",
            "-t",
            "number/changed",
            "-C",
            "2",
            "-W",
            "20",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .expect("mosquitto-clients is installed");
    let mut lines = BufReader::new(subscriber.stdout.take().unwrap()).lines();
    assert_eq!(
        lines.next().unwrap().unwrap(),
        "number/changed {\"number\": 1}"
    );
    let published = Command::new("mosquitto_pub")
        .args([
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-q",
            "1",
            "-t",
            "number/set",
        ])
        .args(["-m", "{\"number\": 99}"])
        .status()
        .unwrap();
    assert!(published.success());
    assert_eq!(
        lines.next().unwrap().unwrap(),
        "number/changed {\"number\": 99}"
    );
    subscriber.wait().unwrap();
}

#[test]
fn a_command_sets_the_value_and_is_answered_once() {
    let broker = Mosquitto::start();
    let bemo = Bemo::connected(&yaml(&at(broker.port), &[NUMBER_HERE]));
    let mut tap = Tap::connect(broker.port, "tap");
    tap.subscribe("number/changed");
    assert_eq!(tap.next_on("number/changed"), "{\"number\": 1}");
    tap.publish("number/set", "{\"number\": 99}");
    assert_eq!(tap.next_on("number/changed"), "{\"number\": 99}");
    assert_eq!(bemo.next_heard(), (0, int(99)));
    tap.publish("number/set", "{\"number\": 99}");
    assert!(
        tap.is_silent_for(SILENCE),
        "a command that changes nothing has no echo"
    );
    assert!(bemo.hears_nothing_for(SILENCE));
}

#[test]
fn what_a_central_writes_is_published_once() {
    let broker = Mosquitto::start();
    let bemo = Bemo::connected(&yaml(&at(broker.port), &[NUMBER_HERE]));
    let mut tap = Tap::on_everything(broker.port);
    assert_eq!(tap.next_on("number/changed"), "{\"number\": 1}");
    bemo.write(0, int(255)).unwrap();
    assert_eq!(tap.next_on("number/changed"), "{\"number\": 255}");
    assert!(tap.is_silent_for(SILENCE));
}

#[test]
fn a_retained_command_is_a_command_of_the_past() {
    let broker = Mosquitto::start();
    let mut tap = Tap::connect(broker.port, "tap");
    tap.publish_retained("number/set", "{\"number\": 99}");
    let bemo = Bemo::connected(&yaml(&at(broker.port), &[NUMBER_HERE]));
    bemo.log.wait_for("cause=RetainedCommand");
    assert_eq!(bemo.value(0), Some(int(1)));
    // The same command sent now is one of now.
    tap.publish("number/set", "{\"number\": 99}");
    assert_eq!(bemo.next_heard(), (0, int(99)));
}

#[test]
fn quality_and_retain_are_as_declared() {
    let broker = Mosquitto::start();
    let quick = "access: [read, write], value: { type: u8 }, \
        mqtt: { state: { topic: quick, qos: 0, retain: false } }";
    let exact = "access: [read, write], value: { type: u8 }, \
        mqtt: { state: { topic: \"{client_id}/exact\", qos: 2 } }";
    let mut tap = Tap::on_everything(broker.port);
    let bemo = Bemo::connected(&yaml(&at(broker.port), &[quick, exact]));
    let published = [tap.next(), tap.next()].map(|message| (message.topic, message.payload));
    assert_eq!(
        published,
        [
            ("quick".into(), b"0".to_vec()),
            ("bemo/exact".into(), b"0".to_vec())
        ]
    );
    broker
        .log
        .wait_for("Received PUBLISH from bemo (d0, q0, r0, m0, 'quick'");
    broker
        .log
        .wait_for("Received PUBLISH from bemo (d0, q2, r1, m1, 'bemo/exact'");
    // Each is delivered in its own way, so each can be sent again.
    for value in [7, 8] {
        bemo.write(0, int(value)).unwrap();
        assert_eq!(tap.next_on("quick"), value.to_string());
        bemo.write(1, int(value)).unwrap();
        assert_eq!(tap.next_on("bemo/exact"), value.to_string());
    }
}

#[test]
fn one_command_topic_feeds_many_values() {
    let broker = Mosquitto::start();
    let on =
        "access: [read], value: { type: bool }, mqtt: { command: lamp, payload: { on: $value } }";
    let level =
        "access: [read], value: { type: u8 }, mqtt: { command: lamp, payload: { level: $value } }";
    let bemo = Bemo::connected(&yaml(&at(broker.port), &[on, level]));
    broker.log.wait_for("Sending SUBACK to bemo");
    let mut tap = Tap::connect(broker.port, "tap");
    tap.publish("lamp", "{\"on\": true, \"level\": 7}");
    assert_eq!(bemo.next_heard().0 + bemo.next_heard().0, 1);
    assert_eq!(bemo.value(0), Some(bemo_sync::codec::Value::Bool(true)));
    assert_eq!(bemo.value(1), Some(int(7)));
    assert_eq!(broker.log.count("Received SUBSCRIBE from bemo"), 1);
}

#[test]
fn the_newest_value_wins_and_nothing_is_left_behind_in_a_burst() {
    let broker = Mosquitto::start();
    let wide = "access: [read, write], value: { type: u32 }, mqtt: { state: burst }";
    let bemo = Bemo::connected(&yaml(&at(broker.port), &[wide]));
    let mut tap = Tap::on_everything(broker.port);
    for value in 1..=5000 {
        bemo.write(0, int(value)).unwrap();
    }
    let mut last = String::new();
    while last != "5000" {
        last = tap.next_on("burst");
    }
    assert!(tap.is_silent_for(SILENCE));
}

#[test]
fn events_that_are_not_retained_do_not_happen_again_on_a_new_connection() {
    let mut broker = Mosquitto::start();
    let bell = "access: [write], value: { type: u8, initial: 1 }, delivery: every, \
        mqtt: { state: { topic: bell, retain: false } }";
    let bemo = Bemo::connected(&yaml(&at(broker.port), &[bell]));
    let mut tap = Tap::on_everything(broker.port);
    assert!(tap.is_silent_for(SILENCE), "nobody has rung yet");
    for _ in 0..2 {
        bemo.write(0, int(1)).unwrap();
        assert_eq!(tap.next_on("bell"), "1");
    }
    bemo.log.wait_for_count("Incoming(PubAck", 2);
    broker.kill();
    bemo.log.wait_for("lost the connection");
    bemo.write(0, int(7)).unwrap();
    broker.start_again();
    bemo.log.wait_for_count("Incoming(PubAck", 3);
    let mut tap = Tap::on_everything(broker.port);
    assert!(tap.is_silent_for(SILENCE));
    assert_eq!(broker.log.count("Received PUBLISH from bemo"), 3);
}
