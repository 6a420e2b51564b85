//! The broker, and the link to it: what `src/plugins/mqtt` and mosquitto do, less their octets. In one connection all is in
//! order; what is on its way when that is lost is gone, or arrives and nobody hears of it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bemo_sync::codec::{Cause, Violation};
use bemo_sync::engine::{CellId, Event, LinkId};

use crate::adversary::{Fault, Sabotage};
use crate::declaration::*;
use crate::world::{Asked, Happening, World};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    State,
    Command,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Topic {
    pub cell: usize,
    pub way: Way,
    /// Which name it has: a declaration may give it another.
    pub name: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    Number(i64),
    Garbage,
}

#[derive(Clone, Debug)]
pub enum Packet {
    Subscribe(Vec<Topic>),
    Publish {
        id: u64,
        topic: Topic,
        payload: Payload,
        retain: bool,
    },
}

#[derive(Clone, Copy, Debug)]
pub enum Down {
    Acknowledged(u64),
    Message(Message),
}

#[derive(Clone, Copy, Debug)]
pub struct Message {
    number: u64,
    topic: Topic,
    payload: Payload,
    retained: bool,
}

#[derive(Debug, Default)]
pub struct Broker {
    pub is_up: bool,
    pub retained: BTreeMap<Topic, Payload>,
    /// What it would come back with that has not saved anything since.
    stale: BTreeMap<Topic, Payload>,
    pub connection: Option<u64>,
    session: Option<Session>,
    numbers: u64,
    up_free_at: u64,
    down_free_at: u64,
    pub stalled_until: u64,
}

/// What a broker knows of this client.
#[derive(Debug, Default)]
struct Session {
    topics: BTreeSet<Topic>,
    unacknowledged: VecDeque<Message>,
}

/// Our end.
#[derive(Debug, Default)]
pub struct Bus {
    pub connection: Option<u64>,
    in_flight: BTreeMap<u64, (usize, u64)>,
    ids: u64,
    left: Vec<Packet>,
    is_connecting: bool,
}

impl World {
    pub fn topic(&self, cell: usize, way: Way) -> Topic {
        let name = self.declaration.cells[cell].topics;
        Topic { cell, way, name }
    }

    fn subscribed(&self) -> Vec<Topic> {
        let cells = self.declaration.cells.iter().enumerate();
        let topics = cells.map(|(cell, declared)| {
            let way = match declared.is_remote {
                true => Way::State,
                false => Way::Command,
            };
            self.topic(cell, way)
        });
        topics.collect()
    }

    // ── our end ──────────────────────────────────────────────────────────────────────────────────

    pub fn bus_connects_in(&mut self, millis: u64) {
        let life = self.life_number();
        if !std::mem::replace(&mut self.bus().is_connecting, true) {
            self.after(millis, Happening::Connect { life });
        }
    }

    pub fn bus_connects(&mut self) {
        self.bus().is_connecting = false;
        if self.bus().connection.is_some() {
            return;
        }
        if !self.broker.is_up {
            let pause = self.rng.u64(500..8_000);
            return self.bus_connects_in(pause);
        }
        self.close_at_broker();
        self.broker.numbers += 1;
        let connection = self.broker.numbers;
        let session_present = self.broker.session.is_some() && !self.declaration.clean_session;
        crate::log!(
            self,
            "connection {connection}, session present: {session_present}"
        );
        if !session_present {
            self.broker.session = Some(Session::default());
        }
        self.broker.connection = Some(connection);
        self.broker.up_free_at = self.now;
        self.broker.down_free_at = self.now;
        let unacknowledged: Vec<Message> = match &self.broker.session {
            Some(session) => session.unacknowledged.iter().copied().collect(),
            None => Vec::new(),
        };
        for message in unacknowledged {
            self.send_down(Down::Message(message));
        }
        let bus = self.bus();
        bus.connection = Some(connection);
        bus.in_flight.clear();
        let topics = self.subscribed();
        self.send_up(Packet::Subscribe(topics));
        self.oracle.connected();
        let claims = session_present || self.sabotage == Some(Sabotage::ClaimsTheSession);
        self.grant_link_up(BUS, claims);
        self.tell(Event::LinkUp {
            link: LinkId::new(BUS),
            session_present: claims,
        });
        self.wake(BUS, 0);
        let left = std::mem::take(&mut self.bus().left);
        if let Some(last) = left.last().filter(|_| session_present) {
            self.after(
                1_000,
                Happening::ToBroker {
                    connection,
                    packet: last.clone(),
                },
            );
        }
    }

