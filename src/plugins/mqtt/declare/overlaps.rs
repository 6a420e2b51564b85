//! Where the values of a document stand, and whether they leave each other room.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::members::Place;
use super::topic::Reader;
use crate::codec::Pointer;

/// No two values may stand in one place, nor one within another.
pub(super) fn check(reader: &mut Reader<'_, '_>, members: &[Place]) {
    let mut taken = Taken::default();
    for Place { member, at, .. } in members.iter().filter(|it| it.is_sound) {
        let places: Vec<Pointer> = member.places().into_iter().map(|(at, _)| at).collect();
        let mut overlaps = places
            .iter()
            .filter_map(|place| Some((place, taken.beside(place)?)));
        if let Some((place, (other, name))) = overlaps.next() {
            let message = match place.steps() == other.steps() {
                true => format!("`{name}` stands at `{place}` too"),
                false => format!("`{place}` and `{other}`, where `{name}` stands, overlap"),
            };
            reader.mistake(*at, message, "give each a `json` of its own");
        }
        for place in places {
            taken.add(place, &member.name);
        }
    }
}

/// Where values stand, by the steps to there: what stands within a place follows it at once.
#[derive(Default)]
struct Taken<'a>(BTreeMap<Vec<Arc<str>>, (Pointer, &'a str)>);

impl<'a> Taken<'a> {
    fn add(&mut self, place: Pointer, name: &'a str) {
        let steps = place.steps().to_vec();
        self.0.entry(steps).or_insert((place, name));
    }

    /// What stands there already, around it or within it.
    fn beside(&self, place: &Pointer) -> Option<&(Pointer, &'a str)> {
        let steps = place.steps();
        let mut around = (0..steps.len()).filter_map(|length| self.0.get(&steps[..length]));
        let from = (Bound::Included(steps), Bound::Unbounded);
        let follows = || self.0.range::<[Arc<str>], _>(from).next();
        around.next().or_else(|| {
            let (other, known) = follows()?;
            other.starts_with(steps).then_some(known)
        })
    }
}
