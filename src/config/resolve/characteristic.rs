//! One characteristic: its access, its value, and what has to be true of the two together.

use std::collections::{HashMap, HashSet};

use super::initial::Unset;
use super::response::{Named, first_copy, paced};
use super::{ChangedHere, Resolver, Subscribable, any_number};
use crate::codec::{Spec, Value};
use crate::config::model::{AccessConfig, CharacteristicConfig, SourceConfig, ValueConfig};
use crate::config::read::{Literal, Spanned};
use crate::config::sig::Attribute;
use crate::config::tree::{Kind, NodeId, Style, Tree};
use crate::config::veil::without_numbers;
use crate::engine::{CellId, Owner};
use crate::gatt::assigned::{BtUuid, GENERIC_ACCESS};
use crate::gatt::{Access, Characteristic};
use crate::plan::{CONFIRM_WITHIN, CellPlan};
use crate::plugin::Keys;

impl Resolver<'_> {
    pub(super) fn characteristic(
        &mut self,
        Spanned { at, value: config }: Spanned<CharacteristicConfig>,
        seen: &mut HashMap<BtUuid, NodeId>,
    ) -> Characteristic {
        let name = self.name(at, config.name.as_ref());
        let uuid = self.uuid(at, config.uuid.as_ref(), Attribute::Characteristic, seen);
        let words = self.values.required(at, "access", config.access.as_ref());
        let access = words.map(|words| self.access(words)).unwrap_or_default();
        let value = self.values.required(at, "value", config.value.as_ref());
        let security = self.security(&config, access);
        self.check_constant(&config);
        let before = self.values.diagnostics.len();
        let declared = value.and_then(|value| self.values.spec(value));
        let presentation = value.map(|value| self.values.presentation(value));
        let json = value.and_then(|value| self.values.pointer(value));
        let (initial, constant) = match (&declared, value) {
            (Some(spec), Some(value)) => {
                self.check_writes(&config, access, spec);
                self.start_value(value, spec)
            }
            _ => (None, value.is_some_and(|value| value.constant.is_some())),
        };
        if value.is_some_and(|it| is_from_environment(self.values.tree, it.at)) {
            self.hush(before);
        }
        // A wrong value must not hide what else is wrong around it.
        let is_sound = declared.is_some();
        let spec = declared.unwrap_or_else(any_number);
        let pace = self.pace(&config, access);
        let delivery = self.delivery(&config);
        let expires = self.expires(&config);
        let cell = CellId::new(self.plan.cells.len());
        let ack = self.ack(&config, at, access, cell);
        self.plan.cells.push(CellPlan {
            name: name.clone(),
            spec: spec.clone(),
            json,
            initial,
            is_from_environment: value
                .is_some_and(|it| is_from_environment(self.values.tree, it.at)),
            is_place_from_environment: value
                .is_some_and(|it| is_place_from_environment(self.values.tree, it.at)),
            restored: None,
            constant,
            owner: Owner::Here,
            confirm_within: CONFIRM_WITHIN,
            delivery,
            valid_for: None,
            expires,
            response: None,
            answers_only: false,
            with: Vec::new(),
            ack,
            owed: Vec::new(),
        });
        if let Some(value) = value.filter(|_| is_sound) {
            self.unset.extend(Unset::of(cell, value));
        }
        self.named.push(Named {
            name: name.clone(),
            at,
            cell,
            access,
            paced: paced(config.notify.as_ref().map(|notify| notify.at), pace),
            delivery_declared: config.delivery.is_some(),
            copy: config.value.as_ref().and_then(|value| first_copy(value)),
            is_sound,
        });
        self.note_changes(cell, constant, &config);
        let told = match config.response {
            Some(response) => self.response(cell, access, response),
            None => None,
        };
        if let Some((answer, _)) = &told {
            self.subscribers_hear(cell, *answer);
        }
        if let Some(source) = config.source {
            self.source(cell, source);
        }
        self.characteristics.push(Keys {
            cell,
            at,
            keys: config.plugins,
        });
        Characteristic {
            name,
            uuid: uuid.unwrap_or(GENERIC_ACCESS),
            access,
            security,
            spec,
            presentation: presentation.unwrap_or_default(),
            cell,
            told,
            pace,
        }
    }

    /// Subscribers hear of an answer, not of the value: then it is the answer that has to come from
    /// somewhere.
    fn subscribers_hear(&mut self, cell: CellId, answer: CellId) {
        let of_cell = self.subscribable.iter_mut().filter(|it| it.cell == cell);
        of_cell.for_each(|it| {
            it.cell = answer;
            it.fed = false;
            it.is_answer = true;
        });
    }

    /// Remembers what has to be judged when it is known what the plugins bring.
    fn note_changes(&mut self, cell: CellId, constant: bool, config: &CharacteristicConfig) {
        let write = word_of(
            config,
            &[AccessConfig::Write, AccessConfig::WriteWithoutResponse],
        );
        if let Some(at) = write {
            let is_source = false;
            self.changed_here.push(ChangedHere {
                cell,
                at,
                is_source,
            });
        }
        if let Some(at) = word_of(config, &[AccessConfig::Notify, AccessConfig::Indicate]) {
            let fed = write.is_some() && !constant;
            self.subscribable.push(Subscribable {
                cell,
                at,
                fed,
                is_answer: false,
            });
        }
    }

    fn source(&mut self, cell: CellId, Spanned { at, value }: Spanned<SourceConfig>) {
        if value.plugins.len() != 1 {
            let help = format!("name one of {}", self.sources_known);
            self.mistake(at, "one source is wanted here", help);
        }
        let is_source = true;
        self.changed_here.push(ChangedHere {
            cell,
            at,
            is_source,
        });
        self.sources.push(Keys {
            cell,
            at,
            keys: value.plugins,
        });
    }

    fn access(&mut self, declared: &Spanned<Vec<Spanned<AccessConfig>>>) -> Access {
        let mut access = Access::default();
        for word in &declared.value {
            let flag = match word.value {
                AccessConfig::Read => &mut access.read,
                AccessConfig::Write => &mut access.write,
                AccessConfig::WriteWithoutResponse => &mut access.write_without_response,
                AccessConfig::Notify => &mut access.notify,
                AccessConfig::Indicate => &mut access.indicate,
            };
            if std::mem::replace(flag, true) {
                self.mistake(word.at, "this stands in the list twice", "remove one");
            }
        }
        if self.values.tree.is_empty_sequence(declared.at) {
            let help = "list at least one of read, write, write_without_response, notify, indicate";
            self.mistake(declared.at, "a central could do nothing with it", help);
        }
        access
    }

    /// BlueZ acknowledges a write before it hands it on when the characteristic can also be written
    /// without a response. Then a refused value would look accepted.
    fn check_writes(&mut self, config: &CharacteristicConfig, access: Access, spec: &Spec) {
        if access.write
            && spec.can_refuse()
            && let Some(at) = word_of(config, &[AccessConfig::WriteWithoutResponse])
        {
            let message = "beside `write_without_response`, a `write` of a wrong value would be \
                acknowledged: BlueZ answers before it asks";
            let help = "keep one of the two; `write` alone can tell a central what is wrong";
            self.mistake(at, message, help);
        }
    }

    fn check_constant(&mut self, config: &CharacteristicConfig) {
        let Some(constant) = config
            .value
            .as_ref()
            .and_then(|value| value.constant.as_ref())
        else {
            return;
        };
        let write = word_of(
            config,
            &[AccessConfig::Write, AccessConfig::WriteWithoutResponse],
        );
        if let Some(at) = write {
            self.mistake(at, "a constant cannot be written", "remove one of the two");
        }
        if config.source.is_some() {
            let help = "remove `source` or `constant`";
            self.mistake(constant.0, "a constant has no source", help);
        }
    }

    fn start_value(&mut self, value: &ValueConfig, spec: &Spec) -> (Option<Value>, bool) {
        if let (Some(initial), Some(_)) = (value.initial, value.constant) {
            let help = "remove one: a constant is its own initial value";
            self.mistake(initial.0, "both `initial` and `constant`", help);
        }
        if let Some(constant) = value.constant {
            return (self.constant(constant.0, spec), true);
        }
        let initial = value.initial;
        (
            initial.and_then(|initial| self.values.literal_at("initial", initial.0, spec)),
            false,
        )
    }

    /// Takes the numbers out of the mistakes since there were `before` of them. Of a value that came from the
    /// environment in part, the rest may be wrong for the sake of that part, and the mistake says where the
    /// range ends. The veil knows texts, and numbers only where they stand.
    pub(super) fn hush(&mut self, before: usize) {
        for mistake in self.values.diagnostics.iter_mut().skip(before) {
            mistake.message = without_numbers(&mistake.message);
            mistake.help = mistake.help.take().map(|help| without_numbers(&help));
        }
    }

    /// A constant; in a text, placeholders are filled in.
    fn constant(&mut self, at: NodeId, spec: &Spec) -> Option<Value> {
        let (Spec::Text(_), Kind::Scalar { text, style }) = (spec, &self.values.tree.node(at).kind)
        else {
            return self.values.literal_at("constant", at, spec);
        };
        let text = Spanned {
            at,
            value: text.clone(),
        };
        let literal = Literal {
            text: self.expand(&text)?,
            quoted: *style == Style::Quoted,
        };
        self.values.literal("constant", at, &literal, spec)
    }
}

