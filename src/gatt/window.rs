//! When centrals can pair: always, never, or for a while after the start and whenever somebody asks.

use std::convert::Infallible;
use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tracing::info;

use crate::codec::Value;
use crate::engine::{CellId, Change, Effect};
use crate::plugin::{Port, Sender};

/// When centrals can pair, as it is declared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rule {
    /// As the adapter is set: this is none of our business.
    #[default]
    AsItIs,
    Always,
    Never,
    Window {
        lasts: Duration,
        /// Whether it opens by itself when centrals can connect for the first time.
        at_start: bool,
        /// The value that opens it, and shows whether it is open.
        cell: Option<CellId>,
    },
}

/// Whether centrals can pair at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairable {
    AsItIs,
    Yes,
    No,
    Until(Instant),
}

/// Whether centrals can pair, through the life of a link. Whatever bluetoothd may do meanwhile, the time
/// runs on.
#[derive(Debug)]
pub struct PairingWindow {
    rule: Rule,
    state: watch::Sender<Pairable>,
    has_begun: AtomicBool,
}

impl Rule {
    pub(super) fn of(pairable: Option<bool>) -> Self {
        match pairable {
            None => Self::AsItIs,
            Some(true) => Self::Always,
            Some(false) => Self::Never,
        }
    }
}

impl PairingWindow {
    pub fn new(rule: Rule) -> Self {
        let pairable = match rule {
            Rule::AsItIs => Pairable::AsItIs,
            Rule::Always => Pairable::Yes,
            Rule::Never | Rule::Window { .. } => Pairable::No,
        };
        Self {
            rule,
            state: watch::Sender::new(pairable),
            has_begun: AtomicBool::new(false),
        }
    }

    /// Takes the place of another: what has begun goes on, where both are windows. A time that runs ends when it
    /// would have ended.
    pub fn after(before: &Self, rule: Rule) -> Self {
        let window = Self::new(rule);
        if let (Rule::Window { .. }, Rule::Window { .. }) = (before.rule, rule) {
            window.state.send_replace(before.pairable());
            let has_begun = before.has_begun.load(Ordering::Relaxed);
            window.has_begun.store(has_begun, Ordering::Relaxed);
        }
        window
    }

    pub fn pairable(&self) -> Pairable {
        match *self.state.borrow() {
            // Whoever asks in the moment of its end is too late.
            Pairable::Until(end) if end <= Instant::now() => Pairable::No,
            pairable => pairable,
        }
    }

    /// Whether a central that wants to pair now is let.
    pub fn is_open(&self) -> bool {
        self.pairable() != Pairable::No
    }

    /// Resolves when [`PairingWindow::pairable`] may be another than it was.
    pub fn changes(&self) -> watch::Receiver<Pairable> {
        self.state.subscribe()
    }

    /// Centrals can connect. Only the first time counts.
    pub fn begin(&self, port: &Port) {
        let Rule::Window { at_start, .. } = self.rule else {
            return;
        };
        if self.has_begun.swap(true, Ordering::Relaxed) {
            return;
        }
        if at_start {
            self.open(port);
        } else {
            self.show(port);
        }
    }

    /// What the link hears of a value; that of the window opens and closes it.
    pub fn hear(&self, port: &Port, effect: &Effect) {
        let Rule::Window { cell, .. } = self.rule else {
            return;
        };
        // What it begins with is no command.
        if cell != Some(effect.cell) || !self.has_begun.load(Ordering::Relaxed) {
            return;
        }
        let wanted = effect.value == Value::Bool(true);
        // Otherwise it is what we have said ourselves.
        if wanted != self.is_open() {
            if wanted {
                self.open(port);
            } else {
                self.close(port);
            }
        }
    }

    /// Closes it when its time is over, again and again.
    pub async fn run(&self, port: &Port) -> Infallible {
        let mut changes = self.changes();
        loop {
            let pairable = *changes.borrow_and_update();
            let over = async {
                match pairable {
                    Pairable::Until(end) => sleep_until(end).await,
                    Pairable::AsItIs | Pairable::Yes | Pairable::No => pending().await,
                }
            };
            tokio::select! {
                () = over => self.close(port),
                // It lives in `self`.
                _ = changes.changed() => {}
            }
        }
    }

    pub fn close(&self, port: &Port) {
        if self.set(Pairable::No) {
            info!("no more pairing: the window has closed");
            self.show(port);
        }
    }

    fn open(&self, port: &Port) {
        let Rule::Window { lasts, .. } = self.rule else {
            return;
        };
        if self.set(Pairable::Until(Instant::now() + lasts)) {
            info!("centrals can pair for {} s", lasts.as_secs());
            self.show(port);
        }
    }

    fn set(&self, pairable: Pairable) -> bool {
        self.state.send_if_modified(|known| {
            let is_new = *known != pairable;
            *known = pairable;
            is_new
        })
    }

    /// The value tells how it is, whatever has been said before.
    fn show(&self, port: &Port) {
        let Rule::Window {
            cell: Some(cell), ..
        } = self.rule
        else {
            return;
        };
        let change = Change::Set(Value::Bool(self.is_open()));
        // A refusal has been counted and logged.
        let _ = port.request(cell, change, &Sender::nobody());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn window(lasts_s: u64) -> Rule {
        Rule::Window {
            lasts: Duration::from_secs(lasts_s),
            at_start: true,
            cell: None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_time_that_runs_ends_when_it_would_have_and_does_not_begin_again() {
        let before = PairingWindow::new(window(60));
        let end = Instant::now() + Duration::from_secs(60);
        before.set(Pairable::Until(end));
        before.has_begun.store(true, Ordering::Relaxed);
        let after = PairingWindow::after(&before, window(3600));
        assert_eq!(after.pairable(), Pairable::Until(end));
        assert!(after.has_begun.load(Ordering::Relaxed));
        before.set(Pairable::No);
        let after = PairingWindow::after(&before, window(3600));
        assert_eq!(after.pairable(), Pairable::No, "it was closed");
    }

    #[test]
    fn what_was_no_window_has_not_begun() {
        let after = PairingWindow::after(&PairingWindow::new(Rule::Always), window(60));
        assert_eq!(after.pairable(), Pairable::No);
        assert!(!after.has_begun.load(Ordering::Relaxed));
        let after = PairingWindow::after(&after, Rule::Never);
        assert_eq!(after.pairable(), Pairable::No);
    }
}
