//! `persist: true`: what a value was it is again after a restart, however the process ended; nothing that
//! stands on the disk keeps it from starting; and the disk is spared.

#[path = "../air/mod.rs"]
mod air;
#[path = "../support/lines.rs"]
mod lines;
#[path = "../support/mosquitto.rs"]
mod mosquitto;
#[path = "../support/program.rs"]
mod program;
#[path = "../support/tap.rs"]
mod tap;

mod alone;
mod disk;
mod full;
mod process;
mod sparing;
mod trouble;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use air::{Air, handle};
use bemo_sync::gatt::server::RequestError;
use lines::{Lines, Writer};
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tokio::time::sleep;
use tracing::Level;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::util::SubscriberInitExt;

/// A level from 0 to 100 that is kept, a key that only an encrypted link may see, and one that is not kept.
const LEVEL: &str = "uuid: FF01, access: [read, write], persist: true, \
    value: { type: u8, min: 0, max: 100, initial: 50 }";
const KEY: &str = "uuid: FF02, access: [read, write], persist: true, security: encrypted, \
    value: { type: utf8, max_length: 20 }";
/// The level, and nobody waits until it is kept.
fn promising_nothing() -> String {
    format!("ack: accepted, {LEVEL}")
}

const PASSING: &str = "uuid: FF03, access: [read, write], value: { type: u8 }";

/// A directory with what is kept in it, and what is said.
struct Bench {
    directory: TempDir,
    log: Arc<Lines>,
    _guard: DefaultGuard,
}

impl Bench {
    fn new() -> Self {
        let log = Arc::new(Lines::default());
        let writer = Writer(log.clone());
        let guard = tracing_subscriber::fmt()
            .with_max_level(Level::DEBUG)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish()
            .set_default();
        Self {
            directory: TempDir::new().unwrap(),
            log,
            _guard: guard,
        }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("kept.journal")
    }

    fn yaml(&self, characteristics: &[&str]) -> String {
        yaml(&self.file(), characteristics)
    }

    async fn start(&self, characteristics: &[&str]) -> Air {
        Air::of(&self.yaml(characteristics)).await
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    /// What the journal says is kept, by the UUIDs of service and characteristic.
    fn kept(&self) -> BTreeMap<String, String> {
        kept_in(&self.file())
    }

    /// How often the journal has been written.
    fn writes(&self) -> usize {
        self.log.count("written to")
    }

    fn warnings(&self) -> Vec<String> {
        let lines = self.log.all().into_iter();
        lines.filter(|line| line.contains("WARN")).collect()
    }

    /// The names of all files there are, but for the lock.
    fn names(&self) -> Vec<String> {
        names_in(self.directory.path())
    }
}

fn lines_of(file: &Path) -> Vec<Json> {
    let text = fs::read_to_string(file).unwrap();
    // Behind the checksum.
    let records = text.lines().map(|line| &line[9..]);
    records
        .map(|record| serde_json::from_str(record).unwrap())
        .collect()
}

fn kept_in(file: &Path) -> BTreeMap<String, String> {
    let mut kept = BTreeMap::new();
    for record in lines_of(file) {
        let Some(of) = record["of"].as_str() else {
            continue;
        };
        match (record["is"].as_str(), record["kept"].as_str()) {
            (_, Some(hex)) => drop(kept.insert(of.to_owned(), hex.to_owned())),
            (Some("value"), None) => drop(kept.remove(of)),
            (_, None) => {}
        }
    }
    kept
}

fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| !name.ends_with(".lock"))
        .collect();
    names.sort();
    names
}

fn yaml(file: &Path, characteristics: &[&str]) -> String {
    let mut yaml = format!(
        "version: 1\nble: {{ adapter: virtual }}\nstore: {{ file: {} }}\n\
        services:\n  - name: Service\n    uuid: FF00\n    characteristics:\n",
        file.display()
    );
    for (index, characteristic) in characteristics.iter().enumerate() {
        yaml.push_str(&format!(
            "      - {{ name: Value {index}, {characteristic} }}\n"
        ));
    }
    yaml
}

async fn write(air: &Air, uuid: &str, octets: &[u8]) {
    let central = air.central();
    central
        .secure(bemo_sync::gatt::SecurityLevel::Encrypted)
        .unwrap();
    central.write(handle(&central, uuid), octets).await.unwrap();
}

async fn try_write(air: &Air, uuid: &str, octets: &[u8]) -> Result<(), RequestError> {
    let central = air.central();
    central.write(handle(&central, uuid), octets).await
}

