//! Pure: what the answers mean, and what to do about them.

use super::traps::{Declared, met};
use super::{Facts, Permission, Shown};
use crate::gatt::Service;
use crate::gatt::section::{AdapterChoice, Peripheral};
use crate::plugin::{Finding, Level};

const BUS: &str = "d-bus";
const BLUEZ: &str = "bluez";
const ADAPTER: &str = "adapter";
const POWER: &str = "power";
const ROLE: &str = "peripheral-role";
const ADVERTISING: &str = "advertising";
const PERMISSION: &str = "permission";

pub(super) fn judge(peripheral: &Peripheral, services: &[Service], facts: &Facts) -> Vec<Finding> {
    // Where any adapter is right and there is none, a virtual one serves.
    let is_needed = peripheral.adapter != AdapterChoice::Auto || !facts.kernel.is_empty();
    let level = if is_needed { Level::Fail } else { Level::Warn };
    let mut findings = Vec::new();
    if let Some(problem) = &facts.no_bus {
        let says = format!("the system bus cannot be reached, and BlueZ with it: {problem}");
        let fix = "sudo apt install dbus bluez; sudo systemctl enable --now dbus bluetooth";
        findings.push(Finding::new(BUS, level, says).fix(fix));
        findings.push(no_adapter(peripheral, facts, level));
        return findings;
    }
    findings.push(Finding::ok(BUS, "the system bus answers"));
    if !facts.is_running {
        let says = "bluetoothd, the Bluetooth service, does not run";
        let fix = "sudo apt install bluez; sudo systemctl enable --now bluetooth";
        findings.push(Finding::new(BLUEZ, level, says).fix(fix));
        findings.push(no_adapter(peripheral, facts, level));
        return findings;
    }
    if let Some(problem) = &facts.no_objects {
        let says = format!("bluetoothd does not say which adapters it has: {problem}");
        findings.push(Finding::new(PERMISSION, level, says).fix(let_us()));
        return findings;
    }
    let Some(adapter) = chosen(&peripheral.adapter, &facts.adapters) else {
        findings.push(Finding::ok(BLUEZ, "bluetoothd runs"));
        findings.push(no_adapter(peripheral, facts, level));
        return findings;
    };
    findings.push(bluez(adapter));
    let (name, address) = (&adapter.name, &adapter.address);
    findings.push(Finding::ok(ADAPTER, format!("{name}, {address}")));
    findings.push(power(adapter, facts));
    findings.push(role(adapter));
    findings.push(advertising(adapter));
    findings.push(permission(adapter));
    let declared = Declared {
        peripheral,
        services,
    };
    findings.extend(traps(adapter, &declared));
    findings
}

/// The one that is meant.
fn chosen<'a>(choice: &AdapterChoice, adapters: &'a [Shown]) -> Option<&'a Shown> {
    match choice {
        AdapterChoice::Auto | AdapterChoice::Virtual => adapters.first(),
        AdapterChoice::Named(name) => adapters.iter().find(|it| it.name == *name),
        AdapterChoice::At(address) => {
            let address = address.to_string();
            adapters
                .iter()
                .find(|it| it.address.eq_ignore_ascii_case(&address))
        }
    }
}

fn no_adapter(peripheral: &Peripheral, facts: &Facts, level: Level) -> Finding {
    let (wanted, is_in_kernel) = match &peripheral.adapter {
        AdapterChoice::Auto | AdapterChoice::Virtual => {
            ("any adapter".to_owned(), !facts.kernel.is_empty())
        }
        AdapterChoice::Named(name) => {
            let is_there = facts.kernel.iter().any(|it| it.name == *name);
            (format!("the adapter {name}"), is_there)
        }
        AdapterChoice::At(address) => (format!("the adapter {address}"), false),
    };
    if level == Level::Warn {
        let says = "this machine has no Bluetooth adapter: a virtual one serves, and nothing is on the air";
        let fix = "plug one in; on a Raspberry Pi: remove `dtoverlay=disable-bt` from /boot/firmware/config.txt";
        return Finding::warn(ADAPTER, says).fix(fix);
    }
    match is_in_kernel {
        true => {
            let says = format!("the kernel has {wanted}, and bluetoothd does not show it");
            let fix = "sudo systemctl restart bluetooth; journalctl -u bluetooth -e";
            Finding::fail(ADAPTER, says).fix(fix)
        }
        false => {
            let shown: Vec<String> = facts
                .adapters
                .iter()
                .map(|it| format!("{} ({})", it.name, it.address))
                .collect();
            let there = match shown.as_slice() {
                [] => "there is none".to_owned(),
                shown => format!("there is {}", shown.join(", ")),
            };
            let says = format!("{wanted} is not there; {there}");
            Finding::fail(ADAPTER, says).fix("bluetoothctl list; or write `adapter: auto`")
        }
    }
}

fn bluez(adapter: &Shown) -> Finding {
    match adapter.version {
        Some(version) => Finding::ok(BLUEZ, format!("BlueZ {} runs", spoken(version))),
        None => {
            let says =
                "bluetoothd runs, and does not say its version: somebody has set another Device ID";
            Finding::ok(BLUEZ, says)
        }
    }
}

