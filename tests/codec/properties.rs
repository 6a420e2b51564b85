//! What holds for any type and any value of it, and for any bytes that somebody may send.

use bemo_sync::codec::{
    Admitted, ByteOrder, FloatWidth, IntWidth, Overflow, Spec, Template, Value, att,
};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

fn orders() -> impl Strategy<Value = ByteOrder> {
    prop_oneof![Just(ByteOrder::Little), Just(ByteOrder::Big)]
}

fn int_widths() -> impl Strategy<Value = IntWidth> {
    use IntWidth::{W8, W16, W32, W64};
    prop_oneof![Just(W8), Just(W16), Just(W32), Just(W64)]
}

/// Somewhere in a range, and often at its ends.
fn within(min: i128, max: i128) -> impl Strategy<Value = i128> + Clone {
    prop_oneof![1 => Just(min), 1 => Just(max), 4 => min..=max]
}

fn ints() -> impl Strategy<Value = Spec> {
    use Overflow::{Clamp, Reject, Wrap};
    let overflow = prop_oneof![Just(Reject), Just(Clamp), Just(Wrap)];
    let kind = (int_widths(), any::<bool>(), orders(), overflow);
    kind.prop_flat_map(|(width, signed, order, overflow)| {
        let (lowest, highest) = width.range(signed);
        let bound = within(lowest, highest);
        (bound.clone(), bound).prop_map(move |(a, b)| Spec::Int {
            width,
            signed,
            order,
            min: a.min(b),
            max: a.max(b),
            overflow,
        })
    })
}

fn finite() -> impl Strategy<Value = f64> {
    let any_finite = any::<f64>().prop_filter("finite", |value| value.is_finite());
    prop_oneof![any_finite, -2.0..2.0, any::<f32>().prop_map(f64::from)]
        .prop_filter("finite", |value| value.is_finite())
}

fn floats() -> impl Strategy<Value = Spec> {
    let width = prop_oneof![Just(FloatWidth::W32), Just(FloatWidth::W64)];
    let overflow = prop_oneof![Just(Overflow::Reject), Just(Overflow::Clamp)];
    let kind = (width, orders(), finite(), finite(), overflow);
    kind.prop_map(|(width, order, a, b, overflow)| {
        let (lowest, highest) = width.range();
        Spec::Float {
            width,
            order,
            min: a.min(b).clamp(lowest, highest),
            max: a.max(b).clamp(lowest, highest),
            overflow,
        }
    })
}

fn specs() -> impl Strategy<Value = Spec> {
    prop_oneof![
        1 => Just(Spec::Bool),
        4 => ints(),
        3 => floats(),
        1 => (0..40_usize).prop_map(|max_length| Spec::Utf8 { max_length }),
        1 => (0..40_usize).prop_map(|max_length| Spec::Bytes { max_length }),
    ]
}

/// A value of the right kind, in range or not.
fn values_for(spec: &Spec) -> BoxedStrategy<Value> {
    match *spec {
        Spec::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Spec::Int { min, max, .. } => prop_oneof![
            within(min, max),
            min - 3..=max + 3,
            any::<i64>().prop_map(i128::from),
            any::<i128>(),
        ]
        .prop_map(Value::Int)
        .boxed(),
        Spec::Float { min, max, .. } => prop_oneof![
            Just(min),
            Just(max),
            (0.0..=1.0).prop_map(move |at| min + at * (max - min)),
            finite()
        ]
        .prop_map(Value::Float)
        .boxed(),
        Spec::Utf8 { .. } => any::<String>()
            .prop_map(|it| Value::Text(it.into()))
            .boxed(),
        Spec::Bytes { .. } => vec(any::<u8>(), 0..50)
            .prop_map(|it| Value::Bytes(it.into()))
            .boxed(),
    }
}

/// A type and what somebody asks it to hold.
fn asked() -> impl Strategy<Value = (Spec, Value)> {
    specs().prop_flat_map(|spec| {
        let values = values_for(&spec);
        (Just(spec), values)
    })
}

/// JSON without the placeholder, of any shape.
fn constants() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        "[a-z\"é~/\\\\]{0,6}".prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Json::from),
            vec(("[a-c\"é]{0,2}", inner), 0..4)
                .prop_map(|it| Json::Object(it.into_iter().collect())),
        ]
    })
}

