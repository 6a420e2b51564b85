//! How little the program asks of the machine, where that can be counted and needs no clock: wake-ups at rest, and
//! that as many characteristics as anybody may want are registered.

#![cfg(target_os = "linux")]

mod registering;
mod resting;

#[path = "../../benches/side_by_side/air/mod.rs"]
mod air;
#[path = "../large/generated.rs"]
#[allow(dead_code)]
mod generated;
#[path = "../support/lines.rs"]
mod lines;
#[path = "../support/mosquitto.rs"]
mod mosquitto;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// The program, with a configuration of its own and what it keeps; gone with the test.
struct Program {
    child: Child,
    _directory: TempDir,
}

impl Program {
    fn start(configuration: &str, bus: &str) -> Self {
        let directory = TempDir::new().expect("there is a place for temporary files");
        let file = directory.path().join("services.yaml");
        fs::write(&file, configuration).expect("it can be written");
        let child = Command::new(env!("CARGO_BIN_EXE_bemo-sync"))
            .arg("--config")
            .arg(&file)
            .env("DBUS_SYSTEM_BUS_ADDRESS", bus)
            .env("XDG_STATE_HOME", directory.path())
            .env_remove("STATE_DIRECTORY")
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        Self {
            child,
            _directory: directory,
        }
    }

    /// How often its threads have gone to sleep, as the kernel counts it: each time, something has to wake them.
    fn sleeps(&self) -> u64 {
        let tasks = format!("/proc/{}/task", self.child.id());
        let threads = fs::read_dir(Path::new(&tasks)).expect("it runs");
        let of_thread = |thread: fs::DirEntry| {
            // One that has ended meanwhile does not wake up any more.
            let status = fs::read_to_string(thread.path().join("status")).ok()?;
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
            line.trim().parse::<u64>().ok()
        };
        threads.flatten().filter_map(of_thread).sum()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
