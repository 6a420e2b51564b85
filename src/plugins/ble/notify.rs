//! How subscribers hear of changes: each by a socket that bluetoothd reads, always the newest value,
//! never a queue. While one value is unread, whatever comes is passed over but the last. Where every
//! event counts, a few wait at each subscriber; the next one is not even handed out before there is room at
//! all of them, or some have taken too long.

mod feed;
mod queue;
mod slot;

use std::collections::HashMap;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram as StdSocket;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustix::net::sockopt::set_socket_send_buffer_size;
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
use crate::gatt::{Access, Address, Characteristic, encode};
use crate::plugin::{Announce, How, Note, Notice, Port, Receipt, What};
use feed::{AHEAD, Changes, Feed, Source, Told, changes, lock};
use slot::{Idle, Next, Taken, Taker};

/// ATT's own deadline for a confirmation (Core Spec 5.4, Vol 3, Part F, 3.3.3).
const CONFIRMED_WITHIN: Duration = Duration::from_secs(30);
/// For so long, a value that bluetoothd has read may still be on its way to the central. A write that
/// is made meanwhile may cross it.
const CROSSES: Duration = Duration::from_secs(1);

/// The ends where changes go in. When it is dropped, everything behind it ends.
pub(super) struct Outlets {
    teller: Arc<Teller>,
    announce: Announce,
    note: Note,
    by_cell: HashMap<CellId, Vec<(u64, Spec, Changes)>>,
    /// By the number of the outlet: those of the configuration before, while another is put in its place.
    before: HashMap<u64, Changes>,
    /// How many there have ever been.
    opened: u64,
}

/// Who is told of centrals that come and go. Another configuration may have another port.
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
    pub(super) fn new(announce: Announce, note: Note) -> Self {
        Self {
            teller: Teller::new(announce.clone()),
            announce,
            note,
            by_cell: HashMap::new(),
            before: HashMap::new(),
            opened: 0,
        }
    }

    pub(super) fn teller(&self) -> &Arc<Teller> {
        &self.teller
    }

    /// `every`: every event counts, not just the newest, and so many may wait at a subscriber.
    pub(super) fn open(
        &mut self,
        declared: &Characteristic,
        delivery: Delivery,
        every: Option<usize>,
    ) -> Outlet {
        let (changes, source) = changes(every);
        self.opened += 1;
        let outlet = Outlet {
            number: self.opened,
            stem: Arc::new(std::sync::Mutex::new(Stem {
                number: 0,
                source,
                cell: declared.tells().0,
                announce: self.announce.clone(),
                note: self.note.clone(),
            })),
            name: declared.name.as_str().into(),
            how: how(declared.access),
            confirms: confirms(declared.access),
            confirmed: Arc::default(),
            delivery,
            turn: Arc::new(Mutex::new(Feed::nothing())),
            waiting: Arc::default(),
        };
        self.put(declared, &outlet, changes);
        outlet
    }

    /// Another configuration comes: what is not kept from here on until [`Outlets::rest`] ends then.
    pub(super) fn begin_anew(&mut self, announce: Announce, note: Note) {
        self.teller.set(announce.clone());
        (self.announce, self.note) = (announce, note);
        let before = std::mem::take(&mut self.by_cell).into_values().flatten();
        self.before = before
            .map(|(number, _, changes)| (number, changes))
            .collect();
    }

    /// The same to its subscribers, who stay, as this configuration declares it.
    pub(super) fn keep(
        &mut self,
        outlet: &Outlet,
        declared: &Characteristic,
        every: Option<usize>,
    ) {
        let mut stem = lock(&outlet.stem);
        stem.cell = declared.tells().0;
        stem.announce = self.announce.clone();
        stem.note = self.note.clone();
        let known = self.before.remove(&outlet.number);
        let changes = match known {
            Some(known) if known.goes_on(every) => known,
            // Whoever finds that the one before has ended looks for the next.
            Some(_) | None => {
                let (changes, source) = changes(every);
                stem.number += 1;
                stem.source = source;
                changes
            }
        };
        drop(stem);
        self.put(declared, outlet, changes);
    }

    pub(super) fn rest(&mut self) {
        self.before.clear();
    }

    fn put(&mut self, declared: &Characteristic, outlet: &Outlet, changes: Changes) {
        let (cell, spec) = declared.tells();
        let of_cell = self
            .by_cell
            .entry(cell)
            .or_insert_with(|| Vec::with_capacity(1));
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
                version: effect.version,
                writer: origin.and_then(|origin| origin.peer),
                at: Some(Instant::now()),
                receipt: None,
                _place: None,
            };
            changes.tell(told, receipt);
        }
    }
}

