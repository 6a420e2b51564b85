//! What a value is before anybody has set it.

use crate::config::diagnose::Diagnostic;
use crate::config::model::ValueConfig;
use crate::config::read::Spanned;
use crate::config::tree::{NodeId, Tree};
use crate::engine::{CellId, Owner};
use crate::plan::Plan;

/// A value whose declaration says nothing of what it is at first.
pub(super) struct Unset {
    cell: CellId,
    at: NodeId,
}

impl Unset {
    pub(super) fn of(cell: CellId, value: &Spanned<ValueConfig>) -> Option<Self> {
        let says = value.initial.is_some() || value.constant.is_some();
        (!says).then_some(Self { cell, at: value.at })
    }
}

/// What this process owns has a value from the start: what is not known where that can be said,
/// otherwise 0 or the nearest to it that is allowed, false, or empty. Where none of these is allowed, it
/// has to be said. What a remote program owns is unknown until it speaks.
pub(super) fn settle(
    plan: &mut Plan,
    unset: &[Unset],
    tree: &Tree,
    diagnostics: &mut Vec<Diagnostic>,
) {
    for (index, cell) in plan.cells.iter_mut().enumerate() {
        if cell.initial.is_some() || cell.owner != Owner::Here {
            continue;
        }
        let neutral = cell.spec.neutral();
        match cell.spec.admit(neutral.clone()) {
            Ok(admitted) => cell.initial = Some(admitted.value),
            Err(violation) => {
                cell.initial = Some(neutral);
                let known = unset.iter().find(|unset| unset.cell.index() == index);
                if let Some(Unset { at, .. }) = known {
                    let message = format!("`initial` is missing here: {violation}");
                    let help = "add `initial: …`, what it is before anybody has set it";
                    diagnostics.push(Diagnostic::new(tree.span(*at), message).help(help));
                }
            }
        }
    }
}
