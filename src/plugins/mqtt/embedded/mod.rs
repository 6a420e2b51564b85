//! The broker that stands in where there is none: rumqttd, in this process, for this machine only.
//!
//! Every client gets a server of rumqttd's of its own, all around one router, and a gate in front of it
//! ([`gate`]). One server for all would not do: when it has dropped a client in the middle of its
//! CONNECT, the next one of that name makes it panic, and from then on it accepts nobody.

mod gate;
mod stand_in;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::thread;

use rumqttd::protocol::v4::V4;
use rumqttd::{ConnectionSettings, LinkType, Router, RouterConfig, Server, ServerSettings};
use tokio::sync::oneshot;
use tracing::subscriber::NoSubscriber;

pub use stand_in::{Next, StandIn};

/// A message may be this large. One that is larger costs its sender the connection.
const MAX_PAYLOAD: usize = 16 * 1024 * 1024;

/// A running broker. It ends when this is dropped.
#[derive(Debug)]
pub struct Embedded {
    stop: oneshot::Sender<()>,
}

impl Embedded {
    /// Whether its thread still lives.
    fn is_running(&self) -> bool {
        !self.stop.is_closed()
    }
}

/// Starts a broker on the loopback addresses.
///
/// # Errors
/// When the port is taken.
pub fn start(port: u16) -> io::Result<Embedded> {
    let mut listeners = vec![listen(TcpListener::bind((Ipv4Addr::LOCALHOST, port))?)?];
    // Without IPv6 there is nobody to serve on it.
    let v6 = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).and_then(listen);
    listeners.extend(v6.ok());
    let router = Router::new(0, router_config()).spawn();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (stop, stopped) = oneshot::channel::<()>();
    // A thread of its own: what the broker does cannot hold up the links, and all of its connections
    // end with its runtime.
    thread::Builder::new()
        .name("mqtt-broker".to_owned())
        .spawn(move || {
            let _quiet = tracing::subscriber::set_default(NoSubscriber::default());
            runtime.block_on(async move {
                for listener in listeners {
                    let router = router.clone();
                    let serve = move |settings| {
                        let mut server = Server::new(settings, router.clone(), V4);
                        async move { drop(server.start(LinkType::Remote).await) }
                    };
                    tokio::spawn(gate::admit_all(listener, serve));
                }
                // Nothing is ever sent: it ends when the other end is dropped.
                let _ = stopped.await;
            });
        })?;
    Ok(Embedded { stop })
}

fn listen(listener: TcpListener) -> io::Result<TcpListener> {
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn router_config() -> RouterConfig {
    RouterConfig {
        max_connections: 1000,
        // What a client that does not read can make us keep: so many messages.
        max_outgoing_packet_count: 16,
        max_segment_size: 1024 * 1024,
        max_segment_count: 10,
        ..RouterConfig::default()
    }
}

fn server_settings(listen: std::net::SocketAddr) -> ServerSettings {
    ServerSettings {
        name: "embedded".to_owned(),
        listen,
        tls: None,
        next_connection_delay_ms: 0,
        connections: ConnectionSettings {
            connection_timeout_ms: 5000,
            max_payload_size: MAX_PAYLOAD,
            max_inflight_count: 100,
            auth: None,
            external_auth: None,
            dynamic_filters: true,
        },
    }
}
