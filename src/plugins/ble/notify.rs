//! How subscribers hear of changes: each by a socket that bluetoothd reads, always the newest value,
//! never a queue. While one value is unread, whatever comes is passed over but the last.

use std::collections::HashMap;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram as StdSocket;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bluer::Address;
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, socketpair};
use tokio::io::Interest;
use tokio::net::UnixDatagram;
use tokio::sync::{Mutex, Notify, watch};
use tokio::time::{Instant, timeout};
use tracing::debug;

use super::adapter::Delivery;
use super::objects::{Empty, peer};
use crate::codec::Spec;
use crate::engine::{CellId, Effect, LinkId, PeerId};
use crate::gatt::{Characteristic, encode};
use crate::plugin::{Announce, Notice};

/// ATT's own deadline for a confirmation (Core Spec 5.4, Vol 3, Part F, 3.3.3).
const CONFIRMED_WITHIN: Duration = Duration::from_secs(30);
/// BlueZ may tell a central that it has subscribed before it tells us. A change between the two would
/// be lost on it.
const SUBSCRIBING: Duration = Duration::from_millis(100);

/// For so long, a value that bluetoothd has read may still be on its way to the central. A write that
/// is made meanwhile may cross it.
const CROSSES: Duration = Duration::from_secs(1);

/// What the subscribers of one characteristic are to hear.
#[derive(Clone, Default)]
struct Told {
    octets: Arc<[u8]>,
    /// The central that knows already.
    writer: Option<PeerId>,
    at: Option<Instant>,
}

/// The ends where changes go in. When it is dropped, everything behind it ends.
pub(super) struct Outlets {
    announce: Announce,
    by_cell: HashMap<CellId, Vec<(Spec, watch::Sender<Told>)>>,
}

impl Outlets {
    pub(super) fn new(announce: Announce) -> Self {
        Self {
            announce,
            by_cell: HashMap::new(),
        }
    }

    pub(super) fn open(&mut self, declared: &Characteristic, delivery: Delivery) -> Outlet {
        let (sender, latest) = watch::channel(Told::default());
        let of_cell = self.by_cell.entry(declared.cell).or_default();
        of_cell.push((declared.spec.clone(), sender));
        Outlet {
            announce: self.announce.clone(),
            latest: latest.clone(),
            name: declared.name.as_str().into(),
            confirms: declared.access.indicate && !declared.access.notify,
            confirmed: Arc::default(),
            delivery,
            turn: Arc::new(Mutex::new(Feed::of(latest))),
        }
    }

    pub(super) fn tell(&self, effect: &Effect, link: LinkId) {
        let origin = effect.origin.filter(|origin| origin.link == link);
        for (spec, latest) in self.by_cell.get(&effect.cell).into_iter().flatten() {
            latest.send_replace(Told {
                octets: encode(spec, &effect.value).into(),
                writer: origin.and_then(|origin| origin.peer),
                at: Some(Instant::now()),
            });
        }
    }
}

/// Where the subscribers of one characteristic begin.
pub(super) struct Outlet {
    announce: Announce,
    latest: watch::Receiver<Told>,
    name: Arc<str>,
    /// Whether every subscriber confirms what it gets.
    confirms: bool,
    confirmed: Arc<Notify>,
    delivery: Delivery,
    /// Held by the socket that reaches everybody, and by the next one when that is closed.
    turn: Arc<Mutex<Feed>>,
}

/// What a socket, or one after the other, has yet to carry.
struct Feed {
    latest: watch::Receiver<Told>,
    /// The last value that was sent may be unread.
    unread: bool,
}

impl Outlet {
    /// A new subscriber: returns bluetoothd's end of its socket.
    pub(super) fn subscribe(&self, central: Address, empty: Empty) -> std::io::Result<File> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        let subscriber = Subscriber {
            socket: UnixDatagram::from_std(StdSocket::from(ours))?,
            central: peer(central),
            name: self.name.clone(),
            confirmed: self.confirms.then(|| Confirmed {
                own: Notify::new(),
                anybody: self.confirmed.clone(),
            }),
            delivery: self.delivery,
            empty,
        };
        let (latest, turn) = (self.news(), self.turn.clone());
        let subscription = Subscription::begin(central, &self.name, &self.announce);
        tokio::spawn(async move {
            subscriber.serve(latest, &turn).await;
            drop(subscription);
        });
        Ok(File::from(theirs))
    }

    /// Some subscriber has confirmed an indication. Before 5.80, BlueZ calls for that; since then it
    /// writes to the socket.
    pub(super) fn confirm(&self) {
        self.confirmed.notify_one();
    }

    /// A subscription hears of what changes from now on, or has changed while it was being made.
    fn news(&self) -> watch::Receiver<Told> {
        let mut latest = self.latest.clone();
        latest.mark_unchanged();
        let changed_at = latest.borrow().at;
        if changed_at.is_some_and(|at| at.elapsed() < SUBSCRIBING) {
            latest.mark_changed();
        }
        latest
    }
}

/// As long as it lives, a central is known to have subscribed.
struct Subscription {
    central: String,
    characteristic: Arc<str>,
    announce: Announce,
}

