//! The command line: one file for each command.

mod check;
mod completions;
mod docs;
mod logging;
mod run;
mod schema;
mod test;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use logging::LogFormat;

/// The configuration or the command line is wrong; nothing was started.
const EXIT_MISTAKE: u8 = 2;
/// Something went wrong on the way.
const EXIT_FAILURE: u8 = 1;

/// Keeps state in step between Bluetooth LE and MQTT, declared in one YAML file.
///
/// Without a command it runs: it serves the GATT services that the YAML declares, and keeps their
/// values in step with MQTT topics until SIGINT or SIGTERM.
#[derive(Debug, Parser)]
#[command(
    version,
    about,
    max_term_width = 100,
    args_conflicts_with_subcommands = false
)]
#[command(
    after_help = "Exit codes: 0 stopped or all well, 1 failed, 2 mistakes in the \
    configuration or the command line."
)]
pub struct Cli {
    /// The configuration.
    #[arg(
        long,
        short,
        global = true,
        value_name = "FILE",
        default_value = "services.yaml"
    )]
    config: PathBuf,

    /// What is logged: error, warn, info, debug or trace; or directives as in
    /// `bemo_sync=debug,rustls=debug`. Without it, info; while testing, nothing.
    #[arg(long, global = true, value_name = "LEVEL", env = "BEMO_SYNC_LOG")]
    log: Option<String>,

    /// How it is logged, on standard error.
    #[arg(long, global = true, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,

    /// Read the configuration again whenever its file changes, as SIGHUP does at any time: one with mistakes
    /// changes nothing.
    #[arg(long)]
    watch: bool,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check a configuration: every mistake at once, with its line. Starts nothing, and needs neither
    /// Bluetooth nor a broker.
    Check(check::Check),
    /// Run the tests of a configuration: without Bluetooth, without a broker, and in no time.
    Test(test::Test),
    /// Print the JSON Schema of the configuration, or write those of its payloads.
    Schema(schema::SchemaCommand),
    /// Print documents for those who build against a configuration: the GATT table in Markdown, an
    /// AsyncAPI document of the topics, and an access control list for the broker.
    Docs(docs::Docs),
    /// Print a completion script for a shell.
    Completions(completions::Completions),
}

impl Cli {
    /// Does what the command line says.
    pub fn execute(self) -> ExitCode {
        let quiet = matches!(self.command, Some(Command::Test(_)));
        let log = match &self.log {
            Some(log) => log,
            None if quiet => "off",
            None => "info",
        };
        if let Err(problem) = logging::start(log, self.log_format) {
            eprintln!("bemo-sync: --log {log}: {problem}");
            return EXIT_MISTAKE.into();
        }
        match self.command {
            None => run::run(&self.config, self.watch),
            Some(Command::Check(command)) => command.execute(&self.config),
            Some(Command::Test(command)) => command.execute(&self.config),
            Some(Command::Schema(command)) => command.execute(&self.config),
            Some(Command::Docs(command)) => command.execute(&self.config),
            Some(Command::Completions(command)) => command.execute(),
        }
    }
}

/// Prints what was asked for. A reader that has gone, or a full disk, is a failure and no panic.
fn print(text: &str) -> ExitCode {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("bemo-sync: {problem}");
            EXIT_FAILURE.into()
        }
    }
}
