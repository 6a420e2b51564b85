//! One engine takes the place of another, built from another declaration: what is still the same goes on.
//!
//! A value keeps what it holds, how it came to that, and whom it has yet to reach. What it cannot be any
//! more, as it is declared now, it begins anew, and everybody hears of that.

use std::mem;
use std::time::Duration;

use super::answer::Ask;
use super::backlog::Told;
use super::cell::{Cell, Pending};
use super::outlet::{LinkState, Outlet};
use super::timers::{Clock, Timer};
use super::{Carries, CellId, Engine, Event, LinkId, Origin, Owner, Snapshot, Time};
use crate::codec::{Shown, Spec, Value, att};

/// Which cells and links of an engine are which of the next, if they are any.
#[derive(Clone, Debug, Default)]
pub struct Heirs {
    /// By the cell of before.
    pub cells: Vec<Option<CellId>>,
    /// By the link of before.
    pub links: Vec<Option<LinkId>>,
    /// The links of now in which what was handed out before is still under way: it is said to be delivered, and not
    /// handed out again.
    pub go_on: Vec<LinkId>,
}

impl Heirs {
    /// What a cell of before is now.
    pub fn cell(&self, before: CellId) -> Option<CellId> {
        self.cells.get(before.index()).copied().flatten()
    }

    /// What a link of before is now.
    pub fn link(&self, before: LinkId) -> Option<LinkId> {
        self.links.get(before.index()).copied().flatten()
    }

    /// Where a change came from; `None` if nobody is there any more who has it already.
    pub fn origin(&self, before: Origin) -> Option<Origin> {
        let link = self.link(before.link)?;
        Some(Origin { link, ..before })
    }

    /// What somebody who still knows the cells of before asks or reports; `None` if it is about none of now.
    pub fn event(&self, before: Event) -> Option<Event> {
        match before {
            Event::Request {
                cell,
                change,
                origin,
            } => Some(Event::Request {
                cell: self.cell(cell)?,
                change,
                origin: self.origin(origin)?,
            }),
            Event::Report {
                cell,
                patch,
                mark,
                origin,
            } => Some(Event::Report {
                cell: self.cell(cell)?,
                patch,
                mark,
                origin: self.origin(origin)?,
            }),
            Event::Refused {
                link,
                cell,
                violation,
            } => Some(Event::Refused {
                link: self.link(link)?,
                cell: cell.and_then(|cell| self.cell(cell)),
                violation,
            }),
            Event::Delivered { link, cell, ticket } => Some(Event::Delivered {
                link: self.link(link)?,
                cell: self.cell(cell)?,
                ticket,
            }),
            Event::Undelivered { link, cell, ticket } => Some(Event::Undelivered {
                link: self.link(link)?,
                cell: self.cell(cell)?,
                ticket,
            }),
            Event::LinkUp { .. } | Event::Restate { .. } | Event::Tick => None,
        }
    }

    fn owner(&self, before: Owner) -> Option<Owner> {
        match before {
            Owner::Here => Some(Owner::Here),
            Owner::Remote(link) => self.link(link).map(Owner::Remote),
        }
    }

    fn snapshot(&self, before: &Snapshot) -> Snapshot {
        let held = before.iter();
        held.filter_map(|(cell, value)| Some((self.cell(*cell)?, value.clone())))
            .collect()
    }

    /// What was accepted is told as it was accepted, also where it would not be any more; unless it cannot even be said.
    fn told(&self, before: Told, spec: &Spec) -> Option<Told> {
        Some(Told {
            value: fit(spec, &before.value).or_else(|| said(spec, &before.value))?,
            heard_by: before.heard_by.and_then(|origin| self.origin(origin)),
            with: before.with.as_ref().map(|with| self.snapshot(with)),
            ..before
        })
    }

    fn ask(&self, before: Ask) -> Option<Ask> {
        Some(Ask {
            of: self.cell(before.of)?,
            by: self.link(before.by)?,
            ..before
        })
    }
}

/// What of an engine has no place in the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unplaced {
    /// The cells that cannot be what they were, and begin anew.
    pub unfit: Vec<CellId>,
    /// Those of which something that was accepted is not delivered any more: it cannot be said as they are declared now,
    /// or nobody is told of them.
    pub undelivered: Vec<CellId>,
}

