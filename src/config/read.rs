//! From the tree to typed configuration through serde, without giving up at the first mistake.
//!
//! serde stops at the first error. So does one pass here, but the error knows the node it is about:
//! that node is set aside as if it were not there, and the next pass finds the next mistake. A field
//! that is then missing is not a mistake of its own.
//!
//! Three types carry what serde has no word for: [`Spanned`] (where a value stands), [`Raw`] (a node
//! whose type somebody else knows, a plugin) and [`Literal`] (a scalar as it was written).

use std::collections::HashSet;
use std::fmt;
use std::ops::Deref;

use serde::de::value::{MapDeserializer, SeqDeserializer, StrDeserializer, U32Deserializer};
use serde::de::{
    Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer,
    MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
};

use super::diagnose::{Diagnostic, nearest};
use super::tree::{Kind, NodeId, Style, Tree};

/// Beyond this many, a list of mistakes helps nobody.
const MAX_MISTAKES: usize = 100;

const SPANNED: &str = "$spanned";
const RAW: &str = "$raw";
const LITERAL: &str = "$literal";
/// A field of this name takes all entries that the struct itself does not know.
pub const REST: &str = "$rest";

/// A value and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Spanned<T> {
    pub at: NodeId,
    pub value: T,
}

/// A node that is read later, by whoever knows its type.
#[derive(Clone, Copy, Debug)]
pub struct Raw(pub NodeId);

/// A scalar as it was written; its type is said elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal {
    pub text: String,
    pub quoted: bool,
}

/// Which keys besides its own a struct with a [`REST`] field may have: what plugins bring.
pub type Extensions<'a> = dyn Fn(&str) -> Vec<&'static str> + 'a;

/// Reads a node as `T`. `None` if it cannot be made one even without its wrong parts; every mistake
/// is then among the diagnostics.
pub fn read<T: DeserializeOwned>(
    tree: &Tree,
    at: NodeId,
    extensions: &Extensions<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<T> {
    let mut set_aside = HashSet::new();
    for _ in 0..MAX_MISTAKES {
        let pass = Pass {
            tree,
            set_aside: &set_aside,
            extensions,
        };
        let error = match T::deserialize(NodeReader { pass: &pass, at }) {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        let place = error.at.unwrap_or(at);
        if !error.follows {
            let span = tree.span(place);
            diagnostics.push(Diagnostic {
                span,
                message: error.message,
                help: error.help,
            });
        }
        if place == at || !set_aside.insert(place) {
            return None;
        }
    }
    None
}

struct Pass<'a> {
    tree: &'a Tree,
    set_aside: &'a HashSet<NodeId>,
    extensions: &'a Extensions<'a>,
}

#[derive(Clone, Copy)]
struct NodeReader<'a> {
    pass: &'a Pass<'a>,
    at: NodeId,
}

/// What serde reports, and where.
#[derive(Debug)]
pub struct ReadError {
    at: Option<NodeId>,
    message: String,
    help: Option<String>,
    /// The field that is missing, until it is known whether it was set aside.
    missing: Option<&'static str>,
    /// It only follows from another mistake.
    follows: bool,
}

impl ReadError {
    fn new(message: String, help: Option<String>) -> Self {
        Self {
            at: None,
            message,
            help,
            missing: None,
            follows: false,
        }
    }

    /// Whoever knows a place first is nearest to the mistake.
    fn or_at(mut self, at: NodeId) -> Self {
        self.at.get_or_insert(at);
        self
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

impl serde::de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let message = message.to_string();
        match message.split_once(HELP) {
            Some((message, help)) => Self::new(message.to_owned(), Some(help.to_owned())),
            None => Self::new(message, None),
        }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        Self::new(
            format!("{} where {expected} is wanted", describe(found)),
            None,
        )
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        Self::new(
            format!("{} where {expected} is wanted", describe(found)),
            None,
        )
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        unknown("key", field, expected)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        unknown("word", variant, expected)
    }

    fn missing_field(field: &'static str) -> Self {
        let mut error = Self::new(
            format!("`{field}` is missing here"),
            Some(format!("add `{field}: …`")),
        );
        error.missing = Some(field);
        error
    }
}

/// Separates message and help in the text of a custom error: serde has one string for both.
pub const HELP: &str = "\u{1}";

