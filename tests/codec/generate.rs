//! Types as they can be declared, and values to try on them.

use std::sync::Arc;

use bemo_sync::codec::decimal::Decimal;
use bemo_sync::codec::{
    ArraySpec, BoolSpec, ByteOrder, BytesSpec, Field, Flag, FloatFormat, FloatSpec, IntSpec,
    IntWidth, JsonSpec, Overflow, Pattern, Scale, Shown, Spec, TextSpec, Value,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value as Json;

use crate::{at, field, optional, structure};

pub fn orders() -> impl Strategy<Value = ByteOrder> {
    select(vec![ByteOrder::Little, ByteOrder::Big])
}

fn overflows() -> impl Strategy<Value = Overflow> {
    use Overflow::{Clamp, Reject, Wrap};
    select(vec![Reject, Clamp, Wrap])
}

/// Somewhere in a range, and often at its ends.
pub fn within(min: i128, max: i128) -> BoxedStrategy<i128> {
    prop_oneof![1 => Just(min), 1 => Just(max), 4 => min..=max].boxed()
}

/// An integer with a range that lies within its type, and nothing else yet.
fn bare_ints() -> impl Strategy<Value = IntSpec> {
    use IntWidth::{W8, W16, W24, W32, W64};
    let widths = select(vec![W8, W16, W24, W32, W64]);
    let kind = (widths, any::<bool>(), orders(), overflows());
    kind.prop_flat_map(|(width, signed, order, overflow)| {
        let mut spec = IntSpec::new(width, signed);
        (spec.order, spec.overflow) = (order, overflow);
        let (lowest, highest) = (spec.min, spec.max);
        let bounds = (within(lowest, highest), within(lowest, highest));
        bounds.prop_map(move |(a, b)| {
            let mut spec = spec.clone();
            (spec.min, spec.max) = (a.min(b), a.max(b));
            spec
        })
    })
}

/// The number that stands for unknown: often one end of the range, which then moves by one.
fn with_unknown(spec: IntSpec) -> BoxedStrategy<IntSpec> {
    let (lowest, highest) = spec.width.range(spec.signed);
    let unknown = option::of(prop_oneof![
        2 => within(lowest, highest),
        1 => Just(spec.min),
        1 => Just(spec.max),
    ]);
    let spec = unknown.prop_map(move |unknown| {
        let mut spec = spec.clone();
        spec.unknown = unknown;
        spec.min += i128::from(unknown == Some(spec.min));
        spec.max -= i128::from(unknown == Some(spec.max));
        match spec.min < spec.max {
            true => spec,
            false => IntSpec::new(spec.width, spec.signed),
        }
    });
    spec.boxed()
}

fn plain_ints() -> BoxedStrategy<IntSpec> {
    let bounded = bare_ints().prop_flat_map(with_unknown);
    bounded
        .prop_flat_map(|spec| {
            let steps = option::weighted(0.3, 1..=(spec.max - spec.min).min(1000));
            let allowed = vec(within(spec.min, spec.max), 1..5);
            let allowed = option::weighted(0.3, allowed);
            (Just(spec), steps, allowed).prop_map(|(mut spec, step, allowed)| {
                spec.step = step;
                spec.allowed = allowed.and_then(|allowed| {
                    let fits = |number: &i128| spec.admit_exactly(*number);
                    let allowed: Vec<_> = allowed.into_iter().filter(fits).collect();
                    (!allowed.is_empty()).then(|| allowed.into())
                });
                spec
            })
        })
        .boxed()
}

trait AdmitExactly {
    fn admit_exactly(&self, number: i128) -> bool;
}

impl AdmitExactly for IntSpec {
    fn admit_exactly(&self, number: i128) -> bool {
        let admitted = Spec::Int(self.clone()).admit(Value::Int(number));
        admitted.is_ok_and(|admitted| admitted.value == Value::Int(number))
    }
}

pub fn decimals() -> impl Strategy<Value = Decimal> {
    let digits = prop_oneof![-20..=20_i128, -100_000..=100_000_i128];
    (digits, -6..=3_i32).prop_map(|(digits, exponent)| Decimal { digits, exponent })
}

fn scales(spec: &IntSpec) -> impl Strategy<Value = Scale> + use<> {
    let hundredths = Scale::linear(crate::number("0.01"), Decimal::ZERO, None).expect("a scale");
    let places = || option::of(0..=9_u8);
    let linear = (decimals(), decimals(), places()).prop_map(move |(by, offset, places)| {
        Scale::linear(by, offset, places).unwrap_or(hundredths)
    });
    let from = (within(spec.min, spec.max), within(spec.min, spec.max));
    let range = (from, decimals(), decimals(), places());
    let range = range.prop_map(move |(from, low, high, places)| {
        Scale::range(from, (low, high), places).unwrap_or(hundredths)
    });
    prop_oneof![linear, range]
}

/// JSON has numbers of about 15 digits; a declaration that shows more is refused.
fn is_legible(spec: &IntSpec, scale: &Scale) -> bool {
    let legible = |raw| scale.units(raw).unsigned_abs() < 10u128.pow(15);
    legible(spec.min) && legible(spec.max)
}

fn scaled_ints() -> BoxedStrategy<IntSpec> {
    let bounded = bare_ints().prop_flat_map(with_unknown);
    bounded
        .prop_flat_map(|spec| {
            let scales = scales(&spec);
            (Just(spec), scales).prop_map(|(mut spec, scale)| {
                if is_legible(&spec, &scale) {
                    spec.shown = Shown::Scaled(scale);
                }
                spec
            })
        })
        .boxed()
}

fn word_ints() -> BoxedStrategy<IntSpec> {
    bare_ints()
        .prop_flat_map(|spec| {
            let (lowest, highest) = spec.width.range(spec.signed);
            let numbers = proptest::collection::btree_set(within(lowest, highest), 1..6);
            (numbers, any::<bool>()).prop_map(move |(numbers, last_is_unknown)| {
                let mut spec = IntSpec::new(spec.width, spec.signed);
                let mut numbers: Vec<i128> = numbers.into_iter().collect();
                if last_is_unknown && numbers.len() > 1 {
                    spec.unknown = numbers.pop();
                }
                let words = numbers.iter().enumerate();
                let words = words.map(|(index, raw)| (*raw, format!("word {index}").into()));
                spec.shown = Shown::Words(words.collect());
                spec
            })
        })
        .boxed()
}

fn flag_ints() -> BoxedStrategy<IntSpec> {
    let bits = |width: IntWidth| proptest::collection::btree_set(0..8 * width as u32, 1..6);
    bare_ints()
        .prop_flat_map(move |spec| {
            bits(spec.width).prop_map(move |bits| {
                let mut spec = IntSpec::new(spec.width, false);
                let flags = bits.iter().map(|bit| Flag {
                    name: format!("bit {bit}").into(),
                    bit: *bit,
                    derived: false,
                });
                spec.shown = Shown::Flags(flags.collect());
                spec
            })
        })
        .boxed()
}

pub fn ints() -> BoxedStrategy<IntSpec> {
    prop_oneof![3 => plain_ints(), 3 => scaled_ints(), 1 => word_ints(), 1 => flag_ints()].boxed()
}

pub fn finite() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        -2.0..2.0,
        any::<f32>().prop_map(f64::from),
        -1e4..1e4
    ]
    .prop_filter("finite", |value| value.is_finite())
}

