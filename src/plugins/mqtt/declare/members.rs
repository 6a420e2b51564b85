//! Which values are in which documents, and what publishes those that are gathered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::topic::Reader;
use super::values::Values;
use crate::codec::{Pointer, Spec, document::places};
use crate::config::{NodeId, Spanned, nearest};
use crate::engine::CellId;
use crate::plan::CellPlan;
use crate::plugins::mqtt::document::{Disclosure, Member};

/// A value in a document, and where it says so.
pub(super) struct Place {
    pub(super) member: Member,
    pub(super) at: NodeId,
    /// It is known where it stands.
    pub(super) is_sound: bool,
    /// It has topics of its own, which is a mistake; they decide what it is.
    pub(super) has_own_topics: bool,
    /// Writing it publishes a document.
    pub(super) gathers: bool,
}

/// By document, the values that are in it: those that name it for all their parts, and those of which a
/// part names it.
pub(super) fn members(
    reader: &mut Reader<'_, '_>,
    values: &Values,
    names: &[String],
) -> BTreeMap<String, Vec<Place>> {
    let mut found: BTreeMap<String, Vec<Place>> = BTreeMap::new();
    let gathering: BTreeSet<CellId> = values.triggers.iter().map(|(cell, _)| *cell).collect();
    for cell in reader.declared.cells() {
        let CellPlan {
            name: value,
            spec,
            json: at,
            constant,
            is_from_environment,
            is_place_from_environment,
            ..
        } = reader.declared.cell(cell).clone();
        let main = values.members.get(&cell);
        let place = main.map_or_else(|| reader.declared.place(cell), |main| main.at);
        let parts = places(&spec, &at.clone().unwrap_or_default());
        let named: BTreeSet<Arc<str>> = parts
            .iter()
            .filter_map(|(at, _)| at.document.clone())
            .collect();
        let is_main = |name: &str| main.is_some_and(|main| main.value == name);
        let mut is_sound = true;
        if let Some(main) = main {
            is_sound = check_member(reader, main, &spec, at.as_ref(), &parts);
        } else if let (Some(at), Some(topics)) = (&at, values.own_topics.get(&cell))
            && at.document.is_none()
        {
            let help = "add `document: …` to `mqtt`, or remove `json`; without a document, `payload` \
                says where the value stands";
            let message = format!("`json: {at}` is a place in a document, and there is none");
            reader.mistake(*topics, message, help);
        }
        if let (Some(topics), false) = (values.own_topics.get(&cell), named.is_empty()) {
            let help = "remove the topics, or the names of documents in `json`";
            let message = "a part of this value is in a document, and it has topics of its own";
            reader.mistake(*topics, message, help);
        }
        let all = named.iter().map(|name| name.to_string());
        let all: BTreeSet<String> = all.chain(main.map(|main| main.value.clone())).collect();
        for name in all {
            if !is_known(reader, &name, place, names) {
                continue;
            }
            let own = Some(Some(name.as_str().into()));
            let unnamed = is_main(&name).then_some(None);
            let member = Member {
                cell,
                name: value.clone(),
                spec: spec.clone(),
                at: at.clone().unwrap_or_default(),
                known_as: unnamed.into_iter().chain(own).collect(),
                is_constant: constant,
                disclosure: match (is_place_from_environment, is_from_environment) {
                    (true, _) => Disclosure::Nothing,
                    (false, true) => Disclosure::Kind,
                    (false, false) => Disclosure::Open,
                },
            };
            let at = place;
            found.entry(name).or_default().push(Place {
                member,
                at,
                is_sound,
                has_own_topics: values.own_topics.contains_key(&cell),
                gathers: gathering.contains(&cell),
            });
        }
    }
    found
}

/// Whether it is known where it stands in its document.
fn check_member(
    reader: &mut Reader<'_, '_>,
    main: &Spanned<String>,
    spec: &Spec,
    at: Option<&Pointer>,
    parts: &[(Pointer, &Spec)],
) -> bool {
    let is_struct = matches!(spec, Spec::Struct(_));
    if at.is_none() && !is_struct {
        let help = "add `json` to its `value`, as in `json: /brightness`";
        reader.mistake(
            main.at,
            "nothing says where in the document it stands",
            help,
        );
        return false;
    }
    let is_in = |at: &Pointer| at.document.as_deref().is_none_or(|name| name == main.value);
    let stands = parts.iter().any(|(at, _)| is_in(at));
    if !stands {
        let help = "remove `document`, or a name before a `#` in `json`";
        reader.mistake(
            main.at,
            "nothing of the value stands in this document",
            help,
        );
    }
    stands
}

/// By document, what publishes it.
pub(super) fn triggers(
    reader: &mut Reader<'_, '_>,
    values: &Values,
    names: &[String],
) -> BTreeMap<String, Vec<Spanned<CellId>>> {
    let mut found: BTreeMap<String, Vec<Spanned<CellId>>> = BTreeMap::new();
    for (cell, document) in &values.triggers {
        if is_known(reader, &document.value, document.at, names) {
            found
                .entry(document.value.clone())
                .or_default()
                .push(Spanned {
                    at: document.at,
                    value: *cell,
                });
        }
    }
    found
}

fn is_known(reader: &mut Reader<'_, '_>, name: &str, at: NodeId, names: &[String]) -> bool {
    let is_known = names.iter().any(|known| known == name);
    if !is_known {
        let help = match nearest(name, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                format!("declare it: `documents: {{ {name}: {{ state: … }} }}` at the top level")
            }
        };
        reader.mistake(at, format!("there is no document `{name}`"), help);
    }
    is_known
}
