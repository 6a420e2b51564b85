//! The only loop and the only clock: gives the engine its time, and keeps the links running.

mod succession;

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::{debug, info, warn};

use crate::engine::{Event, LinkId};
use crate::gatt::Service;
use crate::plan::{LinkPlan, Plan};
use crate::plugin::{
    Availability, Beginning, BoxFuture, Ending, Failure, Link, Notices, Observer, Port, Shared,
    Stage, State, Stopping, Succession,
};
pub use succession::{Back, Refused, Succeeded};

/// Links have this long to leave the world as it should be.
const GRACE: Duration = Duration::from_millis(1500);
/// And those that stop when the others have, because they write to a disk, which may be a slow one.
const LAST_GRACE: Duration = Duration::from_secs(5);
/// The same, where others come after them, who need the disk: it is waited for.
const LAST_GRACE_OF_SUCCESSION: Duration = Duration::from_secs(60);
/// How often a link that runs in place of a better one looks whether that is there.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
const BACKOFF_MIN: Duration = Duration::from_millis(250);
const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// Called when the loop has turned: at first, and whenever the time that it returned has passed since.
///
/// The engine has answered the moment before, so silence means that the loop, or whoever holds the
/// engine, is stuck.
pub type Heartbeat = Box<dyn FnMut() -> Option<Duration> + Send>;

/// A plan at work.
pub struct Runtime {
    shared: Arc<Shared>,
    links: JoinSet<Option<Stopped>>,
    /// Those that stop when the others have.
    last: JoinSet<Option<Stopped>>,
    time: JoinHandle<Pulse>,
}

/// A link that has been stopped, as far as it had begun.
struct Stopped {
    section: &'static str,
    link: Box<dyn Link>,
}

/// What a link goes on with, of one that was there before.
#[derive(Clone, Copy, Debug)]
struct TakenOver {
    candidate: usize,
    succession: Succession,
}

impl Runtime {
    /// Starts every link of the plan. Has to be called inside a tokio runtime.
    pub fn start(plan: Plan) -> Self {
        Self::on(plan, None, None)
    }

    /// The same, for somebody who wants to know that the loop turns.
    pub fn watched(plan: Plan, heartbeat: Heartbeat) -> Self {
        Self::on(plan, None, Some(heartbeat))
    }

    /// Starts every link of the plan that can be rehearsed, on this stage. Has to be called inside a tokio
    /// runtime; where that has its clock paused, time passes only when everybody waits.
    pub fn rehearse(plan: Plan, stage: Stage) -> Self {
        Self::on(plan, Some(stage), None)
    }

    fn on(mut plan: Plan, stage: Option<Stage>, heartbeat: Option<Heartbeat>) -> Self {
        if stage.is_none() {
            prepare(&mut plan);
        }
        let shared = Arc::new(Shared::new(&plan));
        let pulse = Pulse::of(heartbeat);
        let nothing = vec![None; plan.links.len()];
        Self::spawn(shared, plan.links, nothing, stage, pulse)
    }

    fn spawn(
        shared: Arc<Shared>,
        plans: Vec<LinkPlan>,
        taken_over: Vec<Option<TakenOver>>,
        stage: Option<Stage>,
        pulse: Pulse,
    ) -> Self {
        let (mut links, mut last) = (JoinSet::new(), JoinSet::new());
        for (index, (link, taken_over)) in plans.into_iter().zip(taken_over).enumerate() {
            let is_last = link.stops_last();
            let port = Port::new(shared.clone(), LinkId::new(index), is_last);
            let set = if is_last { &mut last } else { &mut links };
            set.spawn(supervise(link, port, stage.clone(), taken_over));
        }
        let time = tokio::spawn(keep_time(shared.clone(), pulse));
        Self {
            shared,
            links,
            last,
            time,
        }
    }

    /// What some link of the plan has offered; waits until one does ([`Port::offer`]).
    pub async fn offered<T: Any + Send + Sync>(&self) -> Arc<T> {
        self.shared.offered().await
    }

