//! `bemo-sync check`: all mistakes at once.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::words::{GOOD, count, styled};
use super::{mistaken, say};
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
                say(&format!("{}{}", told(&plan), summary(file, &plan)))
            }
            Err(mistakes) => mistaken(&mistakes),
        }
    }
}

/// What there is, counted.
fn summary(file: &Path, plan: &Plan) -> String {
    let links = plan.links.iter();
    let names: HashSet<String> = links
        .clone()
        .filter_map(|link| link.candidates.first())
        .flat_map(|link| link.topics())
        .map(|topic| topic.topic)
        .collect();
    let sections: Vec<&str> = links.map(|link| link.section).collect();
    format!(
        "{}: {}, no mistakes: {}, {}, {}; links: {}\n",
        file.display(),
        styled(GOOD, "ok"),
        count(plan.services.len(), "service"),
        count(plan.cells.len(), "value"),
        count(names.len(), "topic"),
        sections.join(", "),
    )
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
