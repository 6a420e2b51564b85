//! From the typed configuration to the plan: everything that has to be true of several places at
//! once is checked here, and by the plugins for what they bring.

mod ack;
mod characteristic;
mod flow;
mod initial;
mod response;
mod security;

use std::collections::HashMap;
use std::path::Path;

use crate::codec::{IntSpec, IntWidth, MAX_LENGTH, Spec};
use crate::config::diagnose::{Diagnostic, Span};
use crate::config::interpolate::Environment;
use crate::config::model::{Config, DeviceConfig, Lenient, ServiceConfig};
use crate::config::placeholders::Placeholders;
use crate::config::read::Spanned;
use crate::config::sig::Attribute;
use crate::config::tree::{NodeId, Tree};
use crate::config::value::ValueReader;
use crate::engine::{CellId, LinkId, Owner};
use crate::gatt::Service;
use crate::gatt::assigned::{BtUuid, GENERIC_ACCESS, GENERIC_ATTRIBUTE};
use crate::plan::{LinkPlan, Plan};
use crate::plugin::{Configure, Keys, Place, PlaceKind, Plugin};
use ack::Promised;
use initial::Unset;
use response::Named;

/// The longest device name (Core Spec 5.4, Vol 3, Part C, 12.1).
const MAX_DEVICE_NAME: usize = 248;

const UUID_FORMS: &str =
    "4 or 8 hexadecimal digits, or the long form `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`";

/// Stands in for a value whose own declaration is wrong.
fn any_number() -> Spec {
    Spec::Int(IntSpec::new(IntWidth::W64, true))
}
/// So many characteristics there can be: each takes three handles, for its declaration, its value and
/// its description, and a handle is 16 bits.
const MAX_CHARACTERISTICS: usize = u16::MAX as usize / 3;
/// After so many mistakes nobody looks for more: they would fill the memory.
const MANY_MISTAKES: usize = 1000;

/// What a configuration is resolved in.
pub(in crate::config) struct Surroundings<'a> {
    pub(in crate::config) tree: &'a Tree,
    pub(in crate::config) plugins: &'a [Box<dyn Plugin>],
    pub(in crate::config) environment: &'a Environment<'a>,
    pub(in crate::config) host: Placeholders,
    /// The file of the configuration.
    pub(in crate::config) file: &'a Path,
    pub(in crate::config) directory: &'a Path,
}

