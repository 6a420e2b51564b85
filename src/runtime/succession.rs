//! Another plan takes the place of one at work: links stop, hand over what can stay, and the new ones go on
//! with it. What does not change is not told to anybody.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::warn;

use super::{Pulse, Runtime, Stopped, TakenOver, prepare};
use crate::engine::LinkId;
use crate::plan::{LinkPlan, Plan};
use crate::plugin::{Ending, Link, Port, Shared, Succession};

/// How long those who have to grant something may take. After that the new plan stays: whoever does not
/// answer would not answer to the one before either.
const VERDICT_WITHIN: Duration = Duration::from_secs(10);

/// A plan has taken the place of another.
#[derive(Debug, Default)]
pub struct Succeeded {
    /// The values that begin anew, because they cannot be what they were.
    pub unfit: Vec<String>,
}

/// What a plan asks for cannot be had, and the one before is back.
#[derive(Debug)]
pub struct Refused {
    /// By whom, and why.
    pub reasons: Vec<String>,
}

impl Runtime {
    /// Puts a plan in the place of the one at work. Values go on that are the same in both, and links that can.
    ///
    /// # Errors
    /// When what it asks for cannot be had. The one before has then come `back`.
    pub async fn succeed(
        &mut self,
        plan: Plan,
        back: impl FnOnce() -> Option<Plan>,
    ) -> Result<Succeeded, Refused> {
        let succeeded = self.put_in_place(plan).await;
        let reasons = self.verdict(&succeeded.asking).await;
        if reasons.is_empty() {
            return Ok(Succeeded {
                unfit: succeeded.unfit,
            });
        }
        match back() {
            Some(before) => {
                self.put_in_place(before).await;
            }
            None => warn!("the configuration of before cannot be had back, so this one stays"),
        }
        Err(Refused { reasons })
    }

    async fn put_in_place(&mut self, mut plan: Plan) -> InPlace {
        let mut stopped = self.stop_links(Ending::Succeeded).await;
        let (mut taken_over, mut asking, mut go_on) = (Vec::new(), Vec::new(), Vec::new());
        for (index, link) in plan.links.iter_mut().enumerate() {
            let before = stopped.iter_mut().find(|it| it.section == link.section);
            let taken = before.and_then(|before| take_over(&mut link.candidates, before));
            match taken.map_or(Succession::Anew, |it| it.succession) {
                Succession::Anew => {}
                Succession::Unnoticed => go_on.push(LinkId::new(index)),
                Succession::Asks => {
                    go_on.push(LinkId::new(index));
                    asking.push(LinkId::new(index));
                }
            }
            taken_over.push(taken);
        }
        drop(stopped);
        prepare(&mut plan);
        let (shared, unfit) = self.shared.succeeded_by(&mut plan, go_on);
        // Nothing waits in between, so nobody meets a link that knows the values of before only.
        for (index, taken) in taken_over.iter().enumerate() {
            if let Some(taken) = taken {
                goes_on(&shared, &mut plan.links[index], LinkId::new(index), taken);
            }
        }
        let pulse = self.pulse().await;
        let next = Self::spawn(shared, plan.links, taken_over, None, pulse);
        // Whatever has not stopped in time ends here.
        drop(mem::replace(self, next));
        InPlace { unfit, asking }
    }

    /// What beats goes on to beat.
    async fn pulse(&mut self) -> Pulse {
        let nothing: JoinHandle<Pulse> = tokio::spawn(async { Pulse::of(None) });
        let time = mem::replace(&mut self.time, nothing);
        time.await.unwrap_or_else(|_| Pulse::of(None))
    }

    /// Why what these links have asked for is refused, if it is.
    async fn verdict(&self, asking: &[LinkId]) -> Vec<String> {
        let mut verdicts = self.shared.verdicts.subscribe();
        let all_have_said = verdicts.wait_for(|verdicts| {
            let refused = verdicts.values().any(Result::is_err);
            refused || asking.iter().all(|link| verdicts.contains_key(link))
        });
        match timeout(VERDICT_WITHIN, all_have_said).await {
            Ok(Ok(verdicts)) => verdicts
                .values()
                .filter_map(|verdict| verdict.clone().err())
                .collect(),
            Ok(Err(_)) => Vec::new(),
            Err(_) => {
                warn!(
                    "nobody has said yet whether all that the new configuration asks for is granted"
                );
                Vec::new()
            }
        }
    }
}

fn goes_on(shared: &Arc<Shared>, link: &mut LinkPlan, id: LinkId, taken: &TakenOver) {
    let is_last = link.stops_last();
    let port = Port::new(shared.clone(), id, is_last);
    let heir = &mut link.candidates[taken.candidate];
    if catch_unwind(AssertUnwindSafe(|| heir.goes_on(&port))).is_err() {
        let link = heir.name();
        warn!(link, "it has panicked while it took over; this is a bug");
    }
}

struct InPlace {
    unfit: Vec<String>,
    /// The links that have to be granted something.
    asking: Vec<LinkId>,
}

/// The candidate that takes over from a link, if one does.
fn take_over(candidates: &mut [Box<dyn Link>], before: &mut Stopped) -> Option<TakenOver> {
    let name = before.link.name();
    let candidate = candidates.iter().position(|it| it.name() == name)?;
    let heir = &mut candidates[candidate];
    let taken_over = catch_unwind(AssertUnwindSafe(|| heir.take_over(&mut *before.link)));
    let Ok(succession) = taken_over else {
        warn!(
            link = name,
            "it has panicked while it took over; this is a bug"
        );
        return None;
    };
    Some(TakenOver {
        candidate,
        succession,
    })
}
