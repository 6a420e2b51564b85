//! The payload of a topic: a piece of JSON with `$value` in one place, compiled once.
//!
//! Writing is two pieces of text around the value. Reading walks the payload once, straight to the
//! value, and builds no tree of it.

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::Value as Json;

use super::json::{self, Scalar};
use super::{Cause, Patch, Spec, Value, Violation, document};

/// The placeholder that stands for the value in a declared payload.
pub const PLACEHOLDER: &str = "$value";

/// More fields are counted.
const KEYS_SHOWN: usize = 8;

/// A declared payload, for example `{ number: $value }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    json: Json,
    prefix: String,
    suffix: String,
    /// Where the value is: object keys and array indices from the outside in.
    path: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Key(String),
    Index(usize),
}

/// What is wrong with a declared payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateError {
    /// `$value` is nowhere in it.
    NoValue,
    /// `$value` is in it more than once.
    ManyValues,
}

impl Template {
    /// The template of a declared payload.
    ///
    /// # Errors
    /// A [`TemplateError`] unless `$value` stands in exactly one place.
    pub fn new(json: Json) -> Result<Self, TemplateError> {
        let mut paths = Vec::new();
        find(&json, &mut Vec::new(), &mut paths);
        let path = match paths.len() {
            0 => return Err(TemplateError::NoValue),
            1 => paths.remove(0),
            _ => return Err(TemplateError::ManyValues),
        };
        let mut text = String::new();
        let mut at = 0;
        document::render_around(&json, &mut text, &mut |json, text| {
            let is_value = json.as_str() == Some(PLACEHOLDER);
            if is_value {
                at = text.len();
            }
            is_value
        });
        let (prefix, suffix) = (text[..at].to_owned(), text[at..].to_owned());
        Ok(Self {
            json,
            prefix,
            suffix,
            path,
        })
    }

    /// The payload that is the value itself, as JSON: `$value`.
    pub fn bare() -> Self {
        Self {
            json: Json::from(PLACEHOLDER),
            prefix: String::new(),
            suffix: String::new(),
            path: Vec::new(),
        }
    }

    /// The declared payload.
    pub fn json(&self) -> &Json {
        &self.json
    }

    /// The payload that carries `value`: JSON with a space after each colon and comma, as Python's
    /// `json.dumps` writes it.
    pub fn write(&self, spec: &Spec, value: &Value) -> String {
        let mut out = String::with_capacity(self.prefix.len() + self.suffix.len() + 24);
        out.push_str(&self.prefix);
        json::write(spec, value, &mut out);
        out.push_str(&self.suffix);
        out
    }

    /// The value in a payload, not yet checked against its range. Other keys are ignored; of a key
    /// that stands twice the last one counts.
    ///
    /// # Errors
    /// [`Cause::InvalidUtf8`], [`Cause::MalformedJson`], [`Cause::MissingKey`] or
    /// [`Cause::WrongType`].
    pub fn read(&self, spec: &Spec, payload: &[u8]) -> Result<Patch, Violation> {
        let text = std::str::from_utf8(payload).map_err(|error| {
            Violation::new(
                Cause::InvalidUtf8,
                format!("the payload is not UTF-8: {error}"),
            )
        })?;
        let malformed = |error| json::malformed("the payload", text, &error);
        if !json::is_scalar(spec) {
            let payload: Json = serde_json::from_str(text).map_err(malformed)?;
            let found = self
                .path
                .iter()
                .try_fold(&payload, |json, step| match step {
                    Step::Key(key) => json.get(key),
                    Step::Index(index) => json.get(index),
                });
            let patch = json::read(spec, found.ok_or_else(|| self.missing())?)?;
            return match patch.is_keep() {
                true => Err(self.says_nothing(spec)),
                false => Ok(patch),
            };
        }
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let found = Walk(&self.path)
            .deserialize(&mut deserializer)
            .and_then(|found| deserializer.end().map(|()| found))
            .map_err(malformed)?;
        match found {
            Some(scalar) => json::read_scalar(spec, scalar).map(Patch::Set),
            // Who has nothing to say of a value that may be unknown says that it is.
            None if spec.admits_null() => Ok(Patch::Set(Value::Null)),
            None => Err(self.missing()),
        }
    }

