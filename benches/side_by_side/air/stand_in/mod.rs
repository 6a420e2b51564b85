//! A stand-in for bluetoothd 5.66: to a program on its bus it is `org.bluez` with one adapter, and to a measuring
//! central it is what carries ATT. What it does is what BlueZ's own source does in the same place, less the radio.
//!
//! That an application cannot tell the two apart is tested with one conversation that is held with both
//! (tests/stand_in, and the scenario `conversation` of the lab).
//!
//! Not here: pairing and encryption (a link is always open, so what demands more is refused), agents (they are
//! taken and never asked), prepared writes, `AcquireWrite`, included services, scanning, other adapters, BlueZ's own
//! services, the exact handles, objects that come or go after the registration, subscriptions that outlive a
//! connection, whether flags are known and an advertisement fits, the match rules that bluetoothd has for each
//! object, ATT's deadline, and the time that bluetoothd, a controller and a link layer take.

mod application;
mod central;
mod daemon;
mod notifying;
mod objects;

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use dbus::channel::Channel;
use dbus::nonblock::SyncConnection;
use dbus::nonblock::stdintf::org_freedesktop_dbus::RequestNameReply;
use tokio::sync::oneshot;
use uuid::Uuid;

pub use central::Central;
use daemon::{DBUS, Daemon};

use super::Result;
use super::bus::Bus;
use super::presence::Presence;
use super::timeline::{Registered, Timeline};

pub struct StandIn {
    daemon: Arc<Daemon>,
    presence: Presence,
    timeline: Mutex<Arc<Timeline>>,
    centrals: AtomicU8,
    ends: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    /// The last to go.
    bus: Bus,
}

impl StandIn {
    pub(super) async fn start() -> Result<Self> {
        let bus = Bus::start()?;
        let mut channel = Channel::open_private(bus.address())?;
        channel.register()?;
        let (resource, connection) =
            dbus_tokio::connection::from_channel::<SyncConnection>(channel)?;
        // A thread of its own: whatever else the caller's one has to do, the bus is read at once.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (ends, ended) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("org.bluez".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        _ = resource => {}
                        _ = ended => {}
                    }
                });
            })?;
        let daemon = Daemon::new(connection);
        daemon.add_match(&format!(
            "type='signal',sender='{DBUS}',interface='{DBUS}',member='NameOwnerChanged'"
        ));
        let named = daemon
            .connection
            .request_name("org.bluez", false, false, true)
            .await?;
        if named != RequestNameReply::PrimaryOwner {
            return Err("the bus has an org.bluez already".into());
        }
        let presence = Presence::start(bus.address())?;
        let timeline = Timeline::start(bus.address())?;
        Ok(Self {
            daemon,
            presence,
            timeline: Mutex::new(Arc::new(timeline)),
            centrals: AtomicU8::new(0),
            ends: Some(ends),
            thread: Some(thread),
            bus,
        })
    }

    pub(super) fn bus_address(&self) -> &str {
        self.bus.address()
    }

    fn timeline(&self) -> std::sync::MutexGuard<'_, Arc<Timeline>> {
        self.timeline.lock().expect("nothing panics with it")
    }

    pub(super) async fn registered(&self) -> Registered {
        let timeline = self.timeline().clone();
        timeline.registered().await
    }

    pub(super) async fn connect(&self, characteristic: Uuid) -> Result<Central> {
        self.registered().await;
        let found = self.daemon.until(|state| state.find(characteristic)).await;
        let number = self.centrals.fetch_add(1, Ordering::Relaxed);
        let address = format!("00:AA:01:01:00:{:02X}", number.wrapping_add(1));
        let (owner, characteristic) = found;
        let daemon = self.daemon.clone();
        Ok(Central::connect(daemon, &address, owner, characteristic))
    }

    pub(super) async fn gone(&self) {
        self.presence.alone().await;
        let alone = |state: &daemon::State| state.is_left_alone().then_some(());
        self.daemon.until(alone).await;
        // Without the listener of before there is one left that does not listen to the next program.
        match Timeline::start(self.bus.address()) {
            Ok(timeline) => *self.timeline() = Arc::new(timeline),
            Err(problem) => eprintln!("nobody listens to the bus any more: {problem}"),
        }
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        drop(self.ends.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
