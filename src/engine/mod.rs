//! Pure: the table of cells, and what each link has yet to hear of it. No I/O, no clock, no async.
//!
//! Time is an argument. Everything that can happen is an [`Event`], everything the engine may ask a
//! link for is an [`Effect`], and a link *pulls* its effects: there is no queue that can grow, only a
//! mark at each outlet that has something new. Who pulls late gets the newest value.

mod cell;
mod event;
mod outlet;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub use cell::{CellView, Owner};
pub use event::{Accepted, CellId, Change, Effect, Event, LinkId, Origin, PeerId, Rejection, Time};
pub use outlet::Carries;

use crate::codec::{Admitted, Cause, Patch, Spec, Value, Violation};
use cell::{Cell, Pending};
use outlet::LinkState;

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
}

/// That a link hears of a cell, and in which role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscription {
    pub link: LinkId,
    pub cell: CellId,
    pub carries: Carries,
}

/// The table of cells, and for each link what it has not seen of it.
#[derive(Debug)]
pub struct Engine {
    cells: Vec<Cell>,
    links: Vec<LinkState>,
    /// Requests that a remote owner has yet to confirm, the earliest deadline first.
    deadlines: BTreeSet<(Time, CellId)>,
    rejections: BTreeMap<(LinkId, Option<CellId>, Cause), u64>,
}

impl Engine {
    /// An engine with these cells, links `0..links` and who hears of what. Initial values are there
    /// at once: every outlet of a cell that has one is marked.
    pub fn new(cells: Vec<CellSpec>, links: usize, subscriptions: &[Subscription]) -> Self {
        let mut engine = Self {
            cells: cells.into_iter().map(Cell::new).collect(),
            links: (0..links).map(|_| LinkState::default()).collect(),
            deadlines: BTreeSet::new(),
            rejections: BTreeMap::new(),
        };
        for &Subscription {
            link,
            cell,
            carries,
        } in subscriptions
        {
            let outlet = engine.links[link.index()].add(cell, carries);
            engine.cells[cell.index()].outlets.push((link, outlet));
        }
        for cell in 0..engine.cells.len() {
            engine.mark_state(CellId::new(cell), None);
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
                self.links[link.index()].reassert(&self.cells, session_present);
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
    /// and the newest value after that.
    pub fn poll_effect(&mut self, link: LinkId) -> Option<Effect> {
        let (cell, carries, origin) = self.links[link.index()].take(&self.cells)?;
        let held = &self.cells[cell.index()];
        let value = held.value.clone()?;
        Some(Effect {
            cell,
            carries,
            value,
            version: held.version,
            origin,
        })
    }

    /// When [`Event::Tick`] is due, if anything waits for time to pass.
    pub fn poll_deadline(&self) -> Option<Time> {
        self.deadlines.first().map(|&(at, _)| at)
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
        let cell = &mut self.cells[id.index()];
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
        let changed = cell.value.as_ref() != Some(&value);
        let remote = match cell.owner {
            Owner::Here => None,
            Owner::Remote(owner) => Some(owner),
        };
        if changed {
            cell.set(now, Some(value.clone()), heard_by);
        } else if remote.is_some() {
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
            self.mark_request(id, owner, heard_by);
        }
        if changed {
            self.mark_state(id, heard_by);
        } else if adjusted {
            self.mark_state_of(id, origin.link);
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
        let cell = &mut self.cells[id.index()];
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
        cell.reported = Some(value.clone());
        let same = cell.value.as_ref() == Some(&value);
        if let Some(pending) = &mut cell.pending {
            // Only what comes after the delivery can be an answer. Anything else is what the owner
            // said before it knew; showing it would make every subscriber flicker, so it waits: at
            // the deadline the last report comes back by itself.
            pending.answered = pending.wanted == value;
            if pending.answered && pending.deadline.is_some() {
                let confirmed = cell.pending.take();
                self.forget_deadline(id, confirmed);
            }
            return Ok(Accepted::Unchanged);
        }
        if same {
            return Ok(Accepted::Unchanged);
        }
        cell.set(now, Some(value), Some(origin));
        self.mark_state(id, Some(origin));
        Ok(Accepted::Changed)
    }

    fn delivered(&mut self, now: Time, link: LinkId, id: CellId, version: u64) {
        let cell = &mut self.cells[id.index()];
        let mut request_arrived = false;
        for &(_, outlet) in cell.outlets.iter().filter(|(to, _)| *to == link) {
            request_arrived |= self.links[link.index()].delivered(outlet, version);
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
                self.deadlines.insert((deadline, id));
            }
        }
    }

    fn expire(&mut self, now: Time) {
        while let Some(&(deadline, id)) = self.deadlines.first().filter(|(at, _)| *at <= now) {
            self.deadlines.remove(&(deadline, id));
            let cell = &mut self.cells[id.index()];
            cell.pending = None;
            // The last report; while the owner has never spoken, what was there before it could.
            let settled = cell.reported.clone().or_else(|| cell.initial.clone());
            if cell.value != settled {
                cell.set(now, settled, None);
                self.mark_state(id, None);
            }
        }
    }

    fn forget_deadline(&mut self, id: CellId, pending: Option<Pending>) {
        if let Some(deadline) = pending.and_then(|pending| pending.deadline) {
            self.deadlines.remove(&(deadline, id));
        }
    }

    fn mark_state(&mut self, id: CellId, origin: Option<Origin>) {
        let cell = &self.cells[id.index()];
        for &(link, outlet) in &cell.outlets {
            let link_state = &mut self.links[link.index()];
            match cell.value {
                Some(_) => link_state.mark_state(outlet, link, origin),
                None => link_state.unmark(outlet),
            }
        }
    }

    /// One link believes what is not so, and nobody else does.
    fn mark_state_of(&mut self, id: CellId, believes: LinkId) {
        for &(link, outlet) in &self.cells[id.index()].outlets {
            if link == believes {
                self.links[link.index()].mark_state(outlet, link, None);
            }
        }
    }

    fn mark_request(&mut self, id: CellId, owner: LinkId, origin: Option<Origin>) {
        for &(link, outlet) in self.cells[id.index()]
            .outlets
            .iter()
            .filter(|(to, _)| *to == owner)
        {
            self.links[link.index()].mark_request(outlet, origin);
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