/// The plan of a configuration. It is of use only if there were no mistakes.
pub(in crate::config) fn resolve(
    config: Config,
    surroundings: Surroundings<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Plan {
    let Surroundings {
        tree,
        plugins,
        environment,
        host,
        file,
        directory,
    } = surroundings;
    let places: Vec<Place> = plugins.iter().flat_map(|plugin| plugin.places()).collect();
    let mut resolver = Resolver {
        values: ValueReader { tree, diagnostics },
        placeholders: host,
        plan: Plan::default(),
        characteristics: Vec::new(),
        sources: Vec::new(),
        changed_here: Vec::new(),
        subscribable: Vec::new(),
        named: Vec::new(),
        responses: Vec::new(),
        said_full: false,
        unset: Vec::new(),
        promised: Vec::new(),
        sources_known: keys_of(&places, PlaceKind::Source),
    };
    let root = tree.root();
    if let Some(version) = resolver.values.required(root, "version", config.version) {
        resolver.version(&version);
    }
    resolver.device(config.device);
    if let Some(services) = resolver.values.required(root, "services", config.services) {
        resolver.services(services);
    }
    let mut fed = resolver.responses();
    let Resolver {
        mut plan,
        placeholders,
        characteristics,
        sources,
        changed_here,
        subscribable,
        unset,
        promised,
        ..
    } = resolver;
    let mut connected = false;
    let places = characteristics
        .iter()
        .map(|keys| (keys.cell, keys.at))
        .collect();
    for plugin in plugins {
        let section = section_of(plugin.as_ref());
        let known = plan.links.iter().position(|link| link.section == section);
        let link = known.unwrap_or(plan.links.len());
        let mut declared = Configure {
            tree,
            plan: &mut plan,
            link: LinkId::new(link),
            acknowledges: plugin.acknowledges(),
            sections: &config.plugins,
            characteristics: &characteristics,
            places: &places,
            sources: &sources,
            environment,
            placeholders: &placeholders,
            file,
            directory,
            fed: &mut fed,
            diagnostics,
        };
        let candidate = plugin.configure(&mut declared);
        // One that has said something of a cell before it gave up keeps its place: what it said names
        // its number.
        if candidate.is_some() || plan.mentions(LinkId::new(link)) {
            if known.is_none() {
                let candidates = Vec::new();
                plan.links.push(LinkPlan {
                    section,
                    candidates,
                });
            }
            connected |= plugin.connects();
            plan.links[link].candidates.extend(candidate);
        }
    }
    let mut say = |at, message: &str, help: String| {
        diagnostics.push(Diagnostic::new(tree.span(at), message).help(help));
    };
    for changed in &changed_here {
        if !plan.takes_requests(changed.cell) {
            let message = "this asks a remote owner for changes, but there is no way to ask it";
            let help = "give the value a `command` topic, or remove what changes it here";
            say(changed.at, message, help.to_owned());
        } else if changed.is_source && plan.cells[changed.cell.index()].owner != Owner::Here {
            let message = "a source changes what this process owns, and the owner here is remote";
            say(
                changed.at,
                message,
                "remove the source, or write `owner: here`".to_owned(),
            );
        }
    }
    for value in subscribable {
        if !value.fed && !fed.contains(&value.cell) {
            let message = "there is nothing to notify of: the value never changes";
            let help = match value.is_answer {
                false => {
                    "remove `notify` and `indicate`, or say what changes the value: `write`, a \
                    topic to take it from, or a source"
                }
                true => {
                    "say what is answered, with `accepted`, `refused`, or `within` and \
                    `otherwise`, or add a topic to take the answer from"
                }
            };
            say(value.at, message, help.to_owned());
        }
    }
    if !connected && diagnostics.is_empty() {
        // The first section of a plugin is what makes it connect.
        let sections: Vec<Place> = plugins
            .iter()
            .filter(|plugin| plugin.connects())
            .filter_map(|plugin| {
                let mut places = plugin.places().into_iter();
                places.find(|place| place.kind == PlaceKind::Section)
            })
            .collect();
        let keys = keys_of(&sections, PlaceKind::Section);
        let message = "nothing connects these values to the world";
        let help = format!("declare one or more of {keys} at the top level");
        diagnostics.push(Diagnostic::new(Span::START, message).help(help));
    }
    initial::settle(&mut plan, &unset, tree, diagnostics);
    ack::check(&promised, &plan, tree, diagnostics);
    plan
}

struct Resolver<'a> {
    values: ValueReader<'a>,
    placeholders: Placeholders,
    plan: Plan,
    characteristics: Vec<Keys>,
    sources: Vec<Keys>,
    changed_here: Vec<ChangedHere>,
    subscribable: Vec<Subscribable>,
    named: Vec<Named>,
    responses: Vec<response::Declared>,
    said_full: bool,
    unset: Vec<Unset>,
    promised: Vec<Promised>,
    /// The sources that there are, for a person.
    sources_known: String,
}

/// A value that a central can subscribe to, and whether a central can change it.
struct Subscribable {
    cell: CellId,
    at: NodeId,
    fed: bool,
    /// It is the answer to what is written.
    is_answer: bool,
}

/// Something in this process that asks for changes of a value: a central that may write, or a source.
struct ChangedHere {
    cell: CellId,
    at: NodeId,
    is_source: bool,
}

