//! What bluetoothd sees of us: it is told of our objects, and its calls are answered at once.
//!
//! bluer has all of this, but lists the objects in an order of chance, and BlueZ hands out handles in
//! the order of that list. A central that remembers handles would find other values behind them after
//! each restart.

use std::collections::{BTreeMap, BTreeSet};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use dbus::arg::{PropMap, Variant, prop_cast};
use dbus::channel::{MatchingReceiver, Sender};
use dbus::message::MatchRule;
use dbus::nonblock::{Proxy, SyncConnection};
use dbus::{Message, MethodErr, Path};
use tokio::sync::Notify;
use tracing::debug;

use super::adapter::Delivery;
use super::door::Door;
use super::notify::{Outlet, Outlets, every};
use super::pairing::{answer as answer_pairing, capability};
use super::tree::{
    APPLICATION, Branch, CHARACTERISTIC_INTERFACE, Handles, Node, Properties, Tree, properties,
    removed,
};
use crate::engine::PeerId;
use crate::gatt::advertising::Advertisement;
use crate::gatt::pairing::Agent;
use crate::gatt::structure::is_same;
use crate::gatt::{
    Address, AttError, Characteristic, Requester, SecurityLevel, Service, read, write,
};
use crate::plugin::{Port, Promise};

pub(super) const AGENT: &str = "/org/bemo_sync/agent";
const ADVERTISING_MANAGER: &str = "org.bluez.LEAdvertisingManager1";
const AGENT_MANAGER: &str = "org.bluez.AgentManager1";
const ADVERTISEMENT: &str = "/org/bemo_sync/advertisement";
const GATT_MANAGER: &str = "org.bluez.GattManager1";
const FAILED: &str = "org.bluez.Error.Failed";
const NOT_LISTED: &str = "it is not on the list `allow`";
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// A thousand characteristics take bluetoothd seconds, and a small machine many of them. Who gives up and asks again
/// makes it begin anew.
const REGISTERED_WITHIN: Duration = Duration::from_secs(120);

type Result<T> = std::result::Result<T, dbus::Error>;
type Answer = std::result::Result<Message, MethodErr>;

/// The answer to a call, or what it has to wait for.
enum Reply {
    AtOnce(Answer),
    Later(Message, Promise),
}

/// Everything that bluetoothd sees of us on one connection.
pub(super) struct Objects {
    /// The unique name of the bluetoothd that is served; nobody else is answered.
    bluetoothd: String,
    shown: Mutex<Arc<Shown>>,
    registered: Mutex<Registered>,
    /// The kernel lets one process at a time have a name, and frees it whatever ends that process.
    reservation: Mutex<Option<UnixDatagram>>,
    advertised: Mutex<Properties>,
    on_air: Mutex<OnAir>,
    agent: Mutex<Option<Agent>>,
    door: Arc<Door>,
    /// bluetoothd has ended the advertisement.
    released: Notify,
    delivery: Delivery,
    connection: Weak<SyncConnection>,
}

/// What is shown, and by what it is answered.
struct Shown {
    port: Port,
    tree: Tree,
}

/// What bluetoothd knows of it.
#[derive(Default)]
struct Registered {
    /// How many applications there have been: none has the path of another.
    applications: usize,
    /// Who has said where a service is, by its path.
    services: BTreeMap<String, Handles>,
    /// Applications of which nobody knows whether they are registered, or that are to go.
    in_doubt: BTreeSet<String>,
    /// How services are listed at this moment.
    listed: Handles,
}

/// How the advertisement stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum OnAir {
    /// There is none.
    #[default]
    Nothing,
    /// Nobody knows.
    InDoubt,
    Advertised(Advertisement),
    /// Its time is over.
    Over(Advertisement),
}

