//! From a few answers to a configuration with comments, and the tests beside it.
//!
//! `templates` are the texts, `ask` the questions. What comes of them is read as any configuration is: an answer that
//! makes a mistake is none, and what this build does not know is not asked for.

mod ask;

use std::path::Path;

use uuid::Builder;

use crate::config::{Placeholders, load_str};

pub use ask::{Given, ask};

const HEAD: &str = include_str!("templates/head.yaml");
/// What a device is called that nobody has named.
const HOSTNAME: &str = "{hostname}";
/// What that is in a test.
const TEST_HOST: &str = "raspberrypi";

/// A device to begin with.
#[derive(Debug)]
pub struct Template {
    pub name: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    /// What it is, as the first sentence of the file.
    sentence: &'static str,
    text: &'static str,
    tests: &'static str,
    /// Whether phones have to pair for it.
    pairs: bool,
}

macro_rules! template {
    ($name:literal, $about:literal, $sentence:literal, pairs: $pairs:literal) => {
        Template {
            name: $name,
            about: $about,
            sentence: $sentence,
            text: include_str!(concat!("templates/", $name, ".yaml")),
            tests: include_str!(concat!("templates/", $name, ".promises.yaml")),
            pairs: $pairs,
        }
    };
}

/// What there is to begin with.
pub const TEMPLATES: &[Template] = &[
    template!("number", "a number that counts, and can be set",
        "One number that counts every second, that phones read, set and hear of.", pairs: false),
    template!("lamp", "a lamp: power, brightness and colour",
        "A lamp with a switch, a brightness and a colour, in one JSON object on MQTT.", pairs: false),
    template!("switch", "a switch or relay that confirms what it does",
        "A switch that another program drives, and that confirms what it has done.", pairs: false),
    template!("sensor", "temperature, humidity and battery of a sensor on MQTT",
        "A sensor on MQTT, as phones know it: temperature, humidity and the battery.", pairs: false),
    template!("button", "presses from a phone, each one told once",
        "A button on the phone: each press becomes one message.", pairs: false),
    template!("display", "a line of text, kept over restarts",
        "A line of text that phones and messages set.", pairs: false),
    template!("provisioning", "the Wi-Fi of a box without a screen, by paired phones only",
        "Wi-Fi set-up of a box without a screen, for phones that have paired.", pairs: true),
];

/// The template of this name.
pub fn template(name: &str) -> Option<&'static Template> {
    TEMPLATES.iter().find(|template| template.name == name)
}

/// What a configuration is made of.
#[derive(Clone, Debug)]
pub struct Answers {
    pub template: &'static Template,
    pub name: String,
    pub broker: String,
    pub adapter: String,
    /// That a broker on another machine may be spoken to without TLS.
    pub plaintext: bool,
    pub home_assistant: bool,
    pub console: bool,
}

impl Answers {
    /// What it is when nobody says anything else.
    pub fn of(template: &'static Template) -> Self {
        Self {
            template,
            name: HOSTNAME.to_owned(),
            broker: "auto".to_owned(),
            adapter: "auto".to_owned(),
            plaintext: false,
            home_assistant: false,
            console: false,
        }
    }

    /// The configuration. `random` makes its UUIDs; `schema` is where its JSON Schema is.
    pub fn configuration(&self, random: u128, schema: &str) -> String {
        let name = scalar(&self.name);
        let (adapter, broker) = (scalar(&self.adapter), scalar(&self.broker));
        let base = slug(&self.name);
        let client = match base == HOSTNAME {
            true => format!("bemo-sync-{HOSTNAME}"),
            false => format!("{base}-{HOSTNAME}"),
        };
        let head = kept(HEAD, |flag| match flag {
            "pairing" => self.template.pairs,
            "plaintext" => self.plaintext,
            "home_assistant" => self.home_assistant,
            "console" => self.console,
            _ => false,
        });
        let mut text = filled(
            &with_topics(&(head + self.template.text), &base),
            &[
                ("@SCHEMA@", schema),
                ("@ABOUT@", self.template.sentence),
                ("@NAME@", &name),
                ("@ADAPTER@", &adapter),
                ("@BROKER@", &broker),
                ("@CLIENT@", &scalar(&client)),
            ],
        );
        for number in 0..=0xF {
            text = text.replace(&format!("@UUID-{number:04X}@"), &uuid(random, number));
        }
        text
    }

    /// The tests beside it.
    pub fn tests(&self) -> String {
        let head = "# What this configuration promises: run it with `bemo-sync test`.\n\n";
        let base = match slug(&self.name) {
            hostname if hostname == HOSTNAME => TEST_HOST.to_owned(),
            name => name,
        };
        head.to_owned() + &with_topics(self.template.tests, &base)
    }

