//! When an embedded broker stands in. The port belongs to a broker of this machine's own, if there is
//! one: who takes it away while that one is restarted keeps it from ever coming back.

use std::time::Duration;

use tokio::time::Instant;
use tracing::{debug, info};

use super::{Embedded, start};

/// At the start a broker of this machine's own may be starting too.
const GRACE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(100);

/// Stands in on a port of this machine where nobody else has been seen to serve.
#[derive(Debug)]
pub struct StandIn {
    port: u16,
    since: Instant,
    running: Option<Embedded>,
    /// There is a broker of this machine's own: it will be back.
    has_seen_another: bool,
}

/// When to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Now: there is a broker.
    AtOnce,
    /// After this time, and without a word: it is too early to say that there is none.
    Soon(Duration),
    /// When one would without anybody to stand in.
    Later,
}

impl StandIn {
    pub fn new(port: u16) -> Self {
        Self {
            port,
            since: Instant::now(),
            running: None,
            has_seen_another: false,
        }
    }

    /// An attempt to connect has failed, perhaps because nobody listens.
    pub fn failed(&mut self, is_nobody: bool) -> Next {
        if let Some(running) = self.running.take() {
            // A new one is what helps, but not at once if it fails again and again.
            self.has_seen_another |= !running.is_running() && !is_nobody;
            return Next::Later;
        }
        self.has_seen_another |= !is_nobody;
        if self.has_seen_another {
            return Next::Later;
        }
        if self.since.elapsed() < GRACE {
            return Next::Soon(PAUSE);
        }
        let port = self.port;
        match start(port) {
            Ok(started) => {
                info!(
                    "no MQTT broker on localhost:{port}, so an embedded one serves there, for this \
                     machine only; join it with: mosquitto_sub -p {port} -v -t '#'"
                );
                self.running = Some(started);
                Next::AtOnce
            }
            Err(error) => {
                debug!("the embedded MQTT broker does not start: {error}");
                Next::Later
            }
        }
    }

    /// Whether it is this one that serves.
    pub fn serves(&self) -> bool {
        self.running.as_ref().is_some_and(Embedded::is_running)
    }

    /// Somebody serves there.
    pub fn connected(&mut self) {
        if !self.serves() {
            self.running = None;
            self.has_seen_another = true;
        }
    }
}
