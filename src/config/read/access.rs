//! The parts of a collection, one after the other.

use serde::de::value::{MapAccessDeserializer, StrDeserializer, U32Deserializer};
use serde::de::{
    DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::REST;
use super::error::ReadError;
use super::pass::Pass;
use super::reader::NodeReader;
use crate::config::tree::NodeId;

pub(super) struct Items<'a> {
    pub(super) reader: NodeReader<'a>,
    pub(super) items: &'a [NodeId],
    /// The index of the item that is read next.
    pub(super) next: usize,
}

impl<'a> SeqAccess<'a> for Items<'a> {
    type Error = ReadError;

    fn next_element_seed<S: DeserializeSeed<'a>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ReadError> {
        let Pass {
            set_aside,
            progress,
            ..
        } = self.reader.pass;
        let left = self.items.iter().skip(self.next);
        let aside = left.take_while(|item| set_aside.contains(item)).count();
        self.next += aside;
        let Some(&at) = self.items.get(self.next) else {
            return Ok(None);
        };
        let item = seed
            .deserialize(self.reader.child(at, OVERHEAD + size_of::<S::Value>())?)
            .map_err(|error| error.or_at(at))?;
        self.next += 1;
        progress.is_sound(self.reader.at, self.next);
        Ok(Some(item))
    }
}

/// What an item of a collection takes besides itself.
const OVERHEAD: usize = 32;

pub(super) struct Entries<'a> {
    pub(super) reader: NodeReader<'a>,
    pub(super) entries: std::slice::Iter<'a, (NodeId, NodeId)>,
    pub(super) which: Which,
    pub(super) value: Option<NodeId>,
    /// What the struct itself does not know.
    pub(super) rest: Option<(&'a [(NodeId, NodeId)], Which)>,
    /// The values have their room in the struct already.
    pub(super) is_struct: bool,
}

/// Which entries of a mapping are read.
#[derive(Clone, Copy)]
pub(super) enum Which {
    All,
    Only(&'static [&'static str]),
    AllBut(&'static [&'static str]),
}

impl Which {
    fn takes(self, word: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(words) => words.contains(&word),
            Self::AllBut(words) => !words.contains(&word),
        }
    }
}

impl<'a> MapAccess<'a> for Entries<'a> {
    type Error = ReadError;

    fn next_key_seed<S: DeserializeSeed<'a>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ReadError> {
        let Pass {
            tree, set_aside, ..
        } = self.reader.pass;
        let which = self.which;
        let next = self.entries.find(|(key, value)| {
            which.takes(tree.text(*key)) && !set_aside.contains(key) && !set_aside.contains(value)
        });
        let Some(&(key, value)) = next else {
            return match self.rest {
                Some(_) => seed.deserialize(StrDeserializer::new(REST)).map(Some),
                None => Ok(None),
            };
        };
        self.value = Some(value);
        let word: StrDeserializer<'_, ReadError> = tree.text(key).into_deserializer();
        seed.deserialize(word)
            .map(Some)
            .map_err(|error| error.or_at(key))
    }

    fn next_value_seed<S: DeserializeSeed<'a>>(&mut self, seed: S) -> Result<S::Value, ReadError> {
        match self.value.take() {
            Some(at) => {
                let octets = match self.is_struct {
                    true => 0,
                    false => OVERHEAD + size_of::<S::Value>(),
                };
                seed.deserialize(self.reader.child(at, octets)?)
                    .map_err(|error| error.or_at(at))
            }
            None => {
                let (entries, which) = self.rest.take().unwrap_or((&[], Which::All));
                let rest = Entries {
                    reader: self.reader,
                    entries: entries.iter(),
                    which,
                    value: None,
                    rest: None,
                    is_struct: false,
                };
                seed.deserialize(MapAccessDeserializer::new(rest))
            }
        }
    }
}

/// The two fields of a [`Spanned`].
pub(super) struct SpannedParts<'a> {
    pub(super) reader: NodeReader<'a>,
    pub(super) next: u8,
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

pub(super) struct UnitVariant<'a>(pub(super) &'a str);

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