pub fn floats() -> BoxedStrategy<FloatSpec> {
    use FloatFormat::{F32, F64, Float, Sfloat};
    let formats = select(vec![F32, F64, Sfloat, Float]);
    let overflow = select(vec![Overflow::Reject, Overflow::Clamp]);
    let places = option::of(0..=9_u8);
    let kind = (formats, orders(), overflow, places, any::<bool>());
    (kind, finite(), finite())
        .prop_map(|((format, order, overflow, decimals, nan), a, b)| {
            let (lowest, highest) = format.range();
            let bound = |bound: f64| format.quantise(bound.clamp(lowest, highest));
            let mut spec = FloatSpec::new(format);
            (spec.order, spec.overflow, spec.decimals) = (order, overflow, decimals);
            (spec.min, spec.max) = (bound(a.min(b)), bound(a.max(b)));
            spec.nan_is_null = nan;
            spec
        })
        .boxed()
}

fn texts() -> BoxedStrategy<TextSpec> {
    let lengths = (0..12_usize, 0..30_usize, any::<bool>(), any::<bool>());
    lengths
        .prop_map(|(min_length, more, has_pattern, has_allowed)| {
            let mut spec = TextSpec::up_to(min_length + more);
            spec.min_length = min_length;
            if has_allowed {
                let letters = |letter: &str| letter.repeat(min_length).into();
                spec.allowed = Some(Arc::from([letters("a"), letters("b")]));
            } else if has_pattern {
                spec.pattern = Some(Pattern::new("^[a-z ]*$").expect("a pattern"));
            }
            spec
        })
        .boxed()
}

