//! The program, where it has to be a process of its own.

// Each test binary uses a part of this.
#![allow(dead_code)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::lines::Lines;

/// The program with this configuration, keeping what it keeps below this folder, whatever the environment of the
/// tests says.
pub fn command(config: &Path, state: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bemo-sync"));
    command
        .arg("--config")
        .arg(config)
        .env("XDG_STATE_HOME", state)
        .env_remove("STATE_DIRECTORY")
        .env_remove("BEMO_SYNC_LOG");
    command
}

/// It runs until this is dropped.
pub struct Program {
    child: Child,
    pub log: Arc<Lines>,
}

impl Program {
    pub fn run(mut command: Command) -> Self {
        let child = command.stderr(Stdio::piped()).spawn();
        let mut child = child.expect("the program was built");
        let log = Arc::new(Lines::default());
        let (output, lines) = (child.stderr.take().expect("it is piped"), log.clone());
        thread::spawn(move || {
            let read = BufReader::new(output).lines().map_while(Result::ok);
            read.for_each(|line| lines.push(line));
        });
        Self { child, log }
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// Sends a signal and waits for the end.
    pub fn end_by(mut self, signal: Signal) -> ExitStatus {
        self.signal(signal);
        self.child.wait().expect("it was ours")
    }

    /// The most memory that it has ever had, in KiB.
    pub fn most_memory_kib(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        let words = line.expect("Linux tells it").split_whitespace();
        words.rev().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder with a configuration in it, which stays when the program has ended.
pub struct Home {
    directory: TempDir,
}

impl Home {
    pub fn with(yaml: &str) -> Self {
        let directory = TempDir::new().expect("there is a place for it");
        let home = Self { directory };
        home.write(yaml);
        home
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Puts another text in the place of the configuration, as an editor does.
    pub fn write(&self, yaml: &str) {
        let beside = self.path("services.new");
        fs::write(&beside, yaml).expect("it can be written");
        fs::rename(&beside, self.path("services.yaml")).expect("it can be renamed");
    }

    pub fn command(&self) -> Command {
        command(&self.path("services.yaml"), &self.path("state"))
    }

    pub fn start(&self, arguments: &[&str]) -> Program {
        let mut command = self.command();
        command.args(arguments);
        Program::run(command)
    }
}
