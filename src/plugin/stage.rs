//! A broker in memory, for rehearsals: a link that speaks through a broker meets this one instead of
//! the world ([`Link::rehearse`](super::Link::rehearse)).
//!
//! The test's side publishes, sees what the link has published, and takes the broker away. The link's
//! side connects, subscribes and publishes as with any broker. Everything here happens at once; time
//! only passes where somebody waits. Topics are exact: there are no wildcards.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// The broker. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Stage {
    broker: Arc<watch::Sender<Broker>>,
    since: Instant,
}

/// What a link has published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// When, since the stage was made.
    pub at: Duration,
    pub topic: String,
    pub payload: Vec<u8>,
    pub qos: u8,
    pub retain: bool,
    /// The broker has published it, because the connection was lost.
    pub is_will: bool,
}

/// A message as a client gives it to the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    pub topic: String,
    pub payload: Vec<u8>,
    pub qos: u8,
    pub retain: bool,
}

/// A message as the broker gives it to a subscriber.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    pub topic: String,
    pub payload: Vec<u8>,
    /// It was kept from before the subscription.
    pub retained: bool,
}

/// Who connects.
#[derive(Clone, Debug)]
pub struct Client {
    pub client_id: String,
    /// Whether its session ends with the connection.
    pub clean_session: bool,
    pub will: Option<Posted>,
}

#[derive(Debug, Default)]
struct Broker {
    is_away: bool,
    retained: BTreeMap<String, Vec<u8>>,
    /// By client id.
    sessions: BTreeMap<String, Session>,
    published: Vec<Published>,
    connections: u64,
}

#[derive(Debug, Default)]
struct Session {
    /// The number of its connection, while there is one.
    connection: Option<u64>,
    is_clean: bool,
    will: Option<Posted>,
    topics: BTreeSet<String>,
    arriving: VecDeque<Arrived>,
}

impl Default for Stage {
    fn default() -> Self {
        Self::new()
    }
}

/// The test's side.
impl Stage {
    /// A broker that is there, and empty. Has to be called inside a tokio runtime, whose clock it reads.
    pub fn new() -> Self {
        Self {
            broker: Arc::new(watch::Sender::new(Broker::default())),
            since: Instant::now(),
        }
    }

    /// Publishes a message to whoever has subscribed to its topic. A retained one is kept for those who
    /// come later; an empty retained one takes that back. It also works while the broker is away from
    /// the links: then only a session that is kept gets it, later.
    pub fn publish(&self, topic: &str, payload: impl Into<Vec<u8>>, retain: bool) {
        let message = Posted {
            topic: topic.to_owned(),
            payload: payload.into(),
            qos: 1,
            retain,
        };
        self.broker.send_modify(|broker| broker.pass_on(&message));
    }

    /// What links have published, in order, from the `seen`th on.
    pub fn published_since(&self, seen: usize) -> Vec<Published> {
        let broker = self.broker.borrow();
        broker.published.get(seen..).unwrap_or_default().to_vec()
    }

    /// Resolves when links have published more than `seen` messages.
    pub async fn published_more_than(&self, seen: usize) {
        self.until(|broker| broker.published.len() > seen).await;
    }

    /// The message that is kept on a topic.
    pub fn retained(&self, topic: &str) -> Option<Vec<u8>> {
        self.broker.borrow().retained.get(topic).cloned()
    }

    /// Whether some link has subscribed to a topic.
    pub fn is_subscribed(&self, topic: &str) -> bool {
        let broker = self.broker.borrow();
        let mut sessions = broker.sessions.values();
        sessions.any(|session| session.topics.contains(topic))
    }

    /// Whether some link is connected.
    pub fn is_connected(&self) -> bool {
        let broker = self.broker.borrow();
        let mut sessions = broker.sessions.values();
        sessions.any(|session| session.connection.is_some())
    }

    /// Cuts every connection, and lets nobody connect before [`Stage::bring_back`]. The wills are
    /// published.
    pub fn take_away(&self) {
        self.broker.send_modify(|broker| {
            broker.is_away = true;
            let clients: Vec<String> = broker.sessions.keys().cloned().collect();
            for client_id in clients {
                broker.lose(&client_id, self.since.elapsed());
            }
        });
    }

    /// Lets links connect again. Without `session_present` the broker has forgotten their sessions; what
    /// was retained it still has.
    pub fn bring_back(&self, session_present: bool) {
        self.broker.send_modify(|broker| {
            if broker.is_away && !session_present {
                broker.sessions.clear();
            }
            broker.is_away = false;
        });
    }

    async fn until(&self, is_so: impl FnMut(&Broker) -> bool) {
        let mut changes = self.broker.subscribe();
        let waited = changes.wait_for(is_so).await;
        drop(waited.expect("the sender lives in `self`"));
    }
}

