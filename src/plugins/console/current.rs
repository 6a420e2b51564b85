//! What the console shows for as long as one configuration is at work: its port, the names of its values, and
//! what has been seen of them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value as Json;
use tokio::time::Instant;

use super::history::{History, number};
use super::model::{HistoryView, OriginView, Rejected, Subscriber, ValueView};
use super::names::Names;
use super::words::{hex, shown, snake};
use crate::codec::json::to_json;
use crate::engine::{CellId, Owner};
use crate::gatt::encode;
use crate::plugin::{Look, Notice, Outline, Port};

/// One configuration at work.
pub(super) struct Current {
    pub(super) port: Port,
    pub(super) names: Names,
    /// Grows with every configuration.
    pub(super) generation: u64,
    clock: Clock,
    known: Mutex<Known>,
}

/// Time since 1970, by a clock that does not jump while this process runs.
pub(super) struct Clock {
    since: Instant,
    since_1970: Duration,
}

/// What has been seen.
struct Known {
    /// The versions, by cell.
    versions: Vec<u64>,
    history: History,
    /// By cell.
    subscribers: Vec<Vec<Subscriber>>,
    rejected: Vec<Option<Rejected>>,
    /// What has to be told of besides what has another version.
    touched: BTreeSet<CellId>,
}

impl Current {
    pub(super) fn new(port: Port, generation: u64) -> Self {
        let names = Names::of(port.outline());
        let cells = port.outline().cells.len();
        let known = Known {
            // No cell has this version, so all are seen at first.
            versions: vec![u64::MAX; cells],
            history: History::of(cells),
            subscribers: vec![Vec::new(); cells],
            rejected: vec![None; cells],
            touched: BTreeSet::new(),
        };
        Self {
            names,
            generation,
            clock: Clock::of_this_host(),
            known: Mutex::new(known),
            port,
        }
    }

    pub(super) fn outline(&self) -> &Arc<Outline> {
        self.port.outline()
    }

    /// Milliseconds since 1970.
    pub(super) fn now(&self) -> u64 {
        self.clock.now()
    }

    pub(super) fn is_withheld(&self, cell: CellId) -> bool {
        self.outline().cells[cell.index()].withheld
    }

    /// Whether the operator can set it.
    pub(super) fn is_settable(&self, cell: CellId) -> bool {
        let cell = &self.outline().cells[cell.index()];
        !cell.constant && !cell.withheld && cell.takes_requests
    }

    /// Looks what has changed since the last time: remembers it, and returns how it stands.
    pub(super) fn look_again(&self) -> Vec<ValueView> {
        let mut known = self.known();
        let mut looks = self.port.changes(&mut known.versions);
        let now = self.now();
        for look in &looks {
            known.touched.remove(&look.cell);
            if let Some(number) = self.number(look) {
                let at = now.saturating_sub(milliseconds(look.age));
                known.history.add(look.cell.index(), at, number);
            }
        }
        let touched = std::mem::take(&mut known.touched);
        looks.extend(self.port.look(touched.into_iter()));
        looks.iter().map(|look| self.view(look, &known)).collect()
    }

    /// How a value stands.
    pub(super) fn view_of(&self, cell: CellId) -> ValueView {
        let known = self.known();
        let looks = self.port.look(std::iter::once(cell));
        self.view(&looks[0], &known)
    }

    /// How all values stand.
    pub(super) fn views(&self) -> Vec<ValueView> {
        let known = self.known();
        let cells = (0..self.outline().cells.len()).map(CellId::new);
        let looks = self.port.look(cells);
        looks.iter().map(|look| self.view(look, &known)).collect()
    }

    pub(super) fn history(&self, cell: CellId) -> HistoryView {
        let points = self.known().history.of_value(cell.index(), self.now());
        let points = points
            .into_iter()
            .map(|it| (it.at, it.last, it.min, it.max));
        HistoryView {
            points: points.collect(),
        }
    }

