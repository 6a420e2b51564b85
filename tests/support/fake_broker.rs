//! A broker that does what a real one does not let itself be asked for.

// Each test binary uses a part of this.
#![allow(dead_code)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

pub const CONNECT: u8 = 0x10;
pub const SUBSCRIBE: u8 = 0x82;
/// With QoS 1.
pub const PUBLISH: u8 = 0x32;
pub const PUBLISH_RETAINED: u8 = 0x33;

/// Answers every packet with what `answer` makes of its first byte and its body. Returns its
/// port; it ends with the process.
pub fn start(answer: impl Fn(u8, &[u8]) -> Vec<u8> + Clone + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for socket in listener.incoming().map_while(Result::ok) {
            let answer = answer.clone();
            thread::spawn(move || serve(socket, answer));
        }
    });
    port
}

/// A PUBLISH with QoS 0.
pub fn publish(topic: &str, payload: &str) -> Vec<u8> {
    let length = |it: usize| u8::try_from(it).expect("it is short");
    let mut packet = vec![
        0x30,
        length(2 + topic.len() + payload.len()),
        0,
        length(topic.len()),
    ];
    assert!(packet[1] < 128, "it is short");
    packet.extend(topic.bytes().chain(payload.bytes()));
    packet
}

fn serve(mut socket: TcpStream, answer: impl Fn(u8, &[u8]) -> Vec<u8>) -> Option<()> {
    loop {
        let kind = byte(&mut socket)?;
        let mut length = 0;
        for shift in (0..28).step_by(7) {
            let next = byte(&mut socket)?;
            length |= usize::from(next & 0x7f) << shift;
            if next < 0x80 {
                break;
            }
        }
        let mut body = vec![0; length];
        socket.read_exact(&mut body).ok()?;
        socket.write_all(&answer(kind, &body)).ok()?;
    }
}

fn byte(socket: &mut TcpStream) -> Option<u8> {
    let mut byte = [0];
    socket.read_exact(&mut byte).ok()?;
    Some(byte[0])
}
