//! What has to hold. It knows what centrals, the broker and other programs have said and seen, what was accepted, and
//! what a disk has for certain; it does not look into the engine, except to read a value as a central does.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bemo_sync::codec::json;
use bemo_sync::engine::{Ack, Delivery, Pace, WhenFull};
use bemo_sync::plugins::store::simulated::Journal;

use crate::air::{CENTRALS, Promise};
use crate::bus::{Payload, Topic, Way};
use crate::declaration::*;
use crate::world::World;

/// A link pulls so long after it could, at the latest.
const WOKEN_WITHIN: u64 = 2_000;

/// One thing that was accepted of a value, in the order in which they were.
#[derive(Clone, Debug)]
struct Accepted {
    value: i64,
    at: u64,
    central: Option<usize>,
    life: u32,
    /// A central was told that it is safe.
    is_safe: bool,
    /// The broker has it.
    is_received: bool,
    /// It was asked of a remote owner, or is what is so here; not what the owner said.
    is_for_bus: bool,
    /// Whoever asked was told that nobody answers.
    is_withdrawn: bool,
    /// No clock can tell how old it is.
    is_ageless: bool,
}

#[derive(Debug, Default)]
struct Track {
    history: Vec<Accepted>,
    refused: BTreeSet<i64>,
    /// What the broker has seen last, in this life.
    position: Option<usize>,
    /// Where this life begins.
    begins: usize,
    /// There was a new connection since the broker saw something.
    may_repeat: bool,
    /// Events that gave way, in the lives before this.
    dropped: u64,
    /// By central, where in the history it may be: all before that it has been told, or need not be.
    told: BTreeMap<usize, BTreeSet<usize>>,
}

#[derive(Debug, Default)]
pub struct Oracle {
    tracks: Vec<Track>,
    is_new_life: bool,
    /// What the values were when the process was stopped in an orderly way.
    stopped_with: Option<Vec<Option<i64>>>,
    stopped_well: bool,
    last_values: Vec<Option<i64>>,
    asks: VecDeque<(usize, u64)>,
    /// By link and cell: how many effects there may be.
    credits: [[u32; CELLS]; LINKS],
    pub handed_out: [u64; LINKS],
    pub published: u64,
    kept: u64,
}

impl Oracle {
    pub fn new() -> Self {
        Self {
            tracks: (0..CELLS).map(|_| Track::default()).collect(),
            last_values: vec![None; CELLS],
            ..Self::default()
        }
    }

    pub fn newest(&self, cell: usize) -> Option<usize> {
        let history = &self.tracks[cell].history;
        history.iter().rposition(|it| it.is_for_bus)
    }

    /// What was kept does not fit what is declared: that was said.
    pub fn set_aside(&mut self, cell: usize) {
        for accepted in &mut self.tracks[cell].history {
            accepted.is_safe = false;
        }
        self.last_values[cell] = None;
        self.stopped_with = self.stopped_with.take().map(|mut with| {
            with[cell] = None;
            with
        });
    }

    pub fn connected(&mut self) {
        for track in &mut self.tracks {
            track.may_repeat = true;
            if self.is_new_life {
                track.position = None;
            }
        }
        self.is_new_life = false;
    }

    pub fn subscribed(&mut self, central: usize) {
        for track in &mut self.tracks {
            // What waits for it may be from before.
            let newest = track.history.len();
            let may_be = newest.saturating_sub(32)..=newest;
            track.told.insert(central, may_be.collect());
        }
    }

    pub fn time_is_unsure(&mut self) {
        for track in &mut self.tracks {
            for accepted in &mut track.history {
                accepted.is_ageless = true;
            }
        }
    }

    pub fn stops(&mut self, well: bool) {
        self.stopped_well = well;
    }
}

impl World {
    // ── what is accepted ─────────────────────────────────────────────────────────────────────────

