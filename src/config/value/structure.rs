//! Declared structs: their fields, and the flags that say which of them are there.

use std::collections::HashSet;

use super::{Around, ValueReader};
use crate::codec::{Field, Flag, IntSpec, Pointer, Shown, Spec, StructSpec, When};
use crate::config::diagnose::nearest;
use crate::config::model::ValueConfig;
use crate::config::read::Spanned;

impl ValueReader<'_> {
    pub(super) fn structure(
        &mut self,
        value: &Spanned<ValueConfig>,
        around: Around,
    ) -> Option<Spec> {
        let declared = self.required(value.at, "fields", value.fields.as_ref())?;
        if declared.is_empty() {
            let help = "declare one: `- { name: …, type: … }`";
            self.mistake(declared.at, "there is no field", help);
            return None;
        }
        let mut spec = StructSpec { fields: Vec::new() };
        let mut names = HashSet::new();
        let mut room = around.room;
        let mut is_complete = true;
        // Where a field ends nobody knows, so none can come after it.
        let mut open_ended: Option<&str> = None;
        for declared in &declared.value {
            if let Some(before) = open_ended {
                let message = format!("this comes after `{before}`, whose length varies");
                let help = "give that one a `length`, or put it last";
                self.mistake(declared.at, message, help);
                is_complete = false;
            }
            let Some(field) = self.field(declared, &mut spec, Around { room, ..around }) else {
                is_complete = false;
                continue;
            };
            if !names.insert(field.name.clone()) {
                let message = format!("a second field `{}`", field.name);
                self.mistake(declared.at, message, "give each its own name");
            }
            let (_, most) = field.spec.octets();
            room = room.saturating_sub(most);
            if is_open_ended(&field.spec) {
                open_ended = declared.name.as_ref().map(|name| name.as_str());
            }
            spec.fields.push(field);
        }
        is_complete.then(|| Spec::Struct(spec.into()))
    }

    fn field(
        &mut self,
        declared: &Spanned<ValueConfig>,
        before: &mut StructSpec,
        around: Around,
    ) -> Option<Field> {
        let config = &declared.value;
        let name = self.required(declared.at, "name", config.name.as_ref());
        if let Some(name) = name
            && (name.is_empty() || name.contains(['/', '~', '!', '#']))
        {
            let help = "use letters, digits and `_`";
            self.mistake(name.at, "this is no name of a field", help);
        }
        let field_spec = self.part(declared, around);
        let when = config.when.as_ref().map(|when| self.when(when, before));
        let pointer = match &config.json {
            Some(_) => self.pointer(config)?,
            None => Pointer::key(name?),
        };
        let spec = field_spec?;
        let constant = match config.constant {
            None => None,
            Some(at) => Some(self.literal_at("constant", at.0, &spec)?),
        };
        let initial = match config.initial {
            None => None,
            Some(at) => Some(self.literal_at("initial", at.0, &spec)?),
        };
        if let (Some(initial), Some(_)) = (config.initial, config.constant) {
            let help = "remove one: a constant is its own initial value";
            self.mistake(initial.0, "both `initial` and `constant`", help);
        }
        if let (Some(copy), Some(_)) = (&config.copy, config.constant) {
            let help = "remove one: what is copied is not always the same";
            self.mistake(copy.at, "both `copy` and `constant`", help);
        }
        Some(Field {
            name: name?.as_str().into(),
            spec,
            at: pointer,
            when: match when {
                None => None,
                Some(when) => Some(when?),
            },
            constant,
            initial,
            copy: config.copy.as_ref().map(|copy| copy.as_str().into()),
        })
    }

    /// Finds the flag that a field is there for, and marks it as one that follows from that.
    fn when(&mut self, declared: &Spanned<String>, before: &mut StructSpec) -> Option<When> {
        let (set, wanted) = match declared.strip_prefix('!') {
            Some(name) => (false, name.trim()),
            None => (true, declared.as_str()),
        };
        for (index, field) in before.fields.iter_mut().enumerate() {
            let Spec::Int(IntSpec {
                shown: Shown::Flags(flags),
                ..
            }) = &mut field.spec
            else {
                continue;
            };
            if let Some(position) = flags.iter().position(|flag| &*flag.name == wanted) {
                let mut marked: Vec<Flag> = flags.to_vec();
                marked[position].derived = true;
                let bit = marked[position].bit;
                *flags = marked.into();
                return Some(When {
                    field: index,
                    bit,
                    set,
                });
            }
        }
        let known: Vec<String> = before.fields.iter().flat_map(flag_names).collect();
        let help = match nearest(wanted, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "declare it before, as in `{ name: flags, type: u8, flags: { \
                distance_present: 0 } }`"
                .to_owned(),
        };
        let message = format!("no field before this one has a flag `{wanted}`");
        self.mistake(declared.at, message, help);
        None
    }
}

fn flag_names(field: &Field) -> Vec<String> {
    match &field.spec {
        Spec::Int(IntSpec {
            shown: Shown::Flags(flags),
            ..
        }) => flags.iter().map(|flag| flag.name.to_string()).collect(),
        Spec::Int(_)
        | Spec::Bool(_)
        | Spec::Float(_)
        | Spec::Text(_)
        | Spec::Bytes(_)
        | Spec::Json(_)
        | Spec::Struct(_)
        | Spec::Array(_) => Vec::new(),
    }
}

/// Whether the length of a value follows from nothing but where the octets end.
fn is_open_ended(spec: &Spec) -> bool {
    match spec {
        Spec::Bool(_) | Spec::Int(_) | Spec::Float(_) => false,
        Spec::Text(_) | Spec::Bytes(_) | Spec::Json(_) | Spec::Array(_) => {
            let (least, most) = spec.octets();
            least != most
        }
        Spec::Struct(spec) => spec.fields.iter().any(|field| is_open_ended(&field.spec)),
    }
}