    pub fn bus_pulls(&mut self) {
        if self.bus().connection.is_none() {
            return;
        }
        while let Some(effect) = self.pull(BUS) {
            let cell = effect.cell.index();
            let declared = &self.declaration.cells[cell];
            let (way, retain) = match declared.is_remote {
                true => (Way::Command, false),
                false => (Way::State, cell != ASK),
            };
            let topic = self.topic(cell, way);
            self.oracle_hands_out(cell, number(&effect.value), effect.restated);
            let is_forgotten =
                self.sabotage == Some(Sabotage::DeliversUnsent) && self.rng.u8(..50) == 0;
            if is_forgotten || (effect.restated && !retain) {
                self.bus_delivered(cell, effect.ticket);
                continue;
            }
            let bus = self.bus();
            bus.ids += 1;
            let id = bus.ids;
            bus.in_flight.insert(id, (cell, effect.ticket));
            let payload = Payload::Number(number(&effect.value));
            let packet = Packet::Publish {
                id,
                topic,
                payload,
                retain,
            };
            if self.sabotage == Some(Sabotage::SendsOldAgain) {
                self.bus().left.push(packet.clone());
            }
            self.send_up(packet);
        }
    }

    fn send_up(&mut self, packet: Packet) {
        let Some(connection) = self.bus().connection else {
            return;
        };
        let takes = self.latency();
        let at = self.broker.up_free_at.max(self.now + takes);
        self.broker.up_free_at = at;
        self.at(at, Happening::ToBroker { connection, packet });
    }

    pub fn bus_hears(&mut self, connection: u64, down: Down) {
        if self.life.is_none() || self.bus().connection != Some(connection) {
            return;
        }
        match down {
            Down::Acknowledged(id) => {
                if let Some((cell, ticket)) = self.bus().in_flight.remove(&id) {
                    self.bus_delivered(cell, ticket);
                }
            }
            Down::Message(message) => {
                let session = self.broker.session.as_mut();
                if let Some(session) =
                    session.filter(|_| self.broker.connection == Some(connection))
                {
                    session
                        .unacknowledged
                        .retain(|other| other.number != message.number);
                }
                self.bus_receives(message);
                let counts = self.declaration.cells[message.topic.cell].is_every();
                let may_repeat = message.topic.way == Way::State || !counts;
                if may_repeat && self.strikes(Fault::Duplicate, 10) {
                    // The acknowledgement of a message is lost with the session still there.
                    self.bus_receives(message);
                }
            }
        }
    }

    fn bus_delivered(&mut self, cell: usize, ticket: u64) {
        let (link, cell) = (LinkId::new(BUS), CellId::new(cell));
        self.tell(Event::Delivered { link, cell, ticket });
    }

    fn bus_receives(&mut self, message: Message) {
        let Message {
            topic,
            payload,
            retained,
            ..
        } = message;
        if !self.subscribed().contains(&topic) {
            return;
        }
        crate::log!(self, "bus hears {topic:?} {payload:?} retained: {retained}");
        let refused = |cause| Violation::new(cause, "it is not taken");
        let violation = match (topic.way, payload) {
            (Way::Command, _) if retained => refused(Cause::RetainedCommand),
            (_, Payload::Garbage) => refused(Cause::MalformedJson),
            (Way::Command, Payload::Number(number)) => {
                let _ = self.request(topic.cell, Asked::Set(number), BUS, None);
                return;
            }
            (Way::State, Payload::Number(number)) => {
                self.owners[topic.cell].heard.push((self.now, number));
                return self.report(topic.cell, number);
            }
        };
        let event = Event::Refused {
            link: LinkId::new(BUS),
            cell: Some(CellId::new(topic.cell)),
            violation,
        };
        assert!(self.tell(event).is_some_and(|it| it.is_err()));
    }