impl Subscription {
    fn begin(central: Address, characteristic: &Arc<str>, announce: &Announce) -> Self {
        let begun = Self {
            central: central.to_string(),
            characteristic: characteristic.clone(),
            announce: announce.clone(),
        };
        debug!(%central, value = &**characteristic, "has subscribed");
        (begun.announce)(Notice::Subscribed {
            central: begun.central.clone(),
            characteristic: characteristic.to_string(),
        });
        begun
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        debug!(
            central = self.central,
            value = &*self.characteristic,
            "subscribes no longer"
        );
        (self.announce)(Notice::Unsubscribed {
            central: self.central.clone(),
            characteristic: self.characteristic.to_string(),
        });
    }
}

impl Feed {
    fn of(latest: watch::Receiver<Told>) -> Self {
        let unread = false;
        Self { latest, unread }
    }
}

struct Subscriber {
    socket: UnixDatagram,
    central: PeerId,
    name: Arc<str>,
    /// Where it waits for confirmations, if there are any.
    confirmed: Option<Confirmed>,
    delivery: Delivery,
    empty: Empty,
}

/// The two ways on which a confirmation comes.
struct Confirmed {
    /// By the socket of the subscriber.
    own: Notify,
    /// By a call, which does not say from whom.
    anybody: Arc<Notify>,
}

impl Subscriber {
    async fn serve(&self, latest: watch::Receiver<Told>, turn: &Mutex<Feed>) {
        tokio::select! {
            // The first to be asked: what goes with a closed socket looks as if it had been read.
            biased;
            () = self.closed() => {}
            () = self.take_part(latest, turn) => {}
        }
    }

    /// Resolves when bluetoothd has closed its end.
    async fn closed(&self) {
        let mut octet = [0];
        while self
            .socket
            .recv(&mut octet)
            .await
            .is_ok_and(|count| count > 0)
        {
            if let Some(confirmed) = &self.confirmed {
                confirmed.own.notify_one();
            }
        }
    }

    async fn take_part(&self, latest: watch::Receiver<Told>, turn: &Mutex<Feed>) {
        match self.delivery {
            Delivery::Directed | Delivery::Unknown => self.carry(&mut Feed::of(latest)).await,
            // One socket reaches everybody: the others wait until it closes. The next one goes on
            // where it ended; only the first of all has nothing to go on with.
            Delivery::Shared => {
                if let Ok(mut feed) = turn.try_lock() {
                    *feed = Feed::of(latest);
                    self.carry(&mut feed).await;
                } else {
                    let mut feed = turn.lock().await;
                    if std::mem::take(&mut feed.unread) {
                        feed.latest.mark_changed();
                    }
                    self.carry(&mut feed).await;
                }
            }
        }
    }

    async fn carry(&self, feed: &mut Feed) {
        let mut sent = false;
        let mut read_at = None;
        // Written to when the last value has been read, and taken only then: whatever came meanwhile
        // is passed over.
        while self.socket.writable().await.is_ok() {
            feed.unread = false;
            if std::mem::take(&mut sent) {
                read_at = Some(Instant::now());
            }
            if feed.latest.changed().await.is_err() {
                return;
            }
            let told = feed.latest.borrow_and_update().clone();
            if self.delivery == Delivery::Directed
                && told.writer == Some(self.central)
                && !crosses(read_at, told.at)
            {
                continue;
            }
            feed.unread = !told.octets.is_empty();
            match self.send(&told.octets).await {
                Ok(()) => debug!(value = &*self.name, bytes = told.octets.len(), "notified"),
                Err(problem) if problem.kind() == ErrorKind::WouldBlock => {
                    feed.latest.mark_changed();
                }
                Err(problem) => {
                    debug!(value = &*self.name, %problem, "not notified");
                    return;
                }
            }
            sent = true;
        }
    }

    /// The whole value: bluetoothd cuts it to the MTU of each central.
    async fn send(&self, octets: &[u8]) -> std::io::Result<()> {
        let Some(confirmed) = &self.confirmed else {
            return self.put(octets);
        };
        // Whatever came before is no confirmation of this.
        let (mut own, mut anybody) = (
            pin!(confirmed.own.notified()),
            pin!(confirmed.anybody.notified()),
        );
        while own.as_mut().enable() {
            own.set(confirmed.own.notified());
        }
        while anybody.as_mut().enable() {
            anybody.set(confirmed.anybody.notified());
        }
        self.put(octets)?;
        let confirmed = async {
            tokio::select! {
                () = own => {}
                () = anybody => {}
            }
        };
        if timeout(CONFIRMED_WITHIN, confirmed).await.is_err() {
            debug!(value = &*self.name, "not confirmed");
        }
        Ok(())
    }

    /// Makes the socket wait until what is put into it has been read. The kernel says that a socket
    /// can be written to each time something is read from its other end, so it is enough to forget
    /// that it can be now.
    fn put(&self, octets: &[u8]) -> std::io::Result<()> {
        if octets.is_empty() {
            self.empty.send();
            return Ok(());
        }
        let full = || Err::<(), _>(ErrorKind::WouldBlock.into());
        let _ = self.socket.try_io(Interest::WRITABLE, full);
        let count = rustix::net::send(&self.socket, octets, SendFlags::NOSIGNAL)?;
        debug_assert_eq!(count, octets.len(), "a packet goes whole");
        Ok(())
    }
}

/// Whether a value that bluetoothd has read may reach its central after that has made a change.
fn crosses(read_at: Option<Instant>, changed_at: Option<Instant>) -> bool {
    match (read_at, changed_at) {
        (Some(read_at), Some(changed_at)) => changed_at < read_at + CROSSES,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
