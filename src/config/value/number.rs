//! Declared numbers: their bounds, and what they are in JSON.

use super::literal::{decimal, is_beyond_all_numbers};
use super::{ValueReader, unquoted};
use crate::codec::decimal::Decimal;
use crate::codec::{
    ByteOrder, FloatFormat, FloatSpec, IntSpec, IntWidth, Overflow, Shown, Spec, Value,
};
use crate::config::model::{OverflowConfig, ValueConfig};
use crate::config::read::{Literal, Spanned, float, integer};

/// The largest number, in units of its last decimal, that every JSON reader gets right.
const MAX_SHOWN: i128 = 10i128.pow(15);

impl ValueReader<'_> {
    pub(super) fn int(
        &mut self,
        config: &ValueConfig,
        width: IntWidth,
        signed: bool,
        order: ByteOrder,
    ) -> Option<Spec> {
        let mut spec = IntSpec::new(width, signed);
        spec.order = order;
        spec.overflow = overflow(config);
        let (lowest, highest) = (spec.min, spec.max);
        if let Some(unknown) = &config.unknown {
            let raw = self.raw("unknown", unknown, (lowest, highest))?;
            spec.unknown = Some(raw);
            exclude_unknown(&mut spec);
        }
        self.check_one_form(config)?;
        if let Some(flags) = &config.flags {
            if signed {
                let help = "use u8, u16, u24, u32 or u64";
                self.mistake(flags.at, "a signed integer has no flags", help);
            }
            spec.shown = Shown::Flags(self.flags(config, 8 * width.octets())?);
            self.refuse_range(config, "flags");
            if let Some(allowed) = &config.allowed {
                self.mistake(
                    allowed.at,
                    "`allowed` has no meaning beside `flags`",
                    "remove it",
                );
            }
            return Some(Spec::Int(spec));
        }
        if config.words.is_some() {
            let range = (lowest, highest);
            self.refuse_range(config, "enum");
            spec.shown = Shown::Words(self.words(config, range, spec.unknown)?);
        }
        if let Some(scale) = &config.scale {
            let (shown, from) = self.scale(scale, (spec.min, spec.max))?;
            spec.shown = Shown::Scaled(shown);
            if let Some((low, high)) = from {
                (spec.min, spec.max) = (low.min(high), low.max(high));
            }
        }
        if config.words.is_none() {
            self.range(config, &mut spec)?;
        }
        let allowed = self.allowed(config, &Spec::Int(spec.clone()));
        spec.allowed = allowed.map(|values| values.into_iter().filter_map(int_of).collect());
        self.check_legible(config, &spec)?;
        Some(Spec::Int(spec))
    }

    pub(super) fn float(
        &mut self,
        config: &ValueConfig,
        format: FloatFormat,
        order: ByteOrder,
    ) -> Option<Spec> {
        let mut spec = FloatSpec::new(format);
        spec.order = order;
        spec.overflow = overflow(config);
        spec.decimals = match &config.scale {
            None => None,
            Some(scale) => Some(self.only_decimals(scale)?),
        };
        if let Some(unknown) = &config.unknown {
            // YAML's own `.nan` is meant too, though JSON, and with it a schema, has no word for it.
            let is_nan = unknown
                .text
                .trim_start_matches('.')
                .eq_ignore_ascii_case("nan");
            if !is_nan {
                let help = "write `nan`, or remove it";
                self.mistake(unknown.at, "only NaN can stand for unknown here", help);
            }
            spec.nan_is_null = true;
        }
        let (lowest, highest) = (spec.min, spec.max);
        let min = self.float_bound("min", config.min.as_ref(), lowest, format);
        let max = self.float_bound("max", config.max.as_ref(), highest, format);
        (spec.min, spec.max) = (min?, max?);
        self.check_order(config, spec.min <= spec.max)?;
        if spec.overflow == Overflow::Wrap
            && let Some(declared) = &config.overflow
        {
            let help = "use `reject` or `clamp`";
            self.mistake(declared.at, "`wrap` is for whole numbers only", help);
            return None;
        }
        Some(Spec::Float(spec))
    }

    /// The bounds and the step.
    fn range(&mut self, config: &ValueConfig, spec: &mut IntSpec) -> Option<()> {
        let limits = spec.width.range(spec.signed);
        let (low, high) = (spec.min, spec.max);
        let first = self.bound("min", config.min.as_ref(), spec, limits);
        let second = self.bound("max", config.max.as_ref(), spec, limits);
        let (first, second) = (first?, second?);
        let falls = matches!(&spec.shown, Shown::Scaled(scale) if scale.is_falling());
        let (first, second) = if falls {
            (second, first)
        } else {
            (first, second)
        };
        (spec.min, spec.max) = (first.unwrap_or(low), second.unwrap_or(high));
        exclude_unknown(spec);
        self.check_order(config, spec.min <= spec.max)?;
        spec.step = match &config.step {
            None => None,
            Some(step) => Some(self.step(step, spec)?),
        };
        Some(())
    }

    /// An integer as it is on the air.
    pub(super) fn raw(
        &mut self,
        what: &str,
        literal: &Spanned<Literal>,
        (lowest, highest): (i128, i128),
    ) -> Option<i128> {
        match unquoted(literal).and_then(integer) {
            Some(value) if (lowest..=highest).contains(&value) => Some(value),
            Some(value) => {
                let message = format!("`{what}` is {value}, which the type cannot hold");
                let help = format!("the type reaches from {lowest} to {highest}");
                self.mistake(literal.at, message, help);
                None
            }
            None => {
                let message = format!("`{what}` is no whole number");
                self.mistake(literal.at, message, "write one, without quotes");
                None
            }
        }
    }

    /// A bound as it is on the air; the inner `None` if none is declared.
    fn bound(
        &mut self,
        what: &str,
        bound: Option<&Spanned<Literal>>,
        spec: &IntSpec,
        (lowest, highest): (i128, i128),
    ) -> Option<Option<i128>> {
        let Some(bound) = bound else {
            return Some(None);
        };
        let Shown::Scaled(scale) = &spec.shown else {
            return self.raw(what, bound, (lowest, highest)).map(Some);
        };
        let Some(shown) = unquoted(bound).and_then(decimal) else {
            let message = format!("`{what}` is no number");
            self.mistake(bound.at, message, "write one, without quotes");
            return None;
        };
        let raw = scale.raw(shown);
        if (lowest..=highest).contains(&raw) {
            return Some(Some(raw));
        }
        let (low, high) = (scale.show(lowest), scale.show(highest));
        let (low, high) = if scale.is_falling() {
            (high, low)
        } else {
            (low, high)
        };
        let message = format!("`{what}` is {}, which the type cannot hold", bound.text);
        self.mistake(
            bound.at,
            message,
            format!("it reaches from {low} to {high}"),
        );
        None
    }

    fn step(&mut self, step: &Spanned<Literal>, spec: &IntSpec) -> Option<i128> {
        let raw = match super::step_of(step, &Spec::Int(spec.clone())) {
            // A scale may turn it round.
            Some(Value::Int(raw)) if matches!(spec.shown, Shown::Scaled(_)) => raw.abs(),
            Some(Value::Int(raw)) => raw,
            _ => 0,
        };
        if raw > 0 && raw <= spec.max - spec.min {
            return Some(raw);
        }
        let help = match &spec.shown {
            Shown::Scaled(_) => {
                "write a number above 0, within the range, and a whole number of steps on the air"
            }
            Shown::Plain | Shown::Words(_) | Shown::Flags(_) => {
                "write a number above 0 and within the range, that the type can hold"
            }
        };
        self.mistake(step.at, "this is no step between two values", help);
        None
    }

    /// JSON has to show a number so that it can be told again which one it is.
    fn check_legible(&mut self, config: &ValueConfig, spec: &IntSpec) -> Option<()> {
        let (Shown::Scaled(scale), Some(declared)) = (&spec.shown, &config.scale) else {
            return Some(());
        };
        // Programs read numbers as doubles, which have 15 digits; whole ones may be longer.
        let limit = match scale.decimals() {
            0 => i128::from(i64::MAX),
            1.. => MAX_SHOWN,
        };
        if [spec.min, spec.max]
            .iter()
            .any(|raw| scale.units(*raw).abs() > limit)
        {
            let help = "use fewer `decimals`, or narrow the range with `min` and `max`";
            let message = "a JSON number has 15 digits, and these are more";
            self.mistake(declared.at, message, help);
            return None;
        }
        let is_lost =
            |raw: &i128| Decimal::parse(&scale.show(*raw)).is_none_or(|it| scale.raw(it) != *raw);
        if let (Some(declared), Some(allowed)) = (&config.allowed, &spec.allowed)
            && allowed.iter().any(is_lost)
        {
            let help = "use more `decimals`";
            self.mistake(
                declared.at,
                "JSON does not show these values so finely",
                help,
            );
            return None;
        }
        if let (Some(declared), Some(step)) = (&config.step, spec.step)
            && !(scale.is_exact(spec.min) && scale.is_exact(spec.min + step))
        {
            let help = "use more `decimals`, or begin with a `min` that is shown exactly";
            self.mistake(declared.at, "JSON does not show these steps exactly", help);
            return None;
        }
        Some(())
    }

    fn float_bound(
        &mut self,
        what: &str,
        bound: Option<&Spanned<Literal>>,
        default: f64,
        format: FloatFormat,
    ) -> Option<f64> {
        let Some(bound) = bound else {
            return Some(default);
        };
        // A bound that the type cannot hold exactly is the nearest number that it can: otherwise the
        // bound itself would be outside.
        match unquoted(bound)
            .and_then(float)
            .map(|value| format.quantise(value))
        {
            Some(value) if value.is_finite() => Some(value),
            _ => {
                let (message, help) = match is_beyond_all_numbers(&bound.value) {
                    true => (
                        format!("`{what}` is beyond every number that there is here"),
                        "write one between -1.8e308 and 1.8e308",
                    ),
                    false => (
                        format!("`{what}` is no number that the type can hold"),
                        "write a finite number, without quotes",
                    ),
                };
                self.mistake(bound.at, message, help);
                None
            }
        }
    }

    fn check_order(&mut self, config: &ValueConfig, in_order: bool) -> Option<()> {
        if in_order {
            return Some(());
        }
        let bound = config.max.as_ref().or(config.min.as_ref());
        let at = bound.map_or(self.tree.root(), |bound| bound.at);
        self.mistake(at, "`min` is above `max`", "swap the two");
        None
    }
}

/// What means unknown at an end of the range is not in it.
fn exclude_unknown(spec: &mut IntSpec) {
    spec.min += i128::from(spec.unknown == Some(spec.min));
    spec.max -= i128::from(spec.unknown == Some(spec.max));
}

fn overflow(config: &ValueConfig) -> Overflow {
    match config.overflow.as_deref() {
        Some(OverflowConfig::Clamp) => Overflow::Clamp,
        Some(OverflowConfig::Wrap) => Overflow::Wrap,
        Some(OverflowConfig::Reject) | None => Overflow::Reject,
    }
}

fn int_of(value: Value) -> Option<i128> {
    match value {
        Value::Int(number) => Some(number),
        Value::Null
        | Value::Bool(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Bytes(_)
        | Value::List(_) => None,
    }
}
