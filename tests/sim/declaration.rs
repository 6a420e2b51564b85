//! What is declared in a simulated world: one value of each kind, with the rest of its words by the seed.

use std::time::Duration;

use bemo_sync::codec::{IntSpec, IntWidth, Overflow, Spec, Value};
use bemo_sync::engine::{
    Ack, Carries, CellId, CellSpec, Delivery, LinkId, Owner, Pace, Response, Subscription, WhenFull,
};
use fastrand::Rng;

pub const AIR: usize = 0;
pub const BUS: usize = 1;
pub const TICKER: usize = 2;
pub const STORE: usize = 3;
pub const LINKS: usize = 4;

/// Held here; every number that is written to it is another.
pub const DIAL: usize = 0;
/// Held here, with ten values and an overflow.
pub const KNOB: usize = 1;
/// Counted by a ticker.
pub const COUNTER: usize = 2;
/// Held here, every event counts, and none gives way.
pub const PRESS: usize = 3;
/// Held here, every event counts, and the oldest gives way.
pub const LOG: usize = 4;
/// Held by another program.
pub const LAMP: usize = 5;
/// The same, with ten values.
pub const MODE: usize = 6;
/// The same; every event counts, and expires.
pub const BELL: usize = 7;
/// A question, answered in another value.
pub const ASK: usize = 8;
pub const ANSWER: usize = 9;
/// Notified by the clock.
pub const CLOCK: usize = 10;
pub const CELLS: usize = 11;

/// The answer when nobody has answered.
pub const NOBODY: i64 = -1;
pub const ANSWER_WITHIN: u64 = 5_000;
pub const CONFIRM_WITHIN: u64 = 2_000;
pub const CLOCK_PERIOD: u64 = 60_000;
/// Above this, a narrower declaration ends.
pub const NARROW: i64 = 500_000;
const WIDE: i64 = 1_000_000;

#[derive(Clone, Debug)]
pub struct Declared {
    pub name: &'static str,
    pub min: i64,
    pub max: i64,
    pub overflow: Overflow,
    pub is_remote: bool,
    pub delivery: Delivery,
    pub ack: Ack,
    pub persist: bool,
    pub initial: Option<i64>,
    pub air_pace: Pace,
    pub bus_pace: Pace,
    pub valid_for: Option<u64>,
    pub expires: Option<u64>,
    /// No number is written twice.
    pub is_unique: bool,
    /// Grows when its topics get other names.
    pub topics: u8,
}

#[derive(Clone, Debug)]
pub struct Declaration {
    pub cells: Vec<Declared>,
    pub clean_session: bool,
    pub step_every: u64,
}

impl Declared {
    /// The reference: what a wanted number becomes.
    pub fn admit(&self, wanted: i64) -> Option<i64> {
        match self.overflow {
            Overflow::Reject => (self.min..=self.max).contains(&wanted).then_some(wanted),
            Overflow::Clamp => Some(wanted.clamp(self.min, self.max)),
            Overflow::Wrap => {
                Some((wanted - self.min).rem_euclid(self.max - self.min + 1) + self.min)
            }
        }
    }

    pub fn is_valid(&self, value: i64) -> bool {
        (self.min..=self.max).contains(&value)
    }

    pub fn is_every(&self) -> bool {
        self.delivery.is_every()
    }

    /// Whether what a central is told is safe is owed to the bus.
    pub fn owes(&self) -> bool {
        self.ack > Ack::Accepted
    }

    pub fn is_watched(&self) -> bool {
        self.persist || self.owes()
    }

    pub fn spec(&self) -> Spec {
        Spec::Int(IntSpec {
            min: self.min.into(),
            max: self.max.into(),
            overflow: self.overflow,
            ..IntSpec::new(IntWidth::W32, true)
        })
    }
}

