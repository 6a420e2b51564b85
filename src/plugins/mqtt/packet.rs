//! Pure: MQTT 3.1.1 on the wire, as much of it as a client needs. Messages become bytes, bytes become
//! packets. No I/O and no clock.

use std::fmt;

use super::binding::Message;
use super::config::Qos;

const CONNECT: u8 = 0x10;
const CONNACK: u8 = 0x20;
const PUBLISH: u8 = 0x30;
const PUBACK: u8 = 0x40;
const PUBREC: u8 = 0x50;
/// With the flags that it has to have (MQTT 3.1.1, 3.6.1).
const PUBREL: u8 = 0x62;
const PUBCOMP: u8 = 0x70;
const SUBSCRIBE: u8 = 0x82;
const SUBACK: u8 = 0x90;
const UNSUBACK: u8 = 0xB0;
const PINGREQ: [u8; 2] = [0xC0, 0];
const PINGRESP: u8 = 0xD0;
const DISCONNECT: [u8; 2] = [0xE0, 0];

/// So much of an overlong payload is kept, for whoever says what it was.
const KEPT: usize = 256;
/// A topic and a packet id, each with its length.
const MAX_HEAD: usize = 2 + u16::MAX as usize + 2;

/// How we introduce ourselves.
pub(super) struct Connect<'a> {
    pub(super) client_id: &'a str,
    pub(super) keep_alive_s: u16,
    pub(super) clean_session: bool,
    pub(super) credentials: Option<(&'a str, &'a str)>,
    pub(super) will: Option<&'a Message>,
}

/// What a broker sends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming<'a> {
    ConnAck { session_present: bool, code: u8 },
    Publish(Publish<'a>),
    PubAck(u16),
    PubRec(u16),
    PubRel(u16),
    PubComp(u16),
    SubAck { id: u16, codes: &'a [u8] },
    UnsubAck,
    PingResp,
}

/// A message from the broker.
#[derive(PartialEq, Eq)]
pub(super) struct Publish<'a> {
    pub(super) topic: &'a str,
    /// Of an overlong one, the beginning.
    pub(super) payload: &'a [u8],
    /// How long the payload is, also where not all of it was kept.
    pub(super) length: usize,
    pub(super) retain: bool,
    pub(super) is_again: bool,
    pub(super) ack: Answer,
}

/// How a message is acknowledged: by its quality of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    None,
    PubAck(u16),
    PubRec(u16),
}

/// What came is no MQTT 3.1.1.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

impl Publish<'_> {
    /// Whether all of the payload is there.
    pub(super) fn is_whole(&self) -> bool {
        self.payload.len() == self.length
    }
}

/// Without the payload: that is shown elsewhere, unless it has to be kept secret.
impl fmt::Debug for Publish<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publish")
            .field("topic", &self.topic)
            .field("length", &self.length)
            .field("retain", &self.retain)
            .field("is_again", &self.is_again)
            .field("ack", &self.ack)
            .finish_non_exhaustive()
    }
}

/// Bytes from the broker, until they make a packet. Never holds more than the longest packet that is
/// wanted: of a longer message only the beginning is kept, and the rest is passed over as it arrives.
pub(super) struct Inbox {
    buffer: Vec<u8>,
    /// So much of it has been handed out.
    done: usize,
    /// So much of an overlong message is still to come.
    skipping: usize,
    /// The longest packet that is taken whole.
    max: usize,
}

impl Inbox {
    /// One for payloads of at most so many bytes.
    pub(super) fn new(max_payload: usize) -> Self {
        Self {
            buffer: Vec::new(),
            done: 0,
            skipping: 0,
            max: max_payload + MAX_HEAD + KEPT,
        }
    }

    /// Where the next bytes go, with room for at least so many.
    pub(super) fn room(&mut self, at_least: usize) -> &mut Vec<u8> {
        self.buffer.drain(..self.done);
        self.done = 0;
        if self.buffer.is_empty() && self.buffer.capacity() > 4 * at_least {
            self.buffer = Vec::new();
        }
        self.buffer.reserve(at_least);
        &mut self.buffer
    }

