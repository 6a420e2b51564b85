//! The adapter: waits until it is there, switches it on, and finds out what its bluetoothd is able to do.

use std::fs;
use std::path::Path;
use std::time::Duration;

use bluer::{Adapter, Session};
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::backoff::Backoff;
use crate::gatt::Address;
use crate::gatt::section::AdapterChoice;

pub(super) const CLASS: &str = "/sys/class/bluetooth";
/// How long until it is looked for again: at first it will be there in a moment, later it may stay away
/// for days.
const LOOK_AGAIN: Backoff = Backoff {
    first: Duration::from_millis(50),
    longest: Duration::from_millis(500),
};
/// Adapters appear a moment after bluetoothd, and the system may be switching them on by itself.
/// Nobody needs to hear of that.
const PATIENCE: Duration = Duration::from_secs(3);
/// A line that nobody has asked for in this time is not what is waited for. Longer than any single
/// attempt, whose end may bring it back.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);

/// Says what is waited for, each line once.
pub(super) struct Waiting {
    lines: Vec<Line>,
    /// Who asks how the link is hears it at once.
    tell: Box<dyn Fn(&str) + Send>,
}

struct Line {
    text: String,
    since: Instant,
    /// When it was last asked for.
    asked: Instant,
    said: bool,
}

impl Waiting {
    pub(super) fn new(tell: impl Fn(&str) + Send + 'static) -> Self {
        Self {
            lines: Vec::new(),
            tell: Box::new(tell),
        }
    }

    /// Says it if it is waited for longer than `patience`; asked again and again. Several lines may
    /// take turns.
    pub(super) fn say(&mut self, patience: Duration, text: String) {
        (self.tell)(&text);
        let now = Instant::now();
        self.lines
            .retain(|line| line.text == text || now - line.asked < FORGOTTEN_AFTER);
        let known = self.lines.iter().position(|line| line.text == text);
        let index = known.unwrap_or_else(|| {
            self.lines.push(Line {
                text,
                since: now,
                asked: now,
                said: false,
            });
            self.lines.len() - 1
        });
        let line = &mut self.lines[index];
        line.asked = now;
        if !line.said && now - line.since >= patience {
            warn!("{}", line.text);
            line.said = true;
        }
    }

    pub(super) fn over(&mut self) {
        self.lines.clear();
    }
}

/// How notifications that are written to sockets reach the subscribers of a characteristic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// Each subscriber has a socket of its own (BlueZ 5.76 and later).
    Directed,
    /// What is written to any socket goes to all subscribers.
    Shared,
    /// Nobody knows: to be on the safe side, everything goes to every socket.
    Unknown,
}

impl Delivery {
    /// For an operator.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Directed => "to each subscriber by itself",
            Self::Shared => "to all subscribers at once",
            Self::Unknown => "unknown",
        }
    }
}

/// What to do with an adapter that is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Switch {
    On,
    /// Somebody switched it off while it was in use, and will have wanted that.
    LeaveOff,
}

/// Whether the kernel of this machine has any adapter.
pub(super) fn any_in_kernel() -> bool {
    fs::read_dir(CLASS).is_ok_and(|entries| {
        entries
            .flatten()
            .any(|entry| entry.file_name().to_str().is_some_and(is_adapter_name))
    })
}

/// `hci0`; but `hci0:64` is a connection.
pub(super) fn is_adapter_name(name: &str) -> bool {
    name.strip_prefix("hci").is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())
    })
}

/// Waits for the adapter that is meant, and until it is switched on.
pub(super) async fn wait(
    session: &Session,
    choice: &AdapterChoice,
    switch: &mut Switch,
    waiting: &mut Waiting,
) -> bluer::Result<Adapter> {
    let mut pauses = LOOK_AGAIN.pauses();
    loop {
        let mut names = session.adapter_names().await?;
        names.sort_by_key(|name| (name.len(), name.clone()));
        let name = match choice {
            AdapterChoice::Named(wanted) => names.into_iter().find(|name| name == wanted),
            AdapterChoice::At(address) => with_address(session, names, *address).await,
            AdapterChoice::Auto | AdapterChoice::Virtual => names.into_iter().next(),
        };
        match name {
            Some(name) => {
                let adapter = session.adapter(&name)?;
                if is_on(&adapter, *switch, waiting).await? {
                    return Ok(adapter);
                }
            }
            None => {
                // An adapter that is pulled out is switched off first; nobody has wanted that.
                *switch = Switch::On;
                waiting.say(PATIENCE, missing(choice));
            }
        }
        sleep(pauses.next()).await;
    }
}

