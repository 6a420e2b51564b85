//! Pure: everything that is declared, by value and by topic.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value as Json;

use super::binding::{Binding, MAX_PAYLOAD};
use super::config::Qos;
use super::describe::{both_ways, by_topic, of_binding, of_document};
use super::document::Document;
use super::tidings::Told;
use crate::codec::Value;
use crate::engine::CellId;
use crate::plugin::{Direction, TopicDoc};

/// Everything on MQTT.
#[derive(Clone, Debug, Default)]
pub struct Bindings {
    values: Vec<Binding>,
    pub(super) documents: Vec<Document>,
    /// By cell, which are numbered.
    carriers: Vec<Vec<Carrier>>,
    /// By the topic that is subscribed to.
    takers: HashMap<String, Vec<Carrier>>,
    pub(super) told: Told,
}

/// What carries a value, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    Value(usize),
    Document(usize),
    /// Writing the value publishes the document.
    Trigger(usize),
}

impl Bindings {
    pub(super) fn new(values: Vec<Binding>, documents: Vec<Document>, told: Told) -> Self {
        let mut bindings = Self {
            told,
            ..Self::default()
        };
        for (index, binding) in values.iter().enumerate() {
            let carrier = Carrier::Value(index);
            bindings.carries(binding.cell, carrier);
            for topic in binding.topics.subscribed() {
                bindings.takes(&topic.name, carrier);
            }
        }
        for (index, document) in documents.iter().enumerate() {
            let carrier = Carrier::Document(index);
            for member in &document.members {
                bindings.carries(member.cell, carrier);
            }
            for &cell in &document.triggers {
                bindings.carries(cell, Carrier::Trigger(index));
            }
            for topic in document.topics.subscribed() {
                bindings.takes(&topic.name, carrier);
            }
        }
        bindings.values = values;
        bindings.documents = documents;
        bindings
    }

    fn carries(&mut self, cell: CellId, carrier: Carrier) {
        if self.carriers.len() <= cell.index() {
            self.carriers.resize_with(cell.index() + 1, Vec::new);
        }
        self.carriers[cell.index()].push(carrier);
    }

    fn takes(&mut self, topic: &str, carrier: Carrier) {
        let takers = self.takers.entry(topic.to_owned()).or_default();
        takers.push(carrier);
    }

    pub(super) fn publishes_exactly_once(&self) -> bool {
        let of_values = self.values.iter().map(|it| &it.topics);
        let of_documents = self.documents.iter().map(|it| &it.topics);
        let published = of_values.chain(of_documents);
        let told = [&self.told.events, &self.told.rejected];
        let mut all = published
            .filter_map(|topics| topics.published())
            .chain(told.into_iter().flatten());
        all.any(|topic| topic.qos == Qos::ExactlyOnce)
    }

    /// The longest payload that anything takes.
    pub(super) fn longest(&self) -> usize {
        let documents = self.documents.iter().map(Document::longest);
        documents.max().unwrap_or_default().max(MAX_PAYLOAD)
    }

    /// All values that have topics of their own.
    pub(super) fn values(&self) -> &[Binding] {
        &self.values
    }

    pub(super) fn value(&self, index: usize) -> &Binding {
        &self.values[index]
    }

    pub(super) fn document(&self, index: usize) -> &Document {
        &self.documents[index]
    }

    /// What carries a value.
    pub(super) fn carriers(&self, cell: CellId) -> &[Carrier] {
        self.carriers.get(cell.index()).map_or(&[], Vec::as_slice)
    }

    /// What takes from a topic.
    pub(super) fn takers(&self, topic: &str) -> &[Carrier] {
        self.takers.get(topic).map_or(&[], Vec::as_slice)
    }

    /// Where and as what each value is published as it is now, as hashes: one for each way.
    pub(super) fn told(&self, value: impl Fn(CellId) -> Option<Value>) -> Vec<(CellId, u64)> {
        let of_values = self.values.iter().filter_map(|it| {
            let payload = it.format.write(&it.spec, &value(it.cell)?);
            Some((it.cell, hash(&(it.topics.published()?, payload))))
        });
        let of_documents = self.documents.iter().flat_map(|it| {
            let constants = Json::Object(it.constants.clone());
            let members = it.members.iter();
            let told = members.filter_map(|member| {
                let topic = it.topics.published()?;
                let mut json = constants.clone();
                member.write(&value(member.cell)?, it.omit_empty, &mut json);
                Some((member.cell, hash(&(topic, json.to_string()))))
            });
            told.collect::<Vec<_>>()
        });
        of_values.chain(of_documents).collect()
    }

    /// What takes from a topic, and what it makes of it, as a hash.
    pub(super) fn hash_of_takers(&self, topic: &str) -> u64 {
        let takers = self.takers(topic).iter();
        let shown = takers.map(|taker| match *taker {
            Carrier::Value(index) => {
                let it = self.value(index);
                let owned_here = it.topics.takes_commands();
                format!("{} {:?} {:?} {owned_here}", it.name, it.spec, it.format)
            }
            Carrier::Document(index) | Carrier::Trigger(index) => {
                let it = self.document(index);
                let members = it.members.iter();
                let members = members.map(|it| format!("{} {:?} {:?}", it.name, it.spec, it.at));
                format!("{:?} {}", it.ignore_own, members.collect::<String>())
            }
        });
        hash(&shown.collect::<Vec<_>>())
    }

    /// The topics to subscribe to, each once. The highest quality of service that anything wants
    /// there, but 1 at most: the broker's half of a QoS 2 hand-over outlives our own, which is gone
    /// with every connection.
    pub(super) fn subscriptions(&self) -> Vec<(&str, Qos)> {
        let of_values = self.values.iter().map(|it| &it.topics);
        let of_documents = self.documents.iter().map(|it| &it.topics);
        let mut topics: BTreeMap<&str, Qos> = BTreeMap::new();
        for topic in of_values.chain(of_documents).flat_map(|it| it.subscribed()) {
            let qos = topics.entry(&topic.name).or_insert(Qos::AtMostOnce);
            *qos = topic.qos.min(Qos::AtLeastOnce).max(*qos);
        }
        topics.into_iter().collect()
    }

    /// What every topic carries, by topic.
    pub(super) fn topics(&self) -> Vec<TopicDoc> {
        let values = self.values.iter().flat_map(of_binding);
        let documents = self.documents.iter().flat_map(of_document);
        by_topic(values.chain(documents).chain(self.told.describe()))
    }

    /// What they are called, each once in each direction. With thousands of them, what they carry takes its time.
    pub(super) fn topic_names(&self) -> BTreeSet<(String, Direction)> {
        let values = self.values.iter().map(|it| &it.topics);
        let documents = self.documents.iter().map(|it| &it.topics);
        let all = values.chain(documents).flat_map(both_ways);
        let all = all.map(|(topic, direction)| (topic.name.clone(), direction));
        let told = self.told.describe().into_iter();
        all.chain(told.map(|it| (it.topic, it.direction))).collect()
    }
}

fn hash(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}
