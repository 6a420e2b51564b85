//! `bemo-sync docs`: documents for those who build against a configuration.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::{EXIT_FAILURE, complain, mistaken, print};
use crate::config::load;
use crate::docs::{acl, asyncapi, discovery, gatt};
use crate::plan::Plan;
use crate::plugin::registry;

#[derive(Debug, Args)]
pub(super) struct Docs {
    /// Print the AsyncAPI document of all topics instead of the GATT table.
    #[arg(long, conflicts_with = "out")]
    asyncapi: bool,

    /// Print an access control list for mosquitto (`acl_file`) instead: exactly the topics of this
    /// configuration, each in its direction.
    #[arg(long, conflicts_with_all = ["out", "asyncapi"])]
    acl: bool,

    /// Print the OpenAPI document of the console's API instead. It needs no configuration.
    #[arg(long, conflicts_with_all = ["out", "asyncapi", "acl"])]
    openapi: bool,

    /// Print what Home Assistant is told instead (`home_assistant` in the section `mqtt`), by topic.
    #[arg(long, conflicts_with_all = ["out", "asyncapi", "acl"])]
    home_assistant: bool,

    /// Write all into this directory, as `gatt.md`, `asyncapi.json` and `mosquitto.acl`.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Docs {
    pub(super) fn execute(self, config: &Path) -> ExitCode {
        if self.openapi {
            let apis = registry().into_iter().find_map(|plugin| plugin.api());
            return match apis {
                Some(api) => print(&pretty(&api)),
                None => {
                    complain("this build has no console");
                    EXIT_FAILURE.into()
                }
            };
        }
        let plan = match load(config) {
            Ok(loaded) => loaded.plan,
            Err(mistakes) => return mistaken(&mistakes),
        };
        match self.out {
            Some(directory) => match write(&directory, &plan) {
                Ok(written) => print(&written),
                Err(problem) => {
                    complain(&format!("{}: {problem}", directory.display()));
                    EXIT_FAILURE.into()
                }
            },
            None if self.home_assistant => print(&told(&plan)),
            None if self.asyncapi => print(&topics(&plan)),
            None if self.acl => match acl(&plan) {
                Ok(list) => print(&list),
                Err(problem) => {
                    complain(&problem.to_string());
                    EXIT_FAILURE.into()
                }
            },
            None => print(&gatt(&plan)),
        }
    }
}

fn topics(plan: &Plan) -> String {
    pretty(&asyncapi(plan))
}

fn pretty(document: &serde_json::Value) -> String {
    serde_json::to_string_pretty(document).expect("a document is JSON") + "\n"
}

/// An object with the document of each topic; an empty one where Home Assistant is told nothing.
fn told(plan: &Plan) -> String {
    let documents = discovery(plan).into_iter();
    let by_topic: serde_json::Map<_, _> = documents.map(|it| (it.topic, it.document)).collect();
    serde_json::to_string_pretty(&by_topic).expect("a document is JSON") + "\n"
}

/// Returns what was written where.
fn write(directory: &Path, plan: &Plan) -> std::io::Result<String> {
    let list = acl(plan).map_err(std::io::Error::other)?;
    fs::create_dir_all(directory)?;
    let mut written = String::new();
    for (what, name, text) in [
        ("GATT", "gatt.md", gatt(plan)),
        ("topics", "asyncapi.json", topics(plan)),
        ("access", "mosquitto.acl", list),
    ] {
        let path = directory.join(name);
        fs::write(&path, text)?;
        written.push_str(&format!("{what}: {}\n", path.display()));
    }
    Ok(written)
}
