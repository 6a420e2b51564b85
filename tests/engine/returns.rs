//! The transports are not trusted: what they may have lost is said again when they return.

use bemo_sync::codec::Overflow;

use super::*;

#[test]
fn after_a_lost_session_all_state_is_said_again() {
    let mut bench = Bench::here(Overflow::Reject);
    bench.ask(phone(1), 5).expect("accepted");
    bench.settle();
    bench.link_up(BUS, false);
    assert_eq!(bench.values(BUS), ints(&[5]));
    assert!(bench.hear(PHONES).is_empty(), "their link has not gone");
}

#[test]
fn after_a_kept_session_only_what_was_not_delivered_is_said_again() {
    let mut bench = Bench::here(Overflow::Reject);
    bench.ask(phone(1), 5).expect("accepted");
    bench.settle();
    bench.link_up(BUS, true);
    assert!(bench.hear(BUS).is_empty());
    bench.ask(phone(1), 6).expect("accepted");
    bench.pull(BUS).expect("under way");
    bench.link_up(BUS, true);
    assert_eq!(bench.values(BUS), ints(&[6]));
}

#[test]
fn what_was_under_way_comes_back_as_the_newest_value_once() {
    for session_present in [false, true] {
        let mut bench = Bench::here(Overflow::Reject);
        bench.ask(phone(1), 1).expect("accepted");
        bench.pull(BUS).expect("under way");
        bench.ask(phone(1), 2).expect("accepted");
        for _ in 0..3 {
            bench.link_up(BUS, session_present);
        }
        assert_eq!(bench.values(BUS), ints(&[2]));
    }
}

#[test]
fn with_the_session_who_wrote_may_have_lost_it_too_and_is_told() {
    let mut bench = Bench::here(Overflow::Reject);
    bench.ask(phone(1), 5).expect("accepted");
    bench.pull(PHONES).expect("under way");
    bench.link_up(PHONES, true);
    let kept = bench.pull(PHONES).expect("said again");
    assert_eq!(kept.origin, Some(phone(1)), "the writer has kept it");
    bench.link_up(PHONES, false);
    assert_eq!(bench.phone_hears(1), ints(&[5]));
}

#[test]
fn an_unknown_value_is_not_said_at_all() {
    let declared = cell_spec(digit(Overflow::Reject), Owner::Here, None);
    let mut bench = Bench::new(declared, Carries::StateOfOthers);
    bench.link_up(BUS, false);
    bench.link_up(PHONES, false);
    assert!(bench.hear(BUS).is_empty() && bench.hear(PHONES).is_empty());
}

#[test]
fn a_request_not_yet_delivered_is_asked_again_and_a_delivered_one_never() {
    for session_present in [false, true] {
        let mut bench = Bench::remote();
        bench.ask(phone(1), 5).expect("accepted");
        bench.link_up(BUS, session_present);
        bench.pull(BUS).expect("never taken before");
        bench.wait(CONFIRM_WITHIN * 9);
        bench.link_up(BUS, session_present);
        assert_eq!(bench.value(), Some(5), "it cannot have been confirmed");
        assert_eq!(bench.values(BUS), ints(&[5]));
        bench.link_up(BUS, session_present);
        assert!(bench.hear(BUS).is_empty());
        assert!(bench.engine.poll_deadline().is_some());
    }
}

#[test]
fn a_request_is_never_said_for_a_value_that_the_owner_reported() {
    let mut bench = Bench::remote();
    bench.link_up(BUS, false);
    assert!(bench.hear(BUS).is_empty());
    bench.report(5).expect("followed");
    bench.link_up(BUS, false);
    assert!(bench.hear(BUS).is_empty());
}

#[test]
fn a_delivery_heard_of_after_the_return_does_not_turn_a_request_into_an_echo() {
    for confirmed in [false, true] {
        let mut bench = Bench::remote();
        bench.ask(phone(1), 5).expect("accepted");
        let lost = bench.pull(BUS).expect("the request");
        bench.link_up(BUS, true);
        bench.deliver(BUS, &lost);
        if confirmed {
            bench.report(5).expect("the answer");
        }
        bench.report(3).expect("what the owner says now");
        bench.wait(CONFIRM_WITHIN);
        for effect in bench.hear(BUS) {
            assert_eq!(effect.value, Value::Int(5), "nobody asked for 3");
        }
        bench.wait(CONFIRM_WITHIN);
        assert_eq!(bench.value(), Some(3));
    }
}

#[test]
fn a_late_delivery_does_not_stand_for_what_was_handed_out_again() {
    let mut bench = Bench::remote();
    bench.ask(phone(1), 5).expect("accepted");
    let lost = bench.pull(BUS).expect("the request");
    bench.link_up(BUS, true);
    let again = bench.pull(BUS).expect("the same request");
    bench.deliver(BUS, &lost);
    assert_eq!(bench.engine.poll_deadline(), None, "nobody has got it yet");
    bench.link_up(BUS, true);
    let once_more = bench.pull(BUS).expect("it was not delivered");
    for late in [&lost, &again] {
        bench.deliver(BUS, late);
    }
    assert_eq!(bench.engine.poll_deadline(), None);
    bench.deliver(BUS, &once_more);
    let deadline = bench.now + CONFIRM_WITHIN;
    assert_eq!(bench.engine.poll_deadline(), Some(deadline));
}

#[test]
fn a_late_delivery_does_not_make_an_event_that_was_handed_out_again_get_lost() {
    let mut bench = Bench::every(50, WhenFull::Reject);
    bench.ask(phone(1), 5).expect("accepted");
    bench.ask(phone(1), 6).expect("accepted");
    let lost = bench.pull(BUS).expect("the first");
    bench.link_up(BUS, true);
    bench.pull(BUS).expect("the first again");
    bench.deliver(BUS, &lost);
    assert_eq!(bench.pull(BUS), None, "it is still under way");
    bench.link_up(BUS, true);
    assert_eq!(bench.values(BUS), ints(&[5, 6]));
}

#[test]
fn a_link_that_returns_does_not_disturb_the_clock_of_a_confirmation() {
    let mut bench = Bench::remote();
    bench.ask(phone(1), 5).expect("accepted");
    bench.settle();
    bench.wait(CONFIRM_WITHIN / 2);
    bench.link_up(BUS, false);
    bench.wait(CONFIRM_WITHIN / 2);
    assert_eq!(bench.value(), Some(0));
}