    /// Takes in what has been announced.
    pub(super) fn hear(&self, notice: &Notice) {
        let mut known = self.known();
        match notice {
            Notice::Connected { .. } | Notice::Disconnected { .. } => {}
            Notice::Subscribed {
                central,
                characteristic,
            } => {
                for cell in self.told_by(characteristic) {
                    known.subscribers[cell.index()].push(Subscriber {
                        central: central.clone(),
                        how: None,
                    });
                    known.touched.insert(cell);
                }
            }
            Notice::Unsubscribed {
                central,
                characteristic,
            } => {
                for cell in self.told_by(characteristic) {
                    known.subscribers[cell.index()].retain(|it| it.central != *central);
                    known.touched.insert(cell);
                }
            }
            Notice::Rejected {
                value: Some(value),
                link,
                by,
                cause,
                reason,
                payload: _,
            } => {
                let cells = self.outline().cells.iter();
                let Some(index) = cells.clone().position(|cell| cell.name == *value) else {
                    return;
                };
                known.rejected[index] = Some(Rejected {
                    at: self.now(),
                    link: (*link).to_owned(),
                    by: by.clone(),
                    cause: snake(cause),
                    reason: reason.clone(),
                });
                known.touched.insert(CellId::new(index));
            }
            Notice::Rejected { value: None, .. } => {}
        }
    }

    /// What the characteristics of a name notify of.
    fn told_by(&self, name: &str) -> Vec<CellId> {
        let all = self.outline().services.iter();
        let all = all.flat_map(|service| &service.characteristics);
        let named = all.filter(|it| it.name == name);
        named.map(|it| it.tells().0).collect()
    }

    fn number(&self, look: &Look) -> Option<f64> {
        if self.is_withheld(look.cell) {
            return None;
        }
        let value = look.value.as_ref()?;
        let spec = &self.outline().cells[look.cell.index()].spec;
        number(value, &to_json(spec, value))
    }

    fn view(&self, look: &Look, known: &Known) -> ValueView {
        let index = look.cell.index();
        let declared = &self.outline().cells[index];
        let spec = &declared.spec;
        let shows = !declared.withheld;
        let in_json = |value: Option<&crate::codec::Value>| match value {
            Some(value) if shows => to_json(spec, value),
            Some(_) | None => Json::Null,
        };
        let is_remote = match declared.owner {
            Owner::Here => false,
            Owner::Remote(_) => true,
        };
        let pending = is_remote && look.value != look.known;
        let has_happened = look.version > 0;
        let age = milliseconds(look.age);
        ValueView {
            id: self.names.id(look.cell).to_owned(),
            value: in_json(look.value.as_ref()),
            hex: match &look.value {
                Some(value) if shows => Some(hex(&encode(spec, value))),
                Some(_) | None => None,
            },
            shown: match &look.value {
                None => "unknown".to_owned(),
                Some(_) if !shows => "withheld".to_owned(),
                Some(value) => shown(spec, value, self.names.unit(look.cell)),
            },
            version: look.version,
            changed_at: has_happened.then(|| self.now().saturating_sub(age)),
            age_ms: has_happened.then_some(age),
            origin: look.origin.map(|origin| OriginView {
                link: self.outline().links[origin.link.index()].to_owned(),
                by: None,
            }),
            desired: match pending {
                true => in_json(look.value.as_ref()),
                false => Json::Null,
            },
            reported: match is_remote {
                true => in_json(look.known.as_ref()),
                false => Json::Null,
            },
            pending,
            subscribers: known.subscribers[index].clone(),
            rejected: known.rejected[index].clone(),
            withheld: declared.withheld,
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known
            .lock()
            .expect("nothing panics while what is known is locked")
    }
}

impl Clock {
    fn of_this_host() -> Self {
        #[allow(
            clippy::disallowed_methods,
            reason = "the time of day is for people, and nothing here depends on it"
        )]
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            since: Instant::now(),
            since_1970: since_1970.unwrap_or_default(),
        }
    }

    fn now(&self) -> u64 {
        milliseconds(self.since_1970 + self.since.elapsed())
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
