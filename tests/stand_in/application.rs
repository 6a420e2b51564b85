//! An application that writes down what bluetoothd asks of it, and answers as the conversation wants.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::net::UnixDatagram;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use dbus::arg::{ArgType, IterAppend, PropMap, RefArg, Variant};
use dbus::channel::{Channel, MatchingReceiver, Sender};
use dbus::message::MatchRule;
use dbus::nonblock::{Proxy, SyncConnection};
use dbus::strings::ErrorName;
use dbus::{Message, Path};
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, socketpair};
use tokio::task::JoinHandle;
use uuid::Uuid;

const APPLICATION: &str = "/test";
const ADVERTISEMENT: &str = "/test/advertisement";
const ADAPTER: &str = "/org/bluez/hci0";
const CHARACTERISTIC: &str = "org.bluez.GattCharacteristic1";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
const MANAGER: &str = "org.bluez.GattManager1";
const ADVERTISING: &str = "org.bluez.LEAdvertisingManager1";

/// Path, the last digits of the UUID, flags, and whether it gives a socket.
pub const CHARACTERISTICS: [(&str, u16, &[&str], bool); 8] = [
    ("/test/service0/plain", 1, &["read", "write"], false),
    ("/test/service0/socket", 2, &["read", "notify"], true),
    ("/test/service0/signals", 3, &["read", "notify"], false),
    ("/test/service0/indicated", 4, &["read", "indicate"], false),
    ("/test/service0/refuses", 5, &["read", "write"], false),
    ("/test/service0/fence", 6, &["read"], false),
    (
        "/test/service0/command",
        7,
        &["write", "write-without-response"],
        false,
    ),
    (
        "/test/service0/protected",
        8,
        &["encrypt-read", "encrypt-authenticated-write"],
        false,
    ),
];

pub fn uuid(number: u16) -> Uuid {
    Uuid::from_u128(0x7a4b_0000_999f_4717_b63a_066e_0697_1f59 | u128::from(number) << 96)
}

pub struct Application {
    connection: Arc<SyncConnection>,
    io: JoinHandle<()>,
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
pub struct Known {
    pub transcript: Vec<String>,
    pub value: Vec<u8>,
    /// What it answers to the next call that is about a value, in the place of an answer.
    pub refusal: Option<(&'static str, &'static str)>,
    pub socket: Option<UnixDatagram>,
}

impl Application {
    pub async fn start(bus: &str) -> Self {
        let mut channel = Channel::open_private(bus).expect("a bus");
        channel.register().expect("it is let in");
        let opened = dbus_tokio::connection::from_channel::<SyncConnection>(channel);
        let (resource, connection) = opened.expect("a connection");
        let io = tokio::spawn(async {
            resource.await;
        });
        let known = Arc::new(Mutex::new(Known::default()));
        let answers = known.clone();
        connection.start_receive(
            MatchRule::new_method_call(),
            Box::new(move |call, connection| {
                let mut known = answers.lock().expect("nothing panics with it");
                let answer = known.take(&call);
                let _ = connection.send(answer);
                true
            }),
        );
        Self {
            connection,
            io,
            known,
        }
    }

    pub fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().expect("nothing panics with it")
    }

    pub async fn manage(&self, member: &str) -> String {
        let proxy = Proxy::new(
            "org.bluez",
            ADAPTER,
            Duration::from_secs(30),
            &*self.connection,
        );
        let options = PropMap::new;
        let result: Result<(), dbus::Error> = match member {
            "RegisterApplication" => {
                proxy
                    .method_call(MANAGER, member, (Path::from(APPLICATION), options()))
                    .await
            }
            "UnregisterApplication" => {
                proxy
                    .method_call(MANAGER, member, (Path::from(APPLICATION),))
                    .await
            }
            "RegisterAdvertisement" => {
                proxy
                    .method_call(ADVERTISING, member, (Path::from(ADVERTISEMENT), options()))
                    .await
            }
            _ => {
                proxy
                    .method_call(ADVERTISING, member, (Path::from(ADVERTISEMENT),))
                    .await
            }
        };
        match result {
            Ok(()) => "done".to_owned(),
            Err(problem) => {
                let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
                format!("{}: {}", text(problem.name()), text(problem.message()))
            }
        }
    }

    /// Tells it in a signal.
    pub fn signal(&self, path: &str, octets: &[u8]) {
        let signal = Message::signal(
            &path.into(),
            &PROPERTIES.into(),
            &"PropertiesChanged".into(),
        );
        let changed = HashMap::from([("Value", Variant(octets.to_vec()))]);
        let signal = signal.append3(CHARACTERISTIC, changed, Vec::<String>::new());
        self.connection.send(signal).expect("it is sent");
    }

    /// Puts it into the socket that bluetoothd has got.
    pub fn put(&self, octets: &[u8]) {
        let known = self.known();
        let socket = known.socket.as_ref().expect("somebody has subscribed");
        rustix::net::send(socket, octets, SendFlags::NOSIGNAL).expect("there is room");
    }

    /// Whether bluetoothd has closed its end.
    pub fn is_closed(&self) -> bool {
        let mut octet = [0];
        let known = self.known();
        let socket = known.socket.as_ref().expect("somebody has subscribed");
        socket.set_nonblocking(true).expect("it can be");
        matches!(socket.recv(&mut octet), Ok(0))
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        self.io.abort();
    }
}

