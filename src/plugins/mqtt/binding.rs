//! Pure: what a characteristic's `mqtt` means. Which message an effect becomes, and what a message
//! asks for or reports. No I/O and no clock.

use std::collections::BTreeMap;

use schemars::Schema;

use super::config::Qos;
use crate::codec::{Cause, Patch, Spec, Template, Violation};
use crate::config::schema::{payload_schema, value_schema};
use crate::engine::{Carries, CellId, Effect};

/// No payload of one value is longer: a value has 512 bytes at most, and even with every byte of it
/// escaped in JSON there is room for a document around it.
pub const MAX_PAYLOAD: usize = 64 * 1024;

/// A topic that is published on or subscribed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    pub name: String,
    pub qos: Qos,
    pub retain: bool,
}

/// A message that is to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub topic: String,
    pub payload: String,
    pub qos: Qos,
    pub retain: bool,
}

/// What one value has on MQTT.
#[derive(Clone, Debug)]
pub struct Binding {
    pub cell: CellId,
    /// For people.
    pub name: String,
    pub spec: Spec,
    pub payload: Template,
    pub topics: Topics,
}

/// Which topics, and in which direction.
#[derive(Clone, Debug)]
pub enum Topics {
    /// This process holds the truth: `state` is published, `command` subscribed to.
    Here {
        state: Option<Topic>,
        command: Option<Topic>,
    },
    /// A remote program does: `state` is subscribed to, `command` published.
    Remote {
        state: Topic,
        command: Option<Topic>,
    },
}

/// What a message was for one value.
#[derive(Clone, Debug, PartialEq)]
pub enum Received {
    /// Somebody asks for this value.
    Request(Patch),
    /// The remote owner says that this is the value.
    Report(Patch),
    /// It broke a rule.
    Refused(Violation),
}

/// All values on MQTT.
#[derive(Clone, Debug, Default)]
pub struct Bindings {
    bindings: Vec<Binding>,
    by_cell: BTreeMap<CellId, usize>,
    /// By the topic that is subscribed to.
    takers: BTreeMap<String, Vec<usize>>,
}

impl Binding {
    /// The topic that is published on, and what is said there.
    pub(super) fn published(&self) -> Option<&Topic> {
        match &self.topics {
            Topics::Here { state, .. } => state.as_ref(),
            Topics::Remote { command, .. } => command.as_ref(),
        }
    }

    /// The topic that is subscribed to.
    fn subscribed(&self) -> Option<&Topic> {
        match &self.topics {
            Topics::Here { command, .. } => command.as_ref(),
            Topics::Remote { state, .. } => Some(state),
        }
    }

    fn receive(&self, payload: &[u8], retained: bool) -> Received {
        let is_command = match self.topics {
            Topics::Here { .. } => true,
            Topics::Remote { .. } => false,
        };
        if is_command && retained {
            let detail = "a retained command is a command of the past: publish it without retain";
            return Received::Refused(Violation::new(Cause::RetainedCommand, detail));
        }
        if payload.len() > MAX_PAYLOAD {
            let detail = format!(
                "a payload of {} bytes is longer than any value",
                payload.len()
            );
            return Received::Refused(Violation::new(Cause::TooLong, detail));
        }
        match self.payload.read(&self.spec, payload) {
            Ok(value) if is_command => Received::Request(value),
            Ok(value) => Received::Report(value),
            Err(violation) => Received::Refused(violation),
        }
    }
}

