//! From `home_assistant` to what Home Assistant is told, and everything that can be wrong with it.

use std::collections::BTreeMap;

use super::Section;
use super::topic::Traffic;
use crate::codec::{Spec, Value};
use crate::config::{NodeId, Spanned};
use crate::engine::CellId;
use crate::gatt::SecurityLevel;
use crate::gatt::assigned::BtUuid;
use crate::plugins::mqtt::Settings;
use crate::plugins::mqtt::binding::Message;
use crate::plugins::mqtt::config::Wanted;
use crate::plugins::mqtt::config::home_assistant::{DeviceConfig, EntityConfig};
use crate::plugins::mqtt::home_assistant::memory::Memory;
use crate::plugins::mqtt::home_assistant::{
    Asked, Availability, Device, Disclosure, HomeAssistant, Known, ORIGIN, Values, describe,
    identity,
};
use crate::plugins::mqtt::table::Bindings;
use crate::plugins::mqtt::topics;

const PREFIX: &str = "homeassistant";

/// Characteristics of the SIG that say what the device is (Device Information Service 1.1).
const MODEL_NUMBER: u32 = 0x2A24;
const SERIAL_NUMBER: u32 = 0x2A25;
const HARDWARE_REVISION: u32 = 0x2A27;
const SOFTWARE_REVISION: u32 = 0x2A28;
const MANUFACTURER_NAME: u32 = 0x2A29;

type AskedFor = BTreeMap<CellId, Spanned<Wanted<EntityConfig>>>;

impl Section<'_, '_> {
    /// What Home Assistant is told, if it is to be told anything. What birth and will are needed for that
    /// and not declared are then as is usual.
    pub(super) fn home_assistant(
        &mut self,
        settings: &mut Settings,
        bindings: &Bindings,
        asked: AskedFor,
        traffic: &Traffic,
    ) -> Option<HomeAssistant> {
        let config = self.config;
        let (at, config) = match &config.home_assistant {
            Some(Spanned {
                at,
                value: Wanted::With(config),
            }) => (*at, Some(config)),
            Some(Spanned {
                at,
                value: Wanted::Plain(true),
            }) => (*at, None),
            // Whoever has switched it off has it back as it was.
            Some(_) => return None,
            None => {
                for asked in asked.values() {
                    let help = "add `home_assistant: true` to the section `mqtt`";
                    self.mistake(asked.at, "Home Assistant is told of nothing here", help);
                }
                return None;
            }
        };
        let device = self.device(config, at, settings, traffic)?;
        let known = self.known();
        let asked: BTreeMap<CellId, Asked> = asked
            .into_iter()
            .map(|(cell, asked)| (cell, self.asked(asked)))
            .collect();
        let (told, problems) = describe(
            &device,
            &Values {
                known: &known,
                asked: &asked,
                bindings: bindings.values(),
                documents: &bindings.documents,
            },
        );
        for (at, message, help) in problems {
            self.mistake(at, message, help);
        }
        Some(told)
    }

    /// Where it is remembered what Home Assistant was told.
    pub(super) fn memory(&self) -> Memory {
        let host = ["mac", "machine_id"].map(|word| {
            let filled = self
                .declared
                .placeholders
                .expand(&format!("{{{word}}}"), &[]);
            filled.unwrap_or_default()
        });
        Memory::new(self.declared.usual_file("home-assistant"), &host.join(" "))
    }

    fn device(
        &mut self,
        config: Option<&DeviceConfig>,
        at: NodeId,
        settings: &mut Settings,
        traffic: &Traffic,
    ) -> Option<Device> {
        let nothing = DeviceConfig::default();
        let config = config.unwrap_or(&nothing);
        let prefix = match &config.prefix {
            Some(prefix) => self.text(prefix)?,
            None => PREFIX.to_owned(),
        };
        if let (Some(prefix_at), Err((message, help))) = (&config.prefix, topics::check(&prefix)) {
            self.mistake(prefix_at.at, message, help);
        }
        let id = match &config.id {
            Some(id) => self.text(id)?,
            None => self.client_id.clone(),
        };
        let plain = identity(&id);
        if let (Some(declared), true) = (&config.id, plain != id || id.is_empty()) {
            let help =
                "use letters, digits, `-` and `_`: Home Assistant takes nothing else in a topic";
            self.mistake(declared.at, "this cannot identify a device", help);
        }
        let name = match &config.name {
            Some(name) => self.text(name)?,
            None => self.declared.device_name().to_owned(),
        };
        let availability = self.availability(at, &plain, settings, traffic)?;
        let own = |declared: &Option<Spanned<String>>| declared.as_ref().map(|it| it.value.clone());
        Some(Device {
            prefix,
            id: plain,
            name,
            area: own(&config.area),
            manufacturer: own(&config.manufacturer).or_else(|| self.said(MANUFACTURER_NAME)),
            model: own(&config.model).or_else(|| self.said(MODEL_NUMBER)),
            serial_number: self.said(SERIAL_NUMBER),
            software: self.said(SOFTWARE_REVISION),
            hardware: self.said(HARDWARE_REVISION),
            qos: self.qos,
            availability,
        })
    }

    fn text(&mut self, text: &Spanned<String>) -> Option<String> {
        let client_id = self.client_id.clone();
        self.declared.expand(text, &[("client_id", &client_id)])
    }

