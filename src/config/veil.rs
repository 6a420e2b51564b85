//! What must not be shown of a file: what is said of it ends up in logs and in reports of mistakes.
//!
//! Three things are secret: what stands behind a key that a plugin calls secret, what stands behind a
//! key that nobody knows (it may be the same key misspelt), and what came from the environment. The
//! tree says where they are, so no form of writing YAML gets past it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;

use super::diagnose::{Diagnostic, Span};
use super::read::{float, integer};
use super::tree::{Kind, NodeId, Style, Tree};

/// What is said of a text behind a key: that it is a secret, that it is none even within one, or
/// nothing.
pub type Secrecy<'a> = dyn Fn(&str, &str) -> Option<bool> + 'a;

/// In place of what is not shown in a sentence.
const WITHHELD: &str = "…";
/// A shorter text is found in sentences that have nothing to do with it.
const TELLING: usize = 4;
/// A longer file that cannot be read is not searched for keys.
const MAX_SEARCHED: usize = 1024 * 1024;
/// No key is longer.
const MAX_KEY: usize = 64;

/// A line and a column, both from 1.
type Position = (usize, usize);

/// Covers what is secret, in the file and in what is said of it.
#[derive(Default)]
pub struct Veil {
    everything: bool,
    covered: Vec<Range<Position>>,
    /// The texts that are secret, by their places.
    texts: HashMap<Span, Vec<(String, Why)>>,
}

impl Veil {
    /// Over a file that is not YAML: nobody can tell where in it a secret begins and ends.
    pub fn over_text(source: &str, secrecy: &Secrecy<'_>) -> Self {
        let mut words = source.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        let everything = source.len() > MAX_SEARCHED
            || words.any(|word| {
                !word.is_empty() && word.len() <= MAX_KEY && secrecy(word, source) == Some(true)
            });
        Self {
            everything,
            ..Self::default()
        }
    }

    /// Over a tree. `repeated` are the mistakes that were found while it was parsed, `others` those
    /// that were found after.
    pub fn over_tree(
        tree: &Tree,
        source: &str,
        secrecy: &Secrecy<'_>,
        repeated: &[Diagnostic],
        others: &[Diagnostic],
    ) -> Self {
        let mut walk = Walk {
            tree,
            secrecy,
            wrong: others.iter().map(|mistake| mistake.span).collect(),
            known: HashMap::new(),
            seen: HashSet::new(),
            hidden: BTreeMap::new(),
        };
        walk.all();
        // What stands behind a key that is there twice hangs on no branch, nor does that key.
        let repeated: HashSet<Span> = repeated.iter().map(|mistake| mistake.span).collect();
        let hidden: HashSet<&str> = walk.hidden.keys().map(|id| tree.text(*id)).collect();
        // Nor does a name in whose place stands what it stands for. From the environment it stays hidden.
        let named: HashSet<Span> = tree.added_scalars().collect();
        let is_name = |id: NodeId| {
            let written = |kind: &Kind| {
                !matches!(
                    kind,
                    Kind::Scalar {
                        style: Style::Substituted,
                        ..
                    }
                )
            };
            named.contains(&tree.span(id)) && written(&tree.node(id).kind)
        };
        let strays = tree.value_scalars().into_iter().filter(|id| {
            let is_key = || repeated.contains(&tree.span(*id)) && !hidden.contains(tree.text(*id));
            !walk.seen.contains(&(*id, None)) && !is_key() && !is_name(*id)
        });
        let strays: Vec<NodeId> = strays.collect();
        for id in strays {
            walk.hide(id, Why::Unknown);
        }
        let mut veil = Self {
            // A carriage return alone ends a line for YAML and for nobody else.
            everything: source.replace("\r\n", "").contains('\r'),
            ..Self::default()
        };
        let starts: BTreeSet<Position> = walk
            .seen
            .iter()
            .map(|(id, _)| *id)
            .chain(walk.hidden.keys().copied())
            .map(|id| start(tree.span(id)))
            .collect();
        let lines: Vec<&str> = source.lines().collect();
        for (id, why) in &walk.hidden {
            veil.hide(tree, *id, *why, &starts, &lines);
        }
        for id in walk.seen.iter().map(|(id, _)| id) {
            if let Kind::Scalar {
                text,
                style: Style::Substituted,
            } = &tree.node(*id).kind
            {
                veil.withhold(tree.span(*id), text, Why::Secret);
            }
        }
        veil
    }

