//! What a value may be: its type and its constraints. Everything else about it is derived from here.

use super::{Cause, Value, Violation};

/// The longest attribute value: 512 octets (Core Spec 5.4, Vol 3, Part F, 3.2.9).
pub const MAX_LENGTH: usize = 512;

/// Octets of an integer on the air.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntWidth {
    W8 = 1,
    W16 = 2,
    W32 = 4,
    W64 = 8,
}

/// Octets of an IEEE 754 number on the air.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloatWidth {
    W32 = 4,
    W64 = 8,
}

/// Order of the octets of a number on the air. Bluetooth's own characteristics are little-endian.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ByteOrder {
    #[default]
    Little,
    Big,
}

/// What happens to a number outside its range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// It is refused, and the value stays what it was.
    #[default]
    Reject,
    /// The nearest bound is taken.
    Clamp,
    /// It goes round: one above `max` is `min`. Integers only.
    Wrap,
}

/// Type and constraints of a value. Bounds are inclusive, lengths are in octets.
#[derive(Clone, Debug, PartialEq)]
pub enum Spec {
    /// One octet, 0 or 1.
    Bool,
    Int {
        width: IntWidth,
        signed: bool,
        order: ByteOrder,
        min: i128,
        max: i128,
        overflow: Overflow,
    },
    /// Never [`Overflow::Wrap`]: going round has no meaning between two floats.
    Float {
        width: FloatWidth,
        order: ByteOrder,
        min: f64,
        max: f64,
        overflow: Overflow,
    },
    Utf8 {
        max_length: usize,
    },
    Bytes {
        max_length: usize,
    },
}

/// A value that has met its constraints.
#[derive(Clone, Debug, PartialEq)]
pub struct Admitted {
    pub value: Value,
    /// It was out of range and has been clamped or wrapped.
    pub adjusted: bool,
}

impl IntWidth {
    /// Everything that an integer of this width can be, both ends included.
    pub fn range(self, signed: bool) -> (i128, i128) {
        let bits = 8 * self as u32;
        if signed {
            (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
        } else {
            (0, (1 << bits) - 1)
        }
    }
}

impl FloatWidth {
    /// The nearest number that this width can hold; beyond its largest, an infinity.
    pub fn quantise(self, value: f64) -> f64 {
        match self {
            Self::W32 => f64::from(value as f32),
            Self::W64 => value,
        }
    }

    /// Everything that a finite number of this width can be.
    pub fn range(self) -> (f64, f64) {
        match self {
            Self::W32 => (f64::from(f32::MIN), f64::from(f32::MAX)),
            Self::W64 => (f64::MIN, f64::MAX),
        }
    }
}

impl Spec {
    /// The value as it will be kept: checked against the constraints, and quantised to what the type
    /// can hold, so that equality is judged on what everybody sees.
    ///
    /// # Errors
    /// A [`Violation`] when the value is of another type or breaks a constraint that rejects.
    pub fn admit(&self, value: Value) -> Result<Admitted, Violation> {
        match (self, value) {
            (Self::Bool, value @ Value::Bool(_)) => Ok(Admitted {
                value,
                adjusted: false,
            }),
            (
                &Self::Int {
                    min, max, overflow, ..
                },
                Value::Int(value),
            ) => admit_int(value, min, max, overflow),
            (Self::Float { .. }, Value::Int(value)) => self.admit(Value::Float(value as f64)),
            (
                &Self::Float {
                    width,
                    min,
                    max,
                    overflow,
                    ..
                },
                Value::Float(value),
            ) => admit_float(value, width, min, max, overflow),
            (&Self::Utf8 { max_length }, Value::Text(text)) => {
                admit_length(text.len(), max_length)?;
                Ok(Admitted {
                    value: Value::Text(text),
                    adjusted: false,
                })
            }
            (&Self::Bytes { max_length }, Value::Bytes(bytes)) => {
                admit_length(bytes.len(), max_length)?;
                Ok(Admitted {
                    value: Value::Bytes(bytes),
                    adjusted: false,
                })
            }
            (spec, value) => Err(Violation::new(
                Cause::WrongType,
                format!("{value} is no {}", spec.noun()),
            )),
        }
    }

    /// What a value of this type is called in a sentence.
    pub fn noun(&self) -> &'static str {
        match self {
            Self::Bool => "boolean",
            Self::Int { .. } => "integer",
            Self::Float { .. } => "number",
            Self::Utf8 { .. } => "text",
            Self::Bytes { .. } => "byte string",
        }
    }

    /// Whether there is arithmetic on the value, so that something can step it.
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Int { .. } | Self::Float { .. })
    }

    /// Whether there are bytes that a central can write and that are refused, be it for their number.
    pub fn can_refuse(&self) -> bool {
        !matches!(self, Self::Bytes { max_length } if *max_length == MAX_LENGTH)
    }
}

fn admit_int(value: i128, min: i128, max: i128, overflow: Overflow) -> Result<Admitted, Violation> {
    let held = match overflow {
        _ if (min..=max).contains(&value) => value,
        Overflow::Reject => return Err(out_of_range(value, min, max)),
        Overflow::Clamp => value.clamp(min, max),
        // The span fits: bounds are at most 64 bits wide. The subtraction saturates only for values
        // that no integer type could hold, where every answer inside the range is as good.
        Overflow::Wrap => min + value.saturating_sub(min).rem_euclid(max - min + 1),
    };
    Ok(Admitted {
        value: Value::Int(held),
        adjusted: held != value,
    })
}

fn admit_float(
    value: f64,
    width: FloatWidth,
    min: f64,
    max: f64,
    overflow: Overflow,
) -> Result<Admitted, Violation> {
    if !value.is_finite() {
        return Err(Violation::new(
            Cause::NotFinite,
            format!("{value} is not a finite number"),
        ));
    }
    // The bounds are seen as the type holds them: the 32 bit number 0.1 is above the 64 bit one.
    let (lowest, highest) = width.range();
    let (least, most) = (
        width.quantise(min).max(lowest),
        width.quantise(max).min(highest),
    );
    // Adding zero turns -0.0 into 0.0: one zero on every topic.
    let held = width.quantise(value) + 0.0;
    if (least..=most).contains(&held) {
        return Ok(Admitted {
            value: Value::Float(held),
            adjusted: false,
        });
    }
    match overflow {
        Overflow::Clamp => {
            let bound = held.clamp(least, most) + 0.0;
            Ok(Admitted {
                value: Value::Float(bound),
                adjusted: true,
            })
        }
        Overflow::Reject | Overflow::Wrap => Err(out_of_range(value, min, max)),
    }
}

fn out_of_range<T: std::fmt::Display>(value: T, min: T, max: T) -> Violation {
    Violation::new(
        Cause::OutOfRange,
        format!("{value} is outside {min} … {max}"),
    )
}

fn admit_length(length: usize, max_length: usize) -> Result<(), Violation> {
    if length <= max_length {
        return Ok(());
    }
    let detail = format!("{length} bytes are more than the {max_length} that the value may have");
    Err(Violation::new(Cause::TooLong, detail))
}
