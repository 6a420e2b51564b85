//! A real broker of a test's own: mosquitto on a free port of the loopback, gone with the test.

// Each test binary uses a part of this.
#![allow(dead_code)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
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
        Self::configured_on(free_port(), lines)
    }

    /// The same, on a port that is known before.
    pub fn configured_on(port: u16, lines: impl FnOnce(&Path) -> String) -> Self {
        let mut broker = Self::on(port);
        let lines = lines(broker.directory.path());
        broker.configure(&lines);
        broker.start_again();
        broker
    }

    /// One that does not run yet.
    pub fn stopped(lines: &str) -> Self {
        let broker = Self::on(free_port());
        broker.configure(lines);
        broker
    }

    fn on(port: u16) -> Self {
        Self {
            port,
            directory: TempDir::new().expect("there is a place for temporary files"),
            log: Arc::new(Lines::default()),
            child: None,
        }
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

    /// Lets it read its files again, and returns when it has.
    pub fn reload(&self) {
        const SAID: &str = "Reloading config.";
        let before = self.log.count(SAID);
        let child = self.child.as_ref().expect("it runs");
        kill_process(Pid::from_child(child), Signal::HUP).expect("it runs");
        // It looks for signals when something comes, or after a while.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        self.log.wait_for_count(SAID, before + 1);
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

/// Writes a file with these users and their passwords; the line of the configuration that names it.
pub fn users(directory: &Path, users: &[(&str, &str)]) -> String {
    let path = directory.join("users");
    fs::write(&path, "").expect("it can be written");
    for (name, password) in users {
        let made = Command::new("mosquitto_passwd")
            .arg("-b")
            .arg(&path)
            .args([name, password])
            .output()
            .expect("mosquitto is installed");
        assert!(made.status.success(), "{made:?}");
    }
    let users = fs::read_to_string(&path).expect("it was written");
    write(directory, "users", &users);
    format!("password_file {}\n", path.display())
}

/// Writes a file that mosquitto can read: as root, it becomes another user before it does.
pub fn write(directory: &Path, name: &str, text: &str) {
    let path = directory.join(name);
    fs::write(&path, text).expect("it can be written");
    for (path, mode) in [(path.as_path(), 0o644), (directory, 0o755)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.kill();
    }
}
