//! The declared tree as D-Bus objects, in the order of their handles.

use std::collections::HashMap;

use dbus::arg::{Arg, IterAppend, PropMap, Variant};
use dbus::{Message, Path};

use super::notify::Outlet;
use crate::gatt::assigned::BtUuid;
use crate::gatt::{Access, Characteristic, Descriptor, Security, SecurityLevel, Service};

pub(super) const APPLICATION: &str = "/org/bemo_sync/gatt";
pub(super) const CHARACTERISTIC_INTERFACE: &str = "org.bluez.GattCharacteristic1";
const SERVICE_INTERFACE: &str = "org.bluez.GattService1";
const DESCRIPTOR_INTERFACE: &str = "org.bluez.GattDescriptor1";
/// Where our handles begin: BlueZ and its plugins have their services below.
const HANDLE_FIRST: usize = 0x0100;

/// By interface.
type Interfaces = HashMap<&'static str, PropMap>;

pub(super) struct Tree {
    paths: Vec<Path<'static>>,
    nodes: HashMap<String, Node>,
}

/// Who says where a service begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handles {
    /// We do, so that it is the same place each time: BlueZ gives out no handle twice.
    Ours,
    /// BlueZ does, because ours are taken.
    Any,
}

pub(super) enum Node {
    Service {
        uuid: BtUuid,
        handle: u16,
    },
    Characteristic {
        service: Path<'static>,
        declared: Box<Characteristic>,
        outlet: Option<Outlet>,
    },
    Descriptor {
        characteristic: Path<'static>,
        declared: Descriptor,
    },
}

