//! The adapter and the centrals: they connect, subscribe, read, write, wait for what the response promises, and vanish.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bemo_sync::engine::{CellId, Event, LinkId, Standing};

use crate::adversary::Fault;
use crate::declaration::*;
use crate::world::{Asked, Happening, World};

pub const CENTRALS: usize = 3;
/// A response comes in that time, or says that it cannot.
pub const RESPONSE_WITHIN: u64 = 10_000;

#[derive(Debug, Default)]
pub struct Central {
    pub connection: Option<u64>,
    pub subscribed: BTreeSet<usize>,
    pub belief: BTreeMap<usize, i64>,
    /// Of the newest value: what it has yet to be told.
    news: BTreeMap<usize, i64>,
    /// Of every event.
    events: BTreeMap<usize, VecDeque<(i64, u64)>>,
    announced: BTreeSet<usize>,
    /// What it waits for the response of, and whether it was notified since.
    waits: BTreeMap<usize, bool>,
}

/// A write that is accepted and whose response waits.
#[derive(Clone, Copy, Debug)]
pub struct Promise {
    pub id: u64,
    pub central: usize,
    connection: u64,
    pub cell: usize,
    version: u64,
    wrote: i64,
    /// Which of the accepted it is.
    pub index: Option<usize>,
}

#[derive(Debug, Default)]
pub struct Air {
    /// How many have yet to take an event before it has been delivered.
    receipts: BTreeMap<(usize, u64), usize>,
    pub promises: Vec<Promise>,
}

impl World {
    pub fn central_acts(&mut self, central: usize) {
        if !self.adapter_is_up || self.life.is_none() {
            return;
        }
        if self.centrals[central].connection.is_none() {
            return self.central_connects(central);
        }
        match self.rng.u8(..20) {
            0 if self.is_faulty => self.central_leaves(central),
            0..=2 => {
                let cell = self.rng.usize(..CELLS);
                self.central_reads(central, cell);
            }
            _ => {
                let cells = [
                    DIAL, KNOB, PRESS, LOG, LAMP, MODE, BELL, ASK, COUNTER, CLOCK,
                ];
                let cell = cells[self.rng.usize(..cells.len())];
                let wanted = self.wanted(cell);
                self.central_writes(central, cell, wanted);
            }
        }
    }

    pub fn central_connects(&mut self, central: usize) {
        self.connections += 1;
        let connection = self.connections;
        crate::log!(self, "central {central} connects");
        let all = !self.is_faulty;
        let subscribed = (0..CELLS).filter(|_| all || self.rng.u8(..4) > 0).collect();
        self.centrals[central] = Central {
            connection: Some(connection),
            subscribed,
            ..Central::default()
        };
        self.oracle.subscribed(central);
        for cell in 0..CELLS {
            self.central_reads(central, cell);
        }
    }

    /// Out of range, or switched off.
    pub fn central_leaves(&mut self, central: usize) {
        crate::log!(self, "central {central} leaves");
        let gone = std::mem::take(&mut self.centrals[central]);
        for (cell, events) in gone.events {
            for (_, ticket) in events {
                self.has_taken(cell, ticket);
            }
        }
    }

    fn central_reads(&mut self, central: usize, cell: usize) {
        let Some(value) = self.value(cell) else {
            return;
        };
        self.oracle_shown(cell, value, "a read");
        self.centrals[central].belief.insert(cell, value);
    }

    pub fn central_writes(&mut self, central: usize, cell: usize, wanted: i64) {
        let Some(connection) = self.centrals[central].connection else {
            return;
        };
        self.centrals[central].waits.insert(cell, false);
        let Some(result) = self.request(cell, Asked::Set(wanted), AIR, Some(central)) else {
            return;
        };
        // There is one thread: the link pulls before anything older is sent.
        self.air_pulls();
        if result.is_err() {
            return self.responds(central, cell, None);
        }
        self.promise_ids += 1;
        let promise = Promise {
            id: self.promise_ids,
            central,
            connection,
            cell,
            version: self.version(cell),
            wrote: wanted,
            index: self.oracle.newest(cell),
        };
        let (id, life) = (promise.id, self.life_number());
        self.air().promises.push(promise);
        self.after(RESPONSE_WITHIN, Happening::ResponseIsDue { life, id });
        self.promises_stand();
    }

    /// What has come of the promises.
    pub fn promises_stand(&mut self) {
        let mut index = 0;
        while index < self.air().promises.len() {
            let promise = self.air().promises[index];
            match self.standing(promise.cell, promise.version) {
                Standing::Waits => index += 1,
                Standing::Kept => {
                    self.air().promises.remove(index);
                    crate::log!(self, "kept: {promise:?}");
                    self.oracle_kept(promise);
                    self.answer(promise, true);
                }
                Standing::Broken(broken) => {
                    self.air().promises.remove(index);
                    crate::log!(self, "broken: {promise:?} {broken:?}");
                    self.expects_kept(promise, "it was broken");
                    self.answer(promise, false);
                }
            }
        }
    }

