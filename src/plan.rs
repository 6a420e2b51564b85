//! The resolved configuration: what the engine is built from, and what each link is to carry.

use std::time::Duration;

use crate::codec::{Pointer, Spec, Value};
use crate::engine::{Carries, CellId, CellSpec, Engine, LinkId, Owner, Subscription};
use crate::gatt::Service;
use crate::plugin::Link;

/// How long a remote owner may take to confirm, unless something else is declared.
pub const CONFIRM_WITHIN: Duration = Duration::from_secs(2);

pub struct Plan {
    /// The name that the device advertises.
    pub device_name: String,
    pub services: Vec<Service>,
    pub cells: Vec<CellPlan>,
    /// By [`LinkId`].
    pub links: Vec<LinkPlan>,
    pub subscriptions: Vec<Subscription>,
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
    pub constant: bool,
    pub owner: Owner,
    pub confirm_within: Duration,
}

/// One link, and who can be it: the first that is available runs.
pub struct LinkPlan {
    /// The section of the YAML that it comes from.
    pub section: &'static str,
    pub candidates: Vec<Box<dyn Link>>,
}

impl Plan {
    /// A fresh engine for this plan.
    pub fn engine(&self) -> Engine {
        let cells = self.cells.iter().map(|cell| CellSpec {
            spec: cell.spec.clone(),
            owner: cell.owner,
            initial: cell.initial.clone(),
            constant: cell.constant,
            confirm_within: cell.confirm_within,
        });
        Engine::new(cells.collect(), self.links.len(), &self.subscriptions)
    }

    /// A link is to hear of a cell, in one role at most: what it says of a delivery names the cell only.
    pub fn subscribe(&mut self, link: LinkId, cell: CellId, carries: Carries) {
        let subscription = Subscription {
            link,
            cell,
            carries,
        };
        let of_both = |other: &&Subscription| (other.link, other.cell) == (link, cell);
        match self.subscriptions.iter().find(of_both) {
            Some(known) => assert_eq!(known.carries, carries, "one role for each link and cell"),
            None => self.subscriptions.push(subscription),
        }
    }

    /// Whether this link carries a cell or owns one.
    pub fn mentions(&self, link: LinkId) -> bool {
        let carries = self.subscriptions.iter().any(|known| known.link == link);
        carries
            || self
                .cells
                .iter()
                .any(|cell| cell.owner == Owner::Remote(link))
    }

    /// Whether requests for a change of this cell get to where its truth is.
    pub fn takes_requests(&self, cell: CellId) -> bool {
        match self.cells[cell.index()].owner {
            Owner::Here => true,
            Owner::Remote(owner) => self.subscriptions.contains(&Subscription {
                link: owner,
                cell,
                carries: Carries::Requests,
            }),
        }
    }
}
