//! The stand-in for bluetoothd that the measurements use outside the lab: what an application sees of it, and
//! what a central gets, is the same as with bluetoothd itself. In the lab, the same conversation is held with that.

#![cfg(target_os = "linux")]

#[path = "../../benches/side_by_side/air/mod.rs"]
mod air;
mod application;
mod conversation;

use std::process::{Child, Command};
use std::time::Duration;

use air::{Air, AttError};
use conversation::held;
use tokio::time::timeout;

const CONFIG: &str = "
version: 1
device: { name: Smoke }
ble: { adapter: hci0 }
services:
  - name: Service
    uuid: 7a4bbfe6-999f-4717-b63a-066e06971f59
    advertise: true
    characteristics:
      - name: Number
        uuid: 7a4b0001-999f-4717-b63a-066e06971f59
        access: [read, write, notify]
        value: { type: u8, max: 200, initial: 7 }
      - name: Command
        uuid: 7a4b0002-999f-4717-b63a-066e06971f59
        access: [write]
        value: { type: u8 }
";

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn bemo_sync_takes_it_for_bluetoothd() {
    let air = Air::stand_in().await.expect("a stand-in");
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("services.yaml");
    std::fs::write(&config, CONFIG).expect("a configuration");
    let program = Command::new(env!("CARGO_BIN_EXE_bemo-sync"))
        .arg("--config")
        .arg(&config)
        .env("DBUS_SYSTEM_BUS_ADDRESS", air.bus_address())
        .spawn();
    let program = Program(program.expect("it starts"));
    let registered = timeout(DEADLINE, air.registered()).await;
    let registered = registered.expect("it registers");
    assert_eq!(registered.characteristics, 2);
    let number = "7a4b0001-999f-4717-b63a-066e06971f59"
        .parse()
        .expect("a UUID");
    let mut central = air.connect(number).await.expect("a central");
    let mut other = air.connect(number).await.expect("another");
    assert_eq!(central.read().await, Ok(vec![7]));
    other.subscribe().await.expect("it is open");
    assert_eq!(central.write(&[8]).await, Ok(()));
    assert_eq!(other.notification().await.1, [8]);
    assert_eq!(central.write(&[201]).await, Err(AttError(0x80)));
    let length = AttError::INVALID_ATTRIBUTE_VALUE_LENGTH;
    assert_eq!(central.write(&[1, 2]).await, Err(length));
    assert_eq!(central.read_at(2).await, Err(AttError::INVALID_OFFSET));
    assert!(registered.connected < registered.register_application.asked);
    assert!(registered.managed_objects.answered < registered.register_application.answered);
    let written = central.write_timed(&[9]).await;
    assert!(written.sent < written.answered);
    drop(program);
    air.gone().await;
}

/// So long may a conversation take, which is there to end one that does not.
const DEADLINE: Duration = Duration::from_secs(50);

async fn transcript(air: Air) -> String {
    timeout(DEADLINE, held(&air)).await.expect("it has an end")
}

#[tokio::test]
async fn an_application_sees_of_it_what_it_sees_of_bluetoothd() {
    let air = Air::stand_in().await.expect("a stand-in");
    insta::assert_snapshot!("conversation", transcript(air).await);
}

/// `lab/run conversation` has what this needs.
#[tokio::test]
#[ignore = "needs a bluetoothd with two adapters"]
async fn bluetoothd_itself() {
    let air = Air::bluez().await.expect("bluetoothd and two adapters");
    insta::assert_snapshot!("conversation", transcript(air).await);
}
