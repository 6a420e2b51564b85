//! A service manager that only listens.

use std::fs;
use std::io::ErrorKind;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use tempfile::TempDir;

use super::mosquitto::PATIENCE;

/// One that does not listen.
pub struct Away(Manager);

impl Away {
    pub fn come_back(mut self) -> Manager {
        self.0.socket = UnixDatagram::bind(&self.0.name).unwrap();
        self.0
    }
}

pub struct Manager {
    socket: UnixDatagram,
    /// What the process finds in `NOTIFY_SOCKET`.
    name: String,
    watchdog: Option<Duration>,
    directory: TempDir,
}

impl Manager {
    pub fn at_a_path(watchdog: Option<Duration>) -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("notify");
        Self {
            socket: UnixDatagram::bind(&path).unwrap(),
            name: path.to_str().unwrap().to_owned(),
            watchdog,
            directory,
        }
    }

    pub fn at_an_abstract_name(watchdog: Option<Duration>) -> Self {
        let directory = TempDir::new().unwrap();
        // As unique as the directory.
        let name = directory.path().join("notify").display().to_string();
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        Self {
            socket: UnixDatagram::bind_addr(&address).unwrap(),
            name: format!("@{name}"),
            watchdog,
            directory,
        }
    }

    /// What a process finds in its environment that this one has started.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let socket = ("NOTIFY_SOCKET", self.name.clone());
        let watchdog = self
            .watchdog
            .map(|limit| ("WATCHDOG_USEC", limit.as_micros().to_string()));
        let state = self.directory.path().display().to_string();
        [socket, ("STATE_DIRECTORY", state)]
            .into_iter()
            .chain(watchdog)
            .collect()
    }

    /// It is busy with something else: no datagram goes in any more until it takes one.
    pub fn is_flooded(&self) {
        let others = UnixDatagram::unbound().unwrap();
        others.set_nonblocking(true).unwrap();
        let to = self.socket.local_addr().unwrap();
        // More than any queue of the kernel has.
        for _ in 0..100_000 {
            if let Err(problem) = others.send_to_addr(b"X=1", &to) {
                assert_eq!(problem.kind(), ErrorKind::WouldBlock, "{problem}");
                return;
            }
        }
        panic!("there is always room");
    }

    /// Nobody listens at its place any more.
    pub fn go_away(self) -> Away {
        fs::remove_file(&self.name).unwrap();
        Away(self)
    }

    /// The lines of the next datagram.
    pub fn next(&self) -> Vec<String> {
        self.within(PATIENCE).expect("something is heard")
    }

    /// The next datagram that is not just this.
    pub fn next_but(&self, line: &str) -> Vec<String> {
        loop {
            let next = self.next();
            if next != [line] {
                return next;
            }
        }
    }

    /// Waits until nothing has been heard for so long.
    pub fn wait_for_silence(&self, length: Duration) {
        // With a stuck loop this takes a moment; if it never gets stuck, the datagrams never end.
        for _ in 0..200 {
            if self.within(length).is_none() {
                return;
            }
        }
        panic!("it is still heard");
    }

    pub fn has_heard_nothing(&self) -> bool {
        self.within(Duration::from_millis(1)).is_none()
    }

    fn within(&self, time: Duration) -> Option<Vec<String>> {
        self.socket.set_read_timeout(Some(time)).unwrap();
        let mut datagram = [0; 4096];
        match self.socket.recv(&mut datagram) {
            Ok(length) => {
                let text = std::str::from_utf8(&datagram[..length]).unwrap();
                Some(text.lines().map(str::to_owned).collect())
            }
            Err(problem) => {
                assert_eq!(problem.kind(), ErrorKind::WouldBlock, "{problem}");
                None
            }
        }
    }
}
