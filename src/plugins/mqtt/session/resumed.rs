//! A connection goes on under another configuration: the broker is told what is another now, and nothing else.

use std::collections::{BTreeMap, HashSet, VecDeque};

use bytes::BytesMut;
use rumqttc::{Packet, Unsubscribe};
use tokio::time::Instant;

use super::{Session, UnderWay};
use crate::plan::CellKey;
use crate::plugins::mqtt::binding::Message;
use crate::plugins::mqtt::config::Qos;
use crate::plugins::mqtt::exchange::{Books, Exchange, Standing};
use crate::plugins::mqtt::table::Bindings;

/// What has been said on a connection, and what the broker knows from it.
pub(in crate::plugins::mqtt) struct Said {
    /// The id that was used last: what has not been acknowledged may still be.
    last_id: u16,
    /// Bytes that the broker has yet to get.
    out: BytesMut,
    is_flushed: bool,
    put: u64,
    under_way: Vec<(Option<u16>, UnderWay)>,
    unwritten: VecDeque<(u64, UnderWay)>,
    books: Vec<Books>,
    subscribed: BTreeMap<String, Subscribed>,
    /// Where and as what each value has been published.
    told: HashSet<(Option<CellKey>, u64)>,
    birth: Option<Message>,
}

/// What a topic is subscribed to for.
#[derive(PartialEq, Eq)]
struct Subscribed {
    qos: Qos,
    /// Who takes what is there, and how: another has to hear what is retained there.
    takers: u64,
}

fn subscribed(exchange: &Exchange<'_>, bindings: &Bindings) -> BTreeMap<String, Subscribed> {
    let subscriptions = exchange.subscriptions().into_iter();
    let subscribed = subscriptions.map(|(topic, qos)| {
        let takers = bindings.hash_of_takers(topic);
        (topic.to_owned(), Subscribed { qos, takers })
    });
    subscribed.collect()
}

impl Session<'_> {
    /// Leaves the connection for another session to go on with.
    pub(in crate::plugins::mqtt) fn leave(
        self,
        standing: &Standing<'_>,
        birth: Option<&Message>,
    ) -> Said {
        let Standing { bindings, port, .. } = standing;
        let told = bindings.told(|cell| port.value(cell)).into_iter();
        let mut subscribed = subscribed(&self.exchange, bindings);
        // What the broker has refused, it may allow by now.
        subscribed.retain(|topic, _| !self.refused.contains(topic));
        // The birth message may be among them.
        let birth = birth.filter(|_| self.unsent.is_empty());
        let Self {
            mut exchange,
            mut in_flight,
            order,
            fenced,
            mut unwritten,
            unsent,
            ..
        } = self;
        let in_order = order
            .into_iter()
            .filter_map(|id| Some((Some(id), in_flight.remove(&id)?)));
        let mut under_way: Vec<_> = in_order.collect();
        under_way.extend(fenced.map(|fenced| (None, fenced)));
        let receipts = under_way.iter_mut().map(|(_, it)| &mut it.receipt);
        let of_unwritten = unwritten.iter_mut().map(|(_, it)| &mut it.receipt);
        exchange.give_back(unsent.into_iter());
        let books = exchange.leave(receipts.chain(of_unwritten));
        Said {
            told: told
                .map(|(cell, as_what)| (port.key(cell), as_what))
                .collect(),
            last_id: self.last_id,
            out: self.out,
            is_flushed: self.is_flushed,
            put: self.put,
            under_way,
            unwritten,
            books,
            subscribed,
            birth: birth.cloned(),
        }
    }

    /// Goes on with what has been left. As at the beginning, what is subscribed to comes first.
    pub(in crate::plugins::mqtt) fn resume(
        &mut self,
        said: Said,
        standing: &Standing<'_>,
        birth: Option<&Message>,
        now: Instant,
    ) {
        let Standing { bindings, port, .. } = standing;
        self.last_id = said.last_id;
        self.out = said.out;
        self.longest = self.out.len();
        self.is_flushed = said.is_flushed;
        self.put = said.put;
        self.unwritten = said.unwritten;
        for (id, under_way) in said.under_way {
            match id {
                Some(id) => {
                    self.order.push_back(id);
                    self.in_flight.insert(id, under_way);
                }
                None => self.fenced = Some(under_way),
            }
        }
        let wanted = subscribed(&self.exchange, bindings);
        // What is retained on these is compared with what is to be told now.
        let announced = self.exchange.announced_topics();
        for topic in said
            .subscribed
            .keys()
            .filter(|topic| !wanted.contains_key(*topic))
        {
            let mut unsubscribe = Unsubscribe::new(topic);
            unsubscribe.pkid = self.next_id();
            self.say(&Packet::Unsubscribe(unsubscribe));
        }
        let news = wanted.into_iter().filter(|(topic, wanted)| {
            announced.contains(topic) || said.subscribed.get(topic) != Some(wanted)
        });
        let news: Vec<(String, Qos)> = news.map(|(topic, it)| (topic, it.qos)).collect();
        let topics = news.iter().map(|(topic, _)| topic.as_str());
        self.exchange.resume(said.books, topics);
        self.subscribe(news);
        if let Some(birth) = birth
            && said.birth.as_ref() != Some(birth)
        {
            self.notify(birth, now);
        }
        for (cell, as_what) in bindings.told(|cell| port.value(cell)) {
            if !said.told.contains(&(port.key(cell), as_what)) {
                port.restate(cell);
            }
        }
        self.pump(now);
    }
}
