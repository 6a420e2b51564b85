//! From `mqtt` in a characteristic to its binding, and everything that can be wrong with it.

use std::collections::BTreeMap;

use super::topic::{Reader, Traffic, said};
use crate::codec::{Template, TemplateError};
use crate::config::{NodeId, Spanned};
use crate::engine::{Carries, CellId, Delivery};
use crate::plan::CONFIRM_WITHIN;
use crate::plugin::{Configure, Declared};
use crate::plugins::mqtt::binding::{Binding, Topic, Topics};
use crate::plugins::mqtt::config::home_assistant::EntityConfig;
use crate::plugins::mqtt::config::{
    FormatConfig, OneOrMany, OwnerConfig, TopicConfig, ValueConfig, Wanted,
};
use crate::plugins::mqtt::format::Format;

/// All values that have topics, and those that are in documents.
#[derive(Default)]
pub(super) struct Values {
    pub(super) bindings: Vec<Binding>,
    /// By value: the document that it says it is in.
    pub(super) members: BTreeMap<CellId, Spanned<String>>,
    pub(super) triggers: Vec<(CellId, Spanned<String>)>,
    /// Where a value says that it has topics of its own.
    pub(super) own_topics: BTreeMap<CellId, NodeId>,
    /// What is said of a value for Home Assistant.
    pub(super) asked: BTreeMap<CellId, Spanned<Wanted<EntityConfig>>>,
}

impl Values {
    /// Reads what every characteristic says; `has_section` is whether there is a broker to say it to.
    pub(super) fn read(
        reader: &mut Reader<'_, '_>,
        has_section: bool,
        traffic: &mut Traffic,
    ) -> Self {
        let mut values = Self::default();
        for mut value in reader.declared.characteristics::<ValueConfig>("mqtt") {
            if let Some(asked) = value.value.home_assistant.take() {
                values.asked.insert(value.cell, asked);
            }
            if !has_section {
                let help = "add `mqtt: { broker: auto }` at the top level";
                reader.mistake(value.at, "there is no broker to have a topic at", help);
            }
            values.value(reader, &value, traffic);
        }
        values
    }

    fn value(
        &mut self,
        reader: &mut Reader<'_, '_>,
        value: &Declared<ValueConfig>,
        traffic: &mut Traffic,
    ) {
        let config = &value.value;
        if let Some(document) = &config.gathers {
            gathers(reader, value);
            self.triggers.push((value.cell, document.clone()));
        }
        if let Some(document) = &config.document {
            beside_document(reader, value);
            self.members.insert(value.cell, document.clone());
            return;
        }
        let has_topic = ["state", "command"].map(|key| reader.declared.has_key(value.at, key));
        if config.gathers.is_some() && has_topic == [false, false] {
            return;
        }
        self.own_topics.insert(value.cell, value.at);
        if let Some(binding) = binding(reader, value) {
            let is_state = binding.topics.takes_commands();
            let (published, subscribed) = match is_state {
                true => (&config.state, &config.command),
                false => (&config.command, &config.state),
            };
            if let (Some(topic), Some(at)) = (binding.topics.published(), place(published)) {
                traffic.publish(reader.declared, topic, at, is_state);
            }
            for (topic, said) in binding
                .topics
                .subscribed()
                .iter()
                .zip(said(subscribed.as_ref()))
            {
                traffic.subscribe(topic, said.text.at);
            }
            self.bindings.push(binding);
        }
    }
}

/// Where the first topic of a list stands.
fn place(config: &Option<Spanned<OneOrMany<TopicConfig>>>) -> Option<NodeId> {
    let said = said(config.as_ref());
    said.first().map(|said| said.text.at)
}

/// What is said of the document cannot be said of one of its values too.
fn beside_document(reader: &mut Reader<'_, '_>, value: &Declared<ValueConfig>) {
    let config = &value.value;
    let keys = [
        ("owner", config.owner.as_ref().map(|it| it.at)),
        ("state", config.state.as_ref().map(|it| it.at)),
        ("command", config.command.as_ref().map(|it| it.at)),
        ("format", config.format.as_ref().map(|it| it.at)),
        ("payload", config.payload.as_ref().map(|it| it.at)),
        (
            "confirm_within",
            config.confirm_within.as_ref().map(|it| it.at),
        ),
        ("valid_for", config.valid_for.as_ref().map(|it| it.at)),
    ];
    for (key, at) in keys {
        if let Some(at) = at {
            let help = format!("remove it, or the `document`: that has its own `{key}`");
            let help = match key {
                "format" | "payload" => {
                    "remove it: a document is JSON, and `json` in `value` says \
                    where in it"
                        .to_owned()
                }
                _ => help,
            };
            reader.mistake(at, format!("`{key}` beside `document`"), help);
        }
    }
}

