//! What has come of things, for whoever watches. Nobody has to: what is not taken gives way, and is counted.

use std::collections::VecDeque;
use std::time::Duration;

use super::{CellId, LinkId};

/// So many wait for whoever takes them. One event has few.
const OUTCOMES_MAX: usize = 256;

/// What has come of something, where nobody is told of it by an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An effect has arrived.
    Arrived {
        link: LinkId,
        cell: CellId,
        ticket: u64,
        version: u64,
        /// The time since what it tells was accepted; `None` where it told how things stand.
        waited: Option<Duration>,
    },
    /// An effect could not be kept where it was sent to, and comes again.
    GivenBack {
        link: LinkId,
        cell: CellId,
        ticket: u64,
        version: u64,
    },
    /// The remote owner has confirmed what it was asked for.
    Confirmed { cell: CellId, version: u64 },
    /// It has not, in time. The last report is the value again, which has the version `back` then.
    TakenBack {
        cell: CellId,
        version: u64,
        back: u64,
    },
    /// The remote owner has said nothing for so long that what it said is not true any more.
    Silent { cell: CellId, version: u64 },
    /// An event has waited for this link for longer than it is worth telling.
    Expired {
        link: LinkId,
        cell: CellId,
        version: u64,
    },
    /// An event has given way to a newer one, because the queue to this link was full.
    GaveWay {
        link: LinkId,
        cell: CellId,
        version: u64,
    },
    /// A write by a central has its answer, in another value.
    Answered {
        /// What was written, and which write it was.
        cell: CellId,
        version: u64,
        /// Where the answer is, and its version there.
        by: CellId,
        answer: u64,
        how: Answer,
    },
}

/// Who has answered a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The declaration: it was accepted.
    Accepted,
    /// The declaration: it was refused.
    Refused,
    /// Another link.
    Given,
    /// Nobody has, in time.
    Nobody,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Outcomes {
    waiting: VecDeque<Outcome>,
    lost: u64,
}

impl Outcomes {
    pub(super) fn push(&mut self, outcome: Outcome) {
        if self.waiting.len() >= OUTCOMES_MAX {
            self.waiting.pop_front();
            self.lost += 1;
        }
        self.waiting.push_back(outcome);
    }

    /// An event of this cell, with this version.
    pub(super) fn gave_way(&mut self, link: LinkId, event: Option<(CellId, u64)>) {
        if let Some((cell, version)) = event {
            self.push(Outcome::GaveWay {
                link,
                cell,
                version,
            });
        }
    }

    pub(super) fn take(&mut self) -> Option<Outcome> {
        self.waiting.pop_front()
    }

    /// How many nobody has taken.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }
}
