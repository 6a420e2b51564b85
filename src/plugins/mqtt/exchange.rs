//! What goes to and fro on a connection, whoever carries it: a real broker's (`session`) or a stage's
//! (`rehearsal`). No I/O and no waiting in it: what has arrived goes in, what is to be published comes
//! out, with a receipt that goes back in when the broker has acknowledged it.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard};

use tokio::time::Instant;
use tracing::debug;

use super::binding::{Message, Received, overlong};
use super::config::Qos;
use super::home_assistant::HomeAssistant;
use super::home_assistant::announce::Announcer;
use super::home_assistant::memory::Memory;
use super::table::{Bindings, Carrier};
use super::tidings::Tidings;
use crate::codec::Value;
use crate::engine::{CellId, Effect};
use crate::plugin::{Payload, Port, Sender, What};

/// So much of a payload is shown in a log.
const SHOWN: usize = 200;

/// What outlives a connection.
pub(super) struct Standing<'a> {
    pub(super) bindings: &'a Bindings,
    pub(super) port: &'a Port,
    pub(super) tidings: Tidings<'a>,
    /// What Home Assistant is told; nobody is there to be told in a rehearsal.
    pub(super) announced: Option<Announced<'a>>,
}

/// What Home Assistant is told, and what it was told once.
pub(super) struct Announced<'a> {
    pub(super) told: Option<&'a HomeAssistant>,
    pub(super) memory: &'a Memory,
    pub(super) broker: String,
    obsolete: Mutex<Vec<String>>,
}

/// So long a document of Home Assistant's is read: longer than any that is sensible.
const LONGEST_DISCOVERY: usize = 1024 * 1024;

impl<'a> Standing<'a> {
    pub(super) fn new(bindings: &'a Bindings, port: &'a Port) -> Self {
        Self {
            bindings,
            port,
            tidings: Tidings::new(&bindings.told),
            announced: None,
        }
    }

    /// The longest payload that anything takes.
    pub(super) fn longest(&self) -> usize {
        let is_looking = self
            .announced
            .as_ref()
            .is_some_and(|it| it.told.is_some() || !it.obsolete().is_empty());
        let least = if is_looking { LONGEST_DISCOVERY } else { 0 };
        self.bindings.longest().max(least)
    }
}

impl<'a> Announced<'a> {
    pub(super) async fn new(
        told: Option<&'a HomeAssistant>,
        memory: &'a Memory,
        broker: String,
    ) -> Self {
        let own = told.map(|told| told.topic.as_str());
        let obsolete = memory.begin(&broker, own).await;
        Self {
            told,
            memory,
            broker,
            obsolete: Mutex::new(obsolete),
        }
    }

    fn obsolete(&self) -> MutexGuard<'_, Vec<String>> {
        self.obsolete
            .lock()
            .expect("nobody panics while it is held")
    }

    /// Nothing of ours is kept on this topic any more.
    fn over(&self, topic: &str) {
        self.obsolete().retain(|other| other != topic);
        self.memory.forget(&self.broker, topic);
    }
}

/// One connection's worth. The next one begins with a new one: what was not acknowledged on this, the
/// engine hands out again.
pub(super) struct Exchange<'a> {
    tidings: &'a Tidings<'a>,
    bindings: &'a Bindings,
    port: &'a Port,
    ready: VecDeque<Publication>,
    /// What this exchange has out. Before it, what others had who have left it the connection.
    books: Vec<Books>,
    /// The documents that nobody has spoken of since connecting.
    unheard: BTreeSet<usize>,
    announced: Option<(&'a Announced<'a>, Announcer<'a>)>,
}

/// To whom it is said that something has arrived.
pub(super) struct Books {
    port: Port,
    /// Cells that went out in several messages, and how many of those are not acknowledged yet.
    shared: HashMap<(CellId, u64), usize>,
}

impl Books {
    fn of(port: &Port) -> Self {
        Self {
            port: port.clone(),
            shared: HashMap::new(),
        }
    }

    fn acknowledged(&mut self, cell: CellId, ticket: u64) {
        if let Some(left) = self.shared.get_mut(&(cell, ticket)) {
            *left -= 1;
            if *left > 0 {
                return;
            }
            self.shared.remove(&(cell, ticket));
        }
        self.port.delivered(cell, ticket);
    }
}

/// A message that is to be published, and what its acknowledgement means.
#[derive(Debug)]
pub(super) struct Publication {
    pub(super) message: Message,
    pub(super) receipt: Receipt,
}

