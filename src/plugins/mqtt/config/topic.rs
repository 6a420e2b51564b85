//! The forms in which topics stand in the YAML: a name or a mapping, one or a list.

use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer, StrDeserializer};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{PasswordConfig, PasswordFileConfig, Qos};
use crate::config::{Lenient, Spanned};
use crate::plugins::mqtt::secret::Secret;

/// A topic: its name, or a mapping with more to say.
#[derive(Debug)]
pub enum TopicConfig {
    Short(String),
    Long(LongTopicConfig),
}

/// A topic of a document: its name, or a mapping with more to say.
#[derive(Debug)]
pub enum DocumentTopicConfig {
    Short(String),
    Long(LongDocumentTopicConfig),
}

/// One, or a list.
#[derive(Debug)]
pub enum OneOrMany<T> {
    One(T),
    Many(Vec<Spanned<T>>),
}

/// A topic of a document, and how it is used.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "MqttDocumentTopicInFull")]
pub struct LongDocumentTopicConfig {
    /// Its name. Placeholders such as `{client_id}` are filled in.
    pub topic: Spanned<String>,
    /// Its quality of service. Without it, that of the connection. A topic that is subscribed to has 1
    /// at most.
    #[serde(default)]
    pub qos: Option<Spanned<Lenient<Qos>>>,
    /// Whether the broker keeps the newest message for those who come later. Without it, state is
    /// retained if it is sent whole, and a command is not. A state of which only changes are sent cannot
    /// be: who comes later would take a part for the whole. Only for a topic that this process publishes
    /// on.
    #[serde(default)]
    pub retain: Option<Spanned<bool>>,
    /// How much of the document is published, and when. Without it, `whole` for the state and `changed`
    /// for a command. Only for a topic that this process publishes on.
    #[serde(default)]
    pub send: Option<Spanned<SendConfig>>,
}

/// How much of a document is published, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "MqttSendConfig")]
pub enum SendConfig {
    /// The values that have changed, when they have. What changes at once goes into one message.
    Changed,
    /// All values that are known, when one has changed.
    Whole,
    /// All values that are known, when a characteristic with `gathers` is written.
    Gathered,
}

/// A topic, and how it is used.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "MqttTopicInFull")]
pub struct LongTopicConfig {
    /// Its name. Placeholders such as `{client_id}` are filled in.
    pub topic: Spanned<String>,
    /// Its quality of service. Without it, that of the connection. A topic that is subscribed to has 1
    /// at most: 2 would keep the broker's half of a hand-over that does not survive a reconnection.
    #[serde(default)]
    pub qos: Option<Spanned<Lenient<Qos>>>,
    /// Whether the broker keeps the newest message for those who come later. Without it, state is
    /// retained unless every event counts, and a command is not. Only for a topic that this process
    /// publishes on.
    #[serde(default)]
    pub retain: Option<Spanned<bool>>,
}

// ── short and long forms ─────────────────────────────────────────────────────────────────────────

/// Reads a text as the short form and a mapping as the long one. What is wrong inside the mapping is
/// said at its own place, which an untagged enum could not do.
struct ShortOrLong<T, L> {
    wanted: &'static str,
    short: fn(String) -> T,
    long: fn(L) -> T,
    of: PhantomData<L>,
}

impl<'de, T, L: Deserialize<'de>> Visitor<'de> for ShortOrLong<T, L> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.wanted)
    }

    fn visit_str<E>(self, text: &str) -> Result<T, E> {
        Ok((self.short)(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<T, A::Error> {
        L::deserialize(MapAccessDeserializer::new(entries)).map(self.long)
    }
}

impl<'de> Deserialize<'de> for TopicConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShortOrLong {
            wanted: "a topic, or `{ topic: …, qos: …, retain: … }`,",
            short: Self::Short,
            long: Self::Long,
            of: PhantomData,
        })
    }
}

impl<'de> Deserialize<'de> for DocumentTopicConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShortOrLong {
            wanted: "a topic, or `{ topic: …, send: …, qos: …, retain: … }`,",
            short: Self::Short,
            long: Self::Long,
            of: PhantomData,
        })
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrList<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrList<T> {
            type Value = OneOrMany<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a topic, `{ topic: …, qos: …, retain: … }`, or a list of those,")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                T::deserialize(StrDeserializer::new(text)).map(OneOrMany::One)
            }

            fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(entries)).map(OneOrMany::One)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(items)).map(OneOrMany::Many)
            }
        }
        deserializer.deserialize_any(OneOrList(PhantomData))
    }
}

impl<'de> Deserialize<'de> for PasswordConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShortOrLong {
            wanted: "a text (digits need quotes), or `{ file: … }`,",
            short: |text| Self::Text(Secret::new(text)),
            long: Self::File,
            of: PhantomData,
        })
    }
}

fn short_or_long<L: JsonSchema>(generator: &mut SchemaGenerator, description: &str) -> Schema {
    let long = generator.subschema_for::<L>();
    json_schema!({
        "description": description,
        "anyOf": [{ "type": "string", "minLength": 1 }, long],
    })
}

impl JsonSchema for TopicConfig {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "MqttTopic".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        short_or_long::<LongTopicConfig>(
            generator,
            "A topic: its name, or a mapping with `topic`, `qos` and `retain`.",
        )
    }
}

impl JsonSchema for DocumentTopicConfig {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "MqttDocumentTopic".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        short_or_long::<LongDocumentTopicConfig>(
            generator,
            "A topic: its name, or a mapping with `topic`, `send`, `qos` and `retain`.",
        )
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("{}OrMany", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({
            "description": "A topic; where it is only subscribed to, also a list of topics.",
            "anyOf": [one, { "type": "array", "minItems": 1, "items": one }],
        })
    }
}

impl JsonSchema for PasswordConfig {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "MqttPassword".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        short_or_long::<PasswordFileConfig>(
            generator,
            "A password, best as `${NAME}` from the environment, or the file that it is in.",
        )
    }
}
