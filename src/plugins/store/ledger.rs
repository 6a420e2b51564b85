//! What the journal says, all its lines together. Pure.

use std::collections::BTreeMap;

use super::record::{Debt, Record, VERSION};

/// All values that something is known of, by the UUIDs of service and characteristic.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Ledger {
    values: BTreeMap<String, Entry>,
    /// What nothing that was declared could be.
    set_aside: BTreeMap<String, Entry>,
}

/// What is known of one value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) kept: Option<String>,
    /// The oldest first.
    pub(super) owed: Vec<Debt>,
    /// The versions of what is owed, in this process.
    versions: Option<Vec<u64>>,
    /// The newest number that was given to anything owed.
    last: u64,
}

/// How a value stands.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) kept: Option<String>,
    /// With the version of each. The numbers are given here.
    pub(super) owed: Vec<(u64, Debt)>,
}

/// What came of reading a file.
#[derive(Debug)]
pub(super) struct Replayed {
    pub(super) ledger: Ledger,
    pub(super) lines: usize,
    /// Lines that are not what was written.
    pub(super) damaged: usize,
    /// The octets of a last line that has no end: a write that was cut, and never acknowledged.
    pub(super) cut: usize,
}

impl Ledger {
    /// # Errors
    /// Why this is no journal of this program, without a word of what it is: it may hold secrets.
    pub(super) fn replay(bytes: &[u8]) -> Result<Replayed, String> {
        let mut replayed = Replayed {
            ledger: Self::default(),
            lines: 0,
            damaged: 0,
            cut: 0,
        };
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let ended = line.strip_suffix(b"\n");
            match (Record::read(ended.unwrap_or(line)), ended) {
                (Some(Record::Journal { version }), _) if version != VERSION => {
                    return Err(format!(
                        "it has version {version}, and this program reads {VERSION}"
                    ));
                }
                (Some(record), _) => {
                    replayed.lines += 1;
                    replayed.ledger.apply(record);
                }
                (None, Some(_)) => replayed.damaged += 1,
                (None, None) => replayed.cut = line.len(),
            }
        }
        match replayed.lines {
            0 => Err("something else has written it, or nothing of it is left".to_owned()),
            _ => Ok(replayed),
        }
    }

    fn apply(&mut self, record: Record) {
        match record {
            Record::Journal { .. } => {}
            Record::Value {
                of,
                name,
                kept,
                owed,
                set_aside,
            } => {
                let last = owed.iter().map(|debt| debt.number).max();
                let entry = Entry {
                    name,
                    kept,
                    owed,
                    versions: None,
                    last: last.unwrap_or_default(),
                };
                match set_aside {
                    true => self.set_aside.insert(of, entry),
                    false => {
                        self.supersede(&of, &entry.owed);
                        self.values.insert(of, entry)
                    }
                };
            }
            Record::Change {
                of,
                kept,
                paid,
                owed,
            } => {
                self.supersede(&of, &owed);
                let entry = self.values.entry(of).or_default();
                if kept.is_some() {
                    entry.kept = kept;
                }
                let paid = paid.unwrap_or_default();
                entry.owed.retain(|debt| debt.number > paid);
                entry.owed.extend(owed);
                let last = entry.owed.iter().map(|debt| debt.number).max();
                entry.last = entry.last.max(paid).max(last.unwrap_or_default());
            }
        }
    }

    /// The whole file, in as few lines as it takes.
    pub(super) fn render(&self) -> String {
        let mut text = String::new();
        Record::Journal { version: VERSION }.write(&mut text);
        for (values, set_aside) in [(&self.values, false), (&self.set_aside, true)] {
            for (of, entry) in values.iter().filter(|(_, entry)| !entry.is_empty()) {
                entry.whole(of, set_aside).write(&mut text);
            }
        }
        text
    }

    pub(super) fn get(&self, of: &str) -> Option<&Entry> {
        self.values.get(of)
    }

    /// What has been set aside is not delivered after what was accepted since.
    fn supersede(&mut self, of: &str, owed: &[Debt]) {
        if let (false, Some(aside)) = (owed.is_empty(), self.set_aside.get_mut(of)) {
            aside.owed.clear();
        }
    }

    /// How a value stands. Returns what has to be written of it, if that is anything.
    pub(super) fn note(&mut self, of: &str, name: &str, state: State) -> Option<Record> {
        if let (false, Some(aside)) = (state.owed.is_empty(), self.set_aside.get_mut(of)) {
            aside.owed.clear();
        }
        let entry = self.values.entry(of.to_owned()).or_default();
        let before = entry.clone();
        name.clone_into(&mut entry.name);
        entry.take(state);
        entry.difference(of, &before)
    }

    /// Whether [`Ledger::note`] would have it that something else is kept.
    pub(super) fn is_kept_as(&self, of: &str, kept: Option<&str>) -> bool {
        let entry = self.values.get(of);
        entry.and_then(|entry| entry.kept.as_deref()) == kept
    }

    /// What has been set aside of a value, if there is nothing else of it.
    pub(super) fn take_back(&mut self, of: &str) -> bool {
        let is_known = self.values.get(of).is_some_and(|entry| !entry.is_empty());
        match self.set_aside.remove(of) {
            Some(entry) if !is_known => {
                self.values.insert(of.to_owned(), entry);
                true
            }
            Some(entry) => {
                self.set_aside.insert(of.to_owned(), entry);
                false
            }
            None => false,
        }
    }

    /// What a value is not, for now.
    pub(super) fn set_aside(&mut self, of: &str) {
        if let Some(entry) = self.values.remove(of) {
            self.set_aside.insert(of.to_owned(), entry);
        }
    }

    /// What was set aside of a value is over.
    pub(super) fn forget_aside(&mut self, of: &str) {
        self.set_aside.remove(of);
    }

    /// Sets aside whatever is of none of these. Returns the names of it.
    pub(super) fn set_others_aside(&mut self, is_declared: impl Fn(&str) -> bool) -> Vec<String> {
        let all = std::mem::take(&mut self.values);
        let (declared, others): (BTreeMap<_, _>, BTreeMap<_, _>) =
            all.into_iter().partition(|(of, _)| is_declared(of));
        self.values = declared;
        let others = others.into_iter().filter(|(_, entry)| !entry.is_empty());
        let mut names = Vec::new();
        for (of, entry) in others {
            names.push(entry.name.clone());
            self.set_aside.insert(of, entry);
        }
        names
    }
}

