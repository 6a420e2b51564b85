//! What the server and the link share, and what outlives a configuration: sessions, open streams, centrals.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use axum::body::Bytes;
use serde::Serialize;
use tokio::sync::{Semaphore, watch};

use super::attention::Attention;
use super::centrals::Centrals;
use super::config::Settings;
use super::current::Current;
use super::flow::Steps;
use super::model::DeviceEvent;
use super::problem::Problem;
use super::ring::{Reader, Ring};
use super::token::Sessions;

/// So many streams there are at once.
pub(super) const STREAMS_MAX: usize = 32;
/// So many wait for the answer to a wrong token; others are sent away at once.
const ASLEEP_MAX: usize = 8;
/// So many bytes of events are kept for browsers that are slow to take them, for all of them together; who is slower
/// is told anew how things stand.
const FRAMES_ROOM: usize = 1024 * 1024;

/// What the server and the link share.
pub(super) struct State {
    pub(super) settings: Settings,
    /// `None` between two configurations.
    current: watch::Sender<Option<Arc<Current>>>,
    frames: Arc<Ring>,
    /// How often the streams have been told that the device is another.
    devices: AtomicU64,
    /// Where the server listens; the system may have chosen it.
    pub(super) port: OnceLock<u16>,
    sessions: Mutex<Sessions>,
    /// What was shown last, while a new configuration is taken up.
    before: Mutex<Option<Arc<Current>>>,
    steps: Mutex<Steps>,
    /// Streams end: the server does.
    over: watch::Sender<bool>,
    pub(super) attention: Attention,
    pub(super) centrals: Centrals,
    pub(super) streams: Arc<Semaphore>,
    /// Room for those who wait for the answer to a wrong token: each holds a connection.
    pub(super) asleep: Semaphore,
}

/// An event for streams, made once for all of them.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// For an event of that: how often the device has been another.
    pub(super) device: Option<u64>,
    pub(super) text: Bytes,
}

impl Frame {
    /// An event of this name, with this as its data.
    pub(super) fn new(event: &str, data: &impl Serialize) -> Self {
        let data = serde_json::to_string(data).unwrap_or_else(|_| "null".to_owned());
        Self {
            device: None,
            text: format!("event: {event}\ndata: {data}\n\n").into(),
        }
    }
}

impl State {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            current: watch::Sender::new(None),
            before: Mutex::default(),
            steps: Mutex::default(),
            over: watch::Sender::new(false),
            frames: Ring::new(FRAMES_ROOM),
            devices: AtomicU64::new(0),
            port: OnceLock::new(),
            sessions: Mutex::default(),
            attention: Attention::default(),
            centrals: Centrals::default(),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            asleep: Semaphore::new(ASLEEP_MAX),
        }
    }

    /// From here on this is what is shown.
    pub(super) fn point_at(&self, current: &Arc<Current>) {
        self.current.send_replace(Some(current.clone()));
        self.tell_device(current);
    }

    /// There is nothing to show for a while. What was shown is kept for the one that comes next.
    pub(super) fn point_nowhere(&self) {
        self.steps().settle();
        let before = self.current.send_replace(None);
        *locked(&self.before) = before;
    }

    /// What another has shown is what was shown before.
    pub(super) fn goes_on_from(&self, other: &Self) {
        *locked(&self.before) = other.before();
    }

    /// What was shown before.
    pub(super) fn before(&self) -> Option<Arc<Current>> {
        locked(&self.before).take()
    }

    /// All streams end.
    pub(super) fn end(&self) {
        self.over.send_replace(true);
    }

    /// Resolves when they do.
    pub(super) async fn over(&self) {
        let mut over = self.over.subscribe();
        // The sender lives in `self`.
        let _ = over.wait_for(|over| *over).await;
    }

    pub(super) fn steps(&self) -> MutexGuard<'_, Steps> {
        locked(&self.steps)
    }

    /// What is shown.
    ///
    /// # Errors
    /// A [`Problem`] between two configurations.
    pub(super) fn current(&self) -> Result<Arc<Current>, Problem> {
        self.current.borrow().clone().ok_or_else(Problem::not_now)
    }

    /// Somebody asks for something.
    pub(super) fn is_looked_at(&self) {
        let current = self.current.borrow().clone();
        self.attention.pay(current.as_deref());
    }

    /// The device is another, or what carries it.
    pub(super) fn tell_device(&self, current: &Current) {
        let generation = current.generation;
        let device = Some(self.devices.fetch_add(1, Ordering::Relaxed) + 1);
        self.tell(|| Frame {
            device,
            ..Frame::new("device", &DeviceEvent { generation })
        });
    }

    /// How often the device has been another.
    pub(super) fn devices(&self) -> u64 {
        self.devices.load(Ordering::Relaxed)
    }

    /// Whether anybody listens.
    pub(super) fn is_heard(&self) -> bool {
        self.frames.is_followed()
    }

    /// Tells all streams, if there are any.
    pub(super) fn tell(&self, frame: impl FnOnce() -> Frame) {
        if self.is_heard() {
            self.frames.push(frame());
        }
    }

    pub(super) fn frames(&self) -> Reader {
        self.frames.follow()
    }

    pub(super) fn sessions(&self) -> MutexGuard<'_, Sessions> {
        locked(&self.sessions)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .expect("nothing panics while one of these is locked")
}
