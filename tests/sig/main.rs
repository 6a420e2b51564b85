//! The characteristics and services of the Bluetooth SIG by name: what a name brings, what stands
//! beside it, and that the bytes are those of the specifications.

mod beside_a_name;
mod on_the_air;
mod page;
mod table;

use std::path::Path;

use bemo_sync::codec::{Spec, Value, att, json};
use bemo_sync::config::{Loaded, Placeholders, load_str};
use bemo_sync::gatt::Characteristic;
use serde_json::Value as Json;

/// A configuration with one characteristic, `{…}`.
fn load(characteristic: &str) -> Result<Loaded, String> {
    let source = format!(
        "version: 1\nble: {{ adapter: virtual }}\nservices:\n  - name: S\n    uuid: 180A\n    \
         characteristics:\n      - {characteristic}\n"
    );
    load_all(&source)
}

fn load_all(source: &str) -> Result<Loaded, String> {
    let host = Placeholders::new(vec![
        ("hostname", "raspberrypi".to_owned()),
        ("machine_id", "0123456789abcdef0123456789abcdef".to_owned()),
    ]);
    let loaded = load_str(Path::new("sig.yaml"), source, &|_| None, host);
    loaded.map_err(|mistakes| mistakes.to_string())
}

/// The one characteristic of a configuration, or the mistakes.
fn resolved(characteristic: &str) -> Characteristic {
    let loaded = load(characteristic).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    loaded.plan.services[0].characteristics[0].clone()
}

/// A characteristic with all that its name brings, but the access: nothing feeds it here.
fn named(name: &str) -> Characteristic {
    resolved(&format!("{{ uuid: {name}, access: [read] }}"))
}

fn bytes(spec: &Spec, value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    att::encode(spec, value, &mut out);
    out
}

/// The value that JSON stands for, as it is kept.
fn of_json(spec: &Spec, json: &Json) -> Value {
    let patch = json::read(spec, json).unwrap_or_else(|violation| panic!("{json}: {violation:?}"));
    let admitted = spec.admit(spec.merge(None, patch));
    admitted
        .unwrap_or_else(|violation| panic!("{json}: {violation:?}"))
        .value
}
