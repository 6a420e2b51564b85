//! What a name of the Bluetooth SIG brings is put into the tree before anything is read: from then on
//! it is as if somebody had written it out. Everything it brings stands where the name stands.

use super::{Attribute, Characteristic};
use crate::config::diagnose::{Diagnostic, Span, nearest};
use crate::config::read::MAX_MISTAKES;
use crate::config::tree::{Kind, NodeId, Style, Tree};
use crate::gatt::assigned::{BtUuid, services};

/// What a name brings besides the number.
const BROUGHT: [&str; 3] = ["name", "access", "value"];

/// What is said in the unit of the scale, or of it: an own scale stands for these too.
const IN_SCALE: [&str; 3] = ["min", "max", "unit"];

/// The tree cannot take more.
struct Full;

/// Fills in what the names bring. What stands in the file always wins.
///
/// # Errors
/// When all of it would be too much to read.
pub(in crate::config) fn fill_in(
    tree: &mut Tree,
    mistakes: &mut Vec<Diagnostic>,
) -> Result<(), Diagnostic> {
    let mut work = Merge {
        tree,
        mistakes,
        misspelt: 0,
    };
    for service in under(work.tree, work.tree.root(), "services") {
        work.all(service).map_err(|Full| {
            let at = work.tree.span(service);
            let message =
                "with what the names in `uuid` bring, these are more than a million values";
            let help = "no device needs a configuration of this size: split it";
            Diagnostic::new(at, message).help(help)
        })?;
    }
    Ok(())
}

fn under(tree: &Tree, of: NodeId, key: &str) -> Vec<NodeId> {
    let list = tree.get(of, key);
    list.map_or_else(Vec::new, |list| tree.items(list).to_vec())
}

struct Merge<'a> {
    tree: &'a mut Tree,
    mistakes: &'a mut Vec<Diagnostic>,
    /// So many words in `uuid` were no names.
    misspelt: usize,
}

/// A `uuid` that is a name.
struct Name {
    at: Span,
    /// The name that is meant, and whether it is spelt so.
    meant: &'static str,
    exact: bool,
}

/// What the name of a field says.
enum Named {
    /// It is this one of the table.
    Known(usize),
    /// None, but perhaps this one is meant.
    Misspelt(Option<usize>),
    /// There is no name.
    Not,
}

