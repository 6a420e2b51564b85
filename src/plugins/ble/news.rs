//! What bluetoothd tells without being asked, on the connection on which it calls us: so whatever it has
//! told comes before what it asks next.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use dbus::arg::PropMap;
use dbus::channel::MatchingReceiver;
use dbus::message::{MatchRule, MessageType};
use dbus::nonblock::{Proxy, SyncConnection};
use dbus::{Message, Path};
use tokio::sync::Notify;
use tracing::debug;

use super::door::Door;

const DBUS: &str = "org.freedesktop.DBus";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
const OBJECTS: &str = "org.freedesktop.DBus.ObjectManager";
const ADVERTISING: &str = "org.bluez.LEAdvertisingManager1";
const DEVICE: &str = "org.bluez.Device1";
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

type Interfaces = HashMap<String, PropMap>;

/// Listens for as long as the connection is there: for room among the advertisements, and where it
/// matters who a central is, for what bluetoothd learns of them.
pub(super) async fn listen(
    connection: &Arc<SyncConnection>,
    bluetoothd: &str,
    adapter: &str,
    room: Arc<Notify>,
    door: Arc<Door>,
) -> Result<(), dbus::Error> {
    let adapter = format!("/org/bluez/{adapter}");
    let news = News {
        bluetoothd: bluetoothd.to_owned(),
        devices: format!("{adapter}/dev_"),
        room,
        door: door.clone(),
    };
    let receive = Box::new(move |message: Message, _: &SyncConnection| {
        news.take(&message);
        true
    });
    connection.start_receive(MatchRule::new().with_type(MessageType::Signal), receive);
    let changed = "interface='org.freedesktop.DBus.Properties',member='PropertiesChanged'";
    let mut rules = vec![format!("{changed},path='{adapter}',arg0='{ADVERTISING}'")];
    if door.is_guarded() {
        rules.push(format!(
            "{changed},path_namespace='{adapter}',arg0='{DEVICE}'"
        ));
        rules.push(format!("interface='{OBJECTS}',path='/'"));
    }
    let bus = Proxy::new(
        DBUS,
        "/org/freedesktop/DBus",
        ANSWER_WITHIN,
        connection.clone(),
    );
    for rule in rules {
        let rule = format!("type='signal',sender='{bluetoothd}',{rule}");
        let () = bus.method_call(DBUS, "AddMatch", (rule,)).await?;
    }
    if door.is_guarded() {
        let bluez = Proxy::new(bluetoothd, "/", ANSWER_WITHIN, connection.clone());
        let (objects,): (HashMap<Path<'static>, Interfaces>,) =
            bluez.method_call(OBJECTS, "GetManagedObjects", ()).await?;
        for (path, interfaces) in objects {
            if path.starts_with(&format!("{adapter}/dev_")) {
                learn(&door, &path, interfaces);
            }
        }
    }
    Ok(())
}

struct News {
    bluetoothd: String,
    /// How the paths of this adapter's devices begin.
    devices: String,
    room: Arc<Notify>,
    door: Arc<Door>,
}

impl News {
    fn take(&self, signal: &Message) {
        if signal.sender().as_deref() != Some(&*self.bluetoothd) {
            return;
        }
        let (interface, member) = (signal.interface(), signal.member());
        let taken = match (interface.as_deref(), member.as_deref()) {
            (Some(PROPERTIES), Some("PropertiesChanged")) => self.properties_changed(signal),
            (Some(OBJECTS), Some("InterfacesAdded")) => signal.read2().map(|(path, interfaces)| {
                let path: Path<'_> = path;
                if path.starts_with(&self.devices) {
                    learn(&self.door, &path, interfaces);
                }
            }),
            (Some(OBJECTS), Some("InterfacesRemoved")) => signal.read2().map(|(path, gone)| {
                let (path, gone): (Path<'_>, Vec<String>) = (path, gone);
                if gone.iter().any(|interface| interface == DEVICE) {
                    self.door.forget(&path);
                }
            }),
            _ => Ok(()),
        };
        if let Err(problem) = taken {
            debug!(%problem, "a signal of bluetoothd that cannot be read");
        }
    }

    fn properties_changed(&self, signal: &Message) -> Result<(), dbus::arg::TypeMismatchError> {
        let (interface, changed): (String, PropMap) = signal.read2()?;
        let path = signal.path().unwrap_or_default();
        match interface.as_str() {
            ADVERTISING => self.room.notify_one(),
            DEVICE if path.starts_with(&self.devices) => self.door.learn(&path, &changed),
            _ => {}
        }
        Ok(())
    }
}

fn learn(door: &Arc<Door>, path: &str, mut interfaces: Interfaces) {
    if let Some(device) = interfaces.remove(DEVICE) {
        door.learn(path, &device);
    }
}
