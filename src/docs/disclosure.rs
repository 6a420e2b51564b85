//! What of a value may stand in a page that is handed out: not what only an encrypted link may see, and not
//! what whoever wrote the configuration has left to the environment.

use super::layout;
use crate::codec::{Spec, Value};
use crate::engine::CellId;
use crate::plan::Plan;

const FROM_ENVIRONMENT: &str = "from the environment";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disclosure {
    Open,
    Withheld,
    FromEnvironment,
}

impl Disclosure {
    /// That of every value of a plan, in their order.
    pub(super) fn all(plan: &Plan) -> Vec<Self> {
        let withheld = plan.withheld();
        let of_cell = |(index, is_from_environment)| match (
            withheld.contains(&CellId::new(index)),
            is_from_environment,
        ) {
            (true, _) => Self::Withheld,
            (false, true) => Self::FromEnvironment,
            (false, false) => Self::Open,
        };
        let cells = plan.cells.iter().map(|cell| cell.is_from_environment);
        cells.enumerate().map(of_cell).collect()
    }

    /// What is said of what a value may be. That only an encrypted link may see a value does not hide what
    /// it may be.
    pub(super) fn meaning(self, meaning: String) -> String {
        match self {
            Self::FromEnvironment if !meaning.is_empty() => FROM_ENVIRONMENT.to_owned(),
            Self::Open | Self::Withheld | Self::FromEnvironment => meaning,
        }
    }

    /// What is said of a value that was declared.
    pub(super) fn value(self, spec: &Spec, value: &Value) -> String {
        match self {
            Self::Open => layout::value(spec, value),
            Self::Withheld => "withheld".to_owned(),
            Self::FromEnvironment => FROM_ENVIRONMENT.to_owned(),
        }
    }
}
