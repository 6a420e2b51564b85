//! Why there is no connection, in words that say what to do about it.

mod tls;

use std::fmt;
use std::io;

use rumqttc::{ConnectReturnCode, mqttbytes};

use super::Settings;

/// How a connection ends, or an attempt to make one.
#[derive(Debug)]
pub(super) enum Fault {
    /// Nobody knows the host.
    Name,
    Io(io::Error),
    /// TLS came to nothing.
    Handshake(io::Error),
    /// The broker has closed the connection.
    Closed,
    /// It does not answer in time, or does not read.
    Silent,
    /// The same, of one that has accepted the connection, and that is all it did.
    Unanswered,
    /// It has acknowledged everything but one message, and that for too long.
    PassedOver,
    /// It refuses the connection with this code (MQTT 3.1.1, 3.2.2.3).
    Refused(ConnectReturnCode),
    /// The same, with a code that MQTT 3.1.1 does not have.
    RefusedWith(u8),
    /// What answers a CONNECT is no CONNACK.
    NoAnswer,
    Malformed(mqttbytes::Error),
    /// No certificate can be for such a host.
    NoNameForTls,
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<mqttbytes::Error> for Fault {
    fn from(error: mqttbytes::Error) -> Self {
        match error {
            mqttbytes::Error::InvalidConnectReturnCode(code) => Self::RefusedWith(code),
            error => Self::Malformed(error),
        }
    }
}

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) kind: Kind,
    /// Nothing listens there at all.
    pub(super) is_nobody: bool,
    /// It may be over at any moment, without anybody having to change something: then it is worth while
    /// to look often.
    pub(super) heals: bool,
    reason: String,
}

/// What a person has to look at. The same kind is not said twice in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The broker or the way to it: it will come back by itself.
    Unreachable,
    /// There is no such host.
    Name,
    /// Something between the two certificates.
    Tls,
    /// User name and password.
    Credentials,
    /// The broker does not want this client for another reason.
    Refused,
    /// What came was no MQTT.
    Protocol,
}

/// What comes at the start of a connection without TLS may be an alert of TLS.
const NO_MQTT: &str =
    "what answers there does not speak MQTT 3.1.1; is it a port with TLS (`mqtts://…`)?";

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl Trouble {
    fn new(kind: Kind, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        let heals = match kind {
            Kind::Unreachable | Kind::Name => true,
            Kind::Tls | Kind::Credentials | Kind::Refused | Kind::Protocol => false,
        };
        Self {
            kind,
            is_nobody: false,
            heals,
            reason,
        }
    }

    /// What a fault while connecting means.
    pub(super) fn while_connecting(fault: &Fault, settings: &Settings) -> Self {
        match (&settings.tls, fault) {
            (None, _) if is_closed(fault) => Self {
                heals: true,
                ..Self::new(
                    Kind::Protocol,
                    "it closes the connection without an answer; does it want TLS (`mqtts://…`)?",
                )
            },
            (None, Fault::NoAnswer | Fault::Malformed(_)) => Self::new(Kind::Protocol, NO_MQTT),
            (Some(_), Fault::NoAnswer | Fault::Malformed(_)) => Self::new(
                Kind::Protocol,
                "what answers there does not speak MQTT 3.1.1",
            ),
            // A broker that stops or begins does this too.
            (Some(_), Fault::Handshake(error)) if is_end(error) => Self {
                heals: true,
                ..tls::closed_in_handshake()
            },
            (Some(_), _) if is_closed(fault) => Self {
                heals: true,
                ..tls::closed_after_handshake(settings)
            },
            (None | Some(_), _) => Self::of(fault, settings),
        }
    }

    /// Whether an operator who has read of this knows of the other too. What may be wrong between two
    /// certificates is of many kinds, each with a remedy of its own.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.kind == other.kind && (self.kind != Kind::Tls || self.reason == other.reason)
    }

    /// What a fault means.
    pub(super) fn of(fault: &Fault, settings: &Settings) -> Self {
        match fault {
            Fault::Name => {
                let host = &settings.address.host;
                Self::new(Kind::Name, format!("nobody knows the host `{host}` (DNS)"))
            }
            Fault::Io(error) | Fault::Handshake(error) => of_io(error, settings),
            Fault::Closed => Self::new(Kind::Unreachable, "it has closed the connection"),
            Fault::Silent | Fault::Unanswered => Self::new(Kind::Unreachable, "it does not answer"),
            Fault::PassedOver => Self::new(
                Kind::Unreachable,
                "it acknowledges other messages and not the first",
            ),
            Fault::Refused(code) => of_code(*code, settings),
            Fault::RefusedWith(code) => {
                Self::new(Kind::Refused, format!("it refuses with the code {code}"))
            }
            Fault::NoAnswer => Self::new(Kind::Protocol, "it answers in contradictions"),
            Fault::Malformed(error) => Self::new(
                Kind::Protocol,
                format!("what it sends is no MQTT 3.1.1 ({error})"),
            ),
            Fault::NoNameForTls => Self::new(
                Kind::Tls,
                "no certificate can be issued for a host of this name",
            ),
        }
    }
}

