//! What can be seen of the process, by whoever shows it: it changes nothing.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::watch;

use super::{Flow, Health, Shared, View};
use crate::engine::CellId;
use crate::metrics::Snapshot;

/// Looks at one configuration at work; when another has taken its place, at that, and cells are still named
/// as in the one that it was made for. Clones are the same one.
#[derive(Clone)]
pub struct Observer {
    shared: Arc<Shared>,
}

impl Observer {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Every step on the way of any value, from now on.
    pub fn flow(&self) -> Flow {
        self.shared.observed.flow()
    }

    /// How all links are, and who is connected.
    pub fn health(&self) -> Health {
        self.latest().observed.health()
    }

    /// Changes with whatever [`Observer::health`] tells.
    pub fn health_changes(&self) -> watch::Receiver<u64> {
        self.shared.observed.observatory.changes()
    }

    /// How a value stands, as far as it may be shown; `None` when the configuration does not declare it any
    /// more.
    pub fn view(&self, cell: CellId) -> Option<View> {
        self.shared.view(cell)
    }

    /// By cell: a number that grows with whatever changes what [`Observer::view`] tells, but the age and
    /// what has been delivered. Whoever shows values looks here which ones to look at again.
    pub fn stamps(&self) -> Vec<u64> {
        let stamps = self.shared.observed.stamps.iter();
        stamps.map(|stamp| stamp.load(Ordering::Relaxed)).collect()
    }

    /// By cell: its name, which no other has.
    pub fn value_names(&self) -> &[Arc<str>] {
        &self.shared.observed.names
    }

    /// All that is counted.
    pub fn snapshot(&self) -> Snapshot {
        self.latest().snapshot()
    }

    /// How many configurations there have been, this one included.
    pub fn generation(&self) -> u64 {
        self.latest().observed.generation
    }

    fn latest(&self) -> Arc<Shared> {
        let mut latest = self.shared.clone();
        while let Some(next) = latest.successor() {
            latest = next.shared.clone();
        }
        latest
    }
}