fn unknown(what: &str, found: &str, expected: &[&'static str]) -> ReadError {
    let help = match nearest(found, expected.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if expected.is_empty() => "nothing can stand here".to_owned(),
        None => format!("one of {} can stand here", list(expected)),
    };
    ReadError::new(format!("unknown {what} `{found}`"), Some(help))
}

fn list(words: &[&'static str]) -> String {
    words
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// What was found, without its content: it may have come from the environment, and be a secret.
fn describe(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(_) => "a boolean".to_owned(),
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a whole number".to_owned(),
        Unexpected::Float(_) => "a number".to_owned(),
        Unexpected::Str(_) => "a text".to_owned(),
        Unexpected::Unit => "nothing".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map | Unexpected::StructVariant => "a mapping".to_owned(),
        other => other.to_string(),
    }
}

impl<'a> NodeReader<'a> {
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

    fn child(&self, at: NodeId) -> Self {
        Self {
            pass: self.pass,
            at,
        }
    }

    /// The entries that have not been set aside.
    fn entries(&self, entries: &'a [(NodeId, NodeId)]) -> Vec<(NodeId, NodeId)> {
        let aside = self.pass.set_aside;
        entries
            .iter()
            .copied()
            .filter(|(key, value)| !aside.contains(key) && !aside.contains(value))
            .collect()
    }

    fn unexpected(&self) -> Unexpected<'a> {
        match self.kind() {
            Kind::Sequence(_) => Unexpected::Seq,
            Kind::Mapping(_) => Unexpected::Map,
            Kind::Scalar { text, .. } if self.is_null() => {
                let _ = text;
                Unexpected::Unit
            }
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
        entries: Vec<(NodeId, NodeId)>,
        rest: Vec<(NodeId, NodeId)>,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let rest = (!rest.is_empty()).then_some(rest);
        visitor.visit_map(Entries {
            reader: self,
            entries: entries.into_iter(),
            value: None,
            rest,
        })
    }

    /// A struct with a [`REST`] field: what it does not know goes there, if a plugin knows it.
    fn visit_extended<V: Visitor<'a>>(
        self,
        name: &str,
        fields: &'static [&'static str],
        entries: Vec<(NodeId, NodeId)>,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let extensions = (self.pass.extensions)(name);
        let tree = self.pass.tree;
        let (own, rest): (Vec<_>, Vec<_>) = entries
            .into_iter()
            .partition(|(key, _)| fields.contains(&tree.text(*key)));
        for (key, _) in &rest {
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
        self.visit_mapping(own, rest, visitor)
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
            Kind::Sequence(_) => return self.deserialize_seq(visitor),
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
        let result = match self.kind() {
            Kind::Sequence(items) => {
                let aside = self.pass.set_aside;
                let items: Vec<_> = items
                    .iter()
                    .copied()
                    .filter(|item| !aside.contains(item))
                    .collect();
                visitor.visit_seq(Items {
                    reader: self,
                    items: items.into_iter(),
                })
            }
            Kind::Scalar { .. } | Kind::Mapping(_) => {
                let mut error = self.wrong(&visitor);
                error.help = Some("write a list: `[one, two]`, or one `- item` a line".to_owned());
                Err(error)
            }
        };
        self.place(result)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let result = match self.kind() {
            Kind::Mapping(entries) => {
                self.visit_mapping(self.entries(entries), Vec::new(), visitor)
            }
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
                self.visit_extended(name, fields, self.entries(entries), visitor)
            }
            Kind::Mapping(entries) => {
                self.visit_mapping(self.entries(entries), Vec::new(), visitor)
            }
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
        i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

struct Items<'a> {
    reader: NodeReader<'a>,
    items: std::vec::IntoIter<NodeId>,
}

impl<'a> SeqAccess<'a> for Items<'a> {
    type Error = ReadError;

    fn next_element_seed<S: DeserializeSeed<'a>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ReadError> {
        let Some(at) = self.items.next() else {
            return Ok(None);
        };
        seed.deserialize(self.reader.child(at))
            .map(Some)
            .map_err(|error| error.or_at(at))
    }
}

struct Entries<'a> {
    reader: NodeReader<'a>,
    entries: std::vec::IntoIter<(NodeId, NodeId)>,
    value: Option<NodeId>,
    rest: Option<Vec<(NodeId, NodeId)>>,
}

