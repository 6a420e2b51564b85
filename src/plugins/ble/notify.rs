//! How subscribers hear of changes: each by a socket that bluetoothd reads, always the newest value,
//! never a queue. While one value is unread, whatever comes is passed over but the last. Where every
//! event counts, the next one is not even handed out before all sockets have got the last, or have taken
//! too long.

mod feed;
mod queue;

use std::collections::HashMap;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram as StdSocket;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, socketpair};
use tokio::io::Interest;
use tokio::net::UnixDatagram;
use tokio::sync::{Mutex, Notify};
use tokio::time::{Instant, timeout};
use tracing::debug;

use super::adapter::Delivery;
use super::objects::{Empty, peer};
use crate::codec::Spec;
use crate::engine::{CellId, Effect, LinkId, PeerId};
use crate::gatt::{Address, Characteristic, encode};
use crate::plugin::{Announce, Notice, Receipt};
use feed::{Changes, Feed, Source, Told, changes};

/// ATT's own deadline for a confirmation (Core Spec 5.4, Vol 3, Part F, 3.3.3).
const CONFIRMED_WITHIN: Duration = Duration::from_secs(30);
/// For so long, a value that bluetoothd has read may still be on its way to the central. A write that
/// is made meanwhile may cross it.
const CROSSES: Duration = Duration::from_secs(1);

/// The ends where changes go in. When it is dropped, everything behind it ends.
pub(super) struct Outlets {
    teller: Arc<Teller>,
    by_cell: HashMap<CellId, Vec<(u64, Spec, Changes)>>,
    /// By the number of the outlet: those of the configuration before, while another is put in its place.
    before: HashMap<u64, Changes>,
    /// How many there have ever been.
    opened: u64,
}

/// Who is told of what happens to subscriptions. Another configuration may have another port.
pub(super) struct Teller(std::sync::Mutex<Announce>);

impl Teller {
    pub(super) fn new(announce: Announce) -> Arc<Self> {
        Arc::new(Self(std::sync::Mutex::new(announce)))
    }

    pub(super) fn tell(&self, notice: Notice) {
        let announce = self.0.lock().expect("nothing panics with it").clone();
        announce(notice);
    }

    fn set(&self, announce: Announce) {
        *self.0.lock().expect("nothing panics with it") = announce;
    }
}

impl Outlets {
    pub(super) fn new(announce: Announce) -> Self {
        Self {
            teller: Teller::new(announce),
            by_cell: HashMap::new(),
            before: HashMap::new(),
            opened: 0,
        }
    }

    pub(super) fn teller(&self) -> &Arc<Teller> {
        &self.teller
    }

    /// `every`: whether every event counts, not just the newest.
    pub(super) fn open(
        &mut self,
        declared: &Characteristic,
        delivery: Delivery,
        every: bool,
    ) -> Outlet {
        let (changes, source) = changes(every);
        self.opened += 1;
        let outlet = Outlet {
            number: self.opened,
            teller: self.teller.clone(),
            origin: Arc::new(std::sync::Mutex::new((0, source))),
            name: declared.name.as_str().into(),
            confirms: declared.access.indicate && !declared.access.notify,
            confirmed: Arc::default(),
            delivery,
            turn: Arc::new(Mutex::new(Feed::nothing())),
        };
        self.put(declared, &outlet, changes);
        outlet
    }

    /// Another configuration comes: what is not kept from here on until [`Outlets::rest`] ends then.
    pub(super) fn begin_anew(&mut self, announce: Announce) {
        self.teller.set(announce);
        let before = std::mem::take(&mut self.by_cell).into_values().flatten();
        self.before = before
            .map(|(number, _, changes)| (number, changes))
            .collect();
    }

    /// The same to its subscribers, who stay, as this configuration declares it.
    pub(super) fn keep(&mut self, outlet: &Outlet, declared: &Characteristic, every: bool) {
        let known = self.before.remove(&outlet.number);
        let known = known.filter(|known| known.hears_every() == every);
        let changes = known.unwrap_or_else(|| {
            let (changes, source) = changes(every);
            // Before the other end is dropped: whoever finds that ended looks here.
            let mut origin = outlet.origin.lock().expect("nothing panics with it");
            *origin = (origin.0 + 1, source);
            changes
        });
        self.put(declared, outlet, changes);
    }

    pub(super) fn rest(&mut self) {
        self.before.clear();
    }

    fn put(&mut self, declared: &Characteristic, outlet: &Outlet, changes: Changes) {
        let (cell, spec) = declared.tells();
        let of_cell = self.by_cell.entry(cell).or_default();
        of_cell.push((outlet.number, spec.clone(), changes));
    }

    /// Whoever has yet to be told where every event counts holds the receipt.
    pub(super) fn tell(&self, effect: &Effect, link: LinkId, receipt: &Receipt) {
        // A central takes a notification of such a value for an event, and none has happened.
        if effect.restated {
            return;
        }
        let origin = effect.origin.filter(|origin| origin.link == link);
        for (_, spec, changes) in self.by_cell.get(&effect.cell).into_iter().flatten() {
            let told = Told {
                octets: encode(spec, &effect.value).into(),
                writer: origin.and_then(|origin| origin.peer),
                at: Some(Instant::now()),
                receipt: None,
            };
            changes.tell(told, receipt);
        }
    }
}

