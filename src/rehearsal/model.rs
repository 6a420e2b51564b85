//! What may stand in a file of tests. As with the configuration, these types are its documentation and
//! its schema, and what has to be there is judged where everything can be said at once (`read`).

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::schema::{AttErrorName, Hex, Text};
use crate::config::{Interval, Lenient, Literal, Raw, Spanned};

/// Tests of a configuration: what comes in, and what has to come of it. They run without Bluetooth,
/// without a broker and in no time.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[schemars(extend("required" = ["tests"]))]
#[serde(deny_unknown_fields)]
#[schemars(title = "bemo-sync tests")]
pub(super) struct TestsConfig {
    /// The configuration that is tested, from the folder of this file. Without it the one beside it:
    /// `lamp.yaml` for `lamp.test.yaml`.
    #[serde(default)]
    pub(super) config: Option<Spanned<String>>,
    /// What the placeholders in the configuration give, on whatever machine the tests run.
    #[serde(default)]
    pub(super) host: HostConfig,
    /// The environment variables that the configuration finds. It finds no others.
    #[serde(default)]
    pub(super) environment: BTreeMap<String, Literal>,
    /// The names of the centrals. One whose name is an address, `AA:BB:CC:DD:EE:FF`, comes from there;
    /// the others come from none that a configuration names. Without it there is one, `phone`.
    #[serde(default)]
    #[schemars(length(min = 1), extend("default" = ["phone"]))]
    pub(super) centrals: Option<Spanned<Vec<Spanned<String>>>>,
    /// Topics on which a message need not be expected. `+` stands for one level, `#` for all that
    /// follow.
    #[serde(default)]
    pub(super) ignore: Vec<Spanned<String>>,
    /// What the broker keeps when the process starts, in every test.
    #[serde(default)]
    pub(super) retained: Vec<Spanned<RetainedConfig>>,
    /// Steps with which every test begins.
    #[serde(default)]
    #[schemars(with = "Vec<StepConfig>")]
    pub(super) before: Vec<Raw>,
    /// The tests. Each begins with a process that has just been started.
    #[serde(default)]
    #[schemars(required)]
    #[schemars(length(min = 1))]
    pub(super) tests: Option<Spanned<Vec<Spanned<TestConfig>>>>,
}

/// What the placeholders in the configuration give.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HostConfig {
    /// `{hostname}`.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("default" = "raspberrypi"))]
    pub(super) hostname: Option<Literal>,
    /// `{machine_id}`.
    #[serde(default)]
    #[schemars(with = "Option<Text>", extend("default" = "0123456789abcdef0123456789abcdef"))]
    pub(super) machine_id: Option<Literal>,
    /// `{mac}`.
    #[serde(default)]
    #[schemars(with = "Option<Text>", extend("default" = "aabbccddeeff"))]
    pub(super) mac: Option<Literal>,
}

/// One test: a process that has just been started, and steps.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[schemars(extend("required" = ["name", "steps"]))]
#[serde(deny_unknown_fields)]
pub(super) struct TestConfig {
    /// What is shown to be so, for example `a phone dims the lamp`.
    #[serde(default)]
    #[schemars(required)]
    pub(super) name: Option<Spanned<String>>,
    /// Topics on which a message need not be expected in this test.
    #[serde(default)]
    pub(super) ignore: Vec<Spanned<String>>,
    /// What the broker keeps when the process starts.
    #[serde(default)]
    pub(super) retained: Vec<Spanned<RetainedConfig>>,
    /// What happens, one thing after the other. After each step everything comes to rest, and no time
    /// passes but with `wait`.
    #[serde(default)]
    #[schemars(required)]
    #[schemars(with = "Vec<StepConfig>", length(min = 1))]
    pub(super) steps: Option<Spanned<Vec<Raw>>>,
}