impl Resolver<'_> {
    fn mistake(&mut self, at: NodeId, message: impl Into<String>, help: impl Into<String>) {
        self.values.mistake(at, message, help);
    }

    fn version(&mut self, version: &Spanned<u32>) {
        if version.value != 1 {
            let message = format!("version {} of the format is not known", version.value);
            self.mistake(version.at, message, "this program reads `version: 1`");
        }
    }

    fn device(&mut self, device: DeviceConfig) {
        let name = match &device.name {
            Some(declared) => self.device_name(declared),
            None => self.placeholders.expand("{hostname}", &[]).ok(),
        };
        let name = name.unwrap_or_default();
        let placeholders = std::mem::replace(&mut self.placeholders, Placeholders::new(Vec::new()));
        self.placeholders = placeholders.with("device_name", name.clone());
        self.plan.device_name = name;
    }

    fn device_name(&mut self, declared: &Spanned<String>) -> Option<String> {
        let name = self.expand(declared)?;
        if name.is_empty() || name.len() > MAX_DEVICE_NAME {
            let message = format!("a device name of {} bytes", name.len());
            self.mistake(declared.at, message, "Bluetooth allows 1 to 248 bytes");
        } else if name.chars().any(char::is_control) {
            let help = "write it with letters, digits and signs";
            self.mistake(declared.at, "a control character in the device name", help);
        }
        Some(name)
    }

    fn services(&mut self, services: Spanned<Vec<Spanned<ServiceConfig>>>) {
        if self.values.tree.is_empty_sequence(services.at) {
            let help = "declare one: `- name: …`, `uuid: …`, `characteristics: …`";
            self.mistake(services.at, "there is no service", help);
        }
        let mut seen = HashMap::new();
        for service in services.value {
            if self.is_full(service.at) {
                return;
            }
            let service = self.service(service, &mut seen);
            self.plan.services.push(service);
        }
    }

    /// Whether there is no use in another characteristic; why, has been said.
    fn is_full(&mut self, at: NodeId) -> bool {
        if self.plan.cells.len() >= MAX_CHARACTERISTICS && !self.said_full {
            let message = format!("more than {MAX_CHARACTERISTICS} characteristics");
            self.mistake(at, message, "Bluetooth has no handles for more: split it");
            self.said_full = true;
        }
        self.said_full || self.values.diagnostics.len() > MANY_MISTAKES
    }

    fn service(
        &mut self,
        Spanned { at, value: config }: Spanned<ServiceConfig>,
        seen: &mut HashMap<BtUuid, NodeId>,
    ) -> Service {
        let name = self.name(at, config.name.as_ref());
        let uuid = self.uuid(at, config.uuid.as_ref(), Attribute::Service, seen);
        if let (Some(uuid @ (GENERIC_ACCESS | GENERIC_ATTRIBUTE)), Some(declared)) =
            (uuid, &config.uuid)
        {
            let message = format!("{uuid} belongs to the Bluetooth stack, which brings it itself");
            let help = "remove the service; the device name is set with `device: { name: … }`";
            self.mistake(declared.at, message, help);
        }
        let mut characteristics = Vec::new();
        if let Some(declared) = self
            .values
            .required(at, "characteristics", config.characteristics)
        {
            if self.values.tree.is_empty_sequence(declared.at) {
                let help = "declare one: `- name: …`, `uuid: …`, `access: […]`, `value: …`";
                self.mistake(declared.at, "there is no characteristic", help);
            }
            let mut seen = HashMap::new();
            for characteristic in declared.value {
                if self.is_full(characteristic.at) {
                    break;
                }
                characteristics.push(self.characteristic(characteristic, &mut seen));
            }
        }
        Service {
            name,
            uuid: uuid.unwrap_or(GENERIC_ACCESS),
            advertise: config.advertise,
            characteristics,
        }
    }

    /// A name; empty if there is something wrong with it.
    fn name(&mut self, of: NodeId, declared: Option<&Spanned<String>>) -> String {
        let declared = self.values.required(of, "name", declared);
        let name = declared.and_then(|name| self.expand(name));
        if let (Some(declared), Some(name)) = (declared, &name)
            && (name.is_empty() || name.len() > MAX_LENGTH)
        {
            let message = format!("a name of {} bytes", name.len());
            self.mistake(declared.at, message, "Bluetooth allows 1 to 512 bytes");
        }
        name.unwrap_or_default()
    }

    fn uuid(
        &mut self,
        of: NodeId,
        declared: Option<&Spanned<Lenient<BtUuid>>>,
        kind: Attribute,
        seen: &mut HashMap<BtUuid, NodeId>,
    ) -> Option<BtUuid> {
        let declared = self.values.required(of, "uuid", declared)?;
        let uuid = match &declared.value.0 {
            Ok(uuid) => *uuid,
            Err(problem) => {
                let meant = kind.nearest(self.values.tree.text(declared.at));
                let help = match meant {
                    Some(name) => format!("did you mean `{name}`? Or {UUID_FORMS}"),
                    None => format!(
                        "{UUID_FORMS}, or the name of a {} of the Bluetooth SIG",
                        kind.word()
                    ),
                };
                self.mistake(declared.at, problem, help);
                return None;
            }
        };
        if let Some(first) = seen.insert(uuid, declared.at) {
            let line = self.values.tree.span(first).line;
            let message = format!("a second {} with the UUID {uuid}", kind.word());
            self.mistake(
                declared.at,
                message,
                format!("the first is in line {line}: give each its own"),
            );
        }
        Some(uuid)
    }

    fn expand(&mut self, text: &Spanned<String>) -> Option<String> {
        match self.placeholders.expand(text, &[]) {
            Ok(expanded) => Some(expanded),
            Err(problem) => {
                self.mistake(text.at, problem.message, problem.help);
                None
            }
        }
    }
}

/// The section that a plugin serves; its own name, if it has none.
fn section_of(plugin: &dyn Plugin) -> &'static str {
    let places = plugin.places();
    let section = places.iter().find(|place| place.kind == PlaceKind::Section);
    section.map_or(plugin.name(), |place| place.key)
}

/// The keys that plugins bring at a kind of place, for a person.
fn keys_of(places: &[Place], kind: PlaceKind) -> String {
    let mut keys: Vec<String> = places
        .iter()
        .filter(|place| place.kind == kind)
        .map(|place| format!("`{}`", place.key))
        .collect();
    keys.dedup();
    keys.join(", ")
}
