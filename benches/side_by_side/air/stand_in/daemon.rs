//! What is asked of `org.bluez`, and what it asks of an application that registers.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::CString;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use dbus::arg::{AppendAll, RefArg, Variant};
use dbus::channel::{MatchingReceiver, Sender};
use dbus::message::{MatchRule, MessageType};
use dbus::nonblock::{NonblockReply, SyncConnection};
use dbus::{Message, Path};
use tokio::sync::{Notify, oneshot};

use super::application::{Application, Characteristic, DESCRIPTOR};
use super::notifying::Notifying;
use super::objects::{
    ADAPTER, ADVERTISEMENTS_MAX, ADVERTISING_MANAGER, AGENT_MANAGER, GATT_MANAGER, Interfaces,
    Property, SETTABLE, at_first, interfaces, introspect, properties,
};

pub(super) const DBUS: &str = "org.freedesktop.DBus";
pub(super) const OBJECT_MANAGER: &str = "org.freedesktop.DBus.ObjectManager";
pub(super) const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
const INTROSPECTABLE: &str = "org.freedesktop.DBus.Introspectable";
const ADVERTISEMENT: &str = "org.bluez.LEAdvertisement1";
/// The first handle that BlueZ's own services leave free.
const HANDLE_FIRST: u16 = 0x000A;

/// Everything that the stand-in knows. Calls are answered on the thread that reads the bus.
pub(super) struct Daemon {
    pub(super) connection: Arc<SyncConnection>,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) objects: BTreeMap<String, Interfaces>,
    applications: Vec<Application>,
    /// Owner and path.
    advertisements: BTreeSet<(String, String)>,
    /// Of others than the stand-in, by their unique names.
    connections: BTreeSet<String>,
    /// By owner and path of the characteristic.
    pub(super) notifying: HashMap<(String, String), Notifying>,
    handles: u16,
}

/// An error's name and its text.
type Refused = (&'static str, &'static str);
type Answer = Result<Message, Refused>;

pub(super) const FAILED: &str = "org.bluez.Error.Failed";
const ALREADY_EXISTS: Refused = ("org.bluez.Error.AlreadyExists", "Already Exists");
const DOES_NOT_EXIST: Refused = ("org.bluez.Error.DoesNotExist", "Does Not Exist");
const INVALID_ARGUMENTS: Refused = (
    "org.bluez.Error.InvalidArguments",
    "Invalid arguments in method call",
);
const UNKNOWN_METHOD: Refused = ("org.freedesktop.DBus.Error.UnknownMethod", "No such method");
const UNKNOWN_PROPERTY: Refused = ("org.freedesktop.DBus.Error.InvalidArgs", "No such property");

impl Daemon {
    pub(super) fn new(connection: Arc<SyncConnection>) -> Arc<Self> {
        let daemon = Arc::new(Self {
            connection,
            state: Mutex::new(State {
                objects: at_first(),
                handles: HANDLE_FIRST,
                ..State::default()
            }),
            changed: Notify::new(),
        });
        let calls = Arc::downgrade(&daemon);
        daemon.connection.start_receive(
            MatchRule::new_method_call(),
            Box::new(move |call, _| with(&calls, |daemon| daemon.take(call))),
        );
        let signals = Arc::downgrade(&daemon);
        daemon.connection.start_receive(
            MatchRule::new().with_type(MessageType::Signal),
            Box::new(move |signal, _| with(&signals, |daemon| daemon.hear(&signal))),
        );
        daemon
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics with it")
    }

    /// Resolves when something is so, which is looked at after each change.
    pub(super) async fn until<T>(&self, holds: impl Fn(&State) -> Option<T>) -> T {
        loop {
            let changed = self.changed.notified();
            if let Some(found) = holds(&self.state()) {
                return found;
            }
            changed.await;
        }
    }

