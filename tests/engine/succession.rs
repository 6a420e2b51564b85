//! When another declaration takes the place of one that is at work, what is still the same goes on, and
//! nobody hears of anything that is not new to them.

use bemo_sync::engine::{Broken, Heirs, Standing, Unplaced};

use super::*;

/// What it has under way, it still has after the succession; the others do not.
const GOES_ON: usize = PHONES;

/// The same links and this cell, as it is declared now. Returns whether it is still what it was.
fn succeed(bench: &mut Bench, declared: CellSpec, bus: Carries) -> bool {
    let acknowledges = true;
    let subscriptions = [
        Subscription::new(link(PHONES), cell(), Carries::State),
        Subscription {
            acknowledges,
            ..Subscription::new(link(BUS), cell(), bus)
        },
    ];
    let next = Engine::new_at(bench.now, vec![declared], 3, &subscriptions);
    let before = std::mem::replace(&mut bench.engine, next);
    let heirs = Heirs {
        cells: vec![Some(cell())],
        links: (0..3).map(|index| Some(link(index))).collect(),
        go_on: vec![link(GOES_ON)],
    };
    let unplaced = bench.engine.succeed(bench.now, before, &heirs);
    unplaced == Unplaced::default()
}

/// A value of which a central has written 8, and heard that it will be published; and which version that is.
fn promised(declared: &CellSpec) -> (Bench, u64) {
    let mut bench = Bench::new(declared.clone(), Carries::State);
    // From here on the bus acknowledges.
    assert!(succeed(&mut bench, declared.clone(), Carries::State));
    bench.settle();
    bench.ask(phone(1), 8).expect("accepted");
    let version = bench.engine.cell(cell()).version;
    assert_eq!(bench.engine.standing(cell(), version), Standing::Waits);
    (bench, version)
}

fn here(overflow: Overflow) -> CellSpec {
    cell_spec(digit(overflow), Owner::Here, Some(0))
}

fn remote() -> CellSpec {
    cell_spec(digit(Overflow::Reject), Owner::Remote(link(BUS)), None)
}

fn up_to(max: i128) -> CellSpec {
    let spec = Spec::Int(IntSpec {
        min: 0,
        max,
        ..IntSpec::new(IntWidth::W8, true)
    });
    cell_spec(spec, Owner::Here, Some(1))
}

#[test]
fn a_value_that_everybody_has_goes_on_in_silence() {
    let mut bench = Bench::here(Overflow::Clamp);
    bench.ask(phone(1), 7).expect("accepted");
    bench.settle();
    let (version, changed_at) = {
        let view = bench.engine.cell(cell());
        (view.version, view.changed_at)
    };
    bench.wait(Duration::from_secs(5));
    // It is declared to begin with something else now.
    let mut declared = here(Overflow::Reject);
    declared.initial = Some(Value::Int(3));
    assert!(succeed(&mut bench, declared, Carries::State));
    let view = bench.engine.cell(cell());
    assert_eq!(view.value, Some(&Value::Int(7)));
    assert_eq!((view.version, view.changed_at), (version, changed_at));
    assert_eq!(view.origin, Some(phone(1)));
    for index in [PHONES, BUS] {
        assert_eq!(bench.values(index), [], "to {index}");
    }
    assert!(bench.ask(phone(1), 10).is_err(), "the new rule holds");
}

#[test]
fn what_has_not_arrived_yet_does_and_what_has_heard_it_does_not_hear_it_again() {
    let mut bench = Bench::here(Overflow::Clamp);
    bench.ask(phone(1), 7).expect("accepted");
    let on_its_way = bench.pull(BUS).expect("it is told");
    assert!(succeed(&mut bench, here(Overflow::Clamp), Carries::State));
    let again = bench.pull(BUS).expect("nobody knows whether it arrived");
    assert_eq!(again.value, Value::Int(7));
    assert_ne!(again.ticket, on_its_way.ticket);
    // That the first has arrived says nothing of the second.
    bench.deliver(BUS, &on_its_way);
    bench.link_up(BUS, true);
    assert_eq!(bench.values(BUS), ints(&[7]));
    assert_eq!(bench.phone_hears(1), []);
}

