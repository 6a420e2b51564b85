//! A central: the requests that it can make, one method for each.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use tokio::sync::Notify;

use super::connection::{Connection, Notification, Subscribed, Told};
use super::table::{Attribute, DiscoveredService};
use super::{GattServer, MTU_MAX, MTU_MIN, PairError, RequestError, Served};
use crate::engine::PeerId;
use crate::gatt::{Address, AttError, Characteristic, Requester, SecurityLevel, read, write};
use crate::plugin::{Promise, What};

/// What the response to a request has to wait for.
pub type Promises = Vec<Promise>;

/// Dropping it disconnects.
pub struct Central {
    server: Arc<GattServer>,
    peer: PeerId,
    address: String,
    wake: Arc<Notify>,
}

impl Central {
    pub(super) fn new(
        server: Arc<GattServer>,
        peer: PeerId,
        address: Address,
        wake: Arc<Notify>,
    ) -> Self {
        Self {
            server,
            peer,
            address: address.to_string(),
            wake,
        }
    }

    /// As which it is announced.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What stands as the origin of the changes that it makes.
    pub fn peer(&self) -> PeerId {
        self.peer
    }

    /// Whether the server is still there.
    pub fn is_connected(&self) -> bool {
        self.server.with(self.peer, |_, _| ()).is_ok()
    }

    /// Asks for a longer MTU; what counts is the shorter of both sides' wishes.
    ///
    /// # Errors
    /// [`RequestError::Disconnected`].
    pub fn exchange_mtu(&self, wanted: usize) -> Result<usize, RequestError> {
        let mtu = wanted.clamp(MTU_MIN, MTU_MAX);
        self.server
            .with(self.peer, |_, connection| connection.mtu = mtu)?;
        Ok(mtu)
    }

    pub fn mtu(&self) -> Result<usize, RequestError> {
        self.server.with(self.peer, |_, connection| connection.mtu)
    }

    /// Pairs, or connects anew as it has never paired: from here on the link is as safe as this.
    ///
    /// # Errors
    /// [`PairError::Refused`] when it may not, and then the link is as safe as before;
    /// [`PairError::Disconnected`].
    pub fn secure(&self, level: SecurityLevel) -> Result<(), PairError> {
        self.server.with(self.peer, |served, connection| {
            let is_listed = served
                .allowed
                .as_ref()
                .is_none_or(|allowed| allowed.has(connection.address));
            if level > connection.security && !(is_listed && served.window.is_open()) {
                return Err(PairError::Refused);
            }
            connection.security = level;
            Ok(())
        })?
    }

    /// The whole tree.
    pub fn discover(&self) -> Arc<[DiscoveredService]> {
        self.server.state().served.table.services().clone()
    }

    /// The handles at which something else may be since this was asked last: what a central on the air is told
    /// by an indication of Service Changed (0x2A05). It has to discover them anew.
    ///
    /// # Errors
    /// [`RequestError::Disconnected`].
    pub fn service_changed(&self) -> Result<Option<RangeInclusive<u16>>, RequestError> {
        self.server.with(self.peer, |_, it| it.take_changed())
    }

    /// Read Request: the first MTU - 1 octets.
    ///
    /// # Errors
    /// As [`read`](crate::gatt::read), and [`AttError::InvalidHandle`].
    pub fn read(&self, handle: u16) -> Result<Vec<u8>, RequestError> {
        self.read_blob(handle, 0)
    }

    /// Read Blob Request: at most MTU - 1 octets from `offset` on.
    ///
    /// # Errors
    /// As [`Central::read`], and [`AttError::InvalidOffset`].
    pub fn read_blob(&self, handle: u16, offset: usize) -> Result<Vec<u8>, RequestError> {
        let answer = self.server.with(self.peer, |served, connection| {
            let mut octets = match served.table.attribute(handle)? {
                Attribute::Fixed(octets) => from(octets, offset)?,
                Attribute::Value(index) => {
                    let characteristic = served.table.characteristic_at(*index);
                    if characteristic.access.read {
                        let wanted = characteristic.security.read;
                        connection.security.suffices_for(wanted)?;
                    }
                    read(&served.port, characteristic, offset)?
                }
                Attribute::Configuration(index) => {
                    let bits = connection.subscription(*index).map_or(0, |by| by as u16);
                    from(&bits.to_le_bytes(), offset)?
                }
            };
            octets.truncate(connection.mtu - 1);
            Ok(octets)
        })?;
        answer.map_err(RequestError::Att)
    }

    /// The whole value, in as many requests as it takes.
    ///
    /// # Errors
    /// As [`Central::read_blob`].
    pub fn read_long(&self, handle: u16) -> Result<Vec<u8>, RequestError> {
        let mut octets = self.read(handle)?;
        let full = self.mtu()? - 1;
        let mut last = octets.len();
        while last == full {
            let more = self.read_blob(handle, octets.len())?;
            last = more.len();
            octets.extend(more);
        }
        Ok(octets)
    }

