//! What is asked of the kernel, the bus and bluetoothd.

use std::collections::HashMap;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use dbus::Path;
use dbus::arg::{AppendAll, PropMap, prop_cast};
use dbus::nonblock::{Proxy, SyncConnection};

use super::super::adapter::{CLASS, is_adapter_name, is_blocked};
use super::super::bus::Connection;
use super::{Facts, InKernel, Permission, Shown};

const DBUS: &str = "org.freedesktop.DBus";
const BLUEZ: &str = "org.bluez";
const ADAPTER: &str = "org.bluez.Adapter1";
const ADVERTISING: &str = "org.bluez.LEAdvertisingManager1";
const GATT: &str = "org.bluez.GattManager1";
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
const DENIED: &str = "org.freedesktop.DBus.Error.AccessDenied";
/// Nobody has registered it.
const NOTHING: &str = "/org/bemo_sync/doctor";

type Interfaces = HashMap<String, PropMap>;

pub(super) async fn gather() -> Facts {
    let mut facts = Facts {
        kernel: in_kernel(),
        ..Facts::default()
    };
    let connection = match Connection::open().await {
        Ok(connection) => connection,
        Err(problem) => {
            facts.no_bus = Some(problem);
            return facts;
        }
    };
    let bus = &connection.bus;
    let names = Proxy::new(DBUS, "/org/freedesktop/DBus", ANSWER_WITHIN, bus.clone());
    let owner: Result<(String,), _> = names.method_call(DBUS, "GetNameOwner", (BLUEZ,)).await;
    // Only who runs is asked: nothing here starts one.
    let Ok((bluetoothd,)) = owner else {
        return facts;
    };
    facts.is_running = true;
    let root = Proxy::new(bluetoothd.as_str(), "/", ANSWER_WITHIN, bus.clone());
    let objects: Result<(HashMap<Path<'static>, Interfaces>,), _> = root
        .method_call(
            "org.freedesktop.DBus.ObjectManager",
            "GetManagedObjects",
            (),
        )
        .await;
    let objects = match objects {
        Ok((objects,)) => objects,
        Err(problem) => {
            let is_denied = problem.name() == Some(DENIED);
            facts.no_objects = Some(match is_denied {
                true => "the rules of D-Bus do not let this user ask".to_owned(),
                false => problem.to_string(),
            });
            return facts;
        }
    };
    for (path, interfaces) in &objects {
        let Some(adapter) = interfaces.get(ADAPTER) else {
            continue;
        };
        let mut shown = shown(path, adapter, interfaces);
        let proxy = Proxy::new(
            bluetoothd.as_str(),
            path.clone(),
            ANSWER_WITHIN,
            bus.clone(),
        );
        let nothing = || (Path::from(NOTHING),);
        shown.may_serve = permission(&proxy, GATT, "UnregisterApplication", nothing()).await;
        let method = "UnregisterAdvertisement";
        shown.may_advertise = permission(&proxy, ADVERTISING, method, nothing()).await;
        facts.adapters.push(shown);
    }
    let order = |it: &Shown| (it.name.len(), it.name.clone());
    facts.adapters.sort_by_key(order);
    facts
}

fn in_kernel() -> Vec<InKernel> {
    let entries = fs::read_dir(CLASS).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut adapters: Vec<InKernel> = names
        .filter(|name| is_adapter_name(name))
        .map(|name| InKernel {
            is_blocked: is_blocked(&name),
            name,
        })
        .collect();
    adapters.sort_by_key(|it| (it.name.len(), it.name.clone()));
    adapters
}

fn shown(path: &Path<'_>, adapter: &PropMap, interfaces: &Interfaces) -> Shown {
    let text = |key| prop_cast::<String>(adapter, key).cloned();
    let advertising = interfaces.get(ADVERTISING).and_then(|it| {
        let active = prop_cast::<u8>(it, "ActiveInstances")?;
        Some((*active, *prop_cast::<u8>(it, "SupportedInstances")?))
    });
    Shown {
        name: path.rsplit('/').next().unwrap_or_default().to_owned(),
        address: text("Address").unwrap_or_default(),
        is_powered: prop_cast::<bool>(adapter, "Powered")
            .copied()
            .unwrap_or(false),
        version: text("Modalias").and_then(|modalias| version(&modalias)),
        roles: prop_cast::<Vec<String>>(adapter, "Roles").cloned(),
        advertising,
        has_gatt: interfaces.contains_key(GATT),
        ..Shown::default()
    }
}

/// The version of BlueZ in its Device ID, unless somebody has configured another.
fn version(modalias: &str) -> Option<u32> {
    let digits = modalias.strip_prefix("usb:v1D6Bp0246d")?;
    u32::from_str_radix(digits.get(..4)?, 16).ok()
}

async fn permission(
    proxy: &Proxy<'_, Arc<SyncConnection>>,
    interface: &str,
    method: &str,
    arguments: impl AppendAll,
) -> Permission {
    let called: Result<(), dbus::Error> = proxy.method_call(interface, method, arguments).await;
    match called.err().as_ref().and_then(dbus::Error::name) {
        Some(DENIED) => Permission::Denied,
        Some("org.bluez.Error.DoesNotExist") => Permission::Granted,
        Some(_) | None => Permission::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bluez_says_its_version_in_its_device_id() {
        assert_eq!(version("usb:v1D6Bp0246d0542"), Some(0x0542));
        assert_eq!(version("usb:v1D6Bp0247d0542"), None);
        assert_eq!(version("bluetooth:v0000p0000d0000"), None);
    }
}
