//! What all ports share with the runtime: the engine, and who waits for what comes of it.

use std::any::{Any, TypeId};
use std::collections::{HashMap, HashSet};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use tokio::sync::{Notify, broadcast, watch};
use tokio::time::Instant;

use super::hooks::Begun;
use super::notice::NOTICES_MAX;
use super::{Catalogue, Notice, Observatory, Observed, Sender};
use crate::codec::{Cause, Value, Violation};
use crate::engine::{
    Accepted, CellId, Delivery, Effect, Engine, Event, Heirs, LinkId, Rejection, Standing, Time,
};
use crate::gatt::Service;
use crate::plan::{CellKey, Plan};

/// How the work of a link ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Nothing comes after it: the world is to be left as it should be.
    ForGood,
    /// Another configuration takes the place of this one, and perhaps a link of the same kind that of this
    /// link. What only costs others something to lose, as a connection, can be left for it to take over
    /// ([`Link::take_over`](super::Link::take_over)); if nobody does, it goes when the link is dropped.
    Succeeded,
}

/// How far the end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stopping {
    No,
    Begun,
    /// All have stopped but those that do so last.
    OthersHaveStopped,
}

/// What has been granted of what links asked for when they took over: by link, why it was not.
pub(crate) type Verdicts = HashMap<LinkId, Result<(), String>>;

/// What all ports share with the runtime.
pub(crate) struct Shared {
    engine: Mutex<Engine>,
    /// Once there is another configuration. It is set while the engine is locked, and then nothing happens
    /// here any more.
    successor: OnceLock<Successor>,
    started: Instant,
    /// By link: there may be something to pull.
    pub(super) wake: Vec<Notify>,
    /// The next deadline may have changed.
    pub(crate) deadline_changed: Notify,
    pub(crate) stop: watch::Sender<(Stopping, Ending)>,
    pub(crate) verdicts: watch::Sender<Verdicts>,
    /// Something may have come of what was promised.
    pub(super) progress: Notify,
    pub(crate) device_name: String,
    pub(crate) services: Arc<[Service]>,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) offers: watch::Sender<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
    pub(super) notices: broadcast::Sender<Notice>,
    /// The values that are not to be shown.
    pub(super) withheld: HashSet<CellId>,
    /// The values of which every event counts.
    pub(super) every: HashSet<CellId>,
    pub(super) cell_names: Vec<String>,
    pub(super) cell_keys: Vec<Option<CellKey>>,
    pub(super) observed: Observed,
    pub(super) link_names: Vec<&'static str>,
}

/// What has taken the place of a configuration. Who still has a port of before asks there.
pub(super) struct Successor {
    pub(super) shared: Arc<Shared>,
    pub(super) heirs: Heirs,
}

impl Shared {
    pub(crate) fn new(plan: &Plan) -> Self {
        let offers = watch::Sender::new(HashMap::new());
        let notices = broadcast::Sender::new(NOTICES_MAX);
        let observatory = Arc::new(Observatory::new());
        Self::at(plan, Instant::now(), offers, notices, observatory)
    }

    /// What takes the place of this, and the names of the values that cannot be what they were.
    /// In the links that `go_on`, what is under way still is.
    pub(crate) fn succeeded_by(
        self: &Arc<Self>,
        plan: &mut Plan,
        go_on: Vec<LinkId>,
    ) -> (Arc<Self>, Vec<String>) {
        let (offers, notices) = (self.offers.clone(), self.notices.clone());
        let heirs = self.heirs(plan, go_on);
        // They begin with what they are, and not with what was kept of it.
        for heir in heirs.cells.iter().flatten() {
            let cell = &mut plan.cells[heir.index()];
            cell.restored = None;
            cell.owed.clear();
        }
        let observatory = self.observed.passed_on(&heirs, plan);
        let next = Arc::new(Self::at(plan, self.started, offers, notices, observatory));
        let now = self.now();
        let mut before = self.engine();
        let nothing = Engine::new(Vec::new(), 0, &[]);
        let was = mem::replace(&mut *before, nothing);
        let unfit = next.engine().succeed(now, was, &heirs);
        let shared = next.clone();
        if self.successor.set(Successor { shared, heirs }).is_err() {
            unreachable!("a configuration is succeeded once");
        }
        drop(before);
        self.progress.notify_waiters();
        let name = |cell: &CellId| next.cell_names[cell.index()].clone();
        let unfit = unfit.iter().map(name).collect();
        (next, unfit)
    }

