//! Values that stand in the YAML.

use super::{ValueReader, unquoted};
use crate::codec::decimal::Decimal;
use crate::codec::json::{self, Scalar};
use crate::codec::{Patch, Shown, Spec, Value};
use crate::config::read::{Literal, boolean, float, integer, read};
use crate::config::tree::{Kind, NodeId};

impl ValueReader<'_> {
    /// What stands at a place, as a value that has met the constraints; `what` is the key that it
    /// stands behind. `None` if it is none, which is then diagnosed.
    pub(in crate::config) fn literal_at(
        &mut self,
        what: &str,
        at: NodeId,
        spec: &Spec,
    ) -> Option<Value> {
        match &self.tree.node(at).kind {
            Kind::Scalar { .. } => {
                let literal = read::<Literal>(self.tree, at, &|_| Vec::new(), self.diagnostics)?;
                self.literal(what, at, &literal, spec)
            }
            Kind::Sequence(_) | Kind::Mapping(_) => {
                if !self.check_parts(at, spec) {
                    return None;
                }
                let json = read(self.tree, at, &|_| Vec::new(), self.diagnostics)?;
                match json::read(spec, &json) {
                    Ok(patch) => self.admitted(what, at, spec.merge(None, patch), spec),
                    Err(violation) => {
                        let message = format!("`{what}`: {violation}");
                        self.mistake(at, message, wanted(spec));
                        None
                    }
                }
            }
        }
    }

    /// The same of a scalar whose text is known.
    pub(in crate::config) fn literal(
        &mut self,
        what: &str,
        at: NodeId,
        literal: &Literal,
        spec: &Spec,
    ) -> Option<Value> {
        match value_of(literal, spec) {
            Some(value) => self.admitted(what, at, value, spec),
            None => {
                let (message, help) = match is_beyond_all_numbers(literal) {
                    true => (
                        format!("`{what}` is beyond every number that there is here"),
                        "write one between -1.8e308 and 1.8e308".to_owned(),
                    ),
                    false => (
                        format!("`{what}` is not of the declared type"),
                        wanted(spec),
                    ),
                };
                self.mistake(at, message, help);
                None
            }
        }
    }

    fn admitted(&mut self, what: &str, at: NodeId, value: Value, spec: &Spec) -> Option<Value> {
        match spec.admit(value) {
            Ok(admitted) if !admitted.adjusted => Some(admitted.value),
            Ok(_) => {
                let help = "choose a value between `min` and `max`, or widen the range";
                let message = format!("`{what}` is outside the range of the value");
                self.mistake(at, message, help);
                None
            }
            Err(violation) => {
                let help = "choose a value that meets its own constraints";
                self.mistake(at, format!("`{what}`: {violation}"), help);
                None
            }
        }
    }
}

/// Whether this is a number that only an infinity is near to, as `1e400` is.
pub(super) fn is_beyond_all_numbers(literal: &Literal) -> bool {
    let is_number = literal.text.contains(|c: char| c.is_ascii_digit());
    let value = literal.text.parse::<f64>();
    is_number && !literal.quoted && value.is_ok_and(f64::is_infinite)
}

/// A literal as a value of this type; `None` if it is none.
pub fn value_of(literal: &Literal, spec: &Spec) -> Option<Value> {
    let text = literal.text.as_str();
    match spec {
        Spec::Bool(words) if words.words.is_none() => {
            unquoted(literal).and_then(boolean).map(Value::Bool)
        }
        Spec::Int(int) => match &int.shown {
            Shown::Plain => unquoted(literal).and_then(integer).map(Value::Int),
            Shown::Scaled(scale) => {
                let shown = unquoted(literal).and_then(decimal)?;
                Some(Value::Int(scale.raw(shown)))
            }
            Shown::Words(_) => json::read_scalar(spec, Scalar::Text(text.to_owned())).ok(),
            Shown::Flags(_) => None,
        },
        Spec::Float(_) => unquoted(literal).and_then(float).map(Value::Float),
        Spec::Text(_) => Some(Value::Text(text.into())),
        Spec::Bytes(_) => json::from_hex(text).map(|bytes| Value::Bytes(bytes.into())),
        Spec::Bool(_) => json::read_scalar(spec, Scalar::Text(text.to_owned())).ok(),
        Spec::Json(_) => {
            let json = json::scalar_of_text(spec, text);
            let json = match (literal.quoted, json) {
                (false, Scalar::Bool(value)) => value.into(),
                (false, Scalar::Number(number)) => number.into(),
                (_, _) => serde_json::Value::from(text),
            };
            match json::read(spec, &json) {
                Ok(Patch::Set(value)) => Some(value),
                Ok(Patch::Keep | Patch::Bits { .. } | Patch::Fields(_)) | Err(_) => None,
            }
        }
        Spec::Struct(_) | Spec::Array(_) => None,
    }
}

/// A literal as a distance between two values of this type.
pub fn step_of(literal: &Literal, spec: &Spec) -> Option<Value> {
    match spec {
        Spec::Int(int) => match &int.shown {
            Shown::Scaled(scale) => {
                let shown = unquoted(literal).and_then(decimal)?;
                scale.raw_step(shown).map(Value::Int)
            }
            Shown::Plain => value_of(literal, spec),
            Shown::Words(_) | Shown::Flags(_) => None,
        },
        Spec::Float(_) => value_of(literal, spec),
        Spec::Bool(_)
        | Spec::Text(_)
        | Spec::Bytes(_)
        | Spec::Json(_)
        | Spec::Struct(_)
        | Spec::Array(_) => None,
    }
}

/// A number as it is written, exactly.
pub(super) fn decimal(text: &str) -> Option<Decimal> {
    match integer(text) {
        Some(digits) => Some(Decimal {
            digits,
            exponent: 0,
        }),
        None => Decimal::of(float(text)?),
    }
}

fn wanted(spec: &Spec) -> String {
    match spec {
        Spec::Bool(words) => match &words.words {
            None => "write `true` or `false`".to_owned(),
            Some([no, yes]) => format!("write `{no}` or `{yes}`"),
        },
        Spec::Int(int) => match &int.shown {
            Shown::Plain => "write a whole number".to_owned(),
            Shown::Scaled(_) => "write a number".to_owned(),
            Shown::Words(words) => {
                let words: Vec<_> = words.iter().map(|(_, word)| format!("`{word}`")).collect();
                format!("write one of {}", words.join(", "))
            }
            Shown::Flags(flags) => {
                let flag = flags.first().map_or("flag", |flag| &flag.name);
                format!("write a mapping of flags, as in `{{ {flag}: true }}`")
            }
        },
        Spec::Float(_) => "write a number".to_owned(),
        Spec::Text(_) => "write a text".to_owned(),
        Spec::Bytes(_) => "write hexadecimal digits in quotes, two a byte".to_owned(),
        Spec::Json(_) => "write any JSON".to_owned(),
        Spec::Struct(spec) => {
            let field = spec.fields.first().map_or("field", |field| &field.name);
            format!("write a mapping with its fields, as in `{{ {field}: … }}`")
        }
        Spec::Array(_) => "write a list".to_owned(),
    }
}
