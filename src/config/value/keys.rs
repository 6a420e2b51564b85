//! Which keys have a meaning for which types.

use super::ValueReader;
use crate::config::model::{TypeConfig, ValueConfig};
use crate::config::tree::NodeId;

pub(super) const TYPES: &[&str] = &[
    "u8", "u16", "u24", "u32", "u64", "i8", "i16", "i24", "i32", "i64", "f32", "f64", "sfloat",
    "float", "bool", "utf8", "bytes", "json", "struct", "array",
];

/// Types that take the same keys.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Int,
    Float,
    Bool,
    Text,
    Bytes,
    Json,
    Struct,
    Array,
}

impl Kind {
    pub(super) fn of(ty: TypeConfig) -> Self {
        match ty {
            TypeConfig::U8
            | TypeConfig::U16
            | TypeConfig::U24
            | TypeConfig::U32
            | TypeConfig::U64
            | TypeConfig::I8
            | TypeConfig::I16
            | TypeConfig::I24
            | TypeConfig::I32
            | TypeConfig::I64 => Self::Int,
            TypeConfig::F32 | TypeConfig::F64 | TypeConfig::Sfloat | TypeConfig::Float => {
                Self::Float
            }
            TypeConfig::Bool => Self::Bool,
            TypeConfig::Utf8 => Self::Text,
            TypeConfig::Bytes => Self::Bytes,
            TypeConfig::Json => Self::Json,
            TypeConfig::Struct => Self::Struct,
            TypeConfig::Array => Self::Array,
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Int => "an integer",
            Self::Float => "a number with a point",
            Self::Bool => "a bool",
            Self::Text => "a text",
            Self::Bytes => "a byte string",
            Self::Json => "JSON",
            Self::Struct => "a struct",
            Self::Array => "an array",
        }
    }
}

/// Every key with a meaning for some types only, and for which.
const KEYS: &[(&str, &[Kind])] = &[
    (
        "endian",
        &[Kind::Int, Kind::Float, Kind::Struct, Kind::Array],
    ),
    ("min", &[Kind::Int, Kind::Float]),
    ("max", &[Kind::Int, Kind::Float]),
    ("step", &[Kind::Int]),
    ("allowed", &[Kind::Int, Kind::Text, Kind::Bytes]),
    ("overflow", &[Kind::Int, Kind::Float]),
    ("scale", &[Kind::Int, Kind::Float]),
    ("enum", &[Kind::Int, Kind::Bool]),
    ("flags", &[Kind::Int]),
    ("unknown", &[Kind::Int, Kind::Float]),
    ("length", &[Kind::Text, Kind::Bytes]),
    ("min_length", &[Kind::Text, Kind::Bytes]),
    ("max_length", &[Kind::Text, Kind::Bytes, Kind::Json]),
    ("pattern", &[Kind::Text]),
    ("items", &[Kind::Array]),
    ("min_items", &[Kind::Array]),
    ("max_items", &[Kind::Array]),
    ("fields", &[Kind::Struct]),
];

impl ValueReader<'_> {
    /// Says of every key that has no meaning for the type that it has none.
    pub(super) fn refuse_keys(&mut self, config: &ValueConfig, kind: Kind) {
        for (key, kinds) in KEYS {
            if let Some(at) = place_of(config, key)
                && !kinds.contains(&kind)
            {
                let message = format!("`{key}` has no meaning for {}", kind.noun());
                let nouns: Vec<_> = kinds.iter().map(|kind| kind.noun()).collect();
                let help = format!("remove it: it is for {}", nouns.join(" or "));
                self.mistake(at, message, help);
            }
        }
    }
}

fn place_of(config: &ValueConfig, key: &str) -> Option<NodeId> {
    match key {
        "endian" => config.endian.as_ref().map(|it| it.at),
        "min" => config.min.as_ref().map(|it| it.at),
        "max" => config.max.as_ref().map(|it| it.at),
        "step" => config.step.as_ref().map(|it| it.at),
        "allowed" => config.allowed.as_ref().map(|it| it.at),
        "overflow" => config.overflow.as_ref().map(|it| it.at),
        "scale" => config.scale.as_ref().map(|it| it.at),
        "enum" => config.words.as_ref().map(|it| it.at),
        "flags" => config.flags.as_ref().map(|it| it.at),
        "unknown" => config.unknown.as_ref().map(|it| it.at),
        "length" => config.length.as_ref().map(|it| it.at),
        "min_length" => config.min_length.as_ref().map(|it| it.at),
        "max_length" => config.max_length.as_ref().map(|it| it.at),
        "pattern" => config.pattern.as_ref().map(|it| it.at),
        "items" => config.items.as_ref().map(|it| it.at),
        "min_items" => config.min_items.as_ref().map(|it| it.at),
        "max_items" => config.max_items.as_ref().map(|it| it.at),
        "fields" => config.fields.as_ref().map(|it| it.at),
        _ => None,
    }
}
