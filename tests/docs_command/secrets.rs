//! What is handed out says nothing that only an encrypted link may see, nor what came from the environment.

use super::*;

/// None of these may stand anywhere, as text or as it is on the air.
const CANARIES: [(&str, &str); 2] = [("TEXT", "c4nary-text"), ("NUMBER", "3735928559")];

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
        for secret in ["c4nary", "63 34 6E 61", "3735928559", "EF BE AD DE"] {
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
