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
mod wire;

use std::any::Any;
use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use crate::gatt::Service;
use crate::gatt::section::{AdapterChoice, BleConfig, Peripheral};
use crate::gatt::window::PairingWindow;
use crate::plugin::{
    Availability, BoxFuture, Configure, Ending, Examination, Failure, Finding, Link, Place, Plugin,
    Port, Served, State, Succession,
};
use adapter::{Switch, Waiting};
use alias::Alias;
use backoff::{Backoff, Pauses};
use bus::{Bus, Owner};
use serving::{Lost, NotGoneOn, Serving};
use session::Sessions;

const TRY_AGAIN: Backoff = Backoff {
    first: Duration::from_millis(50),
    longest: Duration::from_secs(1),
};
/// A fresh bluetoothd does not answer for everything at once.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a configuration that was refused waits for the one before to come back.
const BACK_WITHIN: Duration = Duration::from_secs(5);
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
                Some(Box::new(Ours {
                    peripheral,
                    services: declared.services().to_vec(),
                    left: None,
                }))
            }
        }
    }
}

/// The peripheral that we are.
struct Ours {
    peripheral: Peripheral,
    services: Vec<Service>,
    /// What it leaves to its successor, and has from the one before.
    left: Option<Left>,
}

/// What outlives one configuration.
struct Left {
    sessions: Sessions,
    alias: Alias,
    switch: Switch,
    window: Arc<PairingWindow>,
    serving: Option<Serving>,
    /// What is served stays where it is; otherwise it has to be taken back first.
    stays: bool,
}

impl Left {
    fn nothing(declared: &Peripheral) -> Self {
        Self {
            sessions: Sessions::default(),
            alias: Alias::default(),
            switch: Switch::On,
            window: Arc::new(PairingWindow::new(declared.pairing.rule)),
            serving: None,
            stays: false,
        }
    }

    /// Takes everything back.
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

/// Nobody has taken it over.
impl Drop for Ours {
    fn drop(&mut self) {
        if let (Some(mut left), Ok(tokio)) = (self.left.take(), Handle::try_current()) {
            if let Some(serving) = &left.serving {
                serving.fall_silent();
            }
            tokio.spawn(async move { left.end().await });
        }
    }
}

impl Link for Ours {
    fn name(&self) -> &'static str {
        "ble"
    }

    fn available(&mut self) -> BoxFuture<'_, Availability> {
        let availability = match &self.peripheral.adapter {
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

    /// With the same tree on the same adapter, no central notices; with another one, those do that see what has
    /// changed, and bluetoothd is asked for it.
    fn take_over(&mut self, before: &mut dyn Link) -> Succession {
        let before: &mut dyn Any = before;
        let Some(before) = before.downcast_mut::<Self>() else {
            return Succession::Anew;
        };
        let (was, is) = (&before.peripheral.adapter, &self.peripheral.adapter);
        let left = self.left.insert(match before.left.take() {
            Some(left) => left,
            None => return Succession::Anew,
        });
        let fits = |it: &&Serving| it.fits(was, is);
        let serving = left.serving.as_ref().filter(fits);
        left.stays = serving.is_some();
        match serving {
            None => Succession::Anew,
            Some(serving) if serving.shows(&self.services) => Succession::Unnoticed,
            Some(_) => Succession::Asks,
        }
    }

    fn let_go(&mut self) {
        self.left = None;
    }

    fn goes_on(&mut self, port: &Port) {
        let Some(left) = &mut self.left else {
            return;
        };
        let rule = self.peripheral.pairing.rule;
        left.window = Arc::new(PairingWindow::after(&left.window, rule));
        match &mut left.serving {
            Some(serving) if left.stays => serving.repoint(port, &self.peripheral, &left.window),
            Some(serving) => serving.fall_silent(),
            None => {}
        }
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
        let text = match &self.peripheral.adapter {
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
            let Self {
                peripheral, left, ..
            } = self;
            let begun = left.take().unwrap_or_else(|| Left::nothing(peripheral));
            let window = begun.window.clone();
            let mut life = Life {
                port: &port,
                declared: peripheral,
                window: &window,
                pauses: TRY_AGAIN.pauses(),
                waiting: Waiting::new({
                    let port = port.clone();
                    move |line| port.waits(line, None)
                }),
                left: begun,
            };
            let ending = tokio::select! {
                never = life.go_on() => match never {},
                never = window.run(&port) => match never {},
                ending = port.stopped() => ending,
            };
            match ending {
                Ending::ForGood => life.left.end().await,
                Ending::Succeeded => *left = Some(life.left),
            }
            Ok(())
        })
    }
}

/// Waits where nothing is served. A change that no central could hear of is over: it is no change for
/// whoever subscribes later, and keeps nobody waiting who makes the next.
async fn unheard<T>(
    port: &Port,
    window: &PairingWindow,
    is_served: bool,
    waiting: impl Future<Output = T>,
) -> T {
    if is_served {
        return waiting.await;
    }
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
    pauses: Pauses,
    waiting: Waiting,
    left: Left,
}

