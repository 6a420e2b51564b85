//! The characteristics and services of the Bluetooth SIG by name: `uuid: battery_level` brings the
//! number, the name, the access and the value.
//!
//! The table is YAML in the words of this program's own configuration, in `table/`: what can be said
//! there can be said by anybody, and whoever looks one up sees what to write. Its facts are those of
//! Assigned Numbers (UUIDs, units) and of the GATT Specification Supplement (`source: GSS`, the section
//! of the characteristic's name), unless `source` says otherwise. `access` is what the service that
//! defines it asks for; where several do, or none, it is this program's choice.

mod merge;

use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use super::diagnose::nearest;
use super::tree::{NodeId, Tree};
use crate::gatt::assigned::{BtUuid, services};

pub(super) use merge::fill_in;

const TABLE: &[&str] = &[
    include_str!("table/body.yaml"),
    include_str!("table/device.yaml"),
    include_str!("table/environment.yaml"),
    include_str!("table/fitness.yaml"),
    include_str!("table/health.yaml"),
    include_str!("table/light.yaml"),
    include_str!("table/machines.yaml"),
    include_str!("table/motion.yaml"),
    include_str!("table/quantities.yaml"),
    include_str!("table/time.yaml"),
    include_str!("table/user.yaml"),
];

/// A part of the table, parsed when somebody asks for something in it: the whole would take longer to parse than
/// the file that is read, and stay in the memory.
struct Part {
    source: &'static str,
    tree: OnceLock<Tree>,
}

static PARTS: LazyLock<Vec<Part>> = LazyLock::new(|| {
    let parts = TABLE.iter().map(|source| Part {
        source,
        tree: OnceLock::new(),
    });
    parts.collect()
});

/// In which part each name stands.
static CHARACTERISTICS: LazyLock<BTreeMap<&str, &Part>> = LazyLock::new(|| {
    let parts = PARTS.iter();
    parts
        .flat_map(|part| part.names().map(move |name| (name, part)))
        .collect()
});

impl Part {
    /// Nothing else begins where a line does.
    fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        let is_name = |line: &&str| line.starts_with(|first: char| first.is_ascii_lowercase());
        let lines = self.source.lines().filter(is_name);
        lines.filter_map(|line| Some(line.split_once(':')?.0))
    }

    fn tree(&self) -> &Tree {
        self.tree.get_or_init(|| {
            let mut repeated = Vec::new();
            let tree = Tree::parse(self.source, &mut repeated).expect("the table is YAML");
            assert!(repeated.is_empty(), "a key stands twice: {repeated:?}");
            tree
        })
    }
}

/// What the table says of a characteristic.
#[derive(Clone, Copy)]
pub struct Characteristic {
    name: &'static str,
    part: &'static Part,
}

/// All characteristics by name, in the order of their names.
pub fn characteristics() -> impl Iterator<Item = (&'static str, Characteristic)> {
    let known = CHARACTERISTICS.iter();
    known.map(|(name, part)| (*name, Characteristic { name, part }))
}

/// What an attribute is: names of services and of characteristics are apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribute {
    Service,
    Characteristic,
}

impl Attribute {
    /// As a person calls it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Characteristic => "characteristic",
        }
    }

    /// All names of the kind, in their order.
    pub fn names(self) -> Vec<&'static str> {
        match self {
            Self::Service => {
                let mut names: Vec<_> = services().map(|(_, name, _)| name).collect();
                names.sort_unstable();
                names
            }
            Self::Characteristic => CHARACTERISTICS.keys().copied().collect(),
        }
    }

    /// The name that is written so. What is a number is no name.
    fn exact(self, word: &str) -> Option<&'static str> {
        if word.parse::<BtUuid>().is_ok() {
            return None;
        }
        match self {
            Self::Service => services()
                .find(|(_, name, _)| *name == word)
                .map(|(_, name, _)| name),
            Self::Characteristic => CHARACTERISTICS.get_key_value(word).map(|(name, _)| *name),
        }
    }

    /// The name that somebody most likely meant. What is written like a number is no name.
    pub(super) fn nearest(self, word: &str) -> Option<&'static str> {
        let is_name = word.starts_with(|first: char| first.is_ascii_alphabetic())
            && word.parse::<BtUuid>().is_err()
            && word.len() >= 3;
        is_name.then(|| nearest(word, self.names())).flatten()
    }
}

impl Characteristic {
    fn named(name: &str) -> Option<Self> {
        let (name, part) = CHARACTERISTICS.get_key_value(name)?;
        Some(Self { name, part })
    }

    fn tree(self) -> &'static Tree {
        self.part.tree()
    }

    /// What stands behind the name.
    fn node(self) -> NodeId {
        let tree = self.tree();
        let node = tree.get(tree.root(), self.name);
        node.expect("the name is from there")
    }

    /// What stands under a key.
    fn get(self, key: &str) -> Option<NodeId> {
        self.tree().get(self.node(), key)
    }

    pub fn uuid(self) -> BtUuid {
        let parsed = self.text("uuid").parse();
        parsed.expect("every entry of the table has a UUID")
    }

    /// Its official name.
    pub fn title(self) -> &'static str {
        self.text("name")
    }

    /// Where its facts are from.
    pub fn source(self) -> &'static str {
        self.text("source")
    }

    /// The type of its value.
    pub fn kind(self) -> &'static str {
        self.value_key("type")
    }

    /// The unit of its value, if it has one.
    pub fn unit(self) -> Option<&'static str> {
        Some(self.value_key("unit")).filter(|unit| !unit.is_empty())
    }

    /// The names of the fields of a struct.
    pub fn fields(self) -> Vec<&'static str> {
        let value = self.get("value");
        let fields = value.and_then(|value| self.tree().get(value, "fields"));
        let fields = fields.map_or(&[][..], |fields| self.tree().items(fields));
        let names = fields
            .iter()
            .filter_map(|field| self.tree().get(*field, "name"));
        names.map(|name| self.tree().text(name)).collect()
    }

    fn value_key(self, key: &str) -> &'static str {
        let value = self.get("value");
        let found = value.and_then(|value| self.tree().get(value, key));
        found.map_or("", |found| self.tree().text(found))
    }

    fn text(self, key: &str) -> &'static str {
        let found = self.get(key);
        found.map_or("", |found| self.tree().text(found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_found_without_parsing() {
        for part in PARTS.iter() {
            let (tree, names) = (part.tree(), part.names());
            let parsed: Vec<_> = tree.keys(tree.root()).collect();
            assert_eq!(names.collect::<Vec<_>>(), parsed);
        }
        let all: usize = PARTS.iter().map(|part| part.names().count()).sum();
        assert_eq!(all, CHARACTERISTICS.len(), "a name stands in two parts");
    }
}
