//! A central that writes hears what came of it, in another value.

use bemo_sync::codec::{Cause, Overflow};
use bemo_sync::engine::Response;

use super::*;

const WITHIN: Duration = Duration::from_secs(10);
const EVENTS: Delivery = Delivery::Every {
    room: 50,
    when_full: WhenFull::DropOldest,
};
const TIMEOUT: i128 = 9;
const DONE: i128 = 1;
const WRONG: i128 = 2;

fn answer_cell() -> CellId {
    CellId::new(1)
}

/// Waits for somebody to answer.
fn asks() -> Response {
    Response {
        cell: answer_cell(),
        within: Some(WITHIN),
        otherwise: Some(Value::Int(TIMEOUT)),
        accepted: None,
        refused: None,
        copies: Vec::new(),
    }
}

/// Answers by itself.
fn confirms() -> Response {
    Response {
        within: None,
        otherwise: None,
        accepted: Some(Value::Int(DONE)),
        refused: Some(Value::Int(WRONG)),
        ..asks()
    }
}

/// The phones write the first cell, which the bus hears, and hear the second, which the bus changes.
fn bench(response: Response, of_request: Delivery, of_answer: Delivery) -> Bench {
    let mut request = cell_spec(digit(Overflow::Reject), Owner::Here, Some(0));
    request.response = Some(response);
    request.delivery = of_request;
    let mut answer = cell_spec(digit(Overflow::Reject), Owner::Here, Some(0));
    answer.delivery = of_answer;
    let hears = |index, cell| Subscription {
        link: link(index),
        cell,
        carries: Carries::State,
        pace: Pace::OnChange,
        acknowledges: false,
    };
    let subscriptions = [hears(PHONES, answer_cell()), hears(BUS, cell())];
    let mut bench = Bench {
        engine: Engine::new(vec![request, answer], 3, &subscriptions),
        now: seconds(100),
    };
    bench.settle();
    bench
}

fn answer(bench: &mut Bench, origin: Origin, value: i128) {
    let request = Event::Request {
        cell: answer_cell(),
        change: Change::Rounded(Value::Int(value).into()),
        origin,
    };
    bench.handle(request).expect("accepted");
}

#[test]
fn what_another_link_makes_of_it_in_time_is_the_answer_and_nothing_follows() {
    let mut bench = bench(asks(), Delivery::Latest, EVENTS);
    bench.ask(phone(1), 5).expect("accepted");
    assert!(bench.hear(PHONES).is_empty());
    assert_eq!(bench.values(BUS), ints(&[5]));
    assert_eq!(bench.engine.poll_deadline(), Some(bench.now + WITHIN));
    bench.wait(WITHIN / 2);
    answer(&mut bench, from(BUS), 3);
    assert_eq!(bench.engine.poll_deadline(), None);
    assert_eq!(bench.phone_hears(1), ints(&[3]), "also who asked");
    bench.wait(WITHIN);
    assert!(bench.hear(PHONES).is_empty());
}

#[test]
fn when_nobody_answers_that_is_the_answer_and_the_time_counts_from_the_request() {
    let mut bench = bench(asks(), Delivery::Latest, EVENTS);
    bench.ask(phone(1), 5).expect("accepted");
    bench.wait(WITHIN - Duration::from_nanos(1));
    assert!(bench.hear(PHONES).is_empty());
    bench.wait(Duration::from_nanos(1));
    assert_eq!(bench.phone_hears(1), ints(&[TIMEOUT]));
    assert_eq!(bench.engine.poll_deadline(), None);
}

#[test]
fn every_answer_is_heard_also_one_that_is_equal_to_the_last() {
    for of_answer in [EVENTS, Delivery::Latest] {
        let mut bench = bench(asks(), Delivery::Latest, of_answer);
        for _ in 0..3 {
            bench.ask(phone(1), 5).expect("accepted");
            answer(&mut bench, from(BUS), 3);
            assert_eq!(bench.phone_hears(1), ints(&[3]), "{of_answer:?}");
        }
        for _ in 0..3 {
            bench.ask(phone(1), 5).expect("accepted");
            bench.wait(WITHIN);
            assert_eq!(bench.phone_hears(1), ints(&[TIMEOUT]), "{of_answer:?}");
        }
    }
}

#[test]
fn who_asks_through_a_link_does_not_answer_through_it() {
    let mut bench = bench(asks(), Delivery::Latest, EVENTS);
    bench.ask(phone(1), 5).expect("accepted");
    answer(&mut bench, phone(2), 3);
    assert_eq!(bench.phone_hears(1), ints(&[3]), "a write like any other");
    bench.wait(WITHIN);
    assert_eq!(bench.phone_hears(1), ints(&[TIMEOUT]));
}

#[test]
fn what_is_no_answer_is_told_as_ever_only_when_it_changes_something() {
    let mut bench = bench(asks(), Delivery::Latest, Delivery::Latest);
    bench.ask(phone(1), 5).expect("accepted");
    answer(&mut bench, phone(2), 0);
    assert!(bench.hear(PHONES).is_empty());
}

#[test]
fn only_centrals_ask() {
    for response in [asks(), confirms()] {
        let mut bench = bench(response, Delivery::Latest, EVENTS);
        for origin in [from(SOURCE), from(BUS)] {
            bench.ask(origin, 5).expect("accepted");
            bench.ask(origin, 10).expect_err("out of range");
        }
        assert_eq!(bench.engine.poll_deadline(), None);
        assert!(bench.hear(PHONES).is_empty());
    }
}

