//! What the process knows of itself, gathered while it works. It depends on nothing that is counted, and
//! what is not told to anybody costs next to nothing: an atomic load for a step, an uncontended lock and an
//! addition for a count.

use std::collections::{BTreeMap, HashMap};
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::Instant;

use super::flow::{Channel, Flow, Kind, Step};
use super::record::{LinkRecord, Record};
use super::{CentralHealth, Health, How, Notice, Subscriber};
use crate::codec::Cause;
use crate::engine::{CellId, Heirs, LinkId};
use crate::plan::Plan;

/// What outlives a configuration: it goes whole from one to the next. Everything in it goes by the section
/// of a link and the name of a value, never by their numbers, which the next configuration gives anew.
pub(crate) struct Observatory {
    pub(super) flow: Channel,
    began: Instant,
    /// Counts the changes of what [`Health`] tells.
    changes: watch::Sender<u64>,
    values: Mutex<HashMap<Arc<str>, Arc<Mutex<Record>>>>,
    links: Mutex<HashMap<&'static str, Arc<LinkRecord>>>,
    centrals: Mutex<BTreeMap<String, Central>>,
    /// What was refused before it was clear which value is meant.
    refused: Mutex<Vec<(&'static str, Cause, u64)>>,
    generations: AtomicU64,
}

/// A central that is connected.
struct Central {
    since: Instant,
    is_connected: bool,
    subscribed: BTreeMap<Arc<str>, Option<How>>,
}

impl Central {
    fn new() -> Self {
        Self {
            since: Instant::now(),
            is_connected: false,
            subscribed: BTreeMap::new(),
        }
    }
}

/// What is observed of one configuration at work.
pub(crate) struct Observed {
    pub(super) observatory: Arc<Observatory>,
    /// By cell: names that are each given once.
    pub(super) names: Vec<Arc<str>>,
    pub(super) records: Vec<Arc<Mutex<Record>>>,
    /// By cell: grows with whatever changes what [`View`](super::View) tells.
    pub(super) stamps: Vec<AtomicU64>,
    pub(super) links: Vec<Arc<LinkRecord>>,
    /// Which configuration this is, from 1 on.
    pub(super) generation: u64,
}

impl Observatory {
    pub(crate) fn new() -> Self {
        Self {
            flow: Channel::default(),
            began: Instant::now(),
            changes: watch::Sender::new(0),
            values: Mutex::default(),
            links: Mutex::default(),
            centrals: Mutex::default(),
            refused: Mutex::default(),
            generations: AtomicU64::new(0),
        }
    }

    /// Something of what [`Health`] tells is not what it was.
    pub(super) fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(super) fn count_refused(&self, link: &'static str, cause: Cause) {
        super::record::count(&mut locked(&self.refused), link, cause);
    }

    pub(super) fn refused(&self) -> Vec<(&'static str, Cause, u64)> {
        locked(&self.refused).clone()
    }

    /// What a notice says of the centrals; a value has the name that there is `name_of`, if it is still there.
    pub(super) fn hear(&self, notice: &Notice, name_of: impl FnOnce(CellId) -> Option<Arc<str>>) {
        let mut centrals = locked(&self.centrals);
        match notice {
            Notice::Connected { central } => {
                // BlueZ may tell of a subscription before it tells that the central is there.
                let known = centrals.entry(central.clone());
                known.or_insert_with(Central::new).is_connected = true;
            }
            Notice::Disconnected { central } => drop(centrals.remove(central)),
            Notice::Subscribed {
                central, cell, how, ..
            } => {
                let known = centrals.entry(central.clone()).or_insert_with(Central::new);
                if let Some(name) = name_of(*cell) {
                    known.subscribed.insert(name, *how);
                }
            }
            Notice::Unsubscribed { central, cell, .. } => {
                if let Some(name) = name_of(*cell)
                    && let Some(known) = centrals.get_mut(central)
                {
                    known.subscribed.remove(&name);
                    // And that a subscription has ended after the central has gone.
                    if !known.is_connected && known.subscribed.is_empty() {
                        centrals.remove(central);
                    }
                }
            }
            Notice::Rejected { .. } => return,
        }
        drop(centrals);
        self.changed();
    }

    pub(super) fn subscribers(&self, value: &str) -> Vec<Subscriber> {
        let centrals = locked(&self.centrals);
        let all = centrals.iter().filter_map(|(address, central)| {
            let (value, how) = central.subscribed.get_key_value(value)?;
            Some(Subscriber {
                central: address.clone(),
                value: value.clone(),
                how: *how,
            })
        });
        all.collect()
    }

