//! Who is let in: which centrals may pair, and which may use what is not open.
//!
//! BlueZ knows a central that hides its address by the one that it came with, until it is paired and
//! has told who it is. The path of its object keeps the first one; only its `Address` is the true one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use dbus::Path;
use dbus::arg::{PropMap, prop_cast};
use dbus::nonblock::{Proxy, SyncConnection};
use tracing::{debug, warn};

use super::objects::address;
use crate::gatt::pairing::Allowed;
use crate::gatt::window::PairingWindow;
use crate::gatt::{Address, SecurityLevel};

/// Beside what is served, these two are all that bluetoothd is asked to do, and packaging/bemo-sync.dbus.conf
/// allows nothing else.
const ADAPTER: &str = "org.bluez.Adapter1";
const DEVICE: &str = "org.bluez.Device1";
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

pub(super) struct Door {
    rules: Mutex<Rules>,
    /// By the path of the device. Empty where everybody has always been let in.
    known: Mutex<HashMap<String, Known>>,
    bluetoothd: String,
    connection: Weak<SyncConnection>,
}

/// Another configuration may have others.
#[derive(Clone)]
struct Rules {
    allowed: Option<Allowed>,
    window: Arc<PairingWindow>,
}

/// What bluetoothd says of a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Known {
    address: Option<Address>,
    is_random: bool,
    is_paired: bool,
    is_connected: bool,
    /// It was let pair before it had told who it is.
    is_on_trial: bool,
}

/// What becomes of somebody who is not on the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Stays,
    Disconnect,
    /// It is paired by our own doing, and should not be.
    Remove,
}

impl Door {
    pub(super) fn new(
        allowed: Option<Allowed>,
        window: Arc<PairingWindow>,
        bluetoothd: String,
        connection: Weak<SyncConnection>,
    ) -> Self {
        Self {
            rules: Mutex::new(Rules { allowed, window }),
            known: Mutex::default(),
            bluetoothd,
            connection,
        }
    }

    /// Whether it matters who a central is.
    pub(super) fn is_guarded(&self) -> bool {
        self.rules().allowed.is_some()
    }

    /// Has other rules from here on. Whoever is in already is judged by [`Door::judge_all`].
    pub(super) fn set(&self, allowed: Option<Allowed>, window: Arc<PairingWindow>) {
        *self.rules.lock().expect("nothing panics with it") = Rules { allowed, window };
    }

    fn rules(&self) -> Rules {
        self.rules.lock().expect("nothing panics with it").clone()
    }

    /// Whether this device may use what wants such a link. That the link is safe enough, BlueZ sees to.
    pub(super) fn lets_use(&self, device: &str, wanted: SecurityLevel) -> bool {
        let Some(allowed) = self.rules().allowed else {
            return true;
        };
        let is_known = self.known().get(device).and_then(|known| known.address);
        let address = is_known.or_else(|| address(device));
        wanted == SecurityLevel::Open || address.is_some_and(|address| allowed.has(address))
    }

    /// Whether this device may pair.
    ///
    /// # Errors
    /// Why not, for a log.
    pub(super) fn lets_pair(&self, device: &str) -> Result<(), &'static str> {
        let Rules { allowed, window } = self.rules();
        if !window.is_open() {
            return Err("pairing is closed");
        }
        let Some(allowed) = allowed else {
            return Ok(());
        };
        let mut all = self.known();
        let known = all.entry(device.to_owned()).or_default();
        let address = known.address.or_else(|| address(device));
        match address {
            Some(address) if allowed.has(address) => Ok(()),
            // Who that is will be known when it has paired, and no sooner.
            Some(address) if known.is_random && is_private(address) => {
                known.is_on_trial = true;
                Ok(())
            }
            Some(_) | None => Err("it is not on the list `allow`"),
        }
    }

    /// bluetoothd says something of a device.
    pub(super) fn learn(&self, device: &str, said: &PropMap) {
        let allowed = self.rules().allowed;
        let mut all = self.known();
        let known = all.entry(device.to_owned()).or_default();
        let before = known.clone();
        known.learn(said);
        let Some(allowed) = allowed.filter(|_| *known != before) else {
            return;
        };
        let (address, verdict) = (known.address, known.verdict(&allowed));
        drop(all);
        self.carry_out(device, address, verdict);
    }

    /// Other rules: who may not be in any more is turned away.
    pub(super) fn judge_all(&self) {
        let Some(allowed) = self.rules().allowed else {
            return;
        };
        let all = self.known();
        let judged = all.iter().map(|(device, known)| {
            let (address, verdict) = (known.address, known.verdict(&allowed));
            (device.clone(), address, verdict)
        });
        let judged: Vec<_> = judged.collect();
        drop(all);
        for (device, address, verdict) in judged {
            self.carry_out(&device, address, verdict);
        }
    }

    fn carry_out(&self, device: &str, address: Option<Address>, verdict: Verdict) {
        let shown = address.map_or_else(|| shown(device), |address| address.to_string());
        match verdict {
            Verdict::Stays => {}
            Verdict::Disconnect => {
                warn!("{shown} is paired, but not on the list `allow`: it is disconnected");
                self.turn_away(device);
            }
            Verdict::Remove => {
                warn!("{shown} has paired, and is not on the list `allow`: its pairing is removed");
                self.call(adapter_of(device), ADAPTER, "RemoveDevice", Some(device));
            }
        }
    }

    pub(super) fn forget(&self, device: &str) {
        self.known().remove(device);
    }

    /// Disconnects it.
    pub(super) fn turn_away(&self, device: &str) {
        self.call(device, DEVICE, "Disconnect", None);
    }

    /// Nobody waits for that.
    fn call(&self, path: &str, interface: &'static str, method: &'static str, of: Option<&str>) {
        let Some(connection) = self.connection.upgrade() else {
            return;
        };
        let (bluetoothd, path) = (self.bluetoothd.clone(), path.to_owned());
        let who = shown(of.unwrap_or(&path));
        let of = of.map(|of| Path::from(of).into_static());
        tokio::spawn(async move {
            let proxy = Proxy::new(&*bluetoothd, &*path, ANSWER_WITHIN, connection);
            let called: Result<(), dbus::Error> = match of {
                Some(of) => proxy.method_call(interface, method, (of,)).await,
                None => proxy.method_call(interface, method, ()).await,
            };
            match called {
                Err(problem) if is_gone(&problem) => {
                    debug!(%problem, who, "has gone by itself");
                }
                Err(problem) => warn!("{}", still_here(&who, interface, method, &problem)),
                Ok(()) => {}
            }
        });
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().expect("nothing panics with it")
    }
}

