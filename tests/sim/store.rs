//! The link that keeps the journal, as `src/plugins/store/keeping.rs` does, on a disk that lies in wait. The lines and
//! what they say together are the real ones.

use std::collections::BTreeSet;
use std::mem;
use std::time::Duration;

use bemo_sync::codec::{Value, att, json};
use bemo_sync::engine::{CellId, Event, Keeping, LinkId, Owed};
use bemo_sync::plugins::store::simulated::Journal;

use crate::adversary::{Fault, Sabotage};
use crate::declaration::*;
use crate::world::{Happening, World};

const TOGETHER: u64 = 1_000;
const PAID_WITHIN: u64 = 200;
const RETRY: u64 = 1_000;
const LONG: usize = 8 * 1024;

#[derive(Debug, Default)]
pub struct Store {
    pub journal: Journal,
    is_sound: bool,
    length: usize,
    fresh_length: usize,
    changed: BTreeSet<usize>,
    paid: BTreeSet<usize>,
    is_unsynced: bool,
    is_rewriting: bool,
    awaited: Vec<(usize, u64)>,
    is_writing: bool,
    writing_for: Vec<(usize, u64)>,
    again_at: Option<u64>,
    due: Option<u64>,
    paid_by: Option<u64>,
    /// It is being written to or has been, since the process began.
    pub writes: u64,
}

/// What a value begins with: what it was kept as, and what is owed.
pub type Begin = (Option<i64>, Vec<Owed>);

impl Store {
    /// The file is written anew at once.
    pub fn begin(journal: Journal, now: u64) -> Self {
        Self {
            journal,
            due: Some(now),
            ..Self::default()
        }
    }
}

impl World {
    /// What values begin with, by the journal.
    pub fn restore(&mut self) -> (Journal, Vec<Begin>) {
        let mut begins = vec![(None, Vec::new()); CELLS];
        let Some(octets) = self.disk.read() else {
            return (Journal::default(), begins);
        };
        let mut journal = match Journal::replay(octets) {
            Ok(journal) => journal,
            Err(problem) => {
                if self.disk.durable().is_some() {
                    self.fail(format!("the journal cannot be read: {problem}"));
                }
                return (Journal::default(), begins);
            }
        };
        let cells = self.declaration.cells.clone();
        journal.set_others_aside(|name| cells.iter().any(|it| it.name == name && it.is_watched()));
        for (index, cell) in cells.iter().enumerate().filter(|(_, it)| it.is_watched()) {
            journal.take_back(cell.name);
            let Some(said) = journal.said(cell.name) else {
                continue;
            };
            let read = |hex: &str| {
                let octets = json::from_hex(hex)?;
                let number = number(&att::decode(&cell.spec(), &octets).ok()?);
                cell.is_valid(number).then_some(number)
            };
            let begin = &mut begins[index];
            let (mut is_unfit, mut unfit) = (false, Vec::new());
            if let Some(hex) = said.kept.as_deref().filter(|_| cell.persist) {
                begin.0 = read(hex);
                is_unfit = begin.0.is_none();
            }
            for (hex, at, debt) in said.owed.iter().filter(|_| cell.owes()) {
                let age = self.wall().saturating_sub(*at);
                if cell.expires.is_some_and(|expires| age >= expires) {
                    continue;
                }
                match read(hex) {
                    Some(number) => begin.1.push(Owed {
                        value: value(number),
                        age: Duration::from_millis(age),
                        with: None,
                    }),
                    None => unfit.push(*debt),
                }
            }
            if is_unfit || !unfit.is_empty() {
                journal.set_aside(cell.name, is_unfit, unfit);
                self.oracle.set_aside(index);
            }
            if self.sabotage == Some(Sabotage::RestoresTwice) {
                let again = begins[index].1.clone();
                begins[index].1.extend(again);
            }
        }
        (journal, begins)
    }

    pub fn store_pulls(&mut self) {
        if self.store().again_at.is_some() {
            return;
        }
        while let Some(effect) = self.pull(STORE) {
            let (cell, ticket) = (effect.cell.index(), effect.ticket);
            let keeping = self.keeping(cell);
            let store = self.store();
            let is_whole = store.is_sound && !store.is_rewriting;
            if keeping.is_awaited || !is_whole {
                self.store().awaited.push((cell, ticket));
                if self.sabotage == Some(Sabotage::AcknowledgesBeforeSync) {
                    self.store_delivered(cell, ticket, true);
                }
            } else {
                self.store_delivered(cell, ticket, true);
            }
            self.store().changed.insert(cell);
            self.store_notes_when(cell, &keeping);
        }
        self.store_steps();
    }

    fn store_notes_when(&mut self, cell: usize, keeping: &Keeping) {
        let (kept, owed) = self.to_keep(cell, keeping);
        let name = self.declaration.cells[cell].name;
        let now = self.now;
        let store = self.store();
        let versions = || owed.iter().map(|(version, ..)| *version);
        let is_other = store.journal.owes_otherwise(name, versions());
        let is_paid = store.journal.owes_less(name, versions());
        let is_changed = is_other || !store.journal.is_kept_as(name, kept.as_deref());
        if is_paid {
            store.paid.insert(cell);
            store.paid_by.get_or_insert(now + PAID_WITHIN);
        }
        if is_changed {
            store.due.get_or_insert(now + TOGETHER);
        }
        if is_paid {
            self.store_at(now + PAID_WITHIN);
        }
        if is_changed {
            self.store_at(now + TOGETHER);
        }
    }

    fn store_at(&mut self, at: u64) {
        let life = self.life_number();
        self.at(at, Happening::StoreDue { life });
    }

