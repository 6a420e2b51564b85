//! Publishes as fast as it is asked to, without waiting for anybody.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use tokio::time::Instant;

/// Messages go out in portions, so many in a second.
const PORTIONS: u32 = 100;

pub struct Publisher {
    socket: TcpStream,
    pub sent: u32,
    hot: u32,
    round: u32,
    /// The next of the other topics.
    next: usize,
}

impl Publisher {
    pub fn connect(port: u16) -> Self {
        let mut socket = TcpStream::connect(("127.0.0.1", port)).expect("the broker is there");
        let mut connect = vec![0x10, 15, 0, 4];
        connect.extend(b"MQTT\x04\x02\x00\x00\x00\x03pub");
        socket.write_all(&connect).unwrap();
        let mut accepted = [0; 4];
        socket.read_exact(&mut accepted).unwrap();
        assert_eq!(accepted, [0x20, 2, 0, 0]);
        Self {
            socket,
            sent: 0,
            hot: 0,
            round: 1,
            next: 0,
        }
    }

    /// So many on the one topic and on all the others, spread over a second; a broker that does not take
    /// them in time makes it longer.
    pub fn publish_for_a_second(&mut self, on_one: u32, on_all: u32, values: usize) {
        let begin = Instant::now();
        let mut out = Vec::new();
        for portion in 1..=PORTIONS {
            for _ in 0..on_one / PORTIONS {
                self.hot += 1;
                self.put(&mut out, "hot/set", self.hot);
                if self.hot.is_multiple_of(10) {
                    self.put(&mut out, "every/set", self.hot);
                }
            }
            for _ in 0..on_all / PORTIONS {
                self.put(&mut out, &format!("v/{}/set", self.next), self.round);
                self.next = (self.next + 1) % values;
                if self.next == 0 {
                    self.round += 1;
                }
            }
            self.socket.write_all(&out).expect("the broker is there");
            out.clear();
            let due = begin + Duration::from_secs(1) / PORTIONS * portion;
            thread::park_timeout(due.saturating_duration_since(Instant::now()));
        }
    }

    /// What everything will be in the end.
    pub fn last(&self) -> (u32, u32) {
        (self.hot + 1, self.round + 1)
    }

    pub fn publish_last(&mut self, values: usize) {
        let (hot, round) = self.last();
        let mut out = Vec::new();
        for value in 0..values {
            self.put(&mut out, &format!("v/{value}/set"), round);
        }
        self.put(&mut out, "hot/set", hot);
        self.socket.write_all(&out).expect("the broker is there");
    }

    /// With QoS 0: nobody has to acknowledge it.
    fn put(&mut self, out: &mut Vec<u8>, topic: &str, value: u32) {
        let payload = value.to_string();
        let length = 2 + topic.len() + payload.len();
        out.extend([0x30, u8::try_from(length).unwrap(), 0, topic.len() as u8]);
        out.extend(topic.as_bytes());
        out.extend(payload.as_bytes());
        self.sent += 1;
    }
}
