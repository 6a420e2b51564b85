//! Structs and arrays: fields one after the other, constants, alternatives, lengths.

use std::sync::Arc;

use bemo_sync::codec::{
    ArraySpec, Cause, Field, IntWidth, JsonSpec, Patch, Pattern, Spec, TextSpec, Value, att,
    document, json,
};
use serde_json::json;

use crate::{
    assert_is, at, bytes, field, flags, json_of, kept, list, on_the_air, optional, plain,
    structure, text, u8, u16, utf8,
};

fn constant(name: &str, spec: Spec, value: Value) -> Field {
    Field {
        constant: Some(value),
        ..field(name, spec)
    }
}

fn hsv() -> Spec {
    structure(vec![
        field("hue", u8()),
        field("saturation", u8()),
        constant("value", u8(), Value::Int(255)),
    ])
}

fn array(item: Spec, min_items: usize, max_items: usize) -> Spec {
    Spec::Array(Arc::new(ArraySpec {
        item,
        min_items,
        max_items,
    }))
}

#[test]
fn a_constant_is_on_the_air_and_not_in_json() {
    let red = list(&[Value::Int(0), Value::Int(200), Value::Int(255)]);
    assert_is(&hsv(), red.clone(), &[0, 200, 255]);
    assert_eq!(json_of(&hsv(), &red), r#"{"hue": 0, "saturation": 200}"#);
    assert_eq!(
        kept(&hsv(), r#"{"hue": 0, "saturation": 200, "value": 3}"#),
        red
    );
    let other = att::decode(&hsv(), &[0, 200, 254]).expect("three bytes");
    let refused = hsv().admit(other).expect_err("not the constant");
    assert_eq!(refused.cause, Cause::NotAllowed);
    assert_eq!(refused.to_string(), "`value`: 254 where it is always 255");
}

#[test]
fn what_an_object_does_not_mention_stays_or_is_neutral() {
    let half = json::read(&hsv(), &json!({ "saturation": 9 })).expect("an object");
    let known = list(&[Value::Int(7), Value::Int(8), Value::Int(255)]);
    let merged = hsv().merge(Some(&known), half.clone());
    assert_eq!(
        merged,
        list(&[Value::Int(7), Value::Int(9), Value::Int(255)])
    );
    let fresh = hsv().merge(None, half);
    assert_eq!(
        fresh,
        list(&[Value::Int(0), Value::Int(9), Value::Int(255)])
    );
    assert!(
        json::read(&hsv(), &json!({ "other": 9 }))
            .expect("an object")
            .is_keep()
    );
}

#[test]
fn a_field_that_nobody_has_set_has_its_own_initial_value() {
    let mut fields = vec![field("a", u8()), field("b", u8())];
    fields[1].initial = Some(Value::Int(42));
    let spec = structure(fields);
    assert_eq!(spec.neutral(), list(&[Value::Int(0), Value::Int(42)]));
    assert_eq!(
        kept(&spec, r#"{"a": 1}"#),
        list(&[Value::Int(1), Value::Int(42)])
    );
}

#[test]
fn a_key_that_nobody_reads_is_named_to_whoever_wants_to_know() {
    let on = flags(IntWidth::W8, &[("on", 0), ("there", 1)], &["there"]);
    let mut fields = vec![
        constant("kind", u8(), Value::Int(1)),
        field("a", u8()),
        field("h", u8()),
        field("flags", Spec::Int(on)),
        field("list", array(structure(vec![field("x", u8())]), 0, 3)),
        field("any", Spec::Json(JsonSpec { max_length: 99 })),
    ];
    fields[2].at = at("/color/h");
    let spec = structure(fields);
    for fits in [
        json!({}),
        json!({ "a": 1, "color": { "h": 2 }, "flags": { "on": true }, "list": [{ "x": 1 }], "any": { "b": [] } }),
        json!([1]),
    ] {
        assert_eq!(json::check_keys(&spec, &fits), Ok(()), "{fits}");
    }
    let all = "there are `a`, `color/h`, `flags/on`, `list`, `any`";
    for (json, says) in [
        (
            json!({ "zz": 5 }),
            &*format!("there is no `zz` in it: {all}"),
        ),
        (
            json!({ "a": 1, "d": 4 }),
            &format!("there is no `d` in it: {all}"),
        ),
        (
            json!({ "kind": 1 }),
            &format!("there is no `kind` in it: {all}"),
        ),
        (
            json!({ "color": { "s": 1 } }),
            &format!("there is no `color/s` in it: {all}"),
        ),
        (json!({ "color": 1 }), "`color`: an object is wanted here"),
        (
            json!({ "flags": { "there": true } }),
            "`flags`: there is no `there` in it: there is `on`",
        ),
        (
            json!({ "list": [{ "x": 1 }, { "y": 1 }] }),
            "`list`: `1`: there is no `y` in it: there is `x`",
        ),
    ] {
        let refused = json::check_keys(&spec, &json).expect_err(says);
        assert_eq!(refused.to_string(), says);
    }
}

#[test]
fn a_mistake_names_the_field_that_it_is_in() {
    let spec = structure(vec![field("outer", structure(vec![field("inner", u8())]))]);
    let refused = json::read(&spec, &json!({ "outer": { "inner": "x" } })).expect_err("a text");
    assert_eq!(
        refused.to_string(),
        "`outer`: `inner`: a text where an integer is declared"
    );
    let refused = json::read(&spec, &json!({ "outer": 1 })).expect_err("a number");
    assert_eq!(
        refused.to_string(),
        "`outer`: a number where a struct is declared"
    );
    for (spec, json, says) in [
        (&spec, json!([1]), "an array where a struct is declared"),
        (
            &array(u8(), 0, 2),
            json!({}),
            "an object where an array is declared",
        ),
        (&u8(), json!([]), "an array where an integer is declared"),
        (&utf8(3), json!({}), "an object where a text is declared"),
    ] {
        let refused = json::read(spec, &json).expect_err(says);
        assert_eq!(refused.to_string(), says);
    }
    for (octets, says) in [
        (&[][..], "0 bytes where 1 is wanted"),
        (&[1, 2][..], "2 bytes where 1 is wanted"),
    ] {
        let refused = att::decode(&u8(), octets).expect_err(says);
        assert_eq!(refused.to_string(), says);
    }
    let refused = att::decode(&plain(1), &[1, 2]).expect_err("too long");
    assert_eq!(refused.to_string(), "2 bytes are more than the 1 that fits");
    let refused = att::decode(&structure(vec![field("a", u16())]), &[1]).expect_err("too short");
    assert_eq!(refused.cause, Cause::WrongLength);
    assert_eq!(refused.to_string(), "`a`: 1 byte where 2 are wanted");
    let refused = att::decode(&hsv(), &[1, 2, 3, 4]).expect_err("too long");
    assert_eq!(refused.cause, Cause::WrongLength);
    let refused = array(u8(), 0, 2);
    let refused = json::read(&refused, &json!([1, true])).expect_err("a boolean");
    assert_eq!(
        refused.to_string(),
        "`1`: a boolean where an integer is declared"
    );
}

/// The heart rate of the Bluetooth SIG: one byte, or two if one is not enough.
fn heart_rate() -> Spec {
    let format = flags(IntWidth::W8, &[("wide", 0)], &["wide"]);
    let mut narrow = optional("narrow", u8(), 0, 0, false);
    let mut wide = optional("wide", u16(), 0, 0, true);
    (narrow.at, wide.at) = (at("/bpm"), at("/bpm"));
    structure(vec![field("flags", Spec::Int(format)), narrow, wide])
}

#[test]
fn of_alternatives_the_first_that_can_hold_it_is_used() {
    let n = Value::Int;
    let (slow, fast) = (
        list(&[n(0), n(72), Value::Null]),
        list(&[n(1), Value::Null, n(300)]),
    );
    assert_is(&heart_rate(), slow.clone(), &[0, 72]);
    assert_is(&heart_rate(), fast.clone(), &[1, 0x2C, 0x01]);
    assert_eq!(json_of(&heart_rate(), &slow), r#"{"bpm": 72}"#);
    assert_eq!(json_of(&heart_rate(), &fast), r#"{"bpm": 300}"#);
    assert_eq!(kept(&heart_rate(), r#"{"bpm": 72}"#), slow);
    assert_eq!(kept(&heart_rate(), r#"{"bpm": 300}"#), fast);
    let written = list(&[n(1), Value::Null, n(72)]);
    assert!(heart_rate().same(&written, &slow), "JSON shows both as 72");
    assert!(!heart_rate().same(&written, &fast));
    let refused = json::read(&heart_rate(), &json!({ "bpm": 70_000 })).expect("a number");
    let refused = heart_rate().admit(heart_rate().merge(None, refused));
    assert_eq!(
        refused.expect_err("too fast").to_string(),
        "`wide`: 70000 is outside 0 … 65535"
    );
    let refused = json::read(&heart_rate(), &json!({ "bpm": "fast" })).expect_err("a text");
    assert_eq!(refused.cause, Cause::WrongType);
}

#[test]
fn alternatives_may_be_of_different_types_and_clamping_holds_nothing() {
    use bemo_sync::codec::Overflow::Clamp;
    let mut heart = vec![
        field("flags", Spec::Int(flags(IntWidth::W8, &[("f", 0)], &["f"]))),
        optional(
            "number",
            crate::int_within(IntWidth::W8, false, 0, 200, Clamp),
            0,
            0,
            false,
        ),
        optional("other", u16(), 0, 0, true),
    ];
    (heart[1].at, heart[2].at) = (at("/x"), at("/x"));
    let n = Value::Int;
    assert_eq!(
        kept(&structure(heart.clone()), r#"{"x": 250}"#),
        list(&[n(1), Value::Null, n(250)])
    );
    heart[2].spec = utf8(9);
    let spec = structure(heart);
    assert_eq!(
        kept(&spec, r#"{"x": "hi"}"#),
        list(&[n(1), Value::Null, text("hi")])
    );
    assert_eq!(kept(&spec, r#"{"x": 5}"#), list(&[n(0), n(5), Value::Null]));
}

#[test]
fn an_optional_struct_is_there_as_a_whole() {
    let inner = structure(vec![field("a", u8()), field("b", u8())]);
    let spec = structure(vec![
        field(
            "flags",
            Spec::Int(flags(IntWidth::W8, &[("in", 0)], &["in"])),
        ),
        optional("inner", inner, 0, 0, true),
    ]);
    let n = Value::Int;
    let absent = list(&[n(0), Value::Null]);
    let there = list(&[n(1), list(&[n(7), n(0)])]);
    assert_eq!(kept(&spec, r#"{"inner": {"a": 7}}"#), there);
    assert_eq!(kept(&spec, r#"{"inner": null}"#), absent);
    assert_is(&spec, absent.clone(), &[0]);
    assert_is(&spec, there, &[1, 7, 0]);
    // A shared document that does not mention it leaves it as it is.
    let patch = document::read(&spec, &at(""), None, &json!({ "else": 1 })).expect("nothing");
    assert_eq!(spec.merge(Some(&absent), patch), absent);
}

#[test]
fn the_last_field_takes_what_is_left_and_arrays_are_as_long_as_they_are() {
    let spec = structure(vec![field("op", u8()), field("rest", plain(4))]);
    assert_is(&spec, list(&[Value::Int(1), bytes(&[])]), &[1]);
    assert_is(&spec, list(&[Value::Int(1), bytes(&[2, 3])]), &[1, 2, 3]);
    assert_eq!(spec.octets(), (1, 5));
    let refused = att::decode(&spec, &[1, 2, 3, 4, 5, 6]).expect_err("too long");
    assert_eq!(refused.cause, Cause::WrongLength);

    let numbers = array(u16(), 1, 3);
    let two = list(&[Value::Int(1), Value::Int(0x0203)]);
    assert_is(&numbers, two.clone(), &[1, 0, 3, 2]);
    assert_eq!(json_of(&numbers, &two), "[1, 515]");
    assert_eq!(kept(&numbers, "[1, 515]"), two);
    assert_eq!(numbers.neutral(), list(&[Value::Int(0)]));
    for octets in [&[] as &[u8], &[1], &[1, 0, 2], &[0; 8]] {
        let refused = att::decode(&numbers, octets).expect_err("no numbers");
        assert_eq!(refused.cause, Cause::WrongLength, "{octets:?}");
    }
    let many = list(&[Value::Int(1), Value::Int(1), Value::Int(1), Value::Int(1)]);
    assert_eq!(
        numbers.admit(many).expect_err("too many").cause,
        Cause::TooLong
    );
    assert_eq!(
        numbers.admit(list(&[])).expect_err("too few").cause,
        Cause::TooShort
    );
}

#[test]
fn a_text_of_fixed_length_may_stand_before_others() {
    let mut code = TextSpec::up_to(2);
    code.min_length = 2;
    let spec = structure(vec![field("country", Spec::Text(code)), field("n", u8())]);
    assert_is(&spec, list(&[text("ch"), Value::Int(5)]), b"ch\x05");
    let refused = att::decode(&spec, b"\xC3\x28\x05").expect_err("half a letter");
    assert_eq!(refused.cause, Cause::InvalidUtf8);
    let neutral = list(&[text("  "), Value::Int(0)]);
    assert_eq!(spec.neutral(), neutral, "spaces, as many as it takes");
}

#[test]
fn patterns_and_lists_of_what_is_allowed() {
    let mut key = TextSpec::up_to(63);
    key.pattern = Some(Pattern::new("^([ -~]{8,63})?$").expect("a pattern"));
    let key = Spec::Text(key);
    assert!(key.admit(text("")).is_ok() && key.admit(text("12345678")).is_ok());
    let refused = key.admit(text("1234567")).expect_err("too short");
    assert_eq!(refused.cause, Cause::Pattern);
    assert_eq!(
        refused.to_string(),
        r#""1234567" does not match `^([ -~]{8,63})?$`"#
    );
    let mut word = TextSpec::up_to(9);
    word.allowed = Some([Arc::from("go"), Arc::from("stop")].into());
    let word = Spec::Text(word);
    assert_eq!(word.neutral(), text("go"));
    assert_eq!(
        word.admit(text("wait")).expect_err("not listed").cause,
        Cause::NotAllowed
    );
}

#[test]
fn json_on_the_air_is_as_short_as_it_can_be_and_spaced_on_a_topic() {
    let spec = Spec::Json(JsonSpec { max_length: 20 });
    let value = kept(&spec, "{ \"a\" : [1, 2.50, null] }");
    assert_eq!(on_the_air(&spec, &value), br#"{"a":[1,2.5,null]}"#);
    assert_eq!(json_of(&spec, &value), r#"{"a": [1, 2.5, null]}"#);
    let written = att::decode(&spec, b"[1, 2 ]").expect("text");
    assert_eq!(spec.admit(written).expect("JSON").value, text("[1,2]"));
    let cut = att::decode(&spec, b"[1, ").expect("text");
    assert_eq!(
        spec.admit(cut).expect_err("cut").cause,
        Cause::MalformedJson
    );
    assert_eq!(
        spec.admit(text("[1,2,3,4,5,6,7,8,9,0]"))
            .expect_err("long")
            .cause,
        Cause::TooLong
    );
    assert_eq!(spec.neutral(), text("null"));
}

#[test]
fn emptiness() {
    for (value, is_empty) in [
        (text(""), true),
        (text(" "), false),
        (bytes(&[]), true),
        (list(&[]), true),
        (Value::Null, true),
        (Value::Int(0), false),
        (Value::Bool(false), false),
    ] {
        assert_eq!(u8().is_empty(&value), is_empty, "{value}");
    }
    let merged = utf8(3).merge(None, Patch::Keep);
    assert_eq!(merged, text(""));
}
