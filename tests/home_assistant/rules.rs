//! Every document, held against the rules of Home Assistant's own.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use bemo_sync::docs::discovery;
use bemo_sync::plugins::mqtt::config::home_assistant::ComponentConfig;
use bemo_sync::plugins::mqtt::home_assistant::{classes, units};
use serde_json::{Value as Json, json};

use super::bemo::plan;
use super::{configurations, installed, told};

fn validate(python: &Path, documents: &[(String, Json)]) -> Output {
    let directory = tempfile::tempdir().expect("a directory");
    let paths = documents.iter().map(|(name, document)| {
        let path = directory.path().join(format!("{name}.json"));
        fs::write(&path, document.to_string()).expect("a file");
        path
    });
    let paths: Vec<_> = paths.collect();
    Command::new(python)
        .arg("tests/home_assistant/validate.py")
        .args(paths)
        .output()
        .expect("it is installed")
}

fn by_topic(yaml: &str) -> Json {
    let all = discovery(&plan(yaml)).into_iter();
    all.map(|it| (it.topic, it.document)).collect()
}

/// All that can become something: every type, every way of a topic, every component that can be asked for.
fn everything() -> String {
    let mut yaml = "version: 1\nmqtt:\n  client_id: every.thing\n  home_assistant:\n    { area: Hall, manufacturer: M, model: X }\n\
        services:\n  - name: S\n    uuid: 180F\n    characteristics:\n"
        .to_owned();
    let values = [
        "{ type: u8 }",
        "{ type: i16, scale: { by: 0.01, offset: -40 }, unknown: -32768, unit: celsius }",
        "{ type: u64 }",
        "{ type: f32 }",
        "{ type: sfloat, scale: { decimals: 1 }, unit: pascal }",
        "{ type: bool }",
        "{ type: bool, enum: { \"YES\": true, \"NO\": false } }",
        "{ type: u8, enum: { a: 0, \"b c\": 1 } }",
        "{ type: u8, allowed: [1, 2] }",
        "{ type: u8, allowed: [1] }",
        "{ type: utf8, max_length: 400, pattern: \"a|^$\" }",
        "{ type: utf8, allowed: [\"it's\", \"{{ so }}\"] }",
        "{ type: bytes, max_length: 500 }",
        "{ type: u8, flags: { open: 0, alarm: 7 } }",
        "{ type: struct, fields: [{ name: a, type: u8, unit: percentage }, { name: b, type: bool }] }",
    ];
    let ways = [
        "state: \"s/N\", command: \"c/N\"",
        "state: \"s/N\"",
        "command: \"c/N\"",
        "owner: remote, state: \"s/N\", command: \"c/N\", valid_for: 90s",
        "owner: remote, state: \"s/N\", format: text, valid_for: 10ms",
        "state: \"s/N\", command: \"c/N\", payload: { \"a{{b\": { values: [1, $value] } }",
    ];
    let mut number = 0;
    for value in values {
        for way in ways {
            number += 1;
            let way = way.replace('N', &number.to_string());
            let access = match way.contains("command") || !way.contains("remote") {
                true => "read, write",
                false => "read",
            };
            let every = if number % 2 == 0 {
                ", delivery: { every: 4 }"
            } else {
                ""
            };
            yaml.push_str(&format!(
                "      - {{ name: V{number}, uuid: {:04x}, access: [{access}], value: {value}{every}, \
                 mqtt: {{ {way} }} }}\n",
                0xA000 + number
            ));
        }
    }
    yaml
}

#[test]
fn home_assistant_finds_no_error() {
    let Some(python) = installed() else { return };
    let mut documents: Vec<(String, Json)> = configurations()
        .iter()
        .filter_map(|path| path.to_str())
        .map(|path| (path.replace('/', "."), by_topic(&told(path, 1883))))
        .collect();
    documents.push(("everything".to_owned(), by_topic(&everything())));
    let output = validate(&python, &documents);
    let said = String::from_utf8_lossy(&output.stdout);
    let trouble = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{trouble}");
    assert_eq!(said.lines().count(), documents.len(), "{said}{trouble}");
}

