//! The bytes to and from the bus, in both directions.
//!
//! dbus-tokio has this too, but looks at its socket for reading only: of a message that the socket does not take
//! at once, the rest stays until something else arrives. The list of a few hundred characteristics is such a
//! message, and bluetoothd waits for it with all else.

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, RawFd};
use std::os::unix::net::UnixStream as StdSocket;
use std::sync::Arc;
use std::time::Duration;

use dbus::channel::{BusType, Channel};
use dbus::nonblock::{NonblockReply, Process, SyncConnection};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{RecvFlags, recv};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::UnixStream;
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::sleep_until;

/// What has to run for a connection to work.
pub(super) struct Wire {
    connection: Arc<SyncConnection>,
    /// The library reads and writes; here is only asked when it can.
    socket: UnixStream,
    /// Something waits to be written.
    unwritten: Arc<Notify>,
}

/// Connects to the system bus. Blocks.
pub(super) fn connect() -> Result<(Wire, Arc<SyncConnection>), String> {
    let channel = Channel::get_private(BusType::System).map_err(|problem| problem.to_string())?;
    Wire::on(channel).map_err(|problem| problem.to_string())
}

impl Wire {
    fn on(mut channel: Channel) -> io::Result<(Self, Arc<SyncConnection>)> {
        channel.set_watch_enabled(true);
        let socket = another_hold_of(channel.watch().fd)?;
        let mut connection = SyncConnection::from(channel);
        connection.set_timeout_maker(Some(|at| Box::pin(sleep_until(at.into()))));
        let unwritten = Arc::new(Notify::new());
        connection.set_waker(Some(Box::new({
            let unwritten = unwritten.clone();
            move || {
                unwritten.notify_one();
                Ok(())
            }
        })));
        let connection = Arc::new(connection);
        let wire = Self {
            connection: connection.clone(),
            socket,
            unwritten,
        };
        Ok((wire, connection))
    }

    /// Carries what comes and goes until the bus is lost.
    pub(super) async fn carry(self) {
        let channel: &Channel = (*self.connection).as_ref();
        loop {
            let is_open = channel.read_write(Some(Duration::ZERO)).is_ok();
            // Also what came right before the end.
            self.connection.process_all();
            if !is_open {
                return;
            }
            // The kernel tells once that something has come, and the library may have left some of it.
            let has_unwritten = channel.has_messages_to_send();
            if self.has_more() || (has_unwritten && self.has_room()) {
                // However much there is, the others have their turn.
                yield_now().await;
                continue;
            }
            let ready = tokio::select! {
                ready = self.socket.readable() => ready,
                ready = self.socket.writable(), if has_unwritten => ready,
                () = self.unwritten.notified(), if !has_unwritten => Ok(()),
            };
            if ready.is_err() {
                return;
            }
        }
    }

    /// Whether there is more to read. If not, the next that comes is waited for.
    fn has_more(&self) -> bool {
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        let peek = || Ok(recv(&self.socket, &mut [0], flags)?);
        match self.socket.try_io(Interest::READABLE, peek) {
            Ok(_) => true,
            // The library finds out what it is.
            Err(problem) => problem.kind() != ErrorKind::WouldBlock,
        }
    }

    /// Whether the socket takes more: the library writes so much in one turn. If not, it is waited for from here on.
    fn has_room(&self) -> bool {
        let ask = || {
            let mut sockets = [PollFd::new(&self.socket, PollFlags::OUT)];
            match poll(&mut sockets, Some(&Timespec::default()))? {
                0 => Err(ErrorKind::WouldBlock.into()),
                _ => Ok(()),
            }
        };
        self.socket.try_io(Interest::WRITABLE, ask).is_ok()
    }
}

