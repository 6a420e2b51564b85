//! What a topic carries, for documents about it.

use std::time::Duration;

use schemars::Schema;

use crate::engine::CellId;

/// A topic that a link publishes on or subscribes to. One that it does both with has two of these.
#[derive(Clone, Debug)]
pub struct TopicDoc {
    pub topic: String,
    pub direction: Direction,
    /// The quality of service: 0, 1 or 2.
    pub qos: u8,
    /// Whether what is published stays for those who come later. Never so for a subscription.
    pub retain: bool,
    /// The payload, or what it means where it is no JSON.
    pub schema: Schema,
    /// What it is for, in sentences.
    pub description: String,
    /// The media type of the payload, as in `application/json`.
    pub content_type: &'static str,
    /// The values that it carries; none where it speaks of something else.
    pub cells: Vec<CellId>,
}

/// Where the topics of a link are, for documents about it. No secret is in it; a user's name may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerDoc {
    /// The host and the port.
    pub address: String,
    pub is_encrypted: bool,
    /// The user as whom we connect, with a password or without.
    pub username: Option<String>,
    pub client_id: String,
    pub clean_session: bool,
    pub keep_alive: Duration,
    pub will: Option<WillDoc>,
}

/// What a broker publishes when it loses the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WillDoc {
    pub topic: String,
    /// `None` where it is not to be shown.
    pub payload: Option<String>,
    pub qos: u8,
    pub retain: bool,
}

/// What Home Assistant is told of a device, for documents about it.
#[derive(Clone, Debug, PartialEq)]
pub struct DiscoveryDoc {
    /// Where it is published, retained.
    pub topic: String,
    /// Its payload.
    pub document: serde_json::Value,
    /// What is not shown there or not as it is, and why: one line for each.
    pub notes: Vec<String>,
}

/// Which way messages go, seen from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// This process publishes them.
    Publish,
    /// This process takes them.
    Subscribe,
}