/// It would find one.
#[test]
fn home_assistant_finds_what_is_wrong() {
    let Some(python) = installed() else { return };
    let right = by_topic(&told("services.yaml", 1883));
    let (topic, document) = right
        .as_object()
        .and_then(|it| it.iter().next())
        .expect("one");
    let key = document["cmps"].as_object().and_then(|it| it.keys().next());
    let key = key.expect("one").clone();
    let break_it = |how: &dyn Fn(&mut Json)| {
        let mut document = document.clone();
        how(&mut document);
        json!({ topic: document })
    };
    let wrong = [
        ("no_origin", break_it(&|it| it["o"] = json!({}))),
        ("no_device", break_it(&|it| it["dev"]["ids"] = json!([]))),
        (
            "unknown_key",
            break_it(&|it| it["cmps"][&key]["collor"] = json!(1)),
        ),
        (
            "no_unique_id",
            break_it(&|it| it["cmps"][&key]["uniq_id"] = Json::Null),
        ),
        (
            "no_platform",
            break_it(&|it| it["cmps"][&key]["p"] = json!("nonsense")),
        ),
        (
            "turned",
            break_it(&|it| it["cmps"][&key]["max"] = json!(-1)),
        ),
        (
            "no_template",
            break_it(&|it| it["cmps"][&key]["val_tpl"] = json!("{{ value")),
        ),
        (
            "wildcard",
            break_it(&|it| it["cmps"][&key]["cmd_t"] = json!("a/#")),
        ),
        (
            "topic",
            json!({ "homeassistant/device/a.b/config": document }),
        ),
    ];
    let wrong = wrong.map(|(name, document)| (name.to_owned(), document));
    let output = validate(&python, &wrong);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let trouble = String::from_utf8_lossy(&output.stderr);
    for (name, _) in wrong {
        assert!(
            trouble.contains(&format!("/{name}.json: ")),
            "{name}: {trouble}"
        );
    }
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
}

/// What may be written in the YAML is what Home Assistant knows, and the units go with their classes.
#[test]
fn the_classes_and_the_units_are_those_of_home_assistant() {
    let Some(python) = installed() else { return };
    let script = "
import json
from importlib import import_module as get
from homeassistant.components.sensor.const import DEVICE_CLASS_UNITS
names = {'sensor': 'SensorDeviceClass', 'number': 'NumberDeviceClass', 'binary_sensor': 'BinarySensorDeviceClass',
    'switch': 'SwitchDeviceClass', 'button': 'ButtonDeviceClass', 'event': 'EventDeviceClass'}
classes = {name: sorted(it.value for it in getattr(get('homeassistant.components.' + name), of))
    for name, of in names.items()}
units = {str(name): [unit and str(unit) for unit in units] for name, units in DEVICE_CLASS_UNITS.items()}
print(json.dumps({'classes': classes, 'units': units}))";
    let output = Command::new(python)
        .args(["-c", script])
        .output()
        .expect("it runs");
    let known: Json = serde_json::from_slice(&output.stdout).expect("it answers");
    for component in [
        ComponentConfig::Sensor,
        ComponentConfig::Number,
        ComponentConfig::BinarySensor,
        ComponentConfig::Switch,
        ComponentConfig::Button,
        ComponentConfig::Event,
    ] {
        let mut here = classes::known(component);
        here.sort_unstable();
        assert_eq!(json!(here), known["classes"][component.word()]);
    }
    for (unit, class) in units::units() {
        let Some(class) = class else { continue };
        let all = known["units"][class].as_array().expect("it has units");
        assert!(all.contains(&json!(unit)), "{class} in {unit}: {all:?}");
    }
}
