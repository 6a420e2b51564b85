//! Pure: what Home Assistant is told of this device, so that it finds it by itself: one document with all
//! entities on one topic (MQTT discovery, device-based).
//!
//! `leaf` is what of a value is one thing, `flow` on which topics it is, `shape` what it is for a person,
//! `entity` and `light` what Home Assistant makes of it, `template` its words for a place in a payload,
//! `units` and `classes` its words for what is measured. `announce` is how the document gets there, and
//! `memory` what of it outlives the process.

pub(super) mod announce;
pub mod classes;
mod doc;
mod entity;
mod flow;
mod leaf;
mod light;
pub(super) mod memory;
mod shape;
mod template;
pub mod units;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use super::binding::Binding;
use super::config::Qos;
use super::config::home_assistant::{CategoryConfig, ComponentConfig, StateClassConfig};
use super::document::Document;
use crate::codec::Spec;
use crate::config::{NodeId, Spanned};
use crate::engine::CellId;
use entity::{Entity, entity, possible};
use flow::{Flow, of_binding, of_member};
use light::{Light, Thing};
use shape::shape;

/// Who says so: by this name our documents are told from those of other programs.
pub(super) const ORIGIN: &str = "bemo-sync";

/// What Home Assistant is told, and where.
#[derive(Clone, Debug)]
pub(super) struct HomeAssistant {
    /// Where the document is.
    pub(super) topic: String,
    /// Where Home Assistant says that it has started.
    pub(super) status: String,
    pub(super) id: String,
    pub(super) qos: Qos,
    pub(super) document: Json,
    /// What is not shown and why, for people.
    pub(super) notes: Vec<String>,
}

/// The device, as it was declared.
#[derive(Clone, Debug, Default)]
pub(super) struct Device {
    pub(super) prefix: String,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) area: Option<String>,
    pub(super) manufacturer: Option<String>,
    pub(super) model: Option<String>,
    pub(super) serial_number: Option<String>,
    pub(super) software: Option<String>,
    pub(super) hardware: Option<String>,
    pub(super) qos: Qos,
    pub(super) availability: Availability,
}

/// How Home Assistant knows whether the device is there.
#[derive(Clone, Debug, Default)]
pub(super) struct Availability {
    pub(super) topic: String,
    pub(super) available: String,
    pub(super) not_available: String,
}

/// What is declared of a value besides its topics.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// The number of its service.
    pub(super) service: usize,
    pub(super) service_name: String,
    pub(super) name: String,
    /// The UUIDs of service and characteristic.
    pub(super) uuids: [String; 2],
    /// The number that the SIG has assigned to the characteristic.
    pub(super) short: Option<u32>,
    pub(super) unit: u16,
    pub(super) is_constant: bool,
    /// Every event of it counts.
    pub(super) is_every: bool,
    pub(super) valid_for: Option<Duration>,
    pub(super) disclosure: Disclosure,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disclosure {
    Open,
    /// Only an encrypted link may see it.
    Withheld,
    FromEnvironment,
}

/// What is said of a value under `home_assistant`.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    pub(super) at: Option<NodeId>,
    pub(super) is_off: bool,
    pub(super) component: Option<Spanned<ComponentConfig>>,
    pub(super) device_class: Option<Spanned<String>>,
    pub(super) state_class: Option<Spanned<StateClassConfig>>,
    pub(super) unit: Option<String>,
    pub(super) icon: Option<String>,
    pub(super) name: Option<String>,
    pub(super) category: Option<CategoryConfig>,
}

/// What an entity is made of besides its topics.
struct Shown<'a> {
    name: &'a str,
    short: Option<u32>,
    valid_for: Option<Duration>,
    is_event: bool,
    known: &'a Known,
    asked: &'a Asked,
}

/// A mistake: where, what, and what to write instead.
pub(super) type Problem = (NodeId, String, String);

/// All that there is to tell.
pub(super) struct Values<'a> {
    pub(super) known: &'a BTreeMap<CellId, Known>,
    pub(super) asked: &'a BTreeMap<CellId, Asked>,
    pub(super) bindings: &'a [Binding],
    pub(super) documents: &'a [Document],
}