#[test]
fn a_value_out_of_range_is_no_answer() {
    let mut bench = bench(asks(), Delivery::Latest, EVENTS);
    bench.ask(phone(1), 5).expect("accepted");
    let wrong = Event::Request {
        cell: answer_cell(),
        change: Change::Set(Value::Int(10)),
        origin: from(BUS),
    };
    bench.handle(wrong).expect_err("out of range");
    bench.wait(WITHIN);
    assert_eq!(bench.phone_hears(1), ints(&[TIMEOUT]));
}

#[test]
fn a_write_can_be_answered_at_once() {
    let mut bench = bench(confirms(), Delivery::Latest, EVENTS);
    for _ in 0..2 {
        bench.ask(phone(1), 5).expect("accepted");
        assert_eq!(bench.phone_hears(1), ints(&[DONE]));
        assert_eq!(bench.engine.poll_deadline(), None);
    }
}

#[test]
fn a_wrong_write_can_be_answered_instead_of_refused_and_still_counts() {
    let mut bench = bench(confirms(), Delivery::Latest, EVENTS);
    for count in [1, 2] {
        let rejection = bench.ask(phone(1), 10).expect_err("counted");
        assert!(rejection.answered, "so that it is acknowledged");
        assert_eq!(rejection.count, count);
        assert_eq!(bench.phone_hears(1), ints(&[WRONG]));
    }
    assert_eq!(bench.value(), Some(0));
    assert!(bench.hear(BUS).is_empty());
}

#[test]
fn a_wrong_write_without_an_answer_is_refused_and_does_not_ask() {
    let mut bench = bench(asks(), Delivery::Latest, EVENTS);
    let rejection = bench.ask(phone(1), 10).expect_err("out of range");
    assert!(!rejection.answered);
    assert_eq!(bench.engine.poll_deadline(), None);
}

#[test]
fn where_the_newest_request_counts_only_that_is_answered() {
    let mut bench = bench(asks(), Delivery::Latest, EVENTS);
    bench.ask(phone(1), 5).expect("accepted");
    bench.wait(WITHIN / 2);
    bench.ask(phone(2), 6).expect("accepted");
    assert_eq!(bench.engine.poll_deadline(), Some(bench.now + WITHIN));
    bench.wait(WITHIN * 2);
    assert_eq!(bench.values(PHONES), ints(&[TIMEOUT]));
}

#[test]
fn where_every_request_counts_each_is_answered_in_order() {
    let mut bench = bench(asks(), EVENTS, EVENTS);
    for _ in 0..3 {
        bench.ask(phone(1), 5).expect("accepted");
        bench.wait(Duration::from_secs(1));
    }
    answer(&mut bench, from(BUS), 3);
    bench.wait(WITHIN * 2);
    assert_eq!(bench.phone_hears(1), ints(&[3, TIMEOUT, TIMEOUT]));
}

#[test]
fn two_requests_of_one_moment_are_both_answered() {
    let mut bench = bench(asks(), EVENTS, EVENTS);
    bench.ask(phone(1), 5).expect("accepted");
    bench.ask(phone(2), 5).expect("accepted");
    answer(&mut bench, from(BUS), 3);
    assert_eq!(bench.engine.poll_deadline(), Some(bench.now + WITHIN));
    bench.wait(WITHIN);
    assert_eq!(bench.values(PHONES), ints(&[3, TIMEOUT]));
    assert_eq!(bench.engine.poll_deadline(), None);
}

#[test]
fn a_request_whose_answer_has_no_room_is_refused_before_anything_changes() {
    let tight = Delivery::Every {
        room: 1,
        when_full: WhenFull::Reject,
    };
    let mut bench = bench(confirms(), Delivery::Latest, tight);
    bench.ask(phone(1), 5).expect("accepted");
    bench.hear(BUS);
    let rejection = bench.ask(phone(1), 6).expect_err("no room to answer");
    assert_eq!(rejection.violation.cause, Cause::QueueFull);
    assert!(!rejection.answered);
    assert_eq!(bench.value(), Some(5));
    assert!(bench.hear(BUS).is_empty());
    assert_eq!(bench.values(PHONES), ints(&[DONE]));
    bench.ask(phone(1), 6).expect("there is room again");
}

#[test]
fn requests_that_nobody_answers_do_not_pile_up() {
    for when_full in [WhenFull::Reject, WhenFull::DropOldest] {
        let few = Delivery::Every { room: 2, when_full };
        let mut bench = bench(asks(), few, EVENTS);
        let mut ask = |value| {
            let accepted = bench.ask(phone(1), value).is_ok();
            bench.hear(BUS);
            accepted
        };
        let accepted = [ask(1), ask(2), ask(3)];
        assert_eq!(accepted[2], when_full == WhenFull::DropOldest);
        bench.wait(WITHIN);
        assert_eq!(bench.values(PHONES), ints(&[TIMEOUT, TIMEOUT]));
    }
}

#[test]
fn a_report_of_a_remote_owner_is_an_answer_too() {
    let mut bench = bench(asks(), Delivery::Latest, EVENTS);
    bench.ask(phone(1), 5).expect("accepted");
    let report = Event::Report {
        cell: answer_cell(),
        patch: Value::Int(0).into(),
        mark: Mark::Foreign,
        origin: from(BUS),
    };
    assert_eq!(bench.handle(report), Ok(Accepted::Unchanged));
    assert_eq!(bench.phone_hears(1), ints(&[0]));
    assert_eq!(bench.engine.poll_deadline(), None);
}
