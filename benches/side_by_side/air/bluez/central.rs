//! An ATT client: one request at a time, and whatever comes meanwhile is taken down with the time it came.

use std::collections::BTreeSet;
use std::future::pending;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bluer::l2cap::{SeqPacket, Socket, SocketAddr};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::timeout;
use uuid::Uuid;

use super::super::att::pdu;
use super::super::{AttError, MTU, Result, Written, now};

type Received = (Instant, Vec<u8>);
type Attempt<T> = std::result::Result<T, AttError>;

/// ATT's own deadline (Core Spec 5.4, Vol 3, Part F, 3.3.3).
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);
/// So many octets, with the kernel's own for each packet, may wait to be read: some 10,000 notifications.
const RECEIVED_MAX: i32 = 16 << 20;
/// Properties of a characteristic (Core Spec 5.4, Vol 3, Part G, 3.3.1.1).
const NOTIFY: u8 = 0x10;
const INDICATE: u8 = 0x20;

pub struct Central {
    requests: Option<UnboundedSender<Request>>,
    received: UnboundedReceiver<Received>,
    thread: Option<JoinHandle<()>>,
    characteristic: pdu::Declared,
    /// The handle of its Client Characteristic Configuration.
    configuration: Option<u16>,
    /// The handles of those that are not 0.
    configured: BTreeSet<u16>,
}

struct Request {
    pdu: Vec<u8>,
    answer: oneshot::Sender<Answer>,
}

struct Answer {
    sent: Instant,
    at: Instant,
    pdu: Vec<u8>,
}

impl Central {
    pub(super) async fn connect(from: SocketAddr, to: SocketAddr, uuid: Uuid) -> Result<Self> {
        let (requests, to_send) = unbounded_channel();
        let (sender, received) = unbounded_channel();
        let (connected, connects) = oneshot::channel();
        // A thread of its own: whatever else the caller's one has to do, times are taken at once.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = thread::Builder::new()
            .name("central".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    match open(from, to).await {
                        Ok(socket) => {
                            let _ = connected.send(Ok(()));
                            carry(&socket, to_send, &sender).await;
                        }
                        Err(problem) => drop(connected.send(Err(problem))),
                    }
                });
            })?;
        connects.await??;
        let mut central = Self {
            requests: Some(requests),
            received,
            thread: Some(thread),
            characteristic: pdu::Declared {
                handle: 0,
                properties: 0,
                value: 0,
                uuid,
            },
            configuration: None,
            configured: BTreeSet::new(),
        };
        central.ask(pdu::mtu(pdu::MTU_REQUEST, MTU)).await?;
        central.turn_to(uuid).await?;
        Ok(central)
    }

    /// Finds a characteristic.
    pub(in super::super) async fn turn_to(&mut self, uuid: Uuid) -> Result<()> {
        let (mut from, mut found, mut next) = (1, None, None);
        while next.is_none() {
            let Ok(listed) = self.ask(pdu::characteristics_from(from)).await else {
                break;
            };
            for declared in pdu::declared(&listed.pdu) {
                match found {
                    Some(_) => next = next.or(Some(declared.handle)),
                    None if declared.uuid == uuid => found = Some(declared),
                    None => {}
                }
                from = declared.value.saturating_add(1);
            }
        }
        self.characteristic = found.ok_or("bluetoothd does not list the characteristic")?;
        self.configuration = None;
        if self.characteristic.properties & (NOTIFY | INDICATE) != 0 {
            let first = self.characteristic.value + 1;
            let last = next.map_or(u16::MAX, |it| it - 1);
            let listed = self.ask(pdu::information(first, last)).await?;
            (self.configuration, _) = pdu::configuration(&listed.pdu);
        }
        Ok(())
    }

    pub(in super::super) async fn write(&mut self, octets: &[u8]) -> Written {
        let request = pdu::write(self.characteristic.value, octets);
        let answer = self.answer(request).await;
        Written {
            sent: answer.sent,
            answered: answer.at,
            result: answer.result().map(drop),
        }
    }

    pub(in super::super) async fn read(&mut self, offset: u16) -> Attempt<Vec<u8>> {
        let request = pdu::read(self.characteristic.value, offset);
        Ok(self.ask(request).await?.pdu.split_off(1))
    }

    pub(in super::super) async fn subscribe(&mut self) -> Attempt<()> {
        let properties = self.characteristic.properties;
        let value = if properties & NOTIFY != 0 { 1 } else { 2 };
        self.configure(value).await
    }

    pub(in super::super) async fn unsubscribe(&mut self) -> Attempt<()> {
        self.configure(0).await
    }

    async fn configure(&mut self, value: u16) -> Attempt<()> {
        let handle = self.configuration.ok_or(AttError::ATTRIBUTE_NOT_FOUND)?;
        let request = pdu::write(handle, &value.to_le_bytes());
        self.ask(request).await?;
        match value {
            0 => self.configured.remove(&handle),
            _ => self.configured.insert(handle),
        };
        Ok(())
    }

    pub(in super::super) fn notifications(&mut self) -> &mut UnboundedReceiver<Received> {
        &mut self.received
    }

    async fn ask(&self, pdu: Vec<u8>) -> Attempt<Answer> {
        self.answer(pdu).await.result()
    }

    async fn answer(&self, pdu: Vec<u8>) -> Answer {
        let (answer, answered) = oneshot::channel();
        let opcode = pdu[0];
        if let Some(requests) = &self.requests {
            let _ = requests.send(Request { pdu, answer });
        }
        match timeout(ANSWERED_WITHIN, answered).await {
            Ok(Ok(answer)) => answer,
            // The link is lost, or as good as that.
            Ok(Err(_)) | Err(_) => Answer {
                sent: now(),
                at: now(),
                pdu: vec![pdu::ERROR, opcode, 0, 0, AttError::UNLIKELY.0],
            },
        }
    }
}

