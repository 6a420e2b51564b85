//! Values in a JSON document that they share: each stands at its pointer, and a message that does not
//! mention it leaves it as it is.

use serde_json::Value as Json;

use super::decimal::push;
use super::structure::{Field, StructSpec, When};
use super::{Patch, Pointer, Spec, Value, Violation, json};

/// What a document says of a value that stands `at` a place in it. `document` chooses among the fields
/// of a struct: those that stand in the document of this name, or with `None`, in the one that has
/// none. A key that is missing says nothing.
///
/// # Errors
/// That of [`json::read`].
pub fn read(
    spec: &Spec,
    at: &Pointer,
    document: Option<&str>,
    json: &Json,
) -> Result<Patch, Violation> {
    let reader = Reader {
        root: json,
        choice: Choice::Of(document),
    };
    reader.value(spec, at, at.find(json))
}

/// Puts a value where it stands in a document; `document` as for [`read`]. What is not there is not
/// written, nor with `omit_empty` what is empty.
pub fn write(
    spec: &Spec,
    at: &Pointer,
    document: Option<&str>,
    value: &Value,
    omit_empty: bool,
    into: &mut Json,
) {
    let writer = Writer {
        choice: Choice::Of(document),
        omit_empty,
    };
    writer.value(spec, at, value, into);
}

/// Where all that JSON shows of a value stands, and what it is.
pub fn places<'a>(spec: &'a Spec, at: &Pointer) -> Vec<(Pointer, &'a Spec)> {
    let mut places = Vec::new();
    collect(spec, at, &mut places);
    places
}

/// The whole of a struct, in an object of its own.
pub(super) fn write_all(spec: &Spec, value: &Value, into: &mut Json) {
    let writer = Writer {
        choice: Choice::All,
        omit_empty: false,
    };
    writer.value(spec, &Pointer::default(), value, into);
}

/// What an object of its own says of a struct.
pub(super) fn read_all(spec: &Spec, json: &Json) -> Result<Patch, Violation> {
    let reader = Reader {
        root: json,
        choice: Choice::All,
    };
    reader.value(spec, &Pointer::default(), Some(json))
}

/// JSON with a space after each colon and comma, as Python's `json.dumps` writes it.
pub fn render(json: &Json) -> String {
    let mut out = String::new();
    render_into(json, &mut out);
    out
}

pub(super) fn render_into(json: &Json, out: &mut String) {
    render_around(json, out, &mut |_, _| false);
}

/// The same, where `is_written` may write a piece itself.
pub(super) fn render_around(
    json: &Json,
    out: &mut String,
    is_written: &mut impl FnMut(&Json, &mut String) -> bool,
) {
    match json {
        json if is_written(json, out) => {}
        Json::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                render_around(item, out, is_written);
            }
            out.push(']');
        }
        Json::Object(entries) => {
            out.push('{');
            for (index, (key, item)) in entries.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                json::quote(key, out);
                out.push_str(": ");
                render_around(item, out, is_written);
            }
            out.push('}');
        }
        Json::String(text) => json::quote(text, out),
        Json::Null | Json::Bool(_) | Json::Number(_) => push(out, format_args!("{json}")),
    }
}

/// Which fields are meant.
#[derive(Clone, Copy)]
enum Choice<'a> {
    /// All, wherever they are said to stand: the object is the struct's own.
    All,
    Of(Option<&'a str>),
}

impl Choice<'_> {
    fn includes(self, at: &Pointer) -> bool {
        match self {
            Self::All => true,
            Self::Of(document) => at.document.as_deref() == document,
        }
    }
}

struct Reader<'a> {
    root: &'a Json,
    choice: Choice<'a>,
}

