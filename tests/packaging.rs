//! What is shipped around the program says what is so: the unit is confined, the configuration that comes
//! with it has no mistakes, the manual names every command.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use bemo_sync::cli::Cli;
use bemo_sync::config::{Placeholders, load_str};
use clap::CommandFactory;
use tempfile::TempDir;

const UNIT: &str = "packaging/bemo-sync.service";

/// In tenths, as `--threshold` takes it.
const EXPOSURE_MAX: u32 = 20;

#[test]
fn the_unit_is_exposed_to_2_0_at_most() {
    let output = systemd_analyze(&[
        "security",
        "--offline=true",
        &format!("--threshold={EXPOSURE_MAX}"),
        UNIT,
    ]);
    let text = String::from_utf8_lossy(&output.stdout);
    let exposure = text
        .lines()
        .find(|line| line.contains("Overall exposure level"));
    assert!(output.status.success(), "{exposure:?}\n{text}");
    println!("{}", exposure.expect("it prints the level"));
}

#[test]
fn the_unit_says_nothing_that_systemd_does_not_understand() {
    let directory = TempDir::new().unwrap();
    let unit = directory.path().join("bemo-sync.service");
    let program = Path::new(env!("CARGO_BIN_EXE_bemo-sync")).display();
    let text = fs::read_to_string(UNIT)
        .unwrap()
        .replace("/usr/bin/bemo-sync", &program.to_string())
        // Neither the manual nor the page is installed here.
        .replace("Documentation=", "# ");
    fs::write(&unit, text).unwrap();
    let output = systemd_analyze(&["verify", unit.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stderr);
    // Other units of this machine may have mistakes of their own.
    let ours: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("bemo-sync"))
        .collect();
    assert_eq!(ours, [""; 0]);
}

#[test]
fn the_configuration_that_is_installed_has_no_mistakes() {
    let path = Path::new("packaging/services.yaml");
    let yaml = fs::read_to_string(path).unwrap();
    let host = Placeholders::new(vec![("hostname", "raspberrypi".to_owned())]);
    if let Err(mistakes) = load_str(path, &yaml, &|_| None, host) {
        panic!("{mistakes}");
    }
}

#[test]
fn the_manual_names_every_command_and_every_option() {
    let manual = fs::read_to_string("packaging/bemo-sync.1")
        .unwrap()
        .replace("\\-", "-");
    let mut command = Cli::command();
    command.build();
    for command in std::iter::once(&command).chain(command.get_subcommands()) {
        assert!(manual.contains(command.get_name()), "{command}");
        for long in command.get_arguments().filter_map(|it| it.get_long()) {
            assert!(manual.contains(&format!("--{long}")), "{command} --{long}");
        }
    }
}

fn systemd_analyze(arguments: &[&str]) -> Output {
    Command::new("systemd-analyze")
        .args(arguments)
        .env("SYSTEMD_COLORS", "0")
        .output()
        .expect("systemd is installed: `make deps`")
}
