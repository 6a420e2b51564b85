//! Pure: what is counted, as text that Prometheus reads (exposition format 0.0.4).
//!
//! Labels are bounded by the configuration: the section of a link, the name of a value, a cause. No address
//! of a central and no topic is among them.

use std::fmt::Write;
use std::time::SystemTime;

use crate::codec::Cause;
use crate::plugin::{Counters, Health, LinkCounters, State};

mod histogram;

pub use histogram::{BUCKETS, Histogram, Observations};

/// What the text has for its `Content-Type`.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All that is told.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub health: Health,
    pub values: Vec<ValueCounts>,
    /// What was refused before it was clear which value is meant: by link and cause.
    pub refused: Vec<(&'static str, Cause, u64)>,
    pub times: Vec<LinkTimes>,
    /// What has come of an event and could not be counted, because too much did.
    pub lost: u64,
}

/// What is counted of one value.
#[derive(Clone, Debug)]
pub struct ValueCounts {
    /// Its name, which no other has.
    pub name: String,
    pub changed_at: SystemTime,
    pub is_known: bool,
    pub is_pending: bool,
    pub subscribers: usize,
    pub counters: Counters,
}

/// How long things took at one link.
#[derive(Clone, Debug)]
pub struct LinkTimes {
    pub section: &'static str,
    /// From a write by a central to its response.
    pub writes: Observations,
    /// From the acceptance of a change to its delivery.
    pub deliveries: Observations,
}

/// The whole text.
pub fn render(snapshot: &Snapshot) -> String {
    let mut text = Text::default();
    about_the_process(&mut text, snapshot);
    about_links(&mut text, snapshot);
    about_values(&mut text, snapshot);
    about_times(&mut text, snapshot);
    text.0
}

fn about_the_process(text: &mut Text, snapshot: &Snapshot) {
    text.gauge("build_info", "The version of the program; always 1.");
    text.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    text.gauge(
        "start_time_seconds",
        "When the process began, in Unix time.",
    );
    text.sample(&[], unix(snapshot.health.began));
    text.gauge("centrals", "Centrals that are connected, real or virtual.");
    text.sample(&[], snapshot.health.centrals.len());
    text.counter(
        "outcomes_lost_total",
        "What was not counted because too much came of one event.",
    );
    text.sample(&[], snapshot.lost);
}

fn about_links(text: &mut Text, snapshot: &Snapshot) {
    let links = &snapshot.health.links;
    text.gauge(
        "link_up",
        "1 if the link does what it is there for, 0 if it is starting, waiting or down.",
    );
    for link in links {
        let is_up = link.state == State::Up;
        text.sample(&[("link", link.section)], u8::from(is_up));
    }
    text.gauge(
        "link_since_timestamp_seconds",
        "When the link came into the state that it is in, in Unix time.",
    );
    for link in links {
        let labels = [("link", link.section), ("state", link.state.word())];
        text.sample(&labels, unix(link.since));
    }
    text.counter(
        "link_failures_total",
        "How often the link has failed and was run again.",
    );
    for link in links {
        text.sample(&[("link", link.section)], link.failures);
    }
}

/// A family that is read from something: its name, its help, and what it says.
type Family<T, N> = (&'static str, &'static str, fn(&T) -> N);

const OF_VALUES: [Family<ValueCounts, f64>; 4] = [
    ("value_known", "1 if the value is known.", |value| {
        f64::from(u8::from(value.is_known))
    }),
    (
        "value_changed_timestamp_seconds",
        "When the value last became another, in Unix time.",
        |value| unix(value.changed_at),
    ),
    (
        "value_pending",
        "1 if a remote owner has yet to confirm what it was asked for.",
        |value| f64::from(u8::from(value.is_pending)),
    ),
    (
        "subscriptions",
        "Centrals that hear of the value.",
        |value| value.subscribers as f64,
    ),
];

const OF_VALUES_AT_LINKS: [Family<LinkCounters, u64>; 6] = [
    (
        "changes_total",
        "Requests and reports that made the value another, by the link on which they came.",
        |it| it.changed,
    ),
    (
        "unchanged_total",
        "Requests and reports that left the value as it was, by the link on which they came.",
        |it| it.unchanged,
    ),
    (
        "deliveries_total",
        "What went out by the link and has arrived.",
        |it| it.delivered,
    ),
    (
        "not_kept_total",
        "What the link could not keep, and tried again.",
        |it| it.not_kept,
    ),
    (
        "events_dropped_total",
        "Events that gave way to newer ones because the queue to the link was full.",
        |it| it.gave_way,
    ),
    (
        "events_expired_total",
        "Events that waited for the link for longer than they are worth telling.",
        |it| it.expired,
    ),
];