fn byte_strings() -> BoxedStrategy<BytesSpec> {
    (0..12_usize, 0..30_usize, any::<bool>())
        .prop_map(|(min_length, more, has_allowed)| {
            let mut spec = BytesSpec::up_to(min_length + more);
            spec.min_length = min_length;
            if has_allowed {
                let of = |byte| vec![byte; min_length].into();
                spec.allowed = Some(Arc::from([of(0), of(1)]));
            }
            spec
        })
        .boxed()
}

/// Types with no parts.
fn leaves() -> BoxedStrategy<Spec> {
    prop_oneof![
        1 => any::<bool>().prop_map(|has_words| Spec::Bool(BoolSpec {
            words: has_words.then(|| ["OFF".into(), "ON".into()]),
        })),
        8 => ints().prop_map(Spec::Int),
        4 => floats().prop_map(Spec::Float),
        2 => texts().prop_map(Spec::Text),
        2 => byte_strings().prop_map(Spec::Bytes),
        1 => (4..60_usize).prop_map(|max_length| Spec::Json(JsonSpec { max_length })),
    ]
    .boxed()
}

/// How a field is declared.
#[derive(Clone, Debug)]
enum Role {
    Always,
    /// There when this flag is set, or clear.
    When(u32, bool),
    Constant,
    /// This one or two bytes more, at one place.
    Alternatives(u32),
}

fn roles() -> impl Strategy<Value = Role> {
    prop_oneof![
        4 => Just(Role::Always),
        3 => (0..3_u32, any::<bool>()).prop_map(|(bit, set)| Role::When(bit, set)),
        1 => Just(Role::Constant),
        1 => (3..6_u32).prop_map(Role::Alternatives),
    ]
}

/// Where it ends is known without looking further.
fn is_closed(spec: &Spec) -> bool {
    let (least, most) = spec.octets();
    match spec {
        Spec::Struct(spec) => spec.fields.iter().all(|field| is_closed(&field.spec)),
        Spec::Bool(_)
        | Spec::Int(_)
        | Spec::Float(_)
        | Spec::Text(_)
        | Spec::Bytes(_)
        | Spec::Json(_)
        | Spec::Array(_) => least == most,
    }
}

