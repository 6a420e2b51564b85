//! The address of a Bluetooth device.

use std::fmt;
use std::str::FromStr;

/// Six octets (Core Spec 5.4, Vol 6, Part B, 1.3), the most significant first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub [u8; 6]);

impl FromStr for Address {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        let mut octets = [0; 6];
        let mut parts = text.split(':');
        for octet in &mut octets {
            let part = parts.next().ok_or(NoAddress)?;
            let is_hex = part.len() == 2 && part.bytes().all(|digit| digit.is_ascii_hexdigit());
            *octet = u8::from_str_radix(part, 16)
                .ok()
                .filter(|_| is_hex)
                .ok_or(NoAddress)?;
        }
        match parts.next() {
            None => Ok(Self(octets)),
            Some(_) => Err(NoAddress),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, octet) in self.0.iter().enumerate() {
            let colon = if index == 0 { "" } else { ":" };
            write!(f, "{colon}{octet:02X}")?;
        }
        Ok(())
    }
}

/// It is not six octets in hexadecimal, with colons between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoAddress;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_six_octets_with_colons() {
        let address: Address = "b8:27:EB:12:34:56".parse().expect("an address");
        assert_eq!(address.to_string(), "B8:27:EB:12:34:56");
        for wrong in [
            "",
            "B8:27:EB:12:34",
            "B8:27:EB:12:34:56:78",
            "B8:27:EB:12:34:+6",
            "hci0",
        ] {
            assert_eq!(wrong.parse::<Address>(), Err(NoAddress), "{wrong}");
        }
    }
}
