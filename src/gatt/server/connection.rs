//! What the server knows of one central: its MTU, its subscriptions, its half-done long writes, and
//! what it has yet to be told.

use std::collections::BTreeMap;
use std::mem;
use std::ops::RangeInclusive;
use std::sync::Arc;

use tokio::sync::Notify;

use super::MTU_MIN;
use crate::codec::MAX_LENGTH;
use crate::gatt::{Address, AttError, SecurityLevel};
use crate::plugin::{How, Receipt};

/// How many octets of prepared writes are kept for a central: a few values of the greatest length.
const PREPARED_MAX: usize = 4 * MAX_LENGTH;
/// The same for their number, so that empty parts are no way around it.
const PREPARED_PARTS_MAX: usize = 256;

/// So many events of one characteristic wait for a central, where every event counts, and more are not
/// asked for.
const EVENTS_MAX: usize = 16;

/// How a central is told of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subscribed {
    /// By notifications.
    Notify = 1,
    /// By indications, each of which it confirms.
    Indicate = 2,
}

impl From<Subscribed> for How {
    fn from(by: Subscribed) -> Self {
        match by {
            Subscribed::Notify => Self::Notifications,
            Subscribed::Indicate => Self::Indications,
        }
    }
}

/// A notification or an indication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Of the characteristic's value.
    pub handle: u16,
    /// At most MTU - 3 octets; a longer value has to be read.
    pub value: Vec<u8>,
    pub by: Subscribed,
}

pub(super) struct Connection {
    pub(super) address: Address,
    pub(super) mtu: usize,
    pub(super) security: SecurityLevel,
    pub(super) wake: Arc<Notify>,
    subscriptions: BTreeMap<usize, Subscribed>,
    /// The newest value of each characteristic that the central has not taken, the longest waiting
    /// first. It has one entry for each characteristic, or where every event counts, a few.
    untold: Vec<Untold>,
    /// Of the characteristics for whose next event there is no room.
    full: BTreeMap<usize, Receipt>,
    /// One indication at a time (Core Spec 5.4, Vol 3, Part F, 3.3.2).
    unconfirmed: Option<Told>,
    prepared: Vec<Prepared>,
    /// The handles at which something else may be than the central has found there.
    changed: Option<RangeInclusive<u16>>,
}

/// That a central is told of a characteristic, and with which version of the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) index: usize,
    pub(super) version: u64,
}

impl Told {
    fn succeed(self, heirs: &[Option<usize>]) -> Option<Self> {
        let index = heirs[self.index]?;
        Some(Self { index, ..self })
    }
}

struct Untold {
    told: Told,
    octets: Vec<u8>,
}

/// A prepared write: one or more parts that follow each other.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Prepared {
    pub(super) index: usize,
    pub(super) offset: usize,
    pub(super) octets: Vec<u8>,
    parts: usize,
}

impl Connection {
    pub(super) fn of(address: Address) -> Self {
        Self {
            address,
            mtu: MTU_MIN,
            security: SecurityLevel::Open,
            wake: Arc::new(Notify::new()),
            subscriptions: BTreeMap::new(),
            untold: Vec::new(),
            full: BTreeMap::new(),
            unconfirmed: None,
            prepared: Vec::new(),
            changed: None,
        }
    }

    pub(super) fn subscription(&self, index: usize) -> Option<Subscribed> {
        self.subscriptions.get(&index).copied()
    }

    /// Returns whether it had subscribed before.
    pub(super) fn subscribe(&mut self, index: usize, by: Option<Subscribed>) -> bool {
        match by {
            Some(by) => self.subscriptions.insert(index, by).is_some(),
            None => {
                self.forget(index);
                self.subscriptions.remove(&index).is_some()
            }
        }
    }

    /// Of which characteristics it wants to hear.
    pub(super) fn subscribed(&self) -> impl Iterator<Item = usize> {
        self.subscriptions.keys().copied()
    }

    /// The central is to hear of a value, if it has subscribed. A value that it has not taken yet is
    /// replaced: latest wins.
    pub(super) fn tell(&mut self, told: Told, octets: &[u8]) {
        let index = told.index;
        if !self.subscriptions.contains_key(&index) {
            return;
        }
        let octets = octets.to_vec();
        let untold = Untold { told, octets };
        match self.untold.iter_mut().find(|it| it.told.index == index) {
            Some(older) => *older = untold,
            None => self.untold.push(untold),
        }
        self.wake.notify_one();
    }

