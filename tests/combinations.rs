//! However the words for MQTT stand beside each other, what is wrong is said: reading never panics.

use std::panic::catch_unwind;
use std::path::Path;

use bemo_sync::config::{Placeholders, load_str};

const OWNERS: [&str; 3] = ["", "owner: here, ", "owner: remote, "];
const DOCUMENTS: [&str; 3] = ["", "document: rem, ", "document: loc, "];
const GATHERS: [&str; 3] = ["", "gathers: cfg, ", "gathers: rem, "];
const VALUES: [&str; 7] = [
    "type: u8",
    "type: u8, json: /x",
    "type: u8, json: \"rem#/x\"",
    "type: u8, json: \"loc#/x\"",
    "type: u8, json: /x, constant: 1",
    "type: struct, fields: [{ name: a, type: u8 }, { name: b, type: u8, json: \"rem#/x\" }]",
    "type: struct, fields: [{ name: a, type: u8, json: \"loc#/y\" }, { name: b, type: u8, json: \"rem#/x\" }]",
];
const TOPICS: [&str; 4] = [
    "",
    "state: a/state",
    "command: a/set",
    "state: a/state, command: a/set",
];
const MORE: [&str; 3] = [
    "",
    "delivery: every, ",
    "response: { in: Status, accepted: 1 }, ",
];

fn source(value: &str, more: &str, mqtt: &str) -> String {
    format!(
        "version: 1
ble: {{ adapter: virtual }}
mqtt: {{ broker: auto }}
documents:
  cfg: {{ state: {{ topic: cfg, send: gathered }} }}
  loc: {{ state: loc, command: loc/set }}
  rem: {{ owner: remote, state: rem, command: rem/set }}
services:
  - name: Service
    uuid: 180F
    characteristics:
      - {{ name: Status, uuid: A001, access: [read, notify], value: {{ type: u8 }} }}
      - {{ name: Apply, uuid: A003, access: [write], value: {{ type: u8 }}, mqtt: {{ gathers: cfg }} }}
      - {{ name: In cfg, uuid: A004, access: [read, write], value: {{ type: u8, json: /z }}, mqtt: {{ document: cfg }} }}
      - {{ name: In loc, uuid: A005, access: [read, write], value: {{ type: u8, json: /z }}, mqtt: {{ document: loc }} }}
      - {{ name: In rem, uuid: A006, access: [read, write], value: {{ type: u8, json: /z }}, mqtt: {{ document: rem }} }}
      - {{ name: Value, uuid: A002, access: [read, write, notify], value: {{ {value} }}, {more}mqtt: {{ {mqtt} }} }}
"
    )
}

/// Every one of these with every one of those.
fn with(all: &[String], each: &[&str]) -> Vec<String> {
    let pairs = all
        .iter()
        .flat_map(|one| each.iter().map(move |other| format!("{one}{other}")));
    pairs.collect()
}

#[test]
fn no_combination_of_words_panics() {
    let none = [String::new()];
    let mqtt = [&OWNERS[..], &DOCUMENTS, &GATHERS, &TOPICS];
    let mqtt = mqtt
        .iter()
        .fold(none.to_vec(), |all, each| with(&all, each));
    let mut sound = 0;
    for (value, more) in VALUES
        .iter()
        .flat_map(|value| MORE.map(|more| (value, more)))
    {
        for mqtt in &mqtt {
            let source = source(value, more, mqtt);
            let read = catch_unwind(|| {
                let host = Placeholders::new(Vec::new());
                load_str(Path::new("a.yaml"), &source, &|_| None, host).is_ok()
            });
            sound += usize::from(read.unwrap_or_else(|_| panic!("of this:\n{source}")));
        }
    }
    assert!(sound > 0, "some of them are right");
}
