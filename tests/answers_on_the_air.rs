//! What a central hears of a control point, a command and a slider, as their YAML says it.

mod air;

use std::time::Duration;

use air::{Air, handle};
use bemo_sync::gatt::AttError;
use bemo_sync::gatt::server::{Central, RequestError, Subscribed};
use tokio::time::sleep;

const DECLARED: &str = r#"
version: 1
device: { name: Machine }
ble: { adapter: virtual }
services:
  - name: Machine
    uuid: 1826
    characteristics:
      - name: Control Point
        uuid: 2AD9
        access: [write, indicate]
        value:
          type: struct
          fields: [{ name: op, type: u8, max: 1 }, { name: level, type: u8, max: 100 }]
        response:
          value:
            type: struct
            fields:
              - { name: code, type: u8, constant: 0x80 }
              - { name: request, type: u8, copy: op }
              - { name: result, type: u8, enum: { done: 1, not_supported: 2 } }
          accepted: { result: done }
          refused: { result: not_supported }
      - name: Command
        uuid: FF02
        access: [write]
        value: { type: u8 }
        response: { in: Status, within: 10s, otherwise: timeout }
      - name: Status
        uuid: FF03
        access: [read, notify]
        value: { type: utf8, initial: idle }
      - name: Slider
        uuid: FF04
        access: [write, notify]
        value: { type: u8 }
        notify: { at_most_every: 200ms }
"#;

/// What a central has been told when everything has come to rest.
async fn told(central: &Central) -> Vec<Vec<u8>> {
    sleep(Duration::from_millis(1)).await;
    let mut values = Vec::new();
    while let Some(notification) = central.try_notification().unwrap() {
        values.push(notification.value);
        let _ = central.confirm();
        sleep(Duration::from_millis(1)).await;
    }
    values
}

#[tokio::test(start_paused = true)]
async fn a_control_point_indicates_the_result_and_not_what_was_written() {
    let air = Air::of(DECLARED).await;
    let central = air.central();
    let point = handle(&central, "2AD9");
    central
        .subscribe(point, Some(Subscribed::Indicate))
        .unwrap();
    for _ in 0..2 {
        central.write(point, &[1, 50]).await.unwrap();
        assert_eq!(told(&central).await, [[0x80, 1, 1]], "each time");
    }
    // An operation that nobody knows is acknowledged, and the answer names it.
    central.write(point, &[7, 50]).await.unwrap();
    assert_eq!(told(&central).await, [[0x80, 7, 2]]);
    // What is no request at all is still an ATT error.
    assert_eq!(
        central.write(point, &[7]).await,
        Err(RequestError::Att(AttError::InvalidAttributeValueLength))
    );
    assert!(told(&central).await.is_empty());
}

/// Nothing has been written, so its response waits for nothing that somebody else was promised.
#[tokio::test(start_paused = true)]
async fn what_is_refused_with_an_answer_waits_for_no_promise() {
    let promising = DECLARED
        .replacen(
            "access: [write, indicate]",
            "access: [write, indicate]\n        ack: published\n        mqtt: { state: nowhere }",
            1,
        )
        .replacen("ble: ", "mqtt: { broker: \"127.0.0.1:1\" }\nble: ", 1);
    let air = Air::of(&promising).await;
    let central = air.central();
    let point = handle(&central, "2AD9");
    let promised = central.begin_write(point, &[1, 50]).unwrap();
    assert!(promised[0].at_once().is_none(), "there is no broker");
    let refused = central.begin_write(point, &[7, 50]).unwrap();
    assert_eq!(refused[0].at_once(), Some(Ok(())));
}

#[tokio::test(start_paused = true)]
async fn a_command_that_nobody_answers_is_answered_in_another_characteristic() {
    let air = Air::of(DECLARED).await;
    let central = air.central();
    let (command, status) = (handle(&central, "FF02"), handle(&central, "FF03"));
    central.subscribe(status, Some(Subscribed::Notify)).unwrap();
    for _ in 0..2 {
        central.write(command, &[1]).await.unwrap();
        sleep(Duration::from_secs(9)).await;
        assert!(told(&central).await.is_empty());
        sleep(Duration::from_secs(1)).await;
        assert_eq!(told(&central).await, [b"timeout"]);
    }
    assert_eq!(central.read(status).unwrap(), b"timeout");
}

#[tokio::test(start_paused = true)]
async fn a_slider_is_told_at_its_pace_and_where_it_ends() {
    let air = Air::of(DECLARED).await;
    let (hand, eye) = (air.central(), air.central());
    let slider = handle(&eye, "FF04");
    eye.subscribe(slider, Some(Subscribed::Notify)).unwrap();
    told(&eye).await;
    sleep(Duration::from_secs(1)).await;
    let mut heard = Vec::new();
    for position in 1..=20 {
        hand.write(slider, &[position]).await.unwrap();
        heard.extend(told(&eye).await);
        sleep(Duration::from_millis(49)).await;
    }
    assert_eq!(heard[0], [1]);
    assert!((5..=7).contains(&heard.len()), "{heard:?}");
    sleep(Duration::from_millis(200)).await;
    assert_eq!(told(&eye).await, [[20]]);
}
