//! A central: its requests become calls of the application, as bluetoothd makes them.

use std::fs::File;
use std::sync::Arc;
use std::time::Instant;

use dbus::Message;
use dbus::Path;
use dbus::arg::{IterAppend, Variant};
use dbus::channel::Sender as _;
use dbus::message::MessageType;
use dbus::nonblock::{NonblockReply, SyncConnection};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use super::super::{AttError, MTU, Written, now};
use super::application::{CHARACTERISTIC, Characteristic};
use super::daemon::{Daemon, FAILED};
use super::notifying::Subscriber;
use super::objects::{DEVICE_INTERFACE, Property, device, device_path};

type Result<T> = std::result::Result<T, AttError>;
type Received = (Instant, Vec<u8>);

/// Client Characteristic Configuration (Core Spec 5.4, Vol 3, Part G, 3.3.3.3).
const NOTIFICATIONS: u16 = 1;
const INDICATIONS: u16 = 2;

pub struct Central {
    daemon: Arc<Daemon>,
    /// The path of its object.
    device: String,
    /// The unique name of the application.
    owner: String,
    characteristic: Characteristic,
    configured: u16,
    sender: UnboundedSender<Received>,
    received: UnboundedReceiver<Received>,
}

/// An answer, or an error in the place of it.
struct Answered {
    sent: Instant,
    at: Instant,
    message: Message,
}

impl Central {
    pub(super) fn connect(
        daemon: Arc<Daemon>,
        address: &str,
        owner: String,
        characteristic: Characteristic,
    ) -> Self {
        let path = device_path(address);
        let of = device(address);
        daemon.state().objects.insert(path.clone(), of.clone());
        daemon.tell_added(&path, &of);
        let (sender, received) = unbounded_channel();
        Self {
            daemon,
            device: path,
            owner,
            characteristic,
            configured: 0,
            sender,
            received,
        }
    }

    pub(in super::super) async fn write(&mut self, octets: &[u8]) -> Written {
        let fails = |result| {
            let at = now();
            Written {
                sent: at,
                answered: at,
                result,
            }
        };
        // Without a flag for it, or a link that is as safe as the flag demands, nobody is asked.
        let unanswered = self.characteristic.has("write-without-response");
        if !self.characteristic.allows("write") && !unanswered {
            return fails(Err(AttError::WRITE_NOT_PERMITTED));
        }
        if let Err(error) = self.check("write") {
            return fails(Err(error));
        }
        let call = self.request("WriteValue", |arguments| arguments.append(octets), 0);
        if unanswered {
            // BlueZ has answered before the application knows.
            let mut call = call;
            call.set_no_reply(true);
            let _ = self.daemon.connection.send(call);
            return fails(Ok(()));
        }
        let answered = self.ask(call).await;
        Written {
            sent: answered.sent,
            answered: answered.at,
            result: answered.result(AttError::WRITE_NOT_PERMITTED).map(drop),
        }
    }

    pub(in super::super) async fn read(&mut self, offset: u16) -> Result<Vec<u8>> {
        if !self.characteristic.allows("read") {
            return Err(AttError::READ_NOT_PERMITTED);
        }
        self.check("read")?;
        let call = self.request("ReadValue", |_| {}, offset);
        let answer = self.ask(call).await.result(AttError::READ_NOT_PERMITTED)?;
        let octets: Option<&[u8]> = answer.get1();
        let octets = octets.ok_or(AttError::REQUEST_NOT_SUPPORTED)?;
        // What one response takes.
        let count = octets.len().min(usize::from(MTU) - 1);
        Ok(octets[..count].to_vec())
    }

    /// What a flag demands of the link, which is neither encrypted nor authenticated.
    fn check(&self, what: &str) -> Result<()> {
        let mut demands = self.characteristic.demands(what);
        match demands.find(|it| !it.is_empty()) {
            None => Ok(()),
            Some("encrypt") => Err(AttError::INSUFFICIENT_ENCRYPTION),
            Some(_) => Err(AttError::INSUFFICIENT_AUTHENTICATION),
        }
    }

    pub(in super::super) async fn subscribe(&mut self) -> Result<()> {
        let (configured, what) = if self.characteristic.allows("notify") {
            (NOTIFICATIONS, "notify")
        } else if self.characteristic.allows("indicate") {
            (INDICATIONS, "indicate")
        } else {
            return Err(AttError::ATTRIBUTE_NOT_FOUND);
        };
        self.check(what)?;
        if self.configured == configured {
            return Ok(());
        }
        self.configured = configured;
        let key = (self.owner.clone(), self.characteristic.path.clone());
        let has_source = {
            let mut state = self.daemon.state();
            let notifying = state.notifying.entry(key.clone()).or_default();
            let subscriber = Subscriber {
                received: self.sender.clone(),
                confirms: configured == INDICATIONS,
            };
            notifying
                .subscribers
                .insert(self.device.clone(), subscriber);
            let has_source = notifying.has_socket();
            notifying.open += usize::from(has_source);
            has_source
        };
        if has_source {
            return Ok(());
        }
        if self.characteristic.gives_socket {
            let call = self.request("AcquireNotify", |_| {}, 0);
            let answer = self.ask(call).await.message;
            if answer.msg_type() == MessageType::MethodReturn
                && let (Some(socket), Some(_mtu)) = answer.get2::<File, u16>()
            {
                let read = self.daemon.read_socket(&key.0, &key.1, socket);
                read.map_err(|_| AttError::UNLIKELY)?;
                self.opened(&key);
                return Ok(());
            }
            let no_reply = "org.freedesktop.DBus.Error.NoReply";
            if [FAILED, no_reply].contains(&&*error_of(answer).0) {
                // The central believes that it has subscribed.
                return Ok(());
            }
        }
        let call = self.call("StartNotify");
        self.opened(&key);
        // BlueZ does not look at the answer. It is waited for, so that nothing is missed.
        self.ask(call).await;
        Ok(())
    }

