//! What stands in the file. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

const FORMAT: &str = "bemo-sync values";
const VERSION: u32 = 1;

/// The file.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Contents {
    format: String,
    version: u32,
    /// By the UUIDs of service and characteristic.
    pub(super) values: BTreeMap<String, Entry>,
    /// What nothing that was declared could be.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) set_aside: BTreeMap<String, Entry>,
}

/// One value.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Entry {
    /// The characteristic, for people.
    pub(super) name: String,
    /// As it is on the air: what counts.
    pub(super) hex: String,
    /// As it is on MQTT, for people.
    pub(super) value: Json,
}

impl Contents {
    pub(super) fn new(values: BTreeMap<String, Entry>, set_aside: BTreeMap<String, Entry>) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            values,
            set_aside,
        }
    }

    /// # Errors
    /// Why this is not what this program writes, without a word of what it is: it may hold secrets.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Head {
            format: String,
            version: u32,
        }
        let strange = |error: serde_json::Error| {
            let (line, column) = (error.line(), error.column());
            match error.is_eof() {
                true => "it ends too early".to_owned(),
                false => format!("it is something else, from line {line}, column {column} on"),
            }
        };
        // A version to come may hold anything behind its number.
        let head: Head = serde_json::from_slice(bytes).map_err(strange)?;
        if head.format != FORMAT {
            return Err("something else has written it".to_owned());
        }
        if head.version != VERSION {
            let version = head.version;
            return Err(format!(
                "it has version {version}, and this program reads {VERSION}"
            ));
        }
        serde_json::from_slice(bytes).map_err(strange)
    }

    pub(super) fn render(&self) -> String {
        // Texts, numbers and maps with texts for keys are JSON.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}
