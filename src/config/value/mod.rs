//! From a declared value to its [`Spec`], and from a literal to a value of it.

mod keys;
mod literal;
mod number;
mod structure;

use super::diagnose::{Diagnostic, nearest};
use super::model::{EndianConfig, Entries, TypeConfig, ValueConfig};
use super::read::{Literal, Spanned};
use super::tree::{NodeId, Tree};
use crate::codec::presentation::{Presentation, format_named};
use crate::codec::{
    ArraySpec, BoolSpec, ByteOrder, BytesSpec, FloatFormat, IntWidth, JsonSpec, MAX_LENGTH,
    Pattern, Pointer, Spec, TextSpec, Value,
};
use crate::gatt::assigned::{unit, units};
use keys::Kind;
pub use literal::{step_of, value_of};

/// Collects what is wrong with one value.
pub(super) struct ValueReader<'a> {
    pub(super) tree: &'a Tree,
    pub(super) diagnostics: &'a mut Vec<Diagnostic>,
}

/// What a value gets from the one that it is a part of.
#[derive(Clone, Copy)]
struct Around {
    order: ByteOrder,
    /// How many octets are left for it.
    room: usize,
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
        for (key, at) in [
            ("name", config.name.as_ref().map(|key| key.at)),
            ("when", config.when.as_ref().map(|key| key.at)),
            ("copy", config.copy.as_ref().map(|key| key.at)),
        ] {
            if let Some(at) = at {
                let message = format!("`{key}` is for the fields of a struct");
                self.mistake(at, message, "remove it here");
            }
        }
        let around = Around {
            order: ByteOrder::Little,
            room: MAX_LENGTH,
        };
        self.part(value, around)
    }

    /// Where a value stands in a document.
    pub(super) fn pointer(&mut self, config: &ValueConfig) -> Option<Pointer> {
        let declared = config.json.as_ref()?;
        match Pointer::parse(declared) {
            Ok(pointer) => Some(pointer),
            Err(problem) => {
                let help = "write where it stands, as in `/brightness` or `/color/h`";
                self.mistake(declared.at, problem, help);
                None
            }
        }
    }

    /// What the presentation format says beyond the type.
    pub(super) fn presentation(&mut self, config: &ValueConfig) -> Presentation {
        let mut presentation = Presentation::default();
        if let Some(declared) = &config.unit {
            match unit_of(&declared.text) {
                Some(number) => presentation.unit = number,
                None => {
                    let known = units().map(|(_, name, _)| name);
                    let help = match nearest(&declared.text, known) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => "write a name such as `celsius` or `percentage`, or the number \
                            from the Bluetooth SIG's Assigned Numbers, as in `0x272F`"
                            .to_owned(),
                    };
                    let message = format!("`{}` is no unit", declared.text);
                    self.mistake(declared.at, message, help);
                }
            }
        }
        if let Some(declared) = &config.presentation {
            presentation.format = format_named(declared);
            if presentation.format.is_none() {
                let message = format!("`{}` is no type of a presentation format", declared.value);
                self.mistake(declared.at, message, "write a type, as in `u24`");
            }
        }
        presentation
    }

    fn part(&mut self, value: &Spanned<ValueConfig>, around: Around) -> Option<Spec> {
        let config = &value.value;
        let declared = self.required(value.at, "type", config.ty.as_ref())?;
        let ty = match &declared.value.0 {
            Ok(ty) => *ty,
            Err(problem) => {
                let help = one_of(keys::TYPES, self.tree.text(declared.at));
                self.mistake(declared.at, problem, help);
                return None;
            }
        };
        let order = match config.endian.as_deref() {
            Some(EndianConfig::Big) => ByteOrder::Big,
            Some(EndianConfig::Little) => ByteOrder::Little,
            None => around.order,
        };
        let around = Around { order, ..around };
        let kind = Kind::of(ty);
        self.refuse_keys(config, kind);
        let spec = match ty {
            TypeConfig::Bool => Some(Spec::Bool(self.bool_words(config))),
            TypeConfig::Utf8 => self.text(config, around),
            TypeConfig::Bytes => self.bytes(config, around),
            TypeConfig::Json => {
                let (_, max_length) = self.lengths(config, around)?;
                Some(Spec::Json(JsonSpec { max_length }))
            }
            TypeConfig::F32 => self.float(config, FloatFormat::F32, order),
            TypeConfig::F64 => self.float(config, FloatFormat::F64, order),
            TypeConfig::Sfloat => self.float(config, FloatFormat::Sfloat, order),
            TypeConfig::Float => self.float(config, FloatFormat::Float, order),
            TypeConfig::U8 => self.int(config, IntWidth::W8, false, order),
            TypeConfig::U16 => self.int(config, IntWidth::W16, false, order),
            TypeConfig::U24 => self.int(config, IntWidth::W24, false, order),
            TypeConfig::U32 => self.int(config, IntWidth::W32, false, order),
            TypeConfig::U64 => self.int(config, IntWidth::W64, false, order),
            TypeConfig::I8 => self.int(config, IntWidth::W8, true, order),
            TypeConfig::I16 => self.int(config, IntWidth::W16, true, order),
            TypeConfig::I24 => self.int(config, IntWidth::W24, true, order),
            TypeConfig::I32 => self.int(config, IntWidth::W32, true, order),
            TypeConfig::I64 => self.int(config, IntWidth::W64, true, order),
            TypeConfig::Struct => self.structure(value, around),
            TypeConfig::Array => self.array(value, around),
        }?;
        let (least, _) = spec.octets();
        if least > around.room {
            let message = format!("this takes {least} bytes, and {} are left", around.room);
            self.mistake(value.at, message, "a value has 512 bytes at most");
            return None;
        }
        Some(spec)
    }

    fn bool_words(&mut self, config: &ValueConfig) -> BoolSpec {
        let Some(declared) = &config.words else {
            return BoolSpec::default();
        };
        let Entries(entries) = &declared.value;
        let word = |meaning: &str| {
            let mut words = entries
                .iter()
                .filter(|(_, of)| of.text.eq_ignore_ascii_case(meaning));
            let word = words.next().map(|(word, _)| word.as_str().into());
            word.filter(|_| words.next().is_none())
        };
        match (entries.len(), word("false"), word("true")) {
            (2, Some(no), Some(yes)) => BoolSpec {
                words: Some([no, yes]),
            },
            _ => {
                let help = "name one word for each, as in `{ ON: true, OFF: false }`";
                self.mistake(declared.at, "these are no words for true and false", help);
                BoolSpec::default()
            }
        }
    }

    fn text(&mut self, config: &ValueConfig, around: Around) -> Option<Spec> {
        let (min_length, max_length) = self.lengths(config, around)?;
        let pattern = match &config.pattern {
            None => None,
            Some(declared) => match Pattern::new(declared) {
                Ok(pattern) => Some(pattern),
                Err(problem) => {
                    let help = "see https://docs.rs/regex-lite for what may stand in one";
                    let problem = problem.lines().last().unwrap_or_default().to_owned();
                    let message = format!("this is no regular expression: {problem}");
                    self.mistake(declared.at, message, help);
                    None
                }
            },
        };
        let mut spec = TextSpec {
            min_length,
            max_length,
            pattern,
            allowed: None,
        };
        let allowed = self.allowed(config, &Spec::Text(spec.clone()));
        spec.allowed = allowed.map(|values| values.into_iter().filter_map(text_of).collect());
        Some(Spec::Text(spec))
    }

    fn bytes(&mut self, config: &ValueConfig, around: Around) -> Option<Spec> {
        let (min_length, max_length) = self.lengths(config, around)?;
        let mut spec = BytesSpec {
            min_length,
            max_length,
            allowed: None,
        };
        let allowed = self.allowed(config, &Spec::Bytes(spec.clone()));
        spec.allowed = allowed.map(|values| values.into_iter().filter_map(bytes_of).collect());
        Some(Spec::Bytes(spec))
    }

    fn array(&mut self, value: &Spanned<ValueConfig>, around: Around) -> Option<Spec> {
        let config = &value.value;
        let declared = self.required(value.at, "items", config.items.as_deref())?;
        for (key, at) in [
            ("initial", declared.initial),
            ("constant", declared.constant),
        ] {
            if let Some(at) = at {
                let message = format!("the items of an array have no `{key}`");
                self.mistake(at.0, message, "remove it, or say it of the array");
            }
        }
        let item = self.part(declared, around)?;
        let (least, most) = item.octets();
        if least != most || least == 0 {
            let help = "give it a type of fixed length; of a text, `length: …`";
            self.mistake(declared.at, "items have to be of one length", help);
            return None;
        }
        let fit = around.room / most;
        let min_items = config.min_items.map_or(0, |count| count.value as usize);
        let max_items = config.max_items.map_or(fit, |count| count.value as usize);
        let at = config.max_items.or(config.min_items).map(|count| count.at);
        if max_items > fit || max_items == 0 {
            let message = format!("{max_items} items of {most} bytes");
            let help = format!("1 to {fit} fit");
            self.mistake(at.unwrap_or(value.at), message, help);
            return None;
        }
        if min_items > max_items {
            let help = "swap the two";
            let message = "`min_items` is above `max_items`, or above what fits";
            self.mistake(at.unwrap_or(value.at), message, help);
            return None;
        }
        Some(Spec::Array(
            ArraySpec {
                item,
                min_items,
                max_items,
            }
            .into(),
        ))
    }

    fn lengths(&mut self, config: &ValueConfig, around: Around) -> Option<(usize, usize)> {
        if let (Some(length), Some(other)) = (
            &config.length,
            config.min_length.as_ref().or(config.max_length.as_ref()),
        ) {
            let help = "keep `length`, or `min_length` and `max_length`";
            self.mistake(other.at, "`length` says it all", help);
            let _ = length;
        }
        let checked = |reader: &mut Self, key: &str, declared: Option<Spanned<u32>>, least| {
            let Spanned { at, value } = declared?;
            let length = value as usize;
            if (least..=MAX_LENGTH).contains(&length) {
                return Some(length);
            }
            let help = format!("Bluetooth allows values of {least} to 512 bytes");
            reader.mistake(at, format!("`{key}` is {length}"), help);
            None
        };
        if let Some(length) = checked(self, "length", config.length, 1) {
            return Some((length, length));
        }
        let min = checked(self, "min_length", config.min_length, 0).unwrap_or(0);
        let max = checked(self, "max_length", config.max_length, 1).unwrap_or(around.room);
        if min > max {
            let at = config
                .min_length
                .map_or(self.tree.root(), |length| length.at);
            self.mistake(at, "`min_length` is above what fits", "make it smaller");
            return None;
        }
        Some((min, max))
    }

    /// The values of an allow-list, each of which meets the rest of the constraints.
    fn allowed(&mut self, config: &ValueConfig, spec: &Spec) -> Option<Vec<Value>> {
        let declared = config.allowed.as_ref()?;
        if declared.is_empty() {
            let help = "name the values that are allowed, or remove the key";
            self.mistake(declared.at, "nothing would be allowed", help);
        }
        let values = declared.iter();
        Some(
            values
                .filter_map(|literal| self.literal_at("allowed", literal.at, spec))
                .collect(),
        )
    }
}

fn text_of(value: Value) -> Option<std::sync::Arc<str>> {
    match value {
        Value::Text(text) => Some(text),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Bytes(_)
        | Value::List(_) => None,
    }
}

fn bytes_of(value: Value) -> Option<std::sync::Arc<[u8]>> {
    match value {
        Value::Bytes(bytes) => Some(bytes),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::List(_) => None,
    }
}

fn unit_of(text: &str) -> Option<u16> {
    match text.strip_prefix("0x") {
        Some(digits) => u16::from_str_radix(digits, 16).ok(),
        None => unit(text),
    }
}

fn one_of(words: &[&'static str], found: &str) -> String {
    match nearest(found, words.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? There are {}", words.join(", ")),
        None => format!("there are {}", words.join(", ")),
    }
}

/// Whether a literal was written without quotes, so that it may be a number or a boolean.
fn unquoted(literal: &Literal) -> Option<&str> {
    (!literal.quoted).then_some(literal.text.as_str())
}