/// Whether the broker has closed the connection, or reset it.
pub(super) fn is_closed(fault: &Fault) -> bool {
    match fault {
        Fault::Closed => true,
        Fault::Io(error) | Fault::Handshake(error) => is_end(error),
        Fault::Name
        | Fault::Silent
        | Fault::Unanswered
        | Fault::PassedOver
        | Fault::Refused(_)
        | Fault::RefusedWith(_)
        | Fault::NoAnswer
        | Fault::Malformed(_)
        | Fault::NoNameForTls => false,
    }
}

/// Whether the other side has gone, and nothing else is wrong.
pub(super) fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let kinds = [
        BrokenPipe,
        ConnectionAborted,
        ConnectionReset,
        UnexpectedEof,
    ];
    kinds.contains(&error.kind())
}

/// What a broker says when it refuses (MQTT 3.1.1, 3.2.2.3).
fn of_code(code: ConnectReturnCode, settings: &Settings) -> Trouble {
    match code {
        ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized => {
            let reason = match &settings.credentials {
                Some((name, _)) => format!("it refuses the user `{name}` with this password"),
                None if tls::has_certificate(settings) => "it does not let in whom our \
                    certificate names, or wants a user name and a password: `username: …`, \
                    `password: …`"
                    .into(),
                None => "it wants a user name and a password: `username: …`, `password: …`".into(),
            };
            Trouble::new(Kind::Credentials, reason)
        }
        ConnectReturnCode::BadClientId => {
            let reason = format!("it refuses the client id `{}`", settings.client_id);
            Trouble::new(Kind::Refused, reason)
        }
        ConnectReturnCode::RefusedProtocolVersion => {
            Trouble::new(Kind::Protocol, "it does not speak MQTT 3.1.1")
        }
        ConnectReturnCode::ServiceUnavailable => {
            Trouble::new(Kind::Unreachable, "it says that it is not available")
        }
        ConnectReturnCode::Success => Trouble::new(Kind::Protocol, "it answers in contradictions"),
    }
}

fn of_io(error: &io::Error, settings: &Settings) -> Trouble {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    if let Some(inner) = inner {
        return tls::of(inner, settings);
    }
    let text = error.to_string();
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Trouble {
            is_nobody: true,
            ..Trouble::new(
                Kind::Unreachable,
                "nothing listens there (connection refused)",
            )
        },
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => {
            Trouble::new(Kind::Unreachable, "it has closed the connection")
        }
        io::ErrorKind::TimedOut => Trouble::new(Kind::Unreachable, "it does not answer"),
        kind => Trouble {
            // Of several addresses of a host the last one tried is told of: one that this machine
            // does not have is nobody's either.
            is_nobody: matches!(
                kind,
                io::ErrorKind::AddrNotAvailable | io::ErrorKind::NetworkUnreachable
            ),
            ..Trouble::new(Kind::Unreachable, text)
        },
    }
}
