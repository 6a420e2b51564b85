//! Pure: what goes over a connection. `rumqttc` makes bytes of packets and packets of bytes; what is ours
//! lies around that. A message of any length is passed over as it arrives, and its reader is spared what
//! it does not judge, or judges too hard.

use bytes::{Buf, BytesMut};
use rumqttc::mqttbytes::v4::{Connect, LastWill, Login, Packet, Publish};
use rumqttc::mqttbytes::{Error, FixedHeader, Protocol, QoS, check};

use super::Settings;
use super::binding::Message;
use super::config::Qos;

const PUBLISH: u8 = 0x30;
const SUBACK: u8 = 0x90;
/// The first byte of everything else that a broker sends: its kind, and the flags that belong to it
/// (MQTT 3.1.1, 2.2.2).
const OTHERS: [u8; 7] = [0x20, 0x40, 0x50, 0x62, 0x70, 0xB0, 0xD0];
/// "Failure" (MQTT 3.1.1, 3.9.3).
const FAILURE: u8 = 0x80;

/// So much of an overlong payload is kept, for whoever says what it was.
const KEPT: usize = 256;
/// A topic and a packet id, each with its length.
const MAX_HEAD: usize = 2 + u16::MAX as usize + 2;
/// So much of an overlong message is waited for.
const BEGINNING: usize = MAX_HEAD + KEPT;

/// What a broker sends.
#[derive(Debug)]
pub(super) enum Incoming {
    Packet(Packet),
    /// A message that is longer than anything wanted: with the beginning of its payload, and how long
    /// that is.
    Overlong(Publish, usize),
}

/// Bytes from the broker, until they make a packet. Never holds more than the longest packet that is
/// wanted: of a longer message only the beginning is kept, and the rest is passed over as it arrives.
pub(super) struct Inbox {
    buffer: BytesMut,
    /// So much of an overlong message is still to come.
    skipping: usize,
    /// The longest packet that is taken whole, without its fixed header.
    max: usize,
}

impl Inbox {
    /// One for payloads of at most so many bytes.
    pub(super) fn new(max_payload: usize) -> Self {
        Self {
            buffer: BytesMut::new(),
            skipping: 0,
            max: max_payload + BEGINNING,
        }
    }

    /// From now on it is one for payloads of at most so many bytes.
    pub(super) fn admit(&mut self, max_payload: usize) {
        self.max = max_payload + BEGINNING;
    }

    /// Where the next bytes go, with room for at least so many.
    pub(super) fn room(&mut self, at_least: usize) -> &mut BytesMut {
        if self.buffer.is_empty() && self.buffer.capacity() > 4 * at_least {
            self.buffer = BytesMut::new();
        }
        self.buffer.reserve(at_least);
        &mut self.buffer
    }

    /// The next packet, if all of it has arrived.
    pub(super) fn next(&mut self) -> Result<Option<Incoming>, Error> {
        let passed_over = self.skipping.min(self.buffer.len());
        self.buffer.advance(passed_over);
        self.skipping -= passed_over;
        let Some(&first) = self.buffer.first() else {
            return Ok(None);
        };
        // `rumqttc` does not look at the flags, and would wait for the rest of what is no MQTT.
        if first & 0xF0 != PUBLISH && first != SUBACK && !OTHERS.contains(&first) {
            return Err(Error::InvalidPacketType(first >> 4));
        }
        match check(self.buffer.iter(), self.max) {
            Ok(header) if first == SUBACK => forgive(&mut self.buffer[..header.frame_length()]),
            Ok(_) => {}
            Err(Error::InsufficientBytes(_)) => return Ok(None),
            Err(Error::PayloadSizeLimitExceeded(length)) if first & 0xF0 == PUBLISH => {
                return self.overlong(first, length);
            }
            Err(error) => return Err(error),
        }
        Packet::read(&mut self.buffer, self.max).map(|packet| Some(Incoming::Packet(packet)))
    }

