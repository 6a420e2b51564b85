//! `bemo-sync check`: all mistakes at once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::{EXIT_MISTAKE, print};
use crate::config::load;
use crate::docs::discovery;
use crate::plan::Plan;
use crate::plugin::DiscoveryDoc;

#[derive(Debug, Args)]
pub(super) struct Check {
    /// The configuration to check, instead of `--config`.
    file: Option<PathBuf>,
}

impl Check {
    pub(super) fn execute(self, config: &Path) -> ExitCode {
        let file = self.file.as_deref().unwrap_or(config);
        match load(file) {
            Ok(loaded) => {
                let plan = loaded.plan;
                print(&format!(
                    "{}{}: no mistakes; {} services, {} values, links: {}\n",
                    told(&plan),
                    file.display(),
                    plan.services.len(),
                    plan.cells.len(),
                    plan.links
                        .iter()
                        .map(|link| link.section)
                        .collect::<Vec<_>>()
                        .join(", "),
                ))
            }
            Err(mistakes) => {
                eprintln!("{mistakes}");
                EXIT_MISTAKE.into()
            }
        }
    }
}

/// What Home Assistant is told, in a line, and a line for each value that it is not.
fn told(plan: &Plan) -> String {
    let mut out = String::new();
    for DiscoveryDoc {
        document, notes, ..
    } in discovery(plan)
    {
        let components = document["cmps"].as_object().into_iter().flatten();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, component) in components {
            *counts
                .entry(component["p"].as_str().unwrap_or_default())
                .or_default() += 1;
        }
        let counts: Vec<String> = counts
            .iter()
            .map(|(word, count)| format!("{count} × {word}"))
            .collect();
        let all = match counts.is_empty() {
            true => "nothing".to_owned(),
            false => counts.join(", "),
        };
        out.push_str(&format!("Home Assistant: {all}\n"));
        for note in notes {
            out.push_str(&format!("  {note}\n"));
        }
    }
    out
}
