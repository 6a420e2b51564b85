//! Stays on the air: advertises, and does so again whenever that was refused or has been ended.

use std::convert::Infallible;
use std::fmt::Display;
use std::future::pending;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tracing::{debug, info};

use super::backoff::Backoff;
use super::restraint::{Limits, Restraint};
use crate::plugin::BoxFuture;

/// How often an advertisement is tried that was refused altogether, where bluetoothd says nothing of
/// room: what takes it may not be one of its own.
const ADVERTISE_AGAIN: Backoff = Backoff {
    first: Duration::from_millis(250),
    longest: Duration::from_secs(30),
};
/// How often where others make us: by ending ours, or one of their own.
const MADE_TO: Limits = Limits {
    free: 0,
    then: Backoff {
        first: Duration::from_millis(250),
        longest: Duration::from_secs(8),
    },
    calm: Duration::from_secs(30),
};

/// `refused` says why the first one was, if it was. Where it `has_timeout`, whatever ends it is that.
pub(super) async fn stay<'a, Problem: Display>(
    mut refused: Option<Problem>,
    has_timeout: bool,
    advertise: impl Fn() -> BoxFuture<'a, Result<(), Problem>>,
    released: impl Fn() -> BoxFuture<'a, ()>,
    room: &Notify,
) -> Infallible {
    let mut pauses = ADVERTISE_AGAIN.pauses();
    let mut made_to = Restraint::new(MADE_TO, Instant::now());
    loop {
        if refused.is_some() {
            tokio::select! {
                // Another one has ended, or begun.
                () = room.notified() => {
                    sleep(made_to.again(Instant::now())).await;
                    pauses.begin_anew();
                }
                () = sleep(pauses.next()) => made_to.done(Instant::now()),
            }
        } else {
            released().await;
            if has_timeout {
                info!("no longer advertised: its timeout is over");
                return pending().await;
            }
            let pause = made_to.again(Instant::now());
            info!(
                ?pause,
                "bluetoothd has ended the advertisement; it is advertised again"
            );
            sleep(pause).await;
        }
        let again = advertise().await.err();
        match (&refused, &again) {
            (Some(_), None) => info!("advertised at last"),
            (_, Some(problem)) => debug!(%problem, "still not advertised"),
            (None, None) => {}
        }
        refused = again;
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::sync::Mutex;

    use tokio::time::timeout;

    use super::*;

    /// How often something is tried in one minute in which others make us all the time, and when first.
    fn tries(ends_at_once: bool) -> (usize, Duration) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build();
        runtime.expect("a runtime").block_on(async {
            let (start, room) = (Instant::now(), Notify::new());
            let tries = Mutex::new(Vec::new());
            let refused = (!ends_at_once).then_some("no room");
            let advertise = || -> BoxFuture<'_, _> {
                let mut tries = tries.lock().expect("nothing panics with it");
                tries.push(start.elapsed());
                assert!(tries.len() < 1000, "it is tried without a pause");
                room.notify_one();
                Box::pin(ready(refused.map_or(Ok(()), Err)))
            };
            room.notify_one();
            let released = || -> BoxFuture<'_, ()> { Box::pin(ready(())) };
            let staying = stay(refused, false, advertise, released, &room);
            let minute = timeout(Duration::from_secs(60), staying).await;
            assert!(minute.is_err());
            let tries = tries.lock().expect("nothing panics with it");
            (tries.len(), tries[0])
        })
    }

    #[test]
    fn an_advertisement_that_is_always_ended_is_not_tried_without_a_pause() {
        let (tries, first) = tries(true);
        assert_eq!(first, MADE_TO.then.first);
        assert!((5..20).contains(&tries), "{tries}");
    }

    #[test]
    fn room_that_comes_and_goes_all_the_time_is_not_tried_without_a_pause() {
        let (tries, first) = tries(false);
        assert_eq!(first, MADE_TO.then.first);
        assert!((5..30).contains(&tries), "{tries}");
    }
}