impl Objects {
    /// Shows the tree on a connection.
    pub(super) fn export(
        port: &Port,
        connection: &Arc<SyncConnection>,
        bluetoothd: String,
        door: Arc<Door>,
        delivery: Delivery,
    ) -> (Arc<Self>, Outlets) {
        let mut outlets = Outlets::new(port.announcer(), port.noter());
        let nothing = Shown {
            port: port.clone(),
            tree: Tree::default(),
        };
        let objects = Arc::new(Self {
            bluetoothd,
            shown: Mutex::new(Arc::new(nothing)),
            registered: Mutex::default(),
            reservation: Mutex::default(),
            advertised: Mutex::default(),
            on_air: Mutex::default(),
            agent: Mutex::default(),
            door,
            released: Notify::new(),
            delivery,
            connection: Arc::downgrade(connection),
        });
        objects.show(port, &mut outlets);
        let answers = objects.clone();
        connection.start_receive(
            MatchRule::new_method_call(),
            Box::new(move |call, connection| {
                // It fails when the connection is lost, and then nobody waits for it.
                match answers.reply(&call) {
                    Reply::AtOnce(answer) => drop(connection.send(answer_of(answer, &call))),
                    Reply::Later(reply, promise) => answers.reply_when_kept(call, reply, promise),
                }
                true
            }),
        );
        (objects, outlets)
    }

    /// Shows what this port declares in the place of what is shown. Services that are the same to a central, at
    /// the same handles, stay registered, and their subscribers stay; [`Objects::register`] does the rest.
    pub(super) fn show(&self, port: &Port, outlets: &mut Outlets) {
        let mut registered = lock(&self.registered);
        let application = match registered.applications {
            0 => APPLICATION.to_owned(),
            before => format!("{APPLICATION}{before}"),
        };
        registered.applications += 1;
        let mut shown = lock(&self.shown);
        outlets.begin_anew(port.announcer(), port.noter());
        let open = |declared: &Characteristic, known: Option<&Arc<Outlet>>| {
            let every = every(port, declared);
            match known {
                Some(known) => {
                    outlets.keep(known, declared, every);
                    known.clone()
                }
                None => Arc::new(outlets.open(declared, self.delivery, every)),
            }
        };
        let is_registered = |it: &Branch| registered.services.contains_key(&**it.path() as &str);
        let tree = Tree::new(
            port.services(),
            &application,
            &shown.tree,
            is_registered,
            open,
        );
        outlets.rest();
        *shown = Arc::new(Shown {
            port: port.clone(),
            tree,
        });
    }

    /// Nothing is shown any more, until it is taken back.
    pub(super) fn show_nothing(&self) {
        let mut shown = lock(&self.shown);
        *shown = Arc::new(Shown {
            port: shown.port.clone(),
            tree: Tree::default(),
        });
    }

    /// Whether bluetoothd knows all that is to be shown of these services, and nothing else.
    pub(super) fn is_registered(&self, services: &[Service]) -> bool {
        let (shown, registered) = (self.shown(), lock(&self.registered));
        let branches = shown.tree.branches();
        let known = |it: &Branch| registered.services.contains_key(&**it.path() as &str);
        registered.services.len() == branches.len()
            && branches.iter().all(known)
            && is_same(shown.port.services(), services)
    }

    fn shown(&self) -> Arc<Shown> {
        lock(&self.shown).clone()
    }

    /// Has bluetoothd know what is shown, and nothing else: takes back what is not, then registers the rest.
    pub(super) async fn register(&self, adapter: &str) -> Result<()> {
        let shown = self.shown();
        self.take_back(adapter, &shown.tree).await;
        let is_known = |it: &&Branch| {
            let registered = lock(&self.registered);
            registered.services.contains_key(&**it.path() as &str)
        };
        let missing = shown.tree.branches().iter().find(|it| !is_known(it));
        let Some(application) = missing.map(|it| it.application.clone()) else {
            return Ok(());
        };
        if !self.reserve(adapter) {
            return self
                .register_at(adapter, &shown, &application, Handles::Any)
                .await;
        }
        let ours = self.register_at(adapter, &shown, &application, Handles::Ours);
        let Err(problem) = ours.await else {
            return Ok(());
        };
        if !means_handles_are_taken(&problem) {
            return Err(problem);
        }
        debug!(%problem, "the usual handles are taken");
        self.register_at(adapter, &shown, &application, Handles::Any)
            .await
    }

