//! `bemo-sync check`: all mistakes at once.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::{EXIT_MISTAKE, print};
use crate::config::load;

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
                    "{}: no mistakes; {} services, {} values, links: {}\n",
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
