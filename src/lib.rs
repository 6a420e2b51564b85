//! Keeps state in step between Bluetooth LE and MQTT, declared in one YAML file.
//!
//! `docs/architecture.md` draws the picture; the module names are its boxes.

#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]

pub mod cli;
pub mod codec;
pub mod config;
pub mod docs;
pub mod doctor;
pub mod engine;
pub mod gatt;
pub mod init;
pub mod metrics;
pub mod plan;
pub mod plugin;
pub mod plugins;
pub mod rehearsal;
pub mod reload;
pub mod runtime;
pub mod service;
