//! A Bluetooth adapter in memory, for machines without one: the declared tree with the same ATT
//! semantics, and centrals in the same process.

use std::sync::Arc;

use tracing::info;

use crate::gatt::advertising::Advertisement;
use crate::gatt::section::{AdapterChoice, BleConfig};
use crate::gatt::server::GattServer;
use crate::plugin::{BoxFuture, Configure, Failure, Link, Place, Plugin, Port};

pub struct VirtualBle;

impl Plugin for VirtualBle {
    fn name(&self) -> &'static str {
        "virtual_ble"
    }

    fn places(&self) -> Vec<Place> {
        vec![Place::section::<BleConfig>("ble")]
    }

    fn configure(&self, declared: &mut Configure<'_>) -> Option<Box<dyn Link>> {
        let peripheral = BleConfig::declare(declared)?;
        let stands_in = match peripheral.adapter {
            AdapterChoice::Auto => true,
            AdapterChoice::Virtual => false,
            AdapterChoice::Named(_) => return None,
        };
        Some(Box::new(VirtualAdapter {
            stands_in,
            advertisement: peripheral.advertisement,
        }))
    }
}

struct VirtualAdapter {
    /// For an adapter that is not there.
    stands_in: bool,
    advertisement: Advertisement,
}

impl Link for VirtualAdapter {
    fn name(&self) -> &'static str {
        "virtual_ble"
    }

    fn run(&mut self, port: Port) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async move {
            let server = Arc::new(GattServer::new(port.clone(), self.advertisement.clone()));
            let _disconnects = Disconnects(server.clone());
            // What the values were before there could be a subscriber is no change.
            tell_all(&port, &server);
            let _offer = port.offer(server.clone());
            let name = port.device_name();
            if self.stands_in {
                info!(
                    "no Bluetooth adapter: {name:?} is on a virtual one, and nothing is on the air, \
                    until there is a real one"
                );
            } else {
                info!("{name:?} is on a virtual adapter: nothing is on the air");
            }
            loop {
                tokio::select! {
                    () = port.changed() => tell_all(&port, &server),
                    () = port.stopped() => return Ok(()),
                }
            }
        })
    }
}

fn tell_all(port: &Port, server: &GattServer) {
    while let Some(effect) = port.pull() {
        server.tell(&effect);
    }
}

/// Centrals notice when the adapter goes, also when it is dropped for a real one.
struct Disconnects(Arc<GattServer>);

impl Drop for Disconnects {
    fn drop(&mut self) {
        self.0.close();
    }
}
