//! The console: a page for the browser, a JSON API, health and metrics over HTTP.
//!
//! `config` is what may be declared, `server` the connections, `peers` who has how
//! many, `guard` who may do what, `openapi` the list of
//! operations, `answers` and `requests` (of virtual centrals) what they do, `stream` the events (kept in a `ring`), `model` the types of
//! all that is said. `state` outlives a configuration, `current` is one at work: the device (`device`, `shape`,
//! `names`), its values, their `history` and `flow`, its `health`; `follow` looks what happens and tells the
//! streams. `centrals` are the page's own phones.

mod answers;
mod centrals;
mod config;
mod current;
mod device;
mod flow;
mod follow;
mod guard;
mod health;
mod history;
mod model;
mod names;
mod openapi;
mod page;
mod peers;
mod problem;
mod requests;
mod ring;
mod server;
mod shape;
mod state;
mod stream;
mod token;
mod words;

use std::any::Any;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;

use tracing::info;

use crate::plugin::{
    BoxFuture, Configure, Ending, Failure, Link, Page, Place, Plugin, Port, Served, Succession,
};
use config::{ConsoleConfig, Settings};
use current::Current;
use follow::follow;
pub use openapi::document as openapi;
use server::Server;
use state::State;

/// The body of a request, in bytes.
const BODY_MAX: usize = 64 * 1024;
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

    fn api(&self) -> Option<serde_json::Value> {
        Some(openapi::document())
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

/// What serves: it lives on while one configuration follows another. Dropped, it ends.
struct Running {
    state: Arc<State>,
    _server: Server,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.state.centrals.clear();
        self.state.end();
    }
}

impl Console {
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
        Ok(Running {
            state,
            _server: server,
        })
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

/// By which address others reach this machine, as far as it knows: the one that it would speak from. Nothing is sent.
fn own_address(listen: SocketAddr) -> IpAddr {
    // RFC 5737 and RFC 3849: these are nobody's.
    let elsewhere = match listen {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 9)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::new(0x2001, 0xDB8, 0, 0, 0, 0, 0, 1), 9)),
    };
    let from = UdpSocket::bind(SocketAddr::new(listen.ip(), 0)).and_then(|socket| {
        socket.connect(elsewhere)?;
        socket.local_addr()
    });
    let this_machine = match listen {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    };
    from.map_or(this_machine, |from| from.ip())
}

impl Link for Console {
    fn name(&self) -> &'static str {
        "console"
    }

    fn serves(&self) -> Vec<Served> {
        let listen = self.settings.listen;
        let address = match listen.ip().is_unspecified() {
            true => SocketAddr::new(own_address(listen), listen.port()),
            false => listen,
        };
        let page = Page {
            url: format!("http://{address}/"),
            is_for_others: !self.settings.is_local(),
        };
        vec![Served::page("console", page).logged()]
    }

    fn shows_catalogue(&self) -> bool {
        true
    }

    /// A test has no page.
    fn can_rehearse(&self) -> bool {
        false
    }

    /// What serves already goes on for this one, if it is to be as it is: its address, and who may do what.
    fn take_over(&mut self, before: &mut dyn Link) -> Succession {
        let before: &mut dyn Any = before;
        if let Some(before) = before.downcast_mut::<Self>()
            && before.settings == self.settings
        {
            self.running = before.running.take();
        }
        Succession::Unnoticed
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
            let current = Arc::new(Current::new(port, state.before().as_deref()));
            state.point_at(&current);
            let ending = follow(&state, &current).await;
            state.point_nowhere();
            if ending == Ending::ForGood {
                self.running = None;
            }
            Ok(())
        })
    }
}
