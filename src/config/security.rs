//! How safe a link has to be before a central may use a characteristic.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

use super::read::Spanned;
use crate::gatt::SecurityLevel;

/// What a link has to be: one word for everything, or one for each kind of access.
#[derive(Debug)]
pub enum SecurityConfig {
    Same(SecurityWord),
    Each(EachSecurityConfig),
}

/// What a link has to be, for each kind of access. What is not named is open.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SecurityInFull")]
pub struct EachSecurityConfig {
    /// To read the value.
    #[serde(default)]
    pub read: Option<Spanned<SecurityWord>>,
    /// To write it.
    #[serde(default)]
    pub write: Option<Spanned<SecurityWord>>,
    /// To subscribe to its notifications or indications, which carry it as well.
    #[serde(default)]
    pub notify: Option<Spanned<SecurityWord>>,
}

/// What a link has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecurityWord {
    /// As it is: every central in reach.
    Open,
    /// Encrypted: the central pairs first, with nobody asking whether it is the right one.
    Encrypted,
    /// Encrypted after a pairing in which somebody has compared or typed a number.
    Authenticated,
}

impl From<SecurityWord> for SecurityLevel {
    fn from(word: SecurityWord) -> Self {
        match word {
            SecurityWord::Open => Self::Open,
            SecurityWord::Encrypted => Self::Encrypted,
            SecurityWord::Authenticated => Self::Authenticated,
        }
    }
}

impl<'de> Deserialize<'de> for SecurityConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrMapping;
        impl<'de> Visitor<'de> for WordOrMapping {
            type Value = SecurityConfig;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "`open`, `encrypted`, `authenticated`, or `{ read: …, write: …, notify: … }`,",
                )
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<SecurityConfig, E> {
                SecurityWord::deserialize(StrDeserializer::new(text)).map(SecurityConfig::Same)
            }

            fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<SecurityConfig, A::Error> {
                EachSecurityConfig::deserialize(MapAccessDeserializer::new(entries))
                    .map(SecurityConfig::Each)
            }
        }
        deserializer.deserialize_any(WordOrMapping)
    }
}

impl JsonSchema for SecurityConfig {
    fn schema_name() -> Cow<'static, str> {
        "Security".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let same = generator.subschema_for::<SecurityWord>();
        let each = generator.subschema_for::<EachSecurityConfig>();
        json_schema!({
            "description": "What a link has to be: one word for everything, or `read`, `write` and \
                `notify` with a word each.",
            "anyOf": [same, each],
        })
    }
}