    pub fn store_is_due(&mut self) {
        let now = self.now;
        // What has changed comes before what is written of it.
        self.store_pulls();
        if self.store().is_writing {
            return;
        }
        if let Some(at) = self.store().again_at {
            if at <= now {
                self.store().again_at = None;
                self.store_pulls();
                if !self.store().is_writing {
                    self.store_writes();
                }
            }
            return;
        }
        if self.store().due.is_some_and(|due| due <= now) {
            self.store_writes();
        } else if self.store().paid_by.is_some_and(|due| due <= now) {
            // Nobody waits for it: it may stay in the cache.
            let paid = mem::take(&mut self.store().paid);
            self.store_writes_of(paid, false, Vec::new());
        }
    }

    fn store_steps(&mut self) {
        let store = self.store();
        if !store.is_writing && store.again_at.is_none() && !store.awaited.is_empty() {
            self.store_writes();
        }
    }

    fn to_keep(&self, cell: usize, keeping: &Keeping) -> (Option<String>, Vec<(u64, String, u64)>) {
        let declared = &self.declaration.cells[cell];
        let hex = |value: &Value| {
            let mut octets = Vec::new();
            att::encode(&declared.spec(), value, &mut octets);
            json::hex(&octets)
        };
        let kept = keeping.known.as_ref().filter(|_| declared.persist);
        let owed = keeping.unpaid.iter().map(|unpaid| {
            let age = u64::try_from(unpaid.owed.age.as_millis()).expect("it is not that old");
            let at = self.wall().saturating_sub(age);
            (unpaid.version, hex(&unpaid.owed.value), at)
        });
        (kept.map(hex), owed.collect())
    }

    fn store_writes(&mut self) {
        let store = self.store();
        store.due = None;
        store.paid.clear();
        let (all, awaited) = (mem::take(&mut store.changed), mem::take(&mut store.awaited));
        self.store_writes_of(all, true, awaited);
    }

    fn store_writes_of(
        &mut self,
        cells: BTreeSet<usize>,
        is_urgent: bool,
        awaited: Vec<(usize, u64)>,
    ) {
        let mut lines = String::new();
        for cell in cells {
            let keeping = self.keeping(cell);
            let (kept, owed) = self.to_keep(cell, &keeping);
            let name = self.declaration.cells[cell].name;
            if let Some(line) = self.store().journal.note(name, kept, owed) {
                lines.push_str(&line);
            }
        }
        let store = self.store();
        store.paid_by = None;
        store.writing_for = awaited;
        if store.is_sound && lines.is_empty() && !(is_urgent && store.is_unsynced) {
            return self.store_settles(true);
        }
        store.is_unsynced = store.is_sound && !is_urgent;
        let length = store.length + lines.len();
        let is_long = length > LONG.max(8 * store.fresh_length);
        store.writes += 1;
        let whole = (!store.is_sound || is_long).then(|| store.journal.render());
        store.length = whole.as_ref().map_or(length, String::len);
        if let Some(whole) = &whole {
            store.fresh_length = whole.len();
            store.is_sound = true;
            store.is_rewriting = true;
        }
        store.is_writing = true;
        match whole {
            Some(whole) => self.disk.replace(whole),
            None => self.disk.append(&lines, is_urgent),
        }
        let takes = match self.strikes(Fault::SlowDisk, 8) {
            true => self.rng.u64(1_000..15_000),
            false => self.rng.u64(1..40),
        };
        let life = self.life_number();
        self.after(takes, Happening::Written { life });
    }

    pub fn store_has_written(&mut self) {
        let is_kept = self.disk.finish();
        let store = self.store();
        store.is_writing = false;
        store.is_sound &= is_kept;
        store.is_rewriting = false;
        crate::log!(self, "written: {is_kept}");
        self.store_settles(is_kept);
    }

    fn store_settles(&mut self, is_kept: bool) {
        for (cell, ticket) in mem::take(&mut self.store().writing_for) {
            self.store_delivered(cell, ticket, is_kept);
        }
        if is_kept {
            self.store_steps();
            let store = self.store();
            let due = store.due.into_iter().chain(store.paid_by).min();
            if let Some(due) = due.filter(|_| !store.is_writing) {
                let at = due.max(self.now);
                self.store_at(at);
            }
        } else {
            let at = self.now + RETRY;
            self.store().again_at = Some(at);
            self.store_at(at);
        }
    }

    fn store_delivered(&mut self, cell: usize, ticket: u64, is_kept: bool) {
        let (link, cell) = (LinkId::new(STORE), CellId::new(cell));
        self.tell(match is_kept {
            true => Event::Delivered { link, cell, ticket },
            false => Event::Undelivered { link, cell, ticket },
        });
    }

    /// All others have stopped: what has come of that is the last. Returns whether all is kept.
    pub fn store_ends(&mut self) -> bool {
        for _ in 0..4 {
            if self.store().is_writing {
                let is_kept = self.disk.finish();
                let store = self.store();
                store.is_writing = false;
                store.is_sound &= is_kept;
                store.is_rewriting = false;
                store.again_at = None;
                for (cell, ticket) in mem::take(&mut self.store().writing_for) {
                    self.store_delivered(cell, ticket, is_kept);
                }
                if !is_kept {
                    return false;
                }
            }
            self.store().again_at = None;
            while let Some(effect) = self.pull(STORE) {
                let cell = effect.cell.index();
                self.store().awaited.push((cell, effect.ticket));
                self.store().changed.insert(cell);
            }
            self.store_writes();
            if !self.store().is_writing {
                return true;
            }
        }
        true
    }
}
