//! Value ↔ JSON. Integers are whole numbers, bytes hexadecimal text, structs objects.

use std::fmt::Write as _;

use serde_json::{Map, Number, Value as Json};

use super::decimal::Decimal;
use super::float::FloatSpec;
use super::int::{Flag, IntSpec, Shown};
use super::{BoolSpec, Cause, Patch, Spec, Value, Violation, document};

/// A piece of JSON at the place of a value, before it is known whether it fits.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    /// An array or an object; no scalar.
    Compound,
}

/// The value as JSON, appended to `out`: with a space after each colon and comma, as Python's
/// `json.dumps` writes it.
pub fn write(spec: &Spec, value: &Value, out: &mut String) {
    match (spec, value) {
        (_, Value::Null) => out.push_str("null"),
        (Spec::Bool(BoolSpec { words: Some(words) }), Value::Bool(value)) => {
            out.push_str(&quoted(&words[usize::from(*value)]));
        }
        (_, Value::Bool(value)) => out.push_str(if *value { "true" } else { "false" }),
        (Spec::Int(spec), Value::Int(value)) => match &spec.shown {
            Shown::Plain => push(out, format_args!("{value}")),
            Shown::Scaled(scale) => out.push_str(&scale.show(*value)),
            Shown::Words(_) => out.push_str(&quoted(&spec.text(*value))),
            Shown::Flags(_) => document::render_into(&flags_of(spec, *value), out),
        },
        (Spec::Float(spec), Value::Float(value)) => out.push_str(&spec.text(*value)),
        (Spec::Json(_), Value::Text(text)) => match serde_json::from_str(text) {
            Ok(json) => document::render_into(&json, out),
            Err(_) => out.push_str(text),
        },
        (Spec::Bytes(_), Value::Bytes(bytes)) => {
            out.push('"');
            out.push_str(&hex(bytes));
            out.push('"');
        }
        (Spec::Struct(_) | Spec::Array(_), Value::List(_)) => {
            document::render_into(&to_json(spec, value), out);
        }
        (_, Value::Text(text)) => out.push_str(&quoted(text)),
        (_, Value::Int(value)) => push(out, format_args!("{value}")),
        (_, Value::Float(value)) => push(out, format_args!("{value:?}")),
        (spec, value @ (Value::Bytes(_) | Value::List(_))) => {
            unreachable!("{value} was never admitted as {}", spec.noun())
        }
    }
}

/// The value as JSON.
pub fn to_json(spec: &Spec, value: &Value) -> Json {
    match (spec, value) {
        (Spec::Struct(_), Value::List(_)) => {
            let mut object = Json::Object(Map::new());
            document::write_all(spec, value, &mut object);
            object
        }
        (Spec::Array(spec), Value::List(items)) => {
            items.iter().map(|item| to_json(&spec.item, item)).collect()
        }
        (
            Spec::Int(
                spec @ IntSpec {
                    shown: Shown::Flags(_),
                    ..
                },
            ),
            Value::Int(value),
        ) => flags_of(spec, *value),
        (Spec::Json(_), Value::Text(text)) => serde_json::from_str(text).unwrap_or(Json::Null),
        (spec, value) => {
            let mut text = String::new();
            write(spec, value, &mut text);
            // What has been written for a scalar is JSON.
            serde_json::from_str(&text).unwrap_or(Json::Null)
        }
    }
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
                Json::Array(_) | Json::Object(_) => Scalar::Compound,
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
/// that is not declared.
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
            (Shown::Plain, Scalar::Number(number)) => integer(&number)
                .map(Value::Int)
                .ok_or_else(|| spec.wrong_type(&format!("the number {number}"))),
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
    let json = || match serde_json::from_str(text.trim()) {
        Ok(Json::Bool(value)) => Scalar::Bool(value),
        Ok(Json::Number(number)) => Scalar::Number(number),
        Ok(Json::Null) => Scalar::Null,
        Ok(Json::String(_) | Json::Array(_) | Json::Object(_)) | Err(_) => {
            Scalar::Text(text.to_owned())
        }
    };
    match spec {
        Spec::Text(_) | Spec::Bytes(_) => Scalar::Text(text.to_owned()),
        Spec::Bool(BoolSpec { words: Some(_) }) => Scalar::Text(text.to_owned()),
        Spec::Int(IntSpec {
            shown: Shown::Words(_),
            unknown: None,
            ..
        }) => Scalar::Text(text.to_owned()),
        Spec::Int(IntSpec {
            shown: Shown::Words(_),
            unknown: Some(_),
            ..
        }) if text != "null" => Scalar::Text(text.to_owned()),
        Spec::Bool(_)
        | Spec::Int(_)
        | Spec::Float(FloatSpec { .. })
        | Spec::Json(_)
        | Spec::Struct(_)
        | Spec::Array(_) => json(),
    }
}

/// Text as a JSON string, with its quotes.
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Bytes as hexadecimal digits, two a byte.
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(2 * bytes.len());
    bytes
        .iter()
        .for_each(|byte| push(&mut out, format_args!("{byte:02x}")));
    out
}

/// Bytes from hexadecimal digits, two a byte, in either case. `None` if it is anything else.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let nibble = |digit: u8| char::from(digit).to_digit(16);
    digits
        .chunks_exact(2)
        .map(|pair| Some((nibble(pair[0])? << 4 | nibble(pair[1])?) as u8))
        .collect()
}

fn flags_of(spec: &IntSpec, value: i128) -> Json {
    let Shown::Flags(flags) = &spec.shown else {
        return Json::Null;
    };
    let entries = flags
        .iter()
        .filter(|flag| !flag.derived)
        .map(|flag| (flag.name.to_string(), (value >> flag.bit & 1 == 1).into()));
    Json::Object(entries.collect())
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
        Scalar::Null | Scalar::Compound => None,
    }
}

fn no_word<'a>(found: &str, words: impl Iterator<Item = &'a str>) -> Violation {
    let words: Vec<String> = words.map(|word| format!("{word:?}")).collect();
    let detail = format!("{found:?} is none of {}", words.join(", "));
    Violation::new(Cause::NotAllowed, detail)
}

/// JSON has one kind of number: `5.0` and `5e0` are the integer 5, `5.5` is none.
fn integer(number: &Number) -> Option<i128> {
    if let Some(value) = number.as_i128() {
        return Some(value);
    }
    let value = number.as_f64()?;
    // Beyond 2^126 the conversion would saturate; no range reaches that far, so it is no integer here.
    (value.fract() == 0.0 && value.abs() < 2f64.powi(126)).then_some(value as i128)
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

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text)
        .expect("writing to a String cannot fail");
}

impl Scalar {
    pub(super) fn noun(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::Compound => "an array or an object",
        }
    }
}
