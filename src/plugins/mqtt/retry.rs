//! When the broker is tried again, and how long it may take to answer the next time. Pure: time and
//! chance are arguments, so that a fleet of ten thousand can be played on one machine.
//!
//! Two things endanger a broker that returns to many clients: that they all come in the same instant, and
//! that they give up and come again while it still works on their first attempt. Against the first,
//! every pause is of a length that chance decides, the first one most of all; against the second, whoever
//! was let in and not answered waits longer the next time.

use std::time::Duration;

/// The longest pause after a refusal, and the longest patience with a broker that is slow to answer,
/// where nothing that is declared is longer.
const LONG: Duration = Duration::from_secs(30);

/// The longest pause where nobody else comes at the same time.
const SHORT: Duration = Duration::from_millis(250);

/// What has just ended, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// A connection. Perhaps everybody else has lost theirs in the same instant.
    Loss,
    /// A connection, and it is known that this client alone is to blame.
    Blame,
    /// An attempt: nobody is there, or nobody answers from there.
    Failure,
    /// An attempt: the connection was accepted, and then nothing came. A broker with more to do than it can do
    /// looks like this.
    Silence,
    /// Either of them, and somebody has to change something before it can go well.
    Refusal,
}

/// The attempts of one client at its broker.
#[derive(Clone, Debug)]
pub struct Retry {
    retry_within: Duration,
    answer_within: Duration,
    /// Pauses in a row.
    pauses: u32,
    /// Attempts without an answer since the last connection.
    silences: u32,
}

impl Retry {
    /// Pauses of `retry_within` at most, and a broker that answers within `answer_within` as a rule.
    pub fn new(retry_within: Duration, answer_within: Duration) -> Self {
        Self {
            retry_within,
            answer_within,
            pauses: 0,
            silences: 0,
        }
    }

    /// How long the broker may take to answer once it has accepted the connection: twice as long after each silence.
    ///
    /// A broker works off its queue in order. Whoever leaves it does not get his work spared, and has to queue
    /// up again: when the queue is longer than everybody's patience, nobody is ever served.
    pub fn answer_within(&self) -> Duration {
        let doubled = self
            .answer_within
            .saturating_mul(1 << self.silences.min(10));
        doubled.min(LONG.max(self.answer_within))
    }

    /// There is a connection.
    pub fn connected(&mut self) {
        self.silences = 0;
    }

    /// All is well: the next pause is the first again.
    pub fn reset(&mut self) {
        self.pauses = 0;
    }

    /// How long to wait from now on. The attempt that has ended `took` so long, which counts as waiting; a connection
    /// takes no time. `chance` is from 0 to 1.
    ///
    /// After the loss of a good connection, anything up to half of `retry_within`. Otherwise pauses double, from an eighth
    /// of it, each cut to between half and all.
    pub fn pause(&mut self, after: After, took: Duration, chance: f64) -> Duration {
        let doubled = (self.retry_within / 8).saturating_mul(1 << self.pauses.min(10));
        let longest = match after {
            After::Refusal => self.retry_within.max(LONG),
            After::Loss | After::Blame | After::Failure | After::Silence => self.retry_within,
        };
        let pause = match after {
            After::Blame => SHORT.min(self.retry_within).mul_f64(0.5 + chance / 2.0),
            After::Loss if self.pauses == 0 => (self.retry_within / 2).mul_f64(chance),
            After::Loss | After::Failure | After::Silence | After::Refusal => {
                doubled.min(longest).mul_f64(0.5 + chance / 2.0)
            }
        };
        self.pauses += 1;
        if after == After::Silence {
            self.silences += 1;
        }
        pause.saturating_sub(took)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_TIME: Duration = Duration::ZERO;

    fn retry() -> Retry {
        Retry::new(Duration::from_secs(4), Duration::from_secs(4))
    }

    fn longest(retry: &mut Retry, after: After) -> f64 {
        retry.pause(after, NO_TIME, 1.0).as_secs_f64()
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_begin_anew() {
        let mut retry = retry();
        let pauses = [0; 5].map(|_| longest(&mut retry, After::Failure));
        assert_eq!(pauses, [0.5, 1.0, 2.0, 4.0, 4.0]);
        retry.reset();
        assert_eq!(retry.pause(After::Failure, NO_TIME, 0.0).as_millis(), 250);
    }

    #[test]
    fn the_first_attempt_after_a_loss_may_come_at_once_or_in_half_the_longest_pause() {
        for (chance, millis) in [(0.0, 0), (0.5, 1000), (1.0, 2000)] {
            let pause = retry().pause(After::Loss, NO_TIME, chance);
            assert_eq!(pause.as_millis(), millis);
        }
        let mut retry = retry();
        let pauses = [0; 4].map(|_| longest(&mut retry, After::Loss));
        assert_eq!(pauses, [2.0, 1.0, 2.0, 4.0], "it is lost again and again");
    }

    #[test]
    fn who_alone_is_to_blame_comes_back_soon_however_long_others_have_to_wait() {
        let mut retry = Retry::new(Duration::from_secs(600), Duration::from_secs(4));
        for chance in [0.0, 1.0] {
            let pause = retry.pause(After::Blame, NO_TIME, chance);
            assert!(pause <= SHORT && pause >= SHORT / 2, "{pause:?}");
            retry.reset();
        }
    }

    #[test]
    fn who_refuses_is_left_alone_for_longer() {
        let mut retry = retry();
        let pauses = [0; 8].map(|_| longest(&mut retry, After::Refusal));
        assert_eq!(pauses, [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]);
        assert_eq!(longest(&mut retry, After::Failure), 4.0);
    }

    #[test]
    fn an_attempt_that_took_its_time_has_waited_already() {
        let mut retry = retry();
        retry.pause(After::Failure, NO_TIME, 1.0);
        let took = Duration::from_millis(300);
        assert_eq!(retry.pause(After::Failure, took, 1.0).as_millis(), 700);
        let took = Duration::from_secs(4);
        assert_eq!(retry.pause(After::Failure, took, 1.0), NO_TIME);
    }

    #[test]
    fn patience_doubles_with_each_silence_until_there_is_a_connection() {
        let mut retry = retry();
        let patience = [0; 5].map(|_| {
            let patience = retry.answer_within().as_secs();
            longest(&mut retry, After::Silence);
            patience
        });
        assert_eq!(patience, [4, 8, 16, 30, 30]);
        retry.connected();
        assert_eq!(retry.answer_within().as_secs(), 4);
        let minute = Duration::from_secs(60);
        let mut patient = Retry::new(minute, minute);
        longest(&mut patient, After::Silence);
        assert_eq!(patient.answer_within(), minute);
    }
}
