//! What is declared no more is taken away from Home Assistant, and nothing else is.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value as Json, json};

use super::assistant::Assistant;
use super::installed;
use super::mosquitto::Mosquitto;
use super::program::Home;
use super::tap::Tap;

/// Long enough for what must not come to have come.
const SILENCE: Duration = Duration::from_millis(1500);

/// A device of this name, with so many values.
fn yaml(port: u16, device: &str, home_assistant: &str, values: usize) -> String {
    let mut yaml = format!(
        "version: 1\ndevice: {{ name: Box }}\nmqtt: {{ broker: \"127.0.0.1:{port}\", client_id: {device}{home_assistant} }}\n\
         services:\n  - name: S\n    uuid: 180F\n    characteristics:\n"
    );
    for number in 0..values {
        yaml.push_str(&format!(
            "      - {{ name: V{number}, uuid: a00{number}, access: [read], value: {{ type: u8, initial: {number} }}, \
             mqtt: {{ state: v/{number} }} }}\n"
        ));
    }
    yaml
}

const TOLD: &str = ", home_assistant: true";
const OTHERS: &str = "homeassistant/device/other/config";
const THEIRS: &str = r#"{"dev": {"ids": ["other"]}, "o": {"name": "somebody"}, "cmps": {}}"#;

fn topic(device: &str) -> String {
    format!("homeassistant/device/{device}/config")
}

fn components(document: &str) -> Vec<String> {
    let document: Json = serde_json::from_str(document).expect("it is JSON");
    let all = document["cmps"].as_object().expect("components");
    all.iter()
        .map(|(key, it)| {
            format!(
                "{key} {}",
                it.as_object().map_or(0, serde_json::Map::len) > 1
            )
        })
        .collect()
}

/// What is published on a topic from now on.
fn hears(broker: &Mosquitto, filter: &str) -> Tap {
    let mut tap = Tap::connect(broker.port, "hears");
    tap.subscribe(filter);
    tap
}

#[test]
fn a_component_that_is_no_more_is_taken_away_once_also_after_the_disk_was_wiped() {
    let broker = Mosquitto::start();
    let mut tap = hears(&broker, &topic("box"));
    let homes = [Home::new(), Home::new()];
    let program = homes[0].start(&yaml(broker.port, "box", TOLD, 2));
    let first = tap.next_on(&topic("box"));
    assert_eq!(
        components(&first),
        ["180f_a000_sensor true", "180f_a001_sensor true"]
    );
    program.stop();
    // A new home: nothing is remembered on the disk.
    let program = homes[1].start(&yaml(broker.port, "box", TOLD, 1));
    let second = tap.next_on(&topic("box"));
    assert_eq!(
        components(&second),
        ["180f_a000_sensor true", "180f_a001_sensor false"]
    );
    let third = tap.next_on(&topic("box"));
    assert_eq!(components(&third), ["180f_a000_sensor true"]);
    program.stop();
    // As it is to be, nothing is published.
    let _program = homes[1].start(&yaml(broker.port, "box", TOLD, 1));
    assert_eq!(tap.next_within(SILENCE), None);
}

#[test]
fn what_others_keep_is_left_alone() {
    let broker = Mosquitto::start();
    let mut other = Tap::connect(broker.port, "other");
    other.publish_retained(OTHERS, THEIRS);
    let home = Home::new();
    let program = home.start(&yaml(broker.port, "other", TOLD, 1));
    program
        .log
        .wait_for("somebody else has told Home Assistant of a device");
    program.stop();
    // Nor is it ours to take away.
    let program = home.start(&yaml(broker.port, "box", TOLD, 1));
    hears(&broker, &topic("box")).next_on(&topic("box"));
    program.stop();
    let mut tap = hears(&broker, OTHERS);
    assert_eq!(tap.next_on(OTHERS), THEIRS);
}

