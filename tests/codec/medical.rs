//! SFLOAT and FLOAT, the decimal floats of medical devices (IEEE 11073-20601, GATT Specification
//! Supplement).

use bemo_sync::codec::ByteOrder::{Big, Little};
use bemo_sync::codec::FloatFormat::{Float, Sfloat};
use bemo_sync::codec::{Cause, FloatFormat, Overflow, Spec, Value, att};

use crate::{assert_is, float, float_within, json_of, kept, on_the_air};

#[test]
fn numbers_are_a_mantissa_and_a_power_of_ten() {
    #[rustfmt::skip]
    let table: &[(FloatFormat, f64, &[u8])] = &[
        // The Health Thermometer's own example: 364 × 10⁻¹.
        (Float,  36.4,       &[0x6C, 0x01, 0x00, 0xFF]),
        (Float,  0.0,        &[0x00, 0x00, 0x00, 0x00]),
        (Float,  -1.0,       &[0xFF, 0xFF, 0xFF, 0x00]),
        (Float,  37.0,       &[0x25, 0x00, 0x00, 0x00]),
        (Float,  8388605.0,  &[0xFD, 0xFF, 0x7F, 0x00]),
        (Float,  -8388605.0, &[0x03, 0x00, 0x80, 0x00]),
        (Float,  8388605e127, &[0xFD, 0xFF, 0x7F, 0x7F]),
        (Float,  1e-128,     &[0x01, 0x00, 0x00, 0x80]),
        (Sfloat, 36.4,       &[0x6C, 0xF1]),
        (Sfloat, 0.0,        &[0x00, 0x00]),
        (Sfloat, -1.0,       &[0xFF, 0x0F]),
        (Sfloat, 114.0,      &[0x72, 0x00]),
        (Sfloat, 2045.0,     &[0xFD, 0x07]),
        (Sfloat, -2045.0,    &[0x03, 0x08]),
        (Sfloat, 2045e7,     &[0xFD, 0x77]),
        (Sfloat, -2045e7,    &[0x03, 0x78]),
        (Sfloat, 1e-8,       &[0x01, 0x80]),
    ];
    for &(format, number, octets) in table {
        assert_is(&float(format, Little), Value::Float(number), octets);
        let mut reversed = octets.to_vec();
        reversed.reverse();
        assert_is(&float(format, Big), Value::Float(number), &reversed);
        let admitted = float(format, Little).admit(Value::Float(number));
        assert_eq!(admitted.expect("it fits").value, Value::Float(number));
    }
}

#[test]
fn another_writing_of_a_number_is_the_same_number() {
    // 3640 × 10⁻² and 37000 × 10⁻³.
    for (octets, number) in [
        ([0x38, 0x0E, 0x00, 0xFE], 36.4),
        ([0x88, 0x90, 0x00, 0xFD], 37.0),
    ] {
        let value = att::decode(&float(Float, Little), &octets);
        assert_eq!(value, Ok(Value::Float(number)));
    }
}

#[test]
fn nan_and_nres_are_null_and_the_infinities_are_refused() {
    let table: [(FloatFormat, &[u8], bool); 10] = [
        (Sfloat, &[0xFF, 0x07], true),  // NaN
        (Sfloat, &[0x00, 0x08], true),  // NRes
        (Sfloat, &[0xFE, 0x07], false), // +INFINITY
        (Sfloat, &[0x02, 0x08], false), // -INFINITY
        (Sfloat, &[0x01, 0x08], false), // reserved
        (Float, &[0xFF, 0xFF, 0x7F, 0x00], true),
        (Float, &[0x00, 0x00, 0x80, 0x00], true),
        (Float, &[0xFE, 0xFF, 0x7F, 0x00], false),
        (Float, &[0x02, 0x00, 0x80, 0x00], false),
        (Float, &[0x01, 0x00, 0x80, 0x00], false),
    ];
    for (format, octets, is_null) in table {
        let read = att::decode(&float(format, Little), octets).map_err(|it| it.cause);
        let expected = if is_null {
            Ok(Value::Null)
        } else {
            Err(Cause::NotFinite)
        };
        assert_eq!(read, expected, "{octets:02x?}");
    }
    assert_eq!(
        on_the_air(&float(Sfloat, Little), &Value::Null),
        [0xFF, 0x07]
    );
    let nan = on_the_air(&float(Float, Little), &Value::Null);
    assert_eq!(nan, [0xFF, 0xFF, 0x7F, 0x00]);
    assert_eq!(kept(&float(Float, Little), "null"), Value::Null);
    assert_eq!(json_of(&float(Float, Little), &Value::Null), "null");
}

#[test]
fn what_has_too_many_digits_is_rounded_once_half_away_from_zero() {
    let table = [
        (Sfloat, "36.4449", "36.4"),
        (Sfloat, "2046", "2050.0"),
        (Sfloat, "20.455", "20.5"),
        (Sfloat, "-12.345", "-12.35"),
        (Sfloat, "1.2345", "1.235"),
        (Sfloat, "-1.2345", "-1.235"),
        (Sfloat, "4e-9", "0.0"),
        (Sfloat, "5e-9", "1e-8"),
        (Float, "36.44449999", "36.4445"),
        (Float, "123456.75", "123456.8"),
    ];
    for (format, asked, held) in table {
        let spec = float(format, Little);
        assert_eq!(json_of(&spec, &kept(&spec, asked)), held, "{asked}");
    }
}

#[test]
fn what_is_too_large_is_refused_or_the_largest() {
    for (format, most) in [(Sfloat, 2045e7), (Float, 8388605e127)] {
        let spec = float(format, Little);
        let above = Value::Float(most * 1.01);
        assert_eq!(
            spec.admit(above.clone()).expect_err("too large").cause,
            Cause::OutOfRange
        );
        let (min, max) = format.range();
        let clamp: Spec = float_within(format, min, max, Overflow::Clamp);
        assert_eq!(
            clamp.admit(above).expect("clamped").value,
            Value::Float(most)
        );
    }
}
