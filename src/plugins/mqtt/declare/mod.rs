//! From the section `mqtt` to what a connection needs, and everything that can be wrong with it.

mod broker;
mod documents;
mod home_assistant;
mod members;
mod overlaps;
mod topic;
mod values;

use std::time::Duration;

use super::Settings;
use super::binding::{Message, Topic};
use super::client::Kept;
use super::config::{MessageConfig, MqttConfig, PasswordConfig, Qos, TopicConfig};
use super::secret::Secret;
use super::table::Bindings;
use super::tidings::Told;
use super::{MqttLink, tls, topics};
use crate::config::{Interval, Lenient, NodeId, Spanned};
use crate::plugin::Configure;
use broker::Way;
use topic::{Reader, Says, Traffic, quality};
use values::Values;

const KEEP_ALIVE: Duration = Duration::from_secs(60);
/// The protocol carries whole seconds in 16 bits (MQTT 3.1.1, 3.1.2.10).
const KEEP_ALIVE_MAX: Duration = Duration::from_secs(u16::MAX as u64);
/// How long a broker may leave unanswered what it has to answer.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(4);
/// The longest pause between two attempts to reach it.
pub(super) const RETRY_WITHIN: Duration = Duration::from_secs(4);
/// Who wants to wait for longer does not want to know.
const PATIENCE: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(10 * 60);
/// The longest text in a packet, in bytes (MQTT 3.1.1, 1.5.3).
const MAX_TEXT: usize = u16::MAX as usize;

/// What is declared for MQTT; `None` if nothing is, or if something is wrong.
pub(super) fn declare(declared: &mut Configure<'_>) -> Option<MqttLink> {
    let is_declared = declared.declares("mqtt");
    let section = declared.section::<MqttConfig>("mqtt");
    let at = section.as_ref().map(|section| section.at);
    let config = section.map(|section| section.value).unwrap_or_default();
    let client_id = client_id(declared, &config);
    let qos = quality(declared, config.qos.as_ref()).unwrap_or_default();
    let mut traffic = Traffic::default();
    let mut reader = Reader {
        declared,
        client_id: &client_id,
        qos,
    };
    let values = Values::read(&mut reader, is_declared, &mut traffic);
    let documents = documents::read(&mut reader, &values, is_declared, &mut traffic);
    let told = Told {
        events: told(&mut reader, config.events.as_ref(), &mut traffic),
        rejected: told(&mut reader, config.rejected.as_ref(), &mut traffic),
    };
    let asked = values.asked;
    let bindings = Bindings::new(values.bindings, documents, told);
    let mut section = Section {
        declared,
        config: &config,
        at: at?,
        client_id,
        qos,
    };
    let mut settings = section.settings()?;
    section.check_messages(&settings, &bindings, &traffic);
    let home_assistant = section.home_assistant(&mut settings, &bindings, asked, &traffic);
    let memory = section.memory();
    Some(MqttLink {
        settings,
        bindings,
        home_assistant,
        memory,
        kept: Kept::default(),
    })
}

/// A topic on which something is told that is no value.
fn told(
    reader: &mut Reader<'_, '_>,
    config: Option<&Spanned<TopicConfig>>,
    traffic: &mut Traffic,
) -> Option<Topic> {
    let config = config?;
    let said = config.value.says(config.at);
    let topic = reader.topic(&said, false)?;
    if traffic.subscribes(&topic.name) {
        let help = "give it a topic of its own: what is told there would be taken for a value";
        reader.mistake(said.text.at, "a value is taken from this topic", help);
    }
    traffic.publish(reader.declared, &topic, said.text.at, true);
    Some(topic)
}

