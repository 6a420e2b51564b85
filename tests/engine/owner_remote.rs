//! `owner: remote`: another program holds the truth; we ask, it decides and reports.

use bemo_sync::codec::Overflow;

use super::*;

#[test]
fn a_report_is_followed_and_not_sent_back() {
    let mut bench = Bench::remote();
    assert_eq!(bench.report(5), Ok(Accepted::Changed));
    assert_eq!(bench.values(PHONES), ints(&[5]));
    assert!(bench.hear(BUS).is_empty());
    assert_eq!(bench.report(5), Ok(Accepted::Unchanged));
    assert!(bench.hear(PHONES).is_empty());
}

#[test]
fn a_write_is_shown_at_once_and_sent_as_a_request() {
    let mut bench = Bench::remote();
    assert_eq!(bench.ask(phone(1), 5), Ok(Accepted::Changed));
    assert_eq!(bench.value(), Some(5));
    assert_eq!(bench.phone_hears(2), ints(&[5]));
    let heard = bench.hear(BUS);
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].value, Value::Int(5));
    assert_eq!(heard[0].carries, Carries::Requests);
}

#[test]
fn a_write_of_what_is_there_already_is_still_asked_for() {
    let mut bench = Bench::remote();
    assert_eq!(bench.ask(phone(1), 0), Ok(Accepted::Unchanged));
    assert!(bench.hear(PHONES).is_empty(), "nobody sees a change");
    assert_eq!(bench.values(BUS), ints(&[0]));
}

#[test]
fn a_confirmed_write_is_silent_and_stays() {
    let mut bench = Bench::remote();
    bench.ask(phone(1), 5).expect("accepted");
    bench.settle();
    assert_eq!(bench.report(5), Ok(Accepted::Unchanged));
    assert_eq!(bench.engine.poll_deadline(), None);
    bench.wait(CONFIRM_WITHIN);
    assert_eq!(bench.value(), Some(5));
    assert!(bench.hear(PHONES).is_empty() && bench.hear(BUS).is_empty());
}

#[test]
fn an_unconfirmed_write_goes_back_to_the_last_report_and_everybody_hears_it() {
    let mut bench = Bench::remote();
    bench.ask(phone(1), 5).expect("accepted");
    bench.settle();
    bench.report(3).expect("what the owner thinks of it");
    assert_eq!(
        bench.value(),
        Some(5),
        "the owner may only not have heard yet"
    );
    let deadline = bench.now + CONFIRM_WITHIN;
    assert_eq!(bench.engine.poll_deadline(), Some(deadline));
    bench.wait(CONFIRM_WITHIN - Duration::from_nanos(1));
    assert_eq!(bench.value(), Some(5));
    bench.wait(Duration::from_nanos(1));
    assert_eq!(bench.value(), Some(3));
    assert_eq!(bench.engine.poll_deadline(), None);
    assert_eq!(bench.phone_hears(1), ints(&[3]), "also who wrote");
    assert!(bench.hear(BUS).is_empty(), "no request was made");
}

#[test]
fn a_confirmation_that_comes_too_late_is_followed_like_any_report() {
    let mut bench = Bench::remote();
    bench.ask(phone(1), 5).expect("accepted");
    bench.settle();
    bench.wait(CONFIRM_WITHIN);
    bench.settle();
    assert_eq!(bench.report(5), Ok(Accepted::Changed));
    assert_eq!(bench.phone_hears(1), ints(&[5]));
}

#[test]
fn the_time_to_confirm_counts_from_the_delivery() {
    let mut bench = Bench::remote();
    bench.ask(phone(1), 5).expect("accepted");
    bench.hear(PHONES);
    for _ in 0..3 {
        bench.wait(CONFIRM_WITHIN * 100);
        assert_eq!(bench.engine.poll_deadline(), None, "nobody can confirm");
    }
    let request = bench.pull(BUS).expect("the request");
    bench.wait(CONFIRM_WITHIN * 100);
    assert_eq!(bench.value(), Some(5));
    bench.deliver(BUS, &request);
    let deadline = bench.now + CONFIRM_WITHIN;
    assert_eq!(bench.engine.poll_deadline(), Some(deadline));
    bench.wait(Duration::from_secs(1));
    bench.deliver(BUS, &request);
    assert_eq!(
        bench.engine.poll_deadline(),
        Some(deadline),
        "delivered once"
    );
}

