//! MQTT: state and commands on topics, through a broker.
//!
//! `config` is what may be declared, `declare` what is made of it, `binding` (pure) what a message
//! means, `exchange` what goes to and fro on a connection, whoever carries it; `client` is the life of one
//! to a broker, `dial` how it comes about, `session` what is under way on it, `packet` (pure) its bytes, and
//! `caution` what is known of messages that break it; `examine` asks a broker what it allows; `home_assistant` what
//! Home Assistant is told; `rehearsal` is all of them for a stage.

mod address;
pub mod binding;
mod caution;
mod client;
pub mod config;
mod declare;
mod describe;
mod dial;
pub mod document;
#[cfg(feature = "broker")]
pub mod embedded;
mod examine;
mod exchange;
mod format;
pub mod home_assistant;
mod packet;
mod rehearsal;
mod secret;
mod session;
mod table;
mod tidings;
mod tls;
mod topics;
mod trouble;

use std::any::Any;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use serde_json::Value as Json;

use crate::config::nearest;
use crate::plugin::{
    BoxFuture, BrokerDoc, Configure, Direction, DiscoveryDoc, Examination, Failure, Finding, Link,
    Place, Plugin, Port, Served, Stage, Succession, TopicDoc, WillDoc,
};
use address::Address;
use binding::Message;
use client::Kept;
use config::{DocumentsConfig, MqttConfig, ValueConfig};
use exchange::{Announced, Standing};
use home_assistant::HomeAssistant;
use home_assistant::memory::Memory;
use secret::Secret;
use table::Bindings;

pub struct Mqtt;

impl Plugin for Mqtt {
    fn name(&self) -> &'static str {
        "mqtt"
    }

    fn places(&self) -> Vec<Place> {
        vec![
            Place::section::<MqttConfig>("mqtt"),
            Place::section::<DocumentsConfig>("documents"),
            Place::characteristic::<ValueConfig>("mqtt"),
        ]
    }

    fn secrecy(&self, key: &str, text: &str) -> Option<bool> {
        match nearest(key, ["password", "broker"]) {
            // `password: { file: … }`
            _ if key == "file" => Some(false),
            Some("password") => Some(true),
            // Somebody has written a user and a password into the address.
            Some(_) if text.contains('@') => Some(true),
            Some(_) | None => None,
        }
    }

    /// A broker that has taken a message passes it on.
    fn acknowledges(&self) -> bool {
        true
    }

    fn configure(&self, declared: &mut Configure<'_>) -> Option<Box<dyn Link>> {
        let link = declare::declare(declared)?;
        Some(Box::new(link))
    }
}

/// How to connect, as it was declared.
struct Settings {
    address: Address,
    /// Whether an embedded broker may stand in where there is none.
    auto: bool,
    tls: Option<Arc<rustls::ClientConfig>>,
    /// What was in the files that `tls` names, as a hash: they may be others tomorrow.
    tls_files: u64,
    client_id: String,
    keep_alive: Duration,
    answer_within: Duration,
    retry_within: Duration,
    clean_session: bool,
    credentials: Option<(String, Secret)>,
    birth: Option<Message>,
    will: Option<Message>,
    /// Whether the payloads of these two came from the environment, and are not to be shown.
    has_secret_birth: bool,
    has_secret_will: bool,
}

/// What `broker: auto` alone makes, on another port than the usual one.
#[doc(hidden)]
pub fn auto_on(port: u16) -> Box<dyn Link> {
    Box::new(MqttLink {
        settings: Settings {
            address: Address::new("localhost", Some(port), false),
            auto: true,
            tls: None,
            tls_files: 0,
            client_id: "bemo".to_owned(),
            keep_alive: Duration::from_secs(60),
            answer_within: declare::ANSWER_WITHIN,
            retry_within: declare::RETRY_WITHIN,
            clean_session: true,
            credentials: None,
            birth: None,
            will: None,
            has_secret_birth: false,
            has_secret_will: false,
        },
        bindings: Bindings::default(),
        kept: Kept::default(),
        home_assistant: None,
        memory: Memory::default(),
    })
}

struct MqttLink {
    settings: Settings,
    bindings: Bindings,
    /// What goes on from the link before, and what is left to the next.
    kept: Kept,
    home_assistant: Option<HomeAssistant>,
    memory: Memory,
}