    /// What is registered and not shown. bluetoothd does one thing after the other, so what is registered next
    /// finds these handles free.
    async fn take_back(&self, adapter: &str, tree: &Tree) {
        let (gone, applications) = {
            let mut registered = lock(&self.registered);
            let shown = |path: &str| tree.branches().iter().any(|it| **it.path() == *path);
            let all = registered.services.keys().cloned();
            let gone: Vec<String> = all.filter(|path| !shown(path)).collect();
            for path in &gone {
                registered.services.remove(path);
            }
            let empty = gone.iter().map(|path| application_of(path));
            let empty = empty.filter(|it| !tree.branches().iter().any(|of| of.application == *it));
            let empty: Vec<_> = empty.map(str::to_owned).collect();
            registered.in_doubt.extend(empty);
            let in_doubt: Vec<_> = registered.in_doubt.iter().cloned().collect();
            (gone, in_doubt)
        };
        for path in gone {
            let application = application_of(&path);
            if let (false, Some(connection)) = (
                applications.iter().any(|it| it == application),
                self.connection.upgrade(),
            ) {
                let _ = connection.send(removed(application, &path));
            }
        }
        for application in applications {
            let unregistered = self.unregister(adapter, &application).await;
            debug!(application, ?unregistered, "taken back");
            lock(&self.registered).in_doubt.remove(&application);
        }
    }

    /// Whether the usual handles of an adapter are ours for now. BlueZ must not be asked twice for the
    /// same service at the same handle: it mixes the two up, and may crash when one of them goes.
    fn reserve(&self, adapter: &str) -> bool {
        let mut held = lock(&self.reservation);
        if held.is_some() {
            return true;
        }
        let name = format!("bemo-sync/{adapter}/handles");
        let reservation = SocketAddr::from_abstract_name(name)
            .and_then(|address| UnixDatagram::bind_addr(&address))
            .inspect_err(|problem| debug!(%problem, "another bemo-sync has the usual handles"));
        *held = reservation.ok();
        held.is_some()
    }

    async fn register_at(
        &self,
        adapter: &str,
        shown: &Shown,
        application: &str,
        handles: Handles,
    ) -> Result<()> {
        {
            let mut registered = lock(&self.registered);
            registered.listed = handles;
            // Until there is an answer.
            registered.in_doubt.insert(application.to_owned());
        }
        let arguments = (Path::from(application), PropMap::new());
        let path = format!("/org/bluez/{adapter}");
        let result = match self.proxy(&path, REGISTERED_WITHIN) {
            Ok(proxy) => {
                let call = proxy.method_call(GATT_MANAGER, "RegisterApplication", arguments);
                call.await
            }
            Err(problem) => Err(problem),
        };
        let mut registered = lock(&self.registered);
        // Without an answer, it may be registered yet.
        let is_answered = |problem: &dbus::Error| {
            let name = problem.name();
            name.is_some_and(|name| name.starts_with("org.bluez.Error."))
        };
        if result.as_ref().err().is_none_or(is_answered) {
            registered.in_doubt.remove(application);
        }
        if result.is_ok() {
            let branches = shown.tree.branches().iter();
            let branches = branches.filter(|it| it.application == application);
            let paths = branches.map(|it| (it.path().to_string(), handles));
            registered.services.extend(paths);
        }
        result
    }

    async fn unregister(&self, adapter: &str, application: &str) -> Result<()> {
        let arguments = (Path::from(application),);
        self.call(adapter, GATT_MANAGER, "UnregisterApplication", arguments)
            .await
    }

    /// Takes everything back.
    pub(super) async fn unregister_all(&self, adapter: &str) {
        self.take_back(adapter, &Tree::default()).await;
    }

    pub(super) fn on_air(&self) -> OnAir {
        lock(&self.on_air).clone()
    }

    pub(super) fn set_on_air(&self, on_air: OnAir) {
        *lock(&self.on_air) = on_air;
    }

    /// Advertises these properties of `org.bluez.LEAdvertisement1`.
    pub(super) async fn register_advertisement(
        &self,
        adapter: &str,
        content: Properties,
    ) -> Result<()> {
        *lock(&self.advertised) = content;
        let arguments = (Path::from(ADVERTISEMENT), PropMap::new());
        self.call(
            adapter,
            ADVERTISING_MANAGER,
            "RegisterAdvertisement",
            arguments,
        )
        .await
    }

    pub(super) async fn unregister_advertisement(&self, adapter: &str) -> Result<()> {
        let arguments = (Path::from(ADVERTISEMENT),);
        self.call(
            adapter,
            ADVERTISING_MANAGER,
            "UnregisterAdvertisement",
            arguments,
        )
        .await
    }

