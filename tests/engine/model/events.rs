//! Where every event counts: whatever happens, each link gets all that was accepted, in order, once.

use std::collections::BTreeMap;

use bemo_sync::codec::Cause;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::*;

const LISTENERS: [(usize, Option<u64>); 3] = [(PHONES, Some(1)), (PHONES, Some(2)), (BUS, None)];

#[derive(Clone, Debug)]
enum Act {
    Ask { who: Origin, value: i128 },
    Pull { link: usize, arrives: bool },
    Deliver { link: usize },
    LinkUp { link: usize, session_present: bool },
}

fn acts() -> impl Strategy<Value = Act> {
    let who = prop_oneof![
        Just(phone(1)),
        Just(phone(2)),
        Just(from(BUS)),
        Just(from(SOURCE)),
    ];
    let link = || prop_oneof![Just(PHONES), Just(BUS)];
    prop_oneof![
        6 => (who, 0..11_i128).prop_map(|(who, value)| Act::Ask { who, value }),
        4 => (link(), any::<bool>()).prop_map(|(link, arrives)| Act::Pull { link, arrives }),
        4 => link().prop_map(|link| Act::Deliver { link }),
        1 => (link(), any::<bool>())
            .prop_map(|(link, session_present)| Act::LinkUp { link, session_present }),
    ]
}

struct World {
    bench: Bench,
    room: usize,
    when_full: WhenFull,
    accepted: Vec<Value>,
    delivered: BTreeMap<usize, Vec<Value>>,
    flights: BTreeMap<usize, Effect>,
    beliefs: BTreeMap<(usize, Option<u64>), Value>,
}

impl World {
    fn new(room: usize, when_full: WhenFull) -> Self {
        let mut bench = Bench::every(room, when_full);
        let overflow = bench.ask(from(SOURCE), 10);
        overflow.expect("clamped");
        bench.settle();
        Self {
            bench,
            room,
            when_full,
            accepted: Vec::new(),
            delivered: BTreeMap::new(),
            flights: BTreeMap::new(),
            beliefs: LISTENERS.map(|who| (who, Value::Int(9))).into(),
        }
    }

    fn act(&mut self, act: &Act) {
        match *act {
            Act::Ask { who, value } => self.ask(who, value),
            Act::Pull { link, arrives } => self.pull(link, arrives),
            Act::Deliver { link } => self.deliver(link),
            Act::LinkUp {
                link,
                session_present,
            } => {
                self.flights.remove(&link);
                self.bench.link_up(link, session_present);
                if !session_present {
                    self.beliefs.retain(|(of, _), _| *of != link);
                }
            }
        }
    }

    fn ask(&mut self, who: Origin, value: i128) {
        let before = self.bench.value();
        match self.bench.ask(who, value) {
            Ok(_) => {
                self.accepted.push(Value::Int(value.min(9)));
                let who = (who.link.index(), who.peer.map(|peer| peer.0));
                if LISTENERS.contains(&who) {
                    self.beliefs.insert(who, Value::Int(value));
                }
            }
            Err(rejection) => {
                assert_eq!(rejection.violation.cause, Cause::QueueFull);
                assert_eq!(self.when_full, WhenFull::Reject);
                assert_eq!(self.bench.value(), before);
                let waits = |link| {
                    let delivered = self.delivered.get(&link).map_or(0, Vec::len);
                    let under_way = self.flights.get(&link).is_some_and(|it| !it.restated);
                    self.accepted.len() - delivered - usize::from(under_way)
                };
                assert!(
                    [PHONES, BUS]
                        .into_iter()
                        .any(|link| waits(link) >= self.room)
                );
            }
        }
    }

    fn pull(&mut self, at: usize, arrives: bool) {
        let Some(effect) = self.bench.pull(at) else {
            return;
        };
        if arrives {
            self.arrive(at, &effect);
        }
        let before = self.flights.insert(at, effect);
        assert!(before.is_none(), "one under way");
    }

    fn arrive(&mut self, at: usize, effect: &Effect) {
        for who in LISTENERS.into_iter().filter(|(link, _)| *link == at) {
            let origin = effect.origin.filter(|origin| origin.peer.is_some());
            let is_writer =
                origin.is_some_and(|it| (it.link.index(), it.peer.map(|peer| peer.0)) == who);
            if !is_writer {
                self.beliefs.insert(who, effect.value.clone());
            }
        }
    }

    fn deliver(&mut self, at: usize) {
        let Some(effect) = self.flights.remove(&at) else {
            return;
        };
        self.arrive(at, &effect);
        self.bench.deliver(at, &effect);
        if !effect.restated {
            self.delivered.entry(at).or_default().push(effect.value);
        }
    }

    fn settle(&mut self) {
        for link in [PHONES, BUS] {
            while self.bench.engine.has_effects(crate::link(link))
                || self.flights.contains_key(&link)
            {
                self.deliver(link);
                self.pull(link, false);
            }
            let delivered = self.delivered.remove(&link).unwrap_or_default();
            let mut dropped = self.bench.engine.dropped();
            let dropped = dropped.find(|(of, _, _)| *of == crate::link(link));
            let dropped = dropped.map_or(0, |(_, _, count)| count);
            let all = usize::try_from(dropped).expect("few") + delivered.len();
            assert_eq!(all, self.accepted.len(), "all is accounted for");
            match self.when_full {
                WhenFull::Reject => assert_eq!(delivered, self.accepted),
                WhenFull::DropOldest => {
                    let mut accepted = self.accepted.iter();
                    let in_order = delivered.iter().all(|it| accepted.any(|other| it == other));
                    assert!(in_order, "{delivered:?} of {:?}", self.accepted);
                }
            }
        }
        let truth = self.bench.engine.cell(cell()).value.cloned();
        for who in LISTENERS {
            // What the bus has written, it hears as the state like everything else.
            assert_eq!(self.beliefs.get(&who), truth.as_ref(), "{who:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_event_that_was_accepted_arrives_in_order_once_or_is_counted(
        room in 1..5_usize,
        drops in any::<bool>(),
        acts in vec(acts(), 1..80),
    ) {
        let when_full = if drops { WhenFull::DropOldest } else { WhenFull::Reject };
        let mut world = World::new(room, when_full);
        for act in &acts {
            world.act(act);
        }
        world.settle();
    }
}