    pub fn oracle_accepts(&mut self, cell: usize, value: i64, central: Option<usize>, asks: bool) {
        let accepted = Accepted {
            value,
            at: self.now,
            central,
            life: self.lives,
            is_safe: false,
            is_received: false,
            is_for_bus: asks || !self.declaration.cells[cell].is_remote,
            is_withdrawn: false,
            is_ageless: false,
        };
        let track = &mut self.oracle.tracks[cell];
        track.history.push(accepted);
        let index = track.history.len() - 1;
        if cell == ASK && central.is_some() {
            self.oracle
                .asks
                .push_back((index, self.now + ANSWER_WITHIN));
        }
        if cell == ANSWER && asks && self.oracle.asks.pop_front().is_none() {
            self.fail(format!("{value} answers what nobody has asked"));
        }
    }

    pub fn oracle_refuses(&mut self, cell: usize, value: i64) {
        if self.declaration.cells[cell].is_unique {
            self.oracle.tracks[cell].refused.insert(value);
        }
    }

    /// Nobody has answered so many in time.
    pub fn oracle_unanswered(&mut self, count: u64) {
        let mut late = 0;
        while let Some((index, until)) = self.oracle.asks.front().copied() {
            if until > self.now {
                break;
            }
            self.oracle.asks.pop_front();
            self.oracle.tracks[ASK].history[index].is_withdrawn = true;
            late += 1;
        }
        if late != count {
            self.fail(format!(
                "{count} answers to {late} that nobody has answered"
            ));
        }
    }

    // ── what is shown ────────────────────────────────────────────────────────────────────────────

    pub fn oracle_shown(&mut self, cell: usize, value: i64, how: &str) {
        let declared = &self.declaration.cells[cell];
        if !declared.is_valid(value) {
            self.fail(format!("{how} of {} is {value}", declared.name));
        } else if self.oracle.tracks[cell].refused.contains(&value) {
            self.fail(format!(
                "{how} of {} is {value}, which was refused",
                declared.name
            ));
        }
    }

    pub fn oracle_notified(&mut self, central: usize, cell: usize, value: i64) {
        let declared = &self.declaration.cells[cell];
        // What cannot be refused, as a value that comes back, takes the place of the oldest.
        let gave_way = self
            .dropped()
            .iter()
            .any(|(link, of, _)| (*link, *of) == (AIR, cell));
        let may_miss = gave_way || may_drop(declared) || declared.expires.is_some() || cell == ASK;
        let track = &mut self.oracle.tracks[cell];
        let life = self.lives;
        let mut may_be = BTreeSet::new();
        for from in track.told.get(&central).into_iter().flatten() {
            for (index, it) in track.history.iter().enumerate().skip(*from) {
                if it.value == value {
                    may_be.insert(index + 1);
                }
                // Its own writes it is told only where it may believe something else, and what was before
                // this process began only where it is owed.
                if it.central != Some(central) && it.life == life && !may_miss {
                    break;
                }
            }
        }
        let is_right = !may_be.is_empty();
        let before = track.told.insert(central, may_be);
        if !is_right {
            let name = declared.name;
            self.fail(format!(
                "central {central} is told {value} of {name}, out of order or after others that it missed: {before:?}"
            ));
        }
    }

    // ── what the broker sees ─────────────────────────────────────────────────────────────────────

    pub fn oracle_hands_out(&mut self, cell: usize, value: i64, restated: bool) {
        let declared = &self.declaration.cells[cell];
        let expires = declared.expires;
        if !declared.is_every() || restated {
            return;
        }
        let track = &self.oracle.tracks[cell];
        let mut found = track.history.iter().rev();
        let Some(accepted) = found.find(|it| it.value == value && it.is_for_bus) else {
            return;
        };
        let age = self.now - accepted.at;
        if accepted.is_withdrawn {
            self.fail(format!(
                "{value} is asked, and somebody has been told that nobody answers it"
            ));
        } else if expires.is_some_and(|it| age >= it + WOKEN_WITHIN && !accepted.is_ageless) {
            self.fail(format!("{value} has expired and is told after {age} ms"));
        }
    }