impl Life<'_> {
    async fn go_on(&mut self) -> Infallible {
        if !self.left.stays {
            self.left.end().await;
        }
        loop {
            match unheard(
                self.port,
                self.window,
                self.left.serving.is_some(),
                Bus::connect(),
            )
            .await
            {
                Ok(mut bus) => self.on_the_bus(&mut bus).await,
                Err(problem) => {
                    self.gone();
                    let line = format!("waiting for D-Bus, to reach bluetoothd: {problem}");
                    self.waiting.say(Duration::ZERO, line);
                }
            }
            unheard(self.port, self.window, false, sleep(self.pauses.next())).await;
        }
    }

    /// Returns when the bus is lost.
    async fn on_the_bus(&mut self, bus: &mut Bus) {
        loop {
            let owner = bus.owner();
            match &owner {
                Owner::BusLost => {
                    self.gone();
                    return self.left.sessions.lost();
                }
                Owner::Nobody => {
                    self.gone();
                    let line = "waiting for bluetoothd, the Bluetooth service: it is not running";
                    self.waiting.say(Duration::ZERO, line.to_owned());
                    unheard(self.port, self.window, false, bus.owner_changed(&owner)).await;
                }
                Owner::Bluetoothd(name) => tokio::select! {
                    () = self.with_bluetoothd(name) => {}
                    () = bus.owner_changed(&owner) => self.gone(),
                },
            }
        }
    }

    /// bluetoothd is not there any more, or another one.
    fn gone(&mut self) {
        self.left.switch = Switch::On;
        self.left.alias.out_of_reach();
        if self.left.serving.take().is_some() {
            let line = "bluetoothd has gone; everything is set up anew when it is back";
            warn!("{line}");
            self.is_off(line);
        }
        // It has refused nothing.
        self.port.settle(Ok(()));
    }

    /// Returns when something went wrong with it.
    async fn with_bluetoothd(&mut self, name: &str) {
        if let Err(problem) = self.serve(name).await {
            let line = format!("waiting for bluetoothd to be ready: {problem}");
            self.waiting.say(PATIENCE, line);
            self.left.sessions.failed();
            self.port.settle(Ok(()));
            unheard(self.port, self.window, false, sleep(self.pauses.next())).await;
        }
        self.left.end().await;
    }

    async fn serve(&mut self, bluetoothd: &str) -> Result<(), String> {
        let (port, window) = (self.port, self.window);
        if self
            .left
            .serving
            .as_ref()
            .is_some_and(|it| !it.is_of(bluetoothd))
        {
            self.gone();
        }
        if self.left.serving.is_some() {
            self.go_on_serving().await?;
        } else {
            let adapter = unheard(port, window, false, self.adapter())
                .await
                .map_err(|problem| problem.to_string())?;
            self.left
                .alias
                .set(&adapter, self.port.device_name())
                .await
                .map_err(|problem| problem.to_string())?;
            let serving =
                Serving::start(port, self.declared, window, adapter, bluetoothd.to_owned());
            self.left.serving = Some(serving.await?);
        }
        // Whoever has not been asked is not in the way.
        port.settle(Ok(()));
        self.port.state(State::Up);
        self.waiting.over();
        self.pauses.begin_anew();
        self.left.sessions.succeeded();
        self.left.switch = Switch::On;
        let Some(serving) = &mut self.left.serving else {
            return Ok(());
        };
        let lost = serving.run(port, self.declared, window).await;
        let name = serving.adapter().to_owned();
        match lost.map_err(|problem| problem.to_string())? {
            Lost::Removed => {
                let line = format!("the Bluetooth adapter {name} has been removed");
                warn!("{line}");
                self.is_off(&line);
            }
            Lost::SwitchedOff => {
                self.is_off(&format!("the Bluetooth adapter {name} is off"));
                self.left.switch = Switch::LeaveOff;
            }
            Lost::Connection => {
                let line = "D-Bus has closed the connection";
                warn!("{line}");
                self.is_off(line);
            }
        }
        Ok(())
    }

    /// Goes on with what the configuration before has left. If bluetoothd refuses it, that configuration is
    /// about to come back, and finds what is left of it here.
    async fn go_on_serving(&mut self) -> Result<(), String> {
        let (port, name) = (self.port, self.port.device_name());
        let Some(serving) = &mut self.left.serving else {
            return Ok(());
        };
        self.left
            .alias
            .change(name)
            .await
            .map_err(|problem| problem.to_string())?;
        match serving.go_on(port, self.declared).await {
            Ok(()) => Ok(()),
            Err(NotGoneOn::Failed(problem)) => Err(problem),
            Err(NotGoneOn::Refused(problem)) => {
                port.settle(Err(format!("bluetoothd refuses the services: {problem}")));
                sleep(BACK_WITHIN).await;
                Err(problem)
            }
        }
    }

    /// Nothing is served any more, and why.
    fn is_off(&self, why: &str) {
        for known in serving::DETAILS {
            self.port.detail(known, None);
        }
        self.port.waits(why, None);
    }

    async fn adapter(&mut self) -> bluer::Result<bluer::Adapter> {
        let session = self.left.sessions.get().await?;
        let choice = &self.declared.adapter;
        adapter::wait(&session, choice, &mut self.left.switch, &mut self.waiting).await
    }
}
