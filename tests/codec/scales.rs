//! The number on the air and the number in JSON.

use bemo_sync::codec::scale::ScaleError;
use bemo_sync::codec::{
    Admitted, Cause, FloatFormat, FloatSpec, IntWidth, Overflow, Patch, Scale, Spec, Value, json,
};

use crate::{json_of, kept, linear, number, scaled};

fn hundredths() -> Spec {
    Spec::Int(scaled(IntWidth::W16, true, linear("0.01", "0", None)))
}

/// A whole byte as 0 to 1, the way LAMPI shows hue, saturation and brightness.
fn fraction() -> Spec {
    let scale = Scale::range((0, 255), (number("0.0"), number("1.0")), Some(2));
    Spec::Int(scaled(IntWidth::W8, false, scale.expect("a scale")))
}

#[test]
fn rounding_is_half_away_from_zero_as_people_write_numbers() {
    #[rustfmt::skip]
    let table = [
        // factor  JSON      raw
        ("0.01",  "0.125",    13),
        ("0.01",  "-0.125",  -13),
        ("0.01",  "0.1249",   12),
        ("0.01",  "0.115",    12), // 0.115 × 100 is 11.499999… in floating point
        ("0.01",  "1.005",   101), // and 1.005 × 100 is 100.49999…
        ("0.01",  "-1.005", -101),
        ("1",     "2.5",       3),
        ("1",     "-2.5",     -3),
        ("1",     "2.4999",    2),
        ("0.5",   "0.25",      1),
        ("0.5",   "-0.25",    -1),
        ("2",     "5",         3),
        ("2",     "-5",       -3),
        ("-0.1",  "0.25",     -3),
        ("10",    "25",        3),
        ("0.1",   "1e1",     100),
        ("0.1",   "10",      100),
    ];
    for (by, shown, raw) in table {
        let spec = Spec::Int(scaled(IntWidth::W16, true, linear(by, "0", None)));
        assert_eq!(kept(&spec, shown), Value::Int(raw), "{shown} by {by}");
    }
}

#[test]
fn what_is_shown_is_rounded_half_away_from_zero_too() {
    #[rustfmt::skip]
    let table = [
        // raw   hundredths in one decimal, in none
        (0,      "0.0",   "0"),
        (5,      "0.1",   "0"),
        (-5,     "-0.1",  "0"),
        (4,      "0.0",   "0"),
        (-4,     "0.0",   "0"),
        (50,     "0.5",   "1"),
        (-50,    "-0.5", "-1"),
        (49,     "0.5",   "0"),
        (125,    "1.3",   "1"),
        (-125,   "-1.3", "-1"),
        (250,    "2.5",   "3"),
        (-250,   "-2.5", "-3"),
    ];
    for (raw, in_one, in_none) in table {
        assert_eq!(linear("0.01", "0", Some(1)).show(raw), in_one, "{raw}");
        assert_eq!(linear("0.01", "0", Some(0)).show(raw), in_none, "{raw}");
    }
}

#[test]
fn a_temperature_is_written_as_people_read_it() {
    #[rustfmt::skip]
    let table = [
        (-27315, "-273.15"),
        (-2730,  "-27.3"),
        (-5,     "-0.05"),
        (0,      "0.0"),
        (2150,   "21.5"),
        (2153,   "21.53"),
        (32767,  "327.67"),
        (-32768, "-327.68"),
    ];
    for (raw, shown) in table {
        assert_eq!(json_of(&hundredths(), &Value::Int(raw)), shown);
        assert_eq!(kept(&hundredths(), shown), Value::Int(raw));
    }
    let refused = json::read(&hundredths(), &serde_json::json!(327.68)).expect("a number");
    let refused = hundredths().admit(hundredths().merge(None, refused));
    let refused = refused.expect_err("the type ends below");
    assert_eq!(refused.cause, Cause::OutOfRange);
    assert_eq!(refused.to_string(), "327.68 is outside -327.68 … 327.67");
}

#[test]
fn a_byte_as_a_fraction_with_two_decimals() {
    #[rustfmt::skip]
    let table = [
        (0x00, "0.0",  0x00),
        (0x01, "0.0",  0x00),
        (0x02, "0.01", 0x03),
        (0x7F, "0.5",  0x80),
        (0x80, "0.5",  0x80),
        (0xFE, "1.0",  0xFF),
        (0xFF, "1.0",  0xFF),
    ];
    for (raw, shown, back) in table {
        assert_eq!(json_of(&fraction(), &Value::Int(raw)), shown, "{raw:#x}");
        assert_eq!(kept(&fraction(), shown), Value::Int(back), "{shown}");
        assert!(fraction().same(&Value::Int(raw), &Value::Int(back)));
    }
    assert!(fraction().same(&Value::Int(127), &Value::Int(128)));
    assert!(!fraction().same(&Value::Int(128), &Value::Int(130)));
}

