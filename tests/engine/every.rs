//! `delivery: every`: each accepted event reaches every link, in order, or it was never accepted.

use bemo_sync::codec::Cause;

use super::*;

const ROOMY: usize = 50;

fn remote_events(room: usize, when_full: WhenFull) -> Bench {
    let mut declared = cell_spec(digit(Overflow::Reject), Owner::Remote(link(BUS)), None);
    declared.delivery = Delivery::Every { room, when_full };
    Bench::new(declared, Carries::Requests)
}

#[test]
fn every_event_is_handed_out_in_order_also_when_it_is_equal_to_the_last() {
    let mut bench = Bench::every(ROOMY, WhenFull::Reject);
    for value in [3, 3, 5, 0, 0] {
        bench.ask(from(SOURCE), value).expect("accepted");
    }
    assert_eq!(bench.values(BUS), ints(&[3, 3, 5, 0, 0]));
    assert_eq!(bench.values(PHONES), ints(&[3, 3, 5, 0, 0]));
    assert!(bench.hear(BUS).is_empty());
}

#[test]
fn one_event_is_under_way_at_a_time() {
    let mut bench = Bench::every(ROOMY, WhenFull::Reject);
    bench.ask(phone(1), 1).expect("accepted");
    bench.ask(phone(1), 2).expect("accepted");
    let first = bench.pull(BUS).expect("the first");
    assert_eq!(bench.pull(BUS), None);
    bench.deliver(BUS, &first);
    let second = bench.pull(BUS).expect("the second");
    bench.deliver(BUS, &first);
    bench.ask(phone(1), 3).expect("accepted");
    assert_eq!(bench.pull(BUS), None, "an old delivery frees nothing");
    bench.deliver(BUS, &second);
    assert_eq!(bench.values(BUS), ints(&[3]));
}

#[test]
fn what_was_not_delivered_before_the_link_went_is_handed_out_again_in_order() {
    for session_present in [false, true] {
        let mut bench = Bench::every(ROOMY, WhenFull::Reject);
        for value in [1, 1, 2] {
            bench.ask(phone(1), value).expect("accepted");
        }
        bench.pull(BUS).expect("the first, lost on its way");
        bench.link_up(BUS, session_present);
        let heard = bench.hear(BUS);
        assert!(heard.iter().all(|effect| !effect.restated));
        let values: Vec<_> = heard.into_iter().map(|effect| effect.value).collect();
        assert_eq!(values, ints(&[1, 1, 2]), "and the 2 once");
    }
}

#[test]
fn of_events_that_were_delivered_a_new_session_hears_how_things_stand_once_and_as_such() {
    let mut bench = Bench::every(ROOMY, WhenFull::Reject);
    for value in [1, 1, 2] {
        bench.ask(phone(1), value).expect("accepted");
    }
    bench.settle();
    bench.link_up(BUS, true);
    assert!(bench.hear(BUS).is_empty());
    bench.link_up(BUS, false);
    bench.link_up(BUS, false);
    let heard = bench.hear(BUS);
    assert_eq!(heard.len(), 1);
    assert!(heard[0].restated);
    assert_eq!((&heard[0].value, heard[0].origin), (&Value::Int(2), None));
}

#[test]
fn an_event_tells_how_things_stand_and_takes_its_place() {
    let mut bench = Bench::every(1, WhenFull::Reject);
    bench.link_up(BUS, false);
    bench.ask(phone(1), 4).expect("there is room for one event");
    assert_eq!(bench.values(BUS), ints(&[4]));
}

#[test]
fn a_full_queue_refuses_the_next_event_and_nothing_changes_anywhere() {
    let mut bench = Bench::every(2, WhenFull::Reject);
    bench.ask(phone(1), 1).expect("accepted");
    bench.ask(phone(1), 2).expect("accepted");
    bench.hear(PHONES);
    let version = bench.engine.cell(cell()).version;
    for count in [1, 2] {
        let rejection = bench.ask(phone(1), 3).expect_err("the bus is full");
        assert_eq!(rejection.violation.cause, Cause::QueueFull);
        assert_eq!(rejection.count, count);
    }
    assert_eq!(bench.value(), Some(2));
    assert_eq!(bench.engine.cell(cell()).version, version);
    assert!(bench.hear(PHONES).is_empty());
    assert_eq!(bench.values(BUS), ints(&[1, 2]));
    bench.ask(phone(1), 3).expect("there is room again");
    assert_eq!(bench.engine.dropped().count(), 0);
}

