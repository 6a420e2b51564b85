//! What the Bluetooth SIG has assigned (Assigned Numbers, section 3): UUIDs and their short forms, and the
//! names of services and units.

mod services;
mod units;

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

pub use services::services;
pub use units::{unit, unit_name, units};

/// 16 and 32 bit UUIDs stand for `xxxxxxxx-0000-1000-8000-00805F9B34FB` (Core Spec 5.4, Vol 3,
/// Part B, 2.5.1).
const BASE: u128 = 0x0000_0000_0000_1000_8000_0080_5F9B_34FB;

pub const GENERIC_ACCESS: BtUuid = BtUuid::short(0x1800);
pub const GENERIC_ATTRIBUTE: BtUuid = BtUuid::short(0x1801);
pub const CHARACTERISTIC_USER_DESCRIPTION: BtUuid = BtUuid::short(0x2901);
pub const CLIENT_CHARACTERISTIC_CONFIGURATION: BtUuid = BtUuid::short(0x2902);
pub const CHARACTERISTIC_PRESENTATION_FORMAT: BtUuid = BtUuid::short(0x2904);

/// A UUID as Bluetooth uses it, shown in its shortest form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BtUuid(pub Uuid);

impl BtUuid {
    pub const fn short(value: u32) -> Self {
        Self(Uuid::from_u128(BASE | (value as u128) << 96))
    }

    /// The 16 or 32 bit form, if it has one.
    pub fn as_short(self) -> Option<u32> {
        let value = self.0.as_u128();
        (value & !(0xFFFF_FFFF << 96) == BASE).then_some((value >> 96) as u32)
    }

    /// As it stands in an attribute: 2 octets or 16, little-endian (Core Spec 5.4, Vol 3, Part F,
    /// 3.2.1: a 32 bit UUID is sent as its long form).
    pub fn octets(self) -> Vec<u8> {
        match self.as_short().and_then(|short| u16::try_from(short).ok()) {
            Some(short) => short.to_le_bytes().to_vec(),
            None => self.0.as_u128().to_le_bytes().to_vec(),
        }
    }
}

impl fmt::Display for BtUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_short() {
            Some(value) if value <= 0xFFFF => write!(f, "0x{value:04X}"),
            Some(value) => write!(f, "0x{value:08X}"),
            None => write!(f, "{}", self.0),
        }
    }
}

impl FromStr for BtUuid {
    type Err = String;

    /// `180A`, `0x180A`, `0000180A` or `7a4bbfe6-999f-4717-b63a-066e06971f59`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text
            .strip_prefix("0x")
            .or_else(|| text.strip_prefix("0X"))
            .unwrap_or(text);
        if matches!(digits.len(), 4 | 8) && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            let value = u32::from_str_radix(digits, 16).map_err(|error| error.to_string())?;
            return Ok(Self::short(value));
        }
        if text.len() == 36
            && let Ok(uuid) = Uuid::try_parse(text)
        {
            return Ok(Self(uuid));
        }
        Err(format!("`{text}` is no UUID"))
    }
}
