//! The events that one subscriber has yet to get. For a while, it keeps the others waiting with the next
//! one; when it takes too long, they go on without it, and its queue has an end.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep_until};
use tracing::{debug, warn};

use super::feed::Told;
use crate::plugin::Receipt;

/// So long may one subscriber that takes nothing keep everybody waiting for the next event.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// So many events are kept for one that has been left behind.
pub(super) const BEHIND_MAX: usize = 64;

pub(super) struct Queue {
    name: Arc<str>,
    events: UnboundedReceiver<Told>,
    waiting: VecDeque<Told>,
    /// When the last one was taken.
    moved: Instant,
    /// Of what has been sent and is not confirmed yet.
    unconfirmed: Option<Held>,
    /// It has been left behind: nobody waits for it until it has caught up.
    is_behind: bool,
    has_lost: bool,
}

struct Held {
    since: Instant,
    _receipt: Receipt,
}

impl Queue {
    pub(super) fn new(events: UnboundedReceiver<Told>, name: Arc<str>) -> Self {
        Self {
            name,
            events,
            waiting: VecDeque::new(),
            moved: Instant::now(),
            unconfirmed: None,
            is_behind: false,
            has_lost: false,
        }
    }

    /// `None` when no more will come. Nothing is lost when it is dropped while it waits.
    pub(super) async fn next(&mut self) -> Option<Told> {
        self.unconfirmed = None;
        let next = match self.waiting.pop_front() {
            Some(told) => Some(told),
            None => {
                self.is_behind = false;
                self.events.recv().await
            }
        };
        self.moved = Instant::now();
        next
    }

    /// Whether there is something to be told.
    pub(super) fn is_there(&self) -> bool {
        !self.waiting.is_empty() || !self.events.is_empty()
    }

    /// One that waited for nobody was told.
    pub(super) fn has_moved(&mut self) {
        self.unconfirmed = None;
        self.is_behind = false;
        self.moved = Instant::now();
    }

    pub(super) fn put_back(&mut self, told: Told) {
        self.unconfirmed = None;
        self.waiting.push_front(told);
    }

    pub(super) fn sent(&mut self, told: Told) {
        self.unconfirmed = told.at.zip(told.receipt).map(|(since, receipt)| Held {
            since,
            _receipt: receipt,
        });
    }

    /// Takes what comes while the subscriber cannot be sent anything, and lets the others go on in time.
    pub(super) async fn pile_up(&mut self) -> Infallible {
        loop {
            // Who takes one after the other is slow, and not stuck.
            let due = self.held_since();
            let due = due.map(|since| since.max(self.moved) + PATIENCE);
            let due = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                biased;
                Some(told) = self.events.recv() => self.push(told),
                () = due => self.leave_behind(),
            }
        }
    }

    fn held_since(&self) -> Option<Instant> {
        let mut held = self.waiting.iter().filter(|told| told.receipt.is_some());
        let waiting = held.next().and_then(|told| told.at);
        let unconfirmed = self.unconfirmed.as_ref().map(|held| held.since);
        unconfirmed.or(waiting)
    }

    fn leave_behind(&mut self) {
        debug!(
            value = &*self.name,
            "a subscriber is slow: the others go on without it"
        );
        self.is_behind = true;
        self.unconfirmed = None;
        for told in &mut self.waiting {
            told.receipt = None;
        }
    }

    fn push(&mut self, told: Told) {
        let receipt = told.receipt.filter(|_| !self.is_behind);
        if self.waiting.len() >= BEHIND_MAX {
            self.waiting.pop_front();
            if !std::mem::replace(&mut self.has_lost, true) {
                warn!(
                    value = &*self.name,
                    "a subscriber does not take what it is told: it loses the oldest events (said once)"
                );
            }
        }
        self.waiting.push_back(Told { receipt, ..told });
    }
}
