//! `bemo-sync doctor`: what is wrong around a configuration, and what to do about it.
//!
//! What is looked at is told apart from what is made of it: `clock` and `unit` gather facts and judge them, each in
//! functions of their own. What only a link knows, it says itself (`Link::examine`).

mod clock;
mod unit;

use std::path::Path;
use std::time::Duration;

use schemars::{JsonSchema, Schema, schema_for};
use serde::Serialize;
use tokio::time::timeout;

use crate::config::{Loaded, Mistakes};
use crate::plugin::{Examination, Finding, Level};

/// No link may take longer to look around.
const EXAMINED_WITHIN: Duration = Duration::from_secs(60);

/// What `bemo-sync doctor --json` prints.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(title = "What bemo-sync doctor has found")]
pub struct Report {
    /// The version of the program.
    pub version: &'static str,
    /// The configuration that was looked at.
    pub configuration: String,
    /// Whether nothing was found that cannot work. Warnings are no illness.
    pub healthy: bool,
    /// What was found, in the order in which it was looked at.
    pub findings: Vec<Finding>,
    /// Whether the configuration has mistakes. Then little else was looked at.
    #[serde(skip)]
    pub is_mistaken: bool,
}

impl Report {
    fn new(file: &Path, findings: Vec<Finding>, is_mistaken: bool) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            configuration: file.display().to_string(),
            healthy: findings.iter().all(|it| it.level < Level::Fail),
            findings,
            is_mistaken,
        }
    }

    /// How many findings are of a level.
    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|it| it.level == level).count()
    }
}

/// The JSON Schema of a [`Report`].
pub fn report_schema() -> Schema {
    schema_for!(Report)
}

/// Looks at everything that a configuration needs. Nobody hears of it but the broker, the bus and bluetoothd, unless
/// somebody has said that others may.
pub async fn examine(file: &Path, loaded: Result<Loaded, Mistakes>, may_be_heard: bool) -> Report {
    let mut findings = Vec::new();
    let mut loaded = match loaded {
        Ok(loaded) => {
            let says = format!("{} has no mistakes", file.display());
            findings.push(Finding::ok("configuration", says));
            Some(loaded)
        }
        Err(mistakes) if mistakes.is_missing => {
            let says = format!("{} is not there", file.display());
            let fix = format!(
                "bemo-sync init --output {}   # or name the right one: bemo-sync doctor FILE",
                quoted(file)
            );
            findings.push(Finding::fail("configuration", says).fix(fix));
            None
        }
        Err(mistakes) => {
            let says = format!("{} has {}", file.display(), mistakes.count());
            let fix = format!("bemo-sync check {}", quoted(file));
            findings.push(Finding::fail("configuration", says).fix(fix));
            None
        }
    };
    findings.extend(clock::examine().await);
    findings.push(unit::examine(file));
    let is_mistaken = loaded.is_none();
    let Some(Loaded { plan, .. }) = &mut loaded else {
        let says = "what is declared is looked at when there is a configuration without mistakes";
        findings.push(Finding::skipped("links", says));
        return Report::new(file, findings, is_mistaken);
    };
    let about = Examination {
        services: &plan.services,
        may_be_heard,
    };
    // Of several the first is the one that is wanted.
    let wanted = plan.links.iter_mut();
    for link in wanted.filter_map(|link| link.candidates.first_mut()) {
        match timeout(EXAMINED_WITHIN, link.examine(about)).await {
            Ok(found) => findings.extend(found),
            Err(_) => {
                let says = format!("{} was not done within a minute", link.name());
                findings.push(Finding::fail("links", says));
            }
        }
    }
    Report::new(file, findings, is_mistaken)
}

/// A path as a shell takes it.
fn quoted(file: &Path) -> String {
    let text = file.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_only_warned_is_healthy() {
        let file = Path::new("a.yaml");
        let report = |findings| Report::new(file, findings, false);
        let (ok, warn) = (Finding::ok("a", ""), Finding::warn("b", ""));
        let (skipped, fail) = (Finding::skipped("c", ""), Finding::fail("d", ""));
        assert!(report(vec![ok.clone(), warn.clone(), skipped]).healthy);
        assert!(!report(vec![ok, fail, warn]).healthy);
    }

    #[test]
    fn a_path_can_be_copied_into_a_shell() {
        assert_eq!(quoted(Path::new("/etc/a-b.yaml")), "/etc/a-b.yaml");
        assert_eq!(quoted(Path::new("it's a b")), r"'it'\''s a b'");
    }
}
