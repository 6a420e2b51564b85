//! What bluetoothd tells without being asked, on the connection on which it calls us: so whatever it has
//! told comes before what it asks next.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
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
const CHANGED: &str = "interface='org.freedesktop.DBus.Properties',member='PropertiesChanged'";
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
) -> Result<Arc<News>, dbus::Error> {
    let adapter = format!("/org/bluez/{adapter}");
    let news = Arc::new(News {
        bluetoothd: bluetoothd.to_owned(),
        devices: format!("{adapter}/dev_"),
        room,
        door: door.clone(),
        since: Mutex::new(None),
        listens: AtomicBool::new(false),
    });
    let hears = news.clone();
    let receive = Box::new(move |message: Message, _: &SyncConnection| {
        hears.take(&message);
        true
    });
    connection.start_receive(MatchRule::new().with_type(MessageType::Signal), receive);
    let room = format!("{CHANGED},path='{adapter}',arg0='{ADVERTISING}'");
    add_match(connection, bluetoothd, &room).await?;
    if door.is_guarded() {
        news.listen_to_devices(connection).await?;
    }
    Ok(news)
}

async fn add_match(
    connection: &Arc<SyncConnection>,
    bluetoothd: &str,
    rule: &str,
) -> Result<(), dbus::Error> {
    let path = "/org/freedesktop/DBus";
    let bus = Proxy::new(DBUS, path, ANSWER_WITHIN, connection.clone());
    let rule = format!("type='signal',sender='{bluetoothd}',{rule}");
    bus.method_call(DBUS, "AddMatch", (rule,)).await
}

pub(super) struct News {
    bluetoothd: String,
    /// How the paths of this adapter's devices begin.
    devices: String,
    room: Arc<Notify>,
    door: Arc<Door>,
    /// As long as the list of all devices is on its way.
    since: Mutex<Option<Since>>,
    listens: AtomicBool,
}