/// What the subscribers of one characteristic have of the configuration. Another one may change it.
struct Stem {
    /// How many sources there have been before this.
    number: u64,
    source: Source,
    /// What is told.
    cell: CellId,
    announce: Announce,
    note: Note,
}

/// Where the subscribers of one characteristic begin.
pub(super) struct Outlet {
    number: u64,
    stem: Arc<std::sync::Mutex<Stem>>,
    name: Arc<str>,
    how: Option<How>,
    /// Whether every subscriber confirms what it gets.
    confirms: bool,
    confirmed: Arc<Notify>,
    delivery: Delivery,
    /// Held by the socket that reaches everybody, and by the next one when that is closed.
    turn: Arc<Mutex<Feed>>,
    /// How many wait for it.
    waiting: Arc<AtomicUsize>,
}

impl Outlet {
    /// A new subscriber: returns bluetoothd's end of its socket.
    pub(super) fn subscribe(&self, central: Address, empty: Empty) -> std::io::Result<File> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        // The least there can be, which is a few values: then the kernel says that there is room when one is unread
        // at the most.
        set_socket_send_buffer_size(&ours, 0)?;
        let subscriber = Arc::new(Subscriber {
            socket: UnixDatagram::from_std(StdSocket::from(ours))?,
            central: peer(central),
            address: central.to_string(),
            name: self.name.clone(),
            confirmed: self.confirms.then(|| Confirmed {
                own: Notify::new(),
                anybody: self.confirmed.clone(),
            }),
            delivery: self.delivery,
            waiting: self.waiting.clone(),
            empty,
            stem: self.stem.clone(),
        });
        let (begun, turn) = (subscriber.begin(), self.turn.clone());
        let subscription = Subscription::begin(central, self);
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
    stem: Arc<std::sync::Mutex<Stem>>,
}

