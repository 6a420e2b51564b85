//! bemo-sync under a service manager, which the test plays: it hears when all is ready, that the loop
//! turns, and of the end. One that is stuck is not heard of any more.

#[path = "../support/lines.rs"]
mod lines;
#[path = "../support/mosquitto.rs"]
mod mosquitto;

mod manager;

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use bemo_sync::service::Service;
use manager::Manager;
use mosquitto::{Mosquitto, free_port};
use rustix::fs::{Stat, fstat};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// After so long a silence a manager would take it for dead.
const LIMIT: Duration = Duration::from_millis(600);

struct Process {
    child: Child,
    _directory: TempDir,
}

impl Process {
    fn start(manager: &Manager, port: u16, changes: &[(&str, &str)], log: Stdio) -> Self {
        let directory = TempDir::new().unwrap();
        let config = configuration(&directory, port, changes);
        let mut command = Command::new(env!("CARGO_BIN_EXE_bemo-sync"));
        command
            .args(["--log", "bemo_sync=trace", "--config"])
            .arg(&config)
            .envs(manager.environment())
            .stderr(log);
        Self {
            child: command.spawn().unwrap(),
            _directory: directory,
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The demo, changed so that nothing of this machine is used.
fn configuration(directory: &TempDir, port: u16, changes: &[(&str, &str)]) -> PathBuf {
    let config = directory.path().join("services.yaml");
    let mut yaml = fs::read_to_string("services.yaml").unwrap();
    let broker = format!("broker: 127.0.0.1:{port}");
    for (from, to) in changes.iter().chain(&[("broker: auto", &*broker)]) {
        assert!(yaml.contains(from), "{from}");
        yaml = yaml.replace(from, to);
    }
    fs::write(&config, yaml).unwrap();
    config
}

const VIRTUAL: (&str, &str) = ("adapter: auto", "adapter: virtual");

#[test]
fn it_is_ready_though_broker_and_adapter_are_away_and_feeds_the_watchdog_until_it_stops() {
    let away = ("adapter: auto", "adapter: hci97");
    for manager in [
        Manager::at_a_path(Some(LIMIT)),
        Manager::at_an_abstract_name(Some(LIMIT)),
    ] {
        let mut process = Process::start(&manager, free_port(), &[away], Stdio::null());
        let ready = manager.next();
        assert_eq!(ready[0], "READY=1");
        assert!(
            ready[1].starts_with("STATUS=")
                && ready[1].ends_with("as \"Lampi-Test\", 4 values in 2 services"),
            "{ready:?}"
        );
        for _ in 0..3 {
            assert_eq!(manager.next(), ["WATCHDOG=1"]);
        }
        process.signal(Signal::TERM);
        let last = manager.next_but("WATCHDOG=1");
        assert_eq!(last, ["STOPPING=1", "STATUS=stopping"]);
        assert_eq!(process.child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn without_a_watchdog_it_says_only_that_it_is_ready_and_that_it_stops() {
    let manager = Manager::at_a_path(None);
    let process = Process::start(&manager, free_port(), &[VIRTUAL], Stdio::null());
    assert_eq!(manager.next()[0], "READY=1");
    process.signal(Signal::TERM);
    assert_eq!(manager.next()[0], "STOPPING=1");
}

#[test]
fn it_says_that_it_reads_its_configuration_again_and_when_it_has() {
    let manager = Manager::at_a_path(Some(LIMIT));
    let process = Process::start(&manager, free_port(), &[VIRTUAL], Stdio::null());
    assert_eq!(manager.next()[0], "READY=1");
    process.signal(Signal::HUP);
    let reloading = manager.next_but("WATCHDOG=1");
    assert_eq!(reloading[0], "RELOADING=1");
    assert!(reloading[1].starts_with("MONOTONIC_USEC="), "{reloading:?}");
    assert_eq!(manager.next_but("WATCHDOG=1"), ["READY=1"]);
    // And the loop turns on.
    assert_eq!(manager.next(), ["WATCHDOG=1"]);
}

#[test]
fn a_configuration_with_a_mistake_is_never_ready_and_ends_with_2() {
    let manager = Manager::at_a_path(None);
    let mistake = ("version: 1", "version: 7");
    let mut process = Process::start(&manager, free_port(), &[VIRTUAL, mistake], Stdio::null());
    assert_eq!(process.child.wait().unwrap().code(), Some(2));
    assert!(manager.has_heard_nothing());
}

/// Whoever writes to a log that nobody reads is stuck when it is full: the one thread hangs in the middle of
/// its work, as it would by a mistake in the program.
#[test]
fn a_loop_that_is_stuck_does_not_feed_the_watchdog() {
    let manager = Manager::at_a_path(Some(LIMIT));
    let broker = Mosquitto::start();
    let (log, ours) = UnixStream::pair().unwrap();
    let fast = ("every: 1s", "every: 10ms");
    let log = Stdio::from(OwnedFd::from(log));
    let _process = Process::start(&manager, broker.port, &[VIRTUAL, fast], log);
    assert_eq!(manager.next()[0], "READY=1");
    assert_eq!(manager.next(), ["WATCHDOG=1"]);
    manager.wait_for_silence(3 * LIMIT);

    // Somebody reads it after all.
    let reader = thread::spawn(move || {
        let mut ours = ours;
        let mut some = [0; 4096];
        while ours.read(&mut some).is_ok_and(|length| length > 0) {}
    });
    assert_eq!(manager.next(), ["WATCHDOG=1"]);
    drop(_process);
    reader.join().unwrap();
}

#[test]
fn a_process_that_stands_still_does_not_feed_the_watchdog() {
    let manager = Manager::at_a_path(Some(LIMIT));
    let process = Process::start(&manager, free_port(), &[VIRTUAL], Stdio::null());
    assert_eq!(manager.next()[0], "READY=1");
    process.signal(Signal::STOP);
    manager.wait_for_silence(3 * LIMIT);
    process.signal(Signal::CONT);
    assert_eq!(manager.next(), ["WATCHDOG=1"]);
}

/// The first line of a log that goes here, when the journal is there.
fn first_line(journal: impl Fn(&Stat) -> String) -> String {
    let (log, ours) = UnixStream::pair().unwrap();
    let journal = journal(&fstat(&log).unwrap());
    let directory = TempDir::new().unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_bemo-sync"))
        .arg("--config")
        .arg(configuration(&directory, free_port(), &[VIRTUAL]))
        .env("JOURNAL_STREAM", journal)
        .stderr(OwnedFd::from(log))
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(ours).read_line(&mut line).unwrap();
    program.kill().unwrap();
    program.wait().unwrap();
    line
}

#[test]
fn the_journal_has_a_time_for_each_line_already_and_gets_no_second() {
    let here = first_line(|log| format!("{}:{}", log.st_dev, log.st_ino));
    assert!(here.trim_start().starts_with("INFO bemo-sync"), "{here}");
    let elsewhere = first_line(|log| format!("{}:{}", log.st_dev, log.st_ino + 1));
    assert!(elsewhere.starts_with("20"), "{elsewhere}");
}

/// The service manager that a process with these variables has.
fn named_by(variables: &[(&str, String)]) -> std::io::Result<Option<Service>> {
    Service::named_by(|name| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| OsString::from(value))
    })
}

#[test]
fn the_watchdog_is_fed_at_a_third_of_its_time() {
    let manager = Manager::at_a_path(Some(LIMIT));
    let service = named_by(&manager.environment()).unwrap().unwrap();
    let mut heartbeat = service.heartbeat("it is".to_owned());
    assert_eq!(heartbeat(), Some(LIMIT / 3));
    assert_eq!(manager.next(), ["READY=1", "STATUS=it is"]);
    assert_eq!(heartbeat(), Some(LIMIT / 3));
    assert_eq!(manager.next(), ["WATCHDOG=1"]);
}

#[test]
fn a_lost_sign_of_life_is_made_up_for_long_before_the_watchdog_bites() {
    let manager = Manager::at_a_path(Some(LIMIT));
    let service = named_by(&manager.environment()).unwrap().unwrap();
    let mut heartbeat = service.heartbeat(String::new());
    heartbeat();
    manager.is_flooded();
    for _ in 0..3 {
        assert_eq!(heartbeat(), Some(LIMIT / 8), "it is full");
    }
    assert_eq!(manager.next()[0], "READY=1");
    assert_eq!(heartbeat(), Some(LIMIT / 3), "there is room for one");
    assert_eq!(manager.next_but("X=1"), ["WATCHDOG=1"]);
}

#[test]
fn a_manager_that_is_gone_is_complained_of_once() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let to = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || Writer(to.clone()))
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        let manager = Manager::at_a_path(Some(LIMIT));
        let service = named_by(&manager.environment()).unwrap().unwrap();
        let mut heartbeat = service.heartbeat(String::new());
        heartbeat();
        let away = manager.go_away();
        for _ in 0..20 {
            assert_eq!(heartbeat(), Some(LIMIT / 8));
        }
        let _manager = away.come_back();
        assert_eq!(heartbeat(), Some(LIMIT / 3));
    });
    let log = String::from_utf8(log.lock().unwrap().clone()).unwrap();
    assert_eq!(log.matches("WARN").count(), 1, "{log}");
    assert!(
        log.contains("could not be told that the loop still turns"),
        "{log}"
    );
    assert_eq!(log.matches("listens again").count(), 1, "{log}");
}

