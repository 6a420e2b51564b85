//! How subscribers hear of changes: always the newest value, never a queue.
//!
//! There are two ways to BlueZ. A socket is quick and has backpressure, and so carries whatever it
//! can. What it cannot: indications (bluer takes a confirmation for the end of the socket), and values
//! longer than the smallest MTU (bluer cuts to the MTU that there was when the socket was made).
//! Those go as D-Bus signals, few at a time: bluer's connection stalls when many are queued.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bluer::Adapter;
use bluer::gatt::CharacteristicWriter;
use bluer::gatt::local::{
    Characteristic as BluezCharacteristic, CharacteristicControl, CharacteristicControlEvent,
    CharacteristicNotifier, CharacteristicNotify, CharacteristicNotifyMethod,
    characteristic_control,
};
use tokio::sync::{Mutex, Semaphore, watch};
use tokio::time::{Instant, timeout};
use tokio_stream::StreamExt;
use tracing::debug;

use super::adapter::Delivery;
use super::application::peer;
use crate::codec::Spec;
use crate::engine::{CellId, Effect, LinkId, PeerId};
use crate::gatt::{Characteristic, encode};

/// How many octets bluer sends in one notification at the smallest MTU.
const SOCKET_LENGTH_MAX: usize = 18;
/// Signals that are sent before bluetoothd has shown that it has read the first.
const SIGNALS_IN_FLIGHT: usize = 4;
/// ATT's own deadline for a confirmation (Core Spec 5.4, Vol 3, Part F, 3.3.3).
const CONFIRMED_WITHIN: Duration = Duration::from_secs(30);
/// BlueZ tells a central that it has subscribed before it tells us. A change between the two would be
/// lost on it.
const SUBSCRIBING: Duration = Duration::from_millis(100);

/// What the subscribers of one characteristic are to hear.
#[derive(Clone, Default)]
struct Told {
    octets: Arc<[u8]>,
    /// The central that knows already.
    writer: Option<PeerId>,
    at: Option<Instant>,
}

type Latest = watch::Receiver<Told>;

/// The ends where changes go in. When it is dropped, everything behind it ends.
#[derive(Default)]
pub(super) struct Outlets {
    by_cell: HashMap<CellId, Vec<(Spec, watch::Sender<Told>)>>,
}

impl Outlets {
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

/// Makes the ways to the subscribers.
pub(super) struct Notifier {
    adapter: Adapter,
    delivery: Delivery,
    signals: Arc<Semaphore>,
}

impl Notifier {
    pub(super) fn new(adapter: Adapter, delivery: Delivery) -> Self {
        Self {
            adapter,
            delivery,
            signals: Arc::new(Semaphore::new(SIGNALS_IN_FLIGHT)),
        }
    }

    /// Lets centrals subscribe to a characteristic.
    pub(super) fn equip(
        &self,
        declared: &Characteristic,
        characteristic: &mut BluezCharacteristic,
        outlets: &mut Outlets,
    ) {
        let (sender, latest) = watch::channel(Told::default());
        let of_cell = outlets.by_cell.entry(declared.cell).or_default();
        of_cell.push((declared.spec.clone(), sender));

        let access = declared.access;
        let name: Arc<str> = declared.name.as_str().into();
        let by_socket = !access.indicate && longest(&declared.spec) <= SOCKET_LENGTH_MAX;
        let method = if by_socket {
            let (control, handle) = characteristic_control();
            characteristic.control_handle = handle;
            tokio::spawn(accept_sockets(control, latest, name, self.delivery));
            CharacteristicNotifyMethod::Io
        } else {
            self.signal_method(latest, name)
        };
        characteristic.notify = Some(CharacteristicNotify {
            notify: access.notify,
            indicate: access.indicate,
            method,
            ..CharacteristicNotify::default()
        });
    }

