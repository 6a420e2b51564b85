//! From a declared topic to one that is used, and who publishes where.

use std::collections::HashMap;

use crate::config::{Interval, Lenient, NodeId, Spanned};
use crate::plugin::Configure;
use crate::plugins::mqtt::binding::Topic;
use crate::plugins::mqtt::config::{DocumentTopicConfig, OneOrMany, Qos, SendConfig, TopicConfig};
use crate::plugins::mqtt::topics;

/// What is said of a topic.
pub(super) struct Said<'c> {
    pub(super) text: Spanned<String>,
    qos: Option<&'c Spanned<Lenient<Qos>>>,
    pub(super) retain: Option<Spanned<bool>>,
    pub(super) send: Option<Spanned<SendConfig>>,
}

/// A form in which topics are declared.
pub(super) trait Says {
    fn says(&self, at: NodeId) -> Said<'_>;
}

fn only(at: NodeId, text: &str) -> Said<'static> {
    Said {
        text: Spanned {
            at,
            value: text.to_owned(),
        },
        qos: None,
        retain: None,
        send: None,
    }
}

impl Says for TopicConfig {
    fn says(&self, at: NodeId) -> Said<'_> {
        match self {
            Self::Short(text) => only(at, text),
            Self::Long(long) => Said {
                text: long.topic.clone(),
                qos: long.qos.as_ref(),
                retain: long.retain,
                send: None,
            },
        }
    }
}

impl Says for DocumentTopicConfig {
    fn says(&self, at: NodeId) -> Said<'_> {
        match self {
            Self::Short(text) => only(at, text),
            Self::Long(long) => Said {
                text: long.topic.clone(),
                qos: long.qos.as_ref(),
                retain: long.retain,
                send: long.send,
            },
        }
    }
}

/// All that is declared in one place, in its order.
pub(super) fn said<T: Says>(config: Option<&Spanned<OneOrMany<T>>>) -> Vec<Said<'_>> {
    match config {
        None => Vec::new(),
        Some(Spanned { at, value }) => match value {
            OneOrMany::One(topic) => vec![topic.says(*at)],
            OneOrMany::Many(topics) => topics.iter().map(|it| it.value.says(it.at)).collect(),
        },
    }
}

/// The quality of service that is declared; `None` if none is, or if it is wrong and then diagnosed.
pub(super) fn quality(
    declared: &mut Configure<'_>,
    qos: Option<&Spanned<Lenient<Qos>>>,
) -> Option<Qos> {
    let qos = qos?;
    match &qos.value.0 {
        Ok(qos) => Some(*qos),
        Err(problem) => {
            let help = "0 is at most once, 1 at least once, 2 exactly once";
            declared.mistake(qos.at, problem, help);
            None
        }
    }
}

/// Reads topics.
pub(super) struct Reader<'a, 'b> {
    pub(super) declared: &'a mut Configure<'b>,
    pub(super) client_id: &'a str,
    /// Where a topic says nothing else.
    pub(super) qos: Qos,
}

impl Reader<'_, '_> {
    pub(super) fn mistake(
        &mut self,
        at: NodeId,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.declared.mistake(at, message, help);
    }

    /// The topic to publish on, if one is declared; the outer `None` if it is wrong.
    pub(super) fn published<T: Says>(
        &mut self,
        config: Option<&Spanned<OneOrMany<T>>>,
        retain: bool,
    ) -> Option<Option<Topic>> {
        let topics = said(config);
        if let (Some(config), true) = (config, topics.len() != 1) {
            let help = "name one: a list is for topics that are only subscribed to";
            self.mistake(config.at, "this is published, on one topic", help);
            return None;
        }
        match topics.first() {
            None => Some(None),
            Some(said) => self.topic(said, retain).map(Some),
        }
    }

