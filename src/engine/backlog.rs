//! What a link has yet to hear of a value whose every event counts: all of them, in their order, in
//! a queue with an end.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Origin, Snapshot, Time};
use crate::codec::Value;

/// What of a cell reaches its links.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// The newest value; what lies between two pulls is passed over.
    #[default]
    Latest,
    /// Every accepted request and report, in order, also when it is equal to the last: each is an
    /// event. So many of them wait for each link, which may be down; then [`WhenFull`] decides.
    Every { room: usize, when_full: WhenFull },
}

/// What gives way when one more event does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// The new event: it is refused, and nothing changes anywhere. Only what cannot be refused, as a
    /// value that comes back because nobody has confirmed it, takes the place of the oldest.
    Reject,
    /// The oldest event, which is counted.
    DropOldest,
}

impl Delivery {
    /// How many events wait, unless something else is declared.
    pub const ROOM: usize = 256;

    pub fn is_every(self) -> bool {
        match self {
            Self::Latest => false,
            Self::Every { .. } => true,
        }
    }
}

/// One event on its way to one link.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) version: u64,
    /// When it happened.
    pub(super) at: Time,
    pub(super) value: Value,
    /// Who need not hear of it.
    pub(super) heard_by: Option<Origin>,
    /// No event, but how things stand.
    pub(super) restated: bool,
    /// What was told with it.
    pub(super) with: Option<Snapshot>,
    /// A central wrote it, and was told that it is accepted.
    pub(super) written: bool,
    /// How old it was when it came into this queue: it may have happened before this process began.
    pub(super) aged: Duration,
    /// So many in a row, this and those before it that were there when it came, have the same who need not hear.
    pub(super) alike: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Backlog {
    room: usize,
    when_full: WhenFull,
    /// How things stand is told last or not at all: an event tells it too.
    waiting: VecDeque<Told>,
    under_way: Option<Told>,
    pub(super) dropped: u64,
    /// The versions of what somebody was promised and never arrives, the newest of them.
    lost: VecDeque<u64>,
}

