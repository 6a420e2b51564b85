//! The program itself: killed, stopped, and where it is not to touch anything.

use std::process::Command;
use std::thread;

use mosquitto::{Mosquitto, PATIENCE};
use program::Program;
use rustix::process::Signal;
use tap::Tap;

use super::*;

struct Home {
    directory: TempDir,
    broker: Mosquitto,
}

impl Home {
    fn new() -> Self {
        let home = Self {
            directory: TempDir::new().unwrap(),
            broker: Mosquitto::start(),
        };
        let yaml = format!(
            "version: 1\nmqtt: {{ broker: 127.0.0.1:{} }}\nservices:\n  - name: Service\n    uuid: FF00\n    \
            characteristics:\n      - {{ name: Level, {LEVEL}, mqtt: {{ state: level, command: set }} }}\n",
            home.broker.port
        );
        fs::write(home.path("lamp.yaml"), yaml).unwrap();
        let test = "before:\n  - expect: { topic: level, payload: 50 }\ntests:\n  - name: It begins as declared\n    steps:\n      \
            - publish: { topic: set, payload: 7 }\n      - expect: { topic: level, payload: 7 }\n";
        fs::write(home.path("lamp.test.yaml"), test).unwrap();
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn command(&self) -> Command {
        let mut command = program::command(&self.path("lamp.yaml"), &self.path("state"));
        command.env("HOME", self.path("home"));
        command
    }

    fn start(&self) -> Program {
        let program = Program::run(self.command());
        program.log.wait_for("connected to the MQTT broker");
        program
    }

    /// Waits until the value on the disk is this one.
    fn wait_until_kept(&self, value: &str) {
        let directory = self.path("state/bemo-sync");
        let deadline = tokio::time::Instant::now() + PATIENCE;
        // Its name tells the place of the configuration too.
        let is_kept = || {
            let entries = fs::read_dir(&directory).into_iter().flatten().flatten();
            let mut paths = entries.map(|entry| entry.path());
            let file = paths.find(|path| path.extension().is_some_and(|it| it == "journal"));
            let text = file.and_then(|file| fs::read_to_string(file).ok());
            text.is_some_and(|text| text.contains(value))
        };
        while !is_kept() {
            assert!(
                tokio::time::Instant::now() < deadline,
                "{value} is never kept"
            );
            thread::park_timeout(Duration::from_millis(5));
        }
    }
}

#[test]
fn after_a_kill_and_after_a_stop_the_first_that_is_published_is_what_was_kept() {
    let home = Home::new();
    let mut tap = Tap::on_everything(home.broker.port);
    let process = home.start();
    assert_eq!(tap.next_on("level"), "50");
    tap.publish("set", "7");
    assert_eq!(tap.next_on("level"), "7");
    home.wait_until_kept("\"kept\":\"07\"");
    process.end_by(Signal::KILL);
    let process = home.start();
    assert_eq!(tap.next_on("level"), "7");
    assert_eq!(process.log.count("WARN"), 0);
    tap.publish("set", "8");
    assert_eq!(tap.next_on("level"), "8");
    // Nobody waits for the second.
    process.end_by(Signal::TERM);
    let _process = home.start();
    assert_eq!(tap.next_on("level"), "8");
}

#[test]
fn what_a_remote_owner_has_said_is_what_a_read_gets_after_a_kill() {
    let home = Home::new();
    let yaml = fs::read_to_string(home.path("lamp.yaml")).unwrap();
    let of_owner = "mqtt: { owner: remote, state: level, command: set }";
    let yaml = yaml.replace("mqtt: { state: level, command: set }", of_owner);
    fs::write(home.path("lamp.yaml"), yaml).unwrap();
    let mut tap = Tap::on_everything(home.broker.port);
    let process = home.start();
    tap.publish_retained("level", "7");
    home.wait_until_kept("\"kept\":\"07\"");
    process.end_by(Signal::KILL);
    let process = home.start();
    assert!(
        process
            .log
            .all()
            .iter()
            .any(|line| line.contains("restored=1"))
    );
}

#[test]
fn check_test_schema_and_docs_touch_nothing() {
    let home = Home::new();
    let mut before = home.names();
    for arguments in [
        &["check"][..],
        &["test"],
        &["schema", "--out", "schemas"],
        &["docs"],
    ] {
        let mut command = home.command();
        let output = command
            .args(arguments)
            .current_dir(home.directory.path())
            .output();
        let output = output.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}");
    }
    before.push("schemas".to_owned());
    assert_eq!(home.names(), before);
}

impl Home {
    fn names(&self) -> Vec<String> {
        names_in(self.directory.path())
    }
}
