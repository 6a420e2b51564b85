//! `owner: here`: this process holds the truth.

use bemo_sync::codec::Overflow;

use super::*;

#[test]
fn the_initial_value_is_told_to_everybody_and_an_unknown_one_to_nobody() {
    for (initial, expected) in [(Some(3), ints(&[3])), (None, ints(&[]))] {
        let declared = cell_spec(digit(Overflow::Reject), Owner::Here, initial);
        let hears = |index, carries| Subscription {
            link: link(index),
            cell: cell(),
            carries,
            pace: Pace::OnChange,
            acknowledges: false,
        };
        let subscriptions = [
            hears(0, Carries::State),
            hears(1, Carries::StateOfOthers),
            hears(2, Carries::Requests),
        ];
        let engine = Engine::new(vec![declared], 3, &subscriptions);
        let mut bench = Bench {
            engine,
            now: seconds(0),
        };
        assert_eq!(bench.values(0), expected);
        assert_eq!(bench.values(1), expected);
        assert!(bench.hear(2).is_empty(), "nobody has asked for anything");
    }
}

#[test]
fn every_accepted_change_is_published_whoever_made_it() {
    let mut bench = Bench::here(Overflow::Reject);
    for (value, origin) in [(1, phone(1)), (2, from(BUS)), (3, from(SOURCE))] {
        assert_eq!(bench.ask(origin, value), Ok(Accepted::Changed));
        let heard = bench.hear(BUS);
        assert_eq!(heard.len(), 1, "from {origin:?}");
        assert_eq!(heard[0].value, Value::Int(value));
        assert_eq!(heard[0].carries, Carries::State);
    }
}

#[test]
fn what_changes_nothing_is_told_to_nobody() {
    let mut bench = Bench::here(Overflow::Reject);
    bench.ask(phone(1), 5).expect("accepted");
    bench.settle();
    let before = bench.engine.cell(cell()).version;
    for origin in [phone(1), phone(2), from(BUS)] {
        assert_eq!(bench.ask(origin, 5), Ok(Accepted::Unchanged));
    }
    assert_eq!(bench.engine.cell(cell()).version, before);
    assert!(bench.hear(PHONES).is_empty() && bench.hear(BUS).is_empty());
}

#[test]
fn nothing_waits_for_a_confirmation() {
    let mut bench = Bench::here(Overflow::Reject);
    bench.ask(phone(1), 5).expect("accepted");
    bench.settle();
    assert_eq!(bench.engine.poll_deadline(), None);
    bench.wait(CONFIRM_WITHIN);
    assert_eq!(bench.value(), Some(5));
}

#[test]
fn a_cell_says_how_it_came_to_its_value() {
    let mut bench = Bench::here(Overflow::Reject);
    bench.ask(phone(1), 5).expect("accepted");
    let (version, at) = (bench.engine.cell(cell()).version, bench.now);
    bench.wait(Duration::from_secs(9));
    bench.ask(from(BUS), 5).expect("unchanged");
    let view = bench.engine.cell(cell());
    assert_eq!(view.origin, Some(phone(1)));
    assert_eq!(view.changed_at, at, "the age is that of the last change");
    assert_eq!(view.version, version);
}
