//! Whether anybody looks. The steps of values are followed for whoever does and for an hour after, so that what led to
//! a surprise is still there; what nobody looks at costs nothing.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::current::Current;
use crate::plugin::Flow;

/// For so long after the last request.
const LASTS: Duration = Duration::from_secs(60 * 60);

#[derive(Default)]
pub(super) struct Attention {
    state: Mutex<Looking>,
    begins: Notify,
}

#[derive(Default)]
struct Looking {
    last: Option<Instant>,
    /// From the moment of the request on that began it, until somebody follows.
    flow: Option<Flow>,
}

impl Attention {
    /// Somebody asks for something. Of the configuration that there is, no step is missed from here on.
    pub(super) fn pay(&self, current: Option<&Current>) {
        let mut looking = self.lock();
        let begins = !looking.lasts();
        looking.last = Some(Instant::now());
        if begins {
            looking.flow = current.map(|current| current.observer.flow());
            drop(looking);
            self.begins.notify_one();
        }
    }

    /// Resolves when somebody looks again after nobody did.
    pub(super) async fn begins(&self) {
        self.begins.notified().await;
    }

    /// The steps to be followed, if anybody looks: those of `known`, if there are any. Somebody who `is_heard` looks
    /// all the time.
    pub(super) fn followed(
        &self,
        known: Option<Flow>,
        current: &Current,
        is_heard: bool,
    ) -> Option<Flow> {
        let mut looking = self.lock();
        if is_heard {
            looking.last = Some(Instant::now());
        }
        let begun = looking.flow.take();
        let lasts = looking.lasts();
        drop(looking);
        lasts.then(|| known.or(begun).unwrap_or_else(|| current.observer.flow()))
    }

    fn lock(&self) -> MutexGuard<'_, Looking> {
        self.state.lock().expect("nothing panics with it")
    }
}

impl Looking {
    fn lasts(&self) -> bool {
        self.last.is_some_and(|last| last.elapsed() < LASTS)
    }
}
