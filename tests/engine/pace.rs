//! How often subscribers hear of a value, whatever happens to it.

use bemo_sync::codec::Overflow;

use super::*;

const APART: Duration = Duration::from_millis(200);

/// The phones hear at this pace, the bus of every change.
fn paced(pace: Pace, initial: Option<i128>, owner: Owner) -> Bench {
    let declared = cell_spec(digit(Overflow::Reject), owner, initial);
    let subscription = |index, carries, pace| Subscription {
        link: link(index),
        cell: cell(),
        carries,
        pace,
        acknowledges: false,
    };
    let subscriptions = [
        subscription(PHONES, Carries::State, pace),
        subscription(BUS, Carries::State, Pace::OnChange),
    ];
    let mut bench = Bench {
        engine: Engine::new(vec![declared], 3, &subscriptions),
        now: seconds(0),
    };
    bench.settle();
    bench
}

fn at_most() -> Bench {
    let mut bench = paced(Pace::AtMost(APART), Some(0), Owner::Here);
    bench.wait(APART);
    bench
}

fn every() -> Bench {
    paced(Pace::Every(APART), Some(0), Owner::Here)
}

#[test]
fn the_first_change_goes_at_once_and_the_newest_of_the_rest_when_its_time_comes() {
    let mut bench = at_most();
    bench.ask(from(BUS), 1).expect("accepted");
    assert_eq!(bench.values(PHONES), ints(&[1]));
    for value in 2..=5 {
        bench.ask(from(BUS), value).expect("accepted");
        assert!(bench.hear(PHONES).is_empty());
        assert_eq!(bench.values(BUS), ints(&[value]), "nobody else waits");
    }
    assert_eq!(bench.engine.poll_deadline(), Some(bench.now + APART));
    bench.wait(APART - Duration::from_nanos(1));
    assert!(bench.hear(PHONES).is_empty());
    bench.wait(Duration::from_nanos(1));
    assert_eq!(bench.values(PHONES), ints(&[5]));
    assert_eq!(bench.engine.poll_deadline(), None, "then nothing waits");
}

#[test]
fn a_change_after_a_long_silence_goes_at_once_again() {
    let mut bench = at_most();
    for value in 1..=3 {
        bench.ask(from(BUS), value).expect("accepted");
        assert_eq!(bench.values(PHONES), ints(&[value]));
        bench.wait(APART);
    }
}

#[test]
fn a_steady_stream_arrives_once_in_a_while_and_its_end_always() {
    let mut bench = at_most();
    let mut heard = Vec::new();
    for step in 1..=20 {
        bench.ask(from(BUS), step % 10).expect("accepted");
        heard.extend(bench.values(PHONES));
        bench.wait(APART / 4);
        heard.extend(bench.values(PHONES));
    }
    assert_eq!(heard.len(), 6, "{heard:?}");
    bench.wait(APART);
    heard.extend(bench.values(PHONES));
    assert_eq!(heard.last(), Some(&Value::Int(0)), "{heard:?}");
}

#[test]
fn the_pace_counts_from_when_it_was_sent_and_a_slow_link_gets_one_at_a_time() {
    let mut bench = at_most();
    bench.ask(from(BUS), 1).expect("accepted");
    bench.wait(APART * 3);
    let first = bench.pull(PHONES).expect("late");
    bench.ask(from(BUS), 2).expect("accepted");
    bench.wait(APART * 3);
    assert_eq!(bench.pull(PHONES), None, "the first is still under way");
    bench.deliver(PHONES, &first);
    assert_eq!(bench.values(PHONES), ints(&[2]));
    bench.ask(from(BUS), 3).expect("accepted");
    assert!(bench.hear(PHONES).is_empty());
}

#[test]
fn a_link_that_returns_keeps_the_pace_and_hears_the_newest_once() {
    let mut bench = at_most();
    bench.ask(from(BUS), 1).expect("accepted");
    bench.hear(PHONES);
    bench.ask(from(BUS), 2).expect("accepted");
    bench.link_up(PHONES, false);
    assert!(bench.hear(PHONES).is_empty());
    bench.now = bench.now + APART;
    bench.link_up(PHONES, false);
    bench.wait(Duration::ZERO);
    assert_eq!(bench.values(PHONES), ints(&[2]));
    assert_eq!(bench.engine.poll_deadline(), None);
}

