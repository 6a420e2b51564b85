//! The payload of a topic.

use bemo_sync::codec::ByteOrder::Little;
use bemo_sync::codec::{
    Cause, FloatFormat, IntWidth, Overflow, Patch, Spec, Template, TemplateError, Value, Violation,
};
use serde_json::json;

use crate::{
    bytes, field, flags, float, int, int_within, json_of, plain, structure, text, u8, utf8,
    value_in,
};

fn number() -> Template {
    Template::new(json!({ "number": "$value" })).expect("a template")
}

#[test]
fn the_json_text_of_every_type() {
    let (f32, f64) = (
        float(FloatFormat::F32, Little),
        float(FloatFormat::F64, Little),
    );
    let (u64, i64) = (
        int(IntWidth::W64, false, Little),
        int(IntWidth::W64, true, Little),
    );
    let (utf8, plain) = (utf8(99), plain(99));
    let table = [
        (&Spec::BOOL, Value::Bool(true), "true"),
        (&Spec::BOOL, Value::Bool(false), "false"),
        (&u64, Value::Int(u64::MAX.into()), "18446744073709551615"),
        (&i64, Value::Int(i64::MIN.into()), "-9223372036854775808"),
        (&f32, Value::Float(f64::from(0.1_f32)), "0.1"),
        (&f32, Value::Float(f64::from(f32::MAX)), "3.4028235e38"),
        (&f64, Value::Float(0.1), "0.1"),
        (&f64, Value::Float(5.0), "5.0"),
        (
            &f64,
            Value::Float(f64::MIN_POSITIVE),
            "2.2250738585072014e-308",
        ),
        (&utf8, text("say \"é\"\n\\"), r#""say \"é\"\n\\""#),
        (&utf8, text("\u{1}"), r#""\u0001""#),
        (&plain, bytes(&[]), r#""""#),
        (&plain, bytes(&[0, 0xAB, 0xFF]), r#""00abff""#),
    ];
    for (spec, value, expected) in table {
        let written = json_of(spec, &value);
        assert_eq!(written, expected);
        let read = value_in(&Template::bare(), spec, written.as_bytes());
        let kept = spec
            .admit(read.expect("our own text"))
            .expect("our own value");
        assert_eq!(kept.value, value, "{written} read back");
    }
}

#[test]
fn the_payload_has_the_spacing_of_pythons_json_dumps() {
    assert_eq!(number().write(&u8(), &Value::Int(1)), r#"{"number": 1}"#);
    let table = [
        (json!("$value"), "1"),
        (json!(["$value"]), "[1]"),
        (json!([0, "$value", { "a": [] }]), r#"[0, 1, {"a": []}]"#),
        (
            json!({ "client": "me", "color": { "h": "$value", "s": 0.5 }, "on": true, "x": null }),
            r#"{"client": "me", "color": {"h": 1, "s": 0.5}, "on": true, "x": null}"#,
        ),
        (
            json!({ "say \"hi\"": "$value", "empty": {} }),
            r#"{"say \"hi\"": 1, "empty": {}}"#,
        ),
        (
            json!({ "$value": "$value", "price": "$values" }),
            r#"{"$value": 1, "price": "$values"}"#,
        ),
    ];
    for (declared, expected) in table {
        let template = Template::new(declared.clone()).expect("a template");
        let written = template.write(&u8(), &Value::Int(1));
        assert_eq!(written, expected);
        assert_eq!(
            value_in(&template, &u8(), written.as_bytes()),
            Ok(Value::Int(1))
        );
        assert_eq!(template.json(), &declared);
    }
}

#[test]
fn a_template_needs_the_value_exactly_once() {
    for without in [json!({}), json!(1), json!({ "$value": 1 }), json!("value")] {
        assert_eq!(Template::new(without), Err(TemplateError::NoValue));
    }
    let twice = json!({ "a": "$value", "b": ["$value"] });
    assert_eq!(Template::new(twice), Err(TemplateError::ManyValues));
}

#[test]
fn what_other_programs_write_is_understood() {
    let table = [
        r#"{"number": 5}"#,
        r#"{"number":5}"#,
        " {\n\t\"number\" : 5 }\r\n",
        r#"{"number": 5.0}"#,
        r#"{"number": 5e0}"#,
        r#"{"number": 0.5E+1}"#,
        r#"{"other": [1, {"number": 7}], "number": 5, "more": "x"}"#,
        r#"{"number": 1, "number": 5}"#,
        r#"{"number": "not this", "number": 5}"#,
        r#"{"num\u0062er": 5}"#,
        r#"{"ignored": 1e308, "number": 5}"#,
    ];
    for payload in table {
        let read = value_in(&number(), &u8(), payload.as_bytes());
        assert_eq!(read, Ok(Value::Int(5)), "{payload}");
    }
}

#[test]
fn what_is_no_such_value_is_refused_for_its_own_cause() {
    use Cause::{InvalidUtf8, MalformedJson, MissingKey, OutOfRange, WrongType};
    let table: &[(&[u8], Cause)] = &[
        (b"", MalformedJson),
        (b"{", MalformedJson),
        (b"5x", MalformedJson),
        (br#"{"number": 5"#, MalformedJson),
        (br#"{"number": 5} 6"#, MalformedJson),
        (br#"{"number": 5}}"#, MalformedJson),
        (br#"{"number": 5,}"#, MalformedJson),
        (br#"{'number': 5}"#, MalformedJson),
        (br#"{"number": 05}"#, MalformedJson),
        (br#"{"number": NaN}"#, MalformedJson),
        (br#"{"number": 1e400}"#, OutOfRange),
        (b"\xEF\xBB\xBF{\"number\": 5}", MalformedJson),
        (b"{\"number\": \"\xFF\"}", InvalidUtf8),
        (b"\xFF\xFE", InvalidUtf8),
        (b"{}", MissingKey),
        (b"5", MissingKey),
        (b"null", MissingKey),
        (b"[5]", MissingKey),
        (br#"{"Number": 5}"#, MissingKey),
        (br#"{"outer": {"number": 5}}"#, MissingKey),
        (br#"{"number": null}"#, WrongType),
        (br#"{"number": "5"}"#, WrongType),
        (br#"{"number": true}"#, WrongType),
        (br#"{"number": [5]}"#, WrongType),
        (br#"{"number": {"number": 5}}"#, WrongType),
        (br#"{"number": 5.5}"#, WrongType),
        (br#"{"number": 1e200}"#, OutOfRange),
        (br#"{"number": 5, "number": null}"#, WrongType),
    ];
    for &(payload, cause) in table {
        let shown = String::from_utf8_lossy(payload);
        let refused = value_in(&number(), &u8(), payload).expect_err(&shown);
        assert_eq!(refused.cause, cause, "{shown}: {refused}");
    }
}

#[test]
fn what_is_no_json_is_said_in_words_for_people() {
    for (payload, says) in [
        ("", "the payload is empty"),
        (" \n", "the payload is empty"),
        (r#"{"number": 1e400}"#, "a number beyond ±1.8e308"),
        ("{", "the payload is not JSON"),
    ] {
        let refused = value_in(&number(), &u8(), payload.as_bytes()).expect_err(payload);
        assert!(refused.to_string().contains(says), "{payload}: {refused}");
    }
}

#[test]
fn nested_places_are_found_and_missed_step_by_step() {
    let template = Template::new(json!({ "a": [0, { "b": "$value" }] })).expect("a template");
    let read =
        |payload: &str| value_in(&template, &u8(), payload.as_bytes()).map_err(|it| it.cause);
    assert_eq!(read(r#"{"a": [9, {"b": 5}, 8]}"#), Ok(Value::Int(5)));
    assert_eq!(read(r#"{"a": [{"b": 4}, {"b": 5}]}"#), Ok(Value::Int(5)));
    for missing in [
        "{}",
        r#"{"a": 1}"#,
        r#"{"a": []}"#,
        r#"{"a": [{"b": 5}]}"#,
        r#"{"a": [0, 5]}"#,
        r#"{"a": [0, {"c": 5}]}"#,
        r#"{"a": {"1": {"b": 5}}}"#,
        r#"{"a": [0, {"b": 5}], "a": []}"#,
    ] {
        assert_eq!(read(missing), Err(Cause::MissingKey), "{missing}");
    }
}

#[test]
fn a_missing_value_is_named_with_what_was_expected() {
    let refused = value_in(&number(), &u8(), b"{}").expect_err("no key");
    assert_eq!(
        refused.to_string(),
        r#"the payload has no "/number": it should look like {"number":"$value"}"#
    );
}

#[test]
fn an_object_with_nothing_of_a_struct_is_told_what_its_fields_are() {
    let many: Vec<_> = (1..=10).map(|it| field(&format!("f{it}"), u8())).collect();
    let two = || structure(vec![field("hue", u8()), field("s/v", u8())]);
    let on_off = flags(IntWidth::W8, &[("on", 0), ("off", 1)], &["off"]);
    let bare = Template::bare();
    let within = Template::new(json!({ "color": "$value" })).expect("a template");
    for (template, spec, payload, says) in [
        (
            &bare,
            two(),
            r#"{"zz": 1}"#,
            r#"the payload has none of "/hue", "/s~1v""#,
        ),
        (
            &within,
            two(),
            r#"{"color": {"zz": 1}}"#,
            r#"the payload has none of "/color/hue", "/color/s~1v""#,
        ),
        (
            &within,
            two(),
            "{}",
            r#"the payload has no "/color": it should look like {"color":"$value"}"#,
        ),
        (
            &bare,
            Spec::Int(on_off),
            "{}",
            r#"the payload has no "/on""#,
        ),
        (
            &bare,
            structure(many),
            "{}",
            r#"the payload has none of "/f1", "/f2", "/f3", "/f4", "/f5", "/f6", "/f7", "/f8", and 2 more"#,
        ),
    ] {
        let refused = value_in(template, &spec, payload.as_bytes()).expect_err(payload);
        assert_eq!(refused.cause, Cause::MissingKey);
        assert_eq!(refused.to_string(), says);
    }
}

#[test]
fn integers_are_exact_beyond_what_a_double_holds() {
    let u64 = int(IntWidth::W64, false, Little);
    let read = |text: &str| value_in(&Template::bare(), &u64, text.as_bytes());
    assert_eq!(
        read("18446744073709551615"),
        Ok(Value::Int(u64::MAX.into()))
    );
    assert_eq!(
        read("9007199254740993"),
        Ok(Value::Int(9_007_199_254_740_993))
    );
    assert_eq!(read("-0"), Ok(Value::Int(0)));
}

#[test]
fn no_integer_is_taken_for_its_neighbour_that_a_double_holds() {
    let (u64, i64) = (
        int(IntWidth::W64, false, Little),
        int(IntWidth::W64, true, Little),
    );
    let taken = |spec: &Spec, text: &str| {
        let value = value_in(&Template::bare(), spec, text.as_bytes())?;
        Ok(spec.admit(value)?.value)
    };
    for (spec, text) in [
        (&i64, "-9223372036854775809"),
        (&i64, "9223372036854775808"),
        (&i64, "9223372036854775807.0"),
        (&i64, "-9223372036854775808.0"),
        (&u64, "18446744073709551616"),
        (&u64, "18446744073709551615.0"),
        (&u64, "9007199254740993.0"),
        (&u64, "9007199254740992.0"),
        (&i64, "-9007199254740993.0"),
        (&u64, "1e16"),
        (&u64, "1e200"),
        (&u8(), "1e20"),
        (&u8(), "1e200"),
    ] {
        let refused: Result<Value, Violation> = taken(spec, text);
        let refused = refused.expect_err(text);
        assert_eq!(refused.cause, Cause::OutOfRange, "{text}: {refused}");
    }
    let refused = taken(&u64, "9007199254740993.0").expect_err("two numbers look like this");
    let says = "written in digits alone";
    assert!(refused.to_string().contains(says), "{refused}");
    for (spec, text, expected) in [
        (&i64, "-9223372036854775808", i128::from(i64::MIN)),
        (&u64, "9007199254740991.0", 9_007_199_254_740_991),
        (&u64, "9.007199254740991e15", 9_007_199_254_740_991),
        (&u64, "9007199254740993", 9_007_199_254_740_993),
    ] {
        assert_eq!(taken(spec, text), Ok(Value::Int(expected)), "{text}");
    }
    // What is far outside is at its nearest bound, whatever it was; where it goes round to, nobody knows.
    let within = |overflow| int_within(IntWidth::W8, false, 0, 255, overflow);
    assert_eq!(taken(&within(Overflow::Clamp), "-1e20"), Ok(Value::Int(0)));
    assert!(taken(&within(Overflow::Wrap), "1e20").is_err());
    assert_eq!(taken(&within(Overflow::Wrap), "257.0"), Ok(Value::Int(1)));
}

#[test]
fn a_64_bit_number_is_read_back_to_its_last_bit() {
    let spec = float(FloatFormat::F64, Little);
    for number in [
        8.05007504341006e-309,
        0.1 + 0.2,
        1.0 / 3.0,
        5e-324,
        f64::MAX,
    ] {
        let written = json_of(&spec, &Value::Float(number));
        let read = value_in(&Template::bare(), &spec, written.as_bytes());
        assert_eq!(read, Ok(Value::Float(number)));
    }
}

#[test]
fn a_payload_nested_without_end_is_refused_and_breaks_nothing() {
    let depth = 1_000_000;
    let arrays = "[".repeat(depth);
    let objects = r#"{"number":"#.repeat(depth);
    let closed = format!("{}5{}", "[".repeat(depth), "]".repeat(depth));
    let ignored = format!(r#"{{"deep": {closed}, "number": 5}}"#);
    let template = number();
    let small_stack = std::thread::Builder::new().stack_size(256 * 1024);
    let read = small_stack.spawn(move || {
        for (name, bomb) in [("arrays", arrays), ("objects", objects), ("closed", closed)] {
            let refused = value_in(&template, &u8(), bomb.as_bytes()).expect_err(name);
            let causes = [Cause::MalformedJson, Cause::MissingKey, Cause::WrongType];
            assert!(causes.contains(&refused.cause), "{name}: {refused}");
        }
        // Depth where nobody looks is no reason to refuse, nor to fall.
        let _ = value_in(&template, &u8(), ignored.as_bytes());
    });
    read.expect("a thread")
        .join()
        .expect("no panic and no overflow");
}

#[test]
fn hexadecimal_is_read_in_either_case_and_refused_otherwise() {
    let spec = plain(8);
    let read = |text: &str| value_in(&Template::bare(), &spec, text.as_bytes());
    assert_eq!(read(r#""0aFf""#), Ok(bytes(&[0x0A, 0xFF])));
    for refused in [r#""0""#, r#""0x0a""#, r#""zz""#, r#""é""#, r#"" 0""#, "10"] {
        assert_eq!(
            read(refused).map_err(|it| it.cause),
            Err(Cause::WrongType),
            "{refused}"
        );
    }
}

#[test]
fn a_key_that_is_missing_is_what_is_not_known_where_that_can_be_said() {
    let mut unknown = bemo_sync::codec::IntSpec::new(IntWidth::W16, false);
    unknown.unknown = Some(0xFFFF);
    let read = number().read(&Spec::Int(unknown), b"{}");
    assert_eq!(read, Ok(Patch::Set(Value::Null)));
    let read = number().read(&u8(), b"{}").map_err(|it| it.cause);
    assert_eq!(read, Err(Cause::MissingKey));
}
