//! What carries the values, and where the console is, may change while it is at work; and its address may be taken.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tokio::time::Instant;

use super::{DEMO, port_in};
use crate::http::Http;

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(30);
const ANYWHERE: &str = r#"listen: "127.0.0.1:0""#;

/// The program itself, whose configuration can be written anew.
struct Program {
    child: Child,
    file: PathBuf,
    lines: Receiver<String>,
    _directory: TempDir,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    fn start(yaml: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("services.yaml");
        fs::write(&file, yaml).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_bemo-sync"))
            .arg("--config")
            .arg(&file)
            .env("XDG_STATE_HOME", directory.path())
            .env("BEMO_SYNC_LOG", "debug")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self {
            child,
            file,
            lines,
            _directory: directory,
        }
    }

    /// All that is said, up to this.
    fn until(&self, wanted: &str) -> Vec<String> {
        let mut said = Vec::new();
        while !said
            .last()
            .is_some_and(|line: &String| line.contains(wanted))
        {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => said.push(line),
                Err(_) => panic!("no {wanted:?} in {said:#?}"),
            }
        }
        said
    }

    /// The port of its console, once that is there.
    fn console(&self) -> u16 {
        let said = self.until("the console is at http://");
        port_in(&said[said.len() - 1])
    }

    fn write(&self, yaml: &str) {
        fs::write(&self.file, yaml).unwrap();
    }

    fn hang_up(&self) {
        let id = Pid::from_child(&self.child);
        kill_process(id, Signal::HUP).unwrap();
    }
}

fn reload(http: &Http) -> Json {
    http.post("/api/v1/reload", &json!({})).ok()
}

fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        std::thread::yield_now();
    }
}

fn at(port: u16) -> String {
    DEMO.replace(ANYWHERE, &format!(r#"listen: "127.0.0.1:{port}""#))
}

#[test]
fn a_reload_to_a_real_adapter_and_back_is_what_the_console_says() {
    let program = Program::start(DEMO);
    let http = Http::to(program.console());
    let kind = || http.json("/api/v1/device")["adapter"]["kind"].clone();
    assert_eq!(kind(), json!("virtual"));
    let central = http.post("/api/v1/centrals", &json!({})).ok();
    let mut events = http.events(&format!("?central={}", central["id"]));

    program.write(&DEMO.replace("adapter: virtual", "adapter: hci97"));
    assert_eq!(reload(&http)["outcome"], json!("applied"));
    events.wait_for("central", |event| event["disconnected"] == json!(true));
    wait_for("a real one", || kind() == json!("bluez"));
    http.post("/api/v1/centrals", &json!({})).problem(409);

    program.write(DEMO);
    assert_eq!(reload(&http)["outcome"], json!("applied"));
    wait_for("the virtual one", || kind() == json!("virtual"));
    http.post("/api/v1/centrals", &json!({})).ok();
}

#[test]
fn a_console_whose_new_address_is_taken_stays_where_it_is_until_it_is_free() {
    let program = Program::start(DEMO);
    let old_port = program.console();
    let old = Http::to(old_port);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();

    program.write(&at(port));
    assert_eq!(reload(&old)["outcome"], json!("applied"));
    let said = program.until("no console there yet");
    assert!(said[said.len() - 1].contains(&port.to_string()), "{said:?}");
    let console = || {
        let health = old.json("/api/v1/health");
        let links = health["links"].as_array().unwrap().clone();
        links
            .into_iter()
            .find(|it| it["link"] == "console")
            .unwrap()
    };
    wait_for("it waits", || console()["state"] == json!("waiting"));
    assert!(
        console()["why"]
            .as_str()
            .unwrap()
            .contains("another program")
    );
    old.json("/api/v1/device");

    // It goes where it is declared to as soon as it can, with what it has seen.
    old.put(
        "/api/v1/values/number-service.some-number",
        &json!({ "value": 33 }),
    )
    .ok();
    drop(taken);
    let new = Http::to(program.console());
    let history = new.json("/api/v1/values/number-service.some-number/history");
    assert!(history["points"].to_string().contains("33.0"), "{history}");
    wait_for("nobody is where it was", || {
        std::net::TcpStream::connect(("127.0.0.1", old_port)).is_err()
    });
}

#[test]
fn where_the_address_is_taken_a_token_that_is_declared_counts_at_the_old_one() {
    let program = Program::start(DEMO);
    let old_port = program.console();
    let old = Http::to(old_port);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let yaml = DEMO.replace(
        ANYWHERE,
        &format!(r#"listen: "127.0.0.1:{port}", token: 0123456789abcdef"#),
    );
    program.write(&yaml);
    assert_eq!(reload(&old)["outcome"], json!("applied"));
    program.until("no console there yet");
    old.get("/api/v1/values").problem(401);
    let known = Http::to(old_port).with("Authorization", "Bearer 0123456789abcdef");
    known.json("/api/v1/values");
}

#[test]
fn an_address_that_is_taken_at_the_start_is_said_once_with_the_way_out_and_tried_again() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let program = Program::start(&at(port));
    program.until("no console there yet");
    for _ in 0..2 {
        let said = program.until("no console at");
        assert!(!said.iter().any(|line| line.contains("WARN")), "{said:#?}");
    }
    drop(taken);
    let said = program.until("the console is at http://");
    let complaints = said.iter().filter(|line| line.contains("WARN"));
    assert_eq!(complaints.count(), 0, "{said:#?}");
    Http::to(port).json("/api/v1/device");
}

#[test]
fn what_a_signal_had_reloaded_is_in_the_health_and_told() {
    let program = Program::start(DEMO);
    let http = Http::to(program.console());
    assert_eq!(http.json("/api/v1/health")["reload"], Json::Null);
    let mut events = http.events("");
    program.write(&DEMO.replace("max: 200", "maxx: 200"));
    program.hang_up();
    events.wait_for("health", |health| health["reload"]["outcome"] == "refused");
    let last = http.json("/api/v1/health")["reload"].clone();
    assert_eq!(last["by"], json!("signal"));
    assert!(last["message"].as_str().unwrap().contains("maxx"), "{last}");
    program.write(&DEMO.replace("max: 200", "max: 201"));
    reload(&http);
    events.wait_for("health", |health| health["reload"]["outcome"] == "applied");
    assert_eq!(
        http.json("/api/v1/health")["reload"]["by"],
        json!("console")
    );
}

#[test]
fn the_doctor_says_whether_the_address_is_free_or_ours_or_somebody_elses() {
    let looked_at = |port: u16| {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("services.yaml"), at(port)).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_bemo-sync"))
            .args(["doctor", "services.yaml", "--json"])
            .current_dir(directory.path())
            .env("XDG_STATE_HOME", directory.path())
            .output()
            .unwrap();
        let report: Json = serde_json::from_slice(&output.stdout).unwrap();
        let findings = report["findings"].as_array().unwrap().clone();
        let found = findings.into_iter().find(|it| it["check"] == "console");
        found.expect("it is looked at")
    };
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let other = looked_at(port);
    assert_eq!(other["level"], json!("fail"));
    assert!(
        other["fix"]
            .as_str()
            .unwrap()
            .contains("console: { listen:"),
        "{other}"
    );
    drop(taken);
    assert_eq!(looked_at(port)["level"], json!("ok"));

    let program = Program::start(DEMO);
    let ours = looked_at(program.console());
    assert_eq!(ours["level"], json!("ok"), "{ours}");
    assert!(ours["says"].as_str().unwrap().contains("at work"), "{ours}");
}
