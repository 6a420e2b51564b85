//! With nothing to do but to step a number each second.

use super::Program;
use super::air::Air;
use super::mosquitto::Mosquitto;

/// So many wake-ups for each link and each step: a timer that the runtime looks at twice, an acknowledgement, and
/// now and then a timer of somebody's own.
const WAKE_UPS_MAX: u64 = 3;
/// Adapter, broker, ticker and journal.
const LINKS: u64 = 4;
const STEPS: u64 = 5;

#[tokio::test]
async fn at_rest_each_link_wakes_up_three_times_a_step_at_the_most() {
    let air = Air::stand_in().await.expect("a stand-in");
    let broker = Mosquitto::start();
    let configuration = format!(
        "
version: 1
device: {{ name: Resting }}
ble: {{ adapter: hci0 }}
mqtt: {{ broker: 127.0.0.1:{}, client_id: resting }}
services:
  - name: Number Service
    uuid: 7a4bbfe6-999f-4717-b63a-066e06971f59
    characteristics:
      - name: Some Number
        uuid: 7a4b0001-999f-4717-b63a-066e06971f59
        access: [read, write, notify]
        value: {{ type: u8, overflow: wrap, initial: 0 }}
        persist: true
        mqtt: {{ state: number/changed, command: number/set }}
        source: {{ ticker: {{ every: 1s, step: 1 }} }}
",
        broker.port
    );
    let program = Program::start(&configuration, air.bus_address());
    air.registered().await;
    let uuid = "7a4b0001-999f-4717-b63a-066e06971f59";
    let uuid = uuid.parse().expect("a UUID");
    let mut central = air.connect(uuid).await.expect("a central");
    central.subscribe().await.expect("it is open");
    // What the start has left to do is done by then.
    central.notification().await;
    central.notification().await;
    let before = program.sleeps();
    for _ in 0..STEPS {
        central.notification().await;
    }
    let sleeps = program.sleeps().saturating_sub(before);
    println!("{sleeps} wake-ups in {STEPS} steps");
    assert!(
        sleeps <= WAKE_UPS_MAX * LINKS * STEPS,
        "{sleeps} in {STEPS} steps"
    );
}
