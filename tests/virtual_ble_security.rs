//! What an unencrypted link is kept from, on the virtual adapter; and what `check` says of it.

mod air;

use std::path::Path;

use bemo_sync::config::{Placeholders, load_str};
use bemo_sync::gatt::AttError::{InsufficientAuthentication, InsufficientEncryption};
use bemo_sync::gatt::SecurityLevel::{Authenticated, Encrypted, Open};
use bemo_sync::gatt::server::{RequestError, Subscribed};
use bemo_sync::plugin::{Heard, Notice, Payload};

use air::{Air, handle};

const SAFE: &str = r#"
version: 1
ble: { adapter: virtual, pairing: { agent: display_only } }
services:
  - name: Safe
    uuid: FF00
    characteristics:
      - name: Encrypted
        uuid: FF01
        access: [read, write, notify]
        security: encrypted
        value: { type: u8, max: 9 }
      - name: Authenticated
        uuid: FF02
        access: [read, write, write_without_response, indicate]
        security: authenticated
        value: { type: bytes }
      - name: Only Writes
        uuid: FF03
        access: [read, write]
        security: { write: encrypted }
        value: { type: u8 }
"#;

fn refused<T: std::fmt::Debug>(result: Result<T, RequestError>, error: bemo_sync::gatt::AttError) {
    assert_eq!(result.unwrap_err(), RequestError::Att(error));
}

#[tokio::test]
async fn a_link_that_is_not_safe_enough_is_told_what_it_lacks() {
    let air = Air::of(SAFE).await;
    let central = air.central();
    for (uuid, by, wanted, error) in [
        (
            "FF01",
            Subscribed::Notify,
            Encrypted,
            InsufficientEncryption,
        ),
        (
            "FF02",
            Subscribed::Indicate,
            Authenticated,
            InsufficientAuthentication,
        ),
    ] {
        let value = handle(&central, uuid);
        let too_little = [Open, Encrypted].into_iter().filter(|it| *it < wanted);
        for level in too_little {
            central.secure(level).unwrap();
            refused(central.read(value), error);
            refused(central.write(value, &[1]).await, error);
            refused(central.prepare_write(value, 0, &[1]), error);
            refused(central.subscribe(value, Some(by)), error);
            central.write_without_response(value, &[1]);
        }
        central.secure(wanted).unwrap();
        let untouched = central.read_long(value).unwrap();
        assert!(untouched == [0] || untouched.is_empty(), "{untouched:?}");
        central.write(value, &[1]).await.unwrap();
        central.subscribe(value, Some(by)).unwrap();
    }
}

#[tokio::test]
async fn each_kind_of_access_has_its_own_security() {
    let air = Air::of(SAFE).await;
    let central = air.central();
    let value = handle(&central, "FF03");
    assert_eq!(central.read(value).unwrap(), [0]);
    refused(central.write(value, &[1]).await, InsufficientEncryption);
    central.secure(Authenticated).unwrap();
    central.write(value, &[1]).await.unwrap();
}

#[tokio::test]
async fn nobody_else_learns_what_only_an_encrypted_link_may_see() {
    let air = Air::of(SAFE).await;
    let central = air.central();
    let mut notices = air.runtime.notices();
    central.secure(Encrypted).unwrap();
    let value = handle(&central, "FF01");
    central.write(value, &[77]).await.unwrap_err();
    let Heard::Notice(Notice::Rejected {
        payload, reason, ..
    }) = notices.next().await
    else {
        panic!("a refusal");
    };
    assert_eq!(payload, Payload::Withheld);
    assert!(!reason.contains("77"), "{reason}");
}

#[test]
fn a_window_that_everybody_in_reach_could_open_is_a_mistake() {
    for (keys, message) in [
        (
            "access: [read, write]",
            "every central in reach can write \"Key\"",
        ),
        ("access: [read, write], security: { write: encrypted }", ""),
        ("access: [read]", ""),
        (
            "access: [read], value: { type: bool, constant: false }",
            "is constant",
        ),
    ] {
        let source = format!(
            "version: 1\nble: {{ pairing: {{ pairable_for: 60s, window: Key }} }}\nservices:\n\
             - name: S\n  uuid: FF00\n  characteristics:\n  \
             - {{ name: Key, uuid: FF01, {keys}{} }}\n",
            if keys.contains("value") {
                ""
            } else {
                ", value: { type: bool }"
            },
        );
        let said = said(&source);
        assert!(said.contains(message), "{keys}: {said}");
        assert!(!message.is_empty() || said.is_empty(), "{keys}: {said}");
    }
}

