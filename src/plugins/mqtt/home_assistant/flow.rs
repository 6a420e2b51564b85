//! Pure: on which topics a thing is, and where it stands in their payloads.

use serde_json::{Map, Value as Json};

use super::leaf::{Leaf, leaves, steps};
use super::template::{Frame, Step, VALUE, path};
use crate::codec::json as codec_json;
use crate::plugins::mqtt::binding::{Binding, Topic, Topics};
use crate::plugins::mqtt::document::{Document, Member, Sending};
use crate::plugins::mqtt::format::Format;

/// By this name Home Assistant is known to those who look for the mark of their own messages.
const CLIENT: &str = "home_assistant";

/// One thing, and how it is read and changed.
#[derive(Clone, Debug)]
pub(super) struct Flow<'a> {
    pub(super) leaf: Leaf<'a>,
    pub(super) state: Option<State<'a>>,
    pub(super) command: Option<Command<'a>>,
    /// Why it cannot be changed although others can change it.
    pub(super) read_only: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub(super) struct State<'a> {
    pub(super) topic: &'a Topic,
    /// Every event of it is a message.
    pub(super) is_kept: bool,
    /// What stands there, in Jinja.
    pub(super) expression: String,
    pub(super) missing: Missing,
}

/// What a payload says of a thing that it does not mention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    Never,
    /// Nothing.
    Kept,
    /// That it is not there.
    Gone,
}

#[derive(Clone, Debug)]
pub(super) struct Command<'a> {
    pub(super) topic: &'a str,
    /// `None` where the payload is the value and nothing else.
    pub(super) frame: Option<Frame>,
}

/// What a characteristic's own topics carry.
///
/// # Errors
/// Why nothing of it can be read there.
pub(super) fn of_binding(binding: &Binding, unit: u16) -> Result<Vec<Flow<'_>>, &'static str> {
    let spec = &binding.spec;
    let (leaves, is_partial) = leaves(spec, &Default::default(), unit);
    let (template, outer): (Option<&Json>, Vec<Step>) = match &binding.format {
        Format::Json(template) => (Some(template.json()), path_to_value(template.json())),
        Format::Text if codec_json::is_scalar(spec) => (None, Vec::new()),
        Format::Text => (Some(&BARE), Vec::new()),
        Format::Raw | Format::Hex => {
            return Err(
                "its payload is the bytes on the air; `format: json` or `text` can be shown",
            );
        }
    };
    let (state, command) = match &binding.topics {
        Topics::Here { state, commands } => (state.as_ref(), commands.first()),
        Topics::Remote { states, command } => (states.first(), command.as_ref()),
    };
    let is_whole = leaves.len() == 1 && leaves[0].path.is_empty();
    let read_only = match &binding.topics {
        _ if command.is_none() => None,
        _ if binding.is_from_environment => {
            Some("what stands beside it in a command came from the environment")
        }
        Topics::Remote { .. } if !is_whole => Some("its owner is asked for all of it at once"),
        Topics::Here { .. } if !is_whole && is_partial => {
            Some("a command that leaves out an optional field says that it is not there")
        }
        Topics::Here { .. } | Topics::Remote { .. } => None,
    };
    let flows = leaves.into_iter().map(|leaf| {
        let inner: Vec<Step> = outer.iter().cloned().chain(steps(&leaf.at)).collect();
        let expression = match template {
            Some(_) => path(&inner),
            None => "value".to_owned(),
        };
        let missing = match (is_whole, is_partial) {
            (true, _) if spec.admits_null() && template.is_some() => Missing::Gone,
            (true, _) | (false, false) => Missing::Never,
            (false, true) => Missing::Gone,
        };
        let frame = template.map(|template| {
            let mut value = Json::from(VALUE);
            if !is_whole {
                value = Json::Object(Map::new());
                leaf.at.put(VALUE.into(), &mut value);
            }
            Frame(filled(template, &value))
        });
        Flow {
            state: state.map(|topic| State {
                topic,
                is_kept: topic.retain || !binding.topics.takes_commands(),
                expression,
                missing,
            }),
            command: command
                .filter(|_| read_only.is_none())
                .map(|topic| Command {
                    topic: &topic.name,
                    frame,
                }),
            read_only,
            leaf,
        }
    });
    Ok(flows.collect())
}

