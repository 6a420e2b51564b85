//! Values with parts that stand in the YAML as mappings: every key has to mean something, because one
//! that is misspelt would leave its field at what it is without being said.

use super::ValueReader;
use crate::codec::{IntSpec, Pointer, Shown, Spec, document};
use crate::config::diagnose::nearest;
use crate::config::tree::NodeId;

impl ValueReader<'_> {
    /// Says of every key that belongs to no part of the value that it does not; whether all do.
    pub(super) fn check_parts(&mut self, at: NodeId, spec: &Spec) -> bool {
        match spec {
            Spec::Struct(_) => {
                let places = document::places(spec, &Pointer::default());
                self.check_level(at, &places, 0)
            }
            Spec::Array(spec) => {
                let mut all = true;
                for item in self.tree.items(at).to_vec() {
                    all &= self.check_parts(item, &spec.item);
                }
                all
            }
            Spec::Int(IntSpec {
                shown: Shown::Flags(flags),
                ..
            }) => {
                let free = flags.iter().filter(|flag| !flag.derived);
                let names: Vec<&str> = free.map(|flag| &*flag.name).collect();
                let entries = self.tree.entries(at).to_vec();
                entries.into_iter().fold(true, |all, (key, _)| {
                    let is_known = names.contains(&self.tree.text(key));
                    if !is_known {
                        self.unknown_part(key, &names);
                    }
                    is_known && all
                })
            }
            Spec::Bool(_)
            | Spec::Int(_)
            | Spec::Float(_)
            | Spec::Text(_)
            | Spec::Bytes(_)
            | Spec::Json(_) => true,
        }
    }

    /// The parts that somebody has to say and that a mapping does not: those that are neither constant
    /// nor copied, nor there only if a flag says so.
    pub(in crate::config) fn parts_left_out(&self, at: NodeId, spec: &Spec) -> Vec<String> {
        let Spec::Struct(spec) = spec else {
            return Vec::new();
        };
        let open = spec.fields.iter().filter(|field| {
            let said_elsewhere = field.constant.is_some() || field.copy.is_some();
            let places = document::places(&field.spec, &field.at);
            !said_elsewhere
                && field.when.is_none()
                && field.initial.is_none()
                && !places.is_empty()
                && !places.iter().any(|(place, _)| self.stands(at, place))
        });
        open.map(|field| field.name.to_string()).collect()
    }

    fn stands(&self, at: NodeId, place: &Pointer) -> bool {
        let end = place.steps().iter().try_fold(at, |at, step| {
            let mut entries = self.tree.entries(at).iter();
            let entry = entries.find(|(key, _)| self.tree.text(*key) == &**step)?;
            Some(entry.1)
        });
        end.is_some()
    }

    fn check_level(&mut self, at: NodeId, places: &[(Pointer, &Spec)], depth: usize) -> bool {
        let mut all = true;
        for (key, inner) in self.tree.entries(at).to_vec() {
            let word = self.tree.text(key).to_owned();
            let below: Vec<(Pointer, &Spec)> = places
                .iter()
                .filter(|(place, _)| place.steps().get(depth).is_some_and(|it| **it == *word))
                .cloned()
                .collect();
            all &= match below.iter().find(|(it, _)| it.steps().len() == depth + 1) {
                Some((_, spec)) => self.check_parts(inner, spec),
                None if below.is_empty() => {
                    let steps = places.iter().filter_map(|(it, _)| it.steps().get(depth));
                    let known: Vec<&str> = steps.map(|step| &**step).collect();
                    self.unknown_part(key, &known);
                    false
                }
                None => self.check_level(inner, &below, depth + 1),
            };
        }
        all
    }

    fn unknown_part(&mut self, key: NodeId, known: &[&str]) {
        let word = self.tree.text(key);
        let help = match nearest(word, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                let mut names: Vec<String> = known.iter().map(|it| format!("`{it}`")).collect();
                names.dedup();
                format!("there are {}", names.join(", "))
            }
        };
        let message = format!("nothing in this value is called `{word}`");
        self.mistake(key, message, help);
    }
}
