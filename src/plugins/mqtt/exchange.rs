//! What goes to and fro on a connection, whoever carries it: a real broker's (`session`) or a stage's
//! (`rehearsal`). No I/O and no waiting in it: what has arrived goes in, what is to be published comes
//! out, with a receipt that goes back in when the broker has acknowledged it.

use tracing::debug;

use super::binding::{Bindings, Message, Received};
use super::config::Qos;
use crate::engine::{CellId, Change};
use crate::plugin::{Port, Sender};

/// So much of a payload is shown in a log.
const SHOWN: usize = 200;

/// One connection's worth. The next one begins with a new one: what was not acknowledged on this, the
/// engine hands out again.
pub(super) struct Exchange<'a> {
    bindings: &'a Bindings,
    port: &'a Port,
}

/// A message that is to be published, and what its acknowledgement means.
#[derive(Debug)]
pub(super) struct Publication {
    pub(super) message: Message,
    pub(super) receipt: Receipt,
}

/// What has arrived at its end when a message is acknowledged: cells, each with a version.
#[derive(Debug, Default)]
#[must_use = "without it the engine never hears that something has arrived"]
pub(super) struct Receipt(Vec<(CellId, u64)>);

impl<'a> Exchange<'a> {
    pub(super) fn new(bindings: &'a Bindings, port: &'a Port) -> Self {
        Self { bindings, port }
    }

    /// The topics to subscribe to, each once.
    pub(super) fn subscriptions(&self) -> Vec<(&'a str, Qos)> {
        self.bindings.subscriptions()
    }

    /// How many messages can be under way at once: each value has one at most in each direction.
    pub(super) fn capacity(bindings: &Bindings) -> usize {
        bindings.len()
    }

    /// The connection is there.
    pub(super) fn begin(&mut self, session_present: bool) {
        self.port.link_up(session_present);
    }

    /// The next message to publish.
    pub(super) fn next(&mut self) -> Option<Publication> {
        while let Some(effect) = self.port.pull() {
            let receipt = Receipt(vec![(effect.cell, effect.version)]);
            match self.bindings.publish(&effect) {
                Some(message) => {
                    let payload = cut(&message.payload);
                    debug!(topic = message.topic, payload, "publishes");
                    return Some(Publication { message, receipt });
                }
                None => self.acknowledged(receipt),
            }
        }
        None
    }

    /// A message has arrived at the broker.
    pub(super) fn acknowledged(&mut self, receipt: Receipt) {
        for (cell, version) in receipt.0 {
            self.port.delivered(cell, version);
        }
    }

    /// A message has arrived here.
    pub(super) fn receive(&mut self, topic: &str, payload: &[u8], retained: bool) {
        debug!(topic, retained, payload = cut(payload), "received");
        let mut is_expected = false;
        let sender = Sender {
            peer: None,
            by: Some(topic),
            payload,
        };
        for (cell, received) in self.bindings.receive(topic, payload, retained) {
            is_expected = true;
            // What breaks a rule has been counted, and logged the first time.
            let _ = match received {
                Received::Request(value) => {
                    self.port
                        .request(cell, Change::Rounded(value.into()), &sender)
                }
                Received::Report(value) => self.port.report(cell, value.into(), false, &sender),
                Received::Refused(violation) => {
                    Err(self.port.refuse(Some(cell), violation, &sender))
                }
            };
        }
        if !is_expected {
            debug!(topic, "ignored: nobody has subscribed to this topic");
        }
    }
}

/// The beginning of a payload, for a log line.
fn cut(payload: &[u8]) -> String {
    let shown = String::from_utf8_lossy(&payload[..payload.len().min(SHOWN)]);
    match payload.len() {
        0..=SHOWN => shown.into_owned(),
        length => format!("{shown}… ({length} bytes)"),
    }
}
