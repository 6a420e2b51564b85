//! What is under way on one connection. No waiting in it: packets of the broker go in, bytes for it come
//! out, and the time is an argument.

mod resumed;

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use rumqttc::{
    Packet, PubAck, PubComp, PubRec, PubRel, Publish, QoS, SubAck, Subscribe, SubscribeFilter,
    SubscribeReasonCode,
};
use tokio::time::Instant;
use tracing::{debug, trace, warn};

use super::Settings;
use super::binding::Message;
use super::caution::Caution;
use super::config::Qos;
use super::exchange::{Exchange, Publication, Receipt, Standing};
use super::packet::{self, Incoming};
use super::trouble::{Fault, is_closed};
use crate::plugin::What;
pub(super) use resumed::Said;

/// Messages that wait for an acknowledgement at once. More than brokers usually allow.
const MAX_IN_FLIGHT: usize = 1000;
/// While so many bytes wait to be written, no message is added: what is sent later is newer.
const MAX_UNWRITTEN: usize = 64 * 1024;
/// Where there were never more, the room for them is kept when all are written.
const KEPT_UNWRITTEN: usize = 1024;
/// While so many wait, nothing is read either, or the answers to it would fill the memory.
const MAX_UNREAD: usize = 4 * MAX_UNWRITTEN;
/// Topics in one SUBSCRIBE. Some brokers allow no more.
const FILTERS: usize = 8;

pub(super) struct Session<'a> {
    exchange: Exchange<'a>,
    caution: &'a mut Caution,
    /// What is to be written.
    out: BytesMut,
    /// So many it were at the most.
    longest: usize,
    is_flushed: bool,
    /// Without an acknowledgement to come: how many bytes are to be written until they are, of all that
    /// ever were.
    unwritten: VecDeque<(u64, UnderWay)>,
    put: u64,
    /// Written and not yet acknowledged, by packet id; and the ids in the order in which they went out.
    in_flight: BTreeMap<u16, UnderWay>,
    order: VecDeque<u16>,
    /// Without an acknowledgement of its own: it has been taken when the ping behind it is answered.
    fenced: Option<UnderWay>,
    subscribing: BTreeMap<u16, Vec<SubscribeFilter>>,
    /// The topics that the broker does not let us subscribe to.
    refused: HashSet<String>,
    last_id: u16,
    /// Whether the broker has acknowledged any message, and whether it was sent any that it does not.
    has_acknowledged: bool,
    has_trusted: bool,
    /// What has not been published, in order: it goes out before anything else does.
    unsent: VecDeque<Publication>,
    clock: Clock,
}

#[derive(Debug)]
struct UnderWay {
    message: Message,
    receipt: Receipt,
    since: Instant,
}

/// What has to happen until when.
struct Clock {
    answer_within: Duration,
    /// Silence of ours that the broker takes for the end, with some time to spare.
    ping_after: Duration,
    /// Something has come.
    last_in: Instant,
    /// Something could be written.
    last_out: Instant,
    /// What is waited for has come nearer: one of several acknowledgements, say.
    progress: Instant,
    /// A ping that has not been answered.
    pinged: Option<Instant>,
    /// The message that others have overtaken, since when.
    overtaken: Option<(u16, Instant)>,
}

enum Due {
    Ping,
    Again,
    /// There is something to publish: whoever waited for this does so next.
    Publish,
    Fault(Fault),
}

impl<'a> Session<'a> {
    pub(super) fn new(
        settings: &Settings,
        standing: &'a Standing<'a>,
        caution: &'a mut Caution,
        now: Instant,
    ) -> Self {
        Self {
            exchange: Exchange::new(standing),
            caution,
            out: BytesMut::new(),
            longest: 0,
            is_flushed: true,
            unwritten: VecDeque::new(),
            put: 0,
            in_flight: BTreeMap::new(),
            order: VecDeque::new(),
            fenced: None,
            subscribing: BTreeMap::new(),
            refused: HashSet::new(),
            last_id: 0,
            has_acknowledged: false,
            has_trusted: false,
            unsent: VecDeque::new(),
            clock: Clock {
                answer_within: settings.answer_within,
                ping_after: settings.keep_alive.mul_f64(0.75),
                last_in: now,
                last_out: now,
                progress: now,
                pinged: None,
                overtaken: None,
            },
        }
    }

    /// The broker has accepted the connection. Subscribes first: the requests are written in this
    /// order, so that no answer to what is published can be missed.
    pub(super) fn begin(&mut self, birth: Option<&Message>, now: Instant) {
        let subscriptions = self.exchange.subscriptions().into_iter();
        self.subscribe(
            subscriptions
                .map(|(topic, qos)| (topic.to_owned(), qos))
                .collect(),
        );
        if let Some(birth) = birth {
            self.notify(birth, now);
        }
        self.exchange.begin();
        self.pump(now);
    }