impl Reader<'_> {
    fn value(&self, spec: &Spec, at: &Pointer, found: Option<&Json>) -> Result<Patch, Violation> {
        if let (Spec::Struct(spec), None | Some(Json::Object(_))) = (spec, found) {
            return self.fields(spec, at);
        }
        match found {
            Some(json) if self.choice.includes(at) => json::read(spec, json),
            Some(_) | None => Ok(Patch::Keep),
        }
    }

    fn fields(&self, spec: &StructSpec, at: &Pointer) -> Result<Patch, Violation> {
        // A flag may choose among the alternatives of several places: what one of them cannot hold, none
        // of those that go with it is for.
        let mut ruled_out: Vec<When> = Vec::new();
        loop {
            match self.fields_without(spec, at, &ruled_out)? {
                Ok(patches) => return Ok(Patch::Fields(patches)),
                Err(when) => ruled_out.push(when),
            }
        }
    }

    /// One patch for each field, or which fields cannot be there.
    fn fields_without(
        &self,
        spec: &StructSpec,
        at: &Pointer,
        ruled_out: &[When],
    ) -> Result<Result<Vec<Patch>, When>, Violation> {
        let gone = Patch::Set(Value::Null);
        let says = |patch: &Patch| !patch.is_keep() && *patch != gone;
        let mut patches: Vec<Patch> = Vec::with_capacity(spec.fields.len());
        for (index, field) in spec.fields.iter().enumerate() {
            let mut before = spec.alternatives_before(index);
            let is_taken = before.any(|other| says(&patches[other]));
            // Another field stands at the same place, and may be able to hold what this one cannot.
            let instead = field.when.filter(|_| spec.has_alternative_after(index));
            let patch = match instead {
                _ if is_taken => gone.clone(),
                Some(when) if ruled_out.contains(&when) => gone.clone(),
                Some(when) => match self.field(field, at) {
                    Ok(patch) if !says(&patch) || holds(&field.spec, &patch) => patch,
                    Ok(_) | Err(_) => return Ok(Err(when)),
                },
                None => {
                    let patch = self.field(field, at);
                    patch.map_err(|violation| violation.in_field(&field.name))?
                }
            };
            // What is said of this one rules out those that its flag tells from it.
            let other = field.when.map(When::opposite).filter(|_| says(&patch));
            if let Some(other) = other
                && !ruled_out.contains(&other)
                && spec.chooses_by(other)
            {
                return Ok(Err(other));
            }
            patches.push(patch);
        }
        let presence: Vec<Option<bool>> = (0..spec.fields.len())
            .map(|index| self.presence(spec, index, at))
            .collect();
        // Of fields that exclude each other one is always there. To say nothing of any is to keep it.
        for (index, field) in spec.fields.iter().enumerate() {
            let takes_turns = || spec.fields.iter().any(|other| field.excludes(other));
            if field.when.is_none() || !takes_turns() {
                continue;
            }
            let goes_with = |other: &Field| other.when == field.when || field.excludes(other);
            let is_said = spec.fields.iter().enumerate().any(|(other, of)| {
                goes_with(of) && (says(&patches[other]) || presence[other] == Some(true))
            });
            if !is_said {
                patches[index] = Patch::Keep;
            }
        }
        spec.say_presence(&mut patches, &presence);
        Ok(Ok(patches))
    }

    /// Whether a field that may be unknown is said to be there: as null it is, and in an object of its
    /// own, what is missing is not.
    fn presence(&self, spec: &StructSpec, index: usize, outer: &Pointer) -> Option<bool> {
        let field = &spec.fields[index];
        let takes_turns =
            spec.has_alternative_after(index) || spec.alternatives_before(index).next().is_some();
        if !field.may_be_unknown() || field.copy.is_some() || takes_turns {
            return None;
        }
        let at = field.at.within(outer);
        match at.find(self.root) {
            None if matches!(self.choice, Choice::All) => Some(false),
            Some(Json::Null) if self.choice.includes(&at) => Some(true),
            None | Some(_) => None,
        }
    }

    fn field(&self, field: &Field, outer: &Pointer) -> Result<Patch, Violation> {
        if field.constant.is_some() || field.copy.is_some() {
            return Ok(Patch::Keep);
        }
        let at = field.at.within(outer);
        let found = at.find(self.root);
        let in_own_object = matches!(self.choice, Choice::All);
        let is_optional = field.when.is_some();
        match found {
            None if in_own_object && (is_optional || field.spec.admits_null()) => {
                Ok(Patch::Set(Value::Null))
            }
            Some(Json::Null) if is_optional && self.choice.includes(&at) => {
                Ok(Patch::Set(Value::Null))
            }
            found => self.value(&field.spec, &at, found),
        }
    }
}

/// Whether a value is as it was said when a type has taken it.
fn holds(spec: &Spec, patch: &Patch) -> bool {
    let admitted = spec.admit(spec.merge(None, patch.clone()));
    admitted.is_ok_and(|admitted| !admitted.adjusted)
}

struct Writer<'a> {
    choice: Choice<'a>,
    omit_empty: bool,
}

impl Writer<'_> {
    fn value(&self, spec: &Spec, at: &Pointer, value: &Value, into: &mut Json) {
        if let (Spec::Struct(spec), Value::List(parts)) = (spec, value) {
            for (field, part) in spec.fields.iter().zip(&**parts) {
                let is_shown = field.constant.is_none()
                    && StructSpec::is_there(field, parts)
                    && shows(&field.spec);
                if is_shown {
                    self.value(&field.spec, &field.at.within(at), part, into);
                }
            }
            return;
        }
        let left_out = self.omit_empty && spec.is_empty(value);
        if self.choice.includes(at) && !left_out {
            at.put(json::to_json(spec, value), into);
        }
    }
}

/// Whether there is anything to show: flags that all follow from other fields are not.
fn shows(spec: &Spec) -> bool {
    spec.flags()
        .is_none_or(|flags| flags.iter().any(|flag| !flag.derived))
}

fn collect<'a>(spec: &'a Spec, at: &Pointer, places: &mut Vec<(Pointer, &'a Spec)>) {
    match spec {
        Spec::Struct(spec) => {
            for field in &spec.fields {
                let is_said = field.constant.is_none() && field.copy.is_none();
                if is_said && shows(&field.spec) {
                    collect(&field.spec, &field.at.within(at), places);
                }
            }
        }
        Spec::Bool(_)
        | Spec::Int(_)
        | Spec::Float(_)
        | Spec::Text(_)
        | Spec::Bytes(_)
        | Spec::Json(_)
        | Spec::Array(_) => places.push((at.clone(), spec)),
    }
}