impl Declaration {
    pub fn new(rng: &mut Rng) -> Self {
        let one = |rng: &mut Rng, choices: &[Overflow]| choices[rng.usize(..choices.len())];
        let all = [Overflow::Reject, Overflow::Clamp, Overflow::Wrap];
        let ack = |rng: &mut Rng, most: usize| {
            [
                Ack::Accepted,
                Ack::Journaled,
                Ack::Published,
                Ack::Confirmed,
            ][rng.usize(..most)]
        };
        let slow = |rng: &mut Rng| match rng.u8(..3) {
            0 => Pace::AtMost(Duration::from_millis(rng.u64(100..3_000))),
            _ => Pace::OnChange,
        };
        let plain = Declared {
            name: "",
            min: 0,
            max: WIDE,
            overflow: Overflow::Reject,
            is_remote: false,
            delivery: Delivery::Latest,
            ack: Ack::Journaled,
            persist: false,
            initial: Some(0),
            air_pace: Pace::OnChange,
            bus_pace: Pace::OnChange,
            valid_for: None,
            expires: None,
            is_unique: true,
            topics: 0,
        };
        let digit = Declared {
            max: 9,
            is_unique: false,
            ..plain.clone()
        };
        let every = |rng: &mut Rng, when_full| Delivery::Every {
            room: rng.usize(1..8),
            when_full,
        };
        let rung = [WhenFull::Reject, WhenFull::DropOldest][rng.usize(..2)];
        let cells = vec![
            Declared {
                name: "dial",
                ack: ack(rng, 3),
                persist: rng.bool(),
                bus_pace: slow(rng),
                air_pace: slow(rng),
                ..plain.clone()
            },
            Declared {
                name: "knob",
                overflow: one(rng, &all),
                ack: ack(rng, 3),
                persist: rng.bool(),
                bus_pace: slow(rng),
                air_pace: slow(rng),
                initial: Some(rng.i64(0..10)),
                ..digit.clone()
            },
            Declared {
                name: "counter",
                max: 255,
                overflow: Overflow::Wrap,
                ack: ack(rng, 2),
                persist: rng.bool(),
                ..digit.clone()
            },
            Declared {
                name: "press",
                delivery: every(rng, WhenFull::Reject),
                ack: ack(rng, 3),
                bus_pace: slow(rng),
                ..plain.clone()
            },
            Declared {
                name: "log",
                delivery: every(rng, WhenFull::DropOldest),
                ack: ack(rng, 3),
                ..plain.clone()
            },
            Declared {
                name: "lamp",
                is_remote: true,
                ack: ack(rng, 4),
                persist: rng.bool(),
                initial: None,
                valid_for: rng.bool().then_some(70_000),
                bus_pace: slow(rng),
                air_pace: slow(rng),
                ..plain.clone()
            },
            Declared {
                name: "mode",
                is_remote: true,
                overflow: one(rng, &[Overflow::Reject, Overflow::Clamp]),
                ack: ack(rng, 4),
                persist: rng.bool(),
                initial: rng.bool().then_some(3),
                ..digit.clone()
            },
            Declared {
                name: "bell",
                is_remote: true,
                delivery: every(rng, rung),
                ack: ack(rng, 4),
                initial: None,
                expires: rng.bool().then(|| rng.u64(5_000..60_000)),
                ..plain.clone()
            },
            Declared {
                name: "ask",
                delivery: every(rng, WhenFull::Reject),
                ack: Ack::Accepted,
                initial: None,
                ..plain.clone()
            },
            Declared {
                name: "answer",
                min: NOBODY,
                ack: Ack::Accepted,
                initial: None,
                is_unique: false,
                ..plain.clone()
            },
            Declared {
                name: "clock",
                ack: ack(rng, 3),
                air_pace: Pace::Every(Duration::from_millis(CLOCK_PERIOD)),
                ..digit.clone()
            },
        ];
        Self {
            cells,
            clean_session: rng.bool(),
            step_every: rng.u64(5_000..60_000),
        }
    }

    /// Another declaration of the same values.
    pub fn reloaded(&self, rng: &mut Rng) -> Self {
        let mut changed = self.clone();
        match rng.u8(..4) {
            0 => changed.cells[DIAL].max = WIDE + NARROW - changed.cells[DIAL].max,
            1 => changed.cells[KNOB].topics ^= 1,
            2 => changed.cells[DIAL].topics ^= 1,
            _ => changed.cells[KNOB].max = 14 - changed.cells[KNOB].max,
        }
        let knob = &mut changed.cells[KNOB];
        knob.initial = knob.initial.map(|initial| initial.min(knob.max));
        changed
    }

    pub fn specs(&self, begins: Vec<crate::store::Begin>) -> Vec<CellSpec> {
        let cells = self.cells.iter().zip(begins).enumerate();
        let specs = cells.map(|(index, (cell, (restored, owed)))| CellSpec {
            spec: cell.spec(),
            owner: match cell.is_remote {
                true => Owner::Remote(LinkId::new(BUS)),
                false => Owner::Here,
            },
            initial: cell.initial.map(value),
            restored: restored.map(value),
            constant: false,
            confirm_within: Duration::from_millis(CONFIRM_WITHIN),
            delivery: cell.delivery,
            valid_for: cell.valid_for.map(Duration::from_millis),
            expires: cell.expires.map(Duration::from_millis),
            response: (index == ASK).then(|| Response {
                cell: CellId::new(ANSWER),
                within: Some(Duration::from_millis(ANSWER_WITHIN)),
                otherwise: Some(value(NOBODY)),
                accepted: None,
                refused: None,
                copies: Vec::new(),
            }),
            answers_only: index == ANSWER,
            with: Vec::new(),
            ack: cell.ack,
            owed,
        });
        specs.collect()
    }

    pub fn subscriptions(&self) -> Vec<Subscription> {
        let mut all = Vec::new();
        for (index, cell) in self.cells.iter().enumerate() {
            let id = CellId::new(index);
            let role = match cell.is_remote {
                true => Carries::Requests,
                false => Carries::State,
            };
            all.push(Subscription {
                pace: cell.air_pace,
                ..Subscription::new(LinkId::new(AIR), id, Carries::State)
            });
            all.push(Subscription {
                pace: cell.bus_pace,
                acknowledges: true,
                ..Subscription::new(LinkId::new(BUS), id, role)
            });
            if index == COUNTER {
                let ticker = LinkId::new(TICKER);
                all.push(Subscription::new(ticker, id, Carries::StateOfOthers));
            }
            if cell.is_watched() {
                all.push(Subscription::new(LinkId::new(STORE), id, Carries::Kept));
            }
        }
        all
    }
}

pub fn value(number: i64) -> Value {
    Value::Int(number.into())
}

/// All values of this world are numbers.
pub fn number(value: &Value) -> i64 {
    match value {
        Value::Int(number) => i64::try_from(*number).expect("they are small"),
        Value::Null
        | Value::Bool(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Bytes(_)
        | Value::List(_) => panic!("{value:?} is no number"),
    }
}
