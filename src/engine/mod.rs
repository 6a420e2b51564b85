//! Pure: the table of cells, and what each link has yet to hear of it. No I/O, no clock, no async.
//!
//! Time is an argument. Everything that can happen is an [`Event`], everything the engine may ask a
//! link for is an [`Effect`], and a link *pulls* its effects: there is no queue that can grow, only a
//! mark at each outlet that has something new. Who pulls late gets the newest value. Where every event
//! counts ([`Delivery::Every`]) there is a queue, with an end that is declared.

mod backlog;
mod cell;
mod event;
mod outlet;
mod pace;
mod timers;

use std::collections::BTreeMap;
use std::time::Duration;

pub use backlog::{Delivery, WhenFull};
pub use cell::{CellView, Owner};
pub use event::{Accepted, CellId, Change, Effect, Event, LinkId, Origin, PeerId, Rejection, Time};
pub use outlet::Carries;
pub use pace::Pace;

use crate::codec::{Admitted, Cause, Patch, Spec, Value, Violation};
use cell::{Cell, Pending};
use outlet::LinkState;
use timers::{Clock, Timer, Timers};

/// One cell, as the engine is built from it.
#[derive(Clone, Debug)]
pub struct CellSpec {
    pub spec: Spec,
    pub owner: Owner,
    /// What the cell holds before anybody spoke; `None` means unknown.
    pub initial: Option<Value>,
    /// A constant cell holds its initial value for ever.
    pub constant: bool,
    /// How long a remote owner may take to confirm a request that has been delivered.
    pub confirm_within: Duration,
    pub delivery: Delivery,
}

/// That a link hears of a cell, in which role and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscription {
    pub link: LinkId,
    pub cell: CellId,
    pub carries: Carries,
    pub pace: Pace,
}

/// The table of cells, and for each link what it has not seen of it.
#[derive(Debug)]
pub struct Engine {
    cells: Vec<Cell>,
    links: Vec<LinkState>,
    timers: Timers,
    rejections: BTreeMap<(LinkId, Option<CellId>, Cause), u64>,
}

impl Engine {
    /// An engine with these cells, links `0..links` and who hears of what. Initial values are there
    /// at once: every outlet of a cell that has one is marked.
    pub fn new(cells: Vec<CellSpec>, links: usize, subscriptions: &[Subscription]) -> Self {
        let mut engine = Self {
            cells: cells.into_iter().map(Cell::new).collect(),
            links: (0..links).map(LinkId::new).map(LinkState::new).collect(),
            timers: Timers::default(),
            rejections: BTreeMap::new(),
        };
        for &Subscription {
            link,
            cell,
            carries,
            pace,
        } in subscriptions
        {
            let declared = &mut engine.cells[cell.index()];
            let outlet = engine.links[link.index()].add(cell, carries, pace, declared);
            let mut clock = Clock {
                now: Time::default(),
                timers: &mut engine.timers,
            };
            engine.links[link.index()].restate(outlet, declared, &mut clock);
            declared.outlets.push((link, outlet));
        }
        engine
    }

    // ── getters ──────────────────────────────────────────────────────────────────────────────────