    /// Write Request. A client configuration is written with it too; see [`Central::subscribe`].
    ///
    /// # Errors
    /// As [`Central::begin_write`]; [`AttError::NotKept`] when it is accepted, but not what its response
    /// promises.
    pub async fn write(&self, handle: u16, octets: &[u8]) -> Result<(), RequestError> {
        kept(self.begin_write(handle, octets)?).await
    }

    /// Write Request, up to where the value is accepted; the response has to wait for the promises.
    ///
    /// # Errors
    /// As [`write`](crate::gatt::write); [`AttError::InvalidHandle`], and
    /// [`AttError::WriteNotPermitted`] where only writes without a response are declared.
    pub fn begin_write(&self, handle: u16, octets: &[u8]) -> Result<Promises, RequestError> {
        let answer = self.server.with(self.peer, |served, connection| {
            // A packet has no room for more.
            if octets.len() > connection.mtu - 3 {
                return Err(AttError::InvalidAttributeValueLength);
            }
            match served.table.attribute(handle)? {
                Attribute::Fixed(_) => Err(AttError::WriteNotPermitted),
                Attribute::Value(index) => {
                    can_write(served, connection, *index)?;
                    Ok(vec![
                        self.write_value(served, connection, *index, 0, octets)?,
                    ])
                }
                Attribute::Configuration(index) => {
                    self.configure(served, connection, *index, octets)?;
                    Ok(Vec::new())
                }
            }
        })?;
        answer.map_err(RequestError::Att)
    }

    /// Write Command: nothing comes back, whatever becomes of it.
    pub fn write_without_response(&self, handle: u16, octets: &[u8]) {
        // Nobody hears whether it was there.
        let _ = self.server.with(self.peer, |served, connection| {
            let Ok(Attribute::Value(index)) = served.table.attribute(handle) else {
                return;
            };
            let Characteristic {
                access, security, ..
            } = served.table.characteristic_at(*index);
            let is_safe = connection.security >= security.write;
            if access.write_without_response && is_safe && octets.len() <= connection.mtu - 3 {
                // A refusal has been counted and logged on the way, and nobody waits for a promise.
                drop(self.write_value(served, connection, *index, 0, octets));
            }
        });
    }

    /// Prepare Write Request: a part of a long write, kept until it is executed.
    ///
    /// # Errors
    /// [`AttError::InvalidHandle`], [`AttError::WriteNotPermitted`], [`AttError::PrepareQueueFull`].
    pub fn prepare_write(
        &self,
        handle: u16,
        offset: usize,
        part: &[u8],
    ) -> Result<(), RequestError> {
        let answer = self.server.with(self.peer, |served, connection| {
            if part.len() > connection.mtu - 5 {
                return Err(AttError::InvalidAttributeValueLength);
            }
            let Attribute::Value(index) = served.table.attribute(handle)? else {
                return Err(AttError::WriteNotPermitted);
            };
            can_write(served, connection, *index)?;
            connection.prepare(*index, offset, part)
        })?;
        answer.map_err(RequestError::Att)
    }

    /// Execute Write Request: everything that was prepared is written, in that order, or forgotten.
    ///
    /// # Errors
    /// That of the first write that was refused; those after it are not made.
    pub async fn execute_write(&self, commit: bool) -> Result<(), RequestError> {
        kept(self.begin_execute(commit)?).await
    }

    fn begin_execute(&self, commit: bool) -> Result<Promises, RequestError> {
        let answer: Result<Promises, AttError> =
            self.server.with(self.peer, |served, connection| {
                let prepared = connection.take_prepared();
                let committed = prepared.into_iter().filter(|_| commit);
                committed
                    .map(|it| self.write_value(served, connection, it.index, it.offset, &it.octets))
                    .collect()
            })?;
        answer.map_err(RequestError::Att)
    }

    /// A value of any length, in as many requests as it takes.
    ///
    /// # Errors
    /// As [`Central::prepare_write`] and [`Central::execute_write`]; nothing stays prepared.
    pub async fn write_long(&self, handle: u16, octets: &[u8]) -> Result<(), RequestError> {
        kept(self.begin_write_long(handle, octets)?).await
    }

    /// A value of any length, up to where it is accepted.
    ///
    /// # Errors
    /// As [`Central::write_long`], but for what the response promises.
    pub fn begin_write_long(&self, handle: u16, octets: &[u8]) -> Result<Promises, RequestError> {
        if octets.is_empty() {
            return self.begin_write(handle, octets);
        }
        let room = self.mtu()? - 5;
        for (number, part) in octets.chunks(room).enumerate() {
            if let Err(error) = self.prepare_write(handle, number * room, part) {
                self.begin_execute(false)?;
                return Err(error);
            }
        }
        self.begin_execute(true)
    }

