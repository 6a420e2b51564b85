//! What a link has not seen yet: a mark for each cell that it carries, and the order of the marks.

use std::time::Duration;

use super::backlog::{Backlog, Told};
use super::cell::Cell;
use super::pace::{Pace, Pacer};
use super::promise::{Owed, Unpaid};
use super::queue::Queue;
use super::timers::{Clock, Timer};
use super::{CellId, Effect, LinkId, Origin, Snapshot, Time};
use crate::codec::Value;

/// In which role a link hears of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    /// The truth: every accepted change. Also of what came from this link itself: its other peers
    /// have not heard of it, and [`Effect::origin`](super::Effect::origin) says who has.
    State,
    /// The truth, without what came from this link itself.
    StateOfOthers,
    /// What has to outlive this process, by [`Engine::keeping`](super::Engine::keeping): how the value
    /// stands, of a remote owner's what that last said, and what is owed to others. Such a link never
    /// keeps others waiting.
    Kept,
    /// What others ask of the remote owner behind this link.
    Requests,
}

/// What one link has yet to send of one cell. With thousands of values each of them is far from any other in memory,
/// so it is two lines of a cache and not a part of three.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(super) struct Outlet {
    pub(super) cell: CellId,
    pub(super) carries: Carries,
    /// There is something that the link has not taken.
    pub(super) marked: bool,
    /// Who need not hear of what is marked.
    pub(super) heard_by: Option<Origin>,
    /// What it has taken and not yet delivered.
    pub(super) in_flight: Option<InFlight>,
    /// When what is marked was accepted, unless it only is how things stand.
    pub(super) since: Option<Time>,
    /// Where every event counts: those that wait. Then a mark says that there are any.
    pub(super) backlog: Option<Box<Backlog>>,
    /// What is not simply sent when it changes.
    pub(super) pacer: Option<Box<Pacer>>,
    /// What has been delivered is safe with somebody else.
    pub(super) acknowledges: bool,
    /// The newest version that has been delivered.
    pub(super) arrived: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct InFlight {
    ticket: u64,
    version: u64,
    pub(super) heard_by: Option<Origin>,
    pub(super) since: Option<Time>,
}

/// What has arrived when an effect has been delivered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrived {
    /// The version of the request, if it was one.
    pub(super) request: Option<u64>,
    /// It was owed, and is not any more.
    pub(super) pays: bool,
    pub(super) version: u64,
    /// When what it told was accepted, unless it told how things stand.
    pub(super) since: Option<Time>,
}

/// All outlets of one link.
#[derive(Clone, Debug)]
pub(super) struct LinkState {
    pub(super) link: LinkId,
    pub(super) outlets: Vec<Outlet>,
    /// How many effects have been handed out.
    pub(super) handed_out: u64,
    /// Outlets that are marked, have nothing in flight and need not wait for their time, the longest
    /// waiting first.
    pub(super) queue: Queue,
    /// The last that was handed out could not be kept where it was sent to.
    pub(super) is_failing: bool,
    /// The last event that has given way to a newer one, until somebody takes this.
    pub(super) gave_way: Option<(CellId, u64)>,
}

impl LinkState {
    pub(super) fn new(link: LinkId) -> Self {
        Self {
            link,
            outlets: Vec::new(),
            handed_out: 0,
            queue: Queue::new(),
            is_failing: false,
            gave_way: None,
        }
    }

    pub(super) fn add(
        &mut self,
        cell: CellId,
        carries: Carries,
        pace: Pace,
        acknowledges: bool,
        declared: &Cell,
    ) -> usize {
        // An owner is asked when somebody asks.
        let by_the_clock = carries != Carries::Requests;
        let pacer = Pacer::of(pace).filter(|pacer| by_the_clock || !pacer.is_periodic());
        // Who hears of a value now and then hears how things stand, not what has happened.
        let samples = pacer.as_ref().is_some_and(|pacer| pacer.is_periodic());
        let newest = samples || carries == Carries::Kept;
        let backlog = Backlog::of(declared.delivery).filter(|_| !newest);
        self.outlets.push(Outlet {
            cell,
            carries,
            marked: false,
            heard_by: None,
            in_flight: None,
            since: None,
            backlog,
            pacer,
            acknowledges,
            arrived: 0,
        });
        self.queue.grow();
        self.outlets.len() - 1
    }