    fn centrals(&self, now: Instant, clock: SystemTime) -> Vec<CentralHealth> {
        let centrals = locked(&self.centrals);
        let all = centrals.iter().map(|(address, central)| {
            let lasted = now - central.since;
            let subscribed = central.subscribed.iter();
            CentralHealth {
                address: address.clone(),
                since: clock - lasted,
                lasted,
                subscribed: subscribed
                    .map(|(value, how)| Subscriber {
                        central: address.clone(),
                        value: value.clone(),
                        how: *how,
                    })
                    .collect(),
            }
        });
        all.collect()
    }
}

impl Observed {
    /// What is known goes on for whatever still has its name.
    pub(crate) fn new(observatory: Arc<Observatory>, plan: &Plan) -> Self {
        let names = super::names::names(plan);
        let mut known = locked(&observatory.values);
        let records = names
            .iter()
            .map(|name| known.entry(name.clone()).or_default().clone())
            .collect();
        drop(known);
        let mut known = locked(&observatory.links);
        let links: Vec<Arc<LinkRecord>> = plan
            .links
            .iter()
            .map(|link| {
                let record = known.entry(link.section);
                record
                    .or_insert_with(|| Arc::new(LinkRecord::new(link.section)))
                    .clone()
            })
            .collect();
        known.retain(|section, _| links.iter().any(|link| link.section == *section));
        drop(known);
        observatory.changed();
        Self {
            stamps: names.iter().map(|_| AtomicU64::new(0)).collect(),
            generation: observatory.generations.fetch_add(1, Ordering::Relaxed) + 1,
            observatory,
            names,
            records,
            links,
        }
    }

    /// What goes on when another plan takes the place of this one, under the names that it gives.
    pub(super) fn passed_on(&self, heirs: &Heirs, plan: &Plan) -> Arc<Observatory> {
        let next = super::names::names(plan);
        let mut values = locked(&self.observatory.values);
        let mut centrals = locked(&self.observatory.centrals);
        let heir = |(index, name): (usize, &Arc<str>)| {
            let heir = heirs.cell(CellId::new(index))?;
            Some((name.clone(), next[heir.index()].clone()))
        };
        let all = self.names.iter().enumerate();
        let renamed: HashMap<Arc<str>, Arc<str>> = all.filter_map(heir).collect();
        let before = mem::take(&mut *values).into_iter();
        values.extend(before.filter_map(|(name, it)| Some((renamed.get(&name)?.clone(), it))));
        for central in centrals.values_mut() {
            let before = mem::take(&mut central.subscribed).into_iter();
            let after = before.filter_map(|(name, it)| Some((renamed.get(&name)?.clone(), it)));
            central.subscribed = after.collect();
        }
        drop((values, centrals));
        self.observatory.clone()
    }

    pub(super) fn is_watched(&self) -> bool {
        self.observatory.flow.is_watched()
    }

    pub(super) fn flow(&self) -> Flow {
        Flow::new(self.observatory.clone())
    }

    /// Tells whoever watches of a step. What is costly to make is made only if somebody does.
    pub(super) fn step(
        &self,
        link: Option<LinkId>,
        cell: Option<CellId>,
        version: u64,
        kind: impl FnOnce() -> Kind,
    ) {
        if !self.is_watched() {
            return;
        }
        self.observatory.flow.send(Step {
            at: wall_clock(),
            link: link.map(|link| self.section(link)),
            cell,
            value: cell.map(|cell| self.names[cell.index()].clone()),
            version,
            kind: kind(),
        });
    }

    pub(super) fn section(&self, link: LinkId) -> &'static str {
        self.links[link.index()].section
    }

    pub(super) fn record(&self, cell: CellId) -> MutexGuard<'_, Record> {
        locked(&self.records[cell.index()])
    }

    /// What [`View`](super::View) tells of a cell is not what it was.
    pub(super) fn stamp(&self, cell: CellId) {
        self.stamps[cell.index()].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn health(&self) -> Health {
        let (now, clock) = (Instant::now(), wall_clock());
        let links = self.links.iter().map(|link| link.health(now, clock));
        let uptime = now - self.observatory.began;
        Health {
            began: clock - uptime,
            uptime,
            links: links.collect(),
            centrals: self.observatory.centrals(now, clock),
        }
    }
}

/// For people, who compare it with other logs; nothing is measured with it.
#[expect(
    clippy::disallowed_methods,
    reason = "it is shown beside what others have logged, and decides nothing"
)]
pub(super) fn wall_clock() -> SystemTime {
    SystemTime::now()
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics while it is held")
}

/// When something was that happened so long ago.
pub(super) fn ago(age: Duration) -> SystemTime {
    let now = wall_clock();
    now.checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH)
}
