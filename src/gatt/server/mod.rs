//! A GATT server in memory: the declared tree with handles, and centrals that are function calls away.
//!
//! It answers as a server on the air does (Core Spec 5.4, Vol 3, Part F and G): permissions, offsets,
//! lengths, MTU, subscriptions by central. There is no I/O in it: values are read from and written to
//! the engine through the [`Port`], and whoever owns the port hands every effect to [`GattServer::tell`].

mod central;
mod connection;
mod table;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

pub use central::Central;
pub use connection::{Notification, Subscribed};
pub use table::{DiscoveredCharacteristic, DiscoveredDescriptor, DiscoveredService};

use super::advertising::Advertisement;
use super::pairing::Allowed;
use super::window::PairingWindow;
use super::{Address, AttError, encode};
use crate::engine::{Effect, PeerId};
use crate::plugin::{Notice, Port, What};
use connection::{Connection, Told};
use table::Table;

/// The MTU before anybody has asked for another one (Core Spec 5.4, Vol 3, Part F, 3.2.8).
pub const MTU_MIN: usize = 23;
/// What this server offers: the longest attribute value fits into one packet, as with BlueZ.
pub const MTU_MAX: usize = 517;

/// The server. It is shared: with the link that feeds it, and with everybody who is a central of it. What it
/// serves can be another from one moment to the next ([`GattServer::serve`]); its centrals stay.
pub struct GattServer {
    state: Mutex<State>,
}

/// What is served.
struct Served {
    port: Port,
    advertisement: Advertisement,
    allowed: Option<Allowed>,
    window: Arc<PairingWindow>,
    table: Table,
}

struct State {
    served: Served,
    closed: bool,
    /// How many centrals there have ever been: they are numbered through, so that no central is taken
    /// for one that has left.
    centrals: u64,
    connections: BTreeMap<PeerId, Connection>,
}

/// Why a request got no answer but this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// The server answered with an error.
    Att(AttError),
    /// The server is gone, and with it every connection.
    Disconnected,
}

/// Why a link is not as safe as was wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairError {
    /// This central may not pair: not now, or not at all.
    Refused,
    /// The server is gone, and with it every connection.
    Disconnected,
}

impl GattServer {
    pub fn new(
        port: Port,
        advertisement: Advertisement,
        allowed: Option<Allowed>,
        window: Arc<PairingWindow>,
    ) -> Self {
        let served = Served::new(port, advertisement, allowed, window);
        let state = State {
            served,
            closed: false,
            centrals: 0,
            connections: BTreeMap::new(),
        };
        Self {
            state: Mutex::new(state),
        }
    }

    /// Serves something else from here on. Centrals stay connected. What a central sees of a service as before,
    /// at the same handles, goes on: its subscriptions, and what it has yet to be told. The rest is over, and
    /// every central is told so ([`Central::service_changed`]).
    pub fn serve(
        &self,
        port: Port,
        advertisement: Advertisement,
        allowed: Option<Allowed>,
        window: Arc<PairingWindow>,
    ) {
        let next = Served::new(port, advertisement, allowed, window);
        let mut guard = self.state();
        let state = &mut *guard;
        let before = std::mem::replace(&mut state.served, next);
        let heirs = before.table.heirs(&state.served.table);
        let changed = before.table.changed(&state.served.table);
        for connection in state.connections.values_mut() {
            for index in connection.succeed(&heirs, changed.clone()) {
                before.announce_subscription(&connection.address.to_string(), index, None);
            }
        }
    }

    /// The device's name, which every central can read.
    pub fn device_name(&self) -> String {
        self.state().served.port.device_name().to_owned()
    }

    /// What is advertised, as far as it goes without a radio.
    pub fn advertised(&self) -> Advertisement {
        self.state().served.advertisement.clone()
    }

    /// The whole tree, as centrals discover it.
    pub fn discovered(&self) -> Arc<[DiscoveredService]> {
        self.state().served.table.services().clone()
    }

    /// A new central. It is connected until it is dropped, or the server is closed.
    pub fn connect(self: &Arc<Self>) -> Central {
        self.connect_from(None)
    }

    /// The same, from an address of its own.
    pub fn connect_from(self: &Arc<Self>, address: Option<Address>) -> Central {
        let mut state = self.state();
        let peer = PeerId(state.centrals);
        state.centrals += 1;
        let address = address.unwrap_or_else(|| central::address(peer));
        let connection = Connection::of(address);
        let wake = connection.wake.clone();
        if !state.closed {
            state.connections.insert(peer, connection);
            let central = address.to_string();
            state.served.port.announce(Notice::Connected { central });
        }
        drop(state);
        Central::new(self.clone(), peer, address, wake)
    }

