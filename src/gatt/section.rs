//! The section `ble` of the YAML, for whichever adapter serves it.

use schemars::JsonSchema;

use super::Address;
use super::advertising::{AdvertiseConfig, Advertisement};
use super::pairing::{Pairing, PairingConfig};
use crate::config::Spanned;
use crate::engine::Carries;
use crate::gatt::Service;
use crate::plugin::Configure;

/// A handle is 16 bits, and 0 is none. The Bluetooth stack needs a few for its own services.
const ATTRIBUTES_MAX: usize = 65_000;
const ADAPTER: &str = "^(auto|virtual|hci[0-9]+|([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2})$";

/// The Bluetooth LE peripheral: which adapter serves the declared services, and how it advertises and
/// pairs.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BleConfig {
    /// `auto` is the first adapter of this machine, or the virtual one if it has none. `virtual` is an
    /// adapter in memory, which no radio carries. Anything else is the name of an adapter, as in `hci0`,
    /// or its address, as `bluetoothctl list` shows it: where there are several, the name of one may be
    /// another after it was unplugged; its address stays.
    #[serde(default)]
    #[schemars(extend("default" = "auto", "pattern" = ADAPTER))]
    pub adapter: Option<Spanned<String>>,
    /// What the advertisement says besides the UUIDs of services, and how often.
    #[serde(default)]
    pub advertise: Option<Spanned<AdvertiseConfig>>,
    /// How centrals pair.
    #[serde(default)]
    pub pairing: Option<Spanned<PairingConfig>>,
}

/// The section, resolved.
#[derive(Clone, Debug)]
pub struct Peripheral {
    pub adapter: AdapterChoice,
    pub advertisement: Advertisement,
    pub pairing: Pairing,
}

/// Which adapter is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdapterChoice {
    Auto,
    Virtual,
    Named(String),
    At(Address),
}

impl BleConfig {
    /// Reads the section, and subscribes its link to everything that a central can subscribe to.
    /// `None` without the section.
    pub fn declare(declared: &mut Configure<'_>) -> Option<Peripheral> {
        let section = declared.section::<Self>("ble")?;
        let config = &section.value;
        let attributes: usize = declared.services().iter().map(Service::attributes).sum();
        if attributes > ATTRIBUTES_MAX {
            let message =
                format!("the services take {attributes} handles; 65,000 are left for them");
            declared.mistake(section.at, message, "declare fewer characteristics");
        }
        for characteristic in declared.characteristics_of_plan() {
            if characteristic.access.can_subscribe() {
                let (cell, _) = characteristic.tells();
                declared.subscribe_at(cell, Carries::State, characteristic.pace);
            }
        }
        let advertisement = Advertisement::declare(declared, config.advertise.as_ref());
        let pairing = Pairing::declare(declared, section.at, config.pairing.as_ref());
        let adapter = match section.value.adapter {
            None => AdapterChoice::Auto,
            Some(name) if name.value == "auto" => AdapterChoice::Auto,
            Some(name) if name.value == "virtual" => AdapterChoice::Virtual,
            Some(name) => {
                let address = name.parse().ok();
                let is_name = name.strip_prefix("hci").is_some_and(|number| {
                    !number.is_empty() && number.bytes().all(|c| c.is_ascii_digit())
                });
                if address.is_none() && !is_name {
                    let help = "`auto`, `virtual`, a name like `hci0`, or an address like \
                        `B8:27:EB:12:34:56`";
                    declared.mistake(name.at, "this is no name of an adapter", help);
                } else if !cfg!(target_os = "linux") {
                    let message = "adapters can be used on Linux only";
                    declared.mistake(name.at, message, "`virtual`, or `auto`");
                }
                address.map_or(AdapterChoice::Named(name.value), AdapterChoice::At)
            }
        };
        Some(Peripheral {
            adapter,
            advertisement,
            pairing,
        })
    }
}
