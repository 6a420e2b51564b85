//! `bemo-sync doctor`: what is wrong around a configuration.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anstyle::Style;
use clap::Args;

use super::words::{BAD, FAINT, GOOD, ODD, count, styled};
use super::{EXIT_FAILURE, EXIT_MISTAKE, complain, print, say};
use crate::config::load;
use crate::doctor::{Report, examine};
use crate::plugin::Level;

#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// The configuration, instead of `--config`.
    file: Option<PathBuf>,

    /// Print it for machines: `bemo-sync schema --doctor` is the schema.
    #[arg(long)]
    json: bool,

    /// Try to publish also where the broker may hand out what is tried: an empty message, not retained, on each topic.
    /// Without it, that is tried only where nobody hears of it.
    #[arg(long)]
    publish: bool,
}

impl Doctor {
    pub(super) fn execute(self, config: &Path) -> ExitCode {
        let file = self.file.as_deref().unwrap_or(config);
        let tokio = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let tokio = match tokio {
            Ok(tokio) => tokio,
            Err(problem) => {
                complain(&problem.to_string());
                return EXIT_FAILURE.into();
            }
        };
        let report = tokio.block_on(examine(file, load(file), self.publish));
        // Whatever still hangs in a blocking call, a name look-up say, must not hold up the end.
        tokio.shutdown_background();
        let printed = match self.json {
            true => {
                let json = serde_json::to_string_pretty(&report).expect("a report is JSON");
                print(&(json + "\n"))
            }
            false => say(&shown(&report)),
        };
        match (report.is_mistaken, report.healthy) {
            (true, _) => EXIT_MISTAKE.into(),
            (false, false) => EXIT_FAILURE.into(),
            (false, true) => printed,
        }
    }
}

/// As a person reads it.
fn shown(report: &Report) -> String {
    let checks = report.findings.iter().map(|it| it.check.len());
    let width = checks.max().unwrap_or(0);
    let mut out = String::new();
    for finding in &report.findings {
        let (style, word) = level(finding.level);
        let word = styled(style, format_args!("{word:7}"));
        out += &format!("{word}  {:width$}  {}\n", finding.check, finding.says);
        let lines = finding.fix.iter().flat_map(|fix| fix.lines());
        for (index, line) in lines.enumerate() {
            let label = if index == 0 { "fix:" } else { "" };
            let label = styled(FAINT, format_args!("{label:4}"));
            out += &format!("{:7}  {:width$}  {label} {line}\n", "", "");
        }
    }
    let (style, word) = match report.healthy {
        true => (GOOD, "healthy"),
        false => (BAD, "not healthy"),
    };
    let failures = match report.count(Level::Fail) {
        1 => "1 failure".to_owned(),
        failures => format!("{failures} failures"),
    };
    out += &format!(
        "\n{}: {}: {} looked at, {failures}, {}, {} skipped\n",
        report.configuration,
        styled(style, word),
        count(report.findings.len(), "thing"),
        count(report.count(Level::Warn), "warning"),
        report.count(Level::Skipped),
    );
    out
}

fn level(level: Level) -> (Style, &'static str) {
    match level {
        Level::Ok => (GOOD, "ok"),
        Level::Skipped => (FAINT, "skipped"),
        Level::Warn => (ODD, "warn"),
        Level::Fail => (BAD, "fail"),
    }
}
