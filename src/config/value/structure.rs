//! Declared structs and arrays: what they are made of, and the flags that say what of it is there.

use std::collections::HashSet;

use super::{Around, ValueReader};
use crate::codec::{
    ArraySpec, Field, Flag, IntSpec, Pointer, Shown, Spec, StructSpec, When, document,
};
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
                // What is wrong with it besides is not for want of room.
                room = around.room;
            }
            let Some(field) = self.field(declared, &mut spec, Around { room, ..around }) else {
                is_complete = false;
                continue;
            };
            if !names.insert(field.name.clone()) {
                let message = format!("a second field `{}`", field.name);
                self.mistake(declared.at, message, "give each its own name");
            }
            self.check_place(declared, &field, &spec);
            self.check_document(declared, &field, &spec);
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
        let unit = self.presentation(config).unit;
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
            unit,
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

    /// A message tells only of its own document, so it could not know what its flag says of another.
    fn check_document(
        &mut self,
        declared: &Spanned<ValueConfig>,
        field: &Field,
        before: &StructSpec,
    ) {
        let flag = |field: &Field| field.when.map(|when| (when.field, when.bit));
        let mut others = before
            .fields
            .iter()
            .filter(|other| flag(other) == flag(field));
        let elsewhere = others.find(|other| other.at.document != field.at.document);
        if let (Some(_), Some(other)) = (field.when, elsewhere) {
            let at = declared.json.as_ref().map_or(declared.at, |json| json.at);
            let message = format!(
                "`{}` has the same flag, and stands in another document",
                other.name
            );
            let help = "give each a flag of its own, or put them into one document";
            self.mistake(at, message, help);
        }
    }

    /// Two values in one place of JSON would hide each other, unless they take turns.
    fn check_place(&mut self, declared: &Spanned<ValueConfig>, field: &Field, before: &StructSpec) {
        if field.constant.is_some() {
            return;
        }
        let places = document::places(&field.spec, &field.at);
        for other in &before.fields {
            let takes_turns = field.at == other.at && field.when.is_some() && other.when.is_some();
            if other.constant.is_some() || takes_turns {
                continue;
            }
            let theirs = document::places(&other.spec, &other.at);
            let overlap =
                |(at, _): &(Pointer, &Spec)| theirs.iter().any(|(other, _)| at.overlaps(other));
            if places.iter().any(overlap) {
                let at = declared.json.as_ref().map_or(declared.at, |json| json.at);
                let message = format!("`{}` and `{}` stand in one place", other.name, field.name);
                let help = "give each its own `json`; only fields that have a `when`, \
                    and so take turns, may share one";
                self.mistake(at, message, help);
            }
        }
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
                unknown,
                ..
            }) = &mut field.spec
            else {
                continue;
            };
            if let Some(position) = flags.iter().position(|flag| &*flag.name == wanted) {
                if field.constant.is_some() || unknown.is_some() {
                    let message = format!("`{wanted}` is in `{}`, which is not free", field.name);
                    let help = "remove `constant` and `unknown` there: the flag follows from what is there";
                    self.mistake(declared.at, message, help);
                    return None;
                }
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

    pub(super) fn array(&mut self, value: &Spanned<ValueConfig>, around: Around) -> Option<Spec> {
        let config = &value.value;
        let declared = self.required(value.at, "items", config.items.as_deref())?;
        self.refuse_keys_of_fields(declared);
        for (key, at) in [
            ("initial", declared.initial.map(|key| key.0)),
            ("constant", declared.constant.map(|key| key.0)),
            ("json", declared.json.as_ref().map(|key| key.at)),
        ] {
            if let Some(at) = at {
                let message = format!("the items of an array have no `{key}`");
                self.mistake(at, message, "remove it, or say it of the array");
            }
        }
        let item = self.part(declared, around)?;
        let (least, most) = item.octets();
        if least != most || least == 0 {
            let help = "give it a type of fixed length; of a text, `length: …`";
            self.mistake(declared.at, "items have to be of one length", help);
            return None;
        }
        let fit = around.room / most;
        let min_items = config.min_items.map_or(0, |count| count.value as usize);
        let max_items = config.max_items.map_or(fit, |count| count.value as usize);
        let at = config.min_items.or(config.max_items).map(|count| count.at);
        if max_items > fit || max_items == 0 {
            let message = format!("{max_items} items of {most} bytes");
            let help = format!("1 to {fit} fit");
            let at = config.max_items.map(|count| count.at);
            self.mistake(at.unwrap_or(value.at), message, help);
            return None;
        }
        if min_items > max_items {
            let message = format!("`min_items` is {min_items}, and {max_items} are the most");
            self.mistake(at.unwrap_or(value.at), message, "make it smaller");
            return None;
        }
        Some(Spec::Array(
            ArraySpec {
                item,
                min_items,
                max_items,
            }
            .into(),
        ))
    }
}

fn flag_names(field: &Field) -> Vec<String> {
    let flags = field.spec.flags().unwrap_or_default();
    flags.iter().map(|flag| flag.name.to_string()).collect()
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
