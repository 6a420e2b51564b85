//! An MQTT client that shares no code with the one under test: MQTT 3.1.1 on a bare socket.

// Each test binary uses a part of this.
#![allow(dead_code)]

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use super::mosquitto::PATIENCE;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub topic: String,
    pub payload: Vec<u8>,
    pub qos: u8,
    pub retain: bool,
}

pub struct Tap {
    socket: TcpStream,
    arriving: Receiver<Packet>,
    next_id: u16,
    early: Vec<Message>,
}

enum Packet {
    Publish(Message),
    /// An acknowledgement: its type and what it says after the packet id.
    Ack(u8, Vec<u8>),
}

impl Tap {
    /// Connects with a clean session.
    pub fn connect(port: u16, client_id: &str) -> Self {
        Self::connect_as(port, client_id, None)
    }

    /// The same, as a user with a password.
    pub fn connect_as(port: u16, client_id: &str, user: Option<(&str, &str)>) -> Self {
        let socket = TcpStream::connect(("127.0.0.1", port)).expect("the broker is there");
        socket.set_nodelay(true).unwrap();
        let (packets, arriving) = channel();
        let mut reader = socket.try_clone().unwrap();
        thread::spawn(move || {
            while let Ok(packet) = read_packet(&mut reader) {
                if packets.send(packet).is_err() {
                    return;
                }
            }
        });
        let mut tap = Self {
            socket,
            arriving,
            next_id: 0,
            early: Vec::new(),
        };
        let mut body = b"\x00\x04MQTT\x04".to_vec();
        body.push(if user.is_some() { 0xC2 } else { 0x02 });
        body.extend([0, 0x3c]);
        text(client_id, &mut body);
        for part in user.iter().flat_map(|(name, password)| [name, password]) {
            text(part, &mut body);
        }
        tap.send(0x10, &body);
        assert_eq!(tap.acknowledged(0x20), [0], "the broker refuses the tap");
        tap
    }

    /// One that hears everything from now on, and what is retained.
    pub fn on_everything(port: u16) -> Self {
        let mut tap = Self::connect(port, "tap");
        tap.subscribe("#");
        tap
    }

    /// Subscribes with QoS 1, and returns when the broker has said so.
    pub fn subscribe(&mut self, filter: &str) {
        let mut body = self.id().to_vec();
        text(filter, &mut body);
        body.push(1);
        self.send(0x82, &body);
        assert_eq!(self.acknowledged(0x90), [1]);
    }

    /// Publishes with QoS 1, and returns when the broker has it.
    pub fn publish(&mut self, topic: &str, payload: impl AsRef<[u8]>) {
        self.publish_as(topic, payload.as_ref(), false);
    }

    pub fn publish_retained(&mut self, topic: &str, payload: impl AsRef<[u8]>) {
        self.publish_as(topic, payload.as_ref(), true);
    }

    fn publish_as(&mut self, topic: &str, payload: &[u8], retain: bool) {
        let mut body = Vec::new();
        text(topic, &mut body);
        body.extend(self.id());
        body.extend(payload);
        self.send(0x32 | u8::from(retain), &body);
        self.acknowledged(0x40);
    }

    /// The next message, whatever it is.
    pub fn next(&mut self) -> Message {
        if !self.early.is_empty() {
            return self.early.remove(0);
        }
        match self.arriving.recv_timeout(PATIENCE) {
            Ok(Packet::Publish(message)) => message,
            Ok(Packet::Ack(..)) => self.next(),
            Err(error) => panic!("no message came: {error}"),
        }
    }

    /// The next message, if one comes in so long.
    pub fn next_within(&mut self, time: Duration) -> Option<Message> {
        if !self.early.is_empty() {
            return Some(self.early.remove(0));
        }
        match self.arriving.recv_timeout(time).ok()? {
            Packet::Publish(message) => Some(message),
            Packet::Ack(..) => self.next_within(time),
        }
    }

    /// The payload of the next message on a topic; others before it are passed over.
    pub fn next_on(&mut self, topic: &str) -> String {
        loop {
            let message = self.next();
            if message.topic == topic {
                return String::from_utf8(message.payload).expect("it is text");
            }
        }
    }

    /// Whether nothing comes for a while.
    pub fn is_silent_for(&mut self, while_: Duration) -> bool {
        self.early.is_empty()
            && matches!(
                self.arriving.recv_timeout(while_),
                Err(RecvTimeoutError::Timeout)
            )
    }

    fn acknowledged(&mut self, kind: u8) -> Vec<u8> {
        loop {
            match self.arriving.recv_timeout(PATIENCE) {
                Ok(Packet::Ack(found, rest)) if found == kind => return rest,
                Ok(Packet::Ack(..)) => {}
                Ok(Packet::Publish(message)) => self.early.push(message),
                Err(error) => panic!("the broker does not acknowledge: {error}"),
            }
        }
    }

    fn id(&mut self) -> [u8; 2] {
        self.next_id += 1;
        self.next_id.to_be_bytes()
    }

    fn send(&mut self, kind: u8, body: &[u8]) {
        let mut packet = vec![kind];
        let mut length = body.len();
        loop {
            let more = if length > 127 { 0x80 } else { 0 };
            packet.push((length % 128) as u8 | more);
            length /= 128;
            if length == 0 {
                break;
            }
        }
        packet.extend(body);
        self.socket.write_all(&packet).expect("the broker is there");
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        let _ = self.socket.write_all(&[0xE0, 0]);
        let _ = self.socket.shutdown(std::net::Shutdown::Both);
    }
}

fn text(text: &str, out: &mut Vec<u8>) {
    out.extend((text.len() as u16).to_be_bytes());
    out.extend(text.as_bytes());
}

fn read_packet(socket: &mut TcpStream) -> io::Result<Packet> {
    let kind = read_byte(socket)?;
    let mut length = 0;
    for shift in [0, 7, 14, 21] {
        let byte = read_byte(socket)?;
        length |= usize::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    let mut body = vec![0; length];
    socket.read_exact(&mut body)?;
    if kind & 0xF0 != 0x30 {
        let rest = match kind {
            0x20 => body.split_off(1),
            _ => body.split_off(2.min(body.len())),
        };
        return Ok(Packet::Ack(kind, rest));
    }
    let topic_length = usize::from(u16::from_be_bytes([body[0], body[1]]));
    let mut rest = body.split_off(2 + topic_length);
    let topic = String::from_utf8(body.split_off(2)).expect("topics are text");
    let qos = kind >> 1 & 3;
    if qos > 0 {
        let id = [rest[0], rest[1]];
        rest = rest.split_off(2);
        socket.write_all(&[0x40, 2, id[0], id[1]])?;
    }
    Ok(Packet::Publish(Message {
        topic,
        payload: rest,
        qos,
        retain: kind & 1 == 1,
    }))
}

fn read_byte(socket: &mut TcpStream) -> io::Result<u8> {
    let mut byte = [0];
    socket.read_exact(&mut byte)?;
    Ok(byte[0])
}
