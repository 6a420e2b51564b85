//! What comes of things is told to whoever watches, once and in order; nobody has to listen.

use bemo_sync::codec::Overflow;
use bemo_sync::engine::{Answer, Outcome, Response};

use super::*;

impl Bench {
    fn outcomes(&mut self) -> Vec<Outcome> {
        std::iter::from_fn(|| self.engine.poll_outcome()).collect()
    }

    fn newest(&self) -> u64 {
        self.engine.cell(cell()).version
    }
}

/// Only of what arrived at the bus: ticket, version and time.
fn arrivals(outcomes: Vec<Outcome>) -> Vec<(u64, u64, Option<Duration>)> {
    let arrived = |outcome| match outcome {
        Outcome::Arrived {
            link: to,
            cell: of,
            ticket,
            version,
            waited,
        } if (to, of) == (link(BUS), cell()) => Some((ticket, version, waited)),
        _ => None,
    };
    outcomes.into_iter().filter_map(arrived).collect()
}

#[test]
fn an_arrival_says_how_old_the_change_is_and_how_things_stand_says_nothing() {
    let mut bench = Bench::here(Overflow::Reject);
    bench.outcomes();
    bench.ask(phone(1), 1).expect("accepted");
    bench.wait(Duration::from_secs(1));
    bench.ask(phone(1), 2).expect("accepted");
    bench.wait(Duration::from_secs(2));
    let effect = bench.pull(BUS).expect("the newest");
    assert_eq!(effect.version, bench.newest());
    bench.wait(Duration::from_secs(3));
    bench.deliver(BUS, &effect);
    let waited = Some(Duration::from_secs(5));
    let first = (effect.ticket, effect.version, waited);
    assert_eq!(arrivals(bench.outcomes()), [first]);
    bench.link_up(BUS, false);
    let again = bench.pull(BUS).expect("how things stand");
    bench.deliver(BUS, &again);
    let stands = (again.ticket, effect.version, None);
    assert_eq!(arrivals(bench.outcomes()), [stands]);
}

#[test]
fn what_was_lost_on_its_way_is_as_old_as_it_is_when_it_arrives() {
    let mut bench = Bench::here(Overflow::Reject);
    bench.outcomes();
    bench.ask(phone(1), 1).expect("accepted");
    bench.pull(BUS).expect("under way");
    bench.wait(Duration::from_secs(10));
    bench.link_up(BUS, false);
    let again = bench.pull(BUS).expect("it was not delivered");
    bench.deliver(BUS, &again);
    let waited = Some(Duration::from_secs(10));
    assert_eq!(
        arrivals(bench.outcomes()),
        [(again.ticket, again.version, waited)]
    );
    let given_back = bench.ask(phone(1), 2).and_then(|_| {
        let effect = bench.pull(BUS).expect("it goes out");
        bench.handle(Event::Undelivered {
            link: link(BUS),
            cell: cell(),
            ticket: effect.ticket,
        })?;
        Ok(effect)
    });
    let effect = given_back.expect("nothing is refused");
    let expected = Outcome::GivenBack {
        link: link(BUS),
        cell: cell(),
        ticket: effect.ticket,
        version: effect.version,
    };
    assert_eq!(bench.outcomes(), [expected]);
}

#[test]
fn a_request_is_confirmed_or_taken_back_with_its_version() {
    let mut bench = Bench::remote();
    let of_requests = |bench: &mut Bench| -> Vec<Outcome> {
        let all = bench.outcomes().into_iter();
        all.filter(|outcome| !matches!(outcome, Outcome::Arrived { .. }))
            .collect()
    };
    of_requests(&mut bench);
    bench.ask(phone(1), 5).expect("accepted");
    let version = bench.newest();
    bench.settle();
    bench.report(5).expect("it does what it is asked for");
    let confirmed = |version| Outcome::Confirmed {
        cell: cell(),
        version,
    };
    assert_eq!(of_requests(&mut bench), [confirmed(version)]);
    // The answer may be quicker than the acknowledgement.
    bench.ask(phone(1), 6).expect("accepted");
    let version = bench.newest();
    let effect = bench.pull(BUS).expect("the request");
    bench.report(6).expect("it is quick");
    assert_eq!(of_requests(&mut bench), []);
    bench.deliver(BUS, &effect);
    assert_eq!(of_requests(&mut bench), [confirmed(version)]);
    bench.ask(phone(1), 7).expect("accepted");
    let version = bench.newest();
    bench.settle();
    bench.wait(CONFIRM_WITHIN);
    let back = bench.newest();
    assert_eq!(back, version + 1);
    let taken_back = Outcome::TakenBack {
        cell: cell(),
        version,
        back,
    };
    assert_eq!(of_requests(&mut bench), [taken_back]);
}

