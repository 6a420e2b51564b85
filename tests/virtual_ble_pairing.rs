//! Who may pair, and when, on the virtual adapter: the window, and the list.

mod air;

use std::time::Duration;

use bemo_sync::gatt::AttError::InsufficientEncryption;
use bemo_sync::gatt::SecurityLevel::{Authenticated, Encrypted};
use bemo_sync::gatt::server::{Central, PairError, RequestError};
use tokio::time::sleep;

use air::{Air, handle};

/// A window that a paired central can open for another.
fn window(pairing: &str) -> String {
    format!(
        r#"
version: 1
ble: {{ adapter: virtual, pairing: {{ {pairing} }} }}
services:
  - name: Safe
    uuid: FF00
    characteristics:
      - {{ name: Secret, uuid: FF01, access: [read], security: encrypted, value: {{ type: u8 }} }}
      - name: Pairing
        uuid: FF02
        access: [read, write, notify]
        security: {{ read: open, write: encrypted, notify: open }}
        value: {{ type: bool }}
"#
    )
}

async fn seconds(seconds: f32) {
    sleep(Duration::from_secs_f32(seconds)).await;
}

fn shows(central: &Central) -> bool {
    central.read(handle(central, "FF02")).unwrap() == [1]
}

#[tokio::test(start_paused = true)]
async fn centrals_pair_for_a_while_after_the_start_and_then_no_more() {
    let air = Air::of(&window("pairable_for: 120s, window: Pairing")).await;
    let (early, late) = (air.central(), air.central());
    seconds(119.5).await;
    assert!(shows(&early), "the value tells that it is open");
    early.secure(Encrypted).unwrap();
    seconds(1.0).await;
    assert!(!shows(&early), "and that it has closed");
    assert_eq!(late.secure(Encrypted), Err(PairError::Refused));
    assert_eq!(
        late.read(handle(&late, "FF01")),
        Err(RequestError::Att(InsufficientEncryption))
    );
    // Who has paired has its keys; but not more than it had.
    early.secure(Encrypted).unwrap();
    early.read(handle(&early, "FF01")).unwrap();
    assert_eq!(early.secure(Authenticated), Err(PairError::Refused));
}

#[tokio::test(start_paused = true)]
async fn whoever_sets_the_value_opens_and_closes_the_window() {
    let air = Air::of(&window("pairable_for: 60s, window: Pairing")).await;
    let (first, second) = (air.central(), air.central());
    first.secure(Encrypted).unwrap();
    seconds(61.0).await;
    assert_eq!(second.secure(Encrypted), Err(PairError::Refused));

    let value = handle(&first, "FF02");
    first.write(value, &[1]).await.unwrap();
    seconds(59.0).await;
    second.secure(Encrypted).unwrap();
    seconds(2.0).await;
    assert!(!shows(&first), "it closes by itself again");

    first.write(value, &[1]).await.unwrap();
    seconds(1.0).await;
    first.write(value, &[0]).await.unwrap();
    seconds(0.1).await;
    assert_eq!(air.central().secure(Encrypted), Err(PairError::Refused));
}

#[tokio::test(start_paused = true)]
async fn a_window_that_is_closed_at_the_start_opens_on_command_only() {
    let pairing = "pairable: false, pairable_for: 60s, window: Pairing";
    let source = window(pairing).replace("type: bool", "type: bool, initial: true");
    let air = Air::of(&source).await;
    let central = air.central();
    seconds(0.1).await;
    assert!(
        !shows(&central),
        "the value tells the truth, whatever it began with"
    );
    assert_eq!(central.secure(Encrypted), Err(PairError::Refused));
}

#[tokio::test(start_paused = true)]
async fn pairing_that_is_closed_for_ever_lets_nobody_in() {
    let air = Air::of(&window("pairable: false")).await;
    assert_eq!(air.central().secure(Encrypted), Err(PairError::Refused));
}

#[tokio::test(start_paused = true)]
async fn who_is_not_on_the_list_is_refused() {
    let air = Air::of(&window("allow: [\"aa:bb:cc:dd:ee:ff\"]")).await;
    let listed = "AA:BB:CC:DD:EE:FF".parse().unwrap();
    let listed = air.server.connect_from(Some(listed));
    listed.secure(Encrypted).unwrap();
    listed.read(handle(&listed, "FF01")).unwrap();
    let stranger = air.central();
    assert_eq!(stranger.secure(Encrypted), Err(PairError::Refused));
    stranger.read(handle(&stranger, "FF02")).unwrap();
}
