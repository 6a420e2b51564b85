//! Bits with names.

use bemo_sync::codec::{IntWidth, Patch, Spec, Value, att, json};
use serde_json::json;

use crate::{assert_is, field, flags, json_of, kept, list, optional, structure, u8, u16};

fn status() -> Spec {
    Spec::Int(flags(IntWidth::W8, &[("moving", 0), ("charging", 3)], &[]))
}

#[test]
fn flags_are_an_object_of_booleans_by_bit() {
    assert_is(&status(), Value::Int(0b1000), &[0b1000]);
    let json = r#"{"moving": false, "charging": true}"#;
    assert_eq!(json_of(&status(), &Value::Int(0b1000)), json);
    assert_eq!(kept(&status(), json), Value::Int(0b1000));
    assert_eq!(status().neutral(), Value::Int(0));
    let wide = Spec::Int(flags(IntWidth::W64, &[("last", 63)], &[]));
    assert_eq!(kept(&wide, r#"{"last": true}"#), Value::Int(1 << 63));
}

#[test]
fn what_is_not_mentioned_stays() {
    let patch = json::read(&status(), &json!({ "moving": true, "other": 7 })).expect("flags");
    let merged = status().merge(Some(&Value::Int(0b1000)), patch);
    assert_eq!(merged, Value::Int(0b1001));
    let patch = json::read(&status(), &json!({ "charging": false })).expect("flags");
    assert_eq!(
        status().merge(Some(&Value::Int(0b1001)), patch),
        Value::Int(0b0001)
    );
    let nothing = json::read(&status(), &json!({})).expect("flags");
    assert!(nothing.is_keep());
}

#[test]
fn reserved_bits_are_not_looked_at_and_never_sent() {
    let admitted = status().admit(Value::Int(0b1111_0111)).expect("any bits");
    assert_eq!(
        (admitted.value, admitted.adjusted),
        (Value::Int(0b0000_0001), false)
    );
}

#[test]
fn only_booleans_are_flags() {
    for (json, said) in [
        (
            json!({ "moving": 1 }),
            "`moving`: 1 where a boolean is declared",
        ),
        (json!(3), "a number where an object of flags is declared"),
        (json!(null), "null where an object of flags is declared"),
    ] {
        let refused = json::read(&status(), &json).expect_err("no flags");
        assert_eq!(refused.to_string(), said);
    }
}

/// The Rower Data of the Fitness Machine Service: `more_data` is clear when the stroke rate is there.
fn rower() -> Spec {
    let names = [
        ("more_data", 0),
        ("average_rate", 1),
        ("total_distance", 2),
        ("lap", 15),
    ];
    let derived = ["more_data", "average_rate", "total_distance"];
    let flags = flags(IntWidth::W16, &names, &derived);
    structure(vec![
        field("flags", Spec::Int(flags)),
        optional("stroke_rate", u8(), 0, 0, false),
        optional("stroke_count", u16(), 0, 0, false),
        optional("average_stroke_rate", u8(), 0, 1, true),
        optional(
            "total_distance",
            crate::int(IntWidth::W24, false, Default::default()),
            0,
            2,
            true,
        ),
    ])
}

#[test]
fn fields_are_there_as_their_flags_say_in_both_directions() {
    let n = Value::Int;
    let null = Value::Null;
    let table: &[(&str, Value, &[u8])] = &[
        (
            r#"{"stroke_rate": 49, "stroke_count": 118, "total_distance": 1042}"#,
            list(&[n(0b100), n(49), n(118), null.clone(), n(1042)]),
            &[0x04, 0x00, 49, 118, 0, 0x12, 0x04, 0x00],
        ),
        (
            r#"{"total_distance": 1042}"#,
            list(&[n(0b101), null.clone(), null.clone(), null.clone(), n(1042)]),
            &[0x05, 0x00, 0x12, 0x04, 0x00],
        ),
        (
            r#"{"average_stroke_rate": 50}"#,
            list(&[n(0b011), null.clone(), null.clone(), n(50), null.clone()]),
            &[0x03, 0x00, 50],
        ),
    ];
    for (shown, value, octets) in table {
        assert_is(&rower(), value.clone(), octets);
        let whole = shown.replacen('{', r#"{"flags": {"lap": false}, "#, 1);
        assert_eq!(json_of(&rower(), value), whole);
        assert_eq!(kept(&rower(), shown), *value, "{shown}");
    }
    // One says that the flag is as for both: the other is there too.
    let half = list(&[n(0), n(49), n(0), null.clone(), null]);
    assert_eq!(kept(&rower(), r#"{"stroke_rate": 49}"#), half);
}

#[test]
fn a_flag_that_says_what_is_there_cannot_be_set_otherwise() {
    let lies = r#"{"flags": {"more_data": false, "total_distance": true, "lap": true}}"#;
    let value = kept(&rower(), lies);
    let null = || Value::Null;
    assert_eq!(
        value,
        list(&[Value::Int(1 << 15 | 1), null(), null(), null(), null()])
    );
}

#[test]
fn of_fields_that_exclude_each_other_the_one_that_is_said_is_there() {
    let either = structure(vec![
        field(
            "flags",
            Spec::Int(flags(IntWidth::W8, &[("far", 0)], &["far"])),
        ),
        optional("centimetres", u8(), 0, 0, false),
        optional("metres", u16(), 0, 0, true),
    ]);
    let near = list(&[Value::Int(0), Value::Int(7), Value::Null]);
    let far = list(&[Value::Int(1), Value::Null, Value::Int(9)]);
    assert_eq!(
        either.neutral(),
        list(&[Value::Int(0), Value::Int(0), Value::Null])
    );
    let say = |index: usize, number| {
        let mut patches = vec![Patch::Keep; 3];
        patches[index] = Patch::Set(Value::Int(number));
        Patch::Fields(patches)
    };
    for (before, patch, after) in [(&near, say(2, 9), &far), (&far, say(1, 7), &near)] {
        let merged = either.merge(Some(before), patch);
        assert_eq!(either.admit(merged).expect("it fits").value, *after);
    }
}

#[test]
fn a_field_with_flags_of_its_own_may_have_a_flag_before_it() {
    let nested = structure(vec![
        field(
            "flags",
            Spec::Int(flags(IntWidth::W8, &[("more", 7)], &["more"])),
        ),
        optional(
            "more",
            Spec::Int(flags(IntWidth::W8, &[("x", 0), ("loud", 1)], &["x"])),
            0,
            7,
            true,
        ),
        optional("x", u8(), 1, 0, true),
    ]);
    let n = Value::Int;
    assert_eq!(kept(&nested, r#"{"x": 5}"#), list(&[n(0x80), n(1), n(5)]));
    assert_eq!(
        kept(&nested, r#"{"more": {"loud": true}}"#),
        list(&[n(0x80), n(2), Value::Null])
    );
    assert_eq!(
        kept(&nested, r#"{"more": null}"#),
        list(&[n(0), Value::Null, Value::Null])
    );
    assert_is(&nested, list(&[n(0), Value::Null, Value::Null]), &[0]);
    assert_is(&nested, list(&[n(0x80), n(1), n(5)]), &[0x80, 1, 5]);
}

/// A user, and how far, each there by a flag of its own; 255 is an unknown user.
fn measured() -> Spec {
    let mut user = bemo_sync::codec::IntSpec::new(IntWidth::W8, false);
    (user.unknown, user.max) = (Some(255), 254);
    let names = [("user_present", 0), ("near", 1)];
    let flags = flags(IntWidth::W8, &names, &["user_present", "near"]);
    structure(vec![
        field("flags", Spec::Int(flags)),
        optional("user", Spec::Int(user.clone()), 0, 0, true),
        optional("far", Spec::Int(user), 0, 1, false),
    ])
}

#[test]
fn a_field_that_is_there_and_unknown_is_not_one_that_is_not_there() {
    let (n, null) = (Value::Int, Value::Null);
    let nothing = list(&[n(2), null.clone(), null.clone()]);
    assert_eq!(measured().neutral(), nothing);
    for (octets, shown, value) in [
        (&[2][..], "{}", nothing.clone()),
        (
            &[3, 255],
            r#"{"user": null}"#,
            list(&[n(3), null.clone(), null.clone()]),
        ),
        (
            &[0, 255],
            r#"{"far": null}"#,
            list(&[n(0), null.clone(), null.clone()]),
        ),
        (
            &[1, 7, 255],
            r#"{"user": 7, "far": null}"#,
            list(&[n(1), n(7), null.clone()]),
        ),
        (&[0, 9], r#"{"far": 9}"#, list(&[n(0), null.clone(), n(9)])),
    ] {
        assert_is(&measured(), value.clone(), octets);
        assert_eq!(json_of(&measured(), &value), shown);
        let said: serde_json::Value = serde_json::from_str(shown).expect("JSON");
        for before in [&[2][..], &[1, 255, 255], &[1, 7, 9]] {
            let before = att::decode(&measured(), before).expect("a value");
            let patch = json::read(&measured(), &said).expect("an object");
            let merged = measured().merge(Some(&before), patch);
            let admitted = measured().admit(merged).expect("it fits");
            assert_eq!(
                (admitted.value, admitted.adjusted),
                (value.clone(), false),
                "{shown}"
            );
        }
    }
}