    /// Has bluetoothd ask us, and nobody else, when a central pairs.
    pub(super) async fn register_agent(&self, agent: Agent) -> Result<()> {
        *lock(&self.agent) = Some(agent);
        let arguments = (Path::from(AGENT), capability(agent));
        self.call_at("/org/bluez", AGENT_MANAGER, "RegisterAgent", arguments)
            .await?;
        let arguments = (Path::from(AGENT),);
        self.call_at(
            "/org/bluez",
            AGENT_MANAGER,
            "RequestDefaultAgent",
            arguments,
        )
        .await
    }

    pub(super) async fn unregister_agent(&self) -> Result<()> {
        let arguments = (Path::from(AGENT),);
        self.call_at("/org/bluez", AGENT_MANAGER, "UnregisterAgent", arguments)
            .await
    }

    async fn call<A: dbus::arg::AppendAll>(
        &self,
        adapter: &str,
        interface: &str,
        method: &str,
        arguments: A,
    ) -> Result<()> {
        let path = format!("/org/bluez/{adapter}");
        self.call_at(&path, interface, method, arguments).await
    }

    /// To the unique name: the bus never starts a bluetoothd for that.
    async fn call_at<A: dbus::arg::AppendAll>(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        arguments: A,
    ) -> Result<()> {
        let proxy = self.proxy(path, ANSWER_WITHIN)?;
        proxy.method_call(interface, method, arguments).await
    }

