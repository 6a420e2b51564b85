//! From `mqtt` in a characteristic to its binding, and everything that can be wrong with it.

use std::collections::HashMap;

use super::binding::{Binding, Topic, Topics};
use super::config::{OwnerConfig, Qos, TopicConfig, ValueConfig};
use super::topics;
use crate::codec::{Template, TemplateError};
use crate::config::{Interval, Lenient, NodeId, Spanned};
use crate::engine::Carries;
use crate::plan::{CONFIRM_WITHIN, CellPlan};
use crate::plugin::{Configure, Declared};

/// All values that have topics.
#[derive(Default)]
pub(super) struct Values {
    pub(super) bindings: Vec<Binding>,
    /// Every topic that some value is published on, and where that was said first.
    pub(super) published: HashMap<String, Publisher>,
}

#[derive(Clone, Copy)]
pub(super) struct Publisher {
    at: NodeId,
    is_state: bool,
}

/// The quality of service that is declared; `None` if none is, or if it is wrong and then diagnosed.
pub(super) fn quality(
    declared: &mut Configure<'_>,
    qos: Option<&Spanned<Lenient<Qos>>>,
) -> Option<Qos> {
    let qos = qos?;
    match &qos.value.0 {
        Ok(qos) => Some(*qos),
        Err(problem) => {
            let help = "0 is at most once, 1 at least once, 2 exactly once";
            declared.mistake(qos.at, problem, help);
            None
        }
    }
}

impl Values {
    /// Reads what every characteristic says; `has_section` is whether there is a broker to say it to.
    pub(super) fn read(
        declared: &mut Configure<'_>,
        client_id: &str,
        qos: Qos,
        has_section: bool,
    ) -> Self {
        let mut values = Self::default();
        for value in declared.characteristics::<ValueConfig>("mqtt") {
            if !has_section {
                let help = "add `mqtt: { broker: auto }` at the top level";
                declared.mistake(value.at, "there is no broker to have a topic at", help);
            }
            let plan = declared.cell(value.cell).clone();
            let mut reader = Reader {
                declared,
                plan: &plan,
                client_id,
                qos,
            };
            if let Some(binding) = reader.binding(&value) {
                values.check_published(declared, &value, &binding);
                values.bindings.push(binding);
            }
        }
        values
    }

    pub(super) fn publishes_exactly_once(&self) -> bool {
        let mut published = self.bindings.iter().filter_map(Binding::published);
        published.any(|topic| topic.qos == Qos::ExactlyOnce)
    }

    /// Requests may share a topic, each says something else there. The newest message of a state
    /// topic is the state, so nothing else can be published on it.
    fn check_published(
        &mut self,
        declared: &mut Configure<'_>,
        value: &Declared<ValueConfig>,
        binding: &Binding,
    ) {
        let (config, is_state) = match binding.topics {
            Topics::Here { .. } => (&value.value.state, true),
            Topics::Remote { .. } => (&value.value.command, false),
        };
        let (Some(config), Some(topic)) = (config, binding.published()) else {
            return;
        };
        let at = place_of(config);
        let publisher = Publisher { at, is_state };
        match self.published.get(&topic.name) {
            Some(first) if is_state || first.is_state => {
                let line = declared.line(first.at);
                // The topic is not repeated: what was filled in may come from the environment.
                let message = "a second value that is published on this topic";
                let help = format!("the first is in line {line}: give each a topic of its own");
                declared.mistake(at, message, help);
            }
            Some(_) => {}
            None => {
                self.published.insert(topic.name.clone(), publisher);
            }
        }
    }
}

fn place_of(config: &Spanned<TopicConfig>) -> NodeId {
    match &config.value {
        TopicConfig::Short(_) => config.at,
        TopicConfig::Long(long) => long.topic.at,
    }
}

/// One value while it is looked through.
struct Reader<'a, 'b> {
    declared: &'a mut Configure<'b>,
    plan: &'a CellPlan,
    client_id: &'a str,
    qos: Qos,
}

impl Reader<'_, '_> {
    fn mistake(&mut self, at: NodeId, message: impl Into<String>, help: impl Into<String>) {
        self.declared.mistake(at, message, help);
    }

