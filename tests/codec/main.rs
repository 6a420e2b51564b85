//! What a value is on the air and on a topic.

mod bounds;
mod documents;
mod flags;
mod generate;
mod medical;
mod on_the_air;
mod on_topics;
mod parts;
mod properties;
mod scales;
mod straight;

use std::sync::Arc;

use bemo_sync::codec::{ByteOrder, decimal::Decimal};
use bemo_sync::codec::{
    BytesSpec, Field, Flag, FloatFormat, FloatSpec, IntSpec, IntWidth, Overflow, Pointer, Scale,
    Shown, Spec, StructSpec, Template, TextSpec, Value, Violation, When, att,
};

/// An integer over its whole range.
fn int(width: IntWidth, signed: bool, order: ByteOrder) -> Spec {
    let mut spec = IntSpec::new(width, signed);
    spec.order = order;
    Spec::Int(spec)
}

fn int_within(width: IntWidth, signed: bool, min: i128, max: i128, overflow: Overflow) -> Spec {
    let mut spec = IntSpec::new(width, signed);
    (spec.min, spec.max, spec.overflow) = (min, max, overflow);
    Spec::Int(spec)
}

/// A number over its whole range.
fn float(format: FloatFormat, order: ByteOrder) -> Spec {
    let mut spec = FloatSpec::new(format);
    spec.order = order;
    Spec::Float(spec)
}

fn float_within(format: FloatFormat, min: f64, max: f64, overflow: Overflow) -> Spec {
    let mut spec = FloatSpec::new(format);
    (spec.min, spec.max, spec.overflow) = (min, max, overflow);
    Spec::Float(spec)
}

fn scaled(width: IntWidth, signed: bool, scale: Scale) -> IntSpec {
    let mut spec = IntSpec::new(width, signed);
    spec.shown = Shown::Scaled(scale);
    spec
}

/// `by`, `offset` and decimals, written as people write them.
fn linear(by: &str, offset: &str, decimals: Option<u8>) -> Scale {
    Scale::linear(number(by), number(offset), decimals).expect("a scale")
}

fn number(text: &str) -> Decimal {
    Decimal::parse(text).expect("a number")
}

fn u8() -> Spec {
    int(IntWidth::W8, false, ByteOrder::Little)
}

fn u16() -> Spec {
    int(IntWidth::W16, false, ByteOrder::Little)
}

fn utf8(max_length: usize) -> Spec {
    Spec::Text(TextSpec::up_to(max_length))
}

fn plain(max_length: usize) -> Spec {
    Spec::Bytes(BytesSpec::up_to(max_length))
}

/// Flags by name and bit; those in `derived` say whether fields are there.
fn flags(width: IntWidth, names: &[(&str, u32)], derived: &[&str]) -> IntSpec {
    let mut spec = IntSpec::new(width, false);
    let flags = names.iter().map(|(name, bit)| Flag {
        name: (*name).into(),
        bit: *bit,
        derived: derived.contains(name),
    });
    spec.shown = Shown::Flags(flags.collect());
    spec
}

fn structure(fields: Vec<Field>) -> Spec {
    Spec::Struct(Arc::new(StructSpec { fields }))
}

/// A field that is always there, at `/name`.
fn field(name: &str, spec: Spec) -> Field {
    Field {
        name: name.into(),
        spec,
        at: Pointer::key(name),
        when: None,
        constant: None,
        initial: None,
        copy: None,
        unit: 0x2700,
    }
}

/// A field that is there when a bit of the field with this index is set, or clear.
fn optional(name: &str, spec: Spec, field: usize, bit: u32, set: bool) -> Field {
    let when = Some(When { field, bit, set });
    Field {
        when,
        ..self::field(name, spec)
    }
}

fn at(pointer: &str) -> Pointer {
    Pointer::parse(pointer).expect("a pointer")
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn bytes(bytes: &[u8]) -> Value {
    Value::Bytes(bytes.into())
}

fn list(items: &[Value]) -> Value {
    Value::List(items.into())
}

fn on_the_air(spec: &Spec, value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    att::encode(spec, value, &mut out);
    out
}

/// Both directions at once: these bytes are this value and no other.
#[track_caller]
fn assert_is(spec: &Spec, value: Value, octets: &[u8]) {
    assert_eq!(on_the_air(spec, &value), octets, "{value} on the air");
    assert_eq!(att::decode(spec, octets), Ok(value), "{octets:02x?} read");
}

/// The value that a payload makes where none was before.
fn value_in(template: &Template, spec: &Spec, payload: &[u8]) -> Result<Value, Violation> {
    let patch = template.read(spec, payload)?;
    Ok(spec.merge(None, patch))
}

/// What is written of a value as it is kept.
fn json_of(spec: &Spec, value: &Value) -> String {
    Template::bare().write(spec, value)
}

/// The value that a JSON text is kept as.
#[track_caller]
fn kept(spec: &Spec, json: &str) -> Value {
    let value = value_in(&Template::bare(), spec, json.as_bytes());
    let value = value.unwrap_or_else(|error| panic!("{json}: {error}"));
    let admitted = spec.admit(value);
    admitted
        .unwrap_or_else(|error| panic!("{json}: {error}"))
        .value
}
