//! The program as a process: what an operator reads, and that a signal ends it cleanly, whatever it is
//! doing at the moment.

#[path = "../support/lines.rs"]
mod lines;
#[path = "../support/mosquitto.rs"]
mod mosquitto;

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use lines::Lines;
use mosquitto::{Mosquitto, free_port};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::time::Instant;

/// A clean end takes no longer.
const END_WITHIN: Duration = Duration::from_secs(2);

struct Process {
    child: Child,
    log: Arc<Lines>,
    _directory: TempDir,
}

impl Process {
    /// The demo, with its broker at this port and nothing on the air.
    fn start(port: u16, arguments: &[&str]) -> Self {
        let directory = TempDir::new().unwrap();
        let config = directory.path().join("services.yaml");
        let yaml = fs::read_to_string("services.yaml")
            .unwrap()
            .replace("broker: auto", &format!("broker: 127.0.0.1:{port}"))
            .replace("adapter: auto", "adapter: virtual");
        fs::write(&config, yaml).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_bemo-sync"))
            .arg("--config")
            .arg(&config)
            .args(arguments)
            .env("XDG_STATE_HOME", directory.path())
            .env_remove("STATE_DIRECTORY")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Lines::default());
        let output = child.stderr.take().unwrap();
        let lines = log.clone();
        thread::spawn(move || {
            BufReader::new(output)
                .lines()
                .map_while(Result::ok)
                .for_each(|line| lines.push(line));
        });
        Self {
            child,
            log,
            _directory: directory,
        }
    }

    /// Sends a signal and waits for the end.
    fn end_by(mut self, signal: Signal) -> ExitStatus {
        let before = Instant::now();
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
        let status = self.child.wait().unwrap();
        let took = before.elapsed();
        assert!(
            took < END_WITHIN,
            "{signal:?} took {took:?}: {:#?}",
            self.log.all()
        );
        status
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn sigint_and_sigterm_end_it_with_0_and_the_broker_is_told() {
    for signal in [Signal::INT, Signal::TERM] {
        let broker = Mosquitto::start();
        let process = Process::start(broker.port, &[]);
        process.log.wait_for("connected to the MQTT broker");
        assert_eq!(process.end_by(signal).code(), Some(0));
        broker.log.wait_for("Received DISCONNECT from bemo_bt");
    }
}

#[test]
fn without_a_broker_a_signal_ends_it_as_quickly() {
    let process = Process::start(free_port(), &[]);
    process.log.wait_for("no connection to the MQTT broker");
    assert_eq!(process.end_by(Signal::TERM).code(), Some(0));
}

#[test]
fn a_broker_that_never_answers_does_not_hold_it_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let process = Process::start(silent.local_addr().unwrap().port(), &[]);
    let _connection = silent.accept().unwrap();
    assert_eq!(process.end_by(Signal::INT).code(), Some(0));
}

#[test]
fn one_line_for_each_fact_that_an_operator_wants() {
    let broker = Mosquitto::start();
    let process = Process::start(broker.port, &[]);
    process.log.wait_for("connected to the MQTT broker");
    let log = process.log.clone();
    process.end_by(Signal::TERM);
    log.wait_for("stopped");
    let lines = log.all();
    let count = |part: &str| lines.iter().filter(|line| line.contains(part)).count();
    for fact in [
        "as \"Lampi-Test\", 4 values in 2 services",
        "services: Number Service (1 characteristic), Device Information",
        "virtual",
        "connected to",
        "terminated",
        "stopped",
    ] {
        assert_eq!(count(fact), 1, "{fact}: {lines:#?}");
    }
    assert!(lines.len() <= 8, "{lines:#?}");
}

#[test]
fn json_for_machines_is_one_object_a_line() {
    let broker = Mosquitto::start();
    let process = Process::start(broker.port, &["--log-format", "json", "--log", "debug"]);
    process.log.wait_for("connected to the MQTT broker");
    let log = process.log.clone();
    process.end_by(Signal::TERM);
    for line in log.all() {
        let json: serde_json::Value =
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(
            json["level"].is_string() && json["message"].is_string(),
            "{line}"
        );
    }
}
