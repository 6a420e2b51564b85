//! Birth, will, and how a connection ends.

use super::bemo::{Bemo, yaml};
use super::fake_broker::{self, CONNECT, SUBSCRIBE};
use super::mosquitto::Mosquitto;
use super::tap::{Message, Tap};
use super::{NUMBER_HERE, PROMISE, SILENCE, at, int};

fn with_birth_and_will(broker: &Mosquitto) -> String {
    let port = broker.port;
    let section = format!(
        "{{ broker: \"127.0.0.1:{port}\", client_id: bemo, \
         birth: {{ topic: \"lamp/{{client_id}}/state\", payload: \"1\", qos: 2 }}, \
         will: {{ topic: \"lamp/{{client_id}}/state\", payload: 0, qos: 2 }} }}"
    );
    yaml(&section, &[NUMBER_HERE])
}

fn retained(payload: &[u8], retain: bool) -> Message {
    Message {
        topic: "lamp/bemo/state".to_owned(),
        payload: payload.to_vec(),
        qos: 1,
        retain,
    }
}

#[test]
fn a_clean_stop_publishes_the_will_once_and_disconnects() {
    let broker = Mosquitto::start();
    let bemo = Bemo::connected(&with_birth_and_will(&broker));
    broker.log.wait_for("Sending PUBCOMP to bemo");
    let mut tap = Tap::connect(broker.port, "tap");
    tap.subscribe("lamp/#");
    assert_eq!(tap.next(), retained(b"1", true));
    let took = bemo.stop();
    assert!(took < PROMISE, "{took:?}");
    assert_eq!(tap.next(), retained(b"0", false));
    broker.log.wait_for("Received DISCONNECT from bemo");
    assert!(
        tap.is_silent_for(SILENCE),
        "the broker has not sent the will too"
    );
    let mut late = Tap::connect(broker.port, "late");
    late.subscribe("lamp/#");
    assert_eq!(late.next(), retained(b"0", true));
}

#[test]
fn the_broker_publishes_the_will_when_the_connection_breaks() {
    let broker = Mosquitto::start();
    let bemo = Bemo::connected(&with_birth_and_will(&broker));
    broker.log.wait_for("Sending PUBCOMP to bemo");
    let mut tap = Tap::connect(broker.port, "tap");
    tap.subscribe("lamp/#");
    assert_eq!(tap.next(), retained(b"1", true));
    bemo.abort();
    assert_eq!(tap.next(), retained(b"0", false));
    assert_eq!(broker.log.count("Received DISCONNECT from bemo"), 0);
}

#[test]
fn birth_comes_before_every_state_on_every_connection() {
    let mut broker = Mosquitto::start();
    let bemo = Bemo::connected(&with_birth_and_will(&broker));
    broker.log.wait_for("Sending PUBCOMP to bemo");
    broker.kill();
    broker.start_again();
    bemo.log.wait_for_count("connected to the MQTT broker", 2);
    broker.log.wait_for_count("Sending PUBCOMP to bemo", 2);
    let published: Vec<String> = broker.log.all();
    let order: Vec<bool> = published
        .iter()
        .filter(|line| line.contains("Received PUBLISH from bemo"))
        .map(|line| line.contains("lamp/bemo/state"))
        .collect();
    assert_eq!(order, [true, false, true, false]);
}

#[test]
fn what_was_written_last_is_delivered_before_the_end() {
    let broker = Mosquitto::start();
    let bemo = Bemo::connected(&yaml(&at(broker.port), &[NUMBER_HERE]));
    bemo.write(0, int(123)).unwrap();
    bemo.stop();
    let mut tap = Tap::on_everything(broker.port);
    assert_eq!(tap.next_on("number/changed"), "{\"number\": 123}");
}

#[test]
fn a_broker_that_acknowledges_nothing_cannot_hold_up_the_end() {
    let port = fake_broker::start(|kind, body| match kind {
        CONNECT => vec![0x20, 2, 0, 0],
        SUBSCRIBE => vec![0x90, 3, body[0], body[1], 1],
        _ => Vec::new(),
    });
    let will = "{ topic: gone, payload: \"1\" }";
    let section = format!("{{ broker: \"127.0.0.1:{port}\", will: {will} }}");
    let bemo = Bemo::connected(&yaml(&section, &[NUMBER_HERE]));
    let took = bemo.stop();
    assert!(took < PROMISE, "{took:?}");
}
