//! What all ports share with the runtime: the engine, and who waits for what comes of it.

use std::any::{Any, TypeId};
use std::collections::{HashMap, HashSet};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, RwLock, Weak};

use tokio::sync::{Notify, broadcast, watch};
use tokio::time::Instant;

use super::hooks::Begun;
use super::notice::NOTICES_MAX;
use super::wake::Wake;
use super::{Catalogue, Notice, Observatory, Observed, Sender};
use crate::codec::{Cause, Value, Violation};
use crate::engine::{
    Accepted, Broken, CellId, Delivery, Effect, Engine, Event, Heirs, Keeping, LinkId, Rejection,
    Standing, Time, Unplaced,
};
use crate::gatt::Service;
use crate::plan::{CellKey, CellPlan, Plan};

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
    /// Once there is another configuration: the newest. It is set while the engine is locked, and then nothing
    /// happens here any more.
    successor: OnceLock<RwLock<Arc<Successor>>>,
    /// Those whose successor this is, for as long as anybody holds them.
    ancestors: Mutex<Vec<Weak<Shared>>>,
    started: Instant,
    /// By link: there may be something to pull.
    pub(super) wake: Vec<Wake>,
    /// The next deadline may have changed.
    pub(crate) deadline_changed: Notify,
    pub(crate) stop: watch::Sender<(Stopping, Ending)>,
    pub(crate) verdicts: watch::Sender<Verdicts>,
    /// Something may have come of what was promised, here or in what has taken the place of this.
    pub(super) progress: Arc<Notify>,
    pub(crate) device_name: String,
    pub(crate) services: Arc<[Service]>,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) offers: watch::Sender<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
    pub(super) notices: broadcast::Sender<Notice>,
    /// The values that are not to be shown.
    pub(super) withheld: HashSet<CellId>,
    /// The values of which every event counts.
    pub(super) every: HashSet<CellId>,
    /// The values of which an event may be taken back.
    pub(super) taken_back: HashSet<CellId>,
    pub(super) cell_names: Vec<String>,
    pub(super) cell_keys: Vec<Option<CellKey>>,
    pub(super) observed: Observed,
    pub(super) link_names: Vec<&'static str>,
}

/// How things stood when a configuration was put to work that may be refused.
pub(crate) struct Before {
    shared: Arc<Shared>,
    engine: Engine,
    /// The values that began anew, with the version that they had then.
    replaced: HashMap<CellKey, u64>,
}

/// What one configuration has from another.
struct Common {
    started: Instant,
    progress: Arc<Notify>,
    offers: watch::Sender<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
    notices: broadcast::Sender<Notice>,
    observatory: Arc<Observatory>,
}

/// What has become of the values.
pub(crate) struct SucceededBy {
    pub(crate) shared: Arc<Shared>,
    /// The names of those that cannot be what they were.
    pub(crate) unfit: Vec<String>,
    /// The names of those of which something that was accepted is not delivered any more.
    pub(crate) undelivered: Vec<String>,
    /// If it is wanted.
    pub(crate) before: Option<Before>,
}

/// What has taken the place of a configuration. Who still has a port of before asks there.
pub(super) struct Successor {
    pub(super) shared: Arc<Shared>,
    pub(super) heirs: Heirs,
}

impl Shared {
    pub(crate) fn new(plan: &Plan) -> Self {
        let common = Common {
            started: Instant::now(),
            progress: Arc::default(),
            offers: watch::Sender::new(HashMap::new()),
            notices: broadcast::Sender::new(NOTICES_MAX),
            observatory: Arc::new(Observatory::new()),
        };
        Self::at(plan, common)
    }

    /// What takes the place of this. In the links that `go_on`, what is under way still is. If it `may_be_refused`,
    /// how things stand now is kept; if it has been, `back` is how they stood.
    pub(crate) fn succeeded_by(
        self: &Arc<Self>,
        plan: &mut Plan,
        go_on: Vec<LinkId>,
        may_be_refused: bool,
        back: Option<Before>,
    ) -> SucceededBy {
        let keys = plan.keys();
        let sections = sections(plan);
        let heirs = self.heirs(&keys, &sections, go_on);
        // They begin with what they are, and not with what was kept of it.
        let own = heirs.cells.iter().flatten().copied();
        let of_before = back
            .iter()
            .flat_map(|it| it.shared.heirs(&keys, &sections, Vec::new()).cells);
        for heir in own.chain(of_before.flatten()) {
            let cell = &mut plan.cells[heir.index()];
            cell.restored = None;
            cell.owed.clear();
        }
        let common = Common {
            started: self.started,
            progress: self.progress.clone(),
            offers: self.offers.clone(),
            notices: self.notices.clone(),
            observatory: self.observed.passed_on(&heirs, plan),
        };
        let next = Arc::new(Self::at(plan, common));
        let now = self.now();
        let mut before = self.engine();
        let nothing = Engine::new(Vec::new(), 0, &[]);
        let was = mem::replace(&mut *before, nothing);
        let kept = may_be_refused.then(|| was.clone());
        let unplaced = match back {
            None => next.engine().succeed(now, was, &heirs),
            Some(back) => self.go_back(&next, now, was, &heirs, back),
        };
        let kept = kept.map(|engine| Before {
            shared: self.clone(),
            engine,
            replaced: next.versions_of(&unplaced.unfit),
        });
        self.forward_to(&next, heirs);
        drop(before);
        self.progress.notify_waiters();
        let names = |cells: Vec<CellId>| {
            let names = cells
                .iter()
                .map(|cell| next.cell_names[cell.index()].clone());
            names.collect()
        };
        SucceededBy {
            unfit: names(unplaced.unfit),
            undelivered: names(unplaced.undelivered),
            before: kept,
            shared: next.clone(),
        }
    }

