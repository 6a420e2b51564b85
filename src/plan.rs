//! The resolved configuration: what the engine is built from, and what each link is to carry.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::codec::{Pointer, Spec, Value};
use crate::engine::{
    Ack, Carries, CellId, CellSpec, Delivery, Engine, LinkId, Owed, Owner, Response, Subscription,
    Time,
};
use crate::gatt::assigned::BtUuid;
use crate::gatt::{SecurityLevel, Service};
use crate::plugin::Link;

/// How long a remote owner may take to confirm, unless something else is declared.
pub const CONFIRM_WITHIN: Duration = Duration::from_secs(2);

#[derive(Default)]
pub struct Plan {
    /// The name that the device advertises.
    pub device_name: String,
    pub services: Vec<Service>,
    pub cells: Vec<CellPlan>,
    /// By [`LinkId`].
    pub links: Vec<LinkPlan>,
    pub subscriptions: Subscriptions,
}

/// Who hears of what, in one role for each link and cell. With thousands of values it is looked up as
/// often as it is added to.
#[derive(Clone, Debug, Default)]
pub struct Subscriptions {
    all: Vec<Subscription>,
    by_pair: HashMap<(LinkId, CellId), usize>,
}

/// One value.
#[derive(Clone, Debug)]
pub struct CellPlan {
    /// For people: the name of the characteristic.
    pub name: String,
    pub spec: Spec,
    /// Where it stands in a document, if that is said.
    pub json: Option<Pointer>,
    pub initial: Option<Value>,
    /// Something of what is declared that it is, or may be, came from the environment: neither is to be
    /// shown.
    pub is_from_environment: bool,
    /// So did where it, or a part of it, stands in a document.
    pub is_place_from_environment: bool,
    /// What it held before this process began; comes before `initial`.
    pub restored: Option<Value>,
    pub constant: bool,
    pub owner: Owner,
    pub confirm_within: Duration,
    pub delivery: Delivery,
    /// How long what a remote owner has said is true.
    pub valid_for: Option<Duration>,
    /// How long an event is worth telling, where every event counts.
    pub expires: Option<Duration>,
    /// How writes of it by a central are answered, if they are.
    pub response: Option<Response>,
    /// Whether it is made of answers only.
    pub answers_only: bool,
    /// The values that are told with each change of it, as they are when that is accepted.
    pub with: Vec<CellId>,
    /// What the response to a write by a central promises.
    pub ack: Ack,
    /// What was written before this process began and has yet to be delivered.
    pub owed: Vec<Owed>,
}

/// Which value it is, whatever else is declared: no service of a configuration, and no characteristic of a
/// service, has one UUID twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CellKey {
    pub service: BtUuid,
    pub characteristic: BtUuid,
    /// Whether it is only told, and something else is read and written.
    pub is_told: bool,
}

/// One link, and who can be it: the first that is available runs.
pub struct LinkPlan {
    /// The section of the YAML that it comes from.
    pub section: &'static str,
    pub candidates: Vec<Box<dyn Link>>,
}

impl Plan {
    /// A fresh engine for this plan.
    pub fn engine(&self, now: Time) -> Engine {
        let cells = self.cells.iter().map(|cell| CellSpec {
            spec: cell.spec.clone(),
            owner: cell.owner,
            initial: cell.initial.clone(),
            restored: cell.restored.clone(),
            constant: cell.constant,
            confirm_within: cell.confirm_within,
            delivery: cell.delivery,
            valid_for: cell.valid_for,
            expires: cell.expires,
            answers_only: cell.answers_only,
            response: cell.response.clone(),
            with: cell.with.clone(),
            ack: cell.ack,
            owed: cell.owed.clone(),
        });
        Engine::new_at(
            now,
            cells.collect(),
            self.links.len(),
            &self.subscriptions.all,
        )
    }

    /// A link is to hear of a cell, in one role at most: what it says of a delivery names the cell only.
    /// The first role counts; whoever declares two says that this is a mistake.
    pub fn subscribe(&mut self, added: Subscription) {
        self.subscriptions.add(added);
    }

    /// The link that acknowledges what is written to a cell, and as what it hears of it.
    pub fn acknowledged(&self, cell: CellId) -> Option<Subscription> {
        (0..self.links.len()).find_map(|link| {
            let known = self.subscriptions.of(LinkId::new(link), cell)?;
            known.acknowledges.then_some(*known)
        })
    }

    /// Whether this link carries a cell or owns one.
    pub fn mentions(&self, link: LinkId) -> bool {
        let carries = self
            .subscriptions
            .all
            .iter()
            .any(|known| known.link == link);
        carries
            || self
                .cells
                .iter()
                .any(|cell| cell.owner == Owner::Remote(link))
    }

    /// The values that only an encrypted link may see.
    pub fn withheld(&self) -> HashSet<CellId> {
        let all = self.services.iter().flat_map(|it| &it.characteristics);
        let secured = all.filter(|it| it.security.highest() > SecurityLevel::Open);
        secured.flat_map(|it| [it.cell, it.tells().0]).collect()
    }

    /// The values that no log and no message about a refusal shows: those that only an encrypted link may
    /// see, and those of which something came from the environment.
    pub fn undisclosed(&self) -> HashSet<CellId> {
        let cells = self.cells.iter().enumerate();
        let of_environment = cells.filter(|(_, cell)| cell.is_from_environment);
        let mut all = self.withheld();
        all.extend(of_environment.map(|(index, _)| CellId::new(index)));
        all
    }

    /// By cell, which it is in any configuration.
    pub fn keys(&self) -> Vec<Option<CellKey>> {
        let mut keys = vec![None; self.cells.len()];
        for service in &self.services {
            for it in &service.characteristics {
                let (told, _) = it.tells();
                for (cell, is_told) in [(it.cell, false), (told, told != it.cell)] {
                    keys[cell.index()] = Some(CellKey {
                        service: service.uuid,
                        characteristic: it.uuid,
                        is_told,
                    });
                }
            }
        }
        keys
    }

    /// Whether requests for a change of this cell get to where its truth is.
    pub fn takes_requests(&self, cell: CellId) -> bool {
        match self.cells[cell.index()].owner {
            Owner::Here => true,
            Owner::Remote(owner) => {
                let known = self.subscriptions.of(owner, cell);
                known.is_some_and(|known| known.carries == Carries::Requests)
            }
        }
    }
}

impl Subscriptions {
    /// What a link hears of a cell.
    pub fn of(&self, link: LinkId, cell: CellId) -> Option<&Subscription> {
        let index = self.by_pair.get(&(link, cell))?;
        Some(&self.all[*index])
    }

    fn add(&mut self, added: Subscription) {
        if let Entry::Vacant(place) = self.by_pair.entry((added.link, added.cell)) {
            place.insert(self.all.len());
            self.all.push(added);
        }
    }
}