fn client_id(declared: &mut Configure<'_>, config: &MqttConfig) -> String {
    let Some(text) = &config.client_id else {
        let usual = declared.placeholders.expand("bemo-sync-{hostname}", &[]);
        return usual.unwrap_or_else(|_| "bemo-sync".to_owned());
    };
    let Some(client_id) = declared.expand(text, &[]) else {
        return "-".to_owned();
    };
    if client_id.is_empty() {
        let help = "choose a name that no other client of this broker has, or remove `client_id`";
        declared.mistake(text.at, "the client id is empty", help);
    } else if client_id.len() > MAX_TEXT || client_id.chars().any(char::is_control) {
        let help = "use letters, digits, `-` and `_`; every broker accepts 23 of them";
        declared.mistake(text.at, "no broker accepts this client id", help);
    }
    client_id
}

/// The section while it is looked through.
struct Section<'a, 'b> {
    declared: &'a mut Configure<'b>,
    config: &'a MqttConfig,
    at: NodeId,
    client_id: String,
    qos: Qos,
}

impl Section<'_, '_> {
    fn mistake(&mut self, at: NodeId, message: impl Into<String>, help: impl Into<String>) {
        self.declared.mistake(at, message, help);
    }

    /// Looks at every part before it gives up on one, so that all mistakes are said at once.
    fn settings(&mut self) -> Option<Settings> {
        let config = self.config;
        let birth = self.message(config.birth.as_ref());
        let will = self.message(config.will.as_ref());
        let keep_alive = self.keep_alive();
        let answer_within = self.patience(config.answer_within.as_ref(), ANSWER_WITHIN);
        let retry_within = self.patience(config.retry_within.as_ref(), RETRY_WITHIN);
        let credentials = self.credentials();
        let clean_session = self.clean_session();
        let way = self.broker();
        let Way {
            address,
            auto,
            tls,
            tls_files,
        } = way?;
        Some(Settings {
            address,
            auto,
            tls,
            tls_files,
            client_id: self.client_id.clone(),
            keep_alive: keep_alive?,
            answer_within: answer_within?,
            retry_within: retry_within?,
            clean_session,
            credentials: credentials?,
            birth: birth?,
            will: will?,
            has_secret_birth: self.is_secret(config.birth.as_ref()),
            has_secret_will: self.is_secret(config.will.as_ref()),
        })
    }

    fn keep_alive(&mut self) -> Option<Duration> {
        let Some(declared) = &self.config.keep_alive else {
            return Some(KEEP_ALIVE);
        };
        let Lenient(interval) = &declared.value;
        let help = "a number and `s`, `min` or `h`, from `1s` to `18h`";
        match interval {
            Ok(Interval(interval)) if interval.subsec_nanos() != 0 || interval.is_zero() => {
                self.mistake(declared.at, "MQTT counts this time in whole seconds", help);
            }
            Ok(Interval(interval)) if *interval > KEEP_ALIVE_MAX => {
                self.mistake(declared.at, "MQTT has no room for so long a time", help);
            }
            Ok(Interval(interval)) => return Some(Duration::from_secs(interval.as_secs())),
            Err(problem) => self.mistake(declared.at, problem, help),
        }
        None
    }

    fn patience(
        &mut self,
        declared: Option<&Spanned<Lenient<Interval>>>,
        usual: Duration,
    ) -> Option<Duration> {
        let Some(declared) = declared else {
            return Some(usual);
        };
        match &declared.value.0 {
            Ok(Interval(interval)) if PATIENCE.contains(interval) => return Some(*interval),
            Ok(_) => {
                let help = "a time from `1s` to `10min`";
                self.mistake(
                    declared.at,
                    "the broker cannot be waited for like that",
                    help,
                );
            }
            Err(problem) => self.mistake(declared.at, problem, "a time from `1s` to `10min`"),
        }
        None
    }

    fn clean_session(&mut self) -> bool {
        let Some(clean) = self.config.clean_session else {
            return true;
        };
        if !clean.value && self.config.client_id.is_none() {
            let help = "add `client_id: …`; the broker finds the session by it";
            self.mistake(
                clean.at,
                "a session that is kept needs a name that stays",
                help,
            );
        }
        clean.value
    }

