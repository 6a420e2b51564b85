//! One step of a test, read and judged.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::model::{
    BrokerWord, CentralActConfig, CentralWord, ExpectedConfig, NothingWord, PublishConfig,
    STEP_WORDS, WaitConfig,
};
use super::read::Names;
use super::story::{Act, CentralAct, Expected, Message, Payload, Step};
use super::values::from_hex;
use crate::codec::document::render;
use crate::config::{Diagnostic, Kind, Literal, NodeId, Raw, Spanned, Tree, nearest, read};

/// No test lasts longer, in its own time.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Reads the steps of one test.
pub(super) struct Steps<'a> {
    pub(super) tree: &'a Tree,
    pub(super) names: &'a Names<'a>,
    pub(super) mistakes: &'a mut Vec<Diagnostic>,
    waited: Duration,
}

impl<'a> Steps<'a> {
    pub(super) fn new(
        tree: &'a Tree,
        names: &'a Names<'a>,
        mistakes: &'a mut Vec<Diagnostic>,
    ) -> Self {
        Self {
            tree,
            names,
            mistakes,
            waited: Duration::ZERO,
        }
    }

    /// A step; `None` if something is wrong with it, which is then diagnosed.
    pub(super) fn step(&mut self, at: NodeId) -> Option<Step> {
        let before = self.mistakes.len();
        let step = self.read_step(at);
        let is_told = self.mistakes.len() > before || self.names.characteristics.is_none();
        if step.is_none() && !is_told {
            // A step that says nothing must not pass for one that holds.
            let help = format!("write `- word: …`; there are {}", self.words());
            self.mistake(at, "this step says nothing", help);
        }
        step
    }

    fn read_step(&mut self, at: NodeId) -> Option<Step> {
        let Kind::Mapping(entries) = &self.tree.node(at).kind else {
            let help = format!("write `- word: …`; there are {}", self.words());
            self.mistake(at, "this is no step", help);
            return None;
        };
        let (key, value) = *entries.first()?;
        if let Some((second, _)) = entries.get(1) {
            let word = self.tree.text(*second);
            let message = format!("`{word}` is a second word in one step");
            let first = self.tree.text(key);
            let help = format!(
                "indent it below `{first}:` if it belongs there, or begin a step: `- {word}: …`"
            );
            self.mistake(*second, message, help);
            return None;
        }
        let act = self.act(key, value)?;
        let at = self.tree.span(key);
        Some(Step { at, act })
    }

