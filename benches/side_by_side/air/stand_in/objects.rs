//! The objects of `org.bluez` and their properties, as far as programs ask for them.

use std::collections::{BTreeMap, HashMap};

use dbus::arg::{PropMap, RefArg, Variant};

pub(super) const ADAPTER: &str = "/org/bluez/hci0";
pub(super) const ADAPTER_INTERFACE: &str = "org.bluez.Adapter1";
pub(super) const ADVERTISING_MANAGER: &str = "org.bluez.LEAdvertisingManager1";
pub(super) const AGENT_MANAGER: &str = "org.bluez.AgentManager1";
pub(super) const DEVICE_INTERFACE: &str = "org.bluez.Device1";
pub(super) const GATT_MANAGER: &str = "org.bluez.GattManager1";
/// As many advertisements as a controller without extended advertising has room for, less those in use.
pub(super) const ADVERTISEMENTS_MAX: u8 = 5;

/// By interface, in the order in which they are shown.
pub(super) type Interfaces = BTreeMap<&'static str, Properties>;
pub(super) type Properties = BTreeMap<&'static str, Property>;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Property {
    Flag(bool),
    Octet(u8),
    Wide(u32),
    Text(String),
    Texts(Vec<String>),
    Path(dbus::Path<'static>),
}

impl Property {
    pub(super) fn variant(&self) -> Variant<Box<dyn RefArg>> {
        Variant(match self.clone() {
            Self::Flag(flag) => Box::new(flag),
            Self::Octet(octet) => Box::new(octet),
            Self::Wide(number) => Box::new(number),
            Self::Text(text) => Box::new(text),
            Self::Texts(texts) => Box::new(texts),
            Self::Path(path) => Box::new(path),
        })
    }

    /// The same kind with what somebody wants it to be, if that is of this kind.
    pub(super) fn with(&self, wanted: &dyn RefArg) -> Option<Self> {
        match self {
            Self::Flag(_) => wanted.as_u64().map(|it| Self::Flag(it != 0)),
            Self::Wide(_) => wanted.as_u64()?.try_into().ok().map(Self::Wide),
            Self::Text(_) => wanted.as_str().map(|it| Self::Text(it.to_owned())),
            Self::Octet(_) | Self::Texts(_) | Self::Path(_) => None,
        }
    }

    fn signature(&self) -> &'static str {
        match self {
            Self::Flag(_) => "b",
            Self::Octet(_) => "y",
            Self::Wide(_) => "u",
            Self::Text(_) => "s",
            Self::Texts(_) => "as",
            Self::Path(_) => "o",
        }
    }
}

pub(super) fn properties(of: &Properties) -> PropMap {
    let entries = of.iter();
    entries
        .map(|(name, property)| ((*name).to_owned(), property.variant()))
        .collect()
}

/// As `GetManagedObjects` has them: with the interfaces that every object has.
pub(super) fn interfaces(of: &Interfaces) -> HashMap<String, PropMap> {
    let entries = of.iter();
    let mut all: HashMap<_, _> = entries
        .map(|(interface, of)| ((*interface).to_owned(), properties(of)))
        .collect();
    all.insert(
        "org.freedesktop.DBus.Introspectable".to_owned(),
        PropMap::new(),
    );
    if has_properties(of) {
        all.insert("org.freedesktop.DBus.Properties".to_owned(), PropMap::new());
    }
    all
}

fn has_properties(of: &Interfaces) -> bool {
    of.values().any(|properties| !properties.is_empty())
}

