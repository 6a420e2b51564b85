//! The declared tree as D-Bus objects, in the order of their handles.

use std::collections::HashMap;

use dbus::arg::{Arg, IterAppend, PropMap, Variant};
use dbus::{Message, Path};

use super::notify::Outlet;
use crate::gatt::assigned::BtUuid;
use crate::gatt::{Access, Characteristic, Descriptor, Service};

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
        declared: Characteristic,
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
                    declared: characteristic.clone(),
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
                    ("Flags", Property::Texts(flags(declared.access))),
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

fn flags(access: Access) -> Vec<String> {
    [
        (access.read, "read"),
        (access.write, "write"),
        (access.write_without_response, "write-without-response"),
        (access.notify, "notify"),
        (access.indicate, "indicate"),
    ]
    .into_iter()
    .filter(|(allowed, _)| *allowed)
    .map(|(_, flag)| flag.to_owned())
    .collect()
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
        };
        (name.to_owned(), Variant(value))
    });
    entries.collect()
}
