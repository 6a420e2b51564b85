//! The way of a value, step by step, for whoever watches: a request comes in, is accepted, goes out on a
//! topic, arrives. Nothing depends on it, and where nobody watches, a step costs one atomic load.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use super::{Observatory, Payload};
use crate::codec::{Cause, Value};
use crate::engine::{Answer, Carries, CellId};

/// So many steps wait for whoever is slow to take them; then the oldest are lost.
pub(super) const STEPS_MAX: usize = 1024;

/// One step on the way of a value. All steps of one change have its cell and its version.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub at: SystemTime,
    /// The section in the YAML of the link that has to do with it; `None` where that is none.
    pub link: Option<&'static str>,
    /// `None` where it was not even clear which value is meant, or all are.
    pub cell: Option<CellId>,
    /// The name of the value, which no other has. Unlike the cell, it stays when the configuration is
    /// read anew.
    pub value: Option<Arc<str>>,
    /// Of the cell: 0 where nothing has come of it.
    pub version: u64,
    pub kind: Kind,
}

/// What has happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Somebody asks for a change.
    Requested(Came),
    /// The remote owner says what the value is.
    Reported(Came),
    /// The value is another one.
    Accepted(Shown),
    /// Nothing is wrong with it, and the value is what it was.
    Unchanged,
    /// It breaks a constraint.
    Refused {
        /// The address of a central, or a topic.
        by: Option<Arc<str>>,
        cause: Cause,
        /// A sentence for whoever has to mend it.
        reason: String,
        payload: Payload,
    },
    /// The link has taken it, to send it.
    HandedOut {
        ticket: u64,
        carries: Carries,
        value: Shown,
        /// Nothing has happened: this is how things stand, for a link that may not know.
        restated: bool,
    },
    /// What the link says of it itself.
    Noted(What),
    /// It has arrived where the link sent it to.
    Arrived {
        ticket: u64,
        /// Since it was accepted; `None` for how things stand.
        took: Option<Duration>,
    },
    /// It could not be kept where it was sent to, and comes again.
    NotKept { ticket: u64 },
    /// The remote owner has confirmed what it was asked for.
    Confirmed,
    /// It has not, in time: the last report is the value again.
    TakenBack { value: Shown },
    /// The remote owner has said nothing for too long.
    Silent,
    /// It has waited for this link for longer than it is worth telling.
    Expired,
    /// It has given way to a newer event, because the queue to this link was full.
    GaveWay,
    /// A write by a central has its answer, in this value.
    Answered {
        in_value: Arc<str>,
        how: Answer,
        answer: Shown,
    },
    /// The link has its transport (back).
    LinkUp { session_present: bool },
}

/// What came in, and from whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Came {
    /// The address of a central, or a topic; `None` where the link itself asks, as a ticker does.
    pub by: Option<Arc<str>>,
    /// As it came; empty where it came as no bytes.
    pub payload: Payload,
}

/// A value, unless it is not to be shown.
#[derive(Clone, Debug, PartialEq)]
pub enum Shown {
    Value(Value),
    /// It is not known.
    Unknown,
    Withheld,
}

/// What a link says of a step that it makes itself.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// Handed to the broker's connection.
    Published {
        topic: String,
        /// 0, 1 or 2.
        qos: u8,
        retain: bool,
        /// `None` with QoS 0.
        packet_id: Option<u16>,
        payload: Payload,
    },
    /// The broker has it: its PUBACK has come, or with QoS 2 its PUBCOMP.
    Acknowledged {
        packet_id: u16,
        /// Since it was published.
        took: Duration,
    },
    /// It has been written to the socket; with QoS 0, no more can be known.
    Written { took: Duration },
    /// A central is told.
    Notified {
        /// Its address; `None` where what is sent reaches all subscribers.
        central: Option<String>,
        /// It has to confirm it.
        indication: bool,
    },
    /// A central has confirmed an indication; `None` where it is not known which one.
    Confirmed { central: Option<String> },
}

/// Says something of the way of a value, with its version; what is behind [`Port::note`](super::Port::note).
pub type Note = Arc<dyn Fn(CellId, u64, &dyn Fn() -> What) + Send + Sync>;

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => value.fmt(f),
            Self::Unknown => f.write_str("unknown"),
            Self::Withheld => f.write_str("(withheld)"),
        }
    }
}

/// In words, without the value's name, the link's and the time.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told(&|_, value| value.to_string()))
    }
}

impl Kind {
    /// In words, with values as `shown` shows them: given the name of the value that it is of, where that is not the
    /// step's own.
    pub fn told(&self, shown: &dyn Fn(Option<&str>, &Shown) -> String) -> String {
        Told { kind: self, shown }.to_string()
    }
}

