//! How subscribers hear of changes: each by a socket that bluetoothd reads, always the newest value,
//! never a queue. While a socket is full, whatever comes is passed over but the last.

use std::collections::HashMap;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram as StdSocket;
use std::sync::Arc;
use std::time::Duration;

use bluer::Address;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use tokio::net::UnixDatagram;
use tokio::sync::{Mutex, Notify, watch};
use tokio::time::{Instant, timeout};
use tracing::debug;

use super::adapter::Delivery;
use super::objects::{Empty, peer};
use crate::codec::Spec;
use crate::engine::{CellId, Effect, LinkId, PeerId};
use crate::gatt::{Characteristic, encode};

/// ATT's own deadline for a confirmation (Core Spec 5.4, Vol 3, Part F, 3.3.3).
const CONFIRMED_WITHIN: Duration = Duration::from_secs(30);
/// BlueZ may tell a central that it has subscribed before it tells us. A change between the two would
/// be lost on it.
const SUBSCRIBING: Duration = Duration::from_millis(100);

/// What the subscribers of one characteristic are to hear.
#[derive(Clone, Default)]
struct Told {
    octets: Arc<[u8]>,
    /// The central that knows already.
    writer: Option<PeerId>,
    at: Option<Instant>,
}

/// The ends where changes go in. When it is dropped, everything behind it ends.
#[derive(Default)]
pub(super) struct Outlets {
    by_cell: HashMap<CellId, Vec<(Spec, watch::Sender<Told>)>>,
}

impl Outlets {
    pub(super) fn open(&mut self, declared: &Characteristic, delivery: Delivery) -> Outlet {
        let (sender, latest) = watch::channel(Told::default());
        let of_cell = self.by_cell.entry(declared.cell).or_default();
        of_cell.push((declared.spec.clone(), sender));
        Outlet {
            latest,
            name: declared.name.as_str().into(),
            confirms: declared.access.indicate && !declared.access.notify,
            confirmed: Arc::default(),
            delivery,
            turn: Arc::default(),
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
    latest: watch::Receiver<Told>,
    name: Arc<str>,
    /// Whether every subscriber confirms what it gets.
    confirms: bool,
    confirmed: Arc<Notify>,
    delivery: Delivery,
    /// Held by the socket that reaches everybody.
    turn: Arc<Mutex<()>>,
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
            confirmed: self.confirms.then(|| self.confirmed.clone()),
            delivery: self.delivery,
            empty,
        };
        let (latest, turn) = (self.news(), self.turn.clone());
        let name = self.name.clone();
        tokio::spawn(async move {
            debug!(%central, value = &*name, "has subscribed");
            subscriber.serve(latest, &turn).await;
            debug!(%central, value = &*name, "subscribes no longer");
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

struct Subscriber {
    socket: UnixDatagram,
    central: PeerId,
    name: Arc<str>,
    /// Where it waits for confirmations, if there are any.
    confirmed: Option<Arc<Notify>>,
    delivery: Delivery,
    empty: Empty,
}

impl Subscriber {
    async fn serve(&self, latest: watch::Receiver<Told>, turn: &Mutex<()>) {
        tokio::select! {
            () = self.feed(latest, turn) => {}
            () = self.closed() => {}
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
                confirmed.notify_one();
            }
        }
    }

    async fn feed(&self, mut latest: watch::Receiver<Told>, turn: &Mutex<()>) {
        // One socket reaches everybody: the others wait until it closes.
        let _turn = match self.delivery {
            Delivery::Shared => Some(turn.lock().await),
            Delivery::Directed | Delivery::Unknown => None,
        };
        while latest.changed().await.is_ok() && self.socket.writable().await.is_ok() {
            // Taken only now: whatever came while the socket was full is passed over.
            let told = latest.borrow_and_update().clone();
            if self.delivery == Delivery::Directed && told.writer == Some(self.central) {
                continue;
            }
            match self.send(&told.octets).await {
                Ok(()) => debug!(value = &*self.name, octets = ?told.octets, "notified"),
                Err(problem) if problem.kind() == ErrorKind::WouldBlock => latest.mark_changed(),
                Err(problem) => {
                    debug!(value = &*self.name, %problem, "not notified");
                    return;
                }
            }
        }
    }

    /// The whole value: bluetoothd cuts it to the MTU of each central.
    async fn send(&self, octets: &[u8]) -> std::io::Result<()> {
        if octets.is_empty() {
            self.empty.send();
        } else {
            self.socket.try_send(octets)?;
        }
        if let Some(confirmed) = &self.confirmed
            && timeout(CONFIRMED_WITHIN, confirmed.notified())
                .await
                .is_err()
        {
            debug!(value = &*self.name, "not confirmed");
        }
        Ok(())
    }
}
