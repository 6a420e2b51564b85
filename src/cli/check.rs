//! `bemo-sync check`: all mistakes at once.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::words::{GOOD, count, styled};
use super::{mistaken, say};
use crate::config::load;
use crate::plan::Plan;

#[derive(Debug, Args)]
pub(super) struct Check {
    /// The configuration to check, instead of `--config`.
    file: Option<PathBuf>,
}

impl Check {
    pub(super) fn execute(self, config: &Path) -> ExitCode {
        let file = self.file.as_deref().unwrap_or(config);
        match load(file) {
            Ok(loaded) => say(&summary(file, &loaded.plan)),
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
