//! Constraints come first: no invalid value reaches a cell, whoever sends it.

use bemo_sync::codec::{Cause, Overflow, Violation};

use super::*;

#[test]
fn a_value_that_breaks_a_constraint_changes_nothing_and_is_told_to_nobody() {
    for mut bench in [Bench::here(Overflow::Reject), Bench::remote()] {
        let version = bench.engine.cell(cell()).version;
        for origin in [phone(1), from(BUS), from(SOURCE)] {
            let rejection = bench.ask(origin, 10).expect_err("out of range");
            assert_eq!(rejection.violation.cause, Cause::OutOfRange);
        }
        assert_eq!(bench.value(), Some(0));
        assert_eq!(bench.engine.cell(cell()).version, version);
        assert!(bench.hear(PHONES).is_empty() && bench.hear(BUS).is_empty());
    }
}

#[test]
fn what_an_owner_reports_is_checked_too_and_a_wrong_report_is_no_report() {
    let mut bench = Bench::remote();
    let rejection = bench.report(10).expect_err("out of range");
    assert_eq!(rejection.violation.cause, Cause::OutOfRange);
    assert_eq!(bench.value(), Some(0));
    // Nor does it come back later as the last thing that the owner said.
    bench.ask(phone(1), 5).expect("accepted");
    bench.settle();
    bench.report(11).expect_err("out of range");
    bench.wait(CONFIRM_WITHIN);
    assert_eq!(bench.value(), Some(0));
}

#[test]
fn another_type_is_refused() {
    let mut bench = Bench::here(Overflow::Wrap);
    let text = Change::Set(Value::Text("5".into()));
    let rejection = bench.change(phone(1), text).expect_err("no integer");
    assert_eq!(rejection.violation.cause, Cause::WrongType);
}

#[test]
fn clamp_and_wrap_keep_the_value_inside() {
    for (overflow, kept) in [(Overflow::Clamp, 9), (Overflow::Wrap, 2)] {
        let mut bench = Bench::here(overflow);
        assert_eq!(bench.ask(phone(1), 12), Ok(Accepted::Changed));
        assert_eq!(bench.value(), Some(kept), "{overflow:?}");
        assert_eq!(bench.values(BUS), ints(&[kept]), "{overflow:?}");
    }
}

#[test]
fn a_constant_is_changed_by_nobody() {
    let mut declared = cell_spec(digit(Overflow::Clamp), Owner::Remote(link(BUS)), Some(7));
    declared.constant = true;
    let mut bench = Bench::new(declared, Carries::State);
    for rejection in [
        bench.ask(phone(1), 3),
        bench.ask(phone(1), 7),
        bench.report(3),
    ] {
        let violation = rejection.expect_err("constant").violation;
        assert_eq!(violation.cause, Cause::Constant);
    }
    assert_eq!(bench.value(), Some(7));
    assert!(bench.hear(PHONES).is_empty() && bench.hear(BUS).is_empty());
}

#[test]
fn a_step_is_held_to_the_range_like_any_other_change() {
    let table = [
        (Overflow::Wrap, 0, "wrapped"),
        (Overflow::Clamp, 9, "clamped"),
        (Overflow::Reject, 9, "rejected"),
    ];
    for (overflow, expected, name) in table {
        let mut bench = Bench::here(overflow);
        bench.ask(from(BUS), 8).expect("accepted");
        let mut step = || bench.change(from(SOURCE), Change::Step(Value::Int(1)));
        assert_eq!(step(), Ok(Accepted::Changed), "{name}");
        assert_eq!(step().is_err(), overflow == Overflow::Reject, "{name}");
        assert_eq!(bench.value(), Some(expected), "{name}");
    }
}

#[test]
fn a_step_cannot_overflow_and_needs_something_to_step_from() {
    let mut bench = Bench::here(Overflow::Clamp);
    bench.ask(from(BUS), 5).expect("accepted");
    for (step, expected) in [(i128::MAX, 9), (i128::MIN, 0)] {
        let change = Change::Step(Value::Int(step));
        bench.change(from(SOURCE), change).expect("clamped");
        assert_eq!(bench.value(), Some(expected));
    }
    let unknown = cell_spec(digit(Overflow::Clamp), Owner::Here, None);
    let mut bench = Bench::new(unknown, Carries::State);
    for step in [Value::Int(1), Value::Text("1".into())] {
        bench
            .change(from(SOURCE), Change::Step(step))
            .expect_err("nothing to step from");
    }
    assert_eq!(bench.value(), None);
}

#[test]
fn a_float_steps_by_integers_and_by_floats_and_never_to_infinity() {
    let mut declared = cell_spec(f32_up_to_one(), Owner::Here, None);
    declared.initial = Some(Value::Float(0.0));
    let mut bench = Bench::new(declared, Carries::State);
    let mut step = |step| {
        bench.change(from(SOURCE), Change::Step(step))?;
        Ok::<_, Rejection>(bench.engine.cell(cell()).value.cloned())
    };
    assert_eq!(step(Value::Int(1)), Ok(Some(Value::Float(1.0))));
    assert_eq!(step(Value::Float(-0.5)), Ok(Some(Value::Float(0.5))));
    for step in [
        step(Value::Float(f64::MAX)),
        step(Value::Float(f64::INFINITY)),
    ] {
        step.expect_err("out of range");
    }
}

#[test]
fn every_rejection_is_counted_by_link_cell_and_cause() {
    let mut bench = Bench::here(Overflow::Reject);
    let counts = [
        bench.ask(phone(1), 10),
        bench.ask(phone(2), -1),
        bench.ask(from(BUS), 10),
        bench.change(phone(1), Change::Set(Value::Bool(true))),
    ]
    .map(|outcome| outcome.expect_err("refused").count);
    assert_eq!(counts, [1, 2, 1, 1]);
    let refused = Event::Refused {
        link: link(BUS),
        cell: None,
        violation: Violation::new(Cause::MalformedJson, "no JSON"),
    };
    for count in [1, 2] {
        let rejection = bench.handle(refused.clone()).expect_err("refused");
        assert_eq!(rejection.count, count);
        assert_eq!(rejection.violation.detail, "no JSON");
    }
    let mut counted: Vec<_> = bench.engine.rejections().collect();
    counted.sort();
    let expected = [
        (link(PHONES), Some(cell()), Cause::WrongType, 1),
        (link(PHONES), Some(cell()), Cause::OutOfRange, 2),
        (link(BUS), None, Cause::MalformedJson, 2),
        (link(BUS), Some(cell()), Cause::OutOfRange, 1),
    ];
    assert_eq!(counted, expected);
    assert_eq!(bench.value(), Some(0));
}
