//! The console: a page for the browser, a JSON API, health and metrics over HTTP.
//!
//! `config` is what may be declared, `server` the connections, `peers` who has how
//! many, `guard` who may do what, `openapi` the list of
//! operations, `answers` and `requests` (of virtual centrals) what they do, `stream` the events (kept in a `ring`), `model` the types of
//! all that is said. `state` outlives a configuration, `current` is one at work: the device (`device`, `shape`,
//! `names`), its values, their `history` and `flow`, its `health`; `follow` looks what happens and tells the
//! streams. `centrals` are the page's own phones.

mod answers;
mod attention;
mod centrals;
mod config;
mod current;
mod device;
mod examine;
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
mod place;
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
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;

use crate::plugin::{
    BoxFuture, Configure, Ending, Examination, Failure, Finding, Link, Page, Place, Plugin, Port,
    Served, State as LinkState, Succession,
};
use config::{ConsoleConfig, Settings};
use current::Current;
use follow::follow;
pub use openapi::document as openapi;

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
            place: place::Place::default(),
        }))
    }
}

/// The link. What serves is its own, and can be handed over to a successor.
struct Console {
    settings: Settings,
    place: place::Place,
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
    from.map_or(own_loopback(listen), |from| from.ip())
}

/// This machine, as itself reaches it.
fn own_loopback(listen: SocketAddr) -> IpAddr {
    match listen {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    }
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

    /// It may have to wait for its address.
    fn tells_state(&self) -> bool {
        true
    }

    fn examine<'a>(&'a mut self, _: Examination<'a>) -> BoxFuture<'a, Vec<Finding>> {
        Box::pin(async { vec![examine::address(&self.settings).await] })
    }

    /// What serves already goes on: for good if it is as it is to be, else until this one has its address.
    fn take_over(&mut self, before: &mut dyn Link) -> Succession {
        let before: &mut dyn Any = before;
        if let Some(before) = before.downcast_mut::<Self>() {
            self.place = place::Place::after(&mut before.place, &self.settings);
        }
        Succession::Unnoticed
    }

    fn run(&mut self, port: Port) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async move {
            self.place.take(&self.settings).await;
            if self.serve(&port).await == Ending::ForGood {
                self.place = place::Place::default();
            }
            Ok(())
        })
    }
}

impl Console {
    /// Until it is time to stop.
    async fn serve(&mut self, port: &Port) -> Ending {
        loop {
            match &self.place.trouble {
                Some(why) => port.waits(why.clone(), Some(place::Place::AGAIN)),
                None => port.state(LinkState::Up),
            }
            let is_there = self.place.is_there();
            let freed = async {
                match is_there {
                    true => std::future::pending().await,
                    false => place::Place::freed(&self.settings).await,
                }
            };
            let state = self.place.serves().map(|running| running.state.clone());
            let ended = async {
                match &state {
                    Some(state) => {
                        let current = Current::new(port.clone(), state.before().as_deref());
                        let current = Arc::new(current);
                        state.point_at(&current);
                        follow(state, &current).await
                    }
                    None => port.stopped().await,
                }
            };
            let next = tokio::select! {
                ending = ended => Err(ending),
                running = freed => Ok(running),
            };
            if let Some(state) = &state {
                state.point_nowhere();
            }
            match next {
                Ok(running) => {
                    if let Some(state) = &state {
                        running.state.goes_on_from(state);
                    }
                    self.place.arrived(running);
                }
                Err(ending) => return ending,
            }
        }
    }
}