#[test]
fn a_value_that_breaks_the_new_rules_begins_anew_and_everybody_hears_of_it() {
    let mut bench = Bench::here(Overflow::Clamp);
    bench.ask(phone(1), 7).expect("accepted");
    bench.settle();
    let before = bench.engine.cell(cell()).version;
    assert!(!succeed(&mut bench, up_to(5), Carries::State), "it is said");
    assert_eq!(bench.value(), Some(1));
    assert!(bench.engine.cell(cell()).version > before);
    assert_eq!(bench.values(BUS), ints(&[1]));
    assert_eq!(bench.phone_hears(1), ints(&[1]));
}

#[test]
fn a_constant_is_what_is_declared_now() {
    let mut declared = here(Overflow::Reject);
    declared.constant = true;
    let mut bench = Bench::new(declared.clone(), Carries::State);
    assert!(succeed(&mut bench, declared.clone(), Carries::State));
    assert_eq!(bench.values(PHONES), []);
    declared.initial = Some(Value::Int(4));
    assert!(succeed(&mut bench, declared, Carries::State));
    assert_eq!(bench.values(PHONES), ints(&[4]));
    assert_eq!(bench.values(BUS), ints(&[4]));
}

#[test]
fn events_that_wait_are_told_in_their_order() {
    let when_full = WhenFull::Reject;
    let mut bench = Bench::every(3, when_full);
    for value in [1, 2, 3] {
        bench.ask(phone(1), value).expect("accepted");
    }
    bench.pull(BUS).expect("the first is under way");
    let mut declared = here(Overflow::Clamp);
    declared.delivery = Delivery::Every { room: 2, when_full };
    assert!(succeed(&mut bench, declared, Carries::State));
    assert!(bench.ask(phone(1), 4).is_err(), "there is no room for more");
    assert_eq!(bench.values(BUS), ints(&[1, 2, 3]));
    bench.values(PHONES);
    assert!(bench.ask(phone(1), 4).is_ok());
    assert_eq!(bench.values(BUS), ints(&[4]));
}

#[test]
fn what_a_link_still_has_under_way_is_not_handed_out_again() {
    let when_full = WhenFull::Reject;
    for delivery in [Delivery::Latest, Delivery::Every { room: 3, when_full }] {
        let mut declared = here(Overflow::Clamp);
        declared.delivery = delivery;
        let mut bench = Bench::new(declared.clone(), Carries::State);
        bench.ask(from(BUS), 4).expect("accepted");
        let on_its_way = bench.pull(PHONES).expect("it is told");
        bench.ask(from(BUS), 5).expect("accepted");
        assert!(succeed(&mut bench, declared, Carries::State));
        assert_eq!(bench.pull(PHONES), None, "one at a time");
        bench.deliver(PHONES, &on_its_way);
        assert_eq!(bench.values(PHONES), ints(&[5]), "and each once");
    }
}

#[test]
fn a_promise_that_was_made_is_kept_by_the_next() {
    let mut declared = here(Overflow::Reject);
    declared.ack = Ack::Published;
    let mut bench = Bench::here(Overflow::Reject);
    assert!(succeed(&mut bench, declared.clone(), Carries::State));
    bench.settle();
    bench.ask(phone(1), 5).expect("accepted");
    let version = bench.engine.cell(cell()).version;
    assert!(succeed(&mut bench, declared.clone(), Carries::State));
    assert_eq!(bench.engine.standing(cell(), version), Standing::Waits);
    bench.settle();
    assert_eq!(bench.engine.standing(cell(), version), Standing::Kept);
    // And what is kept stays so.
    assert!(succeed(&mut bench, declared, Carries::State));
    assert_eq!(bench.engine.standing(cell(), version), Standing::Kept);
}

#[test]
fn an_owner_that_has_been_asked_has_as_long_as_before() {
    let mut bench = Bench::remote();
    bench.ask(phone(1), 5).expect("accepted");
    bench.settle();
    bench.wait(CONFIRM_WITHIN / 2);
    assert!(succeed(&mut bench, remote(), Carries::Requests));
    assert_eq!(bench.value(), Some(5), "what was asked for");
    assert_eq!(bench.values(BUS), [], "it is not asked again");
    bench.wait(CONFIRM_WITHIN / 2);
    assert_eq!(bench.value(), Some(0), "what the owner has last said");
    assert_eq!(bench.values(PHONES), ints(&[5, 0])[1..]);
}

