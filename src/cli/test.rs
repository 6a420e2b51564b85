//! `bemo-sync test`: runs the tests of a configuration.

use std::collections::HashSet;
use std::io::{Write, stderr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::words::{BAD, GOOD, styled};
use super::{EXIT_FAILURE, EXIT_MISTAKE, complain, say};
use crate::rehearsal::{beside, files_in, run};

#[derive(Debug, Args)]
pub(super) struct Test {
    /// Files of tests, or folders: then every `*.test.yaml` in them and below. Without it the tests beside
    /// the configuration: `services.test.yaml`.
    #[arg(value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,

    /// Run only tests with this text in their name.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
}

impl Test {
    pub(super) fn execute(self, config: &Path) -> ExitCode {
        let mut files = Vec::new();
        let paths = if self.paths.is_empty() {
            vec![config.to_owned()]
        } else {
            self.paths
        };
        for path in paths {
            if !path.is_dir() {
                files.push(beside(&path));
                continue;
            }
            match files_in(&path) {
                Ok(found) if found.is_empty() => {
                    return wrong(&format!("{}: no `*.test.yaml` in it", path.display()));
                }
                Ok(found) => files.extend(found),
                Err(problem) => return wrong(&format!("{}: {problem}", path.display())),
            }
        }
        // `lamp.yaml lamp.test.yaml` is one file of tests, as is `. lamp.yaml`.
        let mut seen = HashSet::new();
        files.retain(|file| seen.insert(file.canonicalize().unwrap_or_else(|_| file.clone())));
        let outcome = run(&files, self.filter.as_deref());
        let mut told = String::new();
        for failure in &outcome.failures {
            told.push_str(failure);
            told.push('\n');
        }
        if outcome.count() > 0 {
            let (style, word) = match outcome.failures.is_empty() {
                true => (GOOD, "ok"),
                false => (BAD, "failed"),
            };
            told.push_str(&format!("{}: {}\n", styled(style, word), outcome.summary()));
        }
        let printed = say(&told);
        if !outcome.mistakes.is_empty() {
            let _ = writeln!(stderr(), "{}", outcome.mistakes.join("\n\n"));
            return EXIT_MISTAKE.into();
        }
        if !outcome.failures.is_empty() {
            return EXIT_FAILURE.into();
        }
        match self.filter {
            Some(filter) if outcome.count() == 0 => {
                wrong(&format!("no test has `{filter}` in its name"))
            }
            _ => printed,
        }
    }
}

fn wrong(problem: &str) -> ExitCode {
    complain(problem);
    EXIT_MISTAKE.into()
}