    fn at(
        plan: &Plan,
        started: Instant,
        offers: watch::Sender<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
        notices: broadcast::Sender<Notice>,
        observatory: Arc<Observatory>,
    ) -> Self {
        Self {
            engine: Mutex::new(plan.engine(Time(started.elapsed()))),
            successor: OnceLock::new(),
            started,
            wake: plan.links.iter().map(|_| Notify::new()).collect(),
            deadline_changed: Notify::new(),
            stop: watch::Sender::new((Stopping::No, Ending::ForGood)),
            verdicts: watch::Sender::new(HashMap::new()),
            progress: Notify::new(),
            device_name: plan.device_name.clone(),
            services: plan.services.clone().into(),
            catalogue: catalogue(plan),
            offers,
            notices,
            withheld: plan.undisclosed(),
            every: every(plan),
            observed: Observed::new(observatory, plan),
            cell_names: plan.cells.iter().map(|cell| cell.name.clone()).collect(),
            cell_keys: plan.keys(),
            link_names: plan.links.iter().map(|link| link.section).collect(),
        }
    }

    /// Which of these cells and links are which of another plan.
    fn heirs(&self, plan: &Plan, go_on: Vec<LinkId>) -> Heirs {
        let keys = plan.keys().into_iter().enumerate();
        let known: HashMap<CellKey, CellId> = keys
            .filter_map(|(index, key)| Some((key?, CellId::new(index))))
            .collect();
        let links = self.link_names.iter().map(|name| {
            let found = plan.links.iter().position(|link| link.section == *name);
            found.map(LinkId::new)
        });
        Heirs {
            cells: self
                .cell_keys
                .iter()
                .map(|key| known.get(key.as_ref()?).copied())
                .collect(),
            links: links.collect(),
            go_on,
        }
    }

    /// What has been refused or lost since the start, for an operator; `None` if nothing has.
    pub(crate) fn refusals(&self) -> Option<String> {
        let engine = self.engine();
        let refused = engine.rejections().map(|(link, cell, cause, count)| {
            let link = self.link_names[link.index()];
            let name = cell.map_or("-", |cell| &self.cell_names[cell.index()]);
            format!("{count} × {name} by {link} ({cause:?})")
        });
        let dropped = engine.dropped().map(|(link, cell, count)| {
            let link = self.link_names[link.index()];
            let name = &self.cell_names[cell.index()];
            format!("{count} × {name} to {link} (the oldest, its queue was full)")
        });
        let lines: Vec<String> = refused.chain(dropped).collect();
        (!lines.is_empty()).then(|| lines.join(", "))
    }

    pub(crate) fn offer<T: Any + Send + Sync>(&self, thing: Arc<T>) -> Arc<dyn Any + Send + Sync> {
        let offered: Arc<dyn Any + Send + Sync> = thing;
        self.offers.send_modify(|offers| {
            offers.insert(TypeId::of::<T>(), offered.clone());
        });
        offered
    }

    pub(crate) async fn offered<T: Any + Send + Sync>(&self) -> Arc<T> {
        let mut offers = self.offers.subscribe();
        let is_there = |offers: &HashMap<TypeId, _>| offers.contains_key(&TypeId::of::<T>());
        let offers = offers
            .wait_for(is_there)
            .await
            .expect("the sender lives in `self`");
        let thing = Arc::clone(&offers[&TypeId::of::<T>()]);
        thing
            .downcast()
            .expect("it was put there under its own type")
    }

