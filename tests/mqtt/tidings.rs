//! What is told besides the values: of centrals, and of what was refused.

use std::sync::Arc;
use std::sync::mpsc::channel;

use bemo_sync::gatt::server::{GattServer, Subscribed};
use serde_json::{Value as Json, json};

use super::bemo::{Bemo, yaml};
use super::fake_broker::{self, CONNECT, PUBLISH, PUBLISH_RETAINED, SUBSCRIBE};
use super::lines::Lines;
use super::mosquitto::{Mosquitto, PATIENCE};
use super::tap::{Message, Tap};
use super::{NUMBER_HERE, SILENCE, int};

fn told(port: u16) -> String {
    let section = format!(
        "{{ broker: \"127.0.0.1:{port}\", client_id: bemo, events: bt/events, \
         rejected: {{ topic: bt/rejected, qos: 0, retain: true }} }}"
    );
    yaml(&section, &[NUMBER_HERE]).replace("services:", "ble: { adapter: virtual }\nservices:")
}

fn json_of(message: &Message) -> Json {
    serde_json::from_slice(&message.payload).expect("it is JSON")
}

/// A central that connects, subscribes, writes something wrong and leaves.
async fn come_and_go(bemo: &Bemo, number: &[u8]) {
    let server = bemo.offered::<GattServer>().await;
    let central = server.connect();
    let handle = central.discover()[0].characteristics[0].handle;
    central.subscribe(handle, Some(Subscribed::Notify)).unwrap();
    let _ = central.write(handle, number).await;
    central.subscribe(handle, None).unwrap();
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let tokio = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    tokio.block_on(future)
}

#[test]
fn who_comes_and_goes_and_what_is_refused_is_told_byte_for_byte() {
    let broker = Mosquitto::start();
    let bemo = Bemo::connected(&told(broker.port));
    broker.log.wait_for("Sending SUBACK to bemo");
    let mut tap = Tap::connect(broker.port, "tap");
    tap.subscribe("bt/events");
    tap.subscribe("bt/rejected");
    block_on(come_and_go(&bemo, &[1, 2]));
    let central = "C0:00:00:00:00:00";
    let expected = [
        format!("{{\"event\": \"connected\", \"central\": \"{central}\"}}"),
        format!(
            "{{\"event\": \"subscribed\", \"central\": \"{central}\", \"characteristic\": \"Value 0\"}}"
        ),
        format!(
            "{{\"value\": \"Value 0\", \"origin\": \"ble\", \"central\": \"{central}\", \"cause\": \
             \"wrong_length\", \"reason\": \"2 bytes where 1 is wanted\", \"payload\": \"\\u0001\\u0002\"}}"
        ),
        format!(
            "{{\"event\": \"unsubscribed\", \"central\": \"{central}\", \"characteristic\": \"Value 0\"}}"
        ),
        format!("{{\"event\": \"disconnected\", \"central\": \"{central}\"}}"),
    ];
    for expected in expected {
        let message = tap.next();
        assert!(!message.retain);
        assert_eq!(String::from_utf8(message.payload).unwrap(), expected);
    }
    broker
        .log
        .wait_for("Received PUBLISH from bemo (d0, q0, r1, m0, 'bt/rejected'");
}

#[test]
fn a_refused_command_is_told_with_its_topic() {
    let broker = Mosquitto::start();
    let _bemo = Bemo::connected(&told(broker.port));
    broker.log.wait_for("Sending SUBACK to bemo");
    let mut tap = Tap::connect(broker.port, "tap");
    tap.subscribe("bt/rejected");
    for (payload, cause) in [
        ("{\"number\": 300}", "out_of_range"),
        ("ab", "malformed_json"),
    ] {
        tap.publish("number/set", payload);
        let said = json_of(&tap.next());
        assert_eq!(said["value"], json!("Value 0"));
        assert_eq!(said["origin"], json!("mqtt"));
        assert_eq!(said["topic"], json!("number/set"));
        assert_eq!(said["cause"], json!(cause));
        assert_eq!(said["payload"], json!(payload));
        assert!(said.get("central").is_none());
    }
    // What somebody else says there is nothing to us.
    tap.publish("bt/rejected", "ab");
    assert_eq!(tap.next().payload, b"ab");
    assert!(tap.is_silent_for(SILENCE));
}

#[test]
fn while_the_broker_is_away_the_newest_wait_for_it() {
    let mut broker = Mosquitto::stopped("allow_anonymous true\n");
    let bemo = Bemo::start(&told(broker.port));
    bemo.log.wait_for("WARN");
    for number in 0..100 {
        bemo.write(0, int(1000 + number)).unwrap_err();
    }
    broker.start_again();
    bemo.log
        .wait_for("events were lost: more than 64 waited for the broker count=36");
    broker.log.wait_for_count("'bt/rejected'", 64);
    bemo.log.wait_for("1099 is outside");
    let published = |part| {
        let lines = bemo.log.all();
        let mut lines = lines
            .iter()
            .filter(|line| line.contains("publishes topic=\"bt/rejected\""));
        lines.any(|line| line.contains(part))
    };
    assert!(!published("1035 is outside"), "the oldest are lost");
    assert!(published("1036 is outside") && published("1099 is outside"));
    assert_eq!(broker.log.count("'bt/rejected'"), 64);
}

/// What is refused may be any amount, and the broker slow to acknowledge it: the values go on.
#[test]
fn no_flood_of_refusals_holds_up_a_value() {
    let refusals = Arc::new(Lines::default());
    let (published, states) = channel();
    let all = refusals.clone();
    let port = fake_broker::start(move |kind, body| match kind {
        CONNECT => vec![0x20, 2, 0, 0],
        SUBSCRIBE => {
            let mut answer = vec![0x90, 3, body[0], body[1], 1];
            for _ in 0..1400 {
                answer.extend(fake_broker::publish("number/set", r#"{"number": 300}"#));
            }
            answer.extend(fake_broker::publish("number/set", r#"{"number": 7}"#));
            answer
        }
        PUBLISH | PUBLISH_RETAINED => {
            let (topic, rest) = body[2..].split_at(body[1].into());
            let payload = String::from_utf8_lossy(&rest[2..]).into_owned();
            if topic == b"bt/rejected" {
                all.push(payload);
                return Vec::new();
            }
            let _ = published.send(payload);
            vec![0x40, 2, rest[0], rest[1]]
        }
        _ => Vec::new(),
    });
    let yaml = told(port).replace(
        "{ topic: bt/rejected, qos: 0, retain: true }",
        "bt/rejected",
    );
    let bemo = Bemo::start(&yaml);
    let mut states = std::iter::from_fn(|| states.recv_timeout(PATIENCE).ok());
    assert!(states.any(|it| it == r#"{"number": 7}"#), "it is published");
    assert!(
        refusals.count("out_of_range") <= 64,
        "no more are under way"
    );
    assert_eq!(bemo.log.count("cannot publish"), 0);
}
