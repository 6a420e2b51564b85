//! What the console costs: 200 values that change 60 times a second each, and one page that is open.
//!
//! `cargo test --release --test console cost -- --ignored --nocapture` prints it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::Instant;

use super::port_in;
use crate::http::{Events, Http};

const VALUES: usize = 200;
const MEASURED: Duration = Duration::from_secs(20);
/// Of one core: what a page may cost, and what is more than that on a machine that does other things besides.
const GOAL: f64 = 0.05;

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    /// The time that it has had of a processor so far.
    fn used(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.0.id())).expect("it runs");
        let of_task = |task: fs::DirEntry| {
            // To the nanosecond; `stat` counts ticks, and work that begins with one is easily missed.
            let said = fs::read_to_string(task.path().join("schedstat")).ok()?;
            said.split_whitespace().next()?.parse::<u64>().ok()
        };
        Duration::from_nanos(tasks.flatten().filter_map(of_task).sum())
    }
}

fn yaml(console: &str) -> String {
    let mut yaml = format!("version: 1\nble: {{ adapter: virtual }}\n{console}\nservices:\n");
    yaml.push_str("  - name: Service\n    uuid: FF00\n    characteristics:\n");
    for index in 0..VALUES {
        // Sixty-two times a second.
        yaml.push_str(&format!(
            "      - {{ name: Value {index}, uuid: {:04x}, access: [read, notify], \
             value: {{ type: u32, initial: 0 }}, source: {{ ticker: {{ every: 16ms }} }} }}\n",
            0xA000 + index
        ));
    }
    yaml
}

fn start(directory: &std::path::Path, console: &str) -> (Process, Option<u16>) {
    let file = directory.join("services.yaml");
    fs::write(&file, yaml(console)).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_bemo-sync"))
        .arg("--config")
        .arg(&file)
        .env("XDG_STATE_HOME", directory)
        .env_remove("BEMO_SYNC_LOG")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = BufReader::new(child.stderr.take().unwrap());
    let mut lines = log.lines().map_while(Result::ok);
    let wanted = match console.is_empty() {
        true => "ticking",
        false => "the console is at",
    };
    let said = lines.find(|line| line.contains(wanted)).expect("it starts");
    std::thread::spawn(move || lines.for_each(drop));
    let port = (!console.is_empty()).then(|| port_in(&said));
    (Process(child), port)
}

/// Its share of one core while `meanwhile` goes on.
fn share(process: &Process, mut meanwhile: impl FnMut()) -> f64 {
    let (before, begun) = (process.used(), Instant::now());
    while begun.elapsed() < MEASURED {
        meanwhile();
    }
    (process.used() - before).as_secs_f64() / begun.elapsed().as_secs_f64()
}

/// Nothing else is to run here: it is this process that is measured.
fn idle() {
    let (_kept, never) = std::sync::mpsc::channel::<()>();
    let _ = never.recv_timeout(Duration::from_millis(100));
}

/// Takes the next event; returns how many bytes it is.
fn take(events: &mut Events) -> (usize, usize) {
    let (event, data) = events.next();
    let views = data.as_array().map_or(0, Vec::len);
    match event.as_str() {
        "values" => (1, views),
        _ => (0, 0),
    }
}

#[test]
#[ignore = "it takes a minute, and means something only in a release build on a quiet machine"]
fn cost() {
    let directory = tempfile::tempdir().unwrap();
    let (without, _) = start(directory.path(), "");
    let bare = share(&without, idle);
    drop(without);
    let (with, port) = start(directory.path(), "console: { listen: \"127.0.0.1:0\" }");
    let unseen = share(&with, idle);
    let http = Http::to(port.expect("a console"));
    let mut events = http.events("");
    let (mut batches, mut views) = (0, 0);
    let seen = share(&with, || {
        let (batch, in_it) = take(&mut events);
        batches += batch;
        views += in_it;
    });
    let per_second = |count: usize| count as f64 / MEASURED.as_secs_f64();
    println!("{VALUES} values, 62 changes a second each; shares of one core:");
    println!("without a console   {:5.1} %", 100.0 * bare);
    println!("with one, no page   {:5.1} %", 100.0 * unseen);
    println!("with one page open  {:5.1} %", 100.0 * seen);
    println!("the page costs      {:5.1} %", 100.0 * (seen - bare));
    println!(
        "{:.1} batches and {:.0} values a second",
        per_second(batches),
        per_second(views)
    );
    assert!(seen - bare < GOAL, "more than {GOAL} of a core");
}
