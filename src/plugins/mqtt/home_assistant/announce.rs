//! How Home Assistant is told: what the broker keeps of us is looked at, what is there no more is taken away,
//! and what there is is published. No I/O, and the time is an argument.
//!
//! The broker's own copy is the memory that counts: it survives a disk that was wiped, and it shows whether
//! somebody else has our topic, who is then left alone.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde_json::{Map, Value as Json, json};
use tokio::time::Instant;
use tracing::{info, warn};

use super::{HomeAssistant, ORIGIN};
use crate::codec::document;
use crate::plugins::mqtt::binding::Message;
use crate::plugins::mqtt::config::Qos;

/// A broker sends what it keeps with its answer to the subscription, or soon after it.
const LOOK: Duration = Duration::from_millis(500);
/// Home Assistant passes over parts of a document that comes while it is busy with the one before.
const BETWEEN: Duration = Duration::from_secs(1);
/// When Home Assistant starts, all devices are to tell it of themselves, and not at once.
const SPREAD: Duration = Duration::from_secs(5);
/// What Home Assistant says when it has started.
const ONLINE: &[u8] = b"online";

/// What is told on one connection.
pub(in crate::plugins::mqtt) struct Announcer<'a> {
    told: Option<&'a HomeAssistant>,
    /// What is subscribed to so as to see what the broker keeps there.
    looks: BTreeMap<String, Look>,
    ready: VecDeque<Message>,
    /// When the document is to be published (again).
    again: Option<Instant>,
    /// Somebody else has our topic.
    is_taken: bool,
    /// Topics that were ours, and on which nothing of ours is kept.
    over: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Asked,
    Until(Instant),
    Over,
}

impl<'a> Announcer<'a> {
    /// `obsolete` are the topics that were ours once.
    pub(in crate::plugins::mqtt) fn new(
        told: Option<&'a HomeAssistant>,
        obsolete: Vec<String>,
    ) -> Self {
        let own = told.map(|told| told.topic.clone());
        let looks = own.into_iter().chain(obsolete);
        Self {
            told,
            looks: looks.map(|topic| (topic, Look::Asked)).collect(),
            ready: VecDeque::new(),
            again: None,
            is_taken: false,
            over: Vec::new(),
        }
    }

    /// What to subscribe to.
    pub(in crate::plugins::mqtt) fn subscriptions(&self) -> impl Iterator<Item = (&str, Qos)> {
        let status = self.told.map(|told| told.status.as_str());
        let looks = self.looks.keys().map(String::as_str);
        looks.chain(status).map(|topic| (topic, Qos::AtLeastOnce))
    }

    /// Whether a topic is looked at here, and nowhere else.
    pub(in crate::plugins::mqtt) fn takes(&self, topic: &str) -> bool {
        self.looks.contains_key(topic) || self.told.is_some_and(|told| told.status == topic)
    }

    /// The broker has answered a subscription.
    pub(in crate::plugins::mqtt) fn subscribed(&mut self, topic: &str, now: Instant) {
        if let Some(look @ Look::Asked) = self.looks.get_mut(topic) {
            *look = Look::Until(now + LOOK);
        }
    }

    /// A message has come on one of these topics. `chance` is from 0 to 1.
    pub(in crate::plugins::mqtt) fn receive(
        &mut self,
        topic: &str,
        payload: &[u8],
        retained: bool,
        now: Instant,
        chance: f64,
    ) {
        if self.told.is_some_and(|told| told.status == topic) {
            // What is retained is of a start that is over, and on connecting we publish anyway.
            if payload == ONLINE && !retained && !self.is_taken {
                self.again = Some(now + SPREAD.mul_f64(chance));
            }
            return;
        }
        // Without the flag it is our own, come back.
        if !retained {
            return;
        }
        match self.told.filter(|told| told.topic == topic) {
            Some(told) => self.kept(told, payload, now),
            None => self.obsolete(topic, payload),
        }
        self.looks.insert(topic.to_owned(), Look::Over);
    }

    /// The next message, if there is one.
    pub(in crate::plugins::mqtt) fn next(&mut self, now: Instant) -> Option<Message> {
        let told = self.told;
        for (topic, look) in &mut self.looks {
            if matches!(look, Look::Until(until) if *until <= now) {
                // The broker keeps nothing there.
                *look = Look::Over;
                match told {
                    Some(told) if told.topic == *topic => {
                        self.ready.push_back(message(told, &told.document));
                    }
                    Some(_) | None => self.over.push(topic.clone()),
                }
            }
        }
        if self.again.is_some_and(|at| at <= now)
            && let Some(told) = told
        {
            self.again = None;
            self.ready.push_back(message(told, &told.document));
        }
        self.ready.pop_front()
    }

    /// The broker has taken a message on this topic.
    pub(in crate::plugins::mqtt) fn acknowledged(&mut self, topic: String) {
        if self.told.is_none_or(|told| told.topic != topic) {
            self.over.push(topic);
        }
    }