/// What has arrived at its end when a message is acknowledged: cells, each with its ticket, or a tiding
/// by its number.
#[derive(Debug, Default)]
#[must_use = "without it the engine never hears that something has arrived"]
pub(super) struct Receipt {
    /// In which of the books it stands.
    book: usize,
    cells: Vec<Sent>,
    tiding: Option<u64>,
    /// The topic on which Home Assistant is told.
    told: Option<String>,
}

/// An effect that is in a message.
#[derive(Clone, Copy, Debug)]
struct Sent {
    cell: CellId,
    ticket: u64,
    version: u64,
}

impl<'a> Exchange<'a> {
    pub(super) fn new(standing: &'a Standing<'a>) -> Self {
        let Standing {
            bindings,
            port,
            tidings,
            announced,
        } = standing;
        let announced = announced.as_ref().map(|announced| {
            let obsolete = announced.obsolete().clone();
            (announced, Announcer::new(announced.told, obsolete))
        });
        Self {
            tidings,
            bindings,
            port,
            ready: VecDeque::new(),
            books: vec![Books::of(port)],
            unheard: (0..bindings.documents.len()).collect(),
            announced,
        }
    }

    /// The topics to subscribe to, each once.
    pub(super) fn subscriptions(&self) -> Vec<(&str, Qos)> {
        let mut all = self.bindings.subscriptions();
        let announced = self.announced.iter();
        all.extend(announced.flat_map(|(_, announcer)| announcer.subscriptions()));
        all
    }

    /// Those of them that are Home Assistant's.
    pub(super) fn announced_topics(&self) -> Vec<String> {
        let announced = self.announced.iter();
        let topics = announced.flat_map(|(_, announcer)| announcer.subscriptions());
        topics.map(|(topic, _)| topic.to_owned()).collect()
    }

    /// The broker has answered a subscription.
    pub(super) fn subscribed(&mut self, topic: &str, now: Instant) {
        if let Some((_, announcer)) = &mut self.announced {
            announcer.subscribed(topic, now);
        }
    }

    /// Whether all that is published on every connection has been handed out, as far as that is known.
    pub(super) fn is_settled(&self) -> bool {
        let mut announced = self.announced.iter();
        announced.all(|(_, announcer)| announcer.is_settled())
    }

    /// When there may be something to publish, if nothing happens before.
    pub(super) fn due(&self) -> Option<Instant> {
        self.announced.as_ref()?.1.due()
    }

    /// What Home Assistant is to be told next.
    fn next_told(&mut self, now: Instant) -> Option<Publication> {
        let (announced, announcer) = self.announced.as_mut()?;
        let message = announcer.next(now);
        while let Some(topic) = announcer.over() {
            announced.over(&topic);
        }
        let message = message?;
        let receipt = Receipt {
            told: Some(message.topic.clone()),
            ..Receipt::default()
        };
        Some(Publication { message, receipt })
    }

    /// The connection is there. Whatever the broker says of a session, what it should know of us is said
    /// again: a broker that was killed comes back with the sessions that it has saved, and without the
    /// retained messages that it has acknowledged since.
    pub(super) fn begin(&mut self) {
        self.port.link_up(false);
        self.tidings.begin();
    }

