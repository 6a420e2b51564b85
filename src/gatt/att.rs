//! What a read or a write request means (Core Spec 5.4, Vol 3, Part F, 3.4.4 and 3.4.5).

use std::fmt;

use super::Characteristic;
use crate::codec::{Cause, MAX_LENGTH, Spec, Value, Violation, att};
use crate::engine::PeerId;
use crate::plugin::{NotKept, Port, Promise, Sender};

/// ATT error codes that a server here answers with (Core Spec 5.4, Vol 3, Part F, 3.4.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttError {
    InvalidHandle = 0x01,
    ReadNotPermitted = 0x02,
    WriteNotPermitted = 0x03,
    InsufficientAuthentication = 0x05,
    RequestNotSupported = 0x06,
    InvalidOffset = 0x07,
    PrepareQueueFull = 0x09,
    AttributeNotFound = 0x0A,
    InvalidAttributeValueLength = 0x0D,
    InsufficientEncryption = 0x0F,
    /// The first application error. Out of range would be 0x13 (Value Not Allowed) or 0xFF (Out of
    /// Range, Supplement Part B), but BlueZ lets an application answer with 0x80 … 0x9F only, and an
    /// error must not depend on which adapter serves.
    Refused = 0x80,
    /// Nothing is wrong with what was written, but what its response promises (`ack`) is not so: it is
    /// not in the journal, not with the broker, or not confirmed.
    NotKept = 0x81,
}

impl AttError {
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for AttError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ATT error 0x{:02X} ({self:?})", self.code())
    }
}

impl std::error::Error for AttError {}

impl From<&Violation> for AttError {
    fn from(violation: &Violation) -> Self {
        match violation.cause {
            Cause::WrongLength | Cause::TooLong | Cause::TooShort => {
                Self::InvalidAttributeValueLength
            }
            Cause::InvalidOffset => Self::InvalidOffset,
            Cause::Constant => Self::WriteNotPermitted,
            Cause::MalformedJson
            | Cause::InvalidUtf8
            | Cause::MissingKey
            | Cause::WrongType
            | Cause::OutOfRange
            | Cause::NotFinite
            | Cause::OffStep
            | Cause::NotAllowed
            | Cause::Pattern
            | Cause::QueueFull
            | Cause::Unasked
            | Cause::RetainedCommand
            | Cause::Gone => Self::Refused,
            Cause::NotKept => Self::NotKept,
        }
    }
}

impl From<NotKept> for AttError {
    fn from(reason: NotKept) -> Self {
        match reason {
            NotKept::Journal | NotKept::Carrier | NotKept::Owner | NotKept::Time => Self::NotKept,
        }
    }
}

/// The central that makes a request.
#[derive(Clone, Copy, Debug)]
pub struct Requester<'a> {
    pub peer: PeerId,
    /// As people know it.
    pub address: &'a str,
}

/// The octets of a value.
pub fn encode(spec: &Spec, value: &Value) -> Vec<u8> {
    let mut octets = Vec::with_capacity(8);
    att::encode(spec, value, &mut octets);
    octets
}

/// The octets of a characteristic from `offset` on, for a Read or a Read Blob request; the adapter
/// cuts them to the MTU.
///
/// # Errors
/// [`AttError::ReadNotPermitted`]; [`AttError::InvalidOffset`] beyond the end (the end itself gives
/// no octets); [`AttError::Refused`] while a remote owner has not said what the value is.
pub fn read(
    port: &Port,
    characteristic: &Characteristic,
    offset: usize,
) -> Result<Vec<u8>, AttError> {
    if !characteristic.access.read {
        return Err(AttError::ReadNotPermitted);
    }
    let value = port.value(characteristic.cell).ok_or(AttError::Refused)?;
    let mut octets = encode(&characteristic.spec, &value);
    if offset > octets.len() {
        return Err(AttError::InvalidOffset);
    }
    octets.drain(..offset);
    Ok(octets)
}

/// A write by a central, as one piece: for a long write, what all its parts together are, with the
/// offset of the first. Octets before the offset stay. The response has to wait for what it promises.
///
/// # Errors
/// The ATT error for the central; the reason has then been counted, announced and, the first time,
/// logged.
pub fn write(
    port: &Port,
    characteristic: &Characteristic,
    central: &Requester<'_>,
    offset: usize,
    octets: &[u8],
) -> Result<Promise, AttError> {
    if !characteristic.access.is_writable() {
        return Err(AttError::WriteNotPermitted);
    }
    let Characteristic { spec, cell, .. } = characteristic;
    let sender = Sender {
        peer: Some(central.peer),
        by: Some(central.address),
        payload: octets,
        withheld: false,
    };
    splice(
        port.value(*cell).filter(|_| offset > 0).as_ref(),
        spec,
        offset,
        octets,
    )
    .and_then(|whole| att::decode(spec, &whole))
    .map_err(|violation| port.refuse(Some(*cell), violation, &sender))
    .and_then(|value| port.write(*cell, value, &sender))
    .map_err(|violation| AttError::from(&violation))
}

fn splice(
    current: Option<&Value>,
    spec: &Spec,
    offset: usize,
    octets: &[u8],
) -> Result<Vec<u8>, Violation> {
    let mut whole = current.map(|value| encode(spec, value)).unwrap_or_default();
    if offset > whole.len() {
        let detail = format!(
            "offset {offset} is beyond the {} bytes that are there",
            whole.len()
        );
        return Err(Violation::new(Cause::InvalidOffset, detail));
    }
    whole.truncate(offset);
    whole.extend_from_slice(octets);
    if whole.len() > MAX_LENGTH {
        let detail = format!("{} bytes are more than an attribute can hold", whole.len());
        return Err(Violation::new(Cause::WrongLength, detail));
    }
    Ok(whole)
}
