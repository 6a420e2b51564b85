use std::path::Path;

use super::super::InKernel;
use super::*;
use crate::config::{Placeholders, load_str};
use crate::gatt::advertising::Advertisement;
use crate::gatt::pairing::Pairing;

/// The services that this makes: characteristics as YAML.
fn services(characteristics: &str) -> Vec<Service> {
    let source = format!(
        "version: 1\nble: {{}}\nservices:\n- {{ name: S, uuid: FF00, characteristics: [{characteristics}] }}\n"
    );
    let host = Placeholders::new(Vec::new());
    let loaded = load_str(Path::new("test.yaml"), &source, &|_| None, host);
    let loaded = loaded.unwrap_or_else(|mistakes| panic!("{mistakes}"));
    loaded.plan.services
}

fn readable() -> Vec<Service> {
    services("{ name: C, uuid: FF01, access: [read], value: { type: u8, constant: 1 } }")
}

fn peripheral(adapter: AdapterChoice) -> Peripheral {
    Peripheral {
        adapter,
        advertisement: Advertisement::default(),
        pairing: Pairing::default(),
    }
}

/// A machine on which all is well.
fn well() -> Facts {
    Facts {
        kernel: vec![InKernel {
            name: "hci0".to_owned(),
            is_blocked: false,
        }],
        is_running: true,
        adapters: vec![Shown {
            name: "hci0".to_owned(),
            address: "AA:BB:CC:DD:EE:FF".to_owned(),
            is_powered: true,
            version: Some(0x0552),
            roles: Some(vec!["central".to_owned(), "peripheral".to_owned()]),
            advertising: Some((0, 5)),
            has_gatt: true,
            may_serve: Permission::Granted,
            may_advertise: Permission::Granted,
        }],
        ..Facts::default()
    }
}

fn worst(findings: &[Finding]) -> &Finding {
    let worst = findings.iter().max_by_key(|it| it.level);
    worst.expect("something is always found")
}

#[test]
fn a_machine_on_which_all_is_well_is_healthy() {
    let mac = "aa:bb:cc:dd:ee:ff".parse().expect("an address");
    for choice in [
        AdapterChoice::Auto,
        AdapterChoice::Named("hci0".to_owned()),
        AdapterChoice::At(mac),
    ] {
        let found = judge(&peripheral(choice), &readable(), &well());
        assert!(found.iter().all(|it| it.level == Level::Ok), "{found:#?}");
        assert_eq!(found.len(), 8, "{found:#?}");
        assert!(found.iter().any(|it| it.says == "BlueZ 5.82 runs"));
    }
}

#[test]
fn each_thing_that_is_wrong_is_said_with_a_remedy() {
    type Break = fn(&mut Facts);
    let breaks: [(&str, Level, Break, &str); 13] = [
        (
            "d-bus",
            Level::Fail,
            |it| it.no_bus = Some("no socket".into()),
            "no socket",
        ),
        (
            "bluez",
            Level::Fail,
            |it| it.is_running = false,
            "does not run",
        ),
        (
            "permission",
            Level::Fail,
            |it| it.no_objects = Some("denied".into()),
            "denied",
        ),
        (
            "adapter",
            Level::Fail,
            |it| it.adapters.clear(),
            "does not show it",
        ),
        (
            "power",
            Level::Fail,
            |it| {
                it.adapters[0].is_powered = false;
                it.kernel[0].is_blocked = true;
            },
            "flight mode",
        ),
        (
            "peripheral-role",
            Level::Fail,
            |it| {
                it.adapters[0].roles = Some(vec!["central".into()]);
            },
            "cannot be a peripheral",
        ),
        (
            "peripheral-role",
            Level::Fail,
            |it| it.adapters[0].has_gatt = false,
            "cannot be",
        ),
        (
            "advertising",
            Level::Warn,
            |it| it.adapters[0].advertising = Some((5, 0)),
            "taken",
        ),
        (
            "advertising",
            Level::Fail,
            |it| it.adapters[0].advertising = None,
            "cannot advertise",
        ),
        (
            "permission",
            Level::Fail,
            |it| {
                it.adapters[0].may_serve = Permission::Denied;
            },
            "show services",
        ),
        (
            "permission",
            Level::Fail,
            |it| {
                it.adapters[0].may_advertise = Permission::Denied;
            },
            "advertise",
        ),
        (
            "permission",
            Level::Skipped,
            |it| {
                it.adapters[0].may_advertise = Permission::Unknown;
            },
            "cannot be told",
        ),
        (
            "traps",
            Level::Skipped,
            |it| it.adapters[0].version = None,
            "without a version",
        ),
    ];
    for (check, level, breaks, says) in breaks {
        let mut facts = well();
        breaks(&mut facts);
        let found = judge(&peripheral(AdapterChoice::Auto), &readable(), &facts);
        let found = found
            .iter()
            .find(|it| it.check == check && it.level == level);
        let found = found.unwrap_or_else(|| panic!("no {level:?} for {check}, {says}"));
        assert!(found.says.contains(says), "{found:?}");
        assert_eq!(found.fix.is_some(), level != Level::Skipped, "{found:?}");
    }
}

