//! Why there is no connection, in words that say what to do about it.

mod tls;

use std::fmt;
use std::io;

use rumqttc::{ConnectReturnCode, ConnectionError, StateError, TlsError, mqttbytes};

use super::Settings;

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) kind: Kind,
    /// Nothing listens there at all.
    pub(super) is_nobody: bool,
    reason: String,
}

/// What a person has to look at. The same kind is not said twice in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The broker or the way to it: it will come back by itself.
    Unreachable,
    /// There is no such host.
    Name,
    /// Something between the two certificates, or in TLS.
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
        Self {
            kind,
            is_nobody: false,
            reason,
        }
    }

    /// What an error while connecting means.
    pub(super) fn while_connecting(error: &ConnectionError, settings: &Settings) -> Self {
        match (&settings.tls, error) {
            (None, _) if is_closed(error) => {
                let reason =
                    "it closes the connection without an answer; does it want TLS (`mqtts://…`)?";
                Self::new(Kind::Protocol, reason)
            }
            (None, ConnectionError::NotConnAck(_)) => Self::new(Kind::Protocol, NO_MQTT),
            (None, ConnectionError::MqttState(StateError::Deserialization(error)))
                if !matches!(error, mqttbytes::Error::Io(_)) =>
            {
                Self::new(Kind::Protocol, NO_MQTT)
            }
            (Some(_), ConnectionError::Tls(TlsError::Io(error))) if is_end(error) => {
                tls::closed_in_handshake()
            }
            (Some(_), _) if is_closed(error) => tls::closed_after_handshake(settings),
            (None | Some(_), _) => Self::of(error, settings),
        }
    }

    /// Whether an operator who has read of this knows of the other too. What may be wrong between two
    /// certificates is of many kinds, each with a remedy of its own.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.kind == other.kind && (self.kind != Kind::Tls || self.reason == other.reason)
    }

    /// What an error means.
    pub(super) fn of(error: &ConnectionError, settings: &Settings) -> Self {
        match error {
            ConnectionError::Io(error) => of_io(error, settings),
            ConnectionError::MqttState(error) => of_state(error, settings),
            ConnectionError::Tls(error) => of_tls(error, settings),
            ConnectionError::NetworkTimeout | ConnectionError::FlushTimeout => {
                Self::new(Kind::Unreachable, "it does not answer")
            }
            ConnectionError::ConnectionRefused(code) => of_code(*code, settings),
            ConnectionError::NotConnAck(_) => Self::new(
                Kind::Protocol,
                "what answers there does not speak MQTT 3.1.1",
            ),
            ConnectionError::RequestsDone => Self::new(Kind::Unreachable, "the client has ended"),
        }
    }
}

/// Whether the broker has closed the connection, or reset it.
fn is_closed(error: &ConnectionError) -> bool {
    match error {
        ConnectionError::MqttState(StateError::ConnectionAborted) => true,
        ConnectionError::Io(io)
        | ConnectionError::MqttState(
            StateError::Io(io) | StateError::Deserialization(mqttbytes::Error::Io(io)),
        ) => is_end(io),
        _ => false,
    }
}

fn is_end(io: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let kinds = [
        BrokenPipe,
        ConnectionAborted,
        ConnectionReset,
        UnexpectedEof,
    ];
    kinds.contains(&io.kind())
}

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

fn of_state(error: &StateError, settings: &Settings) -> Trouble {
    match error {
        StateError::Io(error) | StateError::Deserialization(mqttbytes::Error::Io(error)) => {
            of_io(error, settings)
        }
        StateError::ConnectionAborted => {
            Trouble::new(Kind::Unreachable, "it has closed the connection")
        }
        StateError::AwaitPingResp | StateError::CollisionTimeout => {
            Trouble::new(Kind::Unreachable, "it has stopped to answer")
        }
        StateError::Unsolicited(_)
        | StateError::WrongPacket
        | StateError::InvalidState
        | StateError::EmptySubscription
        | StateError::Deserialization(_) => Trouble::new(
            Kind::Protocol,
            format!("what it sends is no MQTT 3.1.1 ({error})"),
        ),
    }
}

fn of_tls(error: &TlsError, settings: &Settings) -> Trouble {
    match error {
        TlsError::Io(error) => of_io(error, settings),
        TlsError::TLS(error) => tls::of(error, settings),
        TlsError::DNSName(_) => {
            let reason = "no certificate can be issued for a host of this name";
            Trouble::new(Kind::Tls, reason)
        }
        other => Trouble::new(Kind::Tls, format!("TLS does not work: {other}")),
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
        _ if text.contains("lookup address") || text.contains("could not resolve") => {
            let host = &settings.address.host;
            Trouble::new(Kind::Name, format!("nobody knows the host `{host}` (DNS)"))
        }
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
