//! One attempt at reading: what it may take, and what is known from the attempts before.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};

use super::Extensions;
use super::error::ReadError;
use crate::config::tree::{NodeId, Tree};

/// One attempt at reading, without what has been set aside.
pub(super) struct Pass<'a> {
    pub(super) tree: &'a Tree,
    pub(super) set_aside: &'a HashSet<NodeId>,
    pub(super) extensions: &'a Extensions<'a>,
    /// How many more nodes may be read: an alias costs as much as what it stands for.
    pub(super) nodes: Cell<usize>,
    /// How much more memory may be filled.
    pub(super) octets: Cell<usize>,
    pub(super) progress: &'a Progress,
    /// It only looks for the next mistake, and leaves out what has none.
    pub(super) skips: bool,
}

/// What stays known from one attempt to the next.
#[derive(Default)]
pub(super) struct Progress {
    /// How many items of a list, from its first on, have been read without a mistake.
    sound: RefCell<HashMap<NodeId, usize>>,
    /// Everything has been looked at.
    finished: Cell<bool>,
}

/// A shorter list is always read whole: something may depend on the number of its items.
const LONG_LIST: usize = 32;
/// Aliases can make it deeper than the file is.
const MAX_DEPTH: usize = 128;

impl Pass<'_> {
    /// One more node is read, which takes so many octets besides its text.
    ///
    /// # Errors
    /// When more has been read than any file holds, or deeper: aliases of aliases of aliases.
    pub(super) fn take(&self, at: NodeId, octets: usize, depth: usize) -> Result<(), ReadError> {
        let take = |from: &Cell<usize>, amount: usize| {
            let left = from.get().checked_sub(amount);
            from.set(left.unwrap_or_default());
            left.ok_or_else(too_much)
        };
        take(&self.nodes, 1)?;
        take(&self.octets, octets + self.tree.text(at).len())?;
        match depth {
            MAX_DEPTH => Err(too_deep()),
            _ => Ok(()),
        }
    }
}

impl Progress {
    pub(super) fn finish(&self) {
        self.finished.set(true);
    }

    pub(super) fn is_finished(&self) -> bool {
        self.finished.get()
    }

    /// How many items of a list, from its first on, need not be read again.
    pub(super) fn sound_items(&self, list: NodeId) -> Option<usize> {
        self.sound.borrow().get(&list).copied()
    }

    pub(super) fn is_sound(&self, list: NodeId, items: usize) {
        if items >= LONG_LIST {
            self.sound.borrow_mut().insert(list, items);
        }
    }
}

fn too_much() -> ReadError {
    let help = "aliases of aliases grow quickly: write out what is meant";
    ReadError::new(
        "there is too much in this".to_owned(),
        Some(help.to_owned()),
    )
}

fn too_deep() -> ReadError {
    let help = "aliases of aliases grow quickly: write out what is meant";
    ReadError::new(
        "this is more than 128 levels deep".to_owned(),
        Some(help.to_owned()),
    )
}
