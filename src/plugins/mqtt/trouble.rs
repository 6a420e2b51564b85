//! Why there is no connection, in words that say what to do about it.

use std::fmt;
use std::io;

use rumqttc::{ConnectReturnCode, ConnectionError, StateError, TlsError, mqttbytes};
use rustls::{AlertDescription, CertificateError};

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
    /// Something between the two certificates.
    Tls,
    /// User name and password.
    Credentials,
    /// The broker does not want this client for another reason.
    Refused,
    /// What came was no MQTT.
    Protocol,
}

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
        if settings.tls.is_none() && is_closed(error) {
            let reason =
                "it closes the connection without an answer; does it want TLS (`mqtts://…`)?";
            return Self::new(Kind::Protocol, reason);
        }
        Self::of(error, settings)
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
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let io = match error {
        ConnectionError::MqttState(StateError::ConnectionAborted) => return true,
        ConnectionError::Io(io)
        | ConnectionError::MqttState(
            StateError::Io(io) | StateError::Deserialization(mqttbytes::Error::Io(io)),
        ) => io,
        _ => return false,
    };
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
        TlsError::TLS(error) => of_rustls(error, settings),
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
        return of_rustls(inner, settings);
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

fn of_rustls(error: &rustls::Error, settings: &Settings) -> Trouble {
    let host = &settings.address.host;
    let reason = match error {
        rustls::Error::InvalidCertificate(problem) => match problem {
            CertificateError::UnknownIssuer => "its certificate is signed by an authority that \
                is not trusted here; name that authority: `tls: { ca: … }`"
                .to_owned(),
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "its certificate has expired (or the clock here is wrong)".to_owned()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "its certificate is not valid yet (or the clock here is wrong)".to_owned()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                format!("its certificate is not for `{host}`; use the name that it is for")
            }
            other => format!("its certificate is not valid: {other:?}"),
        },
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::HandshakeFailure,
        ) => "it does not accept who we are: `tls: { certificate: …, key: … }` says it".to_owned(),
        rustls::Error::InvalidMessage(_) => {
            "what answers on this port does not speak TLS".to_owned()
        }
        other => format!("TLS does not work: {other}"),
    };
    Trouble::new(Kind::Tls, reason)
}
