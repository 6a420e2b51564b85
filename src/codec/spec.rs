//! What a value may be: its type and its constraints. Everything else about it is derived from here.

use std::sync::Arc;

use super::array::ArraySpec;
use super::float::FloatSpec;
use super::int::{Flag, IntSpec, Shown};
use super::structure::StructSpec;
use super::text::{BytesSpec, JsonSpec, TextSpec};
use super::{Cause, Value, Violation};

/// The longest attribute value: 512 octets (Core Spec 5.4, Vol 3, Part F, 3.2.9).
pub const MAX_LENGTH: usize = 512;

/// Order of the octets of a number on the air. Bluetooth's own characteristics are little-endian.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ByteOrder {
    #[default]
    Little,
    Big,
}

/// What happens to a number outside its range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// It is refused, and the value stays what it was.
    #[default]
    Reject,
    /// The nearest bound is taken.
    Clamp,
    /// It goes round: one above `max` is `min`. Integers only.
    Wrap,
}

/// Type and constraints of a value. Bounds are inclusive, lengths are in octets.
#[derive(Clone, Debug, PartialEq)]
pub enum Spec {
    /// One octet, 0 or 1.
    Bool(BoolSpec),
    Int(IntSpec),
    Float(FloatSpec),
    Text(TextSpec),
    Bytes(BytesSpec),
    /// JSON as text on the air.
    Json(JsonSpec),
    /// Several values one after the other.
    Struct(Arc<StructSpec>),
    /// Values of one kind one after the other.
    Array(Arc<ArraySpec>),
}

/// A boolean, and the words that stand for it in JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BoolSpec {
    /// For false and for true; without them, JSON's own.
    pub words: Option<[Arc<str>; 2]>,
}

/// A value that has met its constraints.
#[derive(Clone, Debug, PartialEq)]
pub struct Admitted {
    pub value: Value,
    /// It was out of range and has been clamped or wrapped.
    pub adjusted: bool,
}

impl Admitted {
    pub(super) fn as_is(value: Value) -> Self {
        Self {
            value,
            adjusted: false,
        }
    }
}

impl Spec {
    /// A boolean as JSON knows it.
    pub const BOOL: Self = Self::Bool(BoolSpec { words: None });

    /// The value as it will be kept: checked against the constraints, and quantised to what the type
    /// can hold, so that equality is judged on what everybody sees.
    ///
    /// # Errors
    /// A [`Violation`] when the value is of another type or breaks a constraint that rejects.
    pub fn admit(&self, value: Value) -> Result<Admitted, Violation> {
        match (self, value) {
            (Self::Bool(_), value @ Value::Bool(_)) => Ok(Admitted::as_is(value)),
            (Self::Int(spec), value @ (Value::Int(_) | Value::Null)) => spec.admit(value),
            (Self::Float(spec), Value::Int(value)) => spec.admit(Value::Float(value as f64)),
            (Self::Float(spec), value @ (Value::Float(_) | Value::Null)) => spec.admit(value),
            (Self::Text(spec), Value::Text(text)) => spec.admit(text),
            (Self::Bytes(spec), Value::Bytes(bytes)) => spec.admit(bytes),
            (Self::Json(spec), Value::Text(text)) => spec.admit(&text),
            (Self::Struct(spec), Value::List(parts)) => spec.admit(&parts),
            (Self::Array(spec), Value::List(items)) => spec.admit(&items),
            (spec, value) => Err(spec.wrong_type(&value.to_string())),
        }
    }

    /// What a value of this type is called in a sentence.
    pub fn noun(&self) -> &'static str {
        match self {
            Self::Bool(BoolSpec { words: None }) => "boolean",
            Self::Bool(BoolSpec { words: Some(_) }) => "one of the declared words",
            Self::Int(spec) => spec.noun(),
            Self::Float(_) => "number",
            Self::Text(_) => "text",
            Self::Bytes(_) => "byte string",
            Self::Json(_) => "JSON",
            Self::Struct(_) => "struct",
            Self::Array(_) => "array",
        }
    }

    /// Whether there is arithmetic on the value, so that something can step it.
    pub fn is_number(&self) -> bool {
        match self {
            Self::Int(spec) => spec.is_number(),
            Self::Float(_) => true,
            Self::Bool(_)
            | Self::Text(_)
            | Self::Bytes(_)
            | Self::Json(_)
            | Self::Struct(_)
            | Self::Array(_) => false,
        }
    }

    /// Whether there are bytes that a central can write and that are refused, be it for their number.
    pub fn can_refuse(&self) -> bool {
        match self {
            Self::Bytes(spec) => spec.can_refuse(),
            Self::Bool(_)
            | Self::Int(_)
            | Self::Float(_)
            | Self::Text(_)
            | Self::Json(_)
            | Self::Struct(_)
            | Self::Array(_) => true,
        }
    }

    /// The bits with names, where it is made of such; `None` for any other type.
    pub fn flags(&self) -> Option<&[Flag]> {
        match self {
            Self::Int(spec) => match &spec.shown {
                Shown::Flags(flags) => Some(flags),
                Shown::Plain | Shown::Scaled(_) | Shown::Words(_) => None,
            },
            Self::Bool(_)
            | Self::Float(_)
            | Self::Text(_)
            | Self::Bytes(_)
            | Self::Json(_)
            | Self::Struct(_)
            | Self::Array(_) => None,
        }
    }

    /// Whether null is a value of this type: the unknown.
    pub fn admits_null(&self) -> bool {
        match self {
            Self::Int(spec) => spec.unknown.is_some(),
            Self::Float(spec) => spec.nan_is_null(),
            Self::Json(_) => false,
            Self::Bool(_) | Self::Text(_) | Self::Bytes(_) | Self::Struct(_) | Self::Array(_) => {
                false
            }
        }
    }

    /// The fewest and the most octets of a value on the air.
    pub fn octets(&self) -> (usize, usize) {
        match self {
            Self::Bool(_) => (1, 1),
            Self::Int(spec) => (spec.width.octets(), spec.width.octets()),
            Self::Float(spec) => (spec.format.octets(), spec.format.octets()),
            Self::Text(spec) => (spec.min_length, spec.max_length),
            Self::Bytes(spec) => (spec.min_length, spec.max_length),
            Self::Json(spec) => (1, spec.max_length),
            Self::Struct(spec) => spec.octets(),
            Self::Array(spec) => spec.octets(),
        }
    }

    pub(super) fn wrong_type(&self, found: &str) -> Violation {
        let noun = self.noun();
        let article = match noun {
            "JSON" | "one of the declared words" => "",
            _ if noun.starts_with(['a', 'e', 'i', 'o', 'u']) => "an ",
            _ => "a ",
        };
        let detail = format!("{found} where {article}{noun} is declared");
        Violation::new(Cause::WrongType, detail)
    }
}