    /// A topic that was ours, and on which nothing of ours is kept any more.
    pub(in crate::plugins::mqtt) fn over(&mut self) -> Option<String> {
        self.over.pop()
    }

    /// When there may be a next message, if none comes before.
    pub(in crate::plugins::mqtt) fn due(&self) -> Option<Instant> {
        let looks = self.looks.values().filter_map(|look| match look {
            Look::Until(until) => Some(*until),
            Look::Asked | Look::Over => None,
        });
        looks.chain(self.again).min()
    }

    /// Whether nothing is to come of itself.
    pub(in crate::plugins::mqtt) fn is_settled(&self) -> bool {
        let mut looks = self.looks.values();
        self.ready.is_empty() && self.again.is_none() && looks.all(|look| *look == Look::Over)
    }

    /// What the broker keeps on our topic.
    fn kept(&mut self, told: &HomeAssistant, payload: &[u8], now: Instant) {
        let kept: Option<Json> = serde_json::from_slice(payload).ok();
        let kept = kept.filter(|kept| is_ours(kept, &told.id));
        let Some(kept) = kept else {
            self.is_taken = true;
            let topic = &told.topic;
            return warn!(
                "somebody else has told Home Assistant of a device on `{topic}`, so this one is not told of \
                 there: give it another `id` in `home_assistant`"
            );
        };
        let gone = gone(&kept, &told.document);
        if !gone.is_empty() {
            info!(
                "takes away from Home Assistant what is declared no more: {}",
                listed(&gone)
            );
            let mut document = told.document.clone();
            if let Some(Json::Object(components)) = document.get_mut("cmps") {
                components.extend(gone);
            }
            self.ready.push_back(message(told, &document));
            self.again = Some(now + BETWEEN);
        } else if payload != document::render(&told.document).as_bytes() {
            self.ready.push_back(message(told, &told.document));
        }
    }

    /// What the broker keeps on a topic that was ours.
    fn obsolete(&mut self, topic: &str, payload: &[u8]) {
        let id = topic.rsplit('/').nth(1).unwrap_or_default();
        let kept: Option<Json> = serde_json::from_slice(payload).ok();
        if kept.is_some_and(|kept| is_ours(&kept, id)) {
            info!("takes the device `{id}` away from Home Assistant: it is declared no more");
            self.ready.push_back(cleared(topic));
        } else {
            self.over.push(topic.to_owned());
        }
    }
}

fn message(told: &HomeAssistant, document: &Json) -> Message {
    Message {
        topic: told.topic.clone(),
        payload: document::render(document).into_bytes(),
        qos: told.qos,
        retain: true,
    }
}

/// Nothing is kept on the topic any more.
fn cleared(topic: &str) -> Message {
    Message {
        topic: topic.to_owned(),
        payload: Vec::new(),
        qos: Qos::AtLeastOnce,
        retain: true,
    }
}

/// Whether a document is one of this program's for the device of this identity.
fn is_ours(document: &Json, id: &str) -> bool {
    document.pointer("/o/name") == Some(&json!(ORIGIN))
        && document.pointer("/dev/ids/0") == Some(&json!(id))
}

/// The components that were there and are no more, in the form that takes them away.
fn gone(kept: &Json, document: &Json) -> Map<String, Json> {
    let components = |of: &Json| of.get("cmps").and_then(Json::as_object).cloned();
    let here = components(document).unwrap_or_default();
    let kept = components(kept).unwrap_or_default().into_iter();
    let gone = kept.filter(|(key, _)| !here.contains_key(key));
    gone.filter_map(|(key, component)| {
        let platform = component.get("p")?.clone();
        Some((key, json!({ "p": platform })))
    })
    .collect()
}

