//! The program itself, where it has to be a process of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::lines::Lines;

pub struct Program {
    child: Child,
    pub log: Arc<Lines>,
    _directory: TempDir,
}

impl Program {
    pub fn start(yaml: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let config = directory.path().join("services.yaml");
        fs::write(&config, yaml).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_bemo-sync"))
            .arg("--config")
            .arg(&config)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Lines::default());
        let (output, lines) = (child.stderr.take().unwrap(), log.clone());
        thread::spawn(move || {
            let read = BufReader::new(output).lines().map_while(Result::ok);
            read.for_each(|line| lines.push(line));
        });
        Self {
            child,
            log,
            _directory: directory,
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
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
