//! Publishes numbers with QoS 1. It is a socket and no more, so that it takes next to nothing of the machine.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};

use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use std::time::Instant;

use crate::Result;
use crate::air::now;

/// So many publishes at most wait for the broker: as fast as it takes them, and no faster.
const IN_FLIGHT_MAX: usize = 100;
const PUBACK_OCTETS: usize = 4;

pub struct Publisher {
    socket: TcpStream,
    topic: &'static str,
    packet_id: u16,
    /// Octets of acknowledgements that have come.
    heard: usize,
    sent: usize,
}

/// When the first and the last of a burst were handed to the kernel.
pub struct Burst {
    pub first: Instant,
    pub last: Instant,
}

impl Publisher {
    pub fn connect(port: u16, topic: &'static str) -> Result<Self> {
        let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        socket.set_nodelay(true)?;
        // CONNECT of MQTT 3.1.1: a clean session, no keep-alive, the client `load`.
        socket.write_all(b"\x10\x10\0\x04MQTT\x04\x02\0\0\0\x04load")?;
        let mut accepted = [0; 4];
        socket.read_exact(&mut accepted)?;
        if accepted != [0x20, 2, 0, 0] {
            return Err(format!("the broker has answered {accepted:?}").into());
        }
        Ok(Self {
            socket,
            topic,
            packet_id: 0,
            heard: 0,
            sent: 0,
        })
    }

    /// Returns when it was handed to the kernel.
    pub fn publish(&mut self, number: u8) -> Result<Instant> {
        self.hear(RecvFlags::DONTWAIT)?;
        let packet = self.packet(number);
        let at = now();
        self.socket.write_all(&packet)?;
        Ok(at)
    }

    /// Blocks until all are handed to the kernel.
    pub fn burst(&mut self, numbers: impl Iterator<Item = u8>) -> Result<Burst> {
        let mut burst: Option<Burst> = None;
        for number in numbers {
            while self.sent - self.heard / PUBACK_OCTETS >= IN_FLIGHT_MAX {
                self.hear(RecvFlags::empty())?;
            }
            let packet = self.packet(number);
            let last = now();
            self.socket.write_all(&packet)?;
            let first = burst.map_or(last, |burst| burst.first);
            burst = Some(Burst { first, last });
        }
        burst.ok_or_else(|| "a burst of nothing".into())
    }

    fn hear(&mut self, flags: RecvFlags) -> Result<()> {
        let mut octets = [0; 4096];
        match recv(&self.socket, &mut octets[..], flags) {
            Ok((0, _)) => Err("the broker has closed the connection".into()),
            Ok((count, _)) => {
                self.heard += count;
                Ok(())
            }
            Err(Errno::AGAIN) => Ok(()),
            Err(problem) => Err(problem.into()),
        }
    }

    fn packet(&mut self, number: u8) -> Vec<u8> {
        self.sent += 1;
        self.packet_id = self.packet_id.checked_add(1).unwrap_or(1);
        let payload = format!("{{\"number\":{number}}}");
        let octets_after = 2 + self.topic.len() + 2 + payload.len();
        let mut packet = vec![0x32, octets_after as u8, 0, self.topic.len() as u8];
        packet.extend(self.topic.as_bytes());
        packet.extend(self.packet_id.to_be_bytes());
        packet.extend(payload.as_bytes());
        packet
    }
}
