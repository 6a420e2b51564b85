//! The YAML as a tree that remembers where everything stands, so that a mistake can be shown at its
//! place whoever finds it, and however late.
//!
//! A file is not trusted: its size, depth and number of nodes are bounded. An alias is a reference to
//! the node it names; what is read through aliases is bounded where it is read.

mod added;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Span as ParserSpan};

use super::diagnose::{Diagnostic, Span};
use super::read::is_null;

/// Longest file, in bytes. Five thousand characteristics are about one megabyte.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;
const MAX_DEPTH: usize = 64;
const TOO_DEEP: &str = "more than 64 levels deep";
const MAX_NODES: usize = 1_000_000;
/// Of keys that stand twice so many are kept: more than are shown.
const MAX_REPEATED: usize = 1000;

/// A node of a [`Tree`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

#[derive(Debug)]
pub struct Node {
    pub kind: Kind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum Kind {
    Scalar {
        text: String,
        style: Style,
    },
    Sequence(Vec<NodeId>),
    /// Keys are scalars, and unique.
    Mapping(Vec<(NodeId, NodeId)>),
}

/// How a scalar was written, which says whether it may be more than text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `12` is a number, `true` a boolean, the rest text.
    Plain,
    /// Quotes make it text.
    Quoted,
    /// It came from the environment, which has no types: it is whatever is wanted of it.
    Substituted,
}

#[derive(Debug)]
pub struct Tree {
    nodes: Vec<Node>,
    root: NodeId,
    /// So many nodes stand in the file; the others have been added.
    parsed: usize,
    /// What has been judged and taken out, and may be shown.
    aside: Vec<NodeId>,
}