impl Entry {
    fn is_empty(&self) -> bool {
        self.kept.is_none() && self.owed.is_empty()
    }

    fn whole(&self, of: &str, set_aside: bool) -> Record {
        Record::Value {
            of: of.to_owned(),
            name: self.name.clone(),
            kept: self.kept.clone(),
            owed: self.owed.clone(),
            set_aside,
        }
    }

    /// Becomes this. What is owed already keeps its number and its time.
    fn take(&mut self, State { kept, owed }: State) {
        let known = self.versions.take().unwrap_or_default();
        let mut before: BTreeMap<u64, Debt> = known.into_iter().zip(self.owed.drain(..)).collect();
        self.kept = kept;
        self.versions = Some(owed.iter().map(|(version, _)| *version).collect());
        for (version, mut debt) in owed {
            self.owed.push(before.remove(&version).unwrap_or_else(|| {
                self.last += 1;
                debt.number = self.last;
                debt
            }));
        }
    }

    fn difference(&self, of: &str, before: &Self) -> Option<Record> {
        let added = self.owed.iter().filter(|debt| debt.number > before.last);
        let added: Vec<Debt> = added.cloned().collect();
        let left = &self.owed[..self.owed.len() - added.len()];
        // What has gone is at the front, or all has to be said anew.
        let gone = before.owed.len().checked_sub(left.len());
        let is_suffix = gone.is_some_and(|gone| before.owed[gone..] == *left);
        let is_forgotten = before.kept.is_some() && self.kept.is_none();
        if !is_suffix || is_forgotten || before.versions.is_none() {
            let is_same = self.kept == before.kept && self.owed == before.owed;
            return (!is_same).then(|| self.whole(of, false));
        }
        let paid = gone.filter(|gone| *gone > 0);
        let paid = paid.map(|gone| before.owed[gone - 1].number);
        let kept = self.kept.clone().filter(|_| self.kept != before.kept);
        let is_change = kept.is_some() || paid.is_some() || !added.is_empty();
        is_change.then(|| Record::Change {
            of: of.to_owned(),
            kept,
            paid,
            owed: added,
        })
    }
}

#[cfg(test)]
mod tests;