/// Of one interface of one object.
pub(super) type Properties = Vec<(&'static str, Property)>;

#[derive(Clone)]
pub(super) enum Property {
    Flag(bool),
    Text(String),
    Texts(Vec<String>),
    Path(Path<'static>),
    Number(u16),
    WideNumber(u32),
    DataByText(Vec<(String, Vec<u8>)>),
    DataByNumber(Vec<(u16, Vec<u8>)>),
}

impl Tree {
    /// The tree, with an outlet for each characteristic that can be subscribed to.
    pub(super) fn new(
        services: &[Service],
        mut open: impl FnMut(&Characteristic) -> Outlet,
    ) -> Self {
        let mut tree = Self {
            paths: Vec::new(),
            nodes: HashMap::new(),
        };
        let mut handle = HANDLE_FIRST;
        for (number, service) in services.iter().enumerate() {
            let node = Node::Service {
                uuid: service.uuid,
                // A configuration is refused that has more attributes than there are handles.
                handle: u16::try_from(handle).unwrap_or(0),
            };
            handle += service.attributes();
            let path = tree.put(format!("{APPLICATION}/service{number}"), node);
            for (number, characteristic) in service.characteristics.iter().enumerate() {
                let subscribable = characteristic.access.can_subscribe();
                let node = Node::Characteristic {
                    service: path.clone(),
                    declared: Box::new(characteristic.clone()),
                    outlet: subscribable.then(|| open(characteristic)),
                };
                let path = tree.put(format!("{path}/char{number}"), node);
                for (number, declared) in characteristic.descriptors().into_iter().enumerate() {
                    let node = Node::Descriptor {
                        characteristic: path.clone(),
                        declared,
                    };
                    tree.put(format!("{path}/desc{number}"), node);
                }
            }
        }
        tree
    }

    pub(super) fn at(&self, path: &Path<'_>) -> Option<&Node> {
        self.nodes.get(&**path)
    }

    /// The answer to `GetManagedObjects`, `a{oa{sa{sv}}}`.
    pub(super) fn list(&self, call: &Message, handles: Handles) -> Message {
        let mut reply = call.method_return();
        let (path_type, interfaces_type) = (Path::signature(), Interfaces::signature());
        IterAppend::new(&mut reply).append_dict(&path_type, &interfaces_type, |objects| {
            for path in &self.paths {
                let (interface, content) = self.nodes[&**path].describe(handles);
                let interfaces = Interfaces::from([(interface, properties(content))]);
                objects.append_dict_entry(|object| {
                    object.append(path);
                    object.append(interfaces);
                });
            }
        });
        reply
    }

    fn put(&mut self, path: String, node: Node) -> Path<'static> {
        self.nodes.insert(path.clone(), node);
        let path = Path::from(path);
        self.paths.push(path.clone());
        path
    }
}

impl Node {
    fn describe(&self, handles: Handles) -> (&'static str, Properties) {
        match self {
            Self::Service { uuid, handle } => {
                let mut content = vec![
                    ("UUID", Property::Text(uuid.0.to_string())),
                    ("Primary", Property::Flag(true)),
                ];
                if handles == Handles::Ours {
                    content.push(("Handle", Property::Number(*handle)));
                }
                (SERVICE_INTERFACE, content)
            }
            Self::Characteristic {
                service,
                declared,
                outlet,
            } => {
                let mut content = vec![
                    ("UUID", Property::Text(declared.uuid.0.to_string())),
                    ("Service", Property::Path(service.clone())),
                    (
                        "Flags",
                        Property::Texts(flags(declared.access, declared.security)),
                    ),
                ];
                if outlet.is_some() {
                    // That it is there says that sockets are taken.
                    content.push(("NotifyAcquired", Property::Flag(false)));
                }
                (CHARACTERISTIC_INTERFACE, content)
            }
            Self::Descriptor {
                characteristic,
                declared,
            } => (
                DESCRIPTOR_INTERFACE,
                vec![
                    ("UUID", Property::Text(declared.uuid.0.to_string())),
                    ("Characteristic", Property::Path(characteristic.clone())),
                    ("Flags", Property::Texts(vec!["read".to_owned()])),
                ],
            ),
        }
    }
}

/// BlueZ answers for the link being safe enough by itself. What it demands of a write it demands of one
/// without a response too. The words for notifications are known from BlueZ 5.56 on; an older one
/// refuses the whole tree.
fn flags(access: Access, security: Security) -> Vec<String> {
    let open = SecurityLevel::Open;
    [
        (access.read, security.read, "read"),
        (access.write, security.write, "write"),
        (
            access.write_without_response,
            open,
            "write-without-response",
        ),
        (access.notify, security.notify, "notify"),
        (access.indicate, security.notify, "indicate"),
    ]
    .into_iter()
    .filter(|(allowed, ..)| *allowed)
    .map(|(_, level, flag)| match level {
        SecurityLevel::Open => flag.to_owned(),
        SecurityLevel::Encrypted => format!("encrypt-{flag}"),
        SecurityLevel::Authenticated => format!("encrypt-authenticated-{flag}"),
    })
    .collect()
}

/// Octets as D-Bus wants them: each in a variant.
fn by_key<K: Eq + std::hash::Hash>(data: Vec<(K, Vec<u8>)>) -> HashMap<K, Variant<Vec<u8>>> {
    let data = data.into_iter();
    data.map(|(key, octets)| (key, Variant(octets))).collect()
}

/// As D-Bus wants them.
pub(super) fn properties(content: Properties) -> PropMap {
    let entries = content.into_iter().map(|(name, property)| {
        let value: Box<dyn dbus::arg::RefArg> = match property {
            Property::Flag(flag) => Box::new(flag),
            Property::Text(text) => Box::new(text),
            Property::Texts(texts) => Box::new(texts),
            Property::Path(path) => Box::new(path),
            Property::Number(number) => Box::new(number),
            Property::WideNumber(number) => Box::new(number),
            Property::DataByText(data) => Box::new(by_key(data)),
            Property::DataByNumber(data) => Box::new(by_key(data)),
        };
        (name.to_owned(), Variant(value))
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_link_has_to_be_is_part_of_the_flags() {
        let access = Access {
            read: true,
            write: true,
            write_without_response: true,
            notify: false,
            indicate: true,
        };
        let security = Security {
            read: SecurityLevel::Open,
            write: SecurityLevel::Encrypted,
            notify: SecurityLevel::Authenticated,
        };
        let expected = [
            "read",
            "encrypt-write",
            "write-without-response",
            "encrypt-authenticated-indicate",
        ];
        assert_eq!(flags(access, security), expected);
    }
}
