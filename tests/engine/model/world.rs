//! The world around the engine: who believes what, and what is on its way to them.

use std::collections::{BTreeMap, BTreeSet};

use bemo_sync::codec::{Overflow, Value};
use bemo_sync::engine::{
    Accepted, Carries, CellId, Change, Effect, Engine, Event, Mark, Origin, Owner, Pace, PeerId,
    Rejection, Subscription, Time,
};

use super::truth::{Outcome, Truth, Waiting};
use super::{Act, Who};
use crate::{CONFIRM_WITHIN, cell_spec, digit, link, seconds};

const PHONES: usize = 0;
const BUS: usize = 1;
const MIRROR: usize = 2;
const SOURCE: usize = 3;
pub const LINKS: usize = 4;
pub const CELLS: usize = 4;
const LISTENERS: [Who; 4] = [Who::Phone(1), Who::Phone(2), Who::Bus, Who::Mirror];

struct Flight {
    effect: Effect,
    has_arrived: bool,
}

pub struct World {
    engine: Engine,
    now: Time,
    truths: Vec<Truth>,
    /// By listener and cell.
    beliefs: BTreeMap<(Who, usize), i128>,
    /// By link and cell: one at a time, or the engine has broken a promise.
    flights: BTreeMap<(usize, usize), Flight>,
    /// Deliveries of which nobody heard before the link went.
    lost: Vec<(usize, Effect)>,
    /// By link and cell: something has happened of which the link has not been told.
    causes: BTreeSet<(usize, usize)>,
}

impl Who {
    fn origin(self) -> Origin {
        let (index, peer) = match self {
            Who::Phone(peer) => (PHONES, Some(PeerId(peer))),
            Who::Bus => (BUS, None),
            Who::Mirror => (MIRROR, None),
            Who::Source => (SOURCE, None),
        };
        let link = link(index);
        Origin { link, peer }
    }

    fn link(self) -> usize {
        self.origin().link.index()
    }
}

impl World {
    pub fn new() -> Self {
        let truth = |is_remote, overflow, value| Truth {
            is_remote,
            overflow,
            initial: value,
            value,
            reported: None,
            waiting: Waiting::Nothing,
        };
        let truths = vec![
            truth(false, Overflow::Reject, Some(0)),
            truth(false, Overflow::Wrap, None),
            truth(true, Overflow::Clamp, None),
            truth(true, Overflow::Reject, Some(3)),
        ];
        let mut world = Self {
            engine: engine_for(&truths),
            now: seconds(0),
            truths,
            beliefs: BTreeMap::new(),
            flights: BTreeMap::new(),
            lost: Vec::new(),
            causes: BTreeSet::new(),
        };
        (0..CELLS).for_each(|cell| world.cause_everywhere(cell));
        world
    }

    pub fn act(&mut self, act: &Act) {
        match *act {
            Act::Ask { cell, who, value } => self.ask(cell, who, value),
            Act::Step { cell, by } => self.step(cell, by),
            Act::Report { cell, value } => self.report(cell, value),
            Act::Pull { link, arrives } => {
                self.pull(link, arrives);
            }
            Act::PullAll { link } => self.pull_all(link),
            Act::Deliver { link, cell } => self.deliver(link, cell),
            Act::DeliverLate { which } => self.deliver_late(which),
            Act::LinkUp {
                link,
                session_present,
            } => self.link_up(link, session_present),
            Act::Wait { millis } => self.wait(millis),
        }
        self.check();
    }

    /// After every event.
    fn check(&self) {
        for (index, truth) in self.truths.iter().enumerate() {
            let held = self.engine.cell(CellId::new(index)).value;
            assert_eq!(held, truth.value.map(Value::Int).as_ref(), "cell {index}");
            assert!(truth.value.is_none_or(|value| (0..=9).contains(&value)));
            if let (true, Waiting::Nothing, Some(_)) =
                (truth.is_remote, truth.waiting, truth.reported)
            {
                assert_eq!(truth.value, truth.reported, "the owner of {index} is right");
            }
        }
        let until = self.truths.iter().filter_map(|truth| match truth.waiting {
            Waiting::Answer { until } => Some(until),
            Waiting::Nothing | Waiting::Delivery { .. } => None,
        });
        assert_eq!(self.engine.poll_deadline(), until.min());
    }

