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

mod flow;
mod value;

pub use flow::{
    AckConfig, DeliveryConfig, DeliveryWord, NotifyConfig, NotifyWord, PaceConfig, QueueConfig,
    ResponseConfig, WhenFullConfig, WordOr,
};
pub use value::{
    AnyLiteral, EndianConfig, Entries, LongScaleConfig, OverflowConfig, ScaleConfig, TypeConfig,
    ValueConfig,
};

use super::read::{Literal, Raw, Spanned};
use super::security::SecurityConfig;
use super::sig::Attribute;
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
    /// What people call it; for logs and documents. Without it, the name that goes with the name in
    /// `uuid`.
    #[serde(default)]
    #[schemars(required)]
    pub name: Option<Spanned<String>>,
    /// Its UUID, or its name if it is one of the Bluetooth SIG: `environmental_sensing`.
    #[serde(default)]
    #[schemars(required, with = "ServiceUuid")]
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
    /// Its UUID, or its name if it is one of the Bluetooth SIG: `battery_level`. A name brings `name`,
    /// `access` and `value`; what stands here beside it is taken in its place, key by key also in
    /// `value`, unless that has another `type`.
    #[serde(default)]
    #[schemars(required, with = "CharacteristicUuid")]
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
    /// How often subscribers hear of it. Without it, on every change.
    #[serde(default)]
    pub notify: Option<Spanned<NotifyConfig>>,
    /// What of it reaches subscribers and topics. Without it, the newest value; with a `response`, every one.
    #[serde(default)]
    pub delivery: Option<Spanned<DeliveryConfig>>,
    /// What the response to a write promises. Without it, `journaled`; beside `write_without_response`,
    /// `accepted`, because then a write is answered before this program sees it. What cannot be promised
    /// within 10 s is answered with the ATT error 0x81.
    #[serde(default)]
    pub ack: Option<Spanned<AckConfig>>,
    /// What a central hears of what came of its write.
    #[serde(default)]
    pub response: Option<Spanned<ResponseConfig>>,
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
        if number < 0.0 {
            return Err(format!("`{text}` is negative, and no length of time is"));
        }
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

/// A UUID, or one of the names that stand for one.
macro_rules! named {
    ($($name:ident: $kind:expr, $description:literal;)*) => {$(
        struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "description": $description,
                    "anyOf": [
                        generator.subschema_for::<BtUuid>(),
                        { "type": "string", "enum": $kind.names() },
                    ],
                })
            }
        }
    )*};
}

named! {
    ServiceUuid: Attribute::Service,
        "A UUID, or the name of a service of the Bluetooth SIG.";
    CharacteristicUuid: Attribute::Characteristic,
        "A UUID, or the name of a characteristic of the Bluetooth SIG.";
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_that_is_none_says_why() {
        for (text, why) in [
            ("-1s", "`-1s` is negative, and no length of time is"),
            (
                "-0.5 min",
                "`-0.5 min` is negative, and no length of time is",
            ),
            ("9000h", "`9000h` is longer than a year"),
            ("1d", "`1d` is no length of time"),
            ("s", "`s` is no length of time"),
        ] {
            assert_eq!(Interval::parse(text).err().as_deref(), Some(why));
        }
        for (text, length) in [("0s", 0), ("-0s", 0), ("1.5 min", 90_000), ("20ms", 20)] {
            let parsed = Interval::parse(text).map(|parsed| parsed.0);
            assert_eq!(parsed, Ok(Duration::from_millis(length)));
        }
    }
}
