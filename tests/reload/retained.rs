//! What a broker has kept and was refused once is heard again when the rules have changed.

use crate::air::handle;
use crate::bench::Bench;
use crate::mosquitto::Mosquitto;
use crate::tap::Tap;

fn yaml(broker: u16, max: u8) -> String {
    format!(
        "version: 1\ndevice: {{ name: Box }}\nble: {{ adapter: virtual }}\nmqtt: {{ broker: 127.0.0.1:{broker}, client_id: box }}\n\
        services:\n- name: S\n  uuid: FF00\n  characteristics:\n  - {{ name: Level, uuid: FF01, access: [read, notify], \
        value: {{ type: u8, initial: 0, max: {max} }}, mqtt: {{ owner: remote, state: level }} }}\n"
    )
}

#[tokio::test]
async fn a_wider_range_takes_what_the_owner_has_said_before() {
    let broker = Mosquitto::start();
    let mut tap = Tap::connect(broker.port, "owner");
    tap.publish_retained("level", "80");
    let mut bench = Bench::of(&yaml(broker.port, 50)).await;
    let central = bench.server.connect();
    let level = handle(&central, "FF01");
    // The program works in this thread.
    let log = broker.log.clone();
    let heard = tokio::task::spawn_blocking(move || log.wait_for("Sending PUBLISH to box"));
    heard.await.unwrap();
    bench.reload(&yaml(broker.port, 100)).await;
    crate::bench::subscribe(&central, level);
    while central.read(level).unwrap() != [80] {
        central.next_notification().await;
    }
}
