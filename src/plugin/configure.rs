//! What a plugin finds in the YAML, and what it says of it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::place;
use crate::config::{Diagnostic, Environment, NodeId, Placeholders, Raw, Spanned, Tree, read};
use crate::engine::{Ack, Carries, CellId, Delivery, LinkId, Owner, Pace, Subscription, WhenFull};
use crate::gatt::{Characteristic, Service};
use crate::plan::{CellPlan, Plan};

/// One plugin's view of the configuration while it is resolved.
pub struct Configure<'a> {
    pub(crate) tree: &'a Tree,
    pub(crate) plan: &'a mut Plan,
    pub(crate) link: LinkId,
    /// What the link has delivered is safe with somebody else.
    pub(crate) acknowledges: bool,
    pub(crate) sections: &'a BTreeMap<String, Raw>,
    pub(crate) characteristics: &'a [Keys],
    /// Where the characteristic of each value is declared.
    pub(crate) places: &'a HashMap<CellId, NodeId>,
    pub(crate) sources: &'a [Keys],
    pub(crate) environment: &'a Environment<'a>,
    pub(crate) placeholders: &'a Placeholders,
    pub(crate) file: &'a Path,
    /// Where relative paths start: beside the configuration.
    pub(crate) directory: &'a Path,
    /// The values that some link changes.
    pub(crate) fed: &'a mut HashSet<CellId>,
    pub(crate) diagnostics: &'a mut Vec<Diagnostic>,
}

/// The keys that stand at one value, for plugins to read.
pub(crate) struct Keys {
    pub(crate) cell: CellId,
    /// The characteristic.
    pub(crate) at: NodeId,
    pub(crate) keys: BTreeMap<String, Raw>,
}

/// Something declared for one value.
#[derive(Clone, Debug)]
pub struct Declared<T> {
    pub cell: CellId,
    pub at: NodeId,
    pub value: T,
}