    fn proxy<'a>(
        &'a self,
        path: &'a str,
        within: Duration,
    ) -> Result<Proxy<'a, Arc<SyncConnection>>> {
        let connection = self.connection.upgrade();
        let connection = connection.ok_or_else(|| dbus::Error::new_failed("no connection"))?;
        Ok(Proxy::new(&*self.bluetoothd, path, within, connection))
    }

    /// What a write promises takes its time, and nobody else is to wait for that.
    fn reply_when_kept(&self, call: Message, reply: Message, promise: Promise) {
        let connection = self.connection.clone();
        tokio::spawn(async move {
            let kept = promise.kept().await;
            debug!(path = ?call.path(), ?kept, "what a write promises");
            let answer = kept
                .map(|()| reply)
                .map_err(|reason| refusal(reason.into()));
            if let Some(connection) = connection.upgrade() {
                let _ = connection.send(answer_of(answer, &call));
            }
        });
    }

    fn reply(&self, call: &Message) -> Reply {
        let member = call.member().unwrap_or_else(|| "none".into());
        let path = call.path().unwrap_or_default();
        let is_ours = call.sender().as_deref() == Some(&*self.bluetoothd);
        let shown = self.shown();
        match shown.tree.at(&path) {
            Some(Node::Characteristic { declared, .. }) if is_ours && &*member == "WriteValue" => {
                self.write(call, &shown.port, declared)
                    .unwrap_or_else(|error| Reply::AtOnce(Err(error)))
            }
            Some(Node::Characteristic { .. } | Node::Descriptor { .. } | Node::Service { .. })
            | None => Reply::AtOnce(self.answer(call, &shown)),
        }
    }

    fn write(
        &self,
        call: &Message,
        port: &Port,
        declared: &Characteristic,
    ) -> std::result::Result<Reply, MethodErr> {
        let (octets, options): (Vec<u8>, PropMap) = call.read2()?;
        let Request {
            device,
            central,
            offset,
            ..
        } = Request::of(options)?;
        self.check(&device, declared.security.write)?;
        let requester = Requester {
            peer: peer(central),
            address: &central.to_string(),
        };
        let result = write(port, declared, &requester, offset, &octets);
        let shown = disclosed(port, declared, &octets);
        let refused = result.as_ref().err();
        debug!(%central, value = declared.name, offset, octets = ?shown, ?refused, "write");
        let promise = result.map_err(refusal)?;
        let reply = call.method_return();
        Ok(match promise.at_once() {
            Some(kept) => Reply::AtOnce(kept.map(|()| reply).map_err(|it| refusal(it.into()))),
            None => Reply::Later(reply, promise),
        })
    }

    fn answer(&self, call: &Message, shown: &Shown) -> Answer {
        let member = call.member().unwrap_or_else(|| "none".into());
        let path = call.path().unwrap_or_default();
        if call.sender().as_deref() != Some(&*self.bluetoothd) {
            return Err(MethodErr::failed("only bluetoothd is answered"));
        }
        match (&*path, &*member) {
            (application, "GetManagedObjects") if application.starts_with(APPLICATION) => {
                let handles = lock(&self.registered).listed;
                Ok(shown.tree.list(call, application, handles))
            }
            (ADVERTISEMENT, "GetAll") => {
                let advertised = lock(&self.advertised);
                Ok(call.method_return().append1(properties(advertised.clone())))
            }
            (ADVERTISEMENT, "Release") => {
                self.released.notify_one();
                Ok(call.method_return())
            }
            (AGENT, member) => {
                let agent = *lock(&self.agent);
                agent.map_or_else(
                    || Err(MethodErr::no_method(member)),
                    |agent| answer_pairing(call, member, agent, &self.door),
                )
            }
            (_, member) => match shown.tree.at(&path) {
                Some(Node::Characteristic {
                    declared, outlet, ..
                }) => {
                    let outlet = outlet.as_deref();
                    self.answer_characteristic(call, member, &shown.port, declared, outlet)
                }
                Some(Node::Descriptor { declared, .. }) if member == "ReadValue" => {
                    let Request { offset, .. } = Request::of(call.read1()?)?;
                    let octets = declared.value.get(offset..).ok_or(AttError::InvalidOffset);
                    Ok(call.method_return().append1(octets.map_err(refusal)?))
                }
                Some(Node::Descriptor { .. } | Node::Service { .. }) | None => {
                    Err(MethodErr::no_method(member))
                }
            },
        }
    }

    /// Resolves when bluetoothd has ended the advertisement.
    pub(super) async fn released(&self) {
        self.released.notified().await;
    }

    fn check(&self, device: &str, wanted: SecurityLevel) -> std::result::Result<(), MethodErr> {
        if self.door.lets_use(device, wanted) {
            return Ok(());
        }
        debug!(device, "refused: {NOT_LISTED}");
        // The ATT error 0x08, Insufficient Authorization.
        Err(MethodErr::from((
            "org.bluez.Error.NotAuthorized",
            NOT_LISTED,
        )))
    }

    fn answer_characteristic(
        &self,
        call: &Message,
        member: &str,
        port: &Port,
        declared: &Characteristic,
        outlet: Option<&Outlet>,
    ) -> Answer {
        let reply = call.method_return();
        match (member, outlet) {
            ("ReadValue", _) => {
                let Request {
                    device,
                    central,
                    offset,
                    ..
                } = Request::of(call.read1()?)?;
                self.check(&device, declared.security.read)?;
                let octets = read(port, declared, offset);
                let shown = octets
                    .as_deref()
                    .map(|octets| disclosed(port, declared, octets));
                debug!(%central, value = declared.name, offset, octets = ?shown, "read");
                Ok(reply.append1(octets.map_err(refusal)?))
            }
            ("AcquireNotify", Some(outlet)) => {
                let Request {
                    device,
                    central,
                    mtu,
                    ..
                } = Request::of(call.read1()?)?;
                if self.check(&device, declared.security.notify).is_err() {
                    // BlueZ has told the central already that it has subscribed.
                    self.door.turn_away(&device);
                    return Err(MethodErr::from((FAILED, NOT_LISTED)));
                }
                let path = call.path().unwrap_or_default().into_static();
                let empty = Empty(self.connection.clone(), path);
                let socket = outlet.subscribe(central, empty);
                let socket = socket.map_err(|problem| MethodErr::failed(&problem))?;
                Ok(reply.append2(socket, mtu))
            }
            ("Confirm", Some(outlet)) => {
                outlet.confirm();
                Ok(reply)
            }
            ("StopNotify", Some(_)) => Ok(reply),
            (member, _) => Err(MethodErr::no_method(member)),
        }
    }
}

fn disclosed<'a>(port: &Port, declared: &Characteristic, octets: &'a [u8]) -> Disclosed<'a> {
    match port.is_withheld(Some(declared.cell)) {
        false => Disclosed::Octets(octets),
        true => Disclosed::Withheld,
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().expect("nothing panics with it")
}

/// The application that the path of a service is below.
fn application_of(service: &str) -> &str {
    service.rsplit_once('/').map_or(service, |(it, _)| it)
}

/// A payload in a log: what only an encrypted link may see, or came from the environment, is not for it.
enum Disclosed<'a> {
    Octets(&'a [u8]),
    Withheld,
}

