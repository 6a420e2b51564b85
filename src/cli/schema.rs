//! `bemo-sync schema`: the JSON Schema of the YAML, or those of the payloads that a YAML declares.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use schemars::{Schema, json_schema};

use super::{EXIT_FAILURE, complain, mistaken, print};
use crate::config::{load, schema::services_schema};
use crate::doctor::report_schema;
use crate::plugin::TopicDoc;
use crate::rehearsal::tests_schema;

#[derive(Debug, Args)]
pub(super) struct SchemaCommand {
    /// Write one JSON Schema for the payload of each topic that the configuration declares into this
    /// directory. Without it, the schema of the configuration itself is printed.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Print the schema of files of tests instead: `lamp.test.yaml`.
    #[arg(long, conflicts_with = "out")]
    tests: bool,

    /// Print the schema of what `doctor --json` prints instead.
    #[arg(long, conflicts_with_all = ["out", "tests"])]
    doctor: bool,
}

impl SchemaCommand {
    pub(super) fn execute(self, config: &Path) -> ExitCode {
        if self.tests {
            return print(&text(&tests_schema()));
        }
        if self.doctor {
            return print(&text(&report_schema()));
        }
        let Some(directory) = self.out else {
            return print(&text(&services_schema()));
        };
        let plan = match load(config) {
            Ok(loaded) => loaded.plan,
            Err(mistakes) => return mistaken(&mistakes),
        };
        let links = plan.links.iter().flat_map(|link| &link.candidates);
        let schemas = by_topic(links.flat_map(|link| link.topics()));
        match write_all(&directory, &schemas) {
            Ok(written) => print(&written),
            Err(problem) => {
                complain(&format!("{}: {problem}", directory.display()));
                EXIT_FAILURE.into()
            }
        }
    }
}

/// One schema for each topic, also where messages go both ways: then it is that of either.
fn by_topic(topics: impl Iterator<Item = TopicDoc>) -> BTreeMap<String, Schema> {
    let mut found: BTreeMap<String, Vec<TopicDoc>> = BTreeMap::new();
    for topic in topics {
        found.entry(topic.topic.clone()).or_default().push(topic);
    }
    let one = |(topic, docs): (String, Vec<TopicDoc>)| {
        let lines: Vec<&str> = docs.iter().map(|doc| doc.description.as_str()).collect();
        let description = lines.join(" ");
        let mut schemas: Vec<Schema> = docs.into_iter().map(|doc| doc.schema).collect();
        schemas.dedup();
        let mut schema = match schemas.len() {
            1 => schemas.remove(0),
            _ => json_schema!({ "anyOf": schemas }),
        };
        schema.insert("title".to_owned(), topic.as_str().into());
        schema.insert("description".to_owned(), description.into());
        (topic, schema)
    };
    found.into_iter().map(one).collect()
}

/// Returns what was written where.
fn write_all(directory: &Path, schemas: &BTreeMap<String, Schema>) -> std::io::Result<String> {
    fs::create_dir_all(directory)?;
    let mut written = String::new();
    for (topic, schema) in schemas {
        let path = directory.join(file_name(topic));
        fs::write(&path, text(schema))?;
        written.push_str(&format!("{topic}: {}\n", path.display()));
    }
    if schemas.is_empty() {
        written.push_str("no topic is declared\n");
    }
    Ok(written)
}

/// A file of its own for each topic, inside the directory whatever the topic is called.
fn file_name(topic: &str) -> String {
    let mut name = String::new();
    for byte in topic.bytes() {
        match byte {
            b'/' => name.push('.'),
            b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => name.push(byte.into()),
            other => name.push_str(&format!("%{other:02X}")),
        }
    }
    name + ".schema.json"
}

fn text(schema: &Schema) -> String {
    let mut text = serde_json::to_string_pretty(schema).expect("a schema is JSON");
    text.push('\n');
    text
}
