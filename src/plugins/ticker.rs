//! A source that steps a number at a fixed pace.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use tokio::time::{Instant, sleep_until};
use tracing::info;

use crate::codec::Value;
use crate::config::{Interval, Lenient, Literal, Spanned};
use crate::engine::{Carries, CellId, Change};
use crate::plugin::{BoxFuture, Configure, Failure, Link, Place, Plugin, Port, Sender};

/// Steps the value again and again. When somebody else changes the value, a whole period passes
/// before the next step, so that what was set stays to be seen.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TickerConfig")]
pub struct TickerConfig {
    /// The period.
    pub every: Spanned<Lenient<Interval>>,
    /// What is added each time. Without it, 1.
    #[serde(default)]
    #[schemars(with = "Option<serde_json::Number>")]
    pub step: Option<Spanned<Literal>>,
}

/// The shortest period: no notification arrives more often than connection events come, the shortest
/// connection interval being 7.5 ms (Core Spec 5.4, Vol 6, Part B, 4.5.1).
const SHORTEST: Duration = Duration::from_millis(10);

pub struct Ticker;

impl Plugin for Ticker {
    fn name(&self) -> &'static str {
        "ticker"
    }

    fn places(&self) -> Vec<Place> {
        vec![Place::source::<TickerConfig>("ticker")]
    }

    fn configure(&self, declared: &mut Configure<'_>) -> Option<Box<dyn Link>> {
        let mut clocks = BTreeMap::new();
        for ticker in declared.sources::<TickerConfig>("ticker") {
            if let Some(clock) = Clock::new(ticker.cell, &ticker.value, declared) {
                declared.feeds(ticker.cell);
                declared.subscribe(ticker.cell, Carries::StateOfOthers);
                clocks.insert(ticker.cell, clock);
            }
        }
        (!clocks.is_empty()).then(|| Box::new(Tickers { clocks }) as Box<dyn Link>)
    }
}

struct Tickers {
    clocks: BTreeMap<CellId, Clock>,
}

/// One ticking value.
#[derive(Clone)]
struct Clock {
    every: Duration,
    step: Value,
    next: Option<Instant>,
}

impl Clock {
    fn new(cell: CellId, config: &TickerConfig, declared: &mut Configure<'_>) -> Option<Self> {
        let every = match &config.every.value.0 {
            Ok(Interval(every)) if *every >= SHORTEST => *every,
            Ok(_) => {
                let help = "10ms is the shortest: no connection carries more than that";
                declared.mistake(config.every.at, "this is too short a period", help);
                return None;
            }
            Err(problem) => {
                let help = "a number and `ms`, `s`, `min` or `h`, as in `1s`";
                declared.mistake(config.every.at, problem, help);
                return None;
            }
        };
        let spec = declared.cell(cell).spec.clone();
        if !spec.is_number() {
            let message = format!("a ticker steps numbers, and this is a {}", spec.noun());
            declared.mistake(
                config.every.at,
                message,
                "remove the source, or make it a number",
            );
            return None;
        }
        let step = match &config.step {
            None => {
                let one = Literal {
                    text: "1".to_owned(),
                    quoted: false,
                };
                crate::config::step_of(&one, &spec).unwrap_or(Value::Int(1))
            }
            Some(literal) => match crate::config::step_of(literal, &spec) {
                Some(step) => step,
                None => {
                    let message = format!("the step is no {}", spec.noun());
                    declared.mistake(
                        literal.at,
                        message,
                        "write a number of the type of the value",
                    );
                    return None;
                }
            },
        };
        Some(Self {
            every,
            step,
            next: None,
        })
    }
}

impl Link for Tickers {
    fn name(&self) -> &'static str {
        "ticker"
    }

    fn run(&mut self, port: Port) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async move {
            info!(values = self.clocks.len(), "ticking");
            port.detail("values", Some(self.clocks.len().to_string()));
            let now = Instant::now();
            self.clocks
                .values_mut()
                .for_each(|clock| clock.next = Some(now + clock.every));
            loop {
                let next = self
                    .clocks
                    .values()
                    .filter_map(|clock| clock.next)
                    .min()
                    .unwrap_or(now);
                tokio::select! {
                    // Who has set a value in the very moment of a step comes first: what was set stays
                    // to be seen.
                    biased;
                    () = port.changed() => self.start_anew(&port),
                    () = sleep_until(next) => self.tick(&port),
                    _ = port.stopped() => return Ok(()),
                }
            }
        })
    }
}

impl Tickers {
    fn tick(&mut self, port: &Port) {
        let now = Instant::now();
        for (cell, clock) in &mut self.clocks {
            if let Some(due) = clock.next.filter(|due| *due <= now) {
                // A step that is refused, at the end of the range, has been counted and logged.
                let _ = port.request(*cell, Change::Step(clock.step.clone()), &Sender::nobody());
                // Measured from when it was due, so that no step is late because of the one before;
                // but a machine that slept does not make up for what it missed.
                let next = due + clock.every;
                clock.next = Some(if next > now { next } else { now + clock.every });
            }
        }
    }

    /// Somebody else changed a value: its period begins anew.
    fn start_anew(&mut self, port: &Port) {
        while let Some(effect) = port.pull() {
            port.delivered(effect.cell, effect.ticket);
            if let Some(clock) = self.clocks.get_mut(&effect.cell) {
                clock.next = Some(Instant::now() + clock.every);
            }
        }
    }
}
