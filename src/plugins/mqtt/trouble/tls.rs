//! What is wrong between the two certificates, and on which side of the connection it is to be mended.

use rustls::{AlertDescription, CertificateError};

use super::{Kind, Trouble};
use crate::plugins::mqtt::Settings;

/// So many names of a certificate are told of.
const NAMES_MAX: usize = 3;
/// No name of a host is longer.
const NAME_MAX: usize = 253;

/// The broker has gone away in the middle of the handshake.
pub(super) fn closed_in_handshake() -> Trouble {
    let reason = "it closes the connection in the middle of the TLS handshake; does it speak TLS on \
        this port? Many do on 8883 only";
    Trouble::new(Kind::Tls, reason)
}

/// The broker has gone away after it. With TLS 1.3 we have gone through the handshake before the broker
/// has seen our certificate.
pub(super) fn closed_after_handshake(settings: &Settings) -> Trouble {
    let question = match has_certificate(settings) {
        true => "does it accept our certificate (`tls: { certificate: … }`)?",
        false => "does it want a certificate of ours (`tls: { certificate: …, key: … }`)?",
    };
    let reason =
        format!("it closes the connection after the TLS handshake without a word; {question}");
    Trouble::new(Kind::Tls, reason)
}

/// Whether we have a certificate to show.
pub(super) fn has_certificate(settings: &Settings) -> bool {
    let tls = settings.tls.as_ref();
    tls.is_some_and(|tls| tls.client_auth_cert_resolver.has_certs())
}

pub(super) fn of(error: &rustls::Error, settings: &Settings) -> Trouble {
    let reason = match error {
        rustls::Error::InvalidCertificate(problem) => of_certificate(problem, settings),
        rustls::Error::AlertReceived(alert) => of_alert(*alert, settings),
        rustls::Error::InvalidMessage(_) => "what answers on this port does not speak TLS; is \
            there another port for it? Many brokers have 8883"
            .to_owned(),
        rustls::Error::PeerIncompatible(_) => NO_VERSION.to_owned(),
        other => format!("TLS does not work: {other}"),
    };
    Trouble::new(Kind::Tls, reason)
}

const NO_VERSION: &str = "it has no version of TLS and no cipher in common with us; let it speak TLS \
    1.2 or 1.3";

/// What is wrong with the broker's certificate.
fn of_certificate(problem: &CertificateError, settings: &Settings) -> String {
    let host = &settings.address.host;
    match problem {
        // A new authority often has the name of the old one: then it is the signature that is wrong.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate is signed by an authority that is not trusted here; name that \
                authority: `tls: { ca: … }`"
                .to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired (or the clock here is wrong); it needs a new one"
                .to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet (or the clock here is wrong: `timedatectl` shows it)"
                .to_owned()
        }
        CertificateError::NotValidForName => {
            format!("its certificate is not for `{host}`; write the name that it is for")
        }
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            format!(
                "its certificate is not for `{host}`: it names no host (a common name alone does \
                 not count); it needs `{host}` as a subject alternative name"
            )
        }
        CertificateError::NotValidForNameContext { presented, .. } => format!(
            "its certificate is not for `{host}` but for {}; write the name that it is for",
            names(presented)
        ),
        CertificateError::Revoked => "its certificate has been revoked".to_owned(),
        other if other.to_string().contains("CaUsedAsEndEntity") => {
            "its certificate is that of an authority; make one for the broker, signed by it"
                .to_owned()
        }
        other => format!("its certificate is not valid: {other}"),
    }
}

/// What the broker says of us.
fn of_alert(alert: AlertDescription, settings: &Settings) -> String {
    use AlertDescription::{
        AccessDenied, BadCertificate, CertificateExpired, CertificateRequired, CertificateRevoked,
        CertificateUnknown, DecryptError, HandshakeFailure, InsufficientSecurity, NoCertificate,
        ProtocolVersion, UnknownCA, UnrecognisedName, UnsupportedCertificate,
    };
    const OURS: &str = "`tls: { certificate: …, key: … }`";
    match (alert, has_certificate(settings)) {
        (ProtocolVersion | InsufficientSecurity, _) => NO_VERSION.to_owned(),
        (UnrecognisedName, _) => {
            let host = &settings.address.host;
            format!("it does not answer to the name `{host}`; write the name of its certificate")
        }
        // There is an alert of its own for this since TLS 1.3; some brokers send one of the others.
        (CertificateRequired | NoCertificate, _)
        | (
            HandshakeFailure
            | BadCertificate
            | UnknownCA
            | AccessDenied
            | CertificateUnknown
            | CertificateExpired
            | CertificateRevoked
            | UnsupportedCertificate,
            false,
        ) => format!("it wants a certificate of ours: {OURS}"),
        (HandshakeFailure, true) => NO_VERSION.to_owned(),
        (UnknownCA, true) => format!(
            "it does not trust the authority that signed our certificate; name one that its own \
             authority has signed: {OURS}"
        ),
        (CertificateExpired, true) => {
            "our certificate has expired (or its clock is wrong); it takes a new one".to_owned()
        }
        (CertificateRevoked, true) => "our certificate has been revoked".to_owned(),
        (
            BadCertificate
            | UnsupportedCertificate
            | CertificateUnknown
            | AccessDenied
            | DecryptError,
            true,
        ) => format!("it does not accept our certificate ({alert:?}); name another: {OURS}"),
        (other, _) => format!("it breaks off TLS ({other:?})"),
    }
}

/// The names of a certificate, which come as `DnsName("broker.example")` or `IpAddress(10.0.0.1)`. They
/// are what somebody else has written: nothing in them may end a line.
fn names(presented: &[String]) -> String {
    let plain = |name: &String| {
        let name = name.split_once('(').map_or(name.as_str(), |(_, name)| name);
        let name = name.trim_end_matches(')').trim_matches('"');
        let name = name.chars().filter(|c| !c.is_control()).take(NAME_MAX);
        format!("`{}`", name.collect::<String>())
    };
    let mut names: Vec<String> = presented.iter().take(NAMES_MAX).map(plain).collect();
    if presented.len() > NAMES_MAX {
        names.push("others".to_owned());
    }
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some((only, _)) => only.clone(),
        None => String::new(),
    }
}