/// Whether something of what is declared that a value is, or may be, came from the environment. The names of
/// fields may.
pub(super) fn is_from_environment(tree: &Tree, value: NodeId) -> bool {
    let is_told = |key: &str| !matches!(key, "name" | "fields" | "items");
    any_from_environment(tree, value, &is_told)
}

/// Whether the place of a value in a document, or that of a field, came from the environment.
pub(super) fn is_place_from_environment(tree: &Tree, value: NodeId) -> bool {
    any_from_environment(tree, value, &|key| key == "json")
}

/// Whether what stands behind one of these keys came from the environment, in a value, its fields and its
/// items.
fn any_from_environment(tree: &Tree, value: NodeId, is_meant: &dyn Fn(&str) -> bool) -> bool {
    let mut seen = HashSet::from([value]);
    let mut open = vec![value];
    while let Some(id) = open.pop() {
        for (key, inner) in tree.entries(id) {
            let key = tree.text(*key);
            if is_meant(key) && tree.is_from_environment(*inner) {
                return true;
            }
            let parts: &[NodeId] = match (key, &tree.node(*inner).kind) {
                ("items", _) => &[*inner],
                ("fields", Kind::Sequence(fields)) => fields,
                _ => &[],
            };
            // Aliases name the same node many times over.
            open.extend(parts.iter().filter(|part| seen.insert(**part)));
        }
    }
    false
}

/// Where the first of these words stands in the access list.
fn word_of(config: &CharacteristicConfig, words: &[AccessConfig]) -> Option<NodeId> {
    let access = config.access.as_ref()?;
    let word = access.iter().find(|word| words.contains(&word.value))?;
    Some(word.at)
}
