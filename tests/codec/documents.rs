//! Values that share a JSON document, each at its pointer.

use bemo_sync::codec::{Pointer, Scale, Spec, Value, document};
use serde_json::{Value as Json, json};

use crate::{at, field, list, number, scaled, structure, text, u8, utf8};

fn fraction() -> Spec {
    let scale = Scale::range((0, 255), (number("0"), number("1")), Some(2));
    Spec::Int(scaled(
        bemo_sync::codec::IntWidth::W8,
        false,
        scale.expect("a scale"),
    ))
}

/// LAMPI's colour.
fn hsv() -> Spec {
    let mut fields = vec![
        field("hue", fraction()),
        field("saturation", fraction()),
        field("v", u8()),
    ];
    (fields[0].at, fields[1].at) = (at("/color/h"), at("/color/s"));
    fields[2].constant = Some(Value::Int(255));
    structure(fields)
}

fn said(spec: &Spec, at: &Pointer, name: Option<&str>, json: &Json, before: &Value) -> Value {
    let patch = document::read(spec, at, name, json).expect("a document");
    spec.admit(spec.merge(Some(before), patch))
        .expect("it fits")
        .value
}

#[test]
fn several_values_make_one_document_and_each_reads_its_own() {
    let n = Value::Int;
    let color = list(&[n(128), n(255), n(255)]);
    let mut json = json!({ "client": "me" });
    document::write(&hsv(), &at(""), None, &color, false, &mut json);
    document::write(
        &fraction(),
        &at("/brightness"),
        None,
        &n(64),
        false,
        &mut json,
    );
    document::write(
        &Spec::BOOL,
        &at("/on"),
        None,
        &Value::Bool(true),
        false,
        &mut json,
    );
    assert_eq!(
        document::render(&json),
        r#"{"client": "me", "color": {"h": 0.5, "s": 1.0}, "brightness": 0.25, "on": true}"#
    );
    let before = list(&[n(1), n(2), n(255)]);
    assert_eq!(said(&hsv(), &at(""), None, &json, &before), color);
    let only_hue = json!({ "color": { "h": 1 }, "brightness": "not mine" });
    assert_eq!(
        said(&hsv(), &at(""), None, &only_hue, &before),
        list(&[n(255), n(2), n(255)])
    );
    let nothing =
        document::read(&hsv(), &at(""), None, &json!({ "on": true })).expect("a document");
    assert!(nothing.is_keep());
}

#[test]
fn a_field_may_stand_in_another_document() {
    let mut fields = vec![field("temperature", u8()), field("humidity", u8())];
    fields[1].at = at("attic#/climate/humidity");
    let spec = structure(fields);
    let value = list(&[Value::Int(21), Value::Int(40)]);
    let (mut own, mut attic) = (json!({}), json!({}));
    document::write(&spec, &at("/living"), None, &value, false, &mut own);
    document::write(
        &spec,
        &at("/living"),
        Some("attic"),
        &value,
        false,
        &mut attic,
    );
    assert_eq!(own, json!({ "living": { "temperature": 21 } }));
    assert_eq!(attic, json!({ "climate": { "humidity": 40 } }));
    let before = list(&[Value::Int(1), Value::Int(2)]);
    let after = said(&spec, &at("/living"), Some("attic"), &attic, &before);
    assert_eq!(after, list(&[Value::Int(1), Value::Int(40)]));
    // What the other document says at that place is not meant.
    let own = json!({ "living": { "temperature": 21 }, "climate": { "humidity": "?" } });
    let after = said(&spec, &at("/living"), None, &own, &before);
    assert_eq!(after, list(&[Value::Int(21), Value::Int(2)]));
}

#[test]
fn what_is_empty_can_be_left_out() {
    let credentials = structure(vec![field("ssid", utf8(32)), field("psk", utf8(63))]);
    let open = list(&[text("home"), text("")]);
    for (omit_empty, expected) in [
        (true, json!({ "ssid": "home" })),
        (false, json!({ "ssid": "home", "psk": "" })),
    ] {
        let mut json = json!({});
        document::write(&credentials, &at(""), None, &open, omit_empty, &mut json);
        assert_eq!(json, expected);
    }
}

#[test]
fn null_says_unknown_or_not_there_and_otherwise_is_wrong() {
    let patch = document::read(&u8(), &at("/a"), None, &json!({ "a": null }));
    assert_eq!(
        patch.expect_err("no null").to_string(),
        "null where an integer is declared"
    );
}

#[test]
fn pointers_are_rfc_6901() {
    let json = json!({ "a/b": 1, "m~n": 2, "": 3, "list": [4, 5], "a#b": 6, "~1": 7 });
    for (pointer, found) in [
        ("/a~1b", json!(1)),
        ("/m~0n", json!(2)),
        ("/", json!(3)),
        ("/list/1", json!(5)),
        ("/a#b", json!(6)),
        ("/~01", json!(7)),
        ("attic#/list/0", json!(4)),
        ("attic#", json.clone()),
        ("", json.clone()),
    ] {
        let parsed = at(pointer);
        assert_eq!(parsed.find(&json), Some(&found), "{pointer}");
        assert_eq!(at(&parsed.to_string()), parsed);
    }
    assert_eq!(at("attic#/x").document.as_deref(), Some("attic"));
    for nowhere in ["/c", "/list/2", "/list/x", "/list/-1", "/a~1b/c"] {
        assert_eq!(at(nowhere).find(&json), None, "{nowhere}");
    }
    for (wrong, said) in [
        ("a", "`a` is no JSON pointer"),
        ("#/a", "`#/a` names no document before its `#`"),
        ("/a~2", "`~` is written `~0`, and `/` in a key `~1`"),
        ("/a~", "`~` is written `~0`, and `/` in a key `~1`"),
        ("attic#x", "`attic#x` is no JSON pointer"),
    ] {
        assert_eq!(Pointer::parse(wrong), Err(said.to_owned()));
    }
}

#[test]
fn rendering_has_the_spacing_of_pythons_json_dumps() {
    let json = json!({
        "a": [1, 2.5, [], {}, [[null]]], "b": { "c": { "d": "é\"\n" } }, "e": true, "f": -0.5,
    });
    assert_eq!(
        document::render(&json),
        r#"{"a": [1, 2.5, [], {}, [[null]]], "b": {"c": {"d": "é\"\n"}}, "e": true, "f": -0.5}"#
    );
}
