//! What the engine promises to everybody who is linked to it.

mod answers;
mod bounded;
mod constraints;
mod echo;
mod every;
mod expiry;
mod model;
mod outcomes;
mod own_mark;
mod owner_here;
mod owner_remote;
mod pace;
mod parts;
mod promise;
mod restored;
mod returns;
mod silence;
mod succession;

use std::time::Duration;

use bemo_sync::codec::{FloatFormat, FloatSpec, IntSpec, IntWidth, Overflow, Spec, Value};
use bemo_sync::engine::{
    Accepted, Ack, Carries, CellId, CellSpec, Change, Delivery, Effect, Engine, Event, LinkId,
    Mark, Origin, Owner, Pace, PeerId, Rejection, Subscription, Time, WhenFull,
};

const CONFIRM_WITHIN: Duration = Duration::from_secs(2);

fn seconds(seconds: u64) -> Time {
    Time(Duration::from_secs(seconds))
}

/// An integer between 0 and 9.
fn digit(overflow: Overflow) -> Spec {
    Spec::Int(IntSpec {
        min: 0,
        max: 9,
        overflow,
        ..IntSpec::new(IntWidth::W8, true)
    })
}

fn f32_up_to_one() -> Spec {
    Spec::Float(FloatSpec {
        min: 0.0,
        max: 1.0,
        ..FloatSpec::new(FloatFormat::F32)
    })
}

fn cell_spec(spec: Spec, owner: Owner, initial: Option<i128>) -> CellSpec {
    CellSpec {
        spec,
        owner,
        initial: initial.map(Value::Int),
        restored: None,
        constant: false,
        confirm_within: CONFIRM_WITHIN,
        delivery: Delivery::Latest,
        valid_for: None,
        expires: None,
        response: None,
        answers_only: false,
        with: Vec::new(),
        ack: Ack::Accepted,
        owed: Vec::new(),
    }
}

/// One cell between a phone side and a bus side, at a time that only grows.
struct Bench {
    engine: Engine,
    now: Time,
}

const PHONES: usize = 0;
const BUS: usize = 1;
/// Hears of nothing, as a ticker.
const SOURCE: usize = 2;

fn cell() -> CellId {
    CellId::new(0)
}

fn link(index: usize) -> LinkId {
    LinkId::new(index)
}

fn from(index: usize) -> Origin {
    Origin {
        link: link(index),
        peer: None,
    }
}

fn phone(peer: u64) -> Origin {
    Origin {
        link: link(PHONES),
        peer: Some(PeerId(peer)),
    }
}

impl Bench {
    /// With this one cell, of which the phones hear as state and the bus in the given role.
    /// Nothing is waiting: everybody has heard of the initial value.
    fn new(declared: CellSpec, bus: Carries) -> Self {
        Self::of(vec![declared], bus)
    }

    /// The same, with cells beside it that nobody hears of.
    fn of(declared: Vec<CellSpec>, bus: Carries) -> Self {
        let hears = |index, carries| Subscription {
            link: link(index),
            cell: cell(),
            carries,
            pace: Pace::OnChange,
            acknowledges: false,
        };
        let subscriptions = [hears(PHONES, Carries::State), hears(BUS, bus)];
        let mut bench = Self {
            engine: Engine::new(declared, 3, &subscriptions),
            now: seconds(100),
        };
        bench.settle();
        bench
    }

    /// Held here: the bus publishes every accepted change.
    fn here(overflow: Overflow) -> Self {
        let declared = cell_spec(digit(overflow), Owner::Here, Some(0));
        Self::new(declared, Carries::State)
    }

    /// Held here, and every event counts; so many wait for each link.
    fn every(room: usize, when_full: WhenFull) -> Self {
        let mut declared = cell_spec(digit(Overflow::Clamp), Owner::Here, Some(0));
        declared.delivery = Delivery::Every { room, when_full };
        Self::new(declared, Carries::State)
    }

