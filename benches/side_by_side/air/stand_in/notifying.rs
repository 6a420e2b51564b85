//! A characteristic that somebody has subscribed to: who that is, and where the values come from.

use std::collections::HashMap;
use std::fs::File;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Instant;

use dbus::Message;
use dbus::arg::{PropMap, RefArg};
use dbus::channel::Sender as _;
use tokio::sync::mpsc::UnboundedSender;

use super::super::now;
use super::application::CHARACTERISTIC;
use super::daemon::Daemon;

/// The longest value of an attribute (Core Spec 5.4, Vol 3, Part F, 3.2.9).
pub(super) const OCTETS_MAX: usize = 512;

/// BlueZ before 5.76 has one source for all subscribers, and each of them hears everything.
#[derive(Default)]
pub(super) struct Notifying {
    /// How many subscriptions keep the source open.
    pub(super) open: usize,
    socket: Option<UnixDatagram>,
    pub(super) subscribers: HashMap<String, Subscriber>,
}

#[derive(Clone)]
pub(super) struct Subscriber {
    pub(super) received: UnboundedSender<(Instant, Vec<u8>)>,
    pub(super) confirms: bool,
}

impl Notifying {
    pub(super) fn has_socket(&self) -> bool {
        self.socket.is_some()
    }

    /// The application sees that its other end is closed.
    pub(super) fn close(&mut self) {
        if let Some(socket) = self.socket.take() {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Notifying {
    fn drop(&mut self) {
        self.close();
    }
}

impl Daemon {
    /// Reads a socket as bluetoothd does, one value with each read, on a thread of its own: the times do not
    /// depend on what else there is to do.
    pub(super) fn read_socket(
        self: &Arc<Self>,
        owner: &str,
        path: &str,
        socket: File,
    ) -> std::io::Result<()> {
        let socket = UnixDatagram::from(OwnedFd::from(socket));
        socket.set_nonblocking(false)?;
        let key = (owner.to_owned(), path.to_owned());
        {
            let mut state = self.state();
            let notifying = state.notifying.entry(key.clone()).or_default();
            notifying.close();
            notifying.socket = Some(socket.try_clone()?);
        }
        let daemon = Arc::downgrade(self);
        thread::Builder::new()
            .name("notifications".to_owned())
            .spawn(move || read_all(&daemon, &socket, &key))?;
        Ok(())
    }

    /// A value is new, in a signal.
    pub(super) fn hear_changed(&self, signal: &Message) {
        let at = now();
        let mut arguments = signal.iter_init();
        let Some(CHARACTERISTIC) = arguments.get::<&str>() else {
            return;
        };
        arguments.next();
        let changed: Option<PropMap> = arguments.get();
        let value = changed.as_ref().and_then(|it| it.get("Value"));
        let octets = value.and_then(|it| it.0.as_any().downcast_ref::<Vec<u8>>());
        let (Some(octets), Some(owner), Some(path)) = (octets, signal.sender(), signal.path())
        else {
            return;
        };
        self.notify(&(owner.to_string(), path.to_string()), octets, at);
    }

    /// To every subscriber. What is longer than any value may be is cut.
    fn notify(&self, key: &(String, String), octets: &[u8], at: Instant) {
        let octets = &octets[..octets.len().min(OCTETS_MAX)];
        let state = self.state();
        let Some(notifying) = state.notifying.get(key) else {
            return;
        };
        let confirms = notifying.subscribers.values().filter(|it| it.confirms);
        // Before the central knows of it: what it asks next is asked later.
        for _ in confirms {
            let (owner, path) = key;
            let mut call =
                Message::call_with_args(&**owner, &**path, CHARACTERISTIC, "Confirm", ());
            call.set_no_reply(true);
            let _ = self.connection.send(call);
        }
        for subscriber in notifying.subscribers.values() {
            let _ = subscriber.received.send((at, octets.to_vec()));
        }
    }
}

fn read_all(daemon: &Weak<Daemon>, socket: &UnixDatagram, key: &(String, String)) {
    let mut octets = [0; OCTETS_MAX];
    while let Ok(count @ 1..) = socket.recv(&mut octets) {
        let at = now();
        let Some(daemon) = daemon.upgrade() else {
            return;
        };
        daemon.notify(key, &octets[..count], at);
    }
    // The application has closed it, or it is closed here, which `close` has seen to.
    let _ = socket.shutdown(Shutdown::Both);
    if let Some(daemon) = daemon.upgrade()
        && let Some(notifying) = daemon.state().notifying.get_mut(key)
        && notifying.is_dead()
    {
        notifying.socket = None;
    }
}

impl Notifying {
    /// Whether the socket that it has is one that nothing comes from any more.
    fn is_dead(&self) -> bool {
        let Some(socket) = &self.socket else {
            return false;
        };
        // A later one is alive.
        let mut octet = [0];
        rustix::net::recv(
            socket,
            &mut octet,
            rustix::net::RecvFlags::PEEK | rustix::net::RecvFlags::DONTWAIT,
        )
        .is_ok_and(|(_, count)| count == 0)
    }
}
