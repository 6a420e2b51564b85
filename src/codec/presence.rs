//! Optional fields that may be unknown: null is a value of them, so it is their flag alone that says
//! whether they are there.

use super::structure::{Field, StructSpec};
use super::{Patch, Value};

/// What to take for the flag of fields of which nothing is said and that may be unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsaid {
    /// What it is: they are there and unknown, or are not there.
    AsIs,
    /// They are not there.
    NotThere,
}

impl StructSpec {
    /// Adds to the patches what is said of whether such fields are there: `None` says nothing.
    pub(super) fn say_presence(&self, patches: &mut [Patch], presence: &[Option<bool>]) {
        for (flags, patch) in patches.iter_mut().enumerate() {
            let (mut there, mut mask, mut bits) = (0, 0, 0);
            for (field, is_there) in self.fields.iter().zip(presence) {
                let (Some(when), Some(is_there)) = (field.when, *is_there) else {
                    continue;
                };
                let bit = 1i128 << when.bit;
                // That one is there counts for all that go with it, and that one is not, only where
                // that does not mean that another is.
                let excludes = || self.fields.iter().any(|other| field.excludes(other));
                if when.field != flags || there & bit != 0 || (!is_there && excludes()) {
                    continue;
                }
                there |= if is_there { bit } else { 0 };
                mask |= bit;
                bits = bits & !bit | if when.set == is_there { bit } else { 0 };
            }
            let may_be_gone = self.fields[flags].when.is_some();
            match patch {
                Patch::Bits { mask: m, bits: b } => {
                    (*b, *m) = (*b & !mask | bits, *m | mask);
                }
                // Flags come to be because of what is there, not of what is not.
                Patch::Keep if mask != 0 && (there != 0 || !may_be_gone) => {
                    *patch = Patch::Bits { mask, bits };
                }
                Patch::Set(Value::Null) if there != 0 => *patch = Patch::Set(Value::Int(bits)),
                Patch::Keep | Patch::Set(_) | Patch::Fields(_) => {}
            }
        }
    }
}

impl Field {
    /// Whether null is a value of it, and not that it is not there.
    pub(super) fn may_be_unknown(&self) -> bool {
        self.when.is_some() && self.constant.is_none() && self.spec.admits_null()
    }
}