/// Names that have come from the broker, for the log: so many of them, none longer than so many letters, and nothing in
/// them that a terminal would take for something else.
fn listed(gone: &Map<String, Json>) -> String {
    const NAMES_MAX: usize = 8;
    const LETTERS_MAX: usize = 60;
    let names = gone.keys().take(NAMES_MAX).map(|name| {
        let short: String = name.chars().take(LETTERS_MAX).collect();
        format!("{short:?}")
    });
    let names: Vec<String> = names.collect();
    let more = match gone.len().saturating_sub(NAMES_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(components: Json) -> HomeAssistant {
        HomeAssistant {
            topic: "homeassistant/device/lamp/config".to_owned(),
            status: "homeassistant/status".to_owned(),
            id: "lamp".to_owned(),
            qos: Qos::AtLeastOnce,
            document: json!({
                "dev": { "ids": ["lamp"] }, "o": { "name": ORIGIN }, "cmps": components,
            }),
            notes: Vec::new(),
        }
    }

    fn sent(announcer: &mut Announcer<'_>, now: Instant) -> Vec<(String, Json)> {
        let all = std::iter::from_fn(|| announcer.next(now));
        let json = |payload: &[u8]| serde_json::from_slice(payload).unwrap_or(Json::Null);
        all.map(|it| (it.topic.clone(), json(&it.payload)["cmps"].clone()))
            .collect()
    }

    fn payload(told: &HomeAssistant) -> Vec<u8> {
        document::render(&told.document).into_bytes()
    }

    #[test]
    fn what_the_broker_keeps_is_looked_at_before_anything_is_published() {
        let now = Instant::now();
        let told = told(json!({ "a": { "p": "sensor", "name": "A" } }));
        let mut announcer = Announcer::new(Some(&told), Vec::new());
        assert_eq!(announcer.next(now), None, "the broker has not answered");
        announcer.subscribed(&told.topic, now);
        assert_eq!(announcer.next(now), None);
        assert_eq!(announcer.due(), Some(now + LOOK));
        assert_eq!(sent(&mut announcer, now + LOOK).len(), 1);
        assert_eq!(announcer.due(), None);
        // Whoever finds it as it is to be leaves it.
        let mut again = Announcer::new(Some(&told), Vec::new());
        again.receive(&told.topic, &payload(&told), true, now, 0.0);
        assert_eq!(sent(&mut again, now + LOOK), []);
    }

    #[test]
    fn a_component_that_is_no_more_is_taken_away_once() {
        let now = Instant::now();
        let old = told(json!({
            "a": { "p": "sensor", "name": "A" }, "b": { "p": "number", "name": "B" },
        }));
        let told = told(json!({ "a": { "p": "sensor", "name": "A" } }));
        let mut announcer = Announcer::new(Some(&told), Vec::new());
        announcer.subscribed(&told.topic, now);
        announcer.receive(&told.topic, &payload(&old), true, now, 0.0);
        let first = sent(&mut announcer, now);
        assert_eq!(first.len(), 1);
        assert_eq!(first[0].1["b"], json!({ "p": "number" }));
        assert_eq!(first[0].1["a"]["name"], "A");
        let then = sent(&mut announcer, now + BETWEEN);
        assert_eq!(then.len(), 1);
        assert_eq!(then[0].1.get("b"), None);
    }

    #[test]
    fn what_others_have_published_is_left_alone() {
        let now = Instant::now();
        let told = told(json!({}));
        let others = json!({ "dev": { "ids": ["lamp"] }, "o": { "name": "zigbee" }, "cmps": {} });
        let old = "homeassistant/device/old/config".to_owned();
        for theirs in [others.to_string(), "no JSON".to_owned()] {
            let mut announcer = Announcer::new(Some(&told), vec![old.clone()]);
            for topic in [&told.topic, &old] {
                announcer.subscribed(topic, now);
                announcer.receive(topic, theirs.as_bytes(), true, now, 0.0);
            }
            announcer.receive(&told.status, ONLINE, false, now, 0.0);
            assert_eq!(sent(&mut announcer, now + SPREAD), []);
        }
    }

    #[test]
    fn a_device_that_was_ours_is_taken_away() {
        let now = Instant::now();
        let mut old = told(json!({}));
        old.document["dev"]["ids"] = json!(["old"]);
        let topic = "homeassistant/device/old/config".to_owned();
        let mut announcer = Announcer::new(None, vec![topic.clone()]);
        announcer.receive(&topic, &payload(&old), true, now, 0.0);
        assert_eq!(announcer.next(now), Some(cleared(&topic)));
        assert_eq!(announcer.next(now), None);
        assert_eq!(announcer.over(), None, "the broker has not taken it");
        announcer.acknowledged(topic.clone());
        assert_eq!(announcer.over(), Some(topic));
    }

    #[test]
    fn when_home_assistant_has_started_it_is_told_again_and_not_by_all_at_once() {
        let now = Instant::now();
        let told = told(json!({}));
        let mut announcer = Announcer::new(Some(&told), Vec::new());
        announcer.receive(&told.topic, &payload(&told), true, now, 0.0);
        announcer.receive(&told.status, b"offline", false, now, 0.5);
        announcer.receive(&told.status, ONLINE, true, now, 0.5);
        assert_eq!(announcer.due(), None);
        announcer.receive(&told.status, ONLINE, false, now, 0.5);
        assert_eq!(announcer.due(), Some(now + SPREAD / 2));
        assert_eq!(sent(&mut announcer, now), []);
        assert_eq!(sent(&mut announcer, now + SPREAD / 2).len(), 1);
    }

    #[test]
    fn names_that_came_from_the_broker_are_quoted_and_bounded_in_the_log() {
        let mut gone = Map::new();
        gone.insert(format!("\u{1b}[2J\n{}", "a".repeat(1_000_000)), Json::Null);
        for index in 0..1000 {
            gone.insert(format!("b{index}"), Json::Null);
        }
        let text = listed(&gone);
        assert!(text.len() < 1000, "{} bytes", text.len());
        assert!(!text.contains(char::is_control), "{text}");
        assert!(text.contains(r"\u{1b}[2J\n"), "{text}");
        assert!(text.ends_with(" and 993 more"), "{text}");
    }
}
