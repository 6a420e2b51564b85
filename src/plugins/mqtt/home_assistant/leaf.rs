//! Pure: what of a value a person would call one thing: the value itself, or a field of it.

use std::sync::Arc;

use super::template::Step;
use crate::codec::presentation::UNITLESS;
use crate::codec::{IntSpec, Pointer, Shown, Spec};

/// One thing.
#[derive(Clone, Debug)]
pub(super) struct Leaf<'a> {
    /// The names of the fields, from the outside in; none of a value that is one thing.
    pub(super) path: Vec<Arc<str>>,
    /// Where it stands in the JSON of the value, or in its document.
    pub(super) at: Pointer,
    pub(super) kind: Kind<'a>,
    /// A unit of Assigned Numbers, 3.5.
    pub(super) unit: u16,
}

#[derive(Clone, Debug)]
pub(super) enum Kind<'a> {
    Value(&'a Spec),
    /// A bit with a name: the last of the path.
    Flag,
}

/// The things that a value is made of, and whether some of them may be missing.
pub(super) fn leaves<'a>(spec: &'a Spec, at: &Pointer, unit: u16) -> (Vec<Leaf<'a>>, bool) {
    let mut found = Vec::new();
    let mut is_partial = false;
    collect(spec, at, unit, &[], &mut found, &mut is_partial);
    (found, is_partial)
}

fn collect<'a>(
    spec: &'a Spec,
    at: &Pointer,
    unit: u16,
    path: &[Arc<str>],
    found: &mut Vec<Leaf<'a>>,
    is_partial: &mut bool,
) {
    let deeper =
        |name: &Arc<str>| -> Vec<Arc<str>> { path.iter().chain([name]).cloned().collect() };
    match spec {
        Spec::Struct(spec) => {
            for field in &spec.fields {
                if field.constant.is_some() || field.copy.is_some() {
                    continue;
                }
                *is_partial |= field.when.is_some();
                let at = field.at.within(at);
                let path = deeper(&field.name);
                // What stands in another's place is the same thing, of another size.
                if found.iter().any(|known| known.at == at) {
                    continue;
                }
                collect(&field.spec, &at, field.unit, &path, found, is_partial);
            }
        }
        Spec::Int(IntSpec {
            shown: Shown::Flags(flags),
            ..
        }) => {
            for flag in flags.iter().filter(|flag| !flag.derived) {
                found.push(Leaf {
                    path: deeper(&flag.name),
                    at: Pointer::key(&flag.name).within(at),
                    kind: Kind::Flag,
                    unit: UNITLESS,
                });
            }
        }
        Spec::Bool(_)
        | Spec::Int(_)
        | Spec::Float(_)
        | Spec::Text(_)
        | Spec::Bytes(_)
        | Spec::Json(_)
        | Spec::Array(_) => found.push(Leaf {
            path: path.to_vec(),
            at: at.clone(),
            kind: Kind::Value(spec),
            unit,
        }),
    }
}

/// A pointer as steps. A number in it is the key of an object, as whoever writes a pointer makes one.
pub(super) fn steps(at: &Pointer) -> Vec<Step> {
    at.steps()
        .iter()
        .map(|step| Step::Key(step.to_string()))
        .collect()
}