    fn missing(&self) -> Violation {
        let detail = format!(
            "the payload has no {}: it should look like {}",
            self.place(),
            self.json
        );
        Violation::new(Cause::MissingKey, detail)
    }

    /// An object is where the value is, and none of its fields.
    fn says_nothing(&self, spec: &Spec) -> Violation {
        let outer = self.pointer();
        let keys = json::keys(spec);
        let mut places: Vec<String> = keys
            .iter()
            .take(KEYS_SHOWN)
            .map(|key| format!("{:?}", format!("{outer}{key}")))
            .collect();
        if keys.len() > KEYS_SHOWN {
            places.push(format!("and {} more", keys.len() - KEYS_SHOWN));
        }
        let none = match keys.len() {
            1 => "has no",
            _ => "has none of",
        };
        let detail = format!("the payload {none} {}", places.join(", "));
        Violation::new(Cause::MissingKey, detail)
    }

    /// Where the value is, for a person.
    fn place(&self) -> String {
        format!("{:?}", self.pointer())
    }

    /// As a JSON pointer (RFC 6901).
    fn pointer(&self) -> String {
        let steps = self.path.iter().map(|step| match step {
            Step::Key(key) => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Step::Index(index) => format!("/{index}"),
        });
        steps.collect()
    }
}

fn find(json: &Json, here: &mut Vec<Step>, found: &mut Vec<Vec<Step>>) {
    match json {
        Json::String(text) if text == PLACEHOLDER => found.push(here.clone()),
        Json::Array(items) => items.iter().enumerate().for_each(|(index, item)| {
            here.push(Step::Index(index));
            find(item, here, found);
            here.pop();
        }),
        Json::Object(entries) => entries.iter().for_each(|(key, item)| {
            here.push(Step::Key(key.clone()));
            find(item, here, found);
            here.pop();
        }),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

/// Walks to the end of a path and brings back the scalar there, or `None` where the path breaks off.
struct Walk<'a>(&'a [Step]);

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = Option<Scalar>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Walk<'_> {
    fn leaf(&self, scalar: Scalar) -> Option<Scalar> {
        self.0.is_empty().then_some(scalar)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = Option<Scalar>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(self.leaf(Scalar::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(self.leaf(Scalar::Bool(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(self.leaf(Scalar::Number(value.into())))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(self.leaf(Scalar::Number(value.into())))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Self::Value, E> {
        let number =
            serde_json::Number::from_f64(value).ok_or_else(|| E::custom("number out of range"))?;
        Ok(self.leaf(Scalar::Number(number)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(self.0.is_empty().then(|| Scalar::Text(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut found = self.leaf(Scalar::Array);
        let mut index = 0;
        while match self.0.split_first() {
            Some((Step::Index(wanted), rest)) if *wanted == index => items
                .next_element_seed(Walk(rest))?
                .map(|inner| found = inner),
            _ => items.next_element::<IgnoredAny>()?.map(|_| ()),
        }
        .is_some()
        {
            index += 1;
        }
        Ok(found)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut found = self.leaf(Scalar::Object);
        while let Some(matches) = entries.next_key_seed(KeyIs(self.0.first()))? {
            if matches {
                let rest = self
                    .0
                    .get(1..)
                    .ok_or_else(|| A::Error::custom("no key is left to match"))?;
                found = entries.next_value_seed(Walk(rest))?;
            } else {
                entries.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Whether a key is the wanted one, without copying it.
struct KeyIs<'a>(Option<&'a Step>);

impl<'de> DeserializeSeed<'de> for KeyIs<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeyIs<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<bool, E> {
        Ok(matches!(self.0, Some(Step::Key(wanted)) if wanted == key))
    }
}