    /// The configuration of before is back. What began anew with the one that was refused is what it was, unless
    /// somebody has changed it since; what that one did not know, too.
    fn go_back(
        &self,
        next: &Self,
        now: Time,
        was: Engine,
        heirs: &Heirs,
        back: Before,
    ) -> Unplaced {
        let key = |cell: CellId| self.cell_keys[cell.index()];
        let began_anew = |cell: CellId| {
            let version = key(cell).and_then(|key| back.replaced.get(&key));
            version == Some(&was.cell(cell).version)
        };
        let all = (0..self.cell_keys.len()).map(CellId::new);
        let (old, new): (HashSet<CellId>, HashSet<CellId>) =
            all.partition(|cell| began_anew(*cell));
        let keys = |cells: &HashSet<CellId>| -> HashSet<CellKey> {
            cells.iter().filter_map(|cell| key(*cell)).collect()
        };
        let (told, known) = (keys(&old), keys(&new));
        let mut engine = next.engine();
        let unplaced = engine.succeed_in(now, was, heirs, |cell| !old.contains(&cell));
        let heirs = back
            .shared
            .heirs(&next.cell_keys, &next.link_names, Vec::new());
        let is_missing = |cell: CellId| {
            let key = back.shared.cell_keys[cell.index()];
            key.is_none_or(|key| !known.contains(&key))
        };
        let more = engine.succeed_in(now, back.engine, &heirs, is_missing);
        // Somebody may have been told what they were in between.
        for (index, key) in next.cell_keys.iter().enumerate() {
            if key.is_some_and(|key| told.contains(&key)) {
                for link in 0..next.link_names.len() {
                    let (link, cell) = (LinkId::new(link), CellId::new(index));
                    let _ = engine.handle(now, Event::Restate { link, cell });
                }
            }
        }
        Unplaced {
            unfit: [unplaced.unfit, more.unfit].concat(),
            undelivered: [unplaced.undelivered, more.undelivered].concat(),
        }
    }

    fn versions_of(&self, cells: &[CellId]) -> HashMap<CellKey, u64> {
        let engine = self.engine();
        let versions = cells.iter().filter_map(|cell| {
            let key = self.cell_keys[cell.index()]?;
            Some((key, engine.cell(*cell).version))
        });
        versions.collect()
    }

    /// Whoever still asks here is sent to the newest, and those are that were sent here.
    fn forward_to(self: &Arc<Self>, next: &Arc<Self>, heirs: Heirs) {
        self.set_successor(next, heirs);
        let mut ancestors = mem::take(&mut *locked(&self.ancestors));
        ancestors.retain(|ancestor| match ancestor.upgrade() {
            Some(ancestor) => {
                let heirs = ancestor.heirs(&next.cell_keys, &next.link_names, Vec::new());
                ancestor.set_successor(next, heirs);
                true
            }
            None => false,
        });
        ancestors.push(Arc::downgrade(self));
        *locked(&next.ancestors) = ancestors;
    }

    fn set_successor(&self, next: &Arc<Self>, heirs: Heirs) {
        let shared = next.clone();
        let newest = Arc::new(Successor { shared, heirs });
        let successor = self.successor.get_or_init(|| RwLock::new(newest.clone()));
        *successor.write().expect("nothing panics with it") = newest;
    }

    fn at(plan: &Plan, common: Common) -> Self {
        let Common {
            started,
            progress,
            offers,
            notices,
            observatory,
        } = common;
        Self {
            engine: Mutex::new(plan.engine(Time(started.elapsed()))),
            successor: OnceLock::new(),
            ancestors: Mutex::default(),
            started,
            wake: plan.links.iter().map(|_| Wake::default()).collect(),
            deadline_changed: Notify::new(),
            stop: watch::Sender::new((Stopping::No, Ending::ForGood)),
            verdicts: watch::Sender::new(HashMap::new()),
            progress,
            device_name: plan.device_name.clone(),
            services: plan.services.clone().into(),
            catalogue: catalogue(plan),
            offers,
            notices,
            withheld: plan.undisclosed(),
            every: cells(plan, |cell| matches!(cell.delivery, Delivery::Every { .. })),
            taken_back: cells(plan, |cell| {
                cell.expires.is_some() || cell.response.is_some()
            }),
            observed: Observed::new(observatory, plan),
            cell_names: plan.cells.iter().map(|cell| cell.name.clone()).collect(),
            cell_keys: plan.keys(),
            link_names: plan.links.iter().map(|link| link.section).collect(),
        }
    }

