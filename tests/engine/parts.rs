//! What a message does not mention stays, and a message that says nothing of a value is none.

use bemo_sync::codec::{Overflow, Patch};

use super::*;

#[test]
fn a_message_that_says_nothing_of_a_value_asks_for_nothing_and_reports_nothing() {
    for patch in [Patch::Keep, Patch::Fields(vec![Patch::Keep, Patch::Keep])] {
        let unknown = cell_spec(digit(Overflow::Reject), Owner::Remote(link(BUS)), None);
        let mut bench = Bench::new(unknown, Carries::Requests);
        let request = Change::Rounded(patch.clone());
        assert_eq!(bench.change(from(SOURCE), request), Ok(Accepted::Unchanged));
        let report = Event::Report {
            cell: cell(),
            patch,
            echo: false,
            origin: from(BUS),
        };
        assert_eq!(bench.handle(report), Ok(Accepted::Unchanged));
        assert_eq!(bench.value(), None);
        assert!(bench.hear(PHONES).is_empty() && bench.hear(BUS).is_empty());
    }
}

#[test]
fn a_message_is_held_to_the_constraints_like_a_write() {
    let mut bench = Bench::here(Overflow::Reject);
    let ask = |value| Change::Rounded(Value::Int(value).into());
    assert_eq!(bench.change(from(BUS), ask(5)), Ok(Accepted::Changed));
    assert_eq!(bench.change(from(BUS), ask(5)), Ok(Accepted::Unchanged));
    bench.change(from(BUS), ask(10)).expect_err("out of range");
    assert_eq!(bench.value(), Some(5));
}
