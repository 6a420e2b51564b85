//! The figures as tables, between two lines of a page that is written by hand besides.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::Result;
use crate::contender::Contender::{self, *};
use crate::figures::Figures;
use crate::goals::{Against, GOALS, Limit};

/// Puts a text between the lines `<!-- NAME: begin -->` and `<!-- NAME: end -->`.
pub fn put(page: &Path, name: &str, text: &str) -> Result<()> {
    let whole = fs::read_to_string(page)?;
    let (begin, end) = (
        format!("<!-- {name}: begin -->\n"),
        format!("<!-- {name}: end -->"),
    );
    let (before, rest) = whole
        .split_once(&begin)
        .ok_or_else(|| format!("no line {begin:?}"))?;
    let (_, after) = rest
        .split_once(&end)
        .ok_or_else(|| format!("no line {end:?}"))?;
    Ok(fs::write(
        page,
        format!("{before}{begin}\n{text}\n{end}{after}"),
    )?)
}

/// Every goal with what came of it on each air.
pub fn goals(airs: &[(&str, &Figures)]) -> String {
    let mut text = String::from("| | against | goal |");
    for (name, _) in airs {
        let _ = write!(text, " {name} | met |");
    }
    text.push_str("\n|---|---|---|");
    text.push_str(&"--:|---|".repeat(airs.len()));
    text.push('\n');
    for goal in GOALS {
        let (sign, limit) = match goal.limit {
            Limit::AtMost(limit) => ("≤", limit),
            Limit::AtLeast(limit) => ("≥", limit),
        };
        let unit = match goal.against {
            Against::Nothing(unit) => unit,
            Against::Contender(_) | Against::Own(_) => "×",
        };
        let _ = write!(
            text,
            "| {} | {} | {sign} {limit} {unit} |",
            goal.what,
            goal.against()
        );
        for (_, figures) in airs {
            let _ = match goal.outcome(figures) {
                Some(outcome) => {
                    let met = if goal.is_met(outcome) {
                        "yes"
                    } else {
                        "**no**"
                    };
                    write!(text, " {} | {met} |", short(outcome))
                }
                None => write!(text, " – | |"),
            };
        }
        text.push('\n');
    }
    text
}

struct Row {
    what: &'static str,
    quantity: &'static str,
    unit: &'static str,
}

const fn row(what: &'static str, quantity: &'static str, unit: &'static str) -> Row {
    Row {
        what,
        quantity,
        unit,
    }
}

const COLUMNS: [(&str, Contender); 8] = [
    ("(a)", Bridge),
    ("(a) callback", Callback),
    ("(a) every", BridgeEvery),
    ("(b)", Python),
    ("(c)", Bemo),
    ("(c) every", BemoEvery),
    ("(c) bare", BemoBare),
    ("(d)", BemoMany),
];

const ROWS: &[Row] = &[
    row("write request → response, p50", "write p50", "µs"),
    row("write request → response, p99", "write p99", "µs"),
    row("CPU per write", "cpu per write", "µs"),
    row("publish → notification, p50", "update p50", "µs"),
    row("publish → notification, p99", "update p99", "µs"),
    row("… passed over, of all in a round", "update passed over", ""),
    row("CPU per update", "cpu per update", "µs"),
    row("wake-ups per update", "wakeups per update", ""),
    row("burst: the broker has taken it in", "burst published", "ms"),
    row(
        "burst: newest on the air after the last publish",
        "burst newest",
        "ms",
    ),
    row("burst: notifications", "burst notified", ""),
    row("burst: CPU per value", "burst cpu", "µs"),
    row("every value: per second", "every rate", ""),
    row("RSS at rest", "rss at rest", "KiB"),
    row("PSS at rest", "pss at rest", "KiB"),
    row("RSS after", "rss after", "KiB"),
    row("PSS after", "pss after", "KiB"),
    row("start to advertising", "start", "ms"),
    row("… less waiting for bluetoothd", "start own", "ms"),
    row("… to the services registered", "start registered", "ms"),
    row("… of that, bluetoothd itself", "start bluez", "ms"),
    row("… of that, listing the objects", "start listing", "ms"),
    row("characteristics", "start characteristics", ""),
];

/// Every contender with its medians.
pub fn figures(figures: &Figures) -> String {
    let mut text = String::from("| |");
    for (name, _) in COLUMNS {
        let _ = write!(text, " {name} |");
    }
    text.push_str("\n|---|");
    text.push_str(&"--:|".repeat(COLUMNS.len()));
    text.push('\n');
    for Row {
        what,
        quantity,
        unit,
    } in ROWS
    {
        let comma = if unit.is_empty() { "" } else { ", " };
        let _ = write!(text, "| {what}{comma}{unit} |");
        for (_, contender) in COLUMNS {
            let never =
                *quantity == "burst newest" && figures.sum(contender, "burst not there") > 0.0;
            let _ = match figures.median(contender, quantity) {
                _ if never => write!(text, " not there |"),
                Some(figure) => write!(text, " {} |", short(figure)),
                None => write!(text, " |"),
            };
        }
        text.push('\n');
    }
    text
}

/// Three digits that count.
pub fn short(figure: f64) -> String {
    let decimals = match figure.abs() {
        ..0.1 => 4,
        ..1.0 => 3,
        ..10.0 => 2,
        ..100.0 => 1,
        _ => 0,
    };
    let text = format!("{figure:.decimals$}");
    match decimals {
        0 => grouped(&text),
        _ => text,
    }
}

fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What it was measured with, in words.
pub fn about(name: &str, figures: &Figures) -> String {
    let mut text = format!("{name}: ");
    let known = figures.about.iter();
    let known: Vec<_> = known
        .map(|(what, value)| format!("{what} {value}"))
        .collect();
    text.push_str(&known.join("; "));
    let samples: Vec<_> = [("write samples", "writes"), ("update samples", "updates")]
        .into_iter()
        .map(|(quantity, word)| format!("{} {word}", figures.sum(Bemo, quantity)))
        .collect();
    let _ = write!(text, "; samples of each contender: {}.", samples.join(", "));
    text
}
