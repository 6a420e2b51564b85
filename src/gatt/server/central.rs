//! A central: the requests that it can make, one method for each.

use std::fmt;
use std::sync::Arc;

use tokio::sync::Notify;

use super::connection::{Notification, Subscribed, Told};
use super::table::{Attribute, DiscoveredService};
use super::{GattServer, MTU_MAX, MTU_MIN, PairError, RequestError};
use crate::engine::PeerId;
use crate::gatt::{Address, AttError, Requester, Security, SecurityLevel, read, write};
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
        self.server.with(self.peer, |_| ()).is_ok()
    }

    /// Asks for a longer MTU; what counts is the shorter of both sides' wishes.
    ///
    /// # Errors
    /// [`RequestError::Disconnected`].
    pub fn exchange_mtu(&self, wanted: usize) -> Result<usize, RequestError> {
        let mtu = wanted.clamp(MTU_MIN, MTU_MAX);
        self.server
            .with(self.peer, |connection| connection.mtu = mtu)?;
        Ok(mtu)
    }

    pub fn mtu(&self) -> Result<usize, RequestError> {
        self.server.with(self.peer, |connection| connection.mtu)
    }

    /// Pairs, or connects anew as it has never paired: from here on the link is as safe as this.
    ///
    /// # Errors
    /// [`PairError::Refused`] when it may not, and then the link is as safe as before;
    /// [`PairError::Disconnected`].
    pub fn secure(&self, level: SecurityLevel) -> Result<(), PairError> {
        let GattServer {
            allowed, window, ..
        } = &*self.server;
        self.server.with(self.peer, |connection| {
            let is_listed = allowed
                .as_ref()
                .is_none_or(|allowed| allowed.has(connection.address));
            if level > connection.security && !(is_listed && window.is_open()) {
                return Err(PairError::Refused);
            }
            connection.security = level;
            Ok(())
        })?
    }

    /// The whole tree.
    pub fn discover(&self) -> &[DiscoveredService] {
        self.server.table.services()
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
        let mtu = self.mtu()?;
        let mut octets = match self.server.table.attribute(handle)? {
            Attribute::Fixed(octets) => from(octets, offset)?,
            Attribute::Value(index) => {
                let characteristic = self.server.table.characteristic_at(*index);
                if characteristic.access.read {
                    self.check_link(*index, |security| security.read)?;
                }
                read(&self.server.port, characteristic, offset)?
            }
            Attribute::Configuration(index) => {
                let subscribed = self.server.with(self.peer, |it| it.subscription(*index))?;
                let bits = subscribed.map_or(0, |by| by as u16);
                from(&bits.to_le_bytes(), offset)?
            }
        };
        octets.truncate(mtu - 1);
        Ok(octets)
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
        // A packet has no room for more.
        if octets.len() > self.mtu()? - 3 {
            return Err(AttError::InvalidAttributeValueLength.into());
        }
        match self.server.table.attribute(handle)? {
            Attribute::Fixed(_) => Err(AttError::WriteNotPermitted.into()),
            Attribute::Value(index) => {
                self.check_can_write(*index)?;
                Ok(vec![self.write_value(*index, 0, octets)?])
            }
            Attribute::Configuration(index) => {
                self.configure(*index, octets)?;
                Ok(Vec::new())
            }
        }
    }

    /// Write Command: nothing comes back, whatever becomes of it.
    pub fn write_without_response(&self, handle: u16, octets: &[u8]) {
        let fits = self.mtu().is_ok_and(|mtu| octets.len() <= mtu - 3);
        if let Ok(Attribute::Value(index)) = self.server.table.attribute(handle)
            && self.access(*index).write_without_response
            && fits
        {
            // Refusals have been counted and logged on the way, and nobody waits for a promise.
            let written = self
                .check_link(*index, |security| security.write)
                .and_then(|()| self.write_value(*index, 0, octets));
            drop(written);
        }
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
        if part.len() > self.mtu()? - 5 {
            return Err(AttError::InvalidAttributeValueLength.into());
        }
        let Attribute::Value(index) = self.server.table.attribute(handle)? else {
            return Err(AttError::WriteNotPermitted.into());
        };
        self.check_can_write(*index)?;
        self.server
            .with(self.peer, |it| it.prepare(*index, offset, part))??;
        Ok(())
    }

    /// Execute Write Request: everything that was prepared is written, in that order, or forgotten.
    ///
    /// # Errors
    /// That of the first write that was refused; those after it are not made.
    pub async fn execute_write(&self, commit: bool) -> Result<(), RequestError> {
        kept(self.begin_execute(commit)?).await
    }

    fn begin_execute(&self, commit: bool) -> Result<Promises, RequestError> {
        let prepared = self.server.with(self.peer, |it| it.take_prepared())?;
        let committed = prepared.into_iter().filter(|_| commit);
        committed
            .map(|it| self.write_value(it.index, it.offset, &it.octets))
            .collect()
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
        let configuration = value.checked_add(1).ok_or(AttError::InvalidHandle)?;
        match self.server.table.attribute(value)? {
            Attribute::Value(index) if self.access(*index).can_subscribe() => {
                let bits = by.map_or(0, |by| by as u16);
                self.begin_write(configuration, &bits.to_le_bytes())?;
                Ok(())
            }
            _ => Err(AttError::AttributeNotFound.into()),
        }
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
        let taken = self.server.with(self.peer, |it| it.take())?;
        Ok(taken.map(|(index, value, by)| Notification {
            handle: self.server.table.value_handle(index),
            value,
            by,
        }))
    }

    /// Handle Value Confirmation. Returns whether there was an indication to confirm.
    ///
    /// # Errors
    /// [`RequestError::Disconnected`].
    pub fn confirm(&self) -> Result<bool, RequestError> {
        let confirmed = self.server.with(self.peer, |it| it.confirm())?;
        if let Some(Told { index, version }) = confirmed {
            let (cell, _) = self.server.table.characteristic_at(index).tells();
            self.server.port.note(cell, version, || What::Confirmed {
                central: Some(self.address.clone()),
            });
        }
        Ok(confirmed.is_some())
    }

    fn write_value(
        &self,
        index: usize,
        offset: usize,
        octets: &[u8],
    ) -> Result<Promise, RequestError> {
        let GattServer { port, table, .. } = &*self.server;
        let characteristic = table.characteristic_at(index);
        let requester = Requester {
            peer: self.peer,
            address: &self.address,
        };
        // In one go: what comes of the write is told after it, and is not forgotten with the rest.
        self.server.with(self.peer, |connection| {
            let promise = write(port, characteristic, &requester, offset, octets)?;
            if !port.hears_every(characteristic.cell) {
                for (index, _) in table.told_of(characteristic.cell) {
                    connection.forget(index);
                }
            }
            Ok(promise)
        })?
    }

    fn configure(&self, index: usize, octets: &[u8]) -> Result<(), RequestError> {
        let bits = <[u8; 2]>::try_from(octets)
            .map(u16::from_le_bytes)
            .map_err(|_| AttError::InvalidAttributeValueLength)?;
        let access = self.access(index);
        self.check_link(index, |security| security.notify)?;
        let by = match bits {
            0 => None,
            1 if access.notify => Some(Subscribed::Notify),
            2 if access.indicate => Some(Subscribed::Indicate),
            // As BlueZ answers. Both bits at once are legal, but it takes them for neither.
            _ => return Err(AttError::RequestNotSupported.into()),
        };
        let before = self.server.with(self.peer, |it| it.subscribe(index, by))?;
        if before != by.is_some() {
            self.server.announce_subscription(&self.address, index, by);
        }
        Ok(())
    }

    fn check_can_write(&self, index: usize) -> Result<(), RequestError> {
        if !self.access(index).write {
            return Err(AttError::WriteNotPermitted.into());
        }
        self.check_link(index, |security| security.write)
    }

    fn check_link(
        &self,
        index: usize,
        of: fn(Security) -> SecurityLevel,
    ) -> Result<(), RequestError> {
        let wanted = of(self.server.table.characteristic_at(index).security);
        let level = self.server.with(self.peer, |it| it.security)?;
        Ok(level.suffices_for(wanted)?)
    }

    fn access(&self, index: usize) -> crate::gatt::Access {
        self.server.table.characteristic_at(index).access
    }
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
