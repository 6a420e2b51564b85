//! A Bluetooth adapter in memory, for machines without one: the declared tree with the same ATT
//! semantics, and centrals in the same process.

use std::pin::pin;
use std::sync::Arc;

use tracing::info;

use crate::gatt::section::{AdapterChoice, BleConfig, Peripheral};
use crate::gatt::server::GattServer;
use crate::gatt::window::PairingWindow;
use crate::plugin::{
    Availability, BoxFuture, Configure, Examination, Failure, Finding, Link, Place, Plugin, Port,
    Served, Stage,
};

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
        Some(Box::new(VirtualAdapter(peripheral)))
    }
}

struct VirtualAdapter(Peripheral);

impl Link for VirtualAdapter {
    fn name(&self) -> &'static str {
        "virtual_ble"
    }

    /// Of an adapter that is named it takes the place in rehearsals only.
    fn available(&mut self) -> BoxFuture<'_, Availability> {
        let availability = match &self.0.adapter {
            AdapterChoice::Auto | AdapterChoice::Virtual => Availability::Ready,
            AdapterChoice::Named(name) => Availability::Absent(format!("{name} is wanted")),
            AdapterChoice::At(address) => Availability::Absent(format!("{address} is wanted")),
        };
        Box::pin(std::future::ready(availability))
    }

    /// No central is connected to what is not there.
    fn carries_over(&self) -> bool {
        false
    }

    fn examine<'a>(&'a mut self, _: Examination<'a>) -> BoxFuture<'a, Vec<Finding>> {
        let says = "a virtual one is declared, and nothing is on the air: no other is looked for";
        Box::pin(async move { vec![Finding::skipped("adapter", says)] })
    }

    fn serves(&self) -> Vec<Served> {
        let why = match &self.0.adapter {
            AdapterChoice::Auto => "until there is a real one",
            AdapterChoice::Virtual | AdapterChoice::Named(_) | AdapterChoice::At(_) => {
                "as declared"
            }
        };
        let text = format!("a virtual one, and nothing is on the air, {why}");
        vec![Served::new("adapter", text).logged()]
    }

    fn run(&mut self, port: Port) -> BoxFuture<'_, Result<(), Failure>> {
        let name = port.device_name();
        match &self.0.adapter {
            AdapterChoice::Auto => info!(
                "no Bluetooth adapter: {name:?} is on a virtual one, and nothing is on the air, \
                until there is a real one"
            ),
            AdapterChoice::Virtual | AdapterChoice::Named(_) | AdapterChoice::At(_) => {
                info!("{name:?} is on a virtual adapter: nothing is on the air");
            }
        }
        Box::pin(serve(port, self.0.clone()))
    }

    fn rehearse(&mut self, port: Port, _: Stage) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(serve(port, self.0.clone()))
    }
}

async fn serve(port: Port, peripheral: Peripheral) -> Result<(), Failure> {
    let Peripheral {
        advertisement,
        pairing,
        ..
    } = peripheral;
    port.detail("adapter", Some("virtual".to_owned()));
    let window = Arc::new(PairingWindow::new(pairing.rule));
    let server = GattServer::new(port.clone(), advertisement, pairing.allowed, window.clone());
    let server = Arc::new(server);
    let _disconnects = Disconnects(server.clone());
    // What the values were before there could be a subscriber is no change.
    tell_all(&port, &server, &window);
    let _offer = port.offer(server.clone());
    window.begin(&port);
    let mut closes = pin!(window.run(&port));
    loop {
        tokio::select! {
            biased;
            () = port.changed() => tell_all(&port, &server, &window),
            never = &mut closes => match never {},
            _ = port.stopped() => return Ok(()),
        }
    }
}

fn tell_all(port: &Port, server: &GattServer, window: &PairingWindow) {
    while let Some(effect) = port.pull() {
        window.hear(port, &effect);
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
