//! Whatever arrives: the value stays what it was, the reason is counted and logged once, and the next
//! good message works.

use super::bemo::{Bemo, yaml};
use super::mosquitto::Mosquitto;
use super::tap::Tap;
use super::{NUMBER_HERE, NUMBER_REMOTE, at, int};

/// Every bad payload, and the cause that it is counted under.
fn bad_payloads() -> Vec<(Vec<u8>, &'static str)> {
    let mut huge = b"{\"number\": 7, \"rest\": \"".to_vec();
    huge.resize(10 * 1024 * 1024, b'x');
    huge.extend(b"\"}");
    vec![
        (b"{\"number\": 7".to_vec(), "MalformedJson"),
        (b"".to_vec(), "MalformedJson"),
        (b"{\"number\": 7} {}".to_vec(), "MalformedJson"),
        (b"{}".to_vec(), "MissingKey"),
        (b"[7]".to_vec(), "MissingKey"),
        (b"{\"number\": \"7\"}".to_vec(), "WrongType"),
        (b"{\"number\": 7.5}".to_vec(), "WrongType"),
        (b"{\"number\": 300}".to_vec(), "OutOfRange"),
        (b"{\"number\": -1}".to_vec(), "OutOfRange"),
        (b"{\"number\": 7, \"x\": \"\xFF\"}".to_vec(), "InvalidUtf8"),
        (huge, "TooLong"),
    ]
}

fn check(bemo: &Bemo, tap: &mut Tap, topic: &str, before: i128) {
    for (payload, cause) in bad_payloads() {
        tap.publish(topic, &payload);
        bemo.log.wait_for(&format!("cause={cause}"));
        assert_eq!(bemo.value(0), Some(int(before)), "{cause}");
    }
    tap.publish(topic, "{\"number\": 99}");
    assert_eq!(bemo.next_heard(), (0, int(99)));
    for cause in [
        "MalformedJson",
        "MissingKey",
        "WrongType",
        "OutOfRange",
        "InvalidUtf8",
        "TooLong",
    ] {
        let said = bemo.log.count(&format!("cause={cause}"));
        assert_eq!(said, 1, "{cause} is said once");
    }
    let lost = bemo.log.count("lost the connection");
    assert_eq!(lost, 0, "no message can break the connection");
}

#[test]
fn a_bad_command_changes_nothing() {
    let broker = Mosquitto::start();
    let bemo = Bemo::connected(&yaml(&at(broker.port), &[NUMBER_HERE]));
    broker.log.wait_for("Sending SUBACK to bemo");
    check(
        &bemo,
        &mut Tap::connect(broker.port, "tap"),
        "number/set",
        1,
    );
}

#[test]
fn a_bad_report_changes_nothing() {
    let broker = Mosquitto::start();
    let bemo = Bemo::connected(&yaml(&at(broker.port), &[NUMBER_REMOTE]));
    broker.log.wait_for("Sending SUBACK to bemo");
    let mut tap = Tap::connect(broker.port, "tap");
    tap.publish("number/changed", "{\"number\": 2}");
    assert_eq!(bemo.next_heard(), (0, int(2)));
    check(&bemo, &mut tap, "number/changed", 2);
}

#[test]
fn a_payload_is_cut_in_the_log() {
    let broker = Mosquitto::start();
    let bemo = Bemo::connected(&yaml(&at(broker.port), &[NUMBER_HERE]));
    broker.log.wait_for("Sending SUBACK to bemo");
    Tap::connect(broker.port, "tap").publish("number/set", "x".repeat(5000));
    let line = bemo.log.wait_for("received");
    assert!(
        line.contains("xxx… (5000 bytes)") && line.len() < 500,
        "{line}"
    );
    assert!(line.contains("DEBUG"));
}
