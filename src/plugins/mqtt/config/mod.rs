//! What stands under `mqtt` in the YAML, at the top level and in a characteristic.

pub mod home_assistant;
mod topic;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

pub use home_assistant::Wanted;
pub use topic::{DocumentTopicConfig, OneOrMany, SendConfig, TopicConfig};

use super::address::Broker;
use super::secret::Secret;
use crate::config::model::{Entries, Form};
use crate::config::{Interval, Lenient, Literal, Raw, Spanned};

/// The MQTT broker, and how to connect to it. The connection is made anew for as long as it takes,
/// and everything that this process publishes is then published again.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "MqttConfig")]
pub struct MqttConfig {
    /// Where the broker is.
    #[serde(default)]
    #[schemars(extend("default" = "auto"))]
    pub broker: Option<Spanned<Lenient<Broker>>>,
    /// The name under which the broker knows this client. No two clients of a broker may have the
    /// same. `{hostname}`, `{machine_id}` and `{device_name}` are filled in.
    #[serde(default)]
    #[schemars(length(min = 1), extend("default" = "bemo-sync-{hostname}"))]
    pub client_id: Option<Spanned<String>>,
    /// The longest silence on our side that the broker puts up with: after one and a half times this it
    /// takes us for gone and publishes the will. Whole seconds.
    #[serde(default)]
    #[schemars(extend("default" = "60s"))]
    pub keep_alive: Option<Spanned<Lenient<Interval>>>,
    /// How long the broker may leave unanswered what it has to answer: the connection, a subscription, a
    /// message with QoS 1 or 2. When it has said nothing for so long it is asked with a ping, and has as long
    /// again. Who does not answer is given up, and the connection is made anew; where it was let in and then
    /// not answered, it waits twice as long the next time, up to 30 s. Raise it on a slow line, and where every
    /// byte costs money: a ping and its answer are about 130 bytes on the line.
    #[serde(default)]
    #[schemars(extend("default" = "4s"))]
    pub answer_within: Option<Spanned<Lenient<Interval>>>,
    /// The longest pause between two attempts to reach the broker. Chance decides how long each is: the first
    /// after a loss anything up to half of this, the next ones from a quarter of it on, doubling. Raise it
    /// where thousands of these share a broker: over this time they spread. While the broker refuses us (a
    /// wrong password, say), pauses grow to 30 s.
    #[serde(default)]
    #[schemars(extend("default" = "4s"))]
    pub retry_within: Option<Spanned<Lenient<Interval>>>,
    /// Whether the broker forgets this client while it is away. It does unless this is `false`,
    /// because a command that was sent while nobody was there to hear it is a command of the past:
    /// the lamp that was switched on in vain yesterday must not go on today. With `false` the broker
    /// keeps such commands, and they are carried out late; that needs a `client_id` of its own.
    #[serde(default)]
    #[schemars(extend("default" = true))]
    pub clean_session: Option<Spanned<bool>>,
    /// The user name, where the broker wants one.
    #[serde(default)]
    pub username: Option<Spanned<String>>,
    /// The password: best not the text itself, but `${NAME}` from the environment or
    /// `{ file: path }`.
    #[serde(default)]
    pub password: Option<Spanned<PasswordConfig>>,
    /// Encrypts the connection, as `mqtts://` does, and says whom to trust.
    #[serde(default)]
    pub tls: Option<Spanned<TlsConfig>>,
    /// Whether everybody on the way to the broker may read and change what is said, the password too:
    /// without TLS, a broker on another machine needs `plaintext: allow`. For one on this machine it says
    /// nothing. Beside TLS it is a mistake: an encrypted connection never goes on without.
    #[serde(default)]
    pub plaintext: Option<Spanned<PlaintextConfig>>,
    /// What is published on every connection, before anything else.
    #[serde(default)]
    pub birth: Option<Spanned<MessageConfig>>,
    /// What the broker publishes when the connection breaks. When this process stops in good order
    /// it publishes the same itself, so that nobody takes it for running ever after.
    #[serde(default)]
    pub will: Option<Spanned<MessageConfig>>,
    /// The quality of service wherever a topic says nothing else.
    #[serde(default)]
    #[schemars(extend("default" = 1))]
    pub qos: Option<Spanned<Lenient<Qos>>>,
    /// Whether Home Assistant finds the device by itself, through MQTT discovery: `true`, or a mapping
    /// that says more. What it is told follows from the values and their topics.
    #[serde(default)]
    #[schemars(extend("default" = false))]
    pub home_assistant: Option<Spanned<Wanted<home_assistant::DeviceConfig>>>,
    /// The topic that says which central connects, disconnects, subscribes and unsubscribes, as
    /// `{"event": "subscribed", "central": "AA:BB:CC:DD:EE:FF", "characteristic": "Some Number"}`. Not
    /// retained unless said otherwise. While the broker is away the newest 64 are kept.
    #[serde(default)]
    pub events: Option<Spanned<TopicConfig>>,
    /// The topic that says what was refused and why, as `{"value": "Some Number", "origin": "mqtt",
    /// "topic": "number/set", "cause": "out_of_range", "reason": "300 is outside 0 … 255", "payload": "…"}`;
    /// of what a central wrote, with `central` for `topic`. Not retained unless said otherwise. While the
    /// broker is away the newest 64 are kept.
    #[serde(default)]
    pub rejected: Option<Spanned<TopicConfig>>,
}

