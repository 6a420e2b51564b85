//! What serde reports, and where it is.

use std::fmt;

use serde::de::Unexpected;

use super::REST;
use crate::config::diagnose::{brief, nearest};
use crate::config::tree::NodeId;

/// What serde reports, and where.
#[derive(Debug)]
pub struct ReadError {
    pub(super) at: Option<NodeId>,
    pub(super) message: String,
    pub(super) help: Option<String>,
    /// The field that is missing, until it is known whether it was set aside.
    pub(super) missing: Option<&'static str>,
    /// It only follows from another mistake.
    pub(super) follows: bool,
}

impl ReadError {
    pub(super) fn new(message: String, help: Option<String>) -> Self {
        Self {
            at: None,
            message: brief(message),
            help,
            missing: None,
            follows: false,
        }
    }

    /// Whoever knows a place first is nearest to the mistake.
    pub(super) fn or_at(mut self, at: NodeId) -> Self {
        self.at.get_or_insert(at);
        self
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

impl serde::de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let message = message.to_string();
        match message.split_once(HELP) {
            Some((message, help)) => Self::new(message.to_owned(), Some(help.to_owned())),
            None => Self::new(message, None),
        }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        let wanted = wanted(expected);
        let help = (wanted == "a boolean").then(|| boolean_for(found).to_owned());
        Self::new(
            format!("{} where {wanted} is wanted", describe(found)),
            help,
        )
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        Self::new(
            format!("{} where {} is wanted", describe(found), wanted(expected)),
            None,
        )
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        unknown("key", field, expected)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        unknown("word", variant, expected)
    }

    fn missing_field(field: &'static str) -> Self {
        let mut error = Self::new(
            format!("`{field}` is missing here"),
            Some(format!("add `{field}: …`")),
        );
        error.missing = Some(field);
        error
    }
}

/// Separates message and help in the text of a custom error: serde has one string for both.
pub const HELP: &str = "\u{1}";

pub(super) fn unknown(what: &str, found: &str, expected: &[&'static str]) -> ReadError {
    let help = match nearest(found, expected.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if expected.is_empty() => "nothing can stand here".to_owned(),
        None => format!("one of {} can stand here", list(expected)),
    };
    ReadError::new(format!("unknown {what} `{found}`"), Some(help))
}

pub(super) fn list(words: &[&'static str]) -> String {
    words
        .iter()
        .filter(|word| **word != REST)
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// What was expected, as a person calls it: serde speaks of its own types.
fn wanted(expected: &dyn serde::de::Expected) -> String {
    let expected = expected.to_string();
    match expected.as_str() {
        "u8" | "u16" | "u32" | "u64" | "i8" | "i16" | "i32" | "i64" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a string" => "a text".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a mapping".to_owned(),
        _ => expected,
    }
}

/// What to write for a boolean. YAML 1.1 had more words for them.
fn boolean_for(found: Unexpected<'_>) -> &'static str {
    let Unexpected::Str(word) = found else {
        return "write `true` or `false`, without quotes";
    };
    match word.to_lowercase().as_str() {
        "yes" | "y" | "on" | "true" => "write `true`, without quotes",
        "no" | "n" | "off" | "false" => "write `false`, without quotes",
        _ => "write `true` or `false`, without quotes",
    }
}

/// What was found, without its content: it may have come from the environment, and be a secret.
pub(super) fn describe(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(_) => "a boolean".to_owned(),
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a whole number".to_owned(),
        Unexpected::Float(_) => "a number".to_owned(),
        Unexpected::Str(_) => "a text".to_owned(),
        Unexpected::Unit => "nothing".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map | Unexpected::StructVariant => "a mapping".to_owned(),
        other => other.to_string(),
    }
}