    /// The same, if it is there already.
    pub(crate) fn offered_now<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let thing = self.offers.borrow().get(&TypeId::of::<T>()).cloned()?;
        thing.downcast().ok()
    }

    pub(crate) fn engine(&self) -> MutexGuard<'_, Engine> {
        self.engine
            .lock()
            .expect("the engine does not panic while it is locked")
    }

    pub(super) fn now(&self) -> Time {
        Time(self.started.elapsed())
    }

    /// What has taken the place of this.
    pub(super) fn successor(&self) -> Option<&Self> {
        self.successor.get().map(|next| &*next.shared)
    }

    /// A link and a cell in the configuration that there is now; `None` if there are no such any more.
    pub(super) fn latest(&self, link: LinkId, cell: CellId) -> Option<(&Self, LinkId, CellId)> {
        match self.successor.get() {
            None => Some((self, link, cell)),
            Some(Successor { shared, heirs }) => {
                shared.latest(heirs.link(link)?, heirs.cell(cell)?)
            }
        }
    }

    /// The engine, or what has taken its place.
    pub(super) fn here(&self) -> Result<MutexGuard<'_, Engine>, &Successor> {
        let engine = self.engine();
        match self.successor.get() {
            None => Ok(engine),
            Some(successor) => Err(successor),
        }
    }

    /// What a cell holds; `None` also when there is no such cell any more.
    pub(super) fn value(&self, cell: CellId) -> Option<Value> {
        match self.here() {
            Ok(engine) => engine.cell(cell).value.cloned(),
            Err(next) => next.shared.value(next.heirs.cell(cell)?),
        }
    }

    pub(super) fn standing(&self, cell: CellId, version: u64) -> Standing {
        match self.here() {
            Ok(engine) => engine.standing(cell, version),
            Err(next) => match next.heirs.cell(cell) {
                Some(cell) => next.shared.standing(cell, version),
                None => Standing::Broken(crate::engine::Broken::NotDelivered),
            },
        }
    }

    /// What may come of what was promised: now, or in what has taken the place of this.
    pub(super) fn progress(&self) -> &Notify {
        match self.successor.get() {
            None => &self.progress,
            Some(next) => next.shared.progress(),
        }
    }

    /// Whoever comes after a link pulls in its place.
    pub(super) fn pull(&self, link: LinkId) -> Option<Effect> {
        let mut engine = self.here().ok()?;
        let effect = engine.poll_effect(self.now(), link)?;
        self.has_handed_out(link, &effect);
        Some(effect)
    }

    pub(super) fn has_effects(&self, link: LinkId) -> bool {
        self.here().is_ok_and(|engine| engine.has_effects(link))
    }

    /// When the engine wants a [`Event::Tick`].
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.engine().poll_deadline().map(|at| self.started + at.0)
    }

    pub(crate) fn handle(&self, event: Event) -> Result<Accepted, Rejection> {
        self.handle_at(event, &Sender::nobody())
            .map(|(accepted, _)| accepted)
    }

    /// The same, and the version that what it is about has right after it.
    pub(super) fn handle_at(
        &self,
        event: Event,
        sender: &Sender<'_>,
    ) -> Result<(Accepted, u64), Rejection> {
        let now = self.now();
        let mut engine = match self.here() {
            Ok(engine) => engine,
            Err(next) => return next.handle_at(event, sender),
        };
        let cell = match &event {
            Event::Request { cell, .. } | Event::Report { cell, .. } => Some(*cell),
            Event::Refused { .. }
            | Event::Delivered { .. }
            | Event::Undelivered { .. }
            | Event::LinkUp { .. }
            | Event::Restate { .. }
            | Event::Tick => None,
        };
        let before = engine.poll_deadline();
        let begun = Begun::of(&event);
        let result = engine.handle(now, event);
        self.has_handled(begun, &mut engine, &result, sender);
        if engine.poll_deadline() != before {
            self.deadline_changed.notify_one();
        }
        for (index, wake) in self.wake.iter().enumerate() {
            if engine.has_effects(LinkId::new(index)) {
                wake.notify_one();
            }
        }
        let version = cell.map_or(0, |cell| engine.cell(cell).version);
        drop(engine);
        self.progress.notify_waiters();
        result.map(|accepted| (accepted, version))
    }
}

impl Successor {
    fn handle_at(&self, event: Event, sender: &Sender<'_>) -> Result<(Accepted, u64), Rejection> {
        let asks = matches!(event, Event::Request { .. } | Event::Report { .. });
        match self.heirs.event(event) {
            Some(event) => self.shared.handle_at(event, sender),
            None if asks => Err(Rejection {
                violation: Violation::new(
                    Cause::Gone,
                    "the configuration does not declare this any more",
                ),
                count: 0,
                answered: false,
            }),
            None => Ok((Accepted::Unchanged, 0)),
        }
    }
}

fn every(plan: &Plan) -> HashSet<CellId> {
    let cells = plan.cells.iter().enumerate();
    let every = cells.filter(|(_, cell)| match cell.delivery {
        Delivery::Every { .. } => true,
        Delivery::Latest => false,
    });
    every.map(|(index, _)| CellId::new(index)).collect()
}

/// What is declared, where some link is there to show it; else nothing, which takes no memory.
fn catalogue(plan: &Plan) -> Arc<Catalogue> {
    let mut links = plan.links.iter().flat_map(|link| &link.candidates);
    match links.any(|link| link.shows_catalogue()) {
        true => Arc::new(Catalogue::of(plan)),
        false => Arc::default(),
    }
}
