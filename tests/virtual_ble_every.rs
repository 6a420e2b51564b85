//! Values of which every event counts, and those that tell of another value, on the virtual adapter.

mod air;

use bemo_sync::engine::{CellId, Delivery, WhenFull};
use bemo_sync::gatt::server::{Central, Subscribed};
use bemo_sync::plan::Plan;
use tokio::task::yield_now;

use air::{Air, handle};

const EVENTS: &str = r#"
version: 1
ble: { adapter: virtual }
services:
  - name: Events
    uuid: FF00
    characteristics:
      - { name: Event, uuid: FF01, access: [read, write, notify], value: { type: u8 } }
      - { name: Command, uuid: FF02, access: [write, notify], value: { type: u8 } }
      - { name: Status, uuid: FF03, access: [read, write], value: { type: u16 } }
"#;

/// The Event is one of which every event counts, and Command tells of Status.
fn every(room: usize) -> impl FnOnce(&mut Plan) {
    move |plan| {
        plan.cells[0].delivery = Delivery::Every {
            room,
            when_full: WhenFull::Reject,
        };
        let characteristics = &mut plan.services[0].characteristics;
        let status = &characteristics[2];
        characteristics[1].told = Some((status.cell, status.spec.clone()));
        // What the section has subscribed to was Command itself.
        let link = bemo_sync::engine::LinkId::new(0);
        let carries = bemo_sync::engine::Carries::State;
        plan.subscribe(bemo_sync::engine::Subscription::new(
            link,
            CellId::new(2),
            carries,
        ));
    }
}

/// Whatever can happen now has happened.
async fn rest() {
    for _ in 0..20 {
        yield_now().await;
    }
}

async fn told(central: &Central) -> Vec<Vec<u8>> {
    let mut values = Vec::new();
    rest().await;
    while let Some(notification) = central.try_notification().unwrap() {
        values.push(notification.value);
        rest().await;
    }
    values
}

#[tokio::test]
async fn every_event_is_told_in_order_also_one_like_the_last() {
    let air = Air::with(EVENTS, every(256)).await;
    let (writer, hearer) = (air.central(), air.central());
    let event = handle(&writer, "FF01");
    hearer.subscribe(event, Some(Subscribed::Notify)).unwrap();
    let numbers: Vec<Vec<u8>> = (0..100).map(|number| vec![number / 2]).collect();
    for number in &numbers {
        writer.write(event, number).await.unwrap();
    }
    assert_eq!(told(&hearer).await, numbers);
}

#[tokio::test]
async fn who_does_not_take_its_events_holds_up_the_rest_until_it_goes() {
    let air = Air::with(EVENTS, every(4)).await;
    let writer = air.central();
    let (quick, slow) = (air.central(), air.central());
    let event = handle(&writer, "FF01");
    for central in [&quick, &slow] {
        central.subscribe(event, Some(Subscribed::Notify)).unwrap();
    }
    let mut taken = 0;
    while writer.write(event, &[taken]).await.is_ok() {
        rest().await;
        taken += 1;
    }
    // 17 on their way to the slow one, the last of which it has no room after, and 4 behind.
    assert_eq!(taken, 17 + 4, "then there is no room for another");
    assert_eq!(told(&quick).await.len(), 17);
    drop(slow);
    assert_eq!(told(&quick).await.len(), 4, "all of them have been told");
    writer.write(event, &[0]).await.unwrap();
    assert_eq!(told(&quick).await, [[0]]);
}

#[tokio::test]
async fn centrals_that_vanish_leave_nothing_behind() {
    let air = Air::with(EVENTS, every(4)).await;
    let (writer, hearer) = (air.central(), air.central());
    let event = handle(&writer, "FF01");
    hearer.subscribe(event, Some(Subscribed::Notify)).unwrap();
    for number in 0..100 {
        let guest = air.central();
        let configuration = guest.read(event + 1).unwrap();
        assert_eq!(configuration, [0, 0], "who comes later has not subscribed");
        assert!(told(&guest).await.is_empty(), "and nothing waits for it");
        guest
            .subscribe(event, Some(Subscribed::Indicate))
            .unwrap_err();
        guest.subscribe(event, Some(Subscribed::Notify)).unwrap();
        guest.prepare_write(event, 0, &[0]).unwrap();
        // More than it has room for, of which it takes none.
        for _ in 0..20 {
            writer.write(event, &[number]).await.unwrap();
            rest().await;
        }
        drop(guest);
        assert_eq!(told(&hearer).await, vec![vec![number]; 20]);
        assert_eq!(air.server.connected(), 2);
    }
}

#[tokio::test]
async fn what_is_notified_may_be_another_value_than_what_is_written() {
    let air = Air::with(EVENTS, every(4)).await;
    let (writer, hearer) = (air.central(), air.central());
    let (command, status) = (handle(&writer, "FF02"), handle(&writer, "FF03"));
    hearer.subscribe(command, Some(Subscribed::Notify)).unwrap();
    writer.write(command, &[7]).await.unwrap();
    assert!(told(&hearer).await.is_empty());
    writer.write(status, &[1, 2]).await.unwrap();
    assert_eq!(told(&hearer).await, [[1, 2]]);
}
