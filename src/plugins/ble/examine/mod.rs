//! Whether BlueZ is there, and lets us do what is declared, without anything of it being done.
//!
//! `gather` asks, `judge` (pure) says what the answers mean, and `traps` (pure) is what is known of versions.

mod gather;
mod judge;
mod traps;

use super::Ours;
use crate::plugin::{Examination, Finding};

/// What is known of the Bluetooth of this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Facts {
    /// The adapters that the kernel has.
    kernel: Vec<InKernel>,
    /// Why the system bus cannot be reached.
    no_bus: Option<String>,
    /// Whether bluetoothd is on the bus.
    is_running: bool,
    /// Why it does not show what it has.
    no_objects: Option<String>,
    /// The adapters that it shows.
    adapters: Vec<Shown>,
}

/// An adapter as the kernel has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct InKernel {
    name: String,
    /// A switch, in software or on the case, keeps it silent.
    is_blocked: bool,
}

/// An adapter as bluetoothd shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Shown {
    name: String,
    address: String,
    is_powered: bool,
    /// 0x0542 for 5.66.
    version: Option<u32>,
    /// `central`, `peripheral`, as org.bluez.Adapter1 has them; from BlueZ 5.50 on.
    roles: Option<Vec<String>>,
    /// How many advertisements there are, and how many more there may be, as org.bluez.LEAdvertisingManager1 says.
    advertising: Option<(u8, u8)>,
    has_gatt: bool,
    /// What comes of taking back what nobody has registered: who may do that may register.
    may_serve: Permission,
    may_advertise: Permission,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Permission {
    #[default]
    Unknown,
    Granted,
    Denied,
}

pub(super) async fn examine(ours: &Ours, about: Examination<'_>) -> Vec<Finding> {
    let facts = gather::gather().await;
    judge::judge(&ours.peripheral, about.services, &facts)
}