/// What is allowed on a way that is not encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "MqttPlaintextConfig")]
pub enum PlaintextConfig {
    /// Everything.
    Allow,
}

/// Whom to trust, and who we are.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "MqttTlsConfig")]
pub struct TlsConfig {
    /// A file with the certificate of the authority that signed the broker's (PEM). Without it, the
    /// authorities that this system trusts.
    #[serde(default)]
    pub ca: Option<Spanned<String>>,
    /// A file with our own certificate, where the broker wants one (PEM).
    #[serde(default)]
    pub certificate: Option<Spanned<String>>,
    /// A file with the key to our own certificate (PEM, not encrypted).
    #[serde(default)]
    pub key: Option<Spanned<String>>,
}

/// A message of fixed content.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "MqttMessageConfig")]
pub struct MessageConfig {
    /// Its topic. Placeholders such as `{client_id}` are filled in.
    pub topic: Spanned<String>,
    /// Its payload, as it is.
    #[schemars(with = "Literal")]
    pub payload: Spanned<Literal>,
    /// Its quality of service. Without it, that of the connection.
    #[serde(default)]
    pub qos: Option<Spanned<Lenient<Qos>>>,
    /// Whether the broker keeps it for those who come later.
    #[serde(default)]
    #[schemars(extend("default" = true))]
    pub retain: Option<bool>,
}

/// The topics that carry the value of a characteristic.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "MqttValueConfig")]
pub struct ValueConfig {
    /// Who holds the truth of the value.
    #[serde(default)]
    #[schemars(extend("default" = "here"))]
    pub owner: Option<Spanned<OwnerConfig>>,
    /// The topic that says what the value is. With `owner: here` every change is published there,
    /// retained unless said otherwise or every event counts (`delivery: every`); with `owner: remote` the
    /// value follows it, or a list of topics. A retained state is published on every new connection too;
    /// events that are not retained are never said twice.
    #[serde(default)]
    pub state: Option<Spanned<OneOrMany<TopicConfig>>>,
    /// The topic on which a change is asked for. With `owner: here` whoever publishes there, or on one of
    /// a list of topics, sets the value (a retained message is ignored: it is a command of the past); with
    /// `owner: remote` what a central writes is published there, not retained.
    #[serde(default)]
    pub command: Option<Spanned<OneOrMany<TopicConfig>>>,
    /// How the value stands in the payload, on all its topics. Without it, `json`.
    #[serde(default)]
    pub format: Option<Spanned<FormatConfig>>,
    /// The payload on all its topics: any JSON with `$value` in one place, as in `{ number: $value }`.
    /// Only with `format: json`.
    #[serde(default)]
    #[schemars(extend("default" = "$value"))]
    pub payload: Option<Spanned<serde_json::Value>>,
    /// How long the remote owner may take to confirm what a central wrote. After that the value that
    /// it last reported comes back. Only with `owner: remote`.
    #[serde(default)]
    #[schemars(extend("default" = "2s"))]
    pub confirm_within: Option<Spanned<Lenient<Interval>>>,
    /// How long what the remote owner says is true. When it has said nothing for so long, the value is
    /// unknown again. Without it, for ever. Only with `owner: remote`.
    #[serde(default)]
    pub valid_for: Option<Spanned<Lenient<Interval>>>,
    /// The document that the value stands in, with others, instead of topics of its own: one of those
    /// under `documents` at the top level. `json` in `value` says where in it.
    #[serde(default)]
    pub document: Option<Spanned<String>>,
    /// The document that is published when this is written, with the values that its members hold then.
    /// Its state has `send: gathered`.
    #[serde(default)]
    pub gathers: Option<Spanned<String>>,
    /// How Home Assistant shows the value, or whether it does. Without it, it does, unless only an encrypted
    /// link may see the value. Only with `home_assistant` in the section `mqtt`.
    #[serde(default)]
    pub home_assistant: Option<Spanned<Wanted<home_assistant::EntityConfig>>>,
}

