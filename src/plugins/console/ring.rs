//! The newest events for whoever follows them, in a room of so many bytes: whoever is slower than that misses some,
//! and holds up and costs nobody else.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::Bytes;
use tokio::sync::watch;

use super::state::Frame;

pub(super) struct Ring {
    kept: Mutex<Kept>,
    /// The number of the frame that comes next.
    next: watch::Sender<u64>,
    /// In bytes.
    room: usize,
}

#[derive(Default)]
struct Kept {
    frames: VecDeque<Frame>,
    /// The number of the first of them.
    first: u64,
    bytes: usize,
}

/// Somebody who follows.
pub(super) struct Reader {
    ring: Arc<Ring>,
    news: watch::Receiver<u64>,
    /// The number of the frame that is read next.
    at: u64,
}

/// What a reader finds.
#[derive(Debug)]
pub(super) enum Found {
    Frame(Frame),
    /// Some have gone by unread. What comes next is the oldest that is left.
    Missed,
}

impl Ring {
    pub(super) fn new(room: usize) -> Arc<Self> {
        Arc::new(Self {
            kept: Mutex::default(),
            next: watch::Sender::new(0),
            room,
        })
    }

    /// Whether anybody follows.
    pub(super) fn is_followed(&self) -> bool {
        self.next.receiver_count() > 0
    }

    pub(super) fn push(&self, frame: Frame) {
        let mut kept = self.kept();
        kept.bytes += frame.text.len();
        kept.frames.push_back(frame);
        // The newest stays, however long it is.
        while kept.bytes > self.room && kept.frames.len() > 1 {
            let gone = kept.frames.pop_front();
            kept.bytes -= gone.map_or(0, |gone| Bytes::len(&gone.text));
            kept.first += 1;
        }
        self.next.send_replace(kept.next());
    }

    /// From here on.
    pub(super) fn follow(self: &Arc<Self>) -> Reader {
        let kept = self.kept();
        Reader {
            ring: self.clone(),
            news: self.next.subscribe(),
            at: kept.next(),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().expect("nothing panics while it is locked")
    }
}

impl Kept {
    fn next(&self) -> u64 {
        self.first + self.frames.len() as u64
    }
}

impl Reader {
    /// The next one, if there is one.
    pub(super) fn next(&mut self) -> Option<Found> {
        let kept = self.ring.kept();
        if self.at < kept.first {
            self.at = kept.first;
            return Some(Found::Missed);
        }
        let index = usize::try_from(self.at - kept.first).ok()?;
        let frame = kept.frames.get(index)?.clone();
        self.at += 1;
        Some(Found::Frame(frame))
    }

    /// Passes over all that there is.
    pub(super) fn skip(&mut self) {
        self.at = self.ring.kept().next();
    }

    /// Until there is something to read. Can be given up at any time.
    pub(super) async fn ready(&mut self) {
        let at = self.at;
        // The sender lives in the ring.
        drop(self.news.wait_for(|next| *next > at).await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(length: usize) -> Frame {
        Frame {
            device: None,
            text: vec![b'a'; length].into(),
        }
    }

    fn lengths(reader: &mut Reader) -> Vec<usize> {
        let found = std::iter::from_fn(|| reader.next());
        let length = |found| match found {
            Found::Frame(frame) => frame.text.len(),
            Found::Missed => 0,
        };
        found.map(length).collect()
    }

    #[test]
    fn who_does_not_read_costs_so_many_bytes_and_no_more() {
        let ring = Ring::new(1000);
        let mut slow = ring.follow();
        for length in [100, 400, 401, 402] {
            ring.push(frame(length));
            assert!(ring.kept().bytes <= 1000);
        }
        assert_eq!(lengths(&mut slow), [0, 401, 402]);
        assert!(lengths(&mut slow).is_empty());
        ring.push(frame(5000));
        assert_eq!(ring.kept().frames.len(), 1, "the newest stays");
        assert_eq!(lengths(&mut slow), [5000]);
        ring.push(frame(1));
        slow.skip();
        assert!(lengths(&mut slow).is_empty());
        assert!(ring.is_followed());
        drop(slow);
        assert!(!ring.is_followed());
    }

    #[tokio::test]
    async fn who_waits_is_woken_by_the_next_one() {
        let ring = Ring::new(1000);
        let mut reader = ring.follow();
        let (mut other, push) = (ring.follow(), async { ring.push(frame(7)) });
        tokio::join!(reader.ready(), other.ready(), push);
        assert_eq!(lengths(&mut reader), [7]);
        assert_eq!(lengths(&mut other), [7]);
    }
}