/// What Home Assistant is told of these values, and what is wrong with what was asked for.
pub(super) fn describe(device: &Device, values: &Values<'_>) -> (HomeAssistant, Vec<Problem>) {
    let mut teller = Teller {
        device,
        components: Map::new(),
        notes: Vec::new(),
        problems: Vec::new(),
    };
    teller.tell(values);
    let Device { prefix, id, .. } = device;
    let told = HomeAssistant {
        topic: format!("{prefix}/device/{id}/config"),
        status: format!("{prefix}/status"),
        id: id.clone(),
        qos: device.qos,
        document: json!({
            "dev": device.about(),
            "o": origin(),
            "avty": [{
                "t": device.availability.topic,
                "pl_avail": device.availability.available,
                "pl_not_avail": device.availability.not_available,
            }],
            "qos": device.qos as u8,
            "cmps": teller.components,
        }),
        notes: teller.notes,
    };
    (told, teller.problems)
}

fn origin() -> Json {
    let mut origin = json!({ "name": ORIGIN, "sw": env!("CARGO_PKG_VERSION") });
    let url = env!("CARGO_PKG_REPOSITORY");
    if !url.is_empty() {
        origin["url"] = url.into();
    }
    origin
}

impl Device {
    fn about(&self) -> Json {
        let mut about = json!({ "ids": [self.id], "name": self.name });
        for (key, value) in [
            ("sa", &self.area),
            ("mf", &self.manufacturer),
            ("mdl", &self.model),
            ("sn", &self.serial_number),
            ("sw", &self.software),
            ("hw", &self.hardware),
        ] {
            if let Some(value) = value {
                about[key] = value.as_str().into();
            }
        }
        about
    }
}

struct Teller<'a> {
    device: &'a Device,
    components: Map<String, Json>,
    notes: Vec<String>,
    problems: Vec<Problem>,
}

/// What a value carries where: one entry for each set of topics.
type Carried<'a> = (CellId, &'a Spec, Result<Vec<Flow<'a>>, &'static str>);

impl Teller<'_> {
    fn tell(&mut self, values: &Values<'_>) {
        let nothing = Asked::default();
        let unit = |cell: CellId| values.known.get(&cell).map_or(0, |known| known.unit);
        let own = values.bindings.iter().map(|binding| -> Carried<'_> {
            let flows = of_binding(binding, unit(binding.cell));
            (binding.cell, &binding.spec, flows)
        });
        let shared = values.documents.iter().flat_map(|document| {
            document.members.iter().map(move |member| -> Carried<'_> {
                let flows = of_member(document, member, unit(member.cell));
                (member.cell, &member.spec, Ok(flows))
            })
        });
        let mut carried: Vec<Carried<'_>> = own.chain(shared).collect();
        carried.sort_by_key(|(cell, _, _)| *cell);
        let mut shown: Vec<(usize, Shown<'_>, Vec<Flow<'_>>)> = Vec::new();
        for (cell, _, flows) in carried {
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
        let services: std::collections::BTreeSet<usize> =
            shown.iter().map(|(service, _, _)| *service).collect();
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

fn full_name(name: &str, flow: &Flow<'_>) -> String {
    let parts = flow.leaf.path.iter().map(|part| part.replace('_', " "));
    let all: Vec<String> = [name.to_owned()].into_iter().chain(parts).collect();
    all.join(" ")
}

fn entity_id(device: &str, name: Option<&str>) -> Option<String> {
    let parts = [Some(device), name].into_iter().flatten().map(slug);
    let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join("_"))
}

/// Letters and digits, with one `_` where there is anything else between them.
fn slug(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<String> = words
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.join("_")
}

/// A UUID without what is between its digits.
fn short_of(uuid: &str) -> String {
    let uuid = uuid.strip_prefix("0x").unwrap_or(uuid);
    uuid.replace('-', "").to_lowercase()
}

/// What identifies a device on a topic, made of a text: letters, digits, `-` and `_` stay. Two texts never
/// make the same.
pub(super) fn identity(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if text.chars().all(is_plain) {
        return text.to_owned();
    }
    let replaced: String = text
        .chars()
        .map(|c| if is_plain(c) { c } else { '_' })
        .collect();
    format!("{replaced}-{:08x}", crc32fast::hash(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_identifies_a_device_can_stand_in_a_topic() {
        assert_eq!(identity("lamp-1_b"), "lamp-1_b");
        assert_eq!(identity("lamp.1"), "lamp_1-d34a61b8");
        assert_ne!(identity("lamp.1"), identity("lamp 1"));
    }
}