    /// What a constant characteristic of the SIG says to everybody.
    fn said(&self, short: u32) -> Option<String> {
        let all = self.declared.characteristics_of_plan();
        let found = all.iter().find(|it| it.uuid.as_short() == Some(short))?;
        let cell = self.declared.cell(found.cell);
        let is_open = found.security.highest() == SecurityLevel::Open && !cell.is_from_environment;
        match &cell.initial {
            Some(Value::Text(text)) if cell.constant && is_open => Some(text.to_string()),
            Some(_) | None => None,
        }
    }

    /// Home Assistant has one topic for it. What is not declared is as is usual.
    fn availability(
        &mut self,
        at: NodeId,
        id: &str,
        settings: &mut Settings,
        traffic: &Traffic,
    ) -> Option<Availability> {
        let topic = format!("{ORIGIN}/{id}/availability");
        if settings.birth.is_none() && settings.will.is_none() {
            if traffic.publishes(&topic) {
                let message =
                    format!("`{topic}` is where this device says that it is there, and a value's");
                self.mistake(
                    at,
                    message,
                    "give that another topic, or declare `birth` and `will`",
                );
            }
            let message = |payload: &str| Message {
                topic: topic.clone(),
                payload: payload.as_bytes().to_vec(),
                qos: self.qos,
                retain: true,
            };
            settings.birth = Some(message("online"));
            settings.will = Some(message("offline"));
        }
        let pair = settings.birth.as_ref().zip(settings.will.as_ref());
        let problem = match pair {
            None => "only one of `birth` and `will` is declared",
            Some((birth, will)) if birth.topic != will.topic => {
                "`birth` and `will` have different topics"
            }
            Some((birth, will)) if birth.payload == will.payload => {
                "`birth` and `will` say the same"
            }
            Some((birth, will)) if !birth.retain || !will.retain => {
                "`birth` and `will` are not retained, so that who comes later hears neither"
            }
            Some(_) if settings.has_secret_birth || settings.has_secret_will => {
                "what `birth` and `will` say came from the environment, and would be seen"
            }
            Some((birth, will)) => {
                let text =
                    |message: &Message| String::from_utf8_lossy(&message.payload).into_owned();
                return Some(Availability {
                    topic: birth.topic.clone(),
                    available: text(birth),
                    not_available: text(will),
                });
            }
        };
        let declared = self.config.birth.as_ref().or(self.config.will.as_ref());
        let at = declared.map_or(at, |message| message.at);
        let message = format!("Home Assistant cannot tell whether this device is there: {problem}");
        let help = "declare both on one topic with two payloads, retained; or neither, and they are \
            `online` and `offline`";
        self.mistake(at, message, help);
        None
    }

    /// What is declared of each value, also of those that answer.
    fn known(&self) -> BTreeMap<CellId, Known> {
        let mut all = BTreeMap::new();
        for (index, service) in self.declared.services().iter().enumerate() {
            for it in &service.characteristics {
                let (told, _) = it.tells();
                for cell in [it.cell, told] {
                    let plan = self.declared.cell(cell);
                    let suffix = if cell == it.cell { "" } else { "_response" };
                    let is_struct = matches!(plan.spec, Spec::Struct(_));
                    let disclosure = match plan.is_from_environment {
                        true => Disclosure::FromEnvironment,
                        false if it.security.highest() > SecurityLevel::Open => {
                            Disclosure::Withheld
                        }
                        false => Disclosure::Open,
                    };
                    all.insert(
                        cell,
                        Known {
                            service: index,
                            service_name: service.name.clone(),
                            name: plan.name.clone(),
                            uuids: [uuid(service.uuid), format!("{}{suffix}", uuid(it.uuid))],
                            short: it.uuid.as_short().filter(|_| suffix.is_empty()),
                            unit: match is_struct || !suffix.is_empty() {
                                true => crate::codec::presentation::UNITLESS,
                                false => it.presentation.unit,
                            },
                            is_constant: plan.constant,
                            is_every: plan.delivery.is_every(),
                            valid_for: plan.valid_for,
                            disclosure,
                        },
                    );
                }
            }
        }
        all
    }

    fn asked(&mut self, asked: Spanned<Wanted<EntityConfig>>) -> Asked {
        let at = Some(asked.at);
        let config = match asked.value {
            Wanted::Plain(is_wanted) => {
                return Asked {
                    at,
                    is_off: !is_wanted,
                    ..Asked::default()
                };
            }
            Wanted::With(config) => config,
        };
        if let Some(icon) = &config.icon {
            let is_icon = icon.split_once(':').is_some_and(|(set, name)| {
                let is_word = |text: &str| {
                    !text.is_empty()
                        && text
                            .chars()
                            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
                };
                is_word(set) && is_word(name)
            });
            if !is_icon {
                let help = "name one of Material Design Icons, as in `mdi:lightbulb`";
                self.mistake(icon.at, "this is no icon", help);
            }
        }
        Asked {
            at,
            is_off: config.enabled == Some(false),
            component: config.component,
            device_class: config.device_class,
            state_class: config.state_class,
            unit: config.unit.map(|unit| unit.value),
            icon: config.icon.map(|icon| icon.value),
            name: config.name.map(|name| name.value),
            category: config.entity_category.map(|category| category.value),
        }
    }
}

fn uuid(uuid: BtUuid) -> String {
    uuid.to_string()
}
