//! Where every event counts, each comes once, whatever comes in between.

use crate::air::handle;
use crate::bench::{Bench, subscribe, told, yaml};

const EVERY: &str = "name: Keys, uuid: FF01, access: [read, write, notify], value: { type: u8 }, \
    delivery: every";

fn octets(told: Vec<(u16, Vec<u8>)>) -> Vec<u8> {
    told.into_iter().flat_map(|(_, octets)| octets).collect()
}

#[tokio::test]
async fn events_that_wait_for_a_central_come_after_a_reload_once_each() {
    let mut bench = Bench::of(&yaml(&[&[EVERY]])).await;
    let (slow, quick) = (bench.server.connect(), bench.server.connect());
    let writer = bench.server.connect();
    let keys = handle(&slow, "FF01");
    subscribe(&slow, keys);
    subscribe(&quick, keys);
    let mut heard = Vec::new();
    for round in 0..5u8 {
        for number in 0..5 {
            // More than there is room for at once: the last waits for the slow one.
            writer.write(keys, &[round * 5 + number]).await.unwrap();
            heard.extend(octets(told(&quick).await));
        }
        bench.reload(&yaml(&[&[EVERY]])).await;
    }
    let mut late = Vec::new();
    loop {
        let more = octets(told(&slow).await);
        heard.extend(octets(told(&quick).await));
        if more.is_empty() {
            break;
        }
        late.extend(more);
    }
    let all: Vec<u8> = (0..25).collect();
    assert_eq!(heard, all, "who takes them has each once");
    assert_eq!(late, all, "and so has who was late");
}

#[tokio::test]
async fn who_takes_nothing_holds_back_the_next_through_many_reloads() {
    let mut bench = Bench::of(&yaml(&[&[EVERY]])).await;
    let (slow, writer) = (bench.server.connect(), bench.server.connect());
    let keys = handle(&slow, "FF01");
    subscribe(&slow, keys);
    for key in 0..50 {
        // More wait than there is room for, in the queue of the declaration.
        writer.write(keys, &[key]).await.unwrap();
        told(&writer).await;
        bench.reload(&yaml(&[&[EVERY]])).await;
    }
    let mut at_once = 0;
    while slow.try_notification().unwrap().is_some() {
        at_once += 1;
    }
    assert!((1..20).contains(&at_once), "{at_once} wait for one central");
}

#[tokio::test]
async fn the_newest_only_or_each_of_them_can_change_for_who_has_subscribed() {
    let latest = EVERY.replace("delivery: every", "delivery: latest");
    let mut bench = Bench::of(&yaml(&[&[&latest]])).await;
    let (central, writer) = (bench.server.connect(), bench.server.connect());
    let keys = handle(&central, "FF01");
    subscribe(&central, keys);
    bench.reload(&yaml(&[&[EVERY]])).await;
    for key in [1, 2, 2, 3] {
        writer.write(keys, &[key]).await.unwrap();
    }
    assert_eq!(octets(told(&central).await), [1, 2, 2, 3]);
    bench.reload(&yaml(&[&[&latest]])).await;
    for key in [4, 5, 6] {
        writer.write(keys, &[key]).await.unwrap();
    }
    assert_eq!(octets(told(&central).await), [6]);
}