#[test]
fn offsets_and_negative_factors() {
    let celsius = Spec::Int(scaled(IntWidth::W8, false, linear("1", "-40", None)));
    assert_eq!(json_of(&celsius, &Value::Int(0)), "-40");
    assert_eq!(kept(&celsius, "21"), Value::Int(61));
    assert_eq!(celsius.neutral(), Value::Int(40), "0 as JSON shows it");

    let falling = Spec::Int(scaled(IntWidth::W8, false, linear("-0.5", "100", None)));
    assert_eq!(json_of(&falling, &Value::Int(0)), "100.0");
    assert_eq!(json_of(&falling, &Value::Int(1)), "99.5");
    assert_eq!(kept(&falling, "-27.5"), Value::Int(255));
    let refused = falling.admit(Value::Int(256)).expect_err("too low");
    assert_eq!(refused.to_string(), "-28.0 is outside -27.5 … 100.0");
}

#[test]
fn the_widest_integers_reach_both_ends_of_a_range() {
    for signed in [false, true] {
        let (min, max) = IntWidth::W64.range(signed);
        for (low, high) in [("0.0", "1.0"), ("1.0", "0.0"), ("-100", "100")] {
            let scale = Scale::range((min, max), (number(low), number(high)), None);
            let spec = Spec::Int(scaled(IntWidth::W64, signed, scale.expect("a scale")));
            for (raw, shown) in [(min, low), (max, high)] {
                let text = json_of(&spec, &Value::Int(raw));
                assert_eq!(text.parse::<f64>(), shown.parse(), "{raw}");
                assert_eq!(kept(&spec, &text), Value::Int(raw), "{text}");
            }
        }
    }
}

#[test]
fn a_bound_that_is_shown_rounded_is_still_inside() {
    let coarse = Spec::Int(scaled(IntWidth::W16, true, linear("0.01", "0", Some(0))));
    let highest = Value::Int(i16::MAX.into());
    assert_eq!(json_of(&coarse, &highest), "328");
    assert_eq!(kept(&coarse, "328"), highest);
    assert_eq!(kept(&coarse, "-328"), Value::Int(i16::MIN.into()));

    let mut spec = FloatSpec::new(FloatFormat::F64);
    (spec.max, spec.decimals) = (0.25, Some(1));
    let spec = Spec::Float(spec);
    assert_eq!(json_of(&spec, &Value::Float(0.25)), "0.3");
    assert_eq!(kept(&spec, "0.3"), Value::Float(0.25));
}

#[test]
fn decimals_of_a_float_are_those_of_its_shortest_text() {
    for (format, value, shown) in [
        (FloatFormat::F32, f64::from(0.145_f32), "0.15"),
        (FloatFormat::F32, f64::from(f32::MAX), "3.4028235e38"),
        (FloatFormat::F64, 0.145, "0.15"),
        (FloatFormat::F64, -0.145, "-0.15"),
        (FloatFormat::F64, 21.0, "21.0"),
        (FloatFormat::F64, -0.001, "0.0"),
        (FloatFormat::F64, 1e300, "1e300"),
        (FloatFormat::Sfloat, 36.4, "36.4"),
    ] {
        let mut spec = FloatSpec::new(format);
        spec.decimals = Some(2);
        let spec = Spec::Float(spec);
        assert_eq!(json_of(&spec, &Value::Float(value)), shown);
    }
}

#[test]
fn what_stands_for_unknown_is_null_and_never_a_number() {
    let mut percent = scaled(IntWidth::W16, false, linear("0.01", "0", None));
    (percent.unknown, percent.max) = (Some(0xFFFF), 0xFFFE);
    for overflow in [Overflow::Reject, Overflow::Clamp, Overflow::Wrap] {
        percent.overflow = overflow;
        let spec = Spec::Int(percent.clone());
        crate::assert_is(&spec, Value::Null, &[0xFF, 0xFF]);
        assert_eq!(json_of(&spec, &Value::Null), "null");
        assert_eq!(kept(&spec, "null"), Value::Null);
        assert_eq!(spec.neutral(), Value::Null);
        assert!(spec.is_empty(&Value::Null));
        let asked = spec.admit(Value::Int(0xFFFF)).ok();
        let held = match overflow {
            Overflow::Reject => None,
            Overflow::Clamp => Some(0xFFFE),
            Overflow::Wrap => Some(0),
        };
        let held = held.map(|held| Admitted {
            value: Value::Int(held),
            adjusted: true,
        });
        assert_eq!(asked, held, "{overflow:?}");
    }
    let without = hundredths()
        .admit(Value::Null)
        .expect_err("nothing says unknown");
    assert_eq!(without.to_string(), "null where a number is declared");
}

