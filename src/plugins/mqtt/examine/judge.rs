//! Pure: what a broker's answers mean, and what to do about them.

use super::super::Settings;
use super::super::trouble::{Kind, Trouble};
use super::probe::Subscriptions;
use super::{NotTried, Publications, Seen, presence};
use crate::plugin::Finding;

const BROKER: &str = "broker";
const CLIENT_ID: &str = "client-id";
const SUBSCRIBE: &str = "subscribe";
const PUBLISH: &str = "publish";
/// More topics are counted.
const SHOWN_MAX: usize = 8;

/// As whom it was asked, besides.
pub(super) fn judge(
    settings: &Settings,
    asked_as: &str,
    subscribed: &[String],
    seen: &Seen,
) -> Vec<Finding> {
    let (version, subscriptions, publications) = match seen {
        Seen::Not(trouble) if trouble.is_nobody && settings.auto && cfg!(feature = "broker") => {
            let address = &settings.address;
            let says = format!(
                "nothing listens on {address}: an embedded broker will, for this machine only"
            );
            return vec![Finding::ok(BROKER, says)];
        }
        Seen::Not(trouble) => {
            let says = "what may be published and heard is known when the broker lets us in";
            return vec![
                unreachable(settings, trouble),
                Finding::skipped(SUBSCRIBE, says),
            ];
        }
        Seen::Connected {
            version,
            subscriptions,
            publications,
        } => (version, subscriptions, publications),
    };
    let mut findings = vec![reached(settings, version.as_deref())];
    match subscriptions {
        Ok(subscriptions) => {
            findings.push(client_id(settings, subscriptions));
            findings.extend(heard(
                asked_as,
                subscribed,
                subscriptions,
                version.as_deref(),
            ));
        }
        Err(trouble) => {
            let says = format!("while it was asked what may be heard: {trouble}");
            findings.push(Finding::fail(SUBSCRIBE, says).fix(look_into_log()));
        }
    }
    findings.push(told(asked_as, publications));
    findings
}

fn reached(settings: &Settings, version: Option<&str>) -> Finding {
    let Settings { address, tls, .. } = settings;
    let mut says = format!("{address} lets us in");
    if let Some((user, _)) = &settings.credentials {
        says += &format!(" as the user `{user}`");
    }
    if tls.is_some() {
        says += ", encrypted";
    }
    if let Some(version) = version {
        let version: String = version
            .chars()
            .filter(|c| !c.is_control())
            .take(60)
            .collect();
        says += &format!("; it is {version}");
    }
    Finding::ok(BROKER, says)
}

fn unreachable(settings: &Settings, trouble: &Trouble) -> Finding {
    let address = &settings.address;
    let (host, port) = (&address.host, address.port);
    let says = format!("no connection to the MQTT broker at {address}: {trouble}");
    let fix = match trouble.kind {
        Kind::Unreachable if address.is_loopback() => {
            "sudo systemctl enable --now mosquitto; systemctl status mosquitto".to_owned()
        }
        Kind::Unreachable => {
            let host = quoted(host);
            format!("nc -vz {host} {port}; on that machine: systemctl status mosquitto")
        }
        Kind::Name => format!("getent hosts {}", quoted(host)),
        Kind::Tls => {
            let (address, host) = (quoted(&address.to_string()), quoted(host));
            format!("openssl s_client -connect {address} -servername {host} </dev/null")
        }
        Kind::Credentials => {
            let user = settings
                .credentials
                .as_ref()
                .map_or("USER", |(user, _)| user);
            let user = quoted(user);
            format!(
                "on the broker's machine: sudo mosquitto_passwd /etc/mosquitto/passwd {user}; sudo systemctl reload \
                 mosquitto"
            )
        }
        Kind::Refused | Kind::Protocol => look_into_log().to_owned(),
    };
    Finding::fail(BROKER, says).fix(fix)
}

/// A text of the configuration as a shell takes it for one word, whatever is in it.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:".contains(c);
    match !text.is_empty() && !text.starts_with('-') && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

fn look_into_log() -> &'static str {
    "look into the broker's log, on its machine: journalctl -u mosquitto -e"
}

