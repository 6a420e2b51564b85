//! Whatever happens, no link hears more often than it wants to, and in the end all of them know.

use bemo_sync::codec::Overflow;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::*;

const APART: Duration = Duration::from_millis(200);
/// The links, by their pace.
const SLOW: usize = 0;
const REGULAR: usize = 1;

#[derive(Clone, Debug)]
enum Act {
    Ask { value: i128 },
    Pull { link: usize },
    Deliver { link: usize },
    LinkUp { link: usize, session_present: bool },
    Wait { millis: u64 },
}

fn acts() -> impl Strategy<Value = Act> {
    let link = || prop_oneof![Just(SLOW), Just(REGULAR)];
    prop_oneof![
        5 => (0..10_i128).prop_map(|value| Act::Ask { value }),
        5 => link().prop_map(|link| Act::Pull { link }),
        5 => link().prop_map(|link| Act::Deliver { link }),
        1 => (link(), any::<bool>())
            .prop_map(|(link, session_present)| Act::LinkUp { link, session_present }),
        4 => (0..300_u64).prop_map(|millis| Act::Wait { millis }),
    ]
}

struct World {
    bench: Bench,
    flights: [Option<Effect>; 2],
    pulled_at: [Option<Time>; 2],
    knows: [Option<Value>; 2],
}

impl World {
    fn new() -> Self {
        let declared = cell_spec(digit(Overflow::Reject), Owner::Here, Some(0));
        let hears = |index, pace| Subscription {
            link: link(index),
            cell: cell(),
            carries: Carries::State,
            pace,
            acknowledges: false,
        };
        let subscriptions = [
            hears(SLOW, Pace::AtMost(APART)),
            hears(REGULAR, Pace::Every(APART)),
        ];
        Self {
            bench: Bench {
                engine: Engine::new(vec![declared], 3, &subscriptions),
                now: seconds(0),
            },
            flights: [None, None],
            pulled_at: [None, None],
            knows: [None, None],
        }
    }

    fn act(&mut self, act: &Act) {
        match *act {
            Act::Ask { value } => {
                let changed = self.bench.ask(from(SOURCE), value) == Ok(Accepted::Changed);
                let rested = |at: Option<Time>| at.is_none_or(|at| at + APART <= self.bench.now);
                if changed && self.flights[SLOW].is_none() && rested(self.pulled_at[SLOW]) {
                    // At the very moment its clock may have yet to strike.
                    self.bench.wait(Duration::ZERO);
                    assert!(self.bench.engine.has_effects(link(SLOW)), "at once");
                }
            }
            Act::Pull { link } => self.pull(link),
            Act::Deliver { link } => self.deliver(link),
            Act::LinkUp {
                link,
                session_present,
            } => {
                self.flights[link] = None;
                self.bench.link_up(link, session_present);
            }
            Act::Wait { millis } => self.bench.wait(Duration::from_millis(millis)),
        }
    }

    fn pull(&mut self, link: usize) {
        let Some(effect) = self.bench.pull(link) else {
            return;
        };
        let newest = self.bench.engine.cell(cell()).value;
        assert_eq!(Some(&effect.value), newest, "latest wins");
        if link == SLOW
            && let Some(before) = self.pulled_at[SLOW]
        {
            assert!(before + APART <= self.bench.now, "too soon");
        }
        self.pulled_at[link] = Some(self.bench.now);
        let before = self.flights[link].replace(effect);
        assert!(before.is_none(), "one under way");
    }

    fn deliver(&mut self, link: usize) {
        if let Some(effect) = self.flights[link].take() {
            self.bench.deliver(link, &effect);
            self.knows[link] = Some(effect.value);
        }
    }

    fn settle(&mut self) {
        for _ in 0..3 {
            for link in [SLOW, REGULAR] {
                self.deliver(link);
                self.pull(link);
                self.deliver(link);
            }
            self.bench.wait(APART);
        }
        let truth = self.bench.engine.cell(cell()).value.cloned();
        assert_eq!(self.knows, [truth.clone(), truth.clone()]);
        assert!(!self.bench.engine.has_effects(link(SLOW)), "then silence");
        // The other goes on and on: once in each period, whatever happens in between.
        for round in 0..3 {
            self.bench.ask(from(SOURCE), round).expect("accepted");
            assert_eq!(self.bench.hear(REGULAR).len(), 1);
            self.bench.ask(from(SOURCE), 9 - round).expect("accepted");
            assert!(self.bench.hear(REGULAR).is_empty());
            self.bench.wait(APART);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn nobody_hears_too_often_and_everybody_knows_in_the_end(acts in vec(acts(), 1..80)) {
        let mut world = World::new();
        for act in &acts {
            world.act(act);
        }
        world.settle();
    }
}