/// The placeholder somewhere inside: each step wraps it in one more array or object.
fn templates() -> impl Strategy<Value = Template> {
    vec((any::<bool>(), constants(), constants()), 0..5).prop_map(|steps| {
        let wrap = |inner, (in_object, before, after): (bool, Json, Json)| match in_object {
            true => json!({ "before": before, "here": inner, "after": after }),
            false => json!([before, inner, after]),
        };
        Template::new(steps.into_iter().fold(json!("$value"), wrap)).expect("one placeholder")
    })
}

fn is_inside(spec: &Spec, value: &Value) -> bool {
    match (spec, value) {
        (Spec::Int { min, max, .. }, Value::Int(value)) => (min..=max).contains(&value),
        (
            Spec::Float {
                width, min, max, ..
            },
            Value::Float(value),
        ) => {
            let (min, max) = (width.quantise(*min), width.quantise(*max));
            value.is_finite() && (min..=max).contains(value)
        }
        (Spec::Bool, Value::Bool(_)) => true,
        (Spec::Utf8 { max_length }, Value::Text(text)) => text.len() <= *max_length,
        (Spec::Bytes { max_length }, Value::Bytes(bytes)) => bytes.len() <= *max_length,
        _ => false,
    }
}

proptest! {
    #[test]
    fn what_is_admitted_is_inside_and_stays_as_it_is((spec, value) in asked()) {
        if let Ok(Admitted { value, .. }) = spec.admit(value) {
            prop_assert!(is_inside(&spec, &value), "{value} is outside {spec:?}");
            let again = Admitted { value: value.clone(), adjusted: false };
            prop_assert_eq!(spec.admit(value), Ok(again));
        }
    }

    #[test]
    fn only_reject_refuses_a_number((spec, value) in asked()) {
        if let Spec::Int { overflow, .. } | Spec::Float { overflow, .. } = spec {
            prop_assert!(spec.admit(value).is_ok() || overflow == Overflow::Reject);
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
        if let Ok(Admitted { value, .. }) = spec.admit(value) {
            let mut octets = Vec::new();
            att::encode(&spec, &value, &mut octets);
            prop_assert_eq!(att::decode(&spec, &octets), Ok(value));
        }
    }

    #[test]
    fn a_topic_brings_back_what_was_sent((spec, value) in asked(), template in templates()) {
        if let Ok(Admitted { value, .. }) = spec.admit(value) {
            let payload = template.write(&spec, &value);
            let read = template.read(&spec, payload.as_bytes()).expect("our own payload");
            let kept = spec.admit(read).expect("our own value");
            prop_assert_eq!(kept, Admitted { value, adjusted: false }, "{}", payload);
        }
    }

    #[test]
    fn a_payload_is_the_json_that_was_declared((spec, value) in asked(), template in templates()) {
        if let Ok(Admitted { value, .. }) = spec.admit(value) {
            let written = Template::bare().write(&spec, &value);
            let inner: Json = serde_json::from_str(&written).expect("JSON");
            let payload: Json = serde_json::from_str(&template.write(&spec, &value)).expect("JSON");
            prop_assert_eq!(payload, replace(template.json(), &inner));
        }
    }

    #[test]
    fn any_bytes_are_a_value_or_an_error(spec in specs(), octets in vec(any::<u8>(), 0..48)) {
        if let Ok(value) = att::decode(&spec, &octets) {
            let mut again = Vec::new();
            att::encode(&spec, &value, &mut again);
            if !matches!(value, Value::Float(it) if it.is_nan()) {
                prop_assert_eq!(again, octets);
            }
            prop_assert!(spec.can_refuse() || spec.admit(value).is_ok());
        }
    }

    #[test]
    fn any_payload_is_a_value_or_an_error(
        spec in specs(),
        template in templates(),
        octets in vec(any::<u8>(), 0..64),
        text in "[\\[\\]{}\":,0-9eE.+\\-a-f nultrs\\\\]{0,64}",
        json in constants(),
    ) {
        for payload in [&octets[..], text.as_bytes(), json.to_string().as_bytes()] {
            if let Ok(value) = template.read(&spec, payload) {
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
