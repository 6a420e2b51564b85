//! The declared tree as D-Bus objects, and the answers to bluetoothd's calls.
//!
//! bluer has all of this, but lists the objects in an order of chance, and BlueZ hands out handles in
//! the order of that list. A central that remembers handles would find other values behind them after
//! each restart.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use bluer::Address;
use dbus::arg::{Arg, IterAppend, PropMap, Variant, prop_cast};
use dbus::channel::{MatchingReceiver, Sender};
use dbus::message::MatchRule;
use dbus::nonblock::{Proxy, SyncConnection};
use dbus::{Message, MethodErr, Path};
use tracing::debug;

use super::adapter::Delivery;
use super::notify::{Outlet, Outlets};
use crate::engine::PeerId;
use crate::gatt::assigned::BtUuid;
use crate::gatt::{Access, AttError, Characteristic, Descriptor, read, write};
use crate::plugin::Port;

const APPLICATION: &str = "/org/bemo_sync/gatt";
const ADVERTISEMENT: &str = "/org/bemo_sync/advertisement";
const SERVICE_INTERFACE: &str = "org.bluez.GattService1";
const CHARACTERISTIC_INTERFACE: &str = "org.bluez.GattCharacteristic1";
const DESCRIPTOR_INTERFACE: &str = "org.bluez.GattDescriptor1";
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

type Result<T> = std::result::Result<T, dbus::Error>;
type Interfaces = HashMap<&'static str, PropMap>;
type Answer = std::result::Result<Message, MethodErr>;

/// Everything that bluetoothd sees of us on one connection.
pub(super) struct Objects {
    port: Port,
    /// The unique name of the bluetoothd that is served; nobody else is answered.
    bluetoothd: String,
    /// In the order of the handles.
    paths: Vec<Path<'static>>,
    nodes: HashMap<Path<'static>, Node>,
    advertised: Mutex<PropMapOf>,
    connection: Weak<SyncConnection>,
}

