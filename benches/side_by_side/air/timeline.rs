//! When each step of a registration happened, as the message bus saw it: the same for the stand-in and for the
//! real bluetoothd. The bus is only listened to until the registration is whole, so nothing is measured slower
//! for it afterwards.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use dbus::arg::{Dict, Iter, PropMap};
use dbus::channel::Channel;
use dbus::message::MessageType;
use dbus::{Message, Path};
use tokio::sync::Notify;

use super::{Result, now};

const BLUEZ: &str = "org.bluez";
const DBUS: &str = "org.freedesktop.DBus";
const CHARACTERISTIC: &str = "org.bluez.GattCharacteristic1";
/// How soon a listener notices that it is not wanted any more.
const LOOKS_UP: Duration = Duration::from_millis(50);

/// From a call to its answer, both as the bus passed them on.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub asked: Instant,
    pub answered: Instant,
}

/// How a program came to be registered with bluetoothd.
#[derive(Clone, Debug)]
pub struct Registered {
    /// The first word of the first connection to the bus.
    pub connected: Instant,
    pub register_application: Span,
    /// bluetoothd asks for the objects; how long that takes is the program's own.
    pub managed_objects: Span,
    pub register_advertisement: Span,
    /// How long anything that the program had asked of bluetoothd was without an answer, while bluetoothd itself
    /// had no question open: what the program cannot do anything about.
    pub waited: Duration,
    pub characteristics: usize,
}

/// Listens to the bus from before a program starts until it is registered.
pub(super) struct Timeline {
    seen: Arc<Seen>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Seen {
    calls: Mutex<Calls>,
    whole: Notify,
}

#[derive(Default)]
struct Calls {
    bluetoothd: String,
    connected: Option<Instant>,
    /// By who waits for the answer, and the number of the call.
    open: HashMap<(String, u32), Call>,
    of_bluetoothd: Vec<Span>,
    of_program: Vec<Span>,
    application: Option<Span>,
    managed_objects: Option<(Span, usize)>,
    advertisement: Option<Span>,
    registered: Option<Registered>,
}

struct Call {
    asked: Instant,
    member: String,
    /// bluetoothd asks the program; otherwise it is the other way round.
    of_bluetoothd: bool,
}

impl Timeline {
    /// From here on, at the address of a bus on which bluetoothd is already.
    pub(super) fn start(address: &str) -> Result<Self> {
        let mut channel = Channel::open_private(address)?;
        channel.register()?;
        let bluetoothd = owner(&channel)?;
        let monitor = Message::new_method_call(
            DBUS,
            "/org/freedesktop/DBus",
            "org.freedesktop.DBus.Monitoring",
            "BecomeMonitor",
        )?;
        let monitor = monitor.append2(Vec::<String>::new(), 0_u32);
        channel.send_with_reply_and_block(monitor, Duration::from_secs(5))?;
        let seen = Arc::new(Seen::default());
        seen.calls().bluetoothd = bluetoothd;
        let ends = Arc::new(AtomicBool::new(false));
        let (sees, ended) = (seen.clone(), ends.clone());
        let thread = thread::Builder::new()
            .name("timeline".to_owned())
            .spawn(move || {
                while !ended.load(Ordering::Relaxed) && !sees.is_whole() {
                    match channel.blocking_pop_message(LOOKS_UP) {
                        Ok(Some(message)) => sees.take(&message),
                        Ok(None) => {}
                        Err(_) => return,
                    }
                }
            })?;
        Ok(Self {
            seen,
            ends,
            thread: Some(thread),
        })
    }

    /// Resolves when both an application and an advertisement are registered.
    pub(super) async fn registered(&self) -> Registered {
        loop {
            let whole = self.seen.whole.notified();
            if let Some(registered) = &self.seen.calls().registered {
                return registered.clone();
            }
            whole.await;
        }
    }
}

impl Drop for Timeline {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The unique name of bluetoothd.
pub(super) fn owner(channel: &Channel) -> Result<String> {
    let asked = Message::new_method_call(DBUS, "/org/freedesktop/DBus", DBUS, "GetNameOwner")?;
    let answer = channel.send_with_reply_and_block(asked.append1(BLUEZ), Duration::from_secs(5))?;
    Ok(answer.read1::<String>()?)
}

impl Seen {
    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().expect("nothing panics with it")
    }

    fn is_whole(&self) -> bool {
        self.calls().registered.is_some()
    }

