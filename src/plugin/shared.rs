//! What all ports share with the runtime: the engine, and who waits for what comes of it.

use std::any::{Any, TypeId};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{Notify, broadcast, watch};
use tokio::time::Instant;

use super::hooks::Begun;
use super::notice::NOTICES_MAX;
use super::{Notice, Observatory, Observed, Sender};
use crate::engine::{Accepted, CellId, Delivery, Engine, Event, LinkId, Rejection, Time};
use crate::gatt::Service;
use crate::plan::Plan;

/// How far the end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stopping {
    No,
    Begun,
    /// All have stopped but those that do so last.
    OthersHaveStopped,
}

/// What all ports share with the runtime.
pub(crate) struct Shared {
    engine: Mutex<Engine>,
    started: Instant,
    /// By link: there may be something to pull.
    pub(super) wake: Vec<Notify>,
    /// The next deadline may have changed.
    pub(crate) deadline_changed: Notify,
    pub(crate) stop: watch::Sender<Stopping>,
    /// Something may have come of what was promised.
    pub(super) progress: Notify,
    pub(crate) device_name: String,
    pub(crate) services: Arc<[Service]>,
    pub(super) offers: watch::Sender<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
    pub(super) notices: broadcast::Sender<Notice>,
    /// The values that are not to be shown.
    pub(super) withheld: HashSet<CellId>,
    /// The values of which every event counts.
    pub(super) every: HashSet<CellId>,
    pub(super) cell_names: Vec<String>,
    pub(super) observed: Observed,
    pub(super) link_names: Vec<&'static str>,
}

impl Shared {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            engine: Mutex::new(plan.engine()),
            started: Instant::now(),
            wake: plan.links.iter().map(|_| Notify::new()).collect(),
            deadline_changed: Notify::new(),
            stop: watch::Sender::new(Stopping::No),
            progress: Notify::new(),
            device_name: plan.device_name.clone(),
            services: plan.services.clone().into(),
            offers: watch::Sender::new(HashMap::new()),
            notices: broadcast::Sender::new(NOTICES_MAX),
            withheld: plan.undisclosed(),
            every: every(plan),
            observed: Observed::new(Arc::new(Observatory::new()), plan),
            cell_names: plan.cells.iter().map(|cell| cell.name.clone()).collect(),
            link_names: plan.links.iter().map(|link| link.section).collect(),
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

    pub(crate) fn engine(&self) -> MutexGuard<'_, Engine> {
        self.engine
            .lock()
            .expect("the engine does not panic while it is locked")
    }

    pub(super) fn now(&self) -> Time {
        Time(self.started.elapsed())
    }

    /// When the engine wants a [`Event::Tick`].
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.engine().poll_deadline().map(|at| self.started + at.0)
    }

    pub(crate) fn handle(&self, event: Event) -> Result<Accepted, Rejection> {
        let handled = self.handle_then(event, &Sender::nobody(), |_| ());
        handled.map(|(accepted, ())| accepted)
    }

    /// The same, and what is so right after it, when it was accepted.
    pub(super) fn handle_then<T>(
        &self,
        event: Event,
        sender: &Sender<'_>,
        then: impl FnOnce(&Engine) -> T,
    ) -> Result<(Accepted, T), Rejection> {
        let now = self.now();
        let mut engine = self.engine();
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
        let result = result.map(|accepted| (accepted, then(&engine)));
        drop(engine);
        self.progress.notify_waiters();
        result
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
