//! What holds for any type and any value of it, and for any bytes that somebody may send.

use bemo_sync::codec::{
    Admitted, Cause, IntWidth, MAX_LENGTH, Overflow, Patch, Pointer, Scale, Shown, Spec, Template,
    Value, att, document, json as codec_json,
};
use bemo_sync::config::value_schema;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::generate::{asked, asked_twice, decimals, floats, ints, jsons, specs};
use crate::{on_the_air, value_in};

/// The placeholder somewhere inside: each step wraps it in one more array or object.
fn templates() -> impl Strategy<Value = Template> {
    vec((any::<bool>(), jsons(), jsons()), 0..5).prop_map(|steps| {
        let wrap = |inner, (in_object, before, after): (bool, Json, Json)| match in_object {
            true => json!({ "before": before, "here": inner, "after": after }),
            false => json!([before, inner, after]),
        };
        Template::new(steps.into_iter().fold(json!("$value"), wrap)).expect("one placeholder")
    })
}

/// The value as it is kept, if it can be.
fn admitted(spec: &Spec, value: Value) -> Option<Value> {
    spec.admit(value).ok().map(|admitted| admitted.value)
}

proptest! {
    #[test]
    fn what_is_admitted_stays_as_it_is((spec, value) in asked()) {
        if let Some(value) = admitted(&spec, value) {
            let again = Admitted { value: value.clone(), adjusted: false };
            prop_assert_eq!(spec.admit(value), Ok(again));
        }
    }

    #[test]
    fn what_is_admitted_of_a_number_is_inside(
        spec in prop_oneof![ints().prop_map(Spec::Int), floats().prop_map(Spec::Float)],
        asked in any::<i128>(),
        at in 0.0..1.0_f64,
    ) {
        for value in [Value::Int(asked), Value::Float(at * asked as f64)] {
            match (&spec, admitted(&spec, value)) {
                (Spec::Int(spec), Some(Value::Int(held))) => {
                    prop_assert!((spec.min..=spec.max).contains(&held));
                    prop_assert!(spec.unknown != Some(held));
                    if let Some(allowed) = &spec.allowed {
                        prop_assert!(allowed.contains(&held));
                    }
                    if let Some(step) = spec.step {
                        prop_assert_eq!((held - spec.min) % step, 0);
                    }
                }
                (Spec::Float(spec), Some(Value::Float(held))) => {
                    prop_assert!((spec.min..=spec.max).contains(&held));
                }
                (_, None) => {}
                (_, Some(other)) => prop_assert!(false, "{other} is no number"),
            }
        }
    }

    #[test]
    fn only_reject_refuses_a_number_for_its_size((spec, value) in asked()) {
        let overflow = match (&spec, &value) {
            (Spec::Int(spec), Value::Int(_)) if spec.unknown.is_none() => spec.overflow,
            (Spec::Float(spec), Value::Float(_)) => spec.overflow,
            _ => Overflow::Reject,
        };
        if let (Overflow::Clamp | Overflow::Wrap, Err(refused)) = (overflow, spec.admit(value)) {
            prop_assert_eq!(refused.cause, Cause::NotAllowed);
        }
    }

    #[test]
    fn wrapping_is_going_round(min in -50_i128..50, span in 1_i128..60, asked in -400_i128..400) {
        let max = min + span - 1;
        let spec = crate::int_within(IntWidth::W8, true, min, max, Overflow::Wrap);
        let mut expected = asked;
        while expected > max {
            expected -= span;
        }
        while expected < min {
            expected += span;
        }
        let expected = Admitted { value: Value::Int(expected), adjusted: expected != asked };
        prop_assert_eq!(spec.admit(Value::Int(asked)), Ok(expected));
    }

    #[test]
    fn the_air_brings_back_what_was_sent((spec, value) in asked()) {
        if let Some(value) = admitted(&spec, value) {
            let octets = on_the_air(&spec, &value);
            let (least, most) = spec.octets();
            prop_assert!((least..=most).contains(&octets.len()), "{} bytes", octets.len());
            let decoded = att::decode(&spec, &octets).map(|value| spec.admit(value));
            prop_assert_eq!(decoded, Ok(Ok(Admitted { value, adjusted: false })));
        }
    }

    #[test]
    fn a_topic_brings_back_what_was_sent(
        (spec, value, before) in asked_twice(),
        template in templates(),
    ) {
        if let Some(value) = admitted(&spec, value) {
            let payload = template.write(&spec, &value);
            let patch = template.read(&spec, payload.as_bytes()).expect("our own payload");
            for before in [None, admitted(&spec, before)] {
                let merged = spec.merge(before.as_ref(), patch.clone());
                let kept = spec.admit(merged).expect("our own value");
                prop_assert!(!kept.adjusted, "{payload}");
                prop_assert!(spec.same(&kept.value, &value), "{payload} became {}", kept.value);
                // Shown rounded, it is read as the same for ever after.
                prop_assert_eq!(&template.write(&spec, &kept.value), &payload);
            }
        }
    }

    #[test]
    fn a_document_brings_back_what_was_put_into_it(
        (spec, value) in asked(),
        place in "(/[a-b~]{0,2}){0,3}",
        rest in jsons(),
    ) {
        let at = Pointer::parse(&place.replace('~', "~0")).expect("a pointer");
        if let Some(value) = admitted(&spec, value) {
            let mut held = spec.neutral();
            for name in [None, Some("other")] {
                let mut json = json!({ "unrelated": rest });
                document::write(&spec, &at, name, &value, false, &mut json);
                let text = document::render(&json);
                prop_assert_eq!(serde_json::from_str::<Json>(&text).expect("JSON"), json.clone());
                let patch = document::read(&spec, &at, name, &json).expect("our own document");
                held = spec.merge(Some(&held), patch);
            }
            let kept = spec.admit(held).expect("our own value").value;
            prop_assert!(spec.same(&kept, &value), "{value} became {kept}");
        }
    }

    #[test]
    fn a_document_that_says_nothing_changes_nothing((spec, value) in asked(), name in "[a-z]{3}") {
        if let Some(value) = admitted(&spec, value) {
            let nothing = json!({ "none of these": 1 });
            for name in [None, Some("other"), Some(&*name)] {
                let at = Pointer::key("here");
                let patch = document::read(&spec, &at, name, &nothing).expect("nothing is wrong");
                prop_assert!(patch.is_keep());
                prop_assert_eq!(&spec.merge(Some(&value), patch), &value);
            }
        }
    }

    #[test]
    fn sameness_is_what_json_shows((spec, one, other) in asked_twice()) {
        if let (Some(one), Some(other)) = (admitted(&spec, one), admitted(&spec, other)) {
            prop_assert!(spec.same(&one, &one));
            let is_same = spec.same(&one, &other);
            prop_assert_eq!(is_same, spec.same(&other, &one));
            let shown = |value: &Value| codec_json::to_json(&spec, value);
            if is_same {
                prop_assert_eq!(shown(&one), shown(&other));
            }
        }
    }

    #[test]
    fn what_we_write_validates((spec, value) in asked()) {
        if let Some(value) = admitted(&spec, value) {
            let schema = value_schema(&spec).to_value();
            let validator = jsonschema::validator_for(&schema).expect("a schema");
            let json = codec_json::to_json(&spec, &value);
            let problem = validator.validate(&json).err().map(|error| error.to_string());
            prop_assert_eq!(problem, None, "{} against {}", json, schema);
        }
    }

    #[test]
    fn a_number_that_nobody_has_set_is_allowed(
        spec in prop_oneof![ints().prop_map(Spec::Int), floats().prop_map(Spec::Float)],
    ) {
        let neutral = spec.neutral();
        prop_assert_eq!(spec.admit(neutral.clone()).map(|it| it.value), Ok(neutral));
    }

    #[test]
    fn a_payload_is_the_json_that_was_declared((spec, value) in asked(), template in templates()) {
        if let Some(value) = admitted(&spec, value) {
            let written = Template::bare().write(&spec, &value);
            let inner: Json = serde_json::from_str(&written).expect("JSON");
            let payload: Json = serde_json::from_str(&template.write(&spec, &value)).expect("JSON");
            prop_assert_eq!(payload, replace(template.json(), &inner));
        }
    }

    #[test]
    fn any_bytes_are_a_value_or_an_error(spec in specs(), octets in vec(any::<u8>(), 0..48)) {
        if let Ok(value) = att::decode(&spec, &octets) {
            let is_valid = admitted(&spec, value);
            prop_assert!(spec.can_refuse() || is_valid.is_some());
            if let Some(value) = is_valid {
                let again = on_the_air(&spec, &value);
                prop_assert!(again.len() <= MAX_LENGTH);
                // JSON is kept as short as it can be; nothing else that was written goes.
                prop_assert!(holds_json(&spec) || again.len() == octets.len());
                let decoded = att::decode(&spec, &again).expect("our own bytes");
                prop_assert_eq!(admitted(&spec, decoded), Some(value));
            }
        }
    }

    #[test]
    fn any_json_is_a_value_or_an_error(
        (spec, before) in asked(),
        json in jsons(),
        pointer in "[a-c]{0,1}#?(/[a-c~01#]{0,3}){0,3}",
    ) {
        let before = admitted(&spec, before);
        if let Ok(at) = Pointer::parse(&pointer) {
            prop_assert_eq!(Pointer::parse(&at.to_string()), Ok(at.clone()));
            for name in [None, Some("other")] {
                if let Ok(patch) = document::read(&spec, &at, name, &json) {
                    let _ = spec.admit(spec.merge(before.as_ref(), patch));
                }
                if let Some(value) = &before {
                    document::write(&spec, &at, name, value, true, &mut json.clone());
                }
            }
        }
        if let Ok(patch) = codec_json::read(&spec, &json) {
            let _ = spec.admit(spec.merge(before.as_ref(), patch));
        }
    }

    #[test]
    fn any_patch_of_a_struct_is_a_value_or_an_error(
        (spec, before, news) in asked_twice(),
        kept in vec(any::<bool>(), 12),
    ) {
        let before = admitted(&spec, before);
        if let Value::List(parts) = &news {
            let fields = parts.iter().cloned().zip(kept).map(|(part, is_kept)| match is_kept {
                true => Patch::Keep,
                false => Patch::Set(part),
            });
            let _ = spec.admit(spec.merge(before.as_ref(), Patch::Fields(fields.collect())));
        }
    }

    #[test]
    fn any_scale_reckons_without_falling_over(
        by in decimals(),
        offset in decimals(),
        to in (any::<f64>(), any::<f64>()),
        from in (any::<i64>(), any::<u64>()),
        places in proptest::option::of(any::<u8>()),
        raw in any::<i128>(),
        shown in any::<f64>(),
    ) {
        let parse = |number: f64| bemo_sync::codec::decimal::Decimal::of(number);
        let linear = Scale::linear(by, offset, places).ok();
        let range = parse(to.0).zip(parse(to.1)).and_then(|to| {
            Scale::range((from.0.into(), from.1.into()), to, places).ok()
        });
        for scale in [linear, range].into_iter().flatten() {
            let _ = (scale.show(raw), scale.units(raw), scale.is_exact(raw));
            if let Some(shown) = parse(shown) {
                let _ = (scale.raw(shown), scale.raw_step(shown));
            }
        }
    }

    #[test]
    fn a_scale_brings_back_what_it_shows(spec in ints(), at in 0.0..1.0_f64) {
        if let Shown::Scaled(scale) = &spec.shown {
            let raw = spec.min + ((spec.max - spec.min) as f64 * at) as i128;
            let shown = bemo_sync::codec::decimal::Decimal::parse(&scale.show(raw));
            let again = scale.raw(shown.expect("a number"));
            prop_assert_eq!(scale.units(again), scale.units(raw));
        }
    }

    #[test]
    fn any_payload_is_a_value_or_an_error(
        spec in specs(),
        template in templates(),
        octets in vec(any::<u8>(), 0..64),
        text in "[\\[\\]{}\":,0-9eE.+\\-a-f nultrs\\\\]{0,64}",
        json in jsons(),
    ) {
        for payload in [&octets[..], text.as_bytes(), json.to_string().as_bytes()] {
            if let Ok(value) = value_in(&template, &spec, payload) {
                let _ = spec.admit(value);
            }
        }
    }

    #[test]
    fn a_payload_cut_short_is_refused((spec, value) in asked(), template in templates()) {
        if let Ok(Admitted { value, .. }) = spec.admit(value) {
            let payload = template.write(&spec, &value);
            let (declared, whole) = (template.json(), payload.len());
            // A number that stands alone is still one when it loses digits.
            if declared.is_object() || declared.is_array() {
                for end in 0..whole {
                    prop_assert!(template.read(&spec, &payload.as_bytes()[..end]).is_err());
                }
            }
        }
    }
}

fn holds_json(spec: &Spec) -> bool {
    match spec {
        Spec::Json(_) => true,
        Spec::Struct(spec) => spec.fields.iter().any(|field| holds_json(&field.spec)),
        Spec::Array(spec) => holds_json(&spec.item),
        Spec::Bool(_) | Spec::Int(_) | Spec::Float(_) | Spec::Text(_) | Spec::Bytes(_) => false,
    }
}

fn replace(declared: &Json, value: &Json) -> Json {
    match declared {
        Json::String(text) if text == "$value" => value.clone(),
        Json::Array(items) => items.iter().map(|item| replace(item, value)).collect(),
        Json::Object(entries) => {
            let replaced = entries
                .iter()
                .map(|(key, item)| (key.clone(), replace(item, value)));
            Json::Object(replaced.collect())
        }
        leaf => leaf.clone(),
    }
}
