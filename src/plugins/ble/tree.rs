//! The declared tree as D-Bus objects, in the order of their handles.

use std::collections::HashMap;
use std::sync::Arc;

use dbus::arg::{Arg, IterAppend, PropMap, Variant};
use dbus::{Message, Path};

use super::notify::Outlet;
use crate::gatt::assigned::BtUuid;
use crate::gatt::structure::{Place, places};
use crate::gatt::{Access, Characteristic, Descriptor, Security, SecurityLevel, Service};

pub(super) const APPLICATION: &str = "/org/bemo_sync/gatt";
pub(super) const CHARACTERISTIC_INTERFACE: &str = "org.bluez.GattCharacteristic1";
const SERVICE_INTERFACE: &str = "org.bluez.GattService1";
const DESCRIPTOR_INTERFACE: &str = "org.bluez.GattDescriptor1";

/// By interface.
type Interfaces = HashMap<&'static str, PropMap>;

/// The services in the order of their handles, each under the application that bluetoothd knows it by. One that
/// is still the same when another configuration comes stays where it is.
#[derive(Default)]
pub(super) struct Tree {
    branches: Vec<Branch>,
    nodes: HashMap<String, Node>,
}

/// A service with all that is below it.
pub(super) struct Branch {
    pub(super) application: String,
    pub(super) place: Place,
    /// Of the service first.
    paths: Vec<Path<'static>>,
}

