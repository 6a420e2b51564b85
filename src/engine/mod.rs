//! Pure: the table of cells, and what each link has yet to hear of it. No I/O, no clock, no async.
//!
//! Time is an argument. Everything that can happen is an [`Event`], everything the engine may ask a
//! link for is an [`Effect`], and a link *pulls* its effects: there is no queue that can grow, only a
//! mark at each outlet that has something new. Who pulls late gets the newest value. Where every event
//! counts ([`Delivery::Every`]) there is a queue, with an end that is declared.

mod answer;
mod backlog;
mod cell;
mod event;
mod expiry;
mod outcome;
mod outlet;
mod pace;
mod promise;
mod queue;
mod succession;
mod timers;
mod truth;

use std::collections::BTreeMap;
use std::mem;
use std::time::Duration;

pub use answer::Response;
pub use backlog::{Delivery, WhenFull};
pub use cell::{CellView, Owner};
pub use event::{
    Accepted, CellId, Change, Effect, Event, LinkId, Mark, Origin, PeerId, Rejection, Snapshot,
    Time,
};
pub use outcome::{Answer, Outcome};
pub use outlet::Carries;
pub use pace::Pace;
pub use promise::{Ack, Broken, Keeping, Owed, Standing, Unpaid};
pub use succession::{Heirs, Unplaced};

use crate::codec::{Cause, Spec, Value, Violation};
use cell::{Cell, Pending};
use outcome::Outcomes;
use outlet::LinkState;
use timers::{Clock, Timer, Timers};

/// One cell, as the engine is built from it.
#[derive(Clone, Debug)]
pub struct CellSpec {
    pub spec: Spec,
    pub owner: Owner,
    /// What the cell holds before anybody spoke; `None` means unknown.
    pub initial: Option<Value>,
    /// What the cell held before this process began. It comes before `initial`; of a remote owner's
    /// value it is what is known until the owner speaks.
    pub restored: Option<Value>,
    /// A constant cell holds its initial value for ever.
    pub constant: bool,
    /// How long a remote owner may take to confirm a request that has been delivered.
    pub confirm_within: Duration,
    pub delivery: Delivery,
    /// How long what a remote owner has said is true. Without it, until it says something else.
    pub valid_for: Option<Duration>,
    /// How long an event is worth telling, where every event counts. Without it, for ever.
    pub expires: Option<Duration>,
    /// How writes by a central are answered, if they are.
    pub response: Option<Response>,
    /// Whether it is made of answers only, and nothing else is taken for it.
    pub answers_only: bool,
    /// The values that are told with each change of it, as they are when that is accepted.
    pub with: Vec<CellId>,
    /// What the response to a write by a central promises.
    pub ack: Ack,
    /// What centrals wrote before this process began, was acknowledged and has yet to be delivered, the
    /// oldest first.
    pub owed: Vec<Owed>,
}

/// That a link hears of a cell, in which role and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscription {
    pub link: LinkId,
    pub cell: CellId,
    pub carries: Carries,
    pub pace: Pace,
    /// What this link has delivered is safe with somebody else. Until it has, it is owed what a central
    /// was told is accepted.
    pub acknowledges: bool,
}

impl Subscription {
    /// Of every change, and what is delivered is safe with nobody.
    pub fn new(link: LinkId, cell: CellId, carries: Carries) -> Self {
        Self {
            link,
            cell,
            carries,
            pace: Pace::OnChange,
            acknowledges: false,
        }
    }
}

/// The table of cells, and for each link what it has not seen of it.
#[derive(Clone, Debug)]
pub struct Engine {
    cells: Vec<Cell>,
    links: Vec<LinkState>,
    timers: Timers,
    /// The cells with events that expire.
    expiring: Vec<CellId>,
    rejections: BTreeMap<(LinkId, Option<CellId>, Cause), u64>,
    outcomes: Outcomes,
}

impl Engine {
    /// An engine with these cells, links `0..links` and who hears of what. Initial values are there
    /// at once: every outlet of a cell that has one is marked.
    pub fn new(cells: Vec<CellSpec>, links: usize, subscriptions: &[Subscription]) -> Self {
        Self::new_at(Time::default(), cells, links, subscriptions)
    }

