//! Another plan takes the place of one at work: links stop, hand over what can stay, and the new ones go on
//! with it. What does not change is not told to anybody.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::warn;

use super::{Pulse, Runtime, Stopped, TakenOver, prepare};
use crate::engine::LinkId;
use crate::plan::{LinkPlan, Plan};
use crate::plugin::{Before, Ending, Link, Port, Shared, SucceededBy, Succession};

/// How long those who have to grant something may take: longer than bluetoothd is waited for. After that the new
/// plan stays: whoever does not answer would not answer to the one before either.
const VERDICT_WITHIN: Duration = Duration::from_secs(25);

/// A plan has taken the place of another.
#[derive(Debug, Default)]
pub struct Succeeded {
    /// The values that begin anew, because they cannot be what they were.
    pub unfit: Vec<String>,
    /// Those of which something that was accepted is not delivered any more.
    pub undelivered: Vec<String>,
}

/// What a plan asks for cannot be had.
#[derive(Debug)]
pub struct Refused {
    /// By whom, and why.
    pub reasons: Vec<String>,
    pub back: Back,
}

/// Whether the plan of before is back.
#[derive(Debug, PartialEq, Eq)]
pub enum Back {
    /// With all that it had.
    Whole,
    /// But what it asks for is refused too, for these reasons; it is asked for again and again.
    Refused(Vec<String>),
    /// It cannot be had any more: the one that was refused stays.
    Never,
}

impl Runtime {
    /// Puts a plan in the place of the one at work. Values go on that are the same in both, and links that can. Whoever
    /// is in a `hurry` waits for nobody to grant anything.
    ///
    /// # Errors
    /// When what it asks for cannot be had. The one before has then come `back`, with what its values held.
    pub async fn succeed(
        &mut self,
        plan: Plan,
        back: impl FnOnce() -> Option<Plan>,
        hurry: &Notify,
    ) -> Result<Succeeded, Refused> {
        let succeeded = self.put_in_place(plan, None).await;
        let reasons = self.verdict(&succeeded.asking, hurry).await;
        if reasons.is_empty() {
            return Ok(Succeeded {
                unfit: succeeded.unfit,
                undelivered: succeeded.undelivered,
            });
        }
        let back = match back() {
            Some(before) => {
                let again = self.put_in_place(before, succeeded.before).await;
                match self.verdict(&again.asking, hurry).await {
                    reasons if reasons.is_empty() => Back::Whole,
                    reasons => Back::Refused(reasons),
                }
            }
            None => Back::Never,
        };
        Err(Refused { reasons, back })
    }

    async fn put_in_place(&mut self, mut plan: Plan, back: Option<Before>) -> InPlace {
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
        let SucceededBy {
            shared,
            unfit,
            undelivered,
            before,
        } = self
            .shared
            .succeeded_by(&mut plan, go_on, !asking.is_empty(), back);
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
        InPlace {
            unfit,
            undelivered,
            asking,
            before,
        }
    }

    /// What beats goes on to beat.
    async fn pulse(&mut self) -> Pulse {
        let nothing: JoinHandle<Pulse> = tokio::spawn(async { Pulse::of(None) });
        let time = mem::replace(&mut self.time, nothing);
        time.await.unwrap_or_else(|_| Pulse::of(None))
    }

    /// Why what these links have asked for is refused, if it is.
    async fn verdict(&self, asking: &[LinkId], hurry: &Notify) -> Vec<String> {
        let mut verdicts = self.shared.verdicts.subscribe();
        let all_have_said = verdicts.wait_for(|verdicts| {
            let refused = verdicts.values().any(Result::is_err);
            refused || asking.iter().all(|link| verdicts.contains_key(link))
        });
        let said = tokio::select! {
            said = timeout(VERDICT_WITHIN, all_have_said) => said,
            () = hurry.notified() => return Vec::new(),
        };
        match said {
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
    undelivered: Vec<String>,
    before: Option<Before>,
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
