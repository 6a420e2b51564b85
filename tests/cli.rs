//! The command line as a person meets it: help, exit codes, and that nothing starts half-configured.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value as Json;

fn bemo_sync(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bemo-sync"))
        .args(arguments)
        .env_remove("BEMO_SYNC_LOG")
        .env("COLUMNS", "100")
        .output()
        .expect("the program was built")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn help_says_what_there_is() {
    let help = bemo_sync(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    insta::assert_snapshot!(out(&help));
}

#[test]
fn version_is_the_crates() {
    assert_eq!(
        out(&bemo_sync(&["--version"])),
        concat!("bemo-sync ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[test]
fn check_takes_the_demo_and_says_so_in_one_line() {
    let checked = bemo_sync(&["check", "services.yaml"]);
    assert_eq!(checked.status.code(), Some(0), "{}", err(&checked));
    insta::assert_snapshot!(out(&checked), @"services.yaml: ok, no mistakes: 2 services, 4 values, 2 topics; links: ble, mqtt, ticker, store, console");
}

#[test]
fn services_yaml_is_the_default_and_the_option_stands_anywhere() {
    let by_default = bemo_sync(&["check"]);
    assert_eq!(by_default.status.code(), Some(0));
    for arguments in [
        ["--config", "services.yaml", "check"],
        ["check", "--config", "services.yaml"],
    ] {
        assert_eq!(out(&bemo_sync(&arguments)), out(&by_default));
    }
}

#[test]
fn mistakes_end_in_exit_code_2_and_nothing_starts() {
    let directory = tempfile::tempdir().unwrap();
    let broken = directory.path().join("broken.yaml");
    fs::write(&broken, "version: 1\nservces: []\n").unwrap();
    let broken = broken.to_str().unwrap();
    for arguments in [
        &["--config", broken][..],
        &["check", broken],
        &["schema", "-c", broken, "--out", "x"],
    ] {
        let output = bemo_sync(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let said = err(&output);
        assert!(
            said.contains("broken.yaml:2:1: unknown key `servces`"),
            "{said}"
        );
        assert!(said.contains("did you mean `services`?"), "{said}");
        assert!(!said.contains("INFO"), "something was started: {said}");
    }
    assert!(!Path::new("x").exists());
}

#[test]
fn a_missing_file_is_said_with_what_to_do() {
    let output = bemo_sync(&["--config", "nowhere.yaml"]);
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(err(&output));
}

#[test]
fn a_wrong_option_is_exit_code_2() {
    assert_eq!(bemo_sync(&["--cofnig", "x"]).status.code(), Some(2));
    assert_eq!(
        bemo_sync(&["--log", "a=b=c", "check"]).status.code(),
        Some(2)
    );
}

#[test]
fn schema_writes_one_file_for_each_topic() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().join("payloads");
    let output = bemo_sync(&[
        "schema",
        "--config",
        "services.yaml",
        "--out",
        folder.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let mut names: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["number.changed.schema.json", "number.set.schema.json"]
    );
    let changed: Json =
        serde_json::from_slice(&fs::read(folder.join("number.changed.schema.json")).unwrap())
            .unwrap();
    let validator = jsonschema::draft202012::new(&changed).unwrap();
    for (payload, valid) in [
        (r#"{"number": 0}"#, true),
        (r#"{"number": 255}"#, true),
        (r#"{"number": 256}"#, false),
        (r#"{"number": -1}"#, false),
        (r#"{"number": 1.5}"#, false),
        (r#"{"number": "1"}"#, false),
        ("{}", false),
        ("7", false),
    ] {
        let payload: Json = serde_json::from_str(payload).unwrap();
        assert_eq!(validator.is_valid(&payload), valid, "{payload}");
    }
}

#[test]
fn completions_are_printed_for_every_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let output = bemo_sync(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0));
        assert!(out(&output).contains("bemo-sync"));
    }
}
