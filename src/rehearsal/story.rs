//! A file of tests without mistakes: names are found, bytes are bytes, and every step knows its place.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value as Json;

use super::model::{BrokerWord, PairWord};
use crate::codec::Spec;
use crate::config::{Placeholders, Span};
use crate::gatt::server::Subscribed;
use crate::gatt::{Access, Service};

/// A file of tests.
pub(super) struct Story {
    pub(super) path: PathBuf,
    /// The text of the file, of which a failure shows a line.
    pub(super) source: String,
    pub(super) config: PathBuf,
    pub(super) host: Placeholders,
    pub(super) environment: BTreeMap<String, String>,
    /// The names of the centrals; elsewhere a central is an index into these.
    pub(super) centrals: Vec<String>,
    /// Elsewhere a characteristic is an index into these.
    pub(super) characteristics: Vec<Known>,
    pub(super) tests: Vec<Test>,
}

/// A characteristic that steps can name.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// Its name, with that of its service where it is not the only one.
    pub(super) name: String,
    /// Its name without that of its service, and always with it.
    pub(super) own_name: String,
    pub(super) full_name: String,
    pub(super) access: Access,
    /// Of what is read and written.
    pub(super) spec: Spec,
    /// Of what is notified.
    pub(super) told: Spec,
}

pub(super) struct Test {
    pub(super) name: String,
    pub(super) at: Span,
    pub(super) retained: Vec<Message>,
    /// Filters of topics that need not be expected.
    pub(super) ignore: Vec<String>,
    pub(super) steps: Vec<Step>,
}

pub(super) struct Step {
    pub(super) at: Span,
    pub(super) act: Act,
}

pub(super) enum Act {
    Publish { message: Message, retain: bool },
    Expect(Expected),
    ExpectNothing,
    Wait(Duration),
    Broker(BrokerWord),
    Central { central: usize, act: CentralAct },
}

pub(super) struct Message {
    pub(super) topic: String,
    pub(super) payload: Vec<u8>,
}

/// A message that has to have been published.
pub(super) struct Expected {
    pub(super) topic: String,
    pub(super) payload: Option<Payload>,
    pub(super) qos: Option<u8>,
    pub(super) retain: Option<bool>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Payload {
    Json(Json),
    AtLeast(Json),
    Bytes(Vec<u8>),
}

pub(super) enum CentralAct {
    Connect,
    Disconnect,
    Pair(PairWord),
    Mtu(u16),
    Read {
        of: usize,
        answer: Answer,
    },
    Write {
        of: usize,
        octets: Vec<u8>,
        error: Option<u8>,
    },
    WriteWithoutResponse {
        of: usize,
        octets: Vec<u8>,
    },
    Subscribe {
        of: usize,
        by: Subscribed,
        error: Option<u8>,
    },
    Unsubscribe {
        of: usize,
    },
    Notified {
        of: usize,
        octets: Option<Octets>,
        by: Option<Subscribed>,
    },
}

/// What a read gets.
pub(super) enum Answer {
    /// An answer, whatever it is.
    Some,
    Octets(Octets),
    Error(u8),
}

/// Bytes on the air that are expected, one way or the other.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Octets {
    Bytes(Vec<u8>),
    Value(Json),
}

/// The characteristics of a plan, in the order of their handles.
pub(super) fn known(services: &[Service]) -> Vec<Known> {
    let all = services
        .iter()
        .flat_map(|service| service.characteristics.iter().map(move |it| (service, it)));
    let names: Vec<&str> = all.clone().map(|(_, it)| it.name.as_str()).collect();
    let is_alone = |name: &str| names.iter().filter(|known| **known == name).count() == 1;
    all.map(|(service, characteristic)| {
        let own_name = characteristic.name.clone();
        let full_name = format!("{}/{own_name}", service.name);
        let is_alone = is_alone(&own_name);
        Known {
            name: if is_alone { &own_name } else { &full_name }.clone(),
            own_name,
            full_name,
            access: characteristic.access,
            spec: characteristic.spec.clone(),
            told: characteristic.tells().1.clone(),
        }
    })
    .collect()
}
