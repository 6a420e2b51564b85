//! How a value stands.

use bemo_sync::codec::Cause;
use bemo_sync::plugin::{By, Kind, View};

use super::bemo::Bemo;
use super::mosquitto::Mosquitto;
use super::tap::Tap;
use super::watcher::{Watcher, arrived};
use super::{NUMBER, REMOTE, at, cell, handle, int, wait, yaml};

fn view(bemo: &Bemo, index: usize) -> View {
    bemo.port().observer().view(cell(index)).unwrap()
}

fn by(link: &'static str, who: &str) -> Option<By> {
    let who = Some(who.into());
    Some(By { link, who })
}

#[test]
fn the_origin_of_a_value_is_who_made_it_last() {
    let broker = Mosquitto::start();
    let bemo = Bemo::connected(&yaml(&at(broker.port), &[NUMBER]));
    let mut tap = Tap::connect(broker.port, "tap");
    broker.log.wait_for("Sending SUBACK to bemo");
    let central = bemo.central();
    let before = view(&bemo, 0);
    assert_eq!((before.value, before.origin), (Some(int(1)), None));
    wait(central.write(handle(&central, "FF01"), &[7])).unwrap();
    let written = view(&bemo, 0);
    assert_eq!(written.value, Some(int(7)));
    assert_eq!(written.origin, by("ble", central.address()));
    assert!(written.version > before.version);
    tap.publish("number/set", "{\"number\": 8}");
    assert_eq!(bemo.next_heard().1, int(7));
    assert_eq!(bemo.next_heard().1, int(8));
    assert_eq!(view(&bemo, 0).origin, by("mqtt", "number/set"));
}

#[test]
fn what_a_remote_owner_is_asked_for_is_told_apart_from_what_it_says() {
    let broker = Mosquitto::start();
    let bemo = Bemo::connected(&yaml(&at(broker.port), &[REMOTE]));
    let mut owner = Tap::connect(broker.port, "owner");
    broker.log.wait_for("Sending SUBACK to bemo");
    owner.publish("remote/changed", "5");
    assert_eq!(bemo.next_heard().1, int(5));
    let central = bemo.central();
    let mut watcher = Watcher::of(&bemo.port().observer());
    wait(central.write(handle(&central, "FF01"), &[6])).unwrap();
    watcher.until(arrived("mqtt"));
    let asked = view(&bemo, 0);
    assert!(asked.is_pending);
    assert_eq!(
        (asked.value, asked.desired, asked.reported),
        (Some(int(6)), Some(int(6)), Some(int(5)))
    );
    watcher.until(|step| matches!(step.kind, Kind::TakenBack { .. }));
    let back = view(&bemo, 0);
    assert!(!back.is_pending);
    assert_eq!(
        (back.value, back.desired, back.origin),
        (Some(int(5)), None, None)
    );
    assert_eq!(back.counters.taken_back, 1);
}

#[test]
fn the_last_refusal_says_who_and_why_and_the_count_goes_on() {
    let bemo = Bemo::start(&yaml(
        "",
        &["name: Small, access: [read, write], value: { type: u8, max: 9, overflow: reject }"],
    ));
    let central = bemo.central();
    let small = handle(&central, "FF01");
    assert_eq!(view(&bemo, 0).rejected, None);
    wait(central.write(small, &[1, 2])).unwrap_err();
    wait(central.write(small, &[10])).unwrap_err();
    let rejected = view(&bemo, 0).rejected.unwrap();
    assert_eq!(Some(rejected.by), by("ble", central.address()));
    assert_eq!(
        (rejected.cause, &*rejected.reason),
        (Cause::OutOfRange, "10 is outside 0 … 9")
    );
    assert_eq!(rejected.count, 2);
}

#[test]
fn a_stamp_moves_with_what_a_view_tells_and_with_nothing_else() {
    let value =
        "name: Value, access: [read, write, notify], value: { type: u8, max: 9, overflow: reject }";
    let other = value.replace("Value", "Other");
    let bemo = Bemo::start(&yaml("", &[value, &other]));
    let observer = bemo.port().observer();
    let central = bemo.central();
    let mut before = observer.stamps();
    let mut has_moved = |what: &str| {
        let after = observer.stamps();
        assert!(after[0] > before[0], "{what}");
        assert_eq!(after[1], before[1], "{what}");
        before = after;
    };
    let handle = handle(&central, "FF01");
    wait(central.write(handle, &[1])).unwrap();
    has_moved("a write");
    wait(central.write(handle, &[10])).unwrap_err();
    has_moved("a refusal");
    let notify = Some(bemo_sync::gatt::server::Subscribed::Notify);
    central.subscribe(handle, notify).unwrap();
    has_moved("a subscription");
    central.subscribe(handle, None).unwrap();
    has_moved("the end of one");
}

#[test]
fn values_of_the_same_name_are_told_apart() {
    let yaml = "version: 1\nble: { adapter: virtual }\nservices:\n\
        - { name: Left, uuid: FF00, characteristics: [&a { name: Brightness, uuid: FF01, access: [read, write], value: { type: u8 } }] }\n\
        - { name: Right, uuid: FF10, characteristics: [{ name: Brightness, uuid: FF01, access: [read, write], value: { type: u8 } }, \
            { name: Hue, uuid: FF02, access: [read, write], value: { type: u8 } }] }\n";
    let bemo = Bemo::start(&yaml.replace("&a ", ""));
    let observer = bemo.port().observer();
    let names: Vec<&str> = observer.value_names().iter().map(|name| &**name).collect();
    assert_eq!(names, ["Left / Brightness", "Right / Brightness", "Hue"]);
}
