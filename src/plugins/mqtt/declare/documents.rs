//! From `documents` to what is published and taken, and everything that can be wrong with it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::members::{Place, members, triggers};
use super::overlaps;
use super::topic::{Reader, Traffic, said};
use super::values::{Times, Values, check_same, only_remote};
use crate::config::{NodeId, Spanned, nearest};
use crate::engine::{Carries, CellId};
use crate::plugins::mqtt::binding::Topics;
use crate::plugins::mqtt::config::{DocumentConfig, DocumentsConfig, OwnerConfig, SendConfig};
use crate::plugins::mqtt::document::{Document, Sending};

/// Reads the documents, and which values are in them.
pub(super) fn read(
    reader: &mut Reader<'_, '_>,
    values: &Values,
    has_section: bool,
    traffic: &mut Traffic,
) -> Vec<Document> {
    let section = reader.declared.section::<DocumentsConfig>("documents");
    if let (Some(section), false) = (&section, has_section) {
        let help = "add `mqtt: { broker: auto }` at the top level";
        reader.mistake(section.at, "there is no broker to have documents at", help);
    }
    let declared = section.map(|section| section.value.0.0).unwrap_or_default();
    let names: Vec<String> = declared.iter().map(|(name, _)| name.clone()).collect();
    let members = members(reader, values, &names);
    let triggers = triggers(reader, values, &names);
    let mut documents = Vec::new();
    let mut owners = BTreeMap::new();
    for (name, raw) in declared {
        let Some(config) = reader.declared.read::<DocumentConfig>(raw) else {
            continue;
        };
        let part = Part {
            name: &name,
            config: &config,
            members: members.get(&name).map_or(&[], Vec::as_slice),
            triggers: triggers.get(&name).map_or(&[], Vec::as_slice),
        };
        documents.extend(part.document(reader, &mut owners, traffic));
    }
    documents
}

/// One document while it is looked through.
struct Part<'a> {
    name: &'a str,
    config: &'a Spanned<DocumentConfig>,
    members: &'a [Place],
    triggers: &'a [Spanned<CellId>],
}

