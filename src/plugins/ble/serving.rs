//! The tree and the advertisement on an adapter, from their registration to their end.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bluer::{Adapter, AdapterEvent, AdapterProperty};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_stream::StreamExt;
use tracing::{debug, info, warn};

use super::adapter::{Delivery, bluez_version, delivery};
use super::advertise::advertise;
use super::bus::Connection;
use super::door::Door;
use super::notify::Outlets;
use super::objects::Objects;
use super::pairing::{Pairing, hold};
use super::{centrals, news, on_air, pass_over};
use crate::gatt::advertising::Advertisement;
use crate::gatt::section::Peripheral;
use crate::gatt::window::PairingWindow;
use crate::gatt::{SecurityLevel, Service};
use crate::plugin::{BoxFuture, Port};

/// What is said of the adapter as long as it serves.
pub(super) const DETAILS: [&str; 4] = ["adapter", "address", "bluez", "delivery"];

/// An adapter that is pulled out is switched off first. It is gone soon after that.
const REMOVED_WITHIN: Duration = Duration::from_secs(1);
/// Dropping it takes everything back: bluetoothd lets go of what belongs to a closed connection. But
/// nobody knows when.
pub(super) struct Serving {
    adapter: Adapter,
    connection: Connection,
    objects: Arc<Objects>,
    outlets: Outlets,
    /// There may be room for an advertisement that was refused.
    room: Arc<Notify>,
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
        window: &Arc<PairingWindow>,
        adapter: Adapter,
        bluetoothd: String,
    ) -> Result<Self, String> {
        // What has changed so far is no change for whoever subscribes from here on.
        pass_over(port, window);
        let connection = Connection::open().await?;
        let version = bluez_version(&adapter).await;
        if let Some(problem) = cannot_protect(version, port.services()) {
            return Err(problem);
        }
        let delivery = delivery(version);
        let room = Arc::new(Notify::new());
        let door = Arc::new(Door::new(
            declared.pairing.allowed.clone(),
            window.clone(),
            bluetoothd.clone(),
            Arc::downgrade(&connection.bus),
        ));
        news::listen(
            &connection.bus,
            &bluetoothd,
            adapter.name(),
            room.clone(),
            door.clone(),
        )
        .await
        .map_err(|problem| problem.to_string())?;
        let (objects, outlets) = Objects::export(port, &connection.bus, bluetoothd, door, delivery);
        objects
            .register_application(adapter.name())
            .await
            .map_err(|problem| problem.to_string())?;
        if declared.advertisement.interval.is_some() {
            warn_of_interval(version);
        }
        let pairing = Pairing::begin(&declared.pairing, &adapter, &objects).await;
        let address = adapter.address().await.ok();
        let said = [
            Some(adapter.name().to_owned()),
            address.map(|address| address.to_string()),
            version.map(|version| format!("{}.{}", version >> 8, version & 0xFF)),
            Some(delivery.words().to_owned()),
        ];
        for (known, text) in DETAILS.into_iter().zip(said) {
            port.detail(known, text);
        }
        let watch = tokio::spawn(centrals::watch(adapter.clone(), port.clone())).abort_handle();
        Ok(Self {
            adapter,
            connection,
            objects,
            outlets,
            room,
            delivery,
            pairing,
            watch,
        })
    }

    /// Advertises, and tells subscribers of changes, until the adapter is gone.
    pub(super) async fn run(
        &mut self,
        port: &Port,
        declared: &Peripheral,
        window: &PairingWindow,
    ) -> bluer::Result<Lost> {
        window.begin(port);
        let mut events = Box::pin(self.adapter.events().await?);
        // Beside the rest: bluetoothd may take its time, and subscribers are not to wait for that.
        let advertised = go_on_the_air(
            port,
            &declared.advertisement,
            &self.adapter,
            &self.objects,
            &self.room,
            self.delivery,
        );
        let mut advertised = pin!(advertised);
        let mut held = pin!(hold(port, window, &self.adapter));
        loop {
            tokio::select! {
                () = port.changed() => while let Some(effect) = port.pull() {
                    window.hear(port, &effect);
                    self.outlets.tell(&effect, port.link(), &port.receipt(&effect));
                },
                event = events.next() => match event {
                    Some(AdapterEvent::PropertyChanged(AdapterProperty::Powered(false))) => {
                        let ended = async { while events.next().await.is_some() {} };
                        let removed = timeout(REMOVED_WITHIN, ended).await.is_ok();
                        return Ok(if removed { Lost::Removed } else { Lost::SwitchedOff });
                    }
                    Some(_) => {}
                    None => return Ok(Lost::Removed),
                },
                _ = &mut self.connection.io => return Ok(Lost::Connection),
                never = &mut advertised => match never? {},
                never = &mut held => match never {},
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

/// Up to 5.55, BlueZ has no words for who may subscribe. It would refuse all services, and not say why.
fn cannot_protect(bluez_version: Option<u32>, services: &[Service]) -> Option<String> {
    let version @ ..0x0538 = bluez_version? else {
        return None;
    };
    let all = services.iter().flat_map(|service| &service.characteristics);
    let protected = all
        .filter(|it| it.access.can_subscribe())
        .find(|it| it.security.notify > SecurityLevel::Open)?;
    Some(format!(
        "BlueZ {}.{} cannot keep centrals from subscribing to {:?}, which is not open: that takes \
        BlueZ 5.56, or `security: {{ notify: open }}`",
        version >> 8,
        version & 0xFF,
        protected.name
    ))
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

/// Advertises, and does so again whenever that was refused or has been ended: without an advertisement,
/// those are served who know the adapter. Returns only when the adapter does not answer.
async fn go_on_the_air(
    port: &Port,
    advertisement: &Advertisement,
    adapter: &Adapter,
    objects: &Objects,
    room: &Notify,
    delivery: Delivery,
) -> bluer::Result<Infallible> {
    let advertise = || advertise(objects, adapter.name(), advertisement);
    let refused = advertise().await.err();
    if let Some(problem) = &refused {
        warn!("not advertised, tried again as soon as there is room: {problem}");
    }
    info!(
        "{:?} is on the air by {} ({}), services: {}",
        port.device_name(),
        adapter.name(),
        adapter.address().await?,
        port.services().len()
    );
    debug!(?delivery, "how notifications reach subscribers");
    let again = || -> BoxFuture<'_, _> { Box::pin(advertise()) };
    let released = || -> BoxFuture<'_, ()> { Box::pin(objects.released()) };
    let has_timeout = advertisement.timeout.is_some();
    Ok(on_air::stay(refused, has_timeout, again, released, room).await)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Placeholders, load_str};

    #[test]
    fn what_an_old_bluez_would_not_protect_is_refused() {
        let services = |security: &str| {
            let source = format!(
                "version: 1\nble: {{}}\nservices:\n- name: S\n  uuid: FF00\n  characteristics:\n  \
                 - {{ name: Key, uuid: FF01, access: [write, notify], value: {{ type: u8 }}, \
                 security: {security} }}\n"
            );
            let host = Placeholders::new(Vec::new());
            let loaded = load_str(Path::new("test.yaml"), &source, &|_| None, host);
            loaded
                .unwrap_or_else(|mistakes| panic!("{mistakes}"))
                .plan
                .services
        };
        let (protected, open) = (services("encrypted"), services("{ write: encrypted }"));
        let problem = cannot_protect(Some(0x0537), &protected).expect("5.55 is too old");
        assert!(
            problem.contains("BlueZ 5.55") && problem.contains("\"Key\""),
            "{problem}"
        );
        for (version, services) in [
            (Some(0x0537), &open),
            (Some(0x0538), &protected),
            (None, &protected),
        ] {
            assert_eq!(cannot_protect(version, services), None);
        }
    }
}