fn power(adapter: &Shown, facts: &Facts) -> Finding {
    let name = &adapter.name;
    let is_blocked = facts
        .kernel
        .iter()
        .any(|it| it.name == *name && it.is_blocked);
    match (adapter.is_powered, is_blocked) {
        (true, _) => Finding::ok(POWER, format!("{name} is on")),
        (false, true) => {
            let says = format!("{name} is blocked, as in flight mode");
            Finding::fail(POWER, says).fix("sudo rfkill unblock bluetooth")
        }
        (false, false) => {
            let says = format!("{name} is off; it is switched on at the start");
            Finding::ok(POWER, says)
        }
    }
}

fn role(adapter: &Shown) -> Finding {
    let name = &adapter.name;
    let is_peripheral = |roles: &Vec<String>| roles.iter().any(|role| role == "peripheral");
    match &adapter.roles {
        Some(roles) if is_peripheral(roles) && adapter.has_gatt => {
            Finding::ok(ROLE, format!("{name} can be a peripheral of Bluetooth LE"))
        }
        // An old BlueZ does not tell, and it is so.
        None if adapter.has_gatt && adapter.advertising.is_some() => {
            Finding::ok(ROLE, format!("{name} can advertise and serve"))
        }
        // While it is off, nobody knows.
        _ if !adapter.is_powered => {
            let says = format!("what {name} can be is known when it is on");
            Finding::skipped(ROLE, says).fix("bluetoothctl power on")
        }
        Some(_) | None => {
            let says = format!("{name} cannot be a peripheral of Bluetooth LE");
            let fix = "take another adapter, of Bluetooth 4.0 or later; or remove `ControllerMode = bredr` from \
                /etc/bluetooth/main.conf; sudo systemctl restart bluetooth";
            Finding::fail(ROLE, says).fix(fix)
        }
    }
}

fn advertising(adapter: &Shown) -> Finding {
    let name = &adapter.name;
    match adapter.advertising {
        Some((active, 0)) => {
            let says = format!(
                "all {active} advertisements of {name} are taken: right, if one of them is this program at work; else \
                 phones do not find it"
            );
            Finding::warn(ADVERTISING, says)
                .fix("end another program that advertises, or: sudo systemctl restart bluetooth")
        }
        Some((active, left)) => {
            let says = format!("{name} has room for {left} more, {active} in use");
            Finding::ok(ADVERTISING, says)
        }
        None if adapter.is_powered => {
            let says = format!("{name} cannot advertise: phones do not find it");
            Finding::fail(ADVERTISING, says).fix("take another adapter")
        }
        None => Finding::skipped(
            ADVERTISING,
            format!("what {name} has room for is known when it is on"),
        ),
    }
}

fn permission(adapter: &Shown) -> Finding {
    let denied: Vec<&str> = [
        (&adapter.may_serve, "show services (org.bluez.GattManager1)"),
        (
            &adapter.may_advertise,
            "advertise (org.bluez.LEAdvertisingManager1)",
        ),
    ]
    .into_iter()
    .filter(|(permission, _)| **permission == Permission::Denied)
    .map(|(_, what)| what)
    .collect();
    if !denied.is_empty() {
        let says = format!(
            "the rules of D-Bus do not let this user {}",
            denied.join(" or ")
        );
        return Finding::fail(PERMISSION, says).fix(let_us());
    }
    match (&adapter.may_serve, &adapter.may_advertise) {
        (Permission::Granted, Permission::Granted) => Finding::ok(
            PERMISSION,
            "D-Bus lets this user show services and advertise",
        ),
        _ => {
            let says = "whether D-Bus lets this user show services and advertise cannot be told";
            Finding::skipped(PERMISSION, says)
        }
    }
}

fn let_us() -> &'static str {
    "the rules are in /usr/share/dbus-1/system.d/bluetooth.conf (or /etc/dbus-1/system.d); on Debian: sudo usermod -aG bluetooth \
     \"$USER\", and log in again"
}

fn traps(adapter: &Shown, declared: &Declared<'_>) -> Vec<Finding> {
    const CHECK: &str = "traps";
    let Some(version) = adapter.version else {
        return vec![Finding::skipped(
            CHECK,
            "without a version nothing is known of it",
        )];
    };
    let spoken = spoken(version);
    let found: Vec<Finding> = met(version, declared)
        .map(|trap| {
            let found = Finding::new(CHECK, trap.level, format!("BlueZ {spoken}: {}", trap.says));
            match trap.fix {
                Some(fix) => found.fix(fix),
                None => found,
            }
        })
        .collect();
    if found.is_empty() {
        let says = format!("nothing odd is known of BlueZ {spoken} that matters here");
        return vec![Finding::ok(CHECK, says)];
    }
    found
}

fn spoken(version: u32) -> String {
    format!("{}.{}", version >> 8, version & 0xFF)
}

#[cfg(test)]
mod tests;