/// Nobody can ask for that; but a client with this id may say so.
fn client_id(settings: &Settings, subscriptions: &Subscriptions) -> Finding {
    if let Some(birth) = presence(settings) {
        let mut came = subscriptions
            .came
            .iter()
            .filter(|(topic, _)| *topic == birth.topic);
        let says_so = came.any(|(_, payload)| *payload == birth.payload);
        let (id, topic) = (&settings.client_id, &birth.topic);
        let says = match says_so {
            true => format!(
                "a client is `{id}` already, as `{topic}` says: right, if that is this program at work"
            ),
            false => format!("no client says that it is `{id}`, on `{topic}`"),
        };
        return Finding::ok(CLIENT_ID, says);
    }
    let says = format!(
        "whether another client is `{}` too cannot be asked without driving it out",
        settings.client_id
    );
    Finding::skipped(CLIENT_ID, says)
}

fn heard(
    asked_as: &str,
    topics: &[String],
    subscriptions: &Subscriptions,
    version: Option<&str>,
) -> Vec<Finding> {
    let refused = &subscriptions.refused;
    if !refused.is_empty() {
        let says = format!(
            "the broker does not grant {}{}",
            listed(refused),
            rules(asked_as)
        );
        return vec![Finding::fail(SUBSCRIBE, says).fix(access("read"))];
    }
    if topics.is_empty() {
        return vec![Finding::ok(SUBSCRIBE, "no topic has to be heard")];
    }
    let proven = subscriptions.proven(topics).count();
    let granted = format!("the broker grants {}", counted(topics.len()));
    if version.is_some_and(|it| !it.starts_with("mosquitto")) {
        return vec![Finding::ok(SUBSCRIBE, granted)];
    }
    if proven == topics.len() {
        return vec![Finding::ok(
            SUBSCRIBE,
            format!("{granted}, and something came from each"),
        )];
    }
    let open: Vec<String> = {
        let proven: Vec<&String> = subscriptions.proven(topics).collect();
        let open = topics.iter().filter(|topic| !proven.contains(topic));
        open.cloned().collect()
    };
    let says = format!(
        "whether messages come on {} cannot be known before one does: mosquitto grants everything and keeps back what \
         its acl_file does not allow",
        listed(&open)
    );
    vec![
        Finding::ok(SUBSCRIBE, granted),
        Finding::skipped(SUBSCRIBE, says),
    ]
}

fn told(asked_as: &str, publications: &Publications) -> Finding {
    let why = match publications {
        Publications::Tried { refused, count } if refused.is_empty() => {
            return Finding::ok(
                PUBLISH,
                format!("the broker takes messages on {}", counted(*count)),
            );
        }
        Publications::Tried { refused, .. } => {
            let says = format!(
                "the broker refuses messages on {}{}; with MQTT 3.1.1 it would not say so",
                listed(refused),
                rules(asked_as)
            );
            return Finding::fail(PUBLISH, says).fix(access("write"));
        }
        Publications::NotTried(why) => why,
    };
    match why {
        NotTried::NothingToPublish => Finding::ok(PUBLISH, "no topic has to be published on"),
        NotTried::MightBeHeard => {
            let says = "what may be published was not tried: this broker may hand it out (mosquitto 2 is known not to, and \
                says on `$SYS/broker/version` what it is, if its rules let us read that)";
            let fix = "bemo-sync doctor --publish\n# sends an empty message, not retained, to each topic; others may hear it";
            Finding::skipped(PUBLISH, says).fix(fix)
        }
        NotTried::NoVersion5(problem) => {
            let says = format!(
                "what may be published cannot be known: with MQTT 3.1.1 a broker does not say that it refuses, and with \
                 MQTT 5 {problem}"
            );
            Finding::skipped(PUBLISH, says)
        }
        NotTried::NoQos2 => {
            let says = "what may be published was not tried: the broker takes no message of QoS 2, and any other would be \
                heard";
            Finding::skipped(PUBLISH, says)
        }
    }
}

fn access(word: &str) -> String {
    format!(
        "bemo-sync docs --acl\n# prints the lines for mosquitto's acl_file (`topic {word} …`); then, on the broker's \
         machine: sudo systemctl reload mosquitto"
    )
}

/// What else it may be.
fn rules(asked_as: &str) -> String {
    format!(" (asked as `{asked_as}`: rules for certain client ids do not count for that)")
}

fn counted(count: usize) -> String {
    match count {
        1 => "the topic that is declared".to_owned(),
        _ => format!("all {count} topics that are declared"),
    }
}

fn listed(topics: &[String]) -> String {
    let quoted: Vec<String> = topics.iter().map(|topic| format!("`{topic}`")).collect();
    match quoted.len() {
        count if count <= SHOWN_MAX => quoted.join(", "),
        count => format!(
            "{} and {} more",
            quoted[..SHOWN_MAX].join(", "),
            count - SHOWN_MAX
        ),
    }
}

#[cfg(test)]
mod tests;
