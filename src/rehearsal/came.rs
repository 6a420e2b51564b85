//! What has come of a test so far, until it is expected.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::gatt::server::{Central, Notification, Subscribed};
use crate::plugin::Stage;
use crate::plugin::stage::Published;
use tokio::time::Instant;

/// Something that came.
#[derive(Clone, Debug)]
pub(super) struct Came {
    /// Since the start.
    pub(super) at: Duration,
    pub(super) what: What,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    Published(Published),
    Notified {
        central: usize,
        characteristic: usize,
        octets: Vec<u8>,
        by: Subscribed,
    },
}

/// What centrals have heard and nobody has looked at.
#[derive(Clone, Default)]
pub(super) struct Ears(Arc<Mutex<Vec<Came>>>);

impl Ears {
    /// Hears all that a central is told, for as long as it is connected, and confirms every indication.
    pub(super) async fn listen(
        self,
        central: Arc<Central>,
        number: usize,
        started: Instant,
        characteristic_at: impl Fn(u16) -> Option<usize>,
    ) {
        while let Some(notification) = central.next_notification().await {
            let Notification { handle, value, by } = notification;
            if by == Subscribed::Indicate && central.confirm().is_err() {
                return;
            }
            let Some(characteristic) = characteristic_at(handle) else {
                continue;
            };
            self.heard().push(Came {
                at: started.elapsed(),
                what: What::Notified {
                    central: number,
                    characteristic,
                    octets: value,
                    by,
                },
            });
        }
    }

    fn heard(&self) -> MutexGuard<'_, Vec<Came>> {
        self.0.lock().expect("nothing panics while it is locked")
    }
}

/// Everything that came and was not expected yet, in its order. Of what came in the same instant the
/// publishes stand first, then the centrals in theirs: nothing else could tell them apart.
pub(super) struct Pending {
    stage: Stage,
    seen: usize,
    ears: Ears,
    came: Vec<Came>,
}

impl Pending {
    pub(super) fn new(stage: Stage, ears: Ears) -> Self {
        Self {
            stage,
            seen: 0,
            ears,
            came: Vec::new(),
        }
    }

    /// Takes in what has come since the last time.
    pub(super) fn look(&mut self) {
        let published = self.stage.published_since(self.seen);
        self.seen += published.len();
        let published = published.into_iter().map(|it| Came {
            at: it.at,
            what: What::Published(it),
        });
        let mut fresh: Vec<Came> = published.collect();
        fresh.append(&mut self.ears.heard());
        fresh.sort_by_key(|came| {
            let place = match &came.what {
                What::Published(_) => 0,
                What::Notified { central, .. } => central + 1,
            };
            (came.at, place)
        });
        self.came.append(&mut fresh);
    }

    /// The first of a kind; it is then no longer pending.
    pub(super) fn take(&mut self, is_it: impl Fn(&What) -> bool) -> Option<Came> {
        let index = self.came.iter().position(|came| is_it(&came.what))?;
        Some(self.came.remove(index))
    }

    pub(super) fn all(&self) -> &[Came] {
        &self.came
    }
}

/// Whether a topic is meant by a filter with `+` and `#`.
pub(super) fn matches(filter: &str, topic: &str) -> bool {
    let mut levels = topic.split('/');
    let mut filters = filter.split('/');
    loop {
        match (filters.next(), levels.next()) {
            (Some("#"), _) | (None, None) => return true,
            (Some("+"), Some(_)) => {}
            (Some(wanted), Some(level)) if wanted == level => {}
            _ => return false,
        }
    }
}
