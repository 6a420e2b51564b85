//! When the file is written. Pure: time is an argument.
//!
//! A second after a change, so that what comes together is written together. But a flash card bears only
//! so many writes, so a value has a budget: whoever changes it now and then never notices, and one that
//! never rests is written once a minute. Who changes it does not matter: a sensor behind a broker wears a
//! card out as a ticker does. Each value has its own, so that a restless one does not hold up the others.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::engine::CellId;

/// A change is written so long after it.
const TOGETHER: Duration = Duration::from_secs(1);
/// So many writes a value may cause one after the other.
const BUDGET: u32 = 30;
/// So long after it has caused one, it may cause one more.
const REFILL: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Pacing {
    values: BTreeMap<CellId, Budget>,
    /// It is written then, and not before, whatever has changed: at the start.
    anyway: Option<Instant>,
}

#[derive(Debug)]
struct Budget {
    left: u32,
    /// Since when it has been filled up again.
    filled: Instant,
    /// Since when a change has waited.
    waits: Option<Instant>,
}

impl Pacing {
    /// The file is to be written at once.
    pub(super) fn new(cells: impl Iterator<Item = CellId>, now: Instant) -> Self {
        let budget = || Budget {
            left: BUDGET,
            filled: now,
            waits: None,
        };
        Self {
            values: cells.map(|cell| (cell, budget())).collect(),
            anyway: Some(now),
        }
    }

    pub(super) fn changed(&mut self, now: Instant, cell: CellId) {
        if let Some(budget) = self.values.get_mut(&cell) {
            budget.waits.get_or_insert(now);
        }
    }

    /// When the file is to be written, if anything waits for it.
    pub(super) fn due(&self) -> Option<Instant> {
        let first = || self.values.values().filter_map(Budget::due).min();
        self.anyway.or_else(first)
    }

    /// It is written now, with all that has changed, unless that is what it holds already. Whoever was
    /// due has caused it.
    pub(super) fn begins(&mut self, now: Instant, is_written: bool) {
        let for_a_value = self.anyway.take().is_none();
        for budget in self.values.values_mut() {
            if is_written && for_a_value && budget.due().is_some_and(|due| due <= now) {
                budget.spend(now);
            }
            budget.waits = None;
        }
    }
}

impl Budget {
    fn due(&self) -> Option<Instant> {
        let together = self.waits? + TOGETHER;
        Some(match self.left {
            0 => together.max(self.filled + REFILL),
            _ => together,
        })
    }

    fn spend(&mut self, now: Instant) {
        while self.left < BUDGET && self.filled + REFILL <= now {
            self.left += 1;
            self.filled += REFILL;
        }
        if self.left == BUDGET {
            self.filled = now;
        }
        self.left = self.left.saturating_sub(1);
    }
}
