//! The stream of events to a page (Server-Sent Events), made once for all pages.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use http_body::Frame as BodyFrame;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::centrals::{Bound, Centrals};
use super::health::health;
use super::model::DeviceEvent;
use super::problem::Problem;
use super::state::{Frame, STREAMS_MAX, State};

/// A line that says nothing goes out after so long a silence, so that nobody on the way takes the connection for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a browser waits before it connects again.
const RETRY: &str = "retry: 1000\n\n";
/// As much is put together for one write at the most.
const WRITE_MAX: usize = 256 * 1024;

/// Opens a stream, bound to the page's virtual central if it has one.
///
/// # Errors
/// A [`Problem`] when there are too many, or the central is gone.
pub(super) fn open(state: &Arc<State>, central: Option<&str>) -> Result<Response, Problem> {
    let permit = state.streams.clone().try_acquire_owned().map_err(|_| {
        let detail = format!("{STREAMS_MAX} pages are open; close one");
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many streams", detail)
    })?;
    let bound = match central {
        None => None,
        Some(id) => {
            let bound = id.parse().ok().and_then(|id| {
                let bound = Centrals::bind(state, id)?;
                Some((id, bound))
            });
            let detail = "there is no such central; `POST /api/v1/centrals` makes one";
            Some(bound.ok_or_else(|| Problem::not_found(detail))?)
        }
    };
    let (central, bound) = bound.unzip();
    let (sender, receiver) = mpsc::channel(1);
    let stream = Stream {
        frames: state.frames(),
        state: state.clone(),
        central,
        sender,
        _permit: permit,
        _bound: bound,
    };
    tokio::spawn(stream.run());
    let mut response = Response::new(Body::new(Events(receiver)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    // For a proxy that would collect it.
    headers.insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    Ok(response)
}

struct Stream {
    state: Arc<State>,
    frames: Receiver<Frame>,
    central: Option<u64>,
    sender: mpsc::Sender<Bytes>,
    _permit: OwnedSemaphorePermit,
    _bound: Option<Bound>,
}

impl Stream {
    /// Until the browser goes.
    async fn run(mut self) {
        let mut text = RETRY.as_bytes().to_vec();
        self.stand(&mut text);
        loop {
            if self.sender.send(text.into()).await.is_err() {
                return;
            }
            let gone = self.sender.clone();
            let state = self.state.clone();
            text = tokio::select! {
                () = gone.closed() => return,
                () = state.over() => return,
                text = self.next() => text,
            };
        }
    }

    /// What is to be sent next: everything that there is, in one piece.
    async fn next(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        while text.is_empty() {
            match timeout(KEEP_ALIVE, self.frames.recv()).await {
                Ok(Ok(frame)) => self.add(&frame, &mut text),
                Ok(Err(RecvError::Lagged(_))) => self.stand(&mut text),
                // The sender lives in the state, so it cannot be closed.
                Ok(Err(RecvError::Closed)) | Err(_) => text.extend_from_slice(b":\n\n"),
            }
        }
        while text.len() < WRITE_MAX {
            match self.frames.try_recv() {
                Ok(frame) => self.add(&frame, &mut text),
                Err(TryRecvError::Lagged(_)) => self.stand(&mut text),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        text
    }

    fn add(&self, frame: &Frame, text: &mut Vec<u8>) {
        if frame.central.is_none() || frame.central == self.central {
            text.extend_from_slice(&frame.text);
        }
    }

    /// How things stand: at the beginning, and when something was missed.
    fn stand(&self, text: &mut Vec<u8>) {
        let Ok(current) = self.state.current() else {
            return;
        };
        let generation = current.generation;
        for frame in [
            Frame::new("device", &DeviceEvent { generation }),
            Frame::new("values", &current.views()),
            Frame::new("health", &health(&self.state, &current)),
        ] {
            text.extend_from_slice(&frame.text);
        }
    }
}

/// The body of the response.
struct Events(mpsc::Receiver<Bytes>);

impl http_body::Body for Events {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<BodyFrame<Bytes>, Self::Error>>> {
        let next = self.0.poll_recv(context);
        next.map(|text| text.map(|text| Ok(BodyFrame::data(text))))
    }
}