#[test]
fn what_was_held_here_is_known_until_its_new_owner_speaks() {
    let mut bench = Bench::here(Overflow::Reject);
    bench.ask(phone(1), 5).expect("accepted");
    bench.settle();
    assert!(succeed(&mut bench, remote(), Carries::Requests));
    assert_eq!(bench.value(), Some(5));
    assert_eq!(bench.values(BUS), [], "nobody asks it for anything");
    bench.ask(phone(1), 6).expect("accepted");
    bench.settle();
    bench.wait(CONFIRM_WITHIN);
    assert_eq!(bench.value(), Some(5), "it did not answer");
    bench.report(2).expect("followed");
    assert_eq!(bench.value(), Some(2));
}

#[test]
fn who_hears_by_the_clock_goes_on_in_step() {
    let every = Pace::Every(Duration::from_secs(10));
    let hears = [Subscription {
        pace: every,
        ..Subscription::new(link(PHONES), cell(), Carries::State)
    }];
    let mut bench = Bench {
        engine: Engine::new_at(seconds(100), vec![here(Overflow::Reject)], 1, &hears),
        now: seconds(100),
    };
    assert_eq!(bench.values(PHONES), ints(&[0]), "how things stand");
    bench.wait(Duration::from_secs(9));
    let next = Engine::new_at(bench.now, vec![here(Overflow::Reject)], 1, &hears);
    let before = std::mem::replace(&mut bench.engine, next);
    let heirs = Heirs {
        cells: vec![Some(cell())],
        links: vec![Some(link(PHONES))],
        go_on: Vec::new(),
    };
    bench.engine.succeed(bench.now, before, &heirs);
    assert_eq!(bench.values(PHONES), [], "it is not its time");
    bench.wait(Duration::from_secs(1));
    assert_eq!(bench.values(PHONES), ints(&[0]));
}

#[test]
fn values_and_links_are_told_apart_where_their_numbers_are_others() {
    let (gone, kept) = (CellId::new(0), CellId::new(1));
    let declared = || here(Overflow::Reject);
    let hears = |index, of| Subscription::new(link(index), of, Carries::State);
    let subscriptions = [hears(0, gone), hears(0, kept), hears(1, kept)];
    let mut before = Engine::new_at(seconds(1), vec![declared(), declared()], 2, &subscriptions);
    let ask = |engine: &mut Engine, value| {
        let change = Change::Set(Value::Int(value));
        let event = Event::Request {
            cell: kept,
            change,
            origin: from(0),
        };
        engine.handle(seconds(2), event)
    };
    ask(&mut before, 8).expect("accepted");
    ask(&mut before, 12).expect_err("out of range");
    // Link 0 has become link 1 and the other way round; the value of before has become the first.
    let (heir, new) = (CellId::new(0), CellId::new(1));
    let subscriptions = [hears(1, heir), hears(0, heir), hears(1, new)];
    let mut next = Engine::new_at(seconds(3), vec![declared(), declared()], 2, &subscriptions);
    let heirs = Heirs {
        cells: vec![None, Some(heir)],
        links: vec![Some(link(1)), Some(link(0))],
        go_on: Vec::new(),
    };
    assert_eq!(
        next.succeed(seconds(3), before, &heirs),
        Unplaced::default()
    );
    assert_eq!(next.cell(heir).value, Some(&Value::Int(8)));
    assert_eq!(next.cell(heir).origin, Some(from(1)));
    assert_eq!(next.cell(new).value, Some(&Value::Int(0)));
    let counted: Vec<_> = next.rejections().collect();
    assert_eq!(counted.len(), 1);
    assert_eq!((counted[0].0, counted[0].1), (link(1), Some(heir)));
    let mut heard = Vec::new();
    while let Some(effect) = next.poll_effect(seconds(3), link(1)) {
        heard.push((effect.cell, effect.value));
    }
    heard.sort_by_key(|(cell, _)| *cell);
    let expected = [(heir, Value::Int(8)), (new, Value::Int(0))];
    assert_eq!(heard, expected, "what had not arrived, and what is new");
}

/// What breaks the new rule was promised under the old one.
#[test]
fn an_event_that_was_promised_is_delivered_as_it_was_accepted() {
    let when_full = WhenFull::Reject;
    let declared = |max| CellSpec {
        ack: Ack::Published,
        delivery: Delivery::Every { room: 5, when_full },
        ..up_to(max)
    };
    let (mut bench, version) = promised(&declared(9));
    bench.ask(phone(1), 2).expect("accepted");
    assert!(succeed(&mut bench, declared(5), Carries::State));
    assert_eq!(bench.engine.standing(cell(), version), Standing::Waits);
    assert_eq!(bench.values(BUS), ints(&[8, 2]));
    assert_eq!(bench.engine.standing(cell(), version), Standing::Kept);
}

