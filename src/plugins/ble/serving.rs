//! The tree and the advertisement on an adapter, from their registration to their end.

use std::time::Duration;

use bluer::adv::AdvertisementHandle;
use bluer::gatt::local::ApplicationHandle;
use bluer::{Adapter, AdapterEvent, AdapterProperty};
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};
use tokio_stream::StreamExt;
use tracing::{debug, info, warn};

use super::adapter::delivery;
use super::advertise::advertise;
use super::application::application;
use super::centrals;
use super::notify::{Notifier, Outlets};
use crate::plugin::Port;

/// How long bluetoothd may take to let go of everything.
const GONE_WITHIN: Duration = Duration::from_secs(1);
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// How often an advertisement is tried that was refused altogether.
const ADVERTISE_AGAIN: Duration = Duration::from_secs(30);

pub(super) struct Serving {
    adapter: Adapter,
    /// What the adapter was called before.
    alias: String,
    outlets: Outlets,
    application: Option<ApplicationHandle>,
    advertisement: Option<AdvertisementHandle>,
    watch: AbortHandle,
}

/// Why it cannot go on here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    Removed,
    SwitchedOff,
}

impl Serving {
    /// Registers everything.
    ///
    /// # Errors
    /// When BlueZ does not want the tree. Without an advertisement it serves those who know it.
    pub(super) async fn start(port: &Port, adapter: Adapter) -> bluer::Result<Self> {
        let alias = adapter.alias().await?;
        let alias = if alias == adapter.system_name().await? {
            // This is how BlueZ is told that there is no alias.
            String::new()
        } else {
            alias
        };
        if alias != port.device_name() {
            adapter.set_alias(port.device_name().to_owned()).await?;
        }

        // What has changed so far is no change for whoever subscribes from here on.
        while let Some(effect) = port.pull() {
            port.delivered(effect.cell, effect.version);
        }
        let notifier = Notifier::new(adapter.clone(), delivery(&adapter).await);
        let (application, outlets) = application(port, &notifier);
        let application = adapter.serve_gatt_application(application).await?;
        let watch = tokio::spawn(centrals::watch(adapter.clone())).abort_handle();
        let mut serving = Self {
            adapter,
            alias,
            outlets,
            application: Some(application),
            advertisement: None,
            watch,
        };
        if let Err(problem) = serving.advertise(port).await {
            warn!("not advertised, tried again and again: {problem}");
        }
        let (name, address) = (serving.adapter.name(), serving.adapter.address().await?);
        let services = port.services().len();
        info!(
            "{:?} is on the air by {name} ({address}), services: {services}",
            port.device_name()
        );
        Ok(serving)
    }

    /// Tells subscribers of changes, until the adapter is gone.
    pub(super) async fn run(&mut self, port: &Port) -> bluer::Result<Lost> {
        let mut events = Box::pin(self.adapter.events().await?);
        let mut again = interval_at(Instant::now() + ADVERTISE_AGAIN, ADVERTISE_AGAIN);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let unadvertised = self.advertisement.is_none();
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
                _ = again.tick(), if unadvertised => {
                    match self.advertise(port).await {
                        Ok(()) => info!("advertised at last"),
                        Err(problem) => debug!(%problem, "still not advertised"),
                    }
                }
            }
        }
    }

    /// Takes everything back, as far as bluetoothd can be reached, and waits until it is gone.
    pub(super) async fn stop(mut self) {
        if timeout(GONE_WITHIN, self.take_back()).await.is_err() {
            debug!("bluetoothd is slow to let go");
        }
    }

    /// For the end of the process, when bluetoothd is not there: its parting calls would make the bus
    /// start a bluetoothd that somebody has stopped.
    pub(super) fn forget(mut self) {
        std::mem::forget(self.advertisement.take());
        std::mem::forget(self.application.take());
    }

    async fn advertise(&mut self, port: &Port) -> bluer::Result<()> {
        let advertised = advertise(&self.adapter, port.device_name(), port.services());
        self.advertisement = Some(advertised.await?);
        Ok(())
    }

    /// A handle that is dropped unregisters in a task of its own, some time later.
    async fn take_back(&mut self) {
        let before = self.adapter.active_advertising_instances().await;
        let before = before.unwrap_or(0);
        if self.advertisement.take().is_some() {
            while let Ok(left) = self.adapter.active_advertising_instances().await
                && left > 0
                && left >= before
            {
                sleep(LOOK_AGAIN).await;
            }
        }
        if self.application.take().is_some() {
            sleep(LOOK_AGAIN).await;
        }
        // Answered after what was sent before it.
        let alias = std::mem::take(&mut self.alias);
        if let Err(problem) = self.adapter.set_alias(alias).await {
            debug!(%problem, "the adapter keeps its name");
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.watch.abort();
    }
}
