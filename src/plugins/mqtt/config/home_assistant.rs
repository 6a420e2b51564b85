//! What stands under `home_assistant` in the YAML: `true`, `false`, or a mapping.

use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use crate::config::Spanned;

/// Yes, no, or yes with more to say.
#[derive(Debug)]
pub enum Wanted<T> {
    Plain(bool),
    With(T),
}

/// How the device is shown in Home Assistant.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "MqttHomeAssistantDevice")]
pub struct DeviceConfig {
    /// Where Home Assistant listens for devices: the prefix that is set there.
    #[serde(default)]
    #[schemars(length(min = 1), extend("default" = "homeassistant"))]
    pub prefix: Option<Spanned<String>>,
    /// What the device is known by in Home Assistant, for good: letters, digits, `-` and `_`. No two devices
    /// may have the same. Without it, it is made of the `client_id`. Placeholders such as `{machine_id}` are
    /// filled in.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub id: Option<Spanned<String>>,
    /// What the device is called there. Without it, the `name` in `device`.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub name: Option<Spanned<String>>,
    /// The area that Home Assistant suggests for it, as in `Living Room`.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub area: Option<Spanned<String>>,
    /// Who made it. Without it, what the SIG's `manufacturer_name_string` is declared to be, if it is.
    #[serde(default)]
    pub manufacturer: Option<Spanned<String>>,
    /// What it is. Without it, what the SIG's `model_number_string` is declared to be, if it is.
    #[serde(default)]
    pub model: Option<Spanned<String>>,
}

/// How a value is shown in Home Assistant. What is not said follows from its type, its unit and what may be
/// done with it on MQTT.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "MqttHomeAssistantEntity")]
pub struct EntityConfig {
    /// Whether it is shown. With `false` it is not, as with `home_assistant: false`.
    #[serde(default)]
    #[schemars(extend("default" = true))]
    pub enabled: Option<bool>,
    /// The kind of entity that it becomes; of a struct, each of its fields.
    #[serde(default)]
    pub component: Option<Spanned<ComponentConfig>>,
    /// What it measures or is, in Home Assistant's words: `temperature`, `door`.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub device_class: Option<Spanned<String>>,
    /// How Home Assistant keeps statistics of a sensor.
    #[serde(default)]
    pub state_class: Option<Spanned<StateClassConfig>>,
    /// Its unit, as Home Assistant writes it: `hPa`, `°C`. Without it, that of the value.
    #[serde(default)]
    pub unit: Option<Spanned<String>>,
    /// Its icon, as in `mdi:lightbulb`.
    #[serde(default)]
    #[schemars(regex(pattern = "^[a-z]+:[a-z0-9-]+$"))]
    pub icon: Option<Spanned<String>>,
    /// What it is called there. Without it, the name of the characteristic.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub name: Option<Spanned<String>>,
    /// Where it stands on the device's page, if not among what the device is for.
    #[serde(default)]
    pub entity_category: Option<Spanned<CategoryConfig>>,
}

/// A kind of entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "MqttHomeAssistantComponent")]
pub enum ComponentConfig {
    /// On or off, and nobody there can change it.
    BinarySensor,
    /// Something to press.
    Button,
    /// Something that happens.
    Event,
    /// A light, with others of its service: a switch, and a brightness or a colour.
    Light,
    /// A number to set.
    Number,
    /// One of several, to choose.
    Select,
    /// Something to read.
    Sensor,
    /// On or off, to switch.
    Switch,
    /// A text to write.
    Text,
}

/// How Home Assistant keeps statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "MqttHomeAssistantStateClass")]
pub enum StateClassConfig {
    /// What is so at the moment.
    Measurement,
    /// A sum that may also fall.
    Total,
    /// A sum that only grows, and may begin anew.
    TotalIncreasing,
}

/// Where an entity stands on the page of its device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "MqttHomeAssistantCategory")]
pub enum CategoryConfig {
    /// A setting of the device.
    Config,
    /// How the device itself is.
    Diagnostic,
}

impl ComponentConfig {
    /// As Home Assistant calls it.
    pub fn word(self) -> &'static str {
        match self {
            Self::BinarySensor => "binary_sensor",
            Self::Button => "button",
            Self::Event => "event",
            Self::Light => "light",
            Self::Number => "number",
            Self::Select => "select",
            Self::Sensor => "sensor",
            Self::Switch => "switch",
            Self::Text => "text",
        }
    }
}

impl StateClassConfig {
    pub fn word(self) -> &'static str {
        match self {
            Self::Measurement => "measurement",
            Self::Total => "total",
            Self::TotalIncreasing => "total_increasing",
        }
    }
}

impl CategoryConfig {
    pub fn word(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Diagnostic => "diagnostic",
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Wanted<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BoolOrMap<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for BoolOrMap<T> {
            type Value = Wanted<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`true`, `false` or a mapping")
            }

            fn visit_bool<E>(self, is_wanted: bool) -> Result<Self::Value, E> {
                Ok(Wanted::Plain(is_wanted))
            }

            fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(entries)).map(Wanted::With)
            }
        }
        deserializer.deserialize_any(BoolOrMap(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Wanted<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("{}OrNot", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let with = generator.subschema_for::<T>();
        json_schema!({
            "description": "`true`, `false`, or a mapping that says more.",
            "anyOf": [{ "type": "boolean" }, with],
        })
    }
}
