//! Pairing: bluetoothd asks us as its agent (org.bluez.Agent1), and the adapter lets centrals pair.
//!
//! bluer has an agent too, but gives itself a display and two buttons as soon as it answers anything.
//! Then a phone shows a number to compare, and there is nobody here to compare it.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use bluer::{Adapter, AdapterEvent, AdapterProperty};
use dbus::{Message, MethodErr, Path};
use tokio::time::{Instant, sleep};
use tokio_stream::{Stream, StreamExt};
use tracing::{debug, info, warn};

use super::backoff::Backoff;
use super::door::Door;
use super::objects::{Objects, address};
use super::restraint::{Limits, Restraint};
use crate::gatt::pairing::{Agent, Pairing as Declared};
use crate::gatt::window::{Pairable, PairingWindow, Rule};
use crate::plugin::Port;

/// So often, and with such pauses, the adapter is asked while it is about something else.
const BUSY_MAX: usize = 20;
const BUSY: Duration = Duration::from_millis(50);

/// How often the adapter is set again that somebody else sets otherwise.
const SET_AGAIN: Limits = Limits {
    free: 4,
    then: Backoff {
        first: Duration::from_secs(1),
        longest: Duration::from_secs(30),
    },
    calm: Duration::from_secs(60),
};

/// What has to be taken back.
pub(super) struct Pairing {
    declared: Declared,
    is_agent: bool,
    /// What the adapter was, if it is changed.
    before: Option<Before>,
}

struct Before {
    pairable: bool,
    timeout_s: u32,
}

impl Pairing {
    /// Whatever fails, the rest goes on: centrals that are paired already do not need it.
    pub(super) async fn begin(declared: &Declared, adapter: &Adapter, objects: &Objects) -> Self {
        // First of all: BlueZ makes the adapter pairable by itself as soon as there is an agent.
        let before = match declared.rule {
            Rule::AsItIs => None,
            Rule::Always | Rule::Never | Rule::Window { .. } => Before::of(adapter).await.ok(),
        };
        let mut is_agent = false;
        if let Some(agent) = declared.agent {
            match objects.register_agent(agent).await {
                Ok(()) => is_agent = true,
                Err(problem) => warn!("nobody can pair by this program: {problem}"),
            }
            if declared.is_implied {
                info!(
                    "whoever is in reach can pair, because a characteristic wants an encrypted \
                    link; `pairing` in the section `ble` says otherwise"
                );
            }
        }
        Self {
            declared: declared.clone(),
            is_agent,
            before,
        }
    }

    /// As another configuration declares it. Nothing happens where that is the same to bluetoothd.
    pub(super) async fn become_as(
        &mut self,
        declared: &Declared,
        adapter: &Adapter,
        objects: &Objects,
    ) {
        let is_ours = |it: &Declared| it.rule != Rule::AsItIs;
        let before = &self.declared;
        if before.agent == declared.agent && is_ours(before) == is_ours(declared) {
            self.declared = declared.clone();
            return;
        }
        self.end(adapter, objects).await;
        *self = Self::begin(declared, adapter, objects).await;
    }

    pub(super) async fn end(&self, adapter: &Adapter, objects: &Objects) {
        if self.is_agent {
            let unregistered = objects.unregister_agent().await;
            debug!(?unregistered, "bluetoothd asks somebody else from now on");
        }
        // Last of all: without an agent, BlueZ makes it not pairable.
        if let Some(before) = &self.before {
            let timeout = adapter.set_pairable_timeout(before.timeout_s).await;
            let pairable = set_pairable(adapter, before.pairable).await;
            debug!(?timeout, ?pairable, "the adapter is as pairable as before");
        }
    }
}

impl Before {
    async fn of(adapter: &Adapter) -> bluer::Result<Self> {
        Ok(Self {
            pairable: adapter.is_pairable().await?,
            timeout_s: adapter.pairable_timeout().await?,
        })
    }
}

/// Keeps the adapter as pairable as it has to be at each moment.
///
/// That is the second lock only: the kernel lets a central pair with an adapter that is not pairable, as
/// long as neither side keeps the keys. The first is the agent, who refuses.
pub(super) async fn hold(port: &Port, window: &PairingWindow, adapter: &Adapter) -> Infallible {
    let mut changes = window.changes();
    let mut events = match adapter.events().await {
        Ok(events) => Box::pin(events),
        Err(problem) => {
            warn!("nobody sees to it that the adapter is as pairable as declared: {problem}");
            return pending().await;
        }
    };
    let mut dispute = Dispute::new();
    loop {
        changes.mark_unchanged();
        let wanted = window.pairable();
        if let Err(problem) = set(adapter, wanted).await {
            warn!("the adapter cannot be set to be as pairable as declared: {problem}");
        }
        tokio::select! {
            // Its other end is in the window.
            _ = changes.changed() => continue,
            () = pairable_changed(&mut events) => {}
        }
        // What it is by now: the event may be old.
        let is = adapter.is_pairable().await.unwrap_or(true);
        let pause = match wanted {
            // BlueZ has counted down, or somebody has closed it.
            Pairable::Until(_) if !is => {
                window.close(port);
                Duration::ZERO
            }
            // Somebody has set it against what is declared.
            Pairable::Yes if !is => dispute.pause(is),
            Pairable::No if is => dispute.pause(is),
            Pairable::Until(_) | Pairable::Yes | Pairable::No | Pairable::AsItIs => Duration::ZERO,
        };
        if pause.is_zero() {
            continue;
        }
        // Meanwhile nothing that the other one does is of interest, but what is declared is.
        tokio::select! {
            _ = changes.changed() => {}
            () = sleep(pause) => {}
            never = drain(&mut events) => match never {},
        }
    }
}

