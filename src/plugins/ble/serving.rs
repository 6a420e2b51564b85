//! The tree and the advertisement on an adapter, from their registration to their end.

use std::convert::Infallible;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bluer::{Adapter, AdapterEvent, AdapterProperty};
use tokio::task::AbortHandle;
use tokio::time::sleep;
use tokio_stream::StreamExt;
use tracing::{debug, info, warn};

use super::adapter::{Delivery, bluez_version, delivery};
use super::advertise::advertise;
use super::bus::Connection;
use super::centrals;
use super::notify::Outlets;
use super::objects::Objects;
use super::pairing::Pairing;
use crate::gatt::advertising::Advertisement;
use crate::gatt::section::Peripheral;
use crate::plugin::Port;

/// How often an advertisement is tried that was refused altogether.
const ADVERTISE_AGAIN: Duration = Duration::from_secs(30);

/// Dropping it takes everything back: bluetoothd lets go of what belongs to a closed connection. But
/// nobody knows when.
pub(super) struct Serving {
    adapter: Adapter,
    connection: Connection,
    objects: Arc<Objects>,
    outlets: Outlets,
    delivery: Delivery,
    pairing: Pairing,
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
    /// Registers the tree with this bluetoothd.
    ///
    /// # Errors
    /// When it does not want it.
    pub(super) async fn start(
        port: &Port,
        declared: &Peripheral,
        adapter: Adapter,
        bluetoothd: String,
    ) -> Result<Self, String> {
        // What has changed so far is no change for whoever subscribes from here on.
        port.pass_over();
        let connection = Connection::open().await?;
        let version = bluez_version(&adapter).await;
        let delivery = delivery(version);
        let (objects, outlets) = Objects::export(port, &connection.bus, bluetoothd, delivery);
        objects
            .register_application(adapter.name())
            .await
            .map_err(|problem| problem.to_string())?;
        if declared.advertisement.interval.is_some() {
            warn_of_interval(version);
        }
        let pairing = Pairing::begin(&declared.pairing, &adapter, &objects).await;
        let watch = tokio::spawn(centrals::watch(adapter.clone(), port.clone())).abort_handle();
        Ok(Self {
            adapter,
            connection,
            objects,
            outlets,
            delivery,
            pairing,
            watch,
        })
    }

    /// Advertises, and tells subscribers of changes, until the adapter is gone.
    pub(super) async fn run(&mut self, port: &Port, declared: &Peripheral) -> bluer::Result<Lost> {
        let mut events = Box::pin(self.adapter.events().await?);
        // Beside the rest: bluetoothd may take its time, and subscribers are not to wait for that.
        let advertised = go_on_the_air(
            port,
            &declared.advertisement,
            &self.adapter,
            &self.objects,
            self.delivery,
        );
        let mut advertised = pin!(advertised);
        loop {
            tokio::select! {
                () = port.changed() => while let Some(effect) = port.pull() {
                    self.outlets.tell(&effect, port.link(), &port.receipt(&effect));
                },
                event = events.next() => match event {
                    Some(AdapterEvent::PropertyChanged(AdapterProperty::Powered(false))) => {
                        return Ok(Lost::SwitchedOff);
                    }
                    Some(_) => {}
                    None => return Ok(Lost::Removed),
                },
                _ = &mut self.connection.io => return Ok(Lost::Connection),
                never = &mut advertised => match never? {},
            }
        }
    }

    /// Takes everything back and waits until it is gone.
    pub(super) async fn stop(self) {
        let adapter = self.adapter.name();
        // The quick one first: an application of many services takes its time.
        let unadvertised = self.objects.unregister_advertisement(adapter).await;
        self.pairing.end(&self.adapter, &self.objects).await;
        let unregistered = self.objects.unregister_application(adapter).await;
        debug!(?unadvertised, ?unregistered, "taken back");
    }
}

/// Up to 5.77, BlueZ takes the intervals of an advertisement for an experiment.
fn warn_of_interval(bluez_version: Option<u32>) {
    if let Some(version @ ..0x054E) = bluez_version {
        warn!(
            "BlueZ {}.{} passes over the `interval` of the advertisement unless it runs with \
            `--experimental`, or `Experimental = true` in /etc/bluetooth/main.conf",
            version >> 8,
            version & 0xFF
        );
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

/// Advertises, and tries again until it is taken: without an advertisement, those are served who know
/// the adapter. Returns only when the adapter does not answer.
async fn go_on_the_air(
    port: &Port,
    advertisement: &Advertisement,
    adapter: &Adapter,
    objects: &Objects,
    delivery: Delivery,
) -> bluer::Result<Infallible> {
    let advertise = || advertise(objects, adapter.name(), advertisement);
    let first = advertise().await;
    if let Err(problem) = &first {
        warn!("not advertised, tried again and again: {problem}");
    }
    info!(
        "{:?} is on the air by {} ({}), services: {}",
        port.device_name(),
        adapter.name(),
        adapter.address().await?,
        port.services().len()
    );
    debug!(?delivery, "how notifications reach subscribers");
    if first.is_err() {
        loop {
            sleep(ADVERTISE_AGAIN).await;
            match advertise().await {
                Ok(()) => break,
                Err(problem) => debug!(%problem, "still not advertised"),
            }
        }
        info!("advertised at last");
    }
    pending().await
}
