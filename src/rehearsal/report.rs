//! What a person reads when a test fails.

use std::time::Duration;

use serde_json::Value as Json;

use super::came::{Came, What};
use super::difference::difference;
use super::story::{Expected, Payload, Story, Test};
use super::values::{hex, shown};
use crate::codec::document::render as render_json;
use crate::config::{Diagnostic, Span, render};
use crate::gatt::server::Subscribed;
use crate::plugin::stage::Published;

/// How much of what came is shown; the rest is counted.
const SHOWN_MAX: usize = 20;
/// How much of one payload is shown beside others.
const PAYLOAD_MAX: usize = 400;

/// Why a test has failed, and at which step.
#[derive(Clone, Debug)]
pub(super) struct Failed {
    at: Span,
    title: String,
    lines: Vec<String>,
}

impl Failed {
    pub(super) fn new(at: Span, title: impl Into<String>) -> Self {
        Self {
            at,
            title: title.into(),
            lines: Vec::new(),
        }
    }

    pub(super) fn lines(mut self, lines: Vec<String>) -> Self {
        self.lines.extend(lines);
        self
    }

    /// As it is printed: the test, the line, and below it what is wrong.
    pub(super) fn render(&self, story: &Story, test: &Test) -> String {
        let mistake = Diagnostic::new(self.at, self.title.clone());
        let place = render(&story.path.display().to_string(), &story.source, &[mistake]);
        let margin = " ".repeat(self.at.line.to_string().len() + 3);
        let mut out = format!("FAILED: {}\n{}\n", test.name, place.trim_end());
        for line in &self.lines {
            out.push_str(format!("{margin}{line}").trim_end());
            out.push('\n');
        }
        out
    }
}

/// What is wrong with a message that was published.
pub(super) fn publish(
    expected: &Expected,
    came: &Published,
    at: Duration,
    payload_is_right: bool,
) -> Vec<String> {
    let mut lines = Vec::new();
    if let (Some(payload), false) = (&expected.payload, payload_is_right) {
        lines.extend(payloads(payload, &came.payload));
    }
    if let Some(qos) = expected.qos.filter(|qos| *qos != came.qos) {
        lines.push(format!("expected  QoS {qos}"));
        lines.push(format!("came      QoS {}", came.qos));
    }
    if let Some(retain) = expected.retain.filter(|retain| *retain != came.retain) {
        lines.push(format!("expected  {}", retained(retain)));
        lines.push(format!("came      {}", retained(came.retain)));
    }
    lines.push(format!("it came at {}", time(at)));
    lines
}

fn payloads(expected: &Payload, came: &[u8]) -> Vec<String> {
    let (json, at_least) = match expected {
        Payload::Json(json) => (json, false),
        Payload::AtLeast(json) => (json, true),
        Payload::Bytes(bytes) => {
            return vec![
                format!("expected  {}", text(bytes)),
                format!("came      {}", text(came)),
            ];
        }
    };
    match serde_json::from_slice::<Json>(came) {
        Ok(came) => marked(json, &came, at_least),
        Err(problem) => [
            format!("expected  {}", render_json(json)),
            format!("came      {}", text(came)),
        ]
        .into_iter()
        // Of nothing there is no more to say.
        .chain((!came.is_empty()).then(|| format!("which is no JSON: {problem}")))
        .collect(),
    }
}

/// The difference of two pieces of JSON, with what the marks mean.
pub(super) fn marked(expected: &Json, came: &Json, at_least: bool) -> Vec<String> {
    let legend = if at_least {
        "- expected at least, + came:"
    } else {
        "- expected, + came:"
    };
    let mut lines = vec![legend.to_owned()];
    let difference = difference(expected, came, at_least);
    lines.extend(difference.iter().map(|line| format!("  {line}")));
    lines
}

/// What came in place of what was expected.
pub(super) fn instead(story: &Story, came: &[Came]) -> Vec<String> {
    list(story, came, "what came instead, in its order:")
}

/// What came besides what was looked at.
pub(super) fn besides(story: &Story, came: &[Came]) -> Vec<String> {
    if came.is_empty() {
        return Vec::new();
    }
    list(
        story,
        came,
        "what else came and is not expected yet, in its order:",
    )
}

/// Everything that came.
pub(super) fn came(story: &Story, came: &[Came]) -> Vec<String> {
    list(story, came, "what came, in its order:")
}

fn list(story: &Story, came: &[Came], heading: &str) -> Vec<String> {
    if came.is_empty() {
        return vec!["nothing else came".to_owned()];
    }
    let mut lines = vec![heading.to_owned()];
    for came in came.iter().take(SHOWN_MAX) {
        let what = match &came.what {
            What::Published(published) => message(published),
            What::Notified {
                central,
                characteristic,
                octets,
                by,
            } => {
                let known = &story.characteristics[*characteristic];
                format!(
                    "{} heard of `{}` by {}: {}",
                    story.centrals[*central],
                    known.name,
                    self::by(*by),
                    shown(&known.told, octets)
                )
            }
        };
        lines.push(format!("  {:>9}  {what}", time(came.at)));
    }
    if came.len() > SHOWN_MAX {
        lines.push(format!("  and {} more", came.len() - SHOWN_MAX));
    }
    lines
}

fn message(published: &Published) -> String {
    let by = if published.is_will {
        "the broker, as the will, published"
    } else {
        "published"
    };
    format!(
        "{by} {}: {} (QoS {}, {})",
        published.topic,
        text(&published.payload),
        published.qos,
        retained(published.retain)
    )
}

/// A payload as text if it can be read, else in hexadecimal.
fn text(payload: &[u8]) -> String {
    match std::str::from_utf8(payload) {
        Ok("") => "an empty payload".to_owned(),
        Ok(text) if text.chars().all(|c| !c.is_control()) => {
            let shown: String = text.chars().take(PAYLOAD_MAX).collect();
            let rest = if shown.len() < text.len() { "…" } else { "" };
            format!("{shown}{rest}")
        }
        _ => {
            let shown = &payload[..payload.len().min(PAYLOAD_MAX / 3)];
            let rest = if shown.len() < payload.len() {
                " …"
            } else {
                ""
            };
            format!("the bytes {}{rest}", hex(shown))
        }
    }
}

fn retained(retain: bool) -> &'static str {
    if retain { "retained" } else { "not retained" }
}

pub(super) fn by(by: Subscribed) -> &'static str {
    match by {
        Subscribed::Notify => "notification",
        Subscribed::Indicate => "indication",
    }
}

/// The time since the start of the process.
pub(super) fn time(at: Duration) -> String {
    format!("{:.3} s", at.as_secs_f64())
}