#[test]
fn when_home_assistant_has_started_it_is_told_again() {
    let broker = Mosquitto::start();
    let mut tap = hears(&broker, &topic("box"));
    let home = Home::new();
    let _program = home.start(&yaml(broker.port, "box", TOLD, 1));
    let first = tap.next_on(&topic("box"));
    tap.publish("homeassistant/status", "online");
    // Within five seconds: all devices of a house do so, and not at once.
    assert_eq!(tap.next_on(&topic("box")), first);
}

#[test]
fn home_assistant_loses_what_is_declared_no_more_and_a_device_that_is_called_otherwise() {
    let Some(python) = installed() else { return };
    let broker = Mosquitto::start();
    let mut other = Tap::connect(broker.port, "other");
    other.publish_retained(OTHERS, THEIRS);
    let mut assistant = Assistant::start(&python, broker.port);
    let home = Home::new();
    let program = home.start(&yaml(broker.port, "box", TOLD, 2));
    assistant.wait_for("sensor.box_v0", "0");
    assistant.wait_for("sensor.box_v1", "1");
    program.stop();

    // One value less.
    let program = home.start(&yaml(broker.port, "box", TOLD, 1));
    assistant.wait_for("sensor.box_v1", Json::Null);
    assistant.wait_for("sensor.box_v0", "0");
    let unique = |assistant: &mut Assistant| -> Vec<Json> {
        let all = assistant.entities();
        all.iter().map(|it| it["unique_id"].clone()).collect()
    };
    assert_eq!(unique(&mut assistant), [json!("box_180f_a000")]);
    program.stop();

    // Another name.
    let program = home.start(&yaml(broker.port, "chest", TOLD, 1));
    let renamed = hears(&broker, &topic("chest")).next_on(&topic("chest"));
    assert_eq!(components(&renamed), ["180f_a000_sensor true"]);
    super::living::waits("the old one goes, the new one comes", || {
        unique(&mut assistant) == [json!("chest_180f_a000")]
    });
    program.stop();

    // Not at all.
    let program = home.start(&yaml(broker.port, "chest", "", 1));
    super::living::waits("all is gone", || unique(&mut assistant).is_empty());
    program.stop();
    let mut tap = hears(&broker, "homeassistant/device/+/config");
    let kept = tap.next();
    assert_eq!((kept.topic.as_str(), kept.retain), (OTHERS, true));
    assert_eq!(tap.next_within(SILENCE), None, "of ours nothing is kept");
}

/// A document that is longer than the broker takes costs nothing but itself.
#[test]
fn a_document_that_the_broker_does_not_take_keeps_nothing_else_from_arriving() {
    let broker =
        Mosquitto::configured(|_| "allow_anonymous true\nmax_packet_size 400\n".to_owned());
    let home = Home::new();
    let program = home.start(&yaml(broker.port, "box", TOLD, 3));
    let line = program
        .log
        .wait_for("the MQTT broker ends the connection on this message");
    assert!(line.contains(&topic("box")), "{line}");
    assert_eq!(hears(&broker, "v/2").next_on("v/2"), "2");
}

/// A configuration that is read anew on the same connection.
#[test]
fn a_changed_configuration_is_told_of_and_what_it_lacks_is_taken_away() {
    let broker = Mosquitto::start();
    let mut tap = hears(&broker, &topic("box"));
    let home = Home::new();
    let program = home.start(&yaml(broker.port, "box", TOLD, 2));
    tap.next_on(&topic("box"));
    // The values on the air stay: Home Assistant alone is not to be shown the second.
    let less = yaml(broker.port, "box", TOLD, 2)
        .replace("state: v/1 }", "state: v/1, home_assistant: false }");
    home.write(&less);
    program.signal(Signal::HUP);
    let gone = tap.next_on(&topic("box"));
    assert_eq!(
        components(&gone),
        ["180f_a000_sensor true", "180f_a001_sensor false"]
    );
    let then = tap.next_on(&topic("box"));
    assert_eq!(components(&then), ["180f_a000_sensor true"]);
    assert_eq!(program.log.count("connected to the MQTT broker"), 1);
}
