//! A Bluetooth LE peripheral by BlueZ.
//!
//! bluetoothd is not trusted to stay, nor the adapter: each time they come back, everything is built
//! anew. What it sees of us is on a connection of its own each time.

mod adapter;
mod advertise;
mod alias;
mod backoff;
mod bus;
mod centrals;
mod door;
mod examine;
mod news;
mod notify;
mod objects;
mod on_air;
mod pairing;
mod restraint;
mod serving;
mod session;
mod tree;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use crate::gatt::section::{AdapterChoice, BleConfig, Peripheral};
use crate::gatt::window::PairingWindow;
use crate::plugin::{
    Availability, BoxFuture, Configure, Examination, Failure, Finding, Link, Place, Plugin, Port,
    Served, State,
};
use adapter::{Switch, Waiting};
use alias::Alias;
use backoff::{Backoff, Pauses};
use bus::{Bus, Owner};
use serving::{Lost, Serving};
use session::Sessions;

const TRY_AGAIN: Backoff = Backoff {
    first: Duration::from_millis(50),
    longest: Duration::from_secs(1),
};
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
            AdapterChoice::Auto | AdapterChoice::Named(_) | AdapterChoice::At(_) => {
                Some(Box::new(Ours(peripheral)))
            }
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
            AdapterChoice::Auto
            | AdapterChoice::Virtual
            | AdapterChoice::Named(_)
            | AdapterChoice::At(_) => Availability::Ready,
        };
        Box::pin(std::future::ready(availability))
    }

    /// There may be no bluetoothd, and no adapter.
    fn tells_state(&self) -> bool {
        true
    }

    /// No central is connected to what is not there.
    fn carries_over(&self) -> bool {
        false
    }

    fn examine<'a>(&'a mut self, about: Examination<'a>) -> BoxFuture<'a, Vec<Finding>> {
        Box::pin(examine::examine(self, about))
    }

    fn serves(&self) -> Vec<Served> {
        let text = match &self.0.adapter {
            AdapterChoice::Auto => "the first one, by BlueZ".to_owned(),
            AdapterChoice::Named(name) => format!("{name}, by BlueZ"),
            AdapterChoice::At(address) => format!("{address}, by BlueZ"),
            AdapterChoice::Virtual => return Vec::new(),
        };
        vec![Served::new("adapter", text).logged()]
    }

    /// BlueZ is the world; the virtual adapter serves instead.
    fn can_rehearse(&self) -> bool {
        false
    }

    fn run(&mut self, port: Port) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async move {
            let window = Arc::new(PairingWindow::new(self.0.pairing.rule));
            let mut life = Life {
                port: &port,
                declared: &self.0,
                window: &window,
                sessions: Sessions::default(),
                pauses: TRY_AGAIN.pauses(),
                switch: Switch::On,
                waiting: Waiting::new({
                    let port = port.clone();
                    move |line| port.waits(line, None)
                }),
                alias: Alias::default(),
                serving: None,
            };
            tokio::select! {
                () = life.go_on() => {}
                never = window.run(&port) => match never {},
                _ = port.stopped() => {}
            }
            life.end().await;
            Ok(())
        })
    }
}

/// Waits where nothing is served. A change that no central could hear of is over: it is no change for
/// whoever subscribes later, and keeps nobody waiting who makes the next.
async fn unheard<T>(port: &Port, window: &PairingWindow, waiting: impl Future<Output = T>) -> T {
    let mut waiting = pin!(waiting);
    loop {
        tokio::select! {
            done = &mut waiting => return done,
            () = port.changed() => pass_over(port, window),
        }
    }
}

/// Only the window hears of it: who opens it does not know that nobody can pair at this moment.
fn pass_over(port: &Port, window: &PairingWindow) {
    while let Some(effect) = port.pull() {
        window.hear(port, &effect);
        port.delivered(effect.cell, effect.ticket);
    }
}

/// One run of the link, through all that bluetoothd may do meanwhile.
struct Life<'a> {
    port: &'a Port,
    declared: &'a Peripheral,
    window: &'a Arc<PairingWindow>,
    sessions: Sessions,
    pauses: Pauses,
    switch: Switch,
    waiting: Waiting,
    alias: Alias,
    serving: Option<Serving>,
}

impl Life<'_> {
    async fn go_on(&mut self) {
        loop {
            match unheard(self.port, self.window, Bus::connect()).await {
                Ok(mut bus) => self.on_the_bus(&mut bus).await,
                Err(problem) => {
                    let line = format!("waiting for D-Bus, to reach bluetoothd: {problem}");
                    self.waiting.say(Duration::ZERO, line);
                }
            }
            unheard(self.port, self.window, sleep(self.pauses.next())).await;
        }
    }

    /// Returns when the bus is lost.
    async fn on_the_bus(&mut self, bus: &mut Bus) {
        loop {
            let owner = bus.owner();
            match &owner {
                Owner::BusLost => return self.sessions.lost(),
                Owner::Nobody => {
                    let line = "waiting for bluetoothd, the Bluetooth service: it is not running";
                    self.waiting.say(Duration::ZERO, line.to_owned());
                    unheard(self.port, self.window, bus.owner_changed(&owner)).await;
                }
                Owner::Bluetoothd(name) => tokio::select! {
                    () = self.with_bluetoothd(name) => {}
                    () = bus.owner_changed(&owner) => {
                        self.switch = Switch::On;
                        self.alias.out_of_reach();
                        if self.serving.take().is_some() {
                            let line = "bluetoothd has gone; everything is set up anew when it is back";
                            warn!("{line}");
                            self.is_off(line);
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
            self.sessions.failed();
            unheard(self.port, self.window, sleep(self.pauses.next())).await;
        }
        self.end().await;
    }

    async fn serve(&mut self, bluetoothd: &str) -> Result<(), String> {
        let (port, window) = (self.port, self.window);
        let adapter = unheard(port, window, self.adapter())
            .await
            .map_err(|problem| problem.to_string())?;
        let name = adapter.name().to_owned();
        self.alias
            .set(&adapter, self.port.device_name())
            .await
            .map_err(|problem| problem.to_string())?;
        let serving =
            Serving::start(port, self.declared, window, adapter, bluetoothd.to_owned()).await?;
        self.port.state(State::Up);
        self.waiting.over();
        self.pauses.begin_anew();
        self.sessions.succeeded();
        self.switch = Switch::On;
        let lost = self
            .serving
            .insert(serving)
            .run(port, self.declared, window)
            .await;
        match lost.map_err(|problem| problem.to_string())? {
            Lost::Removed => {
                let line = format!("the Bluetooth adapter {name} has been removed");
                warn!("{line}");
                self.is_off(&line);
            }
            Lost::SwitchedOff => {
                self.is_off(&format!("the Bluetooth adapter {name} is off"));
                self.switch = Switch::LeaveOff;
            }
            Lost::Connection => {
                let line = "D-Bus has closed the connection";
                warn!("{line}");
                self.is_off(line);
            }
        }
        Ok(())
    }

    /// Nothing is served any more, and why.
    fn is_off(&self, why: &str) {
        for known in serving::DETAILS {
            self.port.detail(known, None);
        }
        self.port.waits(why, None);
    }

    async fn adapter(&mut self) -> bluer::Result<bluer::Adapter> {
        let session = self.sessions.get().await?;
        let choice = &self.declared.adapter;
        adapter::wait(&session, choice, &mut self.switch, &mut self.waiting).await
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
