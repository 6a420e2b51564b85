//! Pure: what a characteristic's own topics mean. Which message an effect becomes, and what a message
//! asks for or reports. No I/O and no clock.

use super::config::Qos;
use super::format::Format;
use crate::codec::{Cause, Patch, Spec, Violation};
use crate::engine::{Carries, CellId, Change, Effect, Mark};

/// No payload of one value is longer: a value has 512 bytes at most, and even with every byte of it
/// escaped in JSON there is room for a document around it.
pub const MAX_PAYLOAD: usize = 64 * 1024;

/// A topic that is published on or subscribed to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Topic {
    pub name: String,
    pub qos: Qos,
    pub retain: bool,
}

/// A message that is to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub topic: String,
    pub payload: Vec<u8>,
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
    pub format: Format,
    /// Something that stands beside the value in every payload came from the environment, and is not to be
    /// shown.
    pub is_from_environment: bool,
    /// So did something of what the value is declared to be: no schema shows more than its kind.
    pub is_value_from_environment: bool,
    pub topics: Topics,
}

/// Which topics, and in which direction.
#[derive(Clone, Debug)]
pub enum Topics {
    /// This process holds the truth: `state` is published, commands subscribed to.
    Here {
        state: Option<Topic>,
        commands: Vec<Topic>,
    },
    /// A remote program does: its states are subscribed to, `command` published.
    Remote {
        states: Vec<Topic>,
        command: Option<Topic>,
    },
}

/// What a message was for one value.
#[derive(Clone, Debug, PartialEq)]
pub enum Received {
    /// Somebody asks for a change.
    Request(Change),
    /// The remote owner says that this is so.
    Report { patch: Patch, mark: Mark },
    /// It broke a rule.
    Refused(Violation),
}

impl Topic {
    pub(super) fn message(&self, payload: Vec<u8>) -> Message {
        Message {
            topic: self.name.clone(),
            payload,
            qos: self.qos,
            retain: self.retain,
        }
    }
}

impl Topics {
    /// The topic that is published on.
    pub(super) fn published(&self) -> Option<&Topic> {
        match self {
            Self::Here { state, .. } => state.as_ref(),
            Self::Remote { command, .. } => command.as_ref(),
        }
    }

    /// The topics that are subscribed to.
    pub(super) fn subscribed(&self) -> &[Topic] {
        match self {
            Self::Here { commands, .. } => commands,
            Self::Remote { states, .. } => states,
        }
    }

    /// The topic on which an effect is published.
    pub(super) fn carrying(&self, carries: Carries) -> Option<&Topic> {
        match (carries, self) {
            (Carries::State | Carries::StateOfOthers | Carries::Kept, Self::Here { state, .. }) => {
                state.as_ref()
            }
            (Carries::Requests, Self::Remote { command, .. }) => command.as_ref(),
            (Carries::State | Carries::StateOfOthers | Carries::Kept, Self::Remote { .. })
            | (Carries::Requests, Self::Here { .. }) => None,
        }
    }

    /// Whether what is subscribed to asks for changes.
    pub(super) fn takes_commands(&self) -> bool {
        match self {
            Self::Here { .. } => true,
            Self::Remote { .. } => false,
        }
    }

    /// What is wrong with a message before its payload is looked at.
    pub(super) fn check(
        &self,
        payload: &[u8],
        retained: bool,
        max: usize,
    ) -> Result<(), Violation> {
        if self.takes_commands() && retained {
            let detail = "a retained command is a command of the past: publish it without retain";
            return Err(Violation::new(Cause::RetainedCommand, detail));
        }
        if payload.len() > max {
            return Err(overlong(payload.len()));
        }
        Ok(())
    }
}

/// What is wrong with a payload that is longer than any could be.
pub(super) fn overlong(length: usize) -> Violation {
    let detail = format!("a payload of {length} bytes is longer than any value");
    Violation::new(Cause::TooLong, detail)
}

impl Binding {
    /// What an effect becomes; `None` if nothing is declared for it.
    pub(super) fn publish(&self, effect: &Effect) -> Option<Message> {
        let topic = self.topics.carrying(effect.carries)?;
        // What counts as an event has happened once: to say it again would lock the door again. Only a
        // topic that is kept says how things stand.
        if effect.restated && !topic.retain {
            return None;
        }
        Some(topic.message(self.format.write(&self.spec, &effect.value)))
    }

    pub(super) fn receive(&self, payload: &[u8], retained: bool) -> Received {
        let patch = self
            .topics
            .check(payload, retained, MAX_PAYLOAD)
            .and_then(|()| self.format.read(&self.spec, payload));
        match patch {
            Err(violation) => Received::Refused(violation),
            Ok(patch) if !self.topics.takes_commands() => {
                let mark = Mark::Foreign;
                Received::Report { patch, mark }
            }
            Ok(Patch::Set(value)) if self.format.is_exact() => {
                Received::Request(Change::Set(value))
            }
            Ok(patch) => Received::Request(Change::Rounded(patch)),
        }
    }

    pub(super) fn describe(&self, is_published: bool) -> String {
        let name = &self.name;
        match (&self.topics, is_published) {
            (Topics::Here { .. }, true) => format!("What {name} is, published on every change."),
            (Topics::Here { .. }, false) => format!("Sets {name}; ignored when it is retained."),
            (Topics::Remote { .. }, true) => format!("Asks the owner of {name} for a value."),
            (Topics::Remote { .. }, false) => format!("What {name} is, as its owner says."),
        }
    }
}
