//! Pure: a JSON document that several values share. What it becomes when some of them have changed, and
//! what a message says of each. No I/O and no clock.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::binding::{MAX_PAYLOAD, Message, Received, Topics};
use crate::codec::{Cause, Patch, Pointer, Spec, Value, Violation, document, json};
use crate::engine::{CellId, Change, Effect, Mark};

/// The longest document that is taken, which has to fit into the memory of a small machine.
const LONGEST: usize = 4 * 1024 * 1024;

/// A declared document.
#[derive(Clone, Debug)]
pub struct Document {
    /// As the YAML calls it.
    pub name: String,
    pub topics: Topics,
    pub sending: Sending,
    /// What is in every message that is published.
    pub constants: Map<String, Json>,
    /// Those of them that came from the environment: no schema shows what they are.
    pub from_environment: BTreeSet<String>,
    /// The constant by which our own messages are known.
    pub ignore_own: Option<String>,
    pub omit_empty: bool,
    pub members: Vec<Member>,
    /// Writing one of these publishes the document.
    pub triggers: Vec<CellId>,
}

/// When, and how much of it, a document is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sending {
    /// On a change: the values that have changed.
    Changed,
    /// On a change: all values that are known.
    Whole,
    /// When a trigger is written: all values that are known.
    Gathered,
}

/// A value in a document.
#[derive(Clone, Debug)]
pub struct Member {
    pub cell: CellId,
    /// For people.
    pub name: String,
    pub spec: Spec,
    pub at: Pointer,
    /// Under which names its parts say that they are in this document; `None` is for those that say
    /// nothing.
    pub known_as: Vec<Option<Arc<str>>>,
    pub is_constant: bool,
    pub disclosure: Disclosure,
}

/// What a schema may say of a value in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disclosure {
    Open,
    /// What it may be came from the environment: only what kind of JSON it is.
    Kind,
    /// Where it stands came from there too.
    Nothing,
}

impl Member {
    /// What a message says of it.
    fn read(&self, json: &Json) -> Result<Patch, Violation> {
        let mut all = Patch::Keep;
        for name in &self.known_as {
            let patch = document::read(&self.spec, &self.at, name.as_deref(), json)?;
            all = both(all, patch);
        }
        Ok(all)
    }

    pub(super) fn write(&self, value: &Value, omit_empty: bool, json: &mut Json) {
        for name in &self.known_as {
            document::write(
                &self.spec,
                &self.at,
                name.as_deref(),
                value,
                omit_empty,
                json,
            );
        }
    }

    /// Where its parts stand in this document, and what they are.
    pub(super) fn places(&self) -> Vec<(Pointer, &Spec)> {
        let mut places = document::places(&self.spec, &self.at);
        places.retain(|(at, _)| self.known_as.contains(&at.document));
        places
    }
}

impl Document {
    /// The values that stand in it.
    pub(super) fn cells(&self) -> impl Iterator<Item = CellId> + '_ {
        self.members.iter().map(|member| member.cell)
    }

    /// Whether a change of a member is published.
    pub(super) fn publishes(&self, effect: &Effect) -> bool {
        match self.sending {
            Sending::Changed | Sending::Whole => {
                let topic = self.topics.carrying(effect.carries);
                topic.is_some_and(|topic| topic.retain || !effect.restated)
            }
            Sending::Gathered => false,
        }
    }

    /// The message that a write of a trigger publishes: what its members held when it was accepted.
    pub(super) fn gathers(&self, trigger: &Effect) -> Option<Message> {
        // That nobody has written it, or that the broker is back, publishes nothing.
        if trigger.restated {
            return None;
        }
        let held = trigger.with.as_deref().unwrap_or_default();
        self.message(|cell| {
            held.iter()
                .find(|(of, _)| *of == cell)
                .map(|(_, it)| it.clone())
        })
    }

    /// The message for these changes. `known` is what a value holds now.
    pub(super) fn publish(
        &self,
        changed: &HashMap<CellId, Value>,
        known: impl Fn(CellId) -> Option<Value>,
    ) -> Option<Message> {
        self.message(|cell| match (changed.get(&cell), self.sending) {
            (Some(value), _) => Some(value.clone()),
            (None, Sending::Changed | Sending::Gathered) => None,
            (None, Sending::Whole) => known(cell),
        })
    }

    /// The message with these values.
    fn message(&self, value: impl Fn(CellId) -> Option<Value>) -> Option<Message> {
        let topic = self.topics.published()?;
        let mut json = Json::Object(Map::new());
        for member in &self.members {
            if let Some(value) = value(member.cell) {
                member.write(&value, self.omit_empty, &mut json);
            }
        }
        if let Json::Object(entries) = &mut json {
            entries.extend(self.constants.clone());
        }
        Some(topic.message(document::render(&json).into_bytes()))
    }

    /// No payload of it is longer. There is room for what others keep in it, and an end to it however many
    /// values it has.
    pub(super) fn longest(&self) -> usize {
        let all = MAX_PAYLOAD.saturating_mul(self.members.len());
        all.clamp(MAX_PAYLOAD, LONGEST)
    }

    /// What a message is, for every member that it mentions. `is_first` is whether it is the first since
    /// connecting: that one is not passed over even if it is our own and nothing was asked for.
    ///
    /// # Errors
    /// The [`Violation`] of a message that is no such document at all.
    pub(super) fn receive(
        &self,
        payload: &[u8],
        retained: bool,
        is_first: bool,
    ) -> Result<Vec<(CellId, Received)>, Violation> {
        self.topics.check(payload, retained, self.longest())?;
        let json = parse(payload)?;
        let is_own = self.is_own(&json);
        let takes_commands = self.topics.takes_commands();
        if is_own && takes_commands {
            return Ok(Vec::new());
        }
        let mark = match (is_own, is_first) {
            (false, _) => Mark::Foreign,
            (true, false) => Mark::Own,
            (true, true) => Mark::OwnAndFirst,
        };
        let received = |member: &Member| {
            if member.is_constant {
                return None;
            }
            let received = match member.read(&json) {
                Ok(patch) if patch.is_keep() => return None,
                Ok(patch) if takes_commands => Received::Request(Change::Rounded(patch)),
                Ok(patch) => Received::Report { patch, mark },
                Err(violation) => Received::Refused(violation),
            };
            Some((member.cell, received))
        };
        Ok(self.members.iter().filter_map(received).collect())
    }

    fn is_own(&self, json: &Json) -> bool {
        let Some(key) = &self.ignore_own else {
            return false;
        };
        self.constants.get(key).is_some() && json.get(key) == self.constants.get(key)
    }
}

fn parse(payload: &[u8]) -> Result<Json, Violation> {
    let text = std::str::from_utf8(payload).map_err(|error| {
        let detail = format!("the payload is not UTF-8: {error}");
        Violation::new(Cause::InvalidUtf8, detail)
    })?;
    let parsed: Json =
        serde_json::from_str(text).map_err(|error| json::malformed("the payload", text, &error))?;
    match parsed {
        Json::Object(_) => Ok(parsed),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
            let detail = "the payload is no JSON object";
            Err(Violation::new(Cause::WrongType, detail))
        }
    }
}

/// What two readings of one message say together; they speak of different parts.
fn both(one: Patch, other: Patch) -> Patch {
    match (one, other) {
        (Patch::Keep, patch) | (patch, Patch::Keep) => patch,
        (Patch::Fields(ones), Patch::Fields(others)) => {
            let pairs = ones.into_iter().zip(others);
            Patch::Fields(pairs.map(|(one, other)| both(one, other)).collect())
        }
        (one, _) => one,
    }
}
