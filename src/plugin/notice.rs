//! What happens around the values, for whoever wants to tell of it: centrals that come and go, and
//! what was refused. Nothing depends on it: a notice that nobody takes in time is lost.

use std::sync::Arc;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::{How, Shared};
use crate::codec::Cause;
use crate::engine::{CellId, PeerId};

/// So many notices wait for whoever is slow to take them; then the oldest are lost.
pub(crate) const NOTICES_MAX: usize = 256;
/// So much is told of a payload.
const PAYLOAD_MAX: usize = 256;

/// Something that has happened. Centrals are named by their address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    Connected {
        central: String,
    },
    Disconnected {
        central: String,
    },
    /// Before BlueZ 5.69, of each characteristic only the first subscriber is known, and that the last
    /// one has left.
    Subscribed {
        central: String,
        characteristic: String,
        /// What it is told.
        cell: CellId,
        /// `None` where that is not known.
        how: Option<How>,
    },
    Unsubscribed {
        central: String,
        characteristic: String,
        cell: CellId,
    },
    /// Something came in that broke a constraint.
    Rejected {
        /// The name of the value; `None` when it was not even clear which one was meant.
        value: Option<String>,
        /// Where it came in: the section in the YAML.
        link: &'static str,
        /// From whom: the address of a central, or a topic.
        by: Option<String>,
        cause: Cause,
        /// A sentence for whoever has to mend it.
        reason: String,
        payload: Payload,
    },
}

/// Tells everybody who listens; what is behind [`Port::announce`](super::Port::announce).
pub type Announce = Arc<dyn Fn(Notice) + Send + Sync>;

/// A payload, or its beginning: 256 bytes at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    Text(String),
    /// It is no text.
    Bytes(Vec<u8>),
    /// It is not to be shown.
    Withheld,
}

/// Who sent something, and what it was: what is told of it when it is refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sender<'a> {
    /// What stands in the origin of the change.
    pub peer: Option<PeerId>,
    /// The address of a central, or a topic.
    pub by: Option<&'a str>,
    pub payload: &'a [u8],
    /// Something in the payload is not to be shown, be it about another value.
    pub withheld: bool,
}

impl Sender<'_> {
    /// The link itself: a source of values, with nobody behind it.
    pub fn nobody() -> Self {
        Self::default()
    }
}

impl Payload {
    /// As much as is told of what came from the air: that it might be a text is a chance.
    pub(super) fn octets(payload: &[u8]) -> Self {
        Self::Bytes(beginning(payload).to_vec())
    }

    /// As much of it as is told.
    pub fn cut(payload: &[u8]) -> Self {
        let beginning = beginning(payload);
        match std::str::from_utf8(beginning) {
            Ok(text) => Self::Text(text.to_owned()),
            // The cut went through the middle of a character.
            Err(problem) if problem.error_len().is_none() && payload.len() > PAYLOAD_MAX => {
                let text = &beginning[..problem.valid_up_to()];
                Self::Text(String::from_utf8_lossy(text).into_owned())
            }
            Err(_) => Self::Bytes(beginning.to_vec()),
        }
    }
}

fn beginning(payload: &[u8]) -> &[u8] {
    &payload[..payload.len().min(PAYLOAD_MAX)]
}

impl std::fmt::Display for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Bytes(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            Self::Withheld => f.write_str("withheld"),
        }
    }
}

/// All notices from some moment on.
pub struct Notices {
    receiver: broadcast::Receiver<Notice>,
    /// Keeps the other end open.
    _shared: Arc<Shared>,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    Notice(Notice),
    /// So many have been lost, because nobody took them.
    Missed(u64),
}

impl Notices {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            receiver: shared.notices.subscribe(),
            _shared: shared,
        }
    }

    /// Waits for the next one. Nothing is lost when it is dropped while it waits.
    pub async fn next(&mut self) -> Heard {
        match self.receiver.recv().await {
            Ok(notice) => Heard::Notice(notice),
            Err(RecvError::Lagged(count)) => Heard::Missed(count),
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_cut_between_characters_and_shown_as_what_it_is() {
        assert_eq!(Payload::cut(b"on").to_string(), "on");
        assert_eq!(Payload::cut(&[0xFF, 1]).to_string(), "ff01");
        let long = format!("{}ü{}", "a".repeat(255), "b".repeat(100));
        assert_eq!(Payload::cut(long.as_bytes()).to_string(), "a".repeat(255));
        assert_eq!(Payload::cut(&[0xFF; 300]), Payload::Bytes(vec![0xFF; 256]));
    }

    #[test]
    fn half_a_character_at_the_very_end_is_no_text() {
        assert_eq!(
            Payload::cut(&[b'a', 0xC3]),
            Payload::Bytes(vec![b'a', 0xC3])
        );
    }
}
