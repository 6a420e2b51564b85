//! The engine alone: values that a phone and a broker share, and that are kept.

use std::hint::black_box;
use std::time::Duration;

use bemo_sync::codec::{IntSpec, IntWidth, Patch, Spec, Value};
use bemo_sync::engine::{
    Ack, Carries, CellId, CellSpec, Change, Delivery, Engine, Event, LinkId, Mark, Origin, Owner,
    Pace, PeerId, Subscription, Time,
};

use super::Round;

/// The links, in the order in which they take what there is: nobody is answered before a write is kept.
const STORE: usize = 0;
const BLE: usize = 1;
const MQTT: usize = 2;
/// Hears of nothing, as a ticker.
const SOURCE: usize = 3;
const LINKS: usize = 4;

/// The numbers are from 0 to this.
pub const MAX: i128 = 200;

/// What is measured: every value is declared alike.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    OwnerHere,
    OwnerRemote,
    /// Centrals are told at most ten times a second.
    Paced,
}

/// An engine at work.
pub struct Table {
    engine: Engine,
    values: usize,
    now: Time,
    /// Which value is next, and what it becomes.
    at: usize,
    number: i128,
}

pub fn number() -> Spec {
    Spec::Int(IntSpec {
        max: MAX,
        ..IntSpec::new(IntWidth::W16, false)
    })
}

pub fn link(index: usize) -> LinkId {
    LinkId::new(index)
}

fn by(index: usize) -> Origin {
    Origin {
        link: link(index),
        peer: None,
    }
}

fn central() -> Origin {
    Origin {
        link: link(BLE),
        peer: Some(PeerId(1)),
    }
}

impl Table {
    pub fn new(kind: Kind, values: usize) -> Self {
        let owner = match kind {
            Kind::OwnerHere | Kind::Paced => Owner::Here,
            Kind::OwnerRemote => Owner::Remote(link(MQTT)),
        };
        let cell = CellSpec {
            spec: number(),
            owner,
            initial: Some(Value::Int(0)),
            restored: None,
            constant: false,
            confirm_within: Duration::from_secs(2),
            delivery: Delivery::Latest,
            valid_for: None,
            expires: None,
            response: None,
            answers_only: false,
            with: Vec::new(),
            ack: Ack::Journaled,
            owed: Vec::new(),
        };
        let subscriptions: Vec<Subscription> = (0..values)
            .flat_map(|index| {
                let hears = |to, carries| Subscription::new(link(to), CellId::new(index), carries);
                let pace = match kind {
                    Kind::Paced => Pace::AtMost(Duration::from_millis(100)),
                    Kind::OwnerHere | Kind::OwnerRemote => Pace::OnChange,
                };
                let at_broker = match owner {
                    Owner::Here => Carries::State,
                    Owner::Remote(_) => Carries::Requests,
                };
                [
                    hears(STORE, Carries::Kept),
                    Subscription {
                        pace,
                        ..hears(BLE, Carries::State)
                    },
                    Subscription {
                        acknowledges: true,
                        ..hears(MQTT, at_broker)
                    },
                ]
            })
            .collect();
        let mut table = Self {
            engine: Engine::new(vec![cell; values], LINKS, &subscriptions),
            values,
            now: Time(Duration::from_secs(1)),
            at: 0,
            number: 0,
        };
        // What there is from the start is no news.
        for link in [STORE, BLE, MQTT] {
            table.deliver(link);
        }
        table
    }

    /// The next value, here and there in the table, and a number that it is not.
    pub fn next(&mut self) -> CellId {
        // A prime that is none of the sizes' comes by every value.
        self.at = (self.at + 7919) % self.values;
        self.number = (self.number + 1) % (MAX + 1);
        self.now = self.now + Duration::from_micros(10);
        CellId::new(self.at)
    }

    pub fn handle(&mut self, event: Event) -> bool {
        let handled = self.engine.handle(black_box(self.now), black_box(event));
        // Whoever observes takes what has come of it.
        while let Some(outcome) = self.engine.poll_outcome() {
            black_box(&outcome);
        }
        handled.is_ok()
    }