/// What is advertised, ready to be listed.
type PropMapOf = Vec<(&'static str, Property)>;

#[derive(Clone)]
pub(super) enum Property {
    Flag(bool),
    Text(String),
    Texts(Vec<String>),
    Path(Path<'static>),
}

enum Node {
    Service(BtUuid),
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

impl Objects {
    /// Shows the tree on a connection.
    pub(super) fn export(
        port: &Port,
        connection: &Arc<SyncConnection>,
        bluetoothd: String,
        delivery: Delivery,
    ) -> (Arc<Self>, Outlets) {
        let mut objects = Self {
            port: port.clone(),
            bluetoothd,
            paths: Vec::new(),
            nodes: HashMap::new(),
            advertised: Mutex::default(),
            connection: Arc::downgrade(connection),
        };
        let mut outlets = Outlets::default();
        for (number, service) in port.services().iter().enumerate() {
            let path = objects.put(
                format!("{APPLICATION}/service{number}"),
                Node::Service(service.uuid),
            );
            for (number, characteristic) in service.characteristics.iter().enumerate() {
                let outlet = characteristic
                    .access
                    .can_subscribe()
                    .then(|| outlets.open(characteristic, delivery));
                let node = Node::Characteristic {
                    service: path.clone(),
                    declared: characteristic.clone(),
                    outlet,
                };
                let path = objects.put(format!("{path}/char{number}"), node);
                for (number, declared) in characteristic.descriptors().into_iter().enumerate() {
                    let node = Node::Descriptor {
                        characteristic: path.clone(),
                        declared,
                    };
                    objects.put(format!("{path}/desc{number}"), node);
                }
            }
        }
        let objects = Arc::new(objects);
        let answers = objects.clone();
        connection.start_receive(
            MatchRule::new_method_call(),
            Box::new(move |call, connection| {
                let reply = answers
                    .answer(&call)
                    .unwrap_or_else(|error| error.to_message(&call));
                // It fails when the connection is lost, and then nobody waits for it.
                let _ = connection.send(reply);
                true
            }),
        );
        (objects, outlets)
    }

    pub(super) async fn register_application(&self, adapter: &str) -> Result<()> {
        let arguments = (Path::from(APPLICATION), PropMap::new());
        self.call(
            adapter,
            "org.bluez.GattManager1",
            "RegisterApplication",
            arguments,
        )
        .await
    }

    pub(super) async fn unregister_application(&self, adapter: &str) -> Result<()> {
        let arguments = (Path::from(APPLICATION),);
        self.call(
            adapter,
            "org.bluez.GattManager1",
            "UnregisterApplication",
            arguments,
        )
        .await
    }

    /// Advertises these properties of `org.bluez.LEAdvertisement1`.
    pub(super) async fn register_advertisement(
        &self,
        adapter: &str,
        content: PropMapOf,
    ) -> Result<()> {
        *self.advertised.lock().expect("nothing panics with it") = content;
        let arguments = (Path::from(ADVERTISEMENT), PropMap::new());
        let manager = "org.bluez.LEAdvertisingManager1";
        self.call(adapter, manager, "RegisterAdvertisement", arguments)
            .await
    }

    pub(super) async fn unregister_advertisement(&self, adapter: &str) -> Result<()> {
        let manager = "org.bluez.LEAdvertisingManager1";
        let arguments = (Path::from(ADVERTISEMENT),);
        self.call(adapter, manager, "UnregisterAdvertisement", arguments)
            .await
    }

    /// To the unique name: the bus never starts a bluetoothd for that.
    async fn call<A: dbus::arg::AppendAll>(
        &self,
        adapter: &str,
        interface: &str,
        method: &str,
        arguments: A,
    ) -> Result<()> {
        let connection = self.connection.upgrade();
        let connection = connection.ok_or_else(|| dbus::Error::new_failed("no connection"))?;
        let path = format!("/org/bluez/{adapter}");
        let proxy = Proxy::new(&*self.bluetoothd, path, ANSWER_WITHIN, connection);
        proxy.method_call(interface, method, arguments).await
    }

    fn put(&mut self, path: String, node: Node) -> Path<'static> {
        let path = Path::from(path);
        self.paths.push(path.clone());
        self.nodes.insert(path.clone(), node);
        path
    }

    fn answer(&self, call: &Message) -> Answer {
        let member = call.member().unwrap_or_else(|| "none".into());
        let path = call.path().unwrap_or_default();
        if call.sender().as_deref() != Some(&*self.bluetoothd) {
            return Err(MethodErr::failed("only bluetoothd is answered"));
        }
        match (&*path, &*member) {
            (APPLICATION, "GetManagedObjects") => Ok(self.list(call)),
            (ADVERTISEMENT, "GetAll") => {
                let advertised = self.advertised.lock().expect("nothing panics with it");
                Ok(call.method_return().append1(properties(advertised.clone())))
            }
            (ADVERTISEMENT, "Release") => Ok(call.method_return()),
            (_, member) => match self.nodes.get(&path) {
                Some(Node::Characteristic {
                    declared, outlet, ..
                }) => self.answer_characteristic(call, member, declared, outlet.as_ref()),
                Some(Node::Descriptor { declared, .. }) if member == "ReadValue" => {
                    let Request { offset, .. } = Request::of(&call.read1()?)?;
                    let octets = declared.value.get(offset..).ok_or(AttError::InvalidOffset);
                    Ok(call.method_return().append1(octets.map_err(refusal)?))
                }
                Some(Node::Descriptor { .. } | Node::Service(_)) | None => {
                    Err(MethodErr::no_method(member))
                }
            },
        }
    }

    fn answer_characteristic(
        &self,
        call: &Message,
        member: &str,
        declared: &Characteristic,
        outlet: Option<&Outlet>,
    ) -> Answer {
        let reply = call.method_return();
        match (member, outlet) {
            ("ReadValue", _) => {
                let Request {
                    central, offset, ..
                } = Request::of(&call.read1()?)?;
                let octets = read(&self.port, declared, offset);
                debug!(%central, value = declared.name, offset, ?octets, "read");
                Ok(reply.append1(octets.map_err(refusal)?))
            }
            ("WriteValue", _) => {
                let (octets, options): (Vec<u8>, PropMap) = call.read2()?;
                let Request {
                    central, offset, ..
                } = Request::of(&options)?;
                let result = write(&self.port, declared, peer(central), offset, &octets);
                debug!(%central, value = declared.name, offset, ?octets, ?result, "write");
                result.map_err(refusal)?;
                Ok(reply)
            }
            ("AcquireNotify", Some(outlet)) => {
                let Request { central, mtu, .. } = Request::of(&call.read1()?)?;
                let path = call.path().unwrap_or_default().into_static();
                let empty = Empty(self.connection.clone(), path);
                let socket = outlet.subscribe(central, empty);
                let socket = socket.map_err(|problem| MethodErr::failed(&problem))?;
                Ok(reply.append2(socket, mtu))
            }
            ("Confirm", Some(outlet)) => {
                outlet.confirm();
                Ok(reply)
            }
            ("StopNotify", Some(_)) => Ok(reply),
            (member, _) => Err(MethodErr::no_method(member)),
        }
    }

    /// The objects in the order of their handles, as `a{oa{sa{sv}}}`.
    fn list(&self, call: &Message) -> Message {
        let mut reply = call.method_return();
        let (path_type, interfaces_type) = (Path::signature(), Interfaces::signature());
        IterAppend::new(&mut reply).append_dict(&path_type, &interfaces_type, |objects| {
            for path in &self.paths {
                let (interface, content) = self.nodes[path].describe();
                let interfaces = Interfaces::from([(interface, properties(content))]);
                objects.append_dict_entry(|object| {
                    object.append(path);
                    object.append(interfaces);
                });
            }
        });
        reply
    }
}

impl Node {
    fn describe(&self) -> (&'static str, PropMapOf) {
        match self {
            Self::Service(uuid) => (
                SERVICE_INTERFACE,
                vec![
                    ("UUID", Property::Text(uuid.0.to_string())),
                    ("Primary", Property::Flag(true)),
                ],
            ),
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

fn properties(content: PropMapOf) -> PropMap {
    let entries = content.into_iter().map(|(name, property)| {
        let value: Box<dyn dbus::arg::RefArg> = match property {
            Property::Flag(flag) => Box::new(flag),
            Property::Text(text) => Box::new(text),
            Property::Texts(texts) => Box::new(texts),
            Property::Path(path) => Box::new(path),
        };
        (name.to_owned(), Variant(value))
    });
    entries.collect()
}

/// What BlueZ tells of a request.
struct Request {
    central: Address,
    offset: usize,
    mtu: u16,
}

impl Request {
    fn of(options: &PropMap) -> std::result::Result<Self, MethodErr> {
        let device = options.get("device").and_then(|device| device.0.as_str());
        let central = device
            .and_then(address)
            .ok_or_else(|| MethodErr::invalid_arg("device"))?;
        Ok(Self {
            central,
            offset: prop_cast::<u16>(options, "offset")
                .copied()
                .unwrap_or(0)
                .into(),
            mtu: prop_cast::<u16>(options, "mtu").copied().unwrap_or(0),
        })
    }
}

/// The address in the path of a device: `/org/bluez/hci0/dev_00_11_22_33_44_55`.
fn address(device: &str) -> Option<Address> {
    let (_, octets) = device.rsplit_once("/dev_")?;
    octets.replace('_', ":").parse().ok()
}

/// Who a central is to the engine.
pub(super) fn peer(address: Address) -> PeerId {
    let octets = address.0.into_iter();
    PeerId(octets.fold(0, |number, octet| number << 8 | u64::from(octet)))
}

/// BlueZ makes the ATT error of it again. Of the application errors it takes the code in the text,
/// where it does not just take 0x80.
fn refusal(error: AttError) -> MethodErr {
    let name = match error {
        AttError::InvalidOffset => "org.bluez.Error.InvalidOffset",
        AttError::InvalidAttributeValueLength => "org.bluez.Error.InvalidValueLength",
        AttError::ReadNotPermitted | AttError::WriteNotPermitted => "org.bluez.Error.NotPermitted",
        AttError::RequestNotSupported => "org.bluez.Error.NotSupported",
        AttError::InvalidHandle
        | AttError::AttributeNotFound
        | AttError::PrepareQueueFull
        | AttError::Refused => "org.bluez.Error.Failed",
    };
    MethodErr::from((name, format!("0x{:02x}", error.code())))
}

/// A value of no octets. A socket cannot carry it: bluetoothd takes it for the end.
pub(super) struct Empty(Weak<SyncConnection>, Path<'static>);

impl Empty {
    /// As a signal, which goes to all subscribers.
    pub(super) fn send(&self) {
        let Some(connection) = self.0.upgrade() else {
            return;
        };
        let changed = PropMap::from([(
            "Value".to_owned(),
            Variant(Box::new(Vec::<u8>::new()) as Box<_>),
        )]);
        let signal = Message::signal(
            &self.1,
            &"org.freedesktop.DBus.Properties".into(),
            &"PropertiesChanged".into(),
        );
        let _ = connection.send(signal.append3(
            CHARACTERISTIC_INTERFACE,
            changed,
            Vec::<String>::new(),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_central_is_known_by_its_whole_address() {
        let central = address("/org/bluez/hci0/dev_01_02_03_04_05_06").expect("an address");
        assert_eq!(peer(central), PeerId(0x0102_0304_0506));
        assert_eq!(address("/org/bluez/hci0"), None);
    }
}