    /// A connection goes on that other exchanges have begun; only these topics are new on it.
    pub(super) fn resume<'t>(
        &mut self,
        mut books: Vec<Books>,
        topics: impl Iterator<Item = &'t str>,
    ) {
        books.append(&mut self.books);
        self.books = books;
        self.unheard.clear();
        for topic in topics {
            let documents = self.bindings.takers(topic).iter();
            self.unheard
                .extend(documents.filter_map(|taker| match taker {
                    Carrier::Document(index) => Some(*index),
                    Carrier::Value(_) | Carrier::Trigger(_) => None,
                }));
        }
        self.tidings.begin();
    }

    /// What has not been sent is not sent by this one.
    pub(super) fn give_back(&mut self, unsent: impl Iterator<Item = Publication>) {
        let ready = std::mem::take(&mut self.ready);
        for publication in unsent.chain(ready) {
            let Receipt { book, cells, .. } = publication.receipt;
            for Sent { cell, ticket, .. } in cells {
                self.books[book].port.undelivered(cell, ticket);
            }
        }
    }

    /// Another exchange goes on with the connection, and with the books that are still needed: those that anything
    /// that is out stands in.
    pub(super) fn leave<'r>(self, out: impl Iterator<Item = &'r mut Receipt>) -> Vec<Books> {
        let mut books: Vec<Option<Books>> = self.books.into_iter().map(Some).collect();
        let mut kept = Vec::new();
        let mut places = HashMap::new();
        for receipt in out {
            let place = *places.entry(receipt.book).or_insert_with(|| {
                kept.extend(books[receipt.book].take());
                kept.len() - 1
            });
            receipt.book = place;
        }
        kept
    }

    /// The next message to publish.
    pub(super) fn next(&mut self, now: Instant) -> Option<Publication> {
        if self.ready.is_empty() {
            self.gather();
        }
        let next = self.ready.pop_front().or_else(|| self.next_told(now));
        let next = next.or_else(|| {
            let (number, message) = self.tidings.next()?;
            let receipt = Receipt {
                tiding: Some(number),
                ..self.receipt_of(&[])
            };
            Some(Publication { message, receipt })
        })?;
        // Nothing is rendered where nobody reads it.
        debug!(
            topic = next.message.topic,
            payload = self.shown(&next),
            "publishes"
        );
        Some(next)
    }

    /// The beginning of what is published, for a log line.
    fn shown(&self, publication: &Publication) -> String {
        let withheld = self.withholds_of(&publication.receipt);
        shown(&publication.message.payload, withheld)
    }

    fn withholds_of(&self, receipt: &Receipt) -> bool {
        let carriers = |sent: &Sent| self.bindings.carriers(sent.cell);
        let mut carriers = receipt.cells.iter().flat_map(carriers);
        carriers.any(|carrier| self.withholds(*carrier))
    }

    /// Says something of the way of all values that are in a message.
    pub(super) fn note(&self, receipt: &Receipt, what: impl Fn() -> What) {
        let port = &self.books[receipt.book].port;
        for sent in &receipt.cells {
            port.note(sent.cell, sent.version, &what);
        }
    }

    /// That a message has been handed to the connection.
    pub(super) fn note_published(&self, publication: &Publication, packet_id: Option<u16>) {
        let Publication { message, receipt } = publication;
        self.note(receipt, || What::Published {
            topic: message.topic.clone(),
            qos: message.qos as u8,
            retain: message.retain,
            packet_id,
            payload: match self.withholds_of(receipt) {
                true => Payload::Withheld,
                false => Payload::cut(&message.payload),
            },
        });
    }

    /// Makes messages of everything that there is to send. What has changed together goes into one
    /// document together.
    fn gather(&mut self) {
        let mut changed: BTreeMap<usize, Vec<Effect>> = BTreeMap::new();
        while let Some(effect) = self.port.pull() {
            let mut copies = 0;
            for &carrier in self.bindings.carriers(effect.cell) {
                match carrier {
                    Carrier::Value(index) => {
                        if let Some(message) = self.bindings.value(index).publish(&effect) {
                            let receipt = self.receipt_of(std::slice::from_ref(&effect));
                            self.ready.push_back(Publication { message, receipt });
                            copies += 1;
                        }
                    }
                    Carrier::Document(index) => {
                        if self.bindings.document(index).publishes(&effect) {
                            changed.entry(index).or_default().push(effect.clone());
                            copies += 1;
                        }
                    }
                    Carrier::Trigger(index) => {
                        // Each write is a message of its own.
                        if let Some(message) = self.bindings.document(index).gathers(&effect) {
                            let receipt = self.receipt_of(std::slice::from_ref(&effect));
                            self.ready.push_back(Publication { message, receipt });
                            copies += 1;
                        }
                    }
                }
            }
            match copies {
                0 => self.port.delivered(effect.cell, effect.ticket),
                1 => {}
                _ => {
                    let shared = self.books.last_mut().map(|book| &mut book.shared);
                    shared.map(|shared| shared.insert((effect.cell, effect.ticket), copies));
                }
            }
        }
        for (index, effects) in changed {
            let receipt = self.receipt_of(&effects);
            let changed: HashMap<CellId, Value> = effects
                .into_iter()
                .map(|effect| (effect.cell, effect.value))
                .collect();
            let document = self.bindings.document(index);
            match document.publish(&changed, |cell| self.port.value(cell)) {
                Some(message) => self.ready.push_back(Publication { message, receipt }),
                None => self.acknowledged(receipt),
            }
        }
    }

    /// A message has arrived at the broker.
    pub(super) fn acknowledged(&mut self, receipt: Receipt) {
        for Sent { cell, ticket, .. } in receipt.cells {
            self.books[receipt.book].acknowledged(cell, ticket);
        }
        // Of those before, nobody waits for their tidings.
        if let Some(number) = receipt.tiding
            && receipt.book + 1 == self.books.len()
        {
            self.tidings.acknowledged(number);
        }
        if let (Some(topic), Some((_, announcer))) = (receipt.told, &mut self.announced) {
            announcer.acknowledged(topic);
        }
    }

    fn receipt_of(&self, effects: &[Effect]) -> Receipt {
        let cells = effects.iter().map(|effect| Sent {
            cell: effect.cell,
            ticket: effect.ticket,
            version: effect.version,
        });
        Receipt {
            book: self.books.len() - 1,
            cells: cells.collect(),
            tiding: None,
            told: None,
        }
    }

    /// A message has arrived here.
    pub(super) fn receive(&mut self, topic: &str, payload: &[u8], retained: bool, now: Instant) {
        if self.is_announcement(topic, payload, retained, now) {
            return;
        }
        let takers = self.bindings.takers(topic);
        let withheld = takers.iter().any(|taker| self.withholds(*taker));
        debug!(
            topic,
            retained,
            payload = shown(payload, withheld),
            "received"
        );
        let sender = Sender {
            peer: None,
            by: Some(topic),
            payload,
            withheld,
        };
        if takers.is_empty() {
            debug!(topic, "ignored: nobody has subscribed to this topic");
        }
        for &taker in takers {
            match taker {
                Carrier::Value(index) => {
                    let binding = self.bindings.value(index);
                    let received = binding.receive(payload, retained);
                    self.take(binding.cell, received, &sender);
                }
                Carrier::Document(index) => {
                    let is_first = self.unheard.remove(&index);
                    let document = self.bindings.document(index);
                    match document.receive(payload, retained, is_first) {
                        Ok(all) => {
                            for (cell, received) in all {
                                self.take(cell, received, &sender);
                            }
                        }
                        Err(violation) => drop(self.port.refuse(None, violation, &sender)),
                    }
                }
                Carrier::Trigger(_) => {}
            }
        }
    }

    /// Whether a message is about what Home Assistant is told.
    fn is_announcement(
        &mut self,
        topic: &str,
        payload: &[u8],
        retained: bool,
        now: Instant,
    ) -> bool {
        let Some((_, announcer)) = &mut self.announced else {
            return false;
        };
        let takes = announcer.takes(topic);
        if takes {
            debug!(topic, retained, "received");
            announcer.receive(topic, payload, retained, now, fastrand::f64());
        }
        takes
    }

    /// A message has arrived of which only the beginning was kept: it is longer than anything that is taken.
    pub(super) fn refuse_overlong(
        &mut self,
        topic: &str,
        beginning: &[u8],
        length: usize,
        now: Instant,
    ) {
        if self.is_announcement(topic, beginning, true, now) {
            return;
        }
        debug!(topic, length, "received, and too long to be kept");
        let takers = self.bindings.takers(topic);
        let sender = Sender {
            peer: None,
            by: Some(topic),
            payload: beginning,
            withheld: takers.iter().any(|taker| self.withholds(*taker)),
        };
        for taker in takers {
            let cell = match *taker {
                Carrier::Value(index) => Some(self.bindings.value(index).cell),
                Carrier::Document(_) | Carrier::Trigger(_) => None,
            };
            drop(self.port.refuse(cell, overlong(length), &sender));
        }
    }

    /// Whether a message may carry something that is not to be shown.
    fn withholds(&self, carrier: Carrier) -> bool {
        let is_from_environment = match carrier {
            Carrier::Value(index) => self.bindings.value(index).is_from_environment,
            Carrier::Document(index) | Carrier::Trigger(index) => {
                !self.bindings.document(index).from_environment.is_empty()
            }
        };
        if is_from_environment {
            return true;
        }
        // Where there is nothing of the kind, no message is looked through for it.
        if !self.port.is_withheld(None) {
            return false;
        }
        match carrier {
            Carrier::Value(index) => self.port.is_withheld(Some(self.bindings.value(index).cell)),
            Carrier::Document(index) | Carrier::Trigger(index) => {
                let mut cells = self.bindings.document(index).cells();
                cells.any(|cell| self.port.is_withheld(Some(cell)))
            }
        }
    }

    fn take(&self, cell: CellId, received: Received, sender: &Sender<'_>) {
        // What breaks a rule has been counted, and logged the first time.
        let _ = match received {
            Received::Request(change) => self.port.request(cell, change, sender),
            Received::Report { patch, mark } => self.port.report(cell, patch, mark, sender),
            Received::Refused(violation) => Err(self.port.refuse(Some(cell), violation, sender)),
        };
    }
}

impl Publication {
    /// One that stands for itself.
    pub(super) fn alone(message: Message) -> Self {
        let receipt = Receipt::default();
        Self { message, receipt }
    }
}

/// The beginning of a payload, for a log line.
fn shown(payload: &[u8], withheld: bool) -> String {
    if withheld {
        return "(withheld)".to_owned();
    }
    let shown = String::from_utf8_lossy(&payload[..payload.len().min(SHOWN)]);
    match payload.len() {
        0..=SHOWN => shown.into_owned(),
        length => format!("{shown}… ({length} bytes)"),
    }
}
