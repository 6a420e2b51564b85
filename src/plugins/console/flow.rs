//! The way of values, step by step: the last of them, and the new ones for the streams.

use std::collections::VecDeque;
use std::sync::Arc;

use super::current::Current;
use super::model::{FlowStep, FlowView};
use super::words::since_1970;
use crate::codec::json::hex;
use crate::plugin::{Kind, Payload, Shown, Step, What};

/// So many of the last steps are kept.
const STEPS_MAX: usize = 500;
/// So many are followed in one slice of time; for the rest of it nobody watches, which costs the engine nothing.
pub(super) const PER_SLICE: usize = 50;

/// The last steps. Most of them nobody ever looks at, so they become text when somebody does.
#[derive(Default)]
pub(super) struct Steps {
    last: VecDeque<Kept>,
    /// By what those are shown that are not text yet.
    current: Option<Arc<Current>>,
    seq: u64,
    /// What has not been followed.
    missed: u64,
}

enum Kept {
    Seen(u64, Arc<Step>),
    Shown(FlowStep),
}

impl Steps {
    /// Takes steps in.
    pub(super) fn add(&mut self, current: &Arc<Current>, steps: Vec<Arc<Step>>, missed: u64) {
        let known = self.current.as_ref();
        if known.is_some_and(|known| !Arc::ptr_eq(known, current)) {
            self.settle();
        }
        self.current.get_or_insert_with(|| current.clone());
        for step in steps {
            self.seq += 1;
            if self.last.len() >= STEPS_MAX {
                self.last.pop_front();
            }
            self.last.push_back(Kept::Seen(self.seq, step));
        }
        self.missed += missed;
    }

    /// What they are shown by goes: another configuration has other values.
    pub(super) fn settle(&mut self) {
        let Some(current) = self.current.take() else {
            return;
        };
        for kept in &mut self.last {
            *kept = Kept::Shown(kept.shown(Some(&current)));
        }
    }

    /// The newest `count` steps, of which so many more have been missed.
    pub(super) fn newest(&self, count: usize, missed: u64) -> FlowView {
        let from = self.last.len().saturating_sub(count);
        let steps = self.last.range(from..);
        FlowView {
            steps: steps.map(|kept| kept.shown(self.current())).collect(),
            missed,
        }
    }

    /// The last `limit` steps, of one value if one is named.
    pub(super) fn last(&self, value: Option<&str>, limit: usize) -> FlowView {
        let all = self.last.iter().rev();
        let all = all.map(|kept| kept.shown(self.current()));
        let of_value = all.filter(|step| value.is_none() || step.value.as_deref() == value);
        let mut steps: Vec<FlowStep> = of_value.take(limit).collect();
        steps.reverse();
        FlowView {
            steps,
            missed: self.missed,
        }
    }

    fn current(&self) -> Option<&Current> {
        self.current.as_deref()
    }
}

impl Kept {
    fn shown(&self, current: Option<&Current>) -> FlowStep {
        match (self, current) {
            (Self::Shown(step), _) => step.clone(),
            (Self::Seen(seq, step), Some(current)) => shown(current, step, *seq),
            (Self::Seen(..), None) => unreachable!("`settle` shows all before it takes `current`"),
        }
    }
}

fn shown(current: &Current, step: &Step, seq: u64) -> FlowStep {
    let name = step.value.as_deref();
    // With its unit, as everywhere.
    let in_words = |other: Option<&str>, value: &Shown| {
        let cell = other.or(name).and_then(|name| current.cell_of(name));
        match (value, cell) {
            (Shown::Value(value), Some(cell)) => current.in_words(cell, value),
            (value, _) => value.to_string(),
        }
    };
    let mut shown = FlowStep {
        seq,
        generation: current.generation,
        at: since_1970(step.at),
        link: step.link.map(str::to_owned),
        value: name.and_then(|name| current.id_of(name)).map(str::to_owned),
        version: step.version,
        kind: kind(&step.kind),
        text: step.kind.told(&in_words),
        central: None,
        topic: None,
        took_ms: None,
        payload: None,
    };
    let mut by = |who: Option<&str>| match who {
        // Which of the two it is, only its link knows; an address of a central has this form.
        Some(who) if is_address(who) => shown.central = Some(who.to_owned()),
        Some(who) if step.link == Some("mqtt") => shown.topic = Some(who.to_owned()),
        Some(_) | None => {}
    };
    match &step.kind {
        Kind::Requested(came) | Kind::Reported(came) => {
            by(came.by.as_deref());
            shown.payload = payload(&came.payload);
        }
        Kind::Refused {
            by: who,
            payload: refused,
            ..
        } => {
            by(who.as_deref());
            shown.payload = payload(refused);
        }
        Kind::Noted(what) => match what {
            What::Published {
                topic,
                payload: published,
                ..
            } => {
                shown.topic = Some(topic.clone());
                shown.payload = payload(published);
            }
            What::Acknowledged { took, .. } | What::Written { took } => {
                shown.took_ms = Some(took.as_secs_f64() * 1e3);
            }
            What::Notified { central, .. } | What::Confirmed { central } => {
                shown.central.clone_from(central);
            }
        },
        Kind::Arrived { took, .. } => shown.took_ms = took.map(|it| it.as_secs_f64() * 1e3),
        Kind::Accepted(_)
        | Kind::Unchanged
        | Kind::HandedOut { .. }
        | Kind::NotKept { .. }
        | Kind::Confirmed
        | Kind::TakenBack { .. }
        | Kind::Silent
        | Kind::Expired
        | Kind::GaveWay
        | Kind::Answered { .. }
        | Kind::LinkUp { .. } => {}
    }
    shown
}

fn kind(kind: &Kind) -> &'static str {
    match kind {
        Kind::Requested(_) => "requested",
        Kind::Reported(_) => "reported",
        Kind::Accepted(_) => "accepted",
        Kind::Unchanged => "unchanged",
        Kind::Refused { .. } => "refused",
        Kind::HandedOut { .. } => "handed_out",
        Kind::Noted(What::Published { .. }) => "published",
        Kind::Noted(What::Acknowledged { .. }) => "acknowledged",
        Kind::Noted(What::Written { .. }) => "written",
        Kind::Noted(What::Notified {
            indication: false, ..
        }) => "notified",
        Kind::Noted(What::Notified {
            indication: true, ..
        }) => "indicated",
        Kind::Noted(What::Confirmed { .. }) | Kind::Confirmed => "confirmed",
        Kind::Arrived { .. } => "arrived",
        Kind::NotKept { .. } => "not_kept",
        Kind::TakenBack { .. } => "taken_back",
        Kind::Silent => "silent",
        Kind::Expired => "expired",
        Kind::GaveWay => "gave_way",
        Kind::Answered { .. } => "answered",
        Kind::LinkUp { .. } => "link_up",
    }
}

fn payload(payload: &Payload) -> Option<String> {
    match payload {
        Payload::Text(text) if text.is_empty() => None,
        Payload::Text(text) => Some(text.clone()),
        Payload::Bytes(bytes) => Some(hex(bytes)),
        Payload::Withheld => Some("withheld".to_owned()),
    }
}

/// `AA:BB:CC:DD:EE:FF`.
fn is_address(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    let is_octet = |part: &&str| part.len() == 2 && part.bytes().all(|it| it.is_ascii_hexdigit());
    parts.len() == 6 && parts.iter().all(is_octet)
}
