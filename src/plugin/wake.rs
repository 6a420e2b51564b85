//! How a link learns that there is something for it to pull: it is woken, or what it has asked to be done is done
//! at once by whoever has caused it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// What a link does when there is something to pull.
pub(super) type Prompt = Arc<dyn Fn() + Send + Sync>;

/// One link's.
#[derive(Default)]
pub(super) struct Wake {
    notify: Notify,
    prompt: Mutex<Option<Prompt>>,
    /// Held while the prompt runs: what that causes does not run it again in the midst of it.
    running: Mutex<()>,
    panicked: Mutex<Option<Box<dyn Any + Send>>>,
}

/// As long as it lives, the link is prompted.
pub(super) struct Prompted<'a>(&'a Wake);

impl Wake {
    /// Resolves when the link has been woken since this was last waited for.
    pub(super) fn notified(&self) -> Notified<'_> {
        self.notify.notified()
    }

    pub(super) fn wake(&self) {
        self.notify.notify_one();
    }

    pub(super) fn has_prompt(&self) -> bool {
        locked(&self.prompt).is_some()
    }

    pub(super) fn set(&self, prompt: Prompt) -> Prompted<'_> {
        // Of one before.
        drop(self.panic());
        self.put(Some(prompt));
        Prompted(self)
    }

    /// What was there goes when nothing is locked: it may be the last to hold the link's things.
    fn put(&self, prompt: Option<Prompt>) {
        let before = std::mem::replace(&mut *locked(&self.prompt), prompt);
        drop(before);
    }

    /// Has the link do it here and now. Where that cannot be, and where it panics, the link is woken instead, whose
    /// failure that is.
    pub(super) fn prompt(&self) {
        let prompt = locked(&self.prompt).clone();
        if !prompt.is_some_and(|prompt| self.run(&prompt)) {
            self.wake();
        }
    }

    /// Whether it could be done.
    pub(super) fn run(&self, prompt: &Prompt) -> bool {
        let running = match self.running.try_lock() {
            Ok(running) => running,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        let done = catch_unwind(AssertUnwindSafe(|| prompt()));
        drop(running);
        match done {
            Ok(()) => true,
            Err(panic) => {
                // It is over with it: whatever it would do now would only hide what it was.
                self.put(None);
                locked(&self.panicked).get_or_insert(panic);
                false
            }
        }
    }

    /// What the prompt has panicked with.
    pub(super) fn panic(&self) -> Option<Box<dyn Any + Send>> {
        locked(&self.panicked).take()
    }
}

impl Drop for Prompted<'_> {
    fn drop(&mut self) {
        self.0.put(None);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics while it is locked")
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// Whether the link has been woken since this was last asked.
    fn is_woken(wake: &Wake) -> bool {
        let notified = std::pin::pin!(wake.notified());
        matches!(
            notified.poll(&mut Context::from_waker(Waker::noop())),
            Poll::Ready(())
        )
    }

    #[test]
    fn a_prompt_is_followed_at_once_for_as_long_as_it_is_wanted() {
        let (wake, times) = (Wake::default(), Arc::new(AtomicU32::new(0)));
        let counted = times.clone();
        let prompted = wake.set(Arc::new(move || {
            counted.fetch_add(1, Ordering::Relaxed);
        }));
        wake.prompt();
        assert_eq!(times.load(Ordering::Relaxed), 1);
        assert!(!is_woken(&wake), "it has been done");
        drop(prompted);
        assert!(!wake.has_prompt());
        wake.prompt();
        assert_eq!(times.load(Ordering::Relaxed), 1);
        assert!(is_woken(&wake));
    }

    #[test]
    fn what_a_prompt_causes_does_not_run_it_again_in_its_midst() {
        let (wake, times) = (Arc::new(Wake::default()), Arc::new(AtomicU32::new(0)));
        let (here, counted) = (wake.clone(), times.clone());
        let _prompted = wake.set(Arc::new(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            here.prompt();
        }));
        wake.prompt();
        assert_eq!(times.load(Ordering::Relaxed), 1);
        assert!(is_woken(&wake), "it looks again");
    }

    #[test]
    fn who_panics_when_prompted_is_woken_and_told_of_it_and_the_other_goes_on() {
        let wake = Wake::default();
        let _prompted = wake.set(Arc::new(|| panic!("of the link")));
        wake.prompt();
        assert!(is_woken(&wake));
        assert!(!wake.has_prompt(), "it does no more harm");
        let panic = wake.panic().expect("it has panicked");
        assert_eq!(panic.downcast_ref(), Some(&"of the link"));
        assert!(wake.panic().is_none());
    }

    #[test]
    fn a_panic_is_of_the_one_who_was_prompted_and_not_of_the_next() {
        let wake = Wake::default();
        let prompted = wake.set(Arc::new(|| panic!("of the link")));
        wake.prompt();
        drop(prompted);
        let _prompted = wake.set(Arc::new(|| {}));
        assert!(wake.panic().is_none());
    }
}