    fn subscribe(&mut self, topics: Vec<(String, Qos)>) {
        let topics = topics.into_iter();
        let filters: Vec<SubscribeFilter> = topics
            .map(|(topic, qos)| SubscribeFilter::new(topic, qos.into()))
            .collect();
        for filters in filters.chunks(FILTERS) {
            let id = self.next_id();
            let mut subscribe = Subscribe::new_many(filters.to_vec());
            subscribe.pkid = id;
            self.say(&Packet::Subscribe(subscribe));
            self.subscribing.insert(id, filters.to_vec());
        }
    }

    /// Publishes everything that has not been, as far as there is room.
    pub(super) fn pump(&mut self, now: Instant) {
        self.wakes(now);
        while self.has_room() {
            let Some(next) = self.next(now) else {
                // What is yet to come may be what breaks every connection.
                if self.under_way() == 0 && self.exchange.is_settled() {
                    self.caution.all_clear();
                }
                return;
            };
            self.publish(next, now);
        }
    }

    /// Publishes what stands for itself, and nothing else.
    pub(super) fn pump_unsent(&mut self, now: Instant) {
        self.wakes(now);
        while self.has_room()
            && let Some(next) = self.unsent.pop_front()
        {
            self.publish(next, now);
        }
    }

    /// Whether one more message can be published now.
    pub(super) fn has_room(&self) -> bool {
        let under_way = self.under_way();
        let max = if self.caution.is_careful() {
            1
        } else {
            MAX_IN_FLIGHT
        };
        under_way < max && self.unwritten().len() < MAX_UNWRITTEN
    }

    /// Publishes a message that stands for itself.
    pub(super) fn notify(&mut self, message: &Message, now: Instant) {
        self.unsent.push_back(Publication::alone(message.clone()));
        self.pump_unsent(now);
    }

    pub(super) fn disconnect(&mut self) {
        self.say(&Packet::Disconnect);
    }

    /// Whether everything has been written and acknowledged.
    pub(super) fn is_idle(&self) -> bool {
        self.unsent.is_empty() && self.under_way() == 0 && !self.has_output()
    }

    // ── bytes ────────────────────────────────────────────────────────────────────────────────────

    pub(super) fn wants_input(&self) -> bool {
        self.unwritten().len() < MAX_UNREAD
    }

    pub(super) fn has_output(&self) -> bool {
        !self.is_flushed || !self.unwritten().is_empty()
    }

    pub(super) fn unwritten(&self) -> &[u8] {
        &self.out
    }

    /// So many bytes have been written.
    pub(super) fn wrote(&mut self, count: usize, now: Instant) {
        self.out.advance(count);
        self.is_flushed = false;
        self.put += count as u64;
        self.clock.last_out = now;
        self.clock.progress = now;
        // What was long is not to keep its memory.
        if self.out.is_empty() && self.longest > KEPT_UNWRITTEN {
            self.out = BytesMut::new();
            self.longest = 0;
        }
        while let Some((at, _)) = self.unwritten.front()
            && *at <= self.put
            && let Some((_, under_way)) = self.unwritten.pop_front()
        {
            self.note_written(&under_way, now);
            self.exchange.acknowledged(under_way.receipt);
        }
    }

    pub(super) fn flushed(&mut self) {
        self.is_flushed = true;
    }

    /// Bytes have come; `packets` is how many packets they made whole.
    pub(super) fn has_come(&mut self, packets: usize, now: Instant) {
        self.clock.last_in = now;
        if packets == 0 {
            // A long one: what is waited for comes behind it.
            self.clock.progress = now;
        }
    }

    // ── time ─────────────────────────────────────────────────────────────────────────────────────

    /// When something has to be done, if nothing happens before.
    pub(super) fn due(&self) -> Instant {
        self.next_due().0
    }

    /// The time of [`Session::due`] may have come.
    pub(super) fn check(&mut self, now: Instant) -> Result<(), Fault> {
        let (at, due) = self.next_due();
        if now < at {
            return Ok(());
        }
        self.wakes(now);
        match due {
            Due::Fault(fault) => Err(fault),
            Due::Publish => Ok(()),
            Due::Ping => {
                self.say(&Packet::PingReq);
                self.clock.pinged = Some(now);
                Ok(())
            }
            Due::Again => {
                if let Some(message) = self.caution.try_again(now) {
                    self.send(Publication::alone(message), now);
                }
                Ok(())
            }
        }
    }

    /// As long as nothing is waited for, time does not count.
    fn wakes(&mut self, now: Instant) {
        if !self.waits() {
            self.clock.progress = now;
        }
    }

