//! What is not looked at costs nothing that could be measured.

use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::time::Instant;

use bemo_sync::plugin::What;

use super::bemo::Bemo;
use super::{cell, int, yaml};

const VALUE: &str = "name: Value, access: [read, write, notify], value: { type: u8 }";

/// Whatever has to be put together for a step is put together for somebody, and only as long as there is one.
#[test]
fn nothing_is_put_together_for_nobody() {
    let bemo = Bemo::start(&yaml("", &[VALUE]));
    let made = AtomicUsize::new(0);
    let note = || {
        bemo.port().note(cell(0), 1, || {
            made.fetch_add(1, Ordering::Relaxed);
            What::Confirmed { central: None }
        });
        made.load(Ordering::Relaxed)
    };
    assert_eq!(note(), 0, "nobody has watched yet");
    let observer = bemo.port().observer();
    let (one, other) = (observer.flow(), observer.flow());
    assert_eq!(note(), 1, "once for all who watch");
    drop(one);
    assert_eq!(note(), 2, "one is left");
    drop(other);
    assert_eq!(note(), 2, "nobody watches any more");
}

/// What an event costs, for a person who wants to know: `cargo test --release --test observe -- --ignored
/// --nocapture cost`.
#[test]
#[ignore = "it measures, and judges nothing"]
fn the_cost_of_an_event() {
    const EVENTS: i128 = 1_000_000;
    let bemo = Bemo::start(&yaml("", &[VALUE]));
    let observer = bemo.port().observer();
    let measure = |what: &str| {
        let begin = Instant::now();
        for event in 0..EVENTS {
            bemo.write(0, int(event % 200)).unwrap();
        }
        let each = begin.elapsed() / u32::try_from(EVENTS).unwrap();
        println!("{what}: {each:?} for each of {EVENTS} events");
    };
    measure("nobody watches");
    let flow = observer.flow();
    measure("somebody watches");
    drop(flow);
    measure("nobody watches any more");
}