impl Bindings {
    pub fn new(bindings: Vec<Binding>) -> Self {
        let mut takers: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, binding) in bindings.iter().enumerate() {
            if let Some(topic) = binding.subscribed() {
                takers.entry(topic.name.clone()).or_default().push(index);
            }
        }
        let by_cell = bindings
            .iter()
            .enumerate()
            .map(|(index, binding)| (binding.cell, index))
            .collect();
        Self {
            bindings,
            by_cell,
            takers,
        }
    }

    pub fn len(&self) -> usize {
        self.bindings.len()
    }

    pub fn is_empty(&self) -> bool {
        self.bindings.is_empty()
    }

    /// The topics to subscribe to, each once. The highest quality of service that any value wants
    /// there, but 1 at most: the broker's half of a QoS 2 hand-over outlives our own, which is gone
    /// with every connection.
    pub fn subscriptions(&self) -> Vec<(&str, Qos)> {
        self.takers
            .iter()
            .map(|(topic, takers)| {
                let wanted = takers
                    .iter()
                    .filter_map(|&index| self.bindings[index].subscribed())
                    .map(|topic| topic.qos)
                    .max()
                    .unwrap_or_default();
                (topic.as_str(), wanted.min(Qos::AtLeastOnce))
            })
            .collect()
    }

    /// What an effect becomes; `None` if nothing is declared for it.
    pub fn publish(&self, effect: &Effect) -> Option<Message> {
        let binding = &self.bindings[*self.by_cell.get(&effect.cell)?];
        let topic = match (effect.carries, &binding.topics) {
            (Carries::State | Carries::StateOfOthers, Topics::Here { state, .. }) => state.as_ref(),
            (Carries::Requests, Topics::Remote { command, .. }) => command.as_ref(),
            (Carries::State | Carries::StateOfOthers, Topics::Remote { .. })
            | (Carries::Requests, Topics::Here { .. }) => None,
        }?;
        Some(Message {
            topic: topic.name.clone(),
            payload: binding.payload.write(&binding.spec, &effect.value),
            qos: topic.qos,
            retain: topic.retain,
        })
    }

    /// What a message is, for every value that takes from its topic; nothing if none does.
    pub fn receive<'a>(
        &'a self,
        topic: &str,
        payload: &'a [u8],
        retained: bool,
    ) -> impl Iterator<Item = (CellId, Received)> + 'a {
        let takers = self.takers.get(topic).map_or(&[][..], Vec::as_slice);
        takers.iter().map(move |&index| {
            let binding = &self.bindings[index];
            (binding.cell, binding.receive(payload, retained))
        })
    }

    /// The schemas of all payloads, by topic.
    pub fn payload_schemas(&self) -> Vec<(String, Schema)> {
        let mut by_topic: BTreeMap<&str, Vec<(&Binding, bool)>> = BTreeMap::new();
        for binding in &self.bindings {
            let sides = [(binding.published(), true), (binding.subscribed(), false)];
            for (topic, is_published) in sides {
                if let Some(topic) = topic {
                    let on_topic = by_topic.entry(&topic.name).or_default();
                    on_topic.push((binding, is_published));
                }
            }
        }
        by_topic
            .into_iter()
            .map(|(topic, parts)| (topic.to_owned(), topic_schema(topic, &parts)))
            .collect()
    }
}

/// The schema of a topic: of all that its payload has to be at once.
fn topic_schema(topic: &str, parts: &[(&Binding, bool)]) -> Schema {
    let mut schemas: Vec<Schema> = parts
        .iter()
        .map(|(binding, _)| {
            let value = value_schema(&binding.spec);
            payload_schema(binding.payload.json(), &value)
        })
        .collect();
    let mut schema = if schemas.len() == 1 {
        schemas.remove(0)
    } else {
        let all: Vec<_> = schemas.into_iter().map(Schema::to_value).collect();
        schemars::json_schema!({ "allOf": all })
    };
    let lines: Vec<String> = parts
        .iter()
        .map(|(binding, is_published)| describe(binding, *is_published))
        .collect();
    schema.insert("title".to_owned(), topic.into());
    schema.insert("description".to_owned(), lines.join(" ").into());
    schema
}

fn describe(binding: &Binding, is_published: bool) -> String {
    let name = &binding.name;
    match (&binding.topics, is_published) {
        (Topics::Here { .. }, true) => format!("What {name} is, published on every change."),
        (Topics::Here { .. }, false) => format!("Sets {name}; ignored when it is retained."),
        (Topics::Remote { .. }, true) => format!("Asks the owner of {name} for a value."),
        (Topics::Remote { .. }, false) => format!("What {name} is, as its owner says."),
    }
}
