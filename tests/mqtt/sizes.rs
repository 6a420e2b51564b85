//! Messages that are too long, for the broker or for us: one of them costs neither the connection nor the
//! others nor the memory.

use bemo_sync::codec::Value;

use super::bemo::{Bemo, yaml};
use super::mosquitto::Mosquitto;
use super::program::Home;
use super::tap::Tap;
use super::{NUMBER_HERE, SILENCE, at, int};

const LONG: &str =
    "access: [read, write], value: { type: utf8, max_length: 512 }, mqtt: { state: long }";
const LONG_UNACKNOWLEDGED: &str = "access: [read, write], \
    value: { type: utf8, max_length: 512 }, mqtt: { state: { topic: long, qos: 0 } }";
const AFTER: &str = "access: [read, write], value: { type: u16 }, mqtt: { state: after }";

fn text(length: usize) -> Value {
    Value::Text("x".repeat(length).into())
}

/// mosquitto ends the connection on a packet above `max_packet_size`.
#[test]
fn what_the_broker_ends_the_connection_on_does_not_keep_the_others_from_arriving() {
    for long in [LONG, LONG_UNACKNOWLEDGED] {
        let mut broker = Mosquitto::stopped("allow_anonymous true\nmax_packet_size 200\n");
        broker.start_again();
        let bemo = Bemo::connected(&yaml(&at(broker.port), &[NUMBER_HERE, long, AFTER]));
        bemo.log.wait_for_count("publishes", 3);
        bemo.write(1, text(400)).unwrap();
        bemo.write(2, int(7)).unwrap();
        bemo.write(0, int(8)).unwrap();
        let line = bemo
            .log
            .wait_for("the MQTT broker ends the connection on this message");
        assert!(line.contains("WARN") && line.contains("long"), "{line}");
        let mut tap = Tap::on_everything(broker.port);
        while tap.next_on("after") != "7" {}
        bemo.write(2, int(9)).unwrap();
        while tap.next_on("after") != "9" {}
        let mut late = Tap::connect(broker.port, "late");
        late.subscribe("number/changed");
        assert_eq!(late.next_on("number/changed"), "{\"number\": 8}");
        // It stays connected, and takes a shorter one.
        let lost = bemo.log.count("lost the connection");
        bemo.write(1, text(100)).unwrap();
        assert_eq!(tap.next_on("long").len(), 102);
        assert!(tap.is_silent_for(SILENCE));
        assert_eq!(bemo.log.count("lost the connection"), lost);
        // And the long one as soon as there is a broker that does.
        bemo.write(1, text(401)).unwrap();
        bemo.log
            .wait_for_count("the MQTT broker ends the connection on this message", 2);
        let lost = bemo.log.count("lost the connection");
        bemo.log
            .wait_for_count("connected to the MQTT broker", lost + 1);
        broker.kill();
        broker.configure("allow_anonymous true\n");
        broker.start_again();
        wait_for_retained(broker.port, "long", 403);
    }
}

fn wait_for_retained(port: u16, topic: &str, length: usize) {
    let mut tap = Tap::connect(port, "tap");
    tap.subscribe(topic);
    while tap.next_on(topic).len() != length {}
}

/// It acknowledges what is above `message_size_limit`, and drops it.
#[test]
fn what_the_broker_drops_without_a_word_does_not_either() {
    let broker =
        Mosquitto::configured(|_| "allow_anonymous true\nmessage_size_limit 100\n".to_owned());
    let bemo = Bemo::connected(&yaml(&at(broker.port), &[LONG, AFTER]));
    let mut tap = Tap::on_everything(broker.port);
    bemo.write(0, text(400)).unwrap();
    bemo.write(1, int(7)).unwrap();
    while tap.next_on("after") != "7" {}
    bemo.write(0, text(50)).unwrap();
    assert_eq!(tap.next_on("long").len(), 52);
    assert_eq!(bemo.log.count("lost the connection"), 0);
}

/// A retained one comes again on every connection.
#[test]
fn a_message_of_100_mib_costs_neither_the_connection_nor_the_memory() {
    const LENGTH: usize = 100 * 1024 * 1024;
    let broker = Mosquitto::start();
    let mut tap = Tap::connect(broker.port, "tap");
    tap.publish_retained("number/changed", vec![b'x'; LENGTH]);
    let remote = super::NUMBER_REMOTE;
    let home = Home::with(&yaml(&at(broker.port), &[remote]));
    let program = home.start(&[]);
    let line = program.log.wait_for("cause=TooLong");
    assert!(line.contains("104857600 bytes"), "{line}");
    tap.publish_retained("number/changed", "{\"number\": 7}");
    tap.publish("number/changed", "{\"number\": 300}");
    // In its turn, on the same connection.
    program.log.wait_for("cause=OutOfRange");
    assert_eq!(program.log.count("lost the connection"), 0);
    let most = program.most_memory_kib();
    assert!(most < LENGTH / 1024, "{most} KiB");
}