    /// The connection is gone. The broker may notice later, and take what had left us.
    pub fn lose_connection(&mut self) {
        if self.life.is_some() {
            self.bus().connection = None;
            self.bus().in_flight.clear();
        }
        if let Some(connection) = self.broker.connection {
            let notices_in = match self.rng.bool() {
                true => 0,
                false => self.rng.u64(0..500),
            };
            self.after(notices_in, Happening::BrokerNotices { connection });
        }
        if self.life.is_some() {
            let pause = self.rng.u64(200..4_000);
            self.bus_connects_in(pause);
        }
    }

    // ── the broker ───────────────────────────────────────────────────────────────────────────────

    pub fn close_at_broker(&mut self) {
        if self.broker.connection.take().is_some() && self.declaration.clean_session {
            self.broker.session = None;
        }
    }

    pub fn broker_gets(&mut self, connection: u64, packet: Packet) {
        if self.broker.connection != Some(connection) {
            return;
        }
        match packet {
            Packet::Subscribe(topics) => {
                let mut kept: Vec<(Topic, Payload)> = topics
                    .iter()
                    .filter_map(|topic| Some((*topic, *self.broker.retained.get(topic)?)))
                    .collect();
                if self.strikes(Fault::Reorder, 2) {
                    self.rng.shuffle(&mut kept);
                }
                if let Some(session) = &mut self.broker.session {
                    session.topics.extend(topics);
                }
                for (topic, payload) in kept {
                    self.queue_down(topic, payload, true);
                }
            }
            Packet::Publish {
                id,
                topic,
                payload,
                retain,
            } => {
                self.broker_takes(topic, payload, retain);
                if let Payload::Number(number) = payload {
                    self.oracle_published(topic, number);
                }
                let takes = self.latency();
                self.after(takes, Happening::ToPrograms { topic, payload });
                if self.strikes(Fault::Duplicate, 10) {
                    self.after(takes + 1, Happening::ToPrograms { topic, payload });
                }
                self.send_down(Down::Acknowledged(id));
            }
        }
    }

    /// Somebody has published.
    pub fn broker_takes(&mut self, topic: Topic, payload: Payload, retain: bool) {
        if retain {
            self.broker.retained.insert(topic, payload);
        }
        self.queue_down(topic, payload, false);
    }

    fn queue_down(&mut self, topic: Topic, payload: Payload, retained: bool) {
        self.broker.numbers += 1;
        let message = Message {
            number: self.broker.numbers,
            topic,
            payload,
            retained,
        };
        let Some(session) = &mut self.broker.session else {
            return;
        };
        if !session.topics.contains(&topic) && !retained {
            return;
        }
        session.unacknowledged.push_back(message);
        self.send_down(Down::Message(message));
    }

    fn send_down(&mut self, down: Down) {
        let Some(connection) = self.broker.connection else {
            return;
        };
        let at = self.now + self.latency();
        let at = at.max(self.broker.stalled_until);
        let at = match down {
            // Acknowledgements come in any order.
            Down::Acknowledged(_) if self.strikes(Fault::Reorder, 4) => at + self.rng.u64(0..400),
            Down::Acknowledged(_) | Down::Message(_) => {
                self.broker.down_free_at = self.broker.down_free_at.max(at);
                self.broker.down_free_at
            }
        };
        self.at(at, Happening::ToBus { connection, down });
    }

    /// What of it survives is a matter of its own files.
    pub fn broker_crashes(&mut self) {
        self.lose_connection();
        self.close_at_broker();
        self.broker.is_up = false;
        match self.rng.u8(..3) {
            0 => {}
            1 => {
                self.broker.retained.clear();
                self.broker.session = None;
            }
            _ if self.is_on(Fault::StaleRetained) => {
                self.broker.retained = self.broker.stale.clone();
                self.broker.session = None;
                if self.is_on(Fault::Amnesia) && self.rng.bool() {
                    let topics = self.subscribed().into_iter().collect();
                    self.broker.session = Some(Session {
                        topics,
                        ..Session::default()
                    });
                }
            }
            _ => self.broker.session = None,
        }
        let back = self.rng.u64(500..60_000);
        self.after(back, Happening::BrokerUp);
    }

    pub fn broker_saves(&mut self) {
        self.broker.stale = self.broker.retained.clone();
    }
}
