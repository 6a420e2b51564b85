//! From a declared value to its [`Spec`], and from a literal to a value of it.

use super::diagnose::{Diagnostic, nearest};
use super::model::{EndianConfig, OverflowConfig, TypeConfig, ValueConfig};
use super::read::{Literal, Spanned, boolean, float, integer};
use super::tree::{NodeId, Tree};
use crate::codec::{ByteOrder, FloatWidth, IntWidth, MAX_LENGTH, Overflow, Spec, Value, json};

/// Collects what is wrong with one value.
pub(super) struct ValueReader<'a> {
    pub(super) tree: &'a Tree,
    pub(super) diagnostics: &'a mut Vec<Diagnostic>,
}

impl ValueReader<'_> {
    pub(super) fn mistake(
        &mut self,
        at: NodeId,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.diagnostics
            .push(Diagnostic::new(self.tree.span(at), message).help(help));
    }

    /// What stands behind a key that has to be there. If it is not, that is diagnosed; if it was wrong,
    /// or misspelt, it has been already.
    pub(super) fn required<T>(&mut self, of: NodeId, key: &str, found: Option<T>) -> Option<T> {
        let meant = |found: &str| nearest(found, [key]).is_some();
        if found.is_none() && !self.tree.keys(of).any(meant) {
            let message = format!("`{key}` is missing here");
            self.mistake(of, message, format!("add `{key}: …`"));
        }
        found
    }

    /// The spec of a declared value; `None` when it cannot be told, which is then diagnosed.
    pub(super) fn spec(&mut self, value: &Spanned<ValueConfig>) -> Option<Spec> {
        let config = &value.value;
        let declared = self.required(value.at, "type", config.ty.as_ref())?;
        let ty = match &declared.value.0 {
            Ok(ty) => *ty,
            Err(problem) => {
                self.mistake(
                    declared.at,
                    problem,
                    one_of(TYPES, self.tree.text(declared.at)),
                );
                return None;
            }
        };
        let order = match config.endian.as_deref() {
            Some(EndianConfig::Big) => ByteOrder::Big,
            Some(EndianConfig::Little) | None => ByteOrder::Little,
        };
        match ty {
            TypeConfig::Bool => {
                self.refuse_number_keys(config, "a bool");
                self.refuse_max_length(config);
                Some(Spec::Bool)
            }
            TypeConfig::Utf8 | TypeConfig::Bytes => {
                self.refuse_number_keys(config, "text and bytes");
                let max_length = self.max_length(config);
                Some(match ty {
                    TypeConfig::Utf8 => Spec::Utf8 { max_length },
                    _ => Spec::Bytes { max_length },
                })
            }
            TypeConfig::F32 => self.float(config, FloatWidth::W32, order),
            TypeConfig::F64 => self.float(config, FloatWidth::W64, order),
            TypeConfig::U8 => self.int(config, IntWidth::W8, false, order),
            TypeConfig::U16 => self.int(config, IntWidth::W16, false, order),
            TypeConfig::U32 => self.int(config, IntWidth::W32, false, order),
            TypeConfig::U64 => self.int(config, IntWidth::W64, false, order),
            TypeConfig::I8 => self.int(config, IntWidth::W8, true, order),
            TypeConfig::I16 => self.int(config, IntWidth::W16, true, order),
            TypeConfig::I32 => self.int(config, IntWidth::W32, true, order),
            TypeConfig::I64 => self.int(config, IntWidth::W64, true, order),
        }
    }

    /// A literal as a value that has met the constraints; `what` is the key that it stands behind.
    pub(super) fn literal(
        &mut self,
        what: &str,
        literal: &Spanned<Literal>,
        spec: &Spec,
    ) -> Option<Value> {
        let Some(value) = value_of(literal, spec) else {
            let help = match spec {
                Spec::Bool => "write `true` or `false`".to_owned(),
                Spec::Int { .. } => "write a whole number".to_owned(),
                Spec::Float { .. } => "write a number".to_owned(),
                Spec::Utf8 { .. } => "write a text".to_owned(),
                Spec::Bytes { .. } => "write hexadecimal digits in quotes, two a byte".to_owned(),
            };
            self.mistake(
                literal.at,
                format!("`{what}` is not of the declared type"),
                help,
            );
            return None;
        };
        match spec.admit(value) {
            Ok(admitted) if !admitted.adjusted => Some(admitted.value),
            Ok(_) => {
                let help = "choose a value between `min` and `max`, or widen the range";
                self.mistake(
                    literal.at,
                    format!("`{what}` is outside the range of the value"),
                    help,
                );
                None
            }
            Err(violation) => {
                let help = "choose a value that meets its own constraints";
                self.mistake(literal.at, format!("`{what}`: {violation}"), help);
                None
            }
        }
    }

    fn int(
        &mut self,
        config: &ValueConfig,
        width: IntWidth,
        signed: bool,
        order: ByteOrder,
    ) -> Option<Spec> {
        self.refuse_max_length(config);
        let (lowest, highest) = width.range(signed);
        let min = self.int_bound("min", config.min.as_ref(), lowest, (lowest, highest));
        let max = self.int_bound("max", config.max.as_ref(), highest, (lowest, highest));
        let (min, max) = (min?, max?);
        self.check_order(config, min <= max)?;
        let overflow = overflow(config);
        Some(Spec::Int {
            width,
            signed,
            order,
            min,
            max,
            overflow,
        })
    }

    fn int_bound(
        &mut self,
        what: &str,
        bound: Option<&Spanned<Literal>>,
        default: i128,
        (lowest, highest): (i128, i128),
    ) -> Option<i128> {
        let Some(bound) = bound else {
            return Some(default);
        };
        match integer(&bound.text).filter(|_| !bound.quoted) {
            Some(value) if (lowest..=highest).contains(&value) => Some(value),
            Some(value) => {
                let message = format!("`{what}` is {value}, which the type cannot hold");
                self.mistake(
                    bound.at,
                    message,
                    format!("the type reaches from {lowest} to {highest}"),
                );
                None
            }
            None => {
                self.mistake(
                    bound.at,
                    format!("`{what}` is no whole number"),
                    "write one, without quotes",
                );
                None
            }
        }
    }

    fn float(&mut self, config: &ValueConfig, width: FloatWidth, order: ByteOrder) -> Option<Spec> {
        self.refuse_max_length(config);
        let (lowest, highest) = width.range();
        let min = self.float_bound("min", config.min.as_ref(), lowest, width);
        let max = self.float_bound("max", config.max.as_ref(), highest, width);
        let (min, max) = (min?, max?);
        self.check_order(config, min <= max)?;
        let overflow = overflow(config);
        if overflow == Overflow::Wrap
            && let Some(declared) = &config.overflow
        {
            let help = "use `reject` or `clamp`";
            self.mistake(declared.at, "`wrap` is for whole numbers only", help);
            return None;
        }
        Some(Spec::Float {
            width,
            order,
            min,
            max,
            overflow,
        })
    }

    fn float_bound(
        &mut self,
        what: &str,
        bound: Option<&Spanned<Literal>>,
        default: f64,
        width: FloatWidth,
    ) -> Option<f64> {
        let Some(bound) = bound else {
            return Some(default);
        };
        // A bound that the type cannot hold exactly is the nearest number that it can: otherwise the
        // bound itself would be outside.
        match float(&bound.text)
            .filter(|_| !bound.quoted)
            .map(|value| width.quantise(value))
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

    fn max_length(&mut self, config: &ValueConfig) -> usize {
        let Some(declared) = &config.max_length else {
            return MAX_LENGTH;
        };
        let length = declared.value as usize;
        if length == 0 || length > MAX_LENGTH {
            let message = format!("`max_length` is {length}");
            self.mistake(
                declared.at,
                message,
                "Bluetooth allows values of 1 to 512 bytes",
            );
        }
        length.clamp(1, MAX_LENGTH)
    }

    fn refuse_max_length(&mut self, config: &ValueConfig) {
        if let Some(declared) = &config.max_length {
            let help = "remove it: the type says how long the value is";
            self.mistake(declared.at, "`max_length` is for utf8 and bytes", help);
        }
    }

    fn refuse_number_keys(&mut self, config: &ValueConfig, what: &str) {
        let keys = [
            ("min", config.min.as_ref().map(|bound| bound.at)),
            ("max", config.max.as_ref().map(|bound| bound.at)),
            (
                "overflow",
                config.overflow.as_ref().map(|overflow| overflow.at),
            ),
            ("endian", config.endian.as_ref().map(|endian| endian.at)),
        ];
        for (key, at) in keys {
            if let Some(at) = at {
                self.mistake(
                    at,
                    format!("`{key}` has no meaning for {what}"),
                    "remove it",
                );
            }
        }
    }
}

