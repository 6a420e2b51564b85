//! Another configuration takes the place of the one at work, and centrals stay: what is the same to them goes on.

#[path = "../air/mod.rs"]
mod air;
mod bench;
mod events;
#[path = "../support/lines.rs"]
mod lines;
#[path = "../support/mosquitto.rs"]
mod mosquitto;
mod refused;
mod retained;
mod structure;
#[path = "../support/tap.rs"]
mod tap;
mod values;
mod writes;
