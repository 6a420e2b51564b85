//! The device classes that Home Assistant knows, by component (Home Assistant 2026.2).

use crate::config::nearest;
use crate::plugins::mqtt::config::home_assistant::ComponentConfig;

/// What a device class may be.
///
/// # Errors
/// What is wrong with it and what to write instead.
pub(in crate::plugins::mqtt) fn check(
    component: ComponentConfig,
    class: &str,
) -> Result<(), (String, String)> {
    let known = known(component);
    if known.is_empty() {
        let message = format!("a `{}` has no device class", component.word());
        return Err((message, "remove `device_class`".to_owned()));
    }
    if known.contains(&class) {
        return Ok(());
    }
    let message = format!("`{class}` is no device class of a `{}`", component.word());
    let help = match nearest(class, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it knows {}", known.join(", ")),
    };
    Err((message, help))
}

/// All of them that a component has.
pub fn known(component: ComponentConfig) -> Vec<&'static str> {
    let known: &[&[&str]] = match component {
        ComponentConfig::BinarySensor => &[BINARY_SENSOR],
        ComponentConfig::Button => &[BUTTON],
        ComponentConfig::Event => &[EVENT],
        ComponentConfig::Number => &[MEASURED],
        ComponentConfig::Sensor => &[MEASURED, OF_SENSORS],
        ComponentConfig::Switch => &[SWITCH],
        ComponentConfig::Light | ComponentConfig::Select | ComponentConfig::Text => &[],
    };
    known.iter().flat_map(|part| part.iter().copied()).collect()
}

const MEASURED: &[&str] = &[
    "absolute_humidity",
    "apparent_power",
    "aqi",
    "area",
    "atmospheric_pressure",
    "battery",
    "blood_glucose_concentration",
    "carbon_dioxide",
    "carbon_monoxide",
    "conductivity",
    "current",
    "data_rate",
    "data_size",
    "distance",
    "duration",
    "energy",
    "energy_distance",
    "energy_storage",
    "frequency",
    "gas",
    "humidity",
    "illuminance",
    "irradiance",
    "moisture",
    "monetary",
    "nitrogen_dioxide",
    "nitrogen_monoxide",
    "nitrous_oxide",
    "ozone",
    "ph",
    "pm1",
    "pm10",
    "pm25",
    "pm4",
    "power",
    "power_factor",
    "precipitation",
    "precipitation_intensity",
    "pressure",
    "reactive_energy",
    "reactive_power",
    "signal_strength",
    "sound_pressure",
    "speed",
    "sulphur_dioxide",
    "temperature",
    "temperature_delta",
    "volatile_organic_compounds",
    "volatile_organic_compounds_parts",
    "voltage",
    "volume",
    "volume_flow_rate",
    "volume_storage",
    "water",
    "weight",
    "wind_direction",
    "wind_speed",
];

/// What only a sensor can be.
const OF_SENSORS: &[&str] = &["date", "enum", "timestamp"];

const BINARY_SENSOR: &[&str] = &[
    "battery",
    "battery_charging",
    "carbon_monoxide",
    "cold",
    "connectivity",
    "door",
    "garage_door",
    "gas",
    "heat",
    "light",
    "lock",
    "moisture",
    "motion",
    "moving",
    "occupancy",
    "opening",
    "plug",
    "power",
    "presence",
    "problem",
    "running",
    "safety",
    "smoke",
    "sound",
    "tamper",
    "update",
    "vibration",
    "window",
];

const SWITCH: &[&str] = &["outlet", "switch"];

const BUTTON: &[&str] = &["identify", "restart", "update"];

const EVENT: &[&str] = &["button", "doorbell", "motion"];