#[test]
fn the_last_write_counts_and_the_time_starts_again() {
    let mut bench = Bench::remote();
    bench.ask(phone(1), 5).expect("accepted");
    bench.settle();
    bench.wait(CONFIRM_WITHIN / 2);
    bench.ask(phone(1), 6).expect("accepted");
    assert_eq!(
        bench.engine.poll_deadline(),
        None,
        "the new one is not delivered"
    );
    bench.settle();
    bench.wait(CONFIRM_WITHIN / 2);
    assert_eq!(bench.value(), Some(6), "the first deadline is forgotten");
    bench.report(5).expect("the answer to the first");
    assert_eq!(bench.value(), Some(6));
    bench.report(6).expect("the answer to the second");
    assert_eq!(bench.engine.poll_deadline(), None);
}

#[test]
fn a_write_made_while_another_is_under_way_is_sent_after_it() {
    let mut bench = Bench::remote();
    bench.ask(phone(1), 5).expect("accepted");
    let first = bench.pull(BUS).expect("the first request");
    bench.ask(phone(1), 6).expect("accepted");
    bench.ask(phone(1), 7).expect("accepted");
    assert_eq!(bench.pull(BUS), None);
    bench.deliver(BUS, &first);
    assert_eq!(
        bench.engine.poll_deadline(),
        None,
        "the first is of no interest"
    );
    assert_eq!(bench.values(BUS), ints(&[7]));
    assert!(bench.engine.poll_deadline().is_some());
}

#[test]
fn the_same_write_made_twice_is_confirmed_by_the_second_delivery() {
    let mut bench = Bench::remote();
    bench.ask(phone(1), 5).expect("accepted");
    let first = bench.pull(BUS).expect("the first request");
    bench.ask(phone(1), 5).expect("accepted");
    bench.deliver(BUS, &first);
    assert_eq!(
        bench.engine.poll_deadline(),
        None,
        "one is still to be sent"
    );
    bench.report(5).expect("the answer to the first");
    bench.report(3).expect("somebody else's change");
    assert_eq!(bench.values(BUS), ints(&[5]), "and never the 3");
}

#[test]
fn an_answer_may_be_quicker_than_the_acknowledgement() {
    let mut bench = Bench::remote();
    bench.ask(phone(1), 5).expect("accepted");
    let request = bench.pull(BUS).expect("the request");
    bench.report(5).expect("the answer");
    bench.deliver(BUS, &request);
    assert_eq!(bench.engine.poll_deadline(), None);
    assert_eq!(
        bench.report(3),
        Ok(Accepted::Changed),
        "reports count again"
    );
}

#[test]
fn an_answer_that_was_overtaken_by_another_report_is_none() {
    let mut bench = Bench::remote();
    bench.ask(phone(1), 5).expect("accepted");
    let request = bench.pull(BUS).expect("the request");
    bench.report(5).expect("the answer");
    bench.report(3).expect("somebody else's change");
    bench.deliver(BUS, &request);
    bench.wait(CONFIRM_WITHIN);
    assert_eq!(bench.value(), Some(3));
}

#[test]
fn a_report_from_before_a_request_does_not_flicker() {
    let mut bench = Bench::remote();
    bench.ask(phone(1), 5).expect("accepted");
    bench.hear(PHONES);
    bench.report(3).expect("the owner has not heard yet");
    let request = bench.pull(BUS).expect("the request");
    assert_eq!(request.value, Value::Int(5));
    bench.report(2).expect("nor now");
    bench.deliver(BUS, &request);
    bench.report(1).expect("nor perhaps now");
    assert!(bench.hear(PHONES).is_empty());
    bench.report(5).expect("the answer");
    assert_eq!(bench.value(), Some(5));
    assert!(bench.hear(PHONES).is_empty());
}

