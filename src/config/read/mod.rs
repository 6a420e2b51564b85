//! From the tree to typed configuration through serde, without giving up at the first mistake.
//!
//! serde stops at the first error. So does one pass here, but the error knows the node it is about:
//! that node is set aside as if it were not there, and the next pass finds the next mistake. A field
//! that is then missing is not a mistake of its own. A pass that only looks for the next mistake leaves
//! out what has been read without one, so a hundred mistakes do not cost a hundred times the file.
//!
//! Three types carry what serde has no word for: [`Spanned`] (where a value stands), [`Raw`] (a node
//! whose type somebody else knows, a plugin) and [`Literal`] (a scalar as it was written).

mod access;
mod core_schema;
mod error;
mod pass;
mod reader;

use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;
use std::ops::Deref;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, SeqAccess, Visitor};

pub use core_schema::{boolean, float, integer, is_null};
pub use error::HELP;

use super::diagnose::{Diagnostic, brief};
use super::tree::{NodeId, Tree};
use pass::{Pass, Progress};
use reader::NodeReader;

/// So many nodes may be read beyond four times those that the file has.
const ROOM_FOR_ALIASES: usize = 10_000;
/// All attempts together may read so many times what a file has: a file that is read to its end again
/// and again, because of aliases, is given up.
const WORK: usize = 16;
/// What is read may take so much memory. Twenty thousand characteristics, more than there are handles
/// for, take about half.
const MAX_OCTETS: usize = 96 * 1024 * 1024;
/// Beyond this many, a list of mistakes helps nobody.
pub const MAX_MISTAKES: usize = 100;

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
    let progress = Progress::default();
    let mut skips = false;
    let mut left = WORK * (tree.node_count() + ROOM_FOR_ALIASES);
    let mut found = 0;
    while found < MAX_MISTAKES {
        let pass = Pass {
            tree,
            set_aside: &set_aside,
            extensions,
            nodes: Cell::new(left.min(ROOM_FOR_ALIASES + 4 * tree.node_count())),
            octets: Cell::new(MAX_OCTETS),
            progress: &progress,
            skips,
        };
        let before = pass.nodes.get();
        let result = T::deserialize(NodeReader::new(&pass, at));
        left -= before - pass.nodes.get();
        let error = match result {
            Ok(_) if skips => {
                // Nothing more is wrong, so everything is read once more, and kept.
                skips = false;
                progress.finish();
                continue;
            }
            Ok(value) => return Some(value),
            // Enough has been found, and it costs too much to go on.
            Err(_) if left == 0 && found > 0 => return None,
            Err(error) => error,
        };
        found += 1;
        let place = error.at.unwrap_or(at);
        if !error.follows {
            let mut diagnostic = Diagnostic::new(tree.span(place), error.message);
            diagnostic.help = error.help.map(brief);
            diagnostics.push(diagnostic);
        }
        if place == at || !set_aside.insert(place) {
            return None;
        }
        skips = !progress.is_finished();
    }
    None
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
