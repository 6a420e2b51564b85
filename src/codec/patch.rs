//! A change of a value of which only some parts may be mentioned, and what is known of a value that
//! nobody has mentioned.

use super::decimal::Decimal;
use super::float::FloatSpec;
use super::int::{IntSpec, Shown};
use super::{Spec, Value, json};

/// What a message says of a value. Whatever it does not mention stays.
#[derive(Clone, Debug, PartialEq)]
pub enum Patch {
    /// Nothing is said.
    Keep,
    /// The whole value.
    Set(Value),
    /// Some bits of an integer.
    Bits { mask: i128, bits: i128 },
    /// One for each field of a struct, in their order.
    Fields(Vec<Patch>),
}

impl Patch {
    /// Whether nothing is said at all.
    pub fn is_keep(&self) -> bool {
        match self {
            Self::Keep => true,
            Self::Set(_) => false,
            Self::Bits { mask, .. } => *mask == 0,
            Self::Fields(fields) => fields.iter().all(Self::is_keep),
        }
    }
}

impl From<Value> for Patch {
    fn from(value: Value) -> Self {
        Self::Set(value)
    }
}

impl Spec {
    /// The whole value that a patch makes of the current one, not yet checked against the
    /// constraints. What is not mentioned and not known is [`Spec::neutral`].
    pub fn merge(&self, current: Option<&Value>, patch: Patch) -> Value {
        match (patch, self) {
            (Patch::Set(value), _) => value,
            (Patch::Keep, _) => current.cloned().unwrap_or_else(|| self.neutral()),
            (Patch::Bits { mask, bits }, _) => {
                let held = match current {
                    Some(Value::Int(held)) => *held,
                    _ => 0,
                };
                Value::Int(held & !mask | bits & mask)
            }
            // Nothing is said, so an optional struct that is not there does not come to be.
            (patch @ Patch::Fields(_), _) if patch.is_keep() => self.merge(current, Patch::Keep),
            (Patch::Fields(patches), Self::Struct(spec)) => spec.merge(current, patches),
            (Patch::Fields(_), _) => self.merge(current, Patch::Keep),
        }
    }

    /// Whether two values are the same as far as JSON shows them: a report of a rounded number is no
    /// news beside the number that was rounded.
    pub fn same(&self, a: &Value, b: &Value) -> bool {
        match (self, a, b) {
            (
                Self::Int(IntSpec {
                    shown: Shown::Scaled(scale),
                    ..
                }),
                Value::Int(a),
                Value::Int(b),
            ) => a == b || scale.units(*a) == scale.units(*b),
            (
                Self::Float(
                    spec @ FloatSpec {
                        decimals: Some(_), ..
                    },
                ),
                Value::Float(a),
                Value::Float(b),
            ) => a == b || spec.text(*a) == spec.text(*b),
            // Two forms of the same number in one place are the same.
            (Self::Struct(spec), Value::List(_), Value::List(_)) if spec.has_alternatives() => {
                a == b || json::to_json(self, a) == json::to_json(self, b)
            }
            (Self::Struct(spec), Value::List(a), Value::List(b)) => {
                let parts = a.iter().zip(b.iter());
                let mut fields = spec.fields.iter().zip(parts);
                a.len() == b.len() && fields.all(|(field, (a, b))| field.spec.same(a, b))
            }
            (Self::Array(spec), Value::List(a), Value::List(b)) => {
                let mut items = a.iter().zip(b.iter());
                a.len() == b.len() && items.all(|(a, b)| spec.item.same(a, b))
            }
            (_, a, b) => a == b,
        }
    }

    /// What a value is that nobody has set: unknown where that can be said, otherwise 0 or the nearest
    /// to it that is allowed, false, or empty.
    pub fn neutral(&self) -> Value {
        match self {
            Self::Bool(_) => Value::Bool(false),
            Self::Int(spec) => neutral_int(spec),
            Self::Float(spec) if spec.nan_is_null() => Value::Null,
            Self::Float(spec) => Value::Float(0f64.clamp(spec.min, spec.max)),
            Self::Text(spec) => match spec.allowed.as_deref() {
                Some([first, ..]) => Value::Text(first.clone()),
                Some([]) | None => Value::Text(" ".repeat(spec.min_length).into()),
            },
            Self::Bytes(spec) => match spec.allowed.as_deref() {
                Some([first, ..]) => Value::Bytes(first.clone()),
                Some([]) | None => Value::Bytes(vec![0; spec.min_length].into()),
            },
            Self::Json(_) => Value::Text("null".into()),
            Self::Struct(spec) => Value::List(spec.neutral()),
            Self::Array(spec) => Value::List(vec![spec.item.neutral(); spec.min_items].into()),
        }
    }

    /// Whether there is nothing in a value: no text, no bytes, no items, or null.
    pub fn is_empty(&self, value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Text(text) => text.is_empty(),
            Value::Bytes(bytes) => bytes.is_empty(),
            Value::List(items) => items.is_empty(),
            Value::Bool(_) | Value::Int(_) | Value::Float(_) => false,
        }
    }
}

fn neutral_int(spec: &IntSpec) -> Value {
    if spec.unknown.is_some() {
        return Value::Null;
    }
    let words: Vec<i128> = match &spec.shown {
        Shown::Words(words) => words.iter().map(|(number, _)| *number).collect(),
        Shown::Plain | Shown::Scaled(_) | Shown::Flags(_) => Vec::new(),
    };
    let allowed = spec.allowed.as_deref().unwrap_or(&words);
    // 0 as JSON shows it.
    let zero = match &spec.shown {
        Shown::Scaled(scale) => spec.take_shown(scale, Decimal::ZERO),
        Shown::Plain | Shown::Words(_) | Shown::Flags(_) => 0,
    };
    let nearest = allowed.iter().min_by_key(|number| number.abs_diff(zero));
    let number = nearest.map_or_else(|| zero.clamp(spec.min, spec.max), |number| *number);
    // On a step: the one below.
    let beyond = spec
        .step
        .map_or(0, |step| (number - spec.min).rem_euclid(step));
    Value::Int(number - beyond)
}
