//! Names for values that no two of them share, for whoever looks at all of them.

use std::collections::HashMap;
use std::sync::Arc;

use crate::engine::CellId;
use crate::plan::Plan;

/// By cell: the name that it was given; where several have that, with the service before it, and where that
/// is not enough, with a number behind it.
pub(super) fn names(plan: &Plan) -> Vec<Arc<str>> {
    let mut count: HashMap<&str, usize> = HashMap::new();
    for cell in &plan.cells {
        *count.entry(&cell.name).or_default() += 1;
    }
    let services = services(plan);
    let mut taken: HashMap<String, usize> = HashMap::new();
    let named = plan.cells.iter().enumerate().map(|(index, cell)| {
        let service = services.get(&CellId::new(index));
        let name = match service {
            Some(service) if count[&*cell.name] > 1 => format!("{service} / {}", cell.name),
            Some(_) | None => cell.name.clone(),
        };
        let taken = taken.entry(name.clone()).or_default();
        *taken += 1;
        match taken {
            1 => name.into(),
            number => format!("{name} #{number}").into(),
        }
    });
    named.collect()
}

/// The service of each cell that a characteristic has.
fn services(plan: &Plan) -> HashMap<CellId, &str> {
    let mut services = HashMap::new();
    for service in &plan.services {
        for characteristic in &service.characteristics {
            for cell in [characteristic.tells().0, characteristic.cell] {
                services.insert(cell, &*service.name);
            }
        }
    }
    services
}
