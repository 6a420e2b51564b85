//! `valid_for`: what an owner has not said again for too long is not known any more.

use bemo_sync::codec::Overflow;

use super::*;

const VALID_FOR: Duration = Duration::from_secs(600);

fn bench(initial: Option<i128>) -> Bench {
    let owner = Owner::Remote(link(BUS));
    let mut declared = cell_spec(digit(Overflow::Reject), owner, initial);
    declared.valid_for = Some(VALID_FOR);
    Bench::new(declared, Carries::Requests)
}

#[test]
fn an_owner_that_falls_silent_leaves_the_value_unknown() {
    let mut bench = bench(None);
    assert_eq!(bench.engine.poll_deadline(), None, "it never spoke");
    bench.report(5).expect("followed");
    bench.settle();
    bench.wait(VALID_FOR - Duration::from_nanos(1));
    assert_eq!(bench.value(), Some(5));
    bench.wait(Duration::from_nanos(1));
    assert_eq!(bench.value(), None);
    assert_eq!(bench.engine.poll_deadline(), None);
    assert!(bench.hear(PHONES).is_empty(), "there is nothing to tell");
    bench.report(5).expect("followed");
    assert_eq!(bench.values(PHONES), ints(&[5]), "it is news again");
}

#[test]
fn with_an_initial_value_that_comes_back_and_everybody_hears_it() {
    let mut bench = bench(Some(3));
    bench.report(5).expect("followed");
    bench.settle();
    bench.wait(VALID_FOR);
    assert_eq!(bench.value(), Some(3));
    assert_eq!(bench.phone_hears(1), ints(&[3]));
    assert!(bench.hear(BUS).is_empty(), "no request was made");
}

#[test]
fn every_report_counts_also_of_what_is_known_but_no_wrong_one_and_no_echo() {
    let mut bench = bench(None);
    for _ in 0..5 {
        bench.report(5).expect("followed");
        bench.wait(VALID_FOR / 2);
    }
    assert_eq!(bench.value(), Some(5));
    bench.report(10).expect_err("out of range");
    bench.echo(5).expect("ignored");
    bench.wait(VALID_FOR / 2);
    assert_eq!(bench.value(), None);
}

#[test]
fn what_somebody_has_asked_for_stands_until_its_own_time_is_over() {
    let mut bench = bench(None);
    bench.report(5).expect("followed");
    bench.wait(VALID_FOR - CONFIRM_WITHIN / 2);
    bench.ask(phone(1), 7).expect("accepted");
    bench.settle();
    bench.wait(CONFIRM_WITHIN / 2);
    assert_eq!(bench.value(), Some(7));
    bench.wait(CONFIRM_WITHIN / 2);
    assert_eq!(bench.value(), None, "and not the 5, which is too old");
}

#[test]
fn an_answer_keeps_the_value_alive() {
    let mut bench = bench(None);
    bench.ask(phone(1), 7).expect("accepted");
    bench.settle();
    bench.echo(7).expect("the answer");
    bench.wait(VALID_FOR - Duration::from_nanos(1));
    assert_eq!(bench.value(), Some(7));
    bench.wait(Duration::from_nanos(1));
    assert_eq!(bench.value(), None);
}
