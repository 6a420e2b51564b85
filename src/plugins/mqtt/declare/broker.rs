//! Where the broker is, and whether the way to it is encrypted.

use std::sync::Arc;

use super::Section;
use crate::plugins::mqtt::address::{Address, Broker, Scheme};
use crate::plugins::mqtt::tls;

/// How to get to the broker.
pub(super) struct Way {
    pub(super) address: Address,
    /// Whether an embedded broker may stand in where there is none.
    pub(super) auto: bool,
    pub(super) tls: Option<Arc<rustls::ClientConfig>>,
    pub(super) tls_files: u64,
}

impl Section<'_, '_> {
    pub(super) fn broker(&mut self) -> Option<Way> {
        let config = self.config;
        let at = config.broker.as_ref().map_or(self.at, |broker| broker.at);
        let tls_config = config.tls.as_ref();
        let broker = match &config.broker {
            None => Broker::Auto,
            Some(broker) => match &broker.value.0 {
                Ok(broker) => broker.clone(),
                Err(problem) => {
                    let help = "write `auto`, `host`, `host:port`, `mqtt://host:port` or \
                        `mqtts://host:port`; `username` and `password` have keys of their own";
                    self.mistake(broker.at, problem, help);
                    return None;
                }
            },
        };
        let (host, port, scheme) = match broker {
            Broker::Auto => {
                if let Some(tls) = tls_config {
                    let help = "name the broker: `broker: mqtts://host`";
                    self.mistake(
                        tls.at,
                        "`broker: auto` is on this machine, without TLS",
                        help,
                    );
                }
                return Some(Way {
                    address: Address::new("localhost", None, false),
                    auto: true,
                    tls: None,
                    tls_files: 0,
                });
            }
            Broker::At { host, port, scheme } => (host, port, scheme),
        };
        let wants_tls = scheme == Some(Scheme::Mqtts) || tls_config.is_some();
        if scheme == Some(Scheme::Mqtt) && wants_tls {
            let help = "write `mqtts://…`, or remove `tls`";
            self.mistake(at, "`mqtt://` is a connection without TLS", help);
        }
        let address = Address::new(&host, port, wants_tls);
        match &config.plaintext {
            None if !wants_tls && !address.is_loopback() => {
                let help = "write `mqtts://…`; or, where nobody else can be on the way, add \
                    `plaintext: allow` beside it";
                let message = "the way to this broker is not encrypted: whoever is on it reads and \
                    changes everything, the password too";
                self.mistake(at, message, help);
            }
            // A permission that nobody needs is one that nobody looks at when it begins to count.
            Some(plaintext) if wants_tls => {
                let help = "remove `plaintext`";
                self.mistake(
                    plaintext.at,
                    "this connection is encrypted, and never goes on without",
                    help,
                );
            }
            None | Some(_) => {}
        }
        let tls = if wants_tls {
            let at = tls_config.map_or(at, |tls| tls.at);
            let config = tls_config.map(|tls| &tls.value);
            Some(tls::configuration(self.declared, config, at)?)
        } else {
            None
        };
        Some(Way {
            address,
            auto: false,
            tls,
            tls_files: tls_config.map_or(0, |tls| tls::hash_of_files(self.declared, &tls.value)),
        })
    }
}
