//! What the response to a write by a central promises, and what has to outlive this process for that.
//!
//! A write that is accepted is *owed* to every link that acknowledges ([`Subscription::acknowledges`]
//! (super::Subscription)) until that has delivered it or something newer. What is owed is not a list that
//! is kept beside the outlets: it is what they have yet to deliver, of what a central wrote. So it cannot
//! say anything else than what is so.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::cell::{Cell, Pending};
use super::{Carries, CellId, Delivery, Engine, LinkId, Outcome, Owner, Snapshot, Time};
use crate::codec::{Cause, Value, Violation};

/// What the response to a write by a central promises. Each promises what those before it do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ack {
    /// It breaks no constraint, and is the value from now on.
    Accepted,
    /// It survives the end of this process, and of the power: it is delivered, or something newer is.
    #[default]
    Journaled,
    /// Whoever carries it has acknowledged it: a broker, for example.
    Published,
    /// The remote owner of the value has said that it is so.
    Confirmed,
}

/// What has become of a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Waits,
    Kept,
    Broken(Broken),
}

/// Why a promise cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// It cannot be kept where it would survive.
    NotJournaled,
    /// It has expired, or given way to a newer event, before anybody acknowledged it.
    NotDelivered,
    /// The owner has not confirmed it in time.
    NotConfirmed,
}

/// A write from before this process began that has yet to be delivered.
#[derive(Clone, Debug, PartialEq)]
pub struct Owed {
    pub value: Value,
    pub age: Duration,
    /// What the values that are told with it held when it was accepted.
    pub with: Option<Snapshot>,
}

/// A write that has yet to be delivered.
#[derive(Clone, Debug, PartialEq)]
pub struct Unpaid {
    /// Grows from one write of the cell to the next.
    pub version: u64,
    pub owed: Owed,
}

/// What of a cell has to outlive this process.
#[derive(Clone, Debug, PartialEq)]
pub struct Keeping {
    /// What is true as far as is known.
    pub known: Option<Value>,
    /// What is owed, the oldest first; where only the newest value counts, one at most.
    pub unpaid: Vec<Unpaid>,
    /// A central has written it, and that it is kept has not been said yet.
    pub is_awaited: bool,
}

impl Engine {
    /// What has become of what was promised when a cell had this version.
    pub fn standing(&self, id: CellId, version: u64) -> Standing {
        let cell = &self.cells[id.index()];
        let abandoned = |range: &RangeInclusive<u64>| range.contains(&version);
        if cell.ack >= Ack::Published && cell.abandoned.iter().any(abandoned) {
            return Standing::Broken(Broken::NotDelivered);
        }
        for &(link, outlet) in cell.outlets.iter().filter(|_| cell.ack > Ack::Accepted) {
            let state = &self.links[link.index()];
            let is_acknowledged = cell.ack >= Ack::Published && state.acknowledges(outlet);
            if is_acknowledged && state.has_lost(outlet, version) {
                return Standing::Broken(Broken::NotDelivered);
            }
            if state.is_settled(outlet, version) {
                continue;
            }
            if state.carries(outlet) == Carries::Kept {
                return match state.is_failing {
                    true => Standing::Broken(Broken::NotJournaled),
                    false => Standing::Waits,
                };
            }
            if is_acknowledged {
                return Standing::Waits;
            }
        }
        match cell.owner {
            Owner::Remote(_) if cell.ack == Ack::Confirmed => cell.confirmation(version),
            Owner::Remote(_) | Owner::Here => Standing::Kept,
        }
    }

    /// What of a cell has to outlive this process.
    pub fn keeping(&self, now: Time, id: CellId) -> Keeping {
        let cell = &self.cells[id.index()];
        let mut keeping = Keeping {
            known: cell.known().cloned(),
            unpaid: Vec::new(),
            is_awaited: false,
        };
        for &(link, outlet) in &cell.outlets {
            let state = &self.links[link.index()];
            match state.carries(outlet) {
                Carries::Kept => keeping.is_awaited |= !state.is_settled(outlet, cell.written),
                Carries::State | Carries::StateOfOthers | Carries::Requests => {
                    if state.acknowledges(outlet) && keeping.unpaid.is_empty() {
                        keeping.unpaid = state.unpaid(outlet, cell, now);
                    }
                }
            }
        }
        keeping
    }

