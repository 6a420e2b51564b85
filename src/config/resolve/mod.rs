//! From the typed configuration to the plan: everything that has to be true of several places at
//! once is checked here, and by the plugins for what they bring.

mod characteristic;

use std::collections::HashMap;
use std::path::Path;

use crate::codec::{Spec, Value};
use crate::config::diagnose::{Diagnostic, Span};
use crate::config::model::{Config, DeviceConfig, ServiceConfig};
use crate::config::placeholders::Placeholders;
use crate::config::read::Spanned;
use crate::config::tree::{NodeId, Tree};
use crate::config::value::ValueReader;
use crate::engine::{CellId, LinkId, Owner};
use crate::gatt::Service;
use crate::gatt::assigned::{BtUuid, GENERIC_ACCESS, GENERIC_ATTRIBUTE};
use crate::plan::{LinkPlan, Plan};
use crate::plugin::{Configure, Keys, PlaceKind, Plugin};

/// The longest device name (Core Spec 5.4, Vol 3, Part C, 12.1).
const MAX_DEVICE_NAME: usize = 248;

/// What a configuration is resolved in.
pub(in crate::config) struct Surroundings<'a> {
    pub(in crate::config) tree: &'a Tree,
    pub(in crate::config) plugins: &'a [Box<dyn Plugin>],
    pub(in crate::config) host: Placeholders,
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
        host,
        directory,
    } = surroundings;
    let mut resolver = Resolver {
        values: ValueReader { tree, diagnostics },
        placeholders: host,
        plan: Plan {
            device_name: String::new(),
            services: Vec::new(),
            cells: Vec::new(),
            links: Vec::new(),
            subscriptions: Vec::new(),
        },
        characteristics: Vec::new(),
        sources: Vec::new(),
        changed_here: Vec::new(),
    };
    resolver.version(&config.version);
    resolver.device(config.device);
    resolver.services(config.services);
    let Resolver {
        mut plan,
        placeholders,
        characteristics,
        sources,
        changed_here,
        ..
    } = resolver;
    for plugin in plugins {
        let sections: Vec<_> = plugin
            .places()
            .into_iter()
            .filter(|place| place.kind == PlaceKind::Section)
            .collect();
        let section = sections.first().map_or(plugin.name(), |place| place.key);
        let known = plan.links.iter().position(|link| link.section == section);
        let link = known.unwrap_or(plan.links.len());
        let mut declared = Configure {
            tree,
            plan: &mut plan,
            link: LinkId::new(link),
            sections: &config.plugins,
            characteristics: &characteristics,
            sources: &sources,
            placeholders: &placeholders,
            directory,
            diagnostics,
        };
        if let Some(candidate) = plugin.configure(&mut declared) {
            match plan.links.get_mut(link) {
                Some(link) => link.candidates.push(candidate),
                None => plan.links.push(LinkPlan {
                    section,
                    candidates: vec![candidate],
                }),
            }
        }
    }
    for changed in &changed_here {
        if !plan.takes_requests(changed.cell) {
            let message = "this asks a remote owner for changes, but there is no way to ask it";
            let help = "give the value a `command` topic, or remove what changes it here";
            let diagnostic = Diagnostic::new(tree.span(changed.at), message).help(help);
            diagnostics.push(diagnostic);
        }
    }
    if plan.links.is_empty() && diagnostics.is_empty() {
        let help = "declare `ble: { adapter: auto }`, `mqtt: { broker: auto }` or both";
        let message = "nothing connects these values to the world";
        diagnostics.push(Diagnostic::new(Span::START, message).help(help));
    }
    plan.settle_initial_values();
    plan
}

struct Resolver<'a> {
    values: ValueReader<'a>,
    placeholders: Placeholders,
    plan: Plan,
    characteristics: Vec<Keys>,
    sources: Vec<Keys>,
    changed_here: Vec<ChangedHere>,
}

/// Something in this process that asks for changes of a value: a central that may write, or a source.
struct ChangedHere {
    cell: CellId,
    at: NodeId,
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
            Some(name) => self.expand(name).unwrap_or_default(),
            None => self
                .placeholders
                .expand("{hostname}", &[])
                .unwrap_or_default(),
        };
        if let Some(declared) = &device.name
            && (name.is_empty() || name.len() > MAX_DEVICE_NAME)
        {
            let message = format!("a device name of {} bytes", name.len());
            self.mistake(declared.at, message, "Bluetooth allows 1 to 248 bytes");
        }
        let placeholders = std::mem::replace(&mut self.placeholders, Placeholders::new(Vec::new()));
        self.placeholders = placeholders.with("device_name", name.clone());
        self.plan.device_name = name;
    }

    fn services(&mut self, services: Spanned<Vec<ServiceConfig>>) {
        if services.is_empty() {
            let help = "declare one: `- name: …`, `uuid: …`, `characteristics: …`";
            self.mistake(services.at, "there is no service", help);
        }
        let mut seen = HashMap::new();
        for service in services.value {
            let uuid = self.uuid(&service.uuid, "service", &mut seen);
            if let Some(uuid @ (GENERIC_ACCESS | GENERIC_ATTRIBUTE)) = uuid {
                let message =
                    format!("{uuid} belongs to the Bluetooth stack, which brings it itself");
                let help = "remove the service; the device name is set with `device: { name: … }`";
                self.mistake(service.uuid.at, message, help);
            }
            let name = self.expand(&service.name).unwrap_or_default();
            if service.characteristics.is_empty() {
                let help = "declare one: `- name: …`, `uuid: …`, `access: […]`, `value: …`";
                self.mistake(
                    service.characteristics.at,
                    "there is no characteristic",
                    help,
                );
            }
            let mut seen = HashMap::new();
            let mut characteristics = Vec::new();
            for characteristic in service.characteristics.value {
                characteristics.push(self.characteristic(characteristic, &mut seen));
            }
            let uuid = uuid.unwrap_or(GENERIC_ACCESS);
            self.plan.services.push(Service {
                name,
                uuid,
                advertise: service.advertise,
                characteristics,
            });
        }
    }

    fn uuid(
        &mut self,
        declared: &Spanned<super::Lenient<BtUuid>>,
        what: &str,
        seen: &mut HashMap<BtUuid, NodeId>,
    ) -> Option<BtUuid> {
        let uuid = match &declared.value.0 {
            Ok(uuid) => *uuid,
            Err(problem) => {
                let help = "4 or 8 hexadecimal digits, or the long form \
                    `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`";
                self.mistake(declared.at, problem, help);
                return None;
            }
        };
        if let Some(first) = seen.insert(uuid, declared.at) {
            let line = self.values.tree.span(first).line;
            let message = format!("a second {what} with the UUID {uuid}");
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

impl Plan {
    /// What this process owns has a value from the start: 0 or the nearest to it that is allowed,
    /// false, or empty. What a remote program owns is unknown until it speaks.
    fn settle_initial_values(&mut self) {
        for cell in &mut self.cells {
            if cell.initial.is_none() && cell.owner == Owner::Here {
                cell.initial = Some(neutral(&cell.spec));
            }
        }
    }
}

fn neutral(spec: &Spec) -> Value {
    match *spec {
        Spec::Bool => Value::Bool(false),
        Spec::Int { min, max, .. } => Value::Int(0.clamp(min, max)),
        Spec::Float { min, max, .. } => Value::Float(0f64.clamp(min, max)),
        Spec::Utf8 { .. } => Value::Text("".into()),
        Spec::Bytes { .. } => Value::Bytes([].into()),
    }
}