/// Where the subscribers of one characteristic begin.
pub(super) struct Outlet {
    number: u64,
    teller: Arc<Teller>,
    /// The source, and how many there have been before it.
    origin: Arc<std::sync::Mutex<(u64, Source)>>,
    name: Arc<str>,
    /// Whether every subscriber confirms what it gets.
    confirms: bool,
    confirmed: Arc<Notify>,
    delivery: Delivery,
    /// Held by the socket that reaches everybody, and by the next one when that is closed.
    turn: Arc<Mutex<Feed>>,
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
            origin: self.origin.clone(),
        };
        let (begun, turn) = (subscriber.begin(), self.turn.clone());
        let subscription = Subscription::begin(central, &self.name, &self.teller);
        tokio::spawn(async move {
            subscriber.serve(begun, &turn).await;
            // Nobody has it, and nobody waits for it: the last one has left.
            if let Ok(mut turn) = turn.try_lock() {
                *turn = Feed::nothing();
            }
            drop(subscription);
        });
        Ok(File::from(theirs))
    }

    /// Some subscriber has confirmed an indication. Before 5.80, BlueZ calls for that; since then it
    /// writes to the socket.
    pub(super) fn confirm(&self) {
        self.confirmed.notify_one();
    }
}

/// As long as it lives, a central is known to have subscribed.
struct Subscription {
    central: String,
    characteristic: Arc<str>,
    teller: Arc<Teller>,
}

impl Subscription {
    fn begin(central: Address, characteristic: &Arc<str>, teller: &Arc<Teller>) -> Self {
        let begun = Self {
            central: central.to_string(),
            characteristic: characteristic.clone(),
            teller: teller.clone(),
        };
        debug!(%central, value = &**characteristic, "has subscribed");
        begun.teller.tell(Notice::Subscribed {
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
        self.teller.tell(Notice::Unsubscribed {
            central: self.central.clone(),
            characteristic: self.characteristic.to_string(),
        });
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
    origin: Arc<std::sync::Mutex<(u64, Source)>>,
}

/// The two ways on which a confirmation comes.
struct Confirmed {
    /// By the socket of the subscriber.
    own: Notify,
    /// By a call, which does not say from whom.
    anybody: Arc<Notify>,
}

impl Subscriber {
    /// What is new from here on.
    fn begin(&self) -> Feed {
        let origin = self.origin.lock().expect("nothing panics with it");
        let (number, source) = &*origin;
        source.subscribe(&self.name).numbered(*number)
    }

    async fn serve(&self, feed: Feed, turn: &Mutex<Feed>) {
        tokio::select! {
            // The first to be asked: what goes with a closed socket looks as if it had been read.
            biased;
            () = self.closed() => {}
            () = self.take_part(feed, turn) => {}
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

    async fn take_part(&self, mut feed: Feed, turn: &Mutex<Feed>) {
        match self.delivery {
            Delivery::Directed | Delivery::Unknown => self.carry(&mut feed).await,
            // One socket reaches everybody: the others wait until it closes. The next one goes on
            // where it ended; only the first of all has nothing to go on with.
            Delivery::Shared => {
                if let Ok(mut turn) = turn.try_lock() {
                    *turn = feed;
                    self.carry(&mut turn).await;
                } else {
                    // What would be for this one is carried by the other.
                    drop(feed);
                    let mut turn = turn.lock().await;
                    turn.hand_over();
                    self.carry(&mut turn).await;
                }
            }
        }
    }

    async fn carry(&self, feed: &mut Feed) {
        let mut sent = false;
        let mut read_at = None;
        // Written to when the last value has been read, and taken only then: whatever came meanwhile
        // is passed over, where the newest will do.
        while feed.beside(self.socket.writable()).await.is_ok() {
            feed.unread = None;
            if std::mem::take(&mut sent) {
                read_at = Some(Instant::now());
            }
            let Some(told) = feed.next().await else {
                // Another configuration may tell in another way.
                let next = self.begin();
                if next.number == feed.number {
                    return;
                }
                *feed = next;
                continue;
            };
            if self.delivery == Delivery::Directed
                && told.writer == Some(self.central)
                && !crosses(read_at, told.at)
            {
                continue;
            }
            feed.unread = (!told.octets.is_empty()).then(|| Told {
                receipt: None,
                ..told.clone()
            });
            let octets = told.octets.clone();
            match self.send(told, feed).await {
                Ok(()) => debug!(value = &*self.name, bytes = octets.len(), "notified"),
                Err((told, problem)) if problem.kind() == ErrorKind::WouldBlock => {
                    feed.unread = None;
                    feed.put_back(told);
                }
                Err((_, problem)) => {
                    debug!(value = &*self.name, %problem, "not notified");
                    return;
                }
            }
            sent = true;
        }
    }

    /// The whole value: bluetoothd cuts it to the MTU of each central.
    async fn send(&self, told: Told, feed: &mut Feed) -> Result<(), (Told, std::io::Error)> {
        let Some(confirmed) = &self.confirmed else {
            return self.put(&told.octets).map_err(|problem| (told, problem));
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
        if let Err(problem) = self.put(&told.octets) {
            return Err((told, problem));
        }
        feed.sent(told);
        let confirmed = async {
            tokio::select! {
                () = own => {}
                () = anybody => {}
            }
        };
        let confirmed = timeout(CONFIRMED_WITHIN, confirmed);
        if feed.beside(confirmed).await.is_err() {
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
mod succession_tests;
#[cfg(test)]
mod tests;