    fn take(&self, message: &Message) {
        let at = now();
        let mut calls = self.calls();
        match message.msg_type() {
            MessageType::MethodCall => calls.asked(message, at),
            MessageType::MethodReturn | MessageType::Error => {
                calls.answered(message, at);
                if calls.registered.is_some() {
                    self.whole.notify_waiters();
                }
            }
            MessageType::Signal => {}
        }
    }
}

impl Calls {
    fn asked(&mut self, call: &Message, at: Instant) {
        let text = |of: Option<&str>| of.unwrap_or_default().to_owned();
        let destination = text(call.destination().as_deref());
        let member = text(call.member().as_deref());
        let caller = text(call.sender().as_deref());
        if destination == DBUS && member == "Hello" {
            self.connected.get_or_insert(at);
        }
        let of_bluetoothd = caller == self.bluetoothd;
        let to_bluetoothd = destination == BLUEZ || destination == self.bluetoothd;
        if to_bluetoothd || of_bluetoothd && destination != DBUS {
            let number = call.get_serial().unwrap_or_default();
            let call = Call {
                asked: at,
                member,
                of_bluetoothd,
            };
            self.open.insert((caller, number), call);
        }
    }

    fn answered(&mut self, answer: &Message, at: Instant) {
        let caller = answer.destination().as_deref().map(str::to_owned);
        let key = caller.zip(answer.get_reply_serial());
        let Some(call) = key.and_then(|key| self.open.remove(&key)) else {
            return;
        };
        let span = Span {
            asked: call.asked,
            answered: at,
        };
        let spans = if call.of_bluetoothd {
            &mut self.of_program
        } else {
            &mut self.of_bluetoothd
        };
        spans.push(span);
        if answer.msg_type() != MessageType::MethodReturn {
            return;
        }
        match (&*call.member, call.of_bluetoothd) {
            // Also the advertisement is asked for objects, and a program may have told all before.
            ("GetManagedObjects", true) => {
                let characteristics = characteristics(answer);
                if characteristics > 0 || self.managed_objects.is_none() {
                    self.managed_objects = Some((span, characteristics));
                }
            }
            ("RegisterApplication", false) => self.application = Some(span),
            ("RegisterAdvertisement", false) => self.advertisement = Some(span),
            _ => return,
        }
        self.registered = self.whole();
    }

    fn whole(&self) -> Option<Registered> {
        let (managed_objects, characteristics) = self.managed_objects?;
        Some(Registered {
            connected: self.connected?,
            register_application: self.application?,
            managed_objects,
            register_advertisement: self.advertisement?,
            waited: only(&self.of_bluetoothd, &self.of_program),
            characteristics,
        })
    }
}

/// How many characteristics there are in an answer to `GetManagedObjects`.
fn characteristics(answer: &Message) -> usize {
    type Objects<'a> = Dict<'a, Path<'static>, HashMap<String, PropMap>, Iter<'a>>;
    let objects = answer.iter_init().get::<Objects<'_>>();
    let objects = objects.into_iter().flatten();
    objects
        .filter(|(_, interfaces)| interfaces.contains_key(CHARACTERISTIC))
        .count()
}

/// How long some of the one kind were open and none of the other.
fn only(these: &[Span], others: &[Span]) -> Duration {
    let mut turns: Vec<(Instant, i32, i32)> = Vec::new();
    for span in these {
        turns.extend([(span.asked, 1, 0), (span.answered, -1, 0)]);
    }
    for span in others {
        turns.extend([(span.asked, 0, 1), (span.answered, 0, -1)]);
    }
    turns.sort_unstable();
    let (mut open, mut others_open, mut sum) = (0, 0, Duration::ZERO);
    for (index, (at, one, other)) in turns.iter().enumerate() {
        if open > 0 && others_open == 0 {
            sum += *at - turns[index - 1].0;
        }
        open += one;
        others_open += other;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bluetoothd_asks_meanwhile_is_no_waiting() {
        let start = now();
        let span = |asked, answered| Span {
            asked: start + Duration::from_millis(asked),
            answered: start + Duration::from_millis(answered),
        };
        let waited = only(&[span(0, 10), span(5, 20), span(30, 31)], &[span(6, 16)]);
        assert_eq!(waited, Duration::from_millis(6 + 4 + 1));
        assert_eq!(only(&[], &[span(0, 1)]), Duration::ZERO);
    }
}
