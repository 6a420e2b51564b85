//! Value ↔ JSON. Integers are whole numbers, bytes hexadecimal text, structs objects.

mod keys;
mod read;

use serde_json::{Map, Value as Json};

use super::decimal::push;
use super::int::{IntSpec, Shown};
use super::{BoolSpec, Cause, Spec, Value, Violation, document};
pub use keys::{check_keys, keys};
pub use read::{Scalar, is_scalar, read, read_scalar, scalar_of_text};

/// The value as JSON, appended to `out`: with a space after each colon and comma, as Python's
/// `json.dumps` writes it.
pub fn write(spec: &Spec, value: &Value, out: &mut String) {
    match (spec, value) {
        (_, Value::Null) => out.push_str("null"),
        (Spec::Bool(BoolSpec { words: Some(words) }), Value::Bool(value)) => {
            quote(&words[usize::from(*value)], out);
        }
        (_, Value::Bool(value)) => out.push_str(if *value { "true" } else { "false" }),
        (Spec::Int(spec), Value::Int(value)) => match &spec.shown {
            Shown::Plain => push(out, format_args!("{value}")),
            Shown::Scaled(scale) => scale.push_shown(*value, out),
            Shown::Words(words) => match words.iter().find(|(number, _)| number == value) {
                Some((_, word)) => quote(word, out),
                None => push(out, format_args!("\"{value}\"")),
            },
            Shown::Flags(_) => document::render_into(&flags_of(spec, *value), out),
        },
        (Spec::Float(spec), Value::Float(value)) => spec.push_text(*value, out),
        (Spec::Json(_), Value::Text(text)) => match serde_json::from_str(text) {
            Ok(json) => document::render_into(&json, out),
            Err(_) => out.push_str(text),
        },
        (Spec::Bytes(_), Value::Bytes(bytes)) => {
            out.push('"');
            push_hex(bytes, out);
            out.push('"');
        }
        (Spec::Struct(_) | Spec::Array(_), Value::List(_)) => {
            document::render_into(&to_json(spec, value), out);
        }
        (_, Value::Text(text)) => quote(text, out),
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

/// Text as a JSON string, with its quotes.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    quote(text, &mut out);
    out
}

/// The same, appended to `out`: as few escapes as JSON allows, and the short ones where there are any, as
/// `serde_json` has it.
pub(super) fn quote(text: &str, out: &mut String) {
    out.push('"');
    let mut written = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            0x08 => "\\b",
            b'\t' => "\\t",
            b'\n' => "\\n",
            0x0C => "\\f",
            b'\r' => "\\r",
            0..0x20 => "",
            _ => continue,
        };
        out.push_str(&text[written..at]);
        match escape {
            "" => push(out, format_args!("\\u{byte:04x}")),
            escape => out.push_str(escape),
        }
        written = at + 1;
    }
    out.push_str(&text[written..]);
    out.push('"');
}

/// Bytes as hexadecimal digits, two a byte.
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(2 * bytes.len());
    push_hex(bytes, &mut out);
    out
}

fn push_hex(bytes: &[u8], out: &mut String) {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    for byte in bytes {
        out.extend([digit(byte >> 4), digit(byte & 0xF)]);
    }
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

/// Why a text is not taken for JSON; `what` is what a person calls it.
pub fn malformed(what: &str, text: &str, error: &serde_json::Error) -> Violation {
    if text.trim().is_empty() {
        return Violation::new(
            Cause::MalformedJson,
            format!("{what} is empty, and no JSON"),
        );
    }
    // serde_json has no name for this (1.0.150).
    match error.to_string().strip_prefix("number out of range") {
        Some(place) => Violation::new(
            Cause::OutOfRange,
            format!("{what} has a number beyond ±1.8e308, which no value can hold{place}"),
        ),
        None => Violation::new(Cause::MalformedJson, format!("{what} is not JSON: {error}")),
    }
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
