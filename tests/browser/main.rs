//! The console as a person uses it: a real Chromium on the real program, each journey a script of its own
//! in `journeys/`. Nothing waits for a time there, only for what the page shows.
//!
//! With `UPDATE_SCREENSHOTS=1` the pictures of the documentation are taken anew.

#[path = "../support/lines.rs"]
mod lines;
#[path = "../support/mosquitto.rs"]
mod mosquitto;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use mosquitto::Mosquitto;

const CHROMIUM: &str = "/usr/bin/chromium";

/// One browser at a time: each is as busy as the machine allows.
static BROWSER: Mutex<()> = Mutex::new(());

#[test]
fn the_demo_is_opened_read_subscribed_to_written_and_plotted() {
    journey("demo");
}

#[test]
fn each_kind_of_value_has_the_control_that_fits_it() {
    journey("controls");
}

#[test]
fn a_wrong_value_is_refused_and_explained() {
    journey("refused");
}

#[test]
fn two_tabs_are_two_centrals_and_see_each_others_writes() {
    journey("two_tabs");
}

#[test]
fn the_flow_shows_the_way_of_a_write_down_to_the_puback() {
    journey("flow");
}

#[test]
fn everything_can_be_done_by_keyboard() {
    journey("keyboard");
}

#[test]
fn every_view_is_accessible_in_light_and_dark_on_a_desk_and_in_a_hand() {
    journey("looks");
}

#[test]
fn a_restart_of_the_program_is_survived_and_said() {
    journey("restart");
}

#[test]
fn without_the_token_nothing_is_seen_and_read_only_is_said() {
    journey("token");
}

#[test]
fn a_reload_is_seen_without_loading_the_page_anew() {
    journey("reload");
}

#[test]
fn what_changes_under_a_page_is_said_and_begun_anew() {
    journey("structure");
}

#[test]
fn without_a_virtual_adapter_the_operator_asks() {
    journey("operator");
}

#[test]
fn on_a_real_adapter_the_operator_asks_too() {
    journey("on_the_air");
}

#[test]
fn whatever_stands_in_the_address_leads_to_a_view() {
    journey("addresses");
}

#[test]
fn only_what_has_changed_is_drawn() {
    journey("many");
}

#[test]
fn the_pictures_of_the_documentation_can_be_taken() {
    journey("pictures");
}

fn journey(name: &str) {
    let Some(tools) = tools() else { return };
    let _one = BROWSER.lock().unwrap_or_else(PoisonError::into_inner);
    let broker = Mosquitto::start();
    let output = Command::new("node")
        .arg("tests/browser/run.mjs")
        .arg(tools)
        .arg(env!("CARGO_BIN_EXE_bemo-sync"))
        .arg(broker.port.to_string())
        .arg(name)
        .output()
        .expect("there is node");
    let said = String::from_utf8_lossy(&output.stdout);
    let trouble = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{trouble}");
    assert!(said.contains(&format!("{name}: arrived")), "{said}");
}

/// The folder with Playwright; `None` where there is no node or no Chromium at all.
fn tools() -> Option<PathBuf> {
    let has_node = Command::new("node").arg("--version").output().is_ok();
    if !has_node || !Path::new(CHROMIUM).exists() {
        println!("skipped: there is no node or no Chromium here; `make deps` installs them");
        return None;
    }
    let folder = Path::new("target/browser");
    let lock = |folder: &Path| fs::read_to_string(folder.join("package-lock.json")).ok();
    assert!(
        folder.join("node_modules/playwright-core").exists()
            && lock(folder) == lock(Path::new("tests/browser")),
        "Playwright is not installed: run `make deps`"
    );
    Some(folder.to_owned())
}
