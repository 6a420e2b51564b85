//! What may stand behind `value`: a type, its constraints, and what it is in JSON.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::{Form, Lenient};
use crate::config::read::{Literal, Raw, Spanned};

/// A value: its type and its constraints.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ValueConfig {
    /// Its type on the air.
    #[serde(rename = "type")]
    #[serde(default)]
    #[schemars(required)]
    pub ty: Option<Spanned<Lenient<TypeConfig>>>,
    /// The order of the bytes of a number. Bluetooth's own characteristics are little-endian. Fields
    /// and items without one have that of the value they are in.
    #[serde(default)]
    pub endian: Option<Spanned<EndianConfig>>,
    /// The smallest number allowed, as JSON shows it. Without it, the smallest of the type.
    #[serde(default)]
    #[schemars(with = "Option<serde_json::Number>")]
    pub min: Option<Spanned<Literal>>,
    /// The largest number allowed, as JSON shows it. Without it, the largest of the type.
    #[serde(default)]
    #[schemars(with = "Option<serde_json::Number>")]
    pub max: Option<Spanned<Literal>>,
    /// The distance between two allowed integers, counted from `min`. Another number is refused; with
    /// `overflow: clamp` the nearest is taken.
    #[serde(default)]
    #[schemars(with = "Option<serde_json::Number>")]
    pub step: Option<Spanned<Literal>>,
    /// The only values allowed: of integers, text and bytes.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub allowed: Option<Spanned<Vec<Spanned<Literal>>>>,
    /// What happens to a number outside `min` and `max`, whoever sends it. Without it, `reject`.
    #[serde(default)]
    pub overflow: Option<Spanned<OverflowConfig>>,
    /// What the integer on the air stands for in JSON: `0.01` is a factor. `min`, `max`, `step`,
    /// `allowed`, `initial` and `constant` are written as JSON shows them. Of other numbers, only the
    /// `decimals` in JSON can be said.
    #[serde(default)]
    pub scale: Option<Spanned<ScaleConfig>>,
    /// The words that stand for numbers in JSON, as in `{ off: 0, heat: 1 }`; no other number is
    /// allowed. Of a bool, as in `{ ON: true, OFF: false }`.
    #[serde(rename = "enum")]
    #[serde(default)]
    pub words: Option<Spanned<Entries<Spanned<Literal>>>>,
    /// The bits of an unsigned integer that have names, as in `{ moving: 0, charging: 3 }`: an object of
    /// booleans in JSON. Other bits are reserved.
    #[serde(default)]
    pub flags: Option<Spanned<Entries<Spanned<u32>>>>,
    /// The integer on the air that means that the value is not known, `null` in JSON: `0xFFFF`. Of f32
    /// and f64, `nan`; sfloat and float have NaN for it without saying so.
    #[serde(default)]
    #[schemars(with = "Option<Literal>")]
    pub unknown: Option<Spanned<Literal>>,
    /// The unit, for the Characteristic Presentation Format (0x2904): a name such as `celsius`, or a
    /// number of the Bluetooth SIG's Assigned Numbers such as `0x272F`.
    #[serde(default)]
    #[schemars(with = "Option<Literal>")]
    pub unit: Option<Spanned<Literal>>,
    /// The type that the Characteristic Presentation Format (0x2904) names, where that is another one:
    /// `u24` for three bytes that an app knows as one number.
    #[serde(default)]
    pub presentation: Option<Spanned<String>>,
    /// How many bytes a text or a byte string has, always.
    #[serde(default)]
    #[schemars(range(min = 1, max = 512))]
    pub length: Option<Spanned<u32>>,
    /// The fewest bytes that a text or a byte string may have.
    #[serde(default)]
    #[schemars(range(max = 512))]
    pub min_length: Option<Spanned<u32>>,
    /// The most bytes that a text, a byte string or JSON may have. Without it, as many as fit: a value
    /// has 512, the most that Bluetooth allows.
    #[serde(default)]
    #[schemars(range(min = 1, max = 512))]
    pub max_length: Option<Spanned<u32>>,
    /// A regular expression that a text has to match; `^` and `$` are its ends.
    #[serde(default)]
    pub pattern: Option<Spanned<String>>,
    /// What an array has items of.
    #[serde(default)]
    pub items: Option<Box<Spanned<ValueConfig>>>,
    /// The fewest items. Without it, 0.
    #[serde(default)]
    #[schemars(range(max = 512))]
    pub min_items: Option<Spanned<u32>>,
    /// The most items. Without it, as many as fit.
    #[serde(default)]
    #[schemars(range(min = 1, max = 512))]
    pub max_items: Option<Spanned<u32>>,
    /// The fields of a struct, in their order on the air.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub fields: Option<Spanned<Vec<Spanned<ValueConfig>>>>,
    /// Where it stands in a document that several values share, or a field in the JSON of its struct: a
    /// JSON pointer such as `/color/h`. In another document than the rest: `attic#/humidity`. Of a field,
    /// without it, `/` and its name.
    #[serde(default)]
    pub json: Option<Spanned<String>>,
    /// Of a field in a struct: its name.
    #[serde(default)]
    pub name: Option<Spanned<String>>,
    /// Of a field in a struct: the flag, declared in an earlier field, that says that it is there; with
    /// `!` before it, a flag that is clear when it is there. The flag follows from what is there, and is
    /// not shown in JSON. Fields with the same `json` are alternatives: the first that can hold what JSON
    /// says is there.
    #[serde(default)]
    pub when: Option<Spanned<String>>,
    /// Of a field in the value of a response: the field of what was written that it repeats.
    #[serde(default)]
    pub copy: Option<Spanned<String>>,
    /// The value before anybody has set one. Without it, what is not known where that can be said, 0 (or
    /// the nearest to it that is allowed), false or empty where this process owns the value, and unknown
    /// where a remote program does.
    #[serde(default)]
    #[schemars(with = "Option<AnyLiteral>")]
    pub initial: Option<Raw>,
    /// The value for ever; of a field in a struct, what its bytes always are. `{hostname}`, `{machine_id}`
    /// and `{device_name}` are filled in in a text that is the whole value.
    #[serde(default)]
    #[schemars(with = "Option<AnyLiteral>")]
    pub constant: Option<Raw>,
}

