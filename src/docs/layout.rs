//! A value on the air, octet by octet, in words.

use super::disclosure::Disclosure;
use crate::codec::presentation::UNITLESS;
use crate::codec::{
    ByteOrder, Field, FloatFormat, FloatSpec, IntSpec, IntWidth, Overflow, Shown, Spec, StructSpec,
    Value, json,
};
use crate::gatt::assigned::unit_name;

/// One row of the layout of a value.
#[derive(Debug)]
pub(super) struct Row {
    /// Where it begins; the least and the most, where what stands before it may be absent or longer.
    pub(super) offset: (usize, usize),
    pub(super) octets: (usize, usize),
    /// With the names of the structs around it.
    pub(super) name: String,
    pub(super) ty: String,
    pub(super) meaning: String,
    /// When it is there; empty if always.
    pub(super) when: String,
}

/// A row for each part of a struct; none for a value that has no parts.
pub(super) fn rows(spec: &Spec, disclosure: Disclosure) -> Vec<Row> {
    let mut rows = Vec::new();
    let around = if matches!(spec, Spec::Array(_)) {
        "[]."
    } else {
        ""
    };
    if let Some(structure) = structure_of(spec) {
        add(structure, disclosure, around, (0, 0), "", &mut rows);
    }
    rows
}

/// The struct that a value is, or that its items are.
fn structure_of(spec: &Spec) -> Option<&StructSpec> {
    match spec {
        Spec::Struct(structure) => Some(structure),
        Spec::Array(array) => structure_of(&array.item),
        Spec::Bool(_)
        | Spec::Int(_)
        | Spec::Float(_)
        | Spec::Text(_)
        | Spec::Bytes(_)
        | Spec::Json(_) => None,
    }
}

fn add(
    structure: &StructSpec,
    disclosure: Disclosure,
    around: &str,
    mut offset: (usize, usize),
    condition: &str,
    rows: &mut Vec<Row>,
) {
    for field in &structure.fields {
        let octets = field.spec.octets();
        let name = format!("{around}{}", field.name);
        let own = disclosure.meaning(when(structure, field, around));
        let all: Vec<&str> = [condition, &own]
            .into_iter()
            .filter(|it| !it.is_empty())
            .collect();
        let when = all.join(" and ");
        match &field.spec {
            Spec::Struct(inner) => add(inner, disclosure, &format!("{name}."), offset, &when, rows),
            Spec::Array(_)
            | Spec::Bool(_)
            | Spec::Int(_)
            | Spec::Float(_)
            | Spec::Text(_)
            | Spec::Bytes(_)
            | Spec::Json(_) => {
                rows.push(Row {
                    offset,
                    octets,
                    name: name.clone(),
                    ty: ty(&field.spec),
                    meaning: field_meaning(field, disclosure),
                    when,
                });
                if let Spec::Array(array) = &field.spec
                    && let Some(inner) = structure_of(&array.item)
                {
                    add(inner, disclosure, &format!("{name}[]."), (0, 0), "", rows);
                }
            }
        }
        let least = if field.when.is_some() { 0 } else { octets.0 };
        offset = (
            offset.0.saturating_add(least),
            offset.1.saturating_add(octets.1),
        );
    }
}

fn when(structure: &StructSpec, field: &Field, around: &str) -> String {
    let Some(when) = field.when else {
        return String::new();
    };
    let holder = &structure.fields[when.field];
    let flags = holder.spec.flags().unwrap_or_default();
    let flag = flags.iter().find(|flag| flag.bit == when.bit);
    let flag = flag.map_or(String::new(), |flag| format!(" (`{}`)", flag.name));
    let set = if when.set { "set" } else { "clear" };
    format!(
        "bit {} of `{around}{}`{flag} is {set}",
        when.bit, holder.name
    )
}

fn field_meaning(field: &Field, disclosure: Disclosure) -> String {
    if let Some(constant) = &field.constant {
        return format!("always {}", disclosure.value(&field.spec, constant));
    }
    let mut parts = vec![meaning(&field.spec)];
    if field.unit != UNITLESS
        && let Some(unit) = unit_name(field.unit)
    {
        parts.insert(0, unit.replace('_', " "));
    }
    if let Some(copied) = &field.copy {
        parts.push(format!("repeats `{copied}` of what was written"));
    }
    parts.retain(|part| !part.is_empty());
    disclosure.meaning(parts.join("; "))
}

/// The type, as it is called in the YAML, with the order of its octets where that matters.
pub(super) fn ty(spec: &Spec) -> String {
    match spec {
        Spec::Bool(_) => "bool".to_owned(),
        Spec::Int(spec) => {
            let sign = if spec.signed { 'i' } else { 'u' };
            let bits = 8 * spec.width.octets();
            let order = match spec.width {
                IntWidth::W8 => "",
                IntWidth::W16 | IntWidth::W24 | IntWidth::W32 | IntWidth::W64 => order(spec.order),
            };
            format!("{sign}{bits}{order}")
        }
        Spec::Float(spec) => {
            let name = match spec.format {
                FloatFormat::F32 => "f32 (IEEE 754)",
                FloatFormat::F64 => "f64 (IEEE 754)",
                FloatFormat::Sfloat => "sfloat (IEEE 11073)",
                FloatFormat::Float => "float (IEEE 11073)",
            };
            format!("{name}{}", order(spec.order))
        }
        Spec::Text(_) => "utf8".to_owned(),
        Spec::Bytes(_) => "bytes".to_owned(),
        Spec::Json(_) => "JSON as utf8".to_owned(),
        Spec::Struct(_) => "struct".to_owned(),
        Spec::Array(array) => {
            let (min, max) = (array.min_items, array.max_items);
            format!("array of {} × {}", range(min, max), ty(&array.item))
        }
    }
}