struct Told<'a> {
    kind: &'a Kind,
    shown: &'a dyn Fn(Option<&str>, &Shown) -> String,
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value| (self.shown)(None, value);
        match self.kind {
            Kind::Requested(came) => write!(f, "asked for{came}"),
            Kind::Reported(came) => write!(f, "reported{came}"),
            Kind::Accepted(value) => write!(f, "accepted: {}", shown(value)),
            Kind::Unchanged => f.write_str("accepted, and no change"),
            Kind::Refused { by, reason, .. } => {
                // Who sent it has been refused, and has not refused.
                f.write_str("refused")?;
                if let Some(by) = by {
                    write!(f, ", from {by}")?;
                }
                write!(f, ": {reason}")
            }
            Kind::HandedOut {
                carries,
                value,
                restated,
                ..
            } => {
                let what = match (carries, restated) {
                    (Carries::Requests, _) => "the request goes out",
                    (Carries::Kept, _) => "to be kept",
                    (Carries::State | Carries::StateOfOthers, true) => "how things stand goes out",
                    (Carries::State | Carries::StateOfOthers, false) => "goes out",
                };
                write!(f, "{what}: {}", shown(value))
            }
            Kind::Noted(what) => what.fmt(f),
            Kind::Arrived { took, .. } => {
                f.write_str("arrived")?;
                took.map_or(Ok(()), |took| write!(f, ", {} after", milliseconds(took)))
            }
            Kind::NotKept { .. } => f.write_str("could not be kept, and is tried again"),
            Kind::Confirmed => f.write_str("confirmed by its owner"),
            Kind::TakenBack { value } => {
                let value = shown(value);
                write!(f, "not confirmed by its owner in time: {value} again")
            }
            Kind::Silent => f.write_str("its owner has been silent for too long"),
            Kind::Expired => f.write_str("waited for too long, and is not told any more"),
            Kind::GaveWay => f.write_str("gave way to a newer one: the queue was full"),
            Kind::Answered {
                in_value,
                how,
                answer,
            } => {
                let how = match how {
                    Answer::Accepted | Answer::Given => "answered",
                    Answer::Refused => "refused, and answered",
                    Answer::Nobody => "answered by nobody in time: said",
                };
                let answer = (self.shown)(Some(in_value), answer);
                write!(f, "{how} in {in_value:?}: {answer}")
            }
            Kind::LinkUp { session_present } => f.write_str(match session_present {
                true => "is there again, with its session",
                false => "is there, and is told how things stand",
            }),
        }
    }
}

impl fmt::Display for Came {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        by_whom(f, self.by.as_deref())?;
        let payload = self.payload.to_string();
        match payload.is_empty() {
            true => Ok(()),
            false => write!(f, ": {payload}"),
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Published {
                topic,
                qos,
                retain,
                packet_id,
                ..
            } => {
                write!(f, "published on {topic}, QoS {qos}")?;
                if *retain {
                    f.write_str(", retained")?;
                }
                packet_id.map_or(Ok(()), |id| write!(f, ", packet {id}"))
            }
            Self::Acknowledged { packet_id, took } => write!(
                f,
                "acknowledged by the broker, packet {packet_id}, after {}",
                milliseconds(*took)
            ),
            Self::Written { took } => write!(
                f,
                "written to the broker's socket after {}",
                milliseconds(*took)
            ),
            Self::Notified {
                central,
                indication,
            } => {
                let how = match indication {
                    true => "indicated",
                    false => "notified",
                };
                let whom = central.as_deref().unwrap_or("all subscribers");
                write!(f, "{how} to {whom}")
            }
            Self::Confirmed { central } => {
                f.write_str("confirmed")?;
                by_whom(f, central.as_deref())
            }
        }
    }
}

fn by_whom(f: &mut fmt::Formatter<'_>, by: Option<&str>) -> fmt::Result {
    by.map_or(Ok(()), |by| write!(f, " by {by}"))
}

fn milliseconds(took: Duration) -> String {
    format!("{:.1} ms", took.as_secs_f64() * 1e3)
}

/// Where steps go in, and how many want them.
#[derive(Default)]
pub(super) struct Channel {
    watching: AtomicUsize,
    /// Made for the first who watches: it takes its memory at once.
    steps: OnceLock<broadcast::Sender<Arc<Step>>>,
}

impl Channel {
    /// Whether anybody watches.
    pub(super) fn is_watched(&self) -> bool {
        self.watching.load(Ordering::Relaxed) > 0
    }

    pub(super) fn send(&self, step: Step) {
        if let Some(steps) = self.steps.get() {
            // An error means that nobody watches any more.
            let _ = steps.send(Arc::new(step));
        }
    }

    fn subscribe(&self) -> broadcast::Receiver<Arc<Step>> {
        let steps = self
            .steps
            .get_or_init(|| broadcast::Sender::new(STEPS_MAX))
            .subscribe();
        self.watching.fetch_add(1, Ordering::Relaxed);
        steps
    }
}

/// All steps from some moment on.
pub struct Flow {
    steps: broadcast::Receiver<Arc<Step>>,
    observatory: Arc<Observatory>,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    Step(Arc<Step>),
    /// So many have been lost, because nobody took them.
    Missed(u64),
}

impl Flow {
    pub(super) fn new(observatory: Arc<Observatory>) -> Self {
        Self {
            steps: observatory.flow.subscribe(),
            observatory,
        }
    }

    /// Waits for the next one. Nothing is lost when it is dropped while it waits.
    pub async fn next(&mut self) -> Seen {
        match self.steps.recv().await {
            Ok(step) => Seen::Step(step),
            Err(RecvError::Lagged(count)) => Seen::Missed(count),
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }

    /// The next one, if it is there already.
    pub fn next_now(&mut self) -> Option<Seen> {
        match self.steps.try_recv() {
            Ok(step) => Some(Seen::Step(step)),
            Err(TryRecvError::Lagged(count)) => Some(Seen::Missed(count)),
            Err(TryRecvError::Empty | TryRecvError::Closed) => None,
        }
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.observatory
            .flow
            .watching
            .fetch_sub(1, Ordering::Relaxed);
    }
}
