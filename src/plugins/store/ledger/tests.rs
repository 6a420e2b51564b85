//! Whatever is noted is what is read again, and what has been damaged is never taken for what was written.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const KEYS: [&str; 3] = ["a/1", "a/2", "b/1"];

fn debt(hex: &str) -> Debt {
    Debt {
        number: 0,
        hex: hex.to_owned(),
        at: 7,
        with: BTreeMap::new(),
    }
}

/// Something that happens to one value.
#[derive(Clone, Debug)]
enum Act {
    Keep(Option<u8>),
    Owe(u8),
    /// So many of the oldest have been delivered.
    Pay(usize),
    /// One in the middle is withdrawn.
    Withdraw(usize),
}

fn acts() -> impl Strategy<Value = Vec<(usize, Act)>> {
    let act = prop_oneof![
        any::<Option<u8>>().prop_map(Act::Keep),
        any::<u8>().prop_map(Act::Owe),
        (0..4_usize).prop_map(Act::Pay),
        (0..4_usize).prop_map(Act::Withdraw),
    ];
    vec((0..KEYS.len(), act), 1..40)
}

/// Notes all of that, as the link does, and gives the file after each.
fn noted(acts: &[(usize, Act)]) -> (Ledger, String, BTreeSet<String>) {
    let mut ledger = Ledger::default();
    let mut text = ledger.render();
    let mut states: [State; 3] = Default::default();
    let (mut version, mut ever) = (0, BTreeSet::new());
    for (of, act) in acts {
        let state = &mut states[*of];
        match act {
            Act::Keep(kept) => state.kept = kept.map(|octet| format!("{octet:02x}")),
            Act::Owe(octet) => {
                version += 1;
                state
                    .owed
                    .push((version, Some(debt(&format!("{octet:02x}")))));
            }
            Act::Pay(paid) => drop(state.owed.drain(..(*paid).min(state.owed.len()))),
            Act::Withdraw(at) if *at < state.owed.len() => drop(state.owed.remove(*at)),
            Act::Withdraw(_) => {}
        }
        ever.extend(state.kept.clone());
        let owed = state.owed.iter().filter_map(|(_, debt)| debt.as_ref());
        ever.extend(owed.map(|debt| debt.hex.clone()));
        if let Some(record) = ledger.note(KEYS[*of], "Name", state.clone()) {
            record.write(&mut text);
        }
    }
    (ledger, text, ever)
}

/// What it says, without what only this process knows.
fn said(ledger: &Ledger) -> Vec<(String, Option<String>, Vec<Debt>)> {
    let entries = ledger.values.iter().filter(|(_, entry)| !entry.is_empty());
    let said = entries.map(|(of, entry)| (of.clone(), entry.kept.clone(), entry.owed.clone()));
    said.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn what_is_read_is_what_was_noted_line_by_line_and_written_anew(acts in acts()) {
        let (ledger, text, _) = noted(&acts);
        let lines = Ledger::replay(text.as_bytes()).unwrap();
        prop_assert_eq!((lines.damaged, lines.cut), (0, 0));
        prop_assert_eq!(said(&lines.ledger), said(&ledger));
        let whole = Ledger::replay(ledger.render().as_bytes()).unwrap();
        prop_assert_eq!(said(&whole.ledger), said(&ledger));
    }

    #[test]
    fn nothing_is_owed_twice_and_numbers_only_grow(acts in acts()) {
        let (_, text, _) = noted(&acts);
        let replayed = Ledger::replay(text.as_bytes()).unwrap().ledger;
        for entry in replayed.values.values() {
            let numbers: Vec<u64> = entry.owed.iter().map(|debt| debt.number).collect();
            prop_assert!(numbers.is_sorted_by(|a, b| a < b), "{:?}", numbers);
        }
    }
}

