//! An AsyncAPI 3.0.0 document of all topics (https://www.asyncapi.com/docs/reference/specification/v3.0.0).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

use super::{brokers, topics};
use crate::plan::Plan;
use crate::plugin::{BrokerDoc, Direction, TopicDoc};

/// The version of the MQTT bindings.
const BINDINGS: &str = "0.2.0";
/// The one that every tool for AsyncAPI has to know.
const SCHEMA_FORMAT: &str = "application/schema+json;version=draft-07";

/// The document, as JSON, which is YAML too.
pub fn asyncapi(plan: &Plan) -> Json {
    let mut channels = Map::new();
    let mut operations = Map::new();
    let mut by_topic: BTreeMap<String, Vec<TopicDoc>> = BTreeMap::new();
    for topic in topics(plan) {
        by_topic.entry(topic.topic.clone()).or_default().push(topic);
    }
    let mut keys = BTreeSet::new();
    for (topic, docs) in &by_topic {
        let key = key(topic, &mut keys);
        let mut messages = Map::new();
        for doc in docs {
            let (action, name) = words(doc.direction);
            let mut operation = json!({
                "action": action,
                "channel": { "$ref": format!("#/channels/{key}") },
                "summary": doc.description,
                "messages": [{ "$ref": format!("#/channels/{key}/messages/{name}") }],
                "bindings": { "mqtt": { "qos": doc.qos, "bindingVersion": BINDINGS } },
            });
            if doc.direction == Direction::Publish {
                operation["bindings"]["mqtt"]["retain"] = doc.retain.into();
            }
            operations.insert(format!("{action}_{key}"), operation);
            messages.insert(name.to_owned(), message(doc));
        }
        let mut channel = json!({ "address": address(topic), "messages": messages });
        if let Some(parameters) = parameters(topic) {
            channel["parameters"] = parameters;
        }
        channels.insert(key, channel);
    }
    let mut document = json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": plan.device_name,
            "version": "1",
            "description": "What this device says and takes on MQTT. `send` is what it publishes, \
                `receive` what it has subscribed to. Written by `bemo-sync docs`.",
        },
        "defaultContentType": "application/json",
    });
    let brokers = brokers(plan);
    if !brokers.is_empty() {
        document["servers"] = servers(&brokers);
    }
    document["channels"] = channels.into();
    document["operations"] = operations.into();
    if brokers.iter().any(|broker| broker.username.is_some()) {
        document["components"] = json!({
            "securitySchemes": { "credentials": { "type": "userPassword" } },
        });
    }
    document
}

fn words(direction: Direction) -> (&'static str, &'static str) {
    match direction {
        Direction::Publish => ("send", "sent"),
        Direction::Subscribe => ("receive", "received"),
    }
}

fn servers(brokers: &[BrokerDoc]) -> Json {
    let server = |(index, broker): (usize, &BrokerDoc)| {
        let key = match index {
            0 => "broker".to_owned(),
            more => format!("broker_{}", more + 1),
        };
        let mut binding = json!({
            "clientId": broker.client_id,
            "cleanSession": broker.clean_session,
            "keepAlive": broker.keep_alive.as_secs(),
            "bindingVersion": BINDINGS,
        });
        if let Some(will) = &broker.will {
            binding["lastWill"] = json!({
                "topic": will.topic,
                "qos": will.qos,
                "retain": will.retain,
            });
            if let Some(payload) = &will.payload {
                binding["lastWill"]["message"] = payload.as_str().into();
            }
        }
        let mut server = json!({
            "host": broker.address,
            "protocol": if broker.is_encrypted { "secure-mqtt" } else { "mqtt" },
            "protocolVersion": "3.1.1",
            "bindings": { "mqtt": binding },
        });
        if broker.username.is_some() {
            let scheme = "#/components/securitySchemes/credentials";
            server["security"] = json!([{ "$ref": scheme }]);
        }
        (key, server)
    };
    brokers.iter().enumerate().map(server).collect()
}

fn message(doc: &TopicDoc) -> Json {
    json!({
        "title": doc.topic,
        "summary": doc.description,
        "contentType": doc.content_type,
        "payload": {
            "schemaFormat": SCHEMA_FORMAT,
            "schema": draft_07(doc.schema.as_value()),
        },
    })
}

/// Our schemas are of draft 2020-12, where a list of schemas by position has a name of its own. The rest
/// of what we use says the same in both.
fn draft_07(schema: &Json) -> Json {
    match schema {
        Json::Object(entries) => {
            let has_prefix = entries.contains_key("prefixItems");
            let entries = entries.iter().filter(|(key, _)| *key != "$schema");
            let renamed = entries.map(|(key, inner)| {
                let key = match key.as_str() {
                    "prefixItems" => "items",
                    "items" if has_prefix => "additionalItems",
                    other => other,
                };
                let inner = match key {
                    // Data, not schemas.
                    "const" | "enum" | "examples" | "default" => inner.clone(),
                    "properties" => by_name(inner),
                    _ => draft_07(inner),
                };
                (key.to_owned(), inner)
            });
            Json::Object(renamed.collect())
        }
        Json::Array(items) => items.iter().map(draft_07).collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => schema.clone(),
    }
}

/// The names of properties are anybody's.
fn by_name(properties: &Json) -> Json {
    match properties {
        Json::Object(entries) => entries
            .iter()
            .map(|(name, schema)| (name.clone(), draft_07(schema)))
            .collect(),
        other => other.clone(),
    }
}

/// What a channel is called in the document. Two topics may differ in signs only.
fn key(topic: &str, taken: &mut BTreeSet<String>) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
    let plain: String = topic
        .chars()
        .map(|c| if is_plain(&c) { c } else { '_' })
        .collect();
    let mut candidates =
        std::iter::once(plain.clone()).chain((2..).map(|n| format!("{plain}_{n}")));
    let key = candidates
        .find(|key| !taken.contains(key))
        .expect("there is always another number");
    taken.insert(key.clone());
    key
}

/// Braces in an address name a parameter, so those of a topic have to be parameters.
fn address(topic: &str) -> String {
    let mut out = String::new();
    for c in topic.chars() {
        match c {
            '{' => out.push_str("{opening}"),
            '}' => out.push_str("{closing}"),
            c => out.push(c),
        }
    }
    out
}

fn parameters(topic: &str) -> Option<Json> {
    let braces = [("{", "opening"), ("}", "closing")];
    let parameters: Map<String, Json> = braces
        .into_iter()
        .filter(|(brace, _)| topic.contains(brace))
        .map(|(brace, name)| {
            let said = "A brace in the topic itself.";
            (
                name.to_owned(),
                json!({ "enum": [brace], "description": said }),
            )
        })
        .collect();
    (!parameters.is_empty()).then(|| parameters.into())
}