impl Engine {
    /// Takes the place of another, of which nobody asks anything any more. What was handed out and has not
    /// been said to be delivered is handed out again, but for the links that go on.
    pub fn succeed(&mut self, now: Time, before: Self, heirs: &Heirs) -> Unplaced {
        self.succeed_in(now, before, heirs, |_| true)
    }

    /// The same, of these cells of before only; of the others, another engine may know more.
    pub fn succeed_in(
        &mut self,
        now: Time,
        before: Self,
        heirs: &Heirs,
        which: impl Fn(CellId) -> bool,
    ) -> Unplaced {
        let mut outlets: Vec<Vec<Option<Outlet>>> = Vec::new();
        for (index, link) in before.links.into_iter().enumerate() {
            if let Some(heir) = heirs.link(LinkId::new(index)) {
                // What comes back for a hand-out of before is not taken for one of now.
                let handed_out = &mut self.links[heir.index()].handed_out;
                *handed_out = link.handed_out.max(*handed_out);
            }
            outlets.push(link.outlets.into_iter().map(Some).collect());
        }
        let mut unplaced = Unplaced::default();
        for (index, mut cell) in before.cells.into_iter().enumerate() {
            let id = CellId::new(index);
            let Some(heir) = heirs.cell(id).filter(|_| which(id)) else {
                continue;
            };
            let told = mem::take(&mut cell.outlets);
            let written = cell.written;
            let inherited = self.inherit(now, heir, cell, heirs);
            if inherited == Inherited::Unfit {
                unplaced.unfit.push(heir);
            }
            let mut all_is_placed = true;
            for (link, outlet) in told {
                let outlet = outlets[link.index()].get_mut(outlet);
                let Some(outlet) = outlet.and_then(Option::take) else {
                    continue;
                };
                all_is_placed &= match heirs.link(link) {
                    Some(link) => self.inherit_outlet(now, heir, link, outlet, heirs, inherited),
                    None => self.abandon(heir, &outlet, written),
                };
            }
            if !all_is_placed {
                unplaced.undelivered.push(heir);
            }
        }
        for ((link, cell, cause), count) in before.rejections {
            let heir = cell.map(|cell| heirs.cell(cell));
            if let (Some(link), Some(cell)) =
                (heirs.link(link), heir.map_or(Some(None), |it| it.map(Some)))
            {
                let known = self.rejections.entry((link, cell, cause)).or_default();
                *known = count.max(*known);
            }
        }
        let timers = &mut self.timers;
        let mut clock = Clock { now, timers };
        for link in &mut self.links {
            link.queue_anew(&mut clock);
        }
        unplaced
    }

