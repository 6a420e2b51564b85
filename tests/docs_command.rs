//! `bemo-sync docs`: what it writes about a configuration is right, and other people's tools read it.

#[path = "support/files.rs"]
mod files;

#[path = "docs_command/secrets.rs"]
mod secrets;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use files::yaml_files;
use serde_json::{Value as Json, json};

fn docs(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bemo-sync"))
        .arg("docs")
        .args(arguments)
        .env_remove("BEMO_SYNC_LOG")
        .output()
        .expect("the program was built")
}

fn printed(arguments: &[&str]) -> String {
    let output = docs(arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).expect("it is text")
}

/// The documents of a configuration that stands only here.
fn documents_of(configuration: &str) -> (String, Json) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("a.yaml");
    fs::write(&path, configuration).expect("a file");
    let path = path.to_str().expect("it is text");
    let topics = printed(&["--asyncapi", "--config", path]);
    (
        printed(&["--config", path]),
        serde_json::from_str(&topics).expect("it is JSON"),
    )
}

#[test]
fn the_gatt_table_of_the_demo() {
    insta::assert_snapshot!(printed(&[]));
}

#[test]
fn the_asyncapi_document_of_the_demo() {
    insta::assert_snapshot!(printed(&["--asyncapi"]));
}

#[test]
fn every_kind_of_value_is_laid_out() {
    let (table, _) = documents_of(EVERYTHING);
    insta::assert_snapshot!(table);
}

#[test]
fn the_same_configuration_makes_the_same_documents() {
    for configuration in configurations() {
        let path = configuration.to_str().expect("names are ASCII");
        for arguments in [&["-c", path][..], &["--asyncapi", "-c", path]] {
            assert_eq!(printed(arguments), printed(arguments), "{path}");
        }
    }
}

#[test]
fn all_are_written_into_a_directory() {
    let directory = tempfile::tempdir().expect("a directory");
    let out = directory.path().join("documents");
    let said = printed(&["--out", out.to_str().expect("it is text")]);
    assert_eq!(said.lines().count(), 3, "{said}");
    let read = |name| fs::read_to_string(out.join(name)).expect(name);
    assert_eq!(read("gatt.md"), printed(&[]));
    assert_eq!(read("asyncapi.json"), printed(&["--asyncapi"]));
    assert_eq!(read("mosquitto.acl"), printed(&["--acl"]));
}

#[test]
fn the_access_control_list_of_everything() {
    let (_, list) = list_of(EVERYTHING);
    insta::assert_snapshot!(list);
}

/// In such a file they would be something else, or open the door to everything.
#[test]
fn what_no_access_control_list_can_name_is_said() {
    for (right, wrong) in [
        ("username: somebody", "username: \" somebody\""),
        (
            "username: somebody",
            "username: \"a\\nuser b\\ntopic readwrite #\"",
        ),
        ("state: far/status", "state: \"far/status \""),
        ("state: far/status", "state: \"\u{2003}far\""),
        ("state: far/status", &format!("state: {}", "a".repeat(1001))),
    ] {
        let (code, said) = list_of(&EVERYTHING.replace(right, wrong));
        assert_eq!(code, Some(1), "{wrong}: {said}");
        assert!(said.contains("an acl_file cannot name the"), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

/// The access control list, or why there is none.
fn list_of(configuration: &str) -> (Option<i32>, String) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("a.yaml");
    fs::write(&path, configuration).expect("a file");
    let output = docs(&["--acl", "--config", path.to_str().expect("it is text")]);
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.code(),
        String::from_utf8(said).expect("it is text"),
    )
}

#[test]
fn mistakes_are_said_and_nothing_is_written() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("a.yaml");
    fs::write(&path, "version: 2\n").expect("a file");
    let out = directory.path().join("documents");
    let output = docs(&[
        "-c",
        path.to_str().expect("it is text"),
        "--out",
        out.to_str().expect("it is text"),
    ]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!out.exists());
}

