//! `bemo-sync init`: whatever is answered, what is written passes `check`, and its tests pass.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use bemo_sync::config::{Placeholders, load_str};
use bemo_sync::init::{Answers, Offers, TEMPLATES};

#[path = "support/terminal.rs"]
mod terminal;

use terminal::Terminal;

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bemo-sync"));
    command
        .args(arguments)
        .env_remove("BEMO_SYNC_LOG")
        .stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    command(arguments).output().expect("the program was built")
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn every_template_is_checked_and_its_tests_pass() {
    let directory = tempfile::tempdir().unwrap();
    for template in TEMPLATES {
        for name in [None, Some("Küche 1"), Some("a: \"b\" # c")] {
            let file = directory.path().join(format!("{}.yaml", template.name));
            let file = file.to_str().unwrap();
            let mut arguments = vec!["init", "-t", template.name, "-o", file, "--force"];
            arguments.extend(name.into_iter().flat_map(|name| ["--name", name]));
            let written = run(&arguments);
            assert_eq!(written.status.code(), Some(0), "{}", err(&written));
            for (command, says) in [("check", "ok"), ("test", "passed")] {
                let done = run(&[command, file]);
                let said = String::from_utf8_lossy(&done.stdout);
                assert_eq!(
                    done.status.code(),
                    Some(0),
                    "{command} {file}: {said}{}",
                    err(&done)
                );
                assert!(said.contains(says), "{said}");
            }
        }
    }
}

#[test]
fn every_combination_of_answers_makes_a_configuration_without_mistakes() {
    let offers = Offers::of_this_build();
    let both = [false, true];
    for template in TEMPLATES {
        for name in ["{hostname}", "Kitchen Lamp", "{machine_id}", "ß"] {
            for (broker, plaintext) in [
                ("auto", false),
                ("localhost", false),
                ("mqtts://broker.example:8884", false),
                ("broker.local:1884", true),
                ("[::1]:1884", false),
            ] {
                for adapter in ["auto", "virtual", "hci1", "AA:BB:CC:DD:EE:FF"] {
                    for (home_assistant, console) in both.iter().flat_map(|a| both.map(|b| (*a, b)))
                    {
                        let answers = Answers {
                            template,
                            name: name.to_owned(),
                            broker: broker.to_owned(),
                            adapter: adapter.to_owned(),
                            plaintext,
                            home_assistant: home_assistant && offers.home_assistant,
                            console: console && offers.console,
                        };
                        let text = answers.configuration(fastrand::u128(..), "none");
                        assert!(!text.contains('@'), "{text}");
                        let host = Placeholders::of_this_host();
                        let loaded = load_str(Path::new("new.yaml"), &text, &|_| None, host);
                        if let Err(mistakes) = loaded {
                            panic!("{mistakes}\n{text}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn no_two_configurations_share_an_identifier() {
    let uuids = || {
        let output = run(&["init", "--template", "lamp"]);
        let text = String::from_utf8(output.stdout).unwrap();
        let lines = text
            .lines()
            .filter_map(|line| line.trim().split_once("uuid: "));
        let uuids: Vec<String> = lines.map(|(_, uuid)| uuid[..36].to_owned()).collect();
        uuids
    };
    let (one, other) = (uuids(), uuids());
    assert_eq!(one.len(), 4);
    assert!(one.iter().all(|uuid| uuid[8..] == one[0][8..]), "{one:?}");
    assert!(
        one.iter().all(|uuid| !other.contains(uuid)),
        "{one:?} {other:?}"
    );
}

#[test]
fn nothing_is_written_over_unless_that_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let (file, tests) = (
        directory.path().join("a.yaml"),
        directory.path().join("a.test.yaml"),
    );
    for there in [&file, &tests] {
        fs::write(there, "mine\n").unwrap();
        let arguments = ["init", "-t", "number", "-o", file.to_str().unwrap()];
        let refused = run(&arguments);
        assert_eq!(refused.status.code(), Some(2));
        let said = err(&refused);
        assert!(
            said.contains("is there already; --force writes over it"),
            "{said}"
        );
        assert_eq!(fs::read_to_string(there).unwrap(), "mine\n");
        assert_eq!(
            fs::read_dir(directory.path()).unwrap().count(),
            1,
            "something was written"
        );
        assert_eq!(
            run(&[&arguments[..], &["--force"]].concat()).status.code(),
            Some(0)
        );
        assert_ne!(fs::read_to_string(there).unwrap(), "mine\n");
        fs::remove_file(&file).unwrap();
        fs::remove_file(&tests).unwrap();
    }
}

#[test]
fn without_a_terminal_it_says_what_to_say_instead() {
    let output = run(&["init"]);
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(err(&output), @"bemo-sync: there is no terminal to ask on; say what to begin with: --template number|lamp|switch|sensor|button|display|provisioning");
}

#[test]
fn an_answer_that_makes_a_mistake_is_said_and_nothing_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.yaml");
    for (options, says) in [
        (["--broker", "broker.local"], "plaintext: allow"),
        (["--broker", "example.org"], "; here that is `--plaintext`"),
        (["--adapter", "bluetooth"], "adapter"),
        (["--name", "{nobody}"], "nobody"),
    ] {
        let arguments = ["init", "-t", "number", "-o", file.to_str().unwrap()];
        let output = run(&[&arguments[..], &options].concat());
        assert_eq!(output.status.code(), Some(2));
        assert!(err(&output).contains(says), "{options:?}: {}", err(&output));
        assert!(!file.exists());
    }
    let arguments = ["init", "-t", "number", "--plaintext", "-b", "example.org"];
    assert_eq!(run(&arguments).status.code(), Some(0));
}

#[test]
fn on_a_terminal_it_asks_and_writes_what_was_answered() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("services.yaml"), "mine\n").unwrap();
    let mut init = command(&["init"]);
    init.current_dir(directory.path());
    let mut terminal = Terminal::run(init, true);
    for (asked, answer) in [
        ("Its number or name", "lamp"),
        ("Name of the device", "Kitchen"),
        ("MQTT broker", "broker.local"),
        ("Allow that?", "yes"),
        ("Bluetooth adapter", "virtual"),
    ] {
        terminal.shows(asked);
        terminal.type_line(answer);
    }
    let offers = Offers::of_this_build();
    if offers.home_assistant {
        terminal.shows("Home Assistant");
        terminal.type_line("yes");
    }
    if offers.console {
        terminal.shows("console");
        terminal.type_line("yes");
    }
    terminal.shows("[services.yaml]");
    terminal.type_line("");
    terminal.shows("services.yaml is there already");
    terminal.type_line("kitchen.yaml");
    let (code, screen) = terminal.ended();
    assert_eq!(code, Some(0), "{screen}");
    let written = fs::read_to_string(directory.path().join("kitchen.yaml")).unwrap();
    for part in [
        "name: Kitchen",
        "broker: broker.local",
        "plaintext: allow",
        "adapter: virtual",
    ] {
        assert!(written.contains(part), "no {part}: {written}");
    }
    let file = directory.path().join("kitchen.yaml");
    assert_eq!(
        run(&["check", file.to_str().unwrap()]).status.code(),
        Some(0)
    );
}