    fn inherit(&mut self, now: Time, id: CellId, before: Cell, heirs: &Heirs) -> Inherited {
        let cell = &mut self.cells[id.index()];
        cell.written = before.written;
        cell.confirmed = before.confirmed;
        cell.unconfirmed = before.unconfirmed;
        let held = before.value.as_ref();
        let fits = held.map(|value| fit(&cell.spec, value));
        if before.constant || cell.constant || fits == Some(None) {
            let same = held == cell.value.as_ref();
            cell.version = before.version + u64::from(!same);
            // Nobody is asked for it any more.
            if let Some(pending) = before.pending {
                cell.unconfirmed = pending.version;
            }
            return match (same, fits) {
                (true, _) => Inherited::Same,
                (false, Some(None)) if !cell.constant => Inherited::Unfit,
                (false, _) => Inherited::Other,
            };
        }
        let is_as_before = heirs.owner(before.owner) == Some(cell.owner);
        let believed = before.known().and_then(|value| fit(&cell.spec, value));
        if let Some(until) = cell.valid_until.take() {
            self.timers.clear(until, Timer::Silence(id));
        }
        if let (Owner::Remote(_), false) = (cell.owner, is_as_before) {
            // Until its new owner speaks.
            cell.restored = believed.clone();
        }
        if let (Owner::Remote(_), true) = (cell.owner, is_as_before) {
            let again = |value: &Option<Value>| fit(&cell.spec, value.as_ref()?);
            cell.reported = again(&before.reported);
            cell.restored = again(&before.restored);
            cell.pending = before.pending.and_then(|pending| {
                let wanted = fit(&cell.spec, &pending.wanted)?;
                Some(Pending { wanted, ..pending })
            });
            if let Some(deadline) = cell.pending.as_ref().and_then(|it| it.deadline) {
                self.timers.set(deadline, Timer::Confirmation(id));
            }
        }
        if let (Some(valid_for), Some(_)) = (cell.valid_for, cell.believed()) {
            let until = now + valid_for;
            let until = before.valid_until.map_or(until, |before| before.min(until));
            cell.valid_until = Some(until);
            self.timers.set(until, Timer::Silence(id));
        }
        cell.asks = before
            .asks
            .into_iter()
            .filter_map(|ask| heirs.ask(ask))
            .collect();
        for until in cell.asks.iter().filter_map(|ask| ask.until) {
            self.timers.set(until, Timer::Answer(id));
        }
        cell.snapshot = before.snapshot.as_ref().map(|it| heirs.snapshot(it));
        // What nobody knew begins as it is declared now.
        let Some(value) = fits.flatten() else {
            let same = cell.value.is_none();
            cell.version = before.version + u64::from(!same);
            return if same {
                Inherited::Same
            } else {
                Inherited::Other
            };
        };
        cell.value = Some(value);
        cell.version = before.version;
        cell.origin = before.origin.and_then(|origin| heirs.origin(origin));
        cell.changed_at = before.changed_at;
        Inherited::Same
    }

    /// Returns whether all that was accepted still gets to where it was to get.
    fn inherit_outlet(
        &mut self,
        now: Time,
        id: CellId,
        link: LinkId,
        before: Outlet,
        heirs: &Heirs,
        inherited: Inherited,
    ) -> bool {
        let cell = &self.cells[id.index()];
        let written = cell.written;
        let found = cell.outlets.iter().find(|(to, _)| *to == link);
        let goes_on = |&&(_, index): &&(LinkId, usize)| {
            let outlet = &self.links[link.index()].outlets[index];
            outlet.carries == before.carries && outlet.acknowledges >= before.acknowledges
        };
        let Some(&(_, index)) = found.filter(goes_on) else {
            return self.abandon(id, &before, written);
        };
        let timers = &mut self.timers;
        let mut clock = Clock { now, timers };
        let cell = &self.cells[id.index()];
        let state = &mut self.links[link.index()];
        state.inherit(index, before, cell, heirs, inherited, &mut clock)
    }

    /// Nobody takes over what a link had yet to deliver. Whoever was promised that hears that it is not. Returns whether
    /// there was nothing of the kind.
    fn abandon(&mut self, id: CellId, before: &Outlet, written: u64) -> bool {
        if !before.acknowledges {
            return true;
        }
        let abandoned = &mut self.cells[id.index()].abandoned;
        let count = abandoned.len();
        match &before.backlog {
            Some(backlog) => {
                let promised = backlog.undelivered().filter(|told| told.written);
                abandoned.extend(promised.map(|told| told.version..=told.version));
            }
            None if before.arrived < written && (before.marked || before.in_flight.is_some()) => {
                abandoned.push(before.arrived + 1..=written);
            }
            None => {}
        }
        abandoned.len() == count
    }
}

/// What has come of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inherited {
    Same,
    /// It is declared to be something else.
    Other,
    /// It cannot be what it was.
    Unfit,
}