/// The link's side.
impl Stage {
    /// Connects; waits while the broker is away. A second connection with the same client id takes the
    /// place of the first.
    pub async fn connect(&self, client: Client) -> Connection {
        loop {
            self.until(|broker| !broker.is_away).await;
            let mut connected = None;
            self.broker.send_if_modified(|broker| {
                connected = broker.connect(&client, self.since.elapsed());
                connected.is_some()
            });
            if let Some((number, session_present)) = connected {
                return Connection {
                    stage: self.clone(),
                    client_id: client.client_id,
                    number,
                    session_present,
                };
            }
        }
    }
}

/// A link's connection to the broker. Dropped without [`Connection::disconnect`], it is lost.
#[derive(Debug)]
#[must_use = "a connection that is dropped is lost"]
pub struct Connection {
    stage: Stage,
    client_id: String,
    number: u64,
    session_present: bool,
}

impl Connection {
    /// Whether the broker still had the session of this client.
    pub fn session_present(&self) -> bool {
        self.session_present
    }

    /// Subscribes to a topic; what is retained there arrives (again).
    pub fn subscribe(&self, topic: &str) {
        self.stage.broker.send_modify(|broker| {
            let kept = broker.retained.get(topic).map(|payload| Arrived {
                topic: topic.to_owned(),
                payload: payload.clone(),
                retained: true,
            });
            if let Some(session) = broker.connected(&self.client_id, self.number) {
                session.topics.insert(topic.to_owned());
                session.arriving.extend(kept);
            }
        });
    }

    /// Publishes. Whether the broker has acknowledged it, which it does at once, unless it is away.
    pub fn publish(&self, message: Posted) -> bool {
        let at = self.stage.since.elapsed();
        self.stage.broker.send_if_modified(|broker| {
            let is_connected = broker.connected(&self.client_id, self.number).is_some();
            if is_connected {
                broker.accept(message, at, false);
            }
            is_connected
        })
    }

    /// The next message; `None` when the connection is lost. Can be given up at any time.
    pub async fn next(&mut self) -> Option<Arrived> {
        loop {
            let (id, number) = (&self.client_id, self.number);
            let is_ready = |broker: &Broker| match broker.sessions.get(id) {
                Some(it) => it.connection != Some(number) || !it.arriving.is_empty(),
                None => true,
            };
            self.stage.until(is_ready).await;
            let mut taken = None;
            self.stage.broker.send_if_modified(|broker| {
                taken = broker
                    .connected(id, number)
                    .map(|session| session.arriving.pop_front());
                false
            });
            match taken {
                None => return None,
                Some(Some(message)) => return Some(message),
                Some(None) => {}
            }
        }
    }

    /// Ends the connection in good order: the will is not published.
    pub fn disconnect(self) {
        self.stage.broker.send_modify(|broker| {
            if let Some(session) = broker.connected(&self.client_id, self.number) {
                session.will = None;
            }
        });
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let at = self.stage.since.elapsed();
        self.stage.broker.send_modify(|broker| {
            if broker.connected(&self.client_id, self.number).is_some() {
                broker.lose(&self.client_id, at);
            }
        });
    }
}

impl Broker {
    /// The session of a client, while this is its connection.
    fn connected(&mut self, client_id: &str, number: u64) -> Option<&mut Session> {
        let session = self.sessions.get_mut(client_id)?;
        (session.connection == Some(number)).then_some(session)
    }

    /// The number of a new connection, and whether its session was there; `None` while away.
    fn connect(&mut self, client: &Client, at: Duration) -> Option<(u64, bool)> {
        if self.is_away {
            return None;
        }
        self.lose(&client.client_id, at);
        if client.clean_session {
            self.sessions.remove(&client.client_id);
        }
        let session_present = self.sessions.contains_key(&client.client_id);
        self.connections += 1;
        let session = self.sessions.entry(client.client_id.clone()).or_default();
        session.connection = Some(self.connections);
        session.is_clean = client.clean_session;
        session.will.clone_from(&client.will);
        Some((self.connections, session_present))
    }

    /// A connection has ended.
    fn lose(&mut self, client_id: &str, at: Duration) {
        let Some(session) = self.sessions.get_mut(client_id) else {
            return;
        };
        session.connection = None;
        let will = session.will.take();
        if session.is_clean {
            self.sessions.remove(client_id);
        }
        if let Some(will) = will {
            self.accept(will, at, true);
        }
    }

    fn accept(&mut self, message: Posted, at: Duration, is_will: bool) {
        self.pass_on(&message);
        self.published.push(Published {
            at,
            topic: message.topic,
            payload: message.payload,
            qos: message.qos,
            retain: message.retain,
            is_will,
        });
    }

    fn pass_on(&mut self, message: &Posted) {
        let Posted { topic, payload, .. } = message;
        if message.retain && payload.is_empty() {
            self.retained.remove(topic);
        } else if message.retain {
            self.retained.insert(topic.clone(), payload.clone());
        }
        let subscribed = self.sessions.values_mut();
        for session in subscribed.filter(|session| session.topics.contains(topic)) {
            session.arriving.push_back(Arrived {
                topic: topic.clone(),
                payload: payload.clone(),
                retained: false,
            });
        }
    }
}
