//! From the typed configuration to the plan: everything that has to be true of several places at
//! once is checked here, and by the plugins for what they bring.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::diagnose::{Diagnostic, Span};
use super::model::{AccessConfig, CharacteristicConfig, Config, DeviceConfig, ServiceConfig};
use super::placeholders::Placeholders;
use super::read::{Raw, Spanned};
use super::tree::{NodeId, Tree};
use super::value::ValueReader;
use crate::codec::{ByteOrder, IntWidth, MAX_LENGTH, Overflow, Spec, Value};
use crate::engine::{CellId, LinkId, Owner};
use crate::gatt::assigned::{BtUuid, GENERIC_ACCESS, GENERIC_ATTRIBUTE};
use crate::gatt::{Access, Characteristic, Service};
use crate::plan::{CONFIRM_WITHIN, CellPlan, LinkPlan, Plan};
use crate::plugin::{Configure, Keys, PlaceKind, Plugin};

/// The longest device name (Core Spec 5.4, Vol 3, Part C, 12.1).
const MAX_DEVICE_NAME: usize = 248;

/// Stands in for a value whose own declaration is wrong.
const ANY_NUMBER: Spec = Spec::Int {
    width: IntWidth::W64,
    signed: true,
    order: ByteOrder::Little,
    min: i64::MIN as i128,
    max: i64::MAX as i128,
    overflow: Overflow::Reject,
};

/// What a configuration is resolved in.
pub(super) struct Surroundings<'a> {
    pub(super) tree: &'a Tree,
    pub(super) plugins: &'a [Box<dyn Plugin>],
    pub(super) host: Placeholders,
    pub(super) directory: &'a Path,
}

