//! ATT's own words: error codes, and the few packets that the measuring central needs.

use std::fmt;

/// The code of an ATT error (Core Spec 5.4, Vol 3, Part F, 3.4.1.1).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AttError(pub u8);

impl AttError {
    pub const INVALID_HANDLE: Self = Self(0x01);
    pub const READ_NOT_PERMITTED: Self = Self(0x02);
    pub const WRITE_NOT_PERMITTED: Self = Self(0x03);
    pub const INSUFFICIENT_AUTHENTICATION: Self = Self(0x05);
    pub const REQUEST_NOT_SUPPORTED: Self = Self(0x06);
    pub const INVALID_OFFSET: Self = Self(0x07);
    pub const ATTRIBUTE_NOT_FOUND: Self = Self(0x0A);
    pub const INSUFFICIENT_AUTHORIZATION: Self = Self(0x08);
    pub const INVALID_ATTRIBUTE_VALUE_LENGTH: Self = Self(0x0D);
    pub const UNLIKELY: Self = Self(0x0E);
    pub const INSUFFICIENT_ENCRYPTION: Self = Self(0x0F);
    /// Core Specification Supplement 11, Part B, 1.2.
    pub const PROCEDURE_IN_PROGRESS: Self = Self(0xFE);
}

impl fmt::Debug for AttError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AttError(0x{:02X})", self.0)
    }
}

impl fmt::Display for AttError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ATT error 0x{:02X}", self.0)
    }
}

impl std::error::Error for AttError {}

/// A client's packets, with what it has to answer (Core Spec 5.4, Vol 3, Part F, 3.4).
pub(super) mod pdu {
    use uuid::Uuid;

    pub const ERROR: u8 = 0x01;
    pub const MTU_REQUEST: u8 = 0x02;
    pub const MTU_RESPONSE: u8 = 0x03;
    pub const NOTIFICATION: u8 = 0x1B;
    pub const INDICATION: u8 = 0x1D;
    pub const CONFIRMATION: u8 = 0x1E;
    const FIND_INFORMATION_REQUEST: u8 = 0x04;
    const READ_BY_TYPE_REQUEST: u8 = 0x08;
    const READ_REQUEST: u8 = 0x0A;
    const READ_BLOB_REQUEST: u8 = 0x0C;
    const WRITE_REQUEST: u8 = 0x12;
    /// Every other request, and every response.
    const REQUESTS: [u8; 12] = [
        0x02, 0x04, 0x06, 0x08, 0x0A, 0x0C, 0x0E, 0x10, 0x12, 0x16, 0x18, 0x20,
    ];
    const CHARACTERISTIC: u16 = 0x2803;

    pub fn is_request(opcode: u8) -> bool {
        REQUESTS.contains(&opcode)
    }

    /// Whether it may be what a request was waiting for.
    pub fn is_response(opcode: u8) -> bool {
        opcode == ERROR || is_request(opcode.wrapping_sub(1))
    }

    pub fn mtu(opcode: u8, mtu: u16) -> Vec<u8> {
        with(opcode, &[mtu], &[])
    }

    /// Nothing is found here: a central is no server.
    pub fn nothing(request: &[u8]) -> Vec<u8> {
        let handle = u16_at(request, 1).unwrap_or_default();
        let mut pdu = vec![ERROR, request[0]];
        pdu.extend(handle.to_le_bytes());
        pdu.push(super::AttError::ATTRIBUTE_NOT_FOUND.0);
        pdu
    }

    pub fn characteristics_from(handle: u16) -> Vec<u8> {
        with(
            READ_BY_TYPE_REQUEST,
            &[handle, u16::MAX, CHARACTERISTIC],
            &[],
        )
    }

    pub fn information(first: u16, last: u16) -> Vec<u8> {
        with(FIND_INFORMATION_REQUEST, &[first, last], &[])
    }

    pub fn read(handle: u16, offset: u16) -> Vec<u8> {
        match offset {
            0 => with(READ_REQUEST, &[handle], &[]),
            _ => with(READ_BLOB_REQUEST, &[handle, offset], &[]),
        }
    }

