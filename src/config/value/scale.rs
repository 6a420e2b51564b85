//! Declared scales.

use super::literal::decimal;
use super::{ValueReader, unquoted};
use crate::codec::Scale;
use crate::codec::decimal::Decimal;
use crate::codec::scale::{MAX_DECIMALS, ScaleError};
use crate::config::model::{LongScaleConfig, ScaleConfig};
use crate::config::read::{Literal, Spanned};

impl ValueReader<'_> {
    /// The scale, and the range on the air that it is for, if one is said.
    pub(super) fn scale(
        &mut self,
        declared: &Spanned<ScaleConfig>,
        range: (i128, i128),
    ) -> Option<(Scale, Option<(i128, i128)>)> {
        let zero = Decimal::ZERO;
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
            Err(ScaleError::TooFine) => {
                "use 9 decimals and 12 digits at most, and fewer for 64 bits"
            }
        };
        self.mistake(declared.at, "this scale cannot be reckoned with", help);
        None
    }

    pub(super) fn only_decimals(&mut self, declared: &Spanned<ScaleConfig>) -> Option<u8> {
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
}
