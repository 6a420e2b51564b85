//! The bytes of a characteristic, and the descriptor that explains them.

use bemo_sync::codec::ByteOrder::{Big, Little};
use bemo_sync::codec::{
    ByteOrder, Cause, FloatFormat, IntWidth, MAX_LENGTH, Spec, Value, att, presentation,
};

use bemo_sync::codec::presentation::{Presentation, format_named};

use crate::{assert_is, bytes, flags, float, int, linear, plain, scaled, text, u8, utf8};

#[test]
fn integers_at_their_extremes_in_both_byte_orders() {
    use IntWidth::{W8, W16, W24, W32, W64};
    #[rustfmt::skip]
    let table: &[(IntWidth, bool, i128, &[u8])] = &[
        (W8,  false, 0,                     &[0x00]),
        (W8,  false, 1,                     &[0x01]),
        (W8,  false, u8::MAX as i128,       &[0xFF]),
        (W8,  true,  i8::MIN as i128,       &[0x80]),
        (W8,  true,  -1,                    &[0xFF]),
        (W8,  true,  i8::MAX as i128,       &[0x7F]),
        (W16, false, 0x0102,                &[0x02, 0x01]),
        (W16, false, u16::MAX as i128,      &[0xFF; 2]),
        (W16, true,  i16::MIN as i128,      &[0x00, 0x80]),
        (W16, true,  -2,                    &[0xFE, 0xFF]),
        (W16, true,  i16::MAX as i128,      &[0xFF, 0x7F]),
        (W24, false, 0x01_02_03,            &[0x03, 0x02, 0x01]),
        (W24, false, 0xFF_FF_FF,            &[0xFF; 3]),
        (W24, true,  -0x80_00_00,           &[0x00, 0x00, 0x80]),
        (W24, true,  -2,                    &[0xFE, 0xFF, 0xFF]),
        (W24, true,  0x7F_FF_FF,            &[0xFF, 0xFF, 0x7F]),
        (W32, false, 0x0102_0304,           &[0x04, 0x03, 0x02, 0x01]),
        (W32, false, u32::MAX as i128,      &[0xFF; 4]),
        (W32, true,  i32::MIN as i128,      &[0x00, 0x00, 0x00, 0x80]),
        (W32, true,  -2,                    &[0xFE, 0xFF, 0xFF, 0xFF]),
        (W32, true,  i32::MAX as i128,      &[0xFF, 0xFF, 0xFF, 0x7F]),
        (W64, false, 0x0102_0304_0506_0708, &[0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01]),
        (W64, false, u64::MAX as i128,      &[0xFF; 8]),
        (W64, true,  i64::MIN as i128,      &[0, 0, 0, 0, 0, 0, 0, 0x80]),
        (W64, true,  -1,                    &[0xFF; 8]),
        (W64, true,  i64::MAX as i128,      &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]),
    ];
    for &(width, signed, value, little_endian) in table {
        let mut big_endian = little_endian.to_vec();
        big_endian.reverse();
        assert_is(
            &int(width, signed, Little),
            Value::Int(value),
            little_endian,
        );
        assert_is(&int(width, signed, Big), Value::Int(value), &big_endian);
    }
}

