//! Who is at the other end of a connection: how many each has open, and a connection that gives up on whoever takes
//! nothing.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

/// So many connections one address has at once: a page for each of 32 streams and their requests, and not half of
/// what there is.
pub(super) const PER_PEER_MAX: usize = 48;
/// A connection on which nothing of what waits to be written is taken for so long is over.
pub(super) const TAKEN_WITHIN: Duration = Duration::from_secs(30);

/// Somebody, by the address: of IPv6 by the network, whose addresses are all one's own (RFC 4291, 2.5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Peer(IpAddr);

impl Peer {
    pub(super) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(v6) if !v6.is_loopback() => {
                IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64))
            }
            other => other,
        })
    }
}

/// How many connections each has.
#[derive(Default)]
pub(super) struct Peers(Mutex<HashMap<Peer, usize>>);

impl Peers {
    /// One more, unless there are too many already. It counts for as long as the answer lives.
    pub(super) fn admit(self: &Arc<Self>, peer: Peer) -> Option<Admitted> {
        let mut open = self.locked();
        let count = open.entry(peer).or_default();
        if *count >= PER_PEER_MAX {
            return None;
        }
        *count += 1;
        drop(open);
        let peers = self.clone();
        Some(Admitted { peers, peer })
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<Peer, usize>> {
        self.0.lock().expect("nothing panics while it is locked")
    }
}

pub(super) struct Admitted {
    peers: Arc<Peers>,
    pub(super) peer: Peer,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut open = self.peers.locked();
        if let Some(count) = open.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.peer);
            }
        }
    }
}

/// A connection that fails when nothing of what waits is taken in time.
pub(super) struct Patient<S = TcpStream> {
    stream: S,
    /// When there is something that waits.
    until: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            until: None,
        }
    }

    fn judge<T>(
        &mut self,
        written: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.until = None;
            return written;
        }
        let until = self
            .until
            .get_or_insert_with(|| Box::pin(sleep(TAKEN_WITHIN)));
        ready!(until.as_mut().poll(context));
        // It stays over, however often it is asked.
        until.as_mut().reset(Instant::now());
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "nothing that was sent has been taken for too long",
        )))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, octets);
        self.judge(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, octets);
        self.judge(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[test]
    fn nobody_has_more_than_a_part_of_the_connections_and_a_closed_one_makes_room() {
        let peers = Arc::new(Peers::default());
        let of = |text: &str| Peer::of(text.parse().expect("an address"));
        let mut one: Vec<_> = (0..PER_PEER_MAX)
            .map_while(|_| peers.admit(of("2001:db8::1")))
            .collect();
        assert_eq!(one.len(), PER_PEER_MAX);
        assert!(peers.admit(of("2001:db8::2")).is_none(), "the same network");
        assert!(peers.admit(of("2001:db8:0:1::1")).is_some(), "another");
        one.pop();
        assert!(peers.admit(of("2001:db8::2")).is_some());
        drop(one);
        assert!(peers.locked().is_empty());
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_takes_nothing_is_given_up_and_whoever_takes_a_little_is_not() {
        let (own, mut other) = duplex(16);
        let mut own = Patient::new(own);
        let begun = Instant::now();
        let slow = async {
            for _ in 0..4 {
                sleep(TAKEN_WITHIN / 2).await;
                other.read_exact(&mut [0; 16]).await.expect("it is there");
            }
        };
        let (written, ()) = tokio::join!(own.write_all(&[0; 96]), slow);
        let error = written.expect_err("16 of 96 are never taken");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed(), TAKEN_WITHIN * 3);
    }
}
