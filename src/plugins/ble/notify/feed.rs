//! What a subscriber has yet to be told: the newest value, or where every event counts, all of them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::engine::PeerId;
use crate::plugin::Receipt;

/// BlueZ may tell a central that it has subscribed before it tells us. A change between the two would
/// be lost on it.
pub(super) const SUBSCRIBING: Duration = Duration::from_millis(100);
/// So many events are kept for a central that is about to subscribe.
const RECENT_MAX: usize = 64;

/// What the subscribers of one characteristic are to hear.
#[derive(Clone, Default)]
pub(super) struct Told {
    pub(super) octets: Arc<[u8]>,
    /// The central that knows already.
    pub(super) writer: Option<PeerId>,
    pub(super) at: Option<Instant>,
    /// Held until it is told, where every event counts.
    pub(super) receipt: Option<Receipt>,
}

/// The end where changes go in.
pub(super) enum Changes {
    Latest(watch::Sender<Told>),
    Every(Arc<Mutex<Events>>),
}

/// Where those begin who want to hear of changes.
pub(super) enum Source {
    Latest(watch::Receiver<Told>),
    Every(Arc<Mutex<Events>>),
}

/// Everybody who hears every event. Nothing piles up: the next event comes only when all have been told
/// of the last.
#[derive(Default)]
pub(super) struct Events {
    listeners: Vec<mpsc::UnboundedSender<Told>>,
    /// Without their receipts.
    recent: VecDeque<Told>,
}

/// What a socket, or one after the other, has yet to carry.
pub(super) struct Feed {
    news: News,
    /// What was taken and could not be sent.
    unsent: Option<Told>,
    /// The last value that was sent, if it may be unread.
    pub(super) unread: Option<Told>,
}

enum News {
    Latest(watch::Receiver<Told>),
    Every(mpsc::UnboundedReceiver<Told>),
    /// Nobody wants any.
    Nothing,
}

/// Both ends, for one characteristic.
pub(super) fn changes(every: bool) -> (Changes, Source) {
    if every {
        let events = Arc::<Mutex<Events>>::default();
        return (Changes::Every(events.clone()), Source::Every(events));
    }
    let (sender, latest) = watch::channel(Told::default());
    (Changes::Latest(sender), Source::Latest(latest))
}

impl Changes {
    pub(super) fn tell(&self, told: Told, receipt: &Receipt) {
        match self {
            Self::Latest(latest) => {
                latest.send_replace(told);
            }
            Self::Every(events) => lock(events).tell(told, receipt),
        }
    }
}

/// Whoever listens hears that there is nothing more to come.
impl Drop for Changes {
    fn drop(&mut self) {
        match self {
            Self::Latest(_) => {}
            Self::Every(events) => lock(events).listeners.clear(),
        }
    }
}

impl Source {
    /// A subscription hears of what changes from now on, or has changed while it was being made.
    pub(super) fn subscribe(&self) -> Feed {
        match self {
            Self::Latest(latest) => {
                let mut latest = latest.clone();
                latest.mark_unchanged();
                let changed_at = latest.borrow().at;
                if is_recent(changed_at) {
                    latest.mark_changed();
                }
                Feed::of(News::Latest(latest))
            }
            Self::Every(events) => Feed::of(News::Every(lock(events).listen())),
        }
    }
}

impl Events {
    fn tell(&mut self, told: Told, receipt: &Receipt) {
        self.recent.retain(|told| is_recent(told.at));
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(told.clone());
        let receipt = Some(receipt.clone());
        let told = Told { receipt, ..told };
        // Whoever does not listen any more is forgotten.
        self.listeners
            .retain(|listener| listener.send(told.clone()).is_ok());
    }

    fn listen(&mut self) -> mpsc::UnboundedReceiver<Told> {
        let (listener, events) = mpsc::unbounded_channel();
        for told in self.recent.iter().filter(|told| is_recent(told.at)) {
            // The other end is here.
            let _ = listener.send(told.clone());
        }
        self.listeners.push(listener);
        events
    }
}

impl Feed {
    fn of(news: News) -> Self {
        Self {
            news,
            unsent: None,
            unread: None,
        }
    }

    /// For the time when nobody subscribes: whatever it held counts as told.
    pub(super) fn nothing() -> Self {
        Self::of(News::Nothing)
    }

    /// What is to be sent next; `None` when nothing more will be. Nothing is lost when it is dropped
    /// while it waits.
    pub(super) async fn next(&mut self) -> Option<Told> {
        if let Some(told) = self.unsent.take() {
            return Some(told);
        }
        match &mut self.news {
            News::Latest(latest) => {
                latest.changed().await.ok()?;
                Some(latest.borrow_and_update().clone())
            }
            News::Every(events) => events.recv().await,
            News::Nothing => None,
        }
    }

    /// It could not be sent: it comes again, or something newer where that will do.
    pub(super) fn put_back(&mut self, told: Told) {
        match &mut self.news {
            News::Latest(latest) => latest.mark_changed(),
            News::Every(_) | News::Nothing => self.unsent = Some(told),
        }
    }

    /// Another socket goes on: what may be unread in the last one is sent once more.
    pub(super) fn hand_over(&mut self) {
        if let Some(told) = self.unread.take() {
            // What was taken before that could not be sent before it was.
            self.put_back(told);
        }
    }
}

fn is_recent(at: Option<Instant>) -> bool {
    at.is_some_and(|at| at.elapsed() < SUBSCRIBING)
}

fn lock(events: &Mutex<Events>) -> std::sync::MutexGuard<'_, Events> {
    events.lock().expect("nothing panics with it")
}