    fn take(self: &Arc<Self>, call: Message) {
        let registers = call.member().is_some_and(|it| {
            let it: &str = &it;
            ["RegisterApplication", "RegisterAdvertisement"].contains(&it)
        });
        if !registers {
            let answer = self.answer(&call);
            let answer = answer.unwrap_or_else(|refused| error(&call, refused));
            let _ = self.connection.send(answer);
            return;
        }
        // The application is asked first, and the answers come to this thread too.
        let daemon = self.clone();
        tokio::spawn(async move {
            let (call, registered) = daemon.register(call).await;
            let answer = match registered {
                Ok(()) => call.method_return(),
                Err(refused) => error(&call, refused),
            };
            let _ = daemon.connection.send(answer);
            daemon.changed.notify_waiters();
        });
    }

    fn answer(self: &Arc<Self>, call: &Message) -> Answer {
        let text = |of: Option<&str>| of.unwrap_or_default().to_owned();
        let path = text(call.path().as_deref());
        let interface = text(call.interface().as_deref());
        let member = text(call.member().as_deref());
        let reply = call.method_return();
        match (&*interface, &*member) {
            (OBJECT_MANAGER, "GetManagedObjects") if path == "/" => {
                let state = self.state();
                let all = state.objects.iter();
                let all: HashMap<_, _> = all
                    .map(|(path, of)| (Path::from(path.clone()), interfaces(of)))
                    .collect();
                Ok(reply.append1(all))
            }
            (INTROSPECTABLE, "Introspect") => {
                Ok(reply.append1(introspect(&self.state().objects, &path)))
            }
            (PROPERTIES, _) => self.property(call, &path, &member),
            (GATT_MANAGER, "UnregisterApplication") if path == ADAPTER => {
                let (owner, path) = sender_and_path(call)?;
                let known = |it: &Application| it.owner == owner && it.path == path;
                if !self.state().applications.iter().any(known) {
                    return Err(DOES_NOT_EXIST);
                }
                self.forget(known);
                Ok(reply)
            }
            (ADVERTISING_MANAGER, "UnregisterAdvertisement") if path == ADAPTER => {
                let known = sender_and_path(call)?;
                if !self.state().advertisements.remove(&known) {
                    return Err(DOES_NOT_EXIST);
                }
                self.tell_instances();
                Ok(reply)
            }
            (AGENT_MANAGER, "RegisterAgent" | "UnregisterAgent" | "RequestDefaultAgent") => {
                Ok(reply)
            }
            _ => Err(UNKNOWN_METHOD),
        }
    }

    fn property(&self, call: &Message, path: &str, member: &str) -> Answer {
        let reply = call.method_return();
        let mut arguments = call.iter_init();
        let interface: String = arguments.read().map_err(|_| INVALID_ARGUMENTS)?;
        let mut state = self.state();
        let of = state.objects.get_mut(path).ok_or(UNKNOWN_METHOD)?;
        let of = of.get_mut(&*interface).ok_or(UNKNOWN_PROPERTY)?;
        if member == "GetAll" {
            return Ok(reply.append1(properties(of)));
        }
        let name: String = arguments.read().map_err(|_| INVALID_ARGUMENTS)?;
        let property = of.get_mut(&*name).ok_or(UNKNOWN_PROPERTY)?;
        match member {
            "Get" => Ok(reply.append1(property.variant())),
            "Set" if SETTABLE.contains(&&*name) => {
                let wanted: Variant<Box<dyn RefArg>> =
                    arguments.read().map_err(|_| INVALID_ARGUMENTS)?;
                let wanted = property.with(&wanted.0).ok_or(INVALID_ARGUMENTS)?;
                if *property != wanted {
                    *property = wanted.clone();
                    drop(state);
                    self.tell_changed(path, &interface, &name, &wanted);
                }
                Ok(reply)
            }
            _ => Err(UNKNOWN_METHOD),
        }
    }

    async fn register(&self, call: Message) -> (Message, Result<(), Refused>) {
        let whose = sender_and_path(&call);
        let is_application = match (call.path().as_deref(), call.interface().as_deref()) {
            (Some(ADAPTER), Some(GATT_MANAGER)) => Some(true),
            (Some(ADAPTER), Some(ADVERTISING_MANAGER)) => Some(false),
            _ => None,
        };
        let registered = match (whose, is_application) {
            (Ok((owner, path)), Some(true)) => self.register_application(owner, path).await,
            (Ok((owner, path)), Some(false)) => self.register_advertisement(owner, path).await,
            (Ok(_), None) => Err(UNKNOWN_METHOD),
            (Err(refused), _) => Err(refused),
        };
        (call, registered)
    }