    /// What a cell holds, and how it came to.
    pub fn cell(&self, cell: CellId) -> CellView<'_> {
        self.cells[cell.index()].view()
    }

    /// How often something was refused: by link, cell (if it was meant for one) and cause.
    pub fn rejections(&self) -> impl Iterator<Item = (LinkId, Option<CellId>, Cause, u64)> + '_ {
        self.rejections
            .iter()
            .map(|(&(link, cell, cause), &count)| (link, cell, cause, count))
    }

    /// How many events have given way to newer ones because a queue was full: by link and cell.
    pub fn dropped(&self) -> impl Iterator<Item = (LinkId, CellId, u64)> + '_ {
        let links = self.links.iter().enumerate();
        links.flat_map(|(link, state)| {
            let dropped = state.dropped();
            dropped.map(move |(cell, count)| (LinkId::new(link), cell, count))
        })
    }

    /// Whether a link has something to pull.
    pub fn has_effects(&self, link: LinkId) -> bool {
        self.links[link.index()].is_waiting()
    }

    // ── something happened ───────────────────────────────────────────────────────────────────────

    /// Takes one event in.
    ///
    /// # Errors
    /// A [`Rejection`] when the event breaks a constraint. Then no cell has changed.
    pub fn handle(&mut self, now: Time, event: Event) -> Result<Accepted, Rejection> {
        match event {
            Event::Request {
                cell,
                change,
                origin,
            } => self
                .request(now, cell, change, origin)
                .map_err(|violation| self.reject(origin.link, Some(cell), violation)),
            Event::Report {
                cell,
                patch,
                echo,
                origin,
            } => self
                .report(now, cell, patch, echo, origin)
                .map_err(|violation| self.reject(origin.link, Some(cell), violation)),
            Event::Refused {
                link,
                cell,
                violation,
            } => Err(self.reject(link, cell, violation)),
            Event::Delivered {
                link,
                cell,
                version,
            } => {
                self.delivered(now, link, cell, version);
                Ok(Accepted::Unchanged)
            }
            Event::LinkUp {
                link,
                session_present,
            } => {
                let timers = &mut self.timers;
                let mut clock = Clock { now, timers };
                self.links[link.index()].reassert(&self.cells, session_present, &mut clock);
                Ok(Accepted::Unchanged)
            }
            Event::Tick => {
                self.expire(now);
                Ok(Accepted::Unchanged)
            }
        }
    }

    // ── what is to be done ───────────────────────────────────────────────────────────────────────

    /// The next thing that a link is to send, or `None` when it has seen everything. A cell is not
    /// handed out again before the link has reported [`Event::Delivered`]: one in flight for each,
    /// and the newest value, or the next event, after that.
    pub fn poll_effect(&mut self, now: Time, link: LinkId) -> Option<Effect> {
        self.links[link.index()].take(&self.cells, now)
    }

    /// When [`Event::Tick`] is due, if anything waits for time to pass.
    pub fn poll_deadline(&self) -> Option<Time> {
        self.timers.next()
    }

    // ── how ──────────────────────────────────────────────────────────────────────────────────────

    fn request(
        &mut self,
        now: Time,
        id: CellId,
        change: Change,
        origin: Origin,
    ) -> Result<Accepted, Violation> {
        if change.is_nothing() {
            return Ok(Accepted::Unchanged);
        }
        let cell = &self.cells[id.index()];
        if cell.constant {
            return Err(Violation::new(Cause::Constant, "the value is constant"));
        }
        let rounded = change.is_rounded();
        let wanted = change.apply(&cell.spec, cell.value.as_ref())?;
        let Admitted { value, adjusted } = cell.spec.admit(wanted)?;
        let value = match rounded {
            true => cell.unrounded(value),
            false => value,
        };
        // Clamped or wrapped: then who asked believes something that is not so, and has to hear too.
        let heard_by = (!adjusted).then_some(origin);
        self.check_room(id, heard_by, true)?;
        let cell = &mut self.cells[id.index()];
        let changed = cell.value.as_ref() != Some(&value);
        let every = cell.delivery.is_every();
        let remote = match cell.owner {
            Owner::Here => None,
            Owner::Remote(owner) => Some(owner),
        };
        if changed {
            cell.set(now, Some(value.clone()), heard_by);
        } else if every || remote.is_some() {
            cell.version += 1;
        }
        if let Some(owner) = remote {
            let pending = Pending {
                version: cell.version,
                // Nothing is under way that the owner has yet to answer, and this is what it says.
                answered: cell.pending.is_none() && cell.has_reported(&value),
                wanted: value,
                deadline: None,
            };
            let forgotten = cell.pending.replace(pending);
            self.forget_deadline(id, forgotten);
            self.mark_request(now, id, owner, heard_by);
        }
        if changed || every {
            self.mark_state(now, id, heard_by);
        } else if adjusted {
            self.mark_state_of(now, id, origin.link);
        }
        Ok(if changed {
            Accepted::Changed
        } else {
            Accepted::Unchanged
        })
    }

    fn report(
        &mut self,
        now: Time,
        id: CellId,
        patch: Patch,
        echo: bool,
        origin: Origin,
    ) -> Result<Accepted, Violation> {
        let cell = &self.cells[id.index()];
        if patch.is_keep() || (echo && cell.pending.is_none()) {
            return Ok(Accepted::Unchanged);
        }
        if cell.constant {
            return Err(Violation::new(Cause::Constant, "the value is constant"));
        }
        // What the owner leaves out is what it said before, not what somebody has asked it for.
        let known = cell.reported.as_ref().or(cell.value.as_ref());
        let Admitted { value, .. } = cell.spec.admit(cell.spec.merge(known, patch))?;
        let value = cell.unrounded(value);
        let same = cell.value.as_ref() == Some(&value);
        // Our own mark on our own value is the answer to an event, and none itself.
        let is_event = cell.delivery.is_every() && !(echo && same);
        if is_event {
            self.check_room(id, Some(origin), false)?;
        }
        let cell = &mut self.cells[id.index()];
        cell.reported = Some(value.clone());
        if let Some(pending) = &mut cell.pending {
            // Only what comes after the delivery can be an answer. Anything else is what the owner
            // said before it knew; showing it would make every subscriber flicker, so it waits: at
            // the deadline the last report comes back by itself. Only events do not wait.
            pending.answered = pending.wanted == value;
            if pending.answered && pending.deadline.is_some() {
                let confirmed = cell.pending.take();
                self.forget_deadline(id, confirmed);
            }
            if !is_event {
                return Ok(Accepted::Unchanged);
            }
        }
        let cell = &mut self.cells[id.index()];
        if !same {
            cell.set(now, Some(value), Some(origin));
        } else if is_event {
            cell.version += 1;
        }
        if !same || is_event {
            self.mark_state(now, id, Some(origin));
        }
        Ok(if same {
            Accepted::Unchanged
        } else {
            Accepted::Changed
        })
    }

    /// Where every event counts, one more has to fit wherever it is to be heard of.
    fn check_room(
        &self,
        id: CellId,
        origin: Option<Origin>,
        is_request: bool,
    ) -> Result<(), Violation> {
        let cell = &self.cells[id.index()];
        if !cell.delivery.is_every() {
            return Ok(());
        }
        let full = cell.outlets.iter().any(|&(link, outlet)| {
            let state = &self.links[link.index()];
            state.refuses_state(outlet, origin) || (is_request && state.refuses_request(outlet))
        });
        match full {
            true => Err(Violation::new(
                Cause::QueueFull,
                "there is no room for one more event until older ones have been delivered",
            )),
            false => Ok(()),
        }
    }

    fn delivered(&mut self, now: Time, link: LinkId, id: CellId, version: u64) {
        let cell = &mut self.cells[id.index()];
        let mut request_arrived = false;
        let timers = &mut self.timers;
        let mut clock = Clock { now, timers };
        for &(_, outlet) in cell.outlets.iter().filter(|(to, _)| *to == link) {
            request_arrived |= self.links[link.index()].delivered(outlet, version, &mut clock);
        }
        let within = cell.confirm_within;
        if request_arrived
            && let Some(pending) = &mut cell.pending
            && pending.version == version
            && pending.deadline.is_none()
        {
            if pending.answered {
                // The answer was quicker than the acknowledgement.
                cell.pending = None;
            } else {
                let deadline = now + within;
                pending.deadline = Some(deadline);
                self.timers.set(deadline, Timer::Confirmation(id));
            }
        }
    }

    fn expire(&mut self, now: Time) {
        while let Some((due, timer)) = self.timers.take_due(now) {
            match timer {
                Timer::Confirmation(id) => {
                    self.cells[id.index()].pending = None;
                    self.settle(now, id);
                }
                Timer::Pace(link, outlet) => {
                    let timers = &mut self.timers;
                    self.links[link.index()].fired(outlet, due, &mut Clock { now, timers });
                }
            }
        }
    }

    /// Back to the last report; while the owner has not spoken, to what was there before it could.
    fn settle(&mut self, now: Time, id: CellId) {
        let cell = &mut self.cells[id.index()];
        let settled = cell.reported.clone().or_else(|| cell.initial.clone());
        if cell.value != settled {
            cell.set(now, settled, None);
            self.mark_state(now, id, None);
        }
    }

    fn forget_deadline(&mut self, id: CellId, pending: Option<Pending>) {
        if let Some(deadline) = pending.and_then(|pending| pending.deadline) {
            self.timers.clear(deadline, Timer::Confirmation(id));
        }
    }

    fn mark_state(&mut self, now: Time, id: CellId, origin: Option<Origin>) {
        let timers = &mut self.timers;
        let mut clock = Clock { now, timers };
        let cell = &self.cells[id.index()];
        for &(link, outlet) in &cell.outlets {
            let link_state = &mut self.links[link.index()];
            match cell.value {
                Some(_) => link_state.mark_state(outlet, cell, origin, &mut clock),
                None => link_state.unmark(outlet, &mut clock),
            }
        }
    }

    /// One link believes what is not so, and nobody else does.
    fn mark_state_of(&mut self, now: Time, id: CellId, believes: LinkId) {
        let timers = &mut self.timers;
        let mut clock = Clock { now, timers };
        let cell = &self.cells[id.index()];
        for &(link, outlet) in &cell.outlets {
            if link == believes {
                self.links[link.index()].mark_state(outlet, cell, None, &mut clock);
            }
        }
    }

    fn mark_request(&mut self, now: Time, id: CellId, owner: LinkId, origin: Option<Origin>) {
        let timers = &mut self.timers;
        let mut clock = Clock { now, timers };
        let cell = &self.cells[id.index()];
        for &(link, outlet) in cell.outlets.iter().filter(|(to, _)| *to == owner) {
            self.links[link.index()].mark_request(outlet, cell, origin, &mut clock);
        }
    }

    fn reject(&mut self, link: LinkId, cell: Option<CellId>, violation: Violation) -> Rejection {
        let count = self
            .rejections
            .entry((link, cell, violation.cause))
            .or_default();
        *count += 1;
        Rejection {
            violation,
            count: *count,
        }
    }
}
