//! The tree and the advertisement on an adapter, from their registration to their end.

use std::sync::Arc;
use std::time::Duration;

use bluer::{Adapter, AdapterEvent, AdapterProperty};
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_stream::StreamExt;
use tracing::{debug, info, warn};

use super::adapter::delivery;
use super::advertise::advertise;
use super::bus::Connection;
use super::centrals;
use super::notify::Outlets;
use super::objects::Objects;
use crate::plugin::Port;

/// How long bluetoothd may take to let go of everything.
const GONE_WITHIN: Duration = Duration::from_secs(1);
/// How often an advertisement is tried that was refused altogether.
const ADVERTISE_AGAIN: Duration = Duration::from_secs(30);

/// Dropping it takes everything back: bluetoothd lets go of what belongs to a closed connection. But
/// nobody knows when.
pub(super) struct Serving {
    adapter: Adapter,
    /// What the adapter was called before.
    alias: String,
    connection: Connection,
    objects: Arc<Objects>,
    outlets: Outlets,
    advertised: bool,
    watch: AbortHandle,
}

/// Why it cannot go on here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    Removed,
    SwitchedOff,
    Connection,
}

impl Serving {
    /// Registers everything with this bluetoothd.
    ///
    /// # Errors
    /// When it does not want the tree. Without an advertisement it serves those who know it.
    pub(super) async fn start(
        port: &Port,
        adapter: Adapter,
        bluetoothd: String,
    ) -> Result<Self, String> {
        let alias = rename(&adapter, port.device_name())
            .await
            .map_err(|problem| problem.to_string())?;
        // What has changed so far is no change for whoever subscribes from here on.
        while let Some(effect) = port.pull() {
            port.delivered(effect.cell, effect.version);
        }
        let connection = Connection::open().await?;
        let delivery = delivery(&adapter).await;
        let (objects, outlets) = Objects::export(port, &connection.bus, bluetoothd, delivery);
        objects
            .register_application(adapter.name())
            .await
            .map_err(|problem| problem.to_string())?;
        let watch = tokio::spawn(centrals::watch(adapter.clone())).abort_handle();
        let mut serving = Self {
            adapter,
            alias,
            connection,
            objects,
            outlets,
            advertised: false,
            watch,
        };
        if let Err(problem) = serving.advertise(port).await {
            warn!("not advertised, tried again and again: {problem}");
        }
        let name = serving.adapter.name();
        let address = serving.adapter.address().await;
        let address = address.map_err(|problem| problem.to_string())?;
        info!(
            "{:?} is on the air by {name} ({address}), services: {}",
            port.device_name(),
            port.services().len()
        );
        debug!(?delivery, "how notifications reach subscribers");
        Ok(serving)
    }

    /// Tells subscribers of changes, until the adapter is gone.
    pub(super) async fn run(&mut self, port: &Port) -> bluer::Result<Lost> {
        let mut events = Box::pin(self.adapter.events().await?);
        let mut again = interval_at(Instant::now() + ADVERTISE_AGAIN, ADVERTISE_AGAIN);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = port.changed() => while let Some(effect) = port.pull() {
                    self.outlets.tell(&effect, port.link());
                    port.delivered(effect.cell, effect.version);
                },
                event = events.next() => match event {
                    Some(AdapterEvent::PropertyChanged(AdapterProperty::Powered(false))) => {
                        return Ok(Lost::SwitchedOff);
                    }
                    Some(_) => {}
                    None => return Ok(Lost::Removed),
                },
                _ = &mut self.connection.io => return Ok(Lost::Connection),
                _ = again.tick(), if !self.advertised => match self.advertise(port).await {
                    Ok(()) => info!("advertised at last"),
                    Err(problem) => debug!(%problem, "still not advertised"),
                },
            }
        }
    }

    /// Takes everything back and waits until it is gone.
    pub(super) async fn stop(self) {
        if timeout(GONE_WITHIN, self.take_back()).await.is_err() {
            debug!("bluetoothd is slow to let go");
        }
    }

    async fn advertise(&mut self, port: &Port) -> Result<(), dbus::Error> {
        let (adapter, name) = (self.adapter.name(), port.device_name());
        advertise(&self.objects, adapter, name, port.services()).await?;
        self.advertised = true;
        Ok(())
    }

    async fn take_back(&self) {
        let adapter = self.adapter.name();
        // The quick ones first: an application of many services takes its time.
        let renamed = self.adapter.set_alias(self.alias.clone()).await;
        let unadvertised = self.objects.unregister_advertisement(adapter).await;
        let unregistered = self.objects.unregister_application(adapter).await;
        debug!(?renamed, ?unadvertised, ?unregistered, "taken back");
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

/// Gives the adapter a name; returns the one to go back to, empty for the system's.
async fn rename(adapter: &Adapter, name: &str) -> bluer::Result<String> {
    let before = adapter.alias().await?;
    if before == name {
        // Left over from a run that could not clean up.
        return Ok(String::new());
    }
    adapter.set_alias(name.to_owned()).await?;
    let inherited = before == adapter.system_name().await?;
    Ok(if inherited { String::new() } else { before })
}