    async fn register_application(&self, owner: String, path: String) -> Result<(), Refused> {
        let known = |it: &Application| it.owner == owner && it.path == path;
        if self.state().applications.iter().any(known) {
            return Err(ALREADY_EXISTS);
        }
        self.listen_to(&owner, &path);
        let objects = self
            .ask(&owner, &path, OBJECT_MANAGER, "GetManagedObjects", ())
            .await;
        let application = Application::read(&owner, &path, &objects);
        let application = application.map_err(|text| (FAILED, text))?;
        self.tell_handles(&application);
        self.state().applications.push(application);
        Ok(())
    }

    /// An advertisement is asked for its objects first, and only then for what it is.
    async fn register_advertisement(&self, owner: String, path: String) -> Result<(), Refused> {
        let known = (owner, path);
        {
            let state = self.state();
            if state.advertisements.contains(&known) {
                return Err(ALREADY_EXISTS);
            }
            if state.advertisements.len() >= ADVERTISEMENTS_MAX.into() {
                let text = "Maximum advertisements reached";
                return Err(("org.bluez.Error.NotPermitted", text));
            }
        }
        let (owner, path) = (&*known.0, &*known.1);
        self.listen_to(owner, path);
        self.ask(owner, path, OBJECT_MANAGER, "GetManagedObjects", ())
            .await;
        let content = self
            .ask(owner, path, PROPERTIES, "GetAll", (ADVERTISEMENT,))
            .await;
        if content.msg_type() != MessageType::MethodReturn {
            return Err((FAILED, "Failed to parse advertisement."));
        }
        self.state().advertisements.insert(known);
        self.tell_instances();
        Ok(())
    }

    async fn ask<A: AppendAll>(
        &self,
        owner: &str,
        path: &str,
        interface: &str,
        member: &str,
        arguments: A,
    ) -> Message {
        let call = Message::call_with_args(owner, path, interface, member, arguments);
        let (answer, answered) = oneshot::channel();
        let then = SyncConnection::make_f(move |message, _: &SyncConnection| {
            let _ = answer.send(message);
        });
        let _ = self.connection.send_with_reply(call, then);
        answered.await.expect("the bus answers every call")
    }

    fn listen_to(&self, owner: &str, path: &str) {
        self.add_match(&format!(
            "type='signal',sender='{owner}',path_namespace='{path}'"
        ));
    }

    pub(super) fn add_match(&self, rule: &str) {
        let path = "/org/freedesktop/DBus";
        let mut call = Message::call_with_args(DBUS, path, DBUS, "AddMatch", (rule,));
        call.set_no_reply(true);
        let _ = self.connection.send(call);
    }

    /// Whoever has a `Handle` that is 0 is told it, and not asked whether it likes that.
    fn tell_handles(&self, application: &Application) {
        for (path, interface) in &application.untold {
            let of = |it: &&Characteristic| it.path == *path;
            let subscribable = application.characteristics.iter().find(of);
            let subscribable =
                subscribable.is_some_and(|it| it.allows("notify") || it.allows("indicate"));
            let handle = {
                let mut state = self.state();
                let own = if *interface == super::application::CHARACTERISTIC {
                    2
                } else {
                    1
                };
                let handle = state.handles + own - 1;
                state.handles += own + u16::from(subscribable);
                handle
            };
            debug_assert!(*interface != DESCRIPTOR || !subscribable);
            let arguments = (*interface, "Handle", Variant(handle));
            let mut call =
                Message::call_with_args(&*application.owner, &**path, PROPERTIES, "Set", arguments);
            call.set_no_reply(true);
            let _ = self.connection.send(call);
        }
    }

