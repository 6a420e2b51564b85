//! The bytes of a journal: what is read is what was written on some line that fits its checksum, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use bemo_sync::codec::json;
use bemo_sync::config::{Placeholders, load_str};
use bemo_sync::gatt::server::GattServer;
use bemo_sync::gatt::{SecurityLevel, Service};
use bemo_sync::plugins::store;
use bemo_sync::runtime::Runtime;
use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket};
use serde_json::Value as Json;

use super::world::{assert_valid, characteristics, encode, kept};

const CONFIGURATION: &str = include_str!("journal.yaml");

pub fn run(bytes: &[u8]) {
    let written = written(bytes);
    let Ok(anew) = store::written_anew(bytes) else {
        return;
    };
    assert!(
        anew.len() <= 4 * bytes.len() + 64,
        "{} bytes of {}",
        anew.len(),
        bytes.len()
    );
    let again = store::written_anew(anew.as_bytes());
    assert_eq!(again.as_deref(), Ok(&*anew));
    for (of, texts) in self::written(anew.as_bytes()) {
        let known = written.get(&of);
        let known = known.unwrap_or_else(|| panic!("nothing was written of {of}"));
        let invented: Vec<_> = texts.difference(known).collect();
        assert!(
            invented.is_empty(),
            "{invented:?} was never written of {of}"
        );
    }
    // Only of these is there anything that a start could make something of.
    if written.keys().any(|of| of.starts_with("0000ff00-")) {
        starts(bytes, &written);
    }
}

/// What lines with a fitting checksum say of each value, in hexadecimal digits. It reads them in a way of its own.
fn written(bytes: &[u8]) -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let Some((checksum, [b' ', json @ ..])) = line.split_at_checked(8) else {
            continue;
        };
        let checksum = str::from_utf8(checksum)
            .ok()
            .and_then(|it| u32::from_str_radix(it, 16).ok());
        if checksum != Some(crc(json)) {
            continue;
        }
        let Ok(Json::Object(record)) = serde_json::from_slice(json) else {
            continue;
        };
        let Some(Json::String(of)) = record.get("of") else {
            continue;
        };
        let texts = all.entry(of.clone()).or_default();
        for key in ["kept", "owed"] {
            record
                .get(key)
                .into_iter()
                .for_each(|it| texts_of(it, texts));
        }
    }
    all.retain(|_, texts| !texts.is_empty());
    all
}

fn texts_of(json: &Json, texts: &mut BTreeSet<String>) {
    match json {
        Json::String(text) => drop(texts.insert(text.clone())),
        Json::Array(items) => items.iter().for_each(|item| texts_of(item, texts)),
        Json::Object(entries) => entries.values().for_each(|item| texts_of(item, texts)),
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

/// CRC-32 as in Ethernet and gzip, bit by bit.
pub fn crc(bytes: &[u8]) -> u32 {
    let one = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| match crc & 1 {
            1 => crc >> 1 ^ 0xEDB8_8320,
            _ => crc >> 1,
        })
    };
    !bytes.iter().fold(!0, one)
}

/// A start with this journal: each value is what was written or what it is without one, and after another start too.
fn starts(bytes: &[u8], written: &BTreeMap<String, BTreeSet<String>>) {
    let folder = tempfile::tempdir_in(memory()).expect("a folder");
    let file = folder.path().join("journal");
    let without = start(folder.path());
    fs::write(&file, bytes).expect("it can be written");
    let with = start(folder.path());
    for (before, after) in without.iter().zip(&with) {
        let Some(octets) = &after.octets else {
            continue;
        };
        let value = assert_valid(&after.spec, octets);
        let spec = &after.spec;
        let known = written
            .get(&after.of)
            .into_iter()
            .flatten()
            .filter_map(|hex| json::from_hex(hex));
        let mut known = known
            .filter_map(|octets| kept(spec, &octets))
            .map(|it| encode(spec, &it));
        let is_known = before.octets == after.octets || known.any(|it| it == *octets);
        assert!(
            is_known,
            "{} is {value}, which nobody has written",
            after.of
        );
    }
    if let Ok(left) = fs::read(&file) {
        store::written_anew(&left).expect("what is left is a journal");
    }
    let again = start(folder.path());
    for (one, other) in with.iter().zip(&again) {
        assert_eq!(one.octets, other.octets, "{} after another start", one.of);
    }
}

struct Begun {
    of: String,
    spec: bemo_sync::codec::Spec,
    octets: Option<Vec<u8>>,
}

/// What the values begin with.
fn start(folder: &Path) -> Vec<Begun> {
    let source = CONFIGURATION.replace("NOWHERE", &NOWHERE.1.to_string());
    let source = source.replace("FILE", &folder.join("journal").display().to_string());
    let nothing = |_: &str| None;
    let path = folder.join("fuzz.yaml");
    let loaded = load_str(&path, &source, &nothing, Placeholders::new(Vec::new()));
    let plan = loaded.unwrap_or_else(|mistakes| panic!("{mistakes}")).plan;
    let services = plan.services.clone();
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    tokio.expect("a runtime can be built").block_on(async {
        let runtime = Runtime::start(plan);
        let server = runtime.offered::<GattServer>().await;
        let central = server.connect();
        central.exchange_mtu(517).expect("it is connected");
        central
            .secure(SecurityLevel::Authenticated)
            .expect("it is connected");
        let keys = keys(&services);
        let all = characteristics(&central, &services).into_iter().zip(keys);
        let begun = all.map(|((handle, it), of)| Begun {
            of,
            spec: it.spec,
            octets: central.read_long(handle).ok(),
        });
        let begun = begun.collect();
        runtime.stop().await;
        begun
    })
}

/// As the journal calls them.
fn keys(services: &[Service]) -> Vec<String> {
    let of = |service: &Service| {
        let all = service.characteristics.iter();
        all.map(|it| format!("{}/{}", service.uuid, it.uuid))
            .collect::<Vec<_>>()
    };
    services.iter().flat_map(of).collect()
}

fn memory() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    match memory.is_dir() {
        true => memory,
        false => std::env::temp_dir(),
    }
}

/// A port that is ours and where nobody answers.
static NOWHERE: LazyLock<(OwnedFd, u16)> = LazyLock::new(|| {
    let ours = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    bind(&ours, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = getsockname(&ours).expect("it is bound");
    let address = SocketAddrV4::try_from(address).expect("it is an IPv4 address");
    (ours, address.port())
});
