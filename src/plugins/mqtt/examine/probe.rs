//! What is asked of a broker.
//!
//! Whether a subscription is granted, it says in any version of MQTT. A refused message it may only refuse aloud in version
//! 5; in 3.1.1 it acknowledges it like any other, or breaks the connection. And a message that it takes would be heard. So it is
//! asked with QoS 2, whose answer comes before the message goes on (PUBREC), and the message is never released (PUBREL):
//! with the end of the connection, and of its session, it is forgotten.

use std::collections::HashSet;

use bytes::BytesMut;
use rumqttc::mqttbytes::v4;
use rumqttc::v5::mqttbytes::v5;
use rumqttc::v5::mqttbytes::{Error, QoS};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::super::Settings;
use super::super::dial::{Accepted, CHUNK, Socket, dial, open};
use super::super::packet::{self, Incoming};
use super::super::trouble::{Fault, Trouble};
use super::{NotTried, Publications, VERSION};

/// What a retained message says does not matter here, only that it comes.
pub(super) const PAYLOAD_MAX: usize = 1024;
/// An answer of MQTT 5 with all its properties is no longer, in bytes.
const PACKET_MAX: u32 = 64 * 1024;
/// Packets of any length are no concern of brokers, but of some of their limits.
const FILTERS_MAX: usize = 50;
/// So many messages may wait for their release on one connection. Mosquitto allows 20.
const WAITING_MAX: u16 = 10;

/// What came of subscribing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Subscriptions {
    /// The topics that are not granted.
    pub(super) refused: Vec<String>,
    /// The retained messages that came, with the beginning of their payloads.
    pub(super) came: Vec<(String, Vec<u8>)>,
}

