//! A configuration on the virtual adapter, for tests that are centrals of it.

// Each test file uses what it needs.
#![allow(dead_code)]

#[path = "../support/state.rs"]
pub mod state;

use std::path::Path;
use std::sync::Arc;

use bemo_sync::config::{Placeholders, load_str};
use bemo_sync::gatt::server::{Central, DiscoveredCharacteristic, GattServer};
use bemo_sync::plan::Plan;
use bemo_sync::runtime::Runtime;

/// One characteristic of each kind, with short UUIDs to find them by.
pub const KINDS: &str = r#"
version: 1
device: { name: Kinds }
ble: { adapter: virtual }
services:
  - name: Kinds
    uuid: FF00
    characteristics:
      - name: Rejects
        uuid: FF01
        access: [read, write, notify]
        value: { type: u16, min: 10, max: 20, initial: 15 }
      - name: Clamps
        uuid: FF02
        access: [read, write, notify]
        value: { type: i8, min: -5, max: 5, overflow: clamp }
      - name: Wraps
        uuid: FF03
        access: [read, write, notify, indicate]
        value: { type: u8, min: 0, max: 9, overflow: wrap }
      - { name: Long, uuid: FF04, access: [read, write, indicate], value: { type: bytes } }
      - { name: Command, uuid: FF05, access: [write_without_response], value: { type: u8 } }
      - { name: Text, uuid: FF06, access: [read, write, notify], value: { type: utf8, max_length: 40 } }
"#;

/// A configuration at work on the virtual adapter.
pub struct Air {
    pub server: Arc<GattServer>,
    pub runtime: Runtime,
}

impl Air {
    pub async fn of(source: &str) -> Self {
        Self::with(source, |_| {}).await
    }

    /// The same, with something in the plan made otherwise.
    pub async fn with(source: &str, change: impl FnOnce(&mut Plan)) -> Self {
        let host = Placeholders::new(Vec::new());
        let loaded = load_str(Path::new("test.yaml"), source, &state::environment(), host);
        let mut plan = loaded.unwrap_or_else(|mistakes| panic!("{mistakes}")).plan;
        change(&mut plan);
        let runtime = Runtime::start(plan);
        let server = runtime.offered::<GattServer>().await;
        Self { server, runtime }
    }

    pub fn central(&self) -> Central {
        self.server.connect()
    }
}

pub fn find(central: &Central, uuid: &str) -> DiscoveredCharacteristic {
    let uuid = uuid.parse().unwrap();
    let services = central.discover();
    let services = services.iter();
    let mut all = services.flat_map(|service| &service.characteristics);
    all.find(|it| it.uuid == uuid).unwrap().clone()
}

pub fn handle(central: &Central, uuid: &str) -> u16 {
    find(central, uuid).handle
}