    pub fn oracle_published(&mut self, topic: Topic, value: i64) {
        self.oracle.published += 1;
        let (cell, declared) = (topic.cell, &self.declaration.cells[topic.cell]);
        let (name, is_every) = (declared.name, declared.is_every());
        let is_command = topic.way == Way::Command;
        if is_command != declared.is_remote {
            return self.fail(format!("{name} is published where it should not be"));
        }
        if self.oracle.tracks[cell].refused.contains(&value) {
            return self.fail(format!("{name} is published as {value}, which was refused"));
        }
        let is_initial = declared.initial == Some(value);
        let is_new_life = self.oracle.is_new_life;
        let track = &mut self.oracle.tracks[cell];
        let is_it = |index: &usize| {
            let it = &track.history[*index];
            it.value == value && it.is_for_bus
        };
        let last = track.position;
        let from = match (is_every, last) {
            (true, Some(last)) => last + 1,
            (false, Some(last)) => last,
            (true, None) => 0,
            // The connection of the process before may still have something in it.
            (false, None) if is_new_life => 0,
            (false, None) => track.begins,
        };
        let Some(next) = (from..track.history.len()).find(is_it) else {
            let repeats = last.is_some_and(|last| track.history[last].value == value);
            let begins = last.is_none() && is_initial;
            if (repeats && std::mem::take(&mut track.may_repeat)) || begins {
                return;
            }
            return self.fail(format!(
                "{name} is published as {value}: out of order, or again"
            ));
        };
        if is_every {
            // Where it is said how things stand, what has been is said again.
            track.may_repeat &= last.is_some_and(|last| last == next);
        }
        track.position = Some(next);
        let newest = (next..track.history.len())
            .rev()
            .find(is_it)
            .unwrap_or(next);
        match is_every {
            true => track.history[next].is_received = true,
            false => {
                let upto = &mut track.history[..=newest];
                upto.iter_mut()
                    .rev()
                    .take(64)
                    .for_each(|it| it.is_received = true);
            }
        }
    }

    // ── promises ─────────────────────────────────────────────────────────────────────────────────

    pub fn oracle_kept(&mut self, promise: Promise) {
        let Promise { cell, index, .. } = promise;
        let declared = self.declaration.cells[cell].clone();
        let Some(index) = index.filter(|_| declared.ack > Ack::Accepted) else {
            return;
        };
        let track = &mut self.oracle.tracks[cell];
        track.history[index].is_safe = true;
        let accepted = track.history[index].clone();
        let later = || track.history[index..].iter().filter(|it| it.is_for_bus);
        let is_received = match declared.is_every() {
            true => accepted.is_received,
            false => later().any(|it| it.is_received),
        };
        let name = declared.name;
        if declared.ack >= Ack::Published && !is_received {
            let value = accepted.value;
            return self.fail(format!(
                "{name} = {value} is acknowledged, and at no broker"
            ));
        }
        if declared.ack == Ack::Confirmed {
            let said = &self.owners[cell].heard;
            let before = said.iter().rev().find(|(at, _)| *at <= accepted.at);
            let since = said.iter().filter(|(at, _)| *at >= accepted.at);
            let mut said = before.into_iter().chain(since);
            if !said.any(|(_, said)| later().any(|it| it.value == *said)) {
                let value = accepted.value;
                return self.fail(format!("{name} = {value} is confirmed, and by nobody"));
            }
        }
        self.oracle.kept += 1;
        if !is_received && self.oracle.kept.is_multiple_of(8) && declared.expires.is_none() {
            self.is_durable(index, cell);
        }
    }

