//! What values begin with, before any link works.

use crate::codec::{Admitted, Cause, Spec, Value, Violation};
use crate::engine::{CellId, Owed};
use crate::plan::CellPlan;

/// The values of a plan that has not begun.
pub struct Beginning<'a> {
    cells: &'a mut [CellPlan],
}

impl<'a> Beginning<'a> {
    pub(crate) fn new(cells: &'a mut [CellPlan]) -> Self {
        Self { cells }
    }

    /// One value of the plan.
    pub fn cell(&self, cell: CellId) -> &CellPlan {
        &self.cells[cell.index()]
    }

    /// A value begins with what it held before this process did, instead of with its initial value.
    ///
    /// # Errors
    /// The [`Violation`] when it breaks a constraint. One that would have to be clamped or wrapped does
    /// too: that is for whoever asks for a change, and nobody does.
    pub fn restore(&mut self, cell: CellId, value: Value) -> Result<(), Violation> {
        let cell = &mut self.cells[cell.index()];
        cell.restored = Some(as_it_was(&cell.spec, value)?);
        Ok(())
    }

    /// A central wrote this before this process began, was told that it will be delivered, and it has
    /// yet to be.
    ///
    /// # Errors
    /// As for [`Beginning::restore`].
    pub fn owe(&mut self, cell: CellId, mut owed: Owed) -> Result<(), Violation> {
        let cell = &mut self.cells[cell.index()];
        owed.value = as_it_was(&cell.spec, owed.value)?;
        cell.owed.push(owed);
        Ok(())
    }
}

fn as_it_was(spec: &Spec, value: Value) -> Result<Value, Violation> {
    let shown = value.to_string();
    let Admitted { value, adjusted } = spec.admit(value)?;
    if adjusted {
        let detail = format!("{shown} is outside the range");
        return Err(Violation::new(Cause::OutOfRange, detail));
    }
    Ok(value)
}
