//! The page lives on when the configuration does not.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::json;

use super::{DEMO, port_in};
use crate::http::Http;

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn streams_sessions_and_what_was_seen_go_on_under_the_next_configuration() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("services.yaml");
    let console = r#"{ listen: "127.0.0.1:0", token: 0123456789abcdef }"#;
    let yaml = DEMO.replace(r#"{ listen: "127.0.0.1:0" }"#, console);
    fs::write(&file, &yaml).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_bemo-sync"))
        .arg("--config")
        .arg(&file)
        .env("XDG_STATE_HOME", directory.path())
        .env_remove("BEMO_SYNC_LOG")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = BufReader::new(child.stderr.take().unwrap());
    let _process = Process(child);
    let mut lines = log.lines().map_while(Result::ok);
    let said = lines.find(|line| line.contains("the console is at"));
    // What is written later has a reader too.
    let (moved, has_moved) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in lines.filter(|line| line.contains("the console is at")) {
            let _ = moved.send(line);
        }
    });
    let port = port_in(&said.expect("it starts"));

    let login = Http::to(port).post("/api/v1/session", &json!({ "token": "0123456789abcdef" }));
    let cookie = login
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let http = Http::to(port).with("Cookie", &cookie);
    let number = "/api/v1/values/number-service.some-number";
    let mut events = http.events("");
    http.put(number, &json!({ "value": 33 })).ok();
    events.wait_for("values", |views| views[0]["value"] == json!(33));

    let reload = || http.post("/api/v1/reload", &json!({})).ok();
    assert_eq!(reload()["outcome"], json!("unchanged"));
    fs::write(&file, yaml.replace("max_length: 12", "max_length: none")).unwrap();
    let refused = reload();
    assert_eq!(refused["outcome"], json!("refused"));
    assert!(
        refused["message"].as_str().unwrap().contains("max_length"),
        "{refused}"
    );
    fs::write(&file, yaml.replace("name: Key", "name: Another key")).unwrap();
    let applied = reload();
    assert_eq!(applied["outcome"], json!("applied"), "{applied}");

    events.wait_for("device", |device| device["generation"].as_u64() > Some(1));
    let device = http.json("/api/v1/device");
    let names = &device["services"][0]["characteristics"];
    assert_eq!(names[1]["name"], json!("Another key"));
    assert_eq!(http.json(number)["value"], json!(33));
    let history = http.json(&format!("{number}/history"));
    assert!(history["points"].to_string().contains("33.0"), "{history}");
    http.put(number, &json!({ "value": 34 })).ok();
    events.wait_for("values", |views| views[0]["value"] == json!(34));

    // Who else may do what begins anew: the page has to log in again.
    let other = yaml.replace("token: 0123456789abcdef", "token: fedcba9876543210");
    fs::write(
        &file,
        other.replace("127.0.0.1:0", &format!("127.0.0.1:{port}")),
    )
    .unwrap();
    assert_eq!(
        reload()["outcome"],
        json!("applied"),
        "the answer still comes"
    );
    while events.try_next().is_some() {}
    has_moved
        .recv_timeout(std::time::Duration::from_secs(30))
        .expect("another is there");
    http.get("/api/v1/values").problem(401);
    let new = Http::to(port).with("Authorization", "Bearer fedcba9876543210");
    new.json("/api/v1/values");
}
