//! Why a value, a payload or an ATT request was refused.

use std::fmt;

/// The kind of a refusal: what is counted, and what is logged once for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The payload is not JSON, or more follows after it.
    MalformedJson,
    /// The payload or the text is not UTF-8.
    InvalidUtf8,
    /// The payload lacks the key that the declared payload names.
    MissingKey,
    /// A text where a number is declared, a fraction where an integer is, and the like.
    WrongType,
    /// Outside `min` and `max`, with `overflow: reject`.
    OutOfRange,
    /// Between two steps.
    OffStep,
    /// None of the allowed values or words, or not the constant.
    NotAllowed,
    /// A text that does not match its pattern.
    Pattern,
    /// NaN or an infinity.
    NotFinite,
    /// More bytes than the value, or the topic, may have.
    TooLong,
    /// Fewer bytes, or items, than the value has to have.
    TooShort,
    /// The number of bytes does not fit the type (ATT 0x0D).
    WrongLength,
    /// The offset lies beyond the end of the value (ATT 0x07).
    InvalidOffset,
    /// The value is constant.
    Constant,
    /// There are as many events waiting to be delivered as may wait.
    QueueFull,
    /// It cannot be written where it would survive a power cut, and that is promised.
    NotKept,
    /// An answer that nobody waits for.
    Unasked,
    /// A retained message on a command topic: a request of the past, not of now.
    RetainedCommand,
    /// The configuration that is at work now does not declare it.
    Gone,
}

impl Cause {
    /// Whether the same may be accepted at another time.
    pub fn is_of_the_moment(self) -> bool {
        matches!(self, Self::QueueFull | Self::NotKept)
    }
}

/// A refusal: its kind, and a sentence for the person who has to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub cause: Cause,
    pub detail: String,
}

impl Violation {
    pub fn new(cause: Cause, detail: impl Into<String>) -> Self {
        Self {
            cause,
            detail: detail.into(),
        }
    }

    /// The same, of a part of the value.
    #[must_use]
    pub(super) fn in_field(mut self, name: &str) -> Self {
        self.detail = format!("`{name}`: {}", self.detail);
        self
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Violation {}
