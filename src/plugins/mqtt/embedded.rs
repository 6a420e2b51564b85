//! The broker that stands in where there is none: rumqttd, in this process, for this machine only.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::thread;
use std::time::Duration;

use rumqttd::protocol::v4::V4;
use rumqttd::{ConnectionSettings, LinkType, Router, RouterConfig, Server, ServerSettings};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tracing::subscriber::NoSubscriber;
use tracing::{debug, info};

const PATIENCE: Duration = Duration::from_secs(1);
/// A message may be this large. One that is larger costs its sender the connection.
const MAX_PAYLOAD: usize = 16 * 1024 * 1024;

/// A running broker. It ends when this is dropped.
#[derive(Debug)]
pub struct Embedded {
    _stop: oneshot::Sender<()>,
}

/// Sees to it that there is a broker on a port of this machine: the one that is there, or an embedded
/// one, which is kept in `running`.
pub async fn stand_in(running: &mut Option<Embedded>, port: u16) {
    match timeout(PATIENCE, TcpStream::connect(("localhost", port))).await {
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {}
        Ok(_) | Err(_) => return,
    }
    match start(port).await {
        Ok(started) => {
            info!(
                "no MQTT broker on localhost:{port}, so an embedded one serves there, for this \
                 machine only; join it with: mosquitto_sub -p {port} -v -t '#'"
            );
            *running = Some(started);
        }
        Err(error) => debug!("the embedded MQTT broker does not start: {error}"),
    }
}

/// Starts a broker on the loopback addresses.
///
/// # Errors
/// When the port is taken.
pub async fn start(port: u16) -> io::Result<Embedded> {
    let v4 = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    let v6 = SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), port);
    // The server would say it only in its own log.
    drop(TcpListener::bind(v4)?);
    let (stop, mut stopped) = oneshot::channel::<()>();
    let (failed, mut failure) = oneshot::channel::<String>();
    let router = Router::new(0, router_config()).spawn();
    let mut on_v4 = Server::new(server(v4), router.clone(), V4);
    let mut on_v6 = Server::new(server(v6), router, V4);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // A thread of its own: what the broker does cannot hold up the links, and all of its connections
    // end with its runtime.
    thread::Builder::new()
        .name("mqtt-broker".to_owned())
        .spawn(move || {
            let _quiet = tracing::subscriber::set_default(NoSubscriber::default());
            runtime.block_on(async {
                // Without IPv6 there is nobody to serve on it.
                tokio::spawn(async move { on_v6.start(LinkType::Remote).await.ok() });
                tokio::select! {
                    result = on_v4.start(LinkType::Remote) => {
                        if let Err(error) = result {
                            let _ = failed.send(error.to_string());
                        }
                    }
                    _ = &mut stopped => {}
                }
            });
        })?;
    let listens = async {
        while TcpStream::connect(v4).await.is_err() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    let listens = timeout(PATIENCE, listens).await;
    match (listens, failure.try_recv()) {
        (_, Ok(reason)) => Err(io::Error::other(reason)),
        (Err(_), Err(_)) => Err(io::Error::from(io::ErrorKind::TimedOut)),
        (Ok(()), Err(_)) => Ok(Embedded { _stop: stop }),
    }
}

fn router_config() -> RouterConfig {
    RouterConfig {
        max_connections: 100,
        max_outgoing_packet_count: 200,
        max_segment_size: 1024 * 1024,
        max_segment_count: 10,
        ..RouterConfig::default()
    }
}

fn server(listen: SocketAddr) -> ServerSettings {
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
