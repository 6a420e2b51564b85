//! The HTTP server: connections with limits, each in a task of its own.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::get;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::debug;

use super::answers::{healthz, metrics};
use super::guard::guard;
use super::peers::{Admitted, Patient, Peer, Peers};
use super::problem::Problem;
use super::state::State;
use super::{BODY_MAX, openapi, page};

/// So many connections there are at once; others wait.
const CONNECTIONS_MAX: usize = 128;
/// A request line and its headers have to arrive in this time.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// And have this room, in bytes.
const HEAD_MAX: usize = 16 * 1024;
/// What one hears who has too many connections already.
const TOO_MANY: &[u8] =
    b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\
    Connection: close\r\n\r\n";
/// After an error of the listener itself: no file descriptor is left, say.
const PAUSE: Duration = Duration::from_millis(250);

/// A request that is under way when the server ends has this time.
const END_WITHIN: Duration = Duration::from_secs(1);
/// Somebody else may be about to leave the address: a configuration that this one follows.
const BUSY: Duration = Duration::from_millis(50);
const BUSY_MAX: u32 = 10;

/// A server at work. It ends when this is dropped: it takes no connection any more, and those that are there may
/// finish what they are at.
pub(super) struct Server {
    /// Where it is: with the port that the system chose, if that was left to it.
    pub(super) address: SocketAddr,
    over: watch::Sender<bool>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.send_replace(true);
    }
}

impl Server {
    /// # Errors
    /// Why the address cannot be had.
    pub(super) async fn start(state: &Arc<State>) -> io::Result<Self> {
        let listener = listen(state.settings.listen).await?;
        let address = listener.local_addr()?;
        // A state has one server.
        let _ = state.port.set(address.port());
        let over = watch::Sender::new(false);
        tokio::spawn(serve(listener, router(state), over.subscribe()));
        Ok(Self { address, over })
    }
}

async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let mut tries = 0;
    loop {
        match TcpListener::bind(address).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries < BUSY_MAX => {
                tries += 1;
                sleep(BUSY).await;
            }
            result => return result,
        }
    }
}

fn router(state: &Arc<State>) -> Router {
    let mut router = openapi::router();
    for path in page::paths() {
        router = router.route(path, get(page::file));
    }
    router
        .route("/healthz", get(healthz))
        .route("/metrics", get(metrics))
        .fallback(async || Problem::not_found("there is no such page").into_response())
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(from_fn_with_state(state.clone(), guard))
        .with_state(state.clone())
}

async fn serve(listener: TcpListener, router: Router, mut over: watch::Receiver<bool>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let peers = Arc::new(Peers::default());
    let mut connections = JoinSet::new();
    loop {
        let accept = async {
            let permit = room.clone().acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            accepted = accept => accepted,
            Some(_) = connections.join_next() => continue,
            () = end(&mut over) => break,
        };
        match accepted {
            Ok((stream, address)) => match peers.admit(Peer::of(address.ip())) {
                Some(admitted) => {
                    let (router, over) = (router.clone(), over.clone());
                    connections.spawn(async move {
                        connection(stream, router, over, admitted).await;
                        drop(permit);
                    });
                }
                // Somebody who keeps connections open shuts out nobody else.
                None => drop(stream.try_write(TOO_MANY)),
            },
            Err(error) => {
                debug!("no connection could be taken: {error}");
                sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    // Who has not finished by then is cut off.
    let _ = timeout(END_WITHIN, all).await;
}

async fn connection(
    stream: TcpStream,
    router: Router,
    mut over: watch::Receiver<bool>,
    admitted: Admitted,
) {
    // What is small goes at once.
    let _ = stream.set_nodelay(true);
    let router = TowerToHyperService::new(router);
    let peer = admitted.peer;
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(peer);
        router.call(request)
    });
    let mut served = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WITHIN)
            .max_buf_size(HEAD_MAX)
            .serve_connection(TokioIo::new(Patient::new(stream)), service)
    );
    let result = tokio::select! {
        result = &mut served => result,
        () = end(&mut over) => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = result {
        debug!("a connection ended: {error}");
    }
}

/// Resolves when the server is to end.
async fn end(over: &mut watch::Receiver<bool>) {
    // An error means that it is gone already.
    drop(over.wait_for(|over| *over).await);
}
