//! How often a link is handed what it carries.

use std::time::Duration;

use super::Time;
use super::timers::{Clock, Timer};

/// How often a link hears of a cell, at most and at least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// Of every change, as soon as it pulls.
    #[default]
    OnChange,
    /// Of the first change at once, then at most once in so long, of the newest value; of the last one
    /// always.
    AtMost(Duration),
    /// Once in so long while there is a value, whether it has changed or not; of changes in between
    /// not at all.
    Every(Duration),
}

/// Where one outlet stands in its pace. What has none, keeps none.
#[derive(Clone, Debug)]
pub(super) enum Pacer {
    /// `timer`: something waits for that time. Then it is `not_before`.
    AtMost {
        apart: Duration,
        not_before: Time,
        timer: Option<Time>,
    },
    /// `timer`: when it is sent next. There is one while there is a value.
    Every {
        period: Duration,
        timer: Option<Time>,
    },
}

impl Pacer {
    pub(super) fn of(pace: Pace) -> Option<Box<Self>> {
        // With no time at all between two, a clock that is asked what is due would never be done.
        let at_least = |span: Duration| span.max(Duration::from_nanos(1));
        match pace {
            Pace::OnChange => None,
            Pace::AtMost(apart) => Some(Box::new(Self::AtMost {
                apart: at_least(apart),
                not_before: Time::default(),
                timer: None,
            })),
            Pace::Every(period) => Some(Box::new(Self::Every {
                period: at_least(period),
                timer: None,
            })),
        }
    }

    /// Whether changes are of no interest, only the time.
    pub(super) fn is_periodic(&self) -> bool {
        match self {
            Self::AtMost { .. } => false,
            Self::Every { .. } => true,
        }
    }

    /// Whether something has to wait, and then it does.
    pub(super) fn holds_back(&mut self, id: Timer, clock: &mut Clock<'_>) -> bool {
        match self {
            Self::AtMost {
                not_before, timer, ..
            } => {
                if let Some(at) = timer.take() {
                    clock.timers.clear(at, id);
                }
                let waits = *not_before > clock.now;
                if waits {
                    *timer = Some(*not_before);
                    clock.timers.set(*not_before, id);
                }
                waits
            }
            Self::Every { .. } => false,
        }
    }

    /// There is a value. Returns whether there was none.
    pub(super) fn begin(&mut self, id: Timer, clock: &mut Clock<'_>) -> bool {
        match self {
            Self::Every {
                period,
                timer: timer @ None,
            } => {
                let next = clock.now + *period;
                *timer = Some(next);
                clock.timers.set(next, id);
                true
            }
            Self::AtMost { .. } | Self::Every { .. } => false,
        }
    }

    /// Nothing waits any more.
    pub(super) fn end(&mut self, id: Timer, clock: &mut Clock<'_>) {
        let (Self::AtMost { timer, .. } | Self::Every { timer, .. }) = self;
        if let Some(at) = timer.take() {
            clock.timers.clear(at, id);
        }
    }

    pub(super) fn taken(&mut self, now: Time) {
        match self {
            Self::AtMost {
                apart, not_before, ..
            } => *not_before = now + *apart,
            Self::Every { .. } => {}
        }
    }

    /// Goes on in the step of another.
    pub(super) fn inherit(&mut self, before: &Self, id: Timer, clock: &mut Clock<'_>) {
        match (self, before) {
            (
                Self::AtMost {
                    apart, not_before, ..
                },
                Self::AtMost {
                    not_before: before, ..
                },
            ) => *not_before = (*before).min(clock.now + *apart),
            (
                Self::Every { period, timer },
                Self::Every {
                    period: before,
                    timer: Some(due),
                },
            ) if period == before => {
                if let Some(at) = timer.replace(*due) {
                    clock.timers.clear(at, id);
                }
                clock.timers.set(*due, id);
            }
            (Self::AtMost { .. } | Self::Every { .. }, _) => {}
        }
    }

    /// What was waited for has come, at `due`.
    pub(super) fn fired(&mut self, due: Time, id: Timer, clock: &mut Clock<'_>) {
        match self {
            Self::AtMost { timer, .. } => *timer = None,
            Self::Every { period, timer } => {
                // Measured from when it was due; but a machine that slept does not make up for it.
                let next = due + *period;
                let next = match next > clock.now {
                    true => next,
                    false => clock.now + *period,
                };
                *timer = Some(next);
                clock.timers.set(next, id);
            }
        }
    }
}
