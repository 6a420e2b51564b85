//! Mistakes in the YAML: where, what is wrong, and what to write instead.

use std::fmt::Write;

/// A place in the file. Lines and columns count from 1, columns and length in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    pub line: usize,
    pub column: usize,
    pub length: usize,
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub span: Span,
    pub message: String,
    pub help: Option<String>,
}

impl Span {
    pub const START: Self = Self {
        line: 1,
        column: 1,
        length: 1,
    };

    pub fn new(line: usize, column: usize, length: usize) -> Self {
        Self {
            line,
            column,
            length,
        }
    }
}

impl Diagnostic {
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
            help: None,
        }
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Mistakes as a person reads them, with the offending lines.
///
/// ```text
/// services.yaml:14:27: `max` is below `min`
///    |
/// 14 |   value: { type: u8, min: 9, max: 3 }
///    |                                   ^
///    = help: swap the two bounds
/// ```
pub fn render(file: &str, source: &str, mistakes: &[Diagnostic]) -> String {
    let lines: Vec<&str> = source.lines().collect();
    let mut out = String::new();
    for mistake in mistakes {
        render_one(file, &lines, mistake, &mut out).expect("writing to a String cannot fail");
    }
    out
}

fn render_one(
    file: &str,
    lines: &[&str],
    mistake: &Diagnostic,
    out: &mut String,
) -> std::fmt::Result {
    let Diagnostic {
        span,
        message,
        help,
    } = mistake;
    writeln!(out, "{file}:{}:{}: {message}", span.line, span.column)?;
    let number = span.line.to_string();
    let margin = " ".repeat(number.len());
    if let Some(line) = span.line.checked_sub(1).and_then(|index| lines.get(index)) {
        let (shown, offset) = excerpt(line, span.column - 1);
        let indent = " ".repeat(offset);
        let room = shown.chars().count().saturating_sub(offset).max(1);
        let carets = "^".repeat(span.length.clamp(1, room));
        writeln!(
            out,
            "{margin} |\n{number} | {shown}\n{margin} | {indent}{carets}"
        )?;
    }
    if let Some(help) = help {
        writeln!(out, "{margin} = help: {help}")?;
    }
    writeln!(out)
}

/// The line, cut around the column where it is too long for a screen; and the column in what is left.
fn excerpt(line: &str, column: usize) -> (String, usize) {
    const WIDTH: usize = 160;
    let line = line.replace('\t', " ");
    let length = line.chars().count();
    if length <= WIDTH {
        return (line, column.min(length));
    }
    let from = column.saturating_sub(WIDTH / 2).min(length - WIDTH);
    let shown: String = line.chars().skip(from).take(WIDTH).collect();
    (shown, (column - from).min(WIDTH))
}

/// The candidate that somebody most likely meant, if one is near enough.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, candidate)| *distance <= (candidate.len().max(word.len()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
