//! The reference: what one cell has to hold, with no thought for who hears of it.

use bemo_sync::codec::Overflow;
use bemo_sync::engine::Time;

use crate::CONFIRM_WITHIN;

/// A value between 0 and 9, as the cells of the bench.
#[derive(Clone, Debug)]
pub struct Truth {
    pub is_remote: bool,
    pub overflow: Overflow,
    pub initial: Option<i128>,
    pub value: Option<i128>,
    pub reported: Option<i128>,
    pub waiting: Waiting,
}

/// What a request to a remote owner waits for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Waiting {
    Nothing,
    /// `answered`: the owner's last word is already what is asked for.
    Delivery {
        is_sent: bool,
        answered: bool,
    },
    Answer {
        until: Time,
    },
}

/// What became of something, and what it should have caused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    Rejected,
    Unchanged { adjusted: bool },
    Changed { adjusted: bool },
}

impl Truth {
    fn admit(&self, wanted: i128) -> Option<i128> {
        match self.overflow {
            Overflow::Reject => (0..=9).contains(&wanted).then_some(wanted),
            Overflow::Clamp => Some(wanted.clamp(0, 9)),
            Overflow::Wrap => Some(wanted.rem_euclid(10)),
        }
    }

    pub fn ask(&mut self, wanted: i128) -> Outcome {
        let Some(value) = self.admit(wanted) else {
            return Outcome::Rejected;
        };
        if self.is_remote {
            let settled = self.waiting == Waiting::Nothing && self.reported == Some(value);
            self.waiting = Waiting::Delivery {
                is_sent: false,
                answered: settled,
            };
        }
        self.hold(value, value != wanted)
    }

    pub fn step(&mut self, step: i128) -> Outcome {
        self.value
            .map_or(Outcome::Rejected, |value| self.ask(value + step))
    }

    pub fn report(&mut self, said: i128) -> Outcome {
        let Some(value) = self.admit(said) else {
            return Outcome::Rejected;
        };
        self.reported = Some(value);
        let is_answer = self.value == Some(value);
        match &mut self.waiting {
            Waiting::Nothing => return self.hold(value, false),
            Waiting::Delivery { answered, .. } => *answered = is_answer,
            Waiting::Answer { .. } if is_answer => self.waiting = Waiting::Nothing,
            Waiting::Answer { .. } => {}
        }
        Outcome::Unchanged { adjusted: false }
    }

    pub fn request_is_sent(&mut self) {
        match &mut self.waiting {
            Waiting::Delivery { is_sent, .. } if !*is_sent => *is_sent = true,
            other => panic!("a request nobody has made, or made twice: {other:?}"),
        }
    }

    pub fn request_is_lost(&mut self) {
        if let Waiting::Delivery { is_sent, .. } = &mut self.waiting {
            *is_sent = false;
        }
    }

    pub fn request_is_delivered(&mut self, now: Time) {
        match self.waiting {
            Waiting::Delivery {
                is_sent: true,
                answered: true,
            } => self.waiting = Waiting::Nothing,
            Waiting::Delivery {
                is_sent: true,
                answered: false,
            } => {
                let until = now + CONFIRM_WITHIN;
                self.waiting = Waiting::Answer { until };
            }
            // An older one: the newest is still to be sent.
            Waiting::Delivery { is_sent: false, .. } => {}
            other => panic!("delivered twice: {other:?}"),
        }
    }

    pub fn time_is(&mut self, now: Time) -> Outcome {
        if let Waiting::Answer { until } = self.waiting
            && until <= now
        {
            self.waiting = Waiting::Nothing;
            match self.reported.or(self.initial) {
                Some(settled) => return self.hold(settled, false),
                None => self.value = None,
            }
        }
        Outcome::Unchanged { adjusted: false }
    }

    fn hold(&mut self, value: i128, adjusted: bool) -> Outcome {
        match self.value.replace(value) == Some(value) {
            true => Outcome::Unchanged { adjusted },
            false => Outcome::Changed { adjusted },
        }
    }
}