impl Part<'_> {
    fn document(
        &self,
        reader: &mut Reader<'_, '_>,
        owners: &mut BTreeMap<CellId, OwnerConfig>,
        traffic: &mut Traffic,
    ) -> Option<Document> {
        let DocumentConfig { owner, .. } = &self.config.value;
        let owner = owner.as_deref().copied().unwrap_or(OwnerConfig::Here);
        let constants = self.constants(reader);
        let sending = self.sending(reader, owner);
        let topics = self.topics(reader, owner, sending, traffic);
        overlaps::check(reader, self.members);
        self.check_own(reader);
        self.check_gathering(reader, owner);
        if self.members.is_empty() {
            let help = format!(
                "add `mqtt: {{ document: {} }}` to the characteristics in it",
                self.name
            );
            reader.mistake(
                self.config.at,
                "no characteristic is in this document",
                help,
            );
        }
        let topics = topics?;
        self.tell_plan(reader, owner, &topics, sending, owners);
        for trigger in self.triggers {
            let members = self.members.iter().map(|it| it.member.cell);
            reader.declared.tell_with(trigger.value, members);
        }
        Some(Document {
            name: self.name.to_owned(),
            topics,
            sending,
            constants,
            from_environment: self.withheld(reader),
            ignore_own: self.config.ignore_own.as_ref().map(|key| key.value.clone()),
            omit_empty: self.config.omit_empty,
            members: self.members.iter().map(|it| it.member.clone()).collect(),
            triggers: self.triggers.iter().map(|it| it.value).collect(),
        })
    }

    fn topics(
        &self,
        reader: &mut Reader<'_, '_>,
        owner: OwnerConfig,
        sending: Sending,
        traffic: &mut Traffic,
    ) -> Option<Topics> {
        let config = &self.config.value;
        let at = self.config.at;
        let (published, subscribed, is_state) = match owner {
            OwnerConfig::Here => (config.state.as_ref(), config.command.as_ref(), true),
            OwnerConfig::Remote => (config.command.as_ref(), config.state.as_ref(), false),
        };
        let publish = reader.published(published, is_state && sending == Sending::Whole);
        let subscribe = reader.subscribed(subscribed);
        let (publish, subscribe) = (publish?, subscribe?);
        check_same(
            reader,
            publish.as_ref(),
            &subscribe,
            config.command.as_ref(),
        );
        if let (Some(topic), Some(said)) = (&publish, said(published).first()) {
            traffic.publish(reader.declared, topic, said.text.at, is_state);
        }
        for (topic, said) in subscribe.iter().zip(said(subscribed)) {
            traffic.subscribe(topic, said.text.at);
        }
        let has_key = ["state", "command"].map(|key| reader.declared.has_key(at, key));
        if has_key == [false, false] {
            reader.mistake(
                at,
                "there is no topic",
                "add `state: …`, `command: …` or both",
            );
            return None;
        }
        match owner {
            OwnerConfig::Here => Some(Topics::Here {
                state: publish,
                commands: subscribe,
            }),
            OwnerConfig::Remote if subscribe.is_empty() => {
                let help = "add `state: …`, the topic on which the owner says what the values are";
                let place = config.owner.as_ref().map_or(at, |owner| owner.at);
                reader.mistake(place, "nobody would hear what the remote owner says", help);
                None
            }
            OwnerConfig::Remote => Some(Topics::Remote {
                states: subscribe,
                command: publish,
            }),
        }
    }

    fn sending(&self, reader: &mut Reader<'_, '_>, owner: OwnerConfig) -> Sending {
        let config = &self.config.value;
        let (published, usual) = match owner {
            OwnerConfig::Here => (config.state.as_ref(), SendConfig::Whole),
            OwnerConfig::Remote => (config.command.as_ref(), SendConfig::Changed),
        };
        let said = said(published).first().and_then(|said| said.send);
        let send = said.map_or(usual, |said| said.value);
        let at = said.map_or(self.config.at, |said| said.at);
        self.check_retained(reader, owner, send);
        match send {
            SendConfig::Gathered if owner == OwnerConfig::Remote => {
                let help =
                    "write `changed` or `whole`; what is gathered is a `state` that is owned here";
                reader.mistake(at, "a command cannot be gathered", help);
            }
            SendConfig::Gathered if self.triggers.is_empty() => {
                let help = format!(
                    "add `mqtt: {{ gathers: {} }}` to the characteristic that does when it is written",
                    self.name
                );
                reader.mistake(at, "nothing publishes this document", help);
            }
            SendConfig::Gathered => {}
            SendConfig::Changed | SendConfig::Whole => {
                for trigger in self.triggers {
                    let help = format!(
                        "write `state: {{ topic: …, send: gathered }}` in the document `{}`",
                        self.name
                    );
                    let message = "this document is published on every change, and not gathered";
                    reader.mistake(trigger.at, message, help);
                }
            }
        }
        match send {
            SendConfig::Changed => Sending::Changed,
            SendConfig::Whole => Sending::Whole,
            SendConfig::Gathered => Sending::Gathered,
        }
    }

    /// The broker keeps the newest message only, and that of a change is no state.
    fn check_retained(&self, reader: &mut Reader<'_, '_>, owner: OwnerConfig, send: SendConfig) {
        let states = said(self.config.state.as_ref());
        let retain = states.first().and_then(|said| said.retain);
        if let (Some(retain), OwnerConfig::Here, SendConfig::Changed) = (retain, owner, send)
            && retain.value
        {
            let help = "write `send: whole`, or remove `retain`";
            let message = "who comes later would take the newest change for the whole state";
            reader.mistake(retain.at, message, help);
        }
    }

    fn constants(&self, reader: &mut Reader<'_, '_>) -> Map<String, Json> {
        let mut constants = Map::new();
        let Some(declared) = &self.config.constants else {
            return constants;
        };
        let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
        let places: Vec<_> = self
            .members
            .iter()
            .filter(|it| it.is_sound)
            .map(|it| (it.member.name.as_str(), it.member.places()))
            .collect();
        for (name, places) in &places {
            for (at, _) in places {
                let first = at.steps().first().map_or("", |step| &**step);
                taken.insert(first, name);
            }
        }
        for (key, constant) in &declared.value.0 {
            if let Some(name) = taken.get(key.as_str()) {
                let message = format!("`{name}` stands at `/{key}` already");
                reader.mistake(constant.at, message, "give the constant another key");
            }
            let json = self.fill(reader, constant.at, constant.value.clone());
            constants.insert(key.clone(), json);
        }
        constants
    }

    fn withheld(&self, reader: &Reader<'_, '_>) -> BTreeSet<String> {
        let constants = self.config.constants.iter().flat_map(|it| &it.value.0);
        let hidden = constants.filter(|(_, it)| reader.declared.is_from_environment(it.at));
        hidden.map(|(key, _)| key.clone()).collect()
    }

    /// Fills in the placeholders of every text in it.
    fn fill(&self, reader: &mut Reader<'_, '_>, at: NodeId, json: Json) -> Json {
        match json {
            Json::String(value) => {
                let more = [("client_id", reader.client_id)];
                let text = Spanned { at, value };
                let filled = reader.declared.expand(&text, &more);
                filled.unwrap_or(text.value).into()
            }
            Json::Array(items) => {
                let items = items.into_iter().map(|item| self.fill(reader, at, item));
                Json::Array(items.collect())
            }
            Json::Object(entries) => entries
                .into_iter()
                .map(|(key, item)| (key, self.fill(reader, at, item)))
                .collect(),
            Json::Null | Json::Bool(_) | Json::Number(_) => json,
        }
    }

    fn check_own(&self, reader: &mut Reader<'_, '_>) {
        let config = &self.config.value;
        let Some(own) = &config.ignore_own else {
            return;
        };
        let constants = config.constants.as_ref().map(|it| it.value.0.as_slice());
        let keys: Vec<&str> = constants
            .unwrap_or_default()
            .iter()
            .map(|(key, _)| key.as_str())
            .collect();
        if !keys.contains(&own.value.as_str()) {
            let help = match nearest(&own.value, keys.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("add `constants: {{ {}: \"{{client_id}}\" }}`", own.value),
            };
            let message = format!("`{}` is none of the `constants`", own.value);
            reader.mistake(own.at, message, help);
        }
    }

    /// What gathers does so when it is written, and a remote owner is only asked for that.
    fn check_gathering(&self, reader: &mut Reader<'_, '_>, owner: OwnerConfig) {
        if owner == OwnerConfig::Here {
            return;
        }
        for place in self.members.iter().filter(|it| it.gathers) {
            let help = "remove `gathers`, or put it in a document that is owned here";
            let message = "what gathers a document has its owner here";
            reader.mistake(place.at, message, help);
        }
    }

    /// What the engine has to know.
    fn tell_plan(
        &self,
        reader: &mut Reader<'_, '_>,
        owner: OwnerConfig,
        topics: &Topics,
        sending: Sending,
        owners: &mut BTreeMap<CellId, OwnerConfig>,
    ) {
        let config = &self.config.value;
        let times = match owner {
            OwnerConfig::Here => {
                let at = config.confirm_within.as_ref().map(|it| it.at);
                only_remote(reader, at, "confirm anything");
                only_remote(
                    reader,
                    config.valid_for.as_ref().map(|it| it.at),
                    "fall silent",
                );
                None
            }
            OwnerConfig::Remote => {
                let within = config.confirm_within.as_ref();
                Some(Times::read(reader, within, config.valid_for.as_ref()))
            }
        };
        // What would have two roles has been said to be wrong; the other one stands.
        let has_another =
            |it: &Place| it.has_own_topics || (it.gathers && owner == OwnerConfig::Remote);
        for Place { member, at, .. } in self.members.iter().filter(|it| !has_another(it)) {
            let cell = member.cell;
            let known = *owners.entry(cell).or_insert(owner);
            if known != owner {
                let help = "put it in documents of one owner";
                reader.mistake(*at, "this value is in documents of different owners", help);
                continue;
            }
            if let Some(times) = times {
                if member.is_constant {
                    let help = "remove `document`, or the `constant`";
                    reader.mistake(*at, "a constant has no owner elsewhere", help);
                }
                times.apply(reader.declared, cell);
            }
            if !topics.subscribed().is_empty() && !member.is_constant {
                reader.declared.feeds(cell);
            }
            let is_published = topics.published().is_some() && sending != Sending::Gathered;
            if is_published {
                let carries = match owner {
                    OwnerConfig::Here => Carries::State,
                    OwnerConfig::Remote => Carries::Requests,
                };
                reader.declared.subscribe(cell, carries);
            }
        }
    }
}
