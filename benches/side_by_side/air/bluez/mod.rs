//! The real thing: bluetoothd on the system's bus, hci0 for the program that is measured, and hci1 for the
//! central, which is an ATT client on an L2CAP socket and nothing more. The lab has both.

mod central;

use std::fs;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bluer::{Address, AddressType};
use dbus::Message;
use dbus::arg::Variant;
use dbus::channel::Channel;
use uuid::Uuid;

pub use central::Central;

use super::Result;
use super::presence::Presence;
use super::timeline::{Registered, Timeline};

const SYSTEM_BUS: &str = "unix:path=/run/dbus/system_bus_socket";
/// How often it is looked whether a link is still there; nothing is measured meanwhile.
const LOOKS_AGAIN: Duration = Duration::from_millis(50);

pub struct Bluez {
    bus_address: String,
    peripheral: bluer::l2cap::SocketAddr,
    central: bluer::l2cap::SocketAddr,
    presence: Presence,
    timeline: Mutex<Arc<Timeline>>,
}

impl Bluez {
    pub(super) fn start() -> Result<Self> {
        let bus_address = std::env::var("DBUS_SYSTEM_BUS_ADDRESS");
        let bus_address = bus_address.unwrap_or_else(|_| SYSTEM_BUS.to_owned());
        let mut channel = Channel::open_private(&bus_address)?;
        channel.register()?;
        let presence = Presence::start(&bus_address)?;
        let timeline = Timeline::start(&bus_address)?;
        Ok(Self {
            peripheral: att_socket(&channel, "hci0")?,
            central: att_socket(&channel, "hci1")?,
            bus_address,
            presence,
            timeline: Mutex::new(Arc::new(timeline)),
        })
    }

    pub(super) fn bus_address(&self) -> &str {
        &self.bus_address
    }

    fn timeline(&self) -> MutexGuard<'_, Arc<Timeline>> {
        self.timeline.lock().expect("nothing panics with it")
    }

    pub(super) async fn registered(&self) -> Registered {
        let timeline = self.timeline().clone();
        timeline.registered().await
    }

    pub(super) async fn connect(&self, characteristic: Uuid) -> Result<Central> {
        self.registered().await;
        // The kernel keeps a link for a while when nobody uses it any more, and bluetoothd what it knows of it.
        while is_linked("hci1") {
            tokio::time::sleep(LOOKS_AGAIN).await;
        }
        Central::connect(self.central, self.peripheral, characteristic).await
    }

    pub(super) async fn gone(&self) {
        self.presence.alone().await;
        match Timeline::start(&self.bus_address) {
            Ok(timeline) => *self.timeline() = Arc::new(timeline),
            Err(problem) => eprintln!("nobody listens to the bus any more: {problem}"),
        }
    }
}

fn is_linked(adapter: &str) -> bool {
    let link = format!("{adapter}:");
    let entries = fs::read_dir("/sys/class/bluetooth");
    entries.is_ok_and(|entries| {
        let mut names = entries.flatten().map(|it| it.file_name());
        names.any(|name| name.to_string_lossy().starts_with(&link))
    })
}

/// Where an adapter has ATT's fixed channel (Core Spec 5.4, Vol 3, Part A, 2.1).
fn att_socket(bus: &Channel, adapter: &str) -> Result<bluer::l2cap::SocketAddr> {
    const ATT: u16 = 4;
    let asked = Message::call_with_args(
        "org.bluez",
        format!("/org/bluez/{adapter}"),
        "org.freedesktop.DBus.Properties",
        "Get",
        ("org.bluez.Adapter1", "Address"),
    );
    let answer = bus.send_with_reply_and_block(asked, Duration::from_secs(5));
    let answer =
        answer.map_err(|problem| format!("bluetoothd does not show {adapter}: {problem}"))?;
    let address: Variant<String> = answer.read1()?;
    let address: Address = address.0.parse()?;
    Ok(bluer::l2cap::SocketAddr {
        cid: ATT,
        ..bluer::l2cap::SocketAddr::new(address, AddressType::LePublic, 0)
    })
}
