//! The way of a value.

use bemo_sync::gatt::server::Subscribed;
use bemo_sync::plugin::{Kind, Seen, Step, What};

use super::bemo::Bemo;
use super::mosquitto::{Mosquitto, free_port};
use super::tap::Tap;
use super::watcher::{Watcher, arrived, shown, way};
use super::{NUMBER, REMOTE, at, handle, wait, yaml};

fn is_accepted(step: &Step) -> bool {
    matches!(step.kind, Kind::Accepted(_))
}

#[test]
fn a_write_can_be_followed_to_the_broker_and_to_the_other_central() {
    let broker = Mosquitto::start();
    let bemo = Bemo::connected(&yaml(&at(broker.port), &[NUMBER]));
    let (writer, hearer) = (bemo.central(), bemo.central());
    let number = handle(&writer, "FF01");
    for central in [&writer, &hearer] {
        central.subscribe(number, Some(Subscribed::Notify)).unwrap();
    }
    let mut watcher = Watcher::of(&bemo.port().observer());
    wait(writer.write(number, &[99])).unwrap();
    let steps = watcher.until(arrived("mqtt"));
    let accepted = steps.iter().find(|step| is_accepted(step)).unwrap();
    let all = way(&steps, "Number", accepted.version);
    let of = |link: &str| -> Vec<&str> {
        let start = format!("{link}: ");
        all.iter()
            .filter_map(|line| line.strip_prefix(&start))
            .collect()
    };
    let writes = format!("asked for by {}: 63", writer.address());
    let notified = format!("notified to {}", hearer.address());
    assert_eq!(
        of("ble"),
        [
            &writes,
            "accepted: 99",
            "goes out: 99",
            &notified,
            "arrived, timed: true"
        ]
    );
    let [goes_out, published, acknowledged, arrived] = of("mqtt")[..] else {
        panic!("{all:#?}");
    };
    assert_eq!(goes_out, "goes out: 99");
    let packet = published
        .strip_prefix("published on number/changed, QoS 1, retained, packet ")
        .expect("it says where and how");
    assert_eq!(acknowledged, format!("acknowledged {packet}"));
    assert_eq!(arrived, "arrived, timed: true");
    // The journal is on the way too, for the write is acknowledged when it is in there.
    assert_eq!(of("store"), ["to be kept", "arrived, timed: true"]);
}

#[test]
fn a_message_can_be_followed_and_with_qos_0_up_to_the_socket() {
    let broker = Mosquitto::start();
    let quick = "name: Quick, access: [read], value: { type: u8 }, \
        mqtt: { state: { topic: quick/changed, qos: 0, retain: false }, command: quick/set }";
    let bemo = Bemo::connected(&yaml(&at(broker.port), &[quick]));
    let mut tap = Tap::connect(broker.port, "tap");
    broker.log.wait_for("Sending SUBACK to bemo");
    let mut watcher = Watcher::of(&bemo.port().observer());
    tap.publish("quick/set", "7");
    let steps = watcher.until(arrived("mqtt"));
    let all = way(&steps, "Quick", steps.last().unwrap().version);
    let all: Vec<String> = all
        .into_iter()
        .filter(|line| line.starts_with("mqtt"))
        .collect();
    assert_eq!(
        all,
        [
            "mqtt: asked for by quick/set: 7",
            "mqtt: accepted: 7",
            "mqtt: goes out: 7",
            "mqtt: published on quick/changed, QoS 0",
            "mqtt: written",
            "mqtt: arrived, timed: true",
        ]
    );
}

#[test]
fn a_request_to_a_remote_owner_is_seen_to_be_confirmed_or_taken_back() {
    let broker = Mosquitto::start();
    let bemo = Bemo::connected(&yaml(&at(broker.port), &[REMOTE]));
    let mut owner = Tap::connect(broker.port, "owner");
    owner.subscribe("remote/set");
    broker.log.wait_for("Sending SUBACK to bemo");
    owner.publish("remote/changed", "5");
    assert_eq!(bemo.next_heard().1, super::int(5));
    let central = bemo.central();
    let remote = handle(&central, "FF01");
    let mut watcher = Watcher::of(&bemo.port().observer());
    let written = |watcher: &mut Watcher, octet| {
        wait(central.write(remote, &[octet])).unwrap();
        let steps = watcher.until(arrived("mqtt"));
        let goes_out = |step: &&std::sync::Arc<Step>| {
            step.link == Some("mqtt") && matches!(step.kind, Kind::HandedOut { .. })
        };
        let sent = steps.iter().find(goes_out).unwrap();
        assert_eq!(
            sent.kind.to_string(),
            format!("the request goes out: {octet}")
        );
        let asked = steps.iter().find(|step| is_accepted(step)).unwrap();
        assert_eq!(asked.version, sent.version);
        sent.version
    };
    let version = written(&mut watcher, 6);
    owner.publish("remote/changed", "6");
    let steps = watcher.until(|step| step.kind == Kind::Confirmed);
    assert_eq!(steps.last().unwrap().version, version);
    let reported = steps
        .iter()
        .find(|step| matches!(step.kind, Kind::Reported(_)));
    assert_eq!(
        reported.unwrap().kind.to_string(),
        "reported by remote/changed: 6"
    );
    let version = written(&mut watcher, 7);
    let steps = watcher.until(|step| matches!(step.kind, Kind::TakenBack { .. }));
    let last = steps.last().unwrap();
    assert_eq!(last.version, version);
    assert_eq!(
        last.kind.to_string(),
        "not confirmed by its owner in time: 6 again"
    );
}