impl Known {
    fn take(&mut self, call: &Message) -> Message {
        let text = |of: Option<&str>| of.unwrap_or_default().to_owned();
        let path = text(call.path().as_deref());
        let member = text(call.member().as_deref());
        let interface = text(call.interface().as_deref());
        if !path.ends_with("/fence") {
            let arguments = arguments(call);
            let answer = if call.get_no_reply() {
                ", wants no answer"
            } else {
                ""
            };
            self.transcript.push(format!(
                "    {path} {interface}.{member}({arguments}){answer}"
            ));
        }
        let is_about_value = interface == CHARACTERISTIC;
        if is_about_value && let Some((name, text)) = self.refusal.take() {
            let text = std::ffi::CString::new(text).expect("no zero in it");
            return call.error(&ErrorName::from(name), &text);
        }
        let reply = call.method_return();
        match &*member {
            "GetManagedObjects" if path == APPLICATION => objects(reply),
            "GetAll" => reply.append1(PropMap::from([
                (
                    "Type".to_owned(),
                    Variant(Box::new("peripheral".to_owned()) as Box<_>),
                ),
                (
                    "LocalName".to_owned(),
                    Variant(Box::new("Test".to_owned()) as Box<_>),
                ),
            ])),
            "ReadValue" => self.read(call, reply),
            "WriteValue" => {
                self.value = call.get1::<Vec<u8>>().unwrap_or_default();
                reply
            }
            "AcquireNotify" => {
                let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
                let pair = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None);
                let (ours, theirs) = pair.expect("a pair of sockets");
                self.socket = Some(UnixDatagram::from(ours));
                reply.append2(File::from(theirs), 517_u16)
            }
            "StartNotify" | "StopNotify" | "Confirm" | "Set" => reply,
            _ => call.error(
                &"org.freedesktop.DBus.Error.UnknownMethod".into(),
                c"No such method",
            ),
        }
    }

    fn read(&self, call: &Message, reply: Message) -> Message {
        let options: PropMap = call.get1().unwrap_or_default();
        let offset = options.get("offset").and_then(|it| it.0.as_u64());
        let offset = usize::try_from(offset.unwrap_or(0)).expect("a small number");
        match self.value.get(offset..) {
            Some(octets) => reply.append1(octets.to_vec()),
            None => call.error(&"org.bluez.Error.InvalidOffset".into(), c"beyond the end"),
        }
    }
}

fn objects(mut reply: Message) -> Message {
    let mut objects: Vec<(&str, &str, PropMap)> = Vec::new();
    let text = |text: &str| Variant(Box::new(text.to_owned()) as Box<dyn RefArg>);
    let service = PropMap::from([
        ("UUID".to_owned(), text(&uuid(0).to_string())),
        ("Primary".to_owned(), Variant(Box::new(true))),
        ("Handle".to_owned(), Variant(Box::new(0_u16))),
    ]);
    objects.push(("/test/service0", "org.bluez.GattService1", service));
    for (path, number, flags, gives_socket) in CHARACTERISTICS {
        let flags: Vec<_> = flags.iter().map(ToString::to_string).collect();
        let mut of = PropMap::from([
            ("UUID".to_owned(), text(&uuid(number).to_string())),
            (
                "Service".to_owned(),
                Variant(Box::new(Path::from("/test/service0")) as Box<dyn RefArg>),
            ),
            ("Flags".to_owned(), Variant(Box::new(flags))),
        ]);
        if gives_socket {
            of.insert("NotifyAcquired".to_owned(), Variant(Box::new(false)));
        }
        objects.push((path, CHARACTERISTIC, of));
    }
    let types = ("o".into(), "a{sa{sv}}".into());
    IterAppend::new(&mut reply).append_dict(&types.0, &types.1, |dict| {
        for (path, interface, of) in objects {
            dict.append_dict_entry(|object| {
                object.append(Path::from(path));
                object.append(HashMap::from([(interface, of)]));
            });
        }
    });
    reply
}

/// As one line, with what differs from run to run left out.
fn arguments(call: &Message) -> String {
    let mut arguments = call.iter_init();
    let mut all = Vec::new();
    while let Some(argument) = arguments.get_refarg() {
        // What is set is a handle, which bluetoothd gives as it likes.
        all.push(match arguments.arg_type() {
            ArgType::Variant => "a handle".to_owned(),
            _ => shown(&*argument),
        });
        arguments.next();
    }
    all.join(", ")
}

fn shown(argument: &dyn RefArg) -> String {
    if let Some(text) = argument.as_str() {
        return match text.contains("/dev_") {
            true => "the central".to_owned(),
            false => format!("{text:?}"),
        };
    }
    if let Some(number) = argument.as_u64() {
        return number.to_string();
    }
    let items: Vec<_> = argument
        .as_iter()
        .into_iter()
        .flatten()
        .map(shown)
        .collect();
    match &*argument.signature() {
        "a{sv}" => {
            let mut pairs: Vec<_> = items.chunks(2).map(|it| it.join(": ")).collect();
            pairs.sort();
            format!("{{ {} }}", pairs.join(", "))
        }
        _ => format!("[{}]", items.join(", ")),
    }
}
