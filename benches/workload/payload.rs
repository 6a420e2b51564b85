//! Payloads and octets: what comes in, what goes out, and from one to the other through a cell, as the `mqtt`
//! plugin does it.

use std::hint::black_box;
use std::sync::Arc;

use bemo_sync::codec::decimal::Decimal;
use bemo_sync::codec::{
    Field, IntSpec, IntWidth, Pointer, Scale, Shown, Spec, StructSpec, Template, Value, att,
};
use serde_json::json;

use super::Round;
use super::table::{Kind, MAX, Table, number};

/// As the demo declares it.
fn template() -> Template {
    Template::new(json!({ "number": "$value" })).expect("one place for the value")
}

/// What comes in, in turn: none is what the one before was.
fn payloads() -> Vec<Vec<u8>> {
    let payload = |number| format!("{{\"number\": {number}}}").into_bytes();
    (0..=MAX).map(payload).collect()
}

/// The next of all, round and round.
fn next<'a, T>(all: &'a [T], at: &mut usize) -> &'a T {
    *at = (*at + 1) % all.len();
    black_box(&all[*at])
}

pub fn read(_: usize) -> Round {
    let (template, spec, payloads, mut at) = (template(), number(), payloads(), 0);
    Box::new(move || {
        let payload = next(&payloads, &mut at);
        let read = template.read(black_box(&spec), payload);
        assert!(black_box(read).is_ok());
    })
}

pub fn read_nested(_: usize) -> Round {
    let template = Template::new(json!({ "color": { "h": "$value" } })).expect("one place");
    let payload = |number| {
        format!(
            "{{\"color\": {{\"h\": {number}, \"s\": 0.5}}, \"brightness\": 0.62, \"on\": true, \
             \"client\": \"lamp_ui\"}}"
        )
        .into_bytes()
    };
    let (spec, payloads, mut at) = (number(), (0..=MAX).map(payload).collect::<Vec<_>>(), 0);
    Box::new(move || {
        let payload = next(&payloads, &mut at);
        let read = template.read(black_box(&spec), payload);
        assert!(black_box(read).is_ok());
    })
}

pub fn write(_: usize) -> Round {
    let (template, spec, mut number) = (template(), number(), 0);
    Box::new(move || {
        number = (number + 1) % (MAX + 1);
        black_box(template.write(black_box(&spec), black_box(&Value::Int(number))));
    })
}

/// A percentage of 8 bits, as the lamp's.
pub fn write_scaled(_: usize) -> Round {
    let to = |text| Decimal::parse(text).expect("a number");
    let scale = Scale::range((0, 255), (to("0.0"), to("1.0")), Some(2)).expect("a scale");
    let spec = Spec::Int(IntSpec {
        shown: Shown::Scaled(scale),
        ..IntSpec::new(IntWidth::W8, false)
    });
    let (template, mut number) = (template(), 0);
    Box::new(move || {
        number = (number + 1) % 256;
        black_box(template.write(black_box(&spec), black_box(&Value::Int(number))));
    })
}

/// A command comes in, and the state goes out that has come of it. Nothing else is told.
pub fn through(values: usize) -> Round {
    let mut table = Table::new(Kind::OwnerHere, values);
    let (template, spec, payloads, mut at) = (template(), number(), payloads(), 0);
    Box::new(move || {
        let cell = table.next();
        let payload = next(&payloads, &mut at);
        let patch = template.read(&spec, payload).expect("it is one");
        assert!(table.command(cell, patch));
        table.publish(|value| {
            black_box(template.write(&spec, value));
        });
    })
}

/// Two octets.
pub fn decode(_: usize) -> Round {
    let (spec, mut number) = (number(), 0u16);
    Box::new(move || {
        number = (number + 1) % 200;
        let octets = black_box(number.to_le_bytes());
        let value = att::decode(black_box(&spec), &octets).expect("two octets");
        assert!(black_box(spec.admit(value)).is_ok());
    })
}

/// Into the octets of the last one, which is how a link keeps from allocating; two fields and a constant, as the
/// lamp's colour.
pub fn encode(_: usize) -> Round {
    let field = |name: &str, constant| Field {
        name: name.into(),
        spec: Spec::Int(IntSpec::new(IntWidth::W8, false)),
        unit: 0x2700,
        at: Pointer::key(name),
        when: None,
        constant,
        initial: None,
        copy: None,
    };
    let spec = Spec::Struct(Arc::new(StructSpec {
        fields: vec![
            field("hue", None),
            field("saturation", None),
            field("value", Some(Value::Int(255))),
        ],
    }));
    let value = |hue| Value::List([Value::Int(hue), Value::Int(7), Value::Int(255)].into());
    let (values, mut at) = ((0..=MAX).map(value).collect::<Vec<_>>(), 0);
    let mut octets = Vec::new();
    Box::new(move || {
        octets.clear();
        att::encode(black_box(&spec), next(&values, &mut at), &mut octets);
        black_box(&octets);
    })
}
