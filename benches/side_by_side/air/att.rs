//! ATT's own words: error codes, and the few packets that the measuring central needs.

use std::fmt;

/// The code of an ATT error (Core Spec 5.4, Vol 3, Part F, 3.4.1.1).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AttError(pub u8);

impl AttError {
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