    fn hide(
        &mut self,
        tree: &Tree,
        id: NodeId,
        why: Why,
        starts: &BTreeSet<Position>,
        lines: &[&str],
    ) {
        let (span, text) = (tree.span(id), tree.text(id));
        if text.is_empty() {
            return;
        }
        self.withhold(span, text, why);
        let (line, column) = start(span);
        let written = lines
            .get(line - 1)
            .map(|line| line.chars().skip(column - 1).take(span.length).collect());
        if written.is_some_and(|written: String| is_reference(&written)) {
            return;
        }
        // The length of what goes over several lines is not known: it ends before the next begins.
        let is_whole = span.length > 1 || text.chars().count() < 2;
        let end = match is_whole {
            true => (line, column + span.length),
            false => starts
                .range((line, column + 1)..)
                .next()
                .copied()
                .unwrap_or((usize::MAX, 1)),
        };
        self.covered.push((line, column)..end);
    }

    fn withhold(&mut self, span: Span, text: &str, why: Why) {
        if !text.is_empty() {
            let texts = self.texts.entry(span).or_default();
            texts.push((text.to_ascii_lowercase(), why));
        }
    }

    /// The file with stars in place of what is secret.
    pub fn cover(&self, source: &str) -> String {
        if self.everything {
            let keep = |c: char| c.is_whitespace() || "-:,[]{}#&*!|>'\"".contains(c);
            return source
                .chars()
                .map(|c| if keep(c) { c } else { '*' })
                .collect();
        }
        let mut lines: Vec<Vec<char>> = source
            .split('\n')
            .map(|line| line.chars().collect())
            .collect();
        for range in &self.covered {
            let last = range.end.0.min(lines.len());
            for number in range.start.0..=last {
                let line = &mut lines[number - 1];
                let from = if number == range.start.0 {
                    range.start.1 - 1
                } else {
                    0
                };
                let to = if number == range.end.0 {
                    range.end.1 - 1
                } else {
                    line.len()
                };
                let to = to.min(line.len());
                for c in &mut line[from.min(to)..to] {
                    if !c.is_whitespace() {
                        *c = '*';
                    }
                }
            }
        }
        let lines: Vec<String> = lines.into_iter().map(String::from_iter).collect();
        lines.join("\n")
    }

    /// The same mistake without what is secret.
    pub fn quiet(&self, mut mistake: Diagnostic) -> Diagnostic {
        for (text, _) in self.texts.get(&mistake.span).into_iter().flatten() {
            mistake.message = without_quotes_of(&mistake.message, text);
            if integer(text).is_some() || float(text).is_some() {
                mistake.message = without_numbers(&mistake.message);
            }
            mistake.help = mistake.help.filter(|help| {
                text.len() < 2 || !help.to_ascii_lowercase().contains(text.as_str())
            });
        }
        let telling = self.texts.values().flatten();
        for (text, _) in telling.filter(|(text, why)| text.len() >= TELLING && *why == Why::Secret)
        {
            mistake.message = without_words_of(&mistake.message, text);
        }
        mistake
    }
}

/// Why something is hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Why {
    /// It may be a secret.
    Unknown,
    Secret,
}

