//! A Bluetooth adapter in memory, for machines without one: the declared tree with the same ATT
//! semantics, and centrals in the same process.

use std::any::Any;
use std::pin::pin;
use std::sync::Arc;

use tracing::info;

use crate::gatt::section::{AdapterChoice, BleConfig, Peripheral};
use crate::gatt::server::GattServer;
use crate::gatt::window::PairingWindow;
use crate::plugin::{
    Availability, BoxFuture, Configure, Ending, Examination, Failure, Finding, Link, Offer, Place,
    Plugin, Port, Served, Stage, Succession,
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
        Some(Box::new(VirtualAdapter {
            peripheral,
            left: None,
        }))
    }
}

struct VirtualAdapter {
    peripheral: Peripheral,
    left: Option<Left>,
}

/// What is there while it serves, and what it leaves to its successor.
struct Left {
    server: Arc<GattServer>,
    window: Arc<PairingWindow>,
    offer: Option<Offer>,
}

impl Link for VirtualAdapter {
    fn name(&self) -> &'static str {
        "virtual_ble"
    }

    /// Of an adapter that is named it takes the place in rehearsals only.
    fn available(&mut self) -> BoxFuture<'_, Availability> {
        let availability = match &self.peripheral.adapter {
            AdapterChoice::Auto | AdapterChoice::Virtual => Availability::Ready,
            AdapterChoice::Named(name) => Availability::Absent(format!("{name} is wanted")),
            AdapterChoice::At(address) => Availability::Absent(format!("{address} is wanted")),
        };
        Box::pin(std::future::ready(availability))
    }

    /// Centrals stay connected, whatever is served.
    fn take_over(&mut self, before: &mut dyn Link) -> Succession {
        let before: &mut dyn Any = before;
        if let Some(before) = before.downcast_mut::<Self>() {
            self.left = before.left.take();
        }
        match self.left {
            Some(_) => Succession::Unnoticed,
            None => Succession::Anew,
        }
    }

    fn let_go(&mut self) {
        self.left = None;
    }

    fn goes_on(&mut self, port: &Port) {
        let Some(left) = &mut self.left else {
            return;
        };
        let Peripheral {
            advertisement,
            pairing,
            ..
        } = self.peripheral.clone();
        let window = Arc::new(PairingWindow::after(&left.window, pairing.rule));
        left.server
            .serve(port.clone(), advertisement, pairing.allowed, window.clone());
        left.window = window;
        // The same object: taking the old offer back would take the new one.
        left.offer = None;
        left.offer = Some(port.offer(left.server.clone()));
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
        let why = match &self.peripheral.adapter {
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
        match &self.peripheral.adapter {
            _ if self.left.is_some() => {}
            AdapterChoice::Auto => info!(
                "no Bluetooth adapter: {name:?} is on a virtual one, and nothing is on the air, \
                until there is a real one"
            ),
            AdapterChoice::Virtual | AdapterChoice::Named(_) | AdapterChoice::At(_) => {
                info!("{name:?} is on a virtual adapter: nothing is on the air");
            }
        }
        Box::pin(self.serve(port))
    }

    fn rehearse(&mut self, port: Port, _: Stage) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(self.serve(port))
    }
}

impl VirtualAdapter {
    async fn serve(&mut self, port: Port) -> Result<(), Failure> {
        let left = match self.left.take() {
            Some(left) => left,
            None => Left::begin(&port, &self.peripheral),
        };
        let ending = {
            let mut closes = pin!(left.window.run(&port));
            left.window.begin(&port);
            loop {
                tokio::select! {
                    biased;
                    () = port.changed() => left.tell_all(&port),
                    never = &mut closes => match never {},
                    ending = port.stopped() => break ending,
                }
            }
        };
        match ending {
            Ending::ForGood => {}
            Ending::Succeeded => self.left = Some(left),
        }
        Ok(())
    }
}

impl Left {
    fn begin(port: &Port, peripheral: &Peripheral) -> Self {
        let Peripheral {
            advertisement,
            pairing,
            ..
        } = peripheral.clone();
        port.detail("adapter", Some("virtual".to_owned()));
        let window = Arc::new(PairingWindow::new(pairing.rule));
        let server = GattServer::new(port.clone(), advertisement, pairing.allowed, window.clone());
        let mut begun = Self {
            server: Arc::new(server),
            window,
            offer: None,
        };
        // What the values were before there could be a subscriber is no change.
        begun.tell_all(port);
        begun.offer = Some(port.offer(begun.server.clone()));
        begun
    }

    fn tell_all(&self, port: &Port) {
        while let Some(effect) = port.pull() {
            self.window.hear(port, &effect);
            self.server.tell(&effect);
        }
    }
}

/// Centrals notice when the adapter goes, also when it is dropped for a real one.
impl Drop for Left {
    fn drop(&mut self) {
        self.server.close();
    }
}