    fn overlong(&mut self, first: u8, length: usize) -> Result<Option<Incoming>, Error> {
        let lengths = &self.buffer[1..];
        let digits = 1 + lengths.iter().take_while(|byte| **byte >= 0x80).count();
        let header = FixedHeader::new(first, digits, BEGINNING);
        if self.buffer.len() < header.frame_length() {
            return Ok(None);
        }
        let beginning = self.buffer.split_to(header.frame_length()).freeze();
        let mut publish = Publish::read(header, beginning)?;
        self.skipping = length - BEGINNING;
        let length = publish.payload.len() + self.skipping;
        publish.payload.truncate(KEPT);
        Ok(Some(Incoming::Overlong(publish, length)))
    }
}

/// Some brokers have more than one code for "no"; `rumqttc` takes any but this for the end.
fn forgive(suback: &mut [u8]) {
    // Behind the kind, the length (as many bytes as it has) and the packet id.
    let digits = suback[1..].iter().take_while(|byte| **byte >= 0x80);
    let codes = 2 + digits.count() + 2;
    for code in suback.iter_mut().skip(codes).filter(|code| **code > 2) {
        *code = FAILURE;
    }
}

/// Everything that is written is of a length that was checked when it was declared, and has an id where
/// it needs one.
pub(super) fn put(packet: &Packet, out: &mut BytesMut) {
    let written = packet.write(out, usize::MAX);
    written.expect("a packet can be so long, and has an id");
}

/// How we introduce ourselves.
pub(super) fn connect(settings: &Settings) -> Packet {
    let login = settings.credentials.as_ref();
    let will = settings.will.as_ref();
    Packet::Connect(Connect {
        protocol: Protocol::V4,
        keep_alive: settings.keep_alive.as_secs() as u16,
        client_id: settings.client_id.clone(),
        clean_session: settings.clean_session,
        last_will: will.map(|will| {
            let payload = will.payload.as_slice();
            LastWill::new(&will.topic, payload, will.qos.into(), will.retain)
        }),
        login: login.map(|(name, password)| Login::new(name, password.expose())),
    })
}

/// An id wherever the quality of service is not 0.
pub(super) fn publish(message: &Message, id: Option<u16>) -> Packet {
    let payload = message.payload.as_slice();
    let mut publish = Publish::new(&message.topic, message.qos.into(), payload);
    publish.retain = message.retain;
    publish.pkid = id.unwrap_or_default();
    Packet::Publish(publish)
}