    fn waits(&self) -> bool {
        self.has_output() || self.under_way() > 0 || !self.subscribing.is_empty()
    }

    fn next_due(&self) -> (Instant, Due) {
        let Clock {
            answer_within,
            ping_after,
            last_in,
            last_out,
            progress,
            pinged,
            overtaken,
        } = self.clock;
        let silent = self
            .waits()
            .then(|| (progress + answer_within, Due::Fault(Fault::Silent)));
        let passed_over =
            overtaken.map(|(_, since)| (since + answer_within, Due::Fault(Fault::PassedOver)));
        let ping = match pinged {
            Some(at) => (at.max(last_in) + answer_within, Due::Fault(Fault::Silent)),
            None => (
                (last_in + answer_within).min(last_out + ping_after),
                Due::Ping,
            ),
        };
        let again = self.caution.due().filter(|_| self.under_way() == 0);
        let again = again.map(|at| (at, Due::Again));
        let publish = self.exchange.due().filter(|_| self.has_room());
        let publish = publish.map(|at| (at, Due::Publish));
        let all = [silent, passed_over, again, publish].into_iter().flatten();
        all.chain([ping])
            .min_by_key(|(at, _)| *at)
            .expect("there is always a next ping")
    }

    // ── packets ──────────────────────────────────────────────────────────────────────────────────

    fn say(&mut self, packet: &Packet) {
        match packet {
            Packet::Publish(publish) => trace_publish("mqtt: outgoing publish", publish),
            Packet::Subscribe(subscribe) => trace!("Outgoing(Subscribe({}))", subscribe.pkid),
            other => trace!("Outgoing({other:?})"),
        }
        packet::put(packet, &mut self.out);
        self.longest = self.longest.max(self.out.len());
    }

    pub(super) fn handle(&mut self, incoming: Incoming, now: Instant) -> Result<(), Fault> {
        self.wakes(now);
        let packet = match incoming {
            Incoming::Packet(Packet::Publish(publish)) => {
                trace_publish("mqtt: incoming publish", &publish);
                self.exchange
                    .receive(&publish.topic, &publish.payload, publish.retain, now);
                self.acknowledge(&publish);
                return Ok(());
            }
            Incoming::Overlong(publish, length) => {
                trace_publish("mqtt: the beginning of an overlong publish", &publish);
                self.exchange
                    .refuse_overlong(&publish.topic, &publish.payload, length, now);
                self.acknowledge(&publish);
                return Ok(());
            }
            Incoming::Packet(packet) => packet,
        };
        trace!("Incoming({packet:?})");
        match packet {
            Packet::PubAck(PubAck { pkid }) | Packet::PubComp(PubComp { pkid }) => {
                self.acknowledged(pkid, now);
            }
            Packet::PubRec(PubRec { pkid }) => {
                self.say(&Packet::PubRel(PubRel::new(pkid)));
                self.clock.progress = now;
            }
            Packet::PubRel(PubRel { pkid }) => self.say(&Packet::PubComp(PubComp::new(pkid))),
            Packet::SubAck(SubAck { pkid, return_codes }) => {
                self.clock.progress = now;
                self.subscribed(pkid, &return_codes, now);
            }
            Packet::PingResp => {
                self.clock.pinged = None;
                if let Some(under_way) = self.fenced.take() {
                    self.note_written(&under_way, now);
                    self.clock.progress = now;
                    self.taken(under_way);
                }
            }
            Packet::UnsubAck(_) => {}
            // Nothing that a broker says at this point.
            Packet::Connect(_)
            | Packet::ConnAck(_)
            | Packet::Publish(_)
            | Packet::Subscribe(_)
            | Packet::Unsubscribe(_)
            | Packet::PingReq
            | Packet::Disconnect => return Err(Fault::NoAnswer),
        }
        Ok(())
    }

    /// As its quality of service wants it.
    fn acknowledge(&mut self, publish: &Publish) {
        match publish.qos {
            QoS::AtMostOnce => {}
            QoS::AtLeastOnce => self.say(&Packet::PubAck(PubAck::new(publish.pkid))),
            QoS::ExactlyOnce => self.say(&Packet::PubRec(PubRec::new(publish.pkid))),
        }
    }

    /// The next message to publish; with caution, the shortest of all there are, and then of all there
    /// are then.
    fn next(&mut self, now: Instant) -> Option<Publication> {
        if self.caution.is_careful() && self.unsent.is_empty() {
            self.unsent
                .extend(std::iter::from_fn(|| self.exchange.next(now)));
            let all = self.unsent.make_contiguous();
            all.sort_by_key(|publication| publication.message.payload.len());
        }
        self.unsent.pop_front().or_else(|| self.exchange.next(now))
    }