    /// Whether nothing can be kept now that has to be before a write of this cell is acknowledged.
    pub(super) fn check_can_keep(&self, id: CellId) -> Result<(), Violation> {
        let mut outlets = self.cells[id.index()].outlets.iter();
        let is_failing = |&(link, outlet): &(LinkId, usize)| {
            let state = &self.links[link.index()];
            state.is_failing && state.carries(outlet) == Carries::Kept
        };
        match outlets.any(is_failing) {
            true => Err(Violation::new(
                Cause::NotKept,
                "it cannot be written where it would survive a power cut",
            )),
            false => Ok(()),
        }
    }

    /// Takes up what was owed when the process before this one ended.
    pub(super) fn take_up(&mut self, now: Time, id: CellId, mut owed: Vec<Owed>) {
        let cell = &self.cells[id.index()];
        // Among events, what is owed is only what a central wrote; what the value was in the end is known.
        let was = match (cell.owner, cell.delivery) {
            (Owner::Here, Delivery::Every { .. }) if !owed.is_empty() => cell.restored.clone(),
            (Owner::Here | Owner::Remote(_), Delivery::Latest | Delivery::Every { .. }) => None,
        };
        if self.cells[id.index()].delivery == Delivery::Latest {
            owed.drain(..owed.len().saturating_sub(1));
        }
        for Owed { value, age, with } in owed {
            let cell = &mut self.cells[id.index()];
            cell.happen(now, value.clone(), None);
            cell.written = cell.version;
            cell.snapshot = with;
            cell.aged = Some(age);
            if let Owner::Remote(owner) = cell.owner {
                cell.pending = Some(Pending {
                    version: cell.version,
                    wanted: value,
                    answered: false,
                    deadline: None,
                });
                self.spread_request(now, id, owner, None);
            }
            self.spread_state(now, id, None);
            self.cells[id.index()].aged = None;
        }
        if let Some(was) = was.filter(|was| self.cells[id.index()].value.as_ref() != Some(was)) {
            self.cells[id.index()].set(now, Some(was), None);
            self.spread_state(now, id, None);
        }
    }

    /// A link has lost its session. Nobody knows what the other side has kept of what it was given, and this
    /// process may end before it has it again.
    pub(super) fn owe_again(&mut self, now: Time, link: LinkId) {
        let owes = |cell: &Cell| {
            let of_link = |&&(to, outlet): &&(LinkId, usize)| {
                to == link && self.links[link.index()].acknowledges(outlet)
            };
            cell.written > 0 && cell.outlets.iter().any(|outlet| of_link(&outlet))
        };
        let cells = self.cells.iter().enumerate();
        let owed: Vec<CellId> = cells
            .filter(|(_, cell)| owes(cell))
            .map(|(index, _)| CellId::new(index))
            .collect();
        for id in owed {
            self.mark_kept(now, id);
        }
    }

    pub(super) fn undelivered(&mut self, now: Time, link: LinkId, id: CellId, ticket: u64) {
        let outlets = &self.cells[id.index()].outlets;
        let timers = &mut self.timers;
        let mut clock = super::timers::Clock { now, timers };
        for &(_, outlet) in outlets.iter().filter(|(to, _)| *to == link) {
            let state = &mut self.links[link.index()];
            let version = state.undelivered(outlet, ticket, &mut clock);
            if let Some(version) = version {
                self.outcomes.push(Outcome::GivenBack {
                    link,
                    cell: id,
                    ticket,
                    version,
                });
            }
        }
    }
}

impl Cell {
    /// What the remote owner has made of the requests up to this version.
    fn confirmation(&self, version: u64) -> Standing {
        match (self.confirmed >= version, self.unconfirmed >= version) {
            (true, _) => Standing::Kept,
            (false, true) => Standing::Broken(Broken::NotConfirmed),
            (false, false) => Standing::Waits,
        }
    }
}