/// One step: one of these words, or the name of a central and what it does.
#[derive(JsonSchema)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
#[allow(
    dead_code,
    reason = "a step is read by its first word; this is its schema"
)]
pub(super) struct StepConfig {
    /// Another program publishes a message.
    publish: Option<PublishConfig>,
    /// This process has published this message, or `nothing` that was not expected. On one topic
    /// messages are expected in the order in which they come.
    expect: Option<ExpectConfig>,
    /// Time passes. Whatever is due at its end has happened when it is over.
    wait: Option<Interval>,
    /// The connection to the broker is lost, or comes back.
    broker: Option<BrokerWord>,
    #[schemars(flatten)]
    centrals: BTreeMap<String, CentralConfig>,
}

pub(super) const STEP_WORDS: [&str; 4] = ["publish", "expect", "wait", "broker"];

/// A message that another program publishes.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[schemars(extend("required" = ["topic"]))]
#[serde(deny_unknown_fields)]
pub(super) struct PublishConfig {
    /// Its topic.
    #[serde(default)]
    #[schemars(required)]
    pub(super) topic: Option<Spanned<String>>,
    /// Its payload: JSON, or a text as it is.
    #[serde(default)]
    #[schemars(with = "Option<serde_json::Value>")]
    pub(super) payload: Option<Raw>,
    /// Its payload as a text, character by character.
    #[serde(default)]
    #[schemars(with = "Option<Text>")]
    pub(super) text: Option<Spanned<Literal>>,
    /// Its payload as bytes.
    #[serde(default)]
    #[schemars(with = "Option<Hex>")]
    pub(super) hex: Option<Spanned<Literal>>,
    /// Whether the broker keeps it for those who subscribe later.
    #[serde(default)]
    pub(super) retain: bool,
}

/// A message that the broker keeps.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[schemars(extend("required" = ["topic"]))]
#[serde(deny_unknown_fields)]
pub(super) struct RetainedConfig {
    /// Its topic.
    #[serde(default)]
    #[schemars(required)]
    pub(super) topic: Option<Spanned<String>>,
    /// Its payload: JSON, or a text as it is.
    #[serde(default)]
    #[schemars(with = "Option<serde_json::Value>")]
    pub(super) payload: Option<Raw>,
    /// Its payload as a text, character by character.
    #[serde(default)]
    #[schemars(with = "Option<Text>")]
    pub(super) text: Option<Spanned<Literal>>,
    /// Its payload as bytes.
    #[serde(default)]
    #[schemars(with = "Option<Hex>")]
    pub(super) hex: Option<Spanned<Literal>>,
}

/// What was published.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(
    dead_code,
    clippy::large_enum_variant,
    reason = "read by whether it is a word; this is its schema"
)]
pub(super) enum ExpectConfig {
    Word(NothingWord),
    Message(ExpectedConfig),
}

/// That there is nothing more.
#[derive(Clone, Copy, Debug, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum NothingWord {
    /// Nothing has been published, and no central notified, that was not expected. A test ends with
    /// this without saying so.
    Nothing,
}

/// A message that this process has published. What is not said may be anything.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[schemars(extend("required" = ["topic"]))]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectedConfig {
    /// Its topic.
    #[serde(default)]
    #[schemars(required)]
    pub(super) topic: Option<Spanned<String>>,
    /// Its payload: JSON with exactly these keys in any order, or a text as it is. Numbers are compared
    /// by their value: 1 is 1.0.
    #[serde(default)]
    #[schemars(with = "Option<serde_json::Value>")]
    pub(super) payload: Option<Raw>,
    /// JSON that has at least these keys.
    #[serde(default)]
    #[schemars(with = "Option<serde_json::Value>")]
    pub(super) at_least: Option<Raw>,
    /// Its payload as a text, character by character.
    #[serde(default)]
    #[schemars(with = "Option<Text>")]
    pub(super) text: Option<Spanned<Literal>>,
    /// Its payload as bytes.
    #[serde(default)]
    #[schemars(with = "Option<Hex>")]
    pub(super) hex: Option<Spanned<Literal>>,
    /// Its quality of service.
    #[serde(default)]
    #[schemars(range(max = 2))]
    pub(super) qos: Option<Spanned<u8>>,
    /// Whether the broker is to keep it.
    #[serde(default)]
    pub(super) retain: Option<Spanned<bool>>,
}