#[test]
fn where_the_oldest_goes_it_is_counted_and_the_newest_remain() {
    let mut bench = Bench::every(2, WhenFull::DropOldest);
    for value in 1..=5 {
        bench.ask(phone(1), value).expect("accepted");
    }
    assert_eq!(bench.values(BUS), ints(&[4, 5]));
    let dropped: Vec<_> = bench.engine.dropped().collect();
    assert_eq!(dropped, [PHONES, BUS].map(|it| (link(it), cell(), 3)));
}

#[test]
fn what_is_under_way_is_not_what_gives_way() {
    let mut bench = Bench::every(1, WhenFull::DropOldest);
    bench.ask(phone(1), 1).expect("accepted");
    let first = bench.pull(BUS).expect("the first");
    for value in 2..=4 {
        bench.ask(phone(1), value).expect("accepted");
    }
    assert_eq!(first.value, Value::Int(1));
    bench.link_up(BUS, true);
    assert_eq!(bench.values(BUS), ints(&[1, 4]));
}

#[test]
fn the_phone_that_wrote_does_not_hear_itself_and_ends_with_what_is_so() {
    let mut bench = Bench::every(ROOMY, WhenFull::Reject);
    for value in [1, 1, 2] {
        bench.ask(phone(1), value).expect("accepted");
    }
    assert!(bench.phone_hears(1).is_empty());
    bench.ask(phone(1), 3).expect("accepted");
    bench.ask(from(BUS), 4).expect("accepted");
    bench.ask(phone(1), 5).expect("accepted");
    // 4 arrives after it wrote 5: without a word it would believe that.
    assert_eq!(bench.phone_hears(1), ints(&[4, 5]));
}

#[test]
fn a_link_that_hears_of_others_only_hears_each_of_theirs() {
    let mut declared = cell_spec(digit(Overflow::Reject), Owner::Here, Some(0));
    declared.delivery = Delivery::Every {
        room: 1,
        when_full: WhenFull::Reject,
    };
    let mut bench = Bench::new(declared, Carries::StateOfOthers);
    for _ in 0..3 {
        bench.ask(from(BUS), 7).expect("its own take no room");
        bench.hear(PHONES);
    }
    assert!(bench.hear(BUS).is_empty());
    bench.ask(phone(1), 7).expect("accepted");
    assert_eq!(bench.values(BUS), ints(&[7]));
}

#[test]
fn every_request_reaches_a_remote_owner_and_the_last_is_what_it_has_to_confirm() {
    let mut bench = remote_events(ROOMY, WhenFull::Reject);
    for value in [1, 1, 2] {
        bench.ask(phone(1), value).expect("accepted");
    }
    bench.hear(PHONES);
    assert_eq!(bench.values(BUS), ints(&[1, 1, 2]));
    let deadline = bench.now + CONFIRM_WITHIN;
    assert_eq!(bench.engine.poll_deadline(), Some(deadline));
    bench.report(2).expect("the answer");
    assert_eq!(bench.engine.poll_deadline(), None);
}

#[test]
fn every_report_is_an_event_and_does_not_wait_for_an_answer() {
    let mut bench = remote_events(ROOMY, WhenFull::Reject);
    for value in [4, 4] {
        bench.report(value).expect("followed");
    }
    assert_eq!(bench.values(PHONES), ints(&[4, 4]));
    bench.ask(phone(1), 5).expect("accepted");
    bench.report(6).expect("followed");
    bench.report(6).expect("followed");
    assert_eq!(bench.values(PHONES), ints(&[5, 6, 6]));
    let asked = bench.values(BUS);
    assert_eq!(asked, ints(&[5]), "what was asked for, not what was said");
    bench.wait(CONFIRM_WITHIN);
    assert!(bench.hear(PHONES).is_empty(), "6 is what is shown");
    assert_eq!(bench.value(), Some(6));
}