/// How a value stands in a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "MqttFormatConfig")]
pub enum FormatConfig {
    /// As JSON: `payload` says where in it.
    Json,
    /// As JSON without quotes around it: `21.5`, `on`, `Living room`. An empty text that is retained is
    /// for a broker no message at all: who comes later finds none.
    Text,
    /// The bytes on the air.
    Raw,
    /// The bytes on the air, in hexadecimal digits.
    Hex,
}

/// The JSON documents that several characteristics share, by name. A characteristic is in one with
/// `mqtt: { document: … }`, and says with `json` in `value` where it stands there. Of a message, keys
/// that nobody has are ignored; a value whose key is missing stays what it is.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(rename = "MqttDocumentsConfig")]
pub struct DocumentsConfig(
    #[schemars(with = "std::collections::BTreeMap<String, DocumentConfig>")] pub Entries<Raw>,
);

/// A JSON document that several characteristics share.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "MqttDocumentConfig")]
pub struct DocumentConfig {
    /// Who holds the truth of its values.
    #[serde(default)]
    #[schemars(extend("default" = "here"))]
    pub owner: Option<Spanned<OwnerConfig>>,
    /// The topic that says what the values are. With `owner: here` it is published there, retained if it
    /// is sent whole, unless said otherwise; with `owner: remote` the values follow it, or a list of topics.
    #[serde(default)]
    pub state: Option<Spanned<OneOrMany<DocumentTopicConfig>>>,
    /// The topic on which changes are asked for. With `owner: here` whoever publishes there, or on one of
    /// a list of topics, sets the values that the message mentions (a retained one is ignored); with
    /// `owner: remote` what a central writes is published there, not retained.
    #[serde(default)]
    pub command: Option<Spanned<OneOrMany<DocumentTopicConfig>>>,
    /// Keys that are in every message that is published, as in `{ client: "{client_id}" }`. `{client_id}`,
    /// `{hostname}`, `{machine_id}` and `{device_name}` are filled in in texts.
    #[serde(default)]
    #[schemars(with = "Option<std::collections::BTreeMap<String, serde_json::Value>>")]
    pub constants: Option<Spanned<Entries<Spanned<serde_json::Value>>>>,
    /// One of the `constants`: a message in which it is the same is our own, come back. It can confirm what
    /// a central wrote, and is ignored otherwise; but the first message after connecting never is.
    #[serde(default)]
    pub ignore_own: Option<Spanned<String>>,
    /// Whether texts, byte strings and arrays that are empty, and null, are left out of what is published.
    #[serde(default)]
    pub omit_empty: bool,
    /// How long the remote owner may take to confirm what a central wrote. After that the value that
    /// it last reported comes back. Only with `owner: remote`.
    #[serde(default)]
    #[schemars(extend("default" = "2s"))]
    pub confirm_within: Option<Spanned<Lenient<Interval>>>,
    /// How long what the remote owner says of a value is true. When it has said nothing of it for so long,
    /// the value is unknown again. Without it, for ever. Only with `owner: remote`.
    #[serde(default)]
    pub valid_for: Option<Spanned<Lenient<Interval>>>,
}

/// Who holds the truth of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "MqttOwnerConfig")]
pub enum OwnerConfig {
    /// This process.
    Here,
    /// A program behind the broker: `state` is followed, and writes are requests.
    Remote,
}

/// A password, or the file that it is in.
#[derive(Debug)]
pub enum PasswordConfig {
    Text(Secret),
    File(PasswordFileConfig),
}

/// A file with a password.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "MqttPasswordFileConfig")]
pub struct PasswordFileConfig {
    /// Its path; the first line is the password.
    pub file: Spanned<String>,
}

/// The quality of service (MQTT 3.1.1, 4.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Qos {
    AtMostOnce,
    #[default]
    AtLeastOnce,
    ExactlyOnce,
}

impl Form for Qos {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "0" => Ok(Self::AtMostOnce),
            "1" => Ok(Self::AtLeastOnce),
            "2" => Ok(Self::ExactlyOnce),
            _ => Err(format!("`{text}` is no quality of service")),
        }
    }
}

impl JsonSchema for Qos {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "MqttQos".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The quality of service: 0 at most once, 1 at least once, 2 exactly once.",
            "enum": [0, 1, 2],
        })
    }
}
