//! Pure: from all values to all entities.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use super::entity::{Entity, entity, possible};
use super::flow::{Flow, of_binding, of_member};
use super::light::{Light, Thing};
use super::names::{entity_id, full_name, short_of, slug};
use super::shape::shape;
use super::{Asked, Device, Disclosure, Known, Problem, Shown, Values, classes};
use crate::config::Spanned;
use crate::engine::CellId;
use crate::plugins::mqtt::config::home_assistant::{CategoryConfig, ComponentConfig};
pub(super) struct Teller<'a> {
    device: &'a Device,
    pub(super) components: Map<String, Json>,
    pub(super) notes: Vec<String>,
    pub(super) problems: Vec<Problem>,
}

/// What a value carries where: one entry for each set of topics.
type Carried<'a> = (CellId, Result<Vec<Flow<'a>>, &'static str>);

impl<'a> Teller<'a> {
    pub(super) fn new(device: &'a Device) -> Self {
        Self {
            device,
            components: Map::new(),
            notes: Vec::new(),
            problems: Vec::new(),
        }
    }
}

impl Teller<'_> {
    pub(super) fn tell(&mut self, values: &Values<'_>) {
        let nothing = Asked::default();
        let unit = |cell: CellId| values.known.get(&cell).map_or(0, |known| known.unit);
        let own = values.bindings.iter().map(|binding| -> Carried<'_> {
            let flows = of_binding(binding, unit(binding.cell));
            (binding.cell, flows)
        });
        let shared = values.documents.iter().flat_map(|document| {
            document.members.iter().map(move |member| -> Carried<'_> {
                let flows = of_member(document, member, unit(member.cell));
                (member.cell, Ok(flows))
            })
        });
        let mut carried: Vec<Carried<'_>> = own.chain(shared).collect();
        carried.sort_by_key(|(cell, _)| *cell);
        let mut shown: Vec<(usize, Shown<'_>, Vec<Flow<'_>>)> = Vec::new();
        for (cell, flows) in carried {
            let Some(known) = values.known.get(&cell) else {
                continue;
            };
            let asked = values.asked.get(&cell).unwrap_or(&nothing);
            if asked.is_off || !self.may_be_shown(known, asked) {
                continue;
            }
            match flows {
                Ok(flows) => {
                    let of_value = Shown {
                        name: asked.name.as_deref().unwrap_or(&known.name),
                        short: known.short,
                        valid_for: known.valid_for,
                        is_event: known.is_every,
                        known,
                        asked,
                    };
                    shown.push((known.service, of_value, flows));
                }
                Err(why) => self.note(&known.name, why),
            }
        }
        let services: BTreeSet<usize> = shown.iter().map(|(service, _, _)| *service).collect();
        for service in services {
            let of_service = shown.iter().filter(|(of, _, _)| *of == service);
            let mut things = Vec::new();
            for (_, shown, flows) in of_service {
                self.things(shown, flows, &mut things);
            }
            self.service(&things);
        }
    }

    /// What is a secret on the air is none of Home Assistant's business, unless somebody says so.
    fn may_be_shown(&mut self, known: &Known, asked: &Asked) -> bool {
        match (known.disclosure, asked.at) {
            (Disclosure::Open, _) | (Disclosure::Withheld, Some(_)) => true,
            (Disclosure::Withheld, None) => {
                let why = "only an encrypted link may see it; `home_assistant: true` shows it all the same";
                self.note(&known.name, why);
                false
            }
            (Disclosure::FromEnvironment, None) => {
                let why = "what it may be came from the environment, and whoever reads the broker would see it";
                self.note(&known.name, why);
                false
            }
            (Disclosure::FromEnvironment, Some(at)) => {
                let message = "what this value may be came from the environment, and whoever reads the broker \
                    would see it";
                let help = "write it in the YAML, or remove `home_assistant`";
                self.problems
                    .push((at, message.to_owned(), help.to_owned()));
                false
            }
        }
    }

    fn things<'a>(
        &mut self,
        shown: &'a Shown<'a>,
        flows: &[Flow<'a>],
        things: &mut Vec<Thing<'a>>,
    ) {
        for flow in flows {
            let name = full_name(shown.name, flow);
            match shape(&flow.leaf.kind) {
                Err(why) => self.note(&name, why),
                Ok(_) if flow.state.is_none() && flow.command.is_none() => {
                    self.note(&name, "no topic of it says how it stands or changes it");
                }
                Ok(shape) => things.push(Thing {
                    flow: flow.clone(),
                    shape,
                    shown,
                    siblings: flows.len(),
                }),
            }
        }
    }

    fn note(&mut self, name: &str, why: &str) {
        self.notes.push(format!("`{name}`: {why}"));
    }

    fn service(&mut self, things: &[Thing<'_>]) {
        let light = Light::among(things);
        if let Some(light) = light {
            let thing = &things[light.switch];
            let known = thing.shown.known;
            let name = match &thing.shown.asked.name {
                Some(name) => name.clone(),
                None => known.service_name.clone(),
            };
            let unique = format!("{}_light", short_of(&known.uuids[0]));
            let parts: Vec<usize> = light.parts().collect();
            let asked = parts.iter().map(|index| things[*index].shown.asked);
            let icon = asked.filter_map(|asked| asked.icon.clone()).next();
            let mut entity = light.entity(things);
            if let Some(icon) = icon {
                entity.body.insert("ic".to_owned(), icon.into());
            }
            self.add(entity, &unique, &name);
        }
        for (index, thing) in things.iter().enumerate() {
            if !light.is_some_and(|light| light.parts().any(|part| part == index)) {
                self.thing(thing);
            }
        }
    }

    fn thing(&mut self, thing: &Thing<'_>) {
        let Thing {
            flow, shape, shown, ..
        } = thing;
        let name = full_name(shown.name, flow);
        let is_event = shown.is_event && flow.state.as_ref().is_some_and(|it| !it.is_kept);
        let possible = possible(flow, shape, is_event);
        let component = match &shown.asked.component {
            None => possible.first().copied(),
            Some(asked) if possible.contains(&asked.value) => Some(asked.value),
            Some(asked) => {
                self.not_possible(asked, &possible, &name);
                return;
            }
        };
        let Some(component) = component else {
            return self.note(
                &name,
                flow.read_only.unwrap_or("nobody there could read it"),
            );
        };
        if let Some(why) = flow.read_only {
            self.note(&name, &format!("it is read, and not changed: {why}"));
        }
        let mut entity = entity(flow, shape, component, shown);
        self.overrides(&mut entity, shown);
        let path: String = flow
            .leaf
            .path
            .iter()
            .map(|name| format!("_{}", slug(name)))
            .collect();
        let [service, characteristic] = shown.known.uuids.each_ref().map(|it| short_of(it));
        self.add(entity, &format!("{service}_{characteristic}{path}"), &name);
    }

    fn not_possible(
        &mut self,
        asked: &Spanned<ComponentConfig>,
        possible: &[ComponentConfig],
        name: &str,
    ) {
        let word = asked.value.word();
        let message = match asked.value {
            ComponentConfig::Light => format!(
                "`{name}` is no part of a light: that is one switch in its service, with a `brightness`, or a \
                 `hue` and a `saturation`, all of which MQTT can read and change"
            ),
            _ => format!("`{name}` cannot be a `{word}`"),
        };
        let words: Vec<String> = possible
            .iter()
            .map(|it| format!("`{}`", it.word()))
            .collect();
        let help = match words.is_empty() {
            true => "remove `component`".to_owned(),
            false => format!("it can be {}", words.join(" or ")),
        };
        self.problems.push((asked.at, message, help));
    }

    /// What is said of it comes before what follows from its type.
    fn overrides(&mut self, entity: &mut Entity, shown: &Shown<'_>) {
        let Asked {
            device_class,
            state_class,
            icon,
            category,
            ..
        } = shown.asked;
        let is_shared = entity.body.contains_key("ops");
        if let Some(class) = device_class {
            match classes::check(entity.component, class) {
                Ok(()) if is_shared => {
                    let message = "one of several has the device class `enum`";
                    let help = "remove `device_class`";
                    self.problems
                        .push((class.at, message.to_owned(), help.to_owned()));
                }
                Ok(()) => {
                    entity
                        .body
                        .insert("dev_cla".to_owned(), class.as_str().into());
                }
                Err((message, help)) => self.problems.push((class.at, message, help)),
            }
        }
        if let Some(class) = state_class {
            match entity.body.contains_key("stat_cla") {
                true => {
                    entity
                        .body
                        .insert("stat_cla".to_owned(), class.value.word().into());
                }
                false => {
                    let message = "only a `sensor` that is a number has statistics";
                    let help = "remove `state_class`";
                    self.problems
                        .push((class.at, message.to_owned(), help.to_owned()));
                }
            }
        }
        if let Some(icon) = icon {
            entity.body.insert("ic".to_owned(), icon.as_str().into());
        }
        let is_diagnostic = shown.known.is_constant || shown.short == Some(0x2A19);
        let category = category.or(is_diagnostic.then_some(CategoryConfig::Diagnostic));
        if let Some(category) = category {
            entity
                .body
                .insert("ent_cat".to_owned(), category.word().into());
        }
    }

    fn add(&mut self, entity: Entity, unique: &str, name: &str) {
        let component = entity.component.word();
        let name = match name == self.device.name {
            // It is what the device is, and has no name besides that.
            true => Json::Null,
            false => name.into(),
        };
        let mut body = json!({
            "p": component,
            "uniq_id": format!("{}_{unique}", self.device.id),
            "name": name,
        });
        if let Some(id) = entity_id(&self.device.name, name.as_str()) {
            body["def_ent_id"] = format!("{component}.{id}").into();
        }
        if let Json::Object(entries) = &mut body {
            entries.extend(entity.body);
        }
        // With the component in its key, one that becomes another is taken away as what it was.
        self.components
            .insert(format!("{unique}_{component}"), body);
    }
}