/// Operations are seen from here: what is published is sent, what is subscribed to received.
#[test]
fn topics_have_their_direction_quality_and_retain() {
    let (_, document) = documents_of(EVERYTHING);
    for (operation, action, mqtt) in [
        ("send_bt_level", "send", json!({ "qos": 2, "retain": true })),
        ("receive_bt_level_set", "receive", json!({ "qos": 1 })),
        ("receive_far_is", "receive", json!({ "qos": 1 })),
        ("send_far_ask", "send", json!({ "qos": 0, "retain": false })),
        ("send_bt_alive", "send", json!({ "qos": 1, "retain": true })),
        (
            "send_bt_events",
            "send",
            json!({ "qos": 1, "retain": false }),
        ),
        (
            "send_bt_rejected",
            "send",
            json!({ "qos": 1, "retain": false }),
        ),
    ] {
        let found = &document["operations"][operation];
        assert_eq!(found["action"], action, "{operation}: {found}");
        let mut binding = found["bindings"]["mqtt"].clone();
        binding
            .as_object_mut()
            .expect("a binding")
            .remove("bindingVersion");
        assert_eq!(binding, mqtt, "{operation}");
        let channel = found["channel"]["$ref"].as_str().expect("a channel");
        let channel = channel.trim_start_matches('#');
        assert!(document.pointer(channel).is_some(), "{channel}");
    }
    let server = &document["servers"]["broker"];
    assert_eq!(server["host"], "broker.local:1884");
    assert_eq!(server["bindings"]["mqtt"]["lastWill"]["message"], "0");
    assert_eq!(server["security"].as_array().map(Vec::len), Some(1));
}

#[test]
fn no_secret_is_in_a_document() {
    let (table, document) = documents_of(EVERYTHING);
    let both = format!("{table}{document}");
    for secret in ["s3cr3t", "somebody"] {
        assert!(!both.contains(secret), "{secret}");
    }
}

/// Names that mean something to Markdown, topics that mean something to AsyncAPI.
#[test]
fn signs_stay_what_they_are() {
    let configuration = EVERYTHING
        .replace("name: Level", "name: \"a|b <c> `d` {E}\\nf\"")
        .replace(
            "bt/level/set",
            "\"bt/{A}/level set#set\"".replace('#', "!").as_str(),
        )
        .replace("bt/level,", "\"bt/level!\",");
    let (table, document) = documents_of(&configuration);
    assert!(
        table.contains("### a\\|b \\<c\\> \\`d\\` {E} f\n"),
        "{table}"
    );
    let descriptions = table.lines().find(|line| line.contains("`0x2901`"));
    let cells = descriptions
        .expect("it has a description")
        .replace("\\|", "");
    assert_eq!(cells.matches('|').count(), 3, "{cells}");
    let channel = &document["channels"]["bt__A__level_set_set"];
    assert_eq!(channel["address"], "bt/{opening}A{closing}/level set!set");
    assert_eq!(channel["parameters"]["opening"]["enum"], json!(["{"]));
    assert_valid(&[("signs".to_owned(), document.to_string())]);
}

#[test]
fn the_official_parser_finds_no_error() {
    let mut documents: Vec<(String, String)> = configurations()
        .iter()
        .map(|path| {
            let path = path.to_str().expect("names are ASCII");
            let name = path.replace('/', ".").replace(".yaml", "");
            (name, printed(&["--asyncapi", "-c", path]))
        })
        .collect();
    documents.push((
        "everything".to_owned(),
        documents_of(EVERYTHING).1.to_string(),
    ));
    assert_valid(&documents);
}

/// It would find one.
#[test]
fn the_official_parser_finds_what_is_wrong() {
    let Some(parser) = parser() else { return };
    let (_, mut document) = documents_of(EVERYTHING);
    let schema = "/channels/bt_level/messages/sent/payload/schema";
    *document.pointer_mut(schema).expect("a schema") = json!({ "type": "nonsense" });
    let wrong = validate(&parser, &[("wrong".to_owned(), document.to_string())]);
    assert!(!wrong.status.success());
}

fn assert_valid(documents: &[(String, String)]) {
    let Some(parser) = parser() else { return };
    let output = validate(&parser, documents);
    let said = String::from_utf8_lossy(&output.stdout);
    let trouble = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{trouble}");
    assert_eq!(said.lines().count(), documents.len(), "{said}");
}

fn validate(parser: &Path, documents: &[(String, String)]) -> Output {
    let directory = tempfile::tempdir().expect("a directory");
    let paths = documents.iter().map(|(name, text)| {
        let path = directory.path().join(format!("{name}.json"));
        fs::write(&path, text).expect("a file");
        path
    });
    let paths: Vec<PathBuf> = paths.collect();
    Command::new("node")
        .arg("tests/asyncapi/validate.mjs")
        .arg(parser)
        .args(paths)
        .output()
        .expect("there is node")
}

/// The folder with the parser; `None` where there is no node at all.
fn parser() -> Option<PathBuf> {
    if Command::new("node").arg("--version").output().is_err() {
        println!(
            "skipped: there is no node here to run the AsyncAPI parser; `make deps` installs it"
        );
        return None;
    }
    let folder = Path::new("target/asyncapi");
    let lock = |folder: &Path| fs::read_to_string(folder.join("package-lock.json")).ok();
    assert!(
        folder.join("node_modules/@asyncapi/parser").exists()
            && lock(folder) == lock(Path::new("tests/asyncapi")),
        "the AsyncAPI parser is not installed: run `make deps`"
    );
    Some(folder.to_owned())
}

