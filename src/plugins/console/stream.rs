//! The stream of events to a page (Server-Sent Events): what all pages are told, and what the page's central is.

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
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::centrals::{Bound, Centrals};
use super::health::health;
use super::model::DeviceEvent;
use super::peers::TAKEN_WITHIN;
use super::problem::Problem;
use super::ring::{Found, Reader};
use super::state::{Frame, STREAMS_MAX, State};
use super::token::Visit;

/// A line that says nothing goes out after so long a silence, so that nobody on the way takes the connection for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a browser waits before it connects again.
const RETRY: &str = "retry: 1000\n\n";
/// As much is put together for one write at the most.
const WRITE_MAX: usize = 64 * 1024;
/// A browser that is too slow is told how things stand so often at the most.
const STAND_EVERY: Duration = Duration::from_secs(1);

/// Opens a stream, bound to the page's virtual central if it has one, and over with the page's session if it has one.
///
/// # Errors
/// A [`Problem`] when there are too many, or the central is gone.
pub(super) fn open(
    state: &Arc<State>,
    central: Option<&str>,
    visit: Option<Visit>,
) -> Result<Response, Problem> {
    let permit = state.streams.clone().try_acquire_owned().map_err(|_| {
        let detail = format!("{STREAMS_MAX} pages are open; close one");
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many streams", detail)
    })?;
    let bound = match central {
        None => None,
        Some(id) => {
            let bound = id.parse().ok().and_then(|id| Centrals::bind(state, id));
            let detail = "there is no such central; `POST /api/v1/centrals` makes one";
            Some(bound.ok_or_else(|| Problem::not_found(detail))?)
        }
    };
    let (bound, told) = bound.unzip();
    let (sender, receiver) = mpsc::channel(1);
    let stream = Stream {
        frames: state.frames(),
        told,
        device: 0,
        stood: Instant::now(),
        is_behind: false,
        state: state.clone(),
        sender,
        _permit: permit,
        _bound: bound,
    };
    tokio::spawn(until_over(stream, visit));
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

/// A stream, until the browser goes, or its session, or the server.
async fn until_over(stream: Stream, visit: Option<Visit>) {
    let (state, sender) = (stream.state.clone(), stream.sender.clone());
    let session = async {
        match visit {
            None => std::future::pending().await,
            Some(mut visit) => loop {
                tokio::select! {
                    () = visit.over() => return,
                    () = sleep(KEEP_ALIVE) => state.sessions().tidy(),
                }
            },
        }
    };
    tokio::select! {
        () = stream.run() => {}
        () = sender.closed() => {}
        () = session => {}
        () = state.over() => {}
    }
}

struct Stream {
    state: Arc<State>,
    /// What everybody is told.
    frames: Reader,
    /// And what its own central is.
    told: Option<Reader>,
    /// How often the device had been another when this browser heard of it.
    device: u64,
    /// When it was told how things stand.
    stood: Instant,
    /// It has missed something, and is not told before it is time to.
    is_behind: bool,
    sender: mpsc::Sender<Bytes>,
    _permit: OwnedSemaphorePermit,
    _bound: Option<Bound>,
}

impl Stream {
    /// Until the browser goes, or takes nothing for too long.
    async fn run(mut self) {
        let mut text = RETRY.as_bytes().to_vec();
        self.stand(&mut text);
        loop {
            let sent = timeout(TAKEN_WITHIN, self.sender.send(text.into())).await;
            if !matches!(sent, Ok(Ok(()))) {
                return;
            }
            text = self.next().await;
        }
    }

    /// What is to be sent next: everything that there is, in one piece.
    async fn next(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        let silent_until = Instant::now() + KEEP_ALIVE;
        loop {
            self.collect(&mut text);
            if !text.is_empty() {
                return text;
            }
            let due = self.stood + STAND_EVERY;
            tokio::select! {
                () = self.frames.ready(), if !self.is_behind => {}
                () = sleep_until(due), if self.is_behind => {}
                () = ready(&mut self.told) => {}
                () = sleep_until(silent_until) => return b":\n\n".to_vec(),
            }
        }
    }

    /// Takes what there is.
    fn collect(&mut self, text: &mut Vec<u8>) {
        while text.len() < WRITE_MAX
            && let Some(found) = self.told.as_mut().and_then(Reader::next)
        {
            match found {
                Found::Frame(frame) => text.extend_from_slice(&frame.text),
                // Of what a central is told the newest counts.
                Found::Missed => {}
            }
        }
        while text.len() < WRITE_MAX && !self.is_behind {
            match self.frames.next() {
                None => break,
                Some(Found::Frame(frame)) => {
                    self.device = frame.device.unwrap_or(self.device);
                    text.extend_from_slice(&frame.text);
                }
                Some(Found::Missed) => self.is_behind = true,
            }
        }
        if self.is_behind && Instant::now() >= self.stood + STAND_EVERY {
            self.is_behind = false;
            self.frames.skip();
            self.stand(text);
        }
    }

    /// How things stand: at the beginning, and when something was missed. Of the device only if it is another.
    fn stand(&mut self, text: &mut Vec<u8>) {
        self.stood = Instant::now();
        let Ok(current) = self.state.current() else {
            return;
        };
        let devices = self.state.devices();
        if devices != self.device {
            self.device = devices;
            let generation = current.generation;
            let device = Frame::new("device", &DeviceEvent { generation });
            text.extend_from_slice(&device.text);
        }
        for frame in [
            Frame::new("values", &current.views()),
            Frame::new("health", &health(&self.state, &current)),
        ] {
            text.extend_from_slice(&frame.text);
        }
    }
}

/// Until a central has been told something. Can be given up at any time.
async fn ready(told: &mut Option<Reader>) {
    match told {
        Some(told) => told.ready().await,
        None => std::future::pending().await,
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

#[cfg(test)]
mod tests {
    use super::super::config::Settings;
    use super::super::ring::Ring;
    use super::*;

    fn frame(device: Option<u64>) -> Frame {
        let text = "a".repeat(1000);
        Frame {
            device,
            ..Frame::new("any", &text)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_central_is_told_is_missed_by_its_own_stream_alone_and_lag_is_made_up_for_once_a_second()
     {
        let state = Arc::new(State::new(Settings {
            listen: ([127, 0, 0, 1], 0).into(),
            token: None,
            hosts: Vec::new(),
            read_only: false,
        }));
        let told = Ring::new(4000);
        let (sender, _receiver) = mpsc::channel(1);
        let mut stream = Stream {
            frames: state.frames(),
            told: Some(told.follow()),
            device: 0,
            stood: Instant::now(),
            is_behind: false,
            sender,
            _permit: state.streams.clone().try_acquire_owned().expect("room"),
            _bound: None,
            state: state.clone(),
        };
        let collect = |stream: &mut Stream| {
            let mut text = Vec::new();
            stream.collect(&mut text);
            text.len()
        };
        let one = frame(None).text.len();
        state.tell(|| frame(Some(7)));
        for _ in 0..5000 {
            told.push(frame(None));
        }
        assert_eq!(collect(&mut stream), 4 * one, "three of its own");
        assert!(!stream.is_behind, "what is for all is not missed");
        assert_eq!(stream.device, 7);
        for _ in 0..5000 {
            state.tell(|| frame(None));
        }
        assert_eq!(collect(&mut stream), 0);
        assert!(stream.is_behind);
        state.tell(|| frame(None));
        assert_eq!(collect(&mut stream), 0, "a second is not over");
        tokio::time::advance(STAND_EVERY).await;
        collect(&mut stream);
        assert!(!stream.is_behind);
        state.tell(|| frame(None));
        assert_eq!(collect(&mut stream), one);
    }
}
