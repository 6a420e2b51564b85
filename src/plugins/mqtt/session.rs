//! What is under way on one connection. No waiting in it: events of the connection go in, requests to
//! it come out.

use std::collections::{HashMap, VecDeque};

use rumqttc::{AsyncClient, Event, Incoming, Outgoing, QoS, SubscribeFilter, SubscribeReasonCode};
use tracing::{debug, error, trace, warn};

use super::binding::{Bindings, Message, Received};
use super::config::Qos;
use crate::engine::{CellId, Change};
use crate::plugin::Port;

/// So much of a payload is shown in a log.
const SHOWN: usize = 200;

pub(super) struct Session<'a> {
    client: AsyncClient,
    bindings: &'a Bindings,
    port: &'a Port,
    /// Handed over and not yet written, in this order.
    queued: VecDeque<Sent>,
    /// Held back, because the broker has yet to acknowledge an older message of this packet id.
    held_back: Option<(u16, Sent)>,
    /// Written and not yet acknowledged, by packet id.
    in_flight: HashMap<u16, Sent>,
    pub(super) has_disconnected: bool,
}

/// What was published.
#[derive(Clone, Copy, Debug)]
enum Sent {
    Value {
        cell: CellId,
        version: u64,
    },
    /// Birth or will: nobody waits for it.
    Notice,
}

impl<'a> Session<'a> {
    pub(super) fn new(client: AsyncClient, bindings: &'a Bindings, port: &'a Port) -> Self {
        Self {
            client,
            bindings,
            port,
            queued: VecDeque::new(),
            held_back: None,
            in_flight: HashMap::new(),
            has_disconnected: false,
        }
    }

    /// How many requests can be under way at once: each value has one at most in each direction, and
    /// there are the subscription, birth, will and the disconnection.
    pub(super) fn capacity(bindings: &Bindings) -> usize {
        bindings.len() + 8
    }

    /// The broker has accepted the connection. Subscribes first: the requests are written in this
    /// order, so that no answer to what is published can be missed.
    pub(super) fn begin(&mut self, birth: Option<&Message>, session_present: bool) {
        let filters: Vec<SubscribeFilter> = self
            .bindings
            .subscriptions()
            .into_iter()
            .map(|(topic, qos)| SubscribeFilter::new(topic.to_owned(), qos.into()))
            .collect();
        if !filters.is_empty()
            && let Err(error) = self.client.try_subscribe_many(filters)
        {
            error!("cannot subscribe: {error}");
        }
        if let Some(birth) = birth {
            self.notify(birth);
        }
        self.port.link_up(session_present);
        self.pump();
    }

    /// Publishes everything that has not been.
    pub(super) fn pump(&mut self) {
        while let Some(effect) = self.port.pull() {
            match self.bindings.publish(&effect) {
                Some(message) => {
                    let sent = Sent::Value {
                        cell: effect.cell,
                        version: effect.version,
                    };
                    self.publish(&message, sent);
                }
                None => self.port.delivered(effect.cell, effect.version),
            }
        }
    }

    /// Publishes a message that stands for itself.
    pub(super) fn notify(&mut self, message: &Message) {
        self.publish(message, Sent::Notice);
    }

    pub(super) fn disconnect(&mut self) {
        if let Err(error) = self.client.try_disconnect() {
            debug!("cannot disconnect: {error}");
        }
    }

    /// Whether the broker has acknowledged everything.
    pub(super) fn is_idle(&self) -> bool {
        self.queued.is_empty() && self.held_back.is_none() && self.in_flight.is_empty()
    }

    pub(super) fn handle(&mut self, event: Event) {
        trace!(?event, "mqtt");
        match event {
            Event::Incoming(packet) => self.handle_incoming(packet),
            Event::Outgoing(activity) => self.handle_outgoing(activity),
        }
    }

