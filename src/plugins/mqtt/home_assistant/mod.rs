//! Pure: what Home Assistant is told of this device, so that it finds it by itself: one document with all
//! entities on one topic (MQTT discovery, device-based).
//!
//! `leaf` is what of a value is one thing, `flow` on which topics it is, `shape` what it is for a person,
//! `entity` and `light` what Home Assistant makes of it, `teller` goes through them all, `names` is what they are called, `template` its words for a place in a payload,
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
mod names;
mod shape;
mod teller;
mod template;
pub mod units;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::binding::Binding;
use super::config::Qos;
use super::config::home_assistant::{CategoryConfig, ComponentConfig, StateClassConfig};
use super::document::Document;
use crate::config::{NodeId, Spanned};
use crate::engine::CellId;
pub(super) use names::identity;
use teller::Teller;

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
    let mut teller = Teller::new(device);
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
