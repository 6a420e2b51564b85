//! Tests of a configuration: the real program on a clock that does not tick by itself, with a broker and
//! an adapter in memory. The same file gives the same result every time, in milliseconds.
//!
//! A file is read and judged ([`read`], [`steps`], [`centrals`]) into a [`story`], each test of which is
//! played from a fresh start ([`play`]); what came and was not expected is told ([`report`]).

mod act;
mod att_errors;
mod came;
mod centrals;
mod difference;
mod model;
mod play;
mod read;
mod report;
mod rest;
mod schema;
mod steps;
mod story;
mod values;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use schema::tests_schema;

/// What has come of some files of tests.
#[derive(Debug, Default)]
pub struct Outcome {
    pub passed: usize,
    /// The files of which tests were run.
    files: usize,
    /// Those of them in which one has failed.
    failed_in: Vec<String>,
    /// How each failure is told.
    pub failures: Vec<String>,
    /// What is wrong with files that could therefore not be run.
    pub mistakes: Vec<String>,
}

/// Runs the tests of these files; with a filter, those with that text in their name.
pub fn run(files: &[PathBuf], filter: Option<&str>) -> Outcome {
    let filter = filter.map(str::to_lowercase);
    let mut outcome = Outcome::default();
    for file in files {
        let story = match read::story(file) {
            Ok(story) => story,
            Err(mistakes) => {
                outcome.mistakes.push(mistakes);
                continue;
            }
        };
        let (before, failed_before) = (outcome.count(), outcome.failures.len());
        for test in &story.tests {
            let name = test.name.to_lowercase();
            if filter.as_ref().is_some_and(|filter| !name.contains(filter)) {
                continue;
            }
            match play::play(&story, test) {
                Ok(()) => outcome.passed += 1,
                Err(failed) => outcome.failures.push(failed.render(&story, test)),
            }
        }
        outcome.files += usize::from(outcome.count() > before);
        if outcome.failures.len() > failed_before {
            outcome.failed_in.push(file.display().to_string());
        }
    }
    outcome
}

/// The tests of a configuration stand beside it: `lamp.test.yaml` for `lamp.yaml`.
pub fn beside(config: &Path) -> PathBuf {
    let name = config.to_string_lossy();
    match name
        .strip_suffix(".yaml")
        .or_else(|| name.strip_suffix(".yml"))
    {
        Some(_) if name.ends_with(read::ENDING) => config.to_owned(),
        Some(stem) => PathBuf::from(format!("{stem}{}", read::ENDING)),
        None => config.to_owned(),
    }
}

/// All files of tests in a folder and below it, but for hidden ones.
///
/// # Errors
/// When a folder cannot be read.
pub fn files_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        entries.push(entry?);
    }
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut files = Vec::new();
    for entry in entries {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // A link to a folder is not followed: it may lead back here.
        if entry.file_type()?.is_dir() {
            if !name.starts_with('.') {
                files.extend(files_in(&entry.path())?);
            }
        } else if name.ends_with(read::ENDING) {
            files.push(entry.path());
        }
    }
    Ok(files)
}

impl Outcome {
    /// How many tests were run.
    pub fn count(&self) -> usize {
        self.passed + self.failures.len()
    }

    /// The line at the end.
    pub fn summary(&self) -> String {
        match (self.failures.len(), self.count(), self.failed_in.as_slice()) {
            (0, 1, _) => "1 test passed".to_owned(),
            (0, count, _) if self.files == 1 => format!("{count} tests passed"),
            (0, count, _) => format!("{count} tests in {} files passed", self.files),
            (failed, count, [file]) => format!("{failed} of {count} tests, in {file}"),
            (failed, count, files) => {
                format!("{failed} of {count} tests, in {} files", files.len())
            }
        }
    }
}
