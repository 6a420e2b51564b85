//! serde's view of one node of the tree.

use serde::de::value::{MapDeserializer, SeqDeserializer, U32Deserializer};
use serde::de::{Deserializer, Unexpected, Visitor};

use super::access::{Entries, Items, SpannedParts, UnitVariant, Which};
use super::core_schema::{boolean, float, integer, is_null};
use super::error::{ReadError, describe, list, unknown};
use super::pass::Pass;
use super::{LITERAL, RAW, REST, SPANNED};
use crate::config::tree::{Kind, NodeId, Style};

#[derive(Clone, Copy)]
pub(super) struct NodeReader<'a> {
    pub(super) pass: &'a Pass<'a>,
    pub(super) at: NodeId,
    depth: usize,
}

impl<'a> NodeReader<'a> {
    pub(super) fn new(pass: &'a Pass<'a>, at: NodeId) -> Self {
        Self { pass, at, depth: 0 }
    }

    fn kind(&self) -> &'a Kind {
        &self.pass.tree.node(self.at).kind
    }

    fn scalar(&self) -> Option<(&'a str, Style)> {
        match self.kind() {
            Kind::Scalar { text, style } => Some((text, *style)),
            Kind::Sequence(_) | Kind::Mapping(_) => None,
        }
    }

    /// The text, if this is something that may be read as a number or a boolean.
    fn untyped_text(&self) -> Option<&'a str> {
        self.scalar()
            .filter(|(_, style)| *style != Style::Quoted)
            .map(|(text, _)| text)
    }

    fn is_null(&self) -> bool {
        matches!(self.scalar(), Some((text, Style::Plain)) if is_null(text))
    }

    /// The reader of a node below this one, which will take so many octets besides its text.
    ///
    /// # Errors
    /// When more has been read than any file holds: aliases of aliases of aliases.
    pub(super) fn child(&self, at: NodeId, octets: usize) -> Result<Self, ReadError> {
        let within = self.pass.take(at, octets, self.depth);
        within.map_err(|error| error.or_at(self.at))?;
        Ok(Self {
            pass: self.pass,
            at,
            depth: self.depth + 1,
        })
    }

    fn unexpected(&self) -> Unexpected<'a> {
        match self.kind() {
            Kind::Sequence(_) => Unexpected::Seq,
            Kind::Mapping(_) => Unexpected::Map,
            Kind::Scalar { .. } if self.is_null() => Unexpected::Unit,
            Kind::Scalar {
                text,
                style: Style::Plain,
            } => {
                if let Some(value) = boolean(text) {
                    Unexpected::Bool(value)
                } else if integer(text).is_some() {
                    Unexpected::Signed(0)
                } else if float(text).is_some() {
                    Unexpected::Float(0.0)
                } else {
                    Unexpected::Str(text)
                }
            }
            Kind::Scalar { text, .. } => Unexpected::Str(text),
        }
    }

    fn wrong<V: Visitor<'a>>(&self, visitor: &V) -> ReadError {
        serde::de::Error::invalid_type(self.unexpected(), visitor)
    }

    /// Gives every error of this node its place, and finds out whether a missing field is only
    /// missing because it was wrong.
    fn place<T>(self, result: Result<T, ReadError>) -> Result<T, ReadError> {
        result.map_err(|mut error| {
            if let (None, Some(field), Kind::Mapping(entries)) =
                (error.at, error.missing, self.kind())
            {
                error.follows = entries
                    .iter()
                    .any(|(key, _)| self.pass.tree.text(*key) == field);
            }
            error.or_at(self.at)
        })
    }

    fn visit_mapping<V: Visitor<'a>>(
        self,
        entries: &'a [(NodeId, NodeId)],
        is_struct: bool,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_map(Entries {
            reader: self,
            entries: entries.iter(),
            which: Which::All,
            value: None,
            rest: None,
            is_struct,
        })
    }

    /// A list, from one of its items on.
    fn visit_list<V: Visitor<'a>>(self, first: usize, visitor: V) -> Result<V::Value, ReadError> {
        let result = match self.kind() {
            Kind::Sequence(items) => visitor.visit_seq(Items {
                reader: self,
                items,
                next: first,
            }),
            Kind::Scalar { .. } | Kind::Mapping(_) => {
                let mut error = self.wrong(&visitor);
                error.help = Some("write a list: `[one, two]`, or one `- item` a line".to_owned());
                Err(error)
            }
        };
        self.place(result)
    }

    /// A struct with a [`REST`] field: what it does not know goes there, if a plugin knows it.
    fn visit_extended<V: Visitor<'a>>(
        self,
        name: &str,
        fields: &'static [&'static str],
        entries: &'a [(NodeId, NodeId)],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let extensions = (self.pass.extensions)(name);
        let Pass {
            tree, set_aside, ..
        } = self.pass;
        let own = |word| fields.contains(&word);
        let mut others = entries.iter().filter(|(key, value)| {
            !own(tree.text(*key)) && !set_aside.contains(key) && !set_aside.contains(value)
        });
        let mut has_rest = false;
        for (key, _) in &mut others {
            has_rest = true;
            let word = tree.text(*key);
            if !extensions.contains(&word) {
                let known: Vec<_> = fields
                    .iter()
                    .filter(|field| **field != REST)
                    .chain(&extensions)
                    .copied()
                    .collect();
                return Err(unknown("key", word, &known).or_at(*key));
            }
        }
        visitor.visit_map(Entries {
            reader: self,
            entries: entries.iter(),
            which: Which::Only(fields),
            value: None,
            rest: has_rest.then_some((entries, Which::AllBut(fields))),
            is_struct: true,
        })
    }
}