/// What a broker says of itself, if it says anything. Some end the connection for that question, so it has one of its own.
pub(super) async fn version(settings: &Settings) -> Option<String> {
    let accepted = dial(settings, settings.answer_within, PAYLOAD_MAX)
        .await
        .ok()?;
    let found = subscribe(settings, accepted, &[], Some(VERSION))
        .await
        .ok()?;
    let (_, text) = found.came.into_iter().next()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// Subscribes to all of these, and takes what is retained there. Nobody hears of it.
pub(super) async fn subscribe(
    settings: &Settings,
    accepted: Accepted,
    topics: &[String],
    presence: Option<&str>,
) -> Result<Subscriptions, Fault> {
    let mut found = Subscriptions::default();
    let Accepted {
        mut socket,
        mut inbox,
        ..
    } = accepted;
    let topics = topics.iter().map(String::as_str);
    let asked: Vec<&str> = presence.into_iter().chain(topics).collect();
    for (index, topics) in asked.chunks(FILTERS_MAX).enumerate() {
        let filters = topics.iter().map(|topic| {
            v4::SubscribeFilter::new((*topic).to_owned(), rumqttc::mqttbytes::QoS::AtMostOnce)
        });
        let mut subscribe = v4::Subscribe::new_many(filters);
        subscribe.pkid = u16::try_from(index + 1).unwrap_or(u16::MAX);
        let mut bytes = BytesMut::new();
        packet::put(&v4::Packet::Subscribe(subscribe), &mut bytes);
        // What is retained comes before the answer to this.
        packet::put(&v4::Packet::PingReq, &mut bytes);
        let answers = async {
            socket.write_all(&bytes).await?;
            socket.flush().await?;
            loop {
                match inbox.next()? {
                    None => {
                        if socket.read_buf(inbox.room(CHUNK)).await? == 0 {
                            return Err(Fault::Closed);
                        }
                    }
                    Some(Incoming::Overlong(message, _)) => {
                        found.came.push((message.topic, message.payload.to_vec()));
                    }
                    Some(Incoming::Packet(v4::Packet::Publish(message))) => {
                        found.came.push((message.topic, message.payload.to_vec()));
                    }
                    Some(Incoming::Packet(v4::Packet::SubAck(answer))) => {
                        let codes = topics.iter().zip(answer.return_codes);
                        let refused =
                            codes.filter(|(_, code)| *code == v4::SubscribeReasonCode::Failure);
                        found
                            .refused
                            .extend(refused.map(|(topic, _)| (*topic).to_owned()));
                    }
                    Some(Incoming::Packet(v4::Packet::PingResp)) => return Ok(()),
                    Some(Incoming::Packet(_)) => {}
                }
            }
        };
        timeout(settings.answer_within, answers)
            .await
            .map_err(|_| Fault::Silent)??;
    }
    let mut bytes = BytesMut::new();
    packet::put(&v4::Packet::Disconnect, &mut bytes);
    // All is known; it may be gone already.
    let _ = timeout(settings.answer_within, socket.write_all(&bytes)).await;
    // It is not ours to hear.
    found
        .refused
        .retain(|topic| Some(topic.as_str()) != presence);
    Ok(found)
}

/// Begins to publish on each of these, and never ends it.
pub(super) async fn publish(
    settings: &Settings,
    topics: &[String],
) -> Result<Publications, NotTried> {
    let mut refused = Vec::new();
    let mut rest = topics;
    while !rest.is_empty() {
        let connection = V5::connect(settings).await?;
        let (now, later) = rest.split_at(rest.len().min(usize::from(connection.room)));
        refused.extend(connection.publish(settings, now).await?);
        rest = later;
    }
    Ok(Publications::Tried {
        refused,
        count: topics.len(),
    })
}

/// A connection with MQTT 5.
struct V5 {
    socket: Box<dyn Socket>,
    inbox: BytesMut,
    /// So many messages may wait.
    room: u16,
}

impl V5 {
    async fn connect(settings: &Settings) -> Result<Self, NotTried> {
        let fault = |fault: Fault| {
            let trouble = Trouble::while_connecting(&fault, settings);
            NotTried::NoVersion5(trouble.to_string())
        };
        let mut connection = Self {
            socket: open(settings).await.map_err(fault)?,
            inbox: BytesMut::new(),
            room: WAITING_MAX,
        };
        let hello = v5::Connect {
            keep_alive: settings.keep_alive.as_secs() as u16,
            client_id: settings.client_id.clone(),
            // Without a word about how long it lasts, a session ends with its connection (MQTT 5.0, 3.1.2.11.2).
            clean_start: true,
            properties: None,
        };
        let login = settings.credentials.as_ref();
        let login = login.map(|(name, password)| v5::Login::new(name, password.expose()));
        connection
            .say(settings, &v5::Packet::Connect(hello, None, login))
            .await?;
        let v5::Packet::ConnAck(answer) = connection.hear(settings).await? else {
            return Err(no("it answers in contradictions"));
        };
        if answer.code != v5::ConnectReturnCode::Success {
            return Err(no(&format!("it refuses ({:?})", answer.code)));
        }
        let properties = answer.properties.as_ref();
        if properties
            .and_then(|it| it.max_qos)
            .is_some_and(|max| max < 2)
        {
            return Err(NotTried::NoQos2);
        }
        if let Some(room) = properties.and_then(|it| it.receive_max) {
            connection.room = room.clamp(1, WAITING_MAX);
        }
        Ok(connection)
    }

    /// Those of the topics that are refused.
    async fn publish(
        mut self,
        settings: &Settings,
        topics: &[String],
    ) -> Result<Vec<String>, NotTried> {
        let mut refused = Vec::new();
        for (id, topic) in (1..).zip(topics) {
            let mut message = v5::Publish::new(topic.as_str(), QoS::ExactlyOnce, Vec::new(), None);
            message.pkid = id;
            self.say(settings, &v5::Packet::Publish(message)).await?;
            let answer = loop {
                match self.hear(settings).await? {
                    v5::Packet::PubRec(answer) if answer.pkid == id => break answer,
                    v5::Packet::Disconnect(end) => {
                        return Err(no(&format!(
                            "it ends the connection ({:?})",
                            end.reason_code
                        )));
                    }
                    _ => {}
                }
            };
            match answer.reason {
                v5::PubRecReason::Success | v5::PubRecReason::NoMatchingSubscribers => {}
                v5::PubRecReason::NotAuthorized
                | v5::PubRecReason::UnspecifiedError
                | v5::PubRecReason::ImplementationSpecificError
                | v5::PubRecReason::TopicNameInvalid
                | v5::PubRecReason::PayloadFormatInvalid => refused.push(topic.clone()),
                v5::PubRecReason::PacketIdentifierInUse | v5::PubRecReason::QuotaExceeded => {
                    return Err(no("it takes no more messages"));
                }
            }
        }
        let end = v5::Disconnect::new(v5::DisconnectReasonCode::NormalDisconnection);
        // All is known; it may be gone already.
        let _ = self.say(settings, &v5::Packet::Disconnect(end)).await;
        Ok(refused)
    }

    async fn say(&mut self, settings: &Settings, packet: &v5::Packet) -> Result<(), NotTried> {
        let mut bytes = BytesMut::new();
        packet
            .write(&mut bytes, None)
            .map_err(|error| no(&error.to_string()))?;
        let written = async {
            self.socket.write_all(&bytes).await?;
            self.socket.flush().await
        };
        match timeout(settings.answer_within, written).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(no("it closes the connection")),
            Err(_) => Err(no("it does not answer")),
        }
    }

    async fn hear(&mut self, settings: &Settings) -> Result<v5::Packet, NotTried> {
        let heard = async {
            loop {
                match v5::Packet::read(&mut self.inbox, Some(PACKET_MAX)) {
                    Ok(packet) => return Ok(packet),
                    Err(Error::InsufficientBytes(_)) => {}
                    Err(Error::PayloadSizeLimitExceeded { .. }) => {
                        return Err(no("what it answers is too long"));
                    }
                    // How one that knows no version 5 says so (MQTT 3.1.1, 3.1.2.2).
                    Err(_) => return Err(no("what it answers is no MQTT 5")),
                }
                match self.socket.read_buf(&mut self.inbox).await {
                    Ok(1..) => {}
                    Ok(0) | Err(_) => return Err(no("it closes the connection")),
                }
            }
        };
        let heard = timeout(settings.answer_within, heard);
        heard
            .await
            .unwrap_or_else(|_| Err(no("it does not answer")))
    }
}