    pub fn write(handle: u16, octets: &[u8]) -> Vec<u8> {
        with(WRITE_REQUEST, &[handle], octets)
    }

    fn with(opcode: u8, numbers: &[u16], rest: &[u8]) -> Vec<u8> {
        let mut pdu = vec![opcode];
        pdu.extend(numbers.iter().flat_map(|it| it.to_le_bytes()));
        pdu.extend(rest);
        pdu
    }

    pub fn u16_at(pdu: &[u8], index: usize) -> Option<u16> {
        let octets = pdu.get(index..index + 2)?;
        Some(u16::from_le_bytes([octets[0], octets[1]]))
    }

    /// A characteristic, as it is declared.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Declared {
        pub handle: u16,
        pub properties: u8,
        pub value: u16,
        pub uuid: Uuid,
    }

    /// What a Read By Type response lists.
    pub fn declared(response: &[u8]) -> Vec<Declared> {
        let length = usize::from(*response.get(1).unwrap_or(&0)).max(1);
        let entries = response.get(2..).unwrap_or_default().chunks_exact(length);
        let entries = entries.filter_map(|entry| {
            Some(Declared {
                handle: u16_at(entry, 0)?,
                properties: *entry.get(2)?,
                value: u16_at(entry, 3)?,
                uuid: uuid(entry.get(5..)?)?,
            })
        });
        entries.collect()
    }

    /// Where a Find Information response has the Client Characteristic Configuration, and the last handle in it.
    pub fn configuration(response: &[u8]) -> (Option<u16>, Option<u16>) {
        let length = if response.get(1) == Some(&1) { 4 } else { 18 };
        let entries = response.get(2..).unwrap_or_default().chunks_exact(length);
        let found = entries
            .clone()
            .find(|entry| length == 4 && u16_at(entry, 2) == Some(0x2902));
        let handle = |entry: &[u8]| u16_at(entry, 0);
        (found.and_then(handle), entries.last().and_then(handle))
    }

    fn uuid(octets: &[u8]) -> Option<Uuid> {
        const BASE: u128 = 0x0000_0000_0000_1000_8000_0080_5F9B_34FB;
        match octets.len() {
            2 => Some(Uuid::from_u128(u128::from(u16_at(octets, 0)?) << 96 | BASE)),
            16 => Some(Uuid::from_u128(u128::from_le_bytes(
                octets.try_into().ok()?,
            ))),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::pdu::{Declared, configuration, declared, is_request, is_response, nothing};

    #[test]
    fn what_a_server_lists_is_understood() {
        let mut long = vec![0x09, 21, 0x10, 0x00, 0x12, 0x11, 0x00];
        let uuid: uuid::Uuid = "7a4b0001-999f-4717-b63a-066e06971f59".parse().expect("one");
        long.extend(uuid.as_bytes().iter().rev());
        let expected = Declared {
            handle: 0x10,
            properties: 0x12,
            value: 0x11,
            uuid,
        };
        assert_eq!(declared(&long), [expected]);
        let short = declared(&[0x09, 7, 0x02, 0x00, 0x02, 0x03, 0x00, 0x00, 0x2A]);
        assert!(short[0].uuid.to_string().starts_with("00002a00-0000-1000"));
        let listed = [0x05, 1, 0x12, 0, 0x01, 0x29, 0x13, 0, 0x02, 0x29];
        assert_eq!(configuration(&listed), (Some(0x13), Some(0x13)));
        assert_eq!(configuration(&listed[..6]), (None, Some(0x12)));
    }

    #[test]
    fn a_request_is_no_response() {
        assert!(is_request(0x08) && !is_response(0x08));
        assert!(is_response(0x09) && is_response(0x01) && !is_request(0x1B));
        assert_eq!(nothing(&[0x10, 1, 0, 0xFF, 0xFF]), [0x01, 0x10, 1, 0, 0x0A]);
    }
}
