//! Whole numbers: their widths, their ranges, and how they are shown in JSON.

use std::sync::Arc;

use super::decimal::Decimal;
use super::scale::Scale;
use super::{Admitted, ByteOrder, Cause, Overflow, Value, Violation};

/// Octets of an integer on the air.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntWidth {
    W8 = 1,
    W16 = 2,
    W24 = 3,
    W32 = 4,
    W64 = 8,
}

/// An integer on the air.
#[derive(Clone, Debug, PartialEq)]
pub struct IntSpec {
    pub width: IntWidth,
    pub signed: bool,
    pub order: ByteOrder,
    /// Bounds of the number as it is on the air.
    pub min: i128,
    pub max: i128,
    /// Distance between two allowed numbers, counted from `min`.
    pub step: Option<i128>,
    pub overflow: Overflow,
    /// If there is one, nothing else is allowed.
    pub allowed: Option<Arc<[i128]>>,
    /// The number on the air that means null.
    pub unknown: Option<i128>,
    pub shown: Shown,
}

/// How an integer stands in JSON.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Shown {
    /// As it is.
    #[default]
    Plain,
    /// As a number with a factor, an offset and decimals.
    Scaled(Scale),
    /// As a word. No other number is allowed.
    Words(Arc<[Word]>),
    /// As an object of booleans, by bit. Undeclared bits are reserved: 0 when sent, and not looked at
    /// when received.
    Flags(Arc<[Flag]>),
}

/// A word, and the number that it stands for.
pub type Word = (i128, Arc<str>);

/// A bit with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    pub name: Arc<str>,
    pub bit: u32,
    /// It says whether a field of the same struct is there, and nobody sets it otherwise.
    pub derived: bool,
}

impl IntWidth {
    pub fn octets(self) -> usize {
        self as usize
    }

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

impl IntSpec {
    /// A little-endian integer with the whole range of its type.
    pub fn new(width: IntWidth, signed: bool) -> Self {
        let (min, max) = width.range(signed);
        Self {
            width,
            signed,
            order: ByteOrder::Little,
            min,
            max,
            step: None,
            overflow: Overflow::Reject,
            allowed: None,
            unknown: None,
            shown: Shown::Plain,
        }
    }

    pub(super) fn noun(&self) -> &'static str {
        match self.shown {
            Shown::Plain => "integer",
            Shown::Scaled(_) => "number",
            Shown::Words(_) => "one of the declared words",
            Shown::Flags(_) => "object of flags",
        }
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(self.shown, Shown::Plain | Shown::Scaled(_))
    }

    pub(super) fn admit(&self, value: Value) -> Result<Admitted, Violation> {
        let Value::Int(value) = value else {
            return match self.unknown {
                Some(_) => Ok(Admitted::as_is(Value::Null)),
                None => Err(super::Spec::Int(self.clone()).wrong_type("null")),
            };
        };
        if let Shown::Flags(flags) = &self.shown {
            let declared = flags.iter().fold(0, |mask, flag| mask | 1 << flag.bit);
            let held = value & declared;
            self.check_known(held)?;
            return Ok(Admitted::as_is(Value::Int(held)));
        }
        let held = self.within(value)?;
        let held = self.on_a_step(held)?;
        self.check_known(held)?;
        self.check_allowed(held)?;
        Ok(Admitted {
            value: Value::Int(held),
            adjusted: held != value,
        })
    }

    /// The number on the air for a number in JSON. Rounding must not push what JSON shows of a bound
    /// out of the range: 327.67 shown without decimals is 328, and 328 is it again.
    pub(super) fn take_shown(&self, scale: &Scale, shown: Decimal) -> i128 {
        let raw = scale.raw(shown);
        let (min, max) = (self.min, self.max);
        let fits = |raw| (min..=max).contains(&raw) && self.unknown != Some(raw);
        if fits(raw) {
            return raw;
        }
        let near = [
            raw.clamp(min, max),
            raw.saturating_sub(1),
            raw.saturating_add(1),
        ];
        let same = |raw: &i128, other| scale.units(*raw) == scale.units(other);
        let found = near.into_iter().find(|near| fits(*near) && same(near, raw));
        found.unwrap_or(raw)
    }

    /// The number as a person knows it.
    pub fn text(&self, value: i128) -> String {
        match &self.shown {
            Shown::Scaled(scale) => scale.show(value),
            Shown::Words(words) => match words.iter().find(|(number, _)| *number == value) {
                Some((_, word)) => word.to_string(),
                None => value.to_string(),
            },
            Shown::Plain | Shown::Flags(_) => value.to_string(),
        }
    }

    fn within(&self, value: i128) -> Result<i128, Violation> {
        let &Self { min, max, .. } = self;
        match self.overflow {
            _ if (min..=max).contains(&value) => Ok(value),
            Overflow::Reject => Err(out_of_range(
                &self.text(value),
                &self.text(min),
                &self.text(max),
            )),
            Overflow::Clamp => Ok(value.clamp(min, max)),
            // The span fits: bounds are at most 64 bits wide. The subtraction saturates only for
            // values that no integer type could hold, where every answer inside the range is as good.
            Overflow::Wrap => Ok(min + value.saturating_sub(min).rem_euclid(max - min + 1)),
        }
    }

    fn on_a_step(&self, value: i128) -> Result<i128, Violation> {
        let Some(step) = self.step else {
            return Ok(value);
        };
        let beyond = (value - self.min).rem_euclid(step);
        if beyond == 0 {
            return Ok(value);
        }
        match self.overflow {
            Overflow::Reject => {
                let (below, above) = (value - beyond, value - beyond + step);
                let near = match above <= self.max {
                    true => format!("nearest are {} and {}", self.text(below), self.text(above)),
                    false => format!("nearest is {}", self.text(below)),
                };
                let detail = format!("{} is on no step: the {near}", self.text(value));
                Err(Violation::new(Cause::OffStep, detail))
            }
            Overflow::Clamp | Overflow::Wrap => {
                let up = 2 * beyond >= step && value - beyond + step <= self.max;
                Ok(value - beyond + if up { step } else { 0 })
            }
        }
    }

    fn check_known(&self, value: i128) -> Result<(), Violation> {
        if self.unknown != Some(value) {
            return Ok(());
        }
        let detail = format!("{} is what stands for unknown", self.text(value));
        Err(Violation::new(Cause::OutOfRange, detail))
    }

    fn check_allowed(&self, value: i128) -> Result<(), Violation> {
        let allowed = match (&self.allowed, &self.shown) {
            (Some(allowed), _) => allowed.contains(&value),
            (None, Shown::Words(words)) => words.iter().any(|(number, _)| *number == value),
            (None, Shown::Plain | Shown::Scaled(_) | Shown::Flags(_)) => true,
        };
        if allowed {
            return Ok(());
        }
        let detail = format!("{} is none of the allowed values", self.text(value));
        Err(Violation::new(Cause::NotAllowed, detail))
    }
}

pub(super) fn out_of_range(value: &str, min: &str, max: &str) -> Violation {
    // With a negative scale the smallest number on the air is the largest shown.
    let number = |text: &str| text.parse::<f64>().unwrap_or(f64::NAN);
    let (low, high) = match number(min) > number(max) {
        true => (max, min),
        false => (min, max),
    };
    Violation::new(
        Cause::OutOfRange,
        format!("{value} is outside {low} … {high}"),
    )
}