    fn tell_instances(&self) {
        let (active, left) = {
            let mut state = self.state();
            let active = u8::try_from(state.advertisements.len()).unwrap_or(u8::MAX);
            let left = ADVERTISEMENTS_MAX.saturating_sub(active);
            let (active, left) = (Property::Octet(active), Property::Octet(left));
            let adapter = state.objects.get_mut(ADAPTER).expect("it is always there");
            let of = adapter.get_mut(ADVERTISING_MANAGER).expect("it too");
            of.insert("ActiveInstances", active.clone());
            of.insert("SupportedInstances", left.clone());
            (active, left)
        };
        self.tell_changed(ADAPTER, ADVERTISING_MANAGER, "SupportedInstances", &left);
        self.tell_changed(ADAPTER, ADVERTISING_MANAGER, "ActiveInstances", &active);
        self.changed.notify_waiters();
    }

    pub(super) fn tell_changed(&self, path: &str, interface: &str, name: &str, to: &Property) {
        let member = "PropertiesChanged";
        let signal = Message::signal(&path.into(), &PROPERTIES.into(), &member.into());
        let changed = HashMap::from([(name, to.variant())]);
        let signal = signal.append3(interface, changed, Vec::<String>::new());
        let _ = self.connection.send(signal);
    }

    pub(super) fn tell_added(&self, path: &str, of: &Interfaces) {
        let root = "/".into();
        let signal = Message::signal(&root, &OBJECT_MANAGER.into(), &"InterfacesAdded".into());
        let _ = self
            .connection
            .send(signal.append2(Path::from(path), interfaces(of)));
    }

    fn hear(self: &Arc<Self>, signal: &Message) {
        let interface = signal.interface();
        let member = signal.member();
        match (interface.as_deref(), member.as_deref()) {
            (Some(PROPERTIES), Some("PropertiesChanged")) => self.hear_changed(signal),
            (Some(DBUS), Some("NameOwnerChanged")) => {
                if let Ok((name, _, new)) = signal.read3::<String, String, String>() {
                    self.hear_owner(&name, &new);
                }
            }
            _ => {}
        }
    }

    fn hear_owner(self: &Arc<Self>, name: &str, new: &str) {
        if !name.starts_with(':') || name == &*self.connection.unique_name() {
            return;
        }
        if !new.is_empty() {
            self.state().connections.insert(name.to_owned());
            return;
        }
        let advertised = {
            let mut state = self.state();
            state.connections.remove(name);
            let before = state.advertisements.len();
            state.advertisements.retain(|(owner, _)| owner != name);
            before != state.advertisements.len()
        };
        if advertised {
            self.tell_instances();
        }
        self.forget(|it| it.owner == name);
    }

    fn forget(&self, gone: impl Fn(&Application) -> bool) {
        let mut state = self.state();
        let (out, stay) = std::mem::take(&mut state.applications)
            .into_iter()
            .partition(gone);
        state.applications = stay;
        let out: Vec<Application> = out;
        let of = |owner: &str, path: &str| {
            let mut all = out.iter().filter(|it| it.owner == owner);
            all.any(|it| it.characteristics.iter().any(|it| it.path == path))
        };
        state.notifying.retain(|(owner, path), _| !of(owner, path));
        drop(state);
        self.changed.notify_waiters();
    }
}

impl State {
    /// The first that has this characteristic.
    pub(super) fn find(&self, uuid: uuid::Uuid) -> Option<(String, Characteristic)> {
        self.applications.iter().find_map(|it| {
            let found = it.characteristics.iter().find(|it| it.uuid == uuid)?;
            Some((it.owner.clone(), found.clone()))
        })
    }

    pub(super) fn is_left_alone(&self) -> bool {
        self.connections.is_empty()
            && self.applications.is_empty()
            && self.advertisements.is_empty()
    }
}

/// Does something with what is behind it, and says whether there was anything.
fn with(daemon: &Weak<Daemon>, action: impl FnOnce(&Arc<Daemon>)) -> bool {
    let daemon = daemon.upgrade();
    if let Some(daemon) = &daemon {
        action(daemon);
    }
    daemon.is_some()
}

fn sender_and_path(call: &Message) -> Result<(String, String), Refused> {
    let path: Path<'_> = call.read1().map_err(|_| INVALID_ARGUMENTS)?;
    let owner = call.sender().ok_or(INVALID_ARGUMENTS)?;
    Ok((owner.to_string(), path.to_string()))
}

fn error(call: &Message, (name, text): Refused) -> Message {
    let text = CString::new(text).expect("the texts have no zero");
    call.error(&name.into(), &text)
}
