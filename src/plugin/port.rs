//! What a link has of the rest of the program: events in, effects out.

use std::any::{Any, TypeId};
use std::convert::Infallible;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::futures::Notified;
use tokio::task::yield_now;
use tracing::warn;

use super::wake::Prompt;
use super::{
    Announce, Catalogue, Ending, Note, Notice, Notices, Observer, Payload, Promise, Receipt,
    Sender, Shared, State, Stopping, What,
};
use crate::codec::{Patch, Value, Violation};
use crate::engine::{
    Accepted, CellId, Change, Effect, Event, Keeping, LinkId, Mark, Origin, Rejection,
};
use crate::gatt::Service;
use crate::plan::CellKey;

/// One link's access to the engine. Every call returns at once; only the `async` ones wait. Clones are the same port.
#[derive(Clone)]
pub struct Port {
    shared: Arc<Shared>,
    link: LinkId,
    /// It stops when the others have.
    is_last: bool,
}

impl Port {
    pub(crate) fn new(shared: Arc<Shared>, link: LinkId, is_last: bool) -> Self {
        Self {
            shared,
            link,
            is_last,
        }
    }

    /// Which link this is: what stands in the origin of the changes that it asks for.
    pub fn link(&self) -> LinkId {
        self.link
    }

    /// The device's name, for whoever shows it.
    pub fn device_name(&self) -> &str {
        &self.shared.device_name
    }

    /// The declared services, in the order of their handles.
    pub fn services(&self) -> &Arc<[Service]> {
        &self.shared.services
    }