impl Merge<'_> {
    fn all(&mut self, service: NodeId) -> Result<(), Full> {
        self.service(service)?;
        for characteristic in under(self.tree, service, "characteristics") {
            self.characteristic(characteristic)?;
        }
        Ok(())
    }

    fn service(&mut self, service: NodeId) -> Result<(), Full> {
        let Some(name) = self.name(service, Attribute::Service) else {
            return Ok(());
        };
        let (number, _, title) = services()
            .find(|(_, known, _)| *known == name.meant)
            .expect("the name is one of them");
        if !self.tree.has_key(service, "name") {
            let title = self.scalar(title, Style::Quoted, name.at)?;
            self.put(service, "name", title, name.at)?;
        }
        self.number(service, &name, BtUuid::short(number.into()))
    }

    fn characteristic(&mut self, characteristic: NodeId) -> Result<(), Full> {
        let Some(name) = self.name(characteristic, Attribute::Characteristic) else {
            return Ok(());
        };
        let known = Characteristic::named(name.meant).expect("the name is one of them");
        for key in BROUGHT {
            let brought = known.get(key);
            let brought = brought.expect("every entry of the table has these");
            match self.tree.get(characteristic, key) {
                None => {
                    let copy = self.graft(known.tree(), brought, name.at)?;
                    self.put(characteristic, key, copy, name.at)?;
                }
                Some(own) if key == "value" => {
                    let merged = self.value(own, known.tree(), brought, &name)?;
                    self.replace(characteristic, key, merged);
                }
                Some(_) => {}
            }
        }
        self.number(characteristic, &name, known.uuid())
    }

    /// The name in `uuid`. One that is misspelt brings all the same, or what is missing for the want of
    /// it would be told as mistakes of their own; but it stays as it is, to be told itself.
    fn name(&mut self, of: NodeId, kind: Attribute) -> Option<Name> {
        let node = self.tree.get(of, "uuid")?;
        let word = self.tree.text(node);
        let exact = kind.exact(word);
        if exact.is_none() && word.parse::<BtUuid>().is_err() {
            // Beyond so many mistakes nobody reads on, and looking for the nearest takes its time.
            self.misspelt += 1;
        }
        let meant = exact.or_else(|| match self.misspelt <= MAX_MISTAKES {
            true => kind.nearest(word),
            false => None,
        });
        Some(Name {
            at: self.tree.span(node),
            meant: meant?,
            exact: exact.is_some(),
        })
    }

    /// Puts the number in the place of the name.
    fn number(&mut self, of: NodeId, name: &Name, uuid: BtUuid) -> Result<(), Full> {
        if name.exact {
            let number = self.scalar(&uuid.to_string(), Style::Plain, name.at)?;
            self.replace(of, "uuid", number);
        }
        Ok(())
    }

    /// A value with what the table has of it and it has not itself. One of another type is all its own.
    fn value(
        &mut self,
        own: NodeId,
        table: &Tree,
        brought: NodeId,
        name: &Name,
    ) -> Result<NodeId, Full> {
        let Kind::Mapping(mut entries) = self.tree.node(own).kind.clone() else {
            return Ok(own);
        };
        if let (Some(ours), Some(theirs)) = (self.tree.get(own, "type"), table.get(brought, "type"))
            && self.tree.text(ours) != table.text(theirs)
        {
            return Ok(own);
        }
        let is_scaled = self.tree.has_key(own, "scale");
        for (key, theirs) in table.entries(brought) {
            let key_text = table.text(*key);
            if is_scaled && IN_SCALE.contains(&key_text) {
                continue;
            }
            let ours = entries
                .iter_mut()
                .find(|(known, _)| self.tree.text(*known) == key_text);
            match ours {
                Some((_, fields)) if key_text == "fields" => {
                    let merged = self.fields(*fields, table, *theirs, name)?;
                    *fields = merged;
                }
                Some(_) => {}
                None => {
                    let key = self.graft(table, *key, name.at)?;
                    entries.push((key, self.graft(table, *theirs, name.at)?));
                }
            }
        }
        let at = self.tree.span(own);
        self.add(Kind::Mapping(entries), at)
    }

    /// The fields of the table in their order, for that is the order on the air, each with what stands
    /// in the file of it.
    fn fields(
        &mut self,
        own: NodeId,
        table: &Tree,
        brought: NodeId,
        name: &Name,
    ) -> Result<NodeId, Full> {
        if !matches!(self.tree.node(own).kind, Kind::Sequence(_)) {
            return Ok(own);
        }
        let theirs = table.items(brought);
        let known: Vec<&str> = theirs
            .iter()
            .map(|field| {
                table
                    .get(*field, "name")
                    .map_or("", |name| table.text(name))
            })
            .collect();
        let mut beside: Vec<Option<NodeId>> = vec![None; theirs.len()];
        let mut strangers = Vec::new();
        for field in self.tree.items(own).to_vec() {
            match self.field_named(field, &known) {
                Named::Known(index) | Named::Misspelt(Some(index)) if beside[index].is_none() => {
                    beside[index] = Some(field);
                }
                // Without a name, or with that of another before it: that is judged later.
                Named::Known(_) | Named::Not => strangers.push(field),
                // It has been told; whatever else is wrong with it follows from that.
                Named::Misspelt(_) => {
                    if let Some(name) = self.tree.get(field, "name") {
                        self.tree.set_aside(name);
                    }
                }
            }
        }
        let mut merged = Vec::with_capacity(theirs.len());
        for (theirs, ours) in theirs.iter().zip(beside) {
            merged.push(match ours {
                Some(ours) => self.value(ours, table, *theirs, name)?,
                None => self.graft(table, *theirs, name.at)?,
            });
        }
        merged.extend(strangers);
        let at = self.tree.span(own);
        self.add(Kind::Sequence(merged), at)
    }

    /// Which of the known fields a field is. A misspelt one is told, and is the one that is meant.
    fn field_named(&mut self, field: NodeId, known: &[&str]) -> Named {
        let Some(node) = self.tree.get(field, "name") else {
            return Named::Not;
        };
        let word = self.tree.text(node);
        if let Some(index) = known.iter().position(|known| *known == word) {
            return Named::Known(index);
        }
        let meant = nearest(word, known.iter().copied());
        let message = format!("the value has no field `{word}`");
        let help = match meant {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("its fields are {}", known.join(", ")),
        };
        let at = self.tree.span(node);
        self.mistakes.push(Diagnostic::new(at, message).help(help));
        Named::Misspelt(known.iter().position(|known| Some(*known) == meant))
    }

    // ── the tree ─────────────────────────────────────────────────────────────────────────────────

    fn put(&mut self, mapping: NodeId, key: &str, value: NodeId, at: Span) -> Result<(), Full> {
        let key = self.scalar(key, Style::Plain, at)?;
        if let Kind::Mapping(entries) = &mut self.tree.node_mut(mapping).kind {
            entries.push((key, value));
        }
        Ok(())
    }

    /// The node that stood there is left as it is: an alias may lead to it from elsewhere.
    fn replace(&mut self, mapping: NodeId, key: &str, new: NodeId) {
        let entries = self.tree.entries(mapping).iter();
        let index = entries
            .map(|(found, _)| self.tree.text(*found))
            .position(|found| found == key);
        if let (Kind::Mapping(entries), Some(index)) =
            (&mut self.tree.node_mut(mapping).kind, index)
        {
            entries[index].1 = new;
        }
    }

    fn scalar(&mut self, text: &str, style: Style, at: Span) -> Result<NodeId, Full> {
        let text = text.to_owned();
        self.add(Kind::Scalar { text, style }, at)
    }

    fn add(&mut self, kind: Kind, at: Span) -> Result<NodeId, Full> {
        self.tree.add(kind, at).ok_or(Full)
    }

    fn graft(&mut self, table: &Tree, id: NodeId, at: Span) -> Result<NodeId, Full> {
        self.tree.graft(table, id, at).ok_or(Full)
    }
}
