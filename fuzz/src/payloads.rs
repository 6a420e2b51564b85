//! MQTT payloads for a value of any type.
//!
//! The first line declares the value, as in the flow mapping of a characteristic:
//!
//! ```text
//! value: { type: u8, max: 9 }, mqtt: { state: s, command: c, payload: { n: $value } }
//! ```
//!
//! Then come messages, with a line of two dashes between them. Each goes to every topic that is subscribed to, retained
//! if it begins with `^`. With `!` a central writes the rest of it.

use std::collections::BTreeMap;

use bemo_sync::engine::Delivery;
use bemo_sync::gatt::Characteristic;
use bemo_sync::gatt::server::Central;
use bemo_sync::plan::Plan;
use bemo_sync::plugin::Direction;

use super::world::{self, World, assert_valid, rest};

const MESSAGES_MAX: usize = 24;

/// What is published on the first may be sent to the second, and changes nothing.
const ECHOES: [(&str, &str); 3] = [("s", "c"), ("here", "here/set"), ("remote/set", "remote")];

fn configuration(declared: &str) -> String {
    format!(
        r#"
version: 1
device: {{ name: Fuzz }}
ble: {{ adapter: virtual }}
mqtt: {{ broker: auto, client_id: fuzz, rejected: rejected }}
documents:
  here: {{ owner: here, state: here, command: here/set }}
  remote: {{ owner: remote, state: remote, command: remote/set, constants: {{ client: fuzz }}, ignore_own: client }}
  other: {{ owner: remote, state: other, command: {{ topic: other/set, send: whole }} }}
services:
  - name: Fuzz
    uuid: FF00
    characteristics:
      - {{ name: In here, uuid: FF02, access: [read], value: {{ type: u8, json: /fixed }}, mqtt: {{ document: here }} }}
      - {{ name: In remote, uuid: FF03, access: [read, write], value: {{ type: i16, json: /fixed }}, mqtt: {{ document: remote }} }}
      - {{ name: In other, uuid: FF04, access: [read, write], value: {{ type: f32, json: /fixed }}, mqtt: {{ document: other }} }}
      - {{ name: Declared, uuid: FF01, access: [read, write, notify], {declared} }}
"#
    )
}

pub fn run(bytes: &[u8]) {
    let line = bytes.iter().position(|byte| *byte == b'\n');
    let (declared, rest) = bytes.split_at(line.unwrap_or(bytes.len()));
    let Ok(declared) = std::str::from_utf8(declared) else {
        return;
    };
    let Ok(loaded) = world::load(&configuration(declared)) else {
        return;
    };
    let messages = messages(rest.get(1..).unwrap_or_default());
    world::run(deliver(loaded.plan, messages));
}

fn messages(bytes: &[u8]) -> Vec<&[u8]> {
    const BETWEEN: &[u8] = b"\n--\n";
    let mut messages = Vec::new();
    let mut left = bytes;
    while messages.len() < MESSAGES_MAX {
        let end = left.windows(BETWEEN.len()).position(|it| it == BETWEEN);
        messages.push(&left[..end.unwrap_or(left.len())]);
        match end {
            Some(end) => left = &left[end + BETWEEN.len()..],
            None => break,
        }
    }
    messages
}

async fn deliver(plan: Plan, messages: Vec<&[u8]>) {
    let topics = plan.links.iter().flat_map(|link| &link.candidates);
    let topics: Vec<_> = topics.flat_map(|link| link.topics()).collect();
    let subscribed = topics
        .iter()
        .filter(|it| it.direction == Direction::Subscribe);
    let subscribed: Vec<String> = subscribed.map(|it| it.topic.clone()).collect();
    // Events and answers happen anew each time, and a source changes the value by itself.
    let is_steady = plan
        .links
        .iter()
        .all(|link| ["ble", "mqtt", "documents", "store"].contains(&link.section))
        && plan
            .cells
            .iter()
            .all(|cell| cell.response.is_none() && cell.delivery == Delivery::Latest);
    let world = World::of(plan).await;
    let Some(server) = &world.server else {
        return;
    };
    let central = server.connect();
    central.exchange_mtu(517).expect("it is connected");
    let all = world.characteristics(&central);
    let (handle, _) = all.last().expect("one is declared");
    let mut seen = 0;
    for message in messages {
        match message {
            // What comes of it is told by what is read then.
            [b'!', octets @ ..] => drop(central.begin_write_long(*handle, octets)),
            [b'^', payload @ ..] => subscribed
                .iter()
                .for_each(|to| world.stage.publish(to, payload, true)),
            payload => subscribed
                .iter()
                .for_each(|to| world.stage.publish(to, payload, false)),
        }
        rest().await;
        let before = values(&central, &all);
        let published = world.stage.published_since(seen);
        seen += published.len();
        let last: BTreeMap<String, Vec<u8>> = published
            .into_iter()
            .map(|it| (it.topic, it.payload))
            .collect();
        for (from, to) in ECHOES {
            let Some(payload) = last
                .get(from)
                .filter(|_| is_steady && subscribed.iter().any(|it| it == to))
            else {
                continue;
            };
            world.stage.publish(to, payload.clone(), false);
            rest().await;
            let after = values(&central, &all);
            for ((_, characteristic), (before, after)) in all.iter().zip(before.iter().zip(&after))
            {
                let is_same = match (before, after) {
                    (Some(before), Some(after)) => characteristic.spec.same(before, after),
                    (before, after) => before.is_none() && after.is_none(),
                };
                let payload = String::from_utf8_lossy(payload);
                assert!(
                    is_same,
                    "our own {payload} on {to} made {after:?} of {before:?}"
                );
            }
            let echoes = world.stage.published_since(seen);
            seen += echoes.len();
            assert!(echoes.is_empty(), "an echo: {echoes:?}");
        }
    }
    world.runtime.stop().await;
}

/// What can be read, each a value of its type.
fn values(
    central: &Central,
    all: &[(u16, Characteristic)],
) -> Vec<Option<bemo_sync::codec::Value>> {
    let value = |(handle, characteristic): &(u16, Characteristic)| {
        let octets = central.read_long(*handle).ok()?;
        Some(assert_valid(&characteristic.spec, &octets))
    };
    all.iter().map(value).collect()
}