const TYPES: &[&str] = &[
    "u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64", "f32", "f64", "bool", "utf8", "bytes",
];

fn one_of(words: &[&'static str], found: &str) -> String {
    match nearest(found, words.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? There are {}", words.join(", ")),
        None => format!("there are {}", words.join(", ")),
    }
}

/// A literal as a value of this type; `None` if it is none.
pub fn value_of(literal: &Literal, spec: &Spec) -> Option<Value> {
    let text = literal.text.as_str();
    let unquoted = (!literal.quoted).then_some(text);
    match spec {
        Spec::Bool => unquoted.and_then(boolean).map(Value::Bool),
        Spec::Int { .. } => unquoted.and_then(integer).map(Value::Int),
        Spec::Float { .. } => unquoted.and_then(float).map(Value::Float),
        Spec::Utf8 { .. } => Some(Value::Text(text.into())),
        Spec::Bytes { .. } => json::from_hex(text).map(|bytes| Value::Bytes(bytes.into())),
    }
}

fn overflow(config: &ValueConfig) -> Overflow {
    match config.overflow.as_deref() {
        Some(OverflowConfig::Clamp) => Overflow::Clamp,
        Some(OverflowConfig::Wrap) => Overflow::Wrap,
        Some(OverflowConfig::Reject) | None => Overflow::Reject,
    }
}
