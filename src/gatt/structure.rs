//! What centrals see of a tree and remember: whether two trees are the same to them, and if not, what changes.
//!
//! Pure. Names of services, types, constraints and the advertisement are not part of it; the name of a
//! characteristic is, because it is its user description (0x2901).

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use super::assigned::BtUuid;
use super::{Access, Descriptor, Security, SecurityLevel, Service};

/// Where the handles of a real adapter begin: BlueZ and its plugins have their services below.
pub const HANDLE_FIRST: u16 = 0x0100;

/// All of a service that a central sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    pub uuid: BtUuid,
    pub characteristics: Vec<CharacteristicShape>,
}

/// All of a characteristic that a central sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CharacteristicShape {
    pub uuid: BtUuid,
    pub access: Access,
    pub security: Security,
    pub descriptors: Vec<Descriptor>,
}

/// A service at its handles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// For people only.
    pub name: String,
    pub shape: Shape,
    pub handles: RangeInclusive<u16>,
}

/// What changes for centrals when one tree takes the place of another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// One line for each service that changes.
    pub services: Vec<String>,
    /// One for each that stays as it is, but at other handles.
    pub moved: Vec<String>,
    /// What bonded phones see of it, and what helps one that does not.
    pub phones: String,
    /// What centrals see of it that do not outlive the process: those of the virtual adapter.
    pub centrals: String,
}

/// Whether two trees are the same to a central, in the same order.
pub fn is_same(before: &[Service], after: &[Service]) -> bool {
    before.len() == after.len()
        && before
            .iter()
            .zip(after)
            .all(|(before, after)| Shape::of(before) == Shape::of(after))
}

/// What changes; `None` if the trees are the same to a central.
pub fn changes(before: &[Service], after: &[Service]) -> Option<Changes> {
    if is_same(before, after) {
        return None;
    }
    let (before, after) = (places(before), places(after));
    let known: BTreeMap<BtUuid, &Place> = before.iter().map(|it| (it.shape.uuid, it)).collect();
    let mut changes = Changes::default();
    for place in &before {
        if !after.iter().any(|it| it.shape.uuid == place.shape.uuid) {
            changes.services.push(format!("{place} is removed"));
        }
    }
    for place in &after {
        let Some(was) = known.get(&place.shape.uuid) else {
            changes.services.push(format!("{place} is added"));
            continue;
        };
        let what = was.shape.changes(&place.shape);
        if !what.is_empty() {
            let line = format!("{place} is changed: {}", what.join("; "));
            changes.services.push(line);
        } else if was.handles != place.handles {
            let was = shown(&was.handles);
            changes.moved.push(format!("{place} has moved from {was}"));
        }
    }
    let handles = changed(&before, &after);
    changes.phones = phones(&handles);
    changes.centrals = format!("a central that is connected is told that {handles}; {OVER}");
    Some(changes)
}

/// Every service at the handles that it has on a real adapter.
pub fn places(services: &[Service]) -> Vec<Place> {
    let mut next = usize::from(HANDLE_FIRST);
    let places = services.iter().map(|service| {
        let first = next;
        next += service.attributes();
        // A configuration is refused that has more attributes than there are handles.
        let handle = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
        Place {
            name: service.name.clone(),
            shape: Shape::of(service),
            handles: handle(first)..=handle(next - 1),
        }
    });
    places.collect()
}

impl Shape {
    pub fn of(service: &Service) -> Self {
        let all = service.characteristics.iter();
        let all = all.map(|it| CharacteristicShape {
            uuid: it.uuid,
            access: it.access,
            security: it.security,
            descriptors: it.descriptors(),
        });
        Self {
            uuid: service.uuid,
            characteristics: all.collect(),
        }
    }

    /// In words; nothing where they are the same.
    fn changes(&self, after: &Self) -> Vec<String> {
        let known = |of: &Self, uuid| of.characteristics.iter().position(|it| it.uuid == uuid);
        let mut lines = Vec::new();
        let mut order = Vec::new();
        for it in &self.characteristics {
            if known(after, it.uuid).is_none() {
                lines.push(format!("{it} is removed"));
            }
        }
        for it in &after.characteristics {
            let Some(index) = known(self, it.uuid) else {
                lines.push(format!("{it} is added"));
                continue;
            };
            order.push(index);
            let what = self.characteristics[index].changes(it);
            if !what.is_empty() {
                lines.push(format!("{it} has {}", what.join(", ")));
            }
        }
        if !order.is_sorted() {
            lines.push("the characteristics are in another order".to_owned());
        }
        lines
    }
}

