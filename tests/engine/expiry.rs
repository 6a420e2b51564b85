//! What was asked for too long ago is not told any more.

use super::*;

const EXPIRES: Duration = Duration::from_secs(10);

fn bench(owner: Owner, bus: Carries) -> Bench {
    let mut declared = cell_spec(digit(Overflow::Reject), owner, Some(0));
    declared.delivery = Delivery::Every {
        room: 3,
        when_full: WhenFull::Reject,
    };
    declared.expires = Some(EXPIRES);
    Bench::new(declared, bus)
}

#[test]
fn who_comes_back_hears_of_what_is_still_worth_it() {
    let mut bench = bench(Owner::Here, Carries::State);
    bench.ask(phone(1), 1).expect("accepted");
    bench.wait(Duration::from_secs(6));
    bench.ask(phone(1), 2).expect("accepted");
    bench.wait(Duration::from_secs(4));
    bench.link_up(BUS, true);
    assert_eq!(bench.values(BUS), ints(&[2]));
}

#[test]
fn what_was_under_way_when_the_link_went_is_not_sent_again_when_it_is_too_late() {
    let mut bench = bench(Owner::Here, Carries::State);
    bench.ask(phone(1), 1).expect("accepted");
    let lost = bench.pull(BUS).expect("under way");
    bench.wait(EXPIRES);
    bench.link_up(BUS, true);
    assert!(bench.values(BUS).is_empty());
    bench.deliver(BUS, &lost);
    bench.ask(phone(1), 2).expect("accepted");
    assert_eq!(bench.values(BUS), ints(&[2]));
}

#[test]
fn what_has_expired_takes_no_room() {
    let mut bench = bench(Owner::Here, Carries::State);
    for value in [1, 2, 3] {
        bench.ask(phone(1), value).expect("accepted");
    }
    bench.hear(PHONES);
    bench.ask(phone(1), 4).expect_err("no room");
    bench.wait(EXPIRES);
    bench.ask(phone(1), 5).expect("there is room again");
}

#[test]
fn a_request_that_has_expired_comes_back_and_one_that_has_not_still_waits() {
    let mut bench = bench(Owner::Remote(link(BUS)), Carries::Requests);
    bench.ask(phone(1), 1).expect("accepted");
    bench.wait(Duration::from_secs(6));
    bench.ask(phone(1), 2).expect("accepted");
    bench.wait(Duration::from_secs(4));
    bench.link_up(BUS, true);
    // The first is forgotten. The second is what is wanted, and has yet to be delivered.
    bench.wait(2 * CONFIRM_WITHIN);
    assert_eq!(bench.value(), Some(2));
    bench.wait(EXPIRES);
    bench.link_up(BUS, true);
    bench.wait(CONFIRM_WITHIN);
    assert_eq!(bench.value(), Some(0), "the owner never heard of it");
    assert!(bench.values(BUS).is_empty());
}

#[test]
fn what_a_slow_link_kept_waiting_for_too_long_is_not_told_when_it_goes_on() {
    let mut bench = bench(Owner::Here, Carries::State);
    bench.ask(phone(1), 1).expect("accepted");
    let slow = bench.pull(BUS).expect("under way");
    bench.ask(phone(1), 2).expect("accepted");
    bench.wait(Duration::from_secs(6));
    bench.ask(phone(1), 3).expect("accepted");
    bench.wait(Duration::from_secs(4));
    bench.deliver(BUS, &slow);
    assert_eq!(bench.values(BUS), ints(&[3]));
}

#[test]
fn what_a_pace_kept_waiting_for_too_long_is_not_told_when_its_time_has_come() {
    let mut declared = cell_spec(digit(Overflow::Reject), Owner::Here, None);
    declared.delivery = Delivery::Every {
        room: 3,
        when_full: WhenFull::Reject,
    };
    declared.expires = Some(EXPIRES);
    let paced = Subscription {
        pace: Pace::AtMost(2 * EXPIRES),
        ..Subscription::new(link(BUS), cell(), Carries::State)
    };
    let mut bench = Bench {
        engine: Engine::new(vec![declared], 3, &[paced]),
        now: seconds(100),
    };
    bench.ask(phone(1), 1).expect("accepted");
    assert_eq!(bench.values(BUS), ints(&[1]));
    bench.ask(phone(1), 2).expect("accepted");
    bench.wait(2 * EXPIRES);
    assert_eq!(bench.values(BUS), ints(&[]));
    bench.ask(phone(1), 3).expect("accepted");
    assert_eq!(bench.values(BUS), ints(&[3]));
}