#[test]
fn a_switch_toggled_twice_is_not_confirmed_by_what_was_said_before() {
    let mut bench = Bench::remote();
    bench.ask(phone(1), 1).expect("on");
    let on = bench.pull(BUS).expect("the first request");
    bench.ask(phone(1), 0).expect("off");
    bench.deliver(BUS, &on);
    let off = bench.pull(BUS).expect("the second request");
    bench.deliver(BUS, &off);
    bench.hear(PHONES);
    bench.report(1).expect("the answer to the first");
    assert_eq!(bench.value(), Some(0), "no flicker");
    bench.report(0).expect("the answer to the second");
    assert_eq!(bench.engine.poll_deadline(), None);
    assert!(bench.hear(PHONES).is_empty());
}

#[test]
fn a_write_of_what_the_owner_says_already_does_not_make_us_deaf() {
    let mut bench = Bench::remote();
    bench.ask(phone(1), 0).expect("accepted");
    bench.settle();
    assert_eq!(
        bench.engine.poll_deadline(),
        None,
        "it need not be said again"
    );
    assert_eq!(bench.report(3), Ok(Accepted::Changed));
}

#[test]
fn what_a_silent_owner_never_confirmed_is_unknown_again() {
    let owner = Owner::Remote(link(BUS));
    let declared = cell_spec(digit(Overflow::Reject), owner, None);
    let mut bench = Bench::new(declared, Carries::Requests);
    assert_eq!(bench.value(), None);
    bench.ask(phone(1), 5).expect("accepted");
    assert_eq!(bench.value(), Some(5));
    bench.settle();
    bench.wait(CONFIRM_WITHIN);
    assert_eq!(bench.value(), None);
    assert_eq!(bench.engine.poll_deadline(), None);
}

#[test]
fn the_deadlines_of_many_cells_come_in_their_order() {
    let owner = Owner::Remote(link(BUS));
    let mut slow = cell_spec(digit(Overflow::Reject), owner, Some(0));
    slow.confirm_within = CONFIRM_WITHIN * 3;
    let quick = cell_spec(digit(Overflow::Reject), owner, Some(0));
    let subscriptions = [0, 1].map(|cell| Subscription {
        link: link(BUS),
        cell: CellId::new(cell),
        carries: Carries::Requests,
        pace: Pace::OnChange,
        acknowledges: false,
    });
    let engine = Engine::new(vec![slow, quick], 3, &subscriptions);
    let now = seconds(0);
    let mut bench = Bench { engine, now };
    for cell in [0, 1].map(CellId::new) {
        let (patch, origin) = (Value::Int(1).into(), from(BUS));
        let report = Event::Report {
            cell,
            patch,
            mark: Mark::Foreign,
            origin,
        };
        bench.handle(report).expect("followed");
        let (change, origin) = (Change::Set(Value::Int(5)), phone(1));
        let request = Event::Request {
            cell,
            change,
            origin,
        };
        bench.handle(request).expect("accepted");
    }
    bench.hear(BUS);
    let shown = |bench: &Bench| [0, 1].map(|it| bench.engine.cell(CellId::new(it)).value.cloned());
    assert_eq!(bench.engine.poll_deadline(), Some(now + CONFIRM_WITHIN));
    bench.wait(CONFIRM_WITHIN);
    assert_eq!(shown(&bench), [5, 1].map(|it| Some(Value::Int(it))));
    assert_eq!(bench.engine.poll_deadline(), Some(now + CONFIRM_WITHIN * 3));
    bench.wait(CONFIRM_WITHIN * 2);
    assert_eq!(shown(&bench), [1, 1].map(|it| Some(Value::Int(it))));
}
