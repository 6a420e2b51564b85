//! What is counted, as a scraper reads it.

use std::collections::BTreeMap;

use bemo_sync::metrics::{BUCKETS, render};
use bemo_sync::plugin::Kind;

use super::bemo::Bemo;
use super::mosquitto::Mosquitto;
use super::tap::Tap;
use super::watcher::{Watcher, arrived};
use super::{NUMBER, at, handle, wait, yaml};

/// By name and labels as they are written.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        (name.to_owned(), value.parse().unwrap())
    };
    let samples: Vec<(String, f64)> = lines.map(sample).collect();
    let count = samples.len();
    let samples = BTreeMap::from_iter(samples);
    assert_eq!(samples.len(), count, "a sample is there twice");
    samples
}

#[test]
fn what_happens_is_counted_by_link_and_value() {
    let broker = Mosquitto::start();
    let bemo = Bemo::connected(&yaml(&at(broker.port), &[NUMBER]));
    let mut tap = Tap::connect(broker.port, "tap");
    broker.log.wait_for("Sending SUBACK to bemo");
    let observer = bemo.port().observer();
    let central = bemo.central();
    let number = handle(&central, "FF01");
    let mut watcher = Watcher::of(&observer);
    for octet in [2, 3] {
        wait(central.write(number, &[octet])).unwrap();
        watcher.until(arrived("mqtt"));
    }
    // It is safe already, and nobody has to hear of it.
    wait(central.write(number, &[3])).unwrap();
    wait(central.write(number, &[201])).unwrap_err();
    tap.publish("number/set", "{\"number\": 4}");
    watcher.until(arrived("mqtt"));
    for wrong in ["{\"number\": 300}", "nonsense"] {
        tap.publish("number/set", wrong);
        watcher
            .until(|step| matches!(step.kind, Kind::Refused { .. }) && step.link == Some("mqtt"));
    }
    let text = render(&observer.snapshot());
    let samples = samples(&text);
    let at = |name: &str| samples.get(&format!("bemo_sync_{name}")).copied();
    assert_eq!(
        at("changes_total{link=\"ble\",value=\"Number\"}"),
        Some(2.0),
        "{text}"
    );
    assert_eq!(
        at("unchanged_total{link=\"ble\",value=\"Number\"}"),
        Some(1.0)
    );
    assert_eq!(
        at("changes_total{link=\"mqtt\",value=\"Number\"}"),
        Some(1.0)
    );
    let refused = |link, cause| {
        at(&format!(
            "rejections_total{{link=\"{link}\",value=\"Number\",cause=\"{cause}\"}}"
        ))
    };
    assert_eq!(refused("ble", "out_of_range"), Some(1.0), "{text}");
    assert_eq!(refused("mqtt", "out_of_range"), Some(1.0));
    assert_eq!(refused("mqtt", "malformed_json"), Some(1.0));
    assert_eq!(at("link_up{link=\"mqtt\"}"), Some(1.0));
    assert_eq!(at("centrals"), Some(1.0));
    // Those that were accepted.
    assert_eq!(
        at("att_write_seconds_count{link=\"ble\"}"),
        Some(3.0),
        "{text}"
    );
    let delivered = at("delivery_seconds_count{link=\"mqtt\"}").unwrap();
    assert_eq!(delivered, 3.0, "{text}");
}

#[test]
fn the_buckets_of_a_histogram_hold_all_that_is_not_longer() {
    let bemo = Bemo::start(&yaml(
        "",
        &["name: Value, access: [read, write, notify], value: { type: u8 }"],
    ));
    let central = bemo.central();
    for octet in 0..50 {
        wait(central.write(handle(&central, "FF01"), &[octet])).unwrap();
    }
    let text = render(&bemo.port().observer().snapshot());
    let samples = samples(&text);
    for family in ["att_write_seconds", "delivery_seconds"] {
        let bucket = |limit: &str| {
            let name = format!("bemo_sync_{family}_bucket{{link=\"ble\",le=\"{limit}\"}}");
            samples
                .get(&name)
                .copied()
                .unwrap_or_else(|| panic!("{name} in {text}"))
        };
        let limits = BUCKETS.iter().map(|limit| limit.as_secs_f64().to_string());
        let counts: Vec<f64> = limits
            .map(|limit| bucket(&limit))
            .chain([bucket("+Inf")])
            .collect();
        assert!(counts.is_sorted(), "{counts:?}");
        let count = samples[&format!("bemo_sync_{family}_count{{link=\"ble\"}}")];
        assert_eq!(counts.last(), Some(&count));
    }
}

/// As the exposition format wants it: each family once, HELP and TYPE before its samples, and no label that
/// somebody outside could make more of.
#[test]
fn every_sample_belongs_to_a_family_that_is_explained() {
    let bemo = Bemo::start(&yaml(
        "",
        &["name: 'Odd \"name\\x', access: [read, write, notify], value: { type: u8 }"],
    ));
    let central = bemo.central();
    wait(central.write(handle(&central, "FF01"), &[1, 2])).unwrap_err();
    let text = render(&bemo.port().observer().snapshot());
    assert!(text.contains(r#"value="Odd \"name\\x"#), "{text}");
    assert!(!text.contains(central.address()), "{text}");
    let mut families = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let help = line
            .strip_prefix("# HELP ")
            .unwrap_or_else(|| panic!("{line}"));
        let (family, _) = help.split_once(' ').unwrap();
        let kind = lines
            .next()
            .unwrap()
            .strip_prefix(&format!("# TYPE {family} "))
            .unwrap();
        assert_eq!(family.ends_with("_total"), kind == "counter", "{family}");
        while let Some(sample) = lines.next_if(|line| !line.starts_with('#')) {
            let name = sample.split(['{', ' ']).next().unwrap();
            let suffix = name
                .strip_prefix(family)
                .unwrap_or_else(|| panic!("{sample}"));
            assert!(suffix.is_empty() || kind == "histogram", "{sample}");
            for label in sample.split(['{', ',']).skip(1) {
                let known = ["link=", "value=", "cause=", "le=", "state=", "version="];
                assert!(known.iter().any(|it| label.starts_with(it)), "{sample}");
            }
        }
        assert!(!families.contains(&family), "{family} twice");
        families.push(family);
    }
    assert!(families.len() > 15, "{families:?}");
}