/// What there is when nobody is connected, by path.
pub(super) fn at_first() -> BTreeMap<String, Interfaces> {
    let text = |text: &str| Property::Text(text.to_owned());
    let texts = |texts: &[&str]| Property::Texts(texts.iter().map(ToString::to_string).collect());
    let adapter = Properties::from([
        ("Address", text("00:AA:01:00:00:00")),
        ("AddressType", text("public")),
        ("Name", text("BlueZ 5.66")),
        ("Alias", text("BlueZ 5.66")),
        ("Class", Property::Wide(0)),
        ("Powered", Property::Flag(true)),
        ("Discoverable", Property::Flag(false)),
        ("DiscoverableTimeout", Property::Wide(180)),
        ("Pairable", Property::Flag(false)),
        ("PairableTimeout", Property::Wide(0)),
        ("Discovering", Property::Flag(false)),
        (
            "UUIDs",
            texts(&[
                "00001801-0000-1000-8000-00805f9b34fb",
                "00001800-0000-1000-8000-00805f9b34fb",
                "0000180a-0000-1000-8000-00805f9b34fb",
            ]),
        ),
        ("Modalias", text("usb:v1D6Bp0246d0542")),
        ("Roles", texts(&["central", "peripheral"])),
    ]);
    let advertising = Properties::from([
        ("ActiveInstances", Property::Octet(0)),
        ("SupportedInstances", Property::Octet(ADVERTISEMENTS_MAX)),
        (
            "SupportedIncludes",
            texts(&["tx-power", "appearance", "local-name"]),
        ),
    ]);
    BTreeMap::from([
        (
            "/org/bluez".to_owned(),
            Interfaces::from([(AGENT_MANAGER, Properties::new())]),
        ),
        (
            ADAPTER.to_owned(),
            Interfaces::from([
                (ADAPTER_INTERFACE, adapter),
                (GATT_MANAGER, Properties::new()),
                (ADVERTISING_MANAGER, advertising),
            ]),
        ),
    ])
}

/// A central, as it shows.
pub(super) fn device(address: &str) -> Interfaces {
    let text = |text: &str| Property::Text(text.to_owned());
    let device = Properties::from([
        ("Address", text(address)),
        ("AddressType", text("public")),
        ("Alias", text(&address.replace(':', "-"))),
        ("Paired", Property::Flag(false)),
        ("Bonded", Property::Flag(false)),
        ("Trusted", Property::Flag(false)),
        ("Blocked", Property::Flag(false)),
        ("LegacyPairing", Property::Flag(false)),
        ("Connected", Property::Flag(true)),
        ("UUIDs", Property::Texts(Vec::new())),
        ("Adapter", Property::Path(ADAPTER.into())),
        ("ServicesResolved", Property::Flag(false)),
    ]);
    Interfaces::from([(DEVICE_INTERFACE, device)])
}

pub(super) fn device_path(address: &str) -> String {
    format!("{ADAPTER}/dev_{}", address.replace(':', "_"))
}

/// What can be called and read at a path. Some programs go by this alone.
pub(super) fn introspect(objects: &BTreeMap<String, Interfaces>, path: &str) -> String {
    let mut xml = String::from(
        "<!DOCTYPE node PUBLIC \"-//freedesktop//DTD D-BUS Object Introspection 1.0//EN\"\n\
         \"http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd\">\n<node>",
    );
    xml += INTROSPECTABLE;
    if path == "/" {
        xml += OBJECT_MANAGER;
    }
    if let Some(interfaces) = objects.get(path) {
        if has_properties(interfaces) {
            xml += PROPERTIES;
        }
        for (interface, properties) in interfaces {
            xml += &format!("<interface name=\"{interface}\">{}", methods(interface));
            for (name, property) in properties {
                let settable = SETTABLE.contains(name) && *interface == ADAPTER_INTERFACE;
                let access = if settable { "readwrite" } else { "read" };
                let kind = property.signature();
                xml += &format!("<property name=\"{name}\" type=\"{kind}\" access=\"{access}\"/>");
            }
            xml += "</interface>";
        }
    }
    for child in children(objects.keys(), path) {
        xml += &format!("<node name=\"{child}\"/>");
    }
    xml + "</node>"
}

