//! How the links are, for whoever asks: a person, a watchdog, a scraper.

use std::time::{Duration, SystemTime};

use serde_json::{Value as Json, json};

/// How a link is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It has begun and has not said more yet.
    Starting,
    /// It does what it is there for.
    Up,
    /// It is well, and the world is not: no broker, no adapter. It goes on by itself when that is there.
    Waiting {
        why: String,
        /// When it tries again; `None` when it is told, and need not try.
        again_in: Option<Duration>,
    },
    /// It has failed.
    Down {
        why: String,
        /// When it is run again; `None` when it is not.
        again_in: Option<Duration>,
    },
}

/// How everything is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// When this process began.
    pub began: SystemTime,
    /// How long it has run.
    pub uptime: Duration,
    /// In the order of the configuration.
    pub links: Vec<LinkHealth>,
    /// By address.
    pub centrals: Vec<CentralHealth>,
}

/// How a link is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkHealth {
    /// The section in the YAML.
    pub section: &'static str,
    /// Who serves it: `virtual_ble` where `ble` has no adapter.
    pub name: &'static str,
    pub state: State,
    /// When it came into this state.
    pub since: SystemTime,
    /// How long it has been in it.
    pub lasted: Duration,
    /// How often it has failed and was run again.
    pub failures: u64,
    /// What it has to say of itself: an address, a version. No secrets.
    pub details: Vec<(&'static str, String)>,
}

/// A central that is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CentralHealth {
    pub address: String,
    pub since: SystemTime,
    pub lasted: Duration,
    /// The names of the characteristics that it hears of.
    pub subscribed: Vec<Subscriber>,
}

/// A central hears of a characteristic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscriber {
    pub central: String,
    /// The name of the value that it is told, which no other has.
    pub value: std::sync::Arc<str>,
    pub how: Option<How>,
}

/// How a central hears of a characteristic. BlueZ does not say it, so where both are declared it is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Notifications,
    Indications,
}

/// Whether the process does what it is there for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub is_well: bool,
    /// Why it does not, each a sentence.
    pub reasons: Vec<String>,
}

impl State {
    /// In one word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Up => "up",
            Self::Waiting { .. } => "waiting",
            Self::Down { .. } => "down",
        }
    }

    /// Why it is not up, if it says so.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Starting | Self::Up => None,
            Self::Waiting { why, .. } | Self::Down { why, .. } => Some(why),
        }
    }

    /// In what time it is tried again, if it is.
    pub fn again_in(&self) -> Option<Duration> {
        match self {
            Self::Starting | Self::Up => None,
            Self::Waiting { again_in, .. } | Self::Down { again_in, .. } => *again_in,
        }
    }

    /// The same, so much later.
    pub(super) fn after(mut self, time: Duration) -> Self {
        match &mut self {
            Self::Waiting { again_in, .. } | Self::Down { again_in, .. } => {
                *again_in = again_in.map(|again_in| again_in.saturating_sub(time));
            }
            Self::Starting | Self::Up => {}
        }
        self
    }
}

impl Health {
    /// It is well when every link is up. Whoever asks decides how long it may be otherwise.
    pub fn verdict(&self) -> Verdict {
        let unwell = self.links.iter().filter(|link| link.state != State::Up);
        let reasons: Vec<String> = unwell.map(LinkHealth::sentence).collect();
        Verdict {
            is_well: reasons.is_empty(),
            reasons,
        }
    }
}

impl LinkHealth {
    fn sentence(&self) -> String {
        let Self {
            name,
            state,
            lasted,
            ..
        } = self;
        let seconds = lasted.as_secs();
        match state {
            State::Starting => format!("{name} has been starting for {seconds} s"),
            State::Up => format!("{name} is up"),
            State::Waiting { why, .. } => format!("{name} has been waiting for {seconds} s: {why}"),
            State::Down { why, .. } => format!("{name} has been down for {seconds} s: {why}"),
        }
    }
}

impl Verdict {
    /// The status of an HTTP response that says it: 200 or 503.
    pub fn status(&self) -> u16 {
        match self.is_well {
            true => 200,
            false => 503,
        }
    }

    /// The body of that response: `{"status": "ok"}`, or `unavailable` and the `reasons`.
    pub fn json(&self) -> Json {
        match self.is_well {
            true => json!({ "status": "ok" }),
            false => json!({ "status": "unavailable", "reasons": self.reasons }),
        }
    }
}

impl How {
    /// In one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Notifications => "notifications",
            Self::Indications => "indications",
        }
    }
}
