//! The Characteristic Presentation Format descriptor, 0x2904 (Core Spec 5.4, Vol 3, Part G, 3.3.3.5).

use super::float::FloatFormat;
use super::int::{IntWidth, Shown};
use super::{ByteOrder, Spec};

/// No unit (Assigned Numbers, 3.5).
pub const UNITLESS: u16 = 0x2700;

/// What the descriptor says beyond what the type says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presentation {
    /// A unit of the Assigned Numbers, 3.5.
    pub unit: u16,
    /// The number of the format (Assigned Numbers, 2.4.1), where it is not that of the type.
    pub format: Option<u8>,
}

impl Default for Presentation {
    fn default() -> Self {
        Self {
            unit: UNITLESS,
            format: None,
        }
    }
}

/// Format, exponent, unit, name space and description of a value: seven octets, little-endian. The
/// name space is 0x01 (Bluetooth SIG).
///
/// `None` for a value that the descriptor cannot describe truly: it knows numbers in little-endian
/// order only, so a central that trusted it would misread any other.
pub fn format(spec: &Spec, presentation: Presentation) -> Option<[u8; 7]> {
    let format = match presentation.format {
        Some(format) => format,
        None => natural_format(spec)?,
    };
    let (exponent, unit) = match spec {
        Spec::Int(spec) => match &spec.shown {
            // What is on the air is not in that unit, and no exponent makes it so.
            Shown::Scaled(scale) => match scale.exponent() {
                Some(exponent) => (exponent, presentation.unit),
                None => (0, UNITLESS),
            },
            Shown::Plain | Shown::Words(_) | Shown::Flags(_) => (0, presentation.unit),
        },
        Spec::Bool(_)
        | Spec::Float(_)
        | Spec::Text(_)
        | Spec::Bytes(_)
        | Spec::Json(_)
        | Spec::Struct(_)
        | Spec::Array(_) => (0, presentation.unit),
    };
    let [low, high] = unit.to_le_bytes();
    Some([format, exponent as u8, low, high, 0x01, 0x00, 0x00])
}

/// The number of a format by the name of a type (Assigned Numbers, 2.4.1).
pub fn format_named(name: &str) -> Option<u8> {
    Some(match name {
        "bool" => 0x01,
        "u8" => 0x04,
        "u16" => 0x06,
        "u24" => 0x07,
        "u32" => 0x08,
        "u64" => 0x0A,
        "i8" => 0x0C,
        "i16" => 0x0E,
        "i24" => 0x0F,
        "i32" => 0x10,
        "i64" => 0x12,
        "f32" => 0x14,
        "f64" => 0x15,
        "sfloat" => 0x16,
        "float" => 0x17,
        "utf8" => 0x19,
        "struct" | "bytes" => 0x1B,
        _ => return None,
    })
}

fn natural_format(spec: &Spec) -> Option<u8> {
    Some(match spec {
        Spec::Bool(_) => 0x01,
        Spec::Int(spec) => {
            if spec.width != IntWidth::W8 && spec.order == ByteOrder::Big {
                return None;
            }
            match (spec.width, spec.signed) {
                (IntWidth::W8, false) => 0x04,
                (IntWidth::W16, false) => 0x06,
                (IntWidth::W24, false) => 0x07,
                (IntWidth::W32, false) => 0x08,
                (IntWidth::W64, false) => 0x0A,
                (IntWidth::W8, true) => 0x0C,
                (IntWidth::W16, true) => 0x0E,
                (IntWidth::W24, true) => 0x0F,
                (IntWidth::W32, true) => 0x10,
                (IntWidth::W64, true) => 0x12,
            }
        }
        Spec::Float(spec) => match (spec.order, spec.format) {
            (ByteOrder::Big, _) => return None,
            (ByteOrder::Little, FloatFormat::F32) => 0x14,
            (ByteOrder::Little, FloatFormat::F64) => 0x15,
            (ByteOrder::Little, FloatFormat::Sfloat) => 0x16,
            (ByteOrder::Little, FloatFormat::Float) => 0x17,
        },
        Spec::Text(_) | Spec::Json(_) => 0x19,
        Spec::Bytes(_) | Spec::Struct(_) | Spec::Array(_) => 0x1B,
    })
}