impl Configure<'_> {
    /// The plugin's section at the top level; `None` if it is not there, or wrong and then diagnosed.
    pub fn section<T: DeserializeOwned>(&mut self, key: &str) -> Option<Spanned<T>> {
        let at = self.sections.get(key)?.0;
        let value = read(self.tree, at, &|_| Vec::new(), self.diagnostics)?;
        Some(Spanned { at, value })
    }

    /// What stands at a place that was passed over; `None` if it is wrong and then diagnosed.
    pub fn read<T: DeserializeOwned>(&mut self, raw: Raw) -> Option<Spanned<T>> {
        let value = read(self.tree, raw.0, &|_| Vec::new(), self.diagnostics)?;
        Some(Spanned { at: raw.0, value })
    }

    /// Whether this section stands at the top level, be it right or wrong.
    pub fn declares(&self, key: &str) -> bool {
        self.sections.contains_key(key)
    }

    /// Whether a key stands in a mapping, be what it holds right or wrong.
    pub fn has_key(&self, mapping: NodeId, key: &str) -> bool {
        self.tree.has_key(mapping, key)
    }

    /// Whether anything of what stands at a place came from the environment: that is not to be shown.
    pub fn is_from_environment(&self, at: NodeId) -> bool {
        self.tree.is_from_environment(at)
    }

    /// The line of a place, to point at it from another.
    pub fn line(&self, at: NodeId) -> usize {
        self.tree.span(at).line
    }

    /// What is declared under this key at characteristics, in their order.
    pub fn characteristics<T: DeserializeOwned>(&mut self, key: &str) -> Vec<Declared<T>> {
        declared(self.characteristics, key, self.tree, self.diagnostics)
    }

    /// What is declared under this key at the `source` of characteristics, in their order.
    pub fn sources<T: DeserializeOwned>(&mut self, key: &str) -> Vec<Declared<T>> {
        declared(self.sources, key, self.tree, self.diagnostics)
    }

    /// Says what is wrong at a place, and what to write instead.
    pub fn mistake(&mut self, at: NodeId, message: impl Into<String>, help: impl Into<String>) {
        let diagnostic = Diagnostic::new(self.tree.span(at), message).help(help);
        self.diagnostics.push(diagnostic);
    }

    /// Text with its `{placeholders}` filled in: those that always exist, and `more` of the plugin's
    /// own. `None` if there is one that nobody knows; that is then diagnosed.
    pub fn expand(&mut self, text: &Spanned<String>, more: &[(&str, &str)]) -> Option<String> {
        match self.placeholders.expand(text, more) {
            Ok(expanded) => Some(expanded),
            Err(problem) => {
                self.mistake(text.at, problem.message, problem.help);
                None
            }
        }
    }

    /// A variable of the environment.
    pub fn environment(&self, name: &str) -> Option<String> {
        (self.environment)(name)
    }

    /// The file of the configuration.
    pub fn file(&self) -> &Path {
        self.file
    }

    /// Where a file of this configuration is that outlives the process, when nobody says where; `None` if there
    /// is no such place.
    pub fn usual_file(&self, ending: &str) -> Option<PathBuf> {
        place::usual(self.file, ending, &|name| self.environment(name))
    }

    /// A path as it is meant: relative to the configuration.
    pub fn path(&self, path: &str) -> PathBuf {
        self.directory.join(path)
    }

    /// One value of the plan.
    pub fn cell(&self, cell: CellId) -> &CellPlan {
        &self.plan.cells[cell.index()]
    }

    /// The device's name, as centrals see it.
    pub fn device_name(&self) -> &str {
        &self.plan.device_name
    }

    /// The services of the plan, in the order of their handles.
    pub fn services(&self) -> &[Service] {
        &self.plan.services
    }

    /// All values of the plan, in the order of their characteristics.
    pub fn characteristics_of_plan(&self) -> Vec<Characteristic> {
        self.plan
            .services
            .iter()
            .flat_map(|service| &service.characteristics)
            .cloned()
            .collect()
    }

    /// Where the characteristic of a value is declared.
    pub fn place(&self, cell: CellId) -> NodeId {
        let place = self.places.get(&cell).copied();
        place.unwrap_or_else(|| self.tree.root())
    }

    /// All values of the plan, in the order of their declarations.
    pub fn cells(&self) -> impl Iterator<Item = CellId> + use<> {
        (0..self.plan.cells.len()).map(CellId::new)
    }

    /// Every accepted change of a value is an event for whoever hears of it, also one that sets it to what
    /// it is; unless something else is declared.
    pub fn every_change_counts(&mut self, cell: CellId) {
        let delivery = &mut self.plan.cells[cell.index()].delivery;
        if !delivery.is_every() {
            *delivery = Delivery::Every {
                room: Delivery::ROOM,
                when_full: WhenFull::Reject,
            };
        }
    }

    /// Each change of a value is told with what these hold when it is accepted, however late a link takes
    /// it. Together with [`Configure::every_change_counts`], none of it is passed over.
    pub fn tell_with(&mut self, cell: CellId, with: impl IntoIterator<Item = CellId>) {
        let known = &mut self.plan.cells[cell.index()].with;
        for added in with {
            if !known.contains(&added) {
                known.push(added);
            }
        }
    }

    /// The link will change a value, or report that it has changed.
    pub fn feeds(&mut self, cell: CellId) {
        self.fed.insert(cell);
    }

    /// The link is to hear of a value.
    pub fn subscribe(&mut self, cell: CellId, carries: Carries) {
        self.subscribe_at(cell, carries, Pace::OnChange);
    }

    /// The same, at a pace of its own.
    pub fn subscribe_at(&mut self, cell: CellId, carries: Carries, pace: Pace) {
        self.plan.subscribe(Subscription {
            link: self.link,
            cell,
            carries,
            pace,
            acknowledges: self.acknowledges,
        });
    }

    /// Whether what a central writes is owed to a link that acknowledges, and its response promises that
    /// it will be delivered.
    pub fn owes(&self, cell: CellId) -> bool {
        let ack = self.plan.cells[cell.index()].ack;
        ack > Ack::Accepted && self.plan.acknowledged(cell).is_some()
    }

    /// The truth of a value lies behind this link: what it holds before the first report is unknown,
    /// unless an initial value was declared.
    pub fn owned_remotely(&mut self, cell: CellId, confirm_within: Duration) {
        let owner = Owner::Remote(self.link);
        let cell = &mut self.plan.cells[cell.index()];
        cell.owner = owner;
        cell.confirm_within = confirm_within;
    }

    /// What the remote owner of a value has said is true for so long; then it is unknown again.
    pub fn valid_for(&mut self, cell: CellId, valid_for: Duration) {
        self.plan.cells[cell.index()].valid_for = Some(valid_for);
    }
}

fn declared<T: DeserializeOwned>(
    keys: &[Keys],
    key: &str,
    tree: &Tree,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Declared<T>> {
    keys.iter()
        .filter_map(|entry| {
            let at = entry.keys.get(key)?.0;
            let value = read(tree, at, &|_| Vec::new(), diagnostics)?;
            Some(Declared {
                cell: entry.cell,
                at,
                value,
            })
        })
        .collect()
}
