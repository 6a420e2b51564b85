//! A rehearsal: the real links on a paused clock, with a broker in memory and the virtual adapter.

#[path = "support/bemo.rs"]
mod bemo;
#[path = "support/lines.rs"]
mod lines;
#[path = "support/mosquitto.rs"]
mod mosquitto;

use std::time::Duration;

use bemo_sync::gatt::server::GattServer;
use bemo_sync::plugin::Stage;
use bemo_sync::plugin::stage::Published;
use bemo_sync::runtime::Runtime;

const NUMBER: &str = "\
version: 1
ble: { adapter: hci7 }
mqtt:
  client_id: bemo
  birth: { topic: there, payload: \"1\", qos: 2 }
  will: { topic: there, payload: \"0\", qos: 2 }
services:
  - name: Service
    uuid: 180F
    characteristics:
      - name: Number
        uuid: 2A19
        access: [read, write, notify]
        value: { type: u8, overflow: wrap }
        mqtt: { state: number/changed, command: number/set, payload: { number: $value } }
        source: { ticker: { every: 1s, step: 1 } }
";

async fn said(stage: &Stage, seen: usize) -> Vec<(String, String)> {
    stage.published_more_than(seen).await;
    let shown = |message: Published| {
        let payload = String::from_utf8(message.payload).expect("it is text");
        (message.topic, payload)
    };
    let published = stage.published_since(seen);
    published.into_iter().map(shown).collect()
}

fn pair(topic: &str, payload: &str) -> (String, String) {
    (topic.to_owned(), payload.to_owned())
}

#[tokio::test(start_paused = true)]
async fn what_is_published_is_seen_in_order_and_at_its_time() {
    let stage = Stage::new();
    let runtime = Runtime::rehearse(bemo::plan(NUMBER), stage.clone());
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let published = stage.published_since(0);
    let seconds: Vec<u64> = published.iter().map(|it| it.at.as_secs()).collect();
    assert_eq!(seconds, [0, 0, 1, 2]);
    assert_eq!(
        published[0],
        Published {
            at: Duration::ZERO,
            topic: "there".to_owned(),
            payload: b"1".to_vec(),
            qos: 2,
            retain: true,
            is_will: false,
        }
    );
    assert_eq!(published[3].payload, b"{\"number\": 2}");
    assert_eq!(
        stage.retained("number/changed").unwrap(),
        b"{\"number\": 2}"
    );
    runtime.stop().await;
    assert_eq!(said(&stage, 4).await, [pair("there", "0")]);
}

#[tokio::test(start_paused = true)]
async fn a_command_reaches_a_central_of_the_virtual_adapter_though_another_is_declared() {
    let stage = Stage::new();
    let runtime = Runtime::rehearse(bemo::plan(NUMBER), stage.clone());
    let server = runtime.offered::<GattServer>().await;
    let central = server.connect();
    stage.published_more_than(1).await;
    assert!(stage.is_subscribed("number/set") && stage.is_connected());
    stage.publish("number/set", "{\"number\": 99}", false);
    assert_eq!(
        said(&stage, 2).await,
        [pair("number/changed", "{\"number\": 99}")]
    );
    drop(central);
}

#[tokio::test(start_paused = true)]
async fn while_the_broker_is_away_nothing_arrives_and_the_newest_comes_after() {
    let stage = Stage::new();
    let _runtime = Runtime::rehearse(bemo::plan(NUMBER), stage.clone());
    stage.published_more_than(1).await;
    stage.take_away();
    let lost = stage.published_since(2);
    assert!(lost.len() == 1 && lost[0].is_will && lost[0].payload == b"0");
    stage.publish("number/set", "{\"number\": 50}", false);
    tokio::time::sleep(Duration::from_millis(3500)).await;
    assert!(!stage.is_connected());
    assert_eq!(stage.published_since(3), []);
    stage.bring_back(false);
    assert_eq!(
        said(&stage, 3).await,
        [
            pair("there", "1"),
            pair("number/changed", "{\"number\": 3}")
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_kept_gets_what_came_while_it_was_away() {
    let yaml = NUMBER.replace("client_id: bemo", "client_id: bemo\n  clean_session: false");
    let yaml = yaml.replace("qos: 2", "qos: 1");
    let stage = Stage::new();
    let _runtime = Runtime::rehearse(bemo::plan(&yaml), stage.clone());
    stage.published_more_than(1).await;
    stage.take_away();
    stage.publish("number/set", "{\"number\": 50}", false);
    stage.bring_back(true);
    // The state is said again, whatever the broker has kept; then the command makes news.
    stage.published_more_than(5).await;
    assert_eq!(
        said(&stage, 3).await,
        [
            pair("there", "1"),
            pair("number/changed", "{\"number\": 0}"),
            pair("number/changed", "{\"number\": 50}")
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_retained_is_delivered_to_who_comes_later() {
    let remote = NUMBER.replace("        source: { ticker: { every: 1s, step: 1 } }\n", "");
    let remote = remote.replace("mqtt: { state", "mqtt: { owner: remote, state");
    let stage = Stage::new();
    stage.publish("number/changed", "{\"number\": 42}", true);
    let runtime = Runtime::rehearse(bemo::plan(&remote), stage.clone());
    let server = runtime.offered::<GattServer>().await;
    stage.published_more_than(0).await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    let central = server.connect();
    let number = central.discover()[0].characteristics[0].handle;
    assert_eq!(central.read(number), Ok(vec![42]));
    central.write(number, &[7]).await.unwrap();
    assert_eq!(
        said(&stage, 1).await,
        [pair("number/set", "{\"number\": 7}")]
    );
    // Nobody confirms.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(central.read(number), Ok(vec![42]));
}
