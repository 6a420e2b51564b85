//! What a subscriber has yet to be told: the newest value, or where every event counts, all of them.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::{Future, pending};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::queue::Queue;
use super::slot::{Idle, Next, Slot};
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

/// So many are in a socket at once, at the most.
const AHEAD_IN_SOCKET: usize = 8;
/// What has been in a socket for so long has been read.
const READ_WITHIN: Duration = Duration::from_secs(1);

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

impl Told {
    /// For whoever goes on, if it can be unread: of an empty value nothing stays in a socket.
    fn if_unread(&self) -> Option<Self> {
        (!self.octets.is_empty()).then(|| Self {
            receipt: None,
            _place: None,
            ..self.clone()
        })
    }
}

/// The end where changes go in.
pub(super) enum Changes {
    Latest(Arc<Mutex<Latest>>),
    Every(Arc<Mutex<Events>>),
}

/// Where those begin who want to hear of changes.
#[derive(Clone)]
pub(super) enum Source {
    Latest(Arc<Mutex<Latest>>),
    Every(Arc<Mutex<Events>>),
}

/// Everybody who hears of the newest value.
#[derive(Default)]
pub(super) struct Latest {
    slots: Vec<Arc<Slot>>,
    newest: Told,
    /// Nothing more will come.
    is_over: bool,
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
    slot: Arc<Slot>,
    /// Held by each event that waits.
    places: Arc<()>,
}

/// What a socket, or one after the other, has yet to carry.
pub(super) struct Feed {
    news: News,
    /// What was sent and may be unread, the newest last.
    unread: Vec<Told>,
    /// Of the source that it comes from.
    pub(super) number: u64,
}

enum News {
    Latest(Arc<Slot>),
    Every {
        queue: Queue,
        slot: Arc<Slot>,
        /// Events can be sent while others are unread.
        goes_ahead: bool,
    },
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
    let latest = Arc::<Mutex<Latest>>::default();
    (Changes::Latest(latest.clone()), Source::Latest(latest))
}

impl Changes {
    /// Whether it tells in this way; if so, with as many ahead from here on.
    pub(super) fn goes_on(&self, every: Option<usize>) -> bool {
        match (self, every) {
            (Self::Latest(_), None) => true,
            // Whether something can be sent ahead is known from the beginning.
            (Self::Every(events), Some(ahead)) => {
                let mut events = lock(events);
                let goes_on = (events.ahead > 0) == (ahead > 0);
                if goes_on {
                    events.ahead = ahead;
                }
                goes_on
            }
            (Self::Latest(_), Some(_)) | (Self::Every(_), None) => false,
        }
    }

    pub(super) fn tell(&self, told: Told, receipt: &Receipt) {
        match self {
            Self::Latest(latest) => lock(latest).tell(told),
            Self::Every(events) => lock(events).tell(told, receipt),
        }
    }
}

/// Whoever listens hears that there is nothing more to come.
impl Drop for Changes {
    fn drop(&mut self) {
        match self {
            Self::Latest(latest) => lock(latest).end(),
            Self::Every(events) => lock(events).listeners.clear(),
        }
    }
}

impl Source {
    /// A subscription hears of what changes from now on, or has changed while it was being made.
    pub(super) fn subscribe(&self, name: &Arc<str>) -> Feed {
        match self {
            Self::Latest(latest) => Feed::of(News::Latest(lock(latest).listen())),
            Self::Every(events) => {
                let mut events = lock(events);
                let goes_ahead = events.ahead > 0;
                let (events, slot) = events.listen();
                let queue = Queue::new(events, name.clone());
                Feed::of(News::Every {
                    queue,
                    slot,
                    goes_ahead,
                })
            }
        }
    }
}

impl Latest {
    fn tell(&mut self, told: Told) {
        // Whoever does not listen any more is forgotten.
        self.slots.retain(|slot| Arc::strong_count(slot) > 1);
        for slot in &self.slots {
            slot.tell(&told);
        }
        self.newest = told;
    }

    fn end(&mut self) {
        self.is_over = true;
        self.slots.drain(..).for_each(|slot| slot.end());
    }

    fn listen(&mut self) -> Arc<Slot> {
        let recent = is_recent(self.newest.at).then(|| self.newest.clone());
        let slot = Arc::new(Slot::with(recent));
        match self.is_over {
            true => slot.end(),
            false => self.slots.push(slot.clone()),
        }
        slot
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
        self.listeners.retain(|listener| {
            let Listener {
                events,
                slot,
                places,
            } = listener;
            slot.tell_or(&told, || {
                let waiting = Arc::strong_count(places) - 1;
                let told = Told {
                    receipt: (waiting >= ahead).then(|| receipt.clone()),
                    _place: Some(places.clone()),
                    ..told.clone()
                };
                events.send(told).is_ok()
            })
        });
    }

