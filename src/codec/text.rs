//! Text, byte strings, and JSON on the air.

use std::sync::Arc;

use regex_lite::Regex;

use super::{Admitted, Cause, MAX_LENGTH, Value, Violation};

/// UTF-8 text. Lengths are in octets.
#[derive(Clone, Debug, PartialEq)]
pub struct TextSpec {
    pub min_length: usize,
    pub max_length: usize,
    pub pattern: Option<Pattern>,
    /// If there is one, nothing else is allowed.
    pub allowed: Option<Arc<[Arc<str>]>>,
}

/// Any octets.
#[derive(Clone, Debug, PartialEq)]
pub struct BytesSpec {
    pub min_length: usize,
    pub max_length: usize,
    /// If there is one, nothing else is allowed.
    pub allowed: Option<Arc<[Arc<[u8]>]>>,
}

/// Any JSON, as short as it can be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonSpec {
    pub max_length: usize,
}

/// A regular expression that a text has to match somewhere; `^` and `$` are its ends.
#[derive(Clone, Debug)]
pub struct Pattern(Arc<Regex>);

impl Pattern {
    /// # Errors
    /// What is wrong with the expression, for a person.
    pub fn new(text: &str) -> Result<Self, String> {
        let compiled = Regex::new(text).map_err(|error| error.to_string())?;
        Ok(Self(Arc::new(compiled)))
    }

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl TextSpec {
    pub fn up_to(max_length: usize) -> Self {
        Self {
            min_length: 0,
            max_length,
            pattern: None,
            allowed: None,
        }
    }

    pub(super) fn admit(&self, text: Arc<str>) -> Result<Admitted, Violation> {
        check_length(text.len(), self.min_length, self.max_length)?;
        if let Some(pattern) = &self.pattern
            && !pattern.0.is_match(&text)
        {
            let detail = format!("{text:?} does not match `{}`", pattern.as_str());
            return Err(Violation::new(Cause::Pattern, detail));
        }
        if let Some(allowed) = &self.allowed
            && !allowed.contains(&text)
        {
            let detail = format!("{text:?} is none of the allowed values");
            return Err(Violation::new(Cause::NotAllowed, detail));
        }
        Ok(Admitted::as_is(Value::Text(text)))
    }
}

impl BytesSpec {
    pub fn up_to(max_length: usize) -> Self {
        Self {
            min_length: 0,
            max_length,
            allowed: None,
        }
    }

    pub(super) fn can_refuse(&self) -> bool {
        self.min_length > 0 || self.max_length < MAX_LENGTH || self.allowed.is_some()
    }

    pub(super) fn admit(&self, bytes: Arc<[u8]>) -> Result<Admitted, Violation> {
        check_length(bytes.len(), self.min_length, self.max_length)?;
        if let Some(allowed) = &self.allowed
            && !allowed.contains(&bytes)
        {
            let detail = format!("{} is none of the allowed values", Value::Bytes(bytes));
            return Err(Violation::new(Cause::NotAllowed, detail));
        }
        Ok(Admitted::as_is(Value::Bytes(bytes)))
    }
}

impl JsonSpec {
    pub(super) fn admit(&self, text: &str) -> Result<Admitted, Violation> {
        let json: serde_json::Value = serde_json::from_str(text)
            .map_err(|error| super::json::malformed("this", text, &error))?;
        let shortest = json.to_string();
        check_length(shortest.len(), 0, self.max_length)?;
        Ok(Admitted::as_is(Value::Text(shortest.into())))
    }
}

fn check_length(length: usize, min: usize, max: usize) -> Result<(), Violation> {
    if length > max {
        let detail = format!("{length} bytes are more than the {max} that the value may have");
        return Err(Violation::new(Cause::TooLong, detail));
    }
    if length < min {
        let detail = format!("{length} bytes are fewer than the {min} that the value has to have");
        return Err(Violation::new(Cause::TooShort, detail));
    }
    Ok(())
}
