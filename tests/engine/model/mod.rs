//! The engine beside a reference, through any sequence of events; and when those end, at rest.

mod events;
mod paces;
mod truth;
mod world;

use proptest::collection::vec;
use proptest::prelude::*;

use world::{CELLS, LINKS, World};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    Phone(u64),
    Bus,
    Mirror,
    Source,
}

#[rustfmt::skip]
#[derive(Clone, Debug)]
pub enum Act {
    Ask { cell: usize, who: Who, value: i128 },
    Step { cell: usize, by: i128 },
    Report { cell: usize, value: i128 },
    /// `arrives`: before anybody knows that it did.
    Pull { link: usize, arrives: bool },
    PullAll { link: usize },
    Deliver { link: usize, cell: usize },
    DeliverLate { which: usize },
    LinkUp { link: usize, session_present: bool },
    Wait { millis: u64 },
}

fn acts() -> impl Strategy<Value = Act> {
    let who = prop_oneof![
        Just(Who::Phone(1)),
        Just(Who::Phone(2)),
        Just(Who::Bus),
        Just(Who::Mirror),
        Just(Who::Source),
    ];
    // Few values, so that they often meet, and some that are out of range.
    let value = || prop_oneof![4 => 0..4_i128, 1 => -3..14_i128];
    let (cell, link) = (|| 0..CELLS, || 0..LINKS);
    prop_oneof![
        6 => (cell(), who, value()).prop_map(|(cell, who, value)| Act::Ask { cell, who, value }),
        1 => (cell(), -12..13_i128).prop_map(|(cell, by)| Act::Step { cell, by }),
        3 => (cell(), value()).prop_map(|(cell, value)| Act::Report { cell, value }),
        6 => (link(), any::<bool>()).prop_map(|(link, arrives)| Act::Pull { link, arrives }),
        1 => link().prop_map(|link| Act::PullAll { link }),
        6 => (link(), cell()).prop_map(|(link, cell)| Act::Deliver { link, cell }),
        1 => any::<usize>().prop_map(|which| Act::DeliverLate { which }),
        2 => (link(), any::<bool>())
            .prop_map(|(link, session_present)| Act::LinkUp { link, session_present }),
        2 => (0..3000_u64).prop_map(|millis| Act::Wait { millis }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn whatever_happens_the_engine_holds_the_truth_and_comes_to_rest(acts in vec(acts(), 1..80)) {
        let mut world = World::new();
        for act in &acts {
            world.act(act);
        }
        world.settle();
    }
}
