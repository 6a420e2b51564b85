//! One line of the journal. Pure.
//!
//! A line is a checksum, a space and a record as JSON: `5d3ab1c0 {"is":"value",…}`. What was cut or has rotted does
//! not fit its checksum and is told from what was written, and the next line is found whatever became of
//! this one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(super) const VERSION: u32 = 1;

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Record {
    /// The first of a file.
    Journal { version: u32 },
    /// All there is of one value, whatever stood there before.
    Value {
        /// The UUIDs of service and characteristic.
        of: String,
        /// The characteristic, for people.
        name: String,
        /// What it is kept as, in hexadecimal digits.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kept: Option<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        owed: Vec<Debt>,
        /// Nothing that was declared could be this.
        #[serde(default, skip_serializing_if = "is_false")]
        set_aside: bool,
    },
    /// What is different now.
    Change {
        of: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kept: Option<String>,
        /// Everything that is owed up to this number has been delivered, or is superseded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        paid: Option<u64>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        owed: Vec<Debt>,
    },
}

/// An acknowledged write that has yet to be delivered.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Debt {
    /// Grows from one of a value to the next.
    pub(super) number: u64,
    /// As it came from the air.
    pub(super) hex: String,
    /// When it was accepted, in milliseconds since 1970, by a clock that may be wrong.
    pub(super) at: u64,
    /// What is told with it, by the UUIDs of service and characteristic.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) with: BTreeMap<String, String>,
}

impl Record {
    pub(super) fn write(&self, text: &mut String) {
        // Texts, numbers and maps with texts for keys are JSON.
        let json = serde_json::to_string(self).unwrap_or_default();
        let checksum = crc32fast::hash(json.as_bytes());
        text.push_str(&format!("{checksum:08x} {json}\n"));
    }

    /// A line without its end; `None` if this is not what was written.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        let (checksum, rest) = line.split_at_checked(8)?;
        let json = rest.strip_prefix(b" ")?;
        let checksum = u32::from_str_radix(str::from_utf8(checksum).ok()?, 16).ok()?;
        (checksum == crc32fast::hash(json)).then_some(())?;
        serde_json::from_slice(json).ok()
    }
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out references"
)]
fn is_false(it: &bool) -> bool {
    !it
}