#[test]
fn floats_are_ieee_754_in_both_byte_orders() {
    use FloatFormat::{F32, F64};
    let tenth = Value::Float(f64::from(0.1_f32));
    assert_is(
        &float(F32, Little),
        tenth.clone(),
        &[0xCD, 0xCC, 0xCC, 0x3D],
    );
    assert_is(&float(F32, Big), tenth, &[0x3D, 0xCC, 0xCC, 0xCD]);
    let lowest = Value::Float(f64::from(f32::MIN));
    assert_is(&float(F32, Little), lowest, &[0xFF, 0xFF, 0x7F, 0xFF]);
    let minus_two = [0, 0, 0, 0, 0, 0, 0, 0xC0];
    assert_is(&float(F64, Little), Value::Float(-2.0), &minus_two);
    let highest = [0x7F, 0xEF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
    assert_is(&float(F64, Big), Value::Float(f64::MAX), &highest);
}

#[test]
fn booleans_text_and_bytes() {
    assert_is(&Spec::BOOL, Value::Bool(false), &[0]);
    assert_is(&Spec::BOOL, Value::Bool(true), &[1]);
    let utf8 = utf8(4);
    assert_is(&utf8, text(""), &[]);
    assert_is(&utf8, text("aé"), &[0x61, 0xC3, 0xA9]);
    assert_is(&utf8, text("🚲"), &[0xF0, 0x9F, 0x9A, 0xB2]);
    let plain = plain(MAX_LENGTH);
    assert_is(&plain, bytes(&[]), &[]);
    assert_is(&plain, bytes(&[0, 0xFF]), &[0, 0xFF]);
    assert_is(&plain, bytes(&[7; MAX_LENGTH]), &[7; MAX_LENGTH]);
}

#[test]
fn encoding_appends_so_that_fields_can_follow_each_other() {
    let mut out = vec![0xAA];
    att::encode(&u8(), &Value::Int(5), &mut out);
    assert_eq!(out, [0xAA, 5]);
}

#[test]
fn bytes_that_are_no_such_value_are_refused() {
    let u32 = int(IntWidth::W32, false, Little);
    let utf8 = utf8(3);
    let table: &[(&str, &Spec, &[u8], Cause)] = &[
        ("nothing for a u8", &u8(), &[], Cause::WrongLength),
        ("two for a u8", &u8(), &[1, 2], Cause::WrongLength),
        ("three for a u32", &u32, &[1, 2, 3], Cause::WrongLength),
        ("five for a u32", &u32, &[1, 2, 3, 4, 5], Cause::WrongLength),
        (
            "an f32 for an f64",
            &float(FloatFormat::F64, Little),
            &[0; 4],
            Cause::WrongLength,
        ),
        (
            "an f64 for an f32",
            &float(FloatFormat::F32, Big),
            &[0; 8],
            Cause::WrongLength,
        ),
        ("nothing for a bool", &Spec::BOOL, &[], Cause::WrongLength),
        ("two for a bool", &Spec::BOOL, &[0, 1], Cause::WrongLength),
        ("2 for a bool", &Spec::BOOL, &[2], Cause::OutOfRange),
        ("text too long", &utf8, b"four", Cause::WrongLength),
        ("half a character", &utf8, &[0xC3], Cause::InvalidUtf8),
        (
            "a surrogate",
            &utf8,
            &[0xED, 0xA0, 0x80],
            Cause::InvalidUtf8,
        ),
        ("bytes too long", &plain(1), &[1, 2], Cause::WrongLength),
    ];
    for (name, spec, octets, cause) in table {
        let refused = att::decode(spec, octets).expect_err(name);
        assert_eq!(refused.cause, *cause, "{name}: {refused}");
    }
}

#[test]
fn the_presentation_format_of_every_type() {
    use FloatFormat as F;
    use IntWidth::{W8, W16, W24, W32, W64};
    let table = [
        ("boolean", Spec::BOOL, 0x01),
        ("u8", int(W8, false, Little), 0x04),
        ("u16", int(W16, false, Little), 0x06),
        ("u24", int(W24, false, Little), 0x07),
        ("u32", int(W32, false, Little), 0x08),
        ("u64", int(W64, false, Little), 0x0A),
        ("i8", int(W8, true, Little), 0x0C),
        ("i16", int(W16, true, Little), 0x0E),
        ("i24", int(W24, true, Little), 0x0F),
        ("i32", int(W32, true, Little), 0x10),
        ("i64", int(W64, true, Little), 0x12),
        ("f32", float(F::F32, Little), 0x14),
        ("f64", float(F::F64, Little), 0x15),
        ("sfloat", float(F::Sfloat, Little), 0x16),
        ("float", float(F::Float, Little), 0x17),
        ("utf8", utf8(8), 0x19),
        ("bytes", plain(8), 0x1B),
        (
            "u8 in the other order, which has none",
            int(W8, false, Big),
            0x04,
        ),
    ];
    for (name, spec, format) in table {
        let expected = [format, 0x00, 0x00, 0x27, 0x01, 0x00, 0x00];
        assert_eq!(
            presentation::format(&spec, Presentation::default()),
            Some(expected),
            "{name}"
        );
    }
}

#[test]
fn a_big_endian_number_has_no_presentation_format_because_it_would_be_a_lie() {
    let numbers = |order: ByteOrder| {
        [
            int(IntWidth::W16, false, order),
            int(IntWidth::W32, true, order),
            int(IntWidth::W64, false, order),
            float(FloatFormat::F32, order),
            float(FloatFormat::F64, order),
        ]
    };
    for (little, big) in numbers(Little).iter().zip(&numbers(Big)) {
        assert!(
            presentation::format(little, Presentation::default()).is_some(),
            "{little:?}"
        );
        assert_eq!(
            presentation::format(big, Presentation::default()),
            None,
            "{big:?}"
        );
    }
}

#[test]
fn the_presentation_format_has_the_exponent_the_unit_and_the_format_that_are_declared() {
    let celsius = Presentation {
        unit: 0x272F,
        format: None,
    };
    let temperature = |by, offset| Spec::Int(scaled(IntWidth::W16, true, linear(by, offset, None)));
    let as_u24 = Presentation {
        format: format_named("u24"),
        ..Presentation::default()
    };
    let octets = plain(3);
    let table = [
        (
            "hundredths",
            temperature("0.01", "0"),
            celsius,
            [0x0E, 0xFE, 0x2F, 0x27, 1, 0, 0],
        ),
        (
            "tens",
            temperature("10", "0"),
            celsius,
            [0x0E, 0x01, 0x2F, 0x27, 1, 0, 0],
        ),
        // No exponent makes degrees of these.
        (
            "halves",
            temperature("0.5", "0"),
            celsius,
            [0x0E, 0x00, 0x00, 0x27, 1, 0, 0],
        ),
        (
            "an offset",
            temperature("0.01", "40"),
            celsius,
            [0x0E, 0x00, 0x00, 0x27, 1, 0, 0],
        ),
        (
            "medical",
            float(FloatFormat::Float, Little),
            celsius,
            [0x17, 0x00, 0x2F, 0x27, 1, 0, 0],
        ),
        (
            "bytes as one number",
            octets,
            as_u24,
            [0x07, 0x00, 0x00, 0x27, 1, 0, 0],
        ),
        (
            "flags",
            Spec::Int(flags(IntWidth::W8, &[("a", 0)], &[])),
            Presentation::default(),
            [0x04, 0x00, 0x00, 0x27, 1, 0, 0],
        ),
    ];
    for (name, spec, presentation, expected) in table {
        assert_eq!(
            presentation::format(&spec, presentation),
            Some(expected),
            "{name}"
        );
    }
    assert_eq!(format_named("u128"), None);
}