impl Backlog {
    pub(super) fn of(delivery: Delivery) -> Option<Box<Self>> {
        match delivery {
            Delivery::Latest => None,
            Delivery::Every { room, when_full } => Some(Box::new(Self {
                room: room.max(1),
                when_full,
                waiting: VecDeque::new(),
                under_way: None,
                dropped: 0,
                lost: VecDeque::new(),
            })),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether one more event has to be refused.
    pub(super) fn refuses(&self) -> bool {
        match self.when_full {
            WhenFull::Reject => self.events().len() >= self.room,
            WhenFull::DropOldest => false,
        }
    }

    /// Whether something older of another origin is still to arrive.
    pub(super) fn crosses(&self, origin: Option<Origin>) -> bool {
        let is_other = |told: &Told| told.heard_by != origin;
        let mut events = self.events();
        debug_assert_eq!(
            self.are_alike(),
            all_equal(self.events().map(|told| told.heard_by))
        );
        // However many wait: in a burst all of them are of one origin.
        let waits = match events.next_back() {
            Some(last) => is_other(last) || !self.are_alike(),
            None => false,
        };
        waits || self.under_way.as_ref().is_some_and(is_other)
    }

    /// Whether all events that wait have the same who need not hear of them.
    fn are_alike(&self) -> bool {
        let mut events = self.events();
        let count = events.len();
        events.next_back().is_none_or(|last| last.alike >= count)
    }

    /// The version of what has given way to it, if something has.
    pub(super) fn push(&mut self, event: Told) -> Option<u64> {
        let mut gave_way = None;
        self.forget_restated();
        while self.waiting.len() >= self.room {
            if let Some(oldest) = self.waiting.pop_front() {
                self.lose(&oldest);
                gave_way = Some(oldest.version);
            }
            self.dropped += 1;
        }
        self.push_back(event);
        gave_way
    }

    /// One from before this process began. There was room for it then: one more was under way.
    pub(super) fn take_up(&mut self, event: Told) {
        self.forget_restated();
        self.push_back(event);
    }

    fn push_back(&mut self, mut event: Told) {
        event.alike = match self.waiting.back() {
            Some(last) if last.heard_by == event.heard_by => last.alike + 1,
            Some(_) | None => 1,
        };
        self.waiting.push_back(event);
    }

    /// Of those that are left when some from the midst of them have gone, or are others.
    fn count_anew(&mut self) {
        let mut last = None;
        for event in &mut self.waiting {
            event.alike = match last {
                Some((heard_by, alike)) if heard_by == event.heard_by => alike + 1,
                Some(_) | None => 1,
            };
            last = Some((event.heard_by, event.alike));
        }
    }

    /// Whether this was to be told, and is not any more.
    pub(super) fn has_lost(&self, version: u64) -> bool {
        self.lost.contains(&version)
    }

    fn lose(&mut self, told: &Told) {
        if !told.written {
            return;
        }
        // Whoever waits for a promise waits for seconds, so the oldest are of no interest.
        if self.lost.len() >= Delivery::ROOM {
            self.lost.pop_front();
        }
        self.lost.push_back(told.version);
    }

    /// How things stand, for a link that may not know; unless the last event that waits says it.
    pub(super) fn restate(&mut self, version: u64, at: Time, value: Value) {
        self.forget_restated();
        match self.waiting.back_mut() {
            Some(last) if last.version == version => {
                last.heard_by = None;
                self.count_anew();
            }
            _ => self.push_back(Told {
                version,
                at,
                value,
                heard_by: None,
                restated: true,
                with: None,
                written: false,
                aged: Duration::ZERO,
                alike: 1,
            }),
        }
    }

    /// Forgets events, waiting or under way; the version of the newest of them.
    pub(super) fn forget(&mut self, which: impl Fn(&Told) -> bool) -> Option<u64> {
        let is_meant = |told: &Told| !told.restated && which(told);
        // It may have arrived. If not, it is not sent again.
        let under_way = self.under_way.take_if(|told| is_meant(told));
        let waiting = std::mem::take(&mut self.waiting).into_iter();
        let (gone, left): (VecDeque<Told>, VecDeque<Told>) = waiting.partition(is_meant);
        self.waiting = left;
        self.count_anew();
        let gone = under_way.into_iter().chain(gone);
        gone.map(|told| {
            self.lose(&told);
            told.version
        })
        .max()
    }

    pub(super) fn forget_restated(&mut self) {
        if self.waiting.back().is_some_and(|last| last.restated) {
            self.waiting.pop_back();
        }
    }

    pub(super) fn take(&mut self) -> Option<&Told> {
        self.under_way = self.waiting.pop_front();
        self.under_way.as_ref()
    }

    /// What was under way has arrived.
    pub(super) fn delivered(&mut self) -> Option<Told> {
        self.under_way.take()
    }

    /// Everything that is still to arrive, in its order.
    pub(super) fn undelivered(&self) -> impl Iterator<Item = &Told> {
        let under_way = self.under_way.iter().filter(|told| !told.restated);
        under_way.chain(self.events())
    }

    /// What was under way may be lost: it is the next again.
    pub(super) fn take_back(&mut self) {
        if let Some(told) = self.under_way.take()
            && (!told.restated || self.waiting.is_empty())
        {
            self.waiting.push_front(told);
            self.count_anew();
        }
    }

    /// Goes on where another was; with more than it has room for, if need be. Returns whether all events have come
    /// along.
    pub(super) fn inherit(&mut self, before: Self, which: impl Fn(Told) -> Option<Told>) -> bool {
        let Self {
            waiting,
            under_way,
            dropped,
            lost,
            ..
        } = before;
        self.waiting.clear();
        (self.dropped, self.lost) = (dropped, lost);
        let mut all_have_come = true;
        let mut place = |told: Told| {
            let (version, written) = (told.version, told.written);
            let placed = which(told);
            if placed.is_none() && written {
                self.lost.push_back(version);
            }
            all_have_come &= placed.is_some();
            placed
        };
        let under_way = under_way.and_then(&mut place);
        let waiting: VecDeque<Told> = waiting.into_iter().filter_map(&mut place).collect();
        (self.under_way, self.waiting) = (under_way, waiting);
        self.count_anew();
        all_have_come
    }

    fn events(&self) -> impl ExactSizeIterator<Item = &Told> + DoubleEndedIterator {
        let restated = self.waiting.back().is_some_and(|last| last.restated);
        let events = self.waiting.len() - usize::from(restated);
        self.waiting.range(..events)
    }
}

fn all_equal<T: PartialEq>(mut all: impl Iterator<Item = T>) -> bool {
    all.next().is_none_or(|first| all.all(|next| next == first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::LinkId;

    fn told(version: u64, heard_by: Option<Origin>) -> Told {
        Told {
            version,
            at: Time::default(),
            value: Value::Bool(true),
            heard_by,
            restated: false,
            with: None,
            written: false,
            aged: Duration::ZERO,
            alike: 1,
        }
    }

    /// Whether anything older of another origin is to arrive is known without looking at all that waits, and is what
    /// one sees who does.
    #[test]
    fn what_crosses_is_what_one_sees_who_looks_at_all() {
        let mut seed = 7u64;
        let mut below = |end: u64| {
            seed = seed.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
            (seed >> 33) % end
        };
        let origins = [None, Some(0), Some(1)].map(|link| {
            let link = LinkId::new(link?);
            Some(Origin { link, peer: None })
        });
        let delivery = Delivery::Every {
            room: 12,
            when_full: WhenFull::DropOldest,
        };
        let mut backlog = Backlog::of(delivery).expect("every event counts");
        for version in 0..50_000 {
            // Long rows of the same, as in a burst, and mixed ones.
            let origin = origins[if version % 200 < 100 {
                1
            } else {
                below(3) as usize
            }];
            match below(100) {
                0..50 => drop(backlog.push(told(version, origin))),
                50..70 => drop(backlog.take().is_some()),
                70..80 => drop(backlog.delivered()),
                80..86 => backlog.take_back(),
                86..90 => backlog.restate(
                    version - below(3).min(version),
                    Time::default(),
                    Value::Bool(true),
                ),
                90..95 => drop(backlog.forget(|told| told.version % 3 == 0)),
                _ => {
                    let mut next = Backlog::of(delivery).expect("every event counts");
                    next.inherit(*backlog, |told| (told.version % 5 != 0).then_some(told));
                    backlog = next;
                }
            }
            for origin in origins {
                let mut all = backlog.under_way.iter().chain(backlog.events());
                let seen = all.any(|told| told.heard_by != origin);
                assert_eq!(backlog.crosses(origin), seen, "at {version}");
            }
        }
    }
}
