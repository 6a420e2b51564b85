//! What every topic carries, for documents and schemas.

use std::collections::BTreeMap;

use schemars::{Schema, json_schema};
use serde_json::{Value as Json, json};

use super::binding::{Binding, Topic, Topics};
use super::config::Qos;
use super::document::{Disclosure, Document, Member, Sending};
use super::tidings::{Told, snake};
use crate::codec::{Cause, Pointer};
use crate::config::value_schema::{document_schema, kind_schema, value_schema};
use crate::plugin::{Direction, TopicDoc};

const JSON: &str = "application/json";

/// One for each topic and direction: of several on one topic, what its payload has to be at once.
pub(super) fn by_topic(docs: impl Iterator<Item = TopicDoc>) -> Vec<TopicDoc> {
    let mut found: BTreeMap<(String, Direction), Vec<TopicDoc>> = BTreeMap::new();
    for doc in docs {
        let on_topic = found.entry((doc.topic.clone(), doc.direction)).or_default();
        on_topic.push(doc);
    }
    found.into_values().filter_map(together).collect()
}

fn together(docs: Vec<TopicDoc>) -> Option<TopicDoc> {
    let mut docs = docs.into_iter();
    let mut all = docs.next()?;
    let mut schemas = vec![all.schema.clone().to_value()];
    for doc in docs {
        all.qos = all.qos.max(doc.qos);
        all.retain |= doc.retain;
        all.description = format!("{} {}", all.description, doc.description);
        schemas.push(doc.schema.to_value());
        all.cells.extend(doc.cells);
    }
    if schemas.len() > 1 {
        all.schema = json_schema!({ "allOf": schemas });
    }
    Some(all)
}

/// A topic in one direction; the rest is filled in by the caller.
fn doc(topic: &Topic, direction: Direction, schema: Schema, description: String) -> TopicDoc {
    let qos = match direction {
        Direction::Publish => topic.qos,
        Direction::Subscribe => topic.qos.min(Qos::AtLeastOnce),
    };
    TopicDoc {
        topic: topic.name.clone(),
        direction,
        qos: qos as u8,
        retain: topic.retain,
        schema,
        description,
        content_type: JSON,
        cells: Vec::new(),
    }
}

pub(super) fn both_ways(topics: &Topics) -> impl Iterator<Item = (&Topic, Direction)> {
    let published = topics.published().into_iter();
    let published = published.map(|topic| (topic, Direction::Publish));
    let subscribed = topics.subscribed().iter();
    published.chain(subscribed.map(|topic| (topic, Direction::Subscribe)))
}

pub(super) fn of_binding(binding: &Binding) -> Vec<TopicDoc> {
    let one = |(topic, direction)| {
        let value = match binding.is_value_from_environment {
            true => kind_schema(&binding.spec),
            false => value_schema(&binding.spec),
        };
        let schema = match binding.is_from_environment {
            true => binding.format.schema_without_constants(&value),
            false => binding.format.schema(&value),
        };
        let description = binding.describe(direction == Direction::Publish);
        TopicDoc {
            content_type: binding.format.content_type(),
            cells: vec![binding.cell],
            ..doc(topic, direction, schema, description)
        }
    };
    both_ways(&binding.topics).map(one).collect()
}

pub(super) fn of_document(document: &Document) -> Vec<TopicDoc> {
    let one = |(topic, direction)| {
        let is_published = direction == Direction::Publish;
        let description = document.describe(is_published);
        TopicDoc {
            cells: document.members.iter().map(|member| member.cell).collect(),
            ..doc(topic, direction, document.schema(is_published), description)
        }
    };
    both_ways(&document.topics).map(one).collect()
}

impl Member {
    /// What stands where, as far as that may be shown.
    fn schemas(&self) -> Vec<(Pointer, Schema)> {
        let shown = match self.disclosure {
            Disclosure::Open => value_schema,
            Disclosure::Kind => kind_schema,
            Disclosure::Nothing => return Vec::new(),
        };
        let places = self.places().into_iter();
        places.map(|(at, spec)| (at, shown(spec))).collect()
    }
}

impl Document {
    fn schema(&self, is_published: bool) -> Schema {
        let places: Vec<_> = self.members.iter().flat_map(Member::schemas).collect();
        let places = places.iter().map(|(at, schema)| (at, schema.clone()));
        let mut root = document_schema(places).to_value();
        for (key, constant) in &self.constants {
            // Others have other marks.
            let schema = match (self.from_environment.contains(key), is_published) {
                (true, _) => json!({ "type": json_type(constant) }),
                (false, true) => json!({ "const": constant }),
                (false, false) => json!({ "examples": [constant] }),
            };
            root["properties"][key] = schema;
        }
        if is_published && !self.constants.is_empty() {
            let keys: Vec<&String> = self.constants.keys().collect();
            root["required"] = json!(keys);
        }
        Schema::try_from(root).expect("an object is a schema")
    }

    fn describe(&self, is_published: bool) -> String {
        let names: Vec<&str> = self.members.iter().map(|it| it.name.as_str()).collect();
        let names = match names.split_last() {
            None => "nothing".to_owned(),
            Some((last, [])) => (*last).to_owned(),
            Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        };
        let when = match self.sending {
            Sending::Changed => "those that have changed, on every change",
            Sending::Whole => "all that are known, on every change",
            Sending::Gathered => "all that are known, when it is asked for",
        };
        match (&self.topics, is_published) {
            (Topics::Here { .. }, true) => format!("What {names} are: {when}."),
            (Topics::Here { .. }, false) => {
                format!("Sets those of {names} that it mentions; ignored when it is retained.")
            }
            (Topics::Remote { .. }, true) => format!("Asks the owner of {names}: {when}."),
            (Topics::Remote { .. }, false) => {
                format!("What those of {names} are that it mentions, as their owner says.")
            }
        }
    }
}

pub(super) fn json_type(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    }
}

impl Told {
    pub(super) fn describe(&self) -> Vec<TopicDoc> {
        let text = json!({ "type": "string" });
        let central = json!({ "type": "string", "description": "Its address." });
        let events = self.events.as_ref().map(|topic| {
            let schema = json_schema!({
                "type": "object",
                "properties": {
                    "event": { "enum": ["connected", "disconnected", "subscribed", "unsubscribed"] },
                    "central": central,
                    "characteristic": {
                        "type": "string",
                        "description": "Its name, where it is about a subscription.",
                    },
                },
                "required": ["event", "central"],
            });
            let description = "Centrals that connect, disconnect, subscribe and unsubscribe.";
            doc(topic, Direction::Publish, schema, description.to_owned())
        });
        let rejected = self.rejected.as_ref().map(|topic| {
            let examples: Vec<String> = [Cause::OutOfRange].iter().map(snake).collect();
            let schema = json_schema!({
                "type": "object",
                "properties": {
                    "value": {
                        "type": ["string", "null"],
                        "description": "The name of the characteristic; null where none can be told.",
                    },
                    "origin": { "type": "string", "description": "Where it came in, as in `ble`." },
                    "topic": text,
                    "central": central,
                    "cause": { "type": "string", "examples": examples },
                    "reason": { "type": "string", "description": "A sentence for a person." },
                    "payload": {
                        "type": "string",
                        "description": "Its beginning, 256 bytes at most; hexadecimal if it is no text.",
                    },
                },
                "required": ["value", "origin", "cause", "reason"],
            });
            let description = "What was refused, and why. The values have not changed.";
            doc(topic, Direction::Publish, schema, description.to_owned())
        });
        events.into_iter().chain(rejected).collect()
    }
}
