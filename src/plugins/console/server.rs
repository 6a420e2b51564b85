//! The HTTP server: connections with limits, each in a task of its own.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;
use tracing::debug;

use super::guard::guard;
use super::problem::Problem;
use super::state::State;
use super::{BODY_MAX, openapi, page};

/// So many connections there are at once; others wait.
const CONNECTIONS_MAX: usize = 128;
/// A request line and its headers have to arrive in this time.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// And have this room, in bytes.
const HEAD_MAX: usize = 16 * 1024;
/// After an error of the listener itself: no file descriptor is left, say.
const PAUSE: Duration = Duration::from_millis(250);

/// A server at work. It ends when this is dropped.
pub(super) struct Server {
    /// Where it is: with the port that the system chose, if that was left to it.
    pub(super) address: SocketAddr,
    task: AbortHandle,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// # Errors
    /// Why the address cannot be had.
    pub(super) async fn start(state: &Arc<State>) -> io::Result<Self> {
        let listener = TcpListener::bind(state.settings.listen).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(serve(listener, router(state)));
        Ok(Self {
            address,
            task: task.abort_handle(),
        })
    }
}

fn router(state: &Arc<State>) -> Router {
    let mut router = openapi::router();
    for path in page::paths() {
        router = router.route(path, get(page::file));
    }
    router
        .fallback(async || Problem::not_found("there is no such page").into_response())
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(from_fn_with_state(state.clone(), guard))
        .with_state(state.clone())
}

async fn serve(listener: TcpListener, router: Router) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let permit = room.clone().acquire_owned().await;
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, _)) => {
                let router = router.clone();
                connections.spawn(async move {
                    connection(stream, router).await;
                    drop(permit);
                });
            }
            Err(error) => {
                debug!("no connection could be taken: {error}");
                sleep(PAUSE).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, router: Router) {
    // What is small goes at once.
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(router);
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(HEAD_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        debug!("a connection ended: {error}");
    }
}
