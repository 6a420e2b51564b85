//! A value as somebody sees it who looks at the process from outside.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::Subscriber;
use crate::codec::{Cause, Value};

/// How a value stands.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Its name, which no other value has.
    pub name: Arc<str>,
    /// It is not to be shown: `value`, `desired`, `reported` and the reason of `rejected` say nothing then.
    pub withheld: bool,
    /// What it is now; `None` while that is not known.
    pub value: Option<Value>,
    pub is_known: bool,
    /// Grows with every change, and with every request to a remote owner.
    pub version: u64,
    /// The time since it last became another.
    pub age: Duration,
    /// When that was.
    pub changed_at: SystemTime,
    /// Who made it what it is; `None` where nobody has: it is as it was at the start, or has come back.
    pub origin: Option<By>,
    /// A remote owner has yet to confirm what it was asked for.
    pub is_pending: bool,
    /// What that is.
    pub desired: Option<Value>,
    /// What a remote owner last said, as long as that is true.
    pub reported: Option<Value>,
    /// What was last refused.
    pub rejected: Option<Rejected>,
    /// The centrals that hear of it.
    pub subscribers: Vec<Subscriber>,
    pub counters: Counters,
}

/// Who has made or asked for something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    /// The section in the YAML.
    pub link: &'static str,
    /// The address of a central, or a topic; `None` where the link itself is meant.
    pub who: Option<Arc<str>>,
}

/// What broke a constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    pub at: SystemTime,
    pub age: Duration,
    pub by: By,
    pub cause: Cause,
    /// A sentence for whoever has to mend it.
    pub reason: String,
    /// How often this value has been refused, whatever the cause.
    pub count: u64,
}

/// What has happened to a value since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// By the section of the link.
    pub by_link: Vec<(&'static str, LinkCounters)>,
    /// By the section of the link, and the cause.
    pub refused: Vec<(&'static str, Cause, u64)>,
    /// Requests that the remote owner has confirmed.
    pub confirmed: u64,
    /// Requests that it has not in time, and that were taken back.
    pub taken_back: u64,
    /// Writes that had an answer.
    pub answered: u64,
    /// Writes that nobody has answered in time.
    pub unanswered: u64,
}

/// What has happened to a value at one link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkCounters {
    /// What came in and made it another.
    pub changed: u64,
    /// What came in and left it as it was.
    pub unchanged: u64,
    /// What went out and has arrived.
    pub delivered: u64,
    /// What could not be kept, and was tried again.
    pub not_kept: u64,
    /// Events that have given way to newer ones.
    pub gave_way: u64,
    /// Events that were not told in time.
    pub expired: u64,
}
