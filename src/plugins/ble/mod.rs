//! A Bluetooth LE peripheral by BlueZ.
//!
//! bluetoothd is not trusted to stay, nor the adapter: each time they come back, everything is built
//! anew, by a connection of its own.

mod adapter;
mod advertise;
mod alias;
mod bus;
mod centrals;
mod notify;
mod objects;
mod pairing;
mod serving;
mod tree;

use std::future::Future;
use std::time::Duration;

use bluer::Session;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use crate::gatt::section::{AdapterChoice, BleConfig, Peripheral};
use crate::plugin::{Availability, BoxFuture, Configure, Failure, Link, Place, Plugin, Port};
use adapter::{Switch, Waiting};
use alias::Alias;
use bus::{Bus, Owner};
use serving::{Lost, Serving};

const TRY_AGAIN: Duration = Duration::from_secs(1);
/// A fresh bluetoothd does not answer for everything at once.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long bluetoothd may take to let go of everything.
const GONE_WITHIN: Duration = Duration::from_secs(1);

pub struct Ble;

impl Plugin for Ble {
    fn name(&self) -> &'static str {
        "ble"
    }

    fn places(&self) -> Vec<Place> {
        vec![Place::section::<BleConfig>("ble")]
    }

    fn configure(&self, declared: &mut Configure<'_>) -> Option<Box<dyn Link>> {
        let peripheral = BleConfig::declare(declared)?;
        match peripheral.adapter {
            AdapterChoice::Virtual => None,
            AdapterChoice::Auto | AdapterChoice::Named(_) => Some(Box::new(Ours(peripheral))),
        }
    }
}

/// The peripheral that we are.
struct Ours(Peripheral);

impl Link for Ours {
    fn name(&self) -> &'static str {
        "ble"
    }

    fn available(&mut self) -> BoxFuture<'_, Availability> {
        let availability = match &self.0.adapter {
            AdapterChoice::Auto if !adapter::any_in_kernel() => {
                Availability::Absent("this machine has no Bluetooth adapter".to_owned())
            }
            AdapterChoice::Auto | AdapterChoice::Virtual | AdapterChoice::Named(_) => {
                Availability::Ready
            }
        };
        Box::pin(std::future::ready(availability))
    }

    /// No central is connected to what is not there.
    fn carries_over(&self) -> bool {
        false
    }

    /// BlueZ is the world; the virtual adapter serves instead.
    fn can_rehearse(&self) -> bool {
        false
    }

    fn run(&mut self, port: Port) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async move {
            let mut life = Life {
                port: &port,
                declared: &self.0,
                switch: Switch::On,
                waiting: Waiting::default(),
                alias: Alias::default(),
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

/// Waits where nothing is served. A change that no central could hear of is over: it is no change for
/// whoever subscribes later, and keeps nobody waiting who makes the next.
async fn unheard<T>(port: &Port, waiting: impl Future<Output = T>) -> T {
    tokio::select! {
        done = waiting => done,
        never = port.pass_over_all() => match never {},
    }
}

/// One run of the link, through all that bluetoothd may do meanwhile.
struct Life<'a> {
    port: &'a Port,
    declared: &'a Peripheral,
    switch: Switch,
    waiting: Waiting,
    alias: Alias,
    serving: Option<Serving>,
}

impl Life<'_> {
    async fn go_on(&mut self) {
        loop {
            match unheard(self.port, Bus::connect()).await {
                Ok(mut bus) => self.on_the_bus(&mut bus).await,
                Err(problem) => {
                    let line = format!("waiting for D-Bus, to reach bluetoothd: {problem}");
                    self.waiting.say(Duration::ZERO, line);
                }
            }
            unheard(self.port, sleep(TRY_AGAIN)).await;
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
                    unheard(self.port, bus.owner_changed(&owner)).await;
                }
                Owner::Bluetoothd(name) => tokio::select! {
                    () = self.with_bluetoothd(name) => {}
                    () = bus.owner_changed(&owner) => {
                        self.switch = Switch::On;
                        self.alias.out_of_reach();
                        if self.serving.take().is_some() {
                            warn!("bluetoothd has gone; everything is set up anew when it is back");
                        }
                    }
                },
            }
        }
    }

    /// Returns when something went wrong with it.
    async fn with_bluetoothd(&mut self, name: &str) {
        if let Err(problem) = self.serve(name).await {
            let line = format!("waiting for bluetoothd to be ready: {problem}");
            self.waiting.say(PATIENCE, line);
            unheard(self.port, sleep(TRY_AGAIN)).await;
        }
        self.end().await;
    }

    async fn serve(&mut self, bluetoothd: &str) -> Result<(), String> {
        let adapter = unheard(self.port, self.adapter())
            .await
            .map_err(|problem| problem.to_string())?;
        let name = adapter.name().to_owned();
        self.alias
            .set(&adapter, self.port.device_name())
            .await
            .map_err(|problem| problem.to_string())?;
        let serving =
            Serving::start(self.port, self.declared, adapter, bluetoothd.to_owned()).await?;
        self.waiting.over();
        self.switch = Switch::On;
        let lost = self
            .serving
            .insert(serving)
            .run(self.port, self.declared)
            .await;
        match lost.map_err(|problem| problem.to_string())? {
            Lost::Removed => warn!("the Bluetooth adapter {name} has been removed"),
            Lost::SwitchedOff => self.switch = Switch::LeaveOff,
            Lost::Connection => warn!("D-Bus has closed the connection"),
        }
        Ok(())
    }

    async fn adapter(&mut self) -> bluer::Result<bluer::Adapter> {
        let session = Session::new().await?;
        let choice = &self.declared.adapter;
        adapter::wait(&session, choice, self.switch, &mut self.waiting).await
    }

    async fn end(&mut self) {
        let taken_back = async {
            self.alias.restore().await;
            if let Some(serving) = self.serving.take() {
                serving.stop().await;
            }
        };
        if timeout(GONE_WITHIN, taken_back).await.is_err() {
            debug!("bluetoothd is slow to let go");
        }
        self.serving = None;
    }
}
