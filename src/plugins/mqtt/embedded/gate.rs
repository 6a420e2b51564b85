//! In front of rumqttd: lets every client in by a server of its own, and makes of its CONNECT one that
//! rumqttd accepts, in place, without a change of length. A client of another version of the protocol
//! hears that it is the wrong one.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, TcpListener as StdListener};
use std::ops::Range;
use std::time::Duration;

use rumqttd::ServerSettings;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, copy_bidirectional, sink};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use super::server_settings;

/// What rumqttd does not accept in the name of a client.
const REFUSED: &[u8] = b"+#$/";
/// A client has this long to say who it is.
const PATIENCE: Duration = Duration::from_secs(5);
/// Beyond this nothing can be a client id any more.
const MAX_HEAD: usize = 70 * 1024;
const CONNECT: u8 = 0x10;
/// The only version that rumqttd speaks here (MQTT 3.1.1).
const LEVEL: u8 = 4;
/// "Unacceptable protocol version" (MQTT 3.1.1, 3.2.2.3).
const REFUSAL: &[u8] = &[0x20, 2, 0, 0x01];
/// "Unsupported protocol version", without properties (MQTT 5, 3.2.2.2).
const REFUSAL_V5: &[u8] = &[0x20, 3, 0, 0x84, 0];

/// Admits whoever comes. `serve` makes a server that listens where its settings say, for one client.
pub(super) async fn admit_all<F, S>(listener: StdListener, serve: F)
where
    F: Fn(ServerSettings) -> S,
    S: Future<Output = ()> + Send + 'static,
{
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    loop {
        match listener.accept().await {
            Ok((client, _)) => match free_port() {
                Ok(port) => {
                    let settings = server_settings((Ipv4Addr::LOCALHOST, port).into());
                    tokio::spawn(relay(client, port, serve(settings)));
                }
                Err(_) => drop(client),
            },
            // Too many open files, for example: some will be closed.
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

fn free_port() -> io::Result<u16> {
    let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.local_addr().map(|address| address.port())
}

async fn relay(mut client: TcpStream, port: u16, server: impl Future<Output = ()>) {
    let relayed = async {
        let head = match timeout(PATIENCE, read_head(&mut client)).await {
            Ok(Ok(Head::Mended(head))) => head,
            Ok(Ok(Head::Level(level))) => {
                let refusal = if level == 5 { REFUSAL_V5 } else { REFUSAL };
                let _ = client.write_all(refusal).await;
                let _ = client.shutdown().await;
                // What is unread when a connection is closed costs the other end the answer.
                let _ = timeout(PATIENCE, copy(&mut client, &mut sink())).await;
                return;
            }
            Ok(Err(_)) | Err(_) => return,
        };
        let Ok(mut inner) = connect(port).await else {
            return;
        };
        let _ = client.set_nodelay(true);
        let _ = inner.set_nodelay(true);
        if inner.write_all(&head).await.is_ok() {
            let _ = copy_bidirectional(&mut client, &mut inner).await;
        }
    };
    tokio::select! {
        () = server => {}
        () = relayed => {}
    }
}

/// Connects to the client's own server, as soon as it listens.
async fn connect(port: u16) -> io::Result<TcpStream> {
    for _ in 0..200 {
        match TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
            Ok(stream) => return Ok(stream),
            Err(_) => sleep(Duration::from_millis(1)).await,
        }
    }
    Err(io::ErrorKind::TimedOut.into())
}

/// Reads the CONNECT up to the end of the client id, and mends it.
async fn read_head(client: &mut TcpStream) -> io::Result<Head> {
    let mut head = Vec::with_capacity(256);
    loop {
        if client.read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match parse(&head) {
            Parsed::Connect(parts) => {
                mend(&mut head, parts);
                return Ok(Head::Mended(head));
            }
            Parsed::Level(level) => return Ok(Head::Level(level)),
            Parsed::Incomplete if head.len() < MAX_HEAD => {}
            Parsed::Incomplete | Parsed::Other => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

enum Head {
    Mended(Vec<u8>),
    /// It is of this version of the protocol, which is not spoken here.
    Level(u8),
}

#[derive(Debug, PartialEq)]
enum Parsed {
    Connect(Parts),
    Level(u8),
    Incomplete,
    Other,
}

/// Where things are in a CONNECT (MQTT 3.1.1, 3.1).
#[derive(Debug, PartialEq)]
struct Parts {
    keep_alive: Range<usize>,
    client_id: Range<usize>,
}

fn parse(head: &[u8]) -> Parsed {
    match head.first() {
        None => return Parsed::Incomplete,
        Some(&CONNECT) => {}
        Some(_) => return Parsed::Other,
    }
    let Some(length) = head[1..].iter().position(|byte| byte & 0x80 == 0) else {
        let too_many = head.len() > 5;
        return if too_many {
            Parsed::Other
        } else {
            Parsed::Incomplete
        };
    };
    let protocol = text(head, 2 + length);
    let level = protocol
        .as_ref()
        .and_then(|name| head.get(name.end).copied());
    if let Some(level) = level.filter(|level| *level != LEVEL) {
        return Parsed::Level(level);
    }
    let parts = || {
        let protocol = protocol?;
        // After the protocol's name come its level and the flags, a byte each.
        let keep_alive = protocol.end + 2..protocol.end + 4;
        let client_id = text(head, keep_alive.end)?;
        Some(Parts {
            keep_alive,
            client_id,
        })
    };
    parts().map_or(Parsed::Incomplete, Parsed::Connect)
}

/// Where a text is that begins here with its length.
fn text(head: &[u8], at: usize) -> Option<Range<usize>> {
    let length = head.get(at..at + 2)?;
    let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
    let range = at + 2..at + 2 + length;
    (range.end <= head.len()).then_some(range)
}

/// rumqttd drops clients that want no keep-alive, and those with `+`, `#`, `$` or `/` in their name.
fn mend(head: &mut [u8], parts: Parts) {
    let keep_alive = &mut head[parts.keep_alive];
    if keep_alive == [0, 0] {
        keep_alive.fill(0xFF);
    }
    // Each becomes a control character, which nobody has in a name: `a/b` and `a_b` stay two clients.
    for byte in &mut head[parts.client_id] {
        if let Some(index) = REFUSED.iter().position(|refused| refused == byte) {
            *byte = 1 + index as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"\x10\x0f\x00\x04MQTT\x04\x02\x00\x00\x00\x03a/b";

    #[test]
    fn a_connect_is_understood_only_when_it_is_whole() {
        for length in 0..HEAD.len() {
            assert_eq!(parse(&HEAD[..length]), Parsed::Incomplete);
        }
        assert!(matches!(parse(HEAD), Parsed::Connect(_)));
        assert_eq!(parse(b"\x10\x0f\x00\x04MQTT\x05\x02"), Parsed::Level(5));
        assert_eq!(parse(b"\x10\x0f\x00\x06MQIsdp\x03"), Parsed::Level(3));
        assert_eq!(parse(b"GET / HTTP/1.1"), Parsed::Other);
        assert_eq!(parse(b"\x10\xff\xff\xff\xff\xff"), Parsed::Other);
    }

    #[test]
    fn what_rumqttd_refuses_is_mended_in_place() {
        let mut head = HEAD.to_vec();
        let Parsed::Connect(parts) = parse(HEAD) else {
            panic!("it is whole")
        };
        mend(&mut head, parts);
        assert_eq!(head, b"\x10\x0f\x00\x04MQTT\x04\x02\xff\xff\x00\x03a\x04b");
    }
}
