//! A value in the engine: what it holds, how it came to, and who has to hear of it.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use super::answer::{Ask, Response};
use super::promise::Ack;
use super::{Carries, CellId, CellSpec, Delivery, LinkId, Origin, Snapshot, Time};
use crate::codec::{Spec, Value};

/// Who holds the truth of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// This process.
    Here,
    /// A program behind this link: we ask, it decides and reports.
    Remote(LinkId),
}

/// What a cell holds, for whoever reads it.
#[derive(Clone, Copy, Debug)]
pub struct CellView<'a> {
    pub spec: &'a Spec,
    pub value: Option<&'a Value>,
    /// What is true as far as is known: of a remote owner's value what that last said, or what it was
    /// before the start, and not what somebody has asked it for.
    pub known: Option<&'a Value>,
    /// Grows with every change, and with every request to a remote owner.
    pub version: u64,
    pub origin: Option<Origin>,
    /// When it last changed; its age is the time since.
    pub changed_at: Time,
    /// What a remote owner last said, as long as that is true.
    pub reported: Option<&'a Value>,
    /// What a remote owner was asked for and has yet to confirm.
    pub desired: Option<&'a Value>,
}

/// What every event looks at comes first and together (`repr(C)` keeps it so): with thousands of values each event
/// finds its own far from any other in memory, and what counts is how many lines of a cache it has to fetch.
#[derive(Clone, Debug)]
#[repr(C)]
pub(super) struct Cell {
    pub(super) value: Option<Value>,
    pub(super) spec: Spec,
    pub(super) version: u64,
    pub(super) changed_at: Time,
    pub(super) origin: Option<Origin>,
    /// By link, the index of its outlet for this cell.
    pub(super) outlets: Vec<(LinkId, usize)>,
    /// The version of the newest write by a central; 0 while there was none.
    pub(super) written: u64,
    pub(super) owner: Owner,
    pub(super) constant: bool,
    pub(super) answers_only: bool,
    /// What the response to a write by a central promises.
    pub(super) ack: Ack,
    pub(super) delivery: Delivery,
    pub(super) expires: Option<Duration>,
    /// The request that it has yet to confirm.
    pub(super) pending: Option<Pending>,
    /// What the remote owner last said.
    pub(super) reported: Option<Value>,
    /// What those that are told with it and are known held when something last happened to it.
    pub(super) snapshot: Option<Snapshot>,
    /// How old what happens to it is already, where it was accepted before this process began.
    pub(super) aged: Option<Duration>,
    /// How writes of it by a central are answered.
    pub(super) response: Option<Arc<Response>>,
    /// The writes that are answered here and have not been, the oldest first.
    pub(super) asks: VecDeque<Ask>,
    /// The values that are told with it.
    pub(super) with: Vec<CellId>,
    pub(super) confirm_within: Duration,
    pub(super) valid_for: Option<Duration>,
    /// When what the remote owner last said is too old to be true.
    pub(super) valid_until: Option<Time>,
    /// The versions of the newest requests that the remote owner has confirmed, and has not in time.
    pub(super) confirmed: u64,
    pub(super) unconfirmed: u64,
    /// What is known from before the start, until a remote owner speaks.
    pub(super) restored: Option<Value>,
    pub(super) initial: Option<Value>,
    /// The versions of what was promised and is not delivered any more: another declaration has no way for it.
    pub(super) abandoned: Vec<RangeInclusive<u64>>,
}

/// A request to a remote owner, under way or delivered but not confirmed.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) version: u64,
    /// What is asked for.
    pub(super) wanted: Value,
    /// The owner's last word since the request is what it asks for.
    pub(super) answered: bool,
    /// Runs from the moment of delivery: while the broker is away nobody can confirm anything.
    pub(super) deadline: Option<Time>,
}

impl Cell {
    pub(super) fn new(declared: CellSpec, now: Time) -> Self {
        let begins = declared.restored.as_ref().or(declared.initial.as_ref());
        let value = begins.cloned();
        Self {
            spec: declared.spec,
            owner: declared.owner,
            constant: declared.constant,
            confirm_within: declared.confirm_within,
            delivery: declared.delivery,
            valid_for: declared.valid_for,
            expires: declared.expires,
            answers_only: declared.answers_only,
            version: u64::from(value.is_some()),
            value,
            initial: declared.initial,
            restored: declared.restored,
            origin: None,
            changed_at: now,
            reported: None,
            valid_until: None,
            pending: None,
            response: declared.response.map(Arc::new),
            asks: VecDeque::new(),
            with: declared.with,
            snapshot: None,
            outlets: Vec::new(),
            ack: declared.ack,
            written: 0,
            aged: None,
            confirmed: 0,
            unconfirmed: 0,
            abandoned: Vec::new(),
        }
    }

    /// The one of the values that are known already which a rounded value stands for, or itself.
    pub(super) fn unrounded(&self, value: Value) -> Value {
        let wanted = self.pending.as_ref().map(|pending| &pending.wanted);
        let known = [wanted, self.value.as_ref(), self.reported.as_ref()];
        let meant = known
            .into_iter()
            .flatten()
            .find(|known| self.spec.same(known, &value));
        meant.cloned().unwrap_or(value)
    }

    /// Whether this is what the owner last said, as far as JSON shows it.
    pub(super) fn has_reported(&self, value: &Value) -> bool {
        let reported = self.reported.as_ref();
        reported.is_some_and(|reported| self.spec.same(reported, value))
    }

    /// What the owner would say, as far as is known without it being asked for anything.
    pub(super) fn believed(&self) -> Option<&Value> {
        self.reported.as_ref().or(self.restored.as_ref())
    }

    /// What is true as far as is known.
    pub(super) fn known(&self) -> Option<&Value> {
        match self.owner {
            Owner::Here => self.value.as_ref(),
            Owner::Remote(_) => self.believed(),
        }
    }

    /// What a link in this role is told: the owner, what is asked of it.
    pub(super) fn to_tell(&self, carries: Carries) -> Option<&Value> {
        let wanted = self.pending.as_ref().map(|pending| &pending.wanted);
        match carries {
            Carries::State | Carries::StateOfOthers => self.value.as_ref(),
            // It is handed out also when nothing is known any more: that has to be kept too.
            Carries::Kept => self.known().or(wanted).or(Some(&Value::Null)),
            Carries::Requests => wanted.or(self.value.as_ref()),
        }
    }

    /// The version of what a link in this role is told.
    pub(super) fn version_to_tell(&self, carries: Carries) -> u64 {
        match (carries, &self.pending) {
            (Carries::Requests, Some(pending)) => pending.version,
            (Carries::Requests, None)
            | (Carries::State | Carries::StateOfOthers | Carries::Kept, _) => self.version,
        }
    }

    /// Something happens to the value, even if it is what it was. Returns whether it is another.
    pub(super) fn happen(&mut self, now: Time, value: Value, origin: Option<Origin>) -> bool {
        let changed = self.value.as_ref() != Some(&value);
        match changed {
            true => self.set(now, Some(value), origin),
            false => self.version += 1,
        }
        changed
    }

    pub(super) fn set(&mut self, now: Time, value: Option<Value>, origin: Option<Origin>) {
        self.value = value;
        self.version += 1;
        self.origin = origin;
        self.changed_at = now;
    }

    pub(super) fn view(&self) -> CellView<'_> {
        CellView {
            spec: &self.spec,
            value: self.value.as_ref(),
            known: self.known(),
            version: self.version,
            origin: self.origin,
            changed_at: self.changed_at,
            reported: self.reported.as_ref(),
            desired: self.pending.as_ref().map(|pending| &pending.wanted),
        }
    }
}