    pub(super) fn is_waiting(&self) -> bool {
        !self.queue.is_empty()
    }

    /// How many events have given way to newer ones, by cell.
    pub(super) fn dropped(&self) -> impl Iterator<Item = (CellId, u64)> + '_ {
        self.outlets.iter().filter_map(|outlet| {
            let dropped = outlet.backlog.as_ref()?.dropped;
            (dropped > 0).then_some((outlet.cell, dropped))
        })
    }

    pub(super) fn carries(&self, index: usize) -> Carries {
        self.outlets[index].carries
    }

    pub(super) fn acknowledges(&self, index: usize) -> bool {
        self.outlets[index].acknowledges
    }

    /// Whether this version of the cell, or a newer one, has been delivered, or need not be.
    pub(super) fn is_settled(&self, index: usize, version: u64) -> bool {
        let outlet = &self.outlets[index];
        match &outlet.backlog {
            Some(backlog) => backlog.undelivered().all(|told| told.version > version),
            None => outlet.arrived >= version || !(outlet.marked || outlet.in_flight.is_some()),
        }
    }

    /// Whether this version was an event that the link never delivers: it has expired, or given way.
    pub(super) fn has_lost(&self, index: usize, version: u64) -> bool {
        let backlog = self.outlets[index].backlog.as_ref();
        backlog.is_some_and(|backlog| backlog.has_lost(version))
    }

    pub(super) fn cell(&self, index: usize) -> CellId {
        self.outlets[index].cell
    }

    /// What a central wrote and the link has yet to deliver.
    pub(super) fn unpaid(&self, index: usize, cell: &Cell, now: Time) -> Vec<Unpaid> {
        let outlet = &self.outlets[index];
        let unpaid = |version, at: Time, aged, value: &Value, with: &Option<Snapshot>| Unpaid {
            version,
            owed: Owed {
                value: value.clone(),
                age: now.0.saturating_sub(at.0) + aged,
                with: with.clone(),
            },
        };
        if let Some(backlog) = &outlet.backlog {
            let written = backlog.undelivered().filter(|told| told.written);
            let unpaid = written
                .map(|told| unpaid(told.version, told.at, told.aged, &told.value, &told.with));
            return unpaid.collect();
        }
        // Whatever has come of it since is told in its place.
        let value = cell.to_tell(outlet.carries);
        let value = value.filter(|_| cell.written > 0 && !self.is_settled(index, cell.written));
        let version = cell.version_to_tell(outlet.carries);
        let unpaid = value.map(|value| {
            unpaid(
                version,
                cell.changed_at,
                Duration::ZERO,
                value,
                &cell.snapshot,
            )
        });
        unpaid.into_iter().collect()
    }

    /// Whether there is no room for one more event of the cell.
    pub(super) fn refuses_state(&self, index: usize, origin: Option<Origin>) -> bool {
        let outlet = &self.outlets[index];
        let full = outlet.backlog.as_ref().is_some_and(|it| it.refuses());
        full && outlet.state_for(self.link, origin).is_some()
    }

    /// Whether there is no room for one more request to the owner behind this link.
    pub(super) fn refuses_request(&self, index: usize) -> bool {
        let outlet = &self.outlets[index];
        let full = outlet.backlog.as_ref().is_some_and(|it| it.refuses());
        full && outlet.carries == Carries::Requests
    }

    /// What has to outlive this process has changed, and perhaps not what the cell holds.
    pub(super) fn mark_kept(&mut self, index: usize, cell: &Cell, clock: &mut Clock<'_>) {
        match self.outlets[index].carries {
            Carries::Kept => self.mark_state(index, cell, None, clock),
            Carries::State | Carries::StateOfOthers | Carries::Requests => {}
        }
    }

    /// Somebody changed the cell, or where every event counts, set it to what it was. If it has become
    /// unknown, there is nothing to say of it.
    pub(super) fn mark_state(
        &mut self,
        index: usize,
        cell: &Cell,
        origin: Option<Origin>,
        clock: &mut Clock<'_>,
    ) {
        let outlet = &mut self.outlets[index];
        let Some(value) = cell.to_tell(outlet.carries) else {
            self.unmark(index, clock);
            return;
        };
        if outlet.is_periodic() {
            self.begin(index, clock);
            return;
        }
        match outlet.state_for(self.link, origin) {
            Some(heard_by) => self.mark(index, cell, Some(value), heard_by, clock),
            None if outlet.carries == Carries::StateOfOthers => self.unmark(index, clock),
            None => {}
        }
    }

    /// How things stand, for a link that may not know.
    pub(super) fn restate(&mut self, index: usize, cell: &Cell, clock: &mut Clock<'_>) {
        let outlet = &mut self.outlets[index];
        let Some(value) = cell
            .to_tell(outlet.carries)
            .filter(|_| outlet.carries != Carries::Requests)
        else {
            return;
        };
        match &mut outlet.backlog {
            Some(backlog) => backlog.restate(cell.version, cell.changed_at, value.clone()),
            None => outlet.heard_by = None,
        }
        self.begin(index, clock);
        self.enqueue(index, clock);
    }

    /// Somebody asks the owner behind this link for a change.
    pub(super) fn mark_request(
        &mut self,
        index: usize,
        cell: &Cell,
        origin: Option<Origin>,
        clock: &mut Clock<'_>,
    ) {
        match self.outlets[index].carries {
            Carries::Requests => {
                let wanted = cell.to_tell(Carries::Requests);
                self.mark(index, cell, wanted, origin, clock);
            }
            Carries::State | Carries::StateOfOthers | Carries::Kept => {}
        }
    }

    /// Forgets events that have not arrived; the version of the newest of them.
    pub(super) fn forget_events(
        &mut self,
        index: usize,
        which: impl Fn(&Told) -> bool,
        clock: &mut Clock<'_>,
    ) -> Option<u64> {
        let backlog = self.outlets[index].backlog.as_mut()?;
        let newest = backlog.forget(which)?;
        if backlog.is_empty() {
            self.unmark(index, clock);
        }
        Some(newest)
    }

    /// There is nothing to say of the cell: it has become unknown, or the link knows best itself.
    pub(super) fn unmark(&mut self, index: usize, clock: &mut Clock<'_>) {
        let id = self.timer(index);
        let outlet = &mut self.outlets[index];
        let waited = outlet.marked;
        outlet.marked = match &mut outlet.backlog {
            // What has happened has happened.
            Some(backlog) => {
                backlog.forget_restated();
                !backlog.is_empty()
            }
            None => false,
        };
        if outlet.marked {
            return;
        }
        outlet.since = None;
        if let Some(pacer) = &mut outlet.pacer {
            pacer.end(id, clock);
        }
        if waited {
            self.queue.remove(index);
        }
    }

    /// Takes the mark that has waited longest.
    pub(super) fn take(&mut self, cells: &[Cell], now: Time) -> Option<Effect> {
        let (index, told) = loop {
            let index = self.queue.pop_front()?;
            let outlet = &mut self.outlets[index];
            let cell = &cells[outlet.cell.index()];
            match outlet.next(cell) {
                Some(told) => break (index, told),
                // There is nothing to say of it any more, and the others are not to wait for that.
                None => outlet.marked = false,
            }
        };
        let outlet = &mut self.outlets[index];
        let marked_since = outlet.since.take();
        outlet.marked = outlet.backlog.as_ref().is_some_and(|it| !it.is_empty());
        self.handed_out += 1;
        let ticket = self.handed_out;
        outlet.in_flight = Some(InFlight {
            ticket,
            version: told.version,
            heard_by: told.heard_by,
            since: match outlet.backlog {
                Some(_) => (!told.restated && told.aged.is_zero()).then_some(told.at),
                None => marked_since,
            },
        });
        if let Some(pacer) = &mut outlet.pacer {
            pacer.taken(now);
        }
        Some(Effect {
            cell: outlet.cell,
            carries: outlet.carries,
            value: told.value,
            version: told.version,
            ticket,
            origin: told.heard_by,
            restated: told.restated,
            with: told.with,
        })
    }

    /// What has arrived. What was given up when the transport went is handed out again, and only the new
    /// ticket counts.
    pub(super) fn delivered(
        &mut self,
        index: usize,
        ticket: u64,
        written: u64,
        clock: &mut Clock<'_>,
    ) -> Option<Arrived> {
        let outlet = &mut self.outlets[index];
        let sent = outlet.in_flight.take_if(|sent| sent.ticket == ticket)?;
        self.is_failing = false;
        let was_owed = outlet.arrived < written;
        outlet.arrived = outlet.arrived.max(sent.version);
        let pays = match &mut outlet.backlog {
            Some(backlog) => backlog.delivered().is_some_and(|told| told.written),
            // What was written may have been under way already, by somebody else.
            None => was_owed && (outlet.arrived >= written || !outlet.marked),
        };
        let arrived = Arrived {
            request: (outlet.carries == Carries::Requests).then_some(sent.version),
            pays: pays && outlet.acknowledges,
            version: sent.version,
            since: sent.since,
        };
        if outlet.marked {
            self.release(index, clock);
        }
        Some(arrived)
    }

    /// What was handed out is to be handed out again; its version.
    pub(super) fn undelivered(
        &mut self,
        index: usize,
        ticket: u64,
        clock: &mut Clock<'_>,
    ) -> Option<u64> {
        let outlet = &mut self.outlets[index];
        let sent = outlet.in_flight.take_if(|sent| sent.ticket == ticket)?;
        self.is_failing = true;
        match &mut outlet.backlog {
            Some(backlog) => backlog.take_back(),
            // Nothing newer says who has heard of it.
            None if !outlet.marked => outlet.heard_by = sent.heard_by,
            None => {}
        }
        outlet.since = outlet.since.or(sent.since);
        outlet.marked = true;
        self.release(index, clock);
        Some(sent.version)
    }

    /// The transport is back: nothing is in flight any more. What was not delivered is marked again;
    /// without the old session, all state is, because nobody knows what the other side has kept.
    /// Events that have been delivered are over; of them, the state that they left is said again.
    pub(super) fn reassert(
        &mut self,
        cells: &[Cell],
        session_present: bool,
        clock: &mut Clock<'_>,
    ) {
        self.queue.clear();
        for index in 0..self.outlets.len() {
            let outlet = &mut self.outlets[index];
            let cell = &cells[outlet.cell.index()];
            let sent = outlet.in_flight.take();
            let undelivered = sent.is_some() || outlet.marked;
            outlet.since = outlet.since.or(sent.and_then(|sent| sent.since));
            outlet.marked = match &mut outlet.backlog {
                Some(backlog) => {
                    backlog.take_back();
                    !backlog.is_empty()
                }
                None => undelivered && cell.to_tell(outlet.carries).is_some(),
            };
            if outlet.marked {
                self.release(index, clock);
            }
            if !session_present {
                // Nobody knows what the other side has kept of what it had.
                self.outlets[index].arrived = 0;
                self.restate(index, cell, clock);
            }
        }
    }

    /// The time of an outlet has come.
    pub(super) fn fired(&mut self, index: usize, due: Time, clock: &mut Clock<'_>) {
        let id = self.timer(index);
        let outlet = &mut self.outlets[index];
        if let Some(pacer) = &mut outlet.pacer {
            pacer.fired(due, id, clock);
        }
        if outlet.is_periodic() {
            outlet.heard_by = None;
            self.enqueue(index, clock);
        } else if outlet.marked {
            self.queue.push_back(index);
        }
    }

    /// An outlet that sends by the clock sends when there is something to send, and then again and
    /// again.
    fn begin(&mut self, index: usize, clock: &mut Clock<'_>) {
        let id = self.timer(index);
        if let Some(pacer) = &mut self.outlets[index].pacer
            && pacer.begin(id, clock)
        {
            self.enqueue(index, clock);
        }
    }

    fn mark(
        &mut self,
        index: usize,
        cell: &Cell,
        value: Option<&Value>,
        heard_by: Option<Origin>,
        clock: &mut Clock<'_>,
    ) {
        let outlet = &mut self.outlets[index];
        match (&mut outlet.backlog, value) {
            (Some(backlog), Some(value)) => {
                let told = Told {
                    version: cell.version_to_tell(outlet.carries),
                    at: clock.now,
                    value: value.clone(),
                    heard_by,
                    restated: false,
                    with: cell.snapshot.clone(),
                    written: cell.written == cell.version,
                    aged: cell.aged.unwrap_or_default(),
                    alike: 1,
                };
                match cell.aged {
                    Some(_) => backlog.take_up(told),
                    None => {
                        let given_way = backlog.push(told).map(|version| (outlet.cell, version));
                        self.gave_way = given_way.or(self.gave_way);
                    }
                }
            }
            (Some(_), None) => return,
            (None, _) => {
                outlet.heard_by = heard_by;
                outlet.since = Some(clock.now);
            }
        }
        self.enqueue(index, clock);
    }

    fn enqueue(&mut self, index: usize, clock: &mut Clock<'_>) {
        let outlet = &mut self.outlets[index];
        let waits = outlet.marked && outlet.in_flight.is_none();
        outlet.marked = true;
        if !waits && outlet.in_flight.is_none() {
            self.release(index, clock);
        }
    }

    /// Something is marked and nothing in flight: it is sent as soon as it may be.
    pub(super) fn release(&mut self, index: usize, clock: &mut Clock<'_>) {
        let id = self.timer(index);
        let pacer = &mut self.outlets[index].pacer;
        if !pacer.as_mut().is_some_and(|it| it.holds_back(id, clock)) {
            self.queue.push_back(index);
        }
    }

    pub(super) fn timer(&self, index: usize) -> Timer {
        Timer::Pace(self.link, index)
    }
}