    pub fn response_is_due(&mut self, id: u64) {
        let promises = &mut self.air().promises;
        if let Some(index) = promises.iter().position(|it| it.id == id) {
            let promise = promises.remove(index);
            crate::log!(self, "too late: {promise:?}");
            self.expects_kept(promise, "nobody acknowledged it in time");
            self.answer(promise, false);
        }
    }

    fn answer(&mut self, promise: Promise, kept: bool) {
        if self.centrals[promise.central].connection == Some(promise.connection) {
            let wrote = kept.then_some(promise.wrote);
            self.responds(promise.central, promise.cell, wrote);
        }
    }

    /// A central takes what it wrote for the value. Whoever was told something else meanwhile, or that
    /// it went wrong, reads.
    fn responds(&mut self, central: usize, cell: usize, wrote: Option<i64>) {
        let was_notified = self.centrals[central].waits.remove(&cell);
        match (wrote, was_notified) {
            (Some(wrote), Some(false)) => {
                self.centrals[central].belief.insert(cell, wrote);
            }
            (Some(_) | None, _) => self.central_reads(central, cell),
        }
    }

    // ── the link ─────────────────────────────────────────────────────────────────────────────────

    pub fn air_pulls(&mut self) {
        while let Some(effect) = self.pull(AIR) {
            let (cell, ticket) = (effect.cell.index(), effect.ticket);
            let told = number(&effect.value);
            let writer = effect.origin.filter(|origin| origin.link.index() == AIR);
            let writer = writer.and_then(|origin| origin.peer);
            let is_every = self.declaration.cells[cell].is_every();
            let mut takers = 0;
            for central in 0..CENTRALS {
                let it = &mut self.centrals[central];
                let Some(connection) = it.connection else {
                    continue;
                };
                if !it.subscribed.contains(&cell) || effect.restated {
                    continue;
                }
                let is_writer = writer.is_some_and(|peer| peer.0 == central as u64);
                if is_writer {
                    it.news.remove(&cell);
                    continue;
                }
                match is_every {
                    true => {
                        it.events.entry(cell).or_default().push_back((told, ticket));
                        takers += 1;
                    }
                    false => drop(it.news.insert(cell, told)),
                }
                if it.announced.insert(cell) {
                    self.notify_in(central, connection, cell);
                }
            }
            match takers {
                0 => self.air_delivered(cell, ticket),
                _ => drop(self.air().receipts.insert((cell, ticket), takers)),
            }
        }
    }

    fn notify_in(&mut self, central: usize, connection: u64, cell: usize) {
        let takes = match self.strikes(Fault::SlowAir, 10) {
            true => self.rng.u64(100..5_000),
            false => self.rng.u64(5..60),
        };
        self.after(
            takes,
            Happening::Notify {
                central,
                connection,
                cell,
            },
        );
    }

    pub fn notify(&mut self, central: usize, connection: u64, cell: usize) {
        let it = &mut self.centrals[central];
        if it.connection != Some(connection) {
            return;
        }
        it.announced.remove(&cell);
        if let Some(value) = it.news.remove(&cell) {
            self.central_hears(central, cell, value);
        }
        let events = self.centrals[central].events.entry(cell).or_default();
        let next = events.pop_front();
        let is_more = !events.is_empty();
        if let Some((value, ticket)) = next {
            self.oracle_notified(central, cell, value);
            self.central_hears(central, cell, value);
            self.has_taken(cell, ticket);
        }
        let it = &mut self.centrals[central];
        if is_more && it.announced.insert(cell) {
            self.notify_in(central, connection, cell);
        }
    }

    fn central_hears(&mut self, central: usize, cell: usize, value: i64) {
        crate::log!(self, "central {central} hears {cell}: {value}");
        self.oracle_shown(cell, value, "a notification");
        let it = &mut self.centrals[central];
        it.belief.insert(cell, value);
        if let Some(notified) = it.waits.get_mut(&cell) {
            *notified = true;
        }
    }

    fn has_taken(&mut self, cell: usize, ticket: u64) {
        if self.life.is_none() {
            return;
        }
        let receipts = &mut self.air().receipts;
        if let Some(left) = receipts.get_mut(&(cell, ticket)) {
            *left -= 1;
            if *left == 0 {
                receipts.remove(&(cell, ticket));
                self.air_delivered(cell, ticket);
            }
        }
    }

    fn air_delivered(&mut self, cell: usize, ticket: u64) {
        let (link, cell) = (LinkId::new(AIR), CellId::new(cell));
        self.tell(Event::Delivered { link, cell, ticket });
    }

    pub fn adapter_goes(&mut self) {
        crate::log!(self, "the adapter goes");
        self.adapter_is_up = false;
        (0..CENTRALS).for_each(|central| self.central_leaves(central));
    }

    pub fn adapter_comes(&mut self) {
        self.adapter_is_up = true;
        if self.life.is_none() || self.rng.bool() {
            return;
        }
        // The link was begun anew.
        self.air().receipts.clear();
        self.grant_link_up(AIR, false);
        self.tell(Event::LinkUp {
            link: LinkId::new(AIR),
            session_present: false,
        });
        self.air_pulls();
    }
}
