//! What may stand in the YAML. These types are its documentation and its schema: the descriptions
//! that an editor shows are the comments here.
//!
//! What has to be there is optional here all the same: if one missing key were an error of the whole
//! mapping, it would hide every other mistake in it. `resolve` says what is missing.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer};

use super::read::{Literal, Raw, Spanned};
use super::security::SecurityConfig;
use crate::gatt::assigned::BtUuid;

/// A configuration of bemo-sync: GATT services, their characteristics, and what keeps their values in
/// step with the world.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "bemo-sync configuration")]
pub struct Config {
    /// The version of this format. It is 1.
    #[schemars(extend("const" = 1))]
    #[serde(default)]
    #[schemars(required)]
    pub version: Option<Spanned<u32>>,
    /// What the device calls itself.
    #[serde(default)]
    pub device: DeviceConfig,
    /// The GATT services, in the order of their handles.
    #[schemars(length(min = 1))]
    #[serde(default)]
    #[schemars(required)]
    pub services: Option<Spanned<Vec<Spanned<ServiceConfig>>>>,
    #[serde(rename = "$rest", default)]
    #[schemars(skip)]
    pub plugins: BTreeMap<String, Raw>,
}

/// What the device calls itself.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceConfig {
    /// The name that centrals see; `{hostname}` and `{machine_id}` are filled in. Without it, the
    /// host name.
    #[serde(default)]
    #[schemars(length(min = 1, max = 248))]
    pub name: Option<Spanned<String>>,
}

/// A GATT service.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceConfig {
    /// What people call it; for logs and documents.
    #[serde(default)]
    #[schemars(required)]
    pub name: Option<Spanned<String>>,
    /// Its UUID.
    #[serde(default)]
    #[schemars(required)]
    pub uuid: Option<Spanned<Lenient<BtUuid>>>,
    /// Whether its UUID is part of the advertisement.
    #[serde(default)]
    pub advertise: bool,
    /// Its characteristics, in the order of their handles.
    #[schemars(length(min = 1))]
    #[serde(default)]
    #[schemars(required)]
    pub characteristics: Option<Spanned<Vec<Spanned<CharacteristicConfig>>>>,
}

/// A characteristic: one value on the air, and what it is kept in step with.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CharacteristicConfig {
    /// What people call it. Centrals read it as the Characteristic User Description (0x2901).
    /// `{hostname}`, `{machine_id}` and `{device_name}` are filled in.
    #[serde(default)]
    #[schemars(required)]
    pub name: Option<Spanned<String>>,
    /// Its UUID.
    #[serde(default)]
    #[schemars(required)]
    pub uuid: Option<Spanned<Lenient<BtUuid>>>,
    /// What a central may do with it.
    #[schemars(length(min = 1))]
    #[serde(default)]
    #[schemars(required)]
    pub access: Option<Spanned<Vec<Spanned<AccessConfig>>>>,
    /// What its value is.
    #[serde(default)]
    #[schemars(required)]
    pub value: Option<Spanned<ValueConfig>>,
    /// How safe a link has to be before a central may use it: `open`, `encrypted` or `authenticated`;
    /// or `{ read: …, write: …, notify: … }` with one of these each. Without it, `open`. A central
    /// that finds it closed pairs by itself, as phones do; `pairing` in the section `ble` says how.
    #[serde(default)]
    pub security: Option<Spanned<SecurityConfig>>,
    /// What produces its values, besides centrals and topics.
    #[serde(default)]
    pub source: Option<Spanned<SourceConfig>>,
    #[serde(rename = "$rest", default)]
    #[schemars(skip)]
    pub plugins: BTreeMap<String, Raw>,
}

/// What produces values: exactly one of these.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    #[serde(rename = "$rest", default)]
    #[schemars(skip)]
    pub plugins: BTreeMap<String, Raw>,
}

/// What a central may do with a characteristic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccessConfig {
    /// Read the value.
    Read,
    /// Write it, and hear whether it was accepted.
    Write,
    /// Write it without an answer. Quicker, but a wrong value is refused in silence.
    WriteWithoutResponse,
    /// Subscribe to changes.
    Notify,
    /// Subscribe to changes, and confirm each.
    Indicate,
}

/// A value: its type and its constraints.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ValueConfig {
    /// Its type on the air.
    #[serde(rename = "type")]
    #[serde(default)]
    #[schemars(required)]
    pub ty: Option<Spanned<Lenient<TypeConfig>>>,
    /// The order of the bytes of a number. Bluetooth's own characteristics are little-endian.
    #[serde(default)]
    pub endian: Option<Spanned<EndianConfig>>,
    /// The smallest number allowed. Without it, the smallest of the type.
    #[serde(default)]
    #[schemars(with = "Option<serde_json::Number>")]
    pub min: Option<Spanned<Literal>>,
    /// The largest number allowed. Without it, the largest of the type.
    #[serde(default)]
    #[schemars(with = "Option<serde_json::Number>")]
    pub max: Option<Spanned<Literal>>,
    /// What happens to a number outside `min` and `max`, whoever sends it. Without it, `reject`.
    #[serde(default)]
    pub overflow: Option<Spanned<OverflowConfig>>,
    /// The most bytes that a text or a byte string may have. Without it, 512, the most that Bluetooth
    /// allows.
    #[serde(default)]
    #[schemars(range(min = 1, max = 512))]
    pub max_length: Option<Spanned<u32>>,
    /// The value before anybody has set one. Without it, 0 (or the smallest allowed), false or empty
    /// where this process owns the value, and unknown where a remote program does.
    #[serde(default)]
    pub initial: Option<Spanned<Literal>>,
    /// The value for ever. `{hostname}`, `{machine_id}` and `{device_name}` are filled in in a text.
    #[serde(default)]
    pub constant: Option<Spanned<Literal>>,
}

