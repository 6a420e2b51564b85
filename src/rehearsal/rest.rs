//! Coming to rest: everything that can happen without time passing has happened.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::Poll;

use tokio::task::yield_now;

/// The scheduler runs so many tasks before it looks at its clock, and at whoever waits outside of them.
pub(super) const ROUND: u32 = 64;
/// Whoever is still busy after so many rounds is so for ever: tasks that wake each other in a circle.
const ROUNDS_MAX: u32 = 5_000;

/// Something goes round in circles.
#[derive(Debug)]
pub(super) struct Restless;

/// Waits until no task has anything left to do but wait for time, of which none passes.
///
/// A task of its own is always ready, so the scheduler neither sleeps nor moves its clock. When a whole
/// round goes to this task alone, no other was ready. After one such round timers that are due may have
/// woken somebody; after two nobody is left. It works only in a runtime of one thread with `ROUND` as
/// its event interval.
pub(super) async fn rest() -> Result<(), Restless> {
    let turns = Arc::new(AtomicU32::new(0));
    let is_over = Arc::new(AtomicBool::new(false));
    let task = tokio::spawn(idle(turns.clone(), is_over.clone()));
    let mut quiet = 0;
    let mut result = Err(Restless);
    for _ in 0..ROUNDS_MAX {
        turns.store(0, Ordering::Relaxed);
        yield_now().await;
        quiet = if turns.load(Ordering::Relaxed) == ROUND {
            quiet + 1
        } else {
            0
        };
        if quiet == 2 {
            result = Ok(());
            break;
        }
    }
    is_over.store(true, Ordering::Relaxed);
    // It does not panic, and nobody aborts it.
    let _ = task.await;
    result
}

/// Counts its turns, and is at once ready for the next.
async fn idle(turns: Arc<AtomicU32>, is_over: Arc<AtomicBool>) {
    poll_fn(|context| {
        turns.fetch_add(1, Ordering::Relaxed);
        if is_over.load(Ordering::Relaxed) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::runtime::{Builder, Runtime};
    use tokio::sync::Notify;
    use tokio::time::{Instant, sleep};

    use super::*;

    fn paused() -> Runtime {
        Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .event_interval(ROUND)
            .build()
            .expect("a runtime can be built")
    }

    #[test]
    fn a_long_chain_of_tasks_ends_before_rest_and_no_time_passes() {
        paused().block_on(async {
            let links: Arc<[Notify]> = (0..1000).map(|_| Notify::new()).collect();
            let last = tokio::spawn({
                let links = links.clone();
                async move { links[999].notified().await }
            });
            for index in 0..999 {
                let links = links.clone();
                tokio::spawn(async move {
                    links[index].notified().await;
                    yield_now().await;
                    links[index + 1].notify_one();
                });
            }
            tokio::spawn(sleep(Duration::from_millis(1)));
            let before = Instant::now();
            rest().await.expect("a chain ends");
            assert!(!last.is_finished(), "nobody has pulled at it");
            links[0].notify_one();
            rest().await.expect("a chain ends");
            assert!(last.is_finished());
            assert_eq!(before.elapsed(), Duration::ZERO);
        });
    }

    #[test]
    fn what_is_due_now_happens_before_rest() {
        paused().block_on(async {
            let due = Instant::now() + Duration::from_secs(1);
            let other = tokio::spawn(async move {
                tokio::time::sleep_until(due).await;
                yield_now().await;
                tokio::time::sleep_until(due).await;
            });
            tokio::time::sleep_until(due).await;
            rest().await.expect("it ends");
            assert!(other.is_finished());
            assert_eq!(Instant::now(), due);
        });
    }

    #[test]
    fn a_circle_is_found_out() {
        paused().block_on(async {
            let (there, back) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
            for (from, to) in [(there.clone(), back.clone()), (back, there.clone())] {
                tokio::spawn(async move {
                    loop {
                        from.notified().await;
                        to.notify_one();
                    }
                });
            }
            rest().await.expect("nobody has pushed it");
            there.notify_one();
            rest().await.expect_err("it never ends");
        });
    }
}
