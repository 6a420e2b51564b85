//! A changed configuration takes the place of the one at work: what is still the same goes on, a broker sees
//! one connection, and a file with mistakes changes nothing.

#[path = "support/lines.rs"]
mod lines;
#[path = "support/mosquitto.rs"]
mod mosquitto;
#[path = "support/program.rs"]
mod program;
#[path = "support/tap.rs"]
mod tap;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use lines::Lines;
use mosquitto::Mosquitto;
use program::{Home, Program};
use rustix::process::Signal;
use tap::Tap;

/// Nothing that comes of a reload comes later.
const MOMENT: Duration = Duration::from_millis(300);
const CLIENT: &str = "box";

struct Process {
    home: Home,
    program: Program,
    log: Arc<Lines>,
    file: PathBuf,
}

fn yaml(broker: u16, value: &str, topics: &str) -> String {
    format!(
        "version: 1\ndevice: {{ name: Box }}\nble: {{ adapter: virtual }}\nmqtt:\n  broker: 127.0.0.1:{broker}\n  \
        client_id: {CLIENT}\n  birth: {{ topic: box/up, payload: '1', retain: true }}\n  \
        will: {{ topic: box/up, payload: '0', retain: true }}\nservices:\n- name: S\n  uuid: FF00\n  characteristics:\n  \
        - name: Level\n    uuid: FF01\n    access: [read, write, notify]\n    value: {{ type: u8, initial: 1, {value} }}\n    \
        mqtt: {{ {topics} }}\n"
    )
}

const TOPICS: &str = "state: level, command: level/set";

impl Process {
    fn start(yaml: &str, arguments: &[&str]) -> Self {
        let home = Home::with(yaml);
        let program = home.start(arguments);
        program.log.wait_for("connected to the MQTT broker");
        Self {
            log: program.log.clone(),
            file: home.path("services.yaml"),
            home,
            program,
        }
    }

    fn write(&self, yaml: &str) {
        self.home.write(yaml);
    }

    fn hang_up(&self) {
        self.program.signal(Signal::HUP);
    }

    /// Another configuration, and what is said of it.
    fn reload(&self, yaml: &str, said: &str) {
        self.write(yaml);
        self.hang_up();
        self.log.wait_for(said);
    }
}

/// A process whose value is 7, and somebody who has heard that.
fn at_seven(broker: &Mosquitto, arguments: &[&str]) -> (Process, Tap) {
    let process = Process::start(&yaml(broker.port, "max: 100", TOPICS), arguments);
    let mut tap = Tap::on_everything(broker.port);
    // It subscribes before it publishes.
    assert_eq!(tap.next_on("level"), "1");
    tap.publish("level/set", "7");
    while tap.next_on("level") != "7" {}
    (process, tap)
}

#[test]
fn a_new_range_holds_and_nobody_hears_of_what_has_not_changed() {
    let broker = Mosquitto::start();
    let (process, mut tap) = at_seven(&broker, &[]);
    process.reload(
        &yaml(broker.port, "max: 10", TOPICS),
        "is applied: 1 change",
    );
    process
        .log
        .wait_for("~ services / S / characteristics / Level / value / max");
    assert_eq!(tap.next_within(MOMENT), None, "the value is what it was");
    tap.publish("level/set", "11");
    process.log.wait_for("refused: 11 is outside 0 … 10");
    tap.publish("level/set", "10");
    while tap.next_on("level") != "10" {}
    assert_eq!(broker.log.count("New client connected from"), 2);
    assert_eq!(broker.log.count("disconnected"), 0);
}

#[test]
fn a_value_that_is_out_of_the_new_range_begins_anew_and_that_is_said() {
    let broker = Mosquitto::start();
    let (process, mut tap) = at_seven(&broker, &[]);
    process.reload(
        &yaml(broker.port, "max: 5", TOPICS),
        "What these held does not fit what is declared, so they begin anew: Level",
    );
    assert_eq!(tap.next_on("level"), "1");
}

#[test]
fn other_topics_are_told_how_things_stand_and_the_old_ones_are_left() {
    let broker = Mosquitto::start();
    let (process, mut tap) = at_seven(&broker, &[]);
    let topics = "state: height, command: height/set";
    process.reload(
        &yaml(broker.port, "max: 100", topics),
        "is applied: 2 changes",
    );
    assert_eq!(tap.next_on("height"), "7");
    tap.publish("height/set", "8");
    assert_eq!(tap.next_on("height"), "8");
    tap.publish("level/set", "9");
    assert_eq!(tap.next().topic, "level/set");
    assert!(tap.is_silent_for(MOMENT), "nobody listens there any more");
    broker
        .log
        .wait_for(&format!("Received UNSUBSCRIBE from {CLIENT}"));
    assert_eq!(broker.log.count("as box"), 1, "one connection");
}

#[test]
fn a_file_with_mistakes_changes_nothing_and_says_where_they_are() {
    let broker = Mosquitto::start();
    let (process, mut tap) = at_seven(&broker, &[]);
    process.reload(
        &yaml(broker.port, "max: many", TOPICS),
        "1 mistake; nothing has changed, and what was there before goes on",
    );
    process.log.wait_for("`max` is no whole number");
    tap.publish("level/set", "8");
    assert_eq!(tap.next().topic, "level/set");
    assert_eq!(tap.next_on("level"), "8");
    // And it is not the end of it.
    process.reload(&yaml(broker.port, "max: 8", TOPICS), "is applied: 1 change");
}

