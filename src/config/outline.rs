//! What stands in a configuration, without its texts: enough to say what is another in the next, and nothing
//! that would have to be kept secret.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::tree::{Kind, NodeId, Tree};

/// Aliases can make much of little: more than so many nodes are not looked at.
const MAX_NODES: usize = 200_000;
/// A longer name is cut.
const MAX_NAME: usize = 80;
/// More than so many differences are only counted.
const MAX_SAID: usize = 40;

/// A configuration as a tree of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outline {
    /// A text, by its hash.
    Text(u64),
    /// What stands under each key, or each item of a list under its name. In their order.
    Parts(Vec<(String, Outline)>),
}

impl Outline {
    /// Of the text of a file; of one that is no YAML, nothing. What a variable of the environment says is not looked
    /// at: it is the same for as long as the process lives.
    pub fn of(source: &str) -> Self {
        let Ok(tree) = Tree::parse(source, &mut Vec::new()) else {
            return Self::Parts(Vec::new());
        };
        let mut left = MAX_NODES;
        outline(&tree, tree.root(), &mut left)
    }

    /// What is another in the next configuration, one line for each: `+` what has been added, `-` what has gone,
    /// `~` what is another now. Items of lists are told apart by their `name`.
    pub fn differences(&self, next: &Self) -> Vec<String> {
        let mut all = Vec::new();
        compare(self, next, &mut Vec::new(), &mut all);
        if all.len() > MAX_SAID {
            let more = all.len() - MAX_SAID;
            all.truncate(MAX_SAID);
            all.push(format!("and {more} more"));
        }
        all
    }
}

fn outline(tree: &Tree, id: NodeId, left: &mut usize) -> Outline {
    *left = left.saturating_sub(1);
    if *left == 0 {
        return Outline::Text(0);
    }
    match &tree.node(id).kind {
        Kind::Scalar { text, .. } => {
            let mut hasher = DefaultHasher::new();
            text.hash(&mut hasher);
            Outline::Text(hasher.finish())
        }
        Kind::Sequence(items) => {
            let mut parts = Vec::new();
            let mut seen = BTreeMap::new();
            for (index, item) in items.iter().enumerate() {
                let name = name(tree, *item).unwrap_or_else(|| format!("[{index}]"));
                let times = seen.entry(name.clone()).or_insert(0_usize);
                *times += 1;
                let name = match *times {
                    1 => name,
                    times => format!("{name} ({times})"),
                };
                parts.push((name, outline(tree, *item, left)));
            }
            Outline::Parts(parts)
        }
        Kind::Mapping(entries) => {
            let parts = entries.iter().map(|(key, value)| {
                let key = text(tree, *key).unwrap_or_default().to_owned();
                (key, outline(tree, *value, left))
            });
            Outline::Parts(parts.collect())
        }
    }
}

/// What an item of a list is called.
fn name(tree: &Tree, item: NodeId) -> Option<String> {
    let Kind::Mapping(entries) = &tree.node(item).kind else {
        return None;
    };
    let (_, value) = entries
        .iter()
        .find(|(key, _)| text(tree, *key) == Some("name"))?;
    Some(text(tree, *value)?.chars().take(MAX_NAME).collect())
}

fn text(tree: &Tree, id: NodeId) -> Option<&str> {
    match &tree.node(id).kind {
        Kind::Scalar { text, .. } => Some(text),
        Kind::Sequence(_) | Kind::Mapping(_) => None,
    }
}

fn compare<'a>(
    before: &'a Outline,
    next: &'a Outline,
    path: &mut Vec<&'a str>,
    all: &mut Vec<String>,
) {
    let (Outline::Parts(before), Outline::Parts(next)) = (before, next) else {
        if before != next {
            all.push(format!("~ {}", path.join(" / ")));
        }
        return;
    };
    let known: BTreeMap<&str, &Outline> = before.iter().map(|(name, it)| (&**name, it)).collect();
    let now: BTreeMap<&str, &Outline> = next.iter().map(|(name, it)| (&**name, it)).collect();
    for (name, _) in before.iter().filter(|(name, _)| !now.contains_key(&**name)) {
        all.push(format!("- {}", below(path, name)));
    }
    for (name, part) in next {
        match known.get(&**name) {
            None => all.push(format!("+ {}", below(path, name))),
            Some(before) => {
                path.push(name);
                compare(before, part, path, all);
                path.pop();
            }
        }
    }
    let order = |of: &'a [(String, Outline)], other: &BTreeMap<&str, &Outline>| {
        let names = of.iter().map(|(name, _)| &**name);
        let names: Vec<&str> = names.filter(|name| other.contains_key(name)).collect();
        names
    };
    if order(before, &now) != order(next, &known) {
        all.push(format!("~ {} (their order)", path.join(" / ")));
    }
}

fn below(path: &[&str], name: &str) -> String {
    let mut path = path.to_vec();
    path.push(name);
    path.join(" / ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differences(before: &str, next: &str) -> Vec<String> {
        Outline::of(before).differences(&Outline::of(next))
    }

    #[test]
    fn each_difference_is_named_by_where_it_stands_and_no_text_is_shown() {
        let before = "device: { name: A }\nbox: { lock: old }\nservices:\n- name: S\n  characteristics:\n  \
            - { name: One, value: { min: 0, max: 9 } }\n  - { name: Gone }\n";
        let next = "device: { name: A }\nbox: { lock: new }\nservices:\n- name: S\n  characteristics:\n  \
            - { name: One, value: { max: 5 }, persist: true }\n  - { name: New }\n";
        assert_eq!(
            differences(before, next),
            [
                "~ box / lock",
                "- services / S / characteristics / Gone",
                "- services / S / characteristics / One / value / min",
                "~ services / S / characteristics / One / value / max",
                "+ services / S / characteristics / One / persist",
                "+ services / S / characteristics / New",
            ]
        );
    }

    #[test]
    fn comments_and_the_form_make_no_difference_and_the_order_does() {
        assert_eq!(
            differences("a: { b: 1, c: 2 }", "# more\na:\n  b: 1\n  c: 2\n"),
            [""; 0]
        );
        assert_eq!(
            differences(
                "a: [{ name: x }, { name: y }]",
                "a: [{ name: y }, { name: x }]"
            ),
            ["~ a (their order)"]
        );
    }

    #[test]
    fn of_very_many_some_are_said_and_the_others_counted() {
        let many = |value: u8| {
            (0..100)
                .map(|key| format!("k{key}: {value}\n"))
                .collect::<String>()
        };
        let said = differences(&many(0), &many(1));
        assert_eq!(said.len(), MAX_SAID + 1);
        assert_eq!(said[MAX_SAID], "and 60 more");
    }
}