/// Somebody else sets what we set, and sets it again.
struct Dispute {
    restraint: Restraint,
    said: bool,
}

impl Dispute {
    fn new() -> Self {
        Self {
            restraint: Restraint::new(SET_AGAIN, Instant::now()),
            said: false,
        }
    }

    /// How long to wait before it is set as it is declared; said once, where there is no end to it.
    fn pause(&mut self, is: bool) -> Duration {
        let pause = self.restraint.again(Instant::now());
        if pause.is_zero() {
            self.said = false;
        } else if !self.said {
            self.said = true;
            let now = if is { "pairable" } else { "not pairable" };
            warn!(
                "somebody else makes the adapter {now} again and again, against what is declared: a \
                second bemo-sync, the Bluetooth settings of a desktop, or a script with `bluetoothctl \
                pairable`. It is set as declared, but less often; end the other one, or leave `pairing` to it"
            );
        }
        pause
    }
}

async fn drain(events: &mut (impl Stream<Item = AdapterEvent> + Unpin)) -> Infallible {
    loop {
        pairable_changed(events).await;
    }
}

async fn pairable_changed(events: &mut (impl Stream<Item = AdapterEvent> + Unpin)) {
    loop {
        match events.next().await {
            Some(AdapterEvent::PropertyChanged(AdapterProperty::Pairable(_))) => return,
            Some(_) => {}
            // The adapter is gone, and others see to that.
            None => pending().await,
        }
    }
}

async fn set(adapter: &Adapter, wanted: Pairable) -> bluer::Result<()> {
    match wanted {
        Pairable::AsItIs => Ok(()),
        Pairable::Yes => set_pairable(adapter, true).await,
        Pairable::No => set_pairable(adapter, false).await,
        Pairable::Until(end) => {
            // BlueZ counts whole seconds. It is to be the later one, but to count by itself: whatever
            // becomes of this process, the window closes.
            let left = end.saturating_duration_since(Instant::now());
            let left = u32::try_from(left.as_secs() + 1).unwrap_or(u32::MAX);
            adapter.set_pairable_timeout(left).await?;
            set_pairable(adapter, true).await
        }
    }
}

/// Nothing happens if it is that already. While BlueZ is about to change it by itself, it does not
/// listen.
async fn set_pairable(adapter: &Adapter, pairable: bool) -> bluer::Result<()> {
    let mut tries = 0;
    loop {
        match adapter.set_pairable(pairable).await {
            Err(problem) if is_busy(&problem) && tries < BUSY_MAX => {
                tries += 1;
                sleep(BUSY).await;
            }
            result => return result,
        }
    }
}

fn is_busy(problem: &bluer::Error) -> bool {
    // bluer knows no such kind.
    problem.to_string().contains("Busy")
}

/// As BlueZ calls it.
pub(super) fn capability(agent: Agent) -> &'static str {
    match agent {
        Agent::NoInputNoOutput => "NoInputNoOutput",
        Agent::DisplayOnly => "DisplayOnly",
    }
}

/// The answer to what bluetoothd asks. Where somebody here would have to look or to type, it is no.
pub(super) fn answer(
    call: &Message,
    member: &str,
    agent: Agent,
    door: &Door,
) -> Result<Message, MethodErr> {
    let reply = call.method_return();
    match member {
        // A central that can neither show nor type: the link is encrypted, and not more than that.
        "RequestAuthorization" => {
            let device: Path<'_> = call.read1()?;
            check(door, &device)?;
            info!("{} pairs", shown(&device));
            Ok(reply)
        }
        "DisplayPasskey" if agent == Agent::DisplayOnly => {
            let (device, passkey, typed): (Path<'_>, u32, u16) = call.read3()?;
            // It is called again for every digit that is typed.
            if typed == 0 {
                if let Err(refusal) = check(door, &device) {
                    // BlueZ does not wait for the answer to this one, and goes on.
                    door.turn_away(&device);
                    return Err(refusal);
                }
                info!("{} pairs: type {passkey:06} there", shown(&device));
            }
            Ok(reply)
        }
        "Cancel" => {
            info!("a pairing has been cancelled");
            Ok(reply)
        }
        "Release" => Ok(reply),
        _ => {
            debug!(member, "an agent without input cannot answer");
            Err(rejected("this agent cannot be asked that"))
        }
    }
}

fn check(door: &Door, device: &Path<'_>) -> Result<(), MethodErr> {
    door.lets_pair(device).map_err(|why| {
        info!("{} wants to pair and may not: {why}", shown(device));
        rejected(why)
    })
}

fn rejected(why: &str) -> MethodErr {
    MethodErr::from(("org.bluez.Error.Rejected", why))
}

fn shown(device: &Path<'_>) -> String {
    address(device).map_or_else(|| device.to_string(), |address| address.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_fights_over_the_adapter_is_waited_for_longer_and_longer_and_named_once() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build();
        runtime.expect("a runtime").block_on(async {
            let mut dispute = Dispute::new();
            let start = Instant::now();
            let mut said = 0;
            let mut sets = 0;
            // The other one sets it as soon as we have.
            while start.elapsed() < Duration::from_secs(300) {
                sets += 1;
                assert!(sets < 100, "without a pause");
                let before = dispute.said;
                sleep(dispute.pause(true)).await;
                said += u32::from(dispute.said && !before);
            }
            assert_eq!(said, 1);
            assert!(sets > 10, "it is still set as declared: {sets}");
            sleep(SET_AGAIN.calm).await;
            assert_eq!(dispute.pause(true), Duration::ZERO, "it is over");
        });
    }
}
