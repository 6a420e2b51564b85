//! Mistakes in the YAML: where, what is wrong, and what to write instead.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
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

/// So many mistakes are shown: more help nobody.
const MAX_SHOWN: usize = 100;
/// A sentence is cut here. It may repeat what was written, and that may be the size of a book.
const MAX_SENTENCE: usize = 4096;
/// A sentence that is longer than this is shown with shorter quotes.
const LONG_SENTENCE: usize = 400;
/// So much is shown of a long quote.
const MAX_QUOTE: usize = 60;

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
            message: brief(message.into()),
            help: None,
        }
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(brief(help.into()));
        self
    }
}

/// A sentence of a length that can be kept.
pub(super) fn brief(sentence: String) -> String {
    match sentence.len() > MAX_SENTENCE {
        true => format!("{}…", beginning(&sentence, MAX_SENTENCE)),
        false => sentence,
    }
}

/// At most so many bytes of a text, and no half characters.
pub(super) fn beginning(text: &str, max: usize) -> &str {
    let end = (0..=max.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or_default()]
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
    render_covered(file, source, mistakes, &|_| ())
}

/// The same, with what must not be seen covered in every excerpt.
pub(super) fn render_covered(
    file: &str,
    source: &str,
    mistakes: &[Diagnostic],
    cover: &dyn Fn(&mut Excerpt),
) -> String {
    let shown = &mistakes[..mistakes.len().min(MAX_SHOWN)];
    let wanted: BTreeSet<usize> = shown.iter().map(|mistake| mistake.span.line).collect();
    let last = wanted.last().copied().unwrap_or_default();
    let lines: HashMap<usize, &str> = (1..=last)
        .zip(source.lines())
        .filter(|(number, _)| wanted.contains(number))
        .collect();
    let mut out = String::new();
    for mistake in shown {
        let excerpt = lines.get(&mistake.span.line).map(|line| {
            let mut excerpt = Excerpt::around(mistake.span, line);
            cover(&mut excerpt);
            excerpt
        });
        render_one(file, excerpt, mistake, &mut out).expect("writing to a String cannot fail");
    }
    let more = mistakes.len() - shown.len();
    if more > 0 {
        writeln!(out, "… and {more} more\n").expect("writing to a String cannot fail");
    }
    out
}

fn render_one(
    file: &str,
    excerpt: Option<Excerpt>,
    mistake: &Diagnostic,
    out: &mut String,
) -> std::fmt::Result {
    let Diagnostic {
        span,
        message,
        help,
    } = mistake;
    let message = with_short_quotes(message);
    writeln!(out, "{file}:{}:{}: {message}", span.line, span.column)?;
    let number = span.line.to_string();
    let margin = " ".repeat(number.len());
    if let Some(Excerpt { column, text, .. }) = excerpt {
        let offset = (span.column - column).min(text.len());
        let indent = " ".repeat(offset);
        let room = text.len().saturating_sub(offset).max(1);
        let carets = "^".repeat(span.length.clamp(1, room));
        let shown = String::from_iter(text);
        writeln!(
            out,
            "{margin} |\n{number} | {shown}\n{margin} | {indent}{carets}"
        )?;
    }
    if let Some(help) = help {
        writeln!(out, "{margin} = help: {}", with_short_quotes(help))?;
    }
    writeln!(out)
}

/// A sentence that fits on a screen, whatever it repeats.
fn with_short_quotes(sentence: &str) -> Cow<'_, str> {
    if sentence.len() <= LONG_SENTENCE {
        return sentence.into();
    }
    let parts = sentence.split('`').enumerate().map(|(index, part)| {
        match index % 2 == 1 && part.len() > MAX_QUOTE {
            true => format!("{}…", beginning(part, MAX_QUOTE)).into(),
            false => Cow::from(part),
        }
    });
    parts.collect::<Vec<_>>().join("`").into()
}

/// What is shown of a line: all of it, or what is around a mistake where it is too long for a screen.
pub(super) struct Excerpt {
    pub(super) line: usize,
    /// Of its first character.
    pub(super) column: usize,
    pub(super) text: Vec<char>,
}

impl Excerpt {
    fn around(span: Span, line: &str) -> Self {
        const WIDTH: usize = 160;
        // Enough of it to know whether it is longer than a screen, and than where the mistake is.
        let needed = (span.column + WIDTH).max(WIDTH + 1);
        let length = line.chars().take(needed).count();
        let from = match length <= WIDTH {
            true => 0,
            false => (span.column - 1)
                .saturating_sub(WIDTH / 2)
                .min(length - WIDTH),
        };
        let shown = line.chars().skip(from).take(WIDTH);
        Self {
            line: span.line,
            column: from + 1,
            text: shown.map(|c| if c == '\t' { ' ' } else { c }).collect(),
        }
    }
}

/// The candidate that somebody most likely meant, if one is near enough.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let far =
        |distance: usize, candidate: &str| distance > (candidate.len().max(word.len()) / 3).max(1);
    candidates
        .into_iter()
        // Cheaper than to count the edits, and without a table as large as a word can be.
        .filter(|candidate| !far(letters_apart(&lower, candidate), candidate))
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, candidate)| !far(*distance, candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// At least so many edits lie between two words: one for each letter that one has more of than the
/// other. In small letters, as they are compared.
fn letters_apart(word: &str, candidate: &str) -> usize {
    // Letters that share a place only make the bound lower.
    const PLACES: usize = 32;
    let mut counts = [0i32; PLACES];
    for c in word.chars() {
        counts[c as usize % PLACES] += 1;
    }
    for c in candidate.chars().flat_map(char::to_lowercase) {
        counts[c as usize % PLACES] -= 1;
    }
    let (mut more, mut fewer) = (0, 0);
    for count in counts {
        more += count.max(0);
        fewer -= count.min(0);
    }
    more.max(fewer).unsigned_abs() as usize
}