/// The socket of the library, which stays its own: it lends nothing but the number.
#[expect(
    deprecated,
    reason = "what takes its place is unsafe; the number is good as long as the channel is here"
)]
fn another_hold_of(socket: RawFd) -> io::Result<UnixStream> {
    let lent = AsyncFd::with_interest(socket, Interest::READABLE)?;
    let held = lent.as_fd().try_clone_to_owned()?;
    drop(lent);
    UnixStream::from_std(StdSocket::from(held))
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::os::unix::net::UnixListener;
    use std::thread::{self, JoinHandle};

    use dbus::Message;
    use dbus::channel::{MatchingReceiver, Sender};
    use dbus::message::MatchRule;
    use tokio::time::timeout;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// A bus that says hello and then only what the test has it say; what it reads, it reads late.
    fn bus(
        then: impl FnOnce(std::os::unix::net::UnixStream) + Send + 'static,
    ) -> (Channel, JoinHandle<()>, tempfile::TempDir) {
        let directory = tempfile::tempdir().expect("a disk");
        let path = directory.path().join("bus");
        let listener = UnixListener::bind(&path).expect("a socket");
        let bus = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut lines = BufReader::with_capacity(1, stream.try_clone().expect("a socket"));
            loop {
                let mut line = Vec::new();
                lines.read_until(b'\n', &mut line).expect("a client");
                let line = String::from_utf8_lossy(&line);
                let answer = match line.trim_matches(['\0', '\r', '\n']) {
                    it if it.starts_with("AUTH") => "OK 0123456789abcdef0123456789abcdef\r\n",
                    "NEGOTIATE_UNIX_FD" => "AGREE_UNIX_FD\r\n",
                    "BEGIN" => break,
                    other => panic!("{other:?}"),
                };
                stream.write_all(answer.as_bytes()).expect("a client");
            }
            then(stream);
        });
        let address = format!("unix:path={}", path.display());
        let channel = Channel::open_private(&address).expect("a bus");
        channel.send(long_message(1)).expect("it is queued");
        channel.flush();
        (channel, bus, directory)
    }

    fn long_message(octets: usize) -> Message {
        let signal = Message::new_signal("/a", "a.b", "Long").expect("a signal");
        signal.append1(vec![7_u8; octets])
    }

    fn runtime() -> tokio::runtime::Runtime {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().expect("a runtime")
    }

    #[test]
    fn what_the_socket_does_not_take_at_once_goes_as_soon_as_it_does() {
        const OCTETS: usize = 3_000_000;
        let (done, is_done) = tokio::sync::oneshot::channel();
        let (channel, bus, _directory) = bus(move |mut stream| {
            let mut read = vec![0; OCTETS];
            stream.read_exact(&mut read).expect("a client");
            let _ = done.send(());
        });
        runtime().block_on(async {
            let (wire, connection) = Wire::on(channel).expect("a socket");
            let carried = tokio::spawn(wire.carry());
            // It has gone to sleep before there is anything to write.
            tokio::task::yield_now().await;
            connection.send(long_message(OCTETS)).expect("it is queued");
            timeout(PATIENCE, is_done)
                .await
                .expect("all of it is written")
                .expect("the bus has read it");
            let ended = timeout(PATIENCE, carried).await;
            ended
                .expect("the end of the bus is seen")
                .expect("no panic");
        });
        bus.join().expect("the bus is well");
    }

    #[test]
    fn however_much_comes_at_once_all_of_it_is_taken() {
        const MESSAGES: u32 = 300;
        let (channel, bus, _directory) = bus(move |mut stream| {
            for serial in 1..=MESSAGES {
                let mut message = long_message(10_000);
                message.set_serial(serial);
                let written = message.marshal(|octets| stream.write_all(octets));
                written.expect("a client");
            }
            // Until the client has gone: there is its own message to be read before.
            let _ = stream.read_to_end(&mut Vec::new());
        });
        runtime().block_on(async {
            let (wire, connection) = Wire::on(channel).expect("a socket");
            let (heard, mut hears) = tokio::sync::mpsc::unbounded_channel();
            connection.start_receive(
                MatchRule::new_signal("a.b", "Long"),
                Box::new(move |_, _: &SyncConnection| heard.send(()).is_ok()),
            );
            let carried = tokio::spawn(wire.carry());
            for number in 0..MESSAGES {
                let next = timeout(PATIENCE, hears.recv()).await;
                next.unwrap_or_else(|_| panic!("{number} of {MESSAGES}"));
            }
            carried.abort();
            let _ = carried.await;
            drop(connection);
        });
        bus.join().expect("the bus is well");
    }
}
