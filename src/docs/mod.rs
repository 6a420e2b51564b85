//! Documents about a configuration, made of its plan: what stands on the air for who writes an app
//! ([`gatt`]), what goes over topics for who writes a program at the broker ([`asyncapi`]), and what that has to
//! allow for who runs it ([`acl`]). The same plan makes the same document, letter for letter.

mod acl;
mod asyncapi;
mod disclosure;
mod gatt;
mod layout;

use std::collections::BTreeMap;

use crate::engine::CellId;
use crate::plan::Plan;
use crate::plugin::{BrokerDoc, Direction, DiscoveryDoc, TopicDoc};

pub use acl::{Unspeakable, acl};
pub use asyncapi::asyncapi;
pub use gatt::gatt;

/// All topics of all links, in their order.
fn topics(plan: &Plan) -> Vec<TopicDoc> {
    let links = plan.links.iter().flat_map(|link| &link.candidates);
    let mut topics: Vec<TopicDoc> = links.flat_map(|link| link.topics()).collect();
    topics.sort_by(|a, b| (&a.topic, a.direction).cmp(&(&b.topic, b.direction)));
    topics
}

/// What is told to Home Assistant.
pub fn discovery(plan: &Plan) -> Vec<DiscoveryDoc> {
    let links = plan.links.iter().flat_map(|link| &link.candidates);
    links.filter_map(|link| link.discovery()).collect()
}

/// The brokers that they are at, in the order of their links.
fn brokers(plan: &Plan) -> Vec<BrokerDoc> {
    let links = plan.links.iter().flat_map(|link| &link.candidates);
    links.filter_map(|link| link.broker()).collect()
}

/// What is said about the topics of each value.
fn topics_of_cells(plan: &Plan) -> BTreeMap<CellId, Vec<String>> {
    let mut found: BTreeMap<CellId, Vec<String>> = BTreeMap::new();
    for doc in topics(plan) {
        let retained = if doc.retain { ", retained" } else { "" };
        let verb = match doc.direction {
            Direction::Publish => "published on",
            Direction::Subscribe => "taken from",
        };
        let said = format!("{verb} `{}` (QoS {}{retained})", doc.topic, doc.qos);
        for cell in &doc.cells {
            found.entry(*cell).or_default().push(said.clone());
        }
    }
    found
}