/// The names directly below a path.
fn children<'a>(all: impl Iterator<Item = &'a String>, path: &str) -> Vec<&'a str> {
    let above = path.trim_end_matches('/');
    let below = all.filter_map(|it| it.strip_prefix(above)?.strip_prefix('/'));
    let mut names: Vec<_> = below.filter_map(|it| it.split('/').next()).collect();
    names.retain(|name| !name.is_empty());
    names.dedup();
    names
}

/// Of the adapter.
pub(super) const SETTABLE: [&str; 6] = [
    "Alias",
    "Powered",
    "Discoverable",
    "DiscoverableTimeout",
    "Pairable",
    "PairableTimeout",
];

const INTROSPECTABLE: &str = "<interface name=\"org.freedesktop.DBus.Introspectable\">\
    <method name=\"Introspect\"><arg name=\"xml\" type=\"s\" direction=\"out\"/></method></interface>";
const OBJECT_MANAGER: &str = "<interface name=\"org.freedesktop.DBus.ObjectManager\">\
    <method name=\"GetManagedObjects\"><arg name=\"objects\" type=\"a{oa{sa{sv}}}\" direction=\"out\"/></method>\
    <signal name=\"InterfacesAdded\"><arg name=\"object\" type=\"o\"/>\
    <arg name=\"interfaces\" type=\"a{sa{sv}}\"/></signal>\
    <signal name=\"InterfacesRemoved\"><arg name=\"object\" type=\"o\"/>\
    <arg name=\"interfaces\" type=\"as\"/></signal></interface>";
const PROPERTIES: &str = "<interface name=\"org.freedesktop.DBus.Properties\">\
    <method name=\"Get\"><arg name=\"interface\" type=\"s\" direction=\"in\"/>\
    <arg name=\"name\" type=\"s\" direction=\"in\"/><arg name=\"value\" type=\"v\" direction=\"out\"/></method>\
    <method name=\"Set\"><arg name=\"interface\" type=\"s\" direction=\"in\"/>\
    <arg name=\"name\" type=\"s\" direction=\"in\"/><arg name=\"value\" type=\"v\" direction=\"in\"/></method>\
    <method name=\"GetAll\"><arg name=\"interface\" type=\"s\" direction=\"in\"/>\
    <arg name=\"properties\" type=\"a{sv}\" direction=\"out\"/></method>\
    <signal name=\"PropertiesChanged\"><arg name=\"interface\" type=\"s\"/>\
    <arg name=\"changed_properties\" type=\"a{sv}\"/><arg name=\"invalidated_properties\" type=\"as\"/>\
    </signal></interface>";

fn methods(interface: &str) -> &'static str {
    match interface {
        GATT_MANAGER => {
            "<method name=\"RegisterApplication\"><arg name=\"application\" type=\"o\" direction=\"in\"/>\
             <arg name=\"options\" type=\"a{sv}\" direction=\"in\"/></method>\
             <method name=\"UnregisterApplication\"><arg name=\"application\" type=\"o\" direction=\"in\"/>\
             </method>"
        }
        ADVERTISING_MANAGER => {
            "<method name=\"RegisterAdvertisement\"><arg name=\"advertisement\" type=\"o\" direction=\"in\"/>\
             <arg name=\"options\" type=\"a{sv}\" direction=\"in\"/></method>\
             <method name=\"UnregisterAdvertisement\"><arg name=\"service\" type=\"o\" direction=\"in\"/>\
             </method>"
        }
        AGENT_MANAGER => {
            "<method name=\"RegisterAgent\"><arg name=\"agent\" type=\"o\" direction=\"in\"/>\
             <arg name=\"capability\" type=\"s\" direction=\"in\"/></method>\
             <method name=\"UnregisterAgent\"><arg name=\"agent\" type=\"o\" direction=\"in\"/></method>\
             <method name=\"RequestDefaultAgent\"><arg name=\"agent\" type=\"o\" direction=\"in\"/></method>"
        }
        _ => "",
    }
}