    /// What is acknowledged outlives a power cut at this moment.
    fn is_durable(&mut self, index: usize, cell: usize) {
        let declared = &self.declaration.cells[cell];
        let journal = self.disk.durable().map(Journal::replay);
        let said = journal.and_then(|it| it.ok()?.said(declared.name));
        let said = said.unwrap_or_default();
        let hexes = said.owed.iter().map(|(hex, _, _)| hex).chain(&said.kept);
        let numbers: Vec<i64> = hexes
            .filter_map(|hex| {
                let octets: [u8; 4] = json::from_hex(hex)?.try_into().ok()?;
                Some(i64::from(i32::from_le_bytes(octets)))
            })
            .collect();
        let history = &self.oracle.tracks[cell].history[index..];
        let until = match declared.is_every() {
            true => 1,
            false => history.len(),
        };
        let drops = matches!(
            declared.delivery,
            Delivery::Every {
                when_full: WhenFull::DropOldest,
                ..
            }
        );
        if !drops
            && !history[..until]
                .iter()
                .any(|it| numbers.contains(&it.value))
        {
            let (name, value) = (declared.name, history[0].value);
            self.fail(format!(
                "{name} = {value} is acknowledged, and a power cut would take it: {said:?}"
            ));
        }
    }

    /// Without faults every promise is kept.
    pub fn expects_kept(&mut self, promise: Promise, why: &str) {
        // Where the oldest gives way, it may.
        let gives_way = may_drop(&self.declaration.cells[promise.cell]);
        if !gives_way
            && self
                .calm_since
                .is_some_and(|since| self.now > since + 60_000)
        {
            self.fail(format!("nothing is wrong any more, and {why}: {promise:?}"));
        }
    }

    // ── lives ────────────────────────────────────────────────────────────────────────────────────

    pub fn oracle_life_ends(&mut self) {
        let values: Vec<Option<i64>> = (0..CELLS).map(|cell| self.value(cell)).collect();
        self.oracle.stopped_with =
            std::mem::take(&mut self.oracle.stopped_well).then(|| values.clone());
        self.oracle.last_values = values;
        for (link, cell, count) in self.dropped() {
            if link == BUS {
                self.oracle.tracks[cell].dropped += count;
            }
        }
        self.oracle.asks.clear();
    }

    /// A process has begun. `owed`: what it says that it will deliver.
    pub fn oracle_life_begins(&mut self, owed: &[Vec<i64>]) {
        self.oracle.is_new_life = true;
        let stopped_with = self.oracle.stopped_with.take();
        for (cell, owed) in owed.iter().enumerate() {
            let declared = self.declaration.cells[cell].clone();
            let shown = self.value(cell);
            if let Some(shown) = shown {
                self.oracle_shown(cell, shown, "what a start brings");
            }
            match declared.is_every() {
                true => self.every_is_taken_up(cell, owed),
                false => self.latest_is_taken_up(cell, shown, stopped_with.as_deref()),
            }
            let track = &mut self.oracle.tracks[cell];
            track.begins = track.history.len();
            if declared.is_every() {
                continue;
            }
            let asks = !declared.is_remote || !owed.is_empty();
            if let Some(shown) = shown.filter(|_| asks) {
                self.oracle_accepts(cell, shown, None, cell != ANSWER);
                let track = &mut self.oracle.tracks[cell];
                // What was safe before is safe in this.
                let was_safe = track.history[..track.begins]
                    .iter()
                    .any(|it| it.is_safe && !it.is_received);
                if was_safe && let Some(begun) = track.history.last_mut() {
                    begun.is_safe = true;
                }
            }
        }
        self.oracle.credits = [[1; CELLS]; LINKS];
        for (cell, owed) in owed.iter().enumerate() {
            if self.declaration.cells[cell].is_every() {
                let count = u32::try_from(owed.len()).expect("few");
                for link in [AIR, BUS] {
                    self.oracle.credits[link][cell] += count;
                }
            }
        }
    }