/// The plan of a configuration. It is of use only if there were no mistakes.
pub(super) fn resolve(
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

    fn characteristic(
        &mut self,
        config: CharacteristicConfig,
        seen: &mut HashMap<BtUuid, NodeId>,
    ) -> Characteristic {
        let uuid = self.uuid(&config.uuid, "characteristic", seen);
        let name = self.expand(&config.name).unwrap_or_default();
        if name.len() > MAX_LENGTH {
            self.mistake(
                config.name.at,
                "a name of more than 512 bytes",
                "shorten it",
            );
        }
        let access = self.access(&config.access);
        self.check_can_change(&config, access);
        let declared = self.values.spec(&config.value);
        let (initial, constant) = match &declared {
            Some(spec) => {
                self.check_writes(&config, access, spec);
                self.start_value(&config, spec)
            }
            None => (None, config.value.constant.is_some()),
        };
        // A wrong value must not hide what else is wrong around it.
        let spec = declared.unwrap_or(ANY_NUMBER);
        let cell = CellId::new(self.plan.cells.len());
        self.plan.cells.push(CellPlan {
            name: name.clone(),
            spec: spec.clone(),
            initial,
            constant,
            owner: Owner::Here,
            confirm_within: CONFIRM_WITHIN,
        });
        let write = config.access.iter().find(|word| {
            matches!(
                word.value,
                AccessConfig::Write | AccessConfig::WriteWithoutResponse
            )
        });
        if let Some(word) = write {
            self.changed_here.push(ChangedHere { cell, at: word.at });
        }
        if let Some(source) = config.source {
            let at = source_at(&source.plugins, config.value.at);
            self.changed_here.push(ChangedHere { cell, at });
            if source.plugins.len() != 1 {
                let help = "one source, for example `source: { ticker: { every: 1s } }`";
                self.mistake(
                    source_at(&source.plugins, config.value.at),
                    "not one source",
                    help,
                );
            }
            self.sources.push(Keys {
                cell,
                keys: source.plugins,
            });
        }
        self.characteristics.push(Keys {
            cell,
            keys: config.plugins,
        });
        Characteristic {
            name,
            uuid: uuid.unwrap_or(GENERIC_ACCESS),
            access,
            spec,
            cell,
        }
    }

    fn access(&mut self, declared: &Spanned<Vec<Spanned<AccessConfig>>>) -> Access {
        let mut access = Access::default();
        for word in &declared.value {
            let flag = match word.value {
                AccessConfig::Read => &mut access.read,
                AccessConfig::Write => &mut access.write,
                AccessConfig::WriteWithoutResponse => &mut access.write_without_response,
                AccessConfig::Notify => &mut access.notify,
                AccessConfig::Indicate => &mut access.indicate,
            };
            if std::mem::replace(flag, true) {
                self.mistake(word.at, "this stands in the list twice", "remove one");
            }
        }
        if declared.is_empty() {
            let help = "list at least one of read, write, write_without_response, notify, indicate";
            self.mistake(declared.at, "a central could do nothing with it", help);
        }
        access
    }

    /// BlueZ acknowledges a write before it hands it on when the characteristic can also be written
    /// without a response. Then a refused value would look accepted.
    fn check_writes(&mut self, config: &CharacteristicConfig, access: Access, spec: &Spec) {
        if access.write && access.write_without_response && spec.can_refuse() {
            let at = config
                .access
                .iter()
                .find(|word| word.value == AccessConfig::WriteWithoutResponse)
                .map_or(config.access.at, |word| word.at);
            let message = "beside `write_without_response`, a `write` of a wrong value would be \
                acknowledged: BlueZ answers before it asks";
            self.mistake(
                at,
                message,
                "keep one of the two; `write` alone can tell a central what is wrong",
            );
        }
    }

    fn check_can_change(&mut self, config: &CharacteristicConfig, access: Access) {
        let constant = config.value.constant.is_some();
        let subscription = config
            .access
            .iter()
            .find(|word| matches!(word.value, AccessConfig::Notify | AccessConfig::Indicate));
        let source = config
            .source
            .as_ref()
            .is_some_and(|source| !source.plugins.is_empty());
        let fed = access.is_writable() || source || !config.plugins.is_empty();
        if let Some(word) = subscription
            && (constant || !fed)
        {
            let help = "remove `notify` and `indicate`, or say what changes the value: `write`, a \
                topic or a source";
            self.mistake(
                word.at,
                "there is nothing to notify of: the value never changes",
                help,
            );
        }
        if constant {
            let writable = config.access.iter().find(|word| {
                matches!(
                    word.value,
                    AccessConfig::Write | AccessConfig::WriteWithoutResponse
                )
            });
            if let Some(word) = writable {
                self.mistake(
                    word.at,
                    "a constant cannot be written",
                    "remove one of the two",
                );
            }
            if source {
                let help = "remove `source` or `constant`";
                self.mistake(config.value.at, "a constant has no source", help);
            }
        }
    }

    fn start_value(&mut self, config: &CharacteristicConfig, spec: &Spec) -> (Option<Value>, bool) {
        let value = &config.value;
        if let (Some(initial), Some(_)) = (&value.initial, &value.constant) {
            let help = "remove one: a constant is its own initial value";
            self.mistake(initial.at, "both `initial` and `constant`", help);
        }
        if let Some(constant) = &value.constant {
            let text = Spanned {
                at: constant.at,
                value: constant.text.clone(),
            };
            let text = match spec {
                Spec::Utf8 { .. } => self.expand(&text).unwrap_or_default(),
                _ => text.value,
            };
            let literal = super::Literal {
                text,
                quoted: constant.quoted,
            };
            let literal = Spanned {
                at: constant.at,
                value: literal,
            };
            return (self.values.literal("constant", &literal, spec), true);
        }
        let initial = value.initial.as_ref();
        (
            initial.and_then(|initial| self.values.literal("initial", initial, spec)),
            false,
        )
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

/// Where to point when a source is not one: at the second, or beside it when there is none.
fn source_at(plugins: &BTreeMap<String, Raw>, otherwise: NodeId) -> NodeId {
    plugins.values().map(|raw| raw.0).max().unwrap_or(otherwise)
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