    fn listen(&mut self) -> (mpsc::UnboundedReceiver<Told>, Arc<Slot>) {
        let (listener, events) = mpsc::unbounded_channel();
        for told in self.recent.iter().filter(|told| is_recent(told.at)) {
            // The other end is here.
            let _ = listener.send(told.clone());
        }
        let slot = Arc::<Slot>::default();
        self.listeners.push(Listener {
            events: listener,
            slot: slot.clone(),
            places: Arc::default(),
        });
        (events, slot)
    }
}

impl Feed {
    fn of(news: News) -> Self {
        Self {
            news,
            unread: Vec::new(),
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
    /// while it waits. Who says that it is `idle` may be told at once meanwhile.
    pub(super) async fn next(&mut self, idle: Option<Idle>) -> Option<Next> {
        let (slot, queue) = match &mut self.news {
            News::Latest(slot) => {
                let _waiting = slot.wait(idle, || false);
                return slot.next().await;
            }
            News::Every { queue, slot, .. } => (slot, queue),
            News::Nothing => return None,
        };
        let next = {
            let _waiting = slot.wait(idle, || queue.is_there());
            tokio::select! {
                biased;
                next = slot.next() => next,
                told = queue.next() => told.map(Next::ToSend),
            }
        };
        // Somebody on another thread may have told it at once just before.
        let next = match (next, slot.sent()) {
            (Some(Next::ToSend(told)), Some(sent)) => {
                queue.put_back(told);
                Some(Next::Sent(sent))
            }
            (next, _) => next,
        };
        if let Some(Next::Sent(_)) = next {
            queue.has_moved();
        }
        next
    }

    /// It could not be sent: it comes again, or something newer where that will do.
    pub(super) fn put_back(&mut self, told: Told) {
        if !told.octets.is_empty() {
            self.unread.pop();
        }
        self.tell_again(told);
    }

    fn tell_again(&mut self, told: Told) {
        match &mut self.news {
            News::Latest(slot) => slot.put_back(told),
            News::Every { queue, .. } => queue.put_back(told),
            News::Nothing => {}
        }
    }

    /// It is in the socket, or is about to be.
    pub(super) fn goes(&mut self, told: &Told) {
        self.forget_read();
        self.unread.extend(told.if_unread());
    }

    /// There is room in the socket. If one was unread, none is; of several, the last may be.
    pub(super) fn has_room(&mut self) {
        let last = self.unread.pop().filter(|_| !self.unread.is_empty());
        self.unread.clear();
        self.unread.extend(last);
    }

    fn forget_read(&mut self) {
        self.unread
            .retain(|told| told.at.is_some_and(|at| at.elapsed() < READ_WITHIN));
    }

    /// Whether one more can be sent while others are unread.
    pub(super) fn goes_ahead(&self) -> bool {
        let goes_ahead = match &self.news {
            News::Every { goes_ahead, .. } => *goes_ahead,
            News::Latest(_) | News::Nothing => false,
        };
        goes_ahead && (1..AHEAD_IN_SOCKET).contains(&self.unread.len())
    }

    /// From here on it is another one; what is unread still is.
    pub(super) fn become_as(&mut self, next: Self) {
        let unread = std::mem::take(&mut self.unread);
        *self = Self { unread, ..next };
    }

    /// It has been sent, and what follows may have to wait until it is confirmed.
    pub(super) fn sent(&mut self, told: Told) {
        match &mut self.news {
            News::Every { queue, .. } => queue.sent(told),
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
            News::Every { queue, .. } => queue.pile_up().await,
            News::Latest(_) | News::Nothing => pending().await,
        }
    }

    /// Another socket goes on: what may be unread in the last one is sent once more.
    pub(super) fn hand_over(&mut self) {
        let sent = match &self.news {
            News::Latest(slot) | News::Every { slot, .. } => slot.sent(),
            News::Nothing => None,
        };
        self.forget_read();
        let sent = sent.and_then(|told| told.if_unread());
        let all: Vec<Told> = self.unread.drain(..).chain(sent).collect();
        all.into_iter().rev().for_each(|told| self.tell_again(told));
    }
}

fn is_recent(at: Option<Instant>) -> bool {
    at.is_some_and(|at| at.elapsed() < SUBSCRIBING)
}

/// Also after somebody has panicked with it: everything behind it is about to end then, and has to be able to.
pub(super) fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
