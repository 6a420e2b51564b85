//! What the console shows for as long as one configuration is at work: its port, the names of its values, and
//! what has been seen of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::Value as Json;

use super::history::{History, number};
use super::model::{Counters, HistoryView, OriginView, Rejected, Subscriber, ValueView};
use super::names::Names;
use super::words::{hex, now, shown, since_1970, snake};
use crate::codec::Value;
use crate::codec::json::to_json;
use crate::engine::CellId;
use crate::gatt::encode;
use crate::plugin::{Catalogue, Observer, Port, View};

/// One configuration at work.
pub(super) struct Current {
    pub(super) port: Port,
    pub(super) observer: Observer,
    pub(super) names: Names,
    /// Which configuration this is, from 1 on.
    pub(super) generation: u64,
    /// The ids of values by the names that the observer gives them.
    ids: HashMap<Arc<str>, CellId>,
    known: Mutex<Known>,
}

/// What has been seen.
struct Known {
    /// By cell.
    stamps: Vec<u64>,
    history: History,
}

impl Current {
    /// What `before` has seen of values that go on is not forgotten.
    pub(super) fn new(port: Port, before: Option<&Self>) -> Self {
        let observer = port.observer();
        let names = Names::of(port.catalogue());
        let cells = port.catalogue().cells.len();
        let named = observer.value_names().iter().cloned().enumerate();
        let ids = named.map(|(index, name)| (name, CellId::new(index)));
        let mut history = History::of(cells);
        if let Some(before) = before {
            let known = before.known();
            for index in 0..cells {
                let id = names.id(CellId::new(index));
                let of = &port.catalogue().cells[index];
                let old = before.names.cell(id);
                let old = old.filter(|old| before.catalogue().cells[old.index()].spec == of.spec);
                if let Some(old) = old.filter(|_| !of.withheld) {
                    history.inherit(index, &known.history, old.index());
                }
            }
        }
        let known = Known {
            // No cell has this stamp, so all are seen at first.
            stamps: vec![u64::MAX; cells],
            history,
        };
        Self {
            ids: ids.collect(),
            generation: observer.generation(),
            names,
            observer,
            known: Mutex::new(known),
            port,
        }
    }

    pub(super) fn catalogue(&self) -> &Arc<Catalogue> {
        self.port.catalogue()
    }

    /// The id of a value by the name that the observer gives it.
    pub(super) fn id_of(&self, name: &str) -> Option<&str> {
        self.ids.get(name).map(|cell| self.names.id(*cell))
    }

    pub(super) fn cell_of(&self, name: &str) -> Option<CellId> {
        self.ids.get(name).copied()
    }

    pub(super) fn is_withheld(&self, cell: CellId) -> bool {
        self.catalogue().cells[cell.index()].withheld
    }

    /// Whether the operator can set it.
    pub(super) fn is_settable(&self, cell: CellId) -> bool {
        let cell = &self.catalogue().cells[cell.index()];
        !cell.constant && !cell.withheld && cell.takes_requests
    }

    /// Looks what has changed since the last time, and remembers it; how it stands, if `wanted`. And how often
    /// something came in meanwhile.
    pub(super) fn look_again(&self, wanted: bool) -> (Vec<ValueView>, u64) {
        let stamps = self.observer.stamps();
        let mut known = self.known();
        let mut changed = Vec::new();
        let mut came = 0;
        for (index, (old, new)) in known.stamps.iter_mut().zip(stamps).enumerate() {
            if *old != new {
                came += new.saturating_sub(*old);
                *old = new;
                changed.push(CellId::new(index));
            }
        }
        let mut views = Vec::new();
        for cell in changed {
            let Some(view) = self.observer.view(cell) else {
                continue;
            };
            if let Some(number) = self.number(cell, &view) {
                let at = since_1970(view.changed_at);
                known.history.add(cell.index(), at, number);
            }
            if wanted {
                views.push(self.shown(cell, view));
            }
        }
        (views, came)
    }

    /// How a value stands; `None` when a new configuration does not declare it.
    pub(super) fn view_of(&self, cell: CellId) -> Option<ValueView> {
        let view = self.observer.view(cell)?;
        Some(self.shown(cell, view))
    }

    /// How all values stand.
    pub(super) fn views(&self) -> Vec<ValueView> {
        let cells = (0..self.catalogue().cells.len()).map(CellId::new);
        cells.filter_map(|cell| self.view_of(cell)).collect()
    }

    pub(super) fn history(&self, cell: CellId) -> HistoryView {
        let points = self.known().history.of_value(cell.index(), now());
        let points = points
            .into_iter()
            .map(|it| (it.at, it.last, it.min, it.max));
        HistoryView {
            points: points.collect(),
        }
    }

    /// A value as a person reads it.
    pub(super) fn in_words(&self, cell: CellId, value: &Value) -> String {
        let spec = &self.catalogue().cells[cell.index()].spec;
        shown(spec, value, self.names.unit(cell))
    }

    fn number(&self, cell: CellId, view: &View) -> Option<f64> {
        let value = view.value.as_ref()?;
        let spec = &self.catalogue().cells[cell.index()].spec;
        number(value, &to_json(spec, value))
    }

    fn shown(&self, cell: CellId, view: View) -> ValueView {
        let spec = &self.catalogue().cells[cell.index()].spec;
        let in_json = |value: Option<&Value>| value.map_or(Json::Null, |it| to_json(spec, it));
        let counters = counters(&view);
        let has_happened = view.version > 0;
        ValueView {
            id: self.names.id(cell).to_owned(),
            value: in_json(view.value.as_ref()),
            hex: view.value.as_ref().map(|value| hex(&encode(spec, value))),
            shown: match &view.value {
                Some(value) => self.in_words(cell, value),
                None if view.is_known => "withheld".to_owned(),
                None => "unknown".to_owned(),
            },
            version: view.version,
            changed_at: has_happened.then(|| since_1970(view.changed_at)),
            age_ms: has_happened.then(|| milliseconds(view.age)),
            origin: view.origin.map(|by| OriginView {
                link: by.link.to_owned(),
                by: by.who.map(|who| who.to_string()),
            }),
            desired: in_json(view.desired.as_ref()),
            reported: in_json(view.reported.as_ref()),
            pending: view.is_pending,
            subscribers: view
                .subscribers
                .into_iter()
                .map(|it| Subscriber {
                    central: it.central,
                    how: it.how.map(|how| how.word().to_owned()),
                })
                .collect(),
            rejected: view.rejected.map(|it| Rejected {
                at: since_1970(it.at),
                link: it.by.link.to_owned(),
                by: it.by.who.map(|who| who.to_string()),
                cause: snake(&it.cause),
                reason: it.reason,
                count: it.count,
            }),
            withheld: view.withheld,
            counters,
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known
            .lock()
            .expect("nothing panics while what is known is locked")
    }
}

fn counters(view: &View) -> Counters {
    let counted = &view.counters;
    let mut all = Counters {
        refused: counted.refused.iter().map(|(_, _, count)| count).sum(),
        confirmed: counted.confirmed,
        taken_back: counted.taken_back,
        ..Counters::default()
    };
    for (_, of_link) in &counted.by_link {
        all.changed += of_link.changed;
        all.unchanged += of_link.unchanged;
        all.delivered += of_link.delivered;
    }
    all
}

pub(super) fn milliseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