#[test]
fn without_any_adapter_it_is_worth_a_warning_where_any_is_right() {
    let breaks: [fn(&mut Facts); 3] = [
        |it| it.no_bus = Some("no socket".into()),
        |it| it.is_running = false,
        |_| {},
    ];
    for breaks in breaks {
        let mut facts = well();
        breaks(&mut facts);
        facts.kernel.clear();
        facts.adapters.clear();
        let found = judge(&peripheral(AdapterChoice::Auto), &readable(), &facts);
        assert_eq!(worst(&found).level, Level::Warn, "{found:#?}");
        let named = peripheral(AdapterChoice::Named("hci1".to_owned()));
        let found = judge(&named, &readable(), &facts);
        assert_eq!(worst(&found).level, Level::Fail, "{found:#?}");
    }
}

#[test]
fn an_adapter_that_is_not_there_is_told_with_those_that_are() {
    let named = peripheral(AdapterChoice::Named("hci7".to_owned()));
    let found = judge(&named, &readable(), &well());
    let says = &worst(&found).says;
    assert!(
        says.contains("hci7 is not there; there is hci0 (AA:BB:CC:DD:EE:FF)"),
        "{says}"
    );
}

#[test]
fn an_adapter_that_is_off_is_no_mistake() {
    let mut facts = well();
    let adapter = &mut facts.adapters[0];
    (adapter.is_powered, adapter.advertising, adapter.roles) = (false, None, None);
    adapter.has_gatt = false;
    let found = judge(&peripheral(AdapterChoice::Auto), &readable(), &facts);
    assert_eq!(worst(&found).level, Level::Skipped, "{found:#?}");
}

#[test]
fn a_trap_is_told_where_the_version_has_it_and_the_declaration_meets_it() {
    let told = |version: u32, services: &[Service], interval: bool| {
        let mut facts = well();
        facts.adapters[0].version = Some(version);
        let mut peripheral = peripheral(AdapterChoice::Auto);
        if interval {
            let ms = std::time::Duration::from_millis(100);
            peripheral.advertisement.interval = Some((ms, ms));
        }
        let found = judge(&peripheral, services, &facts);
        let traps = found.into_iter().filter(|it| it.check == "traps");
        let mut levels: Vec<Level> = traps.map(|it| it.level).collect();
        levels.sort_unstable();
        levels
    };
    let plain = readable();
    let notified = services(
        "{ name: C, uuid: FF01, access: [read, notify], source: { ticker: { every: 1s, step: 1 } }, value: { type: u8, initial: 1 } }",
    );
    let written = services(
        "{ name: C, uuid: FF01, access: [write, notify], value: { type: u8, initial: 1 } }",
    );
    let guarded = services(
        "{ name: C, uuid: FF01, access: [write, notify], security: encrypted, value: { type: u8, initial: 1 } }",
    );
    let (nothing, one) = (vec![Level::Ok], vec![Level::Ok]);
    assert_eq!(told(0x0542, &plain, false), nothing);
    assert_eq!(
        told(0x0542, &plain, true),
        [Level::Warn],
        "5.66 passes over intervals"
    );
    assert_eq!(told(0x054E, &plain, true), nothing, "5.78 does not");
    assert_eq!(told(0x0544, &notified, false), one, "one is told of");
    assert_eq!(told(0x0542, &written, false), [Level::Ok, Level::Ok]);
    assert_eq!(
        told(0x054C, &written, false),
        nothing,
        "5.76 tells writers apart"
    );
    assert_eq!(told(0x0537, &guarded, false).last(), Some(&Level::Fail));
    assert_ne!(told(0x0538, &guarded, false).last(), Some(&Level::Fail));
}