    fn act(&mut self, key: NodeId, value: NodeId) -> Option<Act> {
        let word = self.tree.text(key);
        if let Some(central) = self.names.centrals.iter().position(|name| name == word) {
            let act = self.central(value)?;
            return Some(Act::Central { central, act });
        }
        match word {
            "publish" => self.publish(value),
            "expect" => self.expect(value),
            "wait" => self.wait(value),
            "broker" => self.read::<BrokerWord>(value).map(Act::Broker),
            _ => {
                let message = format!("`{word}` is no step, and no central");
                let words = STEP_WORDS.iter().copied();
                let known = words.chain(self.names.centrals.iter().map(String::as_str));
                let help = match nearest(word, known) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!(
                        "there are {}; more centrals are named in `centrals:` at the top",
                        self.words()
                    ),
                };
                self.mistake(key, message, help);
                None
            }
        }
    }

    /// The words that a step can begin with.
    fn words(&self) -> String {
        let words = STEP_WORDS.iter().copied();
        let words = words.chain(self.names.centrals.iter().map(String::as_str));
        let words: Vec<String> = words.map(|word| format!("`{word}`")).collect();
        words.join(", ")
    }

    fn central(&mut self, at: NodeId) -> Option<CentralAct> {
        if self.is_word(at) {
            return self.read::<CentralWord>(at).map(|word| match word {
                CentralWord::Connect => CentralAct::Connect,
                CentralWord::Disconnect => CentralAct::Disconnect,
            });
        }
        let act = self.read::<CentralActConfig>(at)?;
        self.central_act(at, act)
    }

    fn publish(&mut self, at: NodeId) -> Option<Act> {
        let PublishConfig {
            topic,
            payload,
            text,
            hex,
            retain,
        } = self.read(at)?;
        let message = self.message(at, topic.as_ref(), payload, text.as_ref(), hex.as_ref())?;
        Some(Act::Publish { message, retain })
    }

    fn expect(&mut self, at: NodeId) -> Option<Act> {
        if self.is_word(at) {
            return self
                .read::<NothingWord>(at)
                .map(|NothingWord::Nothing| Act::ExpectNothing);
        }
        let expected: ExpectedConfig = self.read(at)?;
        let topic = self.topic(at, expected.topic.as_ref());
        let text = expected.text.as_ref();
        let payload = self.payload(at, expected.payload, text, expected.hex.as_ref());
        let at_least = self.given(at, "at_least", expected.at_least);
        let at_least = at_least.map(|raw| (raw, self.json(raw)));
        let payload = match (payload, at_least) {
            (Ok(Some(_)), Some((raw, _))) => {
                let help = "`payload` says all of it, `at_least` a part: keep one";
                self.mistake(raw.0, "the payload is given twice", help);
                return None;
            }
            (Ok(None), Some((_, json))) => Some(Payload::AtLeast(json?)),
            (payload, _) => payload.ok()?,
        };
        if let Some(qos) = expected.qos.as_ref().filter(|qos| qos.value > 2) {
            self.mistake(qos.at, "there is no such quality of service", "0, 1 or 2");
        }
        Some(Act::Expect(Expected {
            topic: topic?,
            payload,
            qos: expected.qos.map(|qos| qos.value),
            retain: expected.retain.map(|retain| retain.value),
        }))
    }

    fn wait(&mut self, at: NodeId) -> Option<Act> {
        let wait: WaitConfig = self.read(at)?;
        let length = match wait.value.0 {
            Ok(interval) => interval.0,
            Err(problem) => {
                let help = "a number and `ms`, `s`, `min` or `h`, as in `2s`";
                self.mistake(at, problem, help);
                return None;
            }
        };
        self.waited += length;
        if self.waited > LONGEST {
            let help = "what takes so long can be declared shorter in a test of its own";
            self.mistake(at, "a test lasts a day at most", help);
            return None;
        }
        Some(Act::Wait(length))
    }

    /// A message with a payload; `None` if there is something wrong with it.
    pub(super) fn message(
        &mut self,
        at: NodeId,
        topic: Option<&Spanned<String>>,
        payload: Option<Raw>,
        text: Option<&Spanned<Literal>>,
        hex: Option<&Spanned<Literal>>,
    ) -> Option<Message> {
        let topic = self.topic(at, topic);
        let payload = match self.payload(at, payload, text, hex).ok()? {
            Some(Payload::Json(json) | Payload::AtLeast(json)) => render(&json).into_bytes(),
            Some(Payload::Bytes(bytes)) => bytes,
            None => {
                let help = "add `payload: …`; `text: \"\"` for an empty one";
                self.mistake(at, "`payload` is missing here", help);
                return None;
            }
        };
        Some(Message {
            topic: topic?,
            payload,
        })
    }

    fn topic(&mut self, at: NodeId, topic: Option<&Spanned<String>>) -> Option<String> {
        let Some(topic) = topic else {
            // A misspelt one has been diagnosed already.
            let is_misspelt = |key: &str| key != "topic" && nearest(key, ["topic"]).is_some();
            if !self.tree.keys(at).any(is_misspelt) {
                self.mistake(at, "`topic` is missing here", "add `topic: …`");
            }
            return None;
        };
        if topic.is_empty() || topic.contains(['+', '#']) {
            let help = "a message has one topic, without `+` and `#`";
            self.mistake(topic.at, "this is no topic of a message", help);
            return None;
        }
        Some(topic.value.clone())
    }

    /// The payload, said in one of three ways, or not at all.
    fn payload(
        &mut self,
        at: NodeId,
        payload: Option<Raw>,
        text: Option<&Spanned<Literal>>,
        hex: Option<&Spanned<Literal>>,
    ) -> Result<Option<Payload>, ()> {
        let payload = self.given(at, "payload", payload);
        if [payload.is_some(), text.is_some(), hex.is_some()]
            .iter()
            .filter(|is| **is)
            .count()
            > 1
        {
            let help = "keep one of `payload`, `text` and `hex`";
            self.mistake(at, "the payload is given twice", help);
            return Err(());
        }
        if let Some(text) = text {
            return Ok(Some(Payload::Bytes(text.text.clone().into_bytes())));
        }
        if let Some(hex) = hex {
            return self.hex(hex).map(|hex| Some(Payload::Bytes(hex))).ok_or(());
        }
        let Some(raw) = payload else {
            return Ok(None);
        };
        match self.json(raw).ok_or(())? {
            Json::String(text) => Ok(Some(Payload::Bytes(text.into_bytes()))),
            json => Ok(Some(Payload::Json(json))),
        }
    }

    pub(super) fn hex(&mut self, literal: &Spanned<Literal>) -> Option<Vec<u8>> {
        let octets = from_hex(&literal.text);
        if octets.is_none() {
            let help = "two hexadecimal digits a byte, as in `\"01 ff\"`";
            self.mistake(literal.at, "these are no bytes", help);
        }
        octets
    }

    /// What stands behind a key, if the key is there: `null` is something too.
    pub(super) fn given(&self, at: NodeId, key: &str, found: Option<Raw>) -> Option<Raw> {
        let mut entries = self.tree.entries(at).iter();
        found.or_else(|| {
            let entry = entries.find(|(known, _)| self.tree.text(*known) == key);
            entry.map(|(_, value)| Raw(*value))
        })
    }

    pub(super) fn json(&mut self, raw: Raw) -> Option<Json> {
        self.read(raw.0)
    }

    fn is_word(&self, at: NodeId) -> bool {
        matches!(&self.tree.node(at).kind, Kind::Scalar { text, .. } if !text.is_empty())
    }

    fn read<T: DeserializeOwned>(&mut self, at: NodeId) -> Option<T> {
        let before = self.mistakes.len();
        let found = read(self.tree, at, &|_| Vec::new(), self.mistakes);
        // What is left after a mistake would only lead to more.
        found.filter(|_| self.mistakes.len() == before)
    }

    pub(super) fn mistake(
        &mut self,
        at: NodeId,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let mistake = Diagnostic::new(self.tree.span(at), message).help(help);
        self.mistakes.push(mistake);
    }
}