    /// What is wrong with the configuration that these make, and what to do about it.
    pub fn problem(&self) -> Option<String> {
        let text = self.configuration(0, "");
        let environment = |name: &str| std::env::var(name).ok();
        let host = Placeholders::of_this_host();
        let mistakes = load_str(Path::new("new.yaml"), &text, &environment, host).err()?;
        let first = mistakes.diagnostics.into_iter().next()?;
        Some(match first.help {
            Some(help) => format!("{}: {help}", first.message),
            None => first.message,
        })
    }
}

/// What this build knows and can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offers {
    pub home_assistant: bool,
    pub console: bool,
}

impl Offers {
    pub fn of_this_build() -> Self {
        let knows = |with: &dyn Fn(&mut Answers)| {
            let mut answers = Answers::of(&TEMPLATES[0]);
            with(&mut answers);
            answers.problem().is_none()
        };
        Self {
            home_assistant: knows(&|answers| answers.home_assistant = true),
            console: knows(&|answers| answers.console = true),
        }
    }
}

/// Lines that begin with `@flag@ ` stand there only where the flag is up, without it.
fn kept(text: &str, is_up: impl Fn(&str) -> bool) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let marked = line.strip_prefix('@').and_then(|rest| rest.split_once('@'));
        match marked {
            Some((flag, _)) if !is_up(flag) => continue,
            Some((_, rest)) => out.push_str(rest.strip_prefix(' ').unwrap_or(rest)),
            None => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

/// Fills topics in: `@TOPIC/number@` is `number` below this one.
fn with_topics(text: &str, base: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("@TOPIC/") {
        let (topic, after) = after.split_once('@').expect("a mark ends where it begins");
        out.push_str(before);
        out.push_str(&scalar(&format!("{base}/{topic}")));
        rest = after;
    }
    out + rest
}

/// Fills in from left to right, so that nothing is filled into what was.
fn filled(text: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::new();
    let mut rest = text;
    loop {
        let found = values.iter().filter_map(|(mark, value)| {
            let at = rest.find(mark)?;
            Some((at, *mark, *value))
        });
        let Some((at, mark, value)) = found.min_by_key(|(at, ..)| *at) else {
            return out + rest;
        };
        out.push_str(&rest[..at]);
        out.push_str(value);
        rest = &rest[at + mark.len()..];
    }
}

/// A random UUID (RFC 9562, 5.4) with this number at the end of its first group, as the parts of a service have it.
fn uuid(random: u128, number: u16) -> String {
    let mut bytes = random.to_be_bytes();
    bytes[2..4].copy_from_slice(&number.to_be_bytes());
    Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// A text as YAML that is read as that text. Placeholders of ours stay what they are.
fn scalar(text: &str) -> String {
    let is_plain = text
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || " -_.:/".contains(c))
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !text.ends_with([' ', ':'])
        && !text.contains(": ");
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    if is_plain && !words.contains(&text.to_lowercase().as_str()) {
        return text.to_owned();
    }
    let text = text.replace("${", "$${");
    serde_json::to_string(&text).expect("a text is JSON")
}

/// A name as a part of a topic.
fn slug(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<String> = words
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    match words.join("-") {
        nothing if nothing.is_empty() => "device".to_owned(),
        _ if name == HOSTNAME => HOSTNAME.to_owned(),
        slug => slug,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_device_is_called_it_is_called_that() {
        for name in [
            "Kitchen",
            "Kitchen Lamp",
            "yes",
            "7",
            "a: b",
            "it's \"so\" # no comment",
            "${HOME}",
            "Küche",
            "@BROKER@",
            "- x",
            "trailing ",
        ] {
            let answers = Answers {
                name: name.to_owned(),
                ..Answers::of(&TEMPLATES[0])
            };
            let text = answers.configuration(7, "none");
            let host = Placeholders::new(Vec::new());
            let loaded = load_str(
                Path::new("new.yaml"),
                &text.replace("-{hostname}", ""),
                &|_| None,
                host,
            );
            let plan = loaded.unwrap_or_else(|mistakes| panic!("{mistakes}")).plan;
            assert_eq!(plan.device_name, name);
        }
    }

    #[test]
    fn an_identifier_is_random_but_for_its_number() {
        let random = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef;
        assert_eq!(uuid(random, 0), "01230000-89ab-4def-8123-456789abcdef");
        assert_eq!(uuid(random, 0xA), "0123000a-89ab-4def-8123-456789abcdef");
    }
}
