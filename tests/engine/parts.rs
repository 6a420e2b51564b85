//! What a message does not mention stays, and a message that says nothing of a value is none.

use bemo_sync::codec::{
    Field, FloatFormat, FloatSpec, IntSpec, IntWidth, Overflow, Patch, Pointer, StructSpec,
};

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
            mark: Mark::Foreign,
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

/// A number that JSON shows with one digit after the point.
fn rounded() -> Spec {
    let mut spec = FloatSpec::new(FloatFormat::F64);
    spec.decimals = Some(1);
    Spec::Float(spec)
}

#[test]
fn a_rounded_number_is_no_change_beside_the_one_that_it_was_made_of() {
    let mut bench = Bench::new(cell_spec(rounded(), Owner::Here, None), Carries::State);
    let exact = Change::Set(Value::Float(0.52));
    assert_eq!(bench.change(phone(1), exact), Ok(Accepted::Changed));
    bench.settle();
    let shown = Change::Rounded(Value::Float(0.5).into());
    assert_eq!(bench.change(from(BUS), shown), Ok(Accepted::Unchanged));
    assert_eq!(bench.engine.cell(cell()).value, Some(&Value::Float(0.52)));
    assert!(bench.hear(PHONES).is_empty() && bench.hear(BUS).is_empty());
    // From the air it is what it is.
    let exact = Change::Set(Value::Float(0.5));
    assert_eq!(bench.change(phone(1), exact), Ok(Accepted::Changed));
}

#[test]
fn an_owner_confirms_what_it_rounds() {
    let owner = Owner::Remote(link(BUS));
    let mut bench = Bench::new(cell_spec(rounded(), owner, None), Carries::Requests);
    let exact = Change::Set(Value::Float(0.52));
    bench.change(phone(1), exact).expect("accepted");
    bench.settle();
    let report = Event::Report {
        cell: cell(),
        patch: Value::Float(0.5).into(),
        mark: Mark::Foreign,
        origin: from(BUS),
    };
    assert_eq!(bench.handle(report), Ok(Accepted::Unchanged));
    assert_eq!(bench.engine.poll_deadline(), None);
    assert_eq!(bench.engine.cell(cell()).value, Some(&Value::Float(0.52)));
}

/// Two bytes with a name each.
fn pair() -> Spec {
    let field = |name: &str| Field {
        name: name.into(),
        spec: Spec::Int(IntSpec::new(IntWidth::W8, false)),
        at: Pointer::parse(&format!("/{name}")).expect("a pointer"),
        when: None,
        constant: None,
        initial: None,
        copy: None,
        unit: 0x2700,
    };
    let fields = vec![field("hue"), field("saturation")];
    Spec::Struct(StructSpec { fields }.into())
}

fn both(hue: i128, saturation: i128) -> Value {
    Value::List([hue, saturation].map(Value::Int).into())
}

fn hue(value: i128) -> Patch {
    Patch::Fields(vec![Patch::Set(Value::Int(value)), Patch::Keep])
}

#[test]
fn a_part_that_is_not_mentioned_stays() {
    let mut bench = Bench::new(cell_spec(pair(), Owner::Here, None), Carries::State);
    let whole = Change::Set(both(1, 2));
    bench.change(phone(1), whole).expect("accepted");
    bench
        .change(from(BUS), Change::Rounded(hue(7)))
        .expect("accepted");
    assert_eq!(bench.engine.cell(cell()).value, Some(&both(7, 2)));
}

#[test]
fn what_an_owner_leaves_out_is_what_it_said_and_not_what_it_was_asked_for() {
    let owner = Owner::Remote(link(BUS));
    let mut bench = Bench::new(cell_spec(pair(), owner, None), Carries::Requests);
    let report = |patch| Event::Report {
        cell: cell(),
        patch,
        mark: Mark::Foreign,
        origin: from(BUS),
    };
    bench.handle(report(both(1, 2).into())).expect("followed");
    let asked = Change::Set(both(7, 9));
    bench.change(phone(1), asked).expect("accepted");
    bench.settle();
    bench.handle(report(hue(7))).expect("half of the answer");
    bench.wait(CONFIRM_WITHIN);
    assert_eq!(bench.engine.cell(cell()).value, Some(&both(7, 2)));
}
