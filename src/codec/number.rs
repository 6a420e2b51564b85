//! Numbers: their widths, their ranges, and how they are shown in JSON.

use std::sync::Arc;

use super::scale::Scale;
use super::{Admitted, ByteOrder, Cause, Overflow, Value, Violation, decimal, ieee11073};

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
    Words(Arc<[(i128, Arc<str>)]>),
    /// As an object of booleans, by bit. Undeclared bits are reserved: 0 when sent, and not looked at
    /// when received.
    Flags(Arc<[Flag]>),
}

/// A bit with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    pub name: Arc<str>,
    pub bit: u32,
    /// It says whether a field of the same struct is there, and nobody sets it otherwise.
    pub derived: bool,
}

/// The number formats with a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloatFormat {
    /// IEEE 754, 4 octets.
    F32,
    /// IEEE 754, 8 octets.
    F64,
    /// IEEE 11073-20601 SFLOAT, 2 octets.
    Sfloat,
    /// IEEE 11073-20601 FLOAT, 4 octets.
    Float,
}

/// A number with a point. Never [`Overflow::Wrap`]: going round has no meaning between two floats.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatSpec {
    pub format: FloatFormat,
    pub order: ByteOrder,
    pub min: f64,
    pub max: f64,
    pub overflow: Overflow,
    /// Digits after the point in JSON, rounded half away from zero; without it, as many as it takes.
    pub decimals: Option<u8>,
    /// NaN on the air is null. The IEEE 11073 formats have it by themselves.
    pub nan_is_null: bool,
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
            return Ok(Admitted::as_is(Value::Int(value & declared)));
        }
        let held = self.within(value)?;
        let held = self.on_a_step(held)?;
        self.check_allowed(held)?;
        Ok(Admitted {
            value: Value::Int(held),
            adjusted: held != value,
        })
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
        if self.unknown == Some(value) {
            let detail = format!("{} is what stands for unknown", self.text(value));
            return Err(Violation::new(Cause::OutOfRange, detail));
        }
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
                let below = value - beyond;
                let above = self.text(below + step);
                let detail = format!(
                    "{} is between two steps: the nearest are {} and {above}",
                    self.text(value),
                    self.text(below)
                );
                Err(Violation::new(Cause::OffStep, detail))
            }
            Overflow::Clamp | Overflow::Wrap => {
                let up = 2 * beyond >= step && value - beyond + step <= self.max;
                Ok(value - beyond + if up { step } else { 0 })
            }
        }
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

impl FloatFormat {
    pub fn octets(self) -> usize {
        match self {
            Self::Sfloat => 2,
            Self::F32 | Self::Float => 4,
            Self::F64 => 8,
        }
    }

    /// The nearest number that this format can hold; beyond its largest, an infinity.
    pub fn quantise(self, value: f64) -> f64 {
        match self {
            Self::F32 => f64::from(value as f32),
            Self::F64 => value,
            Self::Sfloat => ieee11073::SFLOAT.quantise(value),
            Self::Float => ieee11073::FLOAT.quantise(value),
        }
    }

    /// Everything that a finite number of this format can be.
    pub fn range(self) -> (f64, f64) {
        match self {
            Self::F32 => (f64::from(f32::MIN), f64::from(f32::MAX)),
            Self::F64 => (f64::MIN, f64::MAX),
            Self::Sfloat => (-ieee11073::SFLOAT.max(), ieee11073::SFLOAT.max()),
            Self::Float => (-ieee11073::FLOAT.max(), ieee11073::FLOAT.max()),
        }
    }
}

impl FloatSpec {
    /// A little-endian number with the whole range of its format.
    pub fn new(format: FloatFormat) -> Self {
        let (min, max) = format.range();
        Self {
            format,
            order: ByteOrder::Little,
            min,
            max,
            overflow: Overflow::Reject,
            decimals: None,
            nan_is_null: false,
        }
    }

    pub(super) fn nan_is_null(&self) -> bool {
        match self.format {
            FloatFormat::Sfloat | FloatFormat::Float => true,
            FloatFormat::F32 | FloatFormat::F64 => self.nan_is_null,
        }
    }

    /// The number as JSON shows it.
    pub fn text(&self, value: f64) -> String {
        match (self.decimals, self.format) {
            (Some(decimals), _) => decimal::rounded(value, decimals),
            // The shortest text that reads back as the same 32 bit number: 0.1, not 0.10000000149.
            (None, FloatFormat::F32) => format!("{:?}", value as f32),
            (None, FloatFormat::F64 | FloatFormat::Sfloat | FloatFormat::Float) => {
                format!("{value:?}")
            }
        }
    }

    pub(super) fn admit(&self, value: Value) -> Result<Admitted, Violation> {
        let Value::Float(value) = value else {
            return match self.nan_is_null() {
                true => Ok(Admitted::as_is(Value::Null)),
                false => Err(super::Spec::Float(self.clone()).wrong_type("null")),
            };
        };
        if !value.is_finite() {
            let detail = format!("{value} is not a finite number");
            return Err(Violation::new(Cause::NotFinite, detail));
        }
        let Self {
            format, min, max, ..
        } = *self;
        // The bounds are seen as the type holds them: the 32 bit number 0.1 is above the 64 bit one.
        let (lowest, highest) = format.range();
        let (least, most) = (
            format.quantise(min).max(lowest),
            format.quantise(max).min(highest),
        );
        // Adding zero turns -0.0 into 0.0: one zero on every topic.
        let held = format.quantise(value) + 0.0;
        if (least..=most).contains(&held) {
            return Ok(Admitted::as_is(Value::Float(held)));
        }
        match self.overflow {
            Overflow::Clamp => Ok(Admitted {
                value: Value::Float(held.clamp(least, most) + 0.0),
                adjusted: true,
            }),
            Overflow::Reject | Overflow::Wrap => {
                let bounds = (min.to_string(), max.to_string());
                Err(out_of_range(&value.to_string(), &bounds.0, &bounds.1))
            }
        }
    }
}

fn out_of_range(value: &str, min: &str, max: &str) -> Violation {
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