    fn handle_incoming(&mut self, packet: Incoming) {
        match packet {
            Incoming::Publish(publish) => {
                self.receive(&publish.topic, &publish.payload, publish.retain);
            }
            Incoming::PubAck(ack) => self.acknowledged(ack.pkid),
            Incoming::PubComp(complete) => self.acknowledged(complete.pkid),
            Incoming::SubAck(ack) => self.check_subscriptions(&ack.return_codes),
            Incoming::Connect(_)
            | Incoming::ConnAck(_)
            | Incoming::PubRec(_)
            | Incoming::PubRel(_)
            | Incoming::Subscribe(_)
            | Incoming::Unsubscribe(_)
            | Incoming::UnsubAck(_)
            | Incoming::PingReq
            | Incoming::PingResp
            | Incoming::Disconnect => {}
        }
    }

    fn handle_outgoing(&mut self, activity: Outgoing) {
        match activity {
            Outgoing::Publish(id) => self.written(id),
            Outgoing::AwaitAck(id) => {
                self.held_back = self.queued.pop_front().map(|sent| (id, sent));
            }
            Outgoing::Disconnect => self.has_disconnected = true,
            Outgoing::Subscribe(_)
            | Outgoing::Unsubscribe(_)
            | Outgoing::PubAck(_)
            | Outgoing::PubRec(_)
            | Outgoing::PubRel(_)
            | Outgoing::PubComp(_)
            | Outgoing::PingReq
            | Outgoing::PingResp => {}
        }
    }

    fn publish(&mut self, message: &Message, sent: Sent) {
        let Message {
            topic,
            payload,
            qos,
            retain,
        } = message;
        debug!(topic, payload = cut(payload.as_bytes()), "publishes");
        let result = self
            .client
            .try_publish(topic, (*qos).into(), *retain, payload.as_bytes());
        match result {
            Ok(()) => self.queued.push_back(sent),
            // It stays in flight for the engine, which hands it out again on the next connection.
            Err(error) => error!(topic, "cannot publish: {error}"),
        }
    }

    /// A publish is on its way. With QoS 0 (no packet id) that is all that will ever be known of it.
    fn written(&mut self, id: u16) {
        let sent = match self.held_back.take_if(|(held_back, _)| *held_back == id) {
            Some((_, sent)) => Some(sent),
            None => self.queued.pop_front(),
        };
        match sent {
            Some(sent) if id == 0 => self.delivered(sent),
            Some(sent) => {
                self.in_flight.insert(id, sent);
            }
            None => {}
        }
    }

    fn acknowledged(&mut self, id: u16) {
        if let Some(sent) = self.in_flight.remove(&id) {
            self.delivered(sent);
        }
    }

    fn delivered(&self, sent: Sent) {
        match sent {
            Sent::Value { cell, version } => self.port.delivered(cell, version),
            Sent::Notice => {}
        }
    }

    fn receive(&self, topic: &str, payload: &[u8], retained: bool) {
        debug!(topic, retained, payload = cut(payload), "received");
        let mut is_expected = false;
        for (cell, received) in self.bindings.receive(topic, payload, retained) {
            is_expected = true;
            // What breaks a rule has been counted, and logged the first time.
            let _ = match received {
                Received::Request(value) => self.port.request(cell, Change::Rounded(value), None),
                Received::Report(value) => self.port.report(cell, value, false),
                Received::Refused(violation) => Err(self.port.refuse(Some(cell), violation)),
            };
        }
        if !is_expected {
            debug!(topic, "ignored: nobody has subscribed to this topic");
        }
    }

    fn check_subscriptions(&self, codes: &[SubscribeReasonCode]) {
        for ((topic, _), code) in self.bindings.subscriptions().into_iter().zip(codes) {
            match code {
                SubscribeReasonCode::Success(_) => debug!(topic, "subscribed"),
                SubscribeReasonCode::Failure => warn!(
                    "the MQTT broker refuses the subscription to `{topic}`: nothing will be heard \
                     from there; does its access control list allow it?"
                ),
            }
        }
    }
}

impl From<Qos> for QoS {
    fn from(qos: Qos) -> Self {
        match qos {
            Qos::AtMostOnce => Self::AtMostOnce,
            Qos::AtLeastOnce => Self::AtLeastOnce,
            Qos::ExactlyOnce => Self::ExactlyOnce,
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