impl News {
    /// It matters who a central is: hears from here on what bluetoothd learns of them, and what it knows. Asked
    /// again, it does nothing.
    pub(super) async fn listen_to_devices(
        &self,
        connection: &Arc<SyncConnection>,
    ) -> Result<(), dbus::Error> {
        if self.listens.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        *self.since.lock().expect("nothing panics with it") = Some(Since::new());
        let adapter = self.devices.trim_end_matches("/dev_");
        let devices = format!("{CHANGED},path_namespace='{adapter}',arg0='{DEVICE}'");
        add_match(connection, &self.bluetoothd, &devices).await?;
        let objects = format!("interface='{OBJECTS}',path='/'");
        add_match(connection, &self.bluetoothd, &objects).await?;
        let bluez = Proxy::new(&*self.bluetoothd, "/", ANSWER_WITHIN, connection.clone());
        let (objects,): (HashMap<Path<'static>, Interfaces>,) =
            bluez.method_call(OBJECTS, "GetManagedObjects", ()).await?;
        self.all(objects);
        Ok(())
    }

    fn take(&self, signal: &Message) {
        if signal.sender().as_deref() != Some(&*self.bluetoothd) {
            return;
        }
        let (interface, member) = (signal.interface(), signal.member());
        let taken = match (interface.as_deref(), member.as_deref()) {
            (Some(PROPERTIES), Some("PropertiesChanged")) => self.properties_changed(signal),
            (Some(OBJECTS), Some("InterfacesAdded")) => signal.read2().map(|(path, added)| {
                let (path, mut added): (Path<'_>, Interfaces) = (path, added);
                if let Some(device) = added.remove(DEVICE) {
                    self.hear(&path, Heard::Added(device));
                }
            }),
            (Some(OBJECTS), Some("InterfacesRemoved")) => signal.read2().map(|(path, gone)| {
                let (path, gone): (Path<'_>, Vec<String>) = (path, gone);
                if gone.iter().any(|interface| interface == DEVICE) {
                    self.hear(&path, Heard::Removed);
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
            DEVICE => self.hear(&path, Heard::Changed(changed)),
            _ => {}
        }
        Ok(())
    }

    /// A signal says something of a device.
    fn hear(&self, path: &str, heard: Heard) {
        if !path.starts_with(&self.devices) {
            return;
        }
        let mut since = self.since.lock().expect("nothing panics with it");
        if let Some(since) = &mut *since {
            let said = since.entry(path.to_owned()).or_default();
            match &heard {
                Heard::Added(_) | Heard::Removed => *said = Said::All,
                Heard::Changed(changed) => said.add(changed),
            }
        }
        match heard {
            Heard::Added(device) | Heard::Changed(device) => self.door.learn(path, &device),
            Heard::Removed => self.door.forget(path),
        }
    }

    /// All objects, as they were when bluetoothd was asked. What signals have said since is newer, though
    /// they may be taken first.
    fn all(&self, objects: HashMap<Path<'static>, Interfaces>) {
        let mut since = self.since.lock().expect("nothing panics with it");
        let since = since.take().unwrap_or_default();
        for (path, mut interfaces) in objects {
            let device = interfaces.remove(DEVICE);
            let Some(mut device) = device.filter(|_| path.starts_with(&self.devices)) else {
                continue;
            };
            match since.get(&*path) {
                Some(Said::All) => continue,
                Some(Said::Only(names)) => device.retain(|name, _| !names.contains(name)),
                None => {}
            }
            self.door.learn(&path, &device);
        }
    }
}

enum Heard {
    Added(PropMap),
    Changed(PropMap),
    Removed,
}

/// What signals have said of devices while a list of all was on its way, by path.
type Since = HashMap<String, Said>;

enum Said {
    Only(HashSet<String>),
    All,
}

impl Default for Said {
    fn default() -> Self {
        Self::Only(HashSet::new())
    }
}

impl Said {
    fn add(&mut self, changed: &PropMap) {
        match self {
            Self::Only(names) => names.extend(changed.keys().cloned()),
            Self::All => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Weak;

    use dbus::arg::Variant;

    use super::*;
    use crate::gatt::SecurityLevel;
    use crate::gatt::pairing::Allowed;
    use crate::gatt::window::{PairingWindow, Rule};

    const DEVICE_PATH: &str = "/org/bluez/hci0/dev_5A_00_00_00_00_01";

    fn news() -> News {
        let allowed = ["AA:BB:CC:DD:EE:FF".parse().expect("an address")];
        let door = Door::new(
            Some(Allowed::from_iter(allowed)),
            Arc::new(PairingWindow::new(Rule::Always)),
            ":1.0".to_owned(),
            Weak::new(),
        );
        News {
            bluetoothd: ":1.0".to_owned(),
            devices: "/org/bluez/hci0/dev_".to_owned(),
            room: Arc::default(),
            door: Arc::new(door),
            since: Mutex::new(Some(Since::new())),
            listens: AtomicBool::new(true),
        }
    }

    fn at(address: &str) -> PropMap {
        let address = Variant(Box::new(address.to_owned()) as Box<_>);
        PropMap::from([("Address".to_owned(), address)])
    }

    fn list(address: &str) -> HashMap<Path<'static>, Interfaces> {
        let interfaces = Interfaces::from([(DEVICE.to_owned(), at(address))]);
        HashMap::from([(Path::from(DEVICE_PATH), interfaces)])
    }

    fn is_let_in(news: &News) -> bool {
        news.door.lets_use(DEVICE_PATH, SecurityLevel::Encrypted)
    }

    const LISTED: &str = "AA:BB:CC:DD:EE:FF";
    const OLD: &str = "5A:00:00:00:00:01";

    #[test]
    fn a_list_that_was_on_its_way_does_not_undo_what_signals_have_said_since() {
        let changed = news();
        changed.hear(DEVICE_PATH, Heard::Changed(at(LISTED)));
        changed.all(list(OLD));
        assert!(is_let_in(&changed));

        let added = news();
        added.hear(DEVICE_PATH, Heard::Added(at(LISTED)));
        added.all(list(OLD));
        assert!(is_let_in(&added));
    }

    #[test]
    fn who_has_been_removed_since_is_not_in_the_list() {
        let news = news();
        news.hear(DEVICE_PATH, Heard::Removed);
        news.all(list(LISTED));
        assert!(!is_let_in(&news));
    }

    #[test]
    fn the_list_says_what_no_signal_has_said() {
        let news = news();
        let paired = Variant(Box::new(true) as Box<_>);
        let paired = PropMap::from([("Paired".to_owned(), paired)]);
        news.hear(DEVICE_PATH, Heard::Changed(paired));
        news.all(list(LISTED));
        assert!(is_let_in(&news));
        // From here on signals come one after the other.
        news.hear(DEVICE_PATH, Heard::Changed(at(OLD)));
        assert!(!is_let_in(&news));
    }
}
