//! Messages that the broker closes the connection on: because they are longer than it takes, say, or
//! because it does not allow the topic and says so in this way. Whatever is sent again on every
//! connection would then break every connection, and one value would keep all the others from arriving.
//!
//! After two connections that were short-lived one message is sent at a time, the shortest first. So
//! all the others arrive, and it shows which one it is. That one is set aside, and tried again after a
//! while, for longer and longer.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{info, warn};

use super::binding::Message;

/// So often a message has to be the only one under way when the connection ends.
const STRIKES: u32 = 3;
const ASIDE_MIN: Duration = Duration::from_secs(15);
const ASIDE_MAX: Duration = Duration::from_secs(60 * 60);

#[derive(Default)]
pub(super) struct Caution {
    /// Connections in a row that ended soon and with something under way.
    failures: u32,
    suspects: HashMap<String, Suspect>,
}

#[derive(Debug)]
struct Suspect {
    strikes: u32,
    length: usize,
    aside: Option<Aside>,
}

/// The newest message that is kept back, until it is tried again.
#[derive(Debug)]
struct Aside {
    message: Message,
    until: Instant,
    waits: Duration,
    /// It is being tried.
    is_tried: bool,
}

impl Caution {
    /// Whether one message is sent at a time.
    pub(super) fn is_careful(&self) -> bool {
        self.failures >= 2 || self.suspects.values().any(Suspect::is_tried)
    }

    /// Everything there was has arrived.
    pub(super) fn all_clear(&mut self) {
        self.failures = 0;
    }

    /// A connection is over: a short-lived one, with something under way, if it `is_suspicious`.
    /// `suspect` is the one message that was under way, if there was just one, or the one that the broker
    /// passes over.
    pub(super) fn lost(&mut self, is_suspicious: bool, suspect: Option<&Message>, now: Instant) {
        let was_careful = self.is_careful();
        for aside in self
            .suspects
            .values_mut()
            .filter_map(|it| it.aside.as_mut())
        {
            if std::mem::take(&mut aside.is_tried) {
                aside.until = now + aside.waits;
            }
        }
        self.failures = match is_suspicious {
            true => self.failures + 1,
            false => 0,
        };
        let Some(message) = suspect.filter(|_| was_careful) else {
            return;
        };
        let suspect = self
            .suspects
            .entry(message.topic.clone())
            .or_insert(Suspect {
                strikes: 0,
                length: message.payload.len(),
                aside: None,
            });
        suspect.strikes += 1;
        suspect.length = message.payload.len();
        if suspect.strikes < STRIKES {
            return;
        }
        let before = suspect.aside.as_ref().map(|aside| aside.waits);
        let waits = before.map_or(ASIDE_MIN, |waits| (waits * 2).min(ASIDE_MAX));
        if before.is_none() {
            warn!(
                topic = message.topic,
                bytes = message.payload.len(),
                "the MQTT broker ends the connection on this message: is it longer than the broker \
                 takes, or does the broker not allow it? It is not sent for a while, so that the \
                 others are"
            );
        }
        suspect.aside = Some(Aside {
            message: message.clone(),
            until: now + waits,
            waits,
            is_tried: false,
        });
        // It is known who it was.
        self.failures = 0;
    }

    /// Whether a message is kept back. The newest is what is tried again.
    pub(super) fn keeps_back(&mut self, message: &Message, now: Instant) -> bool {
        let Some(suspect) = self.suspects.get_mut(&message.topic) else {
            return false;
        };
        let Some(aside) = &mut suspect.aside else {
            return false;
        };
        if message.payload.len() < suspect.length {
            // A shorter one takes its place.
            self.suspects.remove(&message.topic);
            return false;
        }
        aside.message = message.clone();
        if aside.is_tried || now < aside.until {
            return true;
        }
        aside.is_tried = true;
        false
    }

    /// The broker has taken a message. Hands out what has become of it meanwhile.
    pub(super) fn accepted(&mut self, message: &Message) -> Option<Message> {
        let suspect = self.suspects.get(&message.topic)?;
        if message.payload.len() < suspect.length {
            return None;
        }
        let aside = self.suspects.remove(&message.topic)?.aside?;
        info!(topic = message.topic, "the MQTT broker takes it now");
        let newer = aside.message;
        (newer != *message && newer.retain).then_some(newer)
    }

    /// When a message that was set aside is to be tried again.
    pub(super) fn due(&self) -> Option<Instant> {
        let asides = self.suspects.values().filter_map(|it| it.aside.as_ref());
        let waiting = asides.filter(|aside| aside.may_be_late() && !aside.is_tried);
        waiting.map(|aside| aside.until).min()
    }

    /// One whose time has come.
    pub(super) fn try_again(&mut self, now: Instant) -> Option<Message> {
        let asides = self.suspects.values_mut();
        let mut asides = asides.filter_map(|suspect| suspect.aside.as_mut());
        let is_due =
            |aside: &&mut Aside| aside.may_be_late() && !aside.is_tried && aside.until <= now;
        let aside = asides.find(is_due)?;
        aside.is_tried = true;
        Some(aside.message.clone())
    }
}

impl Aside {
    /// What the broker keeps says how things stand; anything else has had its moment.
    fn may_be_late(&self) -> bool {
        self.message.retain
    }
}

impl Suspect {
    fn is_tried(&self) -> bool {
        self.aside.as_ref().is_some_and(|aside| aside.is_tried)
    }
}
