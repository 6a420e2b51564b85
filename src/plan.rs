//! The resolved configuration: what the engine is built from, and what each link is to carry.

use std::time::Duration;

use crate::codec::{Spec, Value};
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

    pub fn subscribe(&mut self, link: LinkId, cell: CellId, carries: Carries) {
        let subscription = Subscription {
            link,
            cell,
            carries,
        };
        if !self.subscriptions.contains(&subscription) {
            self.subscriptions.push(subscription);
        }
    }
}
