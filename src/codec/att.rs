//! Value ↔ the octets of a characteristic (Core Spec 5.4, Vol 3, Part G, 3.3.2).

use std::sync::Arc;

use super::array::ArraySpec;
use super::float::{FloatFormat, FloatSpec};
use super::ieee11073::{self, Read};
use super::int::IntSpec;
use super::structure::StructSpec;
use super::{ByteOrder, Cause, Spec, Value, Violation};

/// The octets of a value, appended to `out`. The value has gone through [`Spec::admit`].
pub fn encode(spec: &Spec, value: &Value, out: &mut Vec<u8>) {
    match (spec, value) {
        (Spec::Bool(_), Value::Bool(value)) => out.push(u8::from(*value)),
        (Spec::Int(spec), Value::Int(value)) => put_int(spec, *value, out),
        (
            Spec::Int(
                spec @ IntSpec {
                    unknown: Some(unknown),
                    ..
                },
            ),
            Value::Null,
        ) => put_int(spec, *unknown, out),
        (Spec::Float(spec), Value::Float(value)) => put_float(spec, Some(*value), out),
        (Spec::Float(spec), Value::Null) => put_float(spec, None, out),
        (Spec::Text(_) | Spec::Json(_), Value::Text(text)) => {
            out.extend_from_slice(text.as_bytes());
        }
        (Spec::Bytes(_), Value::Bytes(bytes)) => out.extend_from_slice(bytes),
        (Spec::Struct(spec), Value::List(parts)) => {
            for (field, part) in spec.fields.iter().zip(&**parts) {
                if StructSpec::is_there(field, parts) {
                    encode(&field.spec, part, out);
                }
            }
        }
        (Spec::Array(spec), Value::List(items)) => {
            items.iter().for_each(|item| encode(&spec.item, item, out));
        }
        (spec, value) => unreachable!("{value} was never admitted as {}", spec.noun()),
    }
}

/// The value that a central wrote, not yet checked against its range.
///
/// # Errors
/// [`Cause::WrongLength`] when the number of octets is not the type's, [`Cause::OutOfRange`] for a
/// boolean that is neither 0 nor 1, [`Cause::InvalidUtf8`] for text that is none,
/// [`Cause::NotFinite`] for an infinity of IEEE 11073, [`Cause::MalformedJson`].
pub fn decode(spec: &Spec, bytes: &[u8]) -> Result<Value, Violation> {
    let mut rest = bytes;
    let value = take(spec, &mut rest)?;
    match rest.len() {
        0 => Ok(value),
        over => {
            let length = bytes.len();
            Err(wrong_length(length, length - over))
        }
    }
}

/// The next value; what has a variable length takes everything.
fn take(spec: &Spec, rest: &mut &[u8]) -> Result<Value, Violation> {
    match spec {
        Spec::Bool(_) => match split(rest, 1)? {
            [0] => Ok(Value::Bool(false)),
            [1] => Ok(Value::Bool(true)),
            other => {
                let detail = format!("{} is no boolean: 0 is false, 1 is true", other[0]);
                Err(Violation::new(Cause::OutOfRange, detail))
            }
        },
        Spec::Int(spec) => {
            let octets = split(rest, spec.width.octets())?;
            let value = integer(octets, spec.signed, spec.order);
            Ok(match spec.unknown == Some(value) {
                true => Value::Null,
                false => Value::Int(value),
            })
        }
        Spec::Float(spec) => take_float(spec, split(rest, spec.format.octets())?),
        Spec::Text(spec) => text(split_some(rest, spec.min_length, spec.max_length)?),
        Spec::Json(spec) => text(split_some(rest, 0, spec.max_length)?),
        Spec::Bytes(spec) => {
            let octets = split_some(rest, spec.min_length, spec.max_length)?;
            Ok(Value::Bytes(octets.into()))
        }
        Spec::Struct(spec) => take_struct(spec, rest),
        Spec::Array(spec) => take_array(spec, rest),
    }
}

fn take_struct(spec: &StructSpec, rest: &mut &[u8]) -> Result<Value, Violation> {
    let mut parts = Vec::with_capacity(spec.fields.len());
    for field in &spec.fields {
        let part = match StructSpec::is_there(field, &parts) {
            true => take(&field.spec, rest).map_err(|it| it.in_field(&field.name))?,
            false => Value::Null,
        };
        parts.push(part);
    }
    Ok(Value::List(parts.into()))
}

fn take_array(spec: &ArraySpec, rest: &mut &[u8]) -> Result<Value, Violation> {
    let mut items = Vec::new();
    while items.len() < spec.min_items || (!rest.is_empty() && items.len() < spec.max_items) {
        let before = rest.len();
        let item = take(&spec.item, rest);
        items.push(item.map_err(|it| it.in_field(&items.len().to_string()))?);
        // Items of no octets would never end.
        if rest.len() == before && items.len() >= spec.min_items {
            break;
        }
    }
    Ok(Value::List(items.into()))
}