impl Known {
    fn learn(&mut self, said: &PropMap) {
        if let Some(text) = prop_cast::<String>(said, "Address") {
            match text.parse() {
                Ok(address) => self.address = Some(address),
                Err(problem) => debug!(?problem, text, "an address that is none"),
            }
        }
        if let Some(kind) = prop_cast::<String>(said, "AddressType") {
            self.is_random = kind == "random";
        }
        let flag = |name| prop_cast::<bool>(said, name).copied();
        self.is_paired = flag("Paired").unwrap_or(self.is_paired);
        self.is_connected = flag("Connected").unwrap_or(self.is_connected);
    }

    fn verdict(&self, allowed: &Allowed) -> Verdict {
        let is_listed = self.address.is_some_and(|address| allowed.has(address));
        if is_listed || !self.is_paired {
            Verdict::Stays
        } else if self.is_on_trial {
            Verdict::Remove
        } else if self.is_connected {
            Verdict::Disconnect
        } else {
            Verdict::Stays
        }
    }
}

/// Whether a random address changes all the time: resolvable or not, it says nothing (Core Spec 5.4,
/// Vol 6, Part B, 1.3.2).
fn is_private(address: Address) -> bool {
    address.0[0] >> 6 != 0b11
}

/// Nobody has to turn away who is not there.
fn is_gone(problem: &dbus::Error) -> bool {
    let gone = [
        "org.bluez.Error.NotConnected",
        "org.bluez.Error.DoesNotExist",
        "org.freedesktop.DBus.Error.UnknownObject",
        // bluetoothd itself has gone, and every connection with it.
        "org.freedesktop.DBus.Error.ServiceUnknown",
    ];
    problem.name().is_some_and(|name| gone.contains(&name))
}

/// For a person, who is the only one left to do it.
fn still_here(who: &str, interface: &str, method: &str, problem: &dbus::Error) -> String {
    let by_hand = match method {
        "RemoveDevice" => "remove",
        _ => "disconnect",
    };
    let what_to_do = if problem.name() == Some("org.freedesktop.DBus.Error.AccessDenied") {
        format!(
            "the rules of D-Bus forbid it; those of the package, in \
            /usr/share/dbus-1/system.d/bemo-sync.conf, allow {interface}.{method}"
        )
    } else {
        format!("`bluetoothctl {by_hand} {who}` does it by hand")
    };
    format!(
        "{who} is not on the list `allow`, or may not pair, and could not be turned away: \
        {problem}; {what_to_do}"
    )
}

fn shown(device: &str) -> String {
    address(device).map_or_else(|| device.to_owned(), |address| address.to_string())
}

fn adapter_of(device: &str) -> &str {
    device
        .rsplit_once('/')
        .map_or(device, |(adapter, _)| adapter)
}

#[cfg(test)]
mod tests {
    use dbus::arg::Variant;

    use super::*;
    use crate::gatt::window::Rule;

    const LISTED: &str = "/org/bluez/hci0/dev_AA_BB_CC_DD_EE_FF";
    const OTHER: &str = "/org/bluez/hci0/dev_F1_00_00_00_00_01";
    /// The two most significant bits are 01.
    const PRIVATE: &str = "/org/bluez/hci0/dev_5A_00_00_00_00_01";

    fn door(rule: Rule) -> Arc<Door> {
        let listed = address(LISTED).expect("an address");
        let allowed = Some(Allowed::from_iter([listed]));
        let window = Arc::new(PairingWindow::new(rule));
        Arc::new(Door::new(allowed, window, ":1.0".to_owned(), Weak::new()))
    }