impl Link for MqttLink {
    fn name(&self) -> &'static str {
        "mqtt"
    }

    /// There may be no broker.
    fn tells_state(&self) -> bool {
        true
    }

    /// Where it is to be the same connection, it is: the broker does not take us for gone, and nobody is told the
    /// will.
    fn take_over(&mut self, before: &mut dyn Link) -> Succession {
        let before: &mut dyn Any = before;
        let Some(before) = before.downcast_mut::<Self>() else {
            return Succession::Anew;
        };
        let kept = mem::take(&mut before.kept);
        if !self.settings.connects_as(&before.settings) {
            self.kept = kept.for_another();
            return Succession::Anew;
        }
        self.kept = kept;
        match self.kept.line {
            Some(_) => Succession::Unnoticed,
            None => Succession::Anew,
        }
    }

    fn run(&mut self, port: Port) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async move {
            self.settings.introduce(&port);
            let mut standing = Standing::new(&self.bindings, &port);
            let broker = self.settings.address.to_string();
            let told = self.home_assistant.as_ref();
            standing.announced = Some(Announced::new(told, &self.memory, broker).await);
            tokio::select! {
                () = client::run(&self.settings, &standing, &mut self.kept) => {}
                () = standing.tidings.listen(&port) => {}
            }
            Ok(())
        })
    }

    fn rehearse(&mut self, port: Port, stage: Stage) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async move {
            self.settings.introduce(&port);
            let standing = Standing::new(&self.bindings, &port);
            tokio::select! {
                biased;
                () = standing.tidings.listen(&port) => {}
                () = rehearsal::run(&self.settings, &standing, &stage) => {}
            }
            Ok(())
        })
    }

    fn topics(&self) -> Vec<TopicDoc> {
        let mut topics = self.bindings.topics();
        topics.extend(self.settings.presence());
        topics.extend(self.home_assistant.iter().flat_map(HomeAssistant::topics));
        topics.sort_by(|a, b| (&a.topic, a.direction).cmp(&(&b.topic, b.direction)));
        topics
    }

    fn examine<'a>(&'a mut self, about: Examination<'a>) -> BoxFuture<'a, Vec<Finding>> {
        Box::pin(examine::examine(self, about))
    }

    fn serves(&self) -> Vec<Served> {
        let Settings {
            address,
            client_id,
            auto,
            tls,
            ..
        } = &self.settings;
        let how = match (tls, *auto && cfg!(feature = "broker")) {
            (Some(_), _) => ", encrypted",
            (None, true) => "; an embedded one where nothing listens there",
            (None, false) => "",
        };
        let broker = Served::new("broker", format!("{address} as `{client_id}`{how}")).logged();
        let others = self.settings.presence().into_iter();
        let others = others.chain(self.home_assistant.iter().flat_map(HomeAssistant::topics));
        let others = others.map(|it| (it.topic, it.direction));
        let mut topics: Vec<_> = self.bindings.topic_names().into_iter().collect();
        topics.extend(others);
        topics.sort();
        let names = |direction| {
            let found = topics.iter().filter(|(_, of)| *of == direction);
            let names: Vec<String> = found.map(|(topic, _)| topic.clone()).collect();
            names
        };
        let publishes = Served::several("publishes", &names(Direction::Publish));
        let takes = Served::several("takes", &names(Direction::Subscribe));
        [Some(broker), publishes, takes]
            .into_iter()
            .flatten()
            .collect()
    }

    fn discovery(&self) -> Option<DiscoveryDoc> {
        self.home_assistant.as_ref().map(HomeAssistant::doc)
    }

    fn broker(&self) -> Option<BrokerDoc> {
        let settings = &self.settings;
        let will = settings.will.as_ref().map(|will| WillDoc {
            topic: will.topic.clone(),
            payload: (!settings.has_secret_will)
                .then(|| String::from_utf8_lossy(&will.payload).into_owned()),
            qos: will.qos as u8,
            retain: will.retain,
        });
        Some(BrokerDoc {
            address: settings.address.to_string(),
            is_encrypted: settings.tls.is_some(),
            username: settings.credentials.as_ref().map(|(name, _)| name.clone()),
            client_id: settings.client_id.clone(),
            clean_session: settings.clean_session,
            keep_alive: settings.keep_alive,
            will,
        })
    }
}

impl Settings {
    /// What an operator may want to know of the link.
    fn introduce(&self, port: &Port) {
        port.detail("broker", Some(self.address.to_string()));
        port.detail("client_id", Some(self.client_id.clone()));
        port.detail("tls", self.tls.is_some().then(|| "yes".to_owned()));
    }

    /// Whether a connection of one is a connection of the other.
    fn connects_as(&self, other: &Self) -> bool {
        let hello = |settings: &Self| {
            let mut hello = BytesMut::new();
            packet::put(&packet::connect(settings), &mut hello);
            hello
        };
        let way = |it: &Self| (it.address.clone(), it.auto, it.tls.is_some(), it.tls_files);
        way(self) == way(other) && hello(self) == hello(other)
    }

    /// The topics of birth and will, which are often one.
    fn presence(&self) -> Vec<TopicDoc> {
        let birth = "Published on every connection, before anything else.";
        let will = "Published when the connection is lost or this process stops.";
        let mut topics: Vec<TopicDoc> = Vec::new();
        for (message, is_secret, description) in [
            (&self.birth, self.has_secret_birth, birth),
            (&self.will, self.has_secret_will, will),
        ] {
            let Some(message) = message else {
                continue;
            };
            let payload = String::from_utf8_lossy(&message.payload).into_owned();
            let (description, payloads) = match is_secret {
                true => (description.to_owned(), None),
                false => (format!("`{payload}`: {description}"), Some([payload])),
            };
            if let Some(first) = topics.iter_mut().find(|first| first.topic == message.topic) {
                let known = first.schema.get_mut("enum").and_then(Json::as_array_mut);
                match (known, payloads) {
                    (Some(known), Some(more)) => {
                        known.extend(more.map(Json::from));
                        known.dedup();
                    }
                    // With one that is not shown, the others are not all there are.
                    (Some(_), None) => drop(first.schema.remove("enum")),
                    (None, Some(_) | None) => {}
                }
                first.description = format!("{} {description}", first.description);
                continue;
            }
            let mut schema = schemars::json_schema!({ "type": "string" });
            if let Some(payloads) = payloads {
                schema.insert("enum".to_owned(), payloads.into_iter().collect());
            }
            topics.push(TopicDoc {
                topic: message.topic.clone(),
                direction: Direction::Publish,
                qos: message.qos as u8,
                retain: message.retain,
                schema,
                description,
                content_type: "text/plain",
                cells: Vec::new(),
            });
        }
        topics
    }
}
