//! What a plan declares, for whoever shows it: with it, a link can say what all of them do.

use std::sync::Arc;

use super::{BrokerDoc, TopicDoc};
use crate::codec::Spec;
use crate::engine::{Ack, CellId, Delivery, Owner};
use crate::gatt::Service;
use crate::plan::Plan;

/// What is declared.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// In the order of their handles.
    pub services: Arc<[Service]>,
    /// By [`CellId`].
    pub cells: Vec<CellEntry>,
    /// The topics of all links, in their order.
    pub topics: Vec<TopicDoc>,
    /// Where they are.
    pub brokers: Vec<BrokerDoc>,
    /// By [`LinkId`](crate::engine::LinkId): the section of the YAML that it comes from.
    pub links: Vec<&'static str>,
}

/// One value.
#[derive(Clone, Debug)]
pub struct CellEntry {
    /// For people: the name of the characteristic.
    pub name: String,
    pub spec: Spec,
    pub owner: Owner,
    pub constant: bool,
    pub ack: Ack,
    pub delivery: Delivery,
    /// Whether a request for a change gets to where its truth is.
    pub takes_requests: bool,
    /// Whether it is not to be shown.
    pub withheld: bool,
}

impl Catalogue {
    pub(crate) fn of(plan: &Plan) -> Self {
        let withheld = plan.undisclosed();
        let cells = plan.cells.iter().enumerate().map(|(index, cell)| {
            let id = CellId::new(index);
            CellEntry {
                name: cell.name.clone(),
                spec: cell.spec.clone(),
                owner: cell.owner,
                constant: cell.constant,
                ack: cell.ack,
                delivery: cell.delivery,
                takes_requests: !cell.answers_only && plan.takes_requests(id),
                withheld: withheld.contains(&id),
            }
        });
        let links = || plan.links.iter().flat_map(|link| &link.candidates);
        let mut topics: Vec<TopicDoc> = links().flat_map(|link| link.topics()).collect();
        topics.sort_by(|a, b| (&a.topic, a.direction).cmp(&(&b.topic, b.direction)));
        Self {
            services: plan.services.clone().into(),
            cells: cells.collect(),
            topics,
            brokers: links().filter_map(|link| link.broker()).collect(),
            links: plan.links.iter().map(|link| link.section).collect(),
        }
    }
}
