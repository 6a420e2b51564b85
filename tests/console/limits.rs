//! Whoever keeps connections for himself shuts out nobody else.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;

use serde_json::json;
use tokio::net::TcpSocket;

use super::{World, demo};
use crate::mosquitto::PATIENCE;

const TOKEN: &str = "0123456789abcdef-token";
/// So many connections one address has at once.
const PER_PEER_MAX: usize = 48;

/// A connection from another address of this machine, as somebody else would have it.
fn from(address: &str, port: u16) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .unwrap();
    let stream = runtime.block_on(async {
        let socket = TcpSocket::new_v4().unwrap();
        let own: SocketAddr = format!("{address}:0").parse().unwrap();
        socket.bind(own).unwrap();
        let stream = socket.connect(([127, 0, 0, 1], port).into()).await;
        stream.unwrap().into_std().unwrap()
    });
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// All that is answered until the connection is closed.
fn answer(mut stream: &TcpStream) -> String {
    let mut said = Vec::new();
    // An answer to a request that has not been read may end with a reset.
    let _ = stream.read_to_end(&mut said);
    String::from_utf8_lossy(&said).into_owned()
}

fn ask(address: &str, port: u16, headers: &str) -> String {
    let mut stream = from(address, port);
    let head = format!(
        "GET /api/v1/values HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    answer(&stream)
}

#[test]
fn bodies_that_never_end_are_not_waited_for_and_others_are_served_meanwhile() {
    let world = World::demo();
    let port = world.http.port;
    let stalled: Vec<_> = (0..PER_PEER_MAX)
        .map(|_| {
            let mut stream = from("127.0.0.2", port);
            let head = "POST /api/v1/centrals HTTP/1.1\r\nHost: localhost\r\n\
                Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n{";
            stream.write_all(head.as_bytes()).unwrap();
            stream
        })
        .collect();
    // Another from there is one too many, and closed at once.
    let one_more = answer(&from("127.0.0.2", port));
    assert!(one_more.starts_with("HTTP/1.1 429 "), "{one_more}");
    assert!(one_more.contains("\r\nRetry-After: "), "{one_more}");
    // From elsewhere there is room.
    let other = ask("127.0.0.3", port, "");
    assert!(other.starts_with("HTTP/1.1 200 "), "{other}");
    for stream in &stalled {
        let said = answer(stream);
        assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
    }
    drop(stalled);
    let again = ask("127.0.0.2", port, "");
    assert!(again.starts_with("HTTP/1.1 200 "), "{again}");
}

#[test]
fn many_wrong_tokens_hold_few_connections_and_never_who_says_the_right_one() {
    let world = World::new(&demo(&format!("token: {TOKEN}")));
    let port = world.http.port;
    for _ in 0..4 {
        ask("127.0.0.2", port, "Authorization: Bearer wrong\r\n");
    }
    let tries: Vec<_> = (0..30)
        .map(|index| {
            thread::spawn(move || match index % 2 {
                0 => ask("127.0.0.2", port, "Authorization: Bearer wrong\r\n"),
                _ => {
                    let mut stream = from("127.0.0.2", port);
                    let body = json!({ "token": "wrong" }).to_string();
                    let head = format!(
                        "POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                        body.len()
                    );
                    stream.write_all(head.as_bytes()).unwrap();
                    answer(&stream)
                }
            })
        })
        .collect();
    let right = format!("Authorization: Bearer {TOKEN}\r\n");
    for address in ["127.0.0.2", "127.0.0.3"] {
        let owner = ask(address, port, &right);
        assert!(owner.starts_with("HTTP/1.1 200 "), "{owner}");
    }
    let answers: Vec<String> = tries.into_iter().map(|it| it.join().unwrap()).collect();
    let sent_away = answers.iter().filter(|it| it.starts_with("HTTP/1.1 429 "));
    let sent_away: Vec<&String> = sent_away.collect();
    assert!(sent_away.len() >= 10, "{answers:?}");
    for answer in &sent_away {
        let answer = answer.to_ascii_lowercase();
        assert!(answer.contains("\r\nretry-after: "), "{answer}");
        assert!(answer.contains("\r\nconnection: close"), "{answer}");
    }
    let late = answers.iter().filter(|it| it.starts_with("HTTP/1.1 401 "));
    assert_eq!(late.count() + sent_away.len(), answers.len(), "{answers:?}");
}