    /// How many centrals are connected.
    pub fn connected(&self) -> usize {
        self.state().connections.len()
    }

    /// Tells every subscriber of a change, except the central that made it: that one knows. The effect
    /// is delivered with this, or where every event counts, when all of them have room for the next.
    pub fn tell(&self, effect: &Effect) {
        let mut guard = self.state();
        let State {
            served,
            connections,
            ..
        } = &mut *guard;
        let Served { port, table, .. } = served;
        let receipt = port.receipt(effect);
        // A central takes a notification of such a value for an event, and none has happened.
        if effect.restated {
            return;
        }
        let every = port.hears_every(effect.cell);
        let writer = effect.origin.and_then(|origin| origin.peer);
        let writer = writer.filter(|_| effect.origin.is_some_and(|it| it.link == port.link()));
        for (index, characteristic) in table.told_of(effect.cell) {
            let (_, spec) = characteristic.tells();
            let octets = encode(spec, &effect.value);
            for (peer, connection) in &mut *connections {
                let told = Told {
                    index,
                    version: effect.version,
                };
                match (Some(*peer) == writer, every) {
                    (true, true) => continue,
                    (true, false) => {
                        connection.forget(index);
                        continue;
                    }
                    (false, true) => connection.tell_every(told, &octets, &receipt),
                    (false, false) => connection.tell(told, &octets),
                }
                if let Some(by) = connection.subscription(index) {
                    let central = connection.address;
                    port.note(effect.cell, effect.version, || What::Notified {
                        central: Some(central.to_string()),
                        indication: by == Subscribed::Indicate,
                    });
                }
            }
        }
    }

    /// Disconnects everybody, for ever.
    pub fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        for connection in std::mem::take(&mut state.connections).into_values() {
            state.served.announce_end(&connection);
            connection.wake.notify_one();
        }
    }

    fn disconnect(&self, peer: PeerId) {
        let mut state = self.state();
        if let Some(connection) = state.connections.remove(&peer) {
            state.served.announce_end(&connection);
        }
    }

    /// Does something with a central's connection, if it is still there. What is served stays the same
    /// meanwhile.
    fn with<T>(
        &self,
        peer: PeerId,
        act: impl FnOnce(&Served, &mut Connection) -> T,
    ) -> Result<T, RequestError> {
        let mut guard = self.state();
        let state = &mut *guard;
        let connection = state.connections.get_mut(&peer);
        let connection = connection.ok_or(RequestError::Disconnected)?;
        Ok(act(&state.served, connection))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("nothing panics while the connections are locked")
    }
}

impl Served {
    fn new(
        port: Port,
        advertisement: Advertisement,
        allowed: Option<Allowed>,
        window: Arc<PairingWindow>,
    ) -> Self {
        let table = Table::new(port.services());
        Self {
            port,
            advertisement,
            allowed,
            window,
            table,
        }
    }

    fn announce_end(&self, connection: &Connection) {
        let central = connection.address.to_string();
        for index in connection.subscribed() {
            self.announce_subscription(&central, index, None);
        }
        self.port.announce(Notice::Disconnected { central });
    }

    fn announce_subscription(&self, central: &str, index: usize, by: Option<Subscribed>) {
        let central = central.to_owned();
        let declared = self.table.characteristic_at(index);
        let (characteristic, cell) = (declared.name.clone(), declared.tells().0);
        self.port.announce(match by {
            Some(by) => Notice::Subscribed {
                central,
                characteristic,
                cell,
                how: Some(by.into()),
            },
            None => Notice::Unsubscribed {
                central,
                characteristic,
                cell,
            },
        });
    }
}

impl fmt::Debug for GattServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GattServer")
            .field("device_name", &self.device_name())
            .field("connected", &self.connected())
            .finish_non_exhaustive()
    }
}

impl From<AttError> for RequestError {
    fn from(error: AttError) -> Self {
        Self::Att(error)
    }
}

impl From<RequestError> for PairError {
    fn from(error: RequestError) -> Self {
        match error {
            // Pairing is no request to an attribute.
            RequestError::Att(_) => Self::Refused,
            RequestError::Disconnected => Self::Disconnected,
        }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Att(error) => error.fmt(f),
            Self::Disconnected => f.write_str("disconnected"),
        }
    }
}

impl std::error::Error for RequestError {}