    /// The same, if some link offers it at this moment.
    pub fn offered_now<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.shared.offered_now()
    }

    /// The services that are declared, in the order of their handles.
    pub fn services(&self) -> &[Service] {
        &self.shared.services
    }

    /// What is announced from now on, by any link.
    pub fn notices(&self) -> Notices {
        Notices::new(self.shared.clone())
    }

    /// What can be seen of the process.
    pub fn observer(&self) -> Observer {
        Observer::new(self.shared.clone())
    }

    /// Hands something out to every link by its type ([`Port::offered`]), for as long as the process runs.
    pub fn offer<T: Any + Send + Sync>(&self, thing: Arc<T>) {
        self.shared.offer(thing);
    }

    /// Stops every link and waits until the last has cleaned up, but not for ever.
    pub async fn stop(mut self) {
        self.stop_links(Ending::ForGood).await;
        if let Some(refusals) = self.shared.refusals() {
            info!("refused since the start: {refusals}");
        }
    }

    /// What has been stopped in time.
    async fn stop_links(&mut self, ending: Ending) -> Vec<Stopped> {
        let Self {
            shared,
            links,
            last,
            ..
        } = self;
        let mut all_stopped = Vec::new();
        let last_grace = match ending {
            Ending::ForGood => LAST_GRACE,
            Ending::Succeeded => LAST_GRACE_OF_SUCCESSION,
        };
        for (stopping, links, grace) in [
            (Stopping::Begun, links, GRACE),
            (Stopping::OthersHaveStopped, last, last_grace),
        ] {
            shared.stop.send_replace((stopping, ending));
            let all = async {
                while let Some(stopped) = links.join_next().await {
                    all_stopped.extend(stopped.ok().flatten());
                }
            };
            if timeout(grace, all).await.is_err() {
                warn!("not everything could be cleaned up in time");
            }
        }
        all_stopped
    }
}

/// Asks every link what values begin with.
fn prepare(plan: &mut Plan) {
    let mut beginning = Beginning::new(&mut plan.cells);
    for link in plan.links.iter_mut().flat_map(|link| &mut link.candidates) {
        let prepared = catch_unwind(AssertUnwindSafe(|| link.prepare(&mut beginning)));
        if prepared.is_err() {
            let link = link.name();
            warn!(link, "it has panicked before the start; this is a bug");
        }
    }
}