const OF_REQUESTS: [Family<Counters, u64>; 4] = [
    (
        "requests_confirmed_total",
        "Requests that the remote owner has confirmed.",
        |it| it.confirmed,
    ),
    (
        "requests_taken_back_total",
        "Requests that the remote owner has not confirmed in time.",
        |it| it.taken_back,
    ),
    (
        "writes_answered_total",
        "Writes that were answered in another value.",
        |it| it.answered,
    ),
    (
        "writes_unanswered_total",
        "Writes that nobody has answered in time.",
        |it| it.unanswered,
    ),
];

fn about_values(text: &mut Text, snapshot: &Snapshot) {
    let values = &snapshot.values;
    for (name, help, of) in OF_VALUES {
        text.gauge(name, help);
        for value in values {
            text.sample(&[("value", &value.name)], of(value));
        }
    }
    for (name, help, of) in OF_VALUES_AT_LINKS {
        text.counter(name, help);
        for value in values {
            for (link, counters) in &value.counters.by_link {
                text.sample(&[("link", link), ("value", &value.name)], of(counters));
            }
        }
    }
    for (name, help, of) in OF_REQUESTS {
        text.counter(name, help);
        for value in values {
            text.sample(&[("value", &value.name)], of(&value.counters));
        }
    }
    text.counter(
        "rejections_total",
        "What was refused, by the link on which it came and the kind of mistake; without a value where it \
         was not clear which one is meant.",
    );
    let unclear = snapshot.refused.iter().map(|refused| ("", refused));
    let clear = values.iter().flat_map(|value| {
        let refused = value.counters.refused.iter();
        refused.map(|refused| (&*value.name, refused))
    });
    for (value, &(link, cause, count)) in unclear.chain(clear) {
        let cause = snake(cause);
        let labels = [("link", link), ("value", value), ("cause", &cause)];
        text.sample(&labels, count);
    }
}

fn about_times(text: &mut Text, snapshot: &Snapshot) {
    text.family(
        "att_write_seconds",
        "From a write by a central that was accepted to its response, with all that this promises.",
        "histogram",
    );
    // Most links have no centrals.
    let writes = snapshot.times.iter().filter(|it| it.writes.count() > 0);
    for times in writes {
        text.histogram(times.section, &times.writes);
    }
    text.family(
        "delivery_seconds",
        "From the acceptance of a change to its arrival where the link sends it.",
        "histogram",
    );
    for times in &snapshot.times {
        text.histogram(times.section, &times.deliveries);
    }
}

/// The text, and the name of the family whose samples come next.
#[derive(Default)]
struct Text(String, &'static str);

impl Text {
    fn gauge(&mut self, name: &'static str, help: &str) {
        self.family(name, help, "gauge");
    }

    fn counter(&mut self, name: &'static str, help: &str) {
        self.family(name, help, "counter");
    }

    fn family(&mut self, name: &'static str, help: &str, kind: &str) {
        self.1 = name;
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "# HELP bemo_sync_{name} {help}");
        let _ = writeln!(self.0, "# TYPE bemo_sync_{name} {kind}");
    }

    fn sample(&mut self, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.line("", labels, value);
    }

    fn line(&mut self, suffix: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let _ = write!(self.0, "bemo_sync_{}{suffix}", self.1);
        for (index, (name, text)) in labels.iter().enumerate() {
            let before = if index == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{before}{name}=\"{}\"", escaped(text));
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{end} {value}");
    }

    fn histogram(&mut self, link: &str, observed: &Observations) {
        let mut below = 0;
        for (limit, count) in BUCKETS.iter().zip(&observed.counts) {
            below += count;
            let limit = limit.as_secs_f64().to_string();
            self.line("_bucket", &[("link", link), ("le", &limit)], below);
        }
        let count = observed.count();
        self.line("_bucket", &[("link", link), ("le", "+Inf")], count);
        self.line("_sum", &[("link", link)], observed.sum.as_secs_f64());
        self.line("_count", &[("link", link)], count);
    }
}

/// Seconds since 1970-01-01; to the millisecond, for it is worked out anew each time.
fn unix(at: SystemTime) -> f64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH);
    let since = since.unwrap_or_default();
    (since.as_secs_f64() * 1e3).round() / 1e3
}

/// As a label's value has to be written.
fn escaped(text: &str) -> String {
    text.replace('\\', r"\\")
        .replace('"', "\\\"")
        .replace('\n', r"\n")
}

/// `OutOfRange` as `out_of_range`.
fn snake(cause: Cause) -> String {
    let mut out = String::new();
    for letter in format!("{cause:?}").chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}