impl Subscription {
    fn begin(central: Address, outlet: &Outlet) -> Self {
        let begun = Self {
            central: central.to_string(),
            characteristic: outlet.name.clone(),
            stem: outlet.stem.clone(),
        };
        debug!(%central, value = &*outlet.name, "has subscribed");
        let (cell, announce) = {
            let stem = lock(&outlet.stem);
            (stem.cell, stem.announce.clone())
        };
        announce(Notice::Subscribed {
            central: begun.central.clone(),
            characteristic: outlet.name.to_string(),
            cell,
            how: outlet.how,
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
        let (cell, announce) = {
            let stem = lock(&self.stem);
            (stem.cell, stem.announce.clone())
        };
        announce(Notice::Unsubscribed {
            central: self.central.clone(),
            characteristic: self.characteristic.to_string(),
            cell,
        });
    }
}

struct Subscriber {
    socket: UnixDatagram,
    central: PeerId,
    address: String,
    name: Arc<str>,
    /// Where it waits for confirmations, if there are any.
    confirmed: Option<Confirmed>,
    delivery: Delivery,
    /// How many wait for the socket that reaches everybody.
    waiting: Arc<AtomicUsize>,
    empty: Empty,
    stem: Arc<std::sync::Mutex<Stem>>,
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
        // Not while the stem is locked: whoever tells something locks it after the source.
        let (source, number) = {
            let stem = lock(&self.stem);
            (stem.source.clone(), stem.number)
        };
        source.subscribe(&self.name).numbered(number)
    }

    async fn serve(self: &Arc<Self>, feed: Feed, turn: &Mutex<Feed>) {
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

    async fn take_part(self: &Arc<Self>, mut feed: Feed, turn: &Mutex<Feed>) {
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
                    let waits = Waits::begin(&self.waiting);
                    let mut turn = turn.lock().await;
                    drop(waits);
                    turn.hand_over();
                    self.carry(&mut turn).await;
                }
            }
        }
    }

    async fn carry(self: &Arc<Self>, feed: &mut Feed) {
        let mut sent = false;
        let mut read_at = None;
        let mut is_full = false;
        loop {
            // Written to when the last value has been read, and taken only then: whatever came meanwhile
            // is passed over, where the newest will do.
            let next = if !is_full && self.goes_ahead(feed) {
                tokio::select! {
                    biased;
                    room = self.socket.writable() => Err(room),
                    next = feed.next(self.idle(read_at)) => Ok(next),
                }
            } else {
                Err(feed.beside(self.socket.writable()).await)
            };
            let next = match next {
                Ok(next) => next,
                Err(Ok(())) => {
                    is_full = false;
                    feed.has_room();
                    if std::mem::take(&mut sent) {
                        read_at = Some(Instant::now());
                    }
                    feed.next(self.idle(read_at)).await
                }
                Err(Err(_)) => return,
            };
            let told = match next {
                Some(Next::ToSend(told)) => told,
                Some(Next::Sent(told)) => {
                    feed.goes(&told);
                    sent = true;
                    continue;
                }
                None => {
                    // Another configuration may tell in another way.
                    let next = self.begin();
                    if next.number == feed.number {
                        return;
                    }
                    feed.become_as(next);
                    continue;
                }
            };
            if self.knows(&told, read_at) {
                continue;
            }
            feed.goes(&told);
            match self.send(told, feed).await {
                Ok(()) => {}
                Err((told, problem)) if problem.kind() == ErrorKind::WouldBlock => {
                    is_full = true;
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

    /// Whether the next event is sent although the last is unread: where the socket reaches everybody and nobody waits
    /// who would have to go on with what goes with it. For a central of its own that would be as well, but which of
    /// its own changes it has to hear is decided by what is unread.
    fn goes_ahead(&self, feed: &Feed) -> bool {
        self.delivery == Delivery::Shared
            && self.waiting.load(Ordering::Relaxed) == 0
            && feed.goes_ahead()
    }

    /// While there is nothing unread in its socket it can be told at once, unless it has to confirm what it gets.
    fn idle(self: &Arc<Self>, read_at: Option<Instant>) -> Option<Idle> {
        let taker = self.confirmed.is_none().then(|| self.clone())?;
        Some(Idle { taker, read_at })
    }

    /// Whether it has made this change, and what it was told before has arrived.
    fn knows(&self, told: &Told, read_at: Option<Instant>) -> bool {
        self.delivery == Delivery::Directed
            && told.writer == Some(self.central)
            && !crosses(read_at, told.at)
    }

    /// The whole value: bluetoothd cuts it to the MTU of each central.
    async fn send(&self, told: Told, feed: &mut Feed) -> Result<(), (Told, std::io::Error)> {
        let version = told.version;
        let Some(confirmed) = &self.confirmed else {
            return self.send_at_once(&told).map_err(|problem| (told, problem));
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
        self.note_sent(&told, true);
        feed.sent(told);
        let confirmed = async {
            tokio::select! {
                () = own => {}
                () = anybody => {}
            }
        };
        let confirmed = timeout(CONFIRMED_WITHIN, confirmed);
        match feed.beside(confirmed).await {
            Ok(()) => self.note(version, &|| What::Confirmed {
                central: self.whom(),
            }),
            Err(_) => debug!(value = &*self.name, "not confirmed"),
        }
        Ok(())
    }

    fn send_at_once(&self, told: &Told) -> std::io::Result<()> {
        self.put(&told.octets)?;
        self.note_sent(told, false);
        Ok(())
    }

    fn note_sent(&self, told: &Told, indication: bool) {
        debug!(value = &*self.name, bytes = told.octets.len(), "notified");
        self.note(told.version, &|| What::Notified {
            central: self.whom(),
            indication,
        });
    }

    fn note(&self, version: u64, what: &dyn Fn() -> What) {
        let (cell, note) = {
            let stem = lock(&self.stem);
            (stem.cell, stem.note.clone())
        };
        note(cell, version, what);
    }

    /// The central that its socket reaches; `None` where it reaches all of them.
    fn whom(&self) -> Option<String> {
        match self.delivery {
            Delivery::Directed => Some(self.address.clone()),
            Delivery::Shared | Delivery::Unknown => None,
        }
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

impl Taker for Subscriber {
    fn take(&self, told: &Told, read_at: Option<Instant>) -> Taken {
        if self.knows(told, read_at) {
            return Taken::Knows;
        }
        match self.send_at_once(told) {
            Ok(()) => Taken::Sent,
            // Its own task finds out why.
            Err(_) => Taken::Not,
        }
    }
}

/// As long as it lives, somebody waits for the socket that reaches everybody.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How many events may wait at a subscriber; `None` where the newest value is enough. What has to be confirmed has not
/// arrived before it is, and what may be taken back stays where it can be.
pub(super) fn every(port: &Port, declared: &Characteristic) -> Option<usize> {
    let (cell, _) = declared.tells();
    let waits = !confirms(declared.access) && !port.takes_back(cell);
    port.hears_every(cell)
        .then_some(if waits { AHEAD } else { 0 })
}

/// Whether every subscriber confirms what it gets.
fn confirms(access: Access) -> bool {
    access.indicate && !access.notify
}

/// Where both are declared, BlueZ does not say which one a central has asked for.
fn how(access: Access) -> Option<How> {
    match (access.notify, access.indicate) {
        (true, false) => Some(How::Notifications),
        (false, true) => Some(How::Indications),
        (true, true) | (false, false) => None,
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
