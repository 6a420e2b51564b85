//! What `make instructions` says of figures (`benches/guard`).

#[path = "../benches/guard/judge.rs"]
mod judge;

use judge::{Figures, collected, judge};

fn figures(all: &[(&str, u64)]) -> Figures {
    all.iter()
        .map(|(name, count)| ((*name).to_owned(), *count))
        .collect()
}

fn judged(now: u64) -> Vec<String> {
    judge(
        &figures(&[("a write", now)]),
        &figures(&[("a write", 1000)]),
    )
}

#[test]
fn a_tenth_more_or_fewer_is_no_news() {
    for now in [900, 1000, 1100] {
        assert_eq!(judged(now), Vec::<String>::new(), "{now}");
    }
}

#[test]
fn more_than_that_is_said_in_both_directions() {
    let more = "a write: 1150 instructions, 15.0 % more than the 1000 that are committed";
    assert_eq!(judged(1150), [more]);
    let fewer = "a write: 899 instructions, 10.1 % fewer than the 1000 that are committed";
    assert_eq!(judged(899), [fewer]);
}

#[test]
fn what_has_come_and_what_has_gone_is_said() {
    let wrong = judge(&figures(&[("new", 7)]), &figures(&[("old", 7)]));
    assert_eq!(
        wrong,
        [
            "new: 7 instructions, and none are committed",
            "old: is committed, and is not counted any more"
        ]
    );
}

#[test]
fn callgrind_is_understood() {
    let said = "==42== \n==42== Events    : Ir\n==42== Collected : 176119460\n==42== \n";
    assert_eq!(collected(said), Some(176_119_460));
    assert_eq!(collected("valgrind: no such tool"), None);
}
