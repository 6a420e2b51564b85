//! What is announced of centrals and of what they send, on the virtual adapter.

mod air;

use std::time::Duration;

use bemo_sync::codec::Cause;
use bemo_sync::gatt::server::Subscribed;
use bemo_sync::plugin::{Heard, Notice, Notices, Payload};
use tokio::time::timeout;

use air::{Air, KINDS, handle};

/// Everything that has been announced and not been taken yet.
async fn announced(notices: &mut Notices) -> Vec<Heard> {
    let mut heard = Vec::new();
    while let Ok(next) = timeout(Duration::ZERO, notices.next()).await {
        heard.push(next);
    }
    heard
}

fn rejected(by: &str, cause: Cause, reason: &str, payload: &[u8]) -> Heard {
    Heard::Notice(Notice::Rejected {
        value: Some("Rejects".to_owned()),
        link: "ble",
        by: Some(by.to_owned()),
        cause,
        reason: reason.to_owned(),
        payload: Payload::Bytes(payload.to_vec()),
    })
}

#[tokio::test]
async fn every_refusal_is_announced_with_who_sent_what() {
    let air = Air::of(KINDS).await;
    let central = air.central();
    let mut notices = air.runtime.notices();
    let value = handle(&central, "FF01");
    for _ in 0..2 {
        central.write(value, &[0xE8, 0x03]).await.unwrap_err();
    }
    central.write(value, &[0xFF]).await.unwrap_err();
    let by = central.address();
    assert_eq!(by, "C0:00:00:00:00:00");
    let heard = announced(&mut notices).await;
    let out_of_range = rejected(
        by,
        Cause::OutOfRange,
        "1000 is outside 10 … 20",
        &[0xE8, 0x03],
    );
    let short = rejected(by, Cause::WrongLength, "1 byte where 2 are wanted", &[0xFF]);
    assert_eq!(heard, [out_of_range.clone(), out_of_range, short]);
}

#[tokio::test]
async fn who_is_slow_loses_the_oldest_and_is_told() {
    let air = Air::of(KINDS).await;
    let central = air.central();
    let mut notices = air.runtime.notices();
    let value = handle(&central, "FF01");
    for _ in 0..300 {
        central.write(value, &[0, 0]).await.unwrap_err();
    }
    let heard = announced(&mut notices).await;
    assert_eq!(heard[0], Heard::Missed(44));
    assert_eq!(heard.len(), 1 + 256);
}

#[tokio::test]
async fn centrals_and_their_subscriptions_are_announced_from_beginning_to_end() {
    let air = Air::of(KINDS).await;
    let mut notices = air.runtime.notices();
    let central = air.central();
    let name = central.address().to_owned();
    let value = handle(&central, "FF02");
    for by in [
        Some(Subscribed::Notify),
        Some(Subscribed::Notify),
        None,
        None,
    ] {
        central.subscribe(value, by).unwrap();
    }
    let other = handle(&central, "FF04");
    let by = Some(Subscribed::Indicate);
    central.subscribe(other, by).unwrap();
    drop(central);
    let lines: Vec<_> = announced(&mut notices).await.iter().map(line).collect();
    let expected = [
        "connected",
        "subscribed to Clamps",
        "unsubscribed from Clamps",
        "subscribed to Long",
        "unsubscribed from Long",
        "disconnected",
    ];
    assert_eq!(lines, expected.map(|what| format!("{name} {what}")));
}

#[tokio::test]
async fn the_end_of_the_adapter_is_the_end_of_every_connection() {
    let air = Air::of(KINDS).await;
    let central = air.central();
    let by = Some(Subscribed::Notify);
    central.subscribe(handle(&central, "FF02"), by).unwrap();
    let mut notices = air.runtime.notices();
    air.server.close();
    drop(central);
    let lines: Vec<_> = announced(&mut notices).await.iter().map(line).collect();
    let name = "C0:00:00:00:00:00";
    let expected = ["unsubscribed from Clamps", "disconnected"];
    assert_eq!(lines, expected.map(|what| format!("{name} {what}")));
}

fn line(heard: &Heard) -> String {
    match heard {
        Heard::Notice(Notice::Connected { central }) => format!("{central} connected"),
        Heard::Notice(Notice::Disconnected { central }) => format!("{central} disconnected"),
        Heard::Notice(Notice::Subscribed {
            central,
            characteristic,
            ..
        }) => format!("{central} subscribed to {characteristic}"),
        Heard::Notice(Notice::Unsubscribed {
            central,
            characteristic,
            ..
        }) => format!("{central} unsubscribed from {characteristic}"),
        Heard::Notice(Notice::Rejected { .. }) | Heard::Missed(_) => format!("{heard:?}"),
    }
}
