//! Pairing: bluetoothd asks us as its agent (org.bluez.Agent1), and the adapter lets centrals pair.
//!
//! bluer has an agent too, but gives itself a display and two buttons as soon as it answers anything.
//! Then a phone shows a number to compare, and there is nobody here to compare it.

use bluer::Adapter;
use dbus::{Message, MethodErr, Path};
use tracing::{debug, info, warn};

use super::objects::{Objects, address};
use crate::gatt::pairing::{Agent, Pairing as Declared};

/// What has to be taken back.
pub(super) struct Pairing {
    is_agent: bool,
    /// What the adapter was, if it was changed.
    pairable_before: Option<bool>,
}

impl Pairing {
    /// Whatever fails, the rest goes on: centrals that are paired already do not need it.
    pub(super) async fn begin(declared: &Declared, adapter: &Adapter, objects: &Objects) -> Self {
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
        let pairable_before = match declared.pairable {
            Some(pairable) => set_pairable(adapter, pairable).await,
            None => None,
        };
        Self {
            is_agent,
            pairable_before,
        }
    }

    pub(super) async fn end(&self, adapter: &Adapter, objects: &Objects) {
        if let Some(before) = self.pairable_before {
            let restored = adapter.set_pairable(before).await;
            debug!(?restored, "the adapter is as pairable as before");
        }
        if self.is_agent {
            let unregistered = objects.unregister_agent().await;
            debug!(?unregistered, "bluetoothd asks somebody else from now on");
        }
    }
}

/// Returns what it was before, if that was something else.
async fn set_pairable(adapter: &Adapter, pairable: bool) -> Option<bool> {
    let before = adapter.is_pairable().await;
    if before.as_ref().is_ok_and(|before| *before == pairable) {
        return None;
    }
    match adapter.set_pairable(pairable).await {
        Ok(()) => Some(!pairable),
        Err(problem) => {
            warn!("the adapter cannot be set to `pairable: {pairable}`: {problem}");
            None
        }
    }
}

/// As BlueZ calls it.
pub(super) fn capability(agent: Agent) -> &'static str {
    match agent {
        Agent::NoInputNoOutput => "NoInputNoOutput",
        Agent::DisplayOnly => "DisplayOnly",
    }
}

/// The answer to what bluetoothd asks. Where somebody here would have to look or to type, it is no.
pub(super) fn answer(call: &Message, member: &str, agent: Agent) -> Result<Message, MethodErr> {
    let reply = call.method_return();
    match member {
        // A central that can neither show nor type: the link is encrypted, and not more than that.
        "RequestAuthorization" => {
            let device: Path<'_> = call.read1()?;
            info!("{} pairs", shown(&device));
            Ok(reply)
        }
        "DisplayPasskey" if agent == Agent::DisplayOnly => {
            let (device, passkey, typed): (Path<'_>, u32, u16) = call.read3()?;
            // It is called again for every digit that is typed.
            if typed == 0 {
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
            let text = "this agent cannot be asked that";
            Err(MethodErr::from(("org.bluez.Error.Rejected", text)))
        }
    }
}

fn shown(device: &Path<'_>) -> String {
    address(device).map_or_else(|| device.to_string(), |address| address.to_string())
}