#[test]
fn our_own_mark_on_our_own_value_is_an_answer_and_no_event() {
    let mut bench = remote_events(ROOMY, WhenFull::Reject);
    bench.ask(phone(1), 5).expect("accepted");
    bench.settle();
    bench.echo(5).expect("the answer");
    assert_eq!(bench.engine.poll_deadline(), None);
    assert!(bench.hear(PHONES).is_empty());
}

#[test]
fn our_own_mark_on_our_own_value_is_no_event_either_when_it_is_the_first_that_is_heard() {
    let mut bench = remote_events(ROOMY, WhenFull::Reject);
    bench.ask(phone(1), 5).expect("accepted");
    bench.settle();
    bench.first_echo(5).expect("the answer");
    assert_eq!(bench.engine.poll_deadline(), None, "it is confirmed");
    bench.first_echo(5).expect("what is so already");
    assert!(bench.hear(PHONES).is_empty());
    bench
        .first_echo(6)
        .expect("asked for by whoever was here before");
    assert_eq!(bench.values(PHONES), ints(&[6]));
}

#[test]
fn what_nobody_confirmed_comes_back_even_if_there_is_no_room_for_it() {
    let mut bench = remote_events(1, WhenFull::Reject);
    bench.report(3).expect("followed");
    bench.settle();
    bench.ask(phone(1), 5).expect("accepted");
    bench.hear(BUS);
    bench.wait(CONFIRM_WITHIN);
    assert_eq!(bench.value(), Some(3));
    assert_eq!(bench.values(PHONES), ints(&[3]));
    let dropped: Vec<_> = bench.engine.dropped().collect();
    assert_eq!(dropped, [(link(PHONES), cell(), 1)]);
}

#[test]
fn a_full_queue_of_requests_refuses_too() {
    let mut bench = remote_events(1, WhenFull::Reject);
    bench.ask(phone(1), 1).expect("accepted");
    bench.hear(PHONES);
    let rejection = bench.ask(phone(1), 2).expect_err("the owner is away");
    assert_eq!(rejection.violation.cause, Cause::QueueFull);
    bench.hear(BUS);
    bench.ask(phone(1), 2).expect("there is room again");
}

#[test]
fn events_that_wait_are_said_also_when_the_value_is_unknown_again() {
    let mut bench = remote_events(ROOMY, WhenFull::Reject);
    bench.ask(phone(1), 5).expect("accepted");
    bench.hear(BUS);
    bench.wait(CONFIRM_WITHIN);
    assert_eq!(bench.value(), None);
    bench.link_up(PHONES, false);
    assert_eq!(bench.values(PHONES), ints(&[5]));
}

#[test]
fn an_event_is_told_with_what_other_values_held_when_it_was_accepted() {
    let (go, member, unknown) = (cell(), CellId::new(1), CellId::new(2));
    let mut declared = cell_spec(digit(Overflow::Reject), Owner::Here, Some(1));
    declared.delivery = Delivery::Every {
        room: ROOMY,
        when_full: WhenFull::Reject,
    };
    declared.with = vec![member, unknown];
    let of = |initial| cell_spec(digit(Overflow::Reject), Owner::Here, initial);
    let mut bench = Bench::of(vec![declared, of(Some(0)), of(None)], Carries::State);
    let set = |bench: &mut Bench, cell, value| {
        let event = Event::Request {
            cell,
            change: Change::Set(Value::Int(value)),
            origin: phone(1),
        };
        bench.handle(event).expect("accepted");
    };
    set(&mut bench, member, 8);
    set(&mut bench, go, 1);
    bench.pull(BUS).expect("the first, lost on its way");
    set(&mut bench, member, 9);
    set(&mut bench, go, 1);
    set(&mut bench, member, 3);
    bench.link_up(BUS, true);
    let heard = bench.hear(BUS).into_iter();
    let with: Vec<_> = heard
        .map(|effect| effect.with.expect("told with others").to_vec())
        .collect();
    let held = |value| vec![(member, Value::Int(value))];
    assert_eq!(with, [held(8), held(9)]);
}