#[test]
fn steps_are_counted_from_the_smallest() {
    let mut spec = scaled(IntWidth::W8, false, linear("0.5", "0", None));
    (spec.min, spec.max, spec.step) = (10, 60, Some(3));
    let reject = Spec::Int(spec.clone());
    assert_eq!(kept(&reject, "6.5"), Value::Int(13));
    for (raw, said) in [
        (14, "7.0 is on no step: the nearest are 6.5 and 8.0"),
        (60, "30.0 is on no step: the nearest is 29.0"),
    ] {
        let refused = reject.admit(Value::Int(raw)).expect_err("off step");
        assert_eq!((refused.cause, &*refused.detail), (Cause::OffStep, said));
    }
    spec.overflow = Overflow::Clamp;
    let clamp = Spec::Int(spec);
    for (asked, held) in [(0, 10), (11, 10), (12, 13), (58, 58), (60, 58), (99, 58)] {
        let admitted = clamp.admit(Value::Int(asked)).expect("clamped");
        assert_eq!(admitted.value, Value::Int(held), "{asked}");
        assert_eq!(admitted.adjusted, asked != held);
    }
}

#[test]
fn a_scale_that_cannot_be_reckoned_with_is_refused() {
    let zero = number("0");
    assert_eq!(Scale::linear(zero, zero, None), Err(ScaleError::Zero));
    let same = Scale::range((0, 255), (number("1"), number("1.0")), None);
    assert_eq!(same, Err(ScaleError::Zero));
    let point = Scale::range((7, 7), (number("0"), number("1")), None);
    assert_eq!(point, Err(ScaleError::Zero));
    for (by, offset, decimals) in [
        ("1e-10", "0", None),
        ("1e13", "0", None),
        ("1", "1e-300", None),
        ("1", "1e300", None),
        ("0.1", "0", Some(10)),
    ] {
        let scale = Scale::linear(number(by), number(offset), decimals);
        assert_eq!(scale, Err(ScaleError::TooFine), "{by}");
    }
}

#[test]
fn a_step_of_what_is_shown_has_to_be_one_of_what_is_sent() {
    let scale = linear("0.5", "-40", None);
    assert_eq!(scale.raw_step(number("1.5")), Some(3));
    assert_eq!(scale.raw_step(number("-1")), Some(-2));
    assert_eq!(scale.raw_step(number("0.7")), None);
    let fraction = Scale::range((0, 255), (number("0"), number("1")), None).expect("a scale");
    assert_eq!(fraction.raw_step(number("0.2")), Some(51));
    assert_eq!(fraction.raw_step(number("0.1")), None);
}

#[test]
fn words_stand_for_numbers_and_nothing_else_is_allowed() {
    use bemo_sync::codec::{BoolSpec, IntSpec, Shown};
    let mut mode = IntSpec::new(IntWidth::W8, false);
    mode.shown = Shown::Words([(0, "off".into()), (1, "heat".into()), (3, "1".into())].into());
    let mode = Spec::Int(mode);
    assert_eq!(json_of(&mode, &Value::Int(1)), r#""heat""#);
    assert_eq!(kept(&mode, r#""off""#), Value::Int(0));
    assert_eq!(
        mode.admit(Value::Int(2)).expect_err("no word").cause,
        Cause::NotAllowed
    );
    let unknown = json::read(&mode, &serde_json::json!("cool")).expect_err("no word");
    assert_eq!(unknown.cause, Cause::NotAllowed);
    assert_eq!(
        unknown.to_string(),
        r#""cool" is none of "off", "heat", "1""#
    );

    let switch = Spec::Bool(BoolSpec {
        words: Some(["OFF".into(), "ON".into()]),
    });
    assert_eq!(json_of(&switch, &Value::Bool(true)), r#""ON""#);
    assert_eq!(kept(&switch, r#""OFF""#), Value::Bool(false));
    assert!(json::read(&switch, &serde_json::json!(true)).is_err());
}

#[test]
fn reading_says_nothing_of_a_range() {
    let patch = json::read(&fraction(), &serde_json::json!(2)).expect("a number");
    assert_eq!(patch, Patch::Set(Value::Int(510)));
}