    fn said(address: &str, kind: &str, paired: bool) -> PropMap {
        let text = |text: &str| Variant(Box::new(text.to_owned()) as Box<_>);
        PropMap::from([
            ("Address".to_owned(), text(address)),
            ("AddressType".to_owned(), text(kind)),
            ("Paired".to_owned(), Variant(Box::new(paired) as Box<_>)),
            ("Connected".to_owned(), Variant(Box::new(true) as Box<_>)),
        ])
    }

    fn verdict(door: &Door, device: &str) -> Verdict {
        let allowed = door.rules().allowed.expect("a list");
        door.known()[device].verdict(&allowed)
    }

    #[test]
    fn who_is_not_on_the_list_neither_pairs_nor_uses_what_is_not_open() {
        let door = door(Rule::Always);
        assert_eq!(door.lets_pair(LISTED), Ok(()));
        assert!(door.lets_use(LISTED, SecurityLevel::Encrypted));
        door.learn(OTHER, &said("F1:00:00:00:00:01", "random", false));
        assert!(door.lets_pair(OTHER).is_err());
        assert!(!door.lets_use(OTHER, SecurityLevel::Encrypted));
        assert!(door.lets_use(OTHER, SecurityLevel::Open));
        assert_eq!(verdict(&door, OTHER), Verdict::Stays);
        door.learn(OTHER, &said("F1:00:00:00:00:01", "random", true));
        assert_eq!(verdict(&door, OTHER), Verdict::Disconnect);
    }

    #[test]
    fn who_hides_its_address_is_judged_when_it_has_told_it() {
        let door = door(Rule::Always);
        door.learn(PRIVATE, &said("5A:00:00:00:00:01", "random", false));
        assert_eq!(door.lets_pair(PRIVATE), Ok(()));
        assert!(!door.lets_use(PRIVATE, SecurityLevel::Encrypted));
        door.learn(PRIVATE, &said("AA:BB:CC:DD:EE:FF", "public", true));
        assert!(door.lets_use(PRIVATE, SecurityLevel::Encrypted));
        assert_eq!(verdict(&door, PRIVATE), Verdict::Stays);
        door.learn(PRIVATE, &said("AA:BB:CC:DD:EE:00", "public", true));
        assert_eq!(verdict(&door, PRIVATE), Verdict::Remove);
    }

    #[test]
    fn a_public_address_is_never_private() {
        let door = door(Rule::Always);
        door.learn(PRIVATE, &said("5A:00:00:00:00:01", "public", false));
        assert!(door.lets_pair(PRIVATE).is_err());
    }

    #[test]
    fn who_could_not_be_turned_away_is_named_with_what_to_do() {
        let said = |name, method| {
            let problem = dbus::Error::new_custom(name, "no");
            still_here("AA:BB:CC:DD:EE:FF", DEVICE, method, &problem)
        };
        let denied = said("org.freedesktop.DBus.Error.AccessDenied", "Disconnect");
        assert!(denied.starts_with("AA:BB:CC:DD:EE:FF is not on the list"));
        assert!(denied.contains("bemo-sync.conf, allow org.bluez.Device1.Disconnect"));
        let failed = said("org.bluez.Error.Failed", "RemoveDevice");
        assert!(failed.ends_with("`bluetoothctl remove AA:BB:CC:DD:EE:FF` does it by hand"));
    }

    #[test]
    fn who_has_gone_by_itself_is_no_trouble() {
        let is_gone = |name| is_gone(&dbus::Error::new_custom(name, "no"));
        assert!(is_gone("org.bluez.Error.NotConnected"));
        assert!(!is_gone("org.freedesktop.DBus.Error.AccessDenied"));
    }

    #[test]
    fn another_list_judges_those_who_are_known_already() {
        let door = door(Rule::Always);
        door.learn(OTHER, &said("F1:00:00:00:00:01", "random", true));
        let other = address(OTHER).expect("an address");
        let window = Arc::new(PairingWindow::new(Rule::Never));
        door.set(Some(Allowed::from_iter([other])), window.clone());
        assert_eq!(verdict(&door, OTHER), Verdict::Stays);
        assert!(door.lets_use(OTHER, SecurityLevel::Encrypted));
        assert!(!door.lets_use(LISTED, SecurityLevel::Encrypted));
        assert_eq!(door.lets_pair(OTHER), Err("pairing is closed"));
        // Without a list, who comes is learned of all the same: there may be one again.
        door.set(None, window.clone());
        door.learn(LISTED, &said("AA:BB:CC:DD:EE:FF", "public", true));
        door.set(Some(Allowed::from_iter([other])), window);
        assert_eq!(verdict(&door, LISTED), Verdict::Disconnect);
    }

    #[test]
    fn nobody_pairs_while_pairing_is_closed() {
        assert_eq!(
            door(Rule::Never).lets_pair(LISTED),
            Err("pairing is closed")
        );
    }
}
