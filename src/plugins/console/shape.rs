//! From the type of a value to what a field for it needs: its kind, range, words, parts.

use serde_json::{Map, Number, Value as Json};

use super::model::{Color, Field, Kind, Shape};
use crate::codec::json::{hex, to_json};
use crate::codec::{
    BoolSpec, BytesSpec, FloatFormat, FloatSpec, IntSpec, Shown, Spec, StructSpec, TextSpec, Value,
};
use crate::config::value_schema;
use crate::gatt::assigned::unit_name;

/// What a value of this type can be, in a unit of Assigned Numbers, 3.5.
pub(super) fn shape(spec: &Spec, unit: u16) -> Shape {
    let mut shape = bare(spec);
    shape.unit = symbol(unit);
    shape.range = match (&shape.min, &shape.max) {
        (Some(min), Some(max)) => Some(format!("{min} to {max}")),
        (Some(min), None) => Some(format!("{min} or more")),
        (None, Some(max)) => Some(format!("{max} or less")),
        (None, None) => None,
    };
    shape
}

/// What may be said of a value that is not shown: its kind, its type, and its length on the air. A range, words
/// or a pattern may be as secret as the value.
pub(super) fn withheld(spec: &Spec) -> Shape {
    let shape = bare(spec);
    let (least, most) = spec.octets();
    Shape {
        min_length: Some(least),
        max_length: Some(most),
        ..empty(shape.kind, &shape.ty)
    }
}

/// It says nothing of what the value may be.
fn empty(kind: Kind, ty: &str) -> Shape {
    Shape {
        kind,
        ty: ty.to_owned(),
        min: None,
        max: None,
        step: None,
        range: None,
        unit: None,
        decimals: None,
        labels: Vec::new(),
        allowed: Vec::new(),
        min_length: None,
        max_length: None,
        pattern: None,
        color: None,
        fields: Vec::new(),
        item: None,
        nullable: false,
        schema: Json::Object(Map::new()),
    }
}

fn bare(spec: &Spec) -> Shape {
    let schema = value_schema(spec).to_value();
    let empty = |kind, ty: &str| Shape {
        nullable: spec.admits_null(),
        schema,
        ..empty(kind, ty)
    };
    match spec {
        Spec::Bool(BoolSpec { words }) => Shape {
            labels: words.iter().flatten().map(ToString::to_string).collect(),
            ..empty(Kind::Boolean, "bool")
        },
        Spec::Int(int) => integer(spec, int, empty(Kind::Number, &int_type(int))),
        Spec::Float(float) => number(float, empty(Kind::Number, float_type(float))),
        Spec::Text(text) => of_text(text, empty(Kind::Text, "utf8")),
        Spec::Bytes(bytes) => of_bytes(bytes, empty(Kind::Bytes, "bytes")),
        Spec::Json(json) => Shape {
            max_length: Some(json.max_length),
            ..empty(Kind::Json, "json")
        },
        Spec::Struct(structure) => Shape {
            color: color(structure),
            fields: structure.fields.iter().map(field).collect(),
            ..empty(Kind::Struct, "struct")
        },
        Spec::Array(array) => Shape {
            min_length: Some(array.min_items),
            max_length: Some(array.max_items),
            item: Some(Box::new(bare(&array.item))),
            ..empty(Kind::Array, "array")
        },
    }
}

fn integer(spec: &Spec, int: &IntSpec, empty: Shape) -> Shape {
    let in_json = |raw: i128| match to_json(spec, &Value::Int(raw)) {
        Json::Number(number) => Some(number),
        _ => None,
    };
    match &int.shown {
        Shown::Words(words) => {
            let words = words.iter().filter(|(number, _)| {
                let allowed = int.allowed.as_ref();
                allowed.is_none_or(|allowed| allowed.contains(number))
            });
            Shape {
                kind: Kind::Enum,
                labels: words.map(|(_, word)| word.to_string()).collect(),
                ..empty
            }
        }
        Shown::Flags(flags) => {
            let set = flags.iter().filter(|flag| !flag.derived);
            Shape {
                kind: Kind::Flags,
                labels: set.map(|flag| flag.name.to_string()).collect(),
                ..empty
            }
        }
        Shown::Plain | Shown::Scaled(_) => {
            let (mut min, mut max) = (in_json(int.min), in_json(int.max));
            let step = int.step.unwrap_or(1);
            let (step, decimals) = match &int.shown {
                Shown::Scaled(scale) => {
                    if scale.is_falling() {
                        std::mem::swap(&mut min, &mut max);
                    }
                    (scaled_step(int, step, &in_json), Some(scale.decimals()))
                }
                Shown::Plain | Shown::Words(_) | Shown::Flags(_) => (in_json(step), Some(0)),
            };
            let allowed = int.allowed.iter().flat_map(|all| all.iter());
            Shape {
                min,
                max,
                step,
                decimals,
                allowed: allowed
                    .filter_map(|raw| Some(in_json(*raw)?.into()))
                    .collect(),
                ..empty
            }
        }
    }
}