impl Outlet {
    /// What is to be said next.
    fn next(&mut self, cell: &Cell) -> Option<Told> {
        match &mut self.backlog {
            Some(backlog) => backlog.take().cloned(),
            None => Some(Told {
                version: cell.version_to_tell(self.carries),
                at: cell.changed_at,
                value: cell.to_tell(self.carries)?.clone(),
                heard_by: self.heard_by,
                restated: false,
                with: cell.snapshot.clone(),
                written: false,
                aged: Duration::ZERO,
                alike: 1,
            }),
        }
    }

    /// Whether it sends by the clock, and not for a change.
    fn is_periodic(&self) -> bool {
        self.pacer.as_ref().is_some_and(|it| it.is_periodic())
    }

    /// Whether `link`, whose outlet this is, hears of a change by `origin`, and then who of it need not.
    fn state_for(&self, link: LinkId, origin: Option<Origin>) -> Option<Option<Origin>> {
        // Who asks while something older is on its way to them may get that after they asked, and
        // would be left with it. So they have to hear the outcome too.
        let crosses = || match &self.backlog {
            Some(backlog) => backlog.crosses(origin),
            None => self.in_flight.is_some_and(|sent| sent.heard_by != origin),
        };
        let heard_by = origin.filter(|origin| origin.link != link || !crosses());
        match self.carries {
            Carries::StateOfOthers if is_from(link, heard_by) => None,
            Carries::State | Carries::StateOfOthers | Carries::Kept => Some(heard_by),
            Carries::Requests => None,
        }
    }
}

/// Whether a change by `origin` came from `link`.
fn is_from(link: LinkId, origin: Option<Origin>) -> bool {
    origin.is_some_and(|origin| origin.link == link)
}
