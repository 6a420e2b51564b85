//! Where the log goes, and how much of it.

use std::env;
use std::io::stderr;

use anstream::{AutoStream, ColorChoice};
use clap::ValueEnum;
use rustix::fs::fstat;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

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
    // An empty variable in a unit file is none.
    let directives = if directives.trim().is_empty() {
        "info"
    } else {
        directives
    };
    let bare = !directives.contains(['=', ',']);
    let directives = if bare {
        // Checked on its own first, so that an error speaks of what was typed.
        EnvFilter::builder().parse(directives)?;
        format!("warn,rumqttd=off,bemo_sync={directives}")
    } else {
        directives.to_owned()
    };
    let filter = EnvFilter::builder().parse(directives)?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(AutoStream::choice(&stderr()) != ColorChoice::Never)
        .with_target(false);
    match format {
        // The journal has a time for each line already.
        LogFormat::Text if goes_to_the_journal() => subscriber.compact().without_time().init(),
        LogFormat::Text => subscriber.compact().init(),
        LogFormat::Json => subscriber.json().flatten_event(true).init(),
    }
    Ok(())
}

/// Whether standard error is what systemd has connected to its journal. The variable alone says little: children of
/// a service have it too, and write elsewhere.
fn goes_to_the_journal() -> bool {
    let Ok(journal) = env::var("JOURNAL_STREAM") else {
        return false;
    };
    fstat(stderr()).is_ok_and(|file| journal == format!("{}:{}", file.st_dev, file.st_ino))
}
