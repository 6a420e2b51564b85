//! Load: far more messages than anything can pass on, beside a central that takes none of its
//! notifications, and then on a slow disk. The memory stays what it is, and when the load ends the newest
//! values are on the air.
//!
//! The short form runs with the other tests; `make load` runs the long one, built for release. What is
//! measured is a process of its own that does nothing else: this executable, started again by itself.

#[path = "../support/lines.rs"]
mod lines;
#[path = "../support/mosquitto.rs"]
mod mosquitto;

mod publisher;
mod serve;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::thread;

use lines::Lines;
use mosquitto::{Mosquitto, PATIENCE};
use publisher::Publisher;
use tempfile::TempDir;
use tokio::time::Instant;

/// So many values, each on a topic of its own, beside the one that gets most of it.
const VALUES: usize = 1000;
/// Messages in a second on the one topic, and on all the others together.
const ON_ONE: u32 = 20_000;
const ON_ALL: u32 = 5_000;
/// The memory may not grow by more than this after a third of the time, in KiB: less than what comes in
/// within a second.
const GROWTH_KIB: i64 = 256;

/// How long the load lasts, in seconds, and how much of it there is. Beside other tests, which need the
/// processors too, it is half, and shows the same.
fn extent() -> (u32, u32) {
    match std::env::var("LOAD_SECONDS") {
        Ok(text) => (text.parse().expect("whole seconds"), 1),
        Err(_) => (6, 2),
    }
}

/// One value that gets most of it, two of which every event counts, and the others.
fn yaml(port: u16, more: &str) -> String {
    let mut yaml = format!(
        "version: 1\nble: {{ adapter: virtual }}\n\
         mqtt: {{ broker: \"127.0.0.1:{port}\", client_id: load }}\n\
         services:\n  - name: Load\n    uuid: FF00\n    characteristics:\n"
    );
    let value = "access: [read, notify], value: { type: u32 }";
    let mut add = |name: &str, number: usize, more: &str| {
        let uuid = format!("{:08x}-0000-4000-8000-000000000000", 0xA000_0000 + number);
        yaml.push_str(&format!(
            "      - {{ name: {name}, uuid: {uuid}, {value}, {more} }}\n"
        ));
    };
    add(
        "hot",
        0,
        &format!("mqtt: {{ state: hot, command: hot/set }}{more}"),
    );
    let every = "mqtt: { command: every/set }, delivery: { every: 64";
    add("every", 1, &format!("{every}, when_full: drop_oldest }}"));
    add("refused", 2, &format!("{every}, when_full: reject }}"));
    for number in 0..VALUES {
        let mqtt = format!("mqtt: {{ state: v/{number}, command: v/{number}/set }}{more}");
        add(&format!("v{number}"), 3 + number, &mqtt);
    }
    yaml
}

/// The process that serves, and what it says.
struct Server {
    child: Child,
    ask: ChildStdin,
    said: Arc<Lines>,
    directory: TempDir,
}

impl Server {
    fn start(yaml: &str, preload: Option<&Path>) -> Self {
        let directory = TempDir::new().unwrap();
        let config = directory.path().join("load.yaml");
        fs::write(&config, yaml).unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "serve::serves", "--nocapture", "--ignored"])
            .env(serve::CONFIG, &config)
            .env("XDG_STATE_HOME", directory.path())
            .env("SLOW", directory.path().join("slow"))
            .env_remove("STATE_DIRECTORY")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        if let Some(library) = preload {
            command.env("LD_PRELOAD", library);
        }
        let mut child = command.spawn().unwrap();
        let said = Arc::new(Lines::default());
        let (output, lines) = (child.stdout.take().unwrap(), said.clone());
        thread::spawn(move || {
            let read = BufReader::new(output).lines().map_while(Result::ok);
            read.for_each(|line| lines.push(line));
        });
        said.wait_for("serves");
        let ask = child.stdin.take().unwrap();
        Self {
            child,
            ask,
            said,
            directory,
        }
    }

    /// From now on it watches for the last value of each.
    fn expect(&mut self, hot: u32, others: u32) {
        writeln!(self.ask, "{hot} {others}").unwrap();
    }

    fn memory_kib(&self) -> i64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let words = line.expect("Linux tells it").split_whitespace();
        words.rev().nth(1).unwrap().parse().unwrap()
    }
}

