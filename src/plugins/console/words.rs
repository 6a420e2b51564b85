//! Values and bytes in the words of a page.

use std::fmt::Debug;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value as Json;

use super::shape::symbol;
use crate::codec::json::{self, check_keys, read, to_json};
use crate::codec::{Shown, Spec, Value, att, document};
use crate::gatt::encode;

/// A value as a person reads it, in a unit of Assigned Numbers, 3.5.
pub(super) fn shown(spec: &Spec, value: &Value, unit: u16) -> String {
    let text = match (spec, to_json(spec, value)) {
        (_, Json::String(text)) => text,
        (Spec::Bool(_), Json::Bool(true)) => "on".to_owned(),
        (Spec::Bool(_), Json::Bool(false)) => "off".to_owned(),
        (_, Json::Null) => "unknown".to_owned(),
        (_, json) => document::render(&json),
    };
    match symbol(unit) {
        Some(unit) if spec.is_number() && *value != Value::Null => format!("{text} {unit}"),
        Some(_) | None => text,
    }
}

/// Bytes as a person reads them: `2A FF`.
pub(super) fn hex(octets: &[u8]) -> String {
    let digits: Vec<String> = octets.iter().map(|octet| format!("{octet:02X}")).collect();
    digits.join(" ")
}

/// Bytes from hexadecimal digits, with or without spaces between bytes and `0x` before them.
pub(super) fn octets(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let digits: String = digits.split_whitespace().collect();
    json::from_hex(&digits)
}

/// What bytes on the air mean, in JSON and in words; nothing if they are no value of this type.
pub(super) fn meaning(spec: &Spec, octets: &[u8], unit: u16) -> (Json, String) {
    match att::decode(spec, octets) {
        Ok(value) => (to_json(spec, &value), shown(spec, &value, unit)),
        Err(_) => (Json::Null, hex(octets)),
    }
}

/// The bytes of a value that is given in JSON. They are not checked against the range: that is for whoever
/// they are written to.
///
/// # Errors
/// Why there are no such bytes.
pub(super) fn octets_of(spec: &Spec, given: &Json) -> Result<Vec<u8>, String> {
    let patch = check_keys(spec, given).and_then(|()| read(spec, given));
    let patch = patch.map_err(|violation| violation.to_string())?;
    let value = spec.merge(None, patch);
    match spec.admit(value.clone()) {
        Ok(admitted) if !admitted.adjusted => Ok(encode(spec, &admitted.value)),
        Ok(_) => unchecked(spec, value).ok_or_else(|| format!("{given} is out of range")),
        Err(violation) => unchecked(spec, value).ok_or_else(|| violation.to_string()),
    }
}

/// The bytes of a value that breaks a constraint; `None` where the type has none for it.
fn unchecked(spec: &Spec, value: Value) -> Option<Vec<u8>> {
    match (spec, &value) {
        (Spec::Int(int), Value::Int(number)) => {
            let (min, max) = int.width.range(int.signed);
            let is_plain = match int.shown {
                Shown::Plain | Shown::Scaled(_) => true,
                Shown::Words(_) | Shown::Flags(_) => false,
            };
            (is_plain && (min..=max).contains(number)).then(|| encode(spec, &value))
        }
        (Spec::Float(_), Value::Float(_))
        | (Spec::Text(_), Value::Text(_))
        | (Spec::Bytes(_), Value::Bytes(_)) => Some(encode(spec, &value)),
        _ => None,
    }
}

/// Milliseconds since 1970, for people, who compare them with other clocks.
pub(super) fn now() -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "it is shown beside what others have logged, and decides nothing"
    )]
    since_1970(SystemTime::now())
}

pub(super) fn since_1970(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    super::current::milliseconds(since)
}

/// The name of a variant in snake case.
pub(super) fn snake(word: &impl Debug) -> String {
    let mut out = String::new();
    for letter in format!("{word:?}").chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{IntSpec, IntWidth};

    #[test]
    fn a_number_out_of_range_has_bytes_as_long_as_its_type_has_room() {
        let mut int = IntSpec::new(IntWidth::W8, false);
        int.max = 9;
        let spec = Spec::Int(int);
        assert_eq!(octets_of(&spec, &9.into()), Ok(vec![9]));
        assert_eq!(octets_of(&spec, &255.into()), Ok(vec![255]));
        assert!(octets_of(&spec, &256.into()).is_err());
        assert!(octets_of(&spec, &Json::from("nine")).is_err());
    }

    #[test]
    fn bytes_are_read_as_people_write_them() {
        for text in ["2aff", "2A FF", " 0x2A ff ", "0x2aff"] {
            assert_eq!(octets(text), Some(vec![0x2A, 0xFF]), "{text}");
        }
        assert_eq!(octets(""), Some(vec![]));
        assert_eq!(octets("2a f"), None);
        assert_eq!(octets("zz"), None);
    }
}