/// An adapter that goes in this moment is not the one.
async fn with_address(session: &Session, names: Vec<String>, wanted: Address) -> Option<String> {
    for name in names {
        let adapter = session.adapter(&name).ok()?;
        if adapter.address().await.is_ok_and(|it| it.0 == wanted.0) {
            return Some(name);
        }
    }
    None
}

fn missing(choice: &AdapterChoice) -> String {
    match choice {
        AdapterChoice::Named(name) if Path::new(CLASS).join(name).exists() => {
            format!("waiting for {name}: the kernel has it, but bluetoothd does not show it")
        }
        AdapterChoice::Named(name) => {
            format!("waiting for the Bluetooth adapter {name}: this machine does not have it")
        }
        AdapterChoice::At(address) => {
            format!("waiting for the Bluetooth adapter {address}: bluetoothd does not show it")
        }
        AdapterChoice::Auto | AdapterChoice::Virtual => {
            "waiting for a Bluetooth adapter: bluetoothd has none".to_owned()
        }
    }
}

/// Whether it is on now.
async fn is_on(adapter: &Adapter, switch: Switch, waiting: &mut Waiting) -> bluer::Result<bool> {
    let name = adapter.name();
    if adapter.is_powered().await? {
        return Ok(true);
    }
    if is_blocked(name) {
        let line = format!(
            "waiting for {name}: it is blocked, as in flight mode; \
            `rfkill unblock bluetooth` frees it"
        );
        waiting.say(Duration::ZERO, line);
        return Ok(false);
    }
    if switch == Switch::LeaveOff {
        let line = format!(
            "waiting for {name}: it has been switched off; `bluetoothctl power on` brings it back"
        );
        waiting.say(Duration::ZERO, line);
        return Ok(false);
    }
    match adapter.set_powered(true).await {
        Ok(()) => {
            info!("the Bluetooth adapter {name} was off and has been switched on");
            Ok(true)
        }
        Err(problem) => {
            let line = format!("waiting for {name}: it cannot be switched on: {problem}");
            waiting.say(PATIENCE, line);
            Ok(false)
        }
    }
}

/// Whether a switch, in software or on the case, keeps an adapter silent.
pub(super) fn is_blocked(adapter: &str) -> bool {
    let Ok(entries) = fs::read_dir(Path::new(CLASS).join(adapter)) else {
        return false;
    };
    let mut switches = entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("rfkill"));
    switches.any(|switch| {
        ["soft", "hard"].into_iter().any(|kind| {
            fs::read_to_string(switch.path().join(kind)).is_ok_and(|state| state.trim() == "1")
        })
    })
}

/// The version of BlueZ, 0x0542 for 5.66. It tells it in the Device ID, unless somebody has configured
/// another.
pub(super) async fn bluez_version(adapter: &Adapter) -> Option<u32> {
    const LINUX_FOUNDATION: u32 = 0x1D6B;
    const BLUEZ: u32 = 0x0246;
    let id = adapter.modalias().await.ok()??;
    ((id.vendor, id.product) == (LINUX_FOUNDATION, BLUEZ)).then_some(id.device)
}

pub(super) fn delivery(bluez_version: Option<u32>) -> Delivery {
    match bluez_version {
        Some(0x054C..) => Delivery::Directed,
        Some(_) => Delivery::Shared,
        None => Delivery::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_take_turns_are_each_said_once() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build();
        runtime.expect("a runtime").block_on(async {
            let mut waiting = Waiting::new(|_| {});
            for _ in 0..20 {
                waiting.say(PATIENCE, "one".to_owned());
                sleep(LOOK_AGAIN.longest).await;
                waiting.say(PATIENCE, "other".to_owned());
                sleep(LOOK_AGAIN.longest).await;
            }
            let said = waiting.lines.iter().filter(|line| line.said);
            let said: Vec<_> = said.map(|line| &*line.text).collect();
            assert_eq!(said, ["one", "other"]);
            // Long after the other, it is something new, and needs patience again.
            sleep(2 * FORGOTTEN_AFTER).await;
            waiting.say(PATIENCE, "third".to_owned());
            assert_eq!(waiting.lines.len(), 1);
            assert!(!waiting.lines[0].said);
        });
    }

    #[test]
    fn a_connection_is_no_adapter() {
        assert!(is_adapter_name("hci0") && is_adapter_name("hci12"));
        assert!(!is_adapter_name("hci0:64") && !is_adapter_name("hci") && !is_adapter_name("x"));
    }
}