fn read(air: &Air, uuid: &str) -> Vec<u8> {
    let central = air.central();
    central
        .secure(bemo_sync::gatt::SecurityLevel::Encrypted)
        .unwrap();
    central.read(handle(&central, uuid)).unwrap()
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn what_is_kept_outlives_a_restart_and_comes_before_the_initial_value() {
    let bench = Bench::new();
    let all = [LEVEL, KEY, PASSING];
    let air = bench.start(&all).await;
    assert_eq!(read(&air, "FF01"), [50], "the first start");
    write(&air, "FF01", &[7]).await;
    write(&air, "FF02", b"geheim").await;
    write(&air, "FF03", &[9]).await;
    air.runtime.stop().await;
    let air = bench.start(&all).await;
    assert_eq!(read(&air, "FF01"), [7]);
    assert_eq!(read(&air, "FF02"), b"geheim");
    assert_eq!(read(&air, "FF03"), [0], "nobody keeps it");
    assert_eq!(bench.warnings(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_file_says_what_it_holds_and_only_its_user_can_read_it() {
    let bench = Bench::new();
    // However open what a killed process has left.
    fs::write(bench.directory.path().join("kept.journal.7-1.new"), "half").unwrap();
    let air = bench.start(&[LEVEL, KEY]).await;
    write(&air, "FF01", &[7]).await;
    air.runtime.stop().await;
    let expected = json!([
        { "is": "journal", "version": 1 },
        { "is": "value", "of": "0xFF00/0xFF01", "name": "Value 0", "kept": "32" },
        { "is": "value", "of": "0xFF00/0xFF02", "name": "Value 1", "kept": "" },
        { "is": "change", "of": "0xFF00/0xFF01", "kept": "07" },
    ]);
    assert_eq!(Json::from(lines_of(&bench.file())), expected);
    let mode = fs::metadata(bench.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(bench.names(), ["kept.journal"]);
}

#[tokio::test(start_paused = true)]
async fn a_second_after_a_change_it_is_kept_whatever_happens_to_the_process() {
    let bench = Bench::new();
    let air = bench.start(&[&promising_nothing()]).await;
    sleep(10 * SECOND).await;
    write(&air, "FF01", &[7]).await;
    sleep(SECOND + Duration::from_millis(100)).await;
    // The end comes without a word.
    drop(air);
    tokio::task::yield_now().await;
    let air = bench.start(&[LEVEL]).await;
    assert_eq!(read(&air, "FF01"), [7]);
}

/// It is gone with the process, and what it asked for would stand as what the owner has said.
#[tokio::test(start_paused = true)]
async fn what_a_remote_owner_is_only_asked_for_is_not_kept() {
    let bench = Bench::new();
    let remote = "uuid: FF01, access: [read, write], persist: true, ack: accepted, value: { type: u8 }, \
        mqtt: { owner: remote, state: s, command: c }";
    let yaml = format!(
        "{}mqtt: {{ broker: \"127.0.0.1:1\" }}\n",
        bench.yaml(&[remote])
    );
    let air = Air::of(&yaml).await;
    write(&air, "FF01", &[7]).await;
    assert_eq!(read(&air, "FF01"), [7], "until the owner has had its time");
    sleep(5 * SECOND).await;
    assert_eq!(bench.kept(), BTreeMap::new());
    air.runtime.stop().await;
    let air = Air::of(&yaml).await;
    let central = air.central();
    let refused = central.read(handle(&central, "FF01"));
    refused.expect_err("nobody knows");
}

/// Bytes, parts and words come back as they were, not only numbers.
#[tokio::test(start_paused = true)]
async fn values_of_every_kind_come_back() {
    let bench = Bench::new();
    let kinds = [
        ("{ type: bytes }", &[0, 255, 7][..]),
        ("{ type: f32 }", &[0, 0, 0xC0, 0x3F]),
        ("{ type: u16, unknown: 0xFFFF }", &[0xFF, 0xFF]),
        ("{ type: u8, enum: { off: 0, heat: 1 } }", &[1]),
        ("{ type: json }", b"{\"a\":[1,null]}"),
        ("{ type: array, items: { type: u16 } }", &[1, 0, 2, 0]),
        (
            "{ type: struct, fields: [{ name: hue, type: u8, scale: 0.5 }, { name: on, type: bool }] }",
            &[200, 1],
        ),
    ];
    let characteristics: Vec<String> = kinds
        .iter()
        .enumerate()
        .map(|(index, (value, _))| {
            format!("uuid: FF{index:02}, access: [read, write], persist: true, value: {value}")
        })
        .collect();
    let characteristics: Vec<&str> = characteristics.iter().map(String::as_str).collect();
    let air = bench.start(&characteristics).await;
    for (index, (_, octets)) in kinds.iter().enumerate() {
        write(&air, &format!("FF{index:02}"), octets).await;
    }
    air.runtime.stop().await;
    let air = bench.start(&characteristics).await;
    for (index, (value, octets)) in kinds.iter().enumerate() {
        assert_eq!(read(&air, &format!("FF{index:02}")), *octets, "{value}");
    }
    assert_eq!(bench.warnings(), [""; 0]);
}
