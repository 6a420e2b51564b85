//! What is handed out says nothing that only an encrypted link may see, nor what came from the environment.

use super::*;

/// None of these may stand anywhere, as text or as it is on the air.
const CANARIES: [(&str, &str); 3] = [
    ("TEXT", "c4nary-text"),
    ("NUMBER", "3735928559"),
    ("UNIT", "celsius"),
];

/// What is on the air or on the way to the broker may come from the environment, and is shown.
const OPEN: [(&str, &str); 3] = [("NAME", "Told"), ("UUID", "FFAA"), ("TOPIC", "open/topic")];

const CONFIGURATION: &str = r#"
version: 1
mqtt:
  broker: broker.local
  plaintext: allow
  birth: { topic: alive, payload: "${TEXT}" }
  will: { topic: alive, payload: "gone" }
documents:
  all:
    state: all
    command: all/set
    constants: { token: "${TEXT}", nested: { deep: ["${TEXT}"] }, plain: open }
services:
  - name: Service
    uuid: FF00
    characteristics:
      - { name: Constant, uuid: FF01, access: [read], value: { type: utf8, constant: "${TEXT}" } }
      - name: Initial
        uuid: FF02
        access: [read, write]
        value: { type: u32, initial: "${NUMBER}", json: /initial }
        mqtt: { document: all }
      - name: Parts
        uuid: FF03
        access: [read, write]
        value:
          type: struct
          fields:
            - { name: magic, type: u32, constant: "${NUMBER}" }
            - { name: word, type: utf8, initial: "${TEXT}" }
        mqtt: { state: parts, command: parts/set, payload: { bearer: "${TEXT}", of: [plain], v: $value } }
      - name: Request
        uuid: FF04
        access: [write, indicate]
        value: { type: u8 }
        response: { value: { type: u32 }, accepted: "${NUMBER}", refused: 3 }
        mqtt: { state: request }
      - { name: Open, uuid: FF05, access: [read], value: { type: u8, constant: 77 } }
      - name: Allowed
        uuid: FF06
        access: [read, write]
        value: { type: utf8, allowed: ["${TEXT}", other], initial: other }
        mqtt: { state: allowed, command: allowed/set }
      - name: Pattern
        uuid: FF07
        access: [read, write]
        value: { type: utf8, max_length: 40, pattern: "^(${TEXT}.*)?$", json: /pattern }
        mqtt: { document: all }
      - name: Words
        uuid: FF08
        access: [read, write]
        value: { type: u32, enum: { low: 0, high: "${NUMBER}" }, json: /words }
        mqtt: { document: all }
      - name: Range
        uuid: FF09
        access: [read, write]
        value: { type: u32, max: "${NUMBER}" }
        mqtt: { state: range, command: range/set, format: text }
      - { name: Place, uuid: FF0A, access: [read], value: { type: u8, json: "/${TEXT}" }, mqtt: { document: all } }
      - name: Deep
        uuid: FF0B
        access: [read, write]
        value:
          type: struct
          fields:
            - { name: many, type: array, max_items: 2, items: { type: u32, allowed: ["${NUMBER}", 0] } }
        mqtt: { state: deep, command: deep/set }
      - { name: Unit, uuid: FF0C, access: [read], value: { type: u8, unit: "${UNIT}" } }
      - name: "${NAME}"
        uuid: "${UUID}"
        access: [read]
        value: { type: struct, fields: [{ name: "${NAME}", type: u8, max: 78 }] }
        mqtt: { state: "${TOPIC}" }
"#;

const SECURED: &str = r#"
version: 1
ble: { adapter: virtual }
services:
  - name: Service
    uuid: FF00
    characteristics:
      - name: Constant
        uuid: FF01
        access: [read]
        security: encrypted
        value: { type: utf8, constant: c4nary-text }
      - name: Initial
        uuid: FF02
        access: [read, write]
        security: { read: encrypted }
        value: { type: u32, initial: 3735928559 }
      - name: Parts
        uuid: FF03
        access: [read]
        security: encrypted
        value: { type: struct, fields: [{ name: magic, type: u32, constant: 3735928559 }] }
      - name: Request
        uuid: FF04
        access: [write, indicate]
        security: encrypted
        value: { type: u8 }
        response: { value: { type: u32 }, accepted: 3735928559, refused: 3 }
"#;

fn run(arguments: &[&str], path: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_bemo-sync"))
        .args(arguments)
        .arg("--config")
        .arg(path)
        .envs(CANARIES)
        .envs(OPEN)
        .env_remove("BEMO_SYNC_LOG")
        .output()
        .expect("the program was built");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).expect("it is text")
}

/// The GATT table, the AsyncAPI document and the schemas of the payloads.
fn handed_out(configuration: &str) -> [String; 3] {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("a.yaml");
    fs::write(&path, configuration).expect("a file");
    let schemas = directory.path().join("schemas");
    let out = schemas.to_str().expect("it is text");
    run(&["schema", "--out", out], &path);
    let files = fs::read_dir(&schemas).expect("a directory");
    let files = files.map(|file| fs::read_to_string(file.expect("a file").path()).expect("text"));
    [
        run(&["docs"], &path),
        run(&["docs", "--asyncapi"], &path),
        files.collect(),
    ]
}

fn assert_silent(texts: &[String]) {
    for text in texts {
        for secret in [
            "c4nary",
            "63 34 6E 61",
            "3735928559",
            "EF BE AD DE",
            "celsius",
            "2F 27",
        ] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
}

#[test]
fn what_came_from_the_environment_is_in_none_of_them() {
    let texts = handed_out(CONFIGURATION);
    assert_silent(&texts);
    let [table, topics, schemas] = texts;
    for said in [
        "| constant | from the environment |",
        "| at first | from the environment |",
        "| always from the environment |",
        "; from the environment when it is accepted",
        "| constant | 77 (`4D`) |",
        "| value | from the environment |",
        "presentation format from the environment",
        "| `many` | array of 0 … 2 × u32 | from the environment |",
        "### Told",
        "| UUID | `0xFFAA` |",
        "`open/topic`",
        "| `Told` | u8 | 0 … 78 |",
    ] {
        assert!(table.contains(said), "{said}: {table}");
    }
    for text in [topics, schemas] {
        let text: String = text.split_whitespace().collect();
        for said in [
            r#""token":{"type":"string"}"#,
            r#""nested":{"type":"object"}"#,
            r#""plain":{"const":"open"}"#,
            r#""plain":{"examples":["open"]}"#,
            r#""bearer":{"type":"string"}"#,
            r#""initial":{"type":"integer"}"#,
            r#""pattern":{"type":"string"}"#,
            r#""words":{"type":"string"}"#,
            r#""Told":{"type":"integer","minimum":0,"maximum":78}"#,
        ] {
            assert!(text.contains(said), "{said}: {text}");
        }
    }
}

#[test]
fn what_only_an_encrypted_link_may_see_is_in_none_of_them() {
    let texts = handed_out(SECURED);
    assert_silent(&texts);
    for said in [
        "| constant | withheld |",
        "| at first | withheld |",
        "| always withheld |",
        "; withheld when it is accepted",
    ] {
        assert!(texts[0].contains(said), "{said}: {}", texts[0]);
    }
}