    /// The world comes to rest: everybody believes what is so, and then there is silence.
    pub fn settle(&mut self) {
        for _ in 0..2 {
            for link in 0..LINKS {
                // What is under way first, then what waited behind it.
                for _ in 0..2 {
                    (0..CELLS).for_each(|cell| self.deliver(link, cell));
                    self.pull_all(link);
                }
                (0..CELLS).for_each(|cell| self.deliver(link, cell));
            }
            self.wait(u64::try_from(CONFIRM_WITHIN.as_millis()).expect("seconds"));
            self.check();
        }
        for link in 0..LINKS {
            assert!(
                !self.engine.has_effects(crate::link(link)),
                "link {link} goes on"
            );
        }
        assert_eq!(self.engine.poll_deadline(), None);
        for (index, truth) in self.truths.iter().enumerate() {
            assert_eq!(truth.waiting, Waiting::Nothing);
            for who in LISTENERS {
                // That a value is unknown again cannot be said to anybody.
                if self.hears_state(who.link(), index) && truth.value.is_some() {
                    let believed = self.beliefs.get(&(who, index)).copied();
                    assert_eq!(believed, truth.value, "what {who:?} believes of {index}");
                }
            }
        }
    }

    fn ask(&mut self, cell: usize, who: Who, value: i128) {
        let is_alone = !self.flights.contains_key(&(who.link(), cell));
        let outcome = self.truths[cell].ask(value);
        let change = Change::Set(Value::Int(value));
        let accepted = self.request(cell, who, change);
        self.expect(cell, who.link(), outcome, accepted);
        if outcome == Outcome::Rejected {
            return;
        }
        match who {
            Who::Phone(_) => {
                self.beliefs.insert((who, cell), value);
            }
            Who::Mirror => {
                self.beliefs.insert((who, cell), value);
                if outcome == (Outcome::Changed { adjusted: false }) && is_alone {
                    self.causes.remove(&(MIRROR, cell));
                }
            }
            // The bus believes what is on the state topic, and that only we write.
            Who::Bus | Who::Source => {}
        }
    }

    fn step(&mut self, cell: usize, by: i128) {
        let outcome = self.truths[cell].step(by);
        let accepted = self.request(cell, Who::Source, Change::Step(Value::Int(by)));
        self.expect(cell, SOURCE, outcome, accepted);
    }

    fn request(&mut self, cell: usize, who: Who, change: Change) -> Result<Accepted, Rejection> {
        let request = Event::Request {
            cell: CellId::new(cell),
            change,
            origin: who.origin(),
        };
        let accepted = self.engine.handle(self.now, request);
        if accepted.is_ok() && self.truths[cell].is_remote {
            self.causes.insert((BUS, cell));
        }
        accepted
    }

    fn report(&mut self, cell: usize, value: i128) {
        if !self.truths[cell].is_remote {
            return;
        }
        let outcome = self.truths[cell].report(value);
        let report = Event::Report {
            cell: CellId::new(cell),
            patch: Value::Int(value).into(),
            mark: Mark::Foreign,
            origin: Who::Bus.origin(),
        };
        let accepted = self.engine.handle(self.now, report);
        self.expect(cell, BUS, outcome, accepted);
    }

    fn expect(
        &mut self,
        cell: usize,
        by: usize,
        outcome: Outcome,
        accepted: Result<Accepted, Rejection>,
    ) {
        match outcome {
            Outcome::Rejected => assert!(accepted.is_err()),
            Outcome::Unchanged { adjusted } => {
                assert_eq!(accepted, Ok(Accepted::Unchanged));
                if adjusted {
                    self.causes.insert((by, cell));
                }
            }
            Outcome::Changed { .. } => {
                assert_eq!(accepted, Ok(Accepted::Changed));
                self.cause_everywhere(cell);
            }
        }
    }

    fn hears_state(&self, link: usize, cell: usize) -> bool {
        link != BUS || !self.truths[cell].is_remote
    }

    /// Every link is to hear of a cell, at most once; the owner hears of requests only.
    fn cause_everywhere(&mut self, cell: usize) {
        for link in [PHONES, BUS, MIRROR] {
            if self.hears_state(link, cell) {
                self.causes.insert((link, cell));
            }
        }
    }

