//! What is told besides the values: centrals that come and go, and what was refused. Whatever happens
//! while the broker is away waits here, the newest of it.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::sync::{Mutex, MutexGuard};

use serde_json::json;
use tokio::sync::Notify;
use tracing::debug;

use super::binding::{Message, Topic};
use crate::codec::document;
use crate::plugin::{Heard, Notice, Payload, Port};

/// So many are under way at most, and so many more wait for their turn; then the oldest of those that
/// wait are lost.
pub(super) const WAITING_MAX: usize = 64;

/// The topics on which these things are told.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    pub(super) events: Option<Topic>,
    pub(super) rejected: Option<Topic>,
}

/// What is to be told, from one connection to the next.
pub(super) struct Tidings<'a> {
    told: &'a Told,
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

#[derive(Default)]
struct Waiting {
    /// In order, each with its number.
    messages: VecDeque<(u64, Message)>,
    /// Those that were handed out on this connection, until the broker has acknowledged them.
    under_way: VecDeque<(u64, Message)>,
    count: u64,
    lost: u64,
}

impl<'a> Tidings<'a> {
    pub(super) fn new(told: &'a Told) -> Self {
        Self {
            told,
            waiting: Mutex::default(),
            arrived: Notify::new(),
        }
    }

    /// Collects what happens, for ever.
    pub(super) async fn listen(&self, port: &Port) {
        if self.told.events.is_none() && self.told.rejected.is_none() {
            std::future::pending::<()>().await;
        }
        let mut notices = port.notices();
        loop {
            match notices.next().await {
                Heard::Notice(notice) => {
                    if let Some(message) = self.message(&notice) {
                        self.waiting().push(message);
                        self.arrived.notify_one();
                    }
                }
                Heard::Missed(count) => debug!(count, "events were lost: too many at once"),
            }
        }
    }

    /// Resolves when there is something new to tell.
    pub(super) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// A new connection: whatever was not acknowledged on the last one is told again.
    pub(super) fn begin(&self) {
        let mut waiting = self.waiting();
        let mut again = std::mem::take(&mut waiting.under_way);
        again.append(&mut waiting.messages);
        waiting.messages = again;
    }

    /// The next message, and its number; none while the broker has yet to acknowledge so many.
    pub(super) fn next(&self) -> Option<(u64, Message)> {
        let mut waiting = self.waiting();
        if waiting.under_way.len() >= WAITING_MAX {
            return None;
        }
        let next = waiting.messages.pop_front()?;
        waiting.under_way.push_back(next.clone());
        if waiting.lost > 0 {
            let count = std::mem::take(&mut waiting.lost);
            debug!(
                count,
                "events were lost: more than {WAITING_MAX} waited for the broker"
            );
        }
        Some(next)
    }

    /// A message has arrived at the broker.
    pub(super) fn acknowledged(&self, number: u64) {
        let mut waiting = self.waiting();
        waiting.under_way.retain(|(other, _)| *other != number);
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().expect("nobody panics while it is held")
    }

    fn message(&self, notice: &Notice) -> Option<Message> {
        let (topic, json) = match notice {
            Notice::Connected { central } => {
                let json = json!({ "event": "connected", "central": central });
                (self.told.events.as_ref()?, json)
            }
            Notice::Disconnected { central } => {
                let json = json!({ "event": "disconnected", "central": central });
                (self.told.events.as_ref()?, json)
            }
            Notice::Subscribed {
                central,
                characteristic,
                ..
            } => {
                let json = json!({
                    "event": "subscribed", "central": central, "characteristic": characteristic,
                });
                (self.told.events.as_ref()?, json)
            }
            Notice::Unsubscribed {
                central,
                characteristic,
                ..
            } => {
                let json = json!({
                    "event": "unsubscribed", "central": central, "characteristic": characteristic,
                });
                (self.told.events.as_ref()?, json)
            }
            Notice::Rejected {
                value,
                link,
                by,
                cause,
                reason,
                payload,
            } => {
                let topic = self.told.rejected.as_ref()?;
                let by_topic = *link == "mqtt";
                let mut json = json!({ "value": value, "origin": link });
                if let Some(by) = by {
                    json[if by_topic { "topic" } else { "central" }] = by.as_str().into();
                }
                json["cause"] = snake(cause).into();
                json["reason"] = reason.as_str().into();
                match payload {
                    Payload::Text(_) | Payload::Bytes(_) => {
                        json["payload"] = payload.to_string().into();
                    }
                    Payload::Withheld => {}
                }
                (topic, json)
            }
        };
        Some(topic.message(document::render(&json).into_bytes()))
    }
}

impl Waiting {
    fn push(&mut self, message: Message) {
        if self.messages.len() >= WAITING_MAX {
            self.messages.pop_front();
            self.lost += 1;
        }
        self.messages.push_back((self.count, message));
        self.count += 1;
    }
}

/// `OutOfRange` as `out_of_range`.
pub(super) fn snake(word: &impl Debug) -> String {
    let mut out = String::new();
    for letter in format!("{word:?}").chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}