fn structs(inner: BoxedStrategy<Spec>) -> BoxedStrategy<Spec> {
    let place = select(vec!["", "/deep", "other#", "other#/deep"]);
    vec((inner, roles(), place, any::<(bool, u64)>()), 1..6)
        .prop_map(|parts| {
            let names = [
                ("a", 0),
                ("b", 1),
                ("c", 2),
                ("d", 3),
                ("e", 4),
                ("f", 5),
                ("g", 6),
            ];
            let mut derived = Vec::new();
            let mut fields: Vec<Field> = Vec::new();
            let mut is_open = false;
            // A field with a document of its own stands beside those of the structs around.
            for (spec, role, place, (of_flags, unique)) in parts {
                let name = format!("field {unique}");
                if is_open {
                    break;
                }
                is_open = !is_closed(&spec) && !matches!(role, Role::Alternatives(_));
                let nullable = spec.admits_null();
                let mut added = match role {
                    Role::Always => vec![field(&name, spec)],
                    Role::Constant => match neutral_of(&spec) {
                        Some(value) => {
                            let mut constant = field(&name, spec);
                            constant.constant = Some(value);
                            vec![constant]
                        }
                        None => vec![field(&name, spec)],
                    },
                    // What is unknown cannot take turns: it is nothing that somebody says.
                    Role::When(bit, set) => {
                        // Of JSON, null is a value as any other.
                        let spec = match spec {
                            Spec::Json(_) => crate::u8(),
                            other => other,
                        };
                        let bit = if nullable { 6 } else { bit };
                        derived.push(names[bit as usize].0);
                        vec![optional(&name, spec, 0, bit, set)]
                    }
                    Role::Alternatives(bit) => {
                        derived.push(names[bit as usize].0);
                        let more = format!("more {unique}");
                        vec![
                            optional(&name, crate::u8(), 0, bit, of_flags),
                            optional(&more, crate::u16(), 0, bit, !of_flags),
                        ]
                    }
                };
                for added in &mut added {
                    added.at = at(&format!("{place}/{name}"));
                    // What one flag tells apart stands in one document.
                    if let Some(when) = added.when {
                        let other = (when.bit % 2 == 1).then(|| "other".into());
                        added.at.document = other;
                    }
                }
                fields.extend(added);
            }
            let flags = crate::flags(IntWidth::W8, &names, &derived);
            fields.insert(0, field("flags", Spec::Int(flags)));
            structure(fields)
        })
        .boxed()
}

fn neutral_of(spec: &Spec) -> Option<Value> {
    let admitted = spec.admit(spec.neutral()).ok()?;
    (!admitted.adjusted).then_some(admitted.value)
}

fn arrays(item: BoxedStrategy<Spec>) -> BoxedStrategy<Spec> {
    let of_one_length = item.prop_map(|item| match item.octets() {
        (least, most) if least == most && least > 0 => item,
        _ => crate::u16(),
    });
    (of_one_length, 0..3_usize, 1..4_usize)
        .prop_map(|(item, min_items, more)| {
            let max_items = min_items + more;
            Spec::Array(Arc::new(ArraySpec {
                item,
                min_items,
                max_items,
            }))
        })
        .boxed()
}

/// Any type, with types in it.
pub fn specs() -> BoxedStrategy<Spec> {
    prop_oneof![
        6 => leaves(),
        2 => arrays(leaves()),
        3 => structs(leaves()),
        2 => structs(prop_oneof![
            2 => leaves(),
            1 => structs(leaves()),
            1 => arrays(leaves()),
        ].boxed()),
    ]
    .boxed()
}

