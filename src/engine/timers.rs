//! What waits for time to pass.

use std::collections::BTreeSet;

use super::{CellId, LinkId, Time};

/// Who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// A request for its confirmation.
    Confirmation(CellId),
    /// What a remote owner has said, for it to say more.
    Silence(CellId),
    /// Writes for an answer in this cell.
    Answer(CellId),
    /// An outlet of a link for its turn to send.
    Pace(LinkId, usize),
}

/// All that wait, the first to come due first.
#[derive(Clone, Debug, Default)]
pub(super) struct Timers(BTreeSet<(Time, Timer)>);

/// The time that it is, and the way to ask for another.
pub(super) struct Clock<'a> {
    pub(super) now: Time,
    pub(super) timers: &'a mut Timers,
}

impl Timers {
    pub(super) fn set(&mut self, at: Time, timer: Timer) {
        self.0.insert((at, timer));
    }

    pub(super) fn clear(&mut self, at: Time, timer: Timer) {
        self.0.remove(&(at, timer));
    }

    pub(super) fn next(&self) -> Option<Time> {
        self.0.first().map(|&(at, _)| at)
    }

    /// The next one whose time has come, and when it came.
    pub(super) fn take_due(&mut self, now: Time) -> Option<(Time, Timer)> {
        let due = self.0.first().is_some_and(|&(at, _)| at <= now);
        due.then(|| self.0.pop_first()).flatten()
    }
}