impl From<Qos> for QoS {
    fn from(qos: Qos) -> Self {
        match qos {
            Qos::AtMostOnce => Self::AtMostOnce,
            Qos::AtLeastOnce => Self::AtLeastOnce,
            Qos::ExactlyOnce => Self::ExactlyOnce,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rumqttc::mqttbytes::v4::{PubAck, PubComp, PubRec, PubRel, SubAck, SubscribeReasonCode};

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
                    Err(error) => {
                        all.push(error.to_string());
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
        let mut bytes = BytesMut::from(&[0x20, 2, 1, 0, 0x90, 4, 0, 9, 1, 0x80, 0xD0, 0][..]);
        for packet in [
            publish(&message(5, Qos::AtMostOnce), None),
            publish(&message(300, Qos::AtLeastOnce), Some(4)),
            publish(&message(MAX * 300, Qos::ExactlyOnce), Some(5)),
            Packet::PubAck(PubAck::new(6)),
            Packet::PubRec(PubRec::new(7)),
            Packet::PubRel(PubRel::new(8)),
            Packet::PubComp(PubComp::new(9)),
        ] {
            put(&packet, &mut bytes);
        }
        let (whole, _) = take(&bytes, bytes.len());
        assert_eq!(whole.len(), 10, "{whole:#?}");
        for piece in [1, 2, 3, 7, 100, 4096] {
            let (all, most) = take(&bytes, piece);
            assert_eq!(all, whole);
            assert!(most < MAX + BEGINNING + 4096, "{most} bytes are held");
        }
    }

    #[test]
    fn of_an_overlong_message_the_beginning_is_kept_and_the_next_packet_is_found() {
        let mut inbox = Inbox::new(MAX);
        let long = publish(&message(MAX * 300, Qos::AtLeastOnce), Some(4));
        put(&long, inbox.room(0));
        match inbox.next() {
            Ok(Some(Incoming::Overlong(publish, length))) => {
                assert_eq!(publish.topic, "a/b");
                assert_eq!(publish.payload, [7; KEPT].as_slice());
                assert_eq!((publish.pkid, publish.retain), (4, true));
                assert_eq!(length, MAX * 300);
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(inbox.next(), Ok(None)));
        inbox.room(0).extend([0xD0, 0]);
        let next = inbox.next();
        assert!(matches!(next, Ok(Some(Incoming::Packet(Packet::PingResp)))));
    }

    #[test]
    fn a_subscription_is_refused_with_any_code() {
        for bytes in [
            [0x90, 5, 0, 9, 1, 0x80, 0x87].as_slice(),
            &[0x90, 0x85, 0, 0, 9, 1, 3, 0x80],
        ] {
            let mut inbox = Inbox::new(MAX);
            inbox.room(0).extend(bytes);
            match inbox.next() {
                Ok(Some(Incoming::Packet(Packet::SubAck(SubAck { pkid, return_codes })))) => {
                    let codes = [
                        SubscribeReasonCode::Success(QoS::AtLeastOnce),
                        SubscribeReasonCode::Failure,
                        SubscribeReasonCode::Failure,
                    ];
                    assert_eq!((pkid, return_codes.as_slice()), (9, codes.as_slice()));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn what_is_no_mqtt_is_told_apart() {
        for bytes in [
            b"HTTP/1.1 400 Bad Request".as_slice(),
            // An alert of TLS.
            &[0x15, 3, 3, 0, 2],
            &[0x20, 1, 0],
            &[0x20, 2, 0, 6],
            &[0x40, 1, 1],
            &[0x30, 0],
            &[0x30, 1, 0],
            &[0x32, 5, 0, 1, b'a', 0, 0],
            &[0x36, 5, 0, 1, b'a', 0, 1],
            &[0x30, 3, 0, 1, 0xFF],
            &[0x90, 2, 0, 1],
            &[0x90, 0xFF, 0xFF, 0xFF, 0xFF],
            &[0x90, 0xFF, 0xFF, 0xFF, 0x7F],
            &[0x10, 2, 0, 0],
            &[0xF0, 0],
        ] {
            let mut inbox = Inbox::new(MAX);
            inbox.room(0).extend(bytes);
            assert!(inbox.next().is_err(), "{bytes:X?}");
        }
    }

    /// Almost packets: of a kind that there is, and with a length that may be right.
    fn almost() -> impl Strategy<Value = Vec<u8>> {
        let first = prop_oneof![
            prop::sample::select(OTHERS.to_vec()),
            Just(SUBACK),
            PUBLISH..=PUBLISH | 0x0F,
            any::<u8>(),
        ];
        // A topic that is short, and one whose length is as good as any.
        let head = prop_oneof![Just(vec![0, 1]), Just(Vec::new())];
        let body = prop::collection::vec(any::<u8>(), 0..40);
        let off = prop_oneof![8 => Just(0), 1 => any::<u8>()];
        (first, head, body, off).prop_map(|(first, head, body, off)| {
            let length = ((head.len() + body.len()) as u8).wrapping_add(off);
            [vec![first, length], head, body].concat()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn any_bytes_are_taken_without_a_panic_and_alike(
            bytes in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..200),
                prop::collection::vec(almost(), 0..8).prop_map(|all| all.concat()),
            ],
            piece in 1_usize..50,
        ) {
            prop_assert_eq!(take(&bytes, 1000).0, take(&bytes, piece).0);
        }
    }

    proptest! {
        #[test]
        fn the_beginning_of_an_overlong_message_is_taken_whatever_it_is(
            qos in 0_u8..4,
            topic in prop::collection::vec(any::<u8>(), 0..20),
            length in any::<u16>(),
            piece in 1_usize..50_000,
        ) {
            let mut bytes = vec![PUBLISH | qos << 1, 0x80, 0x80, 0x08];
            bytes.extend(length.to_be_bytes());
            bytes.extend(topic);
            bytes.resize(4 + (8 << 14), b'a');
            bytes.extend([0xD0, 0]);
            prop_assert_eq!(take(&bytes, bytes.len()).0, take(&bytes, piece).0);
        }
    }
}
