//! The stand-in for bluetoothd that the measurements use outside the lab.

#![cfg(target_os = "linux")]

#[path = "../benches/side_by_side/air/mod.rs"]
mod air;

use std::process::{Child, Command};

use air::{Air, AttError};

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
    let registered = air.registered().await;
    assert_eq!(registered.characteristics, 2);
    println!("{registered:#?}");
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
    let written = central.write_timed(&[9]).await;
    println!("{:?}", written.answered - written.sent);
    drop(program);
    air.gone().await;
}
