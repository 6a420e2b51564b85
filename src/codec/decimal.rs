//! Decimal numbers, exactly: people write scales and values in decimal, and judge rounding by it.

use std::fmt::{self, Write as _};

/// `digits × 10^exponent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    pub digits: i128,
    pub exponent: i32,
}

impl Decimal {
    pub const ZERO: Self = Self {
        digits: 0,
        exponent: 0,
    };

    /// The shortest decimal that reads back as this number; `None` for NaN and the infinities.
    pub fn of(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e')?;
        let fraction = mantissa.split_once('.').map_or(0, |(_, after)| after.len());
        Some(Self {
            digits: mantissa.replace('.', "").parse().ok()?,
            exponent: exponent.parse::<i32>().ok()? - i32::try_from(fraction).ok()?,
        })
    }

    /// A number as it is written: `0.01`, `-40`, `1e-3`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::of(text.parse().ok()?)
    }

    /// The number in units of its last of so many decimals, rounded half away from zero, if that fits.
    pub fn units(self, decimals: u8) -> Option<i128> {
        let exponent = self.exponent.checked_add(decimals.into())?;
        if exponent >= 0 {
            return self.scaled(decimals.into());
        }
        match 10i128.checked_pow(exponent.unsigned_abs()) {
            Some(power) => divide(self.digits, power),
            // Beyond 38 digits nothing is left of it.
            None => Some(0),
        }
    }

    /// How many digits stand after the point.
    pub fn decimals(self) -> u32 {
        if self.digits == 0 {
            return 0;
        }
        self.exponent.min(0).unsigned_abs()
    }

    /// The number times a power of ten, if that is a whole number that fits.
    pub fn scaled(self, power: u32) -> Option<i128> {
        if self.digits == 0 {
            return Some(0);
        }
        let exponent = self.exponent.checked_add(i32::try_from(power).ok()?)?;
        let factor = 10i128.checked_pow(u32::try_from(exponent).ok()?)?;
        self.digits.checked_mul(factor)
    }
}

/// The quotient, rounded half away from zero. `None` if it is not to be had in 128 bits.
pub fn divide(dividend: i128, divisor: i128) -> Option<i128> {
    let quotient = dividend.checked_div(divisor)?;
    let rest = dividend.checked_rem(divisor)?;
    let up = rest.unsigned_abs() >= divisor.unsigned_abs() - rest.unsigned_abs();
    let away = if (dividend < 0) == (divisor < 0) {
        1
    } else {
        -1
    };
    Some(if rest != 0 && up {
        quotient + away
    } else {
        quotient
    })
}

/// `units × 10^-decimals` as JSON writes it: no needless zeros, but a point where there are decimals,
/// as Python does it.
pub fn text(units: i128, decimals: u8) -> String {
    let mut out = String::new();
    push_text(units, decimals, &mut out);
    out
}

/// The same, appended to `out`.
pub(super) fn push_text(units: i128, decimals: u8, out: &mut String) {
    if decimals == 0 {
        push(out, format_args!("{units}"));
        return;
    }
    let digits = units.unsigned_abs();
    let (whole, fraction) = match 10u128.checked_pow(decimals.into()) {
        Some(one) => (digits / one, digits % one),
        // One is more than any number of units.
        None => (0, digits),
    };
    let sign = if units < 0 { "-" } else { "" };
    let width = usize::from(decimals);
    push(out, format_args!("{sign}{whole}.{fraction:0width$}"));
    let least = out.len() - width + 1;
    let needed = out.trim_end_matches('0').len();
    out.truncate(needed.max(least));
}

pub(super) fn push(out: &mut String, text: fmt::Arguments<'_>) {
    out.write_fmt(text)
        .expect("writing to a String cannot fail");
}
