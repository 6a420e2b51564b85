//! The decimal floats of medical devices (IEEE 11073-20601; GATT Specification Supplement, 2.2): a
//! mantissa and a power of ten, each in two's complement.

use super::decimal::{Decimal, divide};

/// A format: how many bits of mantissa, how many of exponent.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    mantissa_bits: u32,
    exponent_bits: u32,
}

/// 12 bits of mantissa, 4 of exponent.
pub const SFLOAT: Format = Format {
    mantissa_bits: 12,
    exponent_bits: 4,
};
/// 24 bits of mantissa, 8 of exponent.
pub const FLOAT: Format = Format {
    mantissa_bits: 24,
    exponent_bits: 8,
};

/// What an encoded number is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Read {
    Number(f64),
    /// NaN, or NRes: not at this resolution.
    Nan,
    /// An infinity, or the reserved value.
    NotFinite,
}

impl Format {
    /// The five largest magnitudes are for NaN, NRes, the infinities and the reserved value.
    fn mantissa_max(self) -> i128 {
        (1 << (self.mantissa_bits - 1)) - 3
    }

    fn exponent_max(self) -> i32 {
        (1 << (self.exponent_bits - 1)) - 1
    }

    /// The largest number.
    pub fn max(self) -> f64 {
        value(self.mantissa_max(), self.exponent_max())
    }

    /// The nearest number that the format can hold; an infinity beyond the largest.
    pub fn quantise(self, number: f64) -> f64 {
        match self.parts(number) {
            Some((mantissa, exponent)) => value(mantissa, exponent),
            None => f64::INFINITY.copysign(number),
        }
    }

    /// The octets of a number that has been quantised, or NaN, as one integer.
    pub fn encode(self, number: Option<f64>) -> u32 {
        let mask = (1u32 << self.mantissa_bits) - 1;
        match number.and_then(|number| self.parts(number)) {
            Some((mantissa, exponent)) => {
                (exponent as u32) << self.mantissa_bits | (mantissa as u32 & mask)
            }
            None => mask >> 1,
        }
    }

    pub fn decode(self, bits: u32) -> Read {
        let unused = 32 - self.mantissa_bits;
        let mantissa = ((bits << unused) as i32) >> unused;
        let width = self.mantissa_bits + self.exponent_bits;
        let exponent = ((bits << (32 - width)) as i32) >> (32 - self.exponent_bits);
        let limit = 1i32 << (self.mantissa_bits - 1);
        if exponent == 0 {
            if mantissa == limit - 1 || mantissa == -limit {
                return Read::Nan;
            }
            if mantissa == limit - 2 || mantissa == -limit + 1 || mantissa == -limit + 2 {
                return Read::NotFinite;
            }
        }
        Read::Number(value(mantissa.into(), exponent))
    }

    /// Mantissa and exponent with the most digits that fit, no needless decimals, and no power of ten that
    /// the mantissa could hold itself: some readers look at nothing else.
    fn parts(self, number: f64) -> Option<(i128, i32)> {
        let Decimal {
            mut digits,
            mut exponent,
        } = Decimal::of(number)?;
        let lowest = -self.exponent_max() - 1;
        let mut drop = u32::try_from((lowest - exponent).max(0)).ok()?;
        loop {
            // Rounded in one go: rounding what has been rounded is off.
            let kept = match 10i128.checked_pow(drop) {
                Some(power) => divide(digits, power)?,
                None => 0,
            };
            if kept.abs() <= self.mantissa_max() {
                exponent += drop as i32;
                digits = kept;
                break;
            }
            drop += 1;
        }
        if digits == 0 {
            return Some((0, 0));
        }
        while exponent > self.exponent_max() {
            digits *= 10;
            exponent -= 1;
            if digits.abs() > self.mantissa_max() {
                return None;
            }
        }
        while exponent > 0 && (10 * digits).abs() <= self.mantissa_max() {
            digits *= 10;
            exponent -= 1;
        }
        while digits % 10 == 0 && exponent < 0 {
            digits /= 10;
            exponent += 1;
        }
        Some((digits, exponent))
    }
}

fn value(mantissa: i128, exponent: i32) -> f64 {
    format!("{mantissa}e{exponent}").parse().unwrap_or(f64::NAN)
}
