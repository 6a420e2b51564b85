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
    /// By topic.
    suspects: HashMap<String, Suspect>,
}

/// A topic on which a message has been the only one under way when a connection ended.
#[derive(Debug)]
struct Suspect {
    strikes: u32,
    /// What is shorter is none.
    length: usize,
    /// One that may be too long is under way.
    is_tried: bool,
    aside: Option<Aside>,
}

/// The newest message that is kept back, until it is tried again.
#[derive(Debug)]
struct Aside {
    message: Message,
    until: Instant,
    waits: Duration,
}

impl Caution {
    /// Whether one message is sent at a time.
    pub(super) fn is_careful(&self) -> bool {
        self.failures >= 2 || self.suspects.values().any(|suspect| suspect.is_tried)
    }

    /// Everything there was has arrived.
    pub(super) fn all_clear(&mut self) {
        self.failures = 0;
    }

    /// A connection is over: a short-lived one, with something under way, if it `is_suspicious`.
    /// `suspect` is the one message that was under way, if there was just one, or the one that the broker
    /// passes over. Returns whether it is clear why.
    pub(super) fn lost(
        &mut self,
        is_suspicious: bool,
        suspect: Option<&Message>,
        now: Instant,
    ) -> bool {
        let was_careful = self.is_careful();
        for suspect in self.suspects.values_mut() {
            let was_tried = std::mem::take(&mut suspect.is_tried);
            if let Some(aside) = &mut suspect.aside {
                aside.until = match (was_tried, is_suspicious) {
                    (true, _) => now + aside.waits,
                    (false, true) => aside.until,
                    // It broke by itself: what comes back may be another broker.
                    (false, false) => now,
                };
            }
        }
        self.failures = match is_suspicious {
            true => self.failures + 1,
            false => 0,
        };
        let Some(message) = suspect.filter(|_| was_careful) else {
            return false;
        };
        let topic = message.topic.clone();
        let suspect = self.suspects.entry(topic).or_insert(Suspect {
            strikes: 0,
            length: 0,
            is_tried: false,
            aside: None,
        });
        suspect.strikes += 1;
        suspect.length = message.payload.len();
        if suspect.strikes >= STRIKES {
            suspect.set_aside(message, now);
            self.failures = 0;
        }
        true
    }

    /// Whether a message is kept back. The newest is what is tried again.
    pub(super) fn keeps_back(&mut self, message: &Message, now: Instant) -> bool {
        let Some(suspect) = self.suspects.get_mut(&message.topic) else {
            return false;
        };
        if message.payload.len() < suspect.length {
            // A shorter one takes its place.
            suspect.aside = None;
            return false;
        }
        match &mut suspect.aside {
            Some(aside) if suspect.is_tried || now < aside.until => {
                aside.message = message.clone();
                true
            }
            Some(_) | None => {
                suspect.is_tried = true;
                false
            }
        }
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
        let suspects = self.suspects.values();
        suspects.filter_map(Suspect::due).min()
    }

    /// One whose time has come.
    pub(super) fn try_again(&mut self, now: Instant) -> Option<Message> {
        let mut suspects = self.suspects.values_mut();
        let suspect = suspects.find(|suspect| suspect.due().is_some_and(|due| due <= now))?;
        suspect.is_tried = true;
        Some(suspect.aside.as_ref()?.message.clone())
    }
}

impl Suspect {
    fn set_aside(&mut self, message: &Message, now: Instant) {
        let waits = match &self.aside {
            Some(aside) => (aside.waits * 2).min(ASIDE_MAX),
            None => ASIDE_MIN,
        };
        if self.aside.is_none() {
            warn!(
                topic = message.topic,
                bytes = message.payload.len(),
                "the MQTT broker ends the connection on this message: is it longer than the broker \
                 takes, or does the broker not allow it? It is not sent for a while, so that the \
                 others are"
            );
        }
        self.aside = Some(Aside {
            message: message.clone(),
            until: now + waits,
            waits,
        });
    }

    /// What the broker keeps says how things stand, however late; anything else has had its moment, and
    /// it is the next one that is tried.
    fn due(&self) -> Option<Instant> {
        let aside = self.aside.as_ref()?;
        (aside.message.retain && !self.is_tried).then_some(aside.until)
    }
}