/// Wakes the engine when something in it waits for time to pass.
async fn keep_time(shared: Arc<Shared>, mut pulse: Pulse) -> Pulse {
    let mut stop = shared.stop.subscribe();
    loop {
        let deadline = shared.deadline();
        pulse.turned();
        tokio::select! {
            // The same every time, so that a rehearsal is.
            biased;
            () = until(deadline) => { let _ = shared.handle(Event::Tick); }
            () = shared.deadline_changed.notified() => {}
            _ = stop.wait_for(|(stage, _)| *stage >= Stopping::OthersHaveStopped) => return pulse,
            () = until(pulse.due) => {}
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// When the next heartbeat is due.
struct Pulse {
    heartbeat: Option<Heartbeat>,
    due: Option<Instant>,
}

impl Pulse {
    /// The first is due at once.
    fn of(heartbeat: Option<Heartbeat>) -> Self {
        let due = heartbeat.as_ref().map(|_| Instant::now());
        Self { heartbeat, due }
    }

    fn turned(&mut self) {
        let now = Instant::now();
        if let Some(heartbeat) = &mut self.heartbeat
            && self.due.is_some_and(|due| due <= now)
        {
            self.due = heartbeat().map(|pause| now + pause);
        }
    }
}

/// Runs the best of a link's candidates, for as long as the program runs.
async fn supervise(
    mut link: LinkPlan,
    port: Port,
    stage: Option<Stage>,
    mut taken_over: Option<TakenOver>,
) -> Option<Stopped> {
    if stage.is_some() {
        link.candidates.retain(|candidate| candidate.can_rehearse());
        link.candidates.truncate(1);
    }
    if link.candidates.is_empty() {
        debug!(section = link.section, "nothing of this can be rehearsed");
        return None;
    }
    let mut backoff = Backoff::default();
    let mut said = None;
    loop {
        let chosen = choose(&mut link.candidates, &mut said).await;
        if let Some(other) = taken_over.filter(|it| it.candidate != chosen) {
            link.candidates[other.candidate].let_go();
        }
        let (better, rest) = link.candidates.split_at_mut(chosen);
        let running = &mut rest[0];
        let (name, carries_over) = (running.name(), running.carries_over());
        debug!(link = name, "runs");
        let succession = match taken_over.take() {
            Some(it) if it.candidate == chosen => it.succession,
            Some(it) => {
                // Who would have asked is not there.
                if it.succession == Succession::Asks {
                    port.settle(Ok(()));
                }
                Succession::Anew
            }
            None => Succession::Anew,
        };
        // Whatever ran before is gone with all that it had under way, unless nobody has noticed.
        match succession {
            Succession::Anew => {
                port.link_up(false);
                port.begins(name, running.tells_state());
            }
            Succession::Unnoticed | Succession::Asks => {}
        }
        let started = Instant::now();
        let running = match &stage {
            None => running.run(port.clone()),
            Some(stage) => running.rehearse(port.clone(), stage.clone()),
        };
        let result = tokio::select! {
            biased;
            result = caught(running) => result,
            () = available_later(better) => continue,
        };
        match result {
            Ok(()) => return Some(link.stopped(chosen)),
            Err(failure) => {
                if succession == Succession::Asks {
                    port.settle(Err(failure.to_string()));
                }
                if started.elapsed() > BACKOFF_MAX {
                    backoff.reset();
                }
                let pause = backoff.next_pause();
                report_failure(name, &failure, pause);
                port.state(State::Down {
                    why: failure.to_string(),
                    again_in: Some(pause),
                });
                tokio::select! {
                    () = sleep(pause) => {}
                    _ = port.stopped() => return Some(link.stopped(chosen)),
                    never = port.pass_over_all(), if !carries_over => match never {},
                }
            }
        }
    }
}

impl LinkPlan {
    fn stops_last(&self) -> bool {
        self.candidates.iter().any(|it| it.stops_last())
    }

    fn stopped(mut self, candidate: usize) -> Stopped {
        Stopped {
            section: self.section,
            link: self.candidates.swap_remove(candidate),
        }
    }
}

/// A panic in one link is a failure of that link: the others never notice.
async fn caught(mut run: BoxFuture<'_, Result<(), Failure>>) -> Result<(), Failure> {
    poll_fn(|context| {
        let poll = catch_unwind(AssertUnwindSafe(|| run.as_mut().poll(context)));
        poll.unwrap_or_else(|_| Poll::Ready(Err(Failure::new("it has panicked; this is a bug"))))
    })
    .await
}

/// The first candidate that is available; if none is, the first, which then waits by itself.
async fn choose(candidates: &mut [Box<dyn Link>], said: &mut Option<String>) -> usize {
    if candidates.len() < 2 {
        return 0;
    }
    let mut reasons = Vec::new();
    for (index, candidate) in candidates.iter_mut().enumerate() {
        match candidate.available().await {
            Availability::Ready => {
                let line = format!("{} is used", candidate.name());
                let line = reasons
                    .iter()
                    .rev()
                    .fold(line, |line, reason| format!("{line}: {reason}"));
                if said.as_ref() != Some(&line) {
                    debug!("{line}");
                    *said = Some(line);
                }
                return index;
            }
            Availability::Absent(reason) => reasons.push(reason),
        }
    }
    0
}

async fn available_later(better: &mut [Box<dyn Link>]) {
    if better.is_empty() {
        std::future::pending::<()>().await;
    }
    loop {
        sleep(LOOK_AGAIN).await;
        for candidate in better.iter_mut() {
            if candidate.available().await == Availability::Ready {
                return;
            }
        }
    }
}

fn report_failure(link: &str, failure: &Failure, pause: Duration) {
    warn!(
        link,
        "{failure}; tried again in {:.1} s",
        pause.as_secs_f32()
    );
}

/// Pauses that double up to a limit, each shortened by chance, so that what fails on many boxes at once is not
/// tried again on all of them in the same instant.
#[derive(Debug, Default)]
struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// The next pause: between half and all of the current limit.
    fn next_pause(&mut self) -> Duration {
        let limit = BACKOFF_MIN
            .saturating_mul(1 << self.attempts.min(10))
            .min(BACKOFF_MAX);
        self.attempts += 1;
        limit.mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    /// It worked: the next pause is a short one.
    fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;

    /// However long nobody else can have the engine either: the loop asks it before each heartbeat.
    #[test]
    fn there_is_no_heartbeat_while_somebody_keeps_the_engine() {
        let plan = Plan::default();
        let shared = Arc::new(Shared::new(&plan));
        let (beats, beat) = channel();
        let every = Duration::from_millis(20);
        let heartbeat: Heartbeat = Box::new(move || {
            beats.send(()).ok()?;
            Some(every)
        });
        let pulse = Pulse::of(Some(heartbeat));
        let kept = shared.engine();
        let at_work = shared.clone();
        let works = thread::spawn(move || {
            let tokio = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build();
            tokio
                .expect("a runtime")
                .block_on(keep_time(at_work, pulse));
        });
        assert!(
            beat.recv_timeout(10 * every).is_err(),
            "a beat without the engine"
        );
        drop(kept);
        for _ in 0..3 {
            beat.recv().expect("it beats again");
        }
        shared
            .stop
            .send_replace((Stopping::OthersHaveStopped, Ending::ForGood));
        works.join().expect("the loop ends");
    }
}
