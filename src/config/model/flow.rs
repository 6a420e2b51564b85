//! What may be said of the way of a value: how often it is told, what of it, and what is answered.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::{AnyLiteral, Interval, Lenient, ValueConfig};
use crate::config::read::{Raw, Spanned};
use crate::engine::Ack;

/// One word, or a mapping with more to say.
#[derive(Clone, Debug)]
pub enum WordOr<W, M> {
    Word(W),
    More(Box<M>),
}

/// How often subscribers hear of a value.
pub type NotifyConfig = WordOr<NotifyWord, PaceConfig>;

/// How often subscribers hear of a value, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotifyWord {
    /// Of every change, as soon as the connection carries it.
    OnChange,
}

/// How often subscribers hear of a value: one of the two.
#[derive(Clone, Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Pace", extend("minProperties" = 1, "maxProperties" = 1))]
pub struct PaceConfig {
    /// Of the first change at once, then of the newest value once in so long at most. The last change
    /// is always told.
    #[serde(default)]
    pub at_most_every: Option<Spanned<Lenient<Interval>>>,
    /// Once in so long, whether it has changed or not.
    #[serde(default)]
    pub every: Option<Spanned<Lenient<Interval>>>,
}

/// What of a value reaches who hears of it.
pub type DeliveryConfig = WordOr<DeliveryWord, QueueConfig>;

/// What of a value reaches who hears of it, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryWord {
    /// The newest value. What it was in between is passed over when there is no time to tell it.
    Latest,
    /// Every accepted write and message, in order, also when it is equal to the last: each is an event.
    /// 256 of them wait for each who is to hear of them.
    Every,
}

/// Every accepted write and message is an event, and so many of them wait.
#[derive(Clone, Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Queue")]
pub struct QueueConfig {
    /// How many events wait for each who is to hear of them: the broker may be away, the adapter too.
    #[serde(default)]
    #[schemars(required, range(min = 1, max = 65_535))]
    pub every: Option<Spanned<u32>>,
    /// What happens to the next event when so many wait. Without it, `reject`.
    #[serde(default)]
    pub when_full: Option<WhenFullConfig>,
    /// How long an event is worth telling: who comes back later does not hear of it any more. Without it,
    /// for ever. A write whose `response` has said that nobody answered is not told later in any case.
    #[serde(default)]
    pub expires: Option<Spanned<Lenient<Interval>>>,
}

/// What gives way when one more event does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhenFullConfig {
    /// The new event: it is refused, as an ATT error for a central, and nothing changes anywhere.
    Reject,
    /// The oldest event, which is counted.
    DropOldest,
}

/// What the response to a write promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Ack")]
pub enum AckConfig {
    /// It was accepted. A power cut may take it before anybody has heard of it.
    Accepted,
    /// It survives a power cut, and the end of this process however that comes: it is published, or
    /// something newer is. Where there is no topic, it is the value after the start only with `persist: true`.
    Journaled,
    /// The broker has acknowledged it. Not with `qos: 0`.
    Published,
    /// The remote owner has said that it is so. Only with `owner: remote`.
    Confirmed,
}

impl From<AckConfig> for Ack {
    fn from(config: AckConfig) -> Self {
        match config {
            AckConfig::Accepted => Self::Accepted,
            AckConfig::Journaled => Self::Journaled,
            AckConfig::Published => Self::Published,
            AckConfig::Confirmed => Self::Confirmed,
        }
    }
}

/// What a central hears of what came of its write: either `in` another characteristic, or in a `value`
/// that this one notifies of or indicates instead of what was written. Every answer is told, also when
/// it is equal to the last.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["in"] }, { "required": ["value"] }]))]
pub struct ResponseConfig {
    /// The name of the characteristic whose value is the answer.
    #[serde(rename = "in", default)]
    pub of: Option<Spanned<String>>,
    /// The value that is the answer, which the characteristic notifies of instead of its own. Where its
    /// messages come from stands beside it, as at a characteristic.
    #[serde(default)]
    pub value: Option<Spanned<ValueConfig>>,
    /// So long after the write, nobody has answered.
    #[serde(default)]
    pub within: Option<Spanned<Lenient<Interval>>>,
    /// The answer when nobody has.
    #[serde(default)]
    #[schemars(with = "Option<AnyLiteral>")]
    pub otherwise: Option<Raw>,
    /// The answer to a write that was accepted, at once. Without it, whatever a topic makes of the value
    /// that answers.
    #[serde(default)]
    #[schemars(with = "Option<AnyLiteral>")]
    pub accepted: Option<Raw>,
    /// The answer to a write that breaks a constraint. The write itself is then acknowledged instead of
    /// answered with an ATT error; it changes nothing and is counted all the same.
    #[serde(default)]
    #[schemars(with = "Option<AnyLiteral>")]
    pub refused: Option<Raw>,
    #[serde(rename = "$rest", default)]
    #[schemars(skip)]
    pub plugins: BTreeMap<String, Raw>,
}

impl<'de, W: Deserialize<'de>, M: Deserialize<'de>> Deserialize<'de> for WordOr<W, M> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<W, M>(PhantomData<(W, M)>);
        impl<'de, W: Deserialize<'de>, M: Deserialize<'de>> Visitor<'de> for Either<W, M> {
            type Value = WordOr<W, M>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word, or a mapping with more to say,")
            }

            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Self::Value, E> {
                W::deserialize(StrDeserializer::new(word)).map(WordOr::Word)
            }

            fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Value, A::Error> {
                let more = M::deserialize(MapAccessDeserializer::new(entries))?;
                Ok(WordOr::More(Box::new(more)))
            }
        }
        deserializer.deserialize_any(Either(PhantomData))
    }
}

impl<W: JsonSchema, M: JsonSchema> JsonSchema for WordOr<W, M> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("{}Or{}", W::schema_name(), M::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let word = generator.subschema_for::<W>();
        let more = generator.subschema_for::<M>();
        json_schema!({ "anyOf": [word, more] })
    }
}