#[test]
fn the_phone_that_wrote_what_waits_need_not_hear_it() {
    let mut bench = at_most();
    bench.ask(phone(1), 1).expect("accepted");
    bench.settle();
    bench.ask(phone(1), 2).expect("accepted");
    bench.wait(APART);
    let heard = bench.hear(PHONES);
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].origin, Some(phone(1)));
}

#[test]
fn by_the_clock_the_value_is_sent_again_and_again_and_changes_wait_for_it() {
    let mut bench = every();
    for value in [0, 0, 3, 3] {
        bench.ask(phone(1), value).expect("accepted");
        assert!(bench.hear(PHONES).is_empty());
        bench.wait(APART);
        let heard = bench.hear(PHONES);
        assert_eq!(heard.len(), 1);
        assert_eq!(heard[0].value, Value::Int(value));
        assert_eq!(heard[0].origin, None, "everybody hears it");
    }
}

#[test]
fn a_clock_that_slept_does_not_make_up_for_it_and_does_not_drift_for_being_late() {
    let mut bench = every();
    let start = bench.now;
    bench.wait(APART + APART / 2);
    assert_eq!(bench.hear(PHONES).len(), 1);
    assert_eq!(bench.engine.poll_deadline(), Some(start + APART * 2));
    bench.wait(APART * 50);
    assert_eq!(bench.hear(PHONES).len(), 1);
    assert_eq!(bench.engine.poll_deadline(), Some(bench.now + APART));
}

#[test]
fn without_a_value_no_clock_runs_and_the_first_one_starts_it() {
    let mut bench = paced(Pace::Every(APART), None, Owner::Remote(link(BUS)));
    assert_eq!(bench.engine.poll_deadline(), None);
    bench.report(4).expect("followed");
    assert_eq!(bench.values(PHONES), ints(&[4]), "at once");
    bench.wait(APART);
    assert_eq!(bench.values(PHONES), ints(&[4]));
}

#[test]
fn what_becomes_unknown_again_is_not_sent_any_more() {
    let mut declared = cell_spec(digit(Overflow::Reject), Owner::Remote(link(BUS)), None);
    declared.confirm_within = APART / 2;
    let subscription = |index, carries, pace| Subscription {
        link: link(index),
        cell: cell(),
        carries,
        pace,
        acknowledges: false,
    };
    let subscriptions = [
        subscription(PHONES, Carries::State, Pace::Every(APART)),
        subscription(BUS, Carries::Requests, Pace::Every(APART)),
    ];
    let mut bench = Bench {
        engine: Engine::new(vec![declared], 3, &subscriptions),
        now: seconds(0),
    };
    bench.ask(phone(1), 5).expect("accepted");
    assert_eq!(
        bench.values(BUS),
        ints(&[5]),
        "who is asked is asked at once"
    );
    bench.wait(APART);
    assert_eq!(bench.value(), None);
    assert!(bench.hear(PHONES).is_empty());
    assert_eq!(bench.engine.poll_deadline(), None);
}

#[test]
fn by_the_clock_goes_how_things_stand_also_where_every_event_counts() {
    let mut declared = cell_spec(digit(Overflow::Reject), Owner::Here, Some(0));
    declared.delivery = Delivery::Every {
        room: 1,
        when_full: WhenFull::Reject,
    };
    let subscription = Subscription {
        link: link(PHONES),
        cell: cell(),
        carries: Carries::State,
        pace: Pace::Every(APART),
        acknowledges: false,
    };
    let mut bench = Bench {
        engine: Engine::new(vec![declared], 3, &[subscription]),
        now: seconds(0),
    };
    bench.settle();
    for value in 1..=5 {
        bench.ask(from(BUS), value).expect("nothing fills up");
    }
    bench.wait(APART);
    assert_eq!(bench.values(PHONES), ints(&[5]));
}