#[test]
fn what_is_refused_says_from_whom_it_came_and_why() {
    let bemo = Bemo::start(&yaml("", &[NUMBER_ALONE]));
    let central = bemo.central();
    let mut watcher = Watcher::of(&bemo.port().observer());
    wait(central.write(handle(&central, "FF01"), &[201])).unwrap_err();
    let steps = watcher.until(|step| matches!(step.kind, Kind::Refused { .. }));
    let by = central.address();
    let all: Vec<String> = steps.iter().map(|step| shown(step)).collect();
    assert_eq!(
        all,
        [
            format!("ble: asked for by {by}: c9"),
            format!("ble: refused, from {by}: 201 is outside 0 … 200"),
        ]
    );
}

const NUMBER_ALONE: &str = "name: Number, access: [read, write, notify], \
    value: { type: u8, max: 200, overflow: reject, initial: 1 }";

#[test]
fn an_indication_is_seen_to_be_confirmed_by_its_central() {
    let indicated = "name: Indicated, access: [read, write, indicate], value: { type: u8 }";
    let bemo = Bemo::start(&yaml("", &[indicated]));
    let (writer, hearer) = (bemo.central(), bemo.central());
    let value = handle(&writer, "FF01");
    hearer.subscribe(value, Some(Subscribed::Indicate)).unwrap();
    let mut watcher = Watcher::of(&bemo.port().observer());
    wait(writer.write(value, &[3])).unwrap();
    let steps = watcher.until(|step| matches!(step.kind, Kind::Noted(_)));
    let told = steps.last().unwrap().clone();
    let central = Some(hearer.address().to_owned());
    let indication = true;
    let expected = What::Notified {
        central: central.clone(),
        indication,
    };
    assert_eq!(told.kind, Kind::Noted(expected));
    wait(hearer.next_notification()).unwrap();
    assert!(hearer.confirm().unwrap());
    let confirmed = watcher.until(|step| matches!(step.kind, Kind::Noted(_)));
    let last = confirmed.last().unwrap();
    assert_eq!(last.kind, Kind::Noted(What::Confirmed { central }));
    assert_eq!(last.version, told.version);
}

#[test]
fn an_event_that_finds_no_room_is_seen_to_give_way() {
    let dropping = "name: Dropping, access: [write], value: { type: u8 }, mqtt: { state: dropping }, \
        ack: accepted, delivery: { every: 2, when_full: drop_oldest }";
    let bemo = Bemo::start(&yaml(&at(free_port()), &[dropping]));
    let central = bemo.central();
    let mut watcher = Watcher::of(&bemo.port().observer());
    for octet in 1..=3 {
        wait(central.write(handle(&central, "FF01"), &[octet])).unwrap();
    }
    let steps = watcher.until(|step| step.kind == Kind::GaveWay);
    let first = steps.iter().find(|step| is_accepted(step)).unwrap();
    let gone = steps.last().unwrap();
    assert_eq!((gone.link, gone.version), (Some("mqtt"), first.version));
}

#[test]
fn who_is_slow_hears_how_much_is_lost_and_then_the_newest() {
    let bemo = Bemo::start(&yaml("", &[NUMBER_ALONE]));
    let mut watcher = Watcher::of(&bemo.port().observer());
    for number in 0..2000 {
        bemo.write(0, super::int(number % 200)).unwrap();
    }
    let Seen::Missed(count) = watcher.next_seen() else {
        panic!("nothing was lost");
    };
    assert!(count > 2000, "{count}");
    let steps = watcher.until(|step| step.link == Some("ble"));
    assert!(!steps.is_empty());
}
