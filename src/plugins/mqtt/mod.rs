//! MQTT: state and commands on topics, through a broker.
//!
//! `config` is what may be declared, `declare` what is made of it, `binding` (pure) what a message
//! means, `client` the life of a connection, `session` what is under way on it.

mod address;
pub mod binding;
mod client;
pub mod config;
mod declare;
#[cfg(feature = "broker")]
pub mod embedded;
mod secret;
mod session;
mod tls;
mod topics;
mod trouble;
mod values;

use std::sync::Arc;
use std::time::Duration;

use schemars::Schema;

use crate::config::nearest;
use crate::plugin::{BoxFuture, Configure, Failure, Link, Place, Plugin, Port};
use address::Address;
use binding::{Bindings, Message};
use config::{MqttConfig, ValueConfig};
use secret::Secret;

pub struct Mqtt;

impl Plugin for Mqtt {
    fn name(&self) -> &'static str {
        "mqtt"
    }

    fn places(&self) -> Vec<Place> {
        vec![
            Place::section::<MqttConfig>("mqtt"),
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

    fn configure(&self, declared: &mut Configure<'_>) -> Option<Box<dyn Link>> {
        let (settings, bindings) = declare::declare(declared)?;
        Some(Box::new(MqttLink { settings, bindings }))
    }
}

/// How to connect, as it was declared.
struct Settings {
    address: Address,
    /// Whether an embedded broker may stand in where there is none.
    auto: bool,
    tls: Option<Arc<rustls::ClientConfig>>,
    client_id: String,
    keep_alive: Duration,
    clean_session: bool,
    credentials: Option<(String, Secret)>,
    birth: Option<Message>,
    will: Option<Message>,
}

/// What `broker: auto` alone makes, on another port than the usual one.
#[doc(hidden)]
pub fn auto_on(port: u16) -> Box<dyn Link> {
    Box::new(MqttLink {
        settings: Settings {
            address: Address::new("localhost", Some(port), false),
            auto: true,
            tls: None,
            client_id: "bemo".to_owned(),
            keep_alive: Duration::from_secs(60),
            clean_session: true,
            credentials: None,
            birth: None,
            will: None,
        },
        bindings: Bindings::default(),
    })
}

struct MqttLink {
    settings: Settings,
    bindings: Bindings,
}

impl Link for MqttLink {
    fn name(&self) -> &'static str {
        "mqtt"
    }

    fn run(&mut self, port: Port) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async move {
            client::run(&self.settings, &self.bindings, &port).await;
            Ok(())
        })
    }

    fn payload_schemas(&self) -> Vec<(String, Schema)> {
        self.bindings.payload_schemas()
    }
}
