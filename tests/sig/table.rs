//! The table of names: all of it can be used, and whatever it takes comes back.

use std::collections::BTreeMap;

use bemo_sync::codec::{Spec, Value, att, json};
use bemo_sync::config::sig::{Attribute, characteristics};
use bemo_sync::gatt::assigned::{BtUuid, services, unit};
use serde_json::Value as Json;

use crate::{bytes, load_all, named, of_json};

#[test]
fn every_entry_resolves_to_its_number_and_its_official_name() {
    let mut numbers = BTreeMap::new();
    for (name, entry) in characteristics() {
        let characteristic = named(name);
        assert_eq!(characteristic.uuid, entry.uuid(), "{name}");
        assert_eq!(characteristic.name, entry.title(), "{name}");
        let short = entry.uuid().as_short();
        assert!(
            short.is_some_and(|it| (0x2A00..0x2D00).contains(&it)),
            "{name}"
        );
        assert!(!entry.source().is_empty(), "{name}: from where?");
        if let Some(other) = numbers.insert(entry.uuid(), name) {
            panic!("{name} and {other} have one number");
        }
    }
    assert!(numbers.len() >= 60, "only {}", numbers.len());
}

/// With the access that the name brings, which has to fit the value.
#[test]
fn every_entry_can_be_used_by_its_name_alone() {
    for (name, _) in characteristics() {
        let source = format!(
            "version: 1\nble: {{ adapter: virtual }}\nmqtt: {{}}\nservices:\n  - uuid: \
             device_information\n    characteristics:\n      - {{ uuid: {name}, mqtt: {{ state: \
             s, command: c }} }}\n"
        );
        if let Err(mistakes) = load_all(&source) {
            panic!("{name}: {mistakes}");
        }
    }
}

#[test]
fn a_name_is_no_number_and_no_number_a_name() {
    let kinds = [Attribute::Service, Attribute::Characteristic];
    for name in kinds.into_iter().flat_map(Attribute::names) {
        assert!(name.parse::<BtUuid>().is_err(), "{name}");
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        assert!(name.chars().all(is_word), "{name}");
    }
    assert!(services().count() >= 30);
}

#[test]
fn every_unit_of_the_table_is_one_of_assigned_numbers() {
    for (name, entry) in characteristics() {
        if let Some(word) = entry.unit() {
            let number = unit(word).unwrap_or_else(|| panic!("{name}: no unit `{word}`"));
            assert_eq!(named(name).presentation.unit, number, "{name}");
        }
    }
}

#[test]
fn the_neutral_value_of_every_entry_comes_back_from_the_air_and_from_json() {
    for (name, _) in characteristics() {
        let spec = named(name).spec;
        // Of a text that has to have a length, nobody can say what it is before somebody does.
        let neutral = match entry_length(name) {
            Some(length) => Value::Text(" ".repeat(length).into()),
            None => spec.neutral(),
        };
        let admitted = spec.admit(neutral);
        let admitted = admitted.unwrap_or_else(|violation| panic!("{name}: {violation:?}"));
        comes_back(name, &spec, &admitted.value);
    }
}

/// How many octets a text always has.
fn entry_length(name: &str) -> Option<usize> {
    name.strip_prefix("fixed_string_")?.parse().ok()
}

/// Octets that are near what the entry takes: its neutral ones, some of them changed, and more behind.
#[test]
fn any_bytes_that_an_entry_takes_come_back() {
    let mut random = fastrand::Rng::with_seed(6);
    for (name, _) in characteristics() {
        let spec = named(name).spec;
        let neutral = match entry_length(name) {
            Some(length) => vec![b'a'; length],
            None => bytes(&spec, &spec.neutral()),
        };
        let mut taken = 0;
        for _ in 0..64 {
            let mut octets: Vec<u8> = neutral.clone();
            octets.extend((0..40).map(|_| random.u8(..)));
            for _ in 0..random.usize(0..3) {
                let place = random.usize(0..octets.len().min(neutral.len() + 4));
                octets[place] = random.u8(..);
            }
            for length in 0..=octets.len() {
                if let Ok(value) = att::decode(&spec, &octets[..length])
                    && let Ok(admitted) = spec.admit(value)
                {
                    taken += 1;
                    comes_back(name, &spec, &admitted.value);
                }
            }
        }
        assert!(taken >= 8, "{name} took {taken} of them");
    }
}

fn comes_back(name: &str, spec: &Spec, value: &Value) {
    let octets = bytes(spec, value);
    let back = att::decode(spec, &octets);
    let back = back.unwrap_or_else(|violation| panic!("{name}: {octets:02x?}: {violation:?}"));
    assert_eq!(back, *value, "{name}: {octets:02x?}");
    let shown = json::to_json(spec, value);
    // Of several fields that are not known, JSON does not say which of them are there.
    if !(shown.is_object() && holds_null(&shown)) {
        let back = of_json(spec, &shown);
        assert!(
            spec.same(&back, value),
            "{name}: {shown} is {back}, not {value}"
        );
    }
}

fn holds_null(json: &Json) -> bool {
    match json {
        Json::Null => true,
        Json::Array(items) => items.iter().any(holds_null),
        Json::Object(entries) => entries.values().any(holds_null),
        Json::Bool(_) | Json::Number(_) | Json::String(_) => false,
    }
}