    /// A link takes everything, and all of it arrives.
    pub fn deliver(&mut self, to: usize) {
        let link = link(to);
        while let Some(effect) = self.engine.poll_effect(self.now, link) {
            let (cell, ticket) = (effect.cell, effect.ticket);
            black_box(&effect);
            self.handle(Event::Delivered { link, cell, ticket });
        }
    }

    /// What stands for the value on the broker's side, and goes there.
    pub fn publish(&mut self, mut out: impl FnMut(&Value)) {
        let link = link(MQTT);
        while let Some(effect) = self.engine.poll_effect(self.now, link) {
            let (cell, ticket) = (effect.cell, effect.ticket);
            out(&effect.value);
            self.handle(Event::Delivered { link, cell, ticket });
        }
    }

    pub fn deliver_all(&mut self) {
        for link in [STORE, BLE, MQTT] {
            self.deliver(link);
        }
    }

    /// A command from the broker.
    pub fn command(&mut self, cell: CellId, patch: Patch) -> bool {
        self.handle(Event::Request {
            cell,
            change: Change::Rounded(patch),
            origin: by(MQTT),
        })
    }

    fn write(&mut self, cell: CellId, number: i128) -> bool {
        self.handle(Event::Request {
            cell,
            change: Change::Set(Value::Int(number)),
            origin: central(),
        })
    }
}

pub fn write(values: usize) -> Round {
    let mut table = Table::new(Kind::OwnerHere, values);
    Box::new(move || {
        let cell = table.next();
        assert!(table.write(cell, table.number));
        table.deliver_all();
    })
}

/// It is promised to be kept, so the store hears of it; and nobody else.
pub fn same_write(values: usize) -> Round {
    let mut table = Table::new(Kind::OwnerHere, values);
    Box::new(move || {
        let cell = table.next();
        assert!(table.write(cell, 0));
        table.deliver_all();
    })
}

pub fn same_command(values: usize) -> Round {
    let mut table = Table::new(Kind::OwnerHere, values);
    Box::new(move || {
        let cell = table.next();
        assert!(table.command(cell, Patch::Set(Value::Int(0))));
    })
}

pub fn refusal(values: usize) -> Round {
    let mut table = Table::new(Kind::OwnerHere, values);
    Box::new(move || {
        let cell = table.next();
        assert!(!table.write(cell, MAX + 1));
    })
}

/// The owner reports what nobody has asked for.
pub fn report(values: usize) -> Round {
    let mut table = Table::new(Kind::OwnerRemote, values);
    Box::new(move || {
        let cell = table.next();
        assert!(table.handle(Event::Report {
            cell,
            patch: Patch::Set(Value::Int(table.number)),
            mark: Mark::Foreign,
            origin: by(MQTT),
        }));
        table.deliver_all();
    })
}

/// A central asks, everybody hears of it, the owner says so, and the store hears of that.
pub fn confirmed(values: usize) -> Round {
    let mut table = Table::new(Kind::OwnerRemote, values);
    Box::new(move || {
        let cell = table.next();
        assert!(table.write(cell, table.number));
        table.deliver_all();
        assert!(table.handle(Event::Report {
            cell,
            patch: Patch::Set(Value::Int(table.number)),
            mark: Mark::Foreign,
            origin: by(MQTT),
        }));
        table.deliver_all();
    })
}

/// A source changes it so soon that centrals have yet to wait, and what they have waited for comes due elsewhere.
pub fn paced(values: usize) -> Round {
    let mut table = Table::new(Kind::Paced, values);
    Box::new(move || {
        let cell = table.next();
        assert!(table.handle(Event::Request {
            cell,
            change: Change::Set(Value::Int(table.number)),
            origin: by(SOURCE),
        }));
        table.deliver(STORE);
        table.deliver(MQTT);
        if table
            .engine
            .poll_deadline()
            .is_some_and(|due| due <= table.now)
        {
            table.handle(Event::Tick);
        }
        table.deliver(BLE);
    })
}