    /// The same, for an event that comes after all that it has not taken yet. When there is no room for
    /// another one, the receipt is kept until there is.
    pub(super) fn tell_every(&mut self, told: Told, octets: &[u8], receipt: &Receipt) {
        let index = told.index;
        if !self.subscriptions.contains_key(&index) {
            return;
        }
        let octets = octets.to_vec();
        self.untold.push(Untold { told, octets });
        if self.waiting(index) > EVENTS_MAX {
            self.full.insert(index, receipt.clone());
        }
        self.wake.notify_one();
    }

    fn waiting(&self, index: usize) -> usize {
        let of = |it: &&Untold| it.told.index == index;
        self.untold.iter().filter(of).count()
    }

    /// The central knows better than what it has yet to be told.
    pub(super) fn forget(&mut self, index: usize) {
        self.untold.retain(|it| it.told.index != index);
        self.full.remove(&index);
    }

    /// The next thing to tell, of which characteristic and how.
    pub(super) fn take(&mut self) -> Option<(usize, Vec<u8>, Subscribed)> {
        let waits = self.unconfirmed.is_some();
        let next = self
            .untold
            .iter()
            .position(|it| !waits || self.subscriptions[&it.told.index] == Subscribed::Notify)?;
        let Untold { told, mut octets } = self.untold.remove(next);
        let index = told.index;
        if self.waiting(index) <= EVENTS_MAX {
            self.full.remove(&index);
        }
        octets.truncate(self.mtu - 3);
        let by = self.subscriptions[&index];
        if by == Subscribed::Indicate {
            self.unconfirmed = Some(told);
        }
        Some((index, octets, by))
    }

    /// What is confirmed, if there was an indication.
    pub(super) fn confirm(&mut self) -> Option<Told> {
        let confirmed = self.unconfirmed.take();
        self.wake.notify_one();
        confirmed
    }

    pub(super) fn prepare(
        &mut self,
        index: usize,
        offset: usize,
        part: &[u8],
    ) -> Result<(), AttError> {
        let octets: usize = self.prepared.iter().map(|it| it.octets.len()).sum();
        let parts: usize = self.prepared.iter().map(|it| it.parts).sum();
        if octets + part.len() > PREPARED_MAX || parts >= PREPARED_PARTS_MAX {
            return Err(AttError::PrepareQueueFull);
        }
        match self.prepared.last_mut() {
            Some(last) if last.index == index && last.offset + last.octets.len() == offset => {
                last.octets.extend_from_slice(part);
                last.parts += 1;
            }
            _ => self.prepared.push(Prepared {
                index,
                offset,
                octets: part.to_vec(),
                parts: 1,
            }),
        }
        Ok(())
    }

    /// What is served is another. `heirs` says, by the characteristic of before, which one of now is the same to
    /// a central. Returns those of before that it had subscribed to and that are not.
    pub(super) fn succeed(
        &mut self,
        heirs: &[Option<usize>],
        changed: Option<RangeInclusive<u16>>,
    ) -> Vec<usize> {
        let subscribed = mem::take(&mut self.subscriptions).into_iter();
        let (kept, lost): (Vec<_>, Vec<_>) =
            subscribed.partition(|(index, _)| heirs[*index].is_some());
        let kept = kept.into_iter();
        self.subscriptions = kept
            .filter_map(|(index, by)| Some((heirs[index]?, by)))
            .collect();
        let untold = mem::take(&mut self.untold).into_iter();
        self.untold = untold
            .filter_map(|it| {
                let told = it.told.succeed(heirs)?;
                Some(Untold { told, ..it })
            })
            .collect();
        let full = mem::take(&mut self.full).into_iter();
        self.full = full
            .filter_map(|(index, receipt)| Some((heirs[index]?, receipt)))
            .collect();
        self.unconfirmed = self.unconfirmed.and_then(|it| it.succeed(heirs));
        let prepared = mem::take(&mut self.prepared).into_iter();
        self.prepared = prepared
            .filter_map(|it| {
                let index = heirs[it.index]?;
                Some(Prepared { index, ..it })
            })
            .collect();
        if let Some(changed) = changed {
            // As BlueZ does with what it has not been able to tell yet.
            let all = self.changed.take().unwrap_or(changed.clone());
            let first = *all.start().min(changed.start());
            self.changed = Some(first..=*all.end().max(changed.end()));
        }
        self.wake.notify_one();
        lost.into_iter().map(|(index, _)| index).collect()
    }

    pub(super) fn take_changed(&mut self) -> Option<RangeInclusive<u16>> {
        self.changed.take()
    }

    pub(super) fn take_prepared(&mut self) -> Vec<Prepared> {
        mem::take(&mut self.prepared)
    }
}
