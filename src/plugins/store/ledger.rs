//! What the journal says, all its lines together. Pure.

use std::collections::BTreeMap;
use std::mem;

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
    /// With the version of each; `None` where that is known already ([`Ledger::knows`]). The numbers are given
    /// here.
    pub(super) owed: Vec<(u64, Option<Debt>)>,
}

/// What is owed, beside what has been written of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owing {
    Same,
    /// Some of it has been delivered.
    Less,
    /// Something else is.
    Other,
}

/// Parts of what is known of a value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Aside {
    pub(super) is_kept: bool,
    /// The numbers of what is owed.
    pub(super) owed: Vec<u64>,
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
                    false => self.values.insert(of, entry),
                };
            }
            Record::Change {
                of,
                kept,
                paid,
                owed,
            } => {
                if !owed.is_empty() {
                    self.supersede(&of);
                }
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
    fn supersede(&mut self, of: &str) {
        if let Some(aside) = self.set_aside.get_mut(of) {
            aside.owed.clear();
        }
    }

    /// How a value stands. Returns what has to be written of it, if that is anything.
    pub(super) fn note(&mut self, of: &str, name: &str, state: State) -> Option<Record> {
        let entry = self.values.entry(of.to_owned()).or_default();
        name.clone_into(&mut entry.name);
        let record = entry.take(of, state);
        if let Some(Record::Change { owed, .. }) = &record
            && !owed.is_empty()
        {
            self.supersede(of);
        }
        record
    }

    /// Whether a version of a value is among what it says is owed.
    pub(super) fn knows(&self, of: &str, version: u64) -> bool {
        let versions = self
            .values
            .get(of)
            .and_then(|entry| entry.versions.as_ref());
        versions.is_some_and(|versions| versions.binary_search(&version).is_ok())
    }

    /// What is owed of a value, beside what it says.
    pub(super) fn compare(&self, of: &str, owed: impl Iterator<Item = u64>) -> Owing {
        let known = self
            .values
            .get(of)
            .and_then(|entry| entry.versions.as_ref());
        let known = known.map_or(&[][..], Vec::as_slice);
        let owed: Vec<u64> = owed.collect();
        match known.strip_suffix(&owed[..]) {
            Some([]) => Owing::Same,
            Some(_) => Owing::Less,
            None => Owing::Other,
        }
    }

    /// Whether [`Ledger::note`] would have it that something else is kept.
    pub(super) fn is_kept_as(&self, of: &str, kept: Option<&str>) -> bool {
        let entry = self.values.get(of);
        entry.and_then(|entry| entry.kept.as_deref()) == kept
    }

    /// What has been set aside of a value counts again: what is owed of it, and what it was kept as unless it
    /// has been something else since. Returns what that is.
    pub(super) fn take_back(&mut self, of: &str) -> Aside {
        let Some(mut aside) = self.set_aside.remove(of) else {
            return Aside::default();
        };
        let entry = self.values.entry(of.to_owned()).or_insert_with(|| Entry {
            name: aside.name.clone(),
            ..Entry::default()
        });
        let mut taken = Aside {
            is_kept: false,
            owed: aside.owed.iter().map(|debt| debt.number).collect(),
        };
        if entry.kept.is_none() {
            entry.kept = aside.kept.take();
            taken.is_kept = entry.kept.is_some();
        }
        entry.owed.append(&mut aside.owed);
        entry.owed.sort_by_key(|debt| debt.number);
        entry.last = entry.last.max(aside.last);
        taken
    }

    /// What a value cannot be, for now.
    pub(super) fn set_aside(&mut self, of: &str, what: &Aside) {
        let Some(entry) = self.values.get_mut(of) else {
            return;
        };
        let is_meant = |debt: &Debt| what.owed.contains(&debt.number);
        let (owed, left) = mem::take(&mut entry.owed).into_iter().partition(is_meant);
        entry.owed = left;
        entry.versions = None;
        let aside = Entry {
            name: entry.name.clone(),
            kept: entry.kept.take_if(|_| what.is_kept),
            owed,
            versions: None,
            last: entry.last,
        };
        if !aside.is_empty() {
            self.set_aside.insert(of.to_owned(), aside);
        }
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

    /// Becomes this. What is owed already keeps its number and its time. Returns what has to be written.
    fn take(&mut self, of: &str, State { kept, owed }: State) -> Option<Record> {
        let is_forgotten = self.kept.is_some() && kept.is_none();
        let is_news = self.kept != kept;
        self.kept = kept;
        let Some(known) = self.versions.take() else {
            // The first that this process says: what its versions are is only known from here on.
            let was_owed = !self.owed.is_empty();
            self.owed.clear();
            self.versions = Some(Vec::new());
            self.add(owed);
            let is_change = is_news || was_owed || !self.owed.is_empty();
            return is_change.then(|| self.whole(of, false));
        };
        let is_old = |(version, _): &&(u64, Option<Debt>)| known.binary_search(version).is_ok();
        let stay: Vec<u64> = owed.iter().take_while(is_old).map(|it| it.0).collect();
        let is_suffix = known.ends_with(&stay);
        let gone = known.len() - stay.len();
        let added = owed.into_iter().skip(stay.len());
        if !is_suffix {
            // Something has gone from the middle, so all has to be said anew.
            let mut before: BTreeMap<u64, Debt> =
                known.into_iter().zip(self.owed.drain(..)).collect();
            self.owed = stay
                .iter()
                .filter_map(|version| before.remove(version))
                .collect();
            self.versions = Some(stay);
            self.add(added);
            return Some(self.whole(of, false));
        }
        let paid = self.owed.drain(..gone).next_back().map(|debt| debt.number);
        self.versions = Some(stay);
        let first_added = self.owed.len();
        self.add(added);
        if is_forgotten {
            return Some(self.whole(of, false));
        }
        let kept = self.kept.clone().filter(|_| is_news);
        let owed = self.owed[first_added..].to_vec();
        let is_change = kept.is_some() || paid.is_some() || !owed.is_empty();
        is_change.then(|| Record::Change {
            of: of.to_owned(),
            kept,
            paid,
            owed,
        })
    }

    fn add(&mut self, owed: impl IntoIterator<Item = (u64, Option<Debt>)>) {
        let versions = self.versions.get_or_insert_default();
        for (version, debt) in owed {
            if let Some(mut debt) = debt {
                self.last += 1;
                debt.number = self.last;
                self.owed.push(debt);
                versions.push(version);
            }
        }
    }
}

#[cfg(test)]
mod tests;