    /// The next packet, if all of it has arrived.
    pub(super) fn next(&mut self) -> Result<Option<Incoming<'_>>, Malformed> {
        let passed_over = self.skipping.min(self.buffer.len() - self.done);
        self.done += passed_over;
        self.skipping -= passed_over;
        let bytes = &self.buffer[self.done..];
        let Some((&first, rest)) = bytes.split_first() else {
            return Ok(None);
        };
        if !is_known(first) {
            return Err(Malformed("a broker sends no packet of this kind"));
        }
        let Some((length, digits)) = length(rest)? else {
            return Ok(None);
        };
        let body = &rest[digits..];
        let is_overlong = length > self.max;
        if is_overlong && first & 0xF0 != PUBLISH {
            return Err(Malformed("a packet of this kind cannot be so long"));
        }
        // Of an overlong one, what comes before the payload and its beginning.
        let needed = match is_overlong {
            true => MAX_HEAD + KEPT,
            false => length,
        };
        let Some(body) = body.get(..needed) else {
            return Ok(None);
        };
        self.done += 1 + digits + needed;
        self.skipping = length - needed;
        packet(first, body, length).map(Some)
    }
}

/// Whether a packet that a broker can send begins like this: its kind, and the flags that belong to it
/// (MQTT 3.1.1, 2.2.2).
fn is_known(first: u8) -> bool {
    let kinds = [
        CONNACK, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, PINGRESP,
    ];
    first & 0xF0 == PUBLISH || kinds.contains(&first)
}

/// The number that begins here, and how many bytes it has (MQTT 3.1.1, 2.2.3).
fn length(bytes: &[u8]) -> Result<Option<(usize, usize)>, Malformed> {
    let mut length = 0;
    for (index, byte) in bytes.iter().take(4).enumerate() {
        length |= usize::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok(Some((length, index + 1)));
        }
    }
    match bytes.len() {
        0..4 => Ok(None),
        _ => Err(Malformed("no packet is so long")),
    }
}

fn packet(first: u8, body: &[u8], length: usize) -> Result<Incoming<'_>, Malformed> {
    match first {
        CONNACK => match body {
            [flags, code] => Ok(Incoming::ConnAck {
                session_present: flags & 1 == 1,
                code: *code,
            }),
            _ => Err(Malformed("a CONNACK has two bytes")),
        },
        PUBACK => id(body).map(|(id, _)| Incoming::PubAck(id)),
        PUBREC => id(body).map(|(id, _)| Incoming::PubRec(id)),
        PUBREL => id(body).map(|(id, _)| Incoming::PubRel(id)),
        PUBCOMP => id(body).map(|(id, _)| Incoming::PubComp(id)),
        SUBACK => id(body).map(|(id, codes)| Incoming::SubAck { id, codes }),
        UNSUBACK => Ok(Incoming::UnsubAck),
        PINGRESP => Ok(Incoming::PingResp),
        _ => publication(first, body, length).map(Incoming::Publish),
    }
}

fn publication(first: u8, body: &[u8], length: usize) -> Result<Publish<'_>, Malformed> {
    let short = Malformed("a PUBLISH is too short");
    let Some((topic_length, rest)) = body.split_first_chunk() else {
        return Err(short);
    };
    let Some((topic, rest)) = rest.split_at_checked(u16::from_be_bytes(*topic_length).into())
    else {
        return Err(short);
    };
    let topic = std::str::from_utf8(topic).map_err(|_| Malformed("a topic is not UTF-8"))?;
    let (ack, rest) = match first >> 1 & 3 {
        0 => (Answer::None, rest),
        1 => id(rest).map(|(id, rest)| (Answer::PubAck(id), rest))?,
        2 => id(rest).map(|(id, rest)| (Answer::PubRec(id), rest))?,
        _ => return Err(Malformed("there is no such quality of service")),
    };
    let length = length - (body.len() - rest.len());
    Ok(Publish {
        topic,
        payload: &rest[..if rest.len() < length { KEPT } else { length }],
        length,
        retain: first & 1 == 1,
        is_again: first & 8 == 8,
        ack,
    })
}

