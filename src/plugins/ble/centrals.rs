//! Says who connects and who disconnects, in the log and to whoever listens.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;

use bluer::{Adapter, AdapterEvent, Address, DeviceEvent, DeviceProperty};
use tokio_stream::{Stream, StreamExt, StreamMap};
use tracing::{debug, info};

use super::notify::Teller;
use crate::plugin::Notice;

type Events = Pin<Box<dyn Stream<Item = DeviceEvent> + Send>>;

/// Watches until it is dropped, or the adapter goes.
pub(super) async fn watch(adapter: Adapter, teller: Arc<Teller>) {
    let mut centrals = Centrals {
        adapter,
        teller,
        known: StreamMap::new(),
        connected: BTreeSet::new(),
    };
    if let Err(problem) = centrals.follow().await {
        debug!(%problem, "nobody watches who connects");
    }
}

struct Centrals {
    adapter: Adapter,
    teller: Arc<Teller>,
    known: StreamMap<Address, Events>,
    connected: BTreeSet<Address>,
}

impl Centrals {
    async fn follow(&mut self) -> bluer::Result<()> {
        let mut events = Box::pin(self.adapter.events().await?);
        for address in self.adapter.device_addresses().await? {
            self.know(address).await?;
        }
        loop {
            tokio::select! {
                event = events.next() => match event {
                    Some(AdapterEvent::DeviceAdded(address)) => self.know(address).await?,
                    Some(AdapterEvent::DeviceRemoved(address)) => {
                        self.known.remove(&address);
                        self.is(address, false);
                    }
                    Some(AdapterEvent::PropertyChanged(_)) => {}
                    None => return Ok(()),
                },
                Some((address, DeviceEvent::PropertyChanged(property))) = self.known.next() => {
                    if let DeviceProperty::Connected(connected) = property {
                        self.is(address, connected);
                    }
                }
            }
        }
    }

    async fn know(&mut self, address: Address) -> bluer::Result<()> {
        let device = self.adapter.device(address)?;
        self.known.insert(address, Box::pin(device.events().await?));
        // It may have gone again; then there is nothing to say.
        if device.is_connected().await.unwrap_or(false) {
            self.is(address, true);
        }
        Ok(())
    }

    fn is(&mut self, address: Address, connected: bool) {
        let central = address.to_string();
        if connected && self.connected.insert(address) {
            info!("{address} has connected");
            self.teller.tell(Notice::Connected { central });
        } else if !connected && self.connected.remove(&address) {
            info!("{address} has disconnected");
            self.teller.tell(Notice::Disconnected { central });
        }
    }
}

/// Whoever is connected when the adapter goes, or this program, is so no longer as far as anybody can
/// tell; it connects again when it is still there afterwards.
impl Drop for Centrals {
    fn drop(&mut self) {
        for address in &self.connected {
            let central = address.to_string();
            self.teller.tell(Notice::Disconnected { central });
        }
    }
}
