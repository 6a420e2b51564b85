//! The names of values in paths: made of those of their service and characteristic, so that they stay.

use std::collections::{HashMap, HashSet};

use crate::engine::CellId;
use crate::gatt::{Characteristic, Service};
use crate::plugin::Catalogue;

/// Every value of a configuration by name, and every name by value.
pub(super) struct Names {
    /// By cell.
    ids: Vec<String>,
    cells: HashMap<String, CellId>,
    /// The ids of characteristics, and where they stand.
    places: HashMap<String, Place>,
    /// The ids of characteristics, by service and characteristic.
    characteristics: Vec<Vec<String>>,
    /// The units of values (Assigned Numbers, 3.5), by cell.
    units: Vec<u16>,
}

/// The index of a service, and that of a characteristic in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) service: usize,
    pub(super) characteristic: usize,
}

impl Names {
    pub(super) fn of(catalogue: &Catalogue) -> Self {
        let mut taken = HashSet::new();
        let mut ids = vec![None; catalogue.cells.len()];
        let mut units = vec![0; catalogue.cells.len()];
        let mut places = HashMap::new();
        let mut characteristics = Vec::new();
        let mut answers = Vec::new();
        for (service, declared) in catalogue.services.iter().enumerate() {
            let mut of_service = Vec::new();
            for (characteristic, it) in declared.characteristics.iter().enumerate() {
                let id = unique(own_id(declared, it), &mut taken);
                let place = Place {
                    service,
                    characteristic,
                };
                places.insert(id.clone(), place);
                units[it.cell.index()] = it.presentation.unit;
                ids[it.cell.index()].get_or_insert_with(|| id.clone());
                if let Some((told, _)) = &it.told {
                    answers.push((*told, format!("{id}.answer")));
                }
                of_service.push(id);
            }
            characteristics.push(of_service);
        }
        for (cell, id) in answers {
            if ids[cell.index()].is_none() {
                ids[cell.index()] = Some(unique(id, &mut taken));
            }
        }
        let ids = ids.into_iter().zip(&catalogue.cells).map(|(id, cell)| {
            id.unwrap_or_else(|| unique(format!("value.{}", slug(&cell.name)), &mut taken))
        });
        let ids: Vec<String> = ids.collect();
        let cells = ids.iter().cloned().enumerate();
        let cells = cells.map(|(index, id)| (id, CellId::new(index))).collect();
        Self {
            ids,
            cells,
            places,
            characteristics,
            units,
        }
    }

    pub(super) fn id(&self, cell: CellId) -> &str {
        &self.ids[cell.index()]
    }

    pub(super) fn unit(&self, cell: CellId) -> u16 {
        self.units[cell.index()]
    }

    pub(super) fn cell(&self, id: &str) -> Option<CellId> {
        self.cells.get(id).copied()
    }

    pub(super) fn characteristic(&self, service: usize, characteristic: usize) -> &str {
        &self.characteristics[service][characteristic]
    }

    pub(super) fn place(&self, id: &str) -> Option<Place> {
        self.places.get(id).copied()
    }
}

fn own_id(service: &Service, characteristic: &Characteristic) -> String {
    format!("{}.{}", slug(&service.name), slug(&characteristic.name))
}

/// `Some Number` as `some-number`; a name without any letter or digit of ASCII is `x`.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars() {
        match c.is_ascii_alphanumeric() {
            true => slug.push(c.to_ascii_lowercase()),
            false if slug.ends_with('-') || slug.is_empty() => {}
            false => slug.push('-'),
        }
    }
    let slug = slug.trim_end_matches('-');
    match slug.is_empty() {
        true => "x".to_owned(),
        false => slug.to_owned(),
    }
}

fn unique(id: String, taken: &mut HashSet<String>) -> String {
    let mut own = id.clone();
    let mut number = 2;
    while !taken.insert(own.clone()) {
        own = format!("{id}-{number}");
        number += 1;
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_has_letters_digits_and_single_dashes() {
        for (name, expected) in [
            ("Some Number", "some-number"),
            ("On / Off", "on-off"),
            ("  2.5 °C ", "2-5-c"),
            ("Größe", "gr-e"),
            ("…", "x"),
        ] {
            assert_eq!(slug(name), expected);
        }
    }

    #[test]
    fn two_of_one_name_have_two_ids() {
        let mut taken = HashSet::new();
        let ids = ["a.b", "a.b", "a.b-2"].map(|id| unique(id.to_owned(), &mut taken));
        assert_eq!(ids, ["a.b", "a.b-2", "a.b-2-2"]);
    }
}
