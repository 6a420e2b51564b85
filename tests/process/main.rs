//! The program as a process: what an operator reads, and that a signal ends it cleanly, whatever it is
//! doing at the moment.

#[path = "../support/lines.rs"]
mod lines;
#[path = "../support/mosquitto.rs"]
mod mosquitto;
#[path = "../support/program.rs"]
mod program;

use std::fs;
use std::net::TcpListener;
use std::time::Duration;

use mosquitto::{Mosquitto, free_port};
use program::{Home, Program};
use rustix::process::Signal;
use tokio::time::Instant;

/// A clean end takes no longer.
const END_WITHIN: Duration = Duration::from_secs(2);

/// The demo, with its broker at this port and nothing on the air.
fn start(port: u16, arguments: &[&str]) -> (Home, Program) {
    let yaml = fs::read_to_string("services.yaml")
        .unwrap()
        .replace("broker: auto", &format!("broker: 127.0.0.1:{port}"))
        .replace("adapter: auto", "adapter: virtual")
        .replace("console: {}", "");
    let home = Home::with(&yaml);
    let program = home.start(arguments);
    (home, program)
}

/// The exit code.
fn end_by(program: Program, signal: Signal) -> Option<i32> {
    let log = program.log.clone();
    let before = Instant::now();
    let status = program.end_by(signal);
    let took = before.elapsed();
    assert!(
        took < END_WITHIN,
        "{signal:?} took {took:?}: {:#?}",
        log.all()
    );
    status.code()
}

#[test]
fn sigint_and_sigterm_end_it_with_0_and_the_broker_is_told() {
    for signal in [Signal::INT, Signal::TERM] {
        let broker = Mosquitto::start();
        let (_home, process) = start(broker.port, &[]);
        process.log.wait_for("connected to the MQTT broker");
        assert_eq!(end_by(process, signal), Some(0));
        broker.log.wait_for("Received DISCONNECT from bemo_bt");
    }
}

#[test]
fn without_a_broker_a_signal_ends_it_as_quickly() {
    let (_home, process) = start(free_port(), &[]);
    process.log.wait_for("no connection to the MQTT broker");
    assert_eq!(end_by(process, Signal::TERM), Some(0));
}

#[test]
fn a_broker_that_never_answers_does_not_hold_it_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let (_home, process) = start(silent.local_addr().unwrap().port(), &[]);
    let _connection = silent.accept().unwrap();
    assert_eq!(end_by(process, Signal::INT), Some(0));
}

#[test]
fn one_line_for_each_fact_that_an_operator_wants() {
    let broker = Mosquitto::start();
    let (_home, process) = start(broker.port, &[]);
    process.log.wait_for("connected to the MQTT broker");
    let log = process.log.clone();
    end_by(process, Signal::TERM);
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
    let (_home, process) = start(broker.port, &["--log-format", "json", "--log", "debug"]);
    process.log.wait_for("connected to the MQTT broker");
    let log = process.log.clone();
    end_by(process, Signal::TERM);
    for line in log.all() {
        let json: serde_json::Value =
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(
            json["level"].is_string() && json["message"].is_string(),
            "{line}"
        );
    }
}
