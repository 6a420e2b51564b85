//! A configuration of any size, with values of every kind.

use std::fmt::Write;

/// Services of 50 characteristics each; the line of a characteristic is `line_of`.
pub fn configuration(characteristics: usize) -> String {
    let mut out = String::from(HEAD);
    for index in 0..characteristics {
        if index % PER_SERVICE == 0 {
            let service = index / PER_SERVICE;
            writeln!(
                out,
                "  - name: Service {service}\n    uuid: 00000000-0000-4000-8000-{service:012x}\n    \
                 characteristics:"
            )
            .expect("writing to a String cannot fail");
        }
        out.push_str(&characteristic(index));
    }
    out
}

/// The line, from 1, on which a characteristic stands.
pub fn line_of(index: usize) -> usize {
    HEAD.lines().count() + 3 * (index / PER_SERVICE + 1) + index + 1
}

/// The same file with mistakes at these characteristics.
pub fn with_mistakes_at(characteristics: usize, indexes: &[usize]) -> String {
    let whole = configuration(characteristics);
    let lines: Vec<usize> = indexes.iter().map(|index| line_of(*index)).collect();
    let mut out = String::with_capacity(whole.len());
    for (number, line) in (1..).zip(whole.lines()) {
        match lines.contains(&number) {
            true => out.push_str(&line.replacen("value:", "valeu:", 1)),
            false => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

const PER_SERVICE: usize = 50;

const HEAD: &str = "version: 1
device: { name: Large }
ble: { adapter: virtual }
mqtt: { broker: auto, client_id: large }
services:
";

fn characteristic(index: usize) -> String {
    let topics = format!("state: s/{index}, command: c/{index}");
    let (value, mqtt) = match index % 8 {
        0 => ("type: u8, min: 1, max: 200, overflow: clamp", topics),
        1 => (
            "type: i16, scale: 0.01, unit: celsius, unknown: 0x7FFF",
            format!("owner: remote, {topics}"),
        ),
        2 => ("type: bool, enum: { OFF: false, ON: true }", topics),
        3 => (
            "type: utf8, max_length: 40, allowed: [one, two, three]",
            format!("{topics}, payload: {{ text: $value }}"),
        ),
        4 => (
            "type: struct, fields: [{ name: flags, type: u8, flags: { more: 0, moving: 1 } }, \
             { name: hue, type: u8, scale: { to: [0.0, 1.0], from: [0, 255] } }, \
             { name: extra, type: u16, when: more }]",
            topics,
        ),
        5 => (
            "type: array, items: { type: u16 }, min_items: 1, max_items: 8",
            topics,
        ),
        6 => ("type: f32, min: -1.5, max: 1.5", topics),
        _ => ("type: u8, enum: { off: 0, heat: 1, cool: 2 }", topics),
    };
    format!(
        "      - {{ name: Value {index}, uuid: 00000001-0000-4000-8000-{index:012x}, \
         access: [read, write, notify], value: {{ {value} }}, mqtt: {{ {mqtt} }} }}\n"
    )
}
