//! What the response to a write promises, and whether that can be kept.

use super::Resolver;
use crate::config::diagnose::Diagnostic;
use crate::config::model::CharacteristicConfig;
use crate::config::tree::{NodeId, Tree};
use crate::engine::{Ack, CellId, Owner};
use crate::gatt::Access;
use crate::plan::Plan;
use crate::plugin::Direction;

/// A promise that depends on what the plugins bring.
pub(super) struct Promised {
    pub(super) cell: CellId,
    at: NodeId,
    ack: Ack,
}

impl Resolver<'_> {
    pub(super) fn ack(
        &mut self,
        config: &CharacteristicConfig,
        at: NodeId,
        access: Access,
        cell: CellId,
    ) -> Ack {
        let Some(declared) = &config.ack else {
            if let Some(empty) = self
                .values
                .tree
                .get(at, "ack")
                .filter(|it| self.values.tree.is_nothing(*it))
            {
                let help = "write what the answer to a write promises, as in `ack: journaled`, or remove `ack`";
                self.mistake(empty, "nothing stands behind `ack`", help);
            }
            return match access.write && !access.write_without_response {
                true => Ack::Journaled,
                false => Ack::Accepted,
            };
        };
        let ack = Ack::from(declared.value);
        if !access.write {
            let message = "no write is answered here, so no answer can promise anything";
            let help = "write `write` in `access`, or remove `ack`";
            self.mistake(declared.at, message, help);
        } else if access.write_without_response && ack > Ack::Accepted {
            let message = "beside `write_without_response`, BlueZ answers a write before this program \
                sees it";
            let help = "keep `write` alone in `access`, or write `ack: accepted`";
            self.mistake(declared.at, message, help);
        }
        let at = declared.at;
        self.promised.push(Promised { cell, at, ack });
        ack
    }
}

/// Says which promises nobody can keep.
pub(super) fn check(
    promised: &[Promised],
    plan: &Plan,
    tree: &Tree,
    diagnostics: &mut Vec<Diagnostic>,
) {
    for &Promised { cell, at, ack } in promised {
        let of_owner = plan.cells[cell.index()].owner;
        let problem = match ack {
            Ack::Accepted | Ack::Journaled => None,
            Ack::Confirmed if of_owner == Owner::Here => Some((
                "nobody confirms this: the owner of the value is this process",
                "write `ack: published`, or `owner: remote` where another program decides",
            )),
            Ack::Published | Ack::Confirmed if plan.acknowledged(cell).is_none() => Some((
                "nobody acknowledges this: it is published nowhere",
                "give it a topic to be published on, or write `ack: journaled`",
            )),
            Ack::Published | Ack::Confirmed if is_unacknowledged(plan, cell) => Some((
                "a broker acknowledges nothing that is published with `qos: 0`",
                "write `qos: 1` at its topic, or `ack: journaled`",
            )),
            Ack::Published | Ack::Confirmed => None,
        };
        if let Some((message, help)) = problem {
            diagnostics.push(Diagnostic::new(tree.span(at), message).help(help));
        }
    }
}

fn is_unacknowledged(plan: &Plan, cell: CellId) -> bool {
    let links = plan.links.iter().flat_map(|link| &link.candidates);
    let mut topics = links.flat_map(|link| link.topics());
    topics.any(|topic| {
        topic.direction == Direction::Publish && topic.qos == 0 && topic.cells.contains(&cell)
    })
}
