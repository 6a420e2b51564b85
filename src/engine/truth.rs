//! What a cell holds after a request or a report, and who is told.

use super::cell::Pending;
use super::outlet::Arrived;
use super::promise::Ack;
use super::timers::{Clock, Timer};
use super::{Accepted, CellId, Change, Engine, LinkId, Mark, Origin, Outcome, Owner, Time};
use crate::codec::{Admitted, Cause, Patch, Value, Violation};

impl Engine {
    /// `written` becomes what is asked for, as far as that can be told.
    pub(super) fn request(
        &mut self,
        now: Time,
        id: CellId,
        change: Change,
        origin: Origin,
        written: &mut Option<Value>,
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
        *written = Some(wanted.clone());
        let (wanted, answers) = self.as_answer(id, wanted, origin);
        self.check_asked(id, answers)?;
        let Admitted { value, adjusted } = cell.spec.admit(wanted)?;
        let value = match rounded {
            true => cell.unrounded(value),
            false => value,
        };
        // Clamped or wrapped: then who asked believes something that is not so, and has to hear too.
        let heard_by = (!adjusted).then_some(origin);
        self.forget_expired(now, id);
        self.check_room(id, heard_by, true)?;
        self.check_room_for_answer(id, origin)?;
        let promises = origin.peer.is_some() && self.cells[id.index()].ack > Ack::Accepted;
        if promises {
            self.check_can_keep(id)?;
        }
        if answers {
            self.answered(id, origin);
        }
        let cell = &mut self.cells[id.index()];
        let is_event = answers || cell.delivery.is_every();
        let remote = match cell.owner {
            Owner::Here => None,
            Owner::Remote(owner) => Some(owner),
        };
        let changed = cell.value.as_ref() != Some(&value);
        // What is promised is a write of its own, also where it changes nothing: what is so may be so
        // in memory only.
        if changed || is_event || remote.is_some() || promises {
            cell.happen(now, value.clone(), heard_by);
        }
        if promises {
            cell.written = cell.version;
        }
        if let Some(owner) = remote {
            let pending = Pending {
                version: cell.version,
                // Nothing is under way that the owner has yet to answer, and this is what it says.
                answered: cell.pending.is_none() && cell.has_reported(&value),
                wanted: value.clone(),
                deadline: None,
            };
            let forgotten = cell.pending.replace(pending);
            self.forget_deadline(id, forgotten);
            self.mark_request(now, id, owner, heard_by);
        }
        if changed || is_event {
            self.mark_state(now, id, heard_by);
        } else if adjusted {
            self.mark_state_of(now, id, origin.link);
        }
        if promises {
            self.mark_kept(now, id);
        }
        self.ask(now, id, &value, origin);
        Ok(if changed {
            Accepted::Changed
        } else {
            Accepted::Unchanged
        })
    }

    pub(super) fn report(
        &mut self,
        now: Time,
        id: CellId,
        patch: Patch,
        mark: Mark,
        origin: Origin,
    ) -> Result<Accepted, Violation> {
        let cell = &self.cells[id.index()];
        if patch.is_keep() || (mark == Mark::Own && cell.pending.is_none()) {
            return Ok(Accepted::Unchanged);
        }
        if cell.constant {
            return Err(Violation::new(Cause::Constant, "the value is constant"));
        }
        // What the owner leaves out is what it said before, not what somebody has asked it for.
        let known = cell.believed().or(cell.value.as_ref());
        let said = cell.spec.merge(known, patch);
        let (said, answers) = self.as_answer(id, said, origin);
        self.check_asked(id, answers)?;
        let Admitted { value, .. } = cell.spec.admit(said)?;
        let value = cell.unrounded(value);
        let same = cell.value.as_ref() == Some(&value);
        // Our own mark on our own value is the answer to an event, and none itself.
        let is_event = (answers || cell.delivery.is_every()) && !(mark.is_own() && same);
        if is_event {
            self.check_room(id, Some(origin), false)?;
        }
        if answers {
            self.answered(id, origin);
        }
        self.heard_from_owner(now, id);
        let cell = &mut self.cells[id.index()];
        let is_news = cell.believed() != Some(&value);
        cell.reported = Some(value.clone());
        cell.restored = None;
        if is_news {
            self.mark_kept(now, id);
        }
        let cell = &mut self.cells[id.index()];
        if let Some(pending) = &mut cell.pending {
            // Only what comes after the delivery can be an answer. Anything else is what the owner
            // said before it knew; showing it would make every subscriber flicker, so it waits: at
            // the deadline the last report comes back by itself. Only events do not wait.
            pending.answered = pending.wanted == value;
            if pending.answered && pending.deadline.is_some() {
                let confirmed = cell.pending.take();
                cell.confirmed = confirmed.as_ref().map_or(0, |confirmed| confirmed.version);
                let version = cell.confirmed;
                self.outcomes.push(Outcome::Confirmed { cell: id, version });
                self.forget_deadline(id, confirmed);
            }
            if !is_event {
                return Ok(Accepted::Unchanged);
            }
        }
        if !same || is_event {
            self.cells[id.index()].happen(now, value, Some(origin));
            self.mark_state(now, id, Some(origin));
        }
        Ok(if same {
            Accepted::Unchanged
        } else {
            Accepted::Changed
        })
    }

