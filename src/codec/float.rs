//! Numbers with a point: IEEE 754, and the decimal ones of IEEE 11073.

use super::decimal::{self, Decimal};
use super::int::out_of_range;
use super::{Admitted, ByteOrder, Cause, Overflow, Value, Violation, ieee11073};

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

    /// The number as JSON shows it, appended to `out`.
    pub(super) fn push_text(&self, value: f64, out: &mut String) {
        match (self.decimals, self.format) {
            (Some(_), _) => out.push_str(&self.text(value)),
            (None, FloatFormat::F32) => decimal::push(out, format_args!("{:?}", value as f32)),
            (None, FloatFormat::F64 | FloatFormat::Sfloat | FloatFormat::Float) => {
                decimal::push(out, format_args!("{value:?}"));
            }
        }
    }

    /// The number as JSON shows it.
    pub fn text(&self, value: f64) -> String {
        let shortest = match self.format {
            // What reads back as the same 32 bit number: 0.1, not 0.10000000149.
            FloatFormat::F32 => format!("{:?}", value as f32),
            FloatFormat::F64 | FloatFormat::Sfloat | FloatFormat::Float => format!("{value:?}"),
        };
        let rounded = self.decimals.and_then(|decimals| {
            let units = Decimal::parse(&shortest)?.units(decimals)?;
            Some(decimal::text(units, decimals))
        });
        // One that cannot be rounded is so large that it has no decimals.
        rounded.unwrap_or(shortest)
    }

    /// The number for one in JSON. Rounding must not push what JSON shows of a bound out of the range:
    /// 0.25 shown with one decimal is 0.3, and 0.3 is it again.
    pub(super) fn take_shown(&self, shown: f64) -> f64 {
        let bound = shown.clamp(self.min, self.max);
        match self.decimals.is_some() && self.text(bound) == self.text(shown) {
            true => bound,
            false => shown,
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
