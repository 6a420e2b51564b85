//! How long it takes from the start of a process to its advertisement, and whose time that is.

use std::time::{Duration, Instant};

use crate::air::Registered;
use crate::contender::Contender;
use crate::figures::Figures;

pub fn note(contender: Contender, started: Instant, seen: &Registered, figures: &mut Figures) {
    let mut add = |quantity: &str, time: Duration| {
        figures.add(contender, quantity, time.as_secs_f64() * 1e3);
    };
    let advertised = seen.register_advertisement.answered;
    let whole = advertised.saturating_duration_since(started);
    add("start", whole);
    // While bluetoothd thinks, nobody here can do anything.
    add("start own", whole.saturating_sub(seen.waited));
    let registering = &seen.register_application;
    let registered = registering.answered.saturating_duration_since(started);
    add("start registered", registered);
    // From the call to its answer, less what bluetoothd itself waits for: the list of all objects.
    let listing = seen.managed_objects.answered - seen.managed_objects.asked;
    let registering = registering.answered - registering.asked;
    add("start bluez", registering.saturating_sub(listing));
    add("start listing", listing);
    figures.add(
        contender,
        "start characteristics",
        seen.characteristics as f64,
    );
}