/// A value of the right kind, in range or not.
pub fn values_for(spec: &Spec) -> BoxedStrategy<Value> {
    let right = match spec {
        Spec::Bool(_) => any::<bool>().prop_map(Value::Bool).boxed(),
        Spec::Int(spec) => ints_for(spec),
        Spec::Float(spec) => {
            let (min, max) = (spec.min, spec.max);
            let inside = (0.0..=1.0).prop_map(move |at| min * (1.0 - at) + at * max);
            let numbers = prop_oneof![1 => Just(min), 1 => Just(max), 4 => inside, 1 => finite()];
            numbers.prop_map(Value::Float).boxed()
        }
        Spec::Text(spec) => {
            let (min, max) = (spec.min_length, spec.max_length);
            let fitting = proptest::string::string_regex(&format!("[a-z ]{{{min},{max}}}"));
            let allowed = spec.allowed.iter().flat_map(|it| it.iter().cloned());
            let mut texts: Vec<BoxedStrategy<Arc<str>>> =
                allowed.map(|it| Just(it).boxed()).collect();
            texts.push(fitting.expect("a pattern").prop_map(Arc::from).boxed());
            texts.push(any::<String>().prop_map(Arc::from).boxed());
            proptest::strategy::Union::new(texts)
                .prop_map(Value::Text)
                .boxed()
        }
        Spec::Bytes(spec) => {
            let (min, max) = (spec.min_length, spec.max_length);
            let fitting = vec(any::<u8>(), min..=max).prop_map(|it| it.into());
            let mut octets: Vec<BoxedStrategy<Arc<[u8]>>> = vec![fitting.boxed()];
            let allowed = spec.allowed.iter().flat_map(|it| it.iter().cloned());
            octets.extend(allowed.map(|it| Just(it).boxed()));
            octets.push(vec(any::<u8>(), 0..50).prop_map(|it| it.into()).boxed());
            proptest::strategy::Union::new(octets)
                .prop_map(Value::Bytes)
                .boxed()
        }
        Spec::Json(_) => jsons()
            .prop_map(|json| Value::Text(json.to_string().into()))
            .boxed(),
        Spec::Struct(spec) => {
            let parts: Vec<BoxedStrategy<Value>> =
                spec.fields.iter().map(values_of_field).collect();
            return parts.prop_map(|parts| Value::List(parts.into())).boxed();
        }
        Spec::Array(spec) => {
            let items = vec(values_for(&spec.item), spec.min_items..=spec.max_items);
            return items.prop_map(|items| Value::List(items.into())).boxed();
        }
    };
    match spec.admits_null() {
        true => prop_oneof![1 => Just(Value::Null), 3 => right].boxed(),
        false => right,
    }
}

fn values_of_field(field: &Field) -> BoxedStrategy<Value> {
    match (&field.constant, field.when) {
        (Some(constant), _) => select(vec![Value::Null, constant.clone()]).boxed(),
        (None, Some(_)) => prop_oneof![Just(Value::Null), values_for(&field.spec)].boxed(),
        (None, None) => values_for(&field.spec),
    }
}

fn ints_for(spec: &IntSpec) -> BoxedStrategy<Value> {
    let (min, max) = (spec.min, spec.max);
    let words: Vec<i128> = match &spec.shown {
        Shown::Words(words) => words.iter().map(|(number, _)| *number).collect(),
        Shown::Plain | Shown::Scaled(_) | Shown::Flags(_) => Vec::new(),
    };
    let named = spec.allowed.as_deref().unwrap_or(&words).to_vec();
    let step = spec.step.unwrap_or(1);
    let on_step = (0..=(max - min) / step).prop_map(move |steps| min + steps * step);
    let anything = prop_oneof![
        6 => on_step,
        1 => within(min, max),
        1 => min - 3..=max + 3,
        1 => any::<i64>().prop_map(i128::from),
        1 => any::<i128>(),
    ];
    let numbers = match named.is_empty() {
        true => anything.boxed(),
        false => prop_oneof![5 => select(named), 1 => anything].boxed(),
    };
    numbers.prop_map(Value::Int).boxed()
}

/// A type and what somebody asks it to hold.
pub fn asked() -> BoxedStrategy<(Spec, Value)> {
    specs()
        .prop_flat_map(|spec| {
            let values = values_for(&spec);
            (Just(spec), values)
        })
        .boxed()
}

/// A type and two things that somebody asks it to hold.
pub fn asked_twice() -> BoxedStrategy<(Spec, Value, Value)> {
    specs()
        .prop_flat_map(|spec| {
            let (one, other) = (values_for(&spec), values_for(&spec));
            (Just(spec), one, other)
        })
        .boxed()
}

/// JSON without the placeholder, of any shape.
pub fn jsons() -> BoxedStrategy<Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        finite().prop_map(Json::from),
        "[a-z\"é~/\\\\]{0,6}".prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let keys = prop_oneof![
            "[a-c\"é]{0,2}".boxed(),
            select(vec!["flags", "deep", "field 0", "field 1", "field 2"])
                .prop_map(str::to_owned)
                .boxed(),
        ];
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Json::from),
            vec((keys, inner), 0..4).prop_map(|it| Json::Object(it.into_iter().collect())),
        ]
    })
    .boxed()
}
