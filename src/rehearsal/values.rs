//! Between the bytes on the air and the JSON in which a test, and a person, says the same.

use std::fmt::Write;

use serde_json::Value as Json;

use crate::codec::document::render;
use crate::codec::{Spec, att, json};
use crate::gatt::encode;

/// The bytes of a value that is given as JSON.
///
/// # Errors
/// Why it is none of this type, or breaks a constraint.
pub(super) fn octets_of(spec: &Spec, value: &Json) -> Result<Vec<u8>, String> {
    let patch = json::read(spec, value).map_err(|violation| violation.to_string())?;
    let admitted = spec
        .admit(spec.merge(None, patch))
        .map_err(|violation| violation.to_string())?;
    if admitted.adjusted {
        return Err(format!("{value} is outside the range of the value"));
    }
    Ok(encode(spec, &admitted.value))
}

/// Bytes on the air as JSON; `None` if they are no value of this type.
pub(super) fn json_of(spec: &Spec, octets: &[u8]) -> Option<Json> {
    let value = att::decode(spec, octets).ok()?;
    Some(json::to_json(spec, &value))
}

/// `80 01 (384)`: bytes, and what they mean.
pub(super) fn shown(spec: &Spec, octets: &[u8]) -> String {
    let bytes = hex(octets);
    match json_of(spec, octets) {
        Some(json) => format!("{bytes} ({})", render(&json)),
        None => format!("{bytes} (no value of this characteristic)"),
    }
}

/// `80 01`; `no bytes` if there are none.
pub(super) fn hex(octets: &[u8]) -> String {
    if octets.is_empty() {
        return "no bytes".to_owned();
    }
    let mut out = String::with_capacity(3 * octets.len());
    for (index, octet) in octets.iter().enumerate() {
        let space = if index == 0 { "" } else { " " };
        write!(out, "{space}{octet:02x}").expect("writing to a String cannot fail");
    }
    out
}

/// Bytes from hexadecimal digits, with spaces between bytes, and `0x` before them.
pub(super) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let mut octets = Vec::new();
    for group in digits.split_whitespace() {
        octets.extend(json::from_hex(group)?);
    }
    Some(octets)
}

/// Whether two pieces of JSON say the same: numbers by their value, keys in any order.
pub(super) fn same(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => match (a.as_i128(), b.as_i128()) {
            (Some(a), Some(b)) => a == b,
            _ => a.as_f64() == b.as_f64(),
        },
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

/// Whether `came` has at least what `wanted` has.
pub(super) fn includes(came: &Json, wanted: &Json) -> bool {
    match (came, wanted) {
        (Json::Object(came), Json::Object(wanted)) => wanted
            .iter()
            .all(|(key, wanted)| came.get(key).is_some_and(|came| includes(came, wanted))),
        (Json::Array(came), Json::Array(wanted)) => {
            came.len() == wanted.len()
                && came
                    .iter()
                    .zip(wanted)
                    .all(|(came, wanted)| includes(came, wanted))
        }
        (came, wanted) => same(came, wanted),
    }
}
