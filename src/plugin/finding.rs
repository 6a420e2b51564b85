//! What a look at the surroundings has found.

use schemars::JsonSchema;
use serde::Serialize;

use crate::gatt::Service;

/// What is known to whoever examines, besides its own declaration.
#[derive(Clone, Copy, Debug)]
pub struct Examination<'a> {
    /// The declared services.
    pub services: &'a [Service],
    /// Somebody has said that what is tried out may be heard by others.
    pub may_be_heard: bool,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// What was looked at: a word that stays the same, as in `broker`.
    pub check: &'static str,
    pub level: Level,
    /// What is so, in a sentence for a person. No secret is in it.
    pub says: String,
    /// What to do about it: commands to copy, or a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// How well it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// It is as it should be.
    Ok,
    /// It could not be looked at, and why; or it does not matter here.
    Skipped,
    /// It works, and is not what most people want.
    Warn,
    /// What is declared cannot work like this.
    Fail,
}

impl Finding {
    pub fn ok(check: &'static str, says: impl Into<String>) -> Self {
        Self::new(check, Level::Ok, says)
    }

    pub fn skipped(check: &'static str, says: impl Into<String>) -> Self {
        Self::new(check, Level::Skipped, says)
    }

    pub fn warn(check: &'static str, says: impl Into<String>) -> Self {
        Self::new(check, Level::Warn, says)
    }

    pub fn fail(check: &'static str, says: impl Into<String>) -> Self {
        Self::new(check, Level::Fail, says)
    }

    pub fn new(check: &'static str, level: Level, says: impl Into<String>) -> Self {
        Self {
            check,
            level,
            says: says.into(),
            fix: None,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}
