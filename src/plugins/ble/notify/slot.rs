//! What one subscriber is to be told. Who waits for news, and has nothing unread, is told of it at once by whoever
//! brings it: its socket is written to in that moment, and its own task hears of that when it has its turn.

use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::feed::{Told, lock};

/// Who can be told at once.
pub(super) trait Taker: Send + Sync {
    fn take(&self, told: &Told, read_at: Option<Instant>) -> Taken;
}

/// What has become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Sent,
    /// It is who has made the change, and need not be told.
    Knows,
    /// It has to be told when it has its turn.
    Not,
}

/// A taker that waits: nothing is unread in its socket, and the last value was read then.
pub(super) struct Idle {
    pub(super) taker: Arc<dyn Taker>,
    pub(super) read_at: Option<Instant>,
}

/// What comes next.
pub(super) enum Next {
    ToSend(Told),
    /// It has been sent already, by whoever brought it.
    Sent(Told),
}

#[derive(Default)]
pub(super) struct Slot {
    state: Mutex<State>,
    has_changed: Notify,
}

#[derive(Default)]
struct State {
    idle: Option<Idle>,
    /// What it was told at once, until its task hears of that.
    sent: Option<Told>,
    /// Where the newest value is enough: what it has yet to be told.
    newest: Option<Told>,
    /// Nothing more will come.
    is_over: bool,
}

impl Slot {
    pub(super) fn with(newest: Option<Told>) -> Self {
        let state = State {
            newest,
            ..State::default()
        };
        Self {
            state: Mutex::new(state),
            has_changed: Notify::new(),
        }
    }

    /// Tells it, at once if it waits. What it has not been told by now it need not be told any more.
    pub(super) fn tell(&self, told: &Told) {
        let mut state = self.lock();
        match state.offer(told) {
            Taken::Knows => return,
            Taken::Sent => {}
            Taken::Not => state.newest = Some(told.clone()),
        }
        self.has_changed.notify_one();
    }

    /// Tells it if it waits, and otherwise has it told in another way; nobody comes in between.
    pub(super) fn tell_or(&self, told: &Told, otherwise: impl FnOnce() -> bool) -> bool {
        let mut state = self.lock();
        match state.offer(told) {
            Taken::Not => otherwise(),
            Taken::Knows => true,
            Taken::Sent => {
                self.has_changed.notify_one();
                true
            }
        }
    }

    pub(super) fn end(&self) {
        self.lock().is_over = true;
        self.has_changed.notify_one();
    }

    /// Who is `idle` waits from here on, for as long as this is kept, unless there `is_more` for it already.
    pub(super) fn wait(&self, idle: Option<Idle>, is_more: impl FnOnce() -> bool) -> Waiting<'_> {
        let mut state = self.lock();
        let has_more = state.sent.is_some() || state.newest.is_some() || is_more();
        state.idle = idle.filter(|_| !has_more);
        Waiting(self)
    }

    /// `None` when nothing more will come. Nothing is lost when it is dropped while it waits.
    pub(super) async fn next(&self) -> Option<Next> {
        loop {
            if let Some(next) = self.lock().next() {
                return next;
            }
            self.has_changed.notified().await;
        }
    }

    /// What it was told at once, if it has not heard of that.
    pub(super) fn sent(&self) -> Option<Told> {
        self.lock().sent.take()
    }

    /// It has not arrived: it is told again, unless there is something newer.
    pub(super) fn put_back(&self, told: Told) {
        self.lock().newest.get_or_insert(told);
        self.has_changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    /// One thing at most: then its task has to have its turn.
    fn offer(&mut self, told: &Told) -> Taken {
        let Some(Idle { taker, read_at }) = &self.idle else {
            return Taken::Not;
        };
        let taken = taker.take(told, *read_at);
        match taken {
            Taken::Knows => {}
            Taken::Not => self.idle = None,
            Taken::Sent => {
                self.idle = None;
                self.sent = Some(told.clone());
            }
        }
        taken
    }

    /// If it is known.
    fn next(&mut self) -> Option<Option<Next>> {
        if let Some(told) = self.sent.take() {
            return Some(Some(Next::Sent(told)));
        }
        match self.newest.take() {
            Some(told) => Some(Some(Next::ToSend(told))),
            None => self.is_over.then_some(None),
        }
    }
}

pub(super) struct Waiting<'a>(&'a Slot);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.lock().idle = None;
    }
}