    /// What is declared; empty unless some link shows it ([`Link::shows_catalogue`](super::Link::shows_catalogue)).
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.shared.catalogue
    }

    /// What a cell holds now; `None` while it is unknown.
    pub fn value(&self, cell: CellId) -> Option<Value> {
        self.shared.value(cell)
    }

    /// Somebody behind this link asks for a change.
    ///
    /// # Errors
    /// The [`Violation`] when it breaks a constraint, unless that is answered in another value. It has
    /// then been counted, announced and, the first time, logged; the cell has not changed.
    pub fn request(
        &self,
        cell: CellId,
        change: Change,
        sender: &Sender<'_>,
    ) -> Result<Accepted, Violation> {
        let origin = self.origin(sender);
        let event = Event::Request {
            cell,
            change,
            origin,
        };
        self.handle(Some(cell), event, sender)
    }

    /// A central behind this link writes a value. What its response promises is on its way then.
    ///
    /// # Errors
    /// As for [`Port::request`].
    pub fn write(
        &self,
        cell: CellId,
        value: Value,
        sender: &Sender<'_>,
    ) -> Result<Promise, Violation> {
        let event = Event::Request {
            cell,
            change: Change::Set(value),
            origin: self.origin(sender),
        };
        let promise = |version| Promise::new(self.shared.clone(), self.link, cell, version);
        let rejection = match self.shared.handle_at(event, sender) {
            Ok((_, version)) => return Ok(promise(version)),
            Err(rejection) => rejection,
        };
        let Rejection {
            violation,
            count,
            answered,
        } = rejection;
        self.rejected(Some(cell), &violation, count, sender);
        match answered {
            // Nothing has been written, and who asked hears of that elsewhere.
            true => Ok(promise(0)),
            false => Err(violation),
        }
    }

    /// What of a cell has to outlive this process.
    pub fn keeping(&self, cell: CellId) -> Keeping {
        self.shared.keeping(cell)
    }

    /// The remote owner behind this link says what the value is, or parts of it. With our own
    /// `mark` it is the answer to a request of ours.
    ///
    /// # Errors
    /// As for [`Port::request`].
    pub fn report(
        &self,
        cell: CellId,
        patch: Patch,
        mark: Mark,
        sender: &Sender<'_>,
    ) -> Result<Accepted, Violation> {
        let origin = self.origin(sender);
        let event = Event::Report {
            cell,
            patch,
            mark,
            origin,
        };
        self.handle(Some(cell), event, sender)
    }

    /// What came in could not even be made a value. Counts and announces it, logs it the first time,
    /// and hands the violation back.
    pub fn refuse(
        &self,
        cell: Option<CellId>,
        violation: Violation,
        sender: &Sender<'_>,
    ) -> Violation {
        let event = Event::Refused {
            link: self.link,
            cell,
            violation: violation.clone(),
        };
        self.handle(cell, event, sender).err().unwrap_or(violation)
    }

    /// The next thing to send. The same cell comes again only after [`Port::delivered`].
    pub fn pull(&self) -> Option<Effect> {
        self.shared.pull(self.link)
    }

    /// What was pulled has arrived: the [`Effect::ticket`] says which.
    pub fn delivered(&self, cell: CellId, ticket: u64) {
        self.accept(Event::Delivered {
            link: self.link,
            cell,
            ticket,
        });
    }

    /// What was pulled could not be kept where it was sent to: it comes again. Until something has been
    /// delivered, what promises that it is kept is refused.
    pub fn undelivered(&self, cell: CellId, ticket: u64) {
        self.accept(Event::Undelivered {
            link: self.link,
            cell,
            ticket,
        });
    }

    /// For an effect that several have to get: it is delivered when the last of them drops this.
    pub fn receipt(&self, effect: &Effect) -> Receipt {
        let (port, cell, ticket) = (self.clone(), effect.cell, effect.ticket);
        Receipt::new(move || port.delivered(cell, ticket))
    }

    /// Takes whatever there is to send for over: nobody is there who could hear of it.
    pub fn pass_over(&self) {
        while let Some(effect) = self.pull() {
            self.delivered(effect.cell, effect.ticket);
        }
    }

    /// [`Port::pass_over`], again and again, for as long as nobody is there. Events that only queued
    /// would have others refused in the end, for the sake of nobody.
    pub async fn pass_over_all(&self) -> Infallible {
        loop {
            self.changed().await;
            self.pass_over();
        }
    }

    /// Whether every event of a value counts, and not just the newest.
    pub fn hears_every(&self, cell: CellId) -> bool {
        self.shared.every.contains(&cell)
    }

    /// Whether an event of a value may be taken back before it has been delivered: because it has expired, or nobody
    /// has answered it.
    pub fn takes_back(&self, cell: CellId) -> bool {
        self.shared.taken_back.contains(&cell)
    }

    /// The transport is there (again), with or without the session it had.
    pub fn link_up(&self, session_present: bool) {
        self.accept(Event::LinkUp {
            link: self.link,
            session_present,
        });
    }

    /// What this link tells of a cell is told in another place than before the take-over: how it stands is handed
    /// out again.
    pub fn restate(&self, cell: CellId) {
        self.accept(Event::Restate {
            link: self.link,
            cell,
        });
    }

    /// Which value a cell is in any configuration; `None` if nobody can see it.
    pub fn key(&self, cell: CellId) -> Option<CellKey> {
        self.shared.cell_keys[cell.index()]
    }

    /// Resolves when there is something to pull.
    pub async fn changed(&self) {
        let wake = &self.shared.wake[self.link.index()];
        loop {
            let notified = wake.notified();
            if self.shared.has_effects(self.link) {
                return;
            }
            notified.await;
        }
    }

    /// [`Port::changed`] for who can pull at any moment: does `pull` whenever there is something, here, and where
    /// somebody else has caused it in that moment and in its place, before that goes on. So `pull` takes next to no
    /// time, and asks nothing of whoever else may ask for something. When it panics, this does.
    pub async fn prompted(&self, pull: impl Fn() + Send + Sync + 'static) -> Infallible {
        let wake = &self.shared.wake[self.link.index()];
        let prompt: Prompt = Arc::new(pull);
        let _prompted = wake.set(prompt.clone());
        loop {
            if let Some(panic) = wake.panic() {
                resume_unwind(panic);
            }
            match wake.run(&prompt) {
                true => wake.notified().await,
                // It is being done, or has panicked.
                false => yield_now().await,
            }
        }
    }

    /// Resolves when it is time to stop, and says what comes after.
    pub async fn stopped(&self) -> Ending {
        let mut stop = self.shared.stop.subscribe();
        let until = match self.is_last {
            false => Stopping::Begun,
            true => Stopping::OthersHaveStopped,
        };
        let stopped = stop.wait_for(|(stage, _)| *stage >= until).await;
        let (_, ending) = *stopped.expect("the sender lives in what this port holds");
        ending
    }

    /// Whether what this link has to ask for, having taken over ([`Succession::Asks`](super::Succession::Asks)),
    /// is granted. If it is refused, and why, the configuration of before comes back.
    pub fn settle(&self, verdict: Result<(), String>) {
        self.shared.verdicts.send_if_modified(|verdicts| {
            let is_new = !verdicts.contains_key(&self.link);
            verdicts.entry(self.link).or_insert(verdict);
            is_new
        });
    }

    /// Tells everybody who listens of something that has happened.
    pub fn announce(&self, notice: Notice) {
        self.shared.hear(self.link, &notice);
        // An error means that nobody does.
        let _ = self.shared.notices.send(notice);
    }

    /// [`Port::announce`], for whoever needs nothing else of a port.
    pub fn announcer(&self) -> Announce {
        let port = self.clone();
        Arc::new(move |notice| port.announce(notice))
    }

    /// What is announced from now on, by any link.
    pub fn notices(&self) -> Notices {
        Notices::new(self.shared.clone())
    }

    /// Hands something out to the rest of the process by its type, for as long as this link runs:
    /// the virtual adapter, for example, to whoever wants to be a central of it.
    pub fn offer<T: Any + Send + Sync>(&self, thing: Arc<T>) -> Offer {
        let offered = self.shared.offer(thing);
        Offer {
            shared: self.shared.clone(),
            of: TypeId::of::<T>(),
            offered,
        }
    }

    /// What some link has offered; waits until one does.
    pub async fn offered<T: Any + Send + Sync>(&self) -> Arc<T> {
        self.shared.offered().await
    }

    /// What some link offers at this moment.
    pub fn offered_now<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.shared.offered_now()
    }

    /// Resolves when anything has happened in the engine after this was called.
    pub fn progress(&self) -> Notified<'_> {
        self.shared.progress.notified()
    }

    // ── what others see of the process ───────────────────────────────────────────────────────────

    /// What can be seen of the process, by whoever shows it.
    pub fn observer(&self) -> Observer {
        Observer::new(self.shared.clone())
    }

    /// A word of this link on the way of a value: on which topic something is published, to which central
    /// it goes. `version` is that of the effect. What is costly to make is made only if somebody watches.
    pub fn note(&self, cell: CellId, version: u64, what: impl FnOnce() -> What) {
        self.shared.note(self.link, cell, version, what);
    }

    /// [`Port::note`], for whoever needs nothing else of a port.
    pub fn noter(&self) -> Note {
        let port = self.clone();
        Arc::new(move |cell, version, what| port.note(cell, version, what))
    }

    /// How this link is. Only one that says so ([`Link::tells_state`](super::Link::tells_state)) has to tell.
    pub fn state(&self, state: State) {
        if self.record().is(state) {
            self.shared.observed.observatory.changed();
        }
    }

    /// This link waits for the world, why, and when it tries again, if it has to.
    pub fn waits(&self, why: impl Into<String>, again_in: Option<Duration>) {
        let why = why.into();
        self.state(State::Waiting { why, again_in });
    }

    /// Something that this link has to say of itself, under a word of its own; `None` takes it back. No
    /// secrets.
    pub fn detail(&self, key: &'static str, text: Option<String>) {
        if self.record().detail(key, text) {
            self.shared.observed.observatory.changed();
        }
    }

    /// It is run, by this name, and says itself how it is, or does not.
    pub(crate) fn begins(&self, name: &'static str, tells_state: bool) {
        let state = match tells_state {
            true => State::Starting,
            false => State::Up,
        };
        if self.record().begins(name, state) {
            self.shared.observed.observatory.changed();
        }
    }

    fn record(&self) -> &super::record::LinkRecord {
        &self.shared.observed.links[self.link.index()]
    }

    fn accept(&self, event: Event) {
        if let Err(violation) = self.handle(None, event, &Sender::nobody()) {
            unreachable!("an event that asks for nothing was refused: {violation}");
        }
    }

    /// Whether a value is not to be shown: only an encrypted link may see it, or something of it came from
    /// the environment. When it is not known which one is meant, it may be any.
    pub fn is_withheld(&self, cell: Option<CellId>) -> bool {
        self.shared.is_withheld(cell)
    }

    fn origin(&self, sender: &Sender<'_>) -> Origin {
        Origin {
            link: self.link,
            peer: sender.peer,
        }
    }

    fn handle(
        &self,
        cell: Option<CellId>,
        event: Event,
        sender: &Sender<'_>,
    ) -> Result<Accepted, Violation> {
        let handled = self.shared.handle_at(event, sender);
        let handled = handled.map(|(accepted, _)| accepted);
        handled.or_else(|rejection| {
            let Rejection {
                violation,
                count,
                answered,
            } = rejection;
            self.rejected(cell, &violation, count, sender);
            match answered {
                true => Ok(Accepted::Unchanged),
                false => Err(violation),
            }
        })
    }

    fn rejected(
        &self,
        cell: Option<CellId>,
        violation: &Violation,
        count: u64,
        sender: &Sender<'_>,
    ) {
        let link = self.shared.link_names[self.link.index()];
        let name = cell.map(|cell| &self.shared.cell_names[cell.index()]);
        let withheld = sender.withheld || self.is_withheld(cell);
        // A reason may quote what it is about.
        let reason = if withheld {
            "what was wrong is not shown, for this is secret".to_owned()
        } else {
            violation.to_string()
        };
        if count == 1 {
            warn!(
                link, value = name.map_or("-", String::as_str), cause = ?violation.cause,
                "refused: {reason} (said once, then only counted)"
            );
        }
        self.shared
            .has_refused(self.link, cell, violation.cause, &reason, sender);
        // Nothing is put together for nobody.
        if self.shared.notices.receiver_count() > 0 {
            self.announce(Notice::Rejected {
                value: name.cloned(),
                link,
                by: sender.by.map(str::to_owned),
                cause: violation.cause,
                reason,
                payload: if withheld {
                    Payload::Withheld
                } else {
                    Payload::cut(sender.payload)
                },
            });
        }
    }
}

/// Takes an offer back when it is dropped.
#[must_use = "the offer ends when this is dropped"]
pub struct Offer {
    shared: Arc<Shared>,
    of: TypeId,
    offered: Arc<dyn Any + Send + Sync>,
}

impl Drop for Offer {
    fn drop(&mut self) {
        self.shared.offers.send_if_modified(|offers| {
            // Whoever has taken over may have offered another by now.
            let is_ours = offers
                .get(&self.of)
                .is_some_and(|it| Arc::ptr_eq(it, &self.offered));
            if is_ours {
                offers.remove(&self.of);
            }
            is_ours
        });
    }
}
