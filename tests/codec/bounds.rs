//! What may be kept: the range, what happens outside it, and what is left after quantising.

use bemo_sync::codec::ByteOrder::Little;
use bemo_sync::codec::Overflow::{Clamp, Reject, Wrap};
use bemo_sync::codec::{Admitted, Cause, FloatFormat, IntWidth, Spec, Value};

use crate::{bytes, float, float_within, int_within, plain, text, u8, utf8};

#[track_caller]
fn kept(spec: &Spec, value: Value) -> (Value, bool) {
    let Admitted { value, adjusted } = spec.admit(value).expect("admitted");
    (value, adjusted)
}

#[track_caller]
fn refused(spec: &Spec, value: Value) -> Cause {
    spec.admit(value).expect_err("refused").cause
}

#[test]
fn outside_the_range_each_policy_does_what_its_name_says() {
    let within = |overflow| int_within(IntWidth::W8, true, -3, 5, overflow);
    #[rustfmt::skip]
    let table = [
        // asked   clamped  wrapped
        (-300,     -3,      -3),
        (-4,       -3,       5),
        (-3,       -3,      -3),
        (0,         0,       0),
        (5,         5,       5),
        (6,         5,      -3),
        (14,        5,       5),
    ];
    for (asked, clamped, wrapped) in table {
        let is_inside = (-3..=5).contains(&asked);
        let asked = Value::Int(asked);
        let clamped = (Value::Int(clamped), !is_inside);
        assert_eq!(
            kept(&within(Clamp), asked.clone()),
            clamped,
            "{asked} clamped"
        );
        let wrapped = (Value::Int(wrapped), !is_inside);
        assert_eq!(
            kept(&within(Wrap), asked.clone()),
            wrapped,
            "{asked} wrapped"
        );
        match is_inside {
            true => assert_eq!(kept(&within(Reject), asked.clone()), (asked, false)),
            false => assert_eq!(refused(&within(Reject), asked), Cause::OutOfRange),
        }
    }
}

#[test]
fn a_byte_goes_round_from_255_to_0_and_back() {
    let wrap = int_within(IntWidth::W8, false, 0, 255, Wrap);
    assert_eq!(kept(&wrap, Value::Int(256)), (Value::Int(0), true));
    assert_eq!(kept(&wrap, Value::Int(-1)), (Value::Int(255), true));
}

#[test]
fn a_bound_is_inside_even_when_32_bits_cannot_hold_it_exactly() {
    // The 32 bit number nearest to 0.1 is above 0.1, the one nearest to 0.7 below 0.7.
    let tenth = Value::Float(f64::from(0.1_f32));
    for overflow in [Reject, Clamp] {
        let spec = float_within(FloatFormat::F32, -1.0, 0.1, overflow);
        assert_eq!(kept(&spec, Value::Float(0.1)), (tenth.clone(), false));
        assert_eq!(kept(&spec, tenth.clone()), (tenth.clone(), false));
        let spec = float_within(FloatFormat::F32, 0.7, 1.0, overflow);
        let lowest = Value::Float(f64::from(0.7_f32));
        assert_eq!(kept(&spec, Value::Float(0.7)), (lowest, false));
    }
    let clamp = float_within(FloatFormat::F32, -1.0, 0.1, Clamp);
    assert_eq!(kept(&clamp, Value::Float(9.0)), (tenth, true));
}

#[test]
fn no_float_is_infinite_or_nan_whatever_the_bounds() {
    for overflow in [Reject, Clamp] {
        let spec = float_within(FloatFormat::F32, f64::MIN, f64::MAX, overflow);
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(refused(&spec, Value::Float(value)), Cause::NotFinite);
        }
    }
    let reject = float(FloatFormat::F32, Little);
    assert_eq!(refused(&reject, Value::Float(1e300)), Cause::OutOfRange);
    let clamp = float_within(FloatFormat::F32, f64::MIN, f64::MAX, Clamp);
    let most = Value::Float(f64::from(f32::MAX));
    assert_eq!(kept(&clamp, Value::Float(1e300)), (most, true));
}

#[test]
fn equality_is_judged_on_what_the_type_can_hold() {
    let spec = float(FloatFormat::F32, Little);
    let (nearly, exact) = (Value::Float(0.1), Value::Float(f64::from(0.1_f32)));
    assert_eq!(spec.admit(nearly), spec.admit(exact));
    let Ok(Admitted {
        value: Value::Float(zero),
        ..
    }) = spec.admit(Value::Float(-0.0))
    else {
        panic!("zero is admitted");
    };
    assert!(zero.is_sign_positive(), "there is one zero");
}

#[test]
fn an_integer_is_a_number_and_a_float_is_no_integer() {
    let spec = float(FloatFormat::F64, Little);
    assert_eq!(kept(&spec, Value::Int(5)), (Value::Float(5.0), false));
    assert_eq!(refused(&u8(), Value::Float(5.0)), Cause::WrongType);
}

#[test]
fn another_type_is_refused() {
    let all = [
        (Spec::BOOL, Value::Bool(true)),
        (u8(), Value::Int(1)),
        (utf8(3), text("a")),
        (plain(3), bytes(&[1])),
    ];
    for (spec, own) in &all {
        for (_, value) in &all {
            assert_eq!(
                spec.admit(value.clone()).is_ok(),
                value == own,
                "{value} as {spec:?}"
            );
        }
    }
}

#[test]
fn lengths_are_counted_in_bytes_not_in_characters() {
    let spec = utf8(3);
    assert_eq!(kept(&spec, text("aé")), (text("aé"), false));
    assert_eq!(refused(&spec, text("éé")), Cause::TooLong);
    let spec = plain(1);
    assert_eq!(refused(&spec, bytes(&[1, 2])), Cause::TooLong);
}