#[test]
fn an_owner_that_falls_silent_is_told_of() {
    let owner = Owner::Remote(link(BUS));
    let mut declared = cell_spec(digit(Overflow::Reject), owner, None);
    declared.valid_for = Some(Duration::from_secs(10));
    let mut bench = Bench::new(declared, Carries::Requests);
    bench.report(5).expect("followed");
    bench.settle();
    bench.outcomes();
    bench.wait(Duration::from_secs(10));
    let version = bench.newest();
    assert_eq!(
        bench.outcomes(),
        [Outcome::Silent {
            cell: cell(),
            version
        }]
    );
}

#[test]
fn an_event_that_gives_way_or_expires_is_told_of_by_link() {
    let mut declared = cell_spec(digit(Overflow::Reject), Owner::Here, Some(0));
    declared.delivery = Delivery::Every {
        room: 1,
        when_full: WhenFull::DropOldest,
    };
    declared.expires = Some(Duration::from_secs(10));
    let mut bench = Bench::new(declared, Carries::State);
    bench.outcomes();
    bench.ask(phone(1), 1).expect("accepted");
    bench.hear(PHONES);
    let version = bench.newest();
    bench.outcomes();
    bench
        .ask(phone(1), 2)
        .expect("there is room for the newest");
    let (link, cell) = (link(BUS), cell());
    let gave_way = Outcome::GaveWay {
        link,
        cell,
        version,
    };
    assert_eq!(bench.outcomes(), [gave_way]);
    bench.hear(PHONES);
    bench.outcomes();
    let version = bench.newest();
    bench.wait(Duration::from_secs(10));
    bench.link_up(BUS, true);
    let expired = Outcome::Expired {
        link,
        cell,
        version,
    };
    assert_eq!(bench.outcomes(), [expired]);
}

#[test]
fn a_write_that_is_answered_says_where_and_by_whom() {
    let answer = CellId::new(1);
    let within = Duration::from_secs(10);
    let response = Response {
        cell: answer,
        within: Some(within),
        otherwise: Some(Value::Int(9)),
        accepted: None,
        refused: Some(Value::Int(2)),
        copies: Vec::new(),
    };
    let mut request = cell_spec(digit(Overflow::Reject), Owner::Here, Some(0));
    request.response = Some(response);
    let beside = cell_spec(digit(Overflow::Reject), Owner::Here, Some(0));
    let mut bench = Bench::of(vec![request, beside], Carries::State);
    bench.outcomes();
    let answered = |bench: &mut Bench, how| {
        let expected = Outcome::Answered {
            cell: cell(),
            version: bench.newest(),
            by: answer,
            answer: bench.engine.cell(answer).version,
            how,
        };
        bench.settle();
        let is_answer = |it: &Outcome| matches!(it, Outcome::Answered { .. });
        let told: Vec<Outcome> = bench.outcomes().into_iter().filter(is_answer).collect();
        assert_eq!(told, [expected]);
    };
    bench.ask(phone(1), 1).expect("accepted");
    let change = Change::Set(Value::Int(7));
    let given = Event::Request {
        cell: answer,
        change,
        origin: from(BUS),
    };
    bench.handle(given).expect("accepted");
    answered(&mut bench, Answer::Given);
    bench.ask(phone(1), 2).expect("accepted");
    bench.wait(within);
    answered(&mut bench, Answer::Nobody);
    bench.ask(phone(1), 10).expect_err("out of range");
    answered(&mut bench, Answer::Refused);
}

#[test]
fn what_nobody_takes_gives_way_and_is_counted() {
    let mut bench = Bench::here(Overflow::Reject);
    for value in 0..2000 {
        bench.ask(phone(1), value % 10).expect("accepted");
        bench.settle();
    }
    let version = bench.newest();
    let kept = bench.outcomes();
    assert!(kept.len() < 1000, "{} wait", kept.len());
    assert!(bench.engine.untaken() > 1000);
    assert_eq!(arrivals(kept).last().map(|last| last.1), Some(version));
}
