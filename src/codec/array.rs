//! Arrays: values of one kind one after the other.

use super::{Admitted, Cause, Spec, Value, Violation};

/// Items of one kind, in octets as in JSON one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct ArraySpec {
    pub item: Spec,
    pub min_items: usize,
    pub max_items: usize,
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
