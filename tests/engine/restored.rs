//! What is known from before the start: it comes before the initial value, and a remote owner's word
//! before it.

use bemo_sync::codec::{Overflow, Patch};

use super::*;

const VALID_FOR: Duration = Duration::from_secs(600);
const STORE: usize = 2;

fn restored(owner: Owner, initial: Option<i128>, restored: i128) -> CellSpec {
    CellSpec {
        restored: Some(Value::Int(restored)),
        ..cell_spec(digit(Overflow::Reject), owner, initial)
    }
}

fn remote() -> Owner {
    Owner::Remote(link(BUS))
}

#[test]
fn it_comes_before_the_initial_value_and_is_what_everybody_hears_first() {
    let subscription = Subscription {
        link: link(BUS),
        cell: cell(),
        carries: Carries::State,
        pace: Pace::OnChange,
        acknowledges: false,
    };
    let declared = restored(Owner::Here, Some(3), 7);
    let mut engine = Engine::new(vec![declared], 3, &[subscription]);
    let heard = engine.poll_effect(seconds(0), link(BUS));
    assert_eq!(heard.map(|effect| effect.value), Some(Value::Int(7)));
    assert_eq!(engine.poll_effect(seconds(0), link(BUS)), None);
}

#[test]
fn it_asks_a_remote_owner_for_nothing_and_comes_back_until_that_speaks() {
    let mut bench = Bench::new(restored(remote(), Some(3), 7), Carries::Requests);
    assert_eq!(bench.value(), Some(7));
    bench.link_up(BUS, false);
    assert!(bench.hear(BUS).is_empty(), "nobody has asked for it");
    bench.ask(phone(1), 5).expect("accepted");
    bench.settle();
    bench.wait(CONFIRM_WITHIN);
    assert_eq!(bench.value(), Some(7), "not confirmed");
    bench.report(4).expect("followed");
    bench.ask(phone(1), 5).expect("accepted");
    bench.settle();
    bench.wait(CONFIRM_WITHIN);
    assert_eq!(bench.value(), Some(4), "the owner has spoken");
}

#[test]
fn it_is_no_word_of_the_owner_so_asking_for_it_has_to_be_confirmed() {
    let mut bench = Bench::new(restored(remote(), Some(3), 7), Carries::Requests);
    bench.ask(phone(1), 7).expect("accepted");
    bench.settle();
    assert!(bench.engine.poll_deadline().is_some());
}

#[test]
fn an_owner_that_stays_silent_makes_it_unknown_too() {
    let mut declared = restored(remote(), None, 7);
    declared.valid_for = Some(VALID_FOR);
    let mut bench = Bench::new(declared, Carries::Requests);
    assert_eq!(bench.value(), Some(7));
    bench.wait(VALID_FOR);
    assert_eq!(bench.value(), None);
}

/// What is asked for may be gone with the next power cut; what the owner has said is not.
#[test]
fn the_newest_of_a_remote_owner_is_what_it_has_said() {
    let declared = restored(remote(), Some(3), 7);
    let subscription = |to, carries| Subscription {
        link: link(to),
        cell: cell(),
        carries,
        pace: Pace::OnChange,
        acknowledges: false,
    };
    let subscriptions = [
        subscription(STORE, Carries::Kept),
        subscription(BUS, Carries::Requests),
    ];
    let mut engine = Engine::new(vec![declared], 3, &subscriptions);
    let hear = |engine: &mut Engine| {
        let heard = engine.poll_effect(seconds(1), link(STORE))?;
        let event = Event::Delivered {
            link: link(STORE),
            cell: heard.cell,
            ticket: heard.ticket,
        };
        engine.handle(seconds(1), event).expect("it was sent");
        Some(heard.value)
    };
    assert_eq!(hear(&mut engine), Some(Value::Int(7)), "from before");
    let ask = Event::Request {
        cell: cell(),
        change: Change::Set(Value::Int(5)),
        origin: phone(1),
    };
    engine.handle(seconds(1), ask).expect("accepted");
    assert_eq!(engine.cell(cell()).value, Some(&Value::Int(5)));
    assert_eq!(engine.cell(cell()).known, Some(&Value::Int(7)));
    assert!(hear(&mut engine).is_none_or(|it| it == Value::Int(7)));
    // Both another word and the very one that was asked for are news, though nobody else hears of them.
    for said in [4, 5] {
        let report = Event::Report {
            cell: cell(),
            patch: Patch::Set(Value::Int(said)),
            mark: Mark::Foreign,
            origin: Origin {
                link: link(BUS),
                peer: None,
            },
        };
        engine.handle(seconds(1), report).expect("followed");
        assert_eq!(hear(&mut engine), Some(Value::Int(said)));
    }
}

#[test]
fn before_a_remote_owner_has_spoken_nothing_is_known_of_it() {
    let declared = cell_spec(digit(Overflow::Reject), remote(), Some(3));
    let kept = Subscription::new(link(STORE), cell(), Carries::Kept);
    let mut engine = Engine::new(vec![declared], 3, &[kept]);
    let ask = Event::Request {
        cell: cell(),
        change: Change::Set(Value::Int(5)),
        origin: phone(1),
    };
    engine.handle(seconds(1), ask).expect("accepted");
    assert_eq!(engine.keeping(seconds(1), cell()).known, None);
}

/// Whoever only keeps values is no reason to refuse an event, however late it looks.
#[test]
fn who_hears_of_the_newest_value_never_makes_others_wait() {
    let mut declared = cell_spec(digit(Overflow::Reject), Owner::Here, Some(0));
    declared.delivery = Delivery::Every {
        room: 2,
        when_full: WhenFull::Reject,
    };
    let subscription = Subscription {
        link: link(STORE),
        cell: cell(),
        carries: Carries::Kept,
        pace: Pace::OnChange,
        acknowledges: false,
    };
    let mut engine = Engine::new(vec![declared], 3, &[subscription]);
    for value in 1..=9 {
        let change = Change::Set(Value::Int(value));
        let (cell, origin) = (cell(), phone(1));
        let event = Event::Request {
            cell,
            change,
            origin,
        };
        engine.handle(seconds(1), event).expect("there is room");
    }
    let heard = engine.poll_effect(seconds(1), link(STORE));
    assert_eq!(heard.map(|effect| effect.value), Some(Value::Int(9)));
    assert!(!engine.has_effects(link(STORE)));
}
