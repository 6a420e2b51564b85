//! Who else is on the bus: a program that was measured has ended when none of its connections is left.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use dbus::Message;
use dbus::channel::Channel;
use tokio::sync::Notify;

use super::Result;

const DBUS: &str = "org.freedesktop.DBus";
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// How soon the thread notices that it is not wanted any more.
const LOOKS_UP: Duration = Duration::from_millis(50);

/// Everybody who came after this was started, and has not left.
pub(super) struct Presence {
    others: Arc<Others>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Others {
    names: Mutex<BTreeSet<String>>,
    changed: Notify,
}

impl Presence {
    pub(super) fn start(address: &str) -> Result<Self> {
        let mut channel = Channel::open_private(address)?;
        channel.register()?;
        let path = "/org/freedesktop/DBus";
        let rule = format!("type='signal',sender='{DBUS}',member='NameOwnerChanged'");
        let call = Message::call_with_args(DBUS, path, DBUS, "AddMatch", (rule,));
        channel.send_with_reply_and_block(call, ANSWER_WITHIN)?;
        let (others, ends) = (
            Arc::new(Others::default()),
            Arc::new(AtomicBool::new(false)),
        );
        let (known, ended) = (others.clone(), ends.clone());
        let thread = thread::Builder::new()
            .name("presence".to_owned())
            .spawn(move || {
                while !ended.load(Ordering::Relaxed) {
                    match channel.blocking_pop_message(LOOKS_UP) {
                        Ok(Some(message)) => known.hear(&message),
                        Ok(None) => {}
                        Err(_) => return,
                    }
                }
            })?;
        Ok(Self {
            others,
            ends,
            thread: Some(thread),
        })
    }

    /// Resolves when nobody else is there.
    pub(super) async fn alone(&self) {
        loop {
            let changed = self.others.changed.notified();
            if self.others.names().is_empty() {
                return;
            }
            changed.await;
        }
    }
}

impl Others {
    fn names(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.names.lock().expect("nothing panics with it")
    }

    fn hear(&self, signal: &Message) {
        let Ok((name, _, new)) = signal.read3::<String, String, String>() else {
            return;
        };
        if name.starts_with(':') {
            match new.is_empty() {
                true => self.names().remove(&name),
                false => self.names().insert(name),
            };
            self.changed.notify_waiters();
        }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
