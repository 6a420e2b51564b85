//! Values that are made of values: structs and arrays.

use std::sync::Arc;

use super::number::Shown;
use super::{Admitted, Cause, Pointer, Spec, Value, Violation};

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

/// Items of one kind, in octets as in JSON one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct ArraySpec {
    pub item: Spec,
    pub min_items: usize,
    pub max_items: usize,
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

    pub(super) fn neutral(&self) -> Value {
        let parts: Vec<Value> = self.fields.iter().map(Field::neutral).collect();
        // Sets the flags that follow from what is there.
        match self.admit(&parts) {
            Ok(admitted) => admitted.value,
            Err(_) => Value::List(parts.into()),
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
        self.settle_flags(&mut held);
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
                return field.spec.admit(field.spec.neutral());
            }
            return Err(Violation::new(Cause::MissingKey, "nothing is said of it"));
        }
        field.spec.admit(part)
    }

    /// Sets each flag that says whether fields are there after whether they are. Where both a set and
    /// a clear flag have fields, and nothing is said of any, the flag stays as it is.
    fn settle_flags(&self, parts: &mut [Value]) {
        for index in 0..self.fields.len() {
            let Spec::Int(spec) = &self.fields[index].spec else {
                continue;
            };
            let Shown::Flags(flags) = &spec.shown else {
                continue;
            };
            let mut bits = match parts[index] {
                Value::Int(bits) => bits,
                _ => 0,
            };
            for flag in flags.iter().filter(|flag| flag.derived) {
                let (mut has, mut said) = ([false; 2], [false; 2]);
                for (field, part) in self.fields.iter().zip(&*parts) {
                    if let Some(when) = field.when
                        && (when.field, when.bit) == (index, flag.bit)
                    {
                        has[usize::from(when.set)] = true;
                        said[usize::from(when.set)] |= *part != Value::Null;
                    }
                }
                let set = match (said, has) {
                    ([_, true], _) => true,
                    ([true, false], _) => false,
                    (_, [true, false]) => true,
                    (_, [false, true]) => false,
                    (_, _) => bits >> flag.bit & 1 == 1,
                };
                bits = bits & !(1 << flag.bit) | i128::from(set) << flag.bit;
            }
            parts[index] = Value::Int(bits);
        }
    }
}

impl Field {
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

impl ArraySpec {
    pub(super) fn octets(&self) -> (usize, usize) {
        let (min, max) = self.item.octets();
        (
            min.saturating_mul(self.min_items),
            max.saturating_mul(self.max_items),
        )
    }

    pub(super) fn admit(&self, items: &[Value]) -> Result<Admitted, Violation> {
        let &Self {
            min_items,
            max_items,
            ..
        } = self;
        if !(min_items..=max_items).contains(&items.len()) {
            let cause = match items.len() < min_items {
                true => Cause::TooShort,
                false => Cause::TooLong,
            };
            let detail = format!(
                "{} items, where {min_items} … {max_items} may be",
                items.len()
            );
            return Err(Violation::new(cause, detail));
        }
        let mut any_adjusted = false;
        let mut held = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let admitted = self.item.admit(item.clone());
            let Admitted { value, adjusted } =
                admitted.map_err(|violation| violation.in_field(&index.to_string()))?;
            any_adjusted |= adjusted;
            held.push(value);
        }
        Ok(Admitted {
            value: Value::List(held.into()),
            adjusted: any_adjusted,
        })
    }
}
