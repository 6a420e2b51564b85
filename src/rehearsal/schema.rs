//! The JSON Schema of a file of tests.

use schemars::Schema;
use schemars::generate::SchemaSettings;

use super::model::TestsConfig;

/// The schema that editors check a file of tests with.
pub fn tests_schema() -> Schema {
    SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<TestsConfig>()
}
