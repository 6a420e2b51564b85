//! Whether the address of the console can be had: by `doctor`, beside a program that may be running.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::config::Settings;
use super::place::elsewhere;
use crate::plugin::Finding;

const CHECK: &str = "console";
/// Whoever is a console answers in this time.
const WITHIN: Duration = Duration::from_secs(2);
/// As much of an answer is looked at, in bytes.
const ANSWER_MAX: u64 = 4096;

pub(super) async fn address(settings: &Settings) -> Finding {
    let listen = settings.listen;
    match TcpListener::bind(listen).await {
        Ok(_) => Finding::ok(CHECK, format!("{listen} is free for it")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            match timeout(WITHIN, is_console(listen)).await {
                Ok(Ok(true)) => Finding::ok(CHECK, format!("one is at work at {listen} already")),
                Ok(_) | Err(_) => {
                    let says =
                        format!("another program listens at {listen}, so there is no console");
                    Finding::fail(CHECK, says).fix(elsewhere(settings))
                }
            }
        }
        Err(error) => {
            let says = format!("{listen} cannot be listened at: {error}");
            Finding::fail(CHECK, says).fix(elsewhere(settings))
        }
    }
}

/// Whether who listens there answers as a console does.
async fn is_console(mut address: SocketAddr) -> io::Result<bool> {
    if address.ip().is_unspecified() {
        address.set_ip(super::own_loopback(address));
    }
    let mut stream = TcpStream::connect(address).await?;
    let request = "GET /api/v1/session HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_MAX).read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    Ok(answer.starts_with("HTTP/1.1 200") && answer.contains("\"token_required\""))
}
