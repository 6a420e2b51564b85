//! A Bluetooth LE peripheral by BlueZ.
//!
//! bluetoothd is not trusted to stay, nor the adapter: each time they come back, everything is built
//! anew, by a connection of its own.

mod adapter;
mod advertise;
mod application;
mod bus;
mod centrals;
mod notify;
mod serving;

use std::time::Duration;

use bluer::Session;
use tokio::time::sleep;
use tracing::{debug, warn};

use crate::gatt::section::{AdapterChoice, BleConfig};
use crate::plugin::{
    Availability, BoxFuture, Configure, Failure, Link, Place, PlaceKind, Plugin, Port,
};
use adapter::{Switch, Waiting};
use bus::{Bus, Owner};
use serving::{Lost, Serving};

const TRY_AGAIN: Duration = Duration::from_secs(1);
/// A fresh bluetoothd does not answer for everything at once.
const PATIENCE: Duration = Duration::from_secs(5);

pub struct Ble;

impl Plugin for Ble {
    fn name(&self) -> &'static str {
        "ble"
    }

    fn places(&self) -> Vec<Place> {
        vec![Place {
            kind: PlaceKind::Section,
            key: "ble",
            schema: |generator| generator.subschema_for::<BleConfig>(),
        }]
    }

    fn configure(&self, declared: &mut Configure<'_>) -> Option<Box<dyn Link>> {
        match BleConfig::declare(declared)? {
            AdapterChoice::Virtual => None,
            choice @ (AdapterChoice::Auto | AdapterChoice::Named(_)) => {
                Some(Box::new(Peripheral { choice }))
            }
        }
    }
}

struct Peripheral {
    choice: AdapterChoice,
}

impl Link for Peripheral {
    fn name(&self) -> &'static str {
        "ble"
    }

    fn available(&mut self) -> BoxFuture<'_, Availability> {
        let availability = match &self.choice {
            AdapterChoice::Auto if !adapter::any_in_kernel() => {
                Availability::Absent("this machine has no Bluetooth adapter".to_owned())
            }
            AdapterChoice::Auto | AdapterChoice::Virtual | AdapterChoice::Named(_) => {
                Availability::Ready
            }
        };
        Box::pin(std::future::ready(availability))
    }

    fn run(&mut self, port: Port) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async move {
            let mut life = Life {
                port: &port,
                choice: &self.choice,
                switch: Switch::On,
                waiting: Waiting::default(),
                serving: None,
            };
            tokio::select! {
                () = life.go_on() => {}
                () = port.stopped() => {}
            }
            life.end().await;
            Ok(())
        })
    }
}

/// One run of the link, through all that bluetoothd may do meanwhile.
struct Life<'a> {
    port: &'a Port,
    choice: &'a AdapterChoice,
    switch: Switch,
    waiting: Waiting,
    /// What is registered, and with which bluetoothd. It is kept while that is away: taking it back
    /// would make the bus start one that somebody has stopped.
    serving: Option<(Owner, Serving)>,
}

impl Life<'_> {
    async fn go_on(&mut self) {
        loop {
            match Bus::connect().await {
                Ok(mut bus) => self.on_the_bus(&mut bus).await,
                Err(problem) => {
                    let line = format!("waiting for D-Bus, to reach bluetoothd: {problem}");
                    self.waiting.say(Duration::ZERO, line);
                }
            }
            sleep(TRY_AGAIN).await;
        }
    }

    /// Returns when the bus is lost.
    async fn on_the_bus(&mut self, bus: &mut Bus) {
        loop {
            let owner = bus.owner();
            match &owner {
                Owner::BusLost => return,
                Owner::Nobody => {
                    let line = "waiting for bluetoothd, the Bluetooth service: it is not running";
                    self.waiting.say(Duration::ZERO, line.to_owned());
                    bus.owner_changed(&owner).await;
                }
                Owner::Bluetoothd(_) => {
                    // Of the one before nothing is left to take back.
                    self.serving = None;
                    tokio::select! {
                        () = self.with_bluetoothd(&owner) => {}
                        () = bus.owner_changed(&owner) => {
                            self.switch = Switch::On;
                            if self.serving.is_some() {
                                warn!("bluetoothd has gone; everything is set up anew when it is back");
                            }
                        }
                    }
                }
            }
        }
    }

    /// Returns when something went wrong with it.
    async fn with_bluetoothd(&mut self, owner: &Owner) {
        if let Err(problem) = self.serve(owner).await {
            let line = format!("waiting for bluetoothd to be ready: {problem}");
            self.waiting.say(PATIENCE, line);
            sleep(TRY_AGAIN).await;
        }
        if let Some((_, serving)) = self.serving.take() {
            serving.stop().await;
        }
    }

    async fn serve(&mut self, owner: &Owner) -> bluer::Result<()> {
        let session = Session::new().await?;
        let adapter = adapter::wait(&session, self.choice, self.switch, &mut self.waiting).await?;
        let name = adapter.name().to_owned();
        let serving = Serving::start(self.port, adapter).await?;
        self.waiting.over();
        self.switch = Switch::On;
        let (_, serving) = self.serving.insert((owner.clone(), serving));
        match serving.run(self.port).await? {
            Lost::Removed => warn!("the Bluetooth adapter {name} has been removed"),
            Lost::SwitchedOff => self.switch = Switch::LeaveOff,
        }
        Ok(())
    }

    async fn end(self) {
        let Some((owner, serving)) = self.serving else {
            return;
        };
        // A bus that cannot be reached has no bluetoothd either.
        match Bus::connect().await {
            Ok(bus) if bus.owner() == owner => serving.stop().await,
            Ok(_) | Err(_) => {
                debug!("bluetoothd is not there to take anything back");
                serving.forget();
            }
        }
    }
}
