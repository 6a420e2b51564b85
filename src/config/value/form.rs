//! What a declared number is in JSON, where it is not a number: words, or flags.

use std::sync::Arc;

use super::ValueReader;
use crate::codec::{BoolSpec, Flag, Word};
use crate::config::model::{Entries, ValueConfig};
use crate::config::tree::NodeId;

impl ValueReader<'_> {
    pub(super) fn bool_words(&mut self, config: &ValueConfig) -> BoolSpec {
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

    /// Words and flags name all that there may be, so nothing else is said of the number.
    pub(super) fn refuse_range(&mut self, config: &ValueConfig, form: &str) {
        for (key, at) in [
            ("min", config.min.as_ref().map(|key| key.at)),
            ("max", config.max.as_ref().map(|key| key.at)),
            ("step", config.step.as_ref().map(|key| key.at)),
            ("overflow", config.overflow.as_ref().map(|key| key.at)),
        ] {
            if let Some(at) = at {
                let message = format!("`{key}` has no meaning beside `{form}`");
                self.mistake(at, message, "remove it");
            }
        }
    }

    /// Scale, words and flags are three answers to one question.
    pub(super) fn check_one_form(&mut self, config: &ValueConfig) -> Option<()> {
        let forms: Vec<NodeId> = [
            config.scale.as_ref().map(|it| it.at),
            config.words.as_ref().map(|it| it.at),
            config.flags.as_ref().map(|it| it.at),
        ]
        .into_iter()
        .flatten()
        .collect();
        if let [_, second, ..] = forms.as_slice() {
            let help = "keep one: each says what the number is in JSON";
            self.mistake(
                *second,
                "more than one of `scale`, `enum` and `flags`",
                help,
            );
            return None;
        }
        Some(())
    }

    pub(super) fn words(
        &mut self,
        config: &ValueConfig,
        range: (i128, i128),
        unknown: Option<i128>,
    ) -> Option<Arc<[Word]>> {
        let declared = config.words.as_ref()?;
        let mut words: Vec<Word> = Vec::new();
        for (word, number) in &declared.value.0 {
            let Some(raw) = self.raw(word, number, range) else {
                continue;
            };
            if unknown == Some(raw) {
                let message = format!("{raw} stands for `unknown` already");
                self.mistake(number.at, message, "remove the word, or `unknown`");
            }
            if let Some((_, first)) = words.iter().find(|(known, _)| *known == raw) {
                let message = format!("`{first}` is {raw} already");
                self.mistake(number.at, message, "give each word a number of its own");
            }
            words.push((raw, word.as_str().into()));
        }
        if declared.value.0.is_empty() {
            let help = "write words and numbers, as in `{ off: 0, on: 1 }`";
            self.mistake(declared.at, "there is no word", help);
        }
        (!words.is_empty()).then(|| words.into())
    }

    pub(super) fn flags(&mut self, config: &ValueConfig, bits: usize) -> Option<Arc<[Flag]>> {
        let declared = config.flags.as_ref()?;
        let mut flags: Vec<Flag> = Vec::new();
        for (name, bit) in &declared.value.0 {
            if bit.value as usize >= bits {
                let message = format!("there is no bit {}", bit.value);
                let help = format!("the bits of this type are 0 to {}", bits - 1);
                self.mistake(bit.at, message, help);
                continue;
            }
            if let Some(first) = flags.iter().find(|flag| flag.bit == bit.value) {
                let message = format!("`{}` is bit {} already", first.name, bit.value);
                self.mistake(bit.at, message, "give each flag a bit of its own");
            }
            flags.push(Flag {
                name: name.as_str().into(),
                bit: bit.value,
                derived: false,
            });
        }
        if declared.value.0.is_empty() {
            let help = "write names and bits, as in `{ moving: 0, charging: 3 }`";
            self.mistake(declared.at, "there is no flag", help);
        }
        (!flags.is_empty()).then(|| flags.into())
    }
}
