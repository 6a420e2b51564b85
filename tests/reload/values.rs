//! What is the same to a central, though its values are declared otherwise.

use bemo_sync::gatt::AttError;
use bemo_sync::gatt::SecurityLevel;
use bemo_sync::gatt::server::RequestError;

use crate::air::handle;
use crate::bench::{Bench, subscribe, told, yaml};

const LEVEL: &str = "name: Level, uuid: FF01, access: [read, write, notify], value: { type: u8 }";
const UP_TO_10: &str =
    "name: Level, uuid: FF01, access: [read, write, notify], value: { type: u8, max: 10 }";
const OTHER: &str = "name: Other, uuid: FF02, access: [read, write, notify], value: { type: u8 }";

#[tokio::test]
async fn a_central_stays_and_hears_of_changes_and_of_nothing_else() {
    let mut bench = Bench::of(&yaml(&[&[LEVEL, OTHER]])).await;
    let (central, writer) = (bench.server.connect(), bench.server.connect());
    central.exchange_mtu(100).unwrap();
    let (level, other) = (handle(&central, "FF01"), handle(&central, "FF02"));
    subscribe(&central, level);
    subscribe(&central, other);
    writer.write(level, &[7]).await.unwrap();
    assert_eq!(told(&central).await, [(level, vec![7])]);

    // In another order of the cells: a new value stands before these, on MQTT alone to be invisible here.
    bench.reload(&yaml(&[&[UP_TO_10, OTHER]])).await;
    assert!(central.is_connected());
    assert_eq!(central.mtu(), Ok(100));
    assert_eq!(told(&central).await, [], "nothing has changed for it");
    assert_eq!(
        central.read(level).unwrap(),
        [7],
        "values keep what they hold"
    );
    assert_eq!(central.service_changed(), Ok(None));

    writer.write(other, &[3]).await.unwrap();
    writer.write(level, &[8]).await.unwrap();
    assert_eq!(told(&central).await, [(other, vec![3]), (level, vec![8])]);
    let refused = writer.write(level, &[11]).await;
    let expected = RequestError::Att(AttError::Refused);
    assert_eq!(refused, Err(expected), "the new rule holds at once");
    assert_eq!(told(&central).await, []);
}

#[tokio::test]
async fn what_a_central_has_not_taken_yet_still_comes() {
    let mut bench = Bench::of(&yaml(&[&[LEVEL, OTHER]])).await;
    let (central, writer) = (bench.server.connect(), bench.server.connect());
    let level = handle(&central, "FF01");
    subscribe(&central, level);
    // It is told, but not yet to the central, and the reload begins at once.
    writer.begin_write(level, &[5]).unwrap();
    bench.reload(&yaml(&[&[UP_TO_10, OTHER]])).await;
    assert_eq!(told(&central).await, [(level, vec![5])]);
}

#[tokio::test]
async fn a_value_that_does_not_fit_any_more_begins_anew_and_subscribers_hear_of_it() {
    let mut bench = Bench::of(&yaml(&[&[LEVEL]])).await;
    let (central, writer) = (bench.server.connect(), bench.server.connect());
    let level = handle(&central, "FF01");
    subscribe(&central, level);
    writer.write(level, &[99]).await.unwrap();
    assert_eq!(told(&central).await, [(level, vec![99])]);
    let with_initial = UP_TO_10.replace("max: 10", "max: 10, initial: 4");
    bench.reload(&yaml(&[&[&with_initial]])).await;
    assert_eq!(told(&central).await, [(level, vec![4])]);
}

#[tokio::test]
async fn a_list_of_who_may_pair_holds_at_once_and_the_window_runs_on() {
    let safe = "name: Safe, uuid: FF01, access: [read], value: { type: u8, initial: 1 }, security: encrypted";
    let with = |pairing: &str| {
        let ble = format!("ble: {{ adapter: virtual, pairing: {{ {pairing} }} }}");
        yaml(&[&[safe]]).replace("ble: { adapter: virtual }", &ble)
    };
    let mut bench = Bench::of(&with("pairable_for: 1h")).await;
    let central = bench.server.connect();
    let safe = handle(&central, "FF01");
    central.secure(SecurityLevel::Encrypted).unwrap();
    bench.reload(&with("pairable_for: 2h")).await;
    assert_eq!(central.read(safe).unwrap(), [1], "it is still paired");
    let other = bench.server.connect();
    assert!(other.secure(SecurityLevel::Encrypted).is_ok(), "still open");
    let listed = "pairable_for: 2h, allow: [ \"AA:BB:CC:DD:EE:FF\" ]";
    bench.reload(&with(listed)).await;
    let third = bench.server.connect();
    assert!(
        third.secure(SecurityLevel::Encrypted).is_err(),
        "not listed"
    );
}

#[tokio::test]
async fn the_name_and_the_advertisement_are_what_is_declared_now() {
    let mut bench = Bench::of(&yaml(&[&[LEVEL]])).await;
    let central = bench.server.connect();
    let advertised = "uuid: FF00\n  advertise: true";
    let named = yaml(&[&[LEVEL]])
        .replace("name: Box", "name: Chest")
        .replace("uuid: FF00", advertised);
    bench.reload(&named).await;
    assert!(central.is_connected());
    assert_eq!(bench.server.device_name(), "Chest");
    assert_eq!(bench.server.advertised().services.len(), 1);
}