struct Writer(Arc<Mutex<Vec<u8>>>);

impl Write for Writer {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(octets)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_watchdog_that_is_meant_for_another_process_is_not_fed() {
    let manager = Manager::at_a_path(Some(LIMIT));
    let mut variables = manager.environment();
    for (pid, fed) in [(std::process::id(), true), (1, false)] {
        variables.push(("WATCHDOG_PID", pid.to_string()));
        let service = named_by(&variables).unwrap().unwrap();
        assert_eq!(service.heartbeat(String::new())().is_some(), fed, "{pid}");
        variables.pop();
    }
}

#[test]
fn a_line_break_in_a_name_says_nothing_to_the_manager() {
    let manager = Manager::at_a_path(None);
    let service = named_by(&manager.environment()).unwrap().unwrap();
    service.heartbeat("a lamp\nMAINPID=1".to_owned())();
    assert_eq!(manager.next(), ["READY=1", "STATUS=a lamp MAINPID=1"]);
}

#[test]
fn a_manager_that_could_not_be_told_at_first_is_told_again() {
    let manager = Manager::at_a_path(None);
    let service = named_by(&manager.environment()).unwrap().unwrap();
    let away = manager.go_away();
    let mut heartbeat = service.heartbeat(String::new());
    assert!(heartbeat().is_some(), "it asks for another beat");
    let manager = away.come_back();
    assert_eq!(heartbeat(), None);
    assert_eq!(manager.next()[0], "READY=1");
}

#[test]
fn without_a_manager_nothing_is_told_and_a_name_that_is_none_is_a_mistake() {
    let at = |name: &str| named_by(&[("NOTIFY_SOCKET", name.to_owned())]);
    assert!(named_by(&[]).unwrap().is_none());
    assert!(at("").unwrap().is_none());
    let problem = at("vsock:2:1234").unwrap_err().to_string();
    assert_eq!(
        problem,
        "NOTIFY_SOCKET is \"vsock:2:1234\": it begins neither with `/` nor with `@`"
    );
}
