//! What a topic carries, for documents about it.

use schemars::Schema;

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
}

/// Which way messages go, seen from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// This process publishes them.
    Publish,
    /// This process takes them.
    Subscribe,
}