/// A value as a person writes it.
pub struct AnyLiteral;

/// A mapping with keys of its own, in the order in which they stand.
#[derive(Clone, Debug)]
pub struct Entries<T>(pub Vec<(String, T)>);

/// How a number on the air and a number in JSON belong together.
#[derive(Debug)]
pub enum ScaleConfig {
    /// The factor.
    Factor(f64),
    Long(Box<LongScaleConfig>),
}

/// How a number on the air and a number in JSON belong together: either `by` a factor, or a range `to`
/// another one.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ScaleInFull")]
pub struct LongScaleConfig {
    /// JSON shows the number on the air times this.
    #[serde(default)]
    #[schemars(with = "Option<serde_json::Number>")]
    pub by: Option<Spanned<Literal>>,
    /// And this is added then. Without it, 0.
    #[serde(default)]
    #[schemars(with = "Option<serde_json::Number>")]
    pub offset: Option<Spanned<Literal>>,
    /// The two numbers in JSON for the two of `from`, as in `[0.0, 1.0]`.
    #[serde(default)]
    #[schemars(with = "Option<[serde_json::Number; 2]>")]
    pub to: Option<Spanned<Vec<Spanned<Literal>>>>,
    /// The two numbers on the air for the two of `to`. Without it, the smallest and the largest of the
    /// type.
    #[serde(default)]
    #[schemars(with = "Option<[i64; 2]>")]
    pub from: Option<Spanned<Vec<Spanned<Literal>>>>,
    /// How many digits JSON shows after the point; rounded half away from zero. Without it, those of the
    /// factor and the offset, or as many as tell two numbers apart.
    #[serde(default)]
    #[schemars(range(max = 9))]
    pub decimals: Option<Spanned<u32>>,
}