impl CharacteristicShape {
    fn changes(&self, after: &Self) -> Vec<String> {
        let mut what = Vec::new();
        if self.access != after.access {
            let (was, is) = (words(self.access), words(after.access));
            what.push(format!("the access [{is}] instead of [{was}]"));
        }
        let levels = |of: &Security| [of.read, of.write, of.notify];
        let (was, is) = (levels(&self.security), levels(&after.security));
        for ((kind, was), is) in ["read", "write", "notify"].iter().zip(was).zip(is) {
            if was != is {
                let (was, is) = (level(was), level(is));
                what.push(format!("the security {kind}: {is} instead of {was}"));
            }
        }
        let value = |of: &Self, uuid| {
            let found = of.descriptors.iter().find(|it| it.uuid == uuid);
            found.map(|it| it.value.clone())
        };
        let mut uuids: Vec<_> = self.descriptors.iter().map(|it| it.uuid).collect();
        uuids.extend(after.descriptors.iter().map(|it| it.uuid));
        uuids.sort_unstable();
        uuids.dedup();
        for uuid in uuids {
            match (value(self, uuid), value(after, uuid)) {
                (was, is) if was == is => {}
                (Some(_), None) => what.push(format!("no descriptor {uuid} any more")),
                (None, _) => what.push(format!("a descriptor {uuid}, which it had not")),
                (Some(_), Some(_)) => what.push(format!("another value in its descriptor {uuid}")),
            }
        }
        what
    }

    /// Its user description, which is its name.
    fn name(&self) -> Option<&str> {
        let description = self.descriptors.first()?;
        std::str::from_utf8(&description.value).ok()
    }
}

const OVER: &str = "a subscription to what has changed or moved is over";

/// From the first handle at which something is otherwise to the last that there is or was.
fn changed(before: &[Place], after: &[Place]) -> String {
    let same = before.iter().zip(after);
    let same = same.take_while(|(before, after)| {
        (&before.shape, &before.handles) == (&after.shape, &after.handles)
    });
    let count = same.count();
    let of = |places: &[Place]| places.get(count).map(|it| *it.handles.start());
    let first = of(before).into_iter().chain(of(after)).min();
    let end = |places: &[Place]| places.last().map(|it| *it.handles.end());
    let last = end(before).into_iter().chain(end(after)).max();
    let first = first.unwrap_or(HANDLE_FIRST);
    format!("{} have changed", shown(&(first..=last.unwrap_or(first))))
}

fn phones(handles: &str) -> String {
    format!(
        "a phone that has subscribed to Service Changed (0x2A05), as phones do when they pair, is told that \
        {handles}, at once or when it connects again, and looks again; {OVER}. A phone that remembers the \
        services without that finds other things there: switch its Bluetooth off and on, or pair it anew"
    )
}

fn shown(handles: &RangeInclusive<u16>) -> String {
    format!(
        "handles 0x{:04X} to 0x{:04X}",
        handles.start(),
        handles.end()
    )
}

fn words(access: Access) -> String {
    let words = [
        (access.read, "read"),
        (access.write, "write"),
        (access.write_without_response, "write_without_response"),
        (access.notify, "notify"),
        (access.indicate, "indicate"),
    ];
    let words = words.into_iter();
    let words: Vec<_> = words
        .filter_map(|(has, word)| has.then_some(word))
        .collect();
    words.join(", ")
}

fn level(level: SecurityLevel) -> &'static str {
    match level {
        SecurityLevel::Open => "open",
        SecurityLevel::Encrypted => "encrypted",
        SecurityLevel::Authenticated => "authenticated",
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (uuid, handles) = (self.shape.uuid, shown(&self.handles));
        write!(f, "service {:?} ({uuid}, {handles})", self.name)
    }
}

impl fmt::Display for CharacteristicShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "characteristic {name:?} ({})", self.uuid),
            None => write!(f, "characteristic {}", self.uuid),
        }
    }
}

impl Changes {
    /// A line for each change, and one for those who see it.
    pub fn lines(&self, is_on_the_air: bool) -> impl Iterator<Item = &str> {
        let seen = match is_on_the_air {
            true => &self.phones,
            false => &self.centrals,
        };
        let lines = self.services.iter().chain(&self.moved);
        lines.chain([seen]).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Placeholders, load_str};

    const LEVEL: &str =
        "{ name: Level, uuid: FF01, access: [read, write, notify], value: { type: u8 } }";

