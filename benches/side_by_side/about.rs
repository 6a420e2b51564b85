//! What was measured, on what, and where it is written down.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::Result;
use crate::contender::Contender;
use crate::figures::Figures;
use crate::report::{about, figures, goals, put};
use crate::{criterion, hour};

/// Of what everybody is made, and how large it is.
pub fn gather(repository: &Path, has_bluez: bool, into: &mut Figures) -> Result<()> {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let cpus = cpuinfo.matches("\nprocessor").count() + 1;
    let model = model.map_or("unknown", |model| model.trim_matches([' ', '\t', ':']));
    let mut know = |what: &str, value: String| {
        into.about.insert(what.to_owned(), value);
    };
    know("CPU", format!("{cpus} × {model}"));
    know("date", first_line("date", &["-u", "+%F"]));
    know("kernel", first_line("uname", &["-r"]));
    if !has_bluez {
        know(
            "rustc",
            first_line("rustc", &["--version"]).replace("rustc ", ""),
        );
    }
    if has_bluez {
        know(
            "BlueZ",
            first_line("/usr/libexec/bluetooth/bluetoothd", &["--version"]),
        );
    }
    let mosquitto = first_line("/usr/sbin/mosquitto", &["-h"]);
    know("mosquitto", mosquitto.replace("mosquitto version ", ""));
    let python = first_line("/usr/bin/python3", &["--version"]);
    know("Python", python.replace("Python ", ""));
    let lock = fs::read_to_string(repository.join("Cargo.lock"))?;
    for name in ["bluer", "rumqttc", "tokio"] {
        let mut lines = lock
            .lines()
            .skip_while(|line| *line != format!("name = \"{name}\""));
        let version = lines.nth(1).unwrap_or_default();
        know(name, version.replace("version = ", "").replace('"', ""));
    }
    let requirements = fs::read_to_string(repository.join("benches/bridge/requirements.txt"))?;
    for (name, version) in requirements
        .lines()
        .filter_map(|line| line.split_once("=="))
    {
        know(name, version.to_owned());
    }
    for (contender, binary) in [
        (Contender::Bemo, "bemo-sync"),
        (Contender::BemoBare, "bemo-sync-bare"),
        (Contender::Bridge, "bridge"),
    ] {
        let path = repository.join("target/bench/bin").join(binary);
        into.add(contender, "binary", fs::metadata(path)?.len() as f64 / 1e6);
    }
    Ok(())
}

fn first_line(program: &str, arguments: &[&str]) -> String {
    let said = Command::new(program).args(arguments).output();
    let said = said.map(|said| String::from_utf8_lossy(&said.stdout).into_owned());
    let said = said.unwrap_or_default();
    said.lines().next().unwrap_or("unknown").trim().to_owned()
}

/// Of the last run, and of the last hour whenever that was.
pub fn report(repository: &Path) -> Result<()> {
    let page = repository.join("docs/performance.md");
    let read = |name: &str| Figures::read(&repository.join("target/bench").join(name));
    let stand_in = read("stand-in.json")?;
    // The lab is not everywhere.
    let bluez = read("bluez.json").ok();
    let mut airs = vec![("stand-in", &stand_in)];
    airs.extend(bluez.iter().map(|figures| ("BlueZ in the lab", figures)));
    let mut text = goals(&airs);
    for (name, measured) in airs {
        text.push_str(&format!("\n### {name}\n\n{}\n", figures(measured)));
        text.push_str(&format!("{}\n", about(name, measured)));
    }
    put(&page, "side by side", text.trim_end())?;
    if let Ok(measured) = read("hour.json") {
        put(&page, "hour", &hour::table(&measured))?;
    }
    if let Some(table) = criterion::table(repository)? {
        put(&page, "engine", &table)?;
    }
    Ok(())
}
