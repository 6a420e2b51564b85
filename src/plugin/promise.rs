//! What a central is told only when it is so.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::Shared;
use crate::engine::{Broken, CellId, LinkId, Standing};

/// A central gives up after 30 s (Core Spec 5.4, Vol 3, Part F, 3.3.3), and the connection with it. Whoever
/// has not got there in this time has to say so before that.
const WITHIN: Duration = Duration::from_secs(10);

/// A write has been accepted. What its response promises is on its way.
#[must_use = "the response has to wait for it"]
pub struct Promise {
    shared: Arc<Shared>,
    link: LinkId,
    cell: CellId,
    version: u64,
    until: Instant,
}

impl Promise {
    /// What is promised is this version of the cell, or a newer one; 0 promises nothing.
    pub(super) fn new(shared: Arc<Shared>, link: LinkId, cell: CellId, version: u64) -> Self {
        Self {
            shared,
            link,
            cell,
            version,
            until: Instant::now() + WITHIN,
        }
    }

    /// Whether it is kept already; `None` while that takes its time.
    pub fn at_once(&self) -> Option<Result<(), NotKept>> {
        let standing = self.standing();
        if standing.is_some() {
            self.is_answered();
        }
        standing
    }

    /// What the response waits for is over.
    fn is_answered(&self) {
        let times = &self.shared.observed.links[self.link.index()].writes;
        let left = self.until.saturating_duration_since(Instant::now());
        times.observe(WITHIN.saturating_sub(left));
    }

    fn standing(&self) -> Option<Result<(), NotKept>> {
        match self.shared.standing(self.cell, self.version) {
            Standing::Waits => None,
            Standing::Kept => Some(Ok(())),
            Standing::Broken(Broken::NotJournaled) => Some(Err(NotKept::Journal)),
            Standing::Broken(Broken::NotDelivered) => Some(Err(NotKept::Carrier)),
            Standing::Broken(Broken::NotConfirmed) => Some(Err(NotKept::Owner)),
        }
    }

    /// Resolves when it is kept.
    ///
    /// # Errors
    /// When it is not, ten seconds after the write at the latest. The write itself stands as far as it got.
    pub async fn kept(self) -> Result<(), NotKept> {
        let wait = async {
            loop {
                let progress = self.shared.progress.notified();
                if let Some(result) = self.standing() {
                    return result;
                }
                progress.await;
            }
        };
        let kept = timeout_at(self.until, wait).await;
        self.is_answered();
        kept.unwrap_or(Err(NotKept::Time))
    }
}

/// Why a promise is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotKept {
    /// It cannot be written where it would survive a power cut.
    Journal,
    /// It has expired, or given way to a newer event, before anybody acknowledged it.
    Carrier,
    /// The owner has not confirmed it.
    Owner,
    /// Nobody has acknowledged it in time.
    Time,
}