/// What is said of a characteristic with these keys.
fn said_of(section: &str, keys: &str) -> String {
    let source = format!(
        "version: 1\nble: {section}\nservices:\n- name: S\n  uuid: FF00\n  characteristics:\n  \
         - {{ name: Key, uuid: FF01, value: {{ type: u8 }}, {keys} }}\n"
    );
    said(&source)
}

fn said(source: &str) -> String {
    let host = Placeholders::new(Vec::new());
    let loaded = load_str(Path::new("test.yaml"), source, &|_| None, host);
    loaded.map_or_else(|mistakes| mistakes.to_string(), |_| String::new())
}

#[test]
fn what_cannot_be_kept_is_a_mistake() {
    for (section, keys, message) in [
        (
            "{}",
            "access: [read, notify], security: { read: encrypted }",
            "notifications carry the same value, to every central that subscribes",
        ),
        (
            "{}",
            "access: [read, notify], security: { notify: encrypted }",
            "every central can read the same value",
        ),
        (
            "{}",
            "access: [read], security: { write: encrypted }",
            "this characteristic cannot be written anyway",
        ),
        (
            "{}",
            "access: [write_without_response], security: encrypted",
            "BlueZ demands that of `write` only",
        ),
        ("{}", "access: [read], security: encripted", "`encripted`"),
        (
            "{}",
            "access: [read], security: authenticated",
            "nobody can be authenticated",
        ),
        (
            "{ pairing: { agent: no_input_no_output } }",
            "access: [read], security: { read: authenticated }",
            "nobody can be authenticated",
        ),
        (
            "{ pairing: { pairable: true, agent: none } }",
            "access: [read], security: encrypted",
            "",
        ),
        (
            "{}",
            "access: [read, write, notify], security: { read: encrypted, notify: open }",
            "",
        ),
        ("{}", "access: [read], security: encrypted", ""),
        (
            "{ pairing: { pairable: false, pairable_for: 120s } }",
            "access: [read], security: encrypted",
            "this time never begins",
        ),
        (
            "{ pairing: { window: Key } }",
            "access: [read], security: encrypted",
            "for how long this opens",
        ),
        (
            "{ pairing: { pairable_for: 1500ms } }",
            "access: [read], security: encrypted",
            "pairing cannot be open for so long",
        ),
        (
            "{ pairing: { pairable_for: 25h } }",
            "access: [read], security: encrypted",
            "pairing cannot be open for so long",
        ),
        (
            "{ pairing: { pairable_for: 120s, window: Door } }",
            "access: [read], security: encrypted",
            "no characteristic is called \"Door\"",
        ),
        (
            "{ pairing: { pairable_for: 120s, window: Key } }",
            "access: [read], security: encrypted",
            "a window is open or not, and \"Key\" is no boolean",
        ),
        (
            "{ pairing: { allow: [] } }",
            "access: [read], security: encrypted",
            "nobody is on this list",
        ),
        (
            "{ pairing: { allow: [\"AA:BB:CC:DD:EE:FF\"] } }",
            "access: [read]",
            "this keeps nobody out: every characteristic is open",
        ),
        (
            "{ pairing: { allow: [\"AA:BB:CC:DD:EE\"] } }",
            "access: [read], security: encrypted",
            "`AA:BB:CC:DD:EE` is no address",
        ),
        (
            "{ pairing: { allow: [AA:BB:CC:DD:EE:FF, \"aa:bb:cc:dd:ee:ff\"] } }",
            "access: [read], security: encrypted",
            "a second time",
        ),
        (
            "{ pairing: { allow: [11:22:33:44:55:06], pairable_for: 2min } }",
            "access: [read], security: encrypted",
            "",
        ),
    ] {
        let said = said_of(section, keys);
        assert!(said.contains(message), "{keys}: {said}");
        assert!(!message.is_empty() || said.is_empty(), "{keys}: {said}");
    }
}
