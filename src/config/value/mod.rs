//! From a declared value to its [`Spec`], and from a literal to a value of it.

mod form;
mod keys;
mod literal;
mod mapping;
mod number;
mod scale;
mod structure;
mod text;

use super::diagnose::{Diagnostic, nearest};
use super::model::{EndianConfig, TypeConfig, ValueConfig};
use super::read::{Literal, Spanned};
use super::tree::{NodeId, Tree};
use crate::codec::presentation::{Presentation, format_named};
use crate::codec::{ByteOrder, FloatFormat, IntWidth, MAX_LENGTH, Pointer, Spec};
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
        self.refuse_keys_of_fields(&value.value);
        let around = Around {
            order: ByteOrder::Little,
            room: MAX_LENGTH,
        };
        self.part(value, around)
    }

    /// Says of the keys that only fields have that this is none.
    fn refuse_keys_of_fields(&mut self, config: &ValueConfig) {
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
            TypeConfig::Json => self.json(config, around),
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