impl Tree {
    /// Parses one YAML document. Of a key that stands twice the first counts; the second is among
    /// the diagnostics, and reading goes on.
    ///
    /// # Errors
    /// The first mistake in the syntax: after it nothing can be told.
    pub fn parse(source: &str, diagnostics: &mut Vec<Diagnostic>) -> Result<Self, Diagnostic> {
        if source.len() > MAX_BYTES {
            return Err(too_large("the file is longer than 16 MiB", Span::START));
        }
        let mut builder = Builder::default();
        for event in Parser::new_from_str(source) {
            let (event, span) = event.map_err(|error| {
                let at = Span::new(error.marker().line(), error.marker().col() + 1, 1);
                // The parser has a limit of its own, and looks ahead.
                if error.info().contains("recursion limit") {
                    return too_large(TOO_DEEP, at);
                }
                let help = "check indentation, quotes and brackets just before this place";
                Diagnostic::new(at, format!("this is not YAML: {}", error.info())).help(help)
            })?;
            builder.event(event, convert(span))?;
        }
        diagnostics.append(&mut builder.mistakes);
        match builder.root {
            Some(root) => Ok(Self {
                parsed: builder.nodes.len(),
                aside: Vec::new(),
                nodes: builder.nodes,
                root,
            }),
            None => Err(Diagnostic::new(Span::START, "the file is empty")
                .help("a configuration begins with `version: 1`")),
        }
    }

    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    pub fn root(&self) -> NodeId {
        self.root
    }

    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    pub fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.index()]
    }

    pub fn span(&self, id: NodeId) -> Span {
        self.node(id).span
    }

    /// Whether a key stands in a mapping.
    pub fn has_key(&self, mapping: NodeId, key: &str) -> bool {
        self.keys(mapping).any(|found| found == key)
    }

    /// Whether anything of what stands at a place came from the environment.
    pub fn is_from_environment(&self, at: NodeId) -> bool {
        let mut seen = HashSet::from([at]);
        let mut open = vec![at];
        while let Some(id) = open.pop() {
            match &self.node(id).kind {
                Kind::Scalar { style, .. } => match style {
                    Style::Substituted => return true,
                    Style::Plain | Style::Quoted => {}
                },
                Kind::Sequence(items) => {
                    // Aliases name the same node many times over.
                    open.extend(items.iter().filter(|item| seen.insert(**item)));
                }
                Kind::Mapping(entries) => {
                    let values = entries.iter().map(|(_, value)| *value);
                    open.extend(values.filter(|value| seen.insert(*value)));
                }
            }
        }
        false
    }

    /// The keys of a mapping; none of anything else.
    pub fn keys(&self, mapping: NodeId) -> impl Iterator<Item = &str> {
        let entries = self.entries(mapping).iter();
        entries.map(|(key, _)| self.text(*key))
    }

    /// The keys of a mapping with what stands behind them; none of anything else.
    pub fn entries(&self, mapping: NodeId) -> &[(NodeId, NodeId)] {
        match &self.node(mapping).kind {
            Kind::Mapping(entries) => entries,
            Kind::Scalar { .. } | Kind::Sequence(_) => &[],
        }
    }

    /// What stands under a key of a mapping.
    pub fn get(&self, mapping: NodeId, key: &str) -> Option<NodeId> {
        let mut entries = self.entries(mapping).iter();
        let found = entries.find(|(found, _)| self.text(*found) == key);
        found.map(|(_, value)| *value)
    }

    /// What a sequence holds; nothing of anything else.
    pub fn items(&self, sequence: NodeId) -> &[NodeId] {
        match &self.node(sequence).kind {
            Kind::Sequence(items) => items,
            Kind::Scalar { .. } | Kind::Mapping(_) => &[],
        }
    }

    /// Whether this is a list with nothing in it.
    pub fn is_empty_sequence(&self, id: NodeId) -> bool {
        matches!(&self.node(id).kind, Kind::Sequence(items) if items.is_empty())
    }

    /// Whether nothing stands behind a key.
    pub fn is_nothing(&self, id: NodeId) -> bool {
        matches!(&self.node(id).kind, Kind::Scalar { text, style: Style::Plain } if is_null(text))
    }

    /// All scalars that are values, not keys.
    pub fn value_scalars(&self) -> Vec<NodeId> {
        let mut is_key = vec![false; self.nodes.len()];
        for node in &self.nodes {
            match &node.kind {
                Kind::Mapping(entries) => {
                    entries
                        .iter()
                        .for_each(|(key, _)| is_key[key.index()] = true);
                }
                Kind::Scalar { .. } | Kind::Sequence(_) => {}
            }
        }
        (0..self.nodes.len())
            .map(NodeId::new)
            .filter(|id| matches!(self.node(*id).kind, Kind::Scalar { .. }) && !is_key[id.index()])
            .collect()
    }

    /// The text of a scalar; empty for anything else.
    pub fn text(&self, id: NodeId) -> &str {
        match &self.node(id).kind {
            Kind::Scalar { text, .. } => text,
            Kind::Sequence(_) | Kind::Mapping(_) => "",
        }
    }
}

impl NodeId {
    fn new(index: usize) -> Self {
        Self(u32::try_from(index).expect("the number of nodes is bounded far below"))
    }

    pub fn index(self) -> usize {
        self.0 as usize
    }

    /// The node that [`NodeId::index`] came from.
    pub fn from_index(index: u32) -> Self {
        Self(index)
    }
}

#[derive(Default)]
struct Builder {
    nodes: Vec<Node>,
    root: Option<NodeId>,
    open: Vec<Open>,
    anchors: HashMap<usize, NodeId>,
    mistakes: Vec<Diagnostic>,
}

