//! Keeps state in step between Bluetooth LE and MQTT, declared in one YAML file.

#![forbid(unsafe_code)]

pub mod codec;
pub mod engine;