    /// Held by a program behind the bus, which has said that it is 0.
    fn remote() -> Self {
        let owner = Owner::Remote(link(BUS));
        let declared = cell_spec(digit(Overflow::Reject), owner, None);
        let mut bench = Self::new(declared, Carries::Requests);
        assert_eq!(bench.report(0), Ok(Accepted::Changed));
        bench.settle();
        bench
    }

    fn handle(&mut self, event: Event) -> Result<Accepted, Rejection> {
        self.engine.handle(self.now, event)
    }

    fn change(&mut self, origin: Origin, change: Change) -> Result<Accepted, Rejection> {
        self.handle(Event::Request {
            cell: cell(),
            change,
            origin,
        })
    }

    fn ask(&mut self, origin: Origin, value: i128) -> Result<Accepted, Rejection> {
        self.change(origin, Change::Set(Value::Int(value)))
    }

    fn report(&mut self, value: i128) -> Result<Accepted, Rejection> {
        self.handle(Event::Report {
            cell: cell(),
            patch: Value::Int(value).into(),
            mark: Mark::Foreign,
            origin: from(BUS),
        })
    }

    /// The owner says what carries our own mark.
    fn echo(&mut self, value: i128) -> Result<Accepted, Rejection> {
        self.marked(value, Mark::Own)
    }

    /// The same, and it is the first that it says on this connection.
    fn first_echo(&mut self, value: i128) -> Result<Accepted, Rejection> {
        self.marked(value, Mark::OwnAndFirst)
    }

    fn marked(&mut self, value: i128, mark: Mark) -> Result<Accepted, Rejection> {
        self.handle(Event::Report {
            cell: cell(),
            patch: Value::Int(value).into(),
            mark,
            origin: from(BUS),
        })
    }

    fn link_up(&mut self, index: usize, session_present: bool) {
        let event = Event::LinkUp {
            link: link(index),
            session_present,
        };
        self.handle(event).expect("nothing to refuse");
    }

    fn pull(&mut self, index: usize) -> Option<Effect> {
        self.engine.poll_effect(self.now, link(index))
    }

    fn deliver(&mut self, index: usize, effect: &Effect) {
        let event = Event::Delivered {
            link: link(index),
            cell: effect.cell,
            ticket: effect.ticket,
        };
        self.handle(event).expect("nothing to refuse");
    }

    /// Pulls and delivers until a link has heard everything.
    fn hear(&mut self, index: usize) -> Vec<Effect> {
        let mut heard = Vec::new();
        while let Some(effect) = self.pull(index) {
            self.deliver(index, &effect);
            heard.push(effect);
            assert!(heard.len() < 100, "link {index} is never silent");
        }
        assert!(!self.engine.has_effects(link(index)));
        heard
    }

    /// The values in what a link hears.
    fn values(&mut self, index: usize) -> Vec<Value> {
        let heard = self.hear(index);
        heard.into_iter().map(|effect| effect.value).collect()
    }

    /// What each of some phones hears, when a link tells nobody what they are the origin of.
    fn phone_hears(&mut self, peer: u64) -> Vec<Value> {
        let heard = self.hear(PHONES).into_iter();
        heard
            .filter(|effect| effect.origin != Some(phone(peer)))
            .map(|effect| effect.value)
            .collect()
    }

    fn settle(&mut self) {
        for index in [PHONES, BUS, SOURCE] {
            self.hear(index);
        }
    }

    fn wait(&mut self, duration: Duration) {
        self.now = self.now + duration;
        while self.engine.poll_deadline().is_some_and(|at| at <= self.now) {
            self.handle(Event::Tick).expect("nothing to refuse");
        }
    }

    fn value(&self) -> Option<i128> {
        match self.engine.cell(cell()).value {
            Some(Value::Int(value)) => Some(*value),
            None => None,
            Some(other) => panic!("{other} is no integer"),
        }
    }
}

fn ints(values: &[i128]) -> Vec<Value> {
    values.iter().copied().map(Value::Int).collect()
}
