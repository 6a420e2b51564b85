//! What is observed of everything that goes through the engine, at the one place where it does.

use std::sync::Arc;

use super::flow::{Came, Kind, Shown};
use super::record::Refused;
use super::{By, Notice, Payload, Rejected, Sender, Shared, View, What};
use crate::codec::{Cause, Value};
use crate::engine::{
    Accepted, Answer, CellId, Effect, Engine, Event, LinkId, Origin, Outcome, Rejection,
};
use crate::metrics::{LinkTimes, Snapshot, ValueCounts};
use tokio::time::Instant;

/// What has to be known of an event when the engine has taken it.
#[derive(Clone, Copy)]
pub(super) enum Begun {
    Request(CellId, Origin),
    Report(CellId, Origin),
    LinkUp {
        link: LinkId,
        session_present: bool,
    },
    /// What comes of it says the engine.
    Other,
}

impl Begun {
    pub(super) fn of(event: &Event) -> Self {
        match *event {
            Event::Request { cell, origin, .. } => Self::Request(cell, origin),
            Event::Report { cell, origin, .. } => Self::Report(cell, origin),
            Event::LinkUp {
                link,
                session_present,
            } => Self::LinkUp {
                link,
                session_present,
            },
            Event::Refused { .. }
            | Event::Delivered { .. }
            | Event::Undelivered { .. }
            | Event::Restate { .. }
            | Event::Tick => Self::Other,
        }
    }
}

impl Shared {
    /// The engine has taken an event; it is still held, so that everything is told in its order.
    pub(super) fn has_handled(
        &self,
        begun: Begun,
        engine: &mut Engine,
        result: &Result<Accepted, Rejection>,
        sender: &Sender<'_>,
    ) {
        match begun {
            Begun::Request(cell, origin) => {
                self.came(cell, origin, engine, result, sender, Kind::Requested);
            }
            Begun::Report(cell, origin) => {
                self.came(cell, origin, engine, result, sender, Kind::Reported);
            }
            Begun::LinkUp {
                link,
                session_present,
            } => self
                .observed
                .step(Some(link), None, 0, || Kind::LinkUp { session_present }),
            Begun::Other => {}
        }
        while let Some(outcome) = engine.poll_outcome() {
            self.has_come_of_it(outcome, engine);
        }
    }

    fn came(
        &self,
        cell: CellId,
        Origin { link, .. }: Origin,
        engine: &Engine,
        result: &Result<Accepted, Rejection>,
        sender: &Sender<'_>,
        kind: fn(Came) -> Kind,
    ) {
        let version = result.as_ref().map_or(0, |_| engine.cell(cell).version);
        let observed = &self.observed;
        observed.step(Some(link), Some(cell), version, || {
            kind(Came {
                by: sender.by.map(Arc::from),
                payload: self.payload(Some(cell), sender),
            })
        });
        let Ok(accepted) = result else {
            // What is refused is told with the reason.
            return;
        };
        observed.stamp(cell);
        let section = observed.section(link);
        let mut record = observed.record(cell);
        match accepted {
            Accepted::Changed => {
                record.at(section).changed += 1;
                record.made(section, sender.by);
            }
            Accepted::Unchanged => record.at(section).unchanged += 1,
        }
        drop(record);
        observed.step(Some(link), Some(cell), version, || match accepted {
            Accepted::Changed => Kind::Accepted(self.shown_now(cell, engine)),
            Accepted::Unchanged => Kind::Unchanged,
        });
    }

