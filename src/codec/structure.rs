//! Structs: values of several kinds one after the other.

use std::sync::Arc;

use super::presence::Unsaid;
use super::{Admitted, Cause, Patch, Pointer, Spec, Value, Violation};

/// Fields one after the other. A field of variable length is the last one that is there.
#[derive(Clone, Debug, PartialEq)]
pub struct StructSpec {
    pub fields: Vec<Field>,
}

/// A field of a struct.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    pub name: Arc<str>,
    pub spec: Spec,
    /// Its unit (Assigned Numbers, 3.5), for people: only a whole value has a descriptor.
    pub unit: u16,
    /// Where it stands in JSON, seen from the struct.
    pub at: Pointer,
    pub when: Option<When>,
    /// What it always is; JSON does not show it.
    pub constant: Option<Value>,
    /// What it is as long as nobody has said anything.
    pub initial: Option<Value>,
    /// The field of a request that it repeats, in a response.
    pub copy: Option<Arc<str>>,
}

/// A field that is there only if a flag says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When {
    /// The index of the field that holds the flag; it stands before.
    pub field: usize,
    pub bit: u32,
    /// Whether the flag is set, or clear, when the field is there.
    pub set: bool,
}

impl StructSpec {
    pub fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| &*field.name == name)
    }

    pub(super) fn octets(&self) -> (usize, usize) {
        let sizes = self.fields.iter().map(|field| match field.when {
            None => field.spec.octets(),
            Some(_) => (0, field.spec.octets().1),
        });
        sizes.fold((0, 0), |(least, most), (min, max)| {
            (least + min, most + max)
        })
    }

    /// Whether a field is there, in a struct that has been admitted or is being decoded.
    pub(super) fn is_there(field: &Field, parts: &[Value]) -> bool {
        field.when.is_none_or(|when| match parts.get(when.field) {
            Some(Value::Int(flags)) => (flags >> when.bit & 1 == 1) == when.set,
            _ => !when.set,
        })
    }

    /// Whether some fields take turns in one place.
    pub(super) fn has_alternatives(&self) -> bool {
        (0..self.fields.len()).any(|index| self.alternatives_before(index).next().is_some())
    }

    /// The optional fields before an optional one that stand at the same place.
    pub(super) fn alternatives_before(&self, index: usize) -> impl Iterator<Item = usize> + '_ {
        let field = &self.fields[index];
        (0..index).filter(move |&other| self.fields[other].is_alternative_to(field))
    }

    /// Whether fields that have alternatives are there for this flag.
    pub(super) fn chooses_by(&self, when: When) -> bool {
        (0..self.fields.len())
            .any(|index| self.fields[index].when == Some(when) && self.has_alternative_after(index))
    }

    pub(super) fn has_alternative_after(&self, index: usize) -> bool {
        let field = &self.fields[index];
        let mut later = self.fields[index + 1..].iter();
        later.any(|other| other.is_alternative_to(field))
    }

    /// The whole that patches of the fields make of the current value.
    pub(super) fn merge(&self, current: Option<&Value>, patches: Vec<Patch>) -> Value {
        let known = match current {
            Some(Value::List(parts)) => parts.clone(),
            _ => self.neutral(),
        };
        let says = |patch: &Patch| !patch.is_keep() && *patch != Patch::Set(Value::Null);
        let said: Vec<bool> = patches.iter().map(says).collect();
        let fields = self.fields.iter().zip(patches).enumerate();
        let parts = fields.map(|(index, (field, patch))| {
            let mut others = self.fields.iter().zip(&said);
            match !said[index] && others.any(|(other, said)| *said && field.excludes(other)) {
                // What is said of another field means that this one is not there any more.
                true => Value::Null,
                false => field.spec.merge(known.get(index), patch),
            }
        });
        Value::List(parts.collect())
    }

    pub(super) fn neutral(&self) -> Arc<[Value]> {
        let mut parts: Vec<Value> = self.fields.iter().map(Field::neutral).collect();
        self.settle_flags(&mut parts, Unsaid::NotThere);
        // What its flag says is there has to be.
        match self.admit(&parts).map(|admitted| admitted.value) {
            Ok(Value::List(settled)) => settled,
            _ => parts.into(),
        }
    }

    pub(super) fn admit(&self, parts: &[Value]) -> Result<Admitted, Violation> {
        if parts.len() != self.fields.len() {
            let detail = format!(
                "{} fields where {} are declared",
                parts.len(),
                self.fields.len()
            );
            return Err(Violation::new(Cause::WrongType, detail));
        }
        let mut held = parts.to_vec();
        self.settle_flags(&mut held, Unsaid::AsIs);
        let mut any_adjusted = false;
        for (index, field) in self.fields.iter().enumerate() {
            let part = std::mem::replace(&mut held[index], Value::Null);
            let Admitted { value, adjusted } = self
                .admit_field(field, part, &held)
                .map_err(|violation| violation.in_field(&field.name))?;
            held[index] = value;
            any_adjusted |= adjusted;
        }
        Ok(Admitted {
            value: Value::List(held.into()),
            adjusted: any_adjusted,
        })
    }

    fn admit_field(
        &self,
        field: &Field,
        part: Value,
        before: &[Value],
    ) -> Result<Admitted, Violation> {
        if !Self::is_there(field, before) {
            return Ok(Admitted::as_is(Value::Null));
        }
        if let Some(constant) = &field.constant {
            if part == Value::Null || part == *constant {
                return Ok(Admitted::as_is(constant.clone()));
            }
            let detail = format!("{part} where it is always {constant}");
            return Err(Violation::new(Cause::NotAllowed, detail));
        }
        if part == Value::Null && !field.spec.admits_null() {
            if field.when.is_some() {
                // Its flag says that it is there because of another field.
                let initial = field.initial.clone();
                let value = initial.unwrap_or_else(|| field.spec.neutral());
                return field.spec.admit(value);
            }
            return Err(Violation::new(Cause::MissingKey, "nothing is said of it"));
        }
        field.spec.admit(part)
    }

    /// Sets each flag that says whether fields are there after whether they are. Where both a set and
    /// a clear flag have fields, and nothing is said of any, the flag stays as it is; so it does as
    /// `unsaid` says where some of them may be there and unknown.
    fn settle_flags(&self, parts: &mut [Value], unsaid: Unsaid) {
        // From the last to the first: a field with flags of its own may have a flag before it.
        for index in (0..self.fields.len()).rev() {
            let field = &self.fields[index];
            let derived = field.derived_flags();
            if derived.is_empty() {
                continue;
            }
            let (mut bits, is_there) = match parts[index] {
                Value::Int(bits) => (bits, true),
                _ => (0, field.when.is_none()),
            };
            let mut any_said = false;
            for bit in derived {
                let (has, said) = self.fields_behind(index, bit, parts);
                any_said |= said[0] || said[1];
                let set = match (said, has) {
                    ([_, true], _) => true,
                    ([true, false], _) => false,
                    ([false, false], _)
                        if unsaid == Unsaid::AsIs && self.may_be_unknown(index, bit) =>
                    {
                        bits >> bit & 1 == 1
                    }
                    ([false, false], [true, false]) => true,
                    ([false, false], [false, true]) => false,
                    ([false, false], [true, true] | [false, false]) => bits >> bit & 1 == 1,
                };
                bits = bits & !(1 << bit) | i128::from(set) << bit;
            }
            if is_there || any_said {
                parts[index] = Value::Int(bits);
            }
        }
    }

    /// Whether some field that goes by a flag may be there and unknown.
    fn may_be_unknown(&self, flags: usize, bit: u32) -> bool {
        let mut fields = self.fields.iter().filter(|field| field.may_be_unknown());
        fields.any(|field| {
            let when = field.when.map(|when| (when.field, when.bit));
            when == Some((flags, bit))
        })
    }

    /// Whether a flag, when it is clear and when it is set, has fields, and whether anything is said of
    /// them. What is constant says nothing of its own, unless it is all that there is.
    fn fields_behind(&self, flags: usize, bit: u32, parts: &[Value]) -> ([bool; 2], [bool; 2]) {
        let (mut has, mut said, mut is_marked) = ([false; 2], [false; 2], [false; 2]);
        let mut only_constant = [true; 2];
        for (field, part) in self.fields.iter().zip(parts) {
            let Some(when) = field.when else { continue };
            if (when.field, when.bit) != (flags, bit) {
                continue;
            }
            let set = usize::from(when.set);
            has[set] = true;
            let is_said = *part != Value::Null;
            match field.constant {
                Some(_) => is_marked[set] |= is_said,
                None => {
                    only_constant[set] = false;
                    said[set] |= is_said;
                }
            }
        }
        for set in 0..2 {
            said[set] |= only_constant[set] && is_marked[set];
        }
        (has, said)
    }
}

impl When {
    pub(super) fn opposite(self) -> Self {
        Self {
            set: !self.set,
            ..self
        }
    }
}

impl Field {
    /// The bits that say whether other fields are there.
    fn derived_flags(&self) -> Vec<u32> {
        let flags = self.spec.flags().unwrap_or_default().iter();
        let derived = flags.filter(|flag| flag.derived);
        derived.map(|flag| flag.bit).collect()
    }

    /// Whether two fields cannot be there at once.
    pub fn excludes(&self, other: &Self) -> bool {
        other.when.is_some() && self.when.map(When::opposite) == other.when
    }

    pub(super) fn is_alternative_to(&self, other: &Self) -> bool {
        self.when.is_some() && other.when.is_some() && self.at == other.at
    }

    fn neutral(&self) -> Value {
        if let Some(value) = self.constant.as_ref().or(self.initial.as_ref()) {
            return value.clone();
        }
        match self.when {
            Some(_) => Value::Null,
            None => self.spec.neutral(),
        }
    }
}
