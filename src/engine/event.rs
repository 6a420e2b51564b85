//! What can happen, and what may be asked for.

use std::ops::Add;
use std::sync::Arc;
use std::time::Duration;

use super::Carries;
use crate::codec::{Cause, Patch, Spec, Value, Violation};

/// Time since some fixed start. The engine compares and adds; it never asks for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub Duration);

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, later: Duration) -> Self {
        Self(self.0.saturating_add(later))
    }
}

/// A cell of the engine: one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellId(u32);

/// A link of the engine: one plugin at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(u16);

/// Somebody behind a link, as that link numbers them: for the BLE link a central.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u64);

/// Where a change came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    pub link: LinkId,
    pub peer: Option<PeerId>,
}

/// A change that somebody asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Exactly this, as it came from the air.
    Set(Value),
    /// What a JSON message says: parts that it does not mention stay, and a number that was rounded
    /// on its way is no change beside the one that it was made of.
    Rounded(Patch),
    /// Add to the number that is there; nothing happens while there is none.
    Step(Value),
}

/// Whether what an owner says carries our own mark: then it answers a request of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It does not, or its owner knows no marks.
    Foreign,
    /// It does. Without a request under way it is ignored altogether.
    Own,
    /// It does, and it is the first that is heard on a connection. Without a request under way it is
    /// how things stand: who asked may have been this program before it was started anew.
    OwnAndFirst,
}

/// Everything that can happen.
#[derive(Clone, Debug)]
pub enum Event {
    /// Somebody asks for a change: a central writes, a command arrives, a ticker ticks.
    Request {
        cell: CellId,
        change: Change,
        origin: Origin,
    },
    /// The remote owner says what the value is, or parts of it.
    Report {
        cell: CellId,
        patch: Patch,
        mark: Mark,
        origin: Origin,
    },
    /// A link could not even make a value of what it got. Counted, and nothing changes.
    Refused {
        link: LinkId,
        cell: Option<CellId>,
        violation: Violation,
    },
    /// An effect has arrived where it was sent to: the broker has acknowledged it, for example. One that
    /// was handed out before the link was up again is over, whatever has become of it.
    Delivered {
        link: LinkId,
        cell: CellId,
        ticket: u64,
    },
    /// An effect could not be kept where it was sent to, because a disk is full for example. It is handed
    /// out again.
    Undelivered {
        link: LinkId,
        cell: CellId,
        ticket: u64,
    },
    /// A link has its transport (back). With its session gone, all that it carries is sent anew;
    /// with the session still there, what was not yet delivered.
    LinkUp { link: LinkId, session_present: bool },
    /// A link tells of a cell in another place than before, where nobody has heard of it: how it stands is told
    /// there.
    Restate { link: LinkId, cell: CellId },
    /// The time of [`Engine::poll_deadline`](super::Engine::poll_deadline) has come.
    Tick,
}

impl Event {
    /// The link that says so.
    pub fn link(&self) -> Option<LinkId> {
        match self {
            Self::Request { origin, .. } | Self::Report { origin, .. } => Some(origin.link),
            Self::Refused { link, .. }
            | Self::Delivered { link, .. }
            | Self::Undelivered { link, .. }
            | Self::LinkUp { link, .. }
            | Self::Restate { link, .. } => Some(*link),
            Self::Tick => None,
        }
    }
}

/// What several values held at one moment.
pub type Snapshot = Arc<[(CellId, Value)]>;

/// What a link is to send: the newest value of a cell, or where every event counts, the next.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    pub cell: CellId,
    pub carries: Carries,
    pub value: Value,
    /// Of the cell, when it held this.
    pub version: u64,
    /// The number of this hand-out, no two of a link have the same; to be given back with
    /// [`Event::Delivered`].
    pub ticket: u64,
    /// Who made the change and need not hear of it, or `None` when everybody has to.
    pub origin: Option<Origin>,
    /// Of a cell whose every event counts: nothing has happened, this is how things stand, for a link
    /// that has begun or has lost its session. Where it would be taken for an event, leave it out.
    pub restated: bool,
    /// What the values that are told with it held when it was accepted: those that were known.
    pub with: Option<Snapshot>,
}

impl Mark {
    /// Whether it only answers what was asked for.
    pub(super) fn is_own(self) -> bool {
        match self {
            Self::Foreign => false,
            Self::Own | Self::OwnAndFirst => true,
        }
    }
}

/// What became of an event that broke no constraint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    Changed,
    Unchanged,
}

/// What became of one that did.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejection {
    pub violation: Violation,
    /// How often this link has now been refused for this cause and cell; 1 is the time to log it.
    pub count: u64,
    /// Who asked hears of it in another value ([`Response::refused`](super::Response::refused)), and
    /// is told here that all is well.
    pub answered: bool,
}

impl Change {
    /// Whether it asks for nothing.
    pub(super) fn is_nothing(&self) -> bool {
        match self {
            Self::Rounded(patch) => patch.is_keep(),
            Self::Set(_) | Self::Step(_) => false,
        }
    }

    /// Whether two values are one for whoever asks for this change.
    pub(super) fn is_rounded(&self) -> bool {
        match self {
            Self::Rounded(_) => true,
            Self::Set(_) | Self::Step(_) => false,
        }
    }

    /// The value that is asked for, before any constraint.
    pub(super) fn apply(self, spec: &Spec, current: Option<&Value>) -> Result<Value, Violation> {
        match self {
            Self::Set(value) => Ok(value),
            Self::Rounded(patch) => Ok(spec.merge(current, patch)),
            Self::Step(step) => match (current, step) {
                (Some(&Value::Int(held)), Value::Int(step)) => {
                    Ok(Value::Int(held.saturating_add(step)))
                }
                (Some(&Value::Float(held)), Value::Float(step)) => Ok(Value::Float(held + step)),
                (Some(&Value::Float(held)), Value::Int(step)) => {
                    Ok(Value::Float(held + step as f64))
                }
                (None, _) => Err(Violation::new(
                    Cause::WrongType,
                    "there is no value yet to step",
                )),
                (Some(held), step) => Err(Violation::new(
                    Cause::WrongType,
                    format!("{held} cannot be stepped by {step}"),
                )),
            },
        }
    }
}

impl CellId {
    pub fn new(index: usize) -> Self {
        Self(u32::try_from(index).expect("a configuration has fewer than 2^32 values"))
    }

    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl LinkId {
    pub fn new(index: usize) -> Self {
        Self(u16::try_from(index).expect("a configuration has fewer than 2^16 links"))
    }

    pub fn index(self) -> usize {
        self.0.into()
    }
}
