//! What is not looked at costs nothing. What an event costs is measured in benches/port.rs.

use std::sync::atomic::{AtomicUsize, Ordering};

use bemo_sync::plugin::What;

use super::bemo::Bemo;
use super::{cell, yaml};

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
