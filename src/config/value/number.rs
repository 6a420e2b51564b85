//! Declared numbers: their bounds, and what they are in JSON.

use std::sync::Arc;

use super::literal::decimal;
use super::{ValueReader, unquoted};
use crate::codec::decimal::Decimal;
use crate::codec::scale::{MAX_DECIMALS, ScaleError};
use crate::codec::{
    ByteOrder, Flag, FloatFormat, FloatSpec, IntSpec, IntWidth, Overflow, Scale, Shown, Spec, Value,
};
use crate::config::model::{LongScaleConfig, OverflowConfig, ScaleConfig, ValueConfig};
use crate::config::read::{Literal, Spanned, float, integer};
use crate::config::tree::NodeId;

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
            // What means unknown at the end of the range is not in it.
            spec.min += i128::from(raw == lowest);
            spec.max -= i128::from(raw == highest);
        }
        self.check_one_form(config)?;
        if let Some(flags) = &config.flags {
            if signed {
                let help = "use u8, u16, u24, u32 or u64";
                self.mistake(flags.at, "a signed integer has no flags", help);
            }
            spec.shown = Shown::Flags(self.flags(config, 8 * width.octets())?);
            for bound in [&config.min, &config.max, &config.step]
                .into_iter()
                .flatten()
            {
                self.mistake(bound.at, "flags have no range", "remove it");
            }
            return Some(Spec::Int(spec));
        }
        if config.words.is_some() {
            spec.shown = Shown::Words(self.words(config, (lowest, highest))?);
        }
        if let Some(scale) = &config.scale {
            let (shown, from) = self.scale(scale, (spec.min, spec.max))?;
            spec.shown = Shown::Scaled(shown);
            if let Some((low, high)) = from {
                (spec.min, spec.max) = (low.min(high), low.max(high));
            }
        }
        let (low, high) = (spec.min, spec.max);
        let first = self.bound("min", config.min.as_ref(), &spec, (lowest, highest));
        let second = self.bound("max", config.max.as_ref(), &spec, (lowest, highest));
        let (first, second) = (first?, second?);
        let falls = matches!(&spec.shown, Shown::Scaled(scale) if scale.is_falling());
        let (first, second) = if falls {
            (second, first)
        } else {
            (first, second)
        };
        (spec.min, spec.max) = (first.unwrap_or(low), second.unwrap_or(high));
        self.check_order(config, spec.min <= spec.max)?;
        spec.step = match &config.step {
            None => None,
            Some(step) => Some(self.step(step, &spec)?),
        };
        let allowed = self.allowed(config, &Spec::Int(spec.clone()));
        spec.allowed = allowed.map(|values| values.into_iter().filter_map(int_of).collect());
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
            let is_nan = unquoted(unknown)
                .and_then(float)
                .is_some_and(|value: f64| value.is_nan());
            if !is_nan {
                let help = "write `.nan`, or remove it";
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

    /// An integer as it is on the air.
    fn raw(
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
            Some(Value::Int(raw)) => raw.abs(),
            _ => 0,
        };
        if raw > 0 && raw <= spec.max - spec.min {
            return Some(raw);
        }
        let help = "write a number above 0 and within the range, that the type can hold";
        self.mistake(step.at, "this is no step between two values", help);
        None
    }

    /// Scale, words and flags are three answers to one question.
    fn check_one_form(&mut self, config: &ValueConfig) -> Option<()> {
        let forms: Vec<NodeId> = [
            config.scale.as_ref().map(|it| it.at),
            config.words.as_ref().map(|it| it.at),
            config.flags.as_ref().map(|it| it.at),
        ]
        .into_iter()
        .flatten()
        .collect();
        if let [_, second, ..] = forms.as_slice() {
            let help = "keep one: each says what the number is in JSON";
            self.mistake(
                *second,
                "more than one of `scale`, `enum` and `flags`",
                help,
            );
            return None;
        }
        Some(())
    }

    fn words(
        &mut self,
        config: &ValueConfig,
        range: (i128, i128),
    ) -> Option<Arc<[(i128, Arc<str>)]>> {
        let declared = config.words.as_ref()?;
        let mut words: Vec<(i128, Arc<str>)> = Vec::new();
        for (word, number) in &declared.value.0 {
            let Some(raw) = self.raw(word, number, range) else {
                continue;
            };
            if let Some((_, first)) = words.iter().find(|(known, _)| *known == raw) {
                let message = format!("`{first}` is {raw} already");
                self.mistake(number.at, message, "give each word a number of its own");
            }
            words.push((raw, word.as_str().into()));
        }
        if declared.value.0.is_empty() {
            let help = "write words and numbers, as in `{ off: 0, on: 1 }`";
            self.mistake(declared.at, "there is no word", help);
        }
        (!words.is_empty()).then(|| words.into())
    }

    fn flags(&mut self, config: &ValueConfig, bits: usize) -> Option<Arc<[Flag]>> {
        let declared = config.flags.as_ref()?;
        let mut flags: Vec<Flag> = Vec::new();
        for (name, bit) in &declared.value.0 {
            if bit.value as usize >= bits {
                let message = format!("there is no bit {}", bit.value);
                let help = format!("the bits of this type are 0 to {}", bits - 1);
                self.mistake(bit.at, message, help);
                continue;
            }
            if let Some(first) = flags.iter().find(|flag| flag.bit == bit.value) {
                let message = format!("`{}` is bit {} already", first.name, bit.value);
                self.mistake(bit.at, message, "give each flag a bit of its own");
            }
            flags.push(Flag {
                name: name.as_str().into(),
                bit: bit.value,
                derived: false,
            });
        }
        if declared.value.0.is_empty() {
            let help = "write names and bits, as in `{ moving: 0, charging: 3 }`";
            self.mistake(declared.at, "there is no flag", help);
        }
        (!flags.is_empty()).then(|| flags.into())
    }

    /// The scale, and the range on the air that it is for, if one is said.
    fn scale(
        &mut self,
        declared: &Spanned<ScaleConfig>,
        range: (i128, i128),
    ) -> Option<(Scale, Option<(i128, i128)>)> {
        let zero = Decimal {
            digits: 0,
            exponent: 0,
        };
        let (scale, from) = match &declared.value {
            ScaleConfig::Factor(factor) => {
                let by = Decimal::of(*factor).unwrap_or(zero);
                (Scale::linear(by, zero, None), None)
            }
            ScaleConfig::Long(long) => {
                let decimals = self.decimals(long)?;
                match (&long.by, &long.to) {
                    (Some(_), Some(to)) => {
                        let help = "keep `by` with `offset`, or `to` with `from`";
                        self.mistake(to.at, "both `by` and `to`", help);
                        return None;
                    }
                    (None, None) => {
                        let help = "write `by: 0.01`, or `to: [0.0, 1.0]`";
                        self.mistake(declared.at, "this scales nothing", help);
                        return None;
                    }
                    (Some(by), None) => {
                        if let Some(from) = &long.from {
                            self.mistake(from.at, "`from` belongs to `to`", "remove it");
                        }
                        let by = self.decimal(by)?;
                        let offset = match &long.offset {
                            Some(offset) => self.decimal(offset)?,
                            None => zero,
                        };
                        (Scale::linear(by, offset, decimals), None)
                    }
                    (None, Some(to)) => {
                        if let Some(offset) = &long.offset {
                            self.mistake(offset.at, "`offset` belongs to `by`", "remove it");
                        }
                        let shown = self.pair(to, "[0.0, 1.0]")?;
                        let to = (self.decimal(&shown[0])?, self.decimal(&shown[1])?);
                        let from = match &long.from {
                            Some(from) => {
                                let [low, high] = self.pair(from, "[0, 100]")?;
                                let low = self.raw("from", &low, range)?;
                                (low, self.raw("from", &high, range)?)
                            }
                            None => range,
                        };
                        (Scale::range(from, to, decimals), Some(from))
                    }
                }
            }
        };
        let help = match scale {
            Ok(scale) => return Some((scale, from)),
            Err(ScaleError::Zero) => "all numbers would become one: write another factor or range",
            Err(ScaleError::TooFine) => "use 9 decimals and 12 digits at most",
        };
        self.mistake(declared.at, "this scale cannot be reckoned with", help);
        None
    }

    fn only_decimals(&mut self, declared: &Spanned<ScaleConfig>) -> Option<u8> {
        let help = "write `scale: { decimals: 1 }`, or use an integer type";
        let message = "a number with a point is not scaled: only its decimals can be said";
        match &declared.value {
            ScaleConfig::Long(long)
                if long.by.is_none() && long.to.is_none() && long.offset.is_none() =>
            {
                match self.decimals(long)? {
                    Some(decimals) => Some(decimals),
                    None => {
                        self.mistake(declared.at, message, help);
                        None
                    }
                }
            }
            ScaleConfig::Factor(_) | ScaleConfig::Long(_) => {
                self.mistake(declared.at, message, help);
                None
            }
        }
    }

    fn decimals(&mut self, long: &LongScaleConfig) -> Option<Option<u8>> {
        match long.decimals {
            None => Some(None),
            Some(decimals) if decimals.value <= MAX_DECIMALS => {
                Some(u8::try_from(decimals.value).ok())
            }
            Some(decimals) => {
                self.mistake(decimals.at, "so many decimals no number has", "0 to 9 work");
                None
            }
        }
    }

    fn pair(
        &mut self,
        declared: &Spanned<Vec<Spanned<Literal>>>,
        example: &str,
    ) -> Option<[Spanned<Literal>; 2]> {
        let pair = declared.value.clone().try_into().ok();
        if pair.is_none() {
            let help = format!("write the lowest and the highest, as in `{example}`");
            self.mistake(declared.at, "two numbers are wanted here", help);
        }
        pair
    }

    fn decimal(&mut self, literal: &Spanned<Literal>) -> Option<Decimal> {
        let number = unquoted(literal).and_then(decimal);
        if number.is_none() {
            let message = format!("`{}` is no number", literal.text);
            self.mistake(literal.at, message, "write one, without quotes");
        }
        number
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
                let message = format!("`{what}` is no number that the type can hold");
                self.mistake(bound.at, message, "write a finite number, without quotes");
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
