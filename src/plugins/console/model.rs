//! What the JSON API says, as types: from them come the JSON and its schemas in `openapi.json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value as Json};

use crate::reload::{Asker, Report};

// ── the device ───────────────────────────────────────────────────────────────────────────────────

/// The device as a central sees it, and what carries its values.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Device {
    /// As it is advertised.
    pub name: String,
    /// Of this program.
    pub version: &'static str,
    /// Grows with every configuration that is applied.
    pub generation: u64,
    /// Whether nothing can be changed here.
    pub read_only: bool,
    pub adapter: Adapter,
    /// In the order of their handles.
    pub services: Vec<Service>,
    /// All topics of all links.
    pub topics: Vec<Topic>,
    pub broker: Option<Broker>,
}

/// What carries the GATT services.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Adapter {
    pub kind: AdapterKind,
    pub name: Option<String>,
    pub address: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum AdapterKind {
    /// In memory: centrals can be opened here.
    Virtual,
    /// A real one.
    Bluez,
    /// There is no `ble` in the configuration, or no adapter yet.
    None,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Service {
    pub name: String,
    /// `0x180F`, or the long form.
    pub uuid: String,
    /// `null` where the Bluetooth stack numbers them itself.
    pub handle: Option<u16>,
    /// Whether its UUID is in the advertisement.
    pub advertised: bool,
    pub characteristics: Vec<Characteristic>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Characteristic {
    /// What stands in the paths of this API. It stays the same for as long as the names do.
    pub id: String,
    pub name: String,
    pub uuid: String,
    pub handle: Option<u16>,
    pub value_handle: Option<u16>,
    /// `read`, `write`, `write_without_response`, `notify`, `indicate`.
    pub properties: Vec<&'static str>,
    pub security: Security,
    pub descriptors: Vec<Descriptor>,
    pub value: Shape,
    pub owner: Holder,
    /// What the response to a write promises: `accepted`, `journaled`, `published`, `confirmed`.
    pub ack: &'static str,
    /// `latest`, or `every` where each change is an event.
    pub delivery: &'static str,
    pub constant: bool,
    /// Whether `PUT /api/v1/values/{id}` can change it.
    pub settable: bool,
    pub topics: Vec<Topic>,
    /// Whether it is not shown here: only an encrypted link may see it, or it came from the environment.
    pub withheld: bool,
    /// What is notified, where that is another value than what is written.
    pub answer: Option<Answer>,
}

/// The value in which a characteristic answers what is written to it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Answer {
    pub id: String,
    pub value: Shape,
    pub topics: Vec<Topic>,
    pub withheld: bool,
}

/// What a link has to be for each kind of access: `open`, `encrypted`, `authenticated`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub(super) struct Security {
    pub read: Level,
    pub write: Level,
    pub notify: Level,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Level {
    Open,
    Encrypted,
    Authenticated,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Descriptor {
    pub name: &'static str,
    pub uuid: String,
    pub handle: Option<u16>,
    /// Its bytes; `null` where every central has its own, and where they say something of a value that is
    /// withheld.
    pub hex: Option<String>,
}

/// Who holds the truth of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Holder {
    Here,
    Remote,
}

/// What a value can be: everything that a field for it needs. Of a value that is withheld, only its kind, its
/// type and its length in octets; the rest is null or empty.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Shape {
    pub kind: Kind,
    /// As it is called in the YAML.
    #[serde(rename = "type")]
    pub ty: String,
    /// In JSON, as all numbers here: after its scale.
    pub min: Option<Number>,
    pub max: Option<Number>,
    pub step: Option<Number>,
    /// The range in digits: `0 to 18446744073709551615`. Not every reader of JSON has numbers of 64 bits.
    pub range: Option<String>,
    /// `°C`, `%`, or a word.
    pub unit: Option<String>,
    /// Digits after the point.
    pub decimals: Option<u8>,
    /// The words of an enum, those for false and true of a boolean that has its own, the names of flags.
    pub labels: Vec<String>,
    /// The only numbers, texts or byte strings that are allowed; empty if there is no such list.
    pub allowed: Vec<Json>,
    /// In octets.
    pub min_length: Option<usize>,
    pub max_length: Option<usize>,
    /// A regular expression that a text has to match somewhere.
    pub pattern: Option<String>,
    pub color: Option<Color>,
    /// Of a struct, in the order of their bytes.
    pub fields: Vec<Field>,
    /// Of an array.
    pub item: Option<Box<Shape>>,
    /// Whether null is a value: the unknown.
    pub nullable: bool,
    /// The JSON Schema of the value.
    pub schema: Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Number,
    Boolean,
    Enum,
    /// An object of booleans.
    Flags,
    Text,
    /// In hexadecimal digits.
    Bytes,
    Struct,
    Array,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Color {
    /// A struct with the fields `hue` and `saturation`, and perhaps `value`.
    Hsv,
}

/// A part of a struct.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Field {
    pub name: String,
    /// Where it stands in the JSON of the struct, as a JSON pointer.
    pub at: String,
    /// It is always the same, and not in the JSON.
    pub constant: bool,
    /// It is there only if a flag says so.
    pub optional: bool,
    #[serde(flatten)]
    pub shape: Shape,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Topic {
    pub topic: String,
    /// `state`, `command`, `document`, or `other` where it carries no value.
    pub role: &'static str,
    /// `out` where this process publishes.
    pub direction: &'static str,
    pub qos: u8,
    pub retain: bool,
    pub description: String,
    /// The ids of the values that it carries.
    pub values: Vec<String>,
}

/// The broker. No secret is in it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Broker {
    pub address: String,
    pub encrypted: bool,
    pub client_id: String,
    pub username: Option<String>,
}