fn id(body: &[u8]) -> Result<(u16, &[u8]), Malformed> {
    match body.split_first_chunk() {
        Some((id, rest)) if *id != [0, 0] => Ok((u16::from_be_bytes(*id), rest)),
        Some(_) | None => Err(Malformed("a packet has no id")),
    }
}

pub(super) fn connect(it: &Connect<'_>, out: &mut Vec<u8>) {
    let mut flags = u8::from(it.clean_session) << 1;
    let mut payload = Vec::new();
    text(it.client_id.as_bytes(), &mut payload);
    if let Some(will) = it.will {
        flags |= 0x04 | (will.qos as u8) << 3 | u8::from(will.retain) << 5;
        text(will.topic.as_bytes(), &mut payload);
        text(&will.payload, &mut payload);
    }
    if let Some((name, password)) = it.credentials {
        flags |= 0xC0;
        text(name.as_bytes(), &mut payload);
        text(password.as_bytes(), &mut payload);
    }
    begin(CONNECT, 10 + payload.len(), out);
    text(b"MQTT", out);
    out.extend([4, flags]);
    out.extend(it.keep_alive_s.to_be_bytes());
    out.append(&mut payload);
}

pub(super) fn subscribe(id: u16, filters: &[(String, Qos)], out: &mut Vec<u8>) {
    let length: usize = filters.iter().map(|(filter, _)| 3 + filter.len()).sum();
    begin(SUBSCRIBE, 2 + length, out);
    out.extend(id.to_be_bytes());
    for (filter, qos) in filters {
        text(filter.as_bytes(), out);
        out.push(*qos as u8);
    }
}

/// An id wherever the quality of service is not 0.
pub(super) fn publish(message: &Message, id: Option<u16>, out: &mut Vec<u8>) {
    let Message {
        topic,
        payload,
        qos,
        retain,
    } = message;
    let with_id = if id.is_some() { 2 } else { 0 };
    let first = PUBLISH | (*qos as u8) << 1 | u8::from(*retain);
    begin(first, 2 + topic.len() + with_id + payload.len(), out);
    text(topic.as_bytes(), out);
    if let Some(id) = id {
        out.extend(id.to_be_bytes());
    }
    out.extend(payload);
}

pub(super) fn acknowledge(ack: Answer, out: &mut Vec<u8>) {
    match ack {
        Answer::None => {}
        Answer::PubAck(id) => with_id(PUBACK, id, out),
        Answer::PubRec(id) => with_id(PUBREC, id, out),
    }
}

pub(super) fn release(id: u16, out: &mut Vec<u8>) {
    with_id(PUBREL, id, out);
}

pub(super) fn complete(id: u16, out: &mut Vec<u8>) {
    with_id(PUBCOMP, id, out);
}

pub(super) fn ping(out: &mut Vec<u8>) {
    out.extend(PINGREQ);
}

pub(super) fn disconnect(out: &mut Vec<u8>) {
    out.extend(DISCONNECT);
}

fn with_id(kind: u8, id: u16, out: &mut Vec<u8>) {
    let [high, low] = id.to_be_bytes();
    out.extend([kind, 2, high, low]);
}

/// The first byte, and how many follow.
fn begin(first: u8, mut length: usize, out: &mut Vec<u8>) {
    out.push(first);
    loop {
        let more = if length > 0x7F { 0x80 } else { 0 };
        out.push((length & 0x7F) as u8 | more);
        length >>= 7;
        if length == 0 {
            return;
        }
    }
}

