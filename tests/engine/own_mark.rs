//! A message with our own mark only confirms: it is the answer to a request, or nothing.

use super::*;

#[test]
fn without_a_request_under_way_our_own_mark_is_ignored_altogether() {
    let mut bench = Bench::remote();
    assert_eq!(bench.echo(5), Ok(Accepted::Unchanged));
    assert_eq!(bench.echo(99), Ok(Accepted::Unchanged), "nor is it judged");
    assert_eq!(bench.value(), Some(0));
    assert!(bench.hear(PHONES).is_empty() && bench.hear(BUS).is_empty());
    // Nor does it come back later as the last thing that the owner said.
    bench.ask(phone(1), 3).expect("accepted");
    bench.settle();
    bench.wait(CONFIRM_WITHIN);
    assert_eq!(bench.value(), Some(0));
}

#[test]
fn with_a_request_under_way_it_is_the_answer() {
    let mut bench = Bench::remote();
    bench.ask(phone(1), 5).expect("accepted");
    bench.settle();
    bench.echo(5).expect("the answer");
    assert_eq!(bench.engine.poll_deadline(), None);
    bench.wait(CONFIRM_WITHIN);
    assert_eq!(bench.value(), Some(5));
    assert!(bench.hear(PHONES).is_empty());
}

#[test]
fn a_late_one_does_not_undo_what_the_owner_has_said_since() {
    let mut bench = Bench::remote();
    bench.ask(phone(1), 5).expect("accepted");
    bench.settle();
    bench.echo(5).expect("the answer");
    bench.report(7).expect("somebody turned the knob");
    bench.settle();
    bench.echo(5).expect("ignored");
    assert_eq!(bench.value(), Some(7));
    assert!(bench.hear(PHONES).is_empty());
}

#[test]
fn an_answer_of_another_value_comes_back_at_the_deadline() {
    let mut bench = Bench::remote();
    bench.ask(phone(1), 5).expect("accepted");
    bench.settle();
    bench.echo(4).expect("what the owner made of it");
    bench.wait(CONFIRM_WITHIN);
    assert_eq!(bench.phone_hears(1), ints(&[4]));
}

#[test]
fn the_first_that_is_heard_is_how_things_stand_unless_it_is_the_answer() {
    let mut bench = Bench::remote();
    assert_eq!(bench.first_echo(5), Ok(Accepted::Changed));
    assert_eq!(bench.values(PHONES), ints(&[5]));
    bench.ask(phone(1), 6).expect("accepted");
    bench.settle();
    bench.first_echo(6).expect("the answer");
    assert_eq!(bench.engine.poll_deadline(), None);
    assert!(bench.hear(PHONES).is_empty());
}
