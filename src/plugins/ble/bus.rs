//! Who owns `org.bluez` on the system bus. bluetoothd comes and goes, and bluer does not tell.

use std::sync::Arc;
use std::time::Duration;

use dbus::Message;
use dbus::channel::MatchingReceiver;
use dbus::message::MatchRule;
use dbus::nonblock::{Proxy, SyncConnection};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::wire;

const BLUEZ: &str = "org.bluez";
const DBUS: &str = "org.freedesktop.DBus";
const OWNER_CHANGED: &str = "type='signal',sender='org.freedesktop.DBus',\
    interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='org.bluez'";
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// A connection to the system bus. It is closed when this is dropped.
pub(super) struct Connection {
    pub(super) bus: Arc<SyncConnection>,
    /// Ends when the bus is lost.
    pub(super) io: JoinHandle<()>,
}

impl Connection {
    pub(super) async fn open() -> Result<Self, String> {
        // Connecting blocks.
        let opened = tokio::task::spawn_blocking(wire::connect);
        let (wire, bus) = match opened.await {
            Ok(Ok(opened)) => opened,
            Ok(Err(problem)) => return Err(problem),
            Err(problem) => return Err(problem.to_string()),
        };
        let io = tokio::spawn(wire.carry());
        Ok(Self { bus, io })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.io.abort();
    }
}

/// Watches one name.
pub(super) struct Bus {
    owner: watch::Receiver<Owner>,
    connection: Connection,
}

/// Who answers to `org.bluez`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Nobody,
    /// A bluetoothd, by its unique name on the bus: the next one has another.
    Bluetoothd(String),
    /// The bus itself is gone.
    BusLost,
}

impl Bus {
    /// Connects. Nothing here makes the bus start a bluetoothd that somebody has stopped.
    pub(super) async fn connect() -> Result<Self, String> {
        let connection = Connection::open().await?;
        let (owners, owner) = watch::channel(Owner::Nobody);
        let bus = Self { owner, connection };
        let connection = bus.connection.bus.clone();
        let proxy = Proxy::new(DBUS, "/org/freedesktop/DBus", ANSWER_WITHIN, connection);
        bus.watch(&proxy, owners)
            .await
            .map_err(|problem| problem.to_string())?;
        Ok(bus)
    }

    async fn watch(
        &self,
        proxy: &Proxy<'_, Arc<SyncConnection>>,
        owners: watch::Sender<Owner>,
    ) -> Result<(), dbus::Error> {
        let heard = owners.clone();
        let receive = Box::new(move |message: Message, _: &SyncConnection| {
            if let Ok((name, _, new)) = message.read3::<String, String, String>()
                && name == BLUEZ
            {
                heard.send_replace(Owner::from(new));
            }
            true
        });
        let rule = MatchRule::new_signal(DBUS, "NameOwnerChanged");
        proxy.connection.start_receive(rule, receive);
        let () = proxy
            .method_call(DBUS, "AddMatch", (OWNER_CHANGED,))
            .await?;
        // An error means that nobody has the name. Whoever takes it from here on is heard of.
        if let Ok((owner,)) = proxy.method_call(DBUS, "GetNameOwner", (BLUEZ,)).await {
            owners.send_if_modified(|known| {
                let first = *known == Owner::Nobody;
                if first {
                    *known = Owner::Bluetoothd(owner);
                }
                first
            });
        }
        Ok(())
    }

    /// Who owns the name at this moment.
    pub(super) fn owner(&self) -> Owner {
        if self.connection.io.is_finished() {
            return Owner::BusLost;
        }
        self.owner.borrow().clone()
    }

    /// Resolves when somebody else does, or the bus is lost.
    pub(super) async fn owner_changed(&mut self, from: &Owner) {
        tokio::select! {
            _ = self.owner.wait_for(|owner| owner != from) => {}
            _ = &mut self.connection.io => {}
        }
    }
}

impl From<String> for Owner {
    /// An empty name is how the bus says that there is none.
    fn from(unique_name: String) -> Self {
        if unique_name.is_empty() {
            Self::Nobody
        } else {
            Self::Bluetoothd(unique_name)
        }
    }
}
