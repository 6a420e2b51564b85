//! Home Assistant itself, in a process of its own.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tempfile::TempDir;

/// It takes seconds to start, and many more on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Assistant {
    child: Child,
    input: ChildStdin,
    said: Arc<(Mutex<Vec<Json>>, Condvar)>,
    _directory: TempDir,
}

impl Assistant {
    /// One that is connected to a broker, and knows no device.
    pub fn start(python: &Path, port: u16) -> Self {
        let directory = TempDir::new().expect("a directory");
        let mut child = Command::new(python)
            .arg("tests/home_assistant/assistant.py")
            .arg(directory.path())
            .args(["127.0.0.1", &port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it is installed");
        let said = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let (output, lines) = (child.stdout.take().expect("it is piped"), said.clone());
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let line = serde_json::from_str(&line).unwrap_or(Json::String(line));
                lines.0.lock().unwrap().push(line);
                lines.1.notify_all();
            }
        });
        let input = child.stdin.take().expect("it is piped");
        let mut started = Self {
            child,
            input,
            said,
            _directory: directory,
        };
        started.wait("ready", |said| {
            said.iter().find(|it| it["ready"] == true).cloned()
        });
        // What it has subscribed to it answers for.
        started.entities();
        started
    }

    fn wait<T>(&self, what: &str, find: impl Fn(&[Json]) -> Option<T>) -> T {
        let (said, more) = &*self.said;
        let said = said.lock().unwrap();
        let (said, _) = more
            .wait_timeout_while(said, PATIENCE, |said| find(said).is_none())
            .unwrap();
        find(&said).unwrap_or_else(|| {
            let said: Vec<String> = said.iter().map(Json::to_string).collect();
            panic!("{what}: not in\n{}", said.join("\n"))
        })
    }

    /// Waits until the state of an entity is this, and hands out its attributes.
    pub fn wait_for(&self, entity: &str, state: impl Into<Json>) -> Json {
        let state = state.into();
        self.wait(&format!("{entity} {state}"), |said| {
            let last = said.iter().rfind(|it| it["entity_id"] == entity)?;
            (last["state"] == state).then(|| last["attributes"].clone())
        })
    }

    /// The same of one of its attributes.
    pub fn wait_for_attribute(&self, entity: &str, key: &str, value: &Json) {
        self.wait(&format!("{entity}: {key} {value}"), |said| {
            let last = said.iter().rfind(|it| it["entity_id"] == entity)?;
            (last["attributes"][key] == *value).then_some(())
        });
    }

    pub fn call(&mut self, domain: &str, service: &str, data: Json) {
        let answer = self.ask("called", &json!({ "call": [domain, service, data] }));
        assert_eq!(answer, true, "{domain}.{service} {data}");
    }

    /// All entities that it knows, by what identifies them.
    pub fn entities(&mut self) -> Vec<Json> {
        let all = self.ask("entities", &json!({ "entities": true }));
        all.as_array().cloned().unwrap_or_default()
    }

    fn ask(&mut self, answer: &str, question: &Json) -> Json {
        let count = |said: &[Json]| said.iter().filter(|it| !it[answer].is_null()).count();
        let before = count(&self.said.0.lock().unwrap());
        writeln!(self.input, "{question}").expect("it runs");
        self.wait(answer, |said| {
            let answers = said.iter().map(|it| &it[answer]);
            answers.filter(|it| !it.is_null()).nth(before).cloned()
        })
    }

    /// What it complains of.
    pub fn complaints(&self) -> Vec<String> {
        let said = self.said.0.lock().unwrap();
        let logs = said.iter().filter_map(|it| it["log"].as_str());
        let about = [
            "components.mqtt",
            "helpers.template",
            "components.sensor",
            "components.light",
        ];
        logs.filter(|log| about.iter().any(|it| log.contains(it)))
            .map(str::to_owned)
            .collect()
    }
}

impl Drop for Assistant {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::metadata(".");
    }
}
