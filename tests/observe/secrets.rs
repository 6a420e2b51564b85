//! What is not to be shown is seen nowhere.

use bemo_sync::metrics;
use bemo_sync::plugin::{Kind, Step};

use super::bemo::Bemo;
use super::mosquitto::Mosquitto;
use super::tap::Tap;
use super::watcher::Watcher;
use super::{at, cell, handle, wait, yaml};

const KEY: &str = "name: Key, access: [read, write, notify], security: encrypted, \
    value: { type: utf8, max_length: 20, pattern: \"^hush\" }, \
    mqtt: { owner: remote, state: key/changed, command: key/set, confirm_within: 100ms }";

/// What these may be came from the environment; what they are did not.
const FROM_ENVIRONMENT: [&str; 4] = [
    "value: { type: utf8, max_length: 20, pattern: \"^(${NONE:-hush}.*)?$\" }",
    "value: { type: utf8, allowed: [\"${NONE:-hush}\", hush2], initial: hush2 }",
    "value: { type: u32, max: \"${NONE:-3735928559}\", initial: 3735928558 }",
    "value: { type: u32, enum: { none: 0, hush: \"${NONE:-3735928559}\" } }",
];

#[test]
fn a_value_that_the_environment_says_something_of_appears_nowhere() {
    let characteristics = FROM_ENVIRONMENT
        .iter()
        .enumerate()
        .map(|(index, it)| format!("name: V{index}, access: [read, write, notify], {it}"));
    let characteristics: Vec<String> = characteristics.collect();
    let all: Vec<&str> = characteristics.iter().map(String::as_str).collect();
    let bemo = Bemo::start(&yaml("", &all));
    let observer = bemo.port().observer();
    let mut watcher = Watcher::of(&observer);
    let central = bemo.central();
    for index in 0..all.len() {
        let value = handle(&central, &format!("FF{:02X}", index + 1));
        wait(central.write(value, b"\xFF\xFF\xFF\xFF")).unwrap_err();
        let mut steps = watcher.until(|step| matches!(step.kind, Kind::Refused { .. }));
        for octets in [&b"hush"[..], &[0xEF, 0xBE, 0xAD, 0xDE]] {
            wait(central.write(value, octets)).ok();
        }
        let view = observer.view(cell(index)).unwrap();
        assert!(view.withheld, "{view:?}");
        wait(central.write(value, b"\xFF\xFF\xFF\xFF")).unwrap_err();
        steps.extend(watcher.until(|step| matches!(step.kind, Kind::Refused { .. })));
        let said = format!("{view:?} {steps:?}");
        for secret in ["hush", "3735928", "104, 117, 115, 104", "68757368"] {
            assert!(!said.contains(secret), "{secret} in {said}");
        }
    }
    let said = bemo.log.all().join("\n");
    for secret in ["hush", "3735928"] {
        assert!(!said.contains(secret), "{secret} in {said}");
    }
}

#[test]
fn a_value_that_only_an_encrypted_link_may_see_appears_nowhere() {
    let broker = Mosquitto::start();
    let bemo = Bemo::connected(&yaml(&at(broker.port), &[KEY]));
    let mut owner = Tap::connect(broker.port, "owner");
    broker.log.wait_for("Sending SUBACK to bemo");
    let observer = bemo.port().observer();
    let mut watcher = Watcher::of(&observer);
    let central = bemo.central();
    central
        .secure(bemo_sync::gatt::SecurityLevel::Encrypted)
        .unwrap();
    let key = handle(&central, "FF01");
    let is_accepted = |step: &Step| matches!(step.kind, Kind::Accepted(_));
    owner.publish("key/changed", "\"hush1\"");
    let mut steps = watcher.until(is_accepted);
    wait(central.write(key, b"hush2")).unwrap();
    steps.extend(watcher.until(is_accepted));
    let pending = format!("{:?}", observer.view(cell(0)));
    steps.extend(watcher.until(|step| matches!(step.kind, Kind::TakenBack { .. })));
    wait(central.write(key, b"shout hush")).unwrap_err();
    owner.publish("key/changed", "\"shout hush\"");
    for _ in 0..2 {
        steps.extend(watcher.until(|step| matches!(step.kind, Kind::Refused { .. })));
    }
    let published = steps
        .iter()
        .any(|step| step.kind.to_string().starts_with("published on key/set"));
    assert!(published, "this test has not seen all that can be seen");
    let snapshot = observer.snapshot();
    let seen = [
        format!("{steps:?}"),
        steps.iter().map(|step| step.kind.to_string()).collect(),
        pending,
        format!("{:?}", observer.view(cell(0))),
        format!("{:?}", observer.health()),
        metrics::render(&snapshot),
    ];
    let octets = [format!("{:?}", b"hush"), "68757368".to_owned()];
    for text in seen {
        for secret in [
            "hush",
            "shout",
            &octets[0][1..octets[0].len() - 1],
            &octets[1],
        ] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
    assert!(observer.view(cell(0)).unwrap().withheld);
}
