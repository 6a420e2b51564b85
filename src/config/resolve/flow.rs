//! How often subscribers hear of a value, and what of it.

use std::time::Duration;

use super::Resolver;
use crate::config::model::{
    CharacteristicConfig, DeliveryConfig, DeliveryWord, Interval, Lenient, NotifyConfig,
    NotifyWord, WhenFullConfig, WordOr,
};
use crate::config::read::Spanned;
use crate::config::tree::NodeId;
use crate::engine::{Delivery, Pace, WhenFull};
use crate::gatt::Access;

/// No notification arrives more often than connection events come, the shortest connection interval
/// being 7.5 ms (Core Spec 5.4, Vol 6, Part B, 4.5.1).
const SHORTEST: Duration = Duration::from_millis(10);
/// So many events at most wait for each link.
const MAX_ROOM: u32 = 65_535;

impl Resolver<'_> {
    /// How often subscribers hear of a characteristic.
    pub(super) fn pace(&mut self, config: &CharacteristicConfig, access: Access) -> Pace {
        let Some(Spanned { at, value: notify }) = &config.notify else {
            return Pace::OnChange;
        };
        if !access.can_subscribe() && config.access.is_some() {
            let help = "add `notify` to `access`, or remove this";
            self.mistake(*at, "nobody can subscribe to this", help);
        }
        let pace = self.declared_pace(*at, notify);
        if pace != Pace::OnChange {
            let delivery = config.delivery.as_ref().map(|delivery| &delivery.value);
            let response = config.response.as_ref().map(|response| &response.value);
            if delivery.is_some_and(is_every) {
                let message = "every event is to be told, and this passes some over";
                let help = "remove `notify`, or write `delivery: latest`";
                self.mistake(*at, message, help);
            } else if response.is_some_and(|response| response.value.is_some()) {
                let message = "subscribers hear the answers here, and every one of them";
                self.mistake(*at, message, "remove `notify`");
            }
        }
        pace
    }

    fn declared_pace(&mut self, at: NodeId, notify: &NotifyConfig) -> Pace {
        let pace = match notify {
            WordOr::Word(NotifyWord::OnChange) => return Pace::OnChange,
            WordOr::More(pace) => pace,
        };
        match (&pace.at_most_every, &pace.every) {
            (Some(_), Some(every)) => {
                let help = "keep one: `at_most_every` tells changes, `every` the value again and \
                    again";
                self.mistake(every.at, "both `at_most_every` and `every`", help);
                Pace::OnChange
            }
            (Some(apart), None) => self.period(apart).map_or(Pace::OnChange, Pace::AtMost),
            (None, Some(period)) => self.period(period).map_or(Pace::OnChange, Pace::Every),
            (None, None) => {
                // One that is wrong or misspelt has been said to be.
                if self.values.tree.keys(at).next().is_none() {
                    let help = "write `at_most_every: 200ms` or `every: 1s`";
                    self.mistake(at, "this says nothing", help);
                }
                Pace::OnChange
            }
        }
    }

    fn period(&mut self, declared: &Spanned<Lenient<Interval>>) -> Option<Duration> {
        let period = self.interval(declared)?;
        if period < SHORTEST {
            let help = "10ms is the shortest: no connection carries more than that";
            self.mistake(declared.at, "this is too short a period", help);
            return None;
        }
        Some(period)
    }

    pub(super) fn interval(&mut self, declared: &Spanned<Lenient<Interval>>) -> Option<Duration> {
        match &declared.value.0 {
            Ok(Interval(length)) => Some(*length),
            Err(problem) => {
                let help = "a number and `ms`, `s`, `min` or `h`, as in `1s`";
                self.mistake(declared.at, problem, help);
                None
            }
        }
    }

    /// What of a value reaches its links. Who waits for an answer asks each time, also for the same, so
    /// that has to arrive each time.
    pub(super) fn delivery(&mut self, config: &CharacteristicConfig) -> Delivery {
        let asks = config.response.is_some() && config.notify.is_none();
        match self.declared_delivery(config) {
            Some(declared) => declared,
            None if asks => Delivery::Every {
                room: Delivery::ROOM,
                when_full: WhenFull::Reject,
            },
            None => Delivery::Latest,
        }
    }

    fn declared_delivery(&mut self, config: &CharacteristicConfig) -> Option<Delivery> {
        let queue = match &config.delivery.as_ref()?.value {
            WordOr::Word(DeliveryWord::Latest) => return Some(Delivery::Latest),
            WordOr::Word(DeliveryWord::Every) => {
                return Some(Delivery::Every {
                    room: Delivery::ROOM,
                    when_full: WhenFull::Reject,
                });
            }
            WordOr::More(queue) => queue,
        };
        let at = config.delivery.as_ref()?.at;
        let declared = self.values.required(at, "every", queue.every.as_ref())?;
        if !(1..=MAX_ROOM).contains(&declared.value) {
            let message = format!("room for {} events", declared.value);
            self.mistake(declared.at, message, "1 to 65,535 can wait");
        }
        Some(Delivery::Every {
            room: declared.value.clamp(1, MAX_ROOM) as usize,
            when_full: match queue.when_full {
                Some(WhenFullConfig::DropOldest) => WhenFull::DropOldest,
                Some(WhenFullConfig::Reject) | None => WhenFull::Reject,
            },
        })
    }
}

impl Resolver<'_> {
    /// How long an event is worth telling, if that is said.
    pub(super) fn expires(&mut self, config: &CharacteristicConfig) -> Option<Duration> {
        match &config.delivery.as_ref()?.value {
            WordOr::Word(DeliveryWord::Latest | DeliveryWord::Every) => None,
            WordOr::More(queue) => self.period(queue.expires.as_ref()?),
        }
    }
}

fn is_every(delivery: &DeliveryConfig) -> bool {
    match delivery {
        WordOr::Word(DeliveryWord::Latest) => false,
        WordOr::Word(DeliveryWord::Every) | WordOr::More(_) => true,
    }
}
