//! The command line: one file for each command.

mod check;
mod completions;
mod docs;
mod doctor;
mod init;
mod logging;
mod qr;
mod run;
mod schema;
mod startup;
mod test;
mod words;

use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice};
use clap::{Parser, Subcommand};

use crate::config::Mistakes;
use logging::LogFormat;

/// The configuration or the command line is wrong; nothing was started.
const EXIT_MISTAKE: u8 = 2;
/// Something went wrong on the way.
const EXIT_FAILURE: u8 = 1;

/// Above the options that are for no command in particular.
const EVERYWHERE: &str = "Options everywhere";

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
    after_help = "Exit codes: 0 stopped, all well or healthy, 1 failed or not healthy, 2 mistakes in \
    the configuration or the command line."
)]
pub struct Cli {
    /// The configuration.
    #[arg(
        long,
        short,
        global = true,
        value_name = "FILE",
        default_value = "services.yaml",
        help_heading = EVERYWHERE
    )]
    config: PathBuf,

    /// What is logged: error, warn, info, debug or trace; or directives as in
    /// `bemo_sync=debug,rustls=debug`. Without it, info; for `test` and `doctor`, nothing.
    #[arg(long, global = true, value_name = "LEVEL", env = "BEMO_SYNC_LOG", help_heading = EVERYWHERE)]
    log: Option<String>,

    /// How it is logged, on standard error.
    #[arg(long, global = true, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text, help_heading = EVERYWHERE)]
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
    /// Write a configuration to begin with: it asks a few questions, or takes a template. It is explained by its
    /// comments, and comes with tests.
    Init(init::Init),
    /// Check a configuration: every mistake at once, with its line. Starts nothing, and needs neither
    /// Bluetooth nor a broker.
    Check(check::Check),
    /// Look around: BlueZ, the adapter, the broker and what it allows, the clock, the disk; with a remedy for what is wrong.
    /// It disturbs nobody. Exit code 0 is healthy, 1 is not, 2 is a configuration with mistakes.
    Doctor(doctor::Doctor),
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
        let quiet = matches!(self.command, Some(Command::Test(_) | Command::Doctor(_)));
        let log = match &self.log {
            Some(log) => log,
            None if quiet => "off",
            None => "info",
        };
        if let Err(problem) = logging::start(log, self.log_format) {
            complain(&format!("--log {log}: {problem}"));
            return EXIT_MISTAKE.into();
        }
        match self.command {
            None => run::run(&self.config, self.watch, self.log_format),
            Some(Command::Init(command)) => command.execute(&self.config),
            Some(Command::Check(command)) => command.execute(&self.config),
            Some(Command::Doctor(command)) => command.execute(&self.config),
            Some(Command::Test(command)) => command.execute(&self.config),
            Some(Command::Schema(command)) => command.execute(&self.config),
            Some(Command::Docs(command)) => command.execute(&self.config),
            Some(Command::Completions(command)) => command.execute(),
        }
    }
}

/// Prints what was asked for. A full disk is a failure and no panic; a reader that has gone has read enough, as `head` does.
fn print(text: &str) -> ExitCode {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) if problem.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(problem) => {
            complain(&problem.to_string());
            EXIT_FAILURE.into()
        }
    }
}

/// Prints something for people, with colours where they are wanted.
fn say(text: &str) -> ExitCode {
    let choice = AutoStream::choice(&std::io::stdout());
    match choice {
        ColorChoice::Never => print(&strip_str(text).to_string()),
        ColorChoice::Always | ColorChoice::AlwaysAnsi | ColorChoice::Auto => print(text),
    }
}

/// Shows all mistakes.
fn mistaken(mistakes: &Mistakes) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "{mistakes}");
    EXIT_MISTAKE.into()
}

/// Says what is wrong, on standard error. Where that has gone too, there is nobody to say it to.
fn complain(problem: &str) {
    let _ = writeln!(std::io::stderr(), "bemo-sync: {problem}");
}