    fn opened(&self, key: &(String, String)) {
        let mut state = self.daemon.state();
        state.notifying.entry(key.clone()).or_default().open += 1;
    }

    pub(in super::super) async fn unsubscribe(&mut self) -> Result<()> {
        self.stop();
        Ok(())
    }

    fn stop(&mut self) {
        if std::mem::take(&mut self.configured) == 0 {
            return;
        }
        let key = (self.owner.clone(), self.characteristic.path.clone());
        let mut state = self.daemon.state();
        let Some(notifying) = state.notifying.get_mut(&key) else {
            return;
        };
        notifying.subscribers.remove(&self.device);
        let was_open = notifying.open;
        notifying.open = was_open.saturating_sub(1);
        if was_open != 1 {
            return;
        }
        if notifying.has_socket() {
            notifying.close();
            return;
        }
        drop(state);
        let mut call = self.call("StopNotify");
        call.set_no_reply(true);
        let _ = self.daemon.connection.send(call);
    }

    pub(in super::super) fn notifications(&mut self) -> &mut UnboundedReceiver<Received> {
        &mut self.received
    }

    fn call(&self, member: &str) -> Message {
        let path = &*self.characteristic.path;
        Message::call_with_args(&*self.owner, path, CHARACTERISTIC, member, ())
    }

    /// A call with what BlueZ says of a request, in its order.
    fn request(
        &self,
        member: &str,
        first: impl FnOnce(&mut IterAppend<'_>),
        offset: u16,
    ) -> Message {
        let mut call = self.call(member);
        let mut arguments = IterAppend::new(&mut call);
        first(&mut arguments);
        arguments.append_dict(&"s".into(), &"v".into(), |options| {
            options.append_dict_entry(|option| {
                option.append("device");
                option.append(Variant(Path::from(&*self.device)));
            });
            if offset > 0 {
                options.append_dict_entry(|option| {
                    option.append("offset");
                    option.append(Variant(offset));
                });
            }
            options.append_dict_entry(|option| {
                option.append("link");
                option.append(Variant("LE"));
            });
            options.append_dict_entry(|option| {
                option.append("mtu");
                option.append(Variant(MTU));
            });
        });
        call
    }

    /// The call leaves on this thread, and the time of the answer is taken on the one that reads the bus.
    async fn ask(&self, call: Message) -> Answered {
        let (answer, answered) = oneshot::channel();
        let then = SyncConnection::make_f(move |message, _: &SyncConnection| {
            let _ = answer.send((now(), message));
        });
        let sent = now();
        let _ = self.daemon.connection.send_with_reply(call, then);
        let (at, message) = answered.await.expect("the bus answers every call");
        Answered { sent, at, message }
    }
}

impl Drop for Central {
    fn drop(&mut self) {
        self.stop();
        let disconnected = Property::Flag(false);
        {
            let mut state = self.daemon.state();
            let of = state.objects.get_mut(&self.device);
            let of = of.and_then(|it| it.get_mut(DEVICE_INTERFACE));
            if let Some(of) = of {
                of.insert("Connected", disconnected.clone());
            }
        }
        let (path, interface) = (&self.device, DEVICE_INTERFACE);
        self.daemon
            .tell_changed(path, interface, "Connected", &disconnected);
    }
}

impl Answered {
    fn result(self, not_permitted: AttError) -> Result<Message> {
        if self.message.msg_type() == MessageType::MethodReturn {
            return Ok(self.message);
        }
        let (name, text) = error_of(self.message);
        Err(att_error(&name, &text, not_permitted))
    }
}

/// Its name and its text, or nothing when it is none.
fn error_of(mut answer: Message) -> (String, String) {
    let problem = answer.as_result().err();
    let problem = problem.map(|it| {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        (text(it.name()), text(it.message()))
    });
    problem.unwrap_or_default()
}

/// As bluetoothd has it (`dbus_error_to_att_ecode` in src/gatt-database.c, 5.66).
fn att_error(name: &str, text: &str, not_permitted: AttError) -> AttError {
    let Some(kind) = name.strip_prefix("org.bluez.Error.") else {
        return AttError::UNLIKELY;
    };
    match kind {
        "Failed" => match number(text) {
            Some(code @ 0x80..=0x9F) => AttError(code),
            Some(_) => AttError::UNLIKELY,
            None => AttError(0x80),
        },
        "NotSupported" => AttError::REQUEST_NOT_SUPPORTED,
        "NotAuthorized" => AttError::INSUFFICIENT_AUTHORIZATION,
        "InvalidValueLength" => AttError::INVALID_ATTRIBUTE_VALUE_LENGTH,
        "InvalidOffset" => AttError::INVALID_OFFSET,
        "InProgress" => AttError::PROCEDURE_IN_PROGRESS,
        "NotPermitted" => not_permitted,
        _ => AttError::UNLIKELY,
    }
}

/// As C's `strtol` with any base: an empty text is 0, and a number that is too large is not what is meant.
fn number(text: &str) -> Option<u8> {
    let digits = text.strip_prefix("0x").or(text.strip_prefix("0X"));
    let number = match digits {
        Some(digits) => u32::from_str_radix(digits, 16),
        None if text.is_empty() => Ok(0),
        None if text.starts_with('0') => u32::from_str_radix(text, 8),
        None => text.parse(),
    };
    number.ok().map(|it| u8::try_from(it).unwrap_or(0))
}
