//! Where a broker is.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::config::model::Form;

/// The ports that IANA has assigned to MQTT, without and with TLS.
pub const PORT: u16 = 1883;
const PORT_TLS: u16 = 8883;

/// Where the broker is, as declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broker {
    /// On this machine; an embedded one where there is none.
    Auto,
    At {
        host: String,
        port: Option<u16>,
        scheme: Option<Scheme>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Mqtt,
    Mqtts,
}

/// A host and its port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub host: String,
    pub port: u16,
}

impl Address {
    /// The address of a declared broker.
    pub fn new(host: &str, port: Option<u16>, tls: bool) -> Self {
        let usual = if tls { PORT_TLS } else { PORT };
        Self {
            host: host.to_owned(),
            port: port.unwrap_or(usual),
        }
    }

    /// Whether what is said there stays on this machine. Of names only `localhost` is known to: what any
    /// other leads to can be something else tomorrow.
    pub fn is_loopback(&self) -> bool {
        match self.host.parse::<IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => self.host.eq_ignore_ascii_case("localhost"),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') {
            write!(f, "[{host}]:{port}")
        } else {
            write!(f, "{host}:{port}")
        }
    }
}

impl Form for Broker {
    /// The messages do not repeat the text: somebody may have put a password into it.
    fn parse(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let (scheme, rest) = match text.split_once("://") {
            None => (None, text),
            Some(("mqtt", rest)) => (Some(Scheme::Mqtt), rest),
            Some(("mqtts", rest)) => (Some(Scheme::Mqtts), rest),
            Some(_) => return Err("this is no address of an MQTT broker".to_owned()),
        };
        if rest.contains('@') {
            return Err("user name and password do not belong into the address".to_owned());
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = split(rest)?;
        let port = port.map(parse_port).transpose()?;
        Ok(Self::At {
            host: host.to_owned(),
            port,
            scheme,
        })
    }
}

fn split(text: &str) -> Result<(&str, Option<&str>), String> {
    if text.parse::<Ipv6Addr>().is_ok() {
        return Ok((text, None));
    }
    if let Some(bracketed) = text.strip_prefix('[') {
        let (host, after) = bracketed
            .split_once(']')
            .filter(|(host, _)| host.parse::<Ipv6Addr>().is_ok())
            .ok_or("this is no IPv6 address in brackets")?;
        return match after.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if after.is_empty() => Ok((host, None)),
            None => Err("only a port can follow the brackets".to_owned()),
        };
    }
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_');
    if host.is_empty() || host.len() > 253 || !host.chars().all(fits) {
        return Err("this is no name of a host".to_owned());
    }
    if port.is_none() && host.chars().all(|c| c.is_ascii_digit()) {
        return Err("a port alone is no address".to_owned());
    }
    Ok((host, port))
}

fn parse_port(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("the port is no number from 1 to 65535".to_owned()),
        Ok(port) => Ok(port),
    }
}

impl JsonSchema for Broker {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "MqttBroker".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Where the broker is: `host`, `host:port`, `mqtt://host:port`, or \
                `mqtts://host:port` with TLS; the port is 1883, and 8883 with TLS, unless it is given. \
                Without TLS it has to be on this machine (`localhost`, 127.0.0.0/8, `::1`) unless \
                `plaintext: allow` says otherwise. \
                `auto` is localhost:1883, and where nothing has listened there in the first second, an \
                embedded broker that only this machine can reach and that speaks MQTT 3.1.1 only. \
                Where a broker of this machine's own starts at boot, start bemo-sync after it \
                (`After=mosquitto.service`): one that comes later finds its port taken.",
            "type": "string",
            "examples": ["auto", "localhost", "broker.local:1883", "mqtts://broker.example.org"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stays_on_this_machine_is_loopback() {
        let is_loopback = |host: &str| Address::new(host, None, false).is_loopback();
        for host in ["localhost", "LocalHost", "127.0.0.1", "127.9.8.7", "::1"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "localhost.localdomain",
            "my.localhost",
            "ip6-localhost",
            "broker.local",
            "127.1",
            "127.0.0.1.example",
            "128.0.0.1",
            "0.0.0.0",
            "10.0.0.1",
            "::",
            "::2",
            "::ffff:10.0.0.1",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
