//! The tree and the advertisement on an adapter, from their registration to their end.

use std::convert::Infallible;
use std::future::pending;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
use super::news::News;
use super::notify::Outlets;
use super::objects::{Objects, OnAir};
use super::pairing::{Pairing, hold};
use super::{centrals, news, on_air, pass_over};
use crate::gatt::advertising::Advertisement;
use crate::gatt::section::{AdapterChoice, Peripheral};
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
    address: Option<bluer::Address>,
    /// The bluetoothd that is served, by its unique name.
    bluetoothd: String,
    connection: Connection,
    objects: Arc<Objects>,
    outlets: Arc<Mutex<Outlets>>,
    door: Arc<Door>,
    news: Arc<News>,
    /// There may be room for an advertisement that was refused.
    room: Arc<Notify>,
    delivery: Delivery,
    version: Option<u32>,
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

/// Why it cannot go on with another configuration.
pub(super) enum NotGoneOn {
    /// bluetoothd does not want what that declares.
    Refused(String),
    /// It does not answer, or is not there.
    Failed(String),
}

impl From<dbus::Error> for NotGoneOn {
    fn from(problem: dbus::Error) -> Self {
        let name = problem.name().unwrap_or_default();
        match name.starts_with("org.bluez.Error.") {
            true => Self::Refused(problem.to_string()),
            false => Self::Failed(problem.to_string()),
        }
    }
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
        let news = news::listen(
            &connection.bus,
            &bluetoothd,
            adapter.name(),
            room.clone(),
            door.clone(),
        )
        .await
        .map_err(|problem| problem.to_string())?;
        let (objects, outlets) = Objects::export(
            port,
            &connection.bus,
            bluetoothd.clone(),
            door.clone(),
            delivery,
        );
        objects
            .register(adapter.name())
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
        let watch = centrals::watch(adapter.clone(), outlets.teller().clone());
        let watch = tokio::spawn(watch).abort_handle();
        Ok(Self {
            address,
            adapter,
            bluetoothd,
            connection,
            objects,
            outlets: Arc::new(Mutex::new(outlets)),
            door,
            news,
            room,
            delivery,
            version,
            pairing,
            watch,
        })
    }

    /// Whether a configuration that wants `after` finds what it wants here, where the one of before wanted
    /// `before`.
    pub(super) fn fits(&self, before: &AdapterChoice, after: &AdapterChoice) -> bool {
        match after {
            _ if before == after => true,
            AdapterChoice::Named(name) => name == self.adapter.name(),
            AdapterChoice::At(address) => self.address.is_some_and(|it| it.0 == address.0),
            AdapterChoice::Auto | AdapterChoice::Virtual => false,
        }
    }

    /// Whether centrals see of these services what they see now.
    pub(super) fn shows(&self, services: &[Service]) -> bool {
        self.objects.is_registered(services)
    }

    pub(super) fn is_of(&self, bluetoothd: &str) -> bool {
        self.bluetoothd == bluetoothd && !self.connection.io.is_finished()
    }

    pub(super) fn adapter(&self) -> &str {
        self.adapter.name()
    }

    /// Answers as another configuration declares it, from here on. [`Serving::go_on`] does what takes its time.
    pub(super) fn repoint(
        &mut self,
        port: &Port,
        declared: &Peripheral,
        window: &Arc<PairingWindow>,
    ) {
        self.objects.show(port, &mut locked(&self.outlets));
        self.door
            .set(declared.pairing.allowed.clone(), window.clone());
    }

    /// Answers nothing any more: it is about to be taken back.
    pub(super) fn fall_silent(&self) {
        self.objects.show_nothing();
    }

    /// Has bluetoothd know what has changed.
    ///
    /// # Errors
    /// When it does not want the services, or does not answer.
    pub(super) async fn go_on(
        &mut self,
        port: &Port,
        declared: &Peripheral,
    ) -> Result<(), NotGoneOn> {
        if self.door.is_guarded() {
            self.news.listen_to_devices(&self.connection.bus).await?;
            self.door.judge_all();
        }
        if let Some(problem) = cannot_protect(self.version, port.services()) {
            return Err(NotGoneOn::Refused(problem));
        }
        self.objects.register(self.adapter.name()).await?;
        let (adapter, objects) = (&self.adapter, &self.objects);
        self.pairing
            .become_as(&declared.pairing, adapter, objects)
            .await;
        Ok(())
    }

    /// Advertises, and tells subscribers of changes, until the adapter is gone.
    pub(super) async fn run(
        &mut self,
        port: &Port,
        declared: &Peripheral,
        window: &Arc<PairingWindow>,
    ) -> bluer::Result<Lost> {
        window.begin(port);
        let mut events = Box::pin(self.adapter.events().await?);
        // It may have been switched off while nobody listened.
        if !self.adapter.is_powered().await? {
            return Ok(Lost::SwitchedOff);
        }
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
        let mut told = pin!(self.tell(port, window));
        loop {
            tokio::select! {
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
                never = &mut told => match never {},
            }
        }
    }

    /// Tells subscribers of changes, each in the moment in which it is made.
    fn tell(
        &self,
        port: &Port,
        window: &Arc<PairingWindow>,
    ) -> impl Future<Output = Infallible> + use<> {
        let (port, window, outlets) = (port.clone(), window.clone(), self.outlets.clone());
        async move {
            let here = port.clone();
            port.prompted(move || {
                let outlets = locked(&outlets);
                while let Some(effect) = here.pull() {
                    window.hear(&here, &effect);
                    outlets.tell(&effect, here.link(), &here.receipt(&effect));
                }
            })
            .await
        }
    }

    /// Takes everything back and waits until it is gone.
    pub(super) async fn stop(self) {
        let adapter = self.adapter.name();
        // The quick one first: an application of many services takes its time.
        let unadvertised = self.objects.unregister_advertisement(adapter).await;
        debug!(?unadvertised, "taken back");
        self.pairing.end(&self.adapter, &self.objects).await;
        self.objects.unregister_all(adapter).await;
    }
}

fn locked(outlets: &Mutex<Outlets>) -> MutexGuard<'_, Outlets> {
    // Also after a panic with them: the link is about to end then.
    outlets.lock().unwrap_or_else(PoisonError::into_inner)
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
    let advertise = async || {
        objects.set_on_air(OnAir::InDoubt);
        let advertised = advertise(objects, adapter.name(), advertisement).await;
        objects.set_on_air(match &advertised {
            Ok(()) => OnAir::Advertised(advertisement.clone()),
            Err(_) => OnAir::Nothing,
        });
        advertised
    };
    let has_timeout = advertisement.timeout.is_some();
    let refused = match objects.on_air() {
        // Another configuration says the same of it.
        OnAir::Advertised(known) if known == *advertisement => None,
        OnAir::Over(known) if known == *advertisement => return pending().await,
        known => {
            if matches!(known, OnAir::Advertised(_) | OnAir::InDoubt) {
                let ended = objects.unregister_advertisement(adapter.name()).await;
                debug!(?ended, "something else is advertised");
            }
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
            refused
        }
    };
    debug!(?delivery, "how notifications reach subscribers");
    let again = || -> BoxFuture<'_, _> { Box::pin(advertise()) };
    let released = || -> BoxFuture<'_, ()> {
        Box::pin(async {
            objects.released().await;
            objects.set_on_air(match has_timeout {
                true => OnAir::Over(advertisement.clone()),
                false => OnAir::Nothing,
            });
        })
    };
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
