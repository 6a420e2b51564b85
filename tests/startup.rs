//! What somebody reads who starts the program: aligned on a terminal, lines of the log elsewhere, with colours only
//! where they are wanted; and that a reader who has had enough is no mistake.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

#[path = "support/terminal.rs"]
mod terminal;

use terminal::Terminal;

const YAML: &str = "
version: 1
device: { name: Kitchen }
ble: { adapter: virtual }
mqtt: { broker: localhost:9, client_id: kitchen }
services:
  - name: Number
    uuid: ff00
    characteristics:
      - name: Some Number
        uuid: ff01
        access: [read, write]
        ack: accepted
        value: { type: u8, initial: 0 }
        mqtt: { state: number/changed, command: number/set }
  - name: About
    uuid: ff02
    characteristics:
      - { name: Maker, uuid: ff03, access: [read], value: { type: utf8, constant: CWRU } }
      - { name: Model, uuid: ff04, access: [read], value: { type: utf8, constant: LAMPI } }
";

fn configuration() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("kitchen.yaml");
    std::fs::write(&file, YAML).unwrap();
    (directory, file)
}

fn command(arguments: &[&str], directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bemo-sync"));
    command.args(arguments).current_dir(directory);
    for name in [
        // Where it is set, a terminal that says it is dumb is taken for one that shows colours.
        "CI",
        "BEMO_SYNC_LOG",
        "NO_COLOR",
        "CLICOLOR",
        "CLICOLOR_FORCE",
        "JOURNAL_STREAM",
    ] {
        command.env_remove(name);
    }
    command
        .env("TERM", "xterm")
        .env("XDG_STATE_HOME", directory);
    command
}

fn on_a_terminal(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let (directory, _) = configuration();
    let mut command = command(arguments, directory.path());
    command.envs(variables.iter().copied());
    let terminal = Terminal::run(command, true);
    terminal.shows("no connection to the MQTT broker");
    let pid = Pid::from_child(&terminal.child);
    kill_process(pid, Signal::INT).expect("it runs");
    let (code, screen) = terminal.ended();
    assert_eq!(code, Some(0), "{screen}");
    screen
}

#[test]
fn on_a_terminal_it_says_in_aligned_lines_what_is_served_where() {
    let screen = on_a_terminal(&["--config", "kitchen.yaml"], &[("NO_COLOR", "1")]);
    let (sheet, log) = screen.split_once("Ctrl-C stops it.").expect("it says so");
    insta::assert_snapshot!(sheet, @r"
    bemo-sync 0.1.0

      device     Kitchen (kitchen.yaml)
      services   Number  1 characteristic
                 About   2 characteristics
      adapter    a virtual one, and nothing is on the air, as declared
      broker     localhost:9 as `kitchen`
      publishes  number/changed
      takes      number/set
    ");
    assert!(!log.contains("broker:"), "said twice: {log}");
}

#[test]
fn colours_are_on_a_terminal_only_and_where_nobody_forbids_them() {
    const ESCAPE: char = '\u{1b}';
    let arguments = ["--config", "kitchen.yaml"];
    assert!(on_a_terminal(&arguments, &[]).contains(ESCAPE));
    for forbids in [("NO_COLOR", "1"), ("CLICOLOR", "0"), ("TERM", "dumb")] {
        let screen = on_a_terminal(&arguments, &[forbids]);
        assert!(!screen.contains(ESCAPE), "{forbids:?}: {screen:?}");
    }
    let (directory, _) = configuration();
    for (variables, is_coloured) in [(&[][..], false), (&[("CLICOLOR_FORCE", "1")], true)] {
        let mut check = command(&["check", "kitchen.yaml"], directory.path());
        let output = check.envs(variables.iter().copied()).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(said.contains(ESCAPE), is_coloured, "{said:?}");
    }
}

#[test]
fn for_machines_they_are_lines_of_the_log() {
    let (directory, _) = configuration();
    for (options, on_terminal) in [(&["--log-format", "json"][..], true), (&[], false)] {
        let arguments = [&["--config", "kitchen.yaml"], options].concat();
        let said = if on_terminal {
            on_a_terminal(&arguments, &[])
        } else {
            let mut child = command(&arguments, directory.path())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let lines = BufReader::new(child.stderr.take().unwrap()).lines();
            let mut said = String::new();
            for line in lines.map_while(Result::ok) {
                said += &line;
                said.push('\n');
                if line.contains("no connection") {
                    break;
                }
            }
            kill_process(Pid::from_child(&child), Signal::INT).expect("it runs");
            child.wait().unwrap();
            said
        };
        for line in [
            "services: Number (1 characteristic), About (2 characteristics); publishes: number/changed; takes: number/set",
            // What the links say themselves is not said twice.
            "on a virtual adapter",
        ] {
            assert!(said.contains(line), "no {line}: {said}");
        }
        assert!(!said.contains("Ctrl-C"), "{said}");
    }
}

#[test]
fn who_asks_for_less_in_the_log_gets_less() {
    let screen = on_a_terminal(&["--config", "kitchen.yaml", "--log", "warn"], &[]);
    assert!(!screen.contains("number/changed"), "{screen}");
}

/// As with `bemo-sync schema | head -1`.
#[test]
fn a_reader_who_has_had_enough_is_no_mistake() {
    let (directory, _) = configuration();
    for arguments in [
        &["schema"][..],
        &["completions", "bash"],
        &["docs", "-c", "kitchen.yaml"],
    ] {
        let mut child = command(arguments, directory.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Nobody has read a byte of it.
        drop(child.stdout.take());
        let mut said = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        assert_eq!(
            child.wait().unwrap().code(),
            Some(0),
            "{arguments:?}: {said}"
        );
        assert_eq!(said, "", "{arguments:?}");
    }
}
