//! From JSON to what it says of a value.

use serde_json::{Map, Number, Value as Json};

use super::from_hex;
use crate::codec::decimal::Decimal;
use crate::codec::int::{Flag, IntSpec, Shown};
use crate::codec::{BoolSpec, Cause, Overflow, Patch, Spec, Value, Violation, document};

/// A piece of JSON at the place of a value, before it is known whether it fits.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    /// No scalar.
    Array,
    /// No scalar.
    Object,
}

/// What JSON says of a value, not yet checked against its range. An object that stands for a struct
/// says that the optional fields that it lacks are not there.
///
/// # Errors
/// [`Cause::WrongType`] when the JSON type is not that of the value.
pub fn read(spec: &Spec, json: &Json) -> Result<Patch, Violation> {
    match (spec, json) {
        (Spec::Struct(_), Json::Object(_)) => document::read_all(spec, json),
        (Spec::Array(spec), Json::Array(items)) => {
            let items = items.iter().enumerate().map(|(index, json)| {
                let patch = read(&spec.item, json);
                let patch = patch.map_err(|violation| violation.in_field(&index.to_string()))?;
                Ok(spec.item.merge(None, patch))
            });
            Ok(Patch::Set(Value::List(
                items.collect::<Result<Vec<_>, Violation>>()?.into(),
            )))
        }
        (
            Spec::Int(IntSpec {
                shown: Shown::Flags(flags),
                ..
            }),
            Json::Object(entries),
        ) => read_flags(flags, entries),
        (Spec::Json(_), json) => Ok(Patch::Set(Value::Text(json.to_string().into()))),
        (spec, json) => {
            let scalar = match json {
                Json::Null => Scalar::Null,
                Json::Bool(value) => Scalar::Bool(*value),
                Json::Number(number) => Scalar::Number(number.clone()),
                Json::String(text) => Scalar::Text(text.clone()),
                Json::Array(_) => Scalar::Array,
                Json::Object(_) => Scalar::Object,
            };
            read_scalar(spec, scalar).map(Patch::Set)
        }
    }
}

/// Whether the JSON of a value is always a scalar.
pub fn is_scalar(spec: &Spec) -> bool {
    match spec {
        Spec::Bool(_) | Spec::Float(_) | Spec::Text(_) | Spec::Bytes(_) => true,
        Spec::Int(spec) => !matches!(spec.shown, Shown::Flags(_)),
        Spec::Json(_) | Spec::Struct(_) | Spec::Array(_) => false,
    }
}

/// The value that a JSON scalar stands for, not yet checked against its range.
///
/// # Errors
/// [`Cause::WrongType`] when the JSON type is not that of the value, [`Cause::NotAllowed`] for a word
/// that is not declared, [`Cause::OutOfRange`] for a whole number of which the last digits are not known.
pub fn read_scalar(spec: &Spec, scalar: Scalar) -> Result<Value, Violation> {
    match (spec, scalar) {
        (spec, Scalar::Null) if spec.admits_null() => Ok(Value::Null),
        (Spec::Bool(BoolSpec { words: Some(words) }), scalar) => match word(&scalar) {
            Some(text) if *text == *words[0] => Ok(Value::Bool(false)),
            Some(text) if *text == *words[1] => Ok(Value::Bool(true)),
            Some(text) => Err(no_word(&text, words.iter().map(|word| &**word))),
            None => Err(spec.wrong_type(scalar.noun())),
        },
        (Spec::Bool(BoolSpec { words: None }), Scalar::Bool(value)) => Ok(Value::Bool(value)),
        (Spec::Int(int), scalar) => match (&int.shown, scalar) {
            (Shown::Plain, Scalar::Number(number)) => match integer(int, &number) {
                Whole::Is(value) => Ok(Value::Int(value)),
                Whole::Inexact => Err(inexact(&number)),
                Whole::Fraction => Err(spec.wrong_type(&format!("the number {number}"))),
            },
            (Shown::Scaled(scale), Scalar::Number(number)) => {
                let shown = decimal(&number);
                let shown = shown.ok_or_else(|| spec.wrong_type(&format!("{number}")))?;
                Ok(Value::Int(int.take_shown(scale, shown)))
            }
            (Shown::Words(words), scalar) => {
                let text = word(&scalar).ok_or_else(|| spec.wrong_type(scalar.noun()))?;
                let found = words.iter().find(|(_, word)| **word == *text);
                let (number, _) =
                    found.ok_or_else(|| no_word(&text, words.iter().map(|(_, word)| &**word)))?;
                Ok(Value::Int(*number))
            }
            (Shown::Plain | Shown::Scaled(_) | Shown::Flags(_), other) => {
                Err(spec.wrong_type(other.noun()))
            }
        },
        (Spec::Float(float), Scalar::Number(number)) => {
            // Without arbitrary precision every JSON number has an f64.
            let shown = number.as_f64().unwrap_or(f64::NAN);
            Ok(Value::Float(float.take_shown(shown)))
        }
        (Spec::Text(_), Scalar::Text(text)) => Ok(Value::Text(text.into())),
        (Spec::Bytes(_), Scalar::Text(text)) => from_hex(&text)
            .map(|bytes| Value::Bytes(bytes.into()))
            .ok_or_else(|| spec.wrong_type("a text that is not hexadecimal, two digits a byte")),
        (spec, other) => Err(spec.wrong_type(other.noun())),
    }
}