/// Seconds of a processor that a process has used.
fn processor(id: impl std::fmt::Display) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    let after_name = stat.rsplit(')').next().unwrap();
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = fields[11..13].iter().map(|it| it.parse::<u32>().unwrap());
    f64::from(ticks.sum::<u32>()) / 100.0
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// KiB in a second, by the least squares.
fn slope(samples: &[i64]) -> f64 {
    let count = samples.len() as f64;
    let middle = (count - 1.0) / 2.0;
    let mean = samples.iter().sum::<i64>() as f64 / count;
    let (mut above, mut below) = (0.0, 0.0);
    for (index, sample) in samples.iter().enumerate() {
        let away = index as f64 - middle;
        above += away * (*sample as f64 - mean);
        below += away * away;
    }
    above / below
}

fn withstands(what: &str, more: &str, preload: Option<&Path>) -> Server {
    // It passes on whatever comes, however much waits.
    let settings = "allow_anonymous true\nmax_queued_messages 0\nsys_interval 1\nlog_type none\n";
    let broker = Mosquitto::configured(|_| settings.to_owned());
    let mut server = Server::start(&yaml(broker.port, more), preload);
    let mut publisher = Publisher::connect(broker.port);
    let begin = Instant::now();
    let mut samples = Vec::new();
    let (seconds, part) = extent();
    for _ in 0..seconds {
        publisher.publish_for_a_second(ON_ONE / part, ON_ALL / part, VALUES);
        samples.push(server.memory_kib());
    }
    let (hot, others) = publisher.last();
    server.expect(hot, others);
    publisher.publish_last(VALUES);
    let end = Instant::now();
    server.said.wait_for("all there");
    let late = end.elapsed();
    let took = begin.elapsed();
    let notified = server.said.wait_for("notified");
    let settled = &samples[samples.len() / 3..];
    let growth = settled.last().unwrap() - settled[0];
    println!(
        "{what}: {} messages in {:.1} s, {:.0}/s; the last on the air {late:?} after it was published; \
         memory {settled:?} KiB, slope {:.1} KiB/s; {:.1} s of processor, the broker {:.1} s; {notified}",
        publisher.sent,
        took.as_secs_f64(),
        f64::from(publisher.sent) / took.as_secs_f64(),
        slope(settled),
        processor(server.child.id()),
        processor(broker.pid().as_raw_nonzero()),
    );
    assert!(growth < GROWTH_KIB, "{growth} KiB more");
    server
}

#[test]
fn memory_is_flat_and_the_newest_value_on_the_air_when_the_load_ends() {
    withstands("load", "", None);
}

/// Every write to the disk takes longer than anybody waits for the last value.
#[test]
fn a_slow_disk_holds_up_nobody() {
    let directory = TempDir::new().unwrap();
    let library = slow_disk(directory.path());
    let server = withstands("load on a slow disk", ", persist: true", Some(&library));
    assert!(
        server.directory.path().join("slow").exists(),
        "it was written to"
    );
}

/// A library that makes the disk slow for whoever has it loaded.
fn slow_disk(directory: &Path) -> PathBuf {
    let source = directory.join("slow.c");
    let library = directory.join("slow.so");
    let patience = 2 * PATIENCE.as_secs();
    let slow = |name: &str| {
        format!(
            "int {name}(int f) {{ close(creat(getenv(\"SLOW\"), 0600)); sleep({patience}); \
             return syscall(SYS_{name}, f); }}\n"
        )
    };
    let includes = ["fcntl.h", "stdlib.h", "unistd.h", "sys/syscall.h"];
    let mut text: String = includes.map(|it| format!("#include <{it}>\n")).concat();
    text.push_str(&(slow("fsync") + &slow("fdatasync")));
    fs::write(&source, text).unwrap();
    let built = Command::new("gcc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .status()
        .expect("gcc is installed");
    assert!(built.success());
    library
}