    fn services(services: &[(&str, &[&str])]) -> Vec<Service> {
        let mut yaml = "version: 1\nble: { adapter: virtual }\nservices:\n".to_owned();
        for (uuid, characteristics) in services {
            yaml += &format!("- name: S {uuid}\n  uuid: {uuid}\n  characteristics:\n");
            for characteristic in *characteristics {
                yaml += &format!("  - {characteristic}\n");
            }
        }
        let host = Placeholders::new(Vec::new());
        let loaded = load_str(Path::new("test.yaml"), &yaml, &|_| None, host);
        loaded
            .unwrap_or_else(|mistakes| panic!("{mistakes}"))
            .plan
            .services
    }

    fn lines(before: &[(&str, &[&str])], after: &[(&str, &[&str])]) -> Vec<String> {
        let changes = changes(&services(before), &services(after));
        let changes = changes.expect("they are not the same");
        changes.services.into_iter().chain(changes.moved).collect()
    }

    #[test]
    fn what_no_central_can_see_is_no_change() {
        let before = services(&[("FF00", &[LEVEL])]);
        let other = "{ name: Level, uuid: FF01, access: [read, write, notify], \
            value: { type: u8, min: 3, max: 9, overflow: clamp, initial: 4 }, delivery: every }";
        let mut after = services(&[("FF00", &[other])]);
        after[0].name = "Renamed".to_owned();
        after[0].advertise = true;
        assert_eq!(changes(&before, &after), None);
    }

    #[test]
    fn each_change_is_named_with_what_moves() {
        let more = "{ name: More, uuid: FF02, access: [read], value: { type: u8 } }";
        let said = lines(
            &[("FF00", &[LEVEL]), ("FF10", &[LEVEL]), ("FF20", &[LEVEL])],
            &[
                ("FF00", &[LEVEL, more]),
                ("FF20", &[LEVEL]),
                ("FF30", &[more]),
            ],
        );
        assert_eq!(
            said,
            [
                "service \"S FF10\" (0xFF10, handles 0x0106 to 0x010B) is removed",
                "service \"S FF00\" (0xFF00, handles 0x0100 to 0x0109) is changed: \
                    characteristic \"More\" (0xFF02) is added",
                "service \"S FF30\" (0xFF30, handles 0x0110 to 0x0114) is added",
                "service \"S FF20\" (0xFF20, handles 0x010A to 0x010F) has moved from \
                    handles 0x010C to 0x0111",
            ]
        );
    }

    #[test]
    fn what_a_characteristic_is_to_a_central_is_compared_one_by_one() {
        let cases = [
            (
                "{ name: Level, uuid: FF01, access: [read, write], value: { type: u8 } }",
                "the access [read, write] instead of [read, write, notify]",
            ),
            (
                "{ name: Level, uuid: FF01, access: [read, write, notify], value: { type: u8 }, \
                    security: { read: encrypted, notify: open } }",
                "the security read: encrypted instead of open",
            ),
            (
                "{ name: Level, uuid: FF01, access: [read, write, notify], value: { type: u16 } }",
                "another value in its descriptor 0x2904",
            ),
        ];
        for (after, what) in cases {
            let said = lines(&[("FF00", &[LEVEL])], &[("FF00", &[after])]);
            assert_eq!(said.len(), 1);
            let expected = format!("characteristic \"Level\" (0xFF01) has {what}");
            assert!(said[0].ends_with(&expected), "{said:?}");
        }
    }

    #[test]
    fn an_order_is_part_of_it() {
        let more = "{ name: More, uuid: FF02, access: [read], value: { type: u8 } }";
        let said = lines(&[("FF00", &[LEVEL, more])], &[("FF00", &[more, LEVEL])]);
        assert!(said[0].ends_with("in another order"), "{said:?}");
        let (first, second) = (("FF00", &[LEVEL][..]), ("FF10", &[LEVEL][..]));
        let said = lines(&[first, second], &[second, first]);
        assert_eq!(said.len(), 2, "both have moved: {said:?}");
    }

    #[test]
    fn phones_are_told_of_the_handles_from_the_first_change_on() {
        let more = "{ name: More, uuid: FF02, access: [read], value: { type: u8 } }";
        let before = services(&[("FF00", &[LEVEL])]);
        let after = services(&[("FF00", &[LEVEL]), ("FF10", &[more])]);
        let changes = changes(&before, &after).expect("they are not the same");
        let told = changes
            .phones
            .contains("handles 0x0106 to 0x010A have changed");
        assert!(told, "{}", changes.phones);
        let advises = |is_on_the_air| {
            let mut lines = changes.lines(is_on_the_air);
            lines.any(|line| line.contains("phone") || line.contains("Bluetooth off and on"))
        };
        assert!(advises(true));
        assert!(!advises(false), "nobody has a phone on the virtual adapter");
    }
}
