//! What stands under `console` in the YAML, and what is made of it.

use std::fmt;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::token::Token;
use crate::config::model::Form;
use crate::config::{Lenient, Spanned};
use crate::plugin::Configure;

/// Where the console is unless something else is declared.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
/// A token of fewer characters can be found by trying.
const TOKEN_MIN: usize = 16;
/// And a longer one is no token.
pub(super) const TOKEN_MAX: usize = 256;

/// The console: a page in the browser with the values, their way and the health of this process, a JSON
/// API for the same, `/healthz` and `/metrics`. Without this section there is none.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ConsoleConfig")]
pub struct ConsoleConfig {
    /// The address and the port. Who listens elsewhere than on this machine itself (`127.0.0.1`, `[::1]`)
    /// needs a `token`. `0.0.0.0:8080` is every address of this machine.
    #[serde(default)]
    #[schemars(extend("default" = "127.0.0.1:8080"))]
    pub listen: Option<Spanned<Lenient<Listen>>>,
    /// What a browser or a program has to say before it sees anything: 16 characters at least, best
    /// `${NAME}` from the environment or `{ file: path }`, made with `openssl rand -hex 16`.
    #[serde(default)]
    pub token: Option<Spanned<TokenConfig>>,
    /// The names under which browsers reach this machine, as in `lamp.local`, besides `localhost` and its
    /// addresses. A request for any other name is refused, so that no page elsewhere can get in through a
    /// name of its own. They need a `token`. `{hostname}` is filled in.
    #[serde(default)]
    pub hosts: Vec<Spanned<String>>,
    /// Whether everything can be seen and nothing changed.
    #[serde(default)]
    pub read_only: bool,
}

/// An address and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen(pub SocketAddr);

/// A token, or the file that it is in.
#[derive(Debug)]
pub enum TokenConfig {
    Text(Token),
    File(TokenFileConfig),
}

/// A file with a token.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ConsoleTokenFileConfig")]
pub struct TokenFileConfig {
    /// Its path; the first line is the token.
    pub file: Spanned<String>,
}

/// The section, resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) listen: SocketAddr,
    pub(super) token: Option<Token>,
    /// In lower case.
    pub(super) hosts: Vec<String>,
    pub(super) read_only: bool,
}

impl Settings {
    /// `None` without the section.
    pub(super) fn declare(declared: &mut Configure<'_>) -> Option<Self> {
        let section = declared.section::<ConsoleConfig>("console")?;
        let config = section.value;
        let listen = match &config.listen {
            None => LISTEN,
            Some(listen) => match &listen.value.0 {
                Ok(listen) => listen.0,
                Err(problem) => {
                    let help = "an address and a port, as in `127.0.0.1:8080`";
                    declared.mistake(listen.at, problem, help);
                    LISTEN
                }
            },
        };
        let token = config.token.as_ref().and_then(|it| token(it, declared));
        if !listen.ip().is_loopback() && config.token.is_none() {
            let at = config.listen.as_ref().map_or(section.at, |it| it.at);
            let message = format!(
                "whoever reaches {} could see and change every value here",
                listen.ip()
            );
            let help = "add a `token`, best `{ file: … }`, or listen on 127.0.0.1 and come through a tunnel";
            declared.mistake(at, message, help);
        }
        let hosts = config.hosts.iter();
        let hosts: Vec<String> = hosts.filter_map(|name| host(name, declared)).collect();
        if listen.ip().is_loopback()
            && config.token.is_none()
            && !hosts.is_empty()
            && let Some(name) = config.hosts.first()
        {
            let message = "whoever gets here by this name could see and change every value here";
            let help = "a name for others needs a `token`, best `{ file: … }`; from this machine `localhost` does \
                without";
            declared.mistake(name.at, message, help);
        }
        Some(Self {
            listen,
            token,
            hosts,
            read_only: config.read_only,
        })
    }

    /// Whether they say the same of everything but of where it is.
    pub(super) fn is_but_for_place(&self, other: &Self) -> bool {
        let Self {
            listen: _,
            token,
            hosts,
            read_only,
        } = self;
        *token == other.token && *hosts == other.hosts && *read_only == other.read_only
    }

    /// Whether only this machine itself gets here.
    pub(super) fn is_local(&self) -> bool {
        self.listen.ip().is_loopback()
    }
}

fn token(config: &Spanned<TokenConfig>, declared: &mut Configure<'_>) -> Option<Token> {
    let token = match &config.value {
        TokenConfig::Text(token) => token.clone(),
        TokenConfig::File(file) => match first_line(&declared.path(&file.file)) {
            Ok(line) => Token::new(line),
            Err(problem) => {
                let message = format!("the file cannot be read: {problem}");
                let help = "paths are relative to the directory of this configuration";
                declared.mistake(file.file.at, message, help);
                return None;
            }
        },
    };
    let length = token.len();
    if !(TOKEN_MIN..=TOKEN_MAX).contains(&length) {
        let message = format!("a token of {length} characters");
        let help = "16 to 256 of them: `openssl rand -hex 16` makes one";
        declared.mistake(config.at, message, help);
    } else if !token.is_printable() {
        let help =
            "letters, digits and signs of ASCII, no blanks: `openssl rand -hex 16` makes one";
        declared.mistake(config.at, "this token cannot stand in a header", help);
    }
    Some(token)
}

fn first_line(path: &std::path::Path) -> Result<String, String> {
    const MAX_BYTES: u64 = 64 * 1024;
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text))
        .map_err(|error| error.to_string())?;
    Ok(text.lines().next().unwrap_or_default().trim().to_owned())
}

fn host(name: &Spanned<String>, declared: &mut Configure<'_>) -> Option<String> {
    let expanded = declared.expand(name, &[])?.to_ascii_lowercase();
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if expanded.is_empty() || !expanded.chars().all(is_name) {
        let help = "the name alone, without `http://` and port, as in `lamp.local`";
        declared.mistake(name.at, "this is no name of a host", help);
        return None;
    }
    Some(expanded)
}

impl Form for Listen {
    fn parse(text: &str) -> Result<Self, String> {
        let named = text.strip_prefix("localhost:");
        let local = named.map(|port| format!("{}:{port}", Ipv4Addr::LOCALHOST));
        let address = local.as_deref().unwrap_or(text).parse();
        address
            .map(Self)
            .map_err(|_| format!("`{text}` is no address with a port"))
    }
}

impl JsonSchema for Listen {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ConsoleListen".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An address and a port, as in `127.0.0.1:8080` or `[::]:8080`.",
            "type": "string",
            "pattern": r"^(localhost|[0-9.]+|\[[0-9A-Fa-f:.]+\]):[0-9]+$",
        })
    }
}

impl JsonSchema for TokenConfig {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ConsoleToken".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let long = generator.subschema_for::<TokenFileConfig>();
        json_schema!({
            "description": "A token, best as `${NAME}` from the environment, or the file that it is in.",
            "anyOf": [{ "type": "string", "minLength": 1 }, long],
        })
    }
}

impl<'de> Deserialize<'de> for TokenConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrFile;
        impl<'de> Visitor<'de> for TextOrFile {
            type Value = TokenConfig;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text (digits need quotes), or `{ file: … }`,")
            }

            fn visit_str<E>(self, text: &str) -> Result<TokenConfig, E> {
                Ok(TokenConfig::Text(Token::new(text.to_owned())))
            }

            fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<TokenConfig, A::Error> {
                let file = TokenFileConfig::deserialize(MapAccessDeserializer::new(entries));
                file.map(TokenConfig::File)
            }
        }
        deserializer.deserialize_any(TextOrFile)
    }
}
