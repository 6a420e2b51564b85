//! What must not be shown of a file: what is said of it ends up in logs and in reports of mistakes.
//!
//! Three things are secret: what stands behind a key that a plugin calls secret, what stands behind a
//! key that nobody knows (it may be the same key misspelt), and what came from the environment. The
//! tree says where they are, so no form of writing YAML gets past it.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;

use super::diagnose::{Diagnostic, Excerpt, Span, beginning};
use super::read::{float, integer};
use super::tree::{Kind, NodeId, Style, Tree};

/// What is said of a text behind a key: that it is a secret, that it is none even within one, or
/// nothing.
pub type Secrecy<'a> = dyn Fn(&str, &str) -> Option<bool> + 'a;

/// In place of what is not shown in a sentence.
const WITHHELD: &str = "…";
/// A shorter text is found in sentences that have nothing to do with it.
const TELLING: usize = 4;
/// Of a longer text the beginning is looked for: the end may have been cut off.
const LONG: usize = 256;
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
    /// Those that are looked for in everything that is said.
    telling: BTreeSet<String>,
}

impl Veil {
    /// Over a file that is not YAML: nobody can tell where in it a secret begins and ends.
    pub fn over_text(source: &str, secrecy: &Secrecy<'_>) -> Self {
        let is_key = |word: &&str| !word.is_empty() && word.len() <= MAX_KEY;
        let everything = source.len() > MAX_SEARCHED || {
            let words = source.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            let mut words = words.filter(is_key).collect::<HashSet<_>>().into_iter();
            words.any(|word| secrecy(word, source) == Some(true))
        };
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
        let mut starts: Vec<Position> = walk
            .seen
            .iter()
            .map(|(id, _)| *id)
            .chain(walk.hidden.keys().copied())
            .map(|id| start(tree.span(id)))
            .collect();
        starts.sort_unstable();
        for (id, why) in &walk.hidden {
            veil.hide(tree, *id, *why, &starts);
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

    /// `starts` are the places of everything, in their order.
    fn hide(&mut self, tree: &Tree, id: NodeId, why: Why, starts: &[Position]) {
        let (span, text) = (tree.span(id), tree.text(id));
        if text.is_empty() {
            return;
        }
        self.withhold(span, text, why);
        let (line, column) = start(span);
        // The length of what goes over several lines is not known: it ends before the next begins.
        let is_whole = span.length > 1 || text.chars().nth(1).is_none();
        let end = match is_whole {
            true => (line, column + span.length),
            false => {
                let next = starts.partition_point(|place| *place <= (line, column));
                starts.get(next).copied().unwrap_or((usize::MAX, 1))
            }
        };
        self.covered.push((line, column)..end);
    }

    fn withhold(&mut self, span: Span, text: &str, why: Why) {
        if text.is_empty() {
            return;
        }
        let text = text.to_ascii_lowercase();
        if text.len() >= TELLING && why == Why::Secret {
            self.telling.insert(text.clone());
        }
        self.texts.entry(span).or_default().push((text, why));
    }

    /// Puts stars in place of what is secret.
    pub fn cover(&self, Excerpt { line, column, text }: &mut Excerpt) {
        if self.everything {
            let keep = |c: char| c.is_whitespace() || "-:,[]{}#&*!|>'\"".contains(c);
            text.iter_mut()
                .filter(|c| !keep(**c))
                .for_each(|c| *c = '*');
            return;
        }
        let (first, end) = ((*line, *column), (*line, *column + text.len()));
        for range in &self.covered {
            if range.end <= first || range.start >= end {
                continue;
            }
            let index = |place: Position| match place.0.cmp(line) {
                Ordering::Less => 0,
                Ordering::Equal => place.1.saturating_sub(*column).min(text.len()),
                Ordering::Greater => text.len(),
            };
            let (from, to) = (index(range.start), index(range.end));
            let covered = &mut text[from..to];
            if range.start < first || !is_reference(&String::from_iter(&*covered)) {
                covered
                    .iter_mut()
                    .filter(|c| !c.is_whitespace())
                    .for_each(|c| *c = '*');
            }
        }
    }

    /// The same mistake without what is secret.
    pub fn quiet(&self, mut mistake: Diagnostic) -> Diagnostic {
        for (text, _) in self.texts.get(&mistake.span).into_iter().flatten() {
            mistake.message = without_quotes_of(&mistake.message, text);
            if integer(text).is_some() || float(text).is_some() {
                mistake.message = without_numbers(&mistake.message);
            }
            mistake.help = mistake.help.filter(|help| {
                text.len() < 2 || !help.to_ascii_lowercase().contains(beginning(text, LONG))
            });
        }
        let mut lower = mistake.message.to_ascii_lowercase();
        for text in &self.telling {
            if lower.contains(beginning(text, LONG)) {
                mistake.message = without_words_of(&mistake.message, text);
                lower = mistake.message.to_ascii_lowercase();
            }
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
        waiting.extend(self.tree.aside().iter().map(|id| (*id, "", None)));
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
        // The end of a long sentence has been cut off, be it in the middle of a quote.
        let within = text.contains(lower.trim_end_matches('…'));
        match is_quoted && (within || lower.contains(beginning(text, LONG))) {
            true => WITHHELD,
            false => part,
        }
    });
    parts.collect::<Vec<_>>().join("`")
}

pub(super) fn without_numbers(sentence: &str) -> String {
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
    if text.len() > LONG {
        let found = lower.find(beginning(text, LONG));
        return format!("{}{WITHHELD}", &sentence[..found.unwrap_or(sentence.len())]);
    }
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
