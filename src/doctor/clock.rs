//! The clock: certificates are good from one day to another, and nobody else tells that it is wrong.

use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::plugin::Finding;

const CHECK: &str = "clock";
/// systemd-timesyncd makes it when it has set the clock (systemd-timesyncd.service(8)).
const SYNCHRONISED: &str = "/run/systemd/timesync/synchronized";
/// A file may come from a machine whose clock is a little ahead.
const TOLERANCE: Duration = Duration::from_secs(24 * 60 * 60);

/// What is known of the clock.
#[derive(Clone, Copy, Debug)]
struct Facts {
    now: SystemTime,
    /// This program was made then: it cannot be earlier.
    built: Option<SystemTime>,
    /// Whether something keeps it right; `None` where nobody can tell.
    is_synchronised: Option<bool>,
}

pub(super) async fn examine() -> Vec<Finding> {
    let built = std::env::current_exe().and_then(|path| path.metadata()?.modified());
    #[expect(
        clippy::disallowed_methods,
        reason = "the clock itself is what is looked at"
    )]
    let now = SystemTime::now();
    let is_synchronised = match Path::new(SYNCHRONISED).exists() {
        true => Some(true),
        false => asked().await,
    };
    vec![judge(Facts {
        now,
        built: built.ok(),
        is_synchronised,
    })]
}

fn judge(facts: Facts) -> Finding {
    let set = "sudo timedatectl set-ntp true";
    if let Some(built) = facts.built
        && facts.now + TOLERANCE < built
    {
        let days = built
            .duration_since(facts.now)
            .unwrap_or_default()
            .as_secs()
            / (24 * 60 * 60);
        let says = format!(
            "the clock is at least {days} days slow: this program was made later than now, and certificates are taken \
             for not valid yet"
        );
        return Finding::fail(CHECK, says).fix(set);
    }
    match facts.is_synchronised {
        Some(true) => Finding::ok(CHECK, "something keeps the clock right"),
        Some(false) => {
            let says = "nothing has set the clock by the network: after a start without power it may be wrong, and \
                certificates with it";
            Finding::warn(CHECK, says).fix(set)
        }
        None => Finding::skipped(
            CHECK,
            "the clock is not absurd; nobody here can tell whether it is right",
        ),
    }
}

/// What systemd knows of it (org.freedesktop.timedate1(5)), whoever sets the clock: it asks the kernel.
#[cfg(target_os = "linux")]
async fn asked() -> Option<bool> {
    let asked = tokio::task::spawn_blocking(|| {
        use dbus::blocking::stdintf::org_freedesktop_dbus::Properties;
        const NAME: &str = "org.freedesktop.timedate1";
        let bus = dbus::blocking::Connection::new_system().ok()?;
        let proxy = bus.with_proxy(NAME, "/org/freedesktop/timedate1", Duration::from_secs(3));
        proxy.get::<bool>(NAME, "NTPSynchronized").ok()
    });
    asked.await.ok().flatten()
}

#[cfg(not(target_os = "linux"))]
async fn asked() -> Option<bool> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::Level;

    #[test]
    fn a_clock_before_this_program_was_made_is_wrong() {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        let built = SystemTime::UNIX_EPOCH + 20_000 * DAY;
        for (days, is_synchronised, level) in [
            (0, Some(true), Level::Fail),
            (19_900, None, Level::Fail),
            (20_000, None, Level::Skipped),
            (20_000, Some(true), Level::Ok),
            (20_001, Some(false), Level::Warn),
        ] {
            let facts = Facts {
                now: SystemTime::UNIX_EPOCH + days * DAY,
                built: Some(built),
                is_synchronised,
            };
            let found = judge(facts);
            assert_eq!(found.level, level, "{days} {is_synchronised:?}: {found:?}");
        }
        let unknown = Facts {
            now: SystemTime::UNIX_EPOCH,
            built: None,
            is_synchronised: Some(true),
        };
        assert_eq!(judge(unknown).level, Level::Ok);
    }
}