/// One way through the tree.
struct Walk<'a> {
    tree: &'a Tree,
    secrecy: &'a Secrecy<'a>,
    /// Where there is a mistake: at a key it means that nobody knows the key.
    wrong: HashSet<Span>,
    /// What is said of whatever stands behind a key.
    known: HashMap<&'a str, Option<bool>>,
    /// Where it has been, and whether that was to be hidden.
    seen: HashSet<(NodeId, Option<Why>)>,
    hidden: BTreeMap<NodeId, Why>,
}

impl Walk<'_> {
    fn all(&mut self) {
        // Not recursive: with aliases there is no bound to the depth.
        let mut waiting = vec![(self.tree.root(), "", None)];
        while let Some((id, key, hidden)) = waiting.pop() {
            let tree = self.tree;
            let is_new = self.seen.insert((id, hidden));
            // Whatever has been seen is found again without asking how.
            self.seen.insert((id, None));
            match &tree.node(id).kind {
                Kind::Scalar { text, .. } => {
                    let is_secret = (self.secrecy)(key, text) == Some(true);
                    if let Some(why) = hidden.max(is_secret.then_some(Why::Secret)) {
                        self.hide(id, why);
                    }
                }
                _ if !is_new => {}
                Kind::Sequence(items) => {
                    waiting.extend(items.iter().map(|item| (*item, key, hidden)));
                }
                Kind::Mapping(entries) => {
                    for (key, value) in entries {
                        let word = tree.text(*key);
                        let secrecy = self.secrecy;
                        let said = *self.known.entry(word).or_insert_with(|| secrecy(word, ""));
                        let behind = match said {
                            Some(true) => Some(Why::Secret),
                            Some(false) => None,
                            None if self.wrong.contains(&tree.span(*key))
                                && !tree.is_added(*key) =>
                            {
                                hidden.max(Some(Why::Unknown))
                            }
                            None => hidden,
                        };
                        self.seen.insert((*key, None));
                        if let (Some(why), None) = (hidden, said) {
                            self.hide(*key, why);
                        }
                        waiting.push((*value, word, behind));
                    }
                }
            }
        }
    }

    fn hide(&mut self, id: NodeId, why: Why) {
        let known = self.hidden.entry(id).or_insert(why);
        *known = why.max(*known);
    }
}

fn start(span: Span) -> Position {
    (span.line, span.column)
}

/// Whether it is the name of a variable and nothing else, which anybody may see.
fn is_reference(written: &str) -> bool {
    let written = written.trim_matches(['"', '\'']);
    written
        .strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'))
        .is_some_and(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}

/// The sentence without what it quotes of a text (or the text itself).
fn without_quotes_of(sentence: &str, text: &str) -> String {
    let parts = sentence.split('`').enumerate().map(|(index, part)| {
        let lower = part.to_ascii_lowercase();
        let is_quoted = index % 2 == 1 && !part.is_empty();
        match is_quoted && (text.contains(&lower) || lower.contains(text)) {
            true => WITHHELD,
            false => part,
        }
    });
    parts.collect::<Vec<_>>().join("`")
}

fn without_numbers(sentence: &str) -> String {
    let mut out = String::new();
    let mut is_number = false;
    for c in sentence.chars() {
        if c.is_ascii_digit() {
            if !is_number {
                out.push_str(WITHHELD);
            }
            is_number = true;
        } else {
            is_number = false;
            out.push(c);
        }
    }
    out
}

/// The sentence without the words that hold a text.
fn without_words_of(sentence: &str, text: &str) -> String {
    let lower = sentence.to_ascii_lowercase();
    let is_inside = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let mut out = String::new();
    let mut from = 0;
    while let Some(found) = lower[from..].find(text) {
        let end = from + found + text.len();
        let kept = sentence[from..from + found].trim_end_matches(|c| is_inside(&c));
        out.push_str(kept);
        out.push_str(WITHHELD);
        let rest = &sentence[end..];
        from = end + (rest.len() - rest.trim_start_matches(|c| is_inside(&c)).len());
    }
    out.push_str(&sentence[from..]);
    out
}
