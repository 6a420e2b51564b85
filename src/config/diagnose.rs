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

/// All mistakes as a person reads them, in the order of the file, with the offending lines.
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
    let mut sorted: Vec<&Diagnostic> = mistakes.iter().collect();
    sorted.sort_by_key(|mistake| mistake.span);
    sorted.dedup();
    let mut out = String::new();
    for mistake in sorted {
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
        let (shown, offset) = excerpt(&masked(line), span.column - 1);
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

/// The line with stars in place of a password: what is said of a configuration ends up in logs.
fn masked(line: &str) -> String {
    let mut line: Vec<char> = line.chars().collect();
    let text: String = line.iter().map(char::to_ascii_lowercase).collect();
    let mut secrets = Vec::new();
    for (at, key) in text.match_indices("password") {
        let from = text[..at + key.len()].chars().count();
        let rest: String = text.chars().skip(from).collect();
        let block = text[..at].trim_matches([' ', '\'', '"', '-']).is_empty();
        let ends: &[char] = if block { &[] } else { &[',', '}'] };
        if let Some(secret) = scalar_after_colon(&rest, ends) {
            secrets.push(from + secret.start..from + secret.end);
        }
    }
    if let Some((before, rest)) = text.split_once("://")
        && let Some((secret, _)) = rest.split_once('@')
    {
        let from = before.chars().count() + 3;
        secrets.push(from..from + secret.chars().count());
    }
    for index in secrets.into_iter().flatten() {
        line[index] = '*';
    }
    line.into_iter().collect()
}

/// Where the scalar is in `: scalar`, in characters; without quotes it goes up to one of `ends`. None
/// if there is none, or if it is only the name of a variable or a mapping.
fn scalar_after_colon(rest: &str, ends: &[char]) -> Option<std::ops::Range<usize>> {
    let value = rest.trim_start_matches(['"', '\'']);
    let value = value.trim_start().strip_prefix(':')?.trim_start();
    let start = rest.chars().count() - value.chars().count();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let length = match quote {
        Some(quote) => value.chars().skip(1).take_while(|c| *c != quote).count() + 2,
        None if value.starts_with(['{', '$', '#']) => return None,
        None => value.chars().take_while(|c| !ends.contains(c)).count(),
    };
    Some(start..start + length.min(value.chars().count()))
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
