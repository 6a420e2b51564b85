//! No echo: a change goes to everybody else, never back to where it came from; then silence.

use bemo_sync::codec::Overflow;

use super::*;

#[test]
fn the_phone_that_wrote_is_named_so_that_only_the_others_are_told() {
    let mut bench = Bench::here(Overflow::Reject);
    bench.ask(phone(1), 5).expect("accepted");
    let heard = bench.hear(PHONES);
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].origin, Some(phone(1)));
    bench.ask(phone(2), 6).expect("accepted");
    assert_eq!(bench.phone_hears(1), ints(&[6]));
}

#[test]
fn a_link_that_hears_of_others_only_never_hears_its_own() {
    let declared = cell_spec(digit(Overflow::Reject), Owner::Here, Some(0));
    let mut bench = Bench::new(declared, Carries::StateOfOthers);
    bench.ask(from(BUS), 5).expect("accepted");
    assert_eq!(bench.values(PHONES), ints(&[5]));
    assert!(bench.hear(BUS).is_empty());
    bench.ask(phone(1), 6).expect("accepted");
    assert_eq!(bench.values(BUS), ints(&[6]));
}

#[test]
fn a_change_that_a_link_overrules_before_it_hears_of_it_does_not_bring_its_own_back() {
    let declared = cell_spec(digit(Overflow::Reject), Owner::Here, Some(0));
    let mut bench = Bench::new(declared, Carries::StateOfOthers);
    bench.ask(phone(1), 5).expect("accepted");
    bench.ask(from(BUS), 6).expect("accepted");
    assert!(bench.hear(BUS).is_empty());
    assert_eq!(bench.phone_hears(1), ints(&[6]));
    // And the link is not deaf afterwards.
    bench.ask(phone(1), 7).expect("accepted");
    assert_eq!(bench.values(BUS), ints(&[7]));
}

#[test]
fn who_writes_while_an_older_change_is_under_way_to_them_ends_with_what_they_wrote() {
    let declared = cell_spec(digit(Overflow::Reject), Owner::Here, Some(0));
    let mut bench = Bench::new(declared, Carries::StateOfOthers);
    bench.ask(from(SOURCE), 1).expect("accepted");
    let to_phones = bench.pull(PHONES).expect("the change");
    let to_bus = bench.pull(BUS).expect("the change");
    bench.ask(phone(1), 5).expect("accepted");
    bench.ask(from(BUS), 6).expect("accepted");
    bench.ask(phone(1), 7).expect("accepted");
    // 1 arrives now, after their own writes: without a word they would believe it.
    bench.deliver(PHONES, &to_phones);
    bench.deliver(BUS, &to_bus);
    assert_eq!(bench.phone_hears(1), ints(&[7]));
    assert_eq!(bench.values(BUS), ints(&[7]));

    let to_bus = {
        bench.ask(phone(1), 1).expect("accepted");
        bench.pull(BUS).expect("the change")
    };
    bench.ask(from(BUS), 6).expect("accepted");
    bench.deliver(BUS, &to_bus);
    assert_eq!(bench.values(BUS), ints(&[6]));
}

#[test]
fn a_phone_that_drags_a_slider_does_not_hear_itself() {
    let mut bench = Bench::here(Overflow::Reject);
    bench.ask(phone(1), 1).expect("accepted");
    let first = bench.pull(PHONES).expect("for the other phones");
    for value in 2..=9 {
        bench.ask(phone(1), value).expect("accepted");
    }
    assert_eq!(first.origin, Some(phone(1)));
    bench.deliver(PHONES, &first);
    assert!(bench.phone_hears(1).is_empty());
}

#[test]
fn who_asked_for_something_else_than_what_came_of_it_is_told_too() {
    for (overflow, kept) in [(Overflow::Clamp, 9), (Overflow::Wrap, 2)] {
        let mut bench = Bench::here(overflow);
        bench.ask(phone(1), 12).expect("accepted");
        assert_eq!(bench.phone_hears(1), ints(&[kept]), "{overflow:?}");

        let declared = cell_spec(digit(overflow), Owner::Here, Some(0));
        let mut bench = Bench::new(declared, Carries::StateOfOthers);
        bench.ask(from(BUS), 12).expect("accepted");
        assert_eq!(bench.values(BUS), ints(&[kept]), "{overflow:?}");
    }
}

#[test]
fn when_the_adjusted_value_is_there_already_only_who_asked_is_told() {
    let mut bench = Bench::here(Overflow::Clamp);
    bench.ask(phone(1), 9).expect("accepted");
    bench.settle();
    let before = bench.engine.cell(cell()).version;
    assert_eq!(bench.ask(phone(1), 12), Ok(Accepted::Unchanged));
    assert_eq!(bench.engine.cell(cell()).version, before, "nothing changed");
    assert_eq!(bench.phone_hears(1), ints(&[9]));
    assert!(bench.hear(BUS).is_empty(), "the bus knows it");
}

#[test]
fn equality_is_judged_after_quantising() {
    let mut declared = cell_spec(f32_up_to_one(), Owner::Here, None);
    declared.initial = Some(Value::Float(0.0));
    let mut bench = Bench::new(declared, Carries::State);
    let mut ask = |value| bench.change(from(BUS), Change::Set(Value::Float(value)));
    assert_eq!(ask(0.1), Ok(Accepted::Changed));
    assert_eq!(ask(f64::from(0.1_f32)), Ok(Accepted::Unchanged));
    assert_eq!(ask(0.100_000_001), Ok(Accepted::Unchanged));
}

#[test]
fn two_sides_that_repeat_what_they_hear_come_to_rest() {
    let declared = cell_spec(digit(Overflow::Wrap), Owner::Here, Some(0));
    let mut bench = Bench::new(declared, Carries::StateOfOthers);
    bench.ask(phone(1), 12).expect("accepted");
    for round in 0.. {
        let (phones, bus) = (bench.values(PHONES), bench.values(BUS));
        if phones.is_empty() && bus.is_empty() {
            break;
        }
        assert!(round < 3, "they go on for ever");
        for (origin, values) in [(phone(1), phones), (from(BUS), bus)] {
            for value in values {
                bench.change(origin, Change::Set(value)).expect("accepted");
            }
        }
    }
    assert_eq!(bench.value(), Some(2));
}