/// A file in which everything has happened.
fn sample() -> (Vec<u8>, BTreeSet<String>) {
    let acts = [
        (0, Act::Keep(Some(0x2A))),
        (1, Act::Owe(1)),
        (1, Act::Owe(2)),
        (0, Act::Keep(Some(0x2B))),
        (1, Act::Pay(1)),
        (2, Act::Owe(9)),
        (1, Act::Owe(3)),
        (1, Act::Withdraw(0)),
        (2, Act::Pay(1)),
        (0, Act::Keep(None)),
        (0, Act::Keep(Some(0x2C))),
    ];
    let (_, text, ever) = noted(&acts);
    (text.into_bytes(), ever)
}

/// All that a damaged file says was written some time, of that value.
fn check(bytes: &[u8], ever: &BTreeSet<String>) {
    let Ok(replayed) = Ledger::replay(bytes) else {
        return;
    };
    for (of, kept, owed) in said(&replayed.ledger) {
        assert!(KEYS.contains(&&*of), "{of} was never written");
        for hex in kept.iter().chain(owed.iter().map(|debt| &debt.hex)) {
            assert!(ever.contains(hex), "{hex} was never written");
        }
    }
}

#[test]
fn a_journal_that_is_cut_anywhere_says_what_was_written_up_to_there() {
    let (bytes, ever) = sample();
    for end in 0..bytes.len() {
        check(&bytes[..end], &ever);
        let Ok(replayed) = Ledger::replay(&bytes[..end]) else {
            let first_line = bytes.iter().position(|byte| *byte == b'\n').unwrap();
            assert!(end < first_line, "cut at {end}");
            continue;
        };
        assert_eq!(replayed.damaged, 0, "cut at {end}");
        // The last line counts only when all of it is there.
        let whole = bytes[..end]
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let is_whole = bytes.get(end) == Some(&b'\n');
        assert_eq!(replayed.cut, if is_whole { 0 } else { end - whole });
        let expected = if is_whole { end + 1 } else { whole };
        let expected = Ledger::replay(&bytes[..expected]).unwrap();
        assert_eq!(said(&replayed.ledger), said(&expected.ledger));
    }
}

#[test]
fn a_journal_with_any_bit_flipped_says_nothing_that_was_never_written() {
    let (bytes, ever) = sample();
    let sound = said(&Ledger::replay(&bytes).unwrap().ledger);
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            check(&damaged, &ever);
            let replayed = Ledger::replay(&damaged).unwrap();
            let noticed = replayed.damaged > 0 || replayed.cut > 0;
            // The digits of a checksum may become capital letters, which says the same.
            assert!(
                noticed || said(&replayed.ledger) == sound,
                "bit {bit} of octet {at}"
            );
        }
    }
}

/// A declaration that has become narrower and wider again must not deliver what is older than what was
/// accepted meanwhile.
#[test]
fn what_was_set_aside_is_not_owed_any_more_once_something_newer_is() {
    let owes = |version: u64, hex: &str| State {
        kept: None,
        owed: vec![(version, Some(debt(hex)))],
    };
    let mut before = Ledger::default();
    before.note("a/1", "Name", owes(1, "63"));
    let mut ledger = Ledger::replay(before.render().as_bytes()).unwrap().ledger;
    let everything = Aside {
        is_kept: true,
        owed: vec![1],
    };
    ledger.set_aside("a/1", &everything);
    let mut text = ledger.render();
    ledger.note("a/1", "Name", State::default());
    let mut again = Ledger::replay(text.as_bytes()).unwrap().ledger;
    assert_eq!(again.take_back("a/1").owed, [1]);
    let record = ledger.note("a/1", "Name", owes(2, "07")).unwrap();
    record.write(&mut text);
    let paid = ledger.note("a/1", "Name", State::default()).unwrap();
    paid.write(&mut text);
    for mut ledger in [ledger, Ledger::replay(text.as_bytes()).unwrap().ledger] {
        ledger.take_back("a/1");
        let owed = ledger.get("a/1").map_or(0, |entry| entry.owed.len());
        assert_eq!(owed, 0);
    }
}