impl<'a> MapAccess<'a> for Entries<'a> {
    type Error = ReadError;

    fn next_key_seed<S: DeserializeSeed<'a>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ReadError> {
        let Some((key, value)) = self.entries.next() else {
            return match self.rest {
                Some(_) => seed.deserialize(StrDeserializer::new(REST)).map(Some),
                None => Ok(None),
            };
        };
        self.value = Some(value);
        let word: StrDeserializer<'_, ReadError> =
            self.reader.pass.tree.text(key).into_deserializer();
        seed.deserialize(word)
            .map(Some)
            .map_err(|error| error.or_at(key))
    }

    fn next_value_seed<S: DeserializeSeed<'a>>(&mut self, seed: S) -> Result<S::Value, ReadError> {
        match self.value.take() {
            Some(at) => seed
                .deserialize(self.reader.child(at))
                .map_err(|error| error.or_at(at)),
            None => {
                let entries = self.rest.take().unwrap_or_default().into_iter();
                let rest = Entries {
                    reader: self.reader,
                    entries,
                    value: None,
                    rest: None,
                };
                seed.deserialize(serde::de::value::MapAccessDeserializer::new(rest))
            }
        }
    }
}

/// The two fields of a [`Spanned`].
struct SpannedParts<'a> {
    reader: NodeReader<'a>,
    next: u8,
}

impl<'a> MapAccess<'a> for SpannedParts<'a> {
    type Error = ReadError;

    fn next_key_seed<S: DeserializeSeed<'a>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ReadError> {
        let field = ["at", "value"].get(usize::from(self.next));
        self.next += 1;
        field
            .map(|field| seed.deserialize(StrDeserializer::new(field)))
            .transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'a>>(&mut self, seed: S) -> Result<S::Value, ReadError> {
        if self.next == 1 {
            let index =
                u32::try_from(self.reader.at.index()).expect("the number of nodes is bounded");
            seed.deserialize(U32Deserializer::new(index))
        } else {
            seed.deserialize(self.reader)
        }
    }
}

struct UnitVariant<'a>(&'a str);

impl<'a> EnumAccess<'a> for UnitVariant<'a> {
    type Error = ReadError;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'a>>(self, seed: S) -> Result<(S::Value, Self), ReadError> {
        let word: StrDeserializer<'_, ReadError> = self.0.into_deserializer();
        seed.deserialize(word).map(|value| (value, self))
    }
}

impl<'a> VariantAccess<'a> for UnitVariant<'a> {
    type Error = ReadError;

    fn unit_variant(self) -> Result<(), ReadError> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'a>>(self, _: S) -> Result<S::Value, ReadError> {
        Err(serde::de::Error::custom("a single word is wanted here"))
    }

    fn tuple_variant<V: Visitor<'a>>(self, _: usize, _: V) -> Result<V::Value, ReadError> {
        Err(serde::de::Error::custom("a single word is wanted here"))
    }

    fn struct_variant<V: Visitor<'a>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, ReadError> {
        Err(serde::de::Error::custom("a single word is wanted here"))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Spanned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(rename = "$spanned")]
        struct Parts<T> {
            at: u32,
            value: T,
        }
        let Parts { at, value } = Parts::deserialize(deserializer)?;
        Ok(Self {
            at: NodeId::from_index(at),
            value,
        })
    }
}

impl<T> Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(rename = "$raw")]
        struct Index(u32);
        Index::deserialize(deserializer).map(|index| Self(NodeId::from_index(index.0)))
    }
}

impl<'de> Deserialize<'de> for Literal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts;
        impl<'de> Visitor<'de> for Parts {
            type Value = Literal;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, a text or a boolean")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Literal, A::Error> {
                let text = parts.next_element()?.unwrap_or_default();
                let quoted = parts
                    .next_element::<String>()?
                    .is_some_and(|style| !style.is_empty());
                Ok(Literal { text, quoted })
            }
        }
        deserializer.deserialize_newtype_struct(LITERAL, Parts)
    }
}

// ── the core schema of YAML 1.2 ──────────────────────────────────────────────────────────────────

fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// `true` and `false`; `yes`, `no`, `on` and `off` are words in YAML 1.2.
pub fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// Decimal, `0x…` or `0o…`.
pub fn integer(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = match digits.split_at_checked(2) {
        Some(("0x", digits)) => (16, digits),
        Some(("0o", digits)) => (8, digits),
        _ => (10, digits),
    };
    if !digits.starts_with(|first: char| first.is_ascii_hexdigit()) {
        return None;
    }
    let value = i128::from_str_radix(digits, radix).ok()?;
    Some(if negative { -value } else { value })
}

/// A decimal number, or `.inf` and `.nan` as YAML spells them.
pub fn float(text: &str) -> Option<f64> {
    match text.to_lowercase().as_str() {
        ".inf" | "+.inf" => Some(f64::INFINITY),
        "-.inf" => Some(f64::NEG_INFINITY),
        ".nan" => Some(f64::NAN),
        lower if lower.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) => {
            lower.parse().ok().filter(|value: &f64| value.is_finite())
        }
        _ => None,
    }
}
