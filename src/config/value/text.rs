//! Declared texts, byte strings and JSON: their lengths, and what is allowed of them.

use std::sync::Arc;

use super::{Around, ValueReader};
use crate::codec::{BytesSpec, JsonSpec, MAX_LENGTH, Pattern, Spec, TextSpec, Value};
use crate::config::model::ValueConfig;
use crate::config::read::Spanned;

impl ValueReader<'_> {
    pub(super) fn text(&mut self, config: &ValueConfig, around: Around) -> Option<Spec> {
        let (min_length, max_length) = self.lengths(config, around)?;
        let pattern = match &config.pattern {
            None => None,
            Some(declared) => match Pattern::new(declared) {
                Ok(pattern) => Some(pattern),
                Err(problem) => {
                    let help = "see https://docs.rs/regex-lite for what may stand in one";
                    let problem = problem.lines().last().unwrap_or_default().to_owned();
                    let message = format!("this is no regular expression: {problem}");
                    self.mistake(declared.at, message, help);
                    None
                }
            },
        };
        let mut spec = TextSpec {
            min_length,
            max_length,
            pattern,
            allowed: None,
        };
        let allowed = self.allowed(config, &Spec::Text(spec.clone()));
        spec.allowed = allowed.map(|values| values.into_iter().filter_map(text_of).collect());
        Some(Spec::Text(spec))
    }

    pub(super) fn bytes(&mut self, config: &ValueConfig, around: Around) -> Option<Spec> {
        let (min_length, max_length) = self.lengths(config, around)?;
        let mut spec = BytesSpec {
            min_length,
            max_length,
            allowed: None,
        };
        let allowed = self.allowed(config, &Spec::Bytes(spec.clone()));
        spec.allowed = allowed.map(|values| values.into_iter().filter_map(bytes_of).collect());
        Some(Spec::Bytes(spec))
    }

    pub(super) fn json(&mut self, config: &ValueConfig, around: Around) -> Option<Spec> {
        let (_, max_length) = self.lengths(config, around)?;
        Some(Spec::Json(JsonSpec { max_length }))
    }

    /// The fewest and the most bytes.
    fn lengths(&mut self, config: &ValueConfig, around: Around) -> Option<(usize, usize)> {
        let other = config.min_length.as_ref().or(config.max_length.as_ref());
        if let (Some(_), Some(other)) = (&config.length, other) {
            let help = "keep `length`, or `min_length` and `max_length`";
            self.mistake(other.at, "`length` says it all", help);
        }
        if let Some(length) = self.length("length", config.length, 1, around) {
            return Some((length, length));
        }
        let min = self.length("min_length", config.min_length, 0, around);
        let max = self.length("max_length", config.max_length, 1, around);
        let (min, max) = (min.unwrap_or(0), max.unwrap_or(around.room));
        if min > max {
            let bound = config.min_length.or(config.max_length);
            let at = bound.map_or(self.tree.root(), |bound| bound.at);
            let message = format!("`min_length` is {min}, and {max} bytes are the most");
            self.mistake(at, message, "make it smaller");
            return None;
        }
        Some((min, max))
    }

    fn length(
        &mut self,
        key: &str,
        declared: Option<Spanned<u32>>,
        least: usize,
        around: Around,
    ) -> Option<usize> {
        let Spanned { at, value } = declared?;
        let length = value as usize;
        if (least..=around.room).contains(&length) {
            return Some(length);
        }
        let help = match around.room == MAX_LENGTH {
            true => format!("Bluetooth allows values of {least} to {MAX_LENGTH} bytes"),
            false => format!(
                "beside the other fields, {least} to {} bytes fit into a value",
                around.room
            ),
        };
        self.mistake(at, format!("`{key}` is {length}"), help);
        None
    }

    /// The values of an allow-list, each of which meets the rest of the constraints.
    pub(super) fn allowed(&mut self, config: &ValueConfig, spec: &Spec) -> Option<Vec<Value>> {
        let declared = config.allowed.as_ref()?;
        if declared.is_empty() {
            let help = "name the values that are allowed, or remove the key";
            self.mistake(declared.at, "nothing would be allowed", help);
            return None;
        }
        let values = declared.iter();
        Some(
            values
                .filter_map(|literal| self.literal_at("allowed", literal.at, spec))
                .collect(),
        )
    }
}

fn text_of(value: Value) -> Option<Arc<str>> {
    match value {
        Value::Text(text) => Some(text),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Bytes(_)
        | Value::List(_) => None,
    }
}

fn bytes_of(value: Value) -> Option<Arc<[u8]>> {
    match value {
        Value::Bytes(bytes) => Some(bytes),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::List(_) => None,
    }
}
