//! From a declared broker to a connection that it has accepted. Every attempt asks anew where the host
//! is, and tries all its addresses.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::BytesMut;
use rumqttc::{ConnectReturnCode, Packet};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::Settings;
use super::packet::{self, Inbox, Incoming};
use super::trouble::{Fault, is_end};

/// When an address has not answered for so long, the next one is tried beside it (RFC 8305, 5).
const NEXT_ADDRESS: Duration = Duration::from_millis(250);
/// So much is read at once.
pub(super) const CHUNK: usize = 16 * 1024;

/// The bytes to and from a broker.
pub(super) trait Socket: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Socket for T {}

/// A connection that the broker has accepted. What it has sent already is in the inbox.
pub(super) struct Accepted {
    pub(super) socket: Box<dyn Socket>,
    pub(super) inbox: Inbox,
    pub(super) session_present: bool,
}

/// Connects: TCP within [`Settings::answer_within`], all that comes after it, which a broker with much to do may be slow
/// to do, within `patience`.
pub(super) async fn dial(
    settings: &Settings,
    patience: Duration,
    max_payload: usize,
) -> Result<Accepted, Fault> {
    let reached = timeout(settings.answer_within, reach(settings)).await;
    let tcp = reached.map_err(|_| Fault::Silent)??;
    // Small messages are what there is, and nobody wants to wait for the next one.
    tcp.set_nodelay(true)?;
    let greeting = timeout(patience, greet(settings, tcp, max_payload)).await;
    greeting.map_err(|_| Fault::Unanswered)?
}

/// The first of the host's addresses at which somebody answers.
async fn reach(settings: &Settings) -> Result<TcpStream, Fault> {
    let address = &settings.address;
    let host = (address.host.as_str(), address.port);
    let addresses: Vec<SocketAddr> = lookup_host(host).await.map_err(|_| Fault::Name)?.collect();
    let mut attempts = JoinSet::new();
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in addresses {
        attempts.spawn(TcpStream::connect(address));
        match timeout(NEXT_ADDRESS, attempts.join_next()).await {
            Ok(Some(Ok(Ok(stream)))) => return Ok(stream),
            Ok(Some(Ok(Err(error)))) => last = error,
            Ok(Some(Err(_)) | None) | Err(_) => {}
        }
    }
    while let Some(attempt) = attempts.join_next().await {
        match attempt {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => {}
        }
    }
    Err(last.into())
}

/// What is said on goes to the broker, encrypted if that is declared. No word of MQTT has been said.
pub(super) async fn open(settings: &Settings) -> Result<Box<dyn Socket>, Fault> {
    let within = settings.answer_within;
    let silent = |_| Fault::Silent;
    let tcp = timeout(within, reach(settings)).await.map_err(silent)??;
    tcp.set_nodelay(true)?;
    timeout(within, secure(settings, tcp))
        .await
        .map_err(silent)?
}

async fn secure(settings: &Settings, tcp: TcpStream) -> Result<Box<dyn Socket>, Fault> {
    let Some(tls) = &settings.tls else {
        return Ok(Box::new(tcp));
    };
    let name = ServerName::try_from(settings.address.host.clone());
    let name = name.map_err(|_| Fault::NoNameForTls)?;
    let connecting = TlsConnector::from(tls.clone()).connect(name, tcp);
    Ok(Box::new(connecting.await.map_err(Fault::Handshake)?))
}

async fn greet(settings: &Settings, tcp: TcpStream, max_payload: usize) -> Result<Accepted, Fault> {
    let mut socket = secure(settings, tcp).await?;
    let mut hello = BytesMut::new();
    packet::put(&packet::connect(settings), &mut hello);
    // A broker that has gone may have said why: with TLS 1.3 that comes after the handshake.
    if let Err(error) = say(&mut socket, &hello).await
        && !is_end(&error)
    {
        return Err(error.into());
    }
    let mut inbox = Inbox::new(max_payload);
    loop {
        if socket.read_buf(inbox.room(CHUNK)).await? == 0 {
            return Err(Fault::Closed);
        }
        let session_present = match inbox.next()? {
            None => continue,
            Some(Incoming::Packet(Packet::ConnAck(answer))) => match answer.code {
                ConnectReturnCode::Success => answer.session_present,
                code => return Err(Fault::Refused(code)),
            },
            Some(_) => return Err(Fault::NoAnswer),
        };
        return Ok(Accepted {
            socket,
            inbox,
            session_present,
        });
    }
}

async fn say(socket: &mut Box<dyn Socket>, bytes: &[u8]) -> io::Result<()> {
    socket.write_all(bytes).await?;
    socket.flush().await
}