    fn credentials(&mut self) -> Option<Option<(String, Secret)>> {
        let config = self.config;
        let password = match &config.password {
            None => Some(None),
            Some(password) => self.password(password).map(Some),
        };
        let Some(username) = &config.username else {
            if let Some(password) = &config.password {
                let help = "add `username: …`: MQTT has no password without one";
                self.mistake(password.at, "a password without a user name", help);
            }
            return Some(None);
        };
        if username.is_empty() || username.len() > MAX_TEXT || username.contains('\0') {
            let help = "write the name that the broker knows, or remove `username`";
            self.mistake(username.at, "this is no user name", help);
        }
        let password = password?.unwrap_or_else(|| Secret::new(String::new()));
        Some(Some((username.value.clone(), password)))
    }

    fn password(&mut self, password: &Spanned<PasswordConfig>) -> Option<Secret> {
        let secret = match &password.value {
            PasswordConfig::Text(secret) => secret.clone(),
            PasswordConfig::File(file) => {
                let path = self.declared.path(&file.file);
                let text = tls::read_small(&path).map_err(|error| error.to_string());
                let text = text.and_then(|text| {
                    String::from_utf8(text).map_err(|_| "it is not UTF-8".to_owned())
                });
                match text {
                    Ok(text) => Secret::new(text.lines().next().unwrap_or_default().to_owned()),
                    Err(problem) => {
                        let help = "paths are relative to the directory of this configuration";
                        let message = format!("the file cannot be read: {problem}");
                        self.mistake(file.file.at, message, help);
                        return None;
                    }
                }
            }
        };
        if secret.expose().is_empty() || secret.expose().len() > MAX_TEXT {
            let help = "give one of 1 to 65535 bytes, or remove `password`";
            self.mistake(password.at, "this is no password", help);
        }
        Some(secret)
    }

    fn message(&mut self, config: Option<&Spanned<MessageConfig>>) -> Option<Option<Message>> {
        let Some(config) = config else {
            return Some(None);
        };
        let more = [("client_id", self.client_id.as_str())];
        let topic = self.declared.expand(&config.topic, &more)?;
        if let Err((message, help)) = topics::check(&topic) {
            self.mistake(config.topic.at, message, help);
        }
        if config.payload.text.len() > MAX_TEXT {
            let help = "a will has 65535 bytes at most";
            self.mistake(config.payload.at, "this payload is too long", help);
        }
        Some(Some(Message {
            topic,
            payload: config.payload.text.clone().into_bytes(),
            qos: quality(self.declared, config.qos.as_ref()).unwrap_or(self.qos),
            retain: config.retain.unwrap_or(true),
        }))
    }

    fn is_secret(&self, config: Option<&Spanned<MessageConfig>>) -> bool {
        config.is_some_and(|config| self.declared.is_from_environment(config.payload.at))
    }

    /// What has to be true of birth, will and values together.
    fn check_messages(&mut self, settings: &Settings, bindings: &Bindings, traffic: &Traffic) {
        let declared = [
            (&self.config.birth, &settings.birth),
            (&self.config.will, &settings.will),
        ];
        for (config, message) in declared {
            if let (Some(config), Some(message)) = (config, message)
                && traffic.publishes(&message.topic)
            {
                let help = "give it a topic of its own: here it would stand for the value";
                self.mistake(config.topic.at, "a value is published on this topic", help);
            }
        }
        let messages = [&settings.birth, &settings.will];
        let exactly_once = bindings.publishes_exactly_once()
            || messages.iter().any(|message| {
                message
                    .as_ref()
                    .is_some_and(|it| it.qos == Qos::ExactlyOnce)
            });
        if let Some(clean) = self.config.clean_session
            && !clean.value
            && exactly_once
        {
            let help = "use `qos: 1`, or a clean session: a hand-over that a broken connection \
                cuts short cannot be taken up again";
            self.mistake(
                clean.at,
                "QoS 2 and a session that is kept do not go together",
                help,
            );
        }
    }
}
