//! Who judges: knows what centrals were told, and what the broker has passed on.

use std::collections::{BTreeMap, BTreeSet};

use super::mosquitto::PATIENCE;
use super::tap::Tap;
use tokio::time::Instant;

/// One kind of way from a central to the broker.
pub struct Kind {
    pub name: &'static str,
    pub uuid: &'static str,
    pub declared: &'static str,
    /// Where what was written arrives.
    topic: &'static str,
    /// All that was written has to arrive, in its order; not just the newest.
    every: bool,
    /// A state, which the broker is told again after it was killed.
    is_state: bool,
}

pub const CELLS: [Kind; 6] = [
    Kind {
        name: "kept",
        uuid: "FF01",
        declared: "persist: true, mqtt: { state: kept }",
        topic: "kept",
        every: false,
        is_state: true,
    },
    Kind {
        name: "passing",
        uuid: "FF02",
        declared: "mqtt: { state: passing }",
        topic: "passing",
        every: false,
        is_state: true,
    },
    Kind {
        name: "published",
        uuid: "FF03",
        declared: "ack: published, mqtt: { state: published }",
        topic: "published",
        every: false,
        is_state: true,
    },
    Kind {
        name: "events",
        uuid: "FF04",
        declared: "delivery: { every: 1000 }, mqtt: { state: events }",
        topic: "events",
        every: true,
        is_state: false,
    },
    Kind {
        name: "wish",
        uuid: "FF05",
        declared: "mqtt: { owner: remote, state: wish/is, command: wish/set }",
        topic: "wish/set",
        every: false,
        is_state: false,
    },
    Kind {
        name: "orders",
        uuid: "FF06",
        declared: "delivery: { every: 1000 }, mqtt: { owner: remote, state: orders/is, command: orders/set }",
        topic: "orders/set",
        every: true,
        is_state: false,
    },
];

#[derive(Default)]
pub struct Oracle {
    tried: BTreeMap<String, BTreeSet<u32>>,
    acknowledged: BTreeMap<String, BTreeSet<u32>>,
    /// What has been passed on, by topic, each once and in the order of the first time.
    seen: BTreeMap<String, Vec<u32>>,
    last: u32,
}

impl Oracle {
    pub fn new() -> Self {
        Self::default()
    }

    /// A number that nobody has written yet.
    pub fn next(&self) -> u32 {
        self.last + 1
    }

    /// The process has said something.
    pub fn hears(&mut self, line: &str) {
        let mut words = line.split(' ');
        let all = match words.next() {
            Some("tries") => &mut self.tried,
            Some("acknowledged") => &mut self.acknowledged,
            _ => return,
        };
        // What it was about to say when it was killed may be half a line.
        let (Some(name), Some(Ok(number))) = (words.next(), words.next().map(str::parse)) else {
            return;
        };
        all.entry(name.to_owned()).or_default().insert(number);
        self.last = self.last.max(number);
    }

    fn sees(&mut self, topic: &str, payload: &[u8]) {
        let Some(cell) = CELLS.iter().find(|cell| cell.topic == topic) else {
            return;
        };
        let number: u32 = String::from_utf8_lossy(payload).parse().expect("a number");
        let tried = self.tried.get(cell.name);
        let is_known = number == 0 || tried.is_some_and(|tried| tried.contains(&number));
        assert!(is_known, "{number} on {topic} was never written");
        let seen = self.seen.entry(topic.to_owned()).or_default();
        if !seen.contains(&number) {
            seen.push(number);
        }
    }

    /// What a central was told is safe and has not arrived.
    fn missing(&self, cell: &Kind) -> Vec<u32> {
        let none = BTreeSet::new();
        let acknowledged = self.acknowledged.get(cell.name).unwrap_or(&none);
        let seen = self.seen.get(cell.topic).map_or(&[][..], Vec::as_slice);
        if cell.every {
            let seen: BTreeSet<u32> = seen.iter().copied().collect();
            return acknowledged.difference(&seen).copied().collect();
        }
        let newest = seen.iter().max().copied().unwrap_or(0);
        let newest_acknowledged = acknowledged.last().copied();
        let missing = newest_acknowledged.filter(|number| *number > newest);
        missing.into_iter().collect()
    }

    pub fn wait_until_all_is_there(&mut self, tap: &mut Tap) {
        self.wait(tap, |_| true);
        for cell in CELLS.iter().filter(|cell| cell.every) {
            let seen = self.seen.get(cell.topic).cloned().unwrap_or_default();
            let in_order = seen.iter().filter(|number| **number > 0).is_sorted();
            assert!(in_order, "{}: {seen:?}", cell.topic);
        }
    }

    /// To a broker that has lost all it had, only states are told again.
    pub fn wait_until_states_are_there(&mut self, tap: &mut Tap) {
        self.wait(tap, |cell| cell.is_state);
    }

    fn wait(&mut self, tap: &mut Tap, which: impl Fn(&Kind) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let all = CELLS.iter().filter(|cell| which(cell));
            let missing: Vec<_> = all
                .map(|cell| (cell.name, self.missing(cell)))
                .filter(|(_, missing)| !missing.is_empty())
                .collect();
            if missing.is_empty() {
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let Some(message) = tap.next_within(left) else {
                panic!("acknowledged, and lost: {missing:?}");
            };
            self.sees(&message.topic, &message.payload);
        }
    }

    /// That nothing is missing says little where nothing was written.
    pub fn check_something_happened(&self, kills: u32) {
        let all = self.acknowledged.values().map(BTreeSet::len);
        println!("{kills} kills, {} writes acknowledged", all.sum::<usize>());
        for cell in &CELLS {
            let acknowledged = self.acknowledged.get(cell.name).map_or(0, BTreeSet::len);
            assert!(
                acknowledged > 0,
                "no write of {} was acknowledged",
                cell.name
            );
        }
    }
}
