//! Where the console serves: at the declared address, or for as long as somebody else has that, where it was before.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::sleep;
use tracing::{debug, info, warn};

use super::config::Settings;
use super::server::Server;
use super::state::State;
use super::url;

/// How often an address that somebody else has is tried again.
const AGAIN: Duration = Duration::from_secs(2);

/// What serves: it lives on while one configuration follows another. Dropped, it ends.
pub(super) struct Running {
    pub(super) state: Arc<State>,
    server: Server,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.state.centrals.clear();
        self.state.end();
    }
}

impl Running {
    async fn start(settings: Settings) -> io::Result<Self> {
        let state = Arc::new(State::new(settings));
        let server = Server::start(&state).await?;
        let access = match (&state.settings.token, state.settings.read_only) {
            (None, false) => "",
            (None, true) => ", to look at only",
            (Some(_), false) => ", with its token",
            (Some(_), true) => ", with its token, to look at only",
        };
        info!("the console is at {}{access}", url(server.address));
        Ok(Self { state, server })
    }
}

/// What serves, and what is to.
#[derive(Default)]
pub(super) struct Place {
    /// At the declared address.
    running: Option<Running>,
    /// Meanwhile elsewhere.
    stands_in: Option<Running>,
    /// Why it is not at the declared address, once that is known.
    pub(super) trouble: Option<String>,
}

impl Place {
    /// What serves already is the next one's.
    pub(super) fn after(before: &mut Self, settings: &Settings) -> Self {
        let running = before.running.take().or_else(|| before.stands_in.take());
        let (running, stands_in) = match running {
            Some(running) if running.state.settings == *settings => (Some(running), None),
            other => (None, other),
        };
        Self {
            running,
            stands_in,
            trouble: None,
        }
    }

    /// What serves now.
    pub(super) fn serves(&self) -> Option<&Running> {
        self.running.as_ref().or(self.stands_in.as_ref())
    }

    /// Whether it serves where it is declared to.
    pub(super) fn is_there(&self) -> bool {
        self.running.is_some()
    }

    /// Goes to the declared address. If that cannot be had, what served before goes on, with what is declared now
    /// of who may do what.
    pub(super) async fn take(&mut self, settings: &Settings) {
        if self.is_there() {
            return;
        }
        let old = self.stands_in.as_ref().map(|it| it.server.address);
        // One port is had once, at whatever addresses.
        let same = |it: &mut Running| it.server.address.port() == settings.listen.port();
        if self.stands_in.take_if(same).is_some() {
            // Its task lets go of the address when it has its turn.
            yield_now().await;
        }
        let error = match Running::start(settings.clone()).await {
            Ok(running) => return self.arrived(running),
            Err(error) => error,
        };
        // Nobody gets here from where it is not declared any more.
        let old = old.filter(|old| {
            let (was, is) = (old.ip(), settings.listen.ip());
            was.is_loopback() || was == is || is.is_unspecified()
        });
        self.stands_in
            .take_if(|it| old.is_none() || !it.state.settings.is_but_for_place(settings));
        if let (None, Some(listen)) = (&self.stands_in, old) {
            let there = Settings {
                listen,
                ..settings.clone()
            };
            self.stands_in = Running::start(there).await.ok();
        }
        let listen = settings.listen;
        let why = match error.kind() {
            io::ErrorKind::AddrInUse => format!("another program listens at {listen}"),
            _ => format!("{listen} cannot be listened at: {error}"),
        };
        let meanwhile = match &self.stands_in {
            Some(running) => format!(
                "it goes on at {} until that is free",
                url(running.server.address)
            ),
            None => "it is tried again and again".to_owned(),
        };
        warn!(
            "no console there yet: {why}; {meanwhile}. To have it elsewhere: {}",
            elsewhere(settings)
        );
        self.trouble = Some(why);
    }

    /// Resolves when the declared address could be had; tried quietly, again and again.
    pub(super) async fn freed(settings: &Settings) -> Running {
        loop {
            sleep(AGAIN).await;
            match Running::start(settings.clone()).await {
                Ok(running) => return running,
                Err(error) => debug!("no console at {} yet: {error}", settings.listen),
            }
        }
    }

    /// It serves where it is declared to; nobody has to stand in any more.
    pub(super) fn arrived(&mut self, running: Running) {
        *self = Self {
            running: Some(running),
            ..Self::default()
        };
    }

    pub(super) const AGAIN: Duration = AGAIN;
}

/// What to write to have it at another port.
pub(super) fn elsewhere(settings: &Settings) -> String {
    let mut other = settings.listen;
    other.set_port(match other.port() {
        u16::MAX => 8081,
        port => port + 1,
    });
    format!("`console: {{ listen: \"{other}\" }}`")
}