    fn publish(&mut self, publication: Publication, now: Instant) {
        if self.caution.keeps_back(&publication.message, now) {
            // For the engine that is the end of it: a newer value takes its place.
            self.exchange.acknowledged(publication.receipt);
            return;
        }
        self.send(publication, now);
    }

    fn send(&mut self, publication: Publication, now: Instant) {
        let is_careful = self.caution.is_careful();
        let id = (publication.message.qos != Qos::AtMostOnce).then(|| self.next_id());
        self.exchange.note_published(&publication, id);
        self.say(&packet::publish(&publication.message, id));
        let Publication { message, receipt } = publication;
        let under_way = UnderWay {
            message,
            receipt,
            since: now,
        };
        if let Some(id) = id {
            self.order.push_back(id);
            self.in_flight.insert(id, under_way);
            return;
        }
        if is_careful {
            self.say(&Packet::PingReq);
            self.clock.pinged = Some(now);
            self.fenced = Some(under_way);
        } else {
            self.has_trusted = true;
            let until = self.put + self.unwritten().len() as u64;
            self.unwritten.push_back((until, under_way));
        }
    }

    fn acknowledged(&mut self, id: u16, now: Instant) {
        let Some(under_way) = self.in_flight.remove(&id) else {
            // Twice, or of a connection before.
            return debug!(id, "acknowledged, and not under way");
        };
        self.clock.progress = now;
        self.has_acknowledged = true;
        if self.order.front() == Some(&id) {
            while let Some(id) = self.order.front()
                && !self.in_flight.contains_key(id)
            {
                self.clock.overtaken.take_if(|(of, _)| of == id);
                self.order.pop_front();
            }
        } else if let Some(&oldest) = self.order.front() {
            self.clock.overtaken.get_or_insert((oldest, now));
        }
        let took = now - under_way.since;
        self.exchange
            .note(&under_way.receipt, || What::Acknowledged {
                packet_id: id,
                took,
            });
        self.taken(under_way);
    }

    /// Of a message without an acknowledgement, no more will be known.
    fn note_written(&self, under_way: &UnderWay, now: Instant) {
        let took = now - under_way.since;
        self.exchange
            .note(&under_way.receipt, || What::Written { took });
    }

    /// The broker has a message.
    fn taken(&mut self, under_way: UnderWay) {
        let UnderWay {
            message, receipt, ..
        } = under_way;
        self.exchange.acknowledged(receipt);
        if let Some(newer) = self.caution.accepted(&message) {
            self.unsent.push_back(Publication::alone(newer));
        }
    }

    fn subscribed(&mut self, id: u16, codes: &[SubscribeReasonCode], now: Instant) {
        let filters = self.subscribing.remove(&id).unwrap_or_default();
        for (SubscribeFilter { path, .. }, code) in filters.iter().zip(codes) {
            self.exchange.subscribed(path, now);
            match code {
                SubscribeReasonCode::Success(_) => debug!(topic = path, "subscribed"),
                SubscribeReasonCode::Failure => {
                    self.refused.insert(path.clone());
                    warn!(
                        "the MQTT broker refuses the subscription to `{path}`: nothing will be heard \
                     from there; does its access control list allow it?"
                    );
                }
            }
        }
    }

    /// The connection is over. Returns whether one message is to blame.
    pub(super) fn lost(&mut self, fault: &Fault, is_soon: bool, now: Instant) -> bool {
        let all = || self.in_flight.values().chain(&self.fenced);
        let passed_over = self.clock.overtaken.map(|(id, _)| id);
        let suspect = match fault {
            Fault::PassedOver => passed_over.and_then(|id| self.in_flight.get(&id)),
            // A broker that answers nobody has nothing against one message.
            Fault::Silent if !self.has_acknowledged => None,
            _ if is_closed(fault) || matches!(fault, Fault::Silent) => {
                all().next().filter(|_| all().count() == 1)
            }
            _ => None,
        };
        let suspect = suspect.map(|under_way| &under_way.message);
        let is_suspicious = is_soon && (all().count() > 0 || self.has_trusted);
        self.caution.lost(is_suspicious, suspect, now)
    }

    fn under_way(&self) -> usize {
        self.in_flight.len() + self.unwritten.len() + usize::from(self.fenced.is_some())
    }

    /// One that nothing under way has. There are more of them than there can be messages.
    fn next_id(&mut self) -> u16 {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            let id = self.last_id;
            if !self.in_flight.contains_key(&id) && !self.subscribing.contains_key(&id) {
                return id;
            }
        }
    }
}

/// What goes to and fro, but not what is in it: a message may hold secrets.
fn trace_publish(what: &str, publish: &Publish) {
    let (topic, id, length) = (&publish.topic, publish.pkid, publish.payload.len());
    trace!(topic, id, length, "{what}");
}