    fn signal_method(&self, latest: Latest, name: Arc<str>) -> CharacteristicNotifyMethod {
        let (adapter, signals) = (self.adapter.clone(), self.signals.clone());
        CharacteristicNotifyMethod::Fun(Box::new(move |session| {
            debug!(value = &*name, "subscribed to");
            let latest = from_now_on(&latest);
            let lane = Lane {
                adapter: adapter.clone(),
                signals: signals.clone(),
            };
            tokio::spawn(signal(session, latest, name.clone(), lane));
            Box::pin(std::future::ready(()))
        }))
    }
}

/// The most octets that a value can have.
fn longest(spec: &Spec) -> usize {
    match *spec {
        Spec::Bool => 1,
        Spec::Int { width, .. } => width as usize,
        Spec::Float { width, .. } => width as usize,
        Spec::Utf8 { max_length } | Spec::Bytes { max_length } => max_length,
    }
}

/// A subscription hears of what changes from now on, or has changed while it was being made.
fn from_now_on(latest: &Latest) -> Latest {
    let mut latest = latest.clone();
    latest.mark_unchanged();
    let changed_at = latest.borrow().at;
    if changed_at.is_some_and(|at| at.elapsed() < SUBSCRIBING) {
        latest.mark_changed();
    }
    latest
}

// ── sockets ──────────────────────────────────────────────────────────────────────────────────────

async fn accept_sockets(
    mut control: CharacteristicControl,
    mut latest: Latest,
    name: Arc<str>,
    delivery: Delivery,
) {
    let turn = Arc::new(Mutex::new(()));
    loop {
        let event = tokio::select! {
            event = control.next() => event,
            () = ended(&mut latest) => return,
        };
        match event {
            Some(CharacteristicControlEvent::Notify(writer)) => {
                let socket = Socket {
                    central: peer(writer.device_address()),
                    writer,
                    name: name.clone(),
                    delivery,
                };
                tokio::spawn(socket.serve(from_now_on(&latest), turn.clone()));
            }
            // Writes come by function.
            Some(CharacteristicControlEvent::Write(request)) => drop(request),
            None => return,
        }
    }
}

/// Resolves when there is nobody left who could tell anything.
async fn ended(latest: &mut Latest) {
    while latest.changed().await.is_ok() {}
}

struct Socket {
    writer: CharacteristicWriter,
    central: PeerId,
    name: Arc<str>,
    delivery: Delivery,
}

impl Socket {
    async fn serve(self, latest: Latest, turn: Arc<Mutex<()>>) {
        let central = self.writer.device_address();
        debug!(%central, value = &*self.name, "has subscribed");
        tokio::select! {
            () = self.feed(latest, &turn) => {}
            // Readable is what a socket becomes that is closed at the other end.
            _ = self.writer.closed() => {}
        }
        debug!(%central, value = &*self.name, "subscribes no longer");
    }

    async fn feed(&self, mut latest: Latest, turn: &Mutex<()>) {
        // One socket reaches everybody: the others wait until it closes.
        let _turn = match self.delivery {
            Delivery::Shared => Some(turn.lock().await),
            Delivery::Directed | Delivery::Unknown => None,
        };
        while latest.changed().await.is_ok() && self.writer.sendable().await.is_ok() {
            // Taken only now: whatever came while the socket was full is passed over.
            let told = latest.borrow_and_update().clone();
            if self.delivery == Delivery::Directed && told.writer == Some(self.central) {
                continue;
            }
            match self.writer.try_send(&told.octets) {
                Ok(()) => debug!(value = &*self.name, octets = ?told.octets, "notified"),
                Err(problem) if problem.kind() == std::io::ErrorKind::WouldBlock => {
                    latest.mark_changed();
                }
                Err(problem) => {
                    debug!(value = &*self.name, %problem, "not notified");
                    return;
                }
            }
        }
    }
}

// ── signals ──────────────────────────────────────────────────────────────────────────────────────

/// What all signals share: room for a few, and a way to see that they have been read.
struct Lane {
    adapter: Adapter,
    signals: Arc<Semaphore>,
}

async fn signal(
    mut session: CharacteristicNotifier,
    mut latest: Latest,
    name: Arc<str>,
    lane: Lane,
) {
    let stopped = session.stopped();
    tokio::pin!(stopped);
    loop {
        tokio::select! {
            () = &mut stopped => break,
            changed = latest.changed() => if changed.is_err() { return },
        }
        let Ok(room) = lane.signals.acquire().await else {
            return;
        };
        let octets = latest.borrow_and_update().octets.clone();
        let sent = timeout(CONFIRMED_WITHIN, session.notify(octets.to_vec()));
        // The answer to any call means that bluetoothd has read what was sent before, and it wakes
        // the connection, which would not see by itself that it can write again.
        let read = async {
            let _ = lane.adapter.is_powered().await;
            drop(room);
        };
        match tokio::join!(sent, read) {
            (Ok(Ok(())), ()) => debug!(value = &*name, ?octets, "notified"),
            (Ok(Err(problem)), ()) => debug!(value = &*name, %problem, "not notified"),
            (Err(_), ()) => debug!(value = &*name, "not confirmed"),
        }
    }
    debug!(value = &*name, "nobody subscribes any more");
}
