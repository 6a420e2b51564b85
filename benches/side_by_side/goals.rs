//! What has to come out of it, and whether it does.

use crate::contender::Contender::{self, *};
use crate::figures::Figures;

pub struct Goal {
    pub what: &'static str,
    of: (Contender, &'static str),
    pub against: Against,
    pub limit: Limit,
}

pub enum Against {
    Contender(Contender),
    /// What bluetoothd itself takes for it, which only the real one says.
    Own(&'static str),
    /// A figure as it is, in this unit.
    Nothing(&'static str),
}

#[derive(Clone, Copy)]
pub enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

use Against::{Contender as By, Nothing, Own};
use Limit::{AtLeast, AtMost};

const fn goal(
    what: &'static str,
    of: (Contender, &'static str),
    against: Against,
    limit: Limit,
) -> Goal {
    Goal {
        what,
        of,
        against,
        limit,
    }
}

/// (c) against (a), (b) and the callback form, then (d) against (c), then what stands alone.
pub const GOALS: &[Goal] = &[
    goal(
        "write request → response, p50",
        (Bemo, "write p50"),
        By(Bridge),
        AtMost(1.05),
    ),
    goal(
        "write request → response, p99",
        (Bemo, "write p99"),
        By(Bridge),
        AtMost(1.05),
    ),
    goal(
        "write request → response, p50",
        (Bemo, "write p50"),
        By(Python),
        AtMost(0.7),
    ),
    goal(
        "write request → response, p99",
        (Bemo, "write p99"),
        By(Python),
        AtMost(0.7),
    ),
    goal(
        "publish → notification at 50/s, p50",
        (Bemo, "update p50"),
        By(Bridge),
        AtMost(1.05),
    ),
    goal(
        "publish → notification at 50/s, p99",
        (Bemo, "update p99"),
        By(Bridge),
        AtMost(1.05),
    ),
    goal(
        "publish → notification at 50/s, p50",
        (Bemo, "update p50"),
        By(Callback),
        AtMost(0.65),
    ),
    goal(
        "publish → notification at 50/s, p99",
        (Bemo, "update p99"),
        By(Callback),
        AtMost(0.65),
    ),
    goal(
        "publish → notification at 50/s, p50",
        (Bemo, "update p50"),
        By(Python),
        AtMost(0.45),
    ),
    goal(
        "publish → notification at 50/s, p99",
        (Bemo, "update p99"),
        By(Python),
        AtMost(0.45),
    ),
    goal(
        "newest value on the air after a burst",
        (Bemo, "burst newest"),
        By(Bridge),
        AtMost(0.6),
    ),
    goal(
        "`delivery: every`: all in order",
        (BemoEvery, "every in order"),
        Nothing(""),
        AtLeast(1.0),
    ),
    goal(
        "`delivery: every`: values per second",
        (BemoEvery, "every rate"),
        By(BridgeEvery),
        AtLeast(0.95),
    ),
    goal(
        "`delivery: every`: values per second",
        (BemoEvery, "every rate"),
        By(Python),
        AtLeast(4.0),
    ),
    goal(
        "CPU per update",
        (Bemo, "cpu per update"),
        By(Bridge),
        AtMost(1.1),
    ),
    goal(
        "CPU per update",
        (Bemo, "cpu per update"),
        By(Python),
        AtMost(0.2),
    ),
    goal(
        "RSS at rest, without console and broker",
        (BemoBare, "rss at rest"),
        By(Bridge),
        AtMost(1.5),
    ),
    goal(
        "RSS after load, without console and broker",
        (BemoBare, "rss after"),
        By(Bridge),
        AtMost(1.5),
    ),
    goal(
        "RSS at rest",
        (Bemo, "rss at rest"),
        By(Python),
        AtMost(0.3),
    ),
    goal(
        "RSS after load",
        (Bemo, "rss after"),
        By(Python),
        AtMost(0.3),
    ),
    goal(
        "1,000 characteristics: write, p50",
        (BemoMany, "write p50"),
        By(Bemo),
        AtMost(1.1),
    ),
    goal(
        "1,000 characteristics: write, p99",
        (BemoMany, "write p99"),
        By(Bemo),
        AtMost(1.1),
    ),
    goal(
        "1,000 characteristics: update, p50",
        (BemoMany, "update p50"),
        By(Bemo),
        AtMost(1.1),
    ),
    goal(
        "1,000 characteristics: update, p99",
        (BemoMany, "update p99"),
        By(Bemo),
        AtMost(1.1),
    ),
    goal(
        "1,000 characteristics: CPU per update",
        (BemoMany, "cpu per update"),
        By(Bemo),
        AtMost(1.1),
    ),
    goal(
        "start to advertising, own time",
        (Bemo, "start own"),
        Nothing("ms"),
        AtMost(30.0),
    ),
    goal(
        "1,000 characteristics registered",
        (BemoMany, "start registered"),
        Own("start bluez"),
        AtMost(2.0),
    ),
    goal(
        "wake-ups per second and link at rest",
        (BemoTicker, "wakeups per second and link"),
        Nothing(""),
        AtMost(3.0),
    ),
    goal(
        "CPU at rest",
        (BemoTicker, "cpu at rest"),
        Nothing("%"),
        AtMost(0.1),
    ),
    goal("binary", (Bemo, "binary"), Nothing("MB"), AtMost(12.0)),
    goal(
        "binary, without console and broker",
        (BemoBare, "binary"),
        Nothing("MB"),
        AtMost(5.0),
    ),
];

impl Goal {
    /// The ratio, or the figure itself; none where it was not measured.
    pub fn outcome(&self, figures: &Figures) -> Option<f64> {
        let (contender, quantity) = self.of;
        let figure = match self.limit {
            // Once is once too often.
            AtLeast(1.0) => figures.least(contender, quantity)?,
            AtLeast(_) | AtMost(_) => figures.median(contender, quantity)?,
        };
        if quantity.starts_with("burst") && figures.sum(contender, "burst not there") > 0.0 {
            return Some(f64::INFINITY);
        }
        let against = match self.against {
            By(other) => figures.median(other, quantity)?,
            Own(_) if !figures.is_of_bluez() => return None,
            Own(quantity) => figures.median(contender, quantity)?,
            // On an emulated machine, time says something only beside another.
            Nothing("ms" | "%") if figures.is_of_bluez() => return None,
            Nothing(_) => 1.0,
        };
        Some(figure / against)
    }

    pub fn is_met(&self, outcome: f64) -> bool {
        match self.limit {
            AtMost(limit) => outcome <= limit,
            AtLeast(limit) => outcome >= limit,
        }
    }

    pub fn against(&self) -> String {
        match self.against {
            By(Bridge) => "(a)".to_owned(),
            By(BridgeEvery) => "(a), every value".to_owned(),
            By(Callback) => "(a), callback".to_owned(),
            By(Python) => "(b)".to_owned(),
            By(other) => format!("({})", if other == Bemo { "c" } else { other.name() }),
            Own(_) => "BlueZ's own time".to_owned(),
            Nothing(_) => String::new(),
        }
    }
}