fn gathers(reader: &mut Reader<'_, '_>, value: &Declared<ValueConfig>) {
    let owner = value.value.owner.as_ref();
    if let Some(owner) = owner.filter(|owner| owner.value == OwnerConfig::Remote) {
        let help = "remove `owner`: what is written here is for this process";
        reader.mistake(owner.at, "what gathers a document has its owner here", help);
        return;
    }
    if reader.declared.cell(value.cell).constant {
        let help = "remove `gathers`, or the `constant`";
        reader.mistake(value.at, "a constant is never written", help);
    }
    reader.declared.subscribe(value.cell, Carries::State);
    reader.declared.every_change_counts(value.cell);
}

fn binding(reader: &mut Reader<'_, '_>, value: &Declared<ValueConfig>) -> Option<Binding> {
    let Declared {
        cell,
        at,
        value: config,
    } = value;
    let is_remote = config.owner.as_deref() == Some(&OwnerConfig::Remote);
    let (published, subscribed) = match is_remote {
        true => (&config.command, &config.state),
        false => (&config.state, &config.command),
    };
    // The state first, as a person reads it.
    let (published, subscribed) = if is_remote {
        let subscribed = reader.subscribed(subscribed.as_ref());
        (reader.published(published.as_ref(), false), subscribed)
    } else {
        // What has happened is over; only how things stand is kept for those who come later.
        let is_event = matches!(reader.declared.cell(*cell).delivery, Delivery::Every { .. });
        let published = reader.published(published.as_ref(), !is_event);
        (published, reader.subscribed(subscribed.as_ref()))
    };
    let format = format(reader, config);
    let (published, subscribed) = (published?, subscribed?);
    check_same(
        reader,
        published.as_ref(),
        &subscribed,
        config.command.as_ref(),
    );
    if published.is_none() && subscribed.is_empty() {
        // One that is wrong has been said to be.
        let has_key = ["state", "command"].map(|key| reader.declared.has_key(*at, key));
        if has_key == [false, false] {
            let help = "add `state: …`, `command: …` or both, or `document: …`";
            reader.mistake(*at, "there is no topic", help);
        }
        return None;
    }
    let topics = if is_remote {
        remote(reader, value, subscribed, published)?
    } else {
        here(reader, value, published, subscribed)
    };
    let payload = config.payload.as_ref();
    let is_from_environment =
        payload.is_some_and(|payload| reader.declared.is_from_environment(payload.at));
    let declared = reader.declared.cell(*cell);
    Some(Binding {
        cell: *cell,
        name: declared.name.clone(),
        spec: declared.spec.clone(),
        format: format?,
        is_from_environment,
        is_value_from_environment: declared.is_from_environment,
        topics,
    })
}

/// What is published must not come back as something to take.
pub(super) fn check_same<T: super::topic::Says>(
    reader: &mut Reader<'_, '_>,
    published: Option<&Topic>,
    subscribed: &[Topic],
    command: Option<&Spanned<OneOrMany<T>>>,
) {
    if let (Some(published), Some(command)) = (published, command)
        && subscribed.iter().any(|topic| topic.name == published.name)
    {
        let help = "name another topic: what is published as state would come back as a command";
        let at = said(Some(command))
            .first()
            .map_or(command.at, |it| it.text.at);
        reader.mistake(at, "this is the state topic too", help);
    }
}

fn here(
    reader: &mut Reader<'_, '_>,
    value: &Declared<ValueConfig>,
    state: Option<Topic>,
    commands: Vec<Topic>,
) -> Topics {
    let Declared {
        cell,
        value: config,
        ..
    } = value;
    if let (Some(command), true) = (&config.command, reader.declared.cell(*cell).constant) {
        let help = "remove `command`, or the `constant`";
        reader.mistake(command.at, "a constant obeys no command", help);
    }
    only_remote(
        reader,
        config.confirm_within.as_ref().map(|it| it.at),
        "confirm anything",
    );
    only_remote(
        reader,
        config.valid_for.as_ref().map(|it| it.at),
        "fall silent",
    );
    if state.is_some() {
        reader.declared.subscribe(*cell, Carries::State);
    }
    if !commands.is_empty() {
        reader.declared.feeds(*cell);
    }
    Topics::Here { state, commands }
}

