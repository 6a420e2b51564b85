//! What a service manager hears of us: that we are ready, that the loop still turns, that we stop.
//!
//! The protocol is that of sd_notify(3): lines in a datagram, to a socket that the environment names. Nobody
//! waits for an answer, and a manager that does not listen must not hold up the loop.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process;
use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use crate::runtime::Heartbeat;

const SOCKET: &str = "NOTIFY_SOCKET";
const WATCHDOG: &str = "WATCHDOG_USEC";
const WATCHDOG_PID: &str = "WATCHDOG_PID";
/// When the manager could not be told something, it is told again after this, or sooner where its watchdog
/// is in a hurry.
const TELL_AGAIN: Duration = Duration::from_secs(1);

/// The service manager that has started this process. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Service {
    socket: Arc<UnixDatagram>,
    address: SocketAddr,
    /// It takes us for dead when it has heard nothing for so long.
    watchdog: Option<Duration>,
}

impl Service {
    /// The one in the environment; `None` when nobody there wants to hear of us.
    ///
    /// The variables stay: this program starts no others, which would inherit them.
    pub fn from_environment() -> Option<Self> {
        Self::named_by(|name| env::var_os(name)).unwrap_or_else(|problem| {
            warn!("the service manager cannot be told how things stand: {problem}");
            None
        })
    }

    /// The one that these variables name.
    ///
    /// # Errors
    /// When they name one that cannot be reached, by no fault of the network: there is none.
    pub fn named_by(variable: impl Fn(&str) -> Option<OsString>) -> io::Result<Option<Self>> {
        let Some(name) = variable(SOCKET).filter(|name| !name.is_empty()) else {
            return Ok(None);
        };
        let address = address(&name).map_err(|problem| {
            io::Error::new(problem.kind(), format!("{SOCKET} is {name:?}: {problem}"))
        })?;
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Some(Self {
            socket: Arc::new(socket),
            address,
            watchdog: watchdog(variable),
        }))
    }

    /// Tells the manager that we are ready when the loop has turned once, and from then on, three times in
    /// what its watchdog allows, that it still does. So one that is lost is made up for in time.
    pub fn heartbeat(&self, status: String) -> Heartbeat {
        let service = self.clone();
        let feed_every = service.watchdog.map(|limit| limit / 3);
        let again = service
            .watchdog
            .map_or(TELL_AGAIN, |limit| TELL_AGAIN.min(limit / 8));
        let mut ready = false;
        let mut listens = true;
        Box::new(move || {
            let told = if ready {
                service.tell(&["WATCHDOG=1"])
            } else {
                service.tell(&["READY=1", &format!("STATUS={}", line(&status))])
            };
            match told {
                Ok(()) => {
                    if !listens {
                        info!("the service manager listens again");
                    }
                    (ready, listens) = (true, true);
                    feed_every
                }
                Err(problem) => {
                    // Once: it may stay away for as long as we run.
                    if listens {
                        let what = if ready {
                            "the loop still turns"
                        } else {
                            "all is ready"
                        };
                        warn!(
                            "the service manager could not be told that {what}, and is told again \
                            until it listens: {problem}"
                        );
                    }
                    listens = false;
                    Some(again)
                }
            }
        })
    }

    /// Tells the manager that the configuration is read again. [`Service::reloaded`] has to follow.
    pub fn reloading(&self) {
        // Only Linux has such a manager, and this clock.
        #[cfg(target_os = "linux")]
        {
            let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
            let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
            let micros =
                seconds * 1_000_000 + u64::try_from(now.tv_nsec).unwrap_or_default() / 1000;
            let since = format!("MONOTONIC_USEC={micros}");
            // What it does not hear of this does no harm: the watchdog goes on.
            let _ = self.tell(&["RELOADING=1", &since]);
        }
    }

    /// Tells the manager that what was to be read again has been.
    pub fn reloaded(&self) {
        let _ = self.tell(&["READY=1"]);
    }

    /// Tells the manager that we stop by ourselves, in good order.
    pub fn stopping(&self) {
        // It learns of our end in any case.
        let _ = self.tell(&["STOPPING=1", "STATUS=stopping"]);
    }

    fn tell(&self, lines: &[&str]) -> io::Result<()> {
        let datagram = lines.join("\n");
        self.socket
            .send_to_addr(datagram.as_bytes(), &self.address)
            .map(|_| ())
    }
}

/// A path, or, behind an `@`, an abstract name.
fn address(name: &OsStr) -> io::Result<SocketAddr> {
    match name.as_bytes() {
        [b'/', ..] => SocketAddr::from_pathname(name),
        #[cfg(target_os = "linux")]
        [b'@', name @ ..] => {
            use std::os::linux::net::SocketAddrExt;
            SocketAddr::from_abstract_name(name)
        }
        _ => Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "it begins neither with `/` nor with `@`",
        )),
    }
}

/// How long the manager waits for a sign of this very process.
fn watchdog(variable: impl Fn(&str) -> Option<OsString>) -> Option<Duration> {
    let number = |name| variable(name)?.to_str()?.parse::<u64>().ok();
    let ours =
        variable(WATCHDOG_PID).is_none() || number(WATCHDOG_PID) == Some(u64::from(process::id()));
    number(WATCHDOG)
        .filter(|limit| ours && *limit > 0)
        .map(Duration::from_micros)
}

/// A line break in a name must not become a line of the protocol.
fn line(text: &str) -> String {
    text.replace(char::is_control, " ")
}
