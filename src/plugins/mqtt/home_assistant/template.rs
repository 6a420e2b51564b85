//! Pure: where a value stands in a payload, in the words of Home Assistant's templates (Jinja).

use serde_json::Value as Json;

use crate::codec::document;

/// What stands for the value in the JSON of a command.
pub(super) const VALUE: &str = "$value";

/// What Jinja takes for something of a mapping itself.
const METHODS: [&str; 11] = [
    "clear",
    "copy",
    "fromkeys",
    "get",
    "items",
    "keys",
    "pop",
    "popitem",
    "setdefault",
    "update",
    "values",
];

/// A step to a value in JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::plugins::mqtt) enum Step {
    Key(String),
    Index(usize),
}

/// The expression for what stands there in a payload of JSON. What is missing on the way makes it
/// undefined, which is rendered as nothing, and that Home Assistant ignores.
pub(super) fn path(steps: &[Step]) -> String {
    let mut expression = "value_json".to_owned();
    for (index, step) in steps.iter().enumerate() {
        if index > 0 {
            expression = format!("({expression} | default({{}}, true))");
        }
        expression = match step {
            Step::Index(index) => format!("{expression}[{index}]"),
            Step::Key(key) if is_plain(key) => format!("{expression}.{key}"),
            Step::Key(key) => format!("{expression}[{}]", quoted(key)),
        };
    }
    expression
}

fn is_plain(key: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    key.starts_with(is_letter)
        && key.chars().all(|c| is_letter(c) || c.is_ascii_digit())
        && !METHODS.contains(&key)
}

/// A text as Jinja writes one.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("'");
    for c in text.chars() {
        match c {
            '\'' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ => out.push(c),
        }
    }
    out.push('\'');
    out
}

/// A text that Jinja leaves as it is.
pub(super) fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let opens = ["{{", "{%", "{#"]
            .into_iter()
            .find(|it| rest.starts_with(it));
        match opens {
            Some(opens) => {
                out.push_str(&format!("{{{{ '{opens}' }}}}"));
                rest = &rest[opens.len()..];
            }
            None => {
                out.push('{');
                rest = &rest[1..];
            }
        }
    }
    out + rest
}

/// The payload of a command: JSON in which texts stand for what is filled in, each once.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::plugins::mqtt) struct Frame(pub(in crate::plugins::mqtt) Json);

impl Frame {
    /// The payload with this JSON for the value.
    pub(super) fn with(&self, value: &Json) -> String {
        let value = document::render(value);
        document::render(&self.0).replacen(&marked(VALUE), &value, 1)
    }

    /// The template of the payload, with these expressions for what is filled in.
    pub(super) fn template(&self, filled: &[(&str, &str)]) -> String {
        let mut text = literal(&document::render(&self.0));
        for (mark, expression) in filled {
            text = text.replacen(&marked(mark), &format!("{{{{ {expression} }}}}"), 1);
        }
        text
    }

    /// This and what another one has besides, where both are objects.
    pub(super) fn joined(&self, other: &Self) -> Self {
        let mut joined = self.0.clone();
        join(&mut joined, &other.0);
        Self(joined)
    }

    /// The same with another text for the value.
    pub(super) fn marked_as(&self, mark: &str) -> Self {
        let mut json = self.0.clone();
        rename(&mut json, mark);
        Self(json)
    }
}

fn marked(mark: &str) -> String {
    Json::from(mark).to_string()
}

fn join(into: &mut Json, from: &Json) {
    let (Json::Object(into), Json::Object(from)) = (into, from) else {
        return;
    };
    for (key, value) in from {
        match into.get_mut(key) {
            Some(known) => join(known, value),
            None => drop(into.insert(key.clone(), value.clone())),
        }
    }
}

fn rename(json: &mut Json, mark: &str) {
    match json {
        Json::String(text) if text == VALUE => mark.clone_into(text),
        Json::Array(items) => items.iter_mut().for_each(|item| rename(item, mark)),
        Json::Object(entries) => entries.values_mut().for_each(|item| rename(item, mark)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn key(name: &str) -> Step {
        Step::Key(name.to_owned())
    }

    #[test]
    fn a_path_survives_what_is_missing_on_the_way() {
        assert_eq!(path(&[]), "value_json");
        assert_eq!(path(&[key("on")]), "value_json.on");
        assert_eq!(
            path(&[key("color"), key("h")]),
            "(value_json.color | default({}, true)).h"
        );
        assert_eq!(
            path(&[key("values"), Step::Index(2)]),
            "(value_json['values'] | default({}, true))[2]"
        );
        assert_eq!(path(&[key("it's")]), "value_json['it\\'s']");
    }

    #[test]
    fn what_looks_like_a_template_is_none() {
        let frame = Frame(json!({ "a{{b}}": "{%x{#", "number": VALUE }));
        assert_eq!(
            frame.template(&[(VALUE, "value | int")]),
            r#"{"a{{ '{{' }}b}}": "{{ '{%' }}x{{ '{#' }}", "number": {{ value | int }}}"#
        );
        assert_eq!(frame.with(&json!(5)), r#"{"a{{b}}": "{%x{#", "number": 5}"#);
    }

    #[test]
    fn two_commands_become_one() {
        let hue = Frame(json!({ "color": { "h": VALUE }, "client": "x" })).marked_as("$hue");
        let sat = Frame(json!({ "color": { "s": VALUE }, "client": "x" })).marked_as("$sat");
        assert_eq!(
            hue.joined(&sat)
                .template(&[("$hue", "hue"), ("$sat", "sat")]),
            r#"{"color": {"h": {{ hue }}, "s": {{ sat }}}, "client": "x"}"#
        );
    }
}
