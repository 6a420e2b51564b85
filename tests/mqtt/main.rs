//! What a user of MQTT can rely on, against a real broker and a client that shares no code with ours.

#[path = "../support/bemo.rs"]
mod bemo;
#[path = "../support/certificates.rs"]
mod certificates;
#[path = "../support/fake_broker.rs"]
mod fake_broker;
#[path = "../support/lines.rs"]
mod lines;
#[path = "../support/mosquitto.rs"]
mod mosquitto;
#[path = "../support/program.rs"]
mod program;
#[path = "../support/tap.rs"]
mod tap;

mod bad_input;
mod connection;
mod convergence;
mod documents;
#[cfg(feature = "broker")]
mod embedded;
mod formats;
mod moving;
mod owner_here;
mod owner_remote;
mod schemas;
mod silence;
mod sizes;
mod stopping;
mod tidings;
mod tls;

use std::time::Duration;

use bemo_sync::codec::Value;

/// Long enough for what must not come to have come.
const SILENCE: Duration = Duration::from_millis(300);

/// No stop takes longer than the README promises, however slow the machine.
const PROMISE: Duration = Duration::from_secs(2);

/// The tutorial's number, owned here.
const NUMBER_HERE: &str = "access: [read, write, notify], \
    value: { type: u8, overflow: reject, initial: 1 }, \
    mqtt: { state: number/changed, command: number/set, payload: { number: $value } }";

/// The tutorial's number, owned by another program.
const NUMBER_REMOTE: &str = "access: [read, write, notify], value: { type: u8 }, \
    mqtt: { owner: remote, state: number/changed, command: number/set, payload: { number: $value }, \
    confirm_within: 200ms }";

fn int(value: i128) -> Value {
    Value::Int(value)
}

/// A section with a broker on this port.
fn at(port: u16) -> String {
    format!("{{ broker: \"127.0.0.1:{port}\", client_id: bemo }}")
}
