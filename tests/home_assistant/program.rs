//! The program itself, with a configuration and a place for what outlives it that stay from one start to the
//! next.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::lines::Lines;

pub struct Home {
    directory: TempDir,
}

pub struct Program {
    child: Child,
    pub log: Arc<Lines>,
}

impl Home {
    pub fn new() -> Self {
        Self {
            directory: TempDir::new().expect("a directory"),
        }
    }

    /// Another configuration in the place of the one that is there.
    pub fn write(&self, yaml: &str) {
        fs::write(self.directory.path().join("services.yaml"), yaml).expect("it can be written");
    }

    fn command(&self, yaml: &str) -> Command {
        self.write(yaml);
        let config = self.directory.path().join("services.yaml");
        let mut command = Command::new(env!("CARGO_BIN_EXE_bemo-sync"));
        command
            .arg("--config")
            .arg(config)
            .env("XDG_STATE_HOME", self.directory.path().join("state"))
            .env_remove("STATE_DIRECTORY")
            .env_remove("BEMO_SYNC_LOG");
        command
    }

    pub fn start(&self, yaml: &str) -> Program {
        let mut child = self
            .command(yaml)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program was built");
        let log = Arc::new(Lines::default());
        let (output, lines) = (child.stderr.take().expect("it is piped"), log.clone());
        thread::spawn(move || {
            let read = BufReader::new(output).lines().map_while(Result::ok);
            read.for_each(|line| lines.push(line));
        });
        Program { child, log }
    }
}

impl Program {
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// Stops in good order.
    pub fn stop(mut self) {
        self.signal(Signal::TERM);
        assert!(self.child.wait().expect("it was ours").success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