/// Its length was checked when it was declared.
fn text(text: &[u8], out: &mut Vec<u8>) {
    out.extend((text.len() as u16).to_be_bytes());
    out.extend(text);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAX: usize = 1000;

    /// What comes of bytes that arrive in pieces of this length, for people to compare.
    fn take(bytes: &[u8], piece: usize) -> (Vec<String>, usize) {
        let mut inbox = Inbox::new(MAX);
        let (mut all, mut most) = (Vec::new(), 0);
        for piece in bytes.chunks(piece) {
            inbox.room(piece.len()).extend(piece);
            most = most.max(inbox.buffer.len());
            loop {
                match inbox.next() {
                    Ok(Some(packet)) => all.push(format!("{packet:?}")),
                    Ok(None) => break,
                    Err(Malformed(what)) => {
                        all.push(what.to_owned());
                        return (all, most);
                    }
                }
            }
        }
        (all, most)
    }

    fn message(length: usize, qos: Qos) -> Message {
        Message {
            topic: "a/b".to_owned(),
            payload: vec![7; length],
            qos,
            retain: true,
        }
    }

    #[test]
    fn whatever_the_pieces_the_packets_are_the_same() {
        let mut bytes = vec![0x20, 2, 1, 0, 0x90, 4, 0, 9, 1, 0x80, 0xD0, 0];
        publish(&message(5, Qos::AtMostOnce), None, &mut bytes);
        publish(&message(300, Qos::AtLeastOnce), Some(4), &mut bytes);
        publish(&message(MAX * 300, Qos::ExactlyOnce), Some(5), &mut bytes);
        acknowledge(Answer::PubAck(6), &mut bytes);
        acknowledge(Answer::PubRec(7), &mut bytes);
        release(8, &mut bytes);
        complete(9, &mut bytes);
        let (whole, _) = take(&bytes, bytes.len());
        assert_eq!(whole.len(), 10, "{whole:#?}");
        for piece in [1, 2, 3, 7, 100, 4096] {
            let (all, most) = take(&bytes, piece);
            assert_eq!(all, whole);
            assert!(most < MAX + MAX_HEAD + KEPT + 4096, "{most} bytes are held");
        }
    }

    #[test]
    fn of_an_overlong_message_the_beginning_is_kept_and_the_next_packet_is_found() {
        let mut bytes = Vec::new();
        publish(&message(MAX * 300, Qos::AtLeastOnce), Some(4), &mut bytes);
        let mut inbox = Inbox::new(MAX);
        inbox.room(0).extend(&bytes);
        match inbox.next() {
            Ok(Some(Incoming::Publish(publish))) => {
                assert!(!publish.is_whole());
                assert_eq!(publish.length, MAX * 300);
                assert_eq!(publish.payload, [7; KEPT]);
                assert_eq!(publish.ack, Answer::PubAck(4));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(inbox.next(), Ok(None));
        inbox.room(0).extend([0xD0, 0]);
        assert_eq!(inbox.next(), Ok(Some(Incoming::PingResp)));
    }

    #[test]
    fn a_connect_has_everything_in_its_place() {
        let will = message(1, Qos::ExactlyOnce);
        let it = Connect {
            client_id: "me",
            keep_alive_s: 60,
            clean_session: true,
            credentials: Some(("u", "p")),
            will: Some(&will),
        };
        let mut bytes = Vec::new();
        connect(&it, &mut bytes);
        let expected =
            b"\x10\x1C\x00\x04MQTT\x04\xF6\x00\x3C\x00\x02me\x00\x03a/b\x00\x01\x07\x00\x01u\x00\x01p";
        assert_eq!(bytes, expected);
    }

    #[test]
    fn what_is_no_mqtt_is_told_apart() {
        for bytes in [
            b"HTTP/1.1 400 Bad Request".as_slice(),
            &[0x20, 3, 0, 0, 0],
            &[0x40, 2, 0, 0],
            &[0x40, 1, 1],
            &[0x30, 1, 0],
            &[0x36, 5, 0, 1, b'a', 0, 1],
            &[0x30, 3, 0, 1, 0xFF],
            &[0x90, 0xFF, 0xFF, 0xFF, 0xFF],
            &[0x90, 0xFF, 0xFF, 0xFF, 0x7F],
            &[0xF0, 0],
        ] {
            let mut inbox = Inbox::new(MAX);
            inbox.room(0).extend(bytes);
            assert!(inbox.next().is_err(), "{bytes:X?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_without_a_panic_and_alike(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            piece in 1_usize..50,
        ) {
            prop_assert_eq!(take(&bytes, 200).0, take(&bytes, piece).0);
        }
    }
}