    /// What was acknowledged and not delivered is the value, or something later is.
    fn latest_is_taken_up(
        &mut self,
        cell: usize,
        shown: Option<i64>,
        stopped_with: Option<&[Option<i64>]>,
    ) {
        let declared = self.declaration.cells[cell].clone();
        let history = &self.oracle.tracks[cell].history;
        let keeps = declared.persist && !declared.is_remote;
        let needed = history
            .iter()
            .rposition(|it| it.is_safe && it.is_for_bus && (keeps || !it.is_received));
        let is_later = |needed: usize| {
            let mut later = history[needed..].iter().filter(|it| it.is_for_bus);
            later.any(|it| Some(it.value) == shown)
        };
        let name = declared.name;
        if let Some(needed) = needed.filter(|needed| !is_later(*needed)) {
            let value = history[needed].value;
            return self.fail(format!(
                "{name} = {value} was acknowledged, and after the start it is {shown:?}"
            ));
        }
        let was = history.iter().any(|it| Some(it.value) == shown);
        let said = self.owners[cell].said.iter().any(|it| Some(*it) == shown);
        if shown != declared.initial && !was && !said && shown.is_some() {
            return self.fail(format!("{name} begins as {shown:?}, and never was that"));
        }
        if let Some(before) = stopped_with.and_then(|with| with[cell]).filter(|_| keeps)
            && shown != Some(before)
        {
            self.fail(format!(
                "{name} was stopped as {before} and begins as {shown:?}"
            ));
        }
    }

    fn every_is_taken_up(&mut self, cell: usize, owed: &[i64]) {
        let declared = self.declaration.cells[cell].clone();
        let (name, expires) = (declared.name, declared.expires);
        let drops = may_drop(&declared);
        let now = self.now;
        let gone = self.dropped();
        if let Some((_, _, count)) = gone
            .iter()
            .find(|(_, of, _)| *of == cell)
            .filter(|_| !drops)
        {
            return self.fail(format!(
                "{count} of what {name} owes have given way at a start"
            ));
        }
        let history = &mut self.oracle.tracks[cell].history;
        let mut from = 0;
        for value in owed {
            let is_it = |it: &Accepted| it.value == *value && it.is_for_bus;
            let Some(found) = history[from..].iter().position(is_it) else {
                return self.fail(format!(
                    "{name} owes {owed:?}: {value} is out of order, or twice"
                ));
            };
            from += found + 1;
        }
        let lost = history.iter().find(|it| {
            let is_old = expires.is_some_and(|expires| it.is_ageless || now - it.at + 1 >= expires);
            it.is_safe && !it.is_received && !is_old && !owed.contains(&it.value)
        });
        if let Some(lost) = lost.filter(|_| !drops) {
            let value = lost.value;
            self.fail(format!(
                "{name} = {value} was acknowledged, and is not among what is owed after a start: {owed:?}"
            ));
        }
    }

    // ── no echo ──────────────────────────────────────────────────────────────────────────────────

    /// Something from outside, or the time, lets one effect happen at this link.
    pub fn grant(&mut self, link: usize, cell: usize) {
        let credit = &mut self.oracle.credits[link][cell];
        match self.declaration.cells[cell].is_every() {
            true => *credit += 1,
            false => *credit = 1,
        }
    }

    pub fn grant_link_up(&mut self, link: usize, session_present: bool) {
        for cell in 0..CELLS {
            let is_every = self.declaration.cells[cell].is_every();
            if !session_present || is_every || self.is_in_flight(link, cell) {
                self.grant(link, cell);
                if is_every && !session_present {
                    self.grant(link, cell);
                }
            }
        }
    }

    pub fn spend(&mut self, link: usize, cell: usize) {
        if link == STORE {
            self.oracle.handed_out[link] += 1;
            return;
        }
        if link == AIR && cell == CLOCK && self.is_periodic() {
            return;
        }
        self.oracle.handed_out[link] += 1;
        let is_every = self.declaration.cells[cell].is_every();
        let credit = &mut self.oracle.credits[link][cell];
        match (*credit, is_every) {
            (0, _) => {
                let name = self.declaration.cells[cell].name;
                self.fail(format!(
                    "link {link} is handed {name}, and nothing has caused it"
                ));
            }
            (_, true) => *credit -= 1,
            (_, false) => *credit = 0,
        }
    }