    /// Which of these cells and links are which of other ones.
    fn heirs(
        &self,
        cells: &[Option<CellKey>],
        links: &[&'static str],
        go_on: Vec<LinkId>,
    ) -> Heirs {
        let keys = cells.iter().enumerate();
        let known: HashMap<CellKey, CellId> = keys
            .filter_map(|(index, key)| Some(((*key)?, CellId::new(index))))
            .collect();
        let cells = self.cell_keys.iter();
        let own = self.link_names.iter();
        Heirs {
            cells: cells.map(|key| known.get(key.as_ref()?).copied()).collect(),
            links: own
                .map(|name| links.iter().position(|link| link == name).map(LinkId::new))
                .collect(),
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

    /// What has taken the place of this, if anything has.
    pub(super) fn successor(&self) -> Option<Arc<Successor>> {
        // While there is none, that costs a look at a flag.
        let successor = self.successor.get()?;
        Some(successor.read().expect("nothing panics with it").clone())
    }

    /// With the newest configuration, and a link and a cell as they are there; `None` if they are not.
    pub(super) fn with_latest<T>(
        &self,
        link: LinkId,
        cell: CellId,
        act: impl FnOnce(&Self, LinkId, CellId) -> T,
    ) -> Option<T> {
        match self.successor() {
            None => Some(act(self, link, cell)),
            Some(next) => {
                let (link, cell) = (next.heirs.link(link)?, next.heirs.cell(cell)?);
                next.shared.with_latest(link, cell, act)
            }
        }
    }

    /// The engine, or what has taken its place.
    pub(super) fn here(&self) -> Result<MutexGuard<'_, Engine>, Arc<Successor>> {
        let engine = self.engine();
        match self.successor() {
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
                None => Standing::Broken(Broken::NotDelivered),
            },
        }
    }

    /// What of a cell has to outlive this process.
    pub(super) fn keeping(&self, cell: CellId) -> Keeping {
        match self.here() {
            Ok(engine) => engine.keeping(self.now(), cell),
            Err(next) => match next.heirs.cell(cell) {
                Some(cell) => next.shared.keeping(cell),
                None => Keeping {
                    known: None,
                    unpaid: Vec::new(),
                    is_awaited: false,
                },
            },
        }
    }

    /// Whoever comes after a link pulls in its place.
    pub(super) fn pull(&self, link: LinkId) -> Option<Effect> {
        let mut engine = self.here().ok()?;
        // Mostly there is none, and the time is not needed for that.
        let effect = engine
            .has_effects(link)
            .then(|| engine.poll_effect(self.now(), link))??;
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
        let by = event.link();
        let before = engine.poll_deadline();
        let begun = Begun::of(&event);
        let result = engine.handle(now, event);
        self.has_handled(begun, &mut engine, &result, sender);
        if engine.poll_deadline() != before {
            self.deadline_changed.notify_one();
        }
        let mut prompted = None;
        for (index, wake) in self.wake.iter().enumerate() {
            let link = LinkId::new(index);
            if !engine.has_effects(link) {
                continue;
            }
            // Who has caused it has something else to do first, and may hold what it needs for this.
            if prompted.is_none() && Some(link) != by && wake.has_prompt() {
                prompted = Some(wake);
            } else {
                wake.wake();
            }
        }
        let version = cell.map_or(0, |cell| engine.cell(cell).version);
        drop(engine);
        self.progress.notify_waiters();
        prompted.map(Wake::prompt);
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

/// The cells of which something is so.
fn cells(plan: &Plan, is_so: impl Fn(&CellPlan) -> bool) -> HashSet<CellId> {
    let cells = plan.cells.iter().enumerate();
    let those = cells.filter(|(_, cell)| is_so(cell));
    those.map(|(index, _)| CellId::new(index)).collect()
}

/// What is declared, where some link is there to show it; else nothing, which takes no memory.
fn catalogue(plan: &Plan) -> Arc<Catalogue> {
    let mut links = plan.links.iter().flat_map(|link| &link.candidates);
    match links.any(|link| link.shows_catalogue()) {
        true => Arc::new(Catalogue::of(plan)),
        false => Arc::default(),
    }
}

fn sections(plan: &Plan) -> Vec<&'static str> {
    plan.links.iter().map(|link| link.section).collect()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics while it is locked")
}