// ── values ───────────────────────────────────────────────────────────────────────────────────────

/// A value as everything sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct ValueView {
    pub id: String,
    /// As it stands on topics; null while it is unknown, and where it is withheld.
    pub value: Json,
    /// As it stands on the air.
    pub hex: Option<String>,
    /// As a person reads it, with its unit.
    pub shown: String,
    /// Grows with every change.
    pub version: u64,
    /// Milliseconds since 1970; null before anything has happened to it.
    pub changed_at: Option<u64>,
    pub age_ms: Option<u64>,
    pub origin: Option<OriginView>,
    /// What a remote owner has been asked for and has yet to confirm.
    pub desired: Json,
    /// What a remote owner last said.
    pub reported: Json,
    pub pending: bool,
    pub subscribers: Vec<Subscriber>,
    pub rejected: Option<Rejected>,
    pub withheld: bool,
    pub counters: Counters,
}

/// What has happened to a value since the start of this process, at all links together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Counters {
    /// What came in and made it another.
    pub changed: u64,
    /// What came in and left it as it was.
    pub unchanged: u64,
    pub refused: u64,
    /// What went out and has arrived.
    pub delivered: u64,
    /// Requests that the remote owner has confirmed, and that it has not in time.
    pub confirmed: u64,
    pub taken_back: u64,
}

/// Who made the last change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct OriginView {
    /// The section of the YAML: `ble`, `mqtt`, `console`.
    pub link: String,
    /// The address of a central, or a topic.
    pub by: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Subscriber {
    /// Its address.
    pub central: String,
    /// `notifications` or `indications`; null where the adapter does not say.
    pub how: Option<String>,
}

/// The last time that something was refused for this value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Rejected {
    /// Milliseconds since 1970.
    pub at: u64,
    pub link: String,
    pub by: Option<String>,
    /// `out_of_range`, `wrong_length` and so on.
    pub cause: String,
    pub reason: String,
    /// How often this value has been refused.
    pub count: u64,
}

/// All values.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Values {
    pub values: Vec<ValueView>,
}

/// The last ten minutes of a value that is a number, a boolean (0 and 1) or an enum (its number on the air).
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct HistoryView {
    /// Milliseconds since 1970, the last number in that second, the least and the greatest. Seconds in which
    /// nothing changed are left out.
    pub points: Vec<(u64, f64, f64, f64)>,
}

/// What the operator asks a value to be.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PutValue {
    /// As it stands on topics. Of a struct, parts that are left out stay; one that is not declared is refused.
    pub value: Json,
}

// ── centrals ─────────────────────────────────────────────────────────────────────────────────────

/// A virtual central.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct CentralView {
    pub id: u64,
    pub address: String,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Centrals {
    pub centrals: Vec<CentralView>,
}

/// A characteristic to read.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadRequest {
    /// Its id.
    pub characteristic: String,
}

/// What a central has read.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Octets {
    /// Null where the value is withheld.
    pub hex: Option<String>,
    /// What the bytes mean; null where they mean nothing.
    pub value: Json,
    pub shown: String,
    /// How many bytes.
    pub length: usize,
}

/// What a central writes: `hex` or `value`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WriteRequest {
    /// The id of the characteristic.
    pub characteristic: String,
    /// The bytes, be they right or wrong.
    #[serde(default)]
    pub hex: Option<String>,
    /// The value, as it stands on topics. A write is always of the whole: a part of a struct that is left out is
    /// written as it begins (its `initial`, else 0, false or empty), and not as it is now. It is put into bytes
    /// unchecked, so a number out of range is refused by the device and not here, as long as the type has room for it.
    #[serde(default)]
    pub value: Option<Json>,
    /// A Write Request, or (`false`) a Write Command, of which nothing comes back.
    #[serde(default = "yes")]
    pub response: bool,
}