    fn binding(&mut self, value: &Declared<ValueConfig>) -> Option<Binding> {
        let Declared {
            cell,
            at,
            value: config,
        } = value;
        let is_remote = config.owner.as_deref() == Some(&OwnerConfig::Remote);
        let state = self.topic(config.state.as_ref(), !is_remote, true);
        let command = self.topic(config.command.as_ref(), is_remote, false);
        let payload = self.payload(config);
        let (state, command) = (state?, command?);
        if let (Some(state), Some(command), Some(declared)) = (&state, &command, &config.command)
            && state.name == command.name
        {
            let help =
                "name another topic: what is published as state would come back as a command";
            self.mistake(place_of(declared), "this is the state topic too", help);
        }
        if state.is_none() && command.is_none() {
            // One that is wrong has been said to be.
            if !self.declared.has_key(*at, "state") && !self.declared.has_key(*at, "command") {
                let help = "add `state: …`, `command: …` or both";
                self.mistake(*at, "there is no topic", help);
            }
            return None;
        }
        let topics = if is_remote {
            self.remote(value, state, command)?
        } else {
            self.here(value, state, command)
        };
        Some(Binding {
            cell: *cell,
            name: self.plan.name.clone(),
            spec: self.plan.spec.clone(),
            payload: payload?,
            topics,
        })
    }

    fn here(
        &mut self,
        value: &Declared<ValueConfig>,
        state: Option<Topic>,
        command: Option<Topic>,
    ) -> Topics {
        let Declared {
            cell,
            value: config,
            ..
        } = value;
        if let (Some(declared), true) = (&config.command, self.declared.cell(*cell).constant) {
            let help = "remove `command`, or the `constant`";
            self.mistake(declared.at, "a constant obeys no command", help);
        }
        if let Some(within) = &config.confirm_within {
            let help = "remove it, or write `owner: remote`";
            self.mistake(
                within.at,
                "there is no remote owner to confirm anything",
                help,
            );
        }
        if state.is_some() {
            self.declared.subscribe(*cell, Carries::State);
        }
        if command.is_some() {
            self.declared.feeds(*cell);
        }
        Topics::Here { state, command }
    }

    fn remote(
        &mut self,
        value: &Declared<ValueConfig>,
        state: Option<Topic>,
        command: Option<Topic>,
    ) -> Option<Topics> {
        let Declared {
            cell,
            at,
            value: config,
        } = value;
        let owner = config.owner.map_or(*at, |owner| owner.at);
        if self.declared.cell(*cell).constant {
            let help = "remove `owner: remote`, or the `constant`";
            self.mistake(owner, "a constant has no owner elsewhere", help);
        }
        let within = match &config.confirm_within {
            None => CONFIRM_WITHIN,
            Some(declared) => match &declared.value.0 {
                Ok(Interval(within)) if within.is_zero() => {
                    let help = "give it the time that an answer takes, as in `2s`";
                    self.mistake(declared.at, "nobody can confirm anything in no time", help);
                    CONFIRM_WITHIN
                }
                Ok(Interval(within)) => *within,
                Err(problem) => {
                    let help = "a number and `ms`, `s`, `min` or `h`, as in `2s`";
                    self.mistake(declared.at, problem, help);
                    CONFIRM_WITHIN
                }
            },
        };
        self.declared.owned_remotely(*cell, within);
        self.declared.feeds(*cell);
        if command.is_some() {
            self.declared.subscribe(*cell, Carries::Requests);
        }
        let Some(state) = state else {
            if !self.declared.has_key(*at, "state") {
                let help = "add `state: …`, the topic on which the owner says what the value is";
                self.mistake(owner, "nobody would hear what the remote owner says", help);
            }
            return None;
        };
        Some(Topics::Remote { state, command })
    }

    /// A topic, if one is declared; the outer `None` if it is wrong.
    fn topic(
        &mut self,
        config: Option<&Spanned<TopicConfig>>,
        is_published: bool,
        is_state: bool,
    ) -> Option<Option<Topic>> {
        let Some(config) = config else {
            return Some(None);
        };
        let (text, long) = match &config.value {
            TopicConfig::Short(text) => {
                let text = text.clone();
                (
                    Spanned {
                        at: config.at,
                        value: text,
                    },
                    None,
                )
            }
            TopicConfig::Long(long) => (long.topic.clone(), Some(long)),
        };
        let qos = long.and_then(|long| quality(self.declared, long.qos.as_ref()));
        let retain = long.and_then(|long| long.retain);
        if let (Some(retain), false) = (retain, is_published) {
            let help = "remove it: who publishes on a topic decides what is retained";
            self.mistake(retain.at, "this topic is only subscribed to", help);
        }
        let more = [("client_id", self.client_id)];
        let name = self.declared.expand(&text, &more)?;
        if let Err((message, help)) = topics::check(&name) {
            self.mistake(text.at, message, help);
            return None;
        }
        Some(Some(Topic {
            name,
            qos: qos.unwrap_or(self.qos),
            retain: retain.map_or(is_state && is_published, |retain| retain.value),
        }))
    }

    fn payload(&mut self, config: &ValueConfig) -> Option<Template> {
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
        self.mistake(declared.at, problem, help);
        None
    }
}