fn no(why: &str) -> NotTried {
    NotTried::NoVersion5(why.to_owned())
}

impl Subscriptions {
    /// Those of the topics on which something has come.
    pub(super) fn proven<'a>(&'a self, topics: &'a [String]) -> impl Iterator<Item = &'a String> {
        let came: HashSet<&str> = self.came.iter().map(|(topic, _)| topic.as_str()).collect();
        topics
            .iter()
            .filter(move |topic| came.contains(topic.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::duplex;

    use super::super::super::address::Address;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_said_to_be_long_is_not_waited_for() {
        let settings = Settings {
            address: Address::new("localhost", None, false),
            auto: false,
            tls: None,
            tls_files: 0,
            client_id: "lamp".to_owned(),
            keep_alive: Duration::from_secs(60),
            answer_within: Duration::from_secs(4),
            retry_within: Duration::from_secs(4),
            clean_session: true,
            credentials: None,
            birth: None,
            will: None,
            has_secret_birth: false,
            has_secret_will: false,
        };
        let (own, mut broker) = duplex(1024);
        let mut connection = V5 {
            socket: Box::new(own),
            inbox: BytesMut::new(),
            room: WAITING_MAX,
        };
        // A CONNACK with 256 MB of properties.
        let head = [0x20, 0xFF, 0xFF, 0xFF, 0x7F];
        broker.write_all(&head).await.expect("it is open");
        let heard = connection.hear(&settings).await;
        assert_eq!(heard.err(), Some(no("what it answers is too long")));
    }
}
