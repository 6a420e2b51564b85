//! What the server and the link share, and what outlives a configuration: sessions, open streams, centrals.

use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::Bytes;
use serde::Serialize;
use tokio::sync::{Semaphore, broadcast, watch};

use super::centrals::Centrals;
use super::config::Settings;
use super::current::Current;
use super::flow::Steps;
use super::model::DeviceEvent;
use super::problem::Problem;
use super::token::Sessions;

/// So many streams there are at once.
pub(super) const STREAMS_MAX: usize = 32;
/// So many events wait for a browser that is slow to take them; then it is told anew how things stand.
const FRAMES_MAX: usize = 256;

/// What the server and the link share.
pub(super) struct State {
    pub(super) settings: Settings,
    /// `None` between two configurations.
    current: watch::Sender<Option<Arc<Current>>>,
    frames: broadcast::Sender<Frame>,
    sessions: Mutex<Sessions>,
    /// What was shown last, while a new configuration is taken up.
    before: Mutex<Option<Arc<Current>>>,
    steps: Mutex<Steps>,
    /// Streams end: the server does.
    over: watch::Sender<bool>,
    pub(super) centrals: Centrals,
    pub(super) streams: Arc<Semaphore>,
}

/// An event for the streams, made once for all of them.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// Whose it is: of a virtual central, it goes to the stream that is bound to it.
    pub(super) central: Option<u64>,
    pub(super) text: Bytes,
}

impl Frame {
    /// An event of this name, with this as its data.
    pub(super) fn new(event: &str, data: &impl Serialize) -> Self {
        let data = serde_json::to_string(data).unwrap_or_else(|_| "null".to_owned());
        Self {
            central: None,
            text: format!("event: {event}\ndata: {data}\n\n").into(),
        }
    }

    pub(super) fn of_central(id: u64, event: &str, data: &impl Serialize) -> Self {
        Self {
            central: Some(id),
            ..Self::new(event, data)
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
            frames: broadcast::Sender::new(FRAMES_MAX),
            sessions: Mutex::default(),
            centrals: Centrals::default(),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
        }
    }

    /// From here on this is what is shown.
    pub(super) fn point_at(&self, current: &Arc<Current>) {
        self.current.send_replace(Some(current.clone()));
        self.tell_device(current);
    }

    /// There is nothing to show for a while. What was shown is kept for the one that comes next.
    pub(super) fn point_nowhere(&self) {
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

    /// The device is another, or what carries it.
    pub(super) fn tell_device(&self, current: &Current) {
        let generation = current.generation;
        self.tell(|| Frame::new("device", &DeviceEvent { generation }));
    }

    /// Whether anybody listens.
    pub(super) fn is_heard(&self) -> bool {
        self.frames.receiver_count() > 0
    }

    /// Tells all streams, if there are any.
    pub(super) fn tell(&self, frame: impl FnOnce() -> Frame) {
        if self.is_heard() {
            // An error means that the last one has just gone.
            let _ = self.frames.send(frame());
        }
    }

    pub(super) fn frames(&self) -> broadcast::Receiver<Frame> {
        self.frames.subscribe()
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