/// Who says where a service begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Handles {
    /// We do, so that it is the same place each time: BlueZ gives out no handle twice.
    Ours,
    /// BlueZ does, because ours are taken.
    #[default]
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
        outlet: Option<Arc<Outlet>>,
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
    /// The tree of these services. A service that `kept` finds in the tree of before stays at its paths, and its
    /// characteristics keep their outlets; the others belong to this application.
    pub(super) fn new(
        services: &[Service],
        application: &str,
        before: &Self,
        kept: impl Fn(&Branch) -> bool,
        mut open: impl FnMut(&Characteristic, Option<&Arc<Outlet>>) -> Arc<Outlet>,
    ) -> Self {
        let mut tree = Self::default();
        for (number, (service, place)) in services.iter().zip(places(services)).enumerate() {
            let is_same = |it: &&Branch| it.place.shape == place.shape && it.may_stay(&place);
            let mut known = before.branches.iter().filter(is_same);
            let known = known.find(|it| kept(it));
            let application = known.map_or(application, |it| &it.application).to_owned();
            let path = known.map_or_else(
                || format!("{application}/service{number}"),
                |it| it.path().to_string(),
            );
            let mut branch = Branch {
                application,
                place: known.map_or(place, |it| it.place.clone()),
                paths: Vec::new(),
            };
            let node = Node::Service {
                uuid: service.uuid,
                handle: *branch.place.handles.start(),
            };
            let path = tree.put(&mut branch, path, node);
            for (number, characteristic) in service.characteristics.iter().enumerate() {
                let at = format!("{path}/char{number}");
                let subscribable = characteristic.access.can_subscribe();
                let outlet = match before.nodes.get(&at) {
                    Some(Node::Characteristic { outlet, .. }) if known.is_some() => outlet.as_ref(),
                    Some(_) | None => None,
                };
                let node = Node::Characteristic {
                    service: path.clone(),
                    declared: Box::new(characteristic.clone()),
                    outlet: subscribable.then(|| open(characteristic, outlet)),
                };
                let path = tree.put(&mut branch, at, node);
                for (number, declared) in characteristic.descriptors().into_iter().enumerate() {
                    let node = Node::Descriptor {
                        characteristic: path.clone(),
                        declared,
                    };
                    tree.put(&mut branch, format!("{path}/desc{number}"), node);
                }
            }
            tree.branches.push(branch);
        }
        tree
    }

    pub(super) fn at(&self, path: &Path<'_>) -> Option<&Node> {
        self.nodes.get(&**path)
    }

    pub(super) fn branches(&self) -> &[Branch] {
        &self.branches
    }

    /// The answer to `GetManagedObjects` of an application, `a{oa{sa{sv}}}`.
    pub(super) fn list(&self, call: &Message, application: &str, handles: Handles) -> Message {
        let mut reply = call.method_return();
        let (path_type, interfaces_type) = (Path::signature(), Interfaces::signature());
        let branches = self.branches.iter();
        let branches = branches.filter(|branch| branch.application == application);
        let paths: Vec<_> = branches.flat_map(|branch| &branch.paths).collect();
        IterAppend::new(&mut reply).append_dict(&path_type, &interfaces_type, |objects| {
            for path in paths {
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

    fn put(&mut self, branch: &mut Branch, path: String, node: Node) -> Path<'static> {
        self.nodes.insert(path.clone(), node);
        let path = Path::from(path);
        branch.paths.push(path.clone());
        path
    }
}

impl Branch {
    pub(super) fn path(&self) -> &Path<'static> {
        &self.paths[0]
    }

    fn may_stay(&self, place: &Place) -> bool {
        self.place.handles == place.handles
    }
}

/// What says that a service, and with it all that is below it, is not there any more.
pub(super) fn removed(application: &str, service: &str) -> Message {
    let signal = Message::signal(
        &Path::from(application.to_owned()),
        &"org.freedesktop.DBus.ObjectManager".into(),
        &"InterfacesRemoved".into(),
    );
    let service = Path::from(service.to_owned());
    signal.append2(service, vec![SERVICE_INTERFACE.to_owned()])
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
    use std::path::Path as File;

    use super::super::adapter::Delivery;
    use super::super::notify::Outlets;
    use super::*;
    use crate::config::{Placeholders, load_str};

    fn services(services: &[&[&str]]) -> Vec<Service> {
        let mut yaml = "version: 1\nble: { adapter: virtual }\nservices:\n".to_owned();
        for (number, characteristics) in services.iter().enumerate() {
            yaml += &format!("- name: S\n  uuid: FF{number}0\n  characteristics:\n");
            for uuid in *characteristics {
                let value = "access: [read, write, notify], value: { type: u8 }";
                yaml += &format!("  - {{ name: C, uuid: {uuid}, {value} }}\n");
            }
        }
        let host = Placeholders::new(Vec::new());
        let loaded = load_str(File::new("test.yaml"), &yaml, &|_| None, host);
        loaded
            .unwrap_or_else(|mistakes| panic!("{mistakes}"))
            .plan
            .services
    }

    /// Which paths there are, and which characteristics have the outlet that they had.
    fn after(before: &Tree, services: &[Service], application: &str) -> (Tree, Vec<String>) {
        let mut outlets = Outlets::new(Arc::new(|_| {}), Arc::new(|_, _, _| {}));
        let mut kept = Vec::new();
        let tree = Tree::new(
            services,
            application,
            before,
            |_| true,
            |declared, known| {
                kept.extend(known.map(|_| declared.uuid.to_string()));
                let new = || Arc::new(outlets.open(declared, Delivery::Directed, None));
                known.map_or_else(new, Arc::clone)
            },
        );
        (tree, kept)
    }

    fn paths(tree: &Tree) -> Vec<&str> {
        tree.branches
            .iter()
            .map(|it| &**it.path() as &str)
            .collect()
    }

    #[test]
    fn a_service_that_is_the_same_stays_where_bluetoothd_knows_it() {
        let first = services(&[&["FF01"], &["FF11"]]);
        let (tree, kept) = after(&Tree::default(), &first, "/a");
        assert_eq!(paths(&tree), ["/a/service0", "/a/service1"]);
        assert_eq!(kept, [""; 0]);
        let (tree, kept) = after(&tree, &services(&[&["FF01"], &["FF11", "FF12"]]), "/b");
        assert_eq!(paths(&tree), ["/a/service0", "/b/service1"]);
        assert_eq!(kept, ["0xFF01"]);
        // It has changed back: that is a third one to bluetoothd.
        let (tree, kept) = after(&tree, &first, "/c");
        assert_eq!(paths(&tree), ["/a/service0", "/c/service1"]);
        assert_eq!(kept, ["0xFF01"]);
    }

    #[test]
    fn a_service_that_moves_is_another_one() {
        let (tree, _) = after(&Tree::default(), &services(&[&["FF01"], &["FF11"]]), "/a");
        let (tree, kept) = after(&tree, &services(&[&["FF01", "FF02"], &["FF11"]]), "/b");
        assert_eq!(paths(&tree), ["/b/service0", "/b/service1"]);
        assert_eq!(kept, [""; 0]);
    }

    #[test]
    fn what_bluetoothd_has_not_taken_does_not_stay() {
        let first = services(&[&["FF01"]]);
        let (tree, _) = after(&Tree::default(), &first, "/a");
        let open = |declared: &Characteristic, _: Option<&Arc<Outlet>>| {
            let mut outlets = Outlets::new(Arc::new(|_| {}), Arc::new(|_, _, _| {}));
            Arc::new(outlets.open(declared, Delivery::Directed, None))
        };
        let tree = Tree::new(&first, "/b", &tree, |_| false, open);
        assert_eq!(paths(&tree), ["/b/service0"]);
    }

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