/// The type of a value on the air.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TypeConfig {
    /// Unsigned, 1 byte.
    U8,
    /// Unsigned, 2 bytes.
    U16,
    /// Unsigned, 3 bytes.
    U24,
    /// Unsigned, 4 bytes.
    U32,
    /// Unsigned, 8 bytes.
    U64,
    /// Signed, 1 byte.
    I8,
    /// Signed, 2 bytes.
    I16,
    /// Signed, 3 bytes.
    I24,
    /// Signed, 4 bytes.
    I32,
    /// Signed, 8 bytes.
    I64,
    /// IEEE 754, 4 bytes.
    F32,
    /// IEEE 754, 8 bytes.
    F64,
    /// IEEE 11073-20601 SFLOAT, 2 bytes: 12 bits times a power of ten, as medical devices have it.
    Sfloat,
    /// IEEE 11073-20601 FLOAT, 4 bytes: 24 bits times a power of ten.
    Float,
    /// 1 byte, 0 or 1.
    Bool,
    /// Text.
    Utf8,
    /// Bytes; hexadecimal in JSON.
    Bytes,
    /// JSON, as text on the air.
    Json,
    /// Several values one after the other: `fields`. An object in JSON.
    Struct,
    /// Values of one kind one after the other: `items`.
    Array,
}

/// The order of the bytes of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndianConfig {
    /// The least significant byte first.
    Little,
    /// The most significant byte first.
    Big,
}

/// What happens to a number outside its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OverflowConfig {
    /// It is refused: an ATT error for a central; on MQTT it is dropped, counted and logged.
    Reject,
    /// The nearest bound is taken.
    Clamp,
    /// It goes round: one above `max` is `min`. Integers only.
    Wrap,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Collect<T> {
            type Value = Entries<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<T>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Collect(PhantomData))
    }
}

impl<'de> Deserialize<'de> for ScaleConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FactorOrMore;
        impl<'de> Visitor<'de> for FactorOrMore {
            type Value = ScaleConfig;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a factor, or `{ by: …, offset: … }`, or `{ to: [0.0, 1.0] }`,")
            }

            fn visit_f64<E>(self, factor: f64) -> Result<ScaleConfig, E> {
                Ok(ScaleConfig::Factor(factor))
            }

            fn visit_i64<E>(self, factor: i64) -> Result<ScaleConfig, E> {
                Ok(ScaleConfig::Factor(factor as f64))
            }

            fn visit_u64<E>(self, factor: u64) -> Result<ScaleConfig, E> {
                Ok(ScaleConfig::Factor(factor as f64))
            }

            fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<ScaleConfig, A::Error> {
                let long = LongScaleConfig::deserialize(MapAccessDeserializer::new(entries))?;
                Ok(ScaleConfig::Long(Box::new(long)))
            }
        }
        deserializer.deserialize_any(FactorOrMore)
    }
}

impl Form for TypeConfig {
    fn parse(text: &str) -> Result<Self, String> {
        let word = serde::de::value::StrDeserializer::<serde::de::value::Error>::new(text);
        Self::deserialize(word).map_err(|_| format!("`{text}` is no type"))
    }
}

impl JsonSchema for AnyLiteral {
    fn schema_name() -> Cow<'static, str> {
        "AnyLiteral".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A value as its JSON shows it: a number, a text or a boolean; of a struct a \
                mapping, of an array a list.",
            "type": ["number", "string", "boolean", "object", "array"],
        })
    }
}

impl<T: JsonSchema> JsonSchema for Entries<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Entries_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let inner = generator.subschema_for::<T>();
        json_schema!({ "type": "object", "minProperties": 1, "additionalProperties": inner })
    }
}

impl JsonSchema for ScaleConfig {
    fn schema_name() -> Cow<'static, str> {
        "Scale".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let long = generator.subschema_for::<LongScaleConfig>();
        json_schema!({
            "description": "A factor, or a mapping with more to say.",
            "anyOf": [{ "type": "number" }, long],
        })
    }
}
