//! What is known of one value and of one link, beside what the engine knows.

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use tokio::time::Instant;

use super::observe::locked;
use super::{By, Counters, LinkCounters, LinkHealth, State};
use crate::codec::Cause;
use crate::metrics::Histogram;

/// Of one value.
#[derive(Default)]
pub(crate) struct Record {
    /// Who made the value what it is.
    pub(super) made: Option<By>,
    pub(super) refused: Option<Refused>,
    pub(super) counters: Counters,
}

/// What was last refused.
pub(super) struct Refused {
    pub(super) at: Instant,
    pub(super) by: By,
    pub(super) cause: Cause,
    pub(super) reason: String,
}

/// Of one link.
pub(crate) struct LinkRecord {
    pub(super) section: &'static str,
    stands: Mutex<Stands>,
    /// From a write by a central that was accepted to its response.
    pub(super) writes: Histogram,
    /// From the acceptance of a change to its delivery.
    pub(super) deliveries: Histogram,
}

/// How a link is.
struct Stands {
    name: &'static str,
    state: State,
    since: Instant,
    /// When it was last said.
    said: Instant,
    failures: u64,
    details: Vec<(&'static str, String)>,
}

impl Record {
    pub(super) fn at(&mut self, link: &'static str) -> &mut LinkCounters {
        let all = &mut self.counters.by_link;
        let index = all.iter().position(|(of, _)| *of == link);
        let index = index.unwrap_or_else(|| {
            all.push((link, LinkCounters::default()));
            all.len() - 1
        });
        &mut all[index].1
    }

    /// Somebody has made it what it is; mostly it is the same one again.
    pub(super) fn made(&mut self, link: &'static str, who: Option<&str>) {
        match &self.made {
            Some(by) if by.link == link && by.who.as_deref() == who => {}
            Some(_) | None => {
                let who = who.map(Arc::from);
                self.made = Some(By { link, who });
            }
        }
    }

    pub(super) fn refusals(&self) -> u64 {
        self.counters
            .refused
            .iter()
            .map(|(_, _, count)| count)
            .sum()
    }
}

impl LinkRecord {
    pub(super) fn new(section: &'static str) -> Self {
        Self {
            section,
            stands: Mutex::new(Stands {
                name: section,
                state: State::Starting,
                since: Instant::now(),
                said: Instant::now(),
                failures: 0,
                details: Vec::new(),
            }),
            writes: Histogram::default(),
            deliveries: Histogram::default(),
        }
    }

    /// It is run, by this name. Returns whether that is news.
    pub(super) fn begins(&self, name: &'static str, state: State) -> bool {
        let mut stands = locked(&self.stands);
        if stands.name != name {
            stands.details.clear();
        }
        stands.name = name;
        drop(stands);
        self.is(state)
    }

    /// Returns whether that is news.
    pub(super) fn is(&self, state: State) -> bool {
        let mut stands = locked(&self.stands);
        stands.said = Instant::now();
        if stands.state == state {
            return false;
        }
        // Another reason to wait is no other state.
        if stands.state.word() != state.word() {
            stands.since = stands.said;
        }
        stands.failures += u64::from(matches!(
            state,
            State::Down {
                again_in: Some(_),
                ..
            }
        ));
        stands.state = state;
        true
    }

    /// Returns whether that is news.
    pub(super) fn detail(&self, key: &'static str, text: Option<String>) -> bool {
        let mut stands = locked(&self.stands);
        let index = stands.details.iter().position(|(of, _)| *of == key);
        match (index, text) {
            (None, None) => return false,
            (None, Some(text)) => stands.details.push((key, text)),
            (Some(index), None) => drop(stands.details.remove(index)),
            (Some(index), Some(text)) if stands.details[index].1 != text => {
                stands.details[index].1 = text;
            }
            (Some(_), Some(_)) => return false,
        }
        true
    }

    pub(super) fn health(&self, now: Instant, clock: SystemTime) -> LinkHealth {
        let stands = locked(&self.stands);
        let lasted = now - stands.since;
        LinkHealth {
            section: self.section,
            name: stands.name,
            state: stands.state.clone().after(now - stands.said),
            since: clock - lasted,
            lasted,
            failures: stands.failures,
            details: stands.details.clone(),
        }
    }
}

/// One more of this kind, at this link.
pub(super) fn count(
    counts: &mut Vec<(&'static str, Cause, u64)>,
    link: &'static str,
    cause: Cause,
) {
    let known = counts
        .iter_mut()
        .find(|(of, by, _)| *of == link && *by == cause);
    match known {
        Some((_, _, count)) => *count += 1,
        None => counts.push((link, cause, 1)),
    }
}
