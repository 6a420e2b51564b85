//! A payload is read straight to its value, without a tree of it. That says the same as the tree would, whatever the
//! payload is; and so does what is written without one.

use bemo_sync::codec::{Cause, Spec, Template, Value, Violation, json as codec_json};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::generate::{asked, jsons, specs};
use crate::value_in;

/// Where the value is looked for.
fn templates() -> impl Strategy<Value = (Template, Vec<Json>)> {
    let table = [
        (json!("$value"), vec![]),
        (json!({ "a": "$value" }), vec![json!("a")]),
        (
            json!({ "a": { "b": "$value" } }),
            vec![json!("a"), json!("b")],
        ),
        (json!({ "a": [0, "$value"] }), vec![json!("a"), json!(1)]),
        (json!([{ "b": "$value" }]), vec![json!(0), json!("b")]),
    ];
    proptest::sample::select(table.to_vec())
        .prop_map(|(json, path)| (Template::new(json).expect("one place"), path))
}

/// JSON as others write it: keys that stand twice, and are escaped; numbers of every form; and not always JSON.
fn payloads() -> impl Strategy<Value = String> {
    let numbers = proptest::sample::select(vec![
        "0",
        "-0",
        "5",
        "5.0",
        "5e0",
        "-5",
        "0.1",
        "255",
        "256",
        "1e2",
        "1.5e-7",
        "9007199254740991",
        "9007199254740993",
        "9007199254740993.0",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775809",
        "1e308",
        "1e309",
        "-1e999",
        "1e-400",
        "00",
        "+1",
        ".5",
        "5.",
        "NaN",
    ]);
    let texts = proptest::sample::select(vec![
        "\"\"",
        "\"on\"",
        "\"5\"",
        "\"null\"",
        r#""\u0061""#,
        r#""\ud83d\ude00""#,
        r#""\ud800""#,
        r#""\x""#,
        "\"\n\"",
        "\"a",
    ]);
    let words = proptest::sample::select(vec!["true", "false", "null", "nul", "", " "]);
    let any = jsons().prop_map(|json| json.to_string());
    let leaves = prop_oneof![
        4 => numbers.prop_map(str::to_owned),
        2 => texts.prop_map(str::to_owned),
        2 => words.prop_map(str::to_owned),
        1 => any,
    ];
    let keys = proptest::sample::select(vec![
        r#""a""#,
        r#""a""#,
        r#""b""#,
        r#""b""#,
        r#""\u0061""#,
        r#""aa""#,
        "a",
        "",
    ]);
    let spaces = proptest::sample::select(vec!["", " ", "\n\t"]);
    let nested = leaves.prop_recursive(4, 24, 4, move |inner| {
        let entry = (keys.clone(), spaces.clone(), inner.clone());
        let entry = entry.prop_map(|(key, space, inner)| format!("{key}{space}:{space}{inner}"));
        prop_oneof![
            3 => vec(entry, 0..4).prop_map(|all| format!("{{{}}}", all.join(","))),
            1 => vec(inner, 0..3).prop_map(|all| format!("[{}]", all.join(", "))),
        ]
    });
    (
        nested,
        proptest::sample::select(vec!["", " ", "x", "}", "\0"]),
        0..40usize,
    )
        .prop_map(|(text, after, cut)| {
            let mut text = text + after;
            // Now and then it breaks off.
            if cut > 30 && text.is_char_boundary(cut) {
                text.truncate(cut);
            }
            text
        })
}

/// What the whole tree says.
fn by_the_tree(spec: &Spec, path: &[Json], text: &str) -> Result<Option<Value>, Violation> {
    let tree: Json = serde_json::from_str(text)
        .map_err(|error| codec_json::malformed("the payload", text, &error))?;
    let found = path.iter().try_fold(&tree, |json, step| match step {
        Json::String(key) => json.get(key.as_str()),
        index => json.get(usize::try_from(index.as_u64()?).ok()?),
    });
    match found {
        // An object that says nothing of the value is as good as none.
        Some(json) => codec_json::read(spec, json)
            .map(|patch| (!patch.is_keep()).then(|| spec.merge(None, patch))),
        None if spec.admits_null() => Ok(Some(Value::Null)),
        None => Ok(None),
    }
}

/// What can be wrong with a part that nobody looks at, and is not: who passes over a number does not reckon it, who
/// passes over a text does not decode it, and who passes over what is nested does not keep count.
fn is_about_what_is_passed_over(violation: &Violation) -> bool {
    let why = [
        "no value can hold",
        "lone leading surrogate",
        "unexpected end of hex escape",
        "recursion limit",
    ];
    why.iter().any(|why| violation.detail.contains(why))
}

/// What is no JSON is none in either way. Which sentence says so, `serde_json` chooses: it has others for what it passes
/// over.
fn is_same(one: &Violation, other: &Violation) -> bool {
    let neither = [one, other].map(|it| it.cause == Cause::MalformedJson);
    one == other || neither == [true; 2]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_read_without_a_tree_is_what_the_tree_says(
        spec in prop_oneof![Just(crate::u8()), specs()], (template, path) in templates(), text in payloads()
    ) {
        let read = value_in(&template, &spec, text.as_bytes());
        match by_the_tree(&spec, &path, &text) {
            Ok(Some(value)) => prop_assert_eq!(read, Ok(value), "{}", text),
            Ok(None) => {
                let cause = read.map_err(|violation| violation.cause);
                prop_assert_eq!(cause, Err(Cause::MissingKey), "{}", text);
            }
            Err(violation) if read.as_ref().err().is_some_and(|it| is_same(it, &violation)) => {}
            Err(violation) => {
                prop_assert!(is_about_what_is_passed_over(&violation), "{}: {}, and {:?}", text, violation, read);
            }
        }
    }

    #[test]
    fn what_is_written_without_a_tree_is_what_the_tree_says((spec, value) in asked()) {
        if let Ok(admitted) = spec.admit(value) {
            let written = Template::bare().write(&spec, &admitted.value);
            let tree: Json = serde_json::from_str(&written).expect("it is JSON");
            prop_assert_eq!(tree, codec_json::to_json(&spec, &admitted.value));
        }
    }

    #[test]
    fn text_is_quoted_as_json_quotes_it(text in any::<String>()) {
        prop_assert_eq!(codec_json::quoted(&text), Json::from(text.as_str()).to_string());
    }
}

#[test]
fn every_character_that_json_escapes_is_escaped_as_it_does() {
    for character in (0..0x3000).filter_map(char::from_u32) {
        let text = format!("a{character}b");
        assert_eq!(
            codec_json::quoted(&text),
            Json::from(text.as_str()).to_string()
        );
    }
}
