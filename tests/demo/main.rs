//! The demo and the tutorial's pair, as the files in this repository declare them, on the virtual adapter
//! and a real broker: what the lab shows with a real BlueZ, in a second or two.

#[path = "../support/bemo.rs"]
mod bemo;
#[path = "../support/lines.rs"]
mod lines;
#[path = "../support/mosquitto.rs"]
mod mosquitto;
mod phone;
#[path = "../support/tap.rs"]
mod tap;

use bemo::Bemo;
use bemo_sync::gatt::AttError;
use mosquitto::Mosquitto;
use phone::{NUMBER, Phone};
use tap::Tap;

/// A configuration of this repository, with the test's own broker and nothing on the air.
fn file(path: &str, broker: &Mosquitto) -> String {
    let source = std::fs::read_to_string(path).expect("it is part of the repository");
    let auto = "broker: auto";
    assert!(source.contains(auto), "{path}");
    source
        .replace(auto, &format!("broker: 127.0.0.1:{}", broker.port))
        .replace("adapter: auto", "adapter: virtual")
        .replace("console: {}", "")
}

fn number(value: u8) -> String {
    format!("{{\"number\": {value}}}")
}

/// Passes over what was said before a number; that is not much.
fn tap_until(tap: &mut Tap, value: u8) {
    let said: Vec<String> = (0..5)
        .map_while(|_| {
            let payload = tap.next_on("number/changed");
            (payload != number(value)).then_some(payload)
        })
        .collect();
    assert!(said.len() < 5, "no {value}, but {said:?}");
}

#[test]
fn a_phone_finds_the_service_by_name_and_uuid_with_its_descriptors() {
    let broker = Mosquitto::start();
    let bemo = Bemo::connected(&file("services.yaml", &broker));
    let phone = Phone::connect(&bemo);
    assert_eq!(phone.device_name(), "Lampi-Test");
    assert_eq!(phone.advertised(), ["7a4bbfe6-999f-4717-b63a-066e06971f59"]);
    assert_eq!(phone.descriptor(NUMBER, "0x2901"), b"Some Number");
    assert_eq!(phone.descriptor(NUMBER, "0x2904"), [4, 0, 0, 0x27, 1, 0, 0]);
    assert_eq!(phone.read("0x2A29"), b"CWRU");
    assert_eq!(phone.read("0x2A24"), b"LAMPI");
    assert_eq!(phone.read("0x2A25"), b"123456");
}

#[test]
fn every_tick_is_notified_and_published_in_step() {
    let broker = Mosquitto::start();
    let mut tap = Tap::on_everything(broker.port);
    let bemo = Bemo::connected(&file("services.yaml", &broker));
    let phone = Phone::connect(&bemo);
    assert_eq!(
        tap.next_on("number/changed"),
        number(0),
        "the initial value"
    );
    phone.subscribe(NUMBER);
    for value in 1..=3 {
        assert_eq!(phone.next_notification(), [value]);
        assert_eq!(tap.next_on("number/changed"), number(value));
    }
}

#[test]
fn a_write_is_published_at_once_and_counted_on_from() {
    let broker = Mosquitto::start();
    let mut tap = Tap::on_everything(broker.port);
    let bemo = Bemo::connected(&file("services.yaml", &broker));
    let phone = Phone::connect(&bemo);
    let other = Phone::connect(&bemo);
    phone.subscribe(NUMBER);
    other.subscribe(NUMBER);
    // Right after a tick there is a second in which nothing else happens.
    phone.next_notification();
    other.next_notification();
    phone.write(NUMBER, &[99]).unwrap();
    assert_eq!(phone.read(NUMBER), [99]);
    // The other phone hears of the write; the one that wrote hears of the next step only.
    assert_eq!(other.next_notification(), [99]);
    assert_eq!(other.next_notification(), [100]);
    assert_eq!(phone.next_notification_after_writing(99), [100]);
    tap_until(&mut tap, 99);
    assert_eq!(tap.next_on("number/changed"), number(100));
}

#[test]
fn after_255_comes_0() {
    let broker = Mosquitto::start();
    let mut tap = Tap::on_everything(broker.port);
    let bemo = Bemo::connected(&file("services.yaml", &broker));
    let phone = Phone::connect(&bemo);
    phone.subscribe(NUMBER);
    phone.next_notification();
    phone.write(NUMBER, &[255]).unwrap();
    assert_eq!(phone.read(NUMBER), [255]);
    assert_eq!(phone.next_notification_after_writing(255), [0]);
    tap_until(&mut tap, 255);
    assert_eq!(tap.next_on("number/changed"), number(0));
}

