//! A whole number on the air that stands for another one: `shown = (raw × factor + offset) / divisor`,
//! in whole numbers, so that nothing depends on how a machine rounds.

use super::decimal::{self, Decimal, divide};

/// The most decimals of a scale, and the most digits of the numbers that make it.
pub const MAX_DECIMALS: u32 = 9;
const MAX_NUMBER: i128 = 10i128.pow(12);
/// JSON has numbers of about 15 digits.
const MAX_SHOWN: i128 = 10i128.pow(15);

/// From a raw number to the one that is shown, and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    factor: i128,
    offset: i128,
    divisor: i128,
    decimals: u8,
    /// The power of ten that it is, where it is one and nothing else.
    exponent: Option<i8>,
}

/// What is wrong with a declared scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScaleError {
    /// All numbers would become the same.
    Zero,
    /// More digits than can be reckoned with exactly.
    TooFine,
}

impl Scale {
    /// `shown = raw × by + offset`.
    ///
    /// # Errors
    /// A [`ScaleError`].
    pub fn linear(by: Decimal, offset: Decimal, decimals: Option<u8>) -> Result<Self, ScaleError> {
        if by.digits == 0 {
            return Err(ScaleError::Zero);
        }
        check(decimals)?;
        let power = by.decimals().max(offset.decimals());
        let (factor, shift) = (fine(by, power)?, fine(offset, power)?);
        let natural = u8::try_from(power).map_err(|_| ScaleError::TooFine)?;
        let exponent = i8::try_from(by.exponent).ok();
        Ok(Self {
            factor,
            offset: shift,
            divisor: 10i128.pow(power),
            decimals: decimals.unwrap_or(natural),
            exponent: exponent.filter(|_| by.digits == 1 && offset.digits == 0),
        })
    }

    /// The raw numbers `from` become `to`, and all between them accordingly.
    ///
    /// # Errors
    /// A [`ScaleError`].
    pub fn range(
        from: (i128, i128),
        to: (Decimal, Decimal),
        decimals: Option<u8>,
    ) -> Result<Self, ScaleError> {
        check(decimals)?;
        let power = to.0.decimals().max(to.1.decimals());
        let (low, high) = (fine(to.0, power)?, fine(to.1, power)?);
        let (span, width) = (high - low, from.1 - from.0);
        if span == 0 || width == 0 {
            return Err(ScaleError::Zero);
        }
        let divisor = 10i128.pow(power) * width;
        // What JSON shows times the divisor has to be reckoned exactly.
        divisor.checked_mul(MAX_SHOWN).ok_or(ScaleError::TooFine)?;
        // As many digits as keep two raw numbers apart.
        let apart = (0..=MAX_DECIMALS)
            .find(|digits| (span * 10i128.pow(*digits)).abs() >= divisor.abs())
            .unwrap_or(MAX_DECIMALS);
        Ok(Self {
            factor: span,
            offset: low * width - from.0 * span,
            divisor,
            decimals: decimals.unwrap_or(apart as u8),
            exponent: None,
        })
    }

    /// The number that is shown, as JSON.
    pub fn show(&self, raw: i128) -> String {
        decimal::text(self.units(raw), self.decimals)
    }

    /// The same, appended to `out`.
    pub(super) fn push_shown(&self, raw: i128, out: &mut String) {
        decimal::push_text(self.units(raw), self.decimals, out);
    }

    /// The number that is shown, in units of its last decimal.
    pub fn units(&self, raw: i128) -> i128 {
        let power = 10i128.pow(self.decimals.into());
        raw.checked_mul(self.factor)
            .and_then(|product| product.checked_add(self.offset))
            .and_then(|sum| sum.checked_mul(power))
            .and_then(|sum| divide(sum, self.divisor))
            .unwrap_or_else(|| {
                let sum = raw as f64 * self.factor as f64 + self.offset as f64;
                (sum / self.divisor as f64 * power as f64).round() as i128
            })
    }

    /// The raw number that comes nearest to a shown one; half away from zero, except where its
    /// neighbour is the one that is shown so.
    pub fn raw(&self, shown: Decimal) -> i128 {
        let nearest = self.solve(shown, self.offset);
        let units = match shown.decimals() <= self.decimals.into() {
            true => shown.units(self.decimals),
            // Nothing is ever shown so finely.
            false => None,
        };
        let Some(units) = units else { return nearest };
        let near = [
            nearest,
            nearest.saturating_sub(1),
            nearest.saturating_add(1),
        ];
        let found = near.into_iter().find(|raw| self.units(*raw) == units);
        found.unwrap_or(nearest)
    }

    /// The difference between raw numbers for one between shown ones, if there is exactly such a one.
    pub fn raw_step(&self, difference: Decimal) -> Option<i128> {
        let raw = self.solve(difference, 0);
        let power = difference.exponent.min(0).unsigned_abs();
        let wanted = difference.scaled(power)?.checked_mul(self.divisor)?;
        let got = raw.checked_mul(self.factor)?;
        (got.checked_mul(10i128.checked_pow(power)?)? == wanted).then_some(raw)
    }

    /// Whether JSON shows a number without rounding it.
    pub fn is_exact(&self, raw: i128) -> bool {
        let power = 10i128.pow(self.decimals.into());
        raw.checked_mul(self.factor)
            .and_then(|product| product.checked_add(self.offset))
            .and_then(|sum| sum.checked_mul(power))
            .is_some_and(|sum| sum % self.divisor == 0)
    }

    pub fn decimals(&self) -> u8 {
        self.decimals
    }

    /// The exponent for the presentation format: `shown = raw × 10^exponent`.
    pub fn exponent(&self) -> Option<i8> {
        self.exponent
    }

    /// Whether larger raw numbers are smaller when they are shown.
    pub fn is_falling(&self) -> bool {
        (self.factor < 0) != (self.divisor < 0)
    }

    fn solve(&self, shown: Decimal, offset: i128) -> i128 {
        self.solve_exactly(shown, offset).unwrap_or_else(|| {
            let shown = shown.digits as f64 * 10f64.powi(shown.exponent);
            ((shown * self.divisor as f64 - offset as f64) / self.factor as f64).round() as i128
        })
    }

    fn solve_exactly(&self, shown: Decimal, offset: i128) -> Option<i128> {
        let power = 10i128.checked_pow(shown.exponent.unsigned_abs())?;
        let (above, below) = match shown.exponent < 0 {
            true => (1, power),
            false => (power, 1),
        };
        let scaled = shown.digits.checked_mul(above)?.checked_mul(self.divisor)?;
        let dividend = scaled.checked_sub(offset.checked_mul(below)?)?;
        divide(dividend, self.factor.checked_mul(below)?)
    }
}

fn check(decimals: Option<u8>) -> Result<(), ScaleError> {
    match decimals.is_none_or(|decimals| u32::from(decimals) <= MAX_DECIMALS) {
        true => Ok(()),
        false => Err(ScaleError::TooFine),
    }
}

fn fine(number: Decimal, power: u32) -> Result<i128, ScaleError> {
    let scaled = number.scaled(power).filter(|_| power <= MAX_DECIMALS);
    scaled
        .filter(|scaled| scaled.abs() <= MAX_NUMBER)
        .ok_or(ScaleError::TooFine)
}
