//! A change of a value of which only some parts may be mentioned.

use super::{Spec, Value};

/// What a message says of a value. Whatever it does not mention stays.
#[derive(Clone, Debug, PartialEq)]
pub enum Patch {
    /// Nothing is said.
    Keep,
    /// The whole value.
    Set(Value),
    /// One for each field of a struct, in their order.
    Fields(Vec<Patch>),
}

impl Patch {
    /// Whether nothing is said at all.
    pub fn is_keep(&self) -> bool {
        match self {
            Self::Keep => true,
            Self::Set(_) => false,
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
        match patch {
            Patch::Set(value) => value,
            Patch::Keep | Patch::Fields(_) => current.cloned().unwrap_or_else(|| self.neutral()),
        }
    }

    /// Whether two values are the same as far as JSON shows them: a report of a rounded number is no
    /// news beside the number that was rounded.
    pub fn same(&self, a: &Value, b: &Value) -> bool {
        a == b
    }

    /// What a value is that nobody has set: 0 or the nearest to it that is allowed, false, or empty.
    pub fn neutral(&self) -> Value {
        match *self {
            Self::Bool => Value::Bool(false),
            Self::Int { min, max, .. } => Value::Int(0.clamp(min, max)),
            Self::Float { min, max, .. } => Value::Float(0f64.clamp(min, max)),
            Self::Utf8 { .. } => Value::Text("".into()),
            Self::Bytes { .. } => Value::Bytes([].into()),
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
