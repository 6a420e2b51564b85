//! What an application says that it has, as bluetoothd understands it.

use std::collections::HashMap;

use dbus::arg::{Dict, Iter, PropMap, prop_cast};
use dbus::{Message, Path};
use uuid::Uuid;

pub(super) const SERVICE: &str = "org.bluez.GattService1";
pub(super) const CHARACTERISTIC: &str = "org.bluez.GattCharacteristic1";
pub(super) const DESCRIPTOR: &str = "org.bluez.GattDescriptor1";
/// Up to here, short UUIDs stand for these (Core Spec 5.4, Vol 3, Part B, 2.5.1).
const BASE: u128 = 0x0000_0000_0000_1000_8000_0080_5F9B_34FB;

/// By interface.
pub(super) type Interfaces = HashMap<String, PropMap>;
type Objects<'a> = Dict<'a, Path<'static>, Interfaces, Iter<'a>>;

/// One that is registered, or about to be.
pub(super) struct Application {
    /// The unique name of its connection.
    pub(super) owner: String,
    pub(super) path: String,
    pub(super) characteristics: Vec<Characteristic>,
    /// Objects that want to be told their handle, with the interface that says so.
    pub(super) untold: Vec<(String, &'static str)>,
}

#[derive(Clone, Debug)]
pub(super) struct Characteristic {
    pub(super) path: String,
    pub(super) uuid: Uuid,
    pub(super) flags: Vec<String>,
    /// Whether it hands out a socket for notifications.
    pub(super) gives_socket: bool,
}

impl Application {
    /// What the answer to `GetManagedObjects` makes of it.
    ///
    /// # Errors
    /// The text of bluetoothd's refusal.
    pub(super) fn read(owner: &str, path: &str, answer: &Message) -> Result<Self, &'static str> {
        const NOTHING: &str = "No object received";
        const INVALID: &str = "No valid service object found";
        let objects: Objects<'_> = answer.iter_init().get().ok_or(NOTHING)?;
        let mut application = Self {
            owner: owner.to_owned(),
            path: path.to_owned(),
            characteristics: Vec::new(),
            untold: Vec::new(),
        };
        let (mut services, mut any) = (0, false);
        for (path, interfaces) in objects {
            any = true;
            for (interface, properties) in interfaces {
                let interface = match interface.as_str() {
                    SERVICE => {
                        uuid(&properties).ok_or(INVALID)?;
                        services += 1;
                        SERVICE
                    }
                    CHARACTERISTIC => {
                        let it = Characteristic::read(&path, &properties).ok_or(INVALID)?;
                        application.characteristics.push(it);
                        CHARACTERISTIC
                    }
                    DESCRIPTOR => {
                        uuid(&properties).ok_or(INVALID)?;
                        DESCRIPTOR
                    }
                    _ => continue,
                };
                if prop_cast::<u16>(&properties, "Handle") == Some(&0) {
                    application.untold.push((path.to_string(), interface));
                }
            }
        }
        match (any, services) {
            (false, _) => Err(NOTHING),
            (true, 0) => Err(INVALID),
            (true, _) => Ok(application),
        }
    }
}

impl Characteristic {
    fn read(path: &str, properties: &PropMap) -> Option<Self> {
        Some(Self {
            path: path.to_owned(),
            uuid: uuid(properties)?,
            flags: prop_cast::<Vec<String>>(properties, "Flags")?.clone(),
            gives_socket: properties.contains_key("NotifyAcquired"),
        })
    }

    pub(super) fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|it| it == flag)
    }

    /// Whether any flag says this, with whatever it demands of the link.
    pub(super) fn allows(&self, what: &str) -> bool {
        self.demands(what).next().is_some()
    }

    /// What is demanded of a link that is neither encrypted nor authenticated, for this.
    pub(super) fn demands<'a>(&'a self, what: &'a str) -> impl Iterator<Item = &'a str> {
        let flags = self.flags.iter();
        flags.filter_map(move |flag| match flag.strip_suffix(what)? {
            "" => Some(""),
            demand => demand.strip_suffix('-'),
        })
    }
}

/// The property of that name, in any form that BlueZ takes.
fn uuid(properties: &PropMap) -> Option<Uuid> {
    let text = prop_cast::<String>(properties, "UUID")?;
    let short = text.strip_prefix("0x").unwrap_or(text);
    match short.len() {
        4 | 8 => {
            let number = u32::from_str_radix(short, 16).ok()?;
            Some(Uuid::from_u128(u128::from(number) << 96 | BASE))
        }
        _ => text.parse().ok(),
    }
}
