//! What is announced of centrals and of what they send, on the virtual adapter.

mod air;

use std::time::Duration;

use bemo_sync::codec::Cause;
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
        central.write(value, &[0xE8, 0x03]).unwrap_err();
    }
    central.write(value, &[0xFF]).unwrap_err();
    let by = central.address();
    assert_eq!(by, "C0:00:00:00:00:00");
    let heard = announced(&mut notices).await;
    let out_of_range = rejected(
        by,
        Cause::OutOfRange,
        "1000 is outside 10 … 20",
        &[0xE8, 0x03],
    );
    let short = rejected(
        by,
        Cause::WrongLength,
        "1 bytes written, the value has 2",
        &[0xFF],
    );
    assert_eq!(heard, [out_of_range.clone(), out_of_range, short]);
}

#[tokio::test]
async fn who_is_slow_loses_the_oldest_and_is_told() {
    let air = Air::of(KINDS).await;
    let central = air.central();
    let mut notices = air.runtime.notices();
    let value = handle(&central, "FF01");
    for _ in 0..300 {
        central.write(value, &[0, 0]).unwrap_err();
    }
    let heard = announced(&mut notices).await;
    assert_eq!(heard[0], Heard::Missed(44));
    assert_eq!(heard.len(), 1 + 256);
}
