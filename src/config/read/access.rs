//! The parts of a collection, one after the other.

use serde::de::value::{MapAccessDeserializer, StrDeserializer, U32Deserializer};
use serde::de::{
    DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::REST;
use super::error::ReadError;
use super::reader::NodeReader;
use crate::config::tree::NodeId;

pub(super) struct Items<'a> {
    pub(super) reader: NodeReader<'a>,
    pub(super) items: std::vec::IntoIter<NodeId>,
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
        seed.deserialize(self.reader.child(at)?)
            .map(Some)
            .map_err(|error| error.or_at(at))
    }
}

pub(super) struct Entries<'a> {
    pub(super) reader: NodeReader<'a>,
    pub(super) entries: std::vec::IntoIter<(NodeId, NodeId)>,
    pub(super) value: Option<NodeId>,
    pub(super) rest: Option<Vec<(NodeId, NodeId)>>,
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
                .deserialize(self.reader.child(at)?)
                .map_err(|error| error.or_at(at)),
            None => {
                let entries = self.rest.take().unwrap_or_default().into_iter();
                let rest = Entries {
                    reader: self.reader,
                    entries,
                    value: None,
                    rest: None,
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
