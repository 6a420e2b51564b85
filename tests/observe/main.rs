//! What can be seen of the process from outside: the way of a value, how links are, how a value stands, what
//! is counted. On the virtual adapter, with a real broker.

#[path = "../support/bemo.rs"]
mod bemo;
#[path = "../support/lines.rs"]
mod lines;
#[path = "../support/mosquitto.rs"]
mod mosquitto;
#[path = "../support/tap.rs"]
mod tap;
mod watcher;

mod cost;
mod flow;
mod health;
mod metrics;
mod reload;
mod secrets;
mod values;

use bemo_sync::codec::Value;
use bemo_sync::engine::CellId;
use bemo_sync::gatt::server::Central;

/// A configuration on the virtual adapter, with this section `mqtt` and one characteristic for each line:
/// FF01, FF02 …
fn yaml(mqtt: &str, characteristics: &[&str]) -> String {
    let mut yaml = format!(
        "version: 1\nble: {{ adapter: virtual }}\n{mqtt}\nservices:\n  - name: Service\n    uuid: FF00\n    \
         characteristics:\n"
    );
    for (index, characteristic) in characteristics.iter().enumerate() {
        let uuid = 0xFF01 + index;
        yaml.push_str(&format!(
            "      - {{ uuid: {uuid:04X}, {characteristic} }}\n"
        ));
    }
    yaml
}

/// The section `mqtt` with a broker on this port.
fn at(port: u16) -> String {
    format!("mqtt: {{ broker: \"127.0.0.1:{port}\", client_id: bemo }}")
}

const NUMBER: &str = "name: Number, access: [read, write, notify], \
    value: { type: u8, max: 200, overflow: reject, initial: 1 }, \
    mqtt: { state: number/changed, command: number/set, payload: { number: $value } }";

const REMOTE: &str = "name: Remote, access: [read, write, notify], value: { type: u8 }, \
    mqtt: { owner: remote, state: remote/changed, command: remote/set, confirm_within: 200ms }";

fn cell(index: usize) -> CellId {
    CellId::new(index)
}

fn int(value: i128) -> Value {
    Value::Int(value)
}

fn handle(central: &Central, uuid: &str) -> u16 {
    let uuid = uuid.parse().unwrap();
    let services = central.discover();
    let services = services.iter();
    let mut all = services.flat_map(|service| &service.characteristics);
    all.find(|it| it.uuid == uuid).unwrap().handle
}

/// Waits for a future of the program, which runs in another thread.
fn wait<T>(future: impl Future<Output = T>) -> T {
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    tokio.block_on(async {
        let patience = tokio::time::timeout(mosquitto::PATIENCE, future);
        patience.await.expect("it comes in time")
    })
}
