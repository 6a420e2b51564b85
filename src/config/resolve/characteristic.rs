//! One characteristic: its access, its value, and what has to be true of the two together.

use std::collections::{BTreeMap, HashMap};

use super::{ChangedHere, Resolver};
use crate::codec::{ByteOrder, IntWidth, MAX_LENGTH, Overflow, Spec, Value};
use crate::config::model::{AccessConfig, CharacteristicConfig};
use crate::config::read::{Literal, Raw, Spanned};
use crate::config::tree::NodeId;
use crate::engine::{CellId, Owner};
use crate::gatt::assigned::{BtUuid, GENERIC_ACCESS};
use crate::gatt::{Access, Characteristic};
use crate::plan::{CONFIRM_WITHIN, CellPlan};
use crate::plugin::Keys;

/// Stands in for a value whose own declaration is wrong.
const ANY_NUMBER: Spec = Spec::Int {
    width: IntWidth::W64,
    signed: true,
    order: ByteOrder::Little,
    min: i64::MIN as i128,
    max: i64::MAX as i128,
    overflow: Overflow::Reject,
};

impl Resolver<'_> {
    pub(super) fn characteristic(
        &mut self,
        config: CharacteristicConfig,
        seen: &mut HashMap<BtUuid, NodeId>,
    ) -> Characteristic {
        let uuid = self.uuid(&config.uuid, "characteristic", seen);
        let name = self.expand(&config.name).unwrap_or_default();
        if name.len() > MAX_LENGTH {
            self.mistake(
                config.name.at,
                "a name of more than 512 bytes",
                "shorten it",
            );
        }
        let access = self.access(&config.access);
        self.check_can_change(&config, access);
        let declared = self.values.spec(&config.value);
        let (initial, constant) = match &declared {
            Some(spec) => {
                self.check_writes(&config, access, spec);
                self.start_value(&config, spec)
            }
            None => (None, config.value.constant.is_some()),
        };
        // A wrong value must not hide what else is wrong around it.
        let spec = declared.unwrap_or(ANY_NUMBER);
        let cell = CellId::new(self.plan.cells.len());
        self.plan.cells.push(CellPlan {
            name: name.clone(),
            spec: spec.clone(),
            initial,
            constant,
            owner: Owner::Here,
            confirm_within: CONFIRM_WITHIN,
        });
        let write = config.access.iter().find(|word| {
            matches!(
                word.value,
                AccessConfig::Write | AccessConfig::WriteWithoutResponse
            )
        });
        if let Some(word) = write {
            self.changed_here.push(ChangedHere { cell, at: word.at });
        }
        if let Some(source) = config.source {
            let at = source_at(&source.plugins, config.value.at);
            self.changed_here.push(ChangedHere { cell, at });
            if source.plugins.len() != 1 {
                let help = "one source, for example `source: { ticker: { every: 1s } }`";
                self.mistake(
                    source_at(&source.plugins, config.value.at),
                    "not one source",
                    help,
                );
            }
            self.sources.push(Keys {
                cell,
                keys: source.plugins,
            });
        }
        self.characteristics.push(Keys {
            cell,
            keys: config.plugins,
        });
        Characteristic {
            name,
            uuid: uuid.unwrap_or(GENERIC_ACCESS),
            access,
            spec,
            cell,
        }
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
        if declared.is_empty() {
            let help = "list at least one of read, write, write_without_response, notify, indicate";
            self.mistake(declared.at, "a central could do nothing with it", help);
        }
        access
    }

    /// BlueZ acknowledges a write before it hands it on when the characteristic can also be written
    /// without a response. Then a refused value would look accepted.
    fn check_writes(&mut self, config: &CharacteristicConfig, access: Access, spec: &Spec) {
        if access.write && access.write_without_response && spec.can_refuse() {
            let at = config
                .access
                .iter()
                .find(|word| word.value == AccessConfig::WriteWithoutResponse)
                .map_or(config.access.at, |word| word.at);
            let message = "beside `write_without_response`, a `write` of a wrong value would be \
                acknowledged: BlueZ answers before it asks";
            self.mistake(
                at,
                message,
                "keep one of the two; `write` alone can tell a central what is wrong",
            );
        }
    }

    fn check_can_change(&mut self, config: &CharacteristicConfig, access: Access) {
        let constant = config.value.constant.is_some();
        let subscription = config
            .access
            .iter()
            .find(|word| matches!(word.value, AccessConfig::Notify | AccessConfig::Indicate));
        let source = config
            .source
            .as_ref()
            .is_some_and(|source| !source.plugins.is_empty());
        let fed = access.is_writable() || source || !config.plugins.is_empty();
        if let Some(word) = subscription
            && (constant || !fed)
        {
            let help = "remove `notify` and `indicate`, or say what changes the value: `write`, a \
                topic or a source";
            self.mistake(
                word.at,
                "there is nothing to notify of: the value never changes",
                help,
            );
        }
        if constant {
            let writable = config.access.iter().find(|word| {
                matches!(
                    word.value,
                    AccessConfig::Write | AccessConfig::WriteWithoutResponse
                )
            });
            if let Some(word) = writable {
                self.mistake(
                    word.at,
                    "a constant cannot be written",
                    "remove one of the two",
                );
            }
            if source {
                let help = "remove `source` or `constant`";
                self.mistake(config.value.at, "a constant has no source", help);
            }
        }
    }

    fn start_value(&mut self, config: &CharacteristicConfig, spec: &Spec) -> (Option<Value>, bool) {
        let value = &config.value;
        if let (Some(initial), Some(_)) = (&value.initial, &value.constant) {
            let help = "remove one: a constant is its own initial value";
            self.mistake(initial.at, "both `initial` and `constant`", help);
        }
        if let Some(constant) = &value.constant {
            let text = Spanned {
                at: constant.at,
                value: constant.text.clone(),
            };
            let text = match spec {
                Spec::Utf8 { .. } => self.expand(&text).unwrap_or_default(),
                _ => text.value,
            };
            let literal = Literal {
                text,
                quoted: constant.quoted,
            };
            let literal = Spanned {
                at: constant.at,
                value: literal,
            };
            return (self.values.literal("constant", &literal, spec), true);
        }
        let initial = value.initial.as_ref();
        (
            initial.and_then(|initial| self.values.literal("initial", initial, spec)),
            false,
        )
    }
}

/// Where to point when a source is not one: at the second, or beside it when there is none.
fn source_at(plugins: &BTreeMap<String, Raw>, otherwise: NodeId) -> NodeId {
    plugins.values().map(|raw| raw.0).max().unwrap_or(otherwise)
}