/// Something that only a remote owner could do.
pub(super) fn only_remote(reader: &mut Reader<'_, '_>, at: Option<NodeId>, what: &str) {
    if let Some(at) = at {
        let message = format!("there is no remote owner to {what}");
        reader.mistake(at, message, "remove it, or write `owner: remote`");
    }
}

fn remote(
    reader: &mut Reader<'_, '_>,
    value: &Declared<ValueConfig>,
    states: Vec<Topic>,
    command: Option<Topic>,
) -> Option<Topics> {
    let Declared {
        cell,
        at,
        value: config,
    } = value;
    let owner = config.owner.map_or(*at, |owner| owner.at);
    if reader.declared.cell(*cell).constant {
        let help = "remove `owner: remote`, or the `constant`";
        reader.mistake(owner, "a constant has no owner elsewhere", help);
    }
    let times = Times::read(
        reader,
        config.confirm_within.as_ref(),
        config.valid_for.as_ref(),
    );
    times.apply(reader.declared, *cell);
    reader.declared.feeds(*cell);
    if command.is_some() {
        reader.declared.subscribe(*cell, Carries::Requests);
    }
    if states.is_empty() {
        if !reader.declared.has_key(*at, "state") {
            let help = "add `state: …`, the topic on which the owner says what the value is";
            reader.mistake(owner, "nobody would hear what the remote owner says", help);
        }
        return None;
    }
    Some(Topics::Remote { states, command })
}

/// What a remote owner has time for.
#[derive(Clone, Copy)]
pub(super) struct Times {
    confirm_within: std::time::Duration,
    valid_for: Option<std::time::Duration>,
}

type IntervalConfig = Spanned<crate::config::Lenient<crate::config::Interval>>;

impl Times {
    pub(super) fn read(
        reader: &mut Reader<'_, '_>,
        confirm_within: Option<&IntervalConfig>,
        valid_for: Option<&IntervalConfig>,
    ) -> Self {
        let in_vain = "nobody can confirm anything in no time";
        let help = "give it the time that an answer takes, as in `2s`";
        let confirm_within = reader.interval(confirm_within, in_vain, help);
        let in_vain = "nothing would ever be known";
        let help = "give it longer than the owner is silent between two messages, as in `10min`";
        Self {
            confirm_within: confirm_within.unwrap_or(CONFIRM_WITHIN),
            valid_for: reader.interval(valid_for, in_vain, help),
        }
    }

    pub(super) fn apply(self, declared: &mut Configure<'_>, cell: CellId) {
        declared.owned_remotely(cell, self.confirm_within);
        if let Some(valid_for) = self.valid_for {
            declared.valid_for(cell, valid_for);
        }
    }
}

fn format(reader: &mut Reader<'_, '_>, config: &ValueConfig) -> Option<Format> {
    let word = config
        .format
        .as_deref()
        .copied()
        .unwrap_or(FormatConfig::Json);
    let (format, name) = match word {
        FormatConfig::Json => return template(reader, config).map(Format::Json),
        FormatConfig::Text => (Format::Text, "text"),
        FormatConfig::Raw => (Format::Raw, "raw"),
        FormatConfig::Hex => (Format::Hex, "hex"),
    };
    if let Some(payload) = &config.payload {
        let message = format!("with `format: {name}` the payload is the value and nothing else");
        reader.mistake(payload.at, message, "remove `payload`, or the `format`");
    }
    Some(format)
}

fn template(reader: &mut Reader<'_, '_>, config: &ValueConfig) -> Option<Template> {
    let Some(declared) = &config.payload else {
        return Some(Template::bare());
    };
    let (problem, help) = match Template::new(declared.value.clone()) {
        Ok(template) => return Some(template),
        Err(TemplateError::NoValue) => (
            "the payload does not hold the value",
            "write `$value` where it stands, as in `payload: { number: $value }`",
        ),
        Err(TemplateError::ManyValues) => (
            "the payload holds the value twice",
            "keep one `$value`: nobody knows which one to read",
        ),
    };
    reader.mistake(declared.at, problem, help);
    None
}
