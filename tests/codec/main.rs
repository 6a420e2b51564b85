//! What a value is on the air and on a topic.

mod bounds;
mod on_the_air;
mod on_topics;
mod properties;

use bemo_sync::codec::{ByteOrder, FloatWidth, IntWidth, Overflow, Spec, Value};

/// An integer over its whole range.
fn int(width: IntWidth, signed: bool, order: ByteOrder) -> Spec {
    let (min, max) = width.range(signed);
    Spec::Int {
        width,
        signed,
        order,
        min,
        max,
        overflow: Overflow::Reject,
    }
}

fn int_within(width: IntWidth, signed: bool, min: i128, max: i128, overflow: Overflow) -> Spec {
    Spec::Int {
        width,
        signed,
        order: ByteOrder::Little,
        min,
        max,
        overflow,
    }
}

/// A float over its whole range.
fn float(width: FloatWidth, order: ByteOrder) -> Spec {
    let (min, max) = width.range();
    Spec::Float {
        width,
        order,
        min,
        max,
        overflow: Overflow::Reject,
    }
}

fn float_within(width: FloatWidth, min: f64, max: f64, overflow: Overflow) -> Spec {
    Spec::Float {
        width,
        order: ByteOrder::Little,
        min,
        max,
        overflow,
    }
}

fn u8() -> Spec {
    int(IntWidth::W8, false, ByteOrder::Little)
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn bytes(bytes: &[u8]) -> Value {
    Value::Bytes(bytes.into())
}