#[test]
fn a_wrong_length_is_refused_and_changes_nothing() {
    let broker = Mosquitto::start();
    let mut tap = Tap::on_everything(broker.port);
    let bemo = Bemo::connected(&file("services.yaml", &broker));
    let phone = Phone::connect(&bemo);
    phone.write(NUMBER, &[50]).unwrap();
    tap_until(&mut tap, 50);
    for wrong in [&[1, 2][..], &[]] {
        assert_eq!(
            phone.write(NUMBER, wrong),
            Err(AttError::InvalidAttributeValueLength)
        );
    }
    assert_eq!(tap.next_on("number/changed"), number(51));
}

#[test]
fn the_tutorials_pair_meets_on_its_two_topics() {
    let broker = Mosquitto::start();
    let mut tap = Tap::on_everything(broker.port);
    let _service = Bemo::connected(&file("examples/tutorial/number-service.yaml", &broker));
    let peripheral = Bemo::connected(&file("examples/tutorial/peripheral.yaml", &broker));
    let phone = Phone::connect(&peripheral);
    phone.subscribe(NUMBER);
    let first = phone.next_notification()[0];
    assert_eq!(phone.next_notification(), [first + 1]);
    tap_until(&mut tap, first + 1);
    phone.write(NUMBER, &[99]).unwrap();
    assert_eq!(phone.read(NUMBER), [99], "it is shown at once");
    assert_eq!(phone.next_notification_after_writing(99), [100]);
    let mut said = Vec::new();
    while said.last() != Some(&("number/changed".to_owned(), number(100))) {
        let message = tap.next();
        said.push((message.topic, String::from_utf8(message.payload).unwrap()));
    }
    let requests = said
        .iter()
        .filter(|(topic, _)| topic == "number/set")
        .count();
    assert_eq!(requests, 1, "{said:?}");
    let of_99: Vec<_> = said
        .iter()
        .filter(|(_, payload)| *payload == number(99))
        .collect();
    assert_eq!(
        of_99.len(),
        2,
        "asked for and confirmed, once each: {said:?}"
    );
}

#[test]
fn the_peripheral_works_with_any_service_that_speaks_the_contract() {
    let broker = Mosquitto::start();
    let peripheral = Bemo::connected(&file("examples/tutorial/peripheral.yaml", &broker));
    // What is said before, and not retained, nobody hears.
    broker.log.wait_for("Sending SUBACK to bemo_bt");
    let phone = Phone::connect(&peripheral);
    assert_eq!(
        phone.try_read(NUMBER),
        Err(AttError::Refused),
        "nobody has said what it is"
    );
    phone.subscribe(NUMBER);
    let mut service = Tap::connect(broker.port, "somebody");
    service.subscribe("number/set");
    service.publish("number/changed", r#"{"number":7,"more":[1,{"number":8}]}"#);
    assert_eq!(phone.next_notification(), [7]);
    phone.write(NUMBER, &[200]).unwrap();
    assert_eq!(service.next_on("number/set"), number(200));
    phone.write(NUMBER, &[200]).unwrap();
    assert_eq!(service.next_on("number/set"), number(200), "on every write");
}

#[test]
fn the_service_works_with_any_peripheral_that_speaks_the_contract() {
    let broker = Mosquitto::start();
    let mut peripheral = Tap::on_everything(broker.port);
    let _service = Bemo::connected(&file("examples/tutorial/number-service.yaml", &broker));
    assert_eq!(peripheral.next_on("number/changed"), number(0));
    assert_eq!(peripheral.next_on("number/changed"), number(1));
    peripheral.publish("number/set", r#"{"number": 255}"#);
    tap_until(&mut peripheral, 255);
    assert_eq!(
        peripheral.next_on("number/changed"),
        number(0),
        "255 is confirmed, 0 comes next"
    );
    for wrong in [
        "{}",
        "{\"number\": 300.5}",
        "not JSON",
        "{\"number\": \"1\"}",
        "",
    ] {
        peripheral.publish("number/set", wrong);
    }
    assert_eq!(
        peripheral.next_on("number/changed"),
        number(1),
        "and it goes on"
    );
}
