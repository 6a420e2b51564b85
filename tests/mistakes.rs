//! A mistake in the YAML is shown at its place, with what is wrong and what to write instead, and all
//! of them at once. `tests/mistakes/*.yaml` are the mistakes, `tests/snapshots` what is said of them.

#[path = "support/files.rs"]
mod files;

use std::path::Path;

use bemo_sync::config::{Placeholders, load_str};
use files::yaml_files;

/// What `check` says of a source, with an environment in which only `SET` and `WORD` are set.
fn said_of(name: &str, source: &str) -> String {
    let host = Placeholders::new(vec![
        ("hostname", "raspberrypi".to_owned()),
        ("machine_id", "0123456789abcdef0123456789abcdef".to_owned()),
        ("mac", "aabbccddeeff".to_owned()),
    ]);
    let environment = |name: &str| match name {
        "SET" => Some("s3cr3t".to_owned()),
        "WORD" => Some("geheim".to_owned()),
        _ => None,
    };
    match load_str(Path::new(name), source, &environment, host) {
        Ok(_) => "no mistakes".to_owned(),
        Err(mistakes) => mistakes.to_string(),
    }
}

#[test]
fn every_mistake_is_shown_at_its_place() {
    insta::glob!("mistakes/*.yaml", |path| {
        let source = std::fs::read_to_string(path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy();
        insta::assert_snapshot!(said_of(&name, &source));
    });
}

#[test]
fn the_demo_and_every_example_have_no_mistakes() {
    for path in yaml_files(Path::new("examples"))
        .iter()
        .chain([&Path::new("services.yaml").to_owned()])
    {
        let source = std::fs::read_to_string(path).unwrap();
        assert_eq!(
            said_of(&path.to_string_lossy(), &source),
            "no mistakes",
            "{}",
            path.display()
        );
    }
}

#[test]
fn what_came_from_the_environment_is_never_shown() {
    for source in [
        "version: \"${SET}\"\nservices: []\n",
        "version: 1\nservices: \"${SET}\"\n",
        "version: 1\nservices: []\nble: { adapter: \"${SET}\" }\n",
        "version: 1\nservices: []\nmqtt: { broker: \"${SET}:port\" }\n",
        "version: 1\nservices: []\nmqtt: { broker: auto, password: [\"${SET}\"] }\n",
        "version: 1\nservices: []\nmqtt: { will: { topic: \"${SET}/#\", payload: 1 } }\n",
        "version: 1\ndevice: { name: \"${SET}{none}\" }\nservices: [{ uuid: \"${SET}\" }]\n",
    ] {
        let said = said_of("secret.yaml", source);
        assert!(said.contains("secret.yaml:"), "{said}");
        assert!(!said.contains("s3cr3t"), "{said}");
    }
}

/// Every way in which a secret has ever got, or could get, into what is said of a mistake.
#[test]
fn no_secret_is_ever_shown() {
    let sections = [
        "mqtt: { broker: bob:s3cr3t@host:1883 }",
        "mqtt: { broker: \"mqtt://bob:x@s3cr3t@host\" }",
        "mqtt: { broker: [\"bob:s3cr3t@host\"] }",
        "mqtt: { brocker: bob:s3cr3t@host:1883 }",
        "mqtt: { url: s3cr3t }",
        "mqtt:\n  broker: auto\n  password:\n    s3cr3t",
        "mqtt:\n  password:\n    first\n    s3cr3t\n",
        "mqtt:\n  password: \"first\n    s3cr3t\" \n  qos: 7",
        "mqtt:\n  password: |\n    s3cr3t\n  qos: 7",
        "mqtt: { password: \"a\\\"s3cr3t\" }",
        "mqtt: { password: 'a''s3cr3t' }",
        "mqtt: { \"password\": s3cr3t }",
        "mqtt: { password: { text: s3cr3t } }",
        "mqtt: { password: { s3cr3t } }",
        "mqtt: { password: { s3cr3t, s3cr3t } }",
        "mqtt: { password: { flie: s3cr3t } }",
        "mqtt: { password: [s3cr3t] }",
        "mqtt: { Password: s3cr3t }",
        "mqtt: { pasword: s3cr3t }",
        "mqtt: { pasword: { more: [s3cr3t] } }",
        "mqtt: { username: bob, passphrase: s3cr3t, qos: 7 }",
        "mqtt: { username: bob, password: x, password: s3cr3t }",
        "mqtt: { username: bob, password: x, password: { text: s3cr3t } }",
        "mqtt: { password: &p s3cr3t, username: *p, qos: 7 }",
        "mqtt: { password: \"a${s3cr3t !}\" }",
        "mqtt: { password: \"${UNSET:-s3cr3t}\" }",
        "password: s3cr3t",
        "mqtt: { password: s3cr3t",
        "mqtt: { password: !text s3cr3t }",
        "mqtt: { password: { {s3cr3t} } }",
        "mqtt: { broker: bob:s3cr3t@host, x: [ }",
        "mqtt: { qos: \"${SET}\" }",
        "mqtt: { keep_alive: \"${SET}\" }",
        "mqtt: { clean_session: \"${SET}\" }",
        "mqtt: { client_id: \"{${WORD}}\" }",
        "ble: { adapter: \"${SET}!\" }",
        "${SET}: 1\nble: { adapter: \"${SET}!\" }",
    ];
    for section in sections {
        let (first, rest) = CHARACTERISTIC.split_once('\n').unwrap();
        for source in [
            format!("{first}\n{section}\n{rest}"),
            format!("version: 2\n{section}\n"),
            format!("{first}\n{rest}\n{section}\n"),
        ] {
            assert_hidden(&source);
        }
    }
    for (key, of) in [
        ("uuid: 2A19", "uuid: \"${SET}\""),
        ("[read]", "[\"${SET}\"]"),
        ("type: u8", "type: \"${SET}\""),
        ("u8 }", "u8, overflow: \"${SET}\" }"),
        ("u8 }", "u8, endian: \"${SET}\" }"),
        ("u8 }", "u8, min: \"${SET}\" }"),
        ("u8 }", "u8, initial: \"${SET}\" }"),
        (
            "state: a",
            "state: a, owner: remote, confirm_within: \"${SET}\"",
        ),
        ("state: a", "state: \"${SET}/+\""),
        ("state: a", "state: \"{${WORD}}\""),
        (
            "state: a",
            "state: a, command: { topic: b, qos: \"${SET}\" }",
        ),
        ("name: Level", "name: \"{${WORD}}\""),
        (
            "mqtt: {",
            "source: { ticker: { every: \"${SET}\" } }, mqtt: {",
        ),
    ] {
        let source = CHARACTERISTIC.replace(key, of);
        assert_ne!(source, CHARACTERISTIC);
        assert_hidden(&source);
    }
}

/// Numbers are converted on the way, so the text itself is not what is said.
#[test]
fn no_number_from_the_environment_is_shown() {
    let host = || Placeholders::new(vec![("hostname", "raspberrypi".to_owned())]);
    for (number, shown) in [("70000", "70000"), ("0x11170", "70000")] {
        for of in [
            "min: \"${PIN}\"",
            "max: \"${PIN}\"",
            "max_length: \"${PIN}\"",
            "initial: \"${PIN}\"",
        ] {
            let source = CHARACTERISTIC.replace("u8 }", &format!("u8, {of} }}"));
            let set = |_: &str| Some(number.to_owned());
            let said = load_str(Path::new("a.yaml"), &source, &set, host())
                .err()
                .expect("it is wrong")
                .to_string();
            assert!(!said.contains(shown) && !said.contains(number), "{said}");
        }
    }
    let uuid = |_: &str| Some("180F".to_owned());
    let source = CHARACTERISTIC.replace("uuid: 2A19", "uuid: \"${UUID}\"")
        + "      - { name: B, uuid: \"${UUID}\", access: [read], value: { type: u8 } }\n";
    let said = load_str(Path::new("a.yaml"), &source, &uuid, host());
    let said = said.err().expect("there are two").to_string();
    assert!(
        said.contains("a second") && !said.to_lowercase().contains("180f-"),
        "{said}"
    );
}

#[test]
fn two_plugins_that_find_the_same_mistake_say_it_once() {
    let source = format!("{CHARACTERISTIC}ble: {{ nothing: 1, adapter: [], neither: 2 }}\n");
    let said = said_of("a.yaml", &source);
    for once in ["`nothing`", "a list where", "`neither`"] {
        assert_eq!(said.matches(once).count(), 1, "{said}");
    }
}

const CHARACTERISTIC: &str = "version: 1
services:
  - name: Service
    uuid: 180F
    characteristics:
      - { name: Level, uuid: 2A19, access: [read], value: { type: u8 }, mqtt: { state: a } }
";

fn assert_hidden(source: &str) {
    let said = said_of("secret.yaml", source);
    assert!(said.contains("secret.yaml:"), "{source}\n{said}");
    for secret in ["s3cr3t", "geheim"] {
        assert!(!said.contains(secret), "{source}\n{said}");
    }
}

#[test]
fn a_variable_is_of_the_type_that_is_wanted_of_it() {
    let source = |number: &str| {
        format!(
            "version: {number}\nble: {{ adapter: \"${{UNSET:-virtual}}\" }}\nservices:\n  \
             - name: \"{{hostname}} $${{SET}}\"\n    uuid: 180F\n    characteristics:\n      \
             - name: Level\n        uuid: 2A19\n        access: [read]\n        value: {{ type: u8 }}\n"
        )
    };
    assert_eq!(said_of("a.yaml", &source("\"${UNSET:-1}\"")), "no mistakes");
    assert!(said_of("a.yaml", &source("\"1\"")).contains("where a whole number is wanted"));
}

#[test]
fn hostile_yaml_ends_in_an_error() {
    let deep = "[".repeat(100_000);
    assert!(
        said_of("deep.yaml", &deep).contains("levels deep")
            || said_of("deep.yaml", &deep).contains("not YAML")
    );
    let mut bomb = String::from("a: &a [x,x,x,x,x,x,x,x,x,x]\n");
    for (name, of) in ('b'..='z').zip('a'..) {
        bomb.push_str(&format!(
            "{name}: &{name} [*{of},*{of},*{of},*{of},*{of},*{of},*{of},*{of}]\n"
        ));
    }
    assert!(said_of("bomb.yaml", &bomb).contains("unknown key `a`"));
    assert!(
        said_of("bomb.yaml", &format!("{bomb}version: *z\nservices: *z\n"))
            .contains("a list where")
    );
    let payload = "services: [{ characteristics: [{ mqtt: { state: a, payload: *z } }] }]";
    assert!(said_of("bomb.yaml", &format!("{bomb}{payload}\n")).contains("too much in this"));
}
