//! The journal without a disk and without a runtime, for the simulation in `tests/sim/`: what it tears and
//! loses are the real lines.

use super::ledger::{Aside, Ledger, Owing, State};
use super::record::Debt;

/// All that a journal says.
#[derive(Clone, Debug, Default)]
pub struct Journal(Ledger);

/// What it says of one value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    /// In hexadecimal digits.
    pub kept: Option<String>,
    /// The oldest first: in hexadecimal digits, when it was accepted, in milliseconds since 1970, and its number.
    pub owed: Vec<(String, u64, u64)>,
}

impl Journal {
    /// What the octets of a file say.
    ///
    /// # Errors
    /// When nothing in it is a line of a journal.
    pub fn replay(octets: &[u8]) -> Result<Self, String> {
        Ledger::replay(octets).map(|replayed| Self(replayed.ledger))
    }

    /// How a value stands: what it is kept as, and what is owed, with the version of each. Returns the
    /// line that has to be appended, if there is one.
    pub fn note(
        &mut self,
        of: &str,
        kept: Option<String>,
        owed: Vec<(u64, String, u64)>,
    ) -> Option<String> {
        let debt = |(version, hex, at)| {
            let debt = Debt {
                number: 0,
                hex,
                at,
                with: std::collections::BTreeMap::new(),
            };
            (version, Some(debt))
        };
        let owed = owed.into_iter().map(debt).collect();
        let record = self.0.note(of, of, State { kept, owed })?;
        let mut line = String::new();
        record.write(&mut line);
        Some(line)
    }

    /// The whole file, written anew.
    pub fn render(&self) -> String {
        self.0.render()
    }

    pub fn is_kept_as(&self, of: &str, kept: Option<&str>) -> bool {
        self.0.is_kept_as(of, kept)
    }

    pub fn said(&self, of: &str) -> Option<Said> {
        let entry = self.0.get(of)?;
        let owed = entry.owed.iter();
        let owed = owed.map(|debt| (debt.hex.clone(), debt.at, debt.number));
        Some(Said {
            kept: entry.kept.clone(),
            owed: owed.collect(),
        })
    }

    /// Whether something else is owed than what it says, and not just less.
    pub fn owes_otherwise(&self, of: &str, owed: impl Iterator<Item = u64>) -> bool {
        self.0.compare(of, owed) == Owing::Other
    }

    /// Whether less is owed than what it says, and nothing else.
    pub fn owes_less(&self, of: &str, owed: impl Iterator<Item = u64>) -> bool {
        self.0.compare(of, owed) == Owing::Less
    }

    pub fn take_back(&mut self, of: &str) {
        self.0.take_back(of);
    }

    pub fn set_aside(&mut self, of: &str, is_kept: bool, owed: Vec<u64>) {
        self.0.set_aside(of, &Aside { is_kept, owed });
    }

    pub fn set_others_aside(&mut self, is_declared: impl Fn(&str) -> bool) {
        self.0.set_others_aside(is_declared);
    }
}
