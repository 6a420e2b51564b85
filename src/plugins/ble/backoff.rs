//! How long to wait before something is tried again: each time twice as long, up to an end.

use std::time::Duration;

#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    pub(super) first: Duration,
    pub(super) longest: Duration,
}

/// The pauses, one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pauses {
    of: Backoff,
    next: Duration,
}

impl Backoff {
    pub(super) const fn pauses(self) -> Pauses {
        Pauses {
            of: self,
            next: self.first,
        }
    }
}

impl Pauses {
    pub(super) fn next(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.of.longest);
        pause
    }

    /// It has gone well, or something is different: the next pause is the first again.
    pub(super) fn begin_anew(&mut self) {
        self.next = self.of.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_begin_anew() {
        let ms = Duration::from_millis;
        let backoff = Backoff {
            first: ms(100),
            longest: ms(350),
        };
        let mut pauses = backoff.pauses();
        let taken: Vec<_> = (0..4).map(|_| pauses.next()).collect();
        assert_eq!(taken, [ms(100), ms(200), ms(350), ms(350)]);
        pauses.begin_anew();
        assert_eq!(pauses.next(), ms(100));
    }
}