fn order(order: ByteOrder) -> &'static str {
    match order {
        ByteOrder::Little => "",
        ByteOrder::Big => ", big-endian",
    }
}

/// What the octets stand for, and which of them are accepted.
pub(super) fn meaning(spec: &Spec) -> String {
    match spec {
        Spec::Bool(spec) => match &spec.words {
            None => "`00` is false, `01` is true".to_owned(),
            Some(words) => format!("`00` is {}, `01` is {}", words[0], words[1]),
        },
        Spec::Int(spec) => int(spec),
        Spec::Float(spec) => float(spec),
        Spec::Text(spec) => {
            let mut parts = Vec::new();
            if let Some(pattern) = &spec.pattern {
                parts.push(format!("matches `{}`", pattern.as_str()));
            }
            if let Some(allowed) = &spec.allowed {
                parts.push(one_of(allowed.iter().map(|text| format!("{text:?}"))));
            }
            parts.join("; ")
        }
        Spec::Bytes(spec) => match &spec.allowed {
            Some(allowed) => one_of(allowed.iter().map(|it| format!("`{}`", json::hex(it)))),
            None => String::new(),
        },
        Spec::Array(array) => meaning(&array.item),
        Spec::Json(_) | Spec::Struct(_) => String::new(),
    }
}

fn int(spec: &IntSpec) -> String {
    let mut parts = Vec::new();
    match &spec.shown {
        Shown::Words(words) => {
            let words = words.iter().filter(|(number, _)| {
                let allowed = spec.allowed.as_ref();
                allowed.is_none_or(|allowed| allowed.contains(number))
            });
            let words: Vec<_> = words
                .map(|(number, word)| format!("{number} is {word}"))
                .collect();
            parts.push(words.join(", "));
        }
        Shown::Flags(flags) => {
            let flags = flags.iter().map(|flag| {
                let derived = match flag.derived {
                    true => " (says which fields are there)",
                    false => "",
                };
                format!("bit {} is `{}`{derived}", flag.bit, flag.name)
            });
            parts.push(flags.collect::<Vec<_>>().join(", "));
        }
        Shown::Plain | Shown::Scaled(_) => parts.extend(numbers(spec)),
    }
    if let Some(unknown) = spec.unknown {
        let digits = 2 * spec.width.octets();
        let mask = (1i128 << (8 * spec.width.octets())) - 1;
        parts.push(format!("`0x{:0digits$X}` is unknown", unknown & mask));
    }
    parts.join("; ")
}

fn numbers(spec: &IntSpec) -> Vec<String> {
    let mut parts = Vec::new();
    let bounds = range(spec.min, spec.max);
    let mut has_bounds = false;
    if let Shown::Scaled(scale) = &spec.shown {
        match scale.exponent() {
            Some(exponent) => parts.push(format!("in units of {}", power_of_ten(exponent))),
            None => {
                let shown = range(scale.show(spec.min), scale.show(spec.max));
                parts.push(format!("{bounds} stands for {shown}, in proportion"));
                has_bounds = true;
            }
        }
    }
    match &spec.allowed {
        Some(allowed) => parts.push(one_of(allowed.iter().map(ToString::to_string))),
        None => {
            if !has_bounds {
                parts.push(bounds);
            }
            if let Some(step) = spec.step {
                parts.push(format!("in steps of {step}"));
            }
        }
    }
    parts.extend(beyond(spec.overflow, spec.allowed.is_some()));
    parts
}

fn float(spec: &FloatSpec) -> String {
    let mut parts = Vec::new();
    if (spec.min, spec.max) != spec.format.range() {
        parts.push(range(spec.text(spec.min), spec.text(spec.max)));
        parts.extend(beyond(spec.overflow, false));
    }
    let has_nan = match spec.format {
        FloatFormat::Sfloat | FloatFormat::Float => true,
        FloatFormat::F32 | FloatFormat::F64 => spec.nan_is_null,
    };
    if has_nan {
        parts.push("NaN is unknown".to_owned());
    }
    parts.join("; ")
}

/// What becomes of a number outside. That it is refused goes without saying.
fn beyond(overflow: Overflow, is_list: bool) -> Option<String> {
    match overflow {
        Overflow::Clamp if !is_list => Some("the nearest is taken for one outside".to_owned()),
        Overflow::Wrap if !is_list => Some("one outside goes round".to_owned()),
        Overflow::Reject | Overflow::Clamp | Overflow::Wrap => None,
    }
}

fn power_of_ten(exponent: i8) -> String {
    match usize::try_from(exponent) {
        Ok(zeros) => format!("1{}", "0".repeat(zeros)),
        Err(_) => format!(
            "0.{}1",
            "0".repeat(usize::from(exponent.unsigned_abs()) - 1)
        ),
    }
}

fn one_of(words: impl Iterator<Item = String>) -> String {
    format!("one of {}", words.collect::<Vec<_>>().join(", "))
}

/// `3`, or `3 … 5`.
pub(super) fn range<T: PartialEq + std::fmt::Display>(min: T, max: T) -> String {
    match min == max {
        true => min.to_string(),
        false => format!("{min} … {max}"),
    }
}

/// A value as a person reads it, and its octets.
pub(super) fn value(spec: &Spec, value: &Value) -> String {
    let mut octets = Vec::new();
    crate::codec::att::encode(spec, value, &mut octets);
    let octets: Vec<String> = octets.iter().map(|octet| format!("{octet:02X}")).collect();
    let mut shown = String::new();
    json::write(spec, value, &mut shown);
    match octets.is_empty() {
        true => shown,
        false => format!("{shown} (`{}`)", octets.join(" ")),
    }
}