#[test]
fn an_event_that_cannot_be_said_any_more_is_not_said_to_be_kept() {
    let when_full = WhenFull::Reject;
    let delivery = Delivery::Every { room: 5, when_full };
    let ack = Ack::Published;
    let before = CellSpec {
        ack,
        delivery,
        ..up_to(9)
    };
    let (mut bench, version) = promised(&before);
    let text = Spec::Bool(Default::default());
    let other = CellSpec {
        ack,
        delivery,
        ..cell_spec(text, Owner::Here, None)
    };
    assert!(!succeed(&mut bench, other, Carries::State), "it is told");
    let not_delivered = Standing::Broken(Broken::NotDelivered);
    assert_eq!(bench.engine.standing(cell(), version), not_delivered);
}

#[test]
fn a_write_that_is_owed_is_an_event_where_every_event_counts_from_now_on() {
    let when_full = WhenFull::Reject;
    let mut declared = CellSpec {
        ack: Ack::Published,
        ..up_to(9)
    };
    let (mut bench, version) = promised(&declared);
    declared.delivery = Delivery::Every { room: 5, when_full };
    assert!(succeed(&mut bench, declared, Carries::State));
    assert_eq!(bench.engine.standing(cell(), version), Standing::Waits);
    assert_eq!(bench.engine.keeping(bench.now, cell()).unpaid.len(), 1);
    assert_eq!(bench.values(BUS), ints(&[8]));
    assert_eq!(bench.engine.standing(cell(), version), Standing::Kept);
}

#[test]
fn a_promise_whose_topic_is_gone_is_not_said_to_be_kept() {
    let declared = CellSpec {
        ack: Ack::Published,
        ..up_to(9)
    };
    let (mut bench, version) = promised(&declared);
    let phones = [Subscription::new(link(PHONES), cell(), Carries::State)];
    let next = Engine::new_at(bench.now, vec![declared], 3, &phones);
    let before = std::mem::replace(&mut bench.engine, next);
    let heirs = Heirs {
        cells: vec![Some(cell())],
        links: (0..3).map(|index| Some(link(index))).collect(),
        go_on: Vec::new(),
    };
    let unplaced = bench.engine.succeed(bench.now, before, &heirs);
    assert_eq!(unplaced.undelivered, [cell()]);
    let not_delivered = Standing::Broken(Broken::NotDelivered);
    assert_eq!(bench.engine.standing(cell(), version), not_delivered);
    // What is written from now on promises what there is.
    bench.ask(phone(1), 7).expect("accepted");
    let version = bench.engine.cell(cell()).version;
    assert_eq!(bench.engine.standing(cell(), version), Standing::Kept);
}

#[test]
fn who_hears_by_the_clock_hears_again_when_there_is_a_value_again() {
    let every = Pace::Every(Duration::from_secs(10));
    let hears = [Subscription {
        pace: every,
        ..Subscription::new(link(PHONES), cell(), Carries::State)
    }];
    let engine = Engine::new_at(seconds(100), vec![up_to(9)], 1, &hears);
    let now = seconds(100);
    let mut bench = Bench { engine, now };
    bench.hear(PHONES);
    bench.ask(phone(1), 8).expect("accepted");
    bench.wait(Duration::from_secs(9));
    let declared = CellSpec {
        initial: None,
        ..up_to(5)
    };
    let next = Engine::new_at(bench.now, vec![declared], 1, &hears);
    let before = std::mem::replace(&mut bench.engine, next);
    let heirs = Heirs {
        cells: vec![Some(cell())],
        links: vec![Some(link(PHONES))],
        go_on: Vec::new(),
    };
    assert_eq!(
        bench.engine.succeed(bench.now, before, &heirs).unfit,
        [cell()]
    );
    bench.wait(Duration::from_secs(1));
    assert_eq!(bench.values(PHONES), []);
    bench.ask(phone(1), 3).expect("accepted");
    assert_eq!(bench.values(PHONES), ints(&[3]));
    bench.wait(Duration::from_secs(10));
    assert_eq!(bench.values(PHONES), ints(&[3]));
}
