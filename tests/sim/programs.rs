//! Other programs on the bus: owners that answer late, wrongly or not at all, one that answers questions, and one that
//! sends commands.

use bemo_sync::engine::{Accepted, Rejection};

use crate::adversary::Fault;
use crate::bus::{Payload, Topic, Way};
use crate::declaration::*;
use crate::world::{Asked, Happening, World};

/// What the owner of a value has said and holds.
#[derive(Debug, Default)]
pub struct Owner {
    pub truth: Option<i64>,
    /// What it has said.
    pub said: Vec<i64>,
    /// What has been heard of it, and when: a broker may say what it said long ago.
    pub heard: Vec<(u64, i64)>,
}

impl World {
    pub fn programs_hear(&mut self, topic: Topic, payload: Payload) {
        let Payload::Number(number) = payload else {
            return;
        };
        let declared = self.declaration.cells[topic.cell].clone();
        match (topic.cell, topic.way) {
            (ASK, Way::State) => {
                let never = self.strikes(Fault::Owner, 3);
                let takes = match self.strikes(Fault::Owner, 4) {
                    true => self.rng.u64(4_000..8_000),
                    false => self.rng.u64(20..2_000),
                };
                if !never {
                    self.after(takes, Happening::Answers { number });
                }
            }
            (_, Way::Command) if declared.is_remote => {
                let takes = match self.strikes(Fault::Owner, 5) {
                    true => self.rng.u64(1_500..20_000),
                    false => self.rng.u64(10..600),
                };
                let truth = match self.strikes(Fault::Owner, 5) {
                    true if declared.is_unique => self.unique(topic.cell),
                    true => self.rng.i64(0..10),
                    false => number,
                };
                if !self.strikes(Fault::Owner, 6) {
                    let cell = topic.cell;
                    self.after(takes, Happening::OwnerDecides { cell, truth });
                }
            }
            (_, Way::Command | Way::State) => {}
        }
    }

    pub fn owner_decides(&mut self, cell: usize, truth: i64) {
        self.owners[cell].truth = Some(truth);
        self.owner_says(cell);
    }

    /// It says how things stand.
    pub fn owner_says(&mut self, cell: usize) {
        let Some(truth) = self.owners[cell].truth else {
            return;
        };
        let payload = match self.strikes(Fault::Garbage, 20) {
            true => Payload::Garbage,
            false => Payload::Number(truth),
        };
        if !self.broker.is_up {
            return;
        }
        if payload != Payload::Garbage {
            self.owners[cell].said.push(truth);
        }
        let topic = self.topic(cell, Way::State);
        // A bell has rung once: kept, it would ring again.
        self.broker_takes(topic, payload, cell != BELL);
    }

    pub fn beats(&mut self, cell: usize) {
        self.owner_says(cell);
        self.after(20_000, Happening::Beats { cell });
    }

    pub fn program_answers(&mut self, number: i64) {
        if self.broker.is_up {
            let topic = self.topic(ANSWER, Way::Command);
            self.broker_takes(topic, Payload::Number(number), false);
        }
    }

    pub fn somebody_commands(&mut self) {
        let here = [DIAL, KNOB, COUNTER, PRESS, LOG, ANSWER, CLOCK];
        let cell = here[self.rng.usize(..here.len())];
        let payload = match self.strikes(Fault::Garbage, 8) {
            true => Payload::Garbage,
            false => Payload::Number(self.wanted(cell)),
        };
        let retain = self.strikes(Fault::StaleRetained, 8);
        if self.broker.is_up {
            let topic = self.topic(cell, Way::Command);
            self.broker_takes(topic, payload, retain);
        }
    }

    pub fn owner_moves(&mut self) {
        let cell = [LAMP, MODE, BELL][self.rng.usize(..3)];
        let truth = match self.declaration.cells[cell].is_unique {
            true => self.unique(cell),
            false => self.rng.i64(0..10),
        };
        self.owner_decides(cell, truth);
    }

    pub fn ticks(&mut self) {
        let _: Option<Result<Accepted, Rejection>> =
            self.request(COUNTER, Asked::Step(1), TICKER, None);
        let life = self.life_number();
        self.after(self.declaration.step_every, Happening::Ticks { life });
    }

    /// A number that no one has written before.
    pub fn unique(&mut self, cell: usize) -> i64 {
        self.numbers += 1;
        let high = cell == DIAL && self.rng.u8(..4) == 0 && self.is_faulty;
        self.numbers + if high { NARROW } else { 0 }
    }

    /// Something to write, valid or not.
    pub fn wanted(&mut self, cell: usize) -> i64 {
        let declared = &self.declaration.cells[cell];
        let (is_unique, max) = (declared.is_unique, declared.max);
        let outside = self.strikes(Fault::Garbage, 8);
        match (is_unique, outside) {
            (true, false) => self.unique(cell),
            (true, true) => -1 - self.unique(cell),
            (false, false) => self.rng.i64(0..=max.min(300)),
            (false, true) => max + self.rng.i64(1..40),
        }
    }
}
