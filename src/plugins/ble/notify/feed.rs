//! What a subscriber has yet to be told: the newest value, or where every event counts, all of them.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::{Future, pending};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::queue::Queue;
use crate::engine::PeerId;
use crate::plugin::Receipt;

/// BlueZ may tell a central that it has subscribed before it tells us. A change between the two would
/// be lost on it.
pub(super) const SUBSCRIBING: Duration = Duration::from_millis(100);
/// So many events are kept for a central that is about to subscribe.
const RECENT_MAX: usize = 64;
/// So many events wait at each subscriber for the next time that its socket is read, where nothing has to be
/// confirmed. Without them, bluetoothd would wait for each until the engine has heard of the last.
pub(super) const AHEAD: usize = 16;

/// What the subscribers of one characteristic are to hear.
#[derive(Clone, Default)]
pub(super) struct Told {
    pub(super) octets: Arc<[u8]>,
    /// Of the value.
    pub(super) version: u64,
    /// The central that knows already.
    pub(super) writer: Option<PeerId>,
    pub(super) at: Option<Instant>,
    /// Held until it is told, where every event counts.
    pub(super) receipt: Option<Receipt>,
    /// Its place among those that wait at one subscriber.
    pub(super) _place: Option<Arc<()>>,
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

/// Everybody who hears every event. Little piles up here: where more than a few wait at one of them, the next
/// event comes only when it has been told of another, and who takes too long for that has a [`Queue`] with an
/// end.
pub(super) struct Events {
    /// So many wait at each.
    ahead: usize,
    listeners: Vec<Listener>,
    /// Without their receipts.
    recent: VecDeque<Told>,
}

struct Listener {
    events: mpsc::UnboundedSender<Told>,
    /// Held by each event that waits.
    places: Arc<()>,
}

/// What a socket, or one after the other, has yet to carry.
pub(super) struct Feed {
    news: News,
    /// The last value that was sent, if it may be unread.
    pub(super) unread: Option<Told>,
    /// Of the source that it comes from.
    pub(super) number: u64,
}

enum News {
    Latest(watch::Receiver<Told>),
    Every(Queue),
    /// Nobody wants any.
    Nothing,
}

/// Both ends, for one characteristic. `every`: every event counts, and so many may wait ahead at each subscriber.
pub(super) fn changes(every: Option<usize>) -> (Changes, Source) {
    if let Some(ahead) = every {
        let events = Arc::new(Mutex::new(Events {
            ahead,
            listeners: Vec::new(),
            recent: VecDeque::new(),
        }));
        return (Changes::Every(events.clone()), Source::Every(events));
    }
    let (sender, latest) = watch::channel(Told::default());
    (Changes::Latest(sender), Source::Latest(latest))
}

impl Changes {
    /// Whether it tells in this way; if so, with as many ahead from here on.
    pub(super) fn goes_on(&self, every: Option<usize>) -> bool {
        match (self, every) {
            (Self::Latest(_), None) => true,
            (Self::Every(events), Some(ahead)) => {
                lock(events).ahead = ahead;
                true
            }
            (Self::Latest(_), Some(_)) | (Self::Every(_), None) => false,
        }
    }

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
    pub(super) fn subscribe(&self, name: &Arc<str>) -> Feed {
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
            Self::Every(events) => {
                let events = lock(events).listen();
                Feed::of(News::Every(Queue::new(events, name.clone())))
            }
        }
    }
}

impl Events {
    fn tell(&mut self, told: Told, receipt: &Receipt) {
        // They are in order, and this is the newest: the clock need not be asked for each.
        let is_old = |it: &Told| {
            it.at
                .zip(told.at)
                .is_none_or(|(at, now)| now - at >= SUBSCRIBING)
        };
        while self.recent.len() == RECENT_MAX || self.recent.front().is_some_and(is_old) {
            self.recent.pop_front();
        }
        self.recent.push_back(told.clone());
        let ahead = self.ahead;
        // Whoever does not listen any more is forgotten.
        self.listeners.retain(|Listener { events, places }| {
            let waiting = Arc::strong_count(places) - 1;
            let told = Told {
                receipt: (waiting >= ahead).then(|| receipt.clone()),
                _place: Some(places.clone()),
                ..told.clone()
            };
            events.send(told).is_ok()
        });
    }

    fn listen(&mut self) -> mpsc::UnboundedReceiver<Told> {
        let (listener, events) = mpsc::unbounded_channel();
        for told in self.recent.iter().filter(|told| is_recent(told.at)) {
            // The other end is here.
            let _ = listener.send(told.clone());
        }
        self.listeners.push(Listener {
            events: listener,
            places: Arc::default(),
        });
        events
    }
}

impl Feed {
    fn of(news: News) -> Self {
        Self {
            news,
            unread: None,
            number: 0,
        }
    }

    pub(super) fn numbered(self, number: u64) -> Self {
        Self { number, ..self }
    }

    /// For the time when nobody subscribes: whatever it held counts as told.
    pub(super) fn nothing() -> Self {
        Self::of(News::Nothing)
    }

    /// What is to be sent next; `None` when nothing more will be. Nothing is lost when it is dropped
    /// while it waits.
    pub(super) async fn next(&mut self) -> Option<Told> {
        match &mut self.news {
            News::Latest(latest) => {
                latest.changed().await.ok()?;
                Some(latest.borrow_and_update().clone())
            }
            News::Every(queue) => queue.next().await,
            News::Nothing => None,
        }
    }

    /// It could not be sent: it comes again, or something newer where that will do.
    pub(super) fn put_back(&mut self, told: Told) {
        match &mut self.news {
            News::Latest(latest) => latest.mark_changed(),
            News::Every(queue) => queue.put_back(told),
            News::Nothing => {}
        }
    }

    /// It has been sent, and what follows may have to wait until it is confirmed.
    pub(super) fn sent(&mut self, told: Told) {
        match &mut self.news {
            News::Every(queue) => queue.sent(told),
            News::Latest(_) | News::Nothing => {}
        }
    }

    /// Waits for what has to happen before [`Feed::next`]. Nobody else is kept waiting by that for long.
    pub(super) async fn beside<T>(&mut self, waiting: impl Future<Output = T>) -> T {
        tokio::select! {
            biased;
            done = waiting => done,
            never = self.pile_up() => match never {},
        }
    }

    async fn pile_up(&mut self) -> Infallible {
        match &mut self.news {
            News::Every(queue) => queue.pile_up().await,
            News::Latest(_) | News::Nothing => pending().await,
        }
    }

    /// Another socket goes on: what may be unread in the last one is sent once more.
    pub(super) fn hand_over(&mut self) {
        if let Some(told) = self.unread.take() {
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