/// What of a value stands in a document.
pub(super) fn of_member<'a>(
    document: &'a Document,
    member: &'a Member,
    unit: u16,
) -> Vec<Flow<'a>> {
    let (mut leaves, _) = leaves(&member.spec, &member.at, unit);
    leaves.retain(|leaf| member.known_as.contains(&leaf.at.document));
    let count = leaves.len();
    let (state, command) = match &document.topics {
        Topics::Here { state, commands } => (state.as_ref(), commands.first()),
        Topics::Remote { states, command } => (states.first(), command.as_ref()),
    };
    let state = state.filter(|_| document.sending != Sending::Gathered);
    let is_remote = !document.topics.takes_commands();
    let read_only = match command {
        _ if member.is_constant => None,
        None => None,
        Some(_) if is_remote && !document.from_environment.is_empty() => {
            Some("what stands beside it in a command came from the environment")
        }
        Some(_)
            if is_remote && document.sending == Sending::Whole && document.members.len() > 1 =>
        {
            Some("its owner is asked for the whole document at once")
        }
        Some(_) => None,
    };
    let flows = leaves.into_iter().map(|leaf| {
        let mut json = Json::Object(Map::new());
        leaf.at.put(VALUE.into(), &mut json);
        if is_remote && let Json::Object(entries) = &mut json {
            entries.extend(constants(document));
        }
        let is_commanded = read_only.is_none() && !member.is_constant;
        // A part of what its owner has always been asked for together.
        let is_part = is_remote && count > 1 && command.is_some();
        Flow {
            state: state.map(|topic| State {
                topic,
                is_kept: topic.retain || is_remote,
                expression: path(&steps(&leaf.at)),
                missing: Missing::Kept,
            }),
            command: command.filter(|_| is_commanded).map(|topic| Command {
                topic: &topic.name,
                frame: Some(Frame(json)),
            }),
            read_only: read_only
                .or(is_part.then_some("its owner is asked for all of its fields at once")),
            leaf,
        }
    });
    flows.collect()
}

/// What is in every message, as Home Assistant has to say it: not with our own mark.
fn constants(document: &Document) -> Map<String, Json> {
    let mut constants = document.constants.clone();
    if let Some(own) = &document.ignore_own
        && let Some(mark) = constants.get_mut(own)
    {
        *mark = CLIENT.into();
    }
    constants
}

static BARE: std::sync::LazyLock<Json> = std::sync::LazyLock::new(|| Json::from(VALUE));

/// Where the value stands in a declared payload.
fn path_to_value(template: &Json) -> Vec<Step> {
    fn find(json: &Json, at: &mut Vec<Step>) -> bool {
        match json {
            Json::String(text) => text == VALUE,
            Json::Array(items) => items.iter().enumerate().any(|(index, item)| {
                at.push(Step::Index(index));
                find(item, at) || at.pop().is_none()
            }),
            Json::Object(entries) => entries.iter().any(|(key, item)| {
                at.push(Step::Key(key.clone()));
                find(item, at) || at.pop().is_none()
            }),
            Json::Null | Json::Bool(_) | Json::Number(_) => false,
        }
    }
    let mut at = Vec::new();
    find(template, &mut at);
    at
}

/// A declared payload with something for its value.
fn filled(template: &Json, value: &Json) -> Json {
    match template {
        Json::String(text) if text == VALUE => value.clone(),
        Json::Array(items) => items.iter().map(|item| filled(item, value)).collect(),
        Json::Object(entries) => {
            let entries = entries
                .iter()
                .map(|(key, item)| (key.clone(), filled(item, value)));
            Json::Object(entries.collect())
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => template.clone(),
    }
}