    fn has_come_of_it(&self, outcome: Outcome, engine: &Engine) {
        let observed = &self.observed;
        match outcome {
            Outcome::Arrived {
                link,
                cell,
                ticket,
                version,
                waited,
            } => {
                observed.record(cell).at(observed.section(link)).delivered += 1;
                if let Some(waited) = waited {
                    observed.links[link.index()].deliveries.observe(waited);
                }
                let kind = Kind::Arrived {
                    ticket,
                    took: waited,
                };
                observed.step(Some(link), Some(cell), version, || kind);
            }
            Outcome::GivenBack {
                link,
                cell,
                ticket,
                version,
            } => {
                observed.record(cell).at(observed.section(link)).not_kept += 1;
                observed.step(Some(link), Some(cell), version, || Kind::NotKept { ticket });
            }
            Outcome::Expired {
                link,
                cell,
                version,
            } => {
                observed.record(cell).at(observed.section(link)).expired += 1;
                observed.step(Some(link), Some(cell), version, || Kind::Expired);
            }
            Outcome::GaveWay {
                link,
                cell,
                version,
            } => {
                observed.record(cell).at(observed.section(link)).gave_way += 1;
                observed.step(Some(link), Some(cell), version, || Kind::GaveWay);
            }
            Outcome::Confirmed { cell, version } => {
                observed.record(cell).counters.confirmed += 1;
                observed.stamp(cell);
                observed.step(None, Some(cell), version, || Kind::Confirmed);
            }
            Outcome::TakenBack { cell, version, .. } => {
                observed.record(cell).counters.taken_back += 1;
                self.has_become(cell, engine);
                observed.step(None, Some(cell), version, || Kind::TakenBack {
                    value: self.shown_now(cell, engine),
                });
            }
            Outcome::Silent { cell, version } => {
                self.has_become(cell, engine);
                observed.step(None, Some(cell), version, || Kind::Silent);
            }
            Outcome::Answered {
                cell,
                version,
                by,
                how,
                ..
            } => {
                let mut record = observed.record(cell);
                match how {
                    Answer::Nobody => record.counters.unanswered += 1,
                    Answer::Accepted | Answer::Refused | Answer::Given => {
                        record.counters.answered += 1;
                    }
                }
                drop(record);
                self.has_become(by, engine);
                observed.step(None, Some(cell), version, || Kind::Answered {
                    in_value: observed.names[by.index()].clone(),
                    how,
                    answer: self.shown_now(by, engine),
                });
            }
        }
    }

    /// A value has perhaps become another, by itself.
    fn has_become(&self, cell: CellId, engine: &Engine) {
        if engine.cell(cell).origin.is_none() {
            self.observed.record(cell).made = None;
        }
        self.observed.stamp(cell);
    }

    /// A word of a link on the way of a value, under the configuration that there is now.
    pub(super) fn note(
        &self,
        link: LinkId,
        cell: CellId,
        version: u64,
        what: impl FnOnce() -> What,
    ) {
        if !self.observed.is_watched() {
            return;
        }
        self.with_latest(link, cell, |latest, link, cell| {
            let kind = || Kind::Noted(what());
            latest.observed.step(Some(link), Some(cell), version, kind);
        });
    }

    /// What a notice says of centrals, under the configuration that there is now.
    pub(super) fn hear(&self, link: LinkId, notice: &Notice) {
        let latest = |cell| {
            self.with_latest(link, cell, |latest, _, cell| {
                latest.observed.stamp(cell);
                latest.observed.names[cell.index()].clone()
            })
        };
        self.observed.observatory.hear(notice, latest);
    }

    /// A link has taken something, to send it.
    pub(super) fn has_handed_out(&self, link: LinkId, effect: &Effect) {
        let Effect { cell, version, .. } = *effect;
        self.observed
            .step(Some(link), Some(cell), version, || Kind::HandedOut {
                ticket: effect.ticket,
                carries: effect.carries,
                value: self.shown(cell, Some(&effect.value)),
                restated: effect.restated,
            });
    }

