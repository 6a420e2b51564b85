//! Looks what happens in the process, and tells the streams: at once what happens alone, ten times a second what
//! happens all the time.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::current::Current;
use super::flow::PER_SLICE;
use super::health::{adapter, health};
use super::state::{Frame, State};
use crate::plugin::{Ending, Flow, Kind, Seen, Step};
use crate::reload::{Last, Reloader};

/// The streams are told so often at the most; of each value the newest.
const SLICE: Duration = Duration::from_millis(100);
/// While nobody looks, values are looked at so often, for whoever wants to see later how they went.
const SLICE_OF_NOBODY: Duration = Duration::from_secs(1);

/// Until it is time to stop.
pub(super) async fn follow(state: &State, current: &Arc<Current>) -> Ending {
    let port = &current.port;
    let mut stopped = pin!(port.stopped());
    let mut health_changes = current.observer.health_changes();
    let mut seen = Way::default();
    // Whoever has listened to the configuration of before is told.
    health_changes.mark_changed();
    let mut carrier = adapter(current);
    let reloader = port.offered_now::<Reloader>();
    let mut reloads = reloader.map(|reloader| reloader.last());
    loop {
        let mut progress = pin!(port.progress());
        // From here on nothing is missed.
        progress.as_mut().enable();
        let begun = Instant::now();
        let (views, came) = current.look_again(state.is_heard());
        if !views.is_empty() {
            state.tell(|| Frame::new("values", &views));
        }
        seen.tell(state, current, came);
        if health_changes.has_changed().unwrap_or(false) {
            health_changes.mark_unchanged();
            let now = adapter(current);
            if now != carrier {
                carrier = now;
                state.tell_device(current);
            }
            state.tell(|| Frame::new("health", &health(state, current)));
        }
        let tidied = state.centrals.tidy();
        loop {
            tokio::select! {
                ending = &mut stopped => return ending,
                () = &mut progress => break,
                _ = health_changes.changed() => {
                    health_changes.mark_changed();
                    break;
                }
                () = reloaded(&mut reloads) => {
                    health_changes.mark_changed();
                    break;
                }
                () = state.attention.begins() => break,
                () = seen.more() => {}
                () = until(tidied) => break,
            }
            if seen.has_news() {
                break;
            }
        }
        let slice = match seen.is_wanted {
            true => SLICE,
            false => SLICE_OF_NOBODY,
        };
        loop {
            tokio::select! {
                ending = &mut stopped => return ending,
                () = sleep_until(begun + slice) => break,
                () = state.attention.begins() => break,
                // To be woken for each step costs more than the step.
                () = seen.more(), if seen.is_flood => {}
            }
        }
        seen.catch_up();
    }
}

/// The steps that are followed.
#[derive(Default)]
struct Way {
    /// `None` where nobody looks, and for the rest of a slice in which too much happens.
    flow: Option<Flow>,
    steps: Vec<Arc<Step>>,
    missed: u64,
    /// Somebody looks.
    is_wanted: bool,
    was_blind: bool,
    /// In the slice before, there was more than is followed: one stops looking as soon as it is so again.
    is_flood: bool,
}

impl Way {
    fn has_news(&self) -> bool {
        !self.steps.is_empty()
    }

    /// Takes the next step in. Can be given up at any time.
    async fn more(&mut self) {
        let Some(flow) = &mut self.flow else {
            return std::future::pending().await;
        };
        let seen = flow.next().await;
        self.take(seen);
    }

    /// Takes in what is there.
    fn catch_up(&mut self) {
        while let Some(seen) = self.flow.as_mut().and_then(Flow::next_now) {
            self.take(seen);
        }
    }

    fn take(&mut self, seen: Seen) {
        match seen {
            Seen::Step(step) => self.steps.push(step),
            Seen::Missed(count) => self.missed += count,
        }
        if self.steps.len() >= PER_SLICE {
            self.flow = None;
            self.was_blind = true;
        }
    }

    /// Tells of what has been seen, and looks again. `came` says how much came in meanwhile.
    fn tell(&mut self, state: &State, current: &Arc<Current>, came: u64) {
        let steps = std::mem::take(&mut self.steps);
        let mut missed = std::mem::take(&mut self.missed);
        self.is_flood = self.was_blind;
        if std::mem::take(&mut self.was_blind) {
            let followed = steps.iter().filter(|step| is_arrival(step)).count();
            missed = came.saturating_sub(followed as u64);
        }
        if !steps.is_empty() || missed > 0 {
            let count = steps.len();
            state.steps().add(current, steps, missed);
            state.tell(|| Frame::new("flow", &state.steps().newest(count, missed)));
        }
        let flow = self.flow.take();
        self.flow = state.attention.followed(flow, current, state.is_heard());
        self.is_wanted = self.flow.is_some();
    }
}

/// Whether a step says that something came in.
fn is_arrival(step: &Step) -> bool {
    matches!(step.kind, Kind::Requested(_) | Kind::Reported(_))
}

/// Resolves when something has come of a reload.
async fn reloaded(reloads: &mut Option<watch::Receiver<Option<Last>>>) {
    if let Some(last) = reloads
        && last.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