fn yes() -> bool {
    true
}

/// Nothing more to say.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub(super) struct Done {}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SubscribeRequest {
    /// The id of the characteristic.
    pub characteristic: String,
    /// Null ends the subscription.
    pub how: Option<How>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum How {
    Notifications,
    Indications,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SecureRequest {
    pub level: Level,
}

/// What a central has been told.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct NotificationView {
    /// The id of the characteristic.
    pub characteristic: String,
    pub hex: Option<String>,
    pub value: Json,
    pub shown: String,
    pub how: How,
    /// Milliseconds since 1970.
    pub at: u64,
}

/// A virtual central's own event in the stream.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct CentralEvent {
    pub id: u64,
    pub notification: Option<NotificationView>,
    pub disconnected: bool,
}

// ── the flow ─────────────────────────────────────────────────────────────────────────────────────

/// One step on the way of a value. All steps of one change have its generation, its value and its version.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct FlowStep {
    /// Grows by one from step to step.
    pub seq: u64,
    /// Under which configuration it was taken. What a link is told again after a reload has the version of then.
    pub generation: u64,
    /// Milliseconds since 1970.
    pub at: u64,
    /// The section of the YAML; null for the engine itself.
    pub link: Option<String>,
    /// The id of the value; null where it is not clear which one is meant, or all are.
    pub value: Option<String>,
    /// 0 where nothing has come of it.
    pub version: u64,
    /// `requested`, `reported`, `accepted`, `unchanged`, `refused`, `handed_out`, `published`, `acknowledged`, `written`, `notified`,
    /// `indicated`, `confirmed`, `arrived`, `not_kept`, `taken_back`, `silent`, `expired`, `gave_way`, `answered`, `link_up`.
    pub kind: &'static str,
    /// In words.
    pub text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub central: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Milliseconds: since it was accepted, or published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<f64>,
    /// What came in or went out, or its beginning; bytes in hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
}

/// The last steps, the oldest first; and an event `flow`, with the new ones.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct FlowView {
    pub steps: Vec<FlowStep>,
    /// So many changes, at least, went a way that was not followed, because too much happened at once.
    pub missed: u64,
}

// ── health ───────────────────────────────────────────────────────────────────────────────────────

/// How everything is; and an event `health`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct HealthView {
    /// `ok`, or `unavailable`.
    pub status: &'static str,
    /// Why it is not ok.
    pub reasons: Vec<String>,
    pub version: &'static str,
    pub generation: u64,
    /// When this process began, in milliseconds since 1970.
    pub began: u64,
    pub uptime_ms: u64,
    pub links: Vec<LinkView>,
    pub centrals: Vec<ConnectedCentral>,
    pub counters: Totals,
    /// What came of the last reload, whoever asked for it; null before there was one.
    pub reload: Option<LastReload>,
}

/// A reload.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct LastReload {
    pub by: Asker,
    /// Milliseconds since 1970.
    pub at: u64,
    #[serde(flatten)]
    pub report: Report,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct LinkView {
    /// The section of the YAML.
    pub link: String,
    /// Who serves it: `virtual_ble` where `ble` has no adapter.
    pub name: String,
    /// `starting`, `up`, `waiting`, `down`.
    pub state: &'static str,
    pub why: Option<String>,
    /// When a link that waits or is down tries again, if it has to.
    pub again_in_ms: Option<u64>,
    /// When it came into this state, in milliseconds since 1970.
    pub since: u64,
    /// How often it has failed and was run again.
    pub failures: u64,
    /// What it says of itself: an address, a version.
    pub details: std::collections::BTreeMap<String, String>,
}

/// A central that is connected, real or virtual.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct ConnectedCentral {
    pub address: String,
    /// Milliseconds since 1970.
    pub since: u64,
    pub subscribed: Vec<Subscription>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Subscription {
    /// The id of the value that it hears of.
    pub characteristic: String,
    /// Null where the adapter does not say.
    pub how: Option<String>,
}

/// What has happened to all values together since the start of this process.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
pub(super) struct Totals {
    pub values: u64,
    pub changed: u64,
    pub unchanged: u64,
    pub refused: u64,
    pub delivered: u64,
    pub confirmed: u64,
    pub taken_back: u64,
    pub streams: u64,
}

// ── the rest ─────────────────────────────────────────────────────────────────────────────────────

/// The token, to open a session.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SessionRequest {
    pub token: String,
}

/// What a session may do.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub(super) struct SessionView {
    /// Whether a token is wanted at all.
    pub token_required: bool,
    /// Whether this request was allowed to see everything.
    pub open: bool,
    pub read_only: bool,
}

/// An event `device`: the configuration is another, or the adapter. Everything has to be fetched again.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub(super) struct DeviceEvent {
    pub generation: u64,
}
