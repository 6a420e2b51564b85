//! A real broker of a test's own: mosquitto on a free port of the loopback, gone with the test.

// Each test binary uses a part of this.
#![allow(dead_code)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::time::Instant;

use super::lines::Lines;

/// Longer than anything takes, also on a slow machine; nobody waits for it who is not disappointed.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub struct Mosquitto {
    pub port: u16,
    pub directory: TempDir,
    /// What it says about its clients and their packets.
    pub log: Arc<Lines>,
    child: Option<Child>,
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback has free ports");
    listener.local_addr().expect("it is bound").port()
}

/// Waits until something listens on a port.
pub fn wait_for_listener(port: u16) {
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "nothing listens on {port}");
        thread::park_timeout(Duration::from_millis(5));
    }
}

impl Mosquitto {
    /// A broker that lets everybody in.
    pub fn start() -> Self {
        let mut broker = Self::stopped("allow_anonymous true\n");
        broker.start_again();
        broker
    }

    /// One with these lines in its configuration, after its `listener`; they see the directory.
    pub fn configured(lines: impl FnOnce(&Path) -> String) -> Self {
        let mut broker = Self::stopped("");
        let lines = lines(broker.directory.path());
        broker.configure(&lines);
        broker.start_again();
        broker
    }

    /// One that does not run yet.
    pub fn stopped(lines: &str) -> Self {
        let broker = Self {
            port: free_port(),
            directory: TempDir::new().expect("there is a place for temporary files"),
            log: Arc::new(Lines::default()),
            child: None,
        };
        broker.configure(lines);
        broker
    }

    /// Its process.
    pub fn pid(&self) -> Pid {
        Pid::from_child(self.child.as_ref().expect("it runs"))
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("it runs");
    }

    /// Other lines, from the next start on.
    pub fn configure(&self, lines: &str) {
        let text = format!(
            "listener {} 127.0.0.1\nlog_dest stderr\nlog_type all\n{lines}",
            self.port
        );
        fs::write(self.directory.path().join("mosquitto.conf"), text).expect("it can be written");
    }

    /// Starts it (again), on the same port and with nothing kept.
    pub fn start_again(&mut self) {
        let mut child = Command::new("mosquitto")
            .arg("-c")
            .arg(self.directory.path().join("mosquitto.conf"))
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("mosquitto is installed");
        let output = child.stderr.take().expect("it is piped");
        let log = self.log.clone();
        thread::spawn(move || {
            BufReader::new(output)
                .lines()
                .map_while(Result::ok)
                .for_each(|line| log.push(line));
        });
        self.child = Some(child);
        wait_for_listener(self.port);
    }

    /// Kills it without warning.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // One that was stopped has to go on to end.
            let _ = kill_process(Pid::from_child(&child), Signal::CONT);
            child.kill().expect("it runs");
            child.wait().expect("it was ours");
        }
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.kill();
    }
}
