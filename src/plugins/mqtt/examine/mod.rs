//! Whether the broker lets us in, and lets us do what is declared, without anybody noticing.
//!
//! `probe` asks it, `judge` (pure) says what its answers mean. It is asked under another client id than the declared one: a
//! broker drives out who has an id when somebody else comes with it.

mod judge;
mod probe;

use std::collections::HashSet;

use super::binding::Message;
use super::dial::dial;
use super::trouble::Trouble;
use super::{MqttLink, Settings};
use crate::plugin::{Direction, Examination, Finding, Link};
use probe::Subscriptions;

/// Where a broker says what it is, if it does (mosquitto(8)).
const VERSION: &str = "$SYS/broker/version";

/// What the broker has answered.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    /// There is no connection.
    Not(Trouble),
    Connected {
        /// What it says of itself.
        version: Option<String>,
        subscriptions: Result<Subscriptions, Trouble>,
        publications: Publications,
    },
}

/// What it has answered to messages.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Publications {
    /// It was not asked.
    NotTried(NotTried),
    /// The topics that it refuses, and how many were tried.
    Tried { refused: Vec<String>, count: usize },
}

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq)]
enum NotTried {
    NothingToPublish,
    /// Others might hear of it.
    MightBeHeard,
    /// It has no words for a refusal.
    NoVersion5(String),
    /// It takes no message of QoS 2.
    NoQos2,
}

pub(super) async fn examine(link: &MqttLink, about: Examination<'_>) -> Vec<Finding> {
    let topics = link.topics();
    let of = |direction| {
        let mut seen = HashSet::new();
        let topics = topics.iter().filter(|it| it.direction == direction);
        let topics = topics.filter(|it| seen.insert(it.topic.clone()));
        let names: Vec<String> = topics.map(|it| it.topic.clone()).collect();
        names
    };
    let (published, subscribed) = (of(Direction::Publish), of(Direction::Subscribe));
    let stranger = stranger(&link.settings);
    let presence = presence(&link.settings).map(|birth| birth.topic.as_str());
    let topics = Topics {
        published: &published,
        subscribed: &subscribed,
        presence,
    };
    let seen = look(&stranger, &topics, about.may_be_heard).await;
    judge::judge(&link.settings, &stranger.client_id, &subscribed, &seen)
}

/// What the broker is asked about.
struct Topics<'a> {
    published: &'a [String],
    subscribed: &'a [String],
    /// Where a client with our id says whether it is there.
    presence: Option<&'a str>,
}

/// The birth message, where what is retained of it and of the will says which of the two was last.
fn presence(settings: &Settings) -> Option<&Message> {
    let (birth, will) = (settings.birth.as_ref()?, settings.will.as_ref()?);
    let tells = birth.topic == will.topic && birth.payload != will.payload;
    (tells && birth.retain && will.retain).then_some(birth)
}

async fn look(settings: &Settings, topics: &Topics<'_>, may_be_heard: bool) -> Seen {
    let accepted = match dial(settings, settings.answer_within, probe::PAYLOAD_MAX).await {
        Ok(accepted) => accepted,
        Err(fault) => return Seen::Not(Trouble::while_connecting(&fault, settings)),
    };
    let asked = probe::subscribe(settings, accepted, topics.subscribed, topics.presence);
    let subscriptions = asked.await;
    let subscriptions = subscriptions.map_err(|fault| Trouble::of(&fault, settings));
    let version = probe::version(settings).await;
    let publications = if topics.published.is_empty() {
        Publications::NotTried(NotTried::NothingToPublish)
    } else if may_be_heard || version.as_deref().is_some_and(holds_back) {
        probe::publish(settings, topics.published)
            .await
            .unwrap_or_else(Publications::NotTried)
    } else {
        Publications::NotTried(NotTried::MightBeHeard)
    };
    Seen::Connected {
        version,
        subscriptions,
        publications,
    }
}

/// Whether a broker is known to hand out a message of QoS 2 only when it is released (PUBREL), and to forget it when the
/// connection ends before. MQTT 5.0, 4.3.3 leaves it the choice. Seen with 2.0.11.
fn holds_back(version: &str) -> bool {
    version.starts_with("mosquitto version 2.")
}

/// Somebody else with our rights: it drives nobody out, and nobody hears when it goes.
fn stranger(settings: &Settings) -> Settings {
    Settings {
        address: settings.address.clone(),
        auto: settings.auto,
        tls: settings.tls.clone(),
        tls_files: settings.tls_files,
        client_id: format!("{}-doctor-{:04x}", settings.client_id, fastrand::u16(..)),
        keep_alive: settings.keep_alive,
        answer_within: settings.answer_within,
        retry_within: settings.retry_within,
        clean_session: true,
        credentials: settings.credentials.clone(),
        birth: None,
        will: None,
        has_secret_birth: false,
        has_secret_will: false,
    }
}