impl LinkState {
    fn inherit(
        &mut self,
        index: usize,
        before: Outlet,
        cell: &Cell,
        heirs: &Heirs,
        inherited: Inherited,
        clock: &mut Clock<'_>,
    ) -> bool {
        let id = self.timer(index);
        let outlet = &mut self.outlets[index];
        outlet.arrived = before.arrived;
        outlet.since = before.since;
        let goes_on = heirs.go_on.contains(&self.link);
        if goes_on {
            outlet.in_flight = before.in_flight;
        } else if let Some(sent) = before.in_flight {
            outlet.since = outlet.since.or(sent.since);
        }
        // What is kept is compared with what is there.
        if outlet.carries == Carries::Kept {
            outlet.since = None;
            return true;
        }
        if let (Some(pacer), Some(before)) = (&mut outlet.pacer, before.pacer) {
            pacer.inherit(&before, id, clock);
            if cell.to_tell(outlet.carries).is_none() {
                pacer.end(id, clock);
            }
        }
        // Nothing newer says who has heard of what has to be sent again.
        let heard_by = match (before.marked, before.in_flight) {
            (false, Some(sent)) => sent.heard_by,
            (true, _) | (false, None) => before.heard_by,
        };
        let is_other = inherited != Inherited::Same;
        outlet.heard_by = heard_by
            .filter(|_| !is_other)
            .and_then(|it| heirs.origin(it));
        let is_lost = before.in_flight.is_some() && !goes_on;
        let mut undelivered = before.marked || is_lost || is_other;
        let mut all_is_placed = true;
        if let Some(mut before) = before.backlog {
            if is_lost {
                before.take_back();
            }
            undelivered |= !before.is_empty();
            if let Some(backlog) = &mut outlet.backlog {
                all_is_placed = backlog.inherit(*before, |told| heirs.told(told, &cell.spec));
            }
        } else if let Some(backlog) = &mut outlet.backlog {
            let is_owed = before.acknowledges && before.arrived < cell.written;
            match cell.to_tell(outlet.carries) {
                // From now on every event counts, and this one is owed.
                Some(value) if undelivered && is_owed && !is_other => {
                    backlog.push(Told {
                        version: cell.version_to_tell(outlet.carries),
                        at: cell.changed_at,
                        value: value.clone(),
                        heard_by: outlet.heard_by,
                        restated: false,
                        with: cell.snapshot.clone(),
                        written: true,
                        aged: Duration::ZERO,
                        alike: 1,
                    });
                }
                Some(_) | None if undelivered => {}
                Some(_) | None => backlog.forget_restated(),
            }
        }
        if let (Some(backlog), true, Some(value)) =
            (&mut outlet.backlog, is_other, cell.to_tell(outlet.carries))
            && outlet.carries != Carries::Requests
        {
            backlog.restate(cell.version, cell.changed_at, value.clone());
        }
        outlet.marked = match (&outlet.backlog, outlet.carries) {
            (Some(backlog), _) => !backlog.is_empty(),
            (None, Carries::Requests) => undelivered && cell.pending.is_some(),
            (None, Carries::State | Carries::StateOfOthers | Carries::Kept) => {
                undelivered && cell.to_tell(outlet.carries).is_some()
            }
        };
        all_is_placed
    }

    fn queue_anew(&mut self, clock: &mut Clock<'_>) {
        self.queue.clear();
        for index in 0..self.outlets.len() {
            let outlet = &self.outlets[index];
            if outlet.marked && outlet.in_flight.is_none() {
                self.release(index, clock);
            }
        }
    }
}

/// The value, if it breaks no constraint and need not be clamped or wrapped.
fn fit(spec: &Spec, value: &Value) -> Option<Value> {
    let admitted = spec.admit(value.clone()).ok()?;
    (!admitted.adjusted).then_some(admitted.value)
}

/// A value that breaks a constraint and can be said all the same: a number outside its range, say.
fn said(spec: &Spec, value: &Value) -> Option<Value> {
    let is_of_its_kind = match (spec, value) {
        (Spec::Int(spec), Value::Int(_)) => match spec.shown {
            Shown::Plain | Shown::Scaled(_) => true,
            // There may be no word for it.
            Shown::Flags(_) | Shown::Words(_) => false,
        },
        (Spec::Float(_), Value::Float(_))
        | (Spec::Text(_), Value::Text(_))
        | (Spec::Bytes(_), Value::Bytes(_)) => true,
        _ => false,
    };
    if !is_of_its_kind {
        return None;
    }
    let mut octets = Vec::new();
    att::encode(spec, value, &mut octets);
    (att::decode(spec, &octets).ok().as_ref() == Some(value)).then(|| value.clone())
}
