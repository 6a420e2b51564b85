//! A connection goes on under another configuration: the broker is told what is another now, and nothing else.

use std::collections::{BTreeMap, HashSet};

use bytes::BytesMut;
use rumqttc::{Packet, Unsubscribe};
use tokio::time::Instant;

use super::Session;
use crate::plan::CellKey;
use crate::plugins::mqtt::binding::Message;
use crate::plugins::mqtt::config::Qos;
use crate::plugins::mqtt::exchange::Standing;
use crate::plugins::mqtt::table::Bindings;

/// What has been said on a connection, and what the broker knows from it.
pub(in crate::plugins::mqtt) struct Said {
    /// The id that was used last: what has not been acknowledged may still be.
    last_id: u16,
    /// Bytes that the broker has yet to get.
    out: BytesMut,
    is_flushed: bool,
    subscribed: BTreeMap<String, Subscribed>,
    /// Where and as what each value is published.
    places: HashSet<(Option<CellKey>, u64)>,
    birth: Option<Message>,
}

/// What a topic is subscribed to for.
#[derive(PartialEq, Eq)]
struct Subscribed {
    qos: Qos,
    /// Whoever comes to a topic has to hear what is retained there.
    takers: Vec<String>,
}

fn subscribed(bindings: &Bindings) -> BTreeMap<String, Subscribed> {
    let subscriptions = bindings.subscriptions().into_iter();
    let subscribed = subscriptions.map(|(topic, qos)| {
        let takers = bindings.names_of_takers(topic);
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
        let places = bindings.places().into_iter();
        Said {
            places: places
                .map(|(cell, place)| (port.key(cell), place))
                .collect(),
            last_id: self.last_id,
            out: self.out,
            is_flushed: self.is_flushed,
            subscribed: subscribed(bindings),
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
        self.is_flushed = said.is_flushed;
        let wanted = subscribed(bindings);
        for topic in said
            .subscribed
            .keys()
            .filter(|topic| !wanted.contains_key(*topic))
        {
            let mut unsubscribe = Unsubscribe::new(topic);
            unsubscribe.pkid = self.next_id();
            self.say(&Packet::Unsubscribe(unsubscribe));
        }
        let news = wanted
            .into_iter()
            .filter(|(topic, wanted)| said.subscribed.get(topic) != Some(wanted));
        let news: Vec<(String, Qos)> = news.map(|(topic, it)| (topic, it.qos)).collect();
        let topics = news.iter().map(|(topic, _)| topic.as_str());
        self.exchange.resume(topics);
        self.subscribe(news);
        if let Some(birth) = birth
            && said.birth.as_ref() != Some(birth)
        {
            self.notify(birth, now);
        }
        for (cell, place) in bindings.places() {
            if !said.places.contains(&(port.key(cell), place)) {
                port.restate(cell);
            }
        }
        self.pump(now);
    }
}
