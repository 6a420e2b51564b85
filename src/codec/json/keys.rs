//! The keys that the JSON of a value can have, and those that it cannot.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::codec::{Cause, Pointer, Spec, Violation, document};

/// Where everything that an object can say of a value stands in it, as JSON pointers: the fields of a struct,
/// the names of flags. Nothing for any other type.
pub fn keys(spec: &Spec) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for (at, part) in document::places(spec, &Pointer::default()) {
        let steps = at.steps().iter().map(|step| escaped(step));
        let at: String = steps.collect();
        match names(part) {
            names if names.is_empty() => keys.push(at),
            names => keys.extend(names.into_iter().map(|name| at.clone() + &escaped(name))),
        }
    }
    // Fields that take turns share a place.
    let mut seen = BTreeSet::new();
    keys.retain(|key| !key.is_empty() && seen.insert(key.clone()));
    keys
}

/// That everything in a piece of JSON is declared: [`read`](super::read) passes over what is not, because documents
/// are shared. Who has a value to itself misspells.
///
/// # Errors
/// [`Cause::NotAllowed`] for the first key that nobody reads, and which there are.
pub fn check_keys(spec: &Spec, json: &Json) -> Result<(), Violation> {
    match (spec, json) {
        (Spec::Struct(_), Json::Object(_)) => {
            let places = document::places(spec, &Pointer::default());
            walk(spec, &places, &mut Vec::new(), json)
        }
        (Spec::Array(array), Json::Array(items)) => {
            let mut items = items.iter().enumerate();
            items.try_for_each(|(index, item)| {
                check_keys(&array.item, item).map_err(|it| it.in_field(&index.to_string()))
            })
        }
        (spec, Json::Object(entries)) if spec.flags().is_some() => {
            let names = names(spec);
            match entries.keys().find(|key| !names.contains(&key.as_str())) {
                Some(key) => Err(unknown(spec, &[key])),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// The same at a place within a struct.
fn walk<'a>(
    whole: &Spec,
    places: &[(Pointer, &Spec)],
    here: &mut Vec<&'a str>,
    json: &'a Json,
) -> Result<(), Violation> {
    let is_here = |at: &Pointer| {
        at.steps()
            .iter()
            .map(|step| &**step)
            .eq(here.iter().copied())
    };
    let mut specs = places.iter().filter(|(at, _)| is_here(at)).peekable();
    if specs.peek().is_some() {
        // Of fields that take turns, one knows it.
        let mut checked = Ok(());
        for (_, spec) in specs {
            checked = check_keys(spec, json);
            if checked.is_ok() {
                break;
            }
        }
        return checked.map_err(|it| it.in_field(&here.join("/")));
    }
    let is_above = |at: &Pointer| {
        let mut steps = at.steps().iter();
        here.iter()
            .all(|step| steps.next().is_some_and(|it| **it == **step))
    };
    if !places.iter().any(|(at, _)| is_above(at)) {
        return Err(unknown(whole, here));
    }
    let entries = match json {
        Json::Object(entries) => entries,
        Json::Null | Json::Array(_) => return Ok(()),
        Json::Bool(_) | Json::Number(_) | Json::String(_) => {
            let violation = Violation::new(Cause::WrongType, "an object is wanted here");
            return Err(violation.in_field(&here.join("/")));
        }
    };
    for (key, inner) in entries {
        here.push(key);
        walk(whole, places, here, inner)?;
        here.pop();
    }
    Ok(())
}

/// The flags that JSON says something of.
fn names(spec: &Spec) -> Vec<&str> {
    let flags = spec.flags().unwrap_or_default().iter();
    let said = flags.filter(|flag| !flag.derived);
    said.map(|flag| &*flag.name).collect()
}

/// A step of a JSON pointer (RFC 6901).
fn escaped(step: &str) -> String {
    format!("/{}", step.replace('~', "~0").replace('/', "~1"))
}

fn unknown(spec: &Spec, here: &[&str]) -> Violation {
    let keys: Vec<String> = keys(spec)
        .iter()
        .map(|key| format!("`{}`", &key[1..]))
        .collect();
    let detail = format!(
        "there is no `{}` in it: there {} {}",
        here.join("/"),
        if keys.len() == 1 { "is" } else { "are" },
        keys.join(", ")
    );
    Violation::new(Cause::NotAllowed, detail)
}
