//! Nodes that do not stand in the file: what is put there in its place.

use super::{Kind, MAX_NODES, Node, NodeId, Tree};
use crate::config::diagnose::Span;

impl Tree {
    /// Adds a node that the file has not, as if it stood at `span`. `None` when the tree is full.
    pub fn add(&mut self, kind: Kind, span: Span) -> Option<NodeId> {
        if self.nodes.len() >= MAX_NODES {
            return None;
        }
        let id = NodeId::new(self.nodes.len());
        self.nodes.push(Node { kind, span });
        Some(id)
    }

    /// A text that is not read any more, because it has been told as a mistake, and may be shown there.
    pub fn set_aside(&mut self, id: NodeId) {
        self.aside.push(id);
    }

    pub fn aside(&self) -> &[NodeId] {
        &self.aside
    }

    /// Whether a node has been added to what stands in the file.
    pub fn is_added(&self, id: NodeId) -> bool {
        id.index() >= self.parsed
    }

    /// Where the scalars are that have been added.
    pub fn added_scalars(&self) -> impl Iterator<Item = Span> {
        let added = self.nodes[self.parsed..].iter();
        added
            .filter(|node| matches!(node.kind, Kind::Scalar { .. }))
            .map(|node| node.span)
    }

    /// Copies a node of another tree, with all that is in it, as if it stood at `span`. `None` when the
    /// tree is full.
    pub fn graft(&mut self, from: &Self, id: NodeId, span: Span) -> Option<NodeId> {
        let kind = match &from.node(id).kind {
            Kind::Scalar { text, style } => Kind::Scalar {
                text: text.clone(),
                style: *style,
            },
            Kind::Sequence(items) => {
                let copies = items.iter().map(|item| self.graft(from, *item, span));
                Kind::Sequence(copies.collect::<Option<_>>()?)
            }
            Kind::Mapping(entries) => {
                let mut copies = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    copies.push((
                        self.graft(from, *key, span)?,
                        self.graft(from, *value, span)?,
                    ));
                }
                Kind::Mapping(copies)
            }
        };
        self.add(kind, span)
    }
}
