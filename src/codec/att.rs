//! Value ↔ the octets of a characteristic (Core Spec 5.4, Vol 3, Part G, 3.3.2).

use super::{ByteOrder, Cause, FloatWidth, Spec, Value, Violation};

/// The octets of a value, appended to `out`. The value has gone through [`Spec::admit`].
pub fn encode(spec: &Spec, value: &Value, out: &mut Vec<u8>) {
    match (spec, value) {
        (Spec::Bool, Value::Bool(value)) => out.push(u8::from(*value)),
        (&Spec::Int { width, order, .. }, Value::Int(value)) => {
            // Two's complement: the low octets are the same for signed and unsigned.
            put(&value.to_le_bytes()[..width as usize], order, out);
        }
        (&Spec::Float { width, order, .. }, Value::Float(value)) => match width {
            FloatWidth::W32 => put(&(*value as f32).to_le_bytes(), order, out),
            FloatWidth::W64 => put(&value.to_le_bytes(), order, out),
        },
        (Spec::Utf8 { .. }, Value::Text(text)) => out.extend_from_slice(text.as_bytes()),
        (Spec::Bytes { .. }, Value::Bytes(bytes)) => out.extend_from_slice(bytes),
        (spec, value) => unreachable!("{value} was never admitted as {}", spec.noun()),
    }
}

/// The value that a central wrote, not yet checked against its range.
///
/// # Errors
/// [`Cause::WrongLength`] when the number of octets is not the type's, [`Cause::OutOfRange`] for a
/// boolean that is neither 0 nor 1, [`Cause::InvalidUtf8`] for text that is none.
pub fn decode(spec: &Spec, bytes: &[u8]) -> Result<Value, Violation> {
    match *spec {
        Spec::Bool => match take::<1>(bytes, ByteOrder::Little)? {
            [0] => Ok(Value::Bool(false)),
            [1] => Ok(Value::Bool(true)),
            [other] => {
                let detail = format!("{other} is no boolean: 0 is false, 1 is true");
                Err(Violation::new(Cause::OutOfRange, detail))
            }
        },
        Spec::Int {
            width,
            signed,
            order,
            ..
        } => decode_int(bytes, width as usize, signed, order),
        Spec::Float {
            width: FloatWidth::W32,
            order,
            ..
        } => take(bytes, order).map(|octets| Value::Float(f64::from(f32::from_le_bytes(octets)))),
        Spec::Float {
            width: FloatWidth::W64,
            order,
            ..
        } => take(bytes, order).map(|octets| Value::Float(f64::from_le_bytes(octets))),
        Spec::Utf8 { max_length } => {
            at_most(bytes, max_length)?;
            let text = std::str::from_utf8(bytes).map_err(|error| {
                Violation::new(Cause::InvalidUtf8, format!("not UTF-8: {error}"))
            })?;
            Ok(Value::Text(text.into()))
        }
        Spec::Bytes { max_length } => {
            at_most(bytes, max_length)?;
            Ok(Value::Bytes(bytes.into()))
        }
    }
}

fn decode_int(
    bytes: &[u8],
    width: usize,
    signed: bool,
    order: ByteOrder,
) -> Result<Value, Violation> {
    if bytes.len() != width {
        return Err(wrong_length(bytes.len(), width));
    }
    let most_significant = match order {
        ByteOrder::Little => bytes[width - 1],
        ByteOrder::Big => bytes[0],
    };
    let fill = if signed && most_significant & 0x80 != 0 {
        0xFF
    } else {
        0
    };
    let mut octets = [fill; 16];
    octets[..width].copy_from_slice(bytes);
    if order == ByteOrder::Big {
        octets[..width].reverse();
    }
    Ok(Value::Int(i128::from_le_bytes(octets)))
}

fn put(little_endian: &[u8], order: ByteOrder, out: &mut Vec<u8>) {
    match order {
        ByteOrder::Little => out.extend_from_slice(little_endian),
        ByteOrder::Big => out.extend(little_endian.iter().rev()),
    }
}

/// Exactly `N` octets, brought to little-endian.
fn take<const N: usize>(bytes: &[u8], order: ByteOrder) -> Result<[u8; N], Violation> {
    let mut octets: [u8; N] = bytes.try_into().map_err(|_| wrong_length(bytes.len(), N))?;
    if order == ByteOrder::Big {
        octets.reverse();
    }
    Ok(octets)
}

fn at_most(bytes: &[u8], max_length: usize) -> Result<(), Violation> {
    if bytes.len() <= max_length {
        return Ok(());
    }
    let detail = format!("{} bytes written, at most {max_length} fit", bytes.len());
    Err(Violation::new(Cause::WrongLength, detail))
}

fn wrong_length(actual: usize, expected: usize) -> Violation {
    let detail = format!("{actual} bytes written, the value has {expected}");
    Violation::new(Cause::WrongLength, detail)
}
