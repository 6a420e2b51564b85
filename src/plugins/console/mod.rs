//! The console: a page for the browser, a JSON API, health and metrics over HTTP.
//!
//! `config` is what may be declared, `server` the connections, `guard` who may do what, `openapi` the list of
//! operations, `answers` and `requests` (of virtual centrals) what they do, `stream` the events, `model` the types of
//! all that is said. `state` outlives a configuration, `current` is one at work: the device (`device`, `shape`,
//! `names`), its values and their `history`. `centrals` are the page's own phones.

mod answers;
mod centrals;
mod config;
mod current;
mod device;
mod guard;
mod history;
mod model;
mod names;
mod openapi;
mod page;
mod problem;
mod requests;
mod server;
mod shape;
mod state;
mod stream;
mod token;
mod words;

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use crate::plugin::{BoxFuture, Configure, Failure, Heard, Link, Place, Plugin, Port};
use config::{ConsoleConfig, Settings};
use current::Current;
pub use openapi::document as openapi;
use server::Server;
use state::{Frame, State};

/// The body of a request, in bytes.
const BODY_MAX: usize = 64 * 1024;
/// Changes are told so often at the most; of each value the newest.
const TOLD_EVERY: Duration = Duration::from_millis(100);

pub struct ConsolePlugin;

impl Plugin for ConsolePlugin {
    fn name(&self) -> &'static str {
        "console"
    }

    fn places(&self) -> Vec<Place> {
        vec![Place::section::<ConsoleConfig>("console")]
    }

    /// It shows what is connected, and connects nothing.
    fn connects(&self) -> bool {
        false
    }

    fn secrecy(&self, key: &str, _: &str) -> Option<bool> {
        let meant = crate::config::nearest(key, ["token", "topic"]);
        (meant == Some("token")).then_some(true)
    }

    fn configure(&self, declared: &mut Configure<'_>) -> Option<Box<dyn Link>> {
        let settings = Settings::declare(declared)?;
        Some(Box::new(Console {
            settings,
            running: None,
        }))
    }
}

/// The link. What serves is its own, and can be handed over to a successor that is to be at the same place.
struct Console {
    settings: Settings,
    running: Option<Running>,
}

/// What serves: it lives on while one configuration follows another.
struct Running {
    state: Arc<State>,
    server: Server,
}

impl Console {
    /// What serves already goes on for this one, if it is to be as it is: its address, and who may do what.
    #[allow(dead_code, reason = "a live reload is to call it")]
    fn take_over(&mut self, predecessor: &mut Self) {
        if predecessor.settings == self.settings {
            self.running = predecessor.running.take();
        }
    }

    async fn start(&self) -> io::Result<Running> {
        let state = Arc::new(State::new(self.settings.clone()));
        let server = Server::start(&state).await?;
        let access = match (&self.settings.token, self.settings.read_only) {
            (None, false) => "",
            (None, true) => ", to look at only",
            (Some(_), false) => ", with its token",
            (Some(_), true) => ", with its token, to look at only",
        };
        info!("the console is at {}{access}", url(server.address));
        Ok(Running { state, server })
    }
}

/// Where a browser finds it, on this machine.
fn url(address: SocketAddr) -> String {
    match address.ip().is_unspecified() {
        true => format!(
            "http://localhost:{}/ and every address of this machine",
            address.port()
        ),
        false => format!("http://{address}/"),
    }
}

impl Link for Console {
    fn name(&self) -> &'static str {
        "console"
    }

    fn shows_outline(&self) -> bool {
        true
    }

    /// A test has no page.
    fn can_rehearse(&self) -> bool {
        false
    }

    fn run(&mut self, port: Port) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async move {
            let running = match self.running.take() {
                Some(running) => running,
                None => self.start().await.map_err(|error| {
                    let listen = self.settings.listen;
                    Failure::new(format!("no console at {listen}: {error}"))
                })?,
            };
            let state = self.running.insert(running).state.clone();
            let current = Arc::new(Current::new(port, state.next_generation()));
            state.point_at(&current);
            follow(&state, &current).await;
            state.point_nowhere();
            if let Some(Running { server, .. }) = self.running.take() {
                state.centrals.clear();
                drop(server);
            }
            Ok(())
        })
    }
}

/// Looks what happens, and tells the streams, until it is time to stop.
async fn follow(state: &State, current: &Current) {
    let port = &current.port;
    let mut notices = port.notices();
    let mut stopped = pin!(port.stopped());
    let mut carried = port
        .offered_now::<crate::gatt::server::GattServer>()
        .is_some();
    let mut tidied = None;
    loop {
        let mut progress = pin!(port.progress());
        // From here on nothing is missed.
        progress.as_mut().enable();
        let due = Instant::now() + TOLD_EVERY;
        let views = current.look_again();
        if !views.is_empty() {
            state.tell(|| Frame::new("values", &views));
        }
        let is_carried = port
            .offered_now::<crate::gatt::server::GattServer>()
            .is_some();
        if is_carried != carried {
            carried = is_carried;
            state.tell_device(current);
        }
        tokio::select! {
            () = &mut stopped => return,
            () = progress => {}
            heard = notices.next() => hear(current, &heard),
            () = until(tidied) => {}
        }
        tidied = state.centrals.tidy();
        // What happens at once is told at once, and what happens all the time ten times a second.
        loop {
            tokio::select! {
                () = &mut stopped => return,
                () = sleep_until(due) => break,
                heard = notices.next() => hear(current, &heard),
            }
        }
    }
}

fn hear(current: &Current, heard: &Heard) {
    match heard {
        Heard::Notice(notice) => current.hear(notice),
        Heard::Missed(count) => warn!("{count} notices were missed"),
    }
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