/// The scalar that a plain text stands for where no quotes are written: `21.5`, `true`, `heat`.
pub fn scalar_of_text(spec: &Spec, text: &str) -> Scalar {
    let is_text = match spec {
        Spec::Text(_) | Spec::Bytes(_) => true,
        Spec::Bool(spec) => spec.words.is_some(),
        Spec::Int(int) => {
            let is_null = text == "null" && spec.admits_null();
            matches!(int.shown, Shown::Words(_)) && !is_null
        }
        Spec::Float(_) | Spec::Json(_) | Spec::Struct(_) | Spec::Array(_) => false,
    };
    if is_text {
        return Scalar::Text(text.to_owned());
    }
    match serde_json::from_str(text.trim()) {
        Ok(Json::Bool(value)) => Scalar::Bool(value),
        Ok(Json::Number(number)) => Scalar::Number(number),
        Ok(Json::Null) => Scalar::Null,
        Ok(Json::String(_) | Json::Array(_) | Json::Object(_)) | Err(_) => {
            Scalar::Text(text.to_owned())
        }
    }
}

fn read_flags(flags: &[Flag], entries: &Map<String, Json>) -> Result<Patch, Violation> {
    let (mut mask, mut bits) = (0, 0);
    for flag in flags.iter().filter(|flag| !flag.derived) {
        match entries.get(&*flag.name) {
            None => {}
            Some(Json::Bool(set)) => {
                mask |= 1 << flag.bit;
                bits |= i128::from(*set) << flag.bit;
            }
            Some(other) => {
                let detail = format!("{other} where a boolean is declared");
                let violation = Violation::new(Cause::WrongType, detail);
                return Err(violation.in_field(&flag.name));
            }
        }
    }
    Ok(Patch::Bits { mask, bits })
}

/// A word as it is meant: `ON: true` in YAML may come as text or as a boolean.
fn word(scalar: &Scalar) -> Option<String> {
    match scalar {
        Scalar::Text(text) => Some(text.clone()),
        Scalar::Bool(value) => Some(value.to_string()),
        Scalar::Number(number) => Some(number.to_string()),
        Scalar::Null | Scalar::Array | Scalar::Object => None,
    }
}

fn no_word<'a>(found: &str, words: impl Iterator<Item = &'a str>) -> Violation {
    let words: Vec<String> = words.map(|word| format!("{word:?}")).collect();
    let detail = format!("{found:?} is none of {}", words.join(", "));
    Violation::new(Cause::NotAllowed, detail)
}

/// What a JSON number is as an integer.
enum Whole {
    Is(i128),
    /// A whole number, and others beside it would look the same here.
    Inexact,
    Fraction,
}

/// From here on a double stands for more than one whole number: 9007199254740993.0 is read as this.
const DOUBLE_EXACT: i128 = 1 << 53;

/// JSON has one kind of number: `5.0` and `5e0` are the integer 5, `5.5` is none. A number with a point or an
/// exponent, or beyond 64 bits, has been rounded to a double before anybody could look at it.
fn integer(spec: &IntSpec, number: &Number) -> Whole {
    if let Some(value) = number.as_i128() {
        return Whole::Is(value);
    }
    let value = number.as_f64().unwrap_or(f64::NAN);
    if value.fract() != 0.0 {
        return Whole::Fraction;
    }
    // Where all of the range is exact, this is outside of it whatever it was, and its nearest bound is known too.
    let is_narrow = -DOUBLE_EXACT < spec.min && spec.max < DOUBLE_EXACT;
    let is_judged = is_narrow && spec.overflow != Overflow::Wrap && value.abs() < 2f64.powi(126);
    match value.abs() < DOUBLE_EXACT as f64 || is_judged {
        true => Whole::Is(value as i128),
        false => Whole::Inexact,
    }
}

fn inexact(number: &Number) -> Violation {
    let detail = format!(
        "about {number}, and no more is known of it: from 9007199254740992 (2^53) on, an integer is written in \
        digits alone, without point or exponent, between -9223372036854775808 and 18446744073709551615"
    );
    Violation::new(Cause::OutOfRange, detail)
}

fn decimal(number: &Number) -> Option<Decimal> {
    match number.as_i128() {
        Some(digits) => Some(Decimal {
            digits,
            exponent: 0,
        }),
        None => Decimal::of(number.as_f64()?),
    }
}

impl Scalar {
    pub(super) fn noun(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}
