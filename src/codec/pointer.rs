//! Where a value stands in a JSON document: a JSON pointer (RFC 6901), if need be with the name of the
//! document before it, as in `attic#/humidity`.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

/// A place in a document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Pointer {
    /// The document, where it is not the one that everything around stands in.
    pub document: Option<Arc<str>>,
    steps: Arc<[Arc<str>]>,
}

impl Pointer {
    /// `/color/h`, `attic#/humidity`, or nothing for the whole document.
    ///
    /// # Errors
    /// What is wrong with it, for a person.
    pub fn parse(text: &str) -> Result<Self, String> {
        // In a pointer that names no document, `#` is a letter like any other.
        let named = text.split_once('#').filter(|_| !text.starts_with('/'));
        let (document, pointer) = match named {
            Some(("", _)) => return Err(format!("`{text}` names no document before its `#`")),
            Some((document, pointer)) => (Some(document.into()), pointer),
            None => (None, text),
        };
        let steps = match pointer.strip_prefix('/') {
            None if pointer.is_empty() => Vec::new(),
            None => return Err(format!("`{text}` is no JSON pointer")),
            Some(steps) => steps.split('/').map(unescape).collect::<Result<_, _>>()?,
        };
        Ok(Self {
            document,
            steps: steps.into(),
        })
    }

    /// A key of the object around.
    pub fn key(name: &str) -> Self {
        Self {
            document: None,
            steps: [name.into()].into(),
        }
    }

    /// The object keys and array indices, from the outside in.
    pub fn steps(&self) -> &[Arc<str>] {
        &self.steps
    }

    /// This place as seen from another one that it is within.
    #[must_use]
    pub fn within(&self, outer: &Self) -> Self {
        match self.document {
            Some(_) => self.clone(),
            None => Self {
                document: outer.document.clone(),
                steps: outer.steps.iter().chain(&*self.steps).cloned().collect(),
            },
        }
    }

    /// Whether one of two places is, or is within, the other.
    pub fn overlaps(&self, other: &Self) -> bool {
        let mut steps = self.steps.iter().zip(&*other.steps);
        self.document == other.document && steps.all(|(one, other)| one == other)
    }

    /// What stands there, if anything does.
    pub fn find<'a>(&self, json: &'a Json) -> Option<&'a Json> {
        self.steps.iter().try_fold(json, |json, step| match json {
            Json::Object(entries) => entries.get(&**step),
            Json::Array(items) => items.get(step.parse::<usize>().ok()?),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => None,
        })
    }

    /// Puts something there, and makes the objects on the way to it.
    pub fn put(&self, value: Json, into: &mut Json) {
        let mut place = into;
        for step in &*self.steps {
            if !place.is_object() {
                *place = Json::Object(Map::new());
            }
            let Json::Object(entries) = place else { return };
            place = entries.entry(&**step).or_insert(Json::Null);
        }
        *place = value;
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(document) = &self.document {
            write!(f, "{document}#")?;
        }
        self.steps
            .iter()
            .try_for_each(|step| write!(f, "/{}", step.replace('~', "~0").replace('/', "~1")))
    }
}

fn unescape(step: &str) -> Result<Arc<str>, String> {
    let mut parts = step.split('~');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match (part.strip_prefix('0'), part.strip_prefix('1')) {
            (Some(rest), _) => out.extend(["~", rest]),
            (_, Some(rest)) => out.extend(["/", rest]),
            (None, None) => return Err("`~` is written `~0`, and `/` in a key `~1`".to_owned()),
        }
    }
    Ok(out.into())
}