/// How far two neighbours are apart in JSON, at the beginning of the range.
fn scaled_step(
    int: &IntSpec,
    step: i128,
    in_json: &dyn Fn(i128) -> Option<Number>,
) -> Option<Number> {
    let first = in_json(int.min)?.as_f64()?;
    let last = in_json(int.max)?.as_f64()?;
    let steps = (int.max - int.min) / step;
    if steps < 1 {
        return None;
    }
    // All of it over all steps: one alone may round to nothing.
    let apart = ((last - first) / steps as f64).abs();
    Number::from_f64((apart * 1e9).round() / 1e9)
}

fn number(float: &FloatSpec, empty: Shape) -> Shape {
    let (least, most) = float.format.range();
    let in_json = |bound: f64, end: f64| match bound == end {
        // The ends of the format say nothing.
        true => None,
        false => Number::from_f64(bound),
    };
    Shape {
        min: in_json(float.min, least),
        max: in_json(float.max, most),
        step: float
            .decimals
            .and_then(|digits| Number::from_f64(10f64.powi(-i32::from(digits)))),
        decimals: float.decimals,
        ..empty
    }
}

fn of_text(text: &TextSpec, empty: Shape) -> Shape {
    let allowed = text.allowed.iter().flat_map(|all| all.iter());
    let labels: Vec<String> = allowed.map(ToString::to_string).collect();
    Shape {
        kind: match labels.is_empty() {
            true => Kind::Text,
            false => Kind::Enum,
        },
        labels,
        min_length: Some(text.min_length),
        max_length: Some(text.max_length),
        pattern: text.pattern.as_ref().map(|it| it.as_str().to_owned()),
        ..empty
    }
}

fn of_bytes(bytes: &BytesSpec, empty: Shape) -> Shape {
    let allowed = bytes.allowed.iter().flat_map(|all| all.iter());
    Shape {
        allowed: allowed.map(|it| hex(it).into()).collect(),
        min_length: Some(bytes.min_length),
        max_length: Some(bytes.max_length),
        ..empty
    }
}

fn field(field: &crate::codec::Field) -> Field {
    Field {
        name: field.name.to_string(),
        at: field.at.to_string(),
        constant: field.constant.is_some(),
        optional: field.when.is_some(),
        shape: shape(&field.spec, field.unit),
    }
}

fn color(structure: &StructSpec) -> Option<Color> {
    let is_number = |name| {
        let field = structure.fields.iter().find(|field| &*field.name == name);
        field.is_some_and(|field| field.spec.is_number())
    };
    (is_number("hue") && is_number("saturation")).then_some(Color::Hsv)
}

fn int_type(int: &IntSpec) -> String {
    let sign = if int.signed { 'i' } else { 'u' };
    format!("{sign}{}", 8 * int.width.octets())
}

fn float_type(float: &FloatSpec) -> &'static str {
    match float.format {
        FloatFormat::F32 => "f32",
        FloatFormat::F64 => "f64",
        FloatFormat::Sfloat => "sfloat",
        FloatFormat::Float => "float",
    }
}

/// The sign of a unit where there is a usual one, else the word that the Bluetooth SIG has for it.
pub(super) fn symbol(unit: u16) -> Option<String> {
    let sign = match unit {
        0 | 0x2700 => return None,
        0x2701 => "m",
        0x2702 => "kg",
        0x2703 => "s",
        0x2704 => "A",
        0x2705 => "K",
        0x2712 => "m/s",
        0x2720 => "rad",
        0x2722 => "Hz",
        0x2723 => "N",
        0x2724 => "Pa",
        0x2725 => "J",
        0x2726 => "W",
        0x2728 => "V",
        0x272A => "Ω",
        0x272F => "°C",
        0x2731 => "lx",
        0x2760 => "min",
        0x2761 => "h",
        0x2762 => "d",
        0x2763 => "°",
        0x2780 => "bar",
        0x27A6 => "km/h",
        0x27A7 => "mph",
        0x27AC => "°F",
        0x27AD => "%",
        0x27AF => "bpm",
        _ => {
            let name = unit_name(unit)?;
            // `length (foot)`: what it measures is said by the name of the value.
            let inner = name
                .rsplit_once('(')
                .map(|(_, rest)| rest.trim_end_matches(')'));
            return Some(inner.unwrap_or(name).to_owned());
        }
    };
    Some(sign.to_owned())
}
