//! What waits for time to pass.
//!
//! A heap in which those that are not wanted any more stay until they are on top, or most are such. Unlike a tree it
//! takes no memory, and gives none back, as long as no more wait than did before.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use super::{CellId, LinkId, Time};

/// Who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Timer {
    /// A request for its confirmation.
    Confirmation(CellId),
    /// What a remote owner has said, for it to say more.
    Silence(CellId),
    /// Writes for an answer in this cell.
    Answer(CellId),
    /// An outlet of a link for its turn to send.
    Pace(LinkId, usize),
}

/// Who waits for when.
type Entry = (Time, Timer);

/// All that wait, the first to come due first.
#[derive(Clone, Debug, Default)]
pub(super) struct Timers {
    /// Each once. What is on top is wanted.
    heap: BinaryHeap<Reverse<Entry>>,
    /// Whether it is wanted, of all in the heap.
    wanted: HashMap<Entry, bool, BuildHasherDefault<Mix>>,
    /// How many are not.
    unwanted: usize,
}

/// The time that it is, and the way to ask for another.
pub(super) struct Clock<'a> {
    pub(super) now: Time,
    pub(super) timers: &'a mut Timers,
}

impl Timers {
    pub(super) fn set(&mut self, at: Time, timer: Timer) {
        match self.wanted.insert((at, timer), true) {
            None => self.heap.push(Reverse((at, timer))),
            Some(true) => {}
            Some(false) => self.unwanted -= 1,
        }
    }

    pub(super) fn clear(&mut self, at: Time, timer: Timer) {
        if let Some(wanted @ true) = self.wanted.get_mut(&(at, timer)) {
            *wanted = false;
            self.unwanted += 1;
            self.tidy();
        }
    }

    pub(super) fn next(&self) -> Option<Time> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// The next one whose time has come, and when it came.
    pub(super) fn take_due(&mut self, now: Time) -> Option<(Time, Timer)> {
        let &Reverse(due) = self.heap.peek().filter(|Reverse((at, _))| *at <= now)?;
        self.take_top();
        self.tidy();
        Some(due)
    }

    fn take_top(&mut self) -> Option<bool> {
        let Reverse(top) = self.heap.pop()?;
        self.wanted.remove(&top)
    }

    /// What is on top is wanted, and half of all are, at least.
    fn tidy(&mut self) {
        while self.unwanted > 0
            && let Some(Reverse(top)) = self.heap.peek()
            && !self.wanted[top]
        {
            self.take_top();
            self.unwanted -= 1;
        }
        if self.unwanted > self.heap.len() / 2 {
            self.wanted.retain(|_, wanted| *wanted);
            self.heap
                .retain(|Reverse(entry)| self.wanted.contains_key(entry));
            self.unwanted = 0;
        }
    }
}

/// Makes of an entry what tells it from others. Nobody outside chooses entries so that they look alike: a cell has a
/// few at most.
#[derive(Clone, Copy, Debug, Default)]
struct Mix(u64);

impl Mix {
    fn add(&mut self, part: u64) {
        // The golden ratio, as 64 bits: spreads what differs in a few low bits over the high ones.
        self.0 = (self.0.rotate_left(5) ^ part).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.add((*byte).into()));
    }

    fn write_u16(&mut self, part: u16) {
        self.add(part.into());
    }

    fn write_u32(&mut self, part: u32) {
        self.add(part.into());
    }

    fn write_u64(&mut self, part: u64) {
        self.add(part);
    }

    fn write_usize(&mut self, part: usize) {
        self.add(part as u64);
    }

    fn write_isize(&mut self, part: isize) {
        self.add(part as u64);
    }

    fn finish(&self) -> u64 {
        // The table looks at the low bits first.
        self.0.rotate_left(26)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::{Timer, Timers};
    use crate::engine::{CellId, LinkId, Time};

    /// A set in its order, simple enough to be right by reading, says the same, whatever is done.
    #[test]
    fn they_come_due_in_their_order() {
        let mut seed = 7u64;
        let mut below = |end: u64| {
            seed = seed.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
            (seed >> 33) % end
        };
        let (mut timers, mut model) = (Timers::default(), BTreeSet::new());
        for round in 0..100_000 {
            let at = Time(Duration::from_millis(below(40)));
            let cell = CellId::new(below(4) as usize);
            let timer = match below(4) {
                0 => Timer::Confirmation(cell),
                1 => Timer::Silence(cell),
                2 => Timer::Answer(cell),
                _ => Timer::Pace(LinkId::new(below(2) as usize), below(2) as usize),
            };
            // Now fuller, now emptier.
            match below(100) {
                0..45 => {
                    timers.set(at, timer);
                    model.insert((at, timer));
                }
                45..90 => {
                    timers.clear(at, timer);
                    model.remove(&(at, timer));
                }
                _ => {
                    let due = model.first().is_some_and(|(first, _)| *first <= at);
                    let due = due.then(|| model.pop_first()).flatten();
                    assert_eq!(timers.take_due(at), due, "in round {round}");
                }
            }
            assert_eq!(timers.next(), model.first().map(|(at, _)| *at));
            assert!(timers.heap.len() <= 2 * model.len() + 1, "it grows");
        }
    }
}