fn configurations() -> Vec<PathBuf> {
    let mut all = yaml_files(Path::new("examples"));
    all.push(PathBuf::from("services.yaml"));
    all.sort();
    all
}

const EVERYTHING: &str = r#"version: 1
device: { name: Every_thing }
ble: { adapter: virtual, pairing: { agent: display_only } }
mqtt:
  broker: broker.local:1884
  plaintext: allow
  client_id: bt
  username: somebody
  password: s3cr3t
  birth: { topic: bt/alive, payload: "1" }
  will: { topic: bt/alive, payload: "0" }
  events: bt/events
  rejected: bt/rejected
services:
  - name: Everything
    uuid: 00000000-0000-4000-8000-000000000000
    advertise: true
    characteristics:
      - name: Level
        uuid: FF01
        access: [read, write, notify]
        security: { read: encrypted, write: authenticated, notify: encrypted }
        value: { type: u16, endian: big, min: 10, max: 1000, step: 10, overflow: clamp, initial: 20 }
        mqtt: { state: { topic: bt/level, qos: 2 }, command: bt/level/set }
      - name: Temperature
        uuid: FF02
        access: [read, notify]
        notify: { at_most_every: 200ms }
        security: encrypted
        value: { type: i16, scale: 0.01, unit: celsius, unknown: -32768 }
        mqtt: { owner: remote, state: far/is }
      - name: Mode
        uuid: FF03
        access: [write_without_response]
        value: { type: u8, enum: { off: 0, heat: 1, cool: 2 } }
        mqtt: { owner: remote, state: far/mode, command: { topic: far/ask, qos: 0 } }
      - name: Row
        uuid: FF04
        access: [read, indicate]
        value:
          type: struct
          fields:
            - { name: flags, type: u8, flags: { more: 0, power: 1, steady: 7 } }
            - { name: rate, type: u8, scale: 0.5 }
            - { name: distance, type: u24, when: "!more" }
            - { name: power, type: i16, when: power }
            - { name: colour, type: struct, fields: [ { name: hue, type: u8, scale: { to: [0, 360], from: [0, 255] } }, { name: on, type: bool, enum: { OFF: false, ON: true } } ] }
            - { name: version, type: bytes, length: 2, constant: "0102" }
            - { name: name, type: utf8, max_length: 10, pattern: "^a|b$", initial: a }
        mqtt: { state: bt/row, command: bt/row/set }
      - name: Points
        uuid: FF05
        access: [read, write]
        value: { type: array, min_items: 1, max_items: 4, items: { type: struct, fields: [ { name: x, type: f32 }, { name: y, type: sfloat } ] } }
        mqtt: { state: bt/points }
      - name: Words
        uuid: FF06
        access: [read, write]
        value: { type: utf8, allowed: [one, two], initial: one }
        mqtt: { state: bt/words, payload: [ { word: $value }, 1 ] }
      - name: Key
        uuid: FF07
        access: [read]
        value: { type: bytes, length: 4, constant: DEADBEEF }
      - name: Anything
        uuid: FF08
        access: [read, write]
        value: { type: json, max_length: 100 }
        mqtt: { state: bt/anything }
      - name: Control
        uuid: FF0A
        access: [write, indicate]
        value: { type: struct, fields: [ { name: op, type: u8, enum: { start: 7, stop: 8 } }, { name: rest, type: bytes, max_length: 2 } ] }
        response:
          value: { type: struct, fields: [ { name: code, type: u8, constant: 0x80 }, { name: request, type: u8, copy: op }, { name: result, type: u8, enum: { ok: 1, failed: 4 } } ] }
          accepted: { result: ok }
          refused: { result: failed }
      - name: Status
        uuid: FF0B
        access: [read, notify]
        value: { type: utf8, max_length: 20 }
        mqtt: { owner: remote, state: far/status }
      - name: Ask
        uuid: FF0C
        access: [write]
        value: { type: u8 }
        delivery: every
        response: { in: Status, within: 10s, otherwise: timeout }
        mqtt: { owner: remote, state: far/asked, command: far/asks }
      - name: Beat
        uuid: 2A37
        access: [notify]
        notify: { every: 1s }
        value: { type: u8 }
        mqtt: { command: bt/beat }
      - name: Ratio
        uuid: FF09
        access: [read, write]
        value: { type: f64, min: -1, max: 1 }
        mqtt: { state: bt/ratio, format: text }
"#;
