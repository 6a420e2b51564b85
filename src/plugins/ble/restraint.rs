//! How soon we do again what others make us do: some times at once, then less and less often. Two programs that
//! undo what the other has done would go on as fast as D-Bus lets them, for ever.

use std::time::Duration;

use tokio::time::Instant;

use super::backoff::{Backoff, Pauses};

#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// So many times it is done at once.
    pub(super) free: u32,
    pub(super) then: Backoff,
    /// After so long without any of it, everything is as at first. Longer than the longest pause.
    pub(super) calm: Duration,
}

#[derive(Debug)]
pub(super) struct Restraint {
    limits: Limits,
    free: u32,
    pauses: Pauses,
    /// When others have made us do it last.
    due: Instant,
    /// When it was done last, whoever made us.
    done: Instant,
}

impl Restraint {
    pub(super) fn new(limits: Limits, now: Instant) -> Self {
        Self {
            limits,
            free: limits.free,
            pauses: limits.then.pauses(),
            due: now,
            done: now,
        }
    }

    /// It is done of our own accord.
    pub(super) fn done(&mut self, now: Instant) {
        self.done = now;
    }

    /// Others make us do it again: how long that has to wait.
    pub(super) fn again(&mut self, now: Instant) -> Duration {
        if now.saturating_duration_since(self.due) >= self.limits.calm {
            self.free = self.limits.free;
            self.pauses.begin_anew();
        }
        let due = if self.free > 0 {
            self.free -= 1;
            now
        } else {
            now.max(self.done + self.pauses.next())
        };
        (self.due, self.done) = (due, due);
        due - now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    const LIMITS: Limits = Limits {
        free: 2,
        then: Backoff {
            first: s(1),
            longest: s(4),
        },
        calm: s(60),
    };

    /// The pauses where we are made to do it again as soon as it is done.
    fn at_once(restraint: &mut Restraint, now: &mut Instant, count: usize) -> Vec<Duration> {
        let pauses = (0..count).map(|_| {
            let pause = restraint.again(*now);
            *now += pause;
            pause
        });
        pauses.collect()
    }

    #[test]
    fn who_is_made_to_do_it_again_and_again_waits_longer_and_longer() {
        let mut now = Instant::now();
        let mut restraint = Restraint::new(LIMITS, now);
        let pauses = at_once(&mut restraint, &mut now, 6);
        assert_eq!(pauses, [s(0), s(0), s(1), s(2), s(4), s(4)]);
        now += LIMITS.calm;
        let pauses = at_once(&mut restraint, &mut now, 3);
        assert_eq!(pauses, [s(0), s(0), s(1)], "it was calm meanwhile");
    }

    #[test]
    fn what_is_long_ago_does_not_have_to_wait_but_what_was_done_just_now_does() {
        let mut now = Instant::now();
        let limits = Limits { free: 0, ..LIMITS };
        let mut restraint = Restraint::new(limits, now);
        now += s(3);
        assert_eq!(restraint.again(now), s(0));
        now += s(3);
        restraint.done(now);
        assert_eq!(restraint.again(now), s(2));
    }
}
