//! The JSON Schema of a file of tests.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::model::TestsConfig;

/// The schema that editors check a file of tests with.
pub fn tests_schema() -> Schema {
    SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<TestsConfig>()
}

// ── schemas of what YAML may take for something else ──────────────────────────────────────────────

macro_rules! described {
    ($name:ident, $schema:tt) => {
        pub(super) struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

described!(Text, {
    "description": "A text; also one that YAML takes for a number or a boolean.",
    "type": ["string", "number", "boolean"],
});
// An unquoted 80 or 1e5 is a number for YAML.
described!(Hex, {
    "description": "Bytes in hexadecimal, two digits each, with or without spaces between them.",
    "anyOf": [
        { "type": "string", "pattern": "^(0x)?([0-9a-fA-F]{2} *)*$" },
        { "type": "number", "minimum": 0 },
    ],
});
described!(AttErrorName, {
    "description": "An ATT error: its number (`0x0D`), its name in the Core Specification \
        (`invalid_attribute_value_length`), or `refused` (0x80), which is what a value that breaks a \
        constraint gets.",
    "anyOf": [
        { "type": "integer", "minimum": 1, "maximum": 255 },
        { "type": "string", "pattern": "^[a-z_]+$" },
    ],
});