/// A collection whose end has not come yet.
struct Open {
    id: NodeId,
    key: Option<NodeId>,
    /// The key is a second one of its name, so its value goes nowhere.
    repeated: bool,
    keys: HashMap<String, Span>,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Diagnostic> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                no_tag(tag.is_some(), span)?;
                let style = if style == ScalarStyle::Plain {
                    Style::Plain
                } else {
                    Style::Quoted
                };
                let id = self.add(
                    Kind::Scalar {
                        text: text.into_owned(),
                        style,
                    },
                    span,
                    anchor,
                )?;
                self.attach(id)
            }
            Event::SequenceStart(_, anchor, tag) => {
                no_tag(tag.is_some(), span)?;
                self.open(Kind::Sequence(Vec::new()), span, anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                no_tag(tag.is_some(), span)?;
                self.open(Kind::Mapping(Vec::new()), span, anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.open.pop();
                Ok(())
            }
            Event::Alias(anchor) => {
                let target = self.anchors.get(&anchor).copied();
                let within = target.is_some_and(|id| self.open.iter().any(|open| open.id == id));
                match target {
                    Some(id) if !within => self.attach(id),
                    _ => Err(Diagnostic::new(span, "this alias leads to itself")
                        .help("an alias can only name what is complete before it")),
                }
            }
            Event::DocumentStart(..) if self.root.is_some() => {
                Err(Diagnostic::new(span, "a second YAML document begins here")
                    .help("one file is one configuration: remove the `---`"))
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, kind: Kind, span: Span, anchor: usize) -> Result<(), Diagnostic> {
        if self.open.len() == MAX_DEPTH {
            return Err(too_large(TOO_DEEP, span));
        }
        let id = self.add(kind, span, anchor)?;
        self.attach(id)?;
        self.open.push(Open {
            id,
            key: None,
            repeated: false,
            keys: HashMap::new(),
        });
        Ok(())
    }

    fn add(&mut self, kind: Kind, span: Span, anchor: usize) -> Result<NodeId, Diagnostic> {
        if self.nodes.len() == MAX_NODES {
            return Err(too_large("more than a million values", span));
        }
        let id = NodeId::new(self.nodes.len());
        self.nodes.push(Node { kind, span });
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        Ok(id)
    }

    /// Puts a node where the next one belongs: into the open collection, or at the root.
    fn attach(&mut self, id: NodeId) -> Result<(), Diagnostic> {
        let Some(open) = self.open.last_mut() else {
            self.root.get_or_insert(id);
            return Ok(());
        };
        match (&mut self.nodes[open.id.index()].kind, open.key.take()) {
            (Kind::Sequence(items), _) => items.push(id),
            (Kind::Mapping(_), Some(_)) if open.repeated => open.repeated = false,
            (Kind::Mapping(entries), Some(key)) => entries.push((key, id)),
            (Kind::Mapping(_), None) => {
                let node = &self.nodes[id.index()];
                let Kind::Scalar { text, .. } = &node.kind else {
                    return Err(Diagnostic::new(node.span, "a key has to be a plain word")
                        .help("write `key: value`; a value with `{` in it needs quotes"));
                };
                match open.keys.entry(text.clone()) {
                    Entry::Vacant(vacant) => {
                        vacant.insert(node.span);
                    }
                    Entry::Occupied(first) => {
                        let message = format!("`{text}` stands here a second time");
                        let help = format!("the first is in line {}: keep one", first.get().line);
                        if self.mistakes.len() < MAX_REPEATED {
                            self.mistakes
                                .push(Diagnostic::new(node.span, message).help(help));
                        }
                        open.repeated = true;
                    }
                }
                open.key = Some(id);
            }
            (Kind::Scalar { .. }, _) => unreachable!("a scalar is never open"),
        }
        Ok(())
    }
}

fn no_tag(has_tag: bool, span: Span) -> Result<(), Diagnostic> {
    if has_tag {
        let help = "remove the `!…`; the configuration itself says of which type each value is";
        return Err(Diagnostic::new(span, "YAML tags are not used here").help(help));
    }
    Ok(())
}

fn too_large(message: &str, span: Span) -> Diagnostic {
    Diagnostic::new(span, message).help("no device needs a configuration of this size: split it")
}

fn convert(span: ParserSpan) -> Span {
    let length = if span.start.line() == span.end.line() {
        span.end.col().saturating_sub(span.start.col())
    } else {
        1
    };
    Span::new(span.start.line(), span.start.col() + 1, length.max(1))
}