macro_rules! integers {
    ($($method:ident $type:ty, $visit:ident;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
            let result = match self.untyped_text().and_then(integer) {
                Some(value) => match <$type>::try_from(value) {
                    Ok(value) => visitor.$visit(value),
                    Err(_) => Err(ReadError::new(
                        format!("{value} is outside {} … {}", <$type>::MIN, <$type>::MAX),
                        None,
                    )),
                },
                None => Err(self.wrong(&visitor)),
            };
            self.place(result)
        }
    )*};
}

impl<'de> Deserializer<'de> for NodeReader<'de> {
    type Error = ReadError;

    integers! {
        deserialize_u8 u8, visit_u8; deserialize_u16 u16, visit_u16;
        deserialize_u32 u32, visit_u32; deserialize_u64 u64, visit_u64;
        deserialize_i8 i8, visit_i8; deserialize_i16 i16, visit_i16;
        deserialize_i32 i32, visit_i32; deserialize_i64 i64, visit_i64;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let result = match self.kind() {
            Kind::Sequence(_) => return self.visit_list(0, visitor),
            Kind::Mapping(_) => return self.deserialize_map(visitor),
            Kind::Scalar {
                text,
                style: Style::Plain,
            } => {
                if is_null(text) {
                    visitor.visit_unit()
                } else if let Some(value) = boolean(text) {
                    visitor.visit_bool(value)
                } else if let Some(value) = integer(text) {
                    match (u64::try_from(value), i64::try_from(value)) {
                        (Ok(value), _) => visitor.visit_u64(value),
                        (_, Ok(value)) => visitor.visit_i64(value),
                        _ => visitor.visit_i128(value),
                    }
                } else if let Some(value) = float(text) {
                    visitor.visit_f64(value)
                } else {
                    visitor.visit_str(text)
                }
            }
            Kind::Scalar { text, .. } => visitor.visit_str(text),
        };
        self.place(result)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let result = match self.untyped_text().and_then(boolean) {
            Some(value) => visitor.visit_bool(value),
            None => Err(self.wrong(&visitor)),
        };
        self.place(result)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let result = match self.untyped_text().and_then(float) {
            Some(value) => visitor.visit_f64(value),
            None => Err(self.wrong(&visitor)),
        };
        self.place(result)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let result = match (self.scalar(), self.unexpected()) {
            (Some((text, _)), Unexpected::Str(_)) => visitor.visit_str(text),
            (Some((text, Style::Plain)), _) if !self.is_null() => {
                let mut error = self.wrong(&visitor);
                error.help = Some(format!("put it in quotes: \"{text}\""));
                Err(error)
            }
            _ => Err(self.wrong(&visitor)),
        };
        self.place(result)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        if self.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match name {
            RAW => {
                let index = u32::try_from(self.at.index()).expect("the number of nodes is bounded");
                visitor.visit_newtype_struct(U32Deserializer::new(index))
            }
            LITERAL => {
                let result = match self.scalar() {
                    Some((text, style)) if !self.is_null() => {
                        let quoted = if style == Style::Quoted { "quoted" } else { "" };
                        visitor.visit_seq(SeqDeserializer::new([text, quoted].into_iter()))
                    }
                    _ => Err(self.wrong(&visitor)),
                };
                self.place(result)
            }
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let sound = self.pass.progress.sound_items(self.at);
        let first = sound.filter(|_| self.pass.skips).unwrap_or_default();
        self.visit_list(first, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.visit_list(0, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let result = match self.kind() {
            Kind::Mapping(entries) => self.visit_mapping(entries, false, visitor),
            Kind::Scalar { .. } | Kind::Sequence(_) => Err(self.wrong(&visitor)),
        };
        self.place(result)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        if name == SPANNED {
            return visitor.visit_map(SpannedParts {
                reader: self,
                next: 0,
            });
        }
        let result = match self.kind() {
            Kind::Mapping(entries) if fields.contains(&REST) => {
                self.visit_extended(name, fields, entries, visitor)
            }
            Kind::Mapping(entries) => self.visit_mapping(entries, true, visitor),
            // `ble:` with nothing behind it is a section with all its defaults.
            Kind::Scalar { .. } if self.is_null() => {
                visitor.visit_map(MapDeserializer::new(std::iter::empty::<(&str, &str)>()))
            }
            Kind::Scalar { .. } | Kind::Sequence(_) => {
                let mut error = ReadError::new(
                    format!("{} where a mapping is wanted", describe(self.unexpected())),
                    None,
                );
                error.help = Some(format!(
                    "write `key: value` pairs; the keys are {}",
                    list(fields)
                ));
                Err(error)
            }
        };
        self.place(result)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let result = match self.scalar() {
            Some((text, _)) => visitor.visit_enum(UnitVariant(text)),
            None => {
                let help = format!("one of {} can stand here", list(variants));
                let message = format!("{} where a word is wanted", describe(self.unexpected()));
                Err(ReadError::new(message, Some(help)))
            }
        };
        self.place(result)
    }

    serde::forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct tuple_struct identifier ignored_any
    }
}