    /// The same, for a clock that does not start with it.
    pub fn new_at(
        now: Time,
        mut cells: Vec<CellSpec>,
        links: usize,
        subscriptions: &[Subscription],
    ) -> Self {
        let owed = cells.iter_mut().map(|cell| mem::take(&mut cell.owed));
        let owed: Vec<Vec<Owed>> = owed.collect();
        let mut engine = Self {
            cells: cells.into_iter().map(|cell| Cell::new(cell, now)).collect(),
            links: (0..links).map(LinkId::new).map(LinkState::new).collect(),
            timers: Timers::default(),
            expiring: Vec::new(),
            rejections: BTreeMap::new(),
            outcomes: Outcomes::default(),
        };
        for cell in 0..engine.cells.len() {
            let id = CellId::new(cell);
            engine.begin(now, id);
            if engine.cells[cell].expires.is_some() {
                engine.expiring.push(id);
            }
        }
        for &Subscription {
            link,
            cell,
            carries,
            pace,
            acknowledges,
        } in subscriptions
        {
            let declared = &mut engine.cells[cell.index()];
            let state = &mut engine.links[link.index()];
            let outlet = state.add(cell, carries, pace, acknowledges, declared);
            let mut clock = Clock {
                now,
                timers: &mut engine.timers,
            };
            engine.links[link.index()].restate(outlet, declared, &mut clock);
            declared.outlets.push((link, outlet));
        }
        for (cell, owed) in owed.into_iter().enumerate() {
            engine.take_up(now, CellId::new(cell), owed);
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

    /// How many outcomes nobody has taken in time.
    pub fn untaken(&self) -> u64 {
        self.outcomes.lost()
    }

    /// Whether a link has something to pull.
    pub fn has_effects(&self, link: LinkId) -> bool {
        self.links[link.index()].is_waiting()
    }

    // ── something happened ───────────────────────────────────────────────────────────────────────

    /// Takes one event in.
    ///
    /// # Errors
    /// A [`Rejection`] when the event breaks a constraint. Then no cell has changed, except the one in
    /// which that is answered.
    pub fn handle(&mut self, now: Time, event: Event) -> Result<Accepted, Rejection> {
        match event {
            Event::Request {
                cell,
                change,
                origin,
            } => {
                let mut written = None;
                match self.request(now, cell, change, origin, &mut written) {
                    Ok(accepted) => Ok(accepted),
                    Err(violation) => {
                        let (written, cause) = (written.as_ref(), violation.cause);
                        let mut rejection = self.reject(origin.link, Some(cell), violation);
                        rejection.answered = self.answer_refusal(now, cell, written, origin, cause);
                        Err(rejection)
                    }
                }
            }
            Event::Report {
                cell,
                patch,
                mark,
                origin,
            } => self
                .report(now, cell, patch, mark, origin)
                .map_err(|violation| self.reject(origin.link, Some(cell), violation)),
            Event::Refused {
                link,
                cell,
                violation,
            } => Err(self.reject(link, cell, violation)),
            Event::Delivered { link, cell, ticket } => {
                self.delivered(now, link, cell, ticket);
                Ok(Accepted::Unchanged)
            }
            Event::Undelivered { link, cell, ticket } => {
                self.undelivered(now, link, cell, ticket);
                Ok(Accepted::Unchanged)
            }
            Event::LinkUp {
                link,
                session_present,
            } => {
                self.forget_all_expired(now);
                let timers = &mut self.timers;
                let mut clock = Clock { now, timers };
                self.links[link.index()].reassert(&self.cells, session_present, &mut clock);
                if !session_present {
                    self.owe_again(now, link);
                }
                Ok(Accepted::Unchanged)
            }
            Event::Restate { link, cell } => {
                let timers = &mut self.timers;
                let mut clock = Clock { now, timers };
                let cell = &self.cells[cell.index()];
                for &(_, outlet) in cell.outlets.iter().filter(|(to, _)| *to == link) {
                    self.links[link.index()].restate(outlet, cell, &mut clock);
                }
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

    /// The next thing that has come of what happened, for whoever watches. Nobody has to take it: of many,
    /// the newest wait.
    pub fn poll_outcome(&mut self) -> Option<Outcome> {
        self.outcomes.take()
    }

    /// When [`Event::Tick`] is due, if anything waits for time to pass.
    pub fn poll_deadline(&self) -> Option<Time> {
        self.timers.next()
    }

    // ── how ──────────────────────────────────────────────────────────────────────────────────────

    fn expire(&mut self, now: Time) {
        while let Some((due, timer)) = self.timers.take_due(now) {
            match timer {
                Timer::Confirmation(id) => {
                    let cell = &mut self.cells[id.index()];
                    let pending = cell.pending.take();
                    if let Some(pending) = &pending {
                        cell.unconfirmed = pending.version;
                    }
                    self.settle(now, id);
                    if let Some(Pending { version, .. }) = pending {
                        let back = self.cells[id.index()].version;
                        let cell = id;
                        self.outcomes.push(Outcome::TakenBack {
                            cell,
                            version,
                            back,
                        });
                    }
                }
                Timer::Silence(id) => self.silent(now, id),
                Timer::Answer(id) => self.unanswered(now, id),
                Timer::Pace(link, outlet) => {
                    let id = self.links[link.index()].cell(outlet);
                    self.forget_expired(now, id);
                    let timers = &mut self.timers;
                    self.links[link.index()].fired(outlet, due, &mut Clock { now, timers });
                }
            }
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
            answered: false,
        }
    }
}
