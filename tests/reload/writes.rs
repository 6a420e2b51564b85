//! What a central was told is accepted gets where it has to, whatever comes in between.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::air::handle;
use crate::bench::{Bench, yaml};
use crate::mosquitto::{Mosquitto, PATIENCE};
use crate::tap::Tap;

const RELOADS: u32 = 50;

fn config(port: u16, ack: &str, max: u32, topic: &str) -> String {
    let level = format!(
        "name: Level, uuid: FF01, access: [read, write], value: {{ type: u32, max: {max} }}, \
         ack: {ack}, delivery: every, mqtt: {{ state: {topic} }}"
    );
    let mqtt =
        format!("mqtt: {{ broker: \"mqtt://127.0.0.1:{port}\", client_id: box }}\nservices:");
    yaml(&[&[&level]]).replace("services:", &mqtt)
}

#[tokio::test]
async fn a_write_that_waits_for_its_acknowledgement_gets_it_from_the_next_configuration() {
    let mut broker = Mosquitto::stopped("allow_anonymous true\n");
    let port = broker.port;
    let mut bench = Bench::of(&config(port, "published", 1000, "level")).await;
    let central = bench.server.connect();
    let level = handle(&central, "FF01");
    let promises = central.begin_write(level, &42u32.to_le_bytes()).unwrap();
    assert!(
        promises.iter().all(|it| it.at_once().is_none()),
        "nobody has it"
    );
    bench
        .reload(&config(port, "published", 2000, "level"))
        .await;
    let waits = promises.iter().all(|it| it.at_once().is_none());
    assert!(waits, "still nobody has it");
    broker.start_again();
    for promise in promises {
        promise.kept().await.expect("it is published");
    }
}

/// Values, rules and the topic change under a central that writes without a pause.
#[tokio::test]
async fn of_what_is_acknowledged_during_many_reloads_nothing_is_lost() {
    let broker = Mosquitto::start();
    let port = broker.port;
    let mut tap = Tap::connect(port, "tap");
    tap.subscribe("level/#");
    let of = |round: u32| {
        let topic = format!("level/{}", round % 3);
        config(port, "accepted", 1_000_000 + round, &topic)
    };
    let mut bench = Bench::of(&of(0)).await;
    let central = bench.server.connect();
    let level = handle(&central, "FF01");
    let over = Arc::new(AtomicBool::new(false));
    let writes = {
        let over = over.clone();
        tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            let mut next = 1u32;
            while !over.load(Ordering::Relaxed) {
                if central.write(level, &next.to_le_bytes()).await.is_ok() {
                    acknowledged.push(next);
                }
                next += 1;
                tokio::task::yield_now().await;
            }
            (central, acknowledged)
        })
    };
    for round in 1..=RELOADS {
        bench.reload(&of(round)).await;
    }
    over.store(true, Ordering::Relaxed);
    let (central, acknowledged) = writes.await.unwrap();
    assert!(central.is_connected());
    assert!(
        acknowledged.len() > RELOADS as usize,
        "{}",
        acknowledged.len()
    );
    let arrived = tokio::task::spawn_blocking(move || {
        let mut missing: BTreeSet<u32> = acknowledged.into_iter().collect();
        while !missing.is_empty() {
            let Some(message) = tap.next_within(PATIENCE) else {
                break;
            };
            let text = String::from_utf8(message.payload).unwrap();
            missing.remove(&text.parse().unwrap());
        }
        missing
    });
    let missing = arrived.await.unwrap();
    assert_eq!(
        missing,
        BTreeSet::new(),
        "acknowledged, and never published"
    );
}