impl Answer {
    fn result(self) -> Attempt<Self> {
        match (self.pdu.first(), self.pdu.get(4)) {
            (Some(&pdu::ERROR), Some(&code)) => Err(AttError(code)),
            _ => Ok(self),
        }
    }
}

/// bluetoothd would go on telling a link of which nobody knows when it ends.
impl Drop for Central {
    fn drop(&mut self) {
        let requests = self.requests.take();
        for handle in &self.configured {
            let (answer, _) = oneshot::channel();
            let pdu = pdu::write(*handle, &[0, 0]);
            let _ = requests.as_ref().map(|it| it.send(Request { pdu, answer }));
        }
        drop(requests);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn open(from: SocketAddr, to: SocketAddr) -> std::io::Result<SeqPacket> {
    let socket = Socket::new_seq_packet()?;
    // What does not fit is lost without a word.
    socket.set_recv_buffer(RECEIVED_MAX)?;
    let granted = socket.recv_buffer()?;
    if granted < RECEIVED_MAX {
        let text = format!("net.core.rmem_max allows {granted} and not {RECEIVED_MAX} octets");
        return Err(std::io::Error::other(text));
    }
    socket.bind(from)?;
    match timeout(ANSWERED_WITHIN, socket.connect(to)).await {
        Ok(connected) => connected,
        Err(late) => Err(late.into()),
    }
}

/// Until nobody has a request any more, or the link is lost.
async fn carry(
    socket: &SeqPacket,
    mut requests: UnboundedReceiver<Request>,
    notifications: &UnboundedSender<Received>,
) {
    let mut octets = [0; MTU as usize];
    let mut waits: Option<(Instant, oneshot::Sender<Answer>)> = None;
    loop {
        let request = async {
            match waits {
                None => requests.recv().await,
                Some(_) => pending().await,
            }
        };
        tokio::select! {
            biased;
            received = socket.recv(&mut octets) => {
                let at = now();
                let Ok(count @ 1..) = received else {
                    return;
                };
                let packet = &octets[..count];
                match packet[0] {
                    opcode @ (pdu::NOTIFICATION | pdu::INDICATION) => {
                        let value = packet.get(3..).unwrap_or_default();
                        let _ = notifications.send((at, value.to_vec()));
                        if opcode == pdu::INDICATION {
                            let _ = socket.send(&[pdu::CONFIRMATION]).await;
                        }
                    }
                    // bluetoothd looks for services of ours, and would end the link without an answer.
                    pdu::MTU_REQUEST => {
                        let _ = socket.send(&pdu::mtu(pdu::MTU_RESPONSE, MTU)).await;
                    }
                    opcode if pdu::is_request(opcode) => {
                        let _ = socket.send(&pdu::nothing(packet)).await;
                    }
                    opcode if pdu::is_response(opcode) => {
                        if let Some((sent, answer)) = waits.take() {
                            let pdu = packet.to_vec();
                            let _ = answer.send(Answer { sent, at, pdu });
                        }
                    }
                    _ => {}
                }
            }
            request = request => {
                let Some(Request { pdu, answer }) = request else {
                    return;
                };
                let sent = now();
                if socket.send(&pdu).await.is_err() {
                    return;
                }
                waits = Some((sent, answer));
            }
        }
    }
}