fn put_int(spec: &IntSpec, value: i128, out: &mut Vec<u8>) {
    // Two's complement: the low octets are the same for signed and unsigned.
    put(&value.to_le_bytes()[..spec.width.octets()], spec.order, out);
}

fn put_float(spec: &FloatSpec, value: Option<f64>, out: &mut Vec<u8>) {
    let order = spec.order;
    match spec.format {
        FloatFormat::F32 => {
            let value = value.map_or(f32::NAN, |value| value as f32);
            put(&value.to_le_bytes(), order, out);
        }
        FloatFormat::F64 => put(&value.unwrap_or(f64::NAN).to_le_bytes(), order, out),
        FloatFormat::Sfloat => {
            let bits = ieee11073::SFLOAT.encode(value);
            put(&bits.to_le_bytes()[..2], order, out);
        }
        FloatFormat::Float => put(&ieee11073::FLOAT.encode(value).to_le_bytes(), order, out),
    }
}

fn take_float(spec: &FloatSpec, octets: &[u8]) -> Result<Value, Violation> {
    let mut bits = [0; 8];
    bits[..octets.len()].copy_from_slice(octets);
    if spec.order == ByteOrder::Big {
        bits[..octets.len()].reverse();
    }
    let bits = u64::from_le_bytes(bits);
    let low = bits as u32;
    let read = match spec.format {
        FloatFormat::F32 => Read::Number(f64::from(f32::from_bits(low))),
        FloatFormat::F64 => Read::Number(f64::from_bits(bits)),
        FloatFormat::Sfloat => ieee11073::SFLOAT.decode(low),
        FloatFormat::Float => ieee11073::FLOAT.decode(low),
    };
    match read {
        Read::Number(number) if number.is_nan() && spec.nan_is_null() => Ok(Value::Null),
        Read::Number(number) => Ok(Value::Float(number)),
        Read::Nan => Ok(Value::Null),
        Read::NotFinite => {
            let detail = "an infinity is not a finite number";
            Err(Violation::new(Cause::NotFinite, detail))
        }
    }
}

fn integer(octets: &[u8], signed: bool, order: ByteOrder) -> i128 {
    let width = octets.len();
    let most_significant = match order {
        ByteOrder::Little => octets[width - 1],
        ByteOrder::Big => octets[0],
    };
    let fill = if signed && most_significant & 0x80 != 0 {
        0xFF
    } else {
        0
    };
    let mut wide = [fill; 16];
    wide[..width].copy_from_slice(octets);
    if order == ByteOrder::Big {
        wide[..width].reverse();
    }
    i128::from_le_bytes(wide)
}

fn text(octets: &[u8]) -> Result<Value, Violation> {
    let text = std::str::from_utf8(octets)
        .map_err(|error| Violation::new(Cause::InvalidUtf8, format!("not UTF-8: {error}")))?;
    Ok(Value::Text(Arc::from(text)))
}

fn put(little_endian: &[u8], order: ByteOrder, out: &mut Vec<u8>) {
    match order {
        ByteOrder::Little => out.extend_from_slice(little_endian),
        ByteOrder::Big => out.extend(little_endian.iter().rev()),
    }
}

/// Exactly so many octets.
fn split<'a>(rest: &mut &'a [u8], width: usize) -> Result<&'a [u8], Violation> {
    let (octets, after) = rest
        .split_at_checked(width)
        .ok_or_else(|| wrong_length(rest.len(), width))?;
    *rest = after;
    Ok(octets)
}

/// Exactly so many octets if the length is fixed, otherwise all that are left.
fn split_some<'a>(rest: &mut &'a [u8], min: usize, max: usize) -> Result<&'a [u8], Violation> {
    if min == max {
        return split(rest, max);
    }
    if !(min..=max).contains(&rest.len()) {
        let detail = match rest.len() > max {
            true => format!(
                "{} more than the {max} that {}",
                bytes_are(rest.len()),
                if max == 1 { "fits" } else { "fit" }
            ),
            false => format!(
                "{} fewer than the {min} that {} wanted",
                bytes_are(rest.len()),
                are(min)
            ),
        };
        return Err(Violation::new(Cause::WrongLength, detail));
    }
    Ok(std::mem::take(rest))
}

fn wrong_length(found: usize, wanted: usize) -> Violation {
    let unit = if found == 1 { "byte" } else { "bytes" };
    let detail = format!("{found} {unit} where {wanted} {} wanted", are(wanted));
    Violation::new(Cause::WrongLength, detail)
}

fn bytes_are(count: usize) -> String {
    let unit = if count == 1 { "byte" } else { "bytes" };
    format!("{count} {unit} {}", are(count))
}

fn are(count: usize) -> &'static str {
    if count == 1 { "is" } else { "are" }
}
