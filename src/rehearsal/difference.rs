//! Two pieces of JSON beside each other: what is the same once, what is not marked `-` (expected) and
//! `+` (came).

use serde_json::Value as Json;

use super::values::same;

/// The lines of the difference. With `at_least`, what came besides is no difference.
pub(super) fn difference(expected: &Json, came: &Json, at_least: bool) -> Vec<String> {
    let mut lines = Lines {
        at_least,
        lines: Vec::new(),
    };
    lines.compare("", expected, came, 0, "");
    lines.lines
}

struct Lines {
    at_least: bool,
    lines: Vec<String>,
}

impl Lines {
    /// `label` stands before the value (`"key": `), `end` after it (a comma).
    fn compare(&mut self, label: &str, expected: &Json, came: &Json, depth: usize, end: &str) {
        match (expected, came) {
            (expected, came) if same(expected, came) => self.put(' ', label, came, depth, end),
            (Json::Object(expected), Json::Object(came)) => {
                self.line(' ', depth, format!("{label}{{"));
                let more = came.keys().filter(|key| !expected.contains_key(*key));
                let keys: Vec<&String> = expected.keys().chain(more).collect();
                for (index, key) in keys.iter().enumerate() {
                    let label = format!("{}: ", Json::from(key.as_str()));
                    let comma = if index + 1 < keys.len() { "," } else { "" };
                    self.member(&label, expected.get(*key), came.get(*key), depth + 1, comma);
                }
                self.line(' ', depth, format!("}}{end}"));
            }
            (Json::Array(expected), Json::Array(came)) => {
                self.line(' ', depth, format!("{label}["));
                let length = expected.len().max(came.len());
                for index in 0..length {
                    let comma = if index + 1 < length { "," } else { "" };
                    self.member("", expected.get(index), came.get(index), depth + 1, comma);
                }
                self.line(' ', depth, format!("]{end}"));
            }
            (expected, came) => {
                self.put('-', label, expected, depth, end);
                self.put('+', label, came, depth, end);
            }
        }
    }

    fn member(
        &mut self,
        label: &str,
        expected: Option<&Json>,
        came: Option<&Json>,
        depth: usize,
        end: &str,
    ) {
        match (expected, came) {
            (Some(expected), Some(came)) => self.compare(label, expected, came, depth, end),
            (Some(expected), None) => self.put('-', label, expected, depth, end),
            (None, Some(came)) => {
                let mark = if self.at_least { ' ' } else { '+' };
                self.put(mark, label, came, depth, end);
            }
            (None, None) => {}
        }
    }

    /// A whole value, every line of it with the same mark.
    fn put(&mut self, mark: char, label: &str, value: &Json, depth: usize, end: &str) {
        let pretty = serde_json::to_string_pretty(value).expect("JSON is JSON");
        for line in format!("{label}{pretty}{end}").lines() {
            self.line(mark, depth, line.to_owned());
        }
    }

    fn line(&mut self, mark: char, depth: usize, text: String) {
        let indent = "  ".repeat(depth);
        self.lines.push(format!("{mark} {indent}{text}"));
    }
}