    fn pull(&mut self, at: usize, arrives: bool) -> bool {
        let Some(effect) = self.engine.poll_effect(self.now, link(at)) else {
            assert!(!self.engine.has_effects(link(at)));
            return false;
        };
        let cell = effect.cell.index();
        let truth = &mut self.truths[cell];
        let newest = truth.value.map(Value::Int);
        assert_eq!(Some(&effect.value), newest.as_ref(), "latest wins");
        assert!(
            self.causes.remove(&(at, cell)),
            "link {at} is told without a cause"
        );
        if effect.carries == Carries::Requests {
            truth.request_is_sent();
        }
        let has_arrived = false;
        let flight = Flight {
            effect,
            has_arrived,
        };
        let before = self.flights.insert((at, cell), flight);
        assert!(before.is_none(), "one under way for each cell");
        if arrives {
            self.arrive(at, cell);
        }
        true
    }

    /// There is never more to pull than there are cells that the link hears of.
    fn pull_all(&mut self, link: usize) {
        let pulled = (0..=CELLS).take_while(|_| self.pull(link, false)).count();
        assert!(pulled <= CELLS);
    }

    fn arrive(&mut self, at: usize, cell: usize) {
        let flight = self.flights.get_mut(&(at, cell)).expect("under way");
        if flight.has_arrived || flight.effect.carries == Carries::Requests {
            return;
        }
        flight.has_arrived = true;
        let &Value::Int(value) = &flight.effect.value else {
            panic!("all cells are integers");
        };
        for who in LISTENERS.into_iter().filter(|who| who.link() == at) {
            let is_writer =
                matches!(who, Who::Phone(_)) && flight.effect.origin == Some(who.origin());
            if !is_writer {
                self.beliefs.insert((who, cell), value);
            }
        }
    }

    fn deliver(&mut self, at: usize, cell: usize) {
        if !self.flights.contains_key(&(at, cell)) {
            return;
        }
        self.arrive(at, cell);
        let flight = self.flights.remove(&(at, cell)).expect("under way");
        if flight.effect.carries == Carries::Requests {
            self.truths[cell].request_is_delivered(self.now);
        }
        self.delivered(at, &flight.effect);
    }

    /// Means nothing any more, whatever is under way by now.
    fn deliver_late(&mut self, which: usize) {
        if let Some((at, effect)) = self.lost.get(which % self.lost.len().max(1)).cloned() {
            self.delivered(at, &effect);
        }
    }

    fn delivered(&mut self, at: usize, effect: &Effect) {
        let delivered = Event::Delivered {
            link: link(at),
            cell: effect.cell,
            ticket: effect.ticket,
        };
        let accepted = self.engine.handle(self.now, delivered);
        assert_eq!(accepted, Ok(Accepted::Unchanged));
    }

    fn link_up(&mut self, at: usize, session_present: bool) {
        for cell in 0..CELLS {
            if let Some(flight) = self.flights.remove(&(at, cell)) {
                self.causes.insert((at, cell));
                self.lost.push((at, flight.effect));
            }
            if at == BUS {
                self.truths[cell].request_is_lost();
            }
            if !session_present && self.hears_state(at, cell) {
                self.causes.insert((at, cell));
                self.beliefs
                    .retain(|&(who, of), _| who.link() != at || of != cell);
            }
        }
        let link = link(at);
        let returned = Event::LinkUp {
            link,
            session_present,
        };
        let accepted = self.engine.handle(self.now, returned);
        assert_eq!(accepted, Ok(Accepted::Unchanged));
    }

    fn wait(&mut self, millis: u64) {
        self.now = self.now + std::time::Duration::from_millis(millis);
        for cell in 0..CELLS {
            let outcome = self.truths[cell].time_is(self.now);
            if matches!(outcome, Outcome::Changed { .. }) {
                self.cause_everywhere(cell);
            }
        }
        let accepted = self.engine.handle(self.now, Event::Tick);
        assert_eq!(accepted, Ok(Accepted::Unchanged));
    }
}

fn engine_for(truths: &[Truth]) -> Engine {
    let mut subscriptions = Vec::new();
    let mut specs = Vec::new();
    for (index, truth) in truths.iter().enumerate() {
        let (owner, bus) = match truth.is_remote {
            true => (Owner::Remote(link(BUS)), Carries::Requests),
            false => (Owner::Here, Carries::State),
        };
        specs.push(cell_spec(digit(truth.overflow), owner, truth.value));
        let roles = [Carries::State, bus, Carries::StateOfOthers];
        for (at, carries) in roles.into_iter().enumerate() {
            subscriptions.push(Subscription {
                link: link(at),
                cell: CellId::new(index),
                carries,
                pace: Pace::OnChange,
                acknowledges: false,
            });
        }
    }
    Engine::new(specs, LINKS, &subscriptions)
}
