//! What is under way on one connection. No waiting in it: events of the connection go in, requests to
//! it come out.

use std::collections::{HashMap, VecDeque};

use rumqttc::{AsyncClient, Event, Incoming, Outgoing, QoS, SubscribeFilter, SubscribeReasonCode};
use tracing::{debug, error, trace, warn};

use super::binding::Message;
use super::config::Qos;
use super::exchange::{Exchange, Publication, Receipt, Standing};
use super::table::Bindings;

/// What is under way besides the messages of values: the subscription, birth, will and disconnection.
const MORE: usize = 8;

pub(super) struct Session<'a> {
    client: AsyncClient,
    exchange: Exchange<'a>,
    /// Handed over and not yet written, in this order.
    queued: VecDeque<Receipt>,
    /// Held back, because the broker has yet to acknowledge an older message of this packet id.
    held_back: Option<(u16, Receipt)>,
    /// Written and not yet acknowledged, by packet id.
    in_flight: HashMap<u16, Receipt>,
    /// What the client has had no room for, in order: it goes out before anything else does.
    unsent: VecDeque<Publication>,
    has_said_full: bool,
    pub(super) has_disconnected: bool,
}

impl<'a> Session<'a> {
    pub(super) fn new(client: AsyncClient, standing: &'a Standing<'a>) -> Self {
        Self {
            client,
            exchange: Exchange::new(standing),
            queued: VecDeque::new(),
            held_back: None,
            in_flight: HashMap::new(),
            unsent: VecDeque::new(),
            has_said_full: false,
            has_disconnected: false,
        }
    }

    /// How many requests can be under way at once.
    pub(super) fn capacity(bindings: &Bindings) -> usize {
        Exchange::capacity(bindings) + MORE
    }

    /// The broker has accepted the connection. Subscribes first: the requests are written in this
    /// order, so that no answer to what is published can be missed.
    pub(super) fn begin(&mut self, birth: Option<&Message>, session_present: bool) {
        let filters: Vec<SubscribeFilter> = self
            .exchange
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
        self.exchange.begin(session_present);
        self.pump();
    }

    /// Publishes everything that has not been, as far as there is room.
    pub(super) fn pump(&mut self) {
        while self.pump_unsent() {
            let Some(next) = self.exchange.next() else {
                return;
            };
            self.unsent.push_back(next);
        }
    }

    /// Publishes what there was no room for; whether there is room for more.
    pub(super) fn pump_unsent(&mut self) -> bool {
        while let Some(next) = self.unsent.pop_front() {
            if let Err(next) = self.publish(next) {
                self.unsent.push_front(next);
                return false;
            }
        }
        true
    }

    /// Publishes a message that stands for itself.
    pub(super) fn notify(&mut self, message: &Message) {
        let message = message.clone();
        let receipt = Receipt::default();
        self.unsent.push_back(Publication { message, receipt });
        self.pump_unsent();
    }

    pub(super) fn disconnect(&mut self) {
        if let Err(error) = self.client.try_disconnect() {
            debug!("cannot disconnect: {error}");
        }
    }

    /// Whether the broker has acknowledged everything.
    pub(super) fn is_idle(&self) -> bool {
        self.unsent.is_empty()
            && self.queued.is_empty()
            && self.held_back.is_none()
            && self.in_flight.is_empty()
    }

    pub(super) fn handle(&mut self, event: Event) {
        trace(&event);
        match event {
            Event::Incoming(packet) => self.handle_incoming(packet),
            Event::Outgoing(activity) => self.handle_outgoing(activity),
        }
    }

    fn handle_incoming(&mut self, packet: Incoming) {
        match packet {
            Incoming::Publish(publish) => {
                let rumqttc::Publish {
                    topic,
                    payload,
                    retain,
                    ..
                } = &publish;
                self.exchange.receive(topic, payload, *retain);
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
                self.held_back = self.queued.pop_front().map(|receipt| (id, receipt));
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

    /// Hands a message over; gives it back when there is no room for it. A receipt may not be lost:
    /// while the connection lasts, the engine waits for it.
    fn publish(&mut self, publication: Publication) -> Result<(), Publication> {
        let Message {
            topic,
            payload,
            qos,
            retain,
        } = &publication.message;
        let result = self
            .client
            .try_publish(topic, (*qos).into(), *retain, payload.as_slice());
        match result {
            Ok(()) => {
                self.queued.push_back(publication.receipt);
                Ok(())
            }
            Err(error) => {
                if !self.has_said_full {
                    self.has_said_full = true;
                    warn!(
                        topic,
                        "cannot publish yet: {error}; trying again when there is room"
                    );
                }
                Err(publication)
            }
        }
    }

    /// A publish is on its way. With QoS 0 (no packet id) that is all that will ever be known of it.
    fn written(&mut self, id: u16) {
        let receipt = match self.held_back.take_if(|(held_back, _)| *held_back == id) {
            Some((_, receipt)) => Some(receipt),
            None => self.queued.pop_front(),
        };
        match receipt {
            Some(receipt) if id == 0 => self.exchange.acknowledged(receipt),
            Some(receipt) => drop(self.in_flight.insert(id, receipt)),
            None => {}
        }
    }

    fn acknowledged(&mut self, id: u16) {
        if let Some(receipt) = self.in_flight.remove(&id) {
            self.exchange.acknowledged(receipt);
        }
    }

    fn check_subscriptions(&self, codes: &[SubscribeReasonCode]) {
        for ((topic, _), code) in self.exchange.subscriptions().into_iter().zip(codes) {
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

/// What goes to and fro, but not what is in it: a packet may hold secrets of ours, or of somebody who has
/// taken us for a broker.
fn trace(event: &Event) {
    match event {
        Event::Incoming(Incoming::Publish(packet)) => {
            let (topic, id, length) = (&packet.topic, packet.pkid, packet.payload.len());
            trace!(topic, id, length, "mqtt: incoming publish");
        }
        Event::Incoming(Incoming::Connect(_)) => trace!("mqtt: incoming connect"),
        Event::Incoming(_) | Event::Outgoing(_) => trace!(?event, "mqtt"),
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
