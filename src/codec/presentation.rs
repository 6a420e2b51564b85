//! The Characteristic Presentation Format descriptor, 0x2904 (Core Spec 5.4, Vol 3, Part G, 3.3.3.5).

use super::{ByteOrder, FloatWidth, IntWidth, Spec};

/// Format, exponent, unit, name space and description of a value: seven octets, little-endian. The
/// unit is 0x2700 (unitless) and the name space 0x01 (Bluetooth SIG), as long as nothing else is
/// declared. The format numbers are from the Assigned Numbers, section 2.4.1.
///
/// `None` for a value that the descriptor cannot describe truly: it knows numbers in little-endian
/// order only, so a central that trusted it would misread any other.
pub fn format(spec: &Spec) -> Option<[u8; 7]> {
    let format = match *spec {
        Spec::Bool => 0x01,
        Spec::Int {
            width,
            signed,
            order,
            ..
        } => {
            if width != IntWidth::W8 && order == ByteOrder::Big {
                return None;
            }
            match (width, signed) {
                (IntWidth::W8, false) => 0x04,
                (IntWidth::W16, false) => 0x06,
                (IntWidth::W32, false) => 0x08,
                (IntWidth::W64, false) => 0x0A,
                (IntWidth::W8, true) => 0x0C,
                (IntWidth::W16, true) => 0x0E,
                (IntWidth::W32, true) => 0x10,
                (IntWidth::W64, true) => 0x12,
            }
        }
        Spec::Float {
            order: ByteOrder::Big,
            ..
        } => return None,
        Spec::Float {
            width: FloatWidth::W32,
            ..
        } => 0x14,
        Spec::Float {
            width: FloatWidth::W64,
            ..
        } => 0x15,
        Spec::Utf8 { .. } => 0x19,
        Spec::Bytes { .. } => 0x1B,
    };
    Some([format, 0x00, 0x00, 0x27, 0x01, 0x00, 0x00])
}