impl std::fmt::Debug for Disclosed<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Octets(octets) => octets.fmt(f),
            Self::Withheld => f.write_str("withheld"),
        }
    }
}

fn answer_of(answer: Answer, call: &Message) -> Message {
    answer.unwrap_or_else(|error| error.to_message(call))
}

/// BlueZ has a text of its own for a service or an attribute that finds no place. Whatever else is
/// wrong must not move our handles, which centrals remember.
fn means_handles_are_taken(problem: &dbus::Error) -> bool {
    problem.name() == Some(FAILED)
        && problem.message() == Some("Failed to create entry in database")
}

/// What BlueZ tells of a request.
struct Request {
    /// The path of its object.
    device: String,
    central: Address,
    offset: usize,
    mtu: u16,
}

impl Request {
    fn of(options: PropMap) -> std::result::Result<Self, MethodErr> {
        let device = options.get("device").and_then(|device| device.0.as_str());
        let (device, central) = device
            .and_then(|device| Some((device.to_owned(), address(device)?)))
            .ok_or_else(|| MethodErr::invalid_arg("device"))?;
        let number = |name| prop_cast::<u16>(&options, name).copied().unwrap_or(0);
        Ok(Self {
            device,
            central,
            offset: number("offset").into(),
            mtu: number("mtu"),
        })
    }
}

/// The address in the path of a device: `/org/bluez/hci0/dev_00_11_22_33_44_55`.
pub(super) fn address(device: &str) -> Option<Address> {
    let (_, octets) = device.rsplit_once("/dev_")?;
    octets.replace('_', ":").parse().ok()
}

/// Who a central is to the engine.
pub(super) fn peer(address: Address) -> PeerId {
    let octets = address.0.into_iter();
    PeerId(octets.fold(0, |number, octet| number << 8 | u64::from(octet)))
}

/// BlueZ makes the ATT error of it again. Of the application errors it takes the code in the text,
/// where it does not just take 0x80.
fn refusal(error: AttError) -> MethodErr {
    let name = match error {
        AttError::InvalidOffset => "org.bluez.Error.InvalidOffset",
        AttError::InvalidAttributeValueLength => "org.bluez.Error.InvalidValueLength",
        AttError::ReadNotPermitted | AttError::WriteNotPermitted => "org.bluez.Error.NotPermitted",
        AttError::RequestNotSupported => "org.bluez.Error.NotSupported",
        AttError::InvalidHandle
        | AttError::AttributeNotFound
        | AttError::InsufficientAuthentication
        | AttError::InsufficientEncryption
        | AttError::PrepareQueueFull
        | AttError::Refused
        | AttError::NotKept => FAILED,
    };
    MethodErr::from((name, format!("0x{:02x}", error.code())))
}

/// A value of no octets. A socket cannot carry it: bluetoothd takes it for the end.
pub(super) struct Empty(pub(super) Weak<SyncConnection>, pub(super) Path<'static>);

impl Empty {
    /// As a signal, which goes to all subscribers.
    pub(super) fn send(&self) {
        let Some(connection) = self.0.upgrade() else {
            return;
        };
        let changed = PropMap::from([(
            "Value".to_owned(),
            Variant(Box::new(Vec::<u8>::new()) as Box<_>),
        )]);
        let signal = Message::signal(
            &self.1,
            &"org.freedesktop.DBus.Properties".into(),
            &"PropertiesChanged".into(),
        );
        let _ = connection.send(signal.append3(
            CHARACTERISTIC_INTERFACE,
            changed,
            Vec::<String>::new(),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_lack_of_room_moves_the_handles() {
        let error = |name, text| dbus::Error::new_custom(name, text);
        let failed = "org.bluez.Error.Failed";
        let taken = error(failed, "Failed to create entry in database");
        assert!(means_handles_are_taken(&taken));
        for other in [
            error(failed, "No valid service object found"),
            error("org.bluez.Error.AlreadyExists", "Already Exists"),
            error("org.freedesktop.DBus.Error.NoReply", "Timeout was reached"),
        ] {
            assert!(!means_handles_are_taken(&other));
        }
    }

    #[test]
    fn a_central_is_known_by_its_whole_address() {
        let central = address("/org/bluez/hci0/dev_01_02_03_04_05_06").expect("an address");
        assert_eq!(peer(central), PeerId(0x0102_0304_0506));
        assert_eq!(address("/org/bluez/hci0"), None);
    }
}
