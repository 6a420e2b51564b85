//! Where the log goes, and how much of it.

use std::env;
use std::io::stderr;

use anstream::{AutoStream, ColorChoice};
use clap::ValueEnum;
use rustix::fs::fstat;
use tracing_subscriber::filter::{LevelFilter, ParseError, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{fmt, registry};

/// How a log line looks.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging to standard error. A bare level is for this program; the libraries below it then
/// stay at warnings.
pub(super) fn start(directives: &str, format: LogFormat) -> Result<(), ParseError> {
    let filter = filter(directives)?;
    let lines = fmt::layer()
        .with_writer(stderr)
        .with_ansi(AutoStream::choice(&stderr()) != ColorChoice::Never)
        .with_target(false);
    let filtered = registry().with(filter);
    match format {
        // The journal has a time for each line already.
        LogFormat::Text if goes_to_the_journal() => {
            filtered.with(lines.compact().without_time()).init();
        }
        LogFormat::Text => filtered.with(lines.compact()).init(),
        LogFormat::Json => filtered.with(lines.json().flatten_event(true)).init(),
    }
    Ok(())
}

fn filter(directives: &str) -> Result<Targets, ParseError> {
    // An empty variable in a unit file is none.
    let directives = if directives.trim().is_empty() {
        "info"
    } else {
        directives
    };
    if !directives.contains(['=', ',']) {
        // Checked on its own first, so that an error speaks of what was typed.
        directives.parse::<Targets>()?;
        return format!("warn,rumqttd=off,bemo_sync={directives}").parse();
    }
    // The program is called so, and no part of it can have a hyphen in its name.
    let filter: Targets = directives.replace('-', "_").parse()?;
    Ok(match filter.default_level() {
        Some(_) => filter,
        // Whoever misspells a name still hears what is wrong.
        None => filter.with_default(LevelFilter::WARN),
    })
}

/// Whether standard error is what systemd has connected to its journal. The variable alone says little: children of
/// a service have it too, and write elsewhere.
fn goes_to_the_journal() -> bool {
    let Ok(journal) = env::var("JOURNAL_STREAM") else {
        return false;
    };
    fstat(stderr()).is_ok_and(|file| journal == format!("{}:{}", file.st_dev, file.st_ino))
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn whatever_is_asked_for_warnings_are_heard_unless_they_are_switched_off() {
        for (directives, level, is_heard) in [
            ("", Level::INFO, true),
            ("debug", Level::DEBUG, true),
            ("bemo-sync=debug", Level::DEBUG, true),
            ("bemo_sync=debug", Level::DEBUG, true),
            ("mqtt=debug", Level::WARN, true),
            ("nosuch=info", Level::WARN, true),
            ("nosuch=info", Level::INFO, false),
            ("off,rumqttc=debug", Level::ERROR, false),
            ("bemo_sync::plugins::mqtt=debug,info", Level::INFO, true),
        ] {
            let filter = filter(directives).expect("it is one");
            let target = "bemo_sync::runtime";
            assert_eq!(
                filter.would_enable(target, &level),
                is_heard,
                "{directives:?}"
            );
        }
        assert!(filter("verbose").is_err());
    }
}