    /// Writes the client configuration that belongs to a value: `None` ends the subscription.
    ///
    /// # Errors
    /// [`AttError::AttributeNotFound`] if the value has none, [`AttError::RequestNotSupported`] if it
    /// cannot be subscribed to in this way.
    pub fn subscribe(&self, value: u16, by: Option<Subscribed>) -> Result<(), RequestError> {
        let answer = self.server.with(self.peer, |served, connection| {
            let bits = by.map_or(0, |by| by as u16).to_le_bytes();
            match served.table.attribute(value)? {
                Attribute::Value(index)
                    if served
                        .table
                        .characteristic_at(*index)
                        .access
                        .can_subscribe() =>
                {
                    self.configure(served, connection, *index, &bits)
                }
                Attribute::Value(_) | Attribute::Fixed(_) | Attribute::Configuration(_) => {
                    Err(AttError::AttributeNotFound)
                }
            }
        })?;
        answer.map_err(RequestError::Att)
    }

    /// The next notification or indication; `None` when the server is gone. While an indication is
    /// not confirmed, no other one comes.
    pub async fn next_notification(&self) -> Option<Notification> {
        loop {
            let notified = self.wake.notified();
            if let Some(notification) = self.try_notification().ok()? {
                return Some(notification);
            }
            notified.await;
        }
    }

    /// The next notification or indication, if there is one already.
    ///
    /// # Errors
    /// [`RequestError::Disconnected`].
    pub fn try_notification(&self) -> Result<Option<Notification>, RequestError> {
        self.server.with(self.peer, |served, connection| {
            let (index, value, by) = connection.take()?;
            Some(Notification {
                handle: served.table.value_handle(index),
                value,
                by,
            })
        })
    }

    /// Handle Value Confirmation. Returns whether there was an indication to confirm.
    ///
    /// # Errors
    /// [`RequestError::Disconnected`].
    pub fn confirm(&self) -> Result<bool, RequestError> {
        self.server.with(self.peer, |served, connection| {
            let confirmed = connection.confirm();
            if let Some(Told { index, version }) = confirmed {
                let (cell, _) = served.table.characteristic_at(index).tells();
                served.port.note(cell, version, || What::Confirmed {
                    central: Some(self.address.clone()),
                });
            }
            confirmed.is_some()
        })
    }

    fn write_value(
        &self,
        served: &Served,
        connection: &mut Connection,
        index: usize,
        offset: usize,
        octets: &[u8],
    ) -> Result<Promise, AttError> {
        let Served { port, table, .. } = served;
        let characteristic = table.characteristic_at(index);
        let requester = Requester {
            peer: self.peer,
            address: &self.address,
        };
        // In one go: what comes of the write is told after it, and is not forgotten with the rest.
        let promise = write(port, characteristic, &requester, offset, octets)?;
        if !port.hears_every(characteristic.cell) {
            for (index, _) in table.told_of(characteristic.cell) {
                connection.forget(index);
            }
        }
        Ok(promise)
    }

    fn configure(
        &self,
        served: &Served,
        connection: &mut Connection,
        index: usize,
        octets: &[u8],
    ) -> Result<(), AttError> {
        let bits = <[u8; 2]>::try_from(octets)
            .map(u16::from_le_bytes)
            .map_err(|_| AttError::InvalidAttributeValueLength)?;
        let Characteristic {
            access, security, ..
        } = served.table.characteristic_at(index);
        connection.security.suffices_for(security.notify)?;
        let by = match bits {
            0 => None,
            1 if access.notify => Some(Subscribed::Notify),
            2 if access.indicate => Some(Subscribed::Indicate),
            // As BlueZ answers. Both bits at once are legal, but it takes them for neither.
            _ => return Err(AttError::RequestNotSupported),
        };
        let before = connection.subscribe(index, by);
        if before != by.is_some() {
            served.announce_subscription(&self.address, index, by);
        }
        Ok(())
    }
}

fn can_write(served: &Served, connection: &Connection, index: usize) -> Result<(), AttError> {
    let characteristic = served.table.characteristic_at(index);
    if !characteristic.access.write {
        return Err(AttError::WriteNotPermitted);
    }
    let wanted = characteristic.security.write;
    connection.security.suffices_for(wanted)
}

impl Drop for Central {
    fn drop(&mut self) {
        self.server.disconnect(self.peer);
    }
}

impl fmt::Debug for Central {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Central({})", self.peer.0)
    }
}

/// Static random, as phones have them: the two most significant bits are 1 (Core Spec 5.4, Vol 6,
/// Part B, 1.3.2.1).
pub(super) fn address(peer: PeerId) -> Address {
    let [_, _, _, first, second, third, fourth, last] = peer.0.to_be_bytes();
    Address([0xC0, first, second, third, fourth, last])
}

async fn kept(promises: Promises) -> Result<(), RequestError> {
    for promise in promises {
        promise.kept().await.map_err(AttError::from)?;
    }
    Ok(())
}

fn from(octets: &[u8], offset: usize) -> Result<Vec<u8>, AttError> {
    let octets = octets.get(offset..).ok_or(AttError::InvalidOffset)?;
    Ok(octets.to_vec())
}