/// What becomes of the connection to the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum BrokerWord {
    /// The connection is lost.
    Lost,
    /// The broker is there again, and has kept the session.
    Back,
    /// The broker is there again, and knows nothing of a session. What it retains it still has.
    BackWithoutSession,
}

/// What a central does, or hears.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(
    dead_code,
    clippy::large_enum_variant,
    reason = "read by whether it is a word; this is its schema"
)]
pub(super) enum CentralConfig {
    Word(CentralWord),
    Act(CentralActConfig),
}

/// What a central does with its connection.
#[derive(Clone, Copy, Debug, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum CentralWord {
    /// It connects. It also does so by itself, with the first thing that it does.
    Connect,
    /// It disconnects. What it had subscribed to is forgotten.
    Disconnect,
}

/// What a central does, or hears: one of `read`, `write`, `write_without_response`, `subscribe`,
/// `unsubscribe`, `notified`, `pair` and `mtu`. A characteristic is named as in the configuration; where
/// two services have one of that name, as `Service/Characteristic`.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CentralActConfig {
    /// Reads this characteristic, and gets `bytes`, `value` or `error`.
    #[serde(default)]
    pub(super) read: Option<Spanned<String>>,
    /// Writes `bytes` or `value` to this characteristic. It is accepted, unless an `error` is expected.
    #[serde(default)]
    pub(super) write: Option<Spanned<String>>,
    /// Writes `bytes` or `value` to this characteristic and gets no answer.
    #[serde(default)]
    pub(super) write_without_response: Option<Spanned<String>>,
    /// Subscribes to this characteristic, `by` notification or indication.
    #[serde(default)]
    pub(super) subscribe: Option<Spanned<String>>,
    /// Ends a subscription to this characteristic.
    #[serde(default)]
    pub(super) unsubscribe: Option<Spanned<String>>,
    /// Has been notified of this characteristic. Of one characteristic notifications are expected in
    /// the order in which they come.
    #[serde(default)]
    pub(super) notified: Option<Spanned<String>>,
    /// Encrypts the connection, by pairing or with the keys of an earlier one.
    #[serde(default)]
    pub(super) pair: Option<Spanned<PairWord>>,
    /// Asks for this MTU. Without it 517 are agreed on when it connects.
    #[serde(default)]
    #[schemars(range(min = 23, max = 517))]
    pub(super) mtu: Option<Spanned<u16>>,
    /// The bytes on the air.
    #[serde(default)]
    #[schemars(with = "Option<Hex>")]
    pub(super) bytes: Option<Spanned<Literal>>,
    /// The value, as JSON shows it.
    #[serde(default)]
    #[schemars(with = "Option<serde_json::Value>")]
    pub(super) value: Option<Raw>,
    /// The ATT error that is the answer.
    #[serde(default)]
    #[schemars(with = "Option<AttErrorName>")]
    pub(super) error: Option<Spanned<Literal>>,
    /// How it subscribes, or is told. Without it, a subscription is for notifications if the
    /// characteristic has them, and being told may be either.
    #[serde(default)]
    pub(super) by: Option<Spanned<ByWord>>,
}

/// How well a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum PairWord {
    /// Encrypted, with a key that nobody has confirmed.
    Encrypted,
    /// Encrypted with a key that a person has confirmed.
    Authenticated,
    /// It wants to pair, and may not: not now, or not at all.
    Refused,
}

/// How a central is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ByWord {
    /// By notifications.
    Notification,
    /// By indications, which it confirms.
    Indication,
}

pub(super) type WaitConfig = Spanned<Lenient<Interval>>;
