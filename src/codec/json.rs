//! Value ↔ JSON: the JSON type of a value, and its text.
//!
//! Bytes are hexadecimal text. Integers are JSON numbers in full, also beyond 2^53: what MQTT carries
//! is exact, and a reader that keeps doubles rounds for itself.

use std::fmt::Write;

use serde_json::Number;

use super::{Cause, FloatWidth, Spec, Value, Violation};

/// A JSON scalar as it was found in a payload, not yet checked against a type.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    /// An array or an object: no value is one.
    Compound,
}

/// The JSON text of a value, appended to `out`.
pub fn write(spec: &Spec, value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::List(items) => {
            let _ = items;
            unreachable!("no spec has parts yet");
        }
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) => push(out, format_args!("{value}")),
        Value::Float(value) => match spec {
            // The shortest text that reads back as the same 32 bit number: 0.1, not 0.10000000149.
            Spec::Float {
                width: FloatWidth::W32,
                ..
            } => push(out, format_args!("{:?}", *value as f32)),
            _ => push(out, format_args!("{value:?}")),
        },
        Value::Text(text) => out.push_str(&quoted(text)),
        Value::Bytes(bytes) => {
            out.push('"');
            bytes
                .iter()
                .for_each(|byte| push(out, format_args!("{byte:02x}")));
            out.push('"');
        }
    }
}

/// The value that a JSON scalar stands for, not yet checked against its range.
///
/// # Errors
/// [`Cause::WrongType`] when the JSON type is not that of the value.
pub fn read(spec: &Spec, scalar: Scalar) -> Result<Value, Violation> {
    match (spec, scalar) {
        (Spec::Bool, Scalar::Bool(value)) => Ok(Value::Bool(value)),
        (Spec::Int { .. }, Scalar::Number(number)) => integer(&number)
            .map(Value::Int)
            .ok_or_else(|| wrong_type(spec, &format!("the number {number}"))),
        (Spec::Float { .. }, Scalar::Number(number)) => {
            // Without arbitrary precision every JSON number has an f64.
            Ok(Value::Float(number.as_f64().unwrap_or(f64::NAN)))
        }
        (Spec::Utf8 { .. }, Scalar::Text(text)) => Ok(Value::Text(text.into())),
        (Spec::Bytes { .. }, Scalar::Text(text)) => from_hex(&text)
            .map(|bytes| Value::Bytes(bytes.into()))
            .ok_or_else(|| wrong_type(spec, "a text that is not hexadecimal, two digits a byte")),
        (spec, other) => Err(wrong_type(spec, other.noun())),
    }
}

/// Text as a JSON string, with its quotes.
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
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

/// JSON has one kind of number: `5.0` and `5e0` are the integer 5, `5.5` is none.
fn integer(number: &Number) -> Option<i128> {
    if let Some(value) = number.as_i128() {
        return Some(value);
    }
    let value = number.as_f64()?;
    // Beyond 2^126 the conversion would saturate; no range reaches that far, so it is no integer here.
    (value.fract() == 0.0 && value.abs() < 2f64.powi(126)).then_some(value as i128)
}

fn wrong_type(spec: &Spec, found: &str) -> Violation {
    let article = if matches!(spec, Spec::Int { .. }) {
        "an"
    } else {
        "a"
    };
    let detail = format!("{found} where {article} {} is declared", spec.noun());
    Violation::new(Cause::WrongType, detail)
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text)
        .expect("writing to a String cannot fail");
}

impl Scalar {
    fn noun(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::Compound => "an array or an object",
        }
    }
}
