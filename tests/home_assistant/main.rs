//! What Home Assistant is told: right by its own rules, and by what it makes of it.

#[path = "../support/bemo.rs"]
mod bemo;
#[path = "../support/files.rs"]
mod files;
#[path = "../support/lines.rs"]
mod lines;
#[path = "../support/mosquitto.rs"]
mod mosquitto;
#[path = "../support/tap.rs"]
mod tap;

mod assistant;
mod documents;
mod living;
mod program;
mod rules;
mod vanishing;

use std::fs;
use std::path::{Path, PathBuf};

use files::yaml_files;

/// The configurations of this repository that can be led to a broker of a test. One has no broker at all, one is told by
/// the environment where it is.
fn configurations() -> Vec<PathBuf> {
    let mut paths = yaml_files(Path::new("examples"));
    paths.push("services.yaml".into());
    paths.retain(|path| fs::read_to_string(path).is_ok_and(|yaml| yaml.contains("broker: auto")));
    paths.sort();
    paths
}

/// A configuration of this repository, told to Home Assistant, with its broker at this port.
fn told(path: &str, port: u16) -> String {
    let yaml = fs::read_to_string(path).expect("it is there");
    let yaml = yaml.replace("adapter: auto", "adapter: virtual");
    assert!(yaml.contains("broker: auto"), "{path}");
    let yaml = yaml.replace("broker: auto", &format!("broker: \"127.0.0.1:{port}\""));
    with_home_assistant(&yaml)
}

fn with_home_assistant(yaml: &str) -> String {
    match yaml.contains("home_assistant:") {
        true => yaml.to_owned(),
        false => yaml.replace("\nmqtt:\n", "\nmqtt:\n  home_assistant: true\n"),
    }
}

/// Where Home Assistant is installed; `None` on a system that has it not to offer.
fn installed() -> Option<PathBuf> {
    if !Path::new("/usr/bin/apt-get").exists() {
        println!("skipped: Home Assistant is installed by apt-get, and there is none");
        return None;
    }
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let parts =
        ["prepare", "requirements.txt"].map(|it| read(&format!("tests/home_assistant/{it}")));
    assert_eq!(
        read("target/home-assistant/prepared"),
        parts.concat(),
        "Home Assistant is not installed: run `make deps`"
    );
    Some(Path::new("target/home-assistant/python").to_owned())
}