#[test]
fn another_client_is_another_connection_and_the_will_of_the_first_is_heard() {
    let broker = Mosquitto::start();
    let (process, mut tap) = at_seven(&broker, &[]);
    let other = yaml(broker.port, "max: 100", TOPICS).replace(CLIENT, "chest");
    process.reload(&other.replace("chest/up", "box/up"), "as `chest`");
    assert_eq!(tap.next_on("box/up"), "0");
    assert_eq!(tap.next_on("box/up"), "1");
    assert_eq!(tap.next_on("level"), "7", "the value goes on");
}

#[test]
fn a_file_that_is_gone_is_missed_and_said_so() {
    let broker = Mosquitto::start();
    let (process, mut tap) = at_seven(&broker, &[]);
    fs::remove_file(&process.file).unwrap();
    process.hang_up();
    let gone = "services.yaml is not there: nothing has changed";
    process.log.wait_for(gone);
    assert_eq!(process.log.count("--config"), 0, "it was named already");
    tap.publish("level/set", "8");
    while tap.next_on("level") != "8" {}
    process.reload(&yaml(broker.port, "max: 8", TOPICS), "is applied: 1 change");
}

#[test]
fn a_watched_file_that_disappears_is_missed_once_each_time() {
    let broker = Mosquitto::start();
    let (process, mut tap) = at_seven(&broker, &["--watch"]);
    let gone = "services.yaml is not there";
    for (times, max) in [(1, 9), (2, 8)] {
        fs::remove_file(&process.file).unwrap();
        process.log.wait_for_count(gone, times);
        fs::write(process.file.with_extension("else"), max.to_string()).unwrap();
        assert!(tap.is_silent_for(MOMENT), "it looks again meanwhile");
        assert_eq!(process.log.count(gone), times);
        process.write(&yaml(broker.port, &format!("max: {max}"), TOPICS));
        process.log.wait_for_count("is applied: 1 change", times);
    }
}

#[test]
fn a_reload_says_what_is_news_to_those_who_are_there() {
    let broker = Mosquitto::start();
    let kept = yaml(broker.port, "max: 100", TOPICS)
        .replace("mqtt: { state", "persist: true\n    mqtt: { state");
    let process = Process::start(&kept, &[]);
    let more = "  - { name: More, uuid: FF02, access: [read], value: { type: u8 } }\n";
    process.reload(&(kept + more), "is applied: ");
    process.log.wait_for("a central that is connected is told");
    for advice in ["Bluetooth off and on", "phone", "values begin with"] {
        assert_eq!(process.log.count(advice), 0, "{advice}");
    }
}

#[test]
fn a_watched_file_is_taken_when_it_changes_and_only_then() {
    let broker = Mosquitto::start();
    let (process, mut tap) = at_seven(&broker, &["--watch"]);
    // Something happens in the folder, and the file says what it said.
    fs::write(process.file.with_extension("else"), "something").unwrap();
    process.write(&yaml(broker.port, "max: 100", TOPICS));
    process.write(&yaml(broker.port, "max: 9", TOPICS));
    process.log.wait_for("is applied: 1 change");
    assert_eq!(process.log.count("is read again"), 1);
    process.write(&yaml(broker.port, "max: none", TOPICS));
    process.log.wait_for("1 mistake; nothing has changed");
    fs::write(process.file.with_extension("else"), "something else").unwrap();
    process.write(&yaml(broker.port, "max: 8", TOPICS));
    process.log.wait_for_count("is applied: 1 change", 2);
    assert_eq!(
        process.log.count("1 mistake"),
        1,
        "it is complained about once"
    );
    tap.publish("level/set", "9");
    process.log.wait_for("refused: 9 is outside 0 … 8");
}

/// The folder of the file may hold others that somebody writes all the time.
#[test]
fn a_busy_folder_does_not_keep_a_watched_file_waiting() {
    let broker = Mosquitto::start();
    let (process, _tap) = at_seven(&broker, &["--watch"]);
    let noise = process.file.with_extension("noise");
    let (quiet, stop) = std::sync::mpsc::channel::<()>();
    let noisy = thread::spawn(move || {
        while stop.recv_timeout(Duration::from_millis(20)).is_err() {
            fs::write(&noise, "noise").unwrap();
        }
    });
    process.write(&yaml(broker.port, "max: 9", TOPICS));
    process.log.wait_for("is applied: 1 change");
    quiet.send(()).unwrap();
    noisy.join().unwrap();
}

#[test]
fn a_reload_does_not_keep_the_end_waiting() {
    let broker = Mosquitto::start();
    let (process, _tap) = at_seven(&broker, &[]);
    process.write(&yaml(broker.port, "max: 9", TOPICS));
    process.hang_up();
    let Process {
        home: _home,
        program,
        ..
    } = process;
    assert_eq!(program.end_by(Signal::TERM).code(), Some(0));
}