    /// Something has been refused. A reason that may quote what is not to be shown is none by now.
    pub(super) fn has_refused(
        &self,
        link: LinkId,
        cell: Option<CellId>,
        cause: Cause,
        reason: &str,
        sender: &Sender<'_>,
    ) {
        let observed = &self.observed;
        let section = observed.section(link);
        match cell {
            Some(cell) => {
                let mut record = observed.record(cell);
                super::record::count(&mut record.counters.refused, section, cause);
                record.refused = Some(Refused {
                    at: Instant::now(),
                    by: By {
                        link: section,
                        who: sender.by.map(Arc::from),
                    },
                    cause,
                    reason: reason.to_owned(),
                });
                drop(record);
                observed.stamp(cell);
            }
            None => observed.observatory.count_refused(section, cause),
        }
        observed.step(Some(link), cell, 0, || Kind::Refused {
            by: sender.by.map(Arc::from),
            cause,
            reason: reason.to_owned(),
            payload: self.payload(cell, sender),
        });
    }

    /// `None` when there is no such cell any more.
    pub(super) fn view(&self, cell: CellId) -> Option<View> {
        let observed = &self.observed;
        let now = self.now();
        let withheld = self.withheld.contains(&cell);
        let engine = match self.here() {
            Ok(engine) => engine,
            Err(next) => return next.shared.view(next.heirs.cell(cell)?),
        };
        let of = engine.cell(cell);
        let shown = |value: Option<&Value>| value.filter(|_| !withheld).cloned();
        let record = observed.record(cell);
        let of_engine = of.origin.map(|origin| By {
            link: observed.section(origin.link),
            who: None,
        });
        let rejected = record.refused.as_ref().map(|refused| {
            let age = refused.at.elapsed();
            Rejected {
                at: super::observe::ago(age),
                age,
                by: refused.by.clone(),
                cause: refused.cause,
                reason: refused.reason.clone(),
                count: record.refusals(),
            }
        });
        let age = now.0.saturating_sub(of.changed_at.0);
        let name = observed.names[cell.index()].clone();
        Some(View {
            withheld,
            value: shown(of.value),
            is_known: of.value.is_some(),
            version: of.version,
            age,
            changed_at: super::observe::ago(age),
            origin: record.made.clone().or(of_engine),
            is_pending: of.desired.is_some(),
            desired: shown(of.desired),
            reported: shown(of.reported),
            rejected,
            subscribers: observed.observatory.subscribers(&name),
            counters: record.counters.clone(),
            name,
        })
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let observed = &self.observed;
        let cells = (0..observed.names.len()).map(CellId::new);
        let values = cells.filter_map(|cell| {
            let view = self.view(cell)?;
            Some(ValueCounts {
                name: view.name.to_string(),
                changed_at: view.changed_at,
                is_known: view.is_known,
                is_pending: view.is_pending,
                subscribers: view.subscribers.len(),
                counters: view.counters,
            })
        });
        let times = observed.links.iter().map(|link| LinkTimes {
            section: link.section,
            writes: link.writes.read(),
            deliveries: link.deliveries.read(),
        });
        Snapshot {
            health: observed.health(),
            values: values.collect(),
            refused: observed.observatory.refused(),
            times: times.collect(),
            lost: self.engine().untaken(),
        }
    }

    /// What came, as far as it may be shown.
    fn payload(&self, cell: Option<CellId>, sender: &Sender<'_>) -> Payload {
        match sender.withheld || self.is_withheld(cell) {
            true => Payload::Withheld,
            false if sender.peer.is_some() => Payload::octets(sender.payload),
            false => Payload::cut(sender.payload),
        }
    }

    fn shown_now(&self, cell: CellId, engine: &Engine) -> Shown {
        self.shown(cell, engine.cell(cell).value)
    }

    fn shown(&self, cell: CellId, value: Option<&Value>) -> Shown {
        match value {
            _ if self.withheld.contains(&cell) => Shown::Withheld,
            Some(value) => Shown::Value(value.clone()),
            None => Shown::Unknown,
        }
    }

    /// Whether a value is not to be shown. When it is not known which one is meant, it may be any.
    pub(super) fn is_withheld(&self, cell: Option<CellId>) -> bool {
        match cell {
            Some(cell) => self.withheld.contains(&cell),
            None => !self.withheld.is_empty(),
        }
    }
}