    // ── the end ──────────────────────────────────────────────────────────────────────────────────

    /// Nothing has been wrong for long: all agree.
    pub fn judges_the_end(&mut self) {
        if self.life.is_none() {
            return self.fail("the process is not there".to_owned());
        }
        for cell in 0..CELLS {
            let declared = self.declaration.cells[cell].clone();
            let (name, value) = (declared.name, self.value(cell));
            if declared.is_remote && value != self.owners[cell].truth {
                let truth = self.owners[cell].truth;
                self.fail(format!("{name} is {value:?}, and its owner says {truth:?}"));
            }
            let topic = self.topic(cell, Way::State);
            let retained = self.broker.retained.get(&topic).copied();
            let is_retained = cell != BELL && cell != ASK;
            if is_retained && value.is_some() && retained != value.map(Payload::Number) {
                self.fail(format!(
                    "{name} is {value:?}, and on the topic it is {retained:?}"
                ));
            }
            for central in 0..CENTRALS {
                let it = &self.centrals[central];
                let belief = it.belief.get(&cell).copied();
                let knows = it.connection.is_some() && it.subscribed.contains(&cell);
                // What nobody has answered is told to nobody any more, and is the value all the same.
                let is_told = cell != ASK && !self.may_believe_older(central, cell);
                if knows && is_told && value.is_some() && belief != value {
                    self.fail(format!(
                        "{name} is {value:?}, and central {central} believes {belief:?}"
                    ));
                }
            }
            self.judges_events(cell);
        }
        if let Some(deadline) = self.deadline()
            && !self.is_periodic()
            && self.declaration.cells[LAMP].valid_for.is_none()
        {
            self.fail(format!("something waits for {deadline:?}"));
        }
    }

    /// A central that writes while a pace holds back what others are told may get something older after
    /// that, and its own write is told to the others only.
    fn may_believe_older(&self, central: usize, cell: usize) -> bool {
        let last = self.oracle.tracks[cell].history.last();
        let is_own = last.is_some_and(|it| it.central == Some(central));
        is_own && self.declaration.cells[cell].air_pace != Pace::OnChange
    }

    fn judges_events(&mut self, cell: usize) {
        let declared = self.declaration.cells[cell].clone();
        let life = self.lives;
        let dropped = self.dropped();
        let dropped: u64 = dropped
            .into_iter()
            .filter(|(link, of, _)| (*link, *of) == (BUS, cell))
            .map(|(_, _, count)| count)
            .sum();
        let track = &self.oracle.tracks[cell];
        let dropped = dropped + track.dropped;
        let name = declared.name;
        if !declared.is_every() {
            let safe = track
                .history
                .iter()
                .rfind(|it| it.is_safe && !it.is_received);
            if let Some(lost) = safe {
                let value = lost.value;
                self.fail(format!(
                    "{name} = {value} was acknowledged, and never arrived"
                ));
            }
            return;
        }
        if dropped > 0 && !may_drop(&declared) {
            return self.fail(format!(
                "{dropped} events of {name} have given way to others"
            ));
        }
        if declared.expires.is_some() || cell == ASK {
            return;
        }
        let missing = track
            .history
            .iter()
            .filter(|it| it.is_for_bus && !it.is_received && (it.is_safe || it.life == life));
        let missing: Vec<i64> = missing.map(|it| it.value).collect();
        if missing.len() as u64 > dropped {
            self.fail(format!(
                "{name}: {missing:?} never arrived, and {dropped} were dropped"
            ));
        }
    }
}

fn every(declared: &Declared) -> Delivery {
    match declared.delivery {
        Delivery::Every { room, .. } => Delivery::Every {
            room,
            when_full: WhenFull::Reject,
        },
        Delivery::Latest => Delivery::Latest,
    }
}

fn may_drop(declared: &Declared) -> bool {
    declared.delivery != every(declared)
}