    /// The topics to subscribe to; `None` if one of them is wrong.
    pub(super) fn subscribed<T: Says>(
        &mut self,
        config: Option<&Spanned<OneOrMany<T>>>,
    ) -> Option<Vec<Topic>> {
        let topics = said(config);
        if let (Some(config), true) = (config, topics.is_empty()) {
            let help = "name one, or remove the key";
            self.mistake(config.at, "there is no topic in this list", help);
            return None;
        }
        let mut found: Vec<Topic> = Vec::new();
        let mut is_right = true;
        for said in &topics {
            let help = "remove it: who publishes on a topic decides what is retained";
            if let Some(retain) = said.retain {
                self.mistake(retain.at, "this topic is only subscribed to", help);
            }
            if let Some(send) = said.send {
                let help = "remove it: who publishes on a topic decides what is sent";
                self.mistake(send.at, "this topic is only subscribed to", help);
            }
            match self.topic(
                &Said {
                    retain: None,
                    ..said.copy()
                },
                false,
            ) {
                Some(topic) if found.iter().any(|known| known.name == topic.name) => {
                    self.mistake(
                        said.text.at,
                        "this topic is in the list twice",
                        "remove one",
                    );
                }
                Some(topic) => found.push(topic),
                None => is_right = false,
            }
        }
        is_right.then_some(found)
    }

    /// One topic; `retain` is what it is where that is not said.
    pub(super) fn topic(&mut self, said: &Said<'_>, retain: bool) -> Option<Topic> {
        let qos = quality(self.declared, said.qos).unwrap_or(self.qos);
        let more = [("client_id", self.client_id)];
        let name = self.declared.expand(&said.text, &more)?;
        if let Err((message, help)) = topics::check(&name) {
            self.mistake(said.text.at, message, help);
            return None;
        }
        Some(Topic {
            name,
            qos,
            retain: said.retain.map_or(retain, |retain| retain.value),
        })
    }

    /// A length of time; `None` if none is declared or it is wrong. `in_vain` is what is wrong with none
    /// at all.
    pub(super) fn interval(
        &mut self,
        config: Option<&Spanned<Lenient<Interval>>>,
        in_vain: &str,
        help: &str,
    ) -> Option<std::time::Duration> {
        let config = config?;
        match &config.value.0 {
            Ok(Interval(interval)) if interval.is_zero() => {
                self.mistake(config.at, in_vain, help);
                None
            }
            Ok(Interval(interval)) => Some(*interval),
            Err(problem) => {
                let help = "a number and `ms`, `s`, `min` or `h`, as in `2s`";
                self.mistake(config.at, problem, help);
                None
            }
        }
    }
}

impl<'c> Said<'c> {
    fn copy(&self) -> Self {
        Said {
            text: self.text.clone(),
            qos: self.qos,
            retain: self.retain,
            send: self.send,
        }
    }
}

/// Who publishes where, and what is subscribed to.
#[derive(Default)]
pub(super) struct Traffic {
    published: HashMap<String, Publisher>,
    subscribed: HashMap<String, NodeId>,
}

#[derive(Clone, Copy)]
struct Publisher {
    at: NodeId,
    is_alone: bool,
}

impl Traffic {
    pub(super) fn publishes(&self, topic: &str) -> bool {
        self.published.contains_key(topic)
    }

    /// Whether something takes from a topic.
    pub(super) fn subscribes(&self, topic: &str) -> bool {
        self.subscribed.contains_key(topic)
    }

    pub(super) fn subscribe(&mut self, topic: &Topic, at: NodeId) {
        self.subscribed.entry(topic.name.clone()).or_insert(at);
    }

    /// Requests may share a topic, each says something else there. The newest message of a state
    /// topic is the state, so nothing else can be published on it (`is_alone`).
    pub(super) fn publish(
        &mut self,
        declared: &mut Configure<'_>,
        topic: &Topic,
        at: NodeId,
        is_alone: bool,
    ) {
        match self.published.get(&topic.name) {
            Some(first) if is_alone || first.is_alone => {
                let line = declared.line(first.at);
                // The topic is not repeated: what was filled in may come from the environment.
                let message = "a second value that is published on this topic";
                let help = format!("the first is in line {line}: give each a topic of its own");
                declared.mistake(at, message, help);
            }
            Some(_) => {}
            None => {
                let publisher = Publisher { at, is_alone };
                self.published.insert(topic.name.clone(), publisher);
            }
        }
    }
}