/// The type of a value on the air.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TypeConfig {
    /// Unsigned, 1 byte.
    U8,
    /// Unsigned, 2 bytes.
    U16,
    /// Unsigned, 4 bytes.
    U32,
    /// Unsigned, 8 bytes.
    U64,
    /// Signed, 1 byte.
    I8,
    /// Signed, 2 bytes.
    I16,
    /// Signed, 4 bytes.
    I32,
    /// Signed, 8 bytes.
    I64,
    /// IEEE 754, 4 bytes.
    F32,
    /// IEEE 754, 8 bytes.
    F64,
    /// 1 byte, 0 or 1.
    Bool,
    /// Text.
    Utf8,
    /// Bytes; hexadecimal in JSON.
    Bytes,
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

/// A word with a form of its own. A wrong one is a mistake of its own and hides no other.
#[derive(Clone, Debug)]
pub struct Lenient<T>(pub Result<T, String>);

/// A length of time, for example `1s` or `250ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval(pub Duration);

/// Nothing here waits longer; and no clock runs over.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// A form that a word may have.
pub trait Form: Sized {
    /// # Errors
    /// What is wrong with the text, in words for a person.
    fn parse(text: &str) -> Result<Self, String>;
}

impl<'de, T: Form> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Literal::deserialize(deserializer).map(|literal| Self(T::parse(&literal.text)))
    }
}

impl Form for BtUuid {
    fn parse(text: &str) -> Result<Self, String> {
        Self::from_str(text)
    }
}

impl Form for TypeConfig {
    fn parse(text: &str) -> Result<Self, String> {
        let word = serde::de::value::StrDeserializer::<serde::de::value::Error>::new(text);
        Self::deserialize(word).map_err(|_| format!("`{text}` is no type"))
    }
}

impl Form for Interval {
    fn parse(text: &str) -> Result<Self, String> {
        let unit_at = text
            .find(|c: char| c.is_ascii_alphabetic())
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(unit_at);
        let seconds = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "min" => 60.0,
            "h" => 3600.0,
            _ => return Err(format!("`{text}` is no length of time")),
        };
        let number: f64 = number
            .trim()
            .parse()
            .map_err(|_| format!("`{text}` is no length of time"))?;
        Duration::try_from_secs_f64(number * seconds)
            .ok()
            .filter(|length| *length <= LONGEST)
            .map(Self)
            .ok_or_else(|| format!("`{text}` is longer than a year"))
    }
}

// ── schemas of the types that serde derives nothing for ──────────────────────────────────────────

/// What only carries a value has the schema of that value.
macro_rules! transparent {
    ($($carrier:ident),*) => {$(
        impl<T: JsonSchema> JsonSchema for $carrier<T> {
            fn inline_schema() -> bool {
                T::inline_schema()
            }

            fn schema_name() -> Cow<'static, str> {
                T::schema_name()
            }

            fn schema_id() -> Cow<'static, str> {
                T::schema_id()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                T::json_schema(generator)
            }
        }
    )*};
}

transparent!(Spanned, Lenient);

impl JsonSchema for Literal {
    fn schema_name() -> Cow<'static, str> {
        "Literal".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number, a text or a boolean, as the type of the value wants it. \
                Bytes are hexadecimal text.",
            "type": ["number", "string", "boolean"],
        })
    }
}

impl JsonSchema for BtUuid {
    fn schema_name() -> Cow<'static, str> {
        "Uuid".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // An unquoted 2901 or 0x180A is a number for YAML.
        json_schema!({
            "description": "A UUID: 16 bit (`180A` or `0x180A`), 32 bit, or 128 bit \
                (`7a4bbfe6-999f-4717-b63a-066e06971f59`).",
            "anyOf": [
                {
                    "type": "string",
                    "pattern": "^((0[xX])?[0-9a-fA-F]{4}|(0[xX])?[0-9a-fA-F]{8}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$",
                },
                { "type": "integer", "minimum": 1000 },
            ],
        })
    }
}

impl JsonSchema for Interval {
    fn schema_name() -> Cow<'static, str> {
        "Interval".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A length of time: a number and `ms`, `s`, `min` or `h`.",
            "type": "string",
            "pattern": "^[0-9]+(\\.[0-9]+)? *(ms|s|min|h)$",
            "examples": ["1s", "250ms"],
        })
    }
}