    /// Where every event counts, one more has to fit wherever it is to be heard of.
    pub(super) fn check_room(
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

    pub(super) fn delivered(&mut self, now: Time, link: LinkId, id: CellId, ticket: u64) {
        let cell = &mut self.cells[id.index()];
        let mut arrived = None;
        let timers = &mut self.timers;
        let mut clock = Clock { now, timers };
        for &(_, outlet) in cell.outlets.iter().filter(|(to, _)| *to == link) {
            let state = &mut self.links[link.index()];
            arrived = arrived.or(state.delivered(outlet, ticket, cell.written, &mut clock));
        }
        if let Some(Arrived { version, since, .. }) = arrived {
            self.outcomes.push(Outcome::Arrived {
                link,
                cell: id,
                ticket,
                version,
                waited: since.map(|since| now.0.saturating_sub(since.0)),
            });
        }
        let within = cell.confirm_within;
        if let Some(version) = arrived.and_then(|arrived| arrived.request)
            && let Some(pending) = &mut cell.pending
            && pending.version == version
            && pending.deadline.is_none()
        {
            if pending.answered {
                // The answer was quicker than the acknowledgement.
                cell.pending = None;
                cell.confirmed = version;
                self.outcomes.push(Outcome::Confirmed { cell: id, version });
            } else {
                let deadline = now + within;
                pending.deadline = Some(deadline);
                self.timers.set(deadline, Timer::Confirmation(id));
            }
        }
        if arrived.is_some_and(|arrived| arrived.pays) {
            self.mark_kept(now, id);
        }
        // It may have kept the next one waiting for longer than that is good for.
        self.forget_expired(now, id);
    }

    /// Nobody knows how old it is what a value begins with from before the start. It gets the time that
    /// the owner's word has: by then the owner has spoken, or it is unknown.
    pub(super) fn begin(&mut self, now: Time, id: CellId) {
        let cell = &self.cells[id.index()];
        match (cell.owner, &cell.restored) {
            (Owner::Remote(_), Some(_)) => self.heard_from_owner(now, id),
            (Owner::Remote(_), None) | (Owner::Here, _) => {}
        }
    }

    /// What the owner says is true for so long.
    fn heard_from_owner(&mut self, now: Time, id: CellId) {
        let cell = &mut self.cells[id.index()];
        let Some(valid_for) = cell.valid_for else {
            return;
        };
        let until = now + valid_for;
        if let Some(before) = cell.valid_until.replace(until) {
            self.timers.clear(before, Timer::Silence(id));
        }
        self.timers.set(until, Timer::Silence(id));
    }

    /// The owner has said nothing for too long: nobody knows what it would say.
    pub(super) fn silent(&mut self, now: Time, id: CellId) {
        let cell = &mut self.cells[id.index()];
        cell.valid_until = None;
        cell.reported = None;
        cell.restored = None;
        self.mark_kept(now, id);
        // What somebody has asked it for stands until it is clear that it does not answer.
        if self.cells[id.index()].pending.is_none() {
            self.settle(now, id);
        }
        let version = self.cells[id.index()].version;
        self.outcomes.push(Outcome::Silent { cell: id, version });
    }

    /// Back to the last report; while the owner has not spoken, to what was there before it could.
    pub(super) fn settle(&mut self, now: Time, id: CellId) {
        let cell = &mut self.cells[id.index()];
        let settled = cell.believed().or(cell.initial.as_ref()).cloned();
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

    pub(super) fn mark_state(&mut self, now: Time, id: CellId, origin: Option<Origin>) {
        self.look_around(id);
        self.spread_state(now, id, origin);
    }

    pub(super) fn spread_state(&mut self, now: Time, id: CellId, origin: Option<Origin>) {
        let timers = &mut self.timers;
        let mut clock = Clock { now, timers };
        let cell = &self.cells[id.index()];
        for &(link, outlet) in &cell.outlets {
            let state = &mut self.links[link.index()];
            state.mark_state(outlet, cell, origin, &mut clock);
            self.outcomes.gave_way(link, state.gave_way.take());
        }
    }

    /// What has to outlive this process is not what it was, be it what everybody is told already.
    pub(super) fn mark_kept(&mut self, now: Time, id: CellId) {
        let timers = &mut self.timers;
        let mut clock = Clock { now, timers };
        let cell = &self.cells[id.index()];
        for &(link, outlet) in &cell.outlets {
            self.links[link.index()].mark_kept(outlet, cell, &mut clock);
        }
    }

    /// What is told with a cell is what is so now, however late a link takes it.
    fn look_around(&mut self, id: CellId) {
        let with = &self.cells[id.index()].with;
        if with.is_empty() {
            return;
        }
        let held = |&of: &CellId| Some((of, self.cells[of.index()].value.clone()?));
        let snapshot = with.iter().filter_map(held).collect();
        self.cells[id.index()].snapshot = Some(snapshot);
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
        self.look_around(id);
        self.spread_request(now, id, owner, origin);
    }

    pub(super) fn spread_request(
        &mut self,
        now: Time,
        id: CellId,
        owner: LinkId,
        origin: Option<Origin>,
    ) {
        let timers = &mut self.timers;
        let mut clock = Clock { now, timers };
        let cell = &self.cells[id.index()];
        for &(link, outlet) in cell.outlets.iter().filter(|(to, _)| *to == owner) {
            let state = &mut self.links[link.index()];
            state.mark_request(outlet, cell, origin, &mut clock);
            self.outcomes.gave_way(link, state.gave_way.take());
        }
    }
}
