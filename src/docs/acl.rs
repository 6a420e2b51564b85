//! An access control list for mosquitto (`acl_file`, see mosquitto.conf(5)): exactly what a configuration
//! publishes and takes.

use std::collections::BTreeMap;
use std::fmt;

use super::{brokers, topics};
use crate::plan::Plan;
use crate::plugin::Direction;

/// Mosquitto reads no more of a line.
const LINE_MAX: usize = 1000;

/// Something that such a file cannot name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unspeakable {
    what: &'static str,
    text: String,
}

impl std::error::Error for Unspeakable {}

impl fmt::Display for Unspeakable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, text } = self;
        write!(
            f,
            "an acl_file cannot name the {what} {text:?}: no spaces at its ends, no line breaks, and \
             {LINE_MAX} bytes at most"
        )
    }
}

/// The file.
///
/// # Errors
/// When a topic or a user is declared that cannot stand in it.
pub fn acl(plan: &Plan) -> Result<String, Unspeakable> {
    let mut out = String::from(
        "# What this configuration publishes (write) and takes (read), and nothing else. For mosquitto:\n\
         # `acl_file`, see mosquitto.conf(5). Written by `bemo-sync docs --acl`.\n",
    );
    let brokers = brokers(plan);
    match brokers.iter().find_map(|broker| broker.username.as_deref()) {
        Some(user) => out.push_str(&format!("user {}\n", speakable("user", user)?)),
        None => out.push_str(
            "# No `username` is declared: these lines are for clients without one. Where the name comes from\n\
             # a certificate (`use_identity_as_username`), put a line `user NAME` before them.\n",
        ),
    }
    let mut access: BTreeMap<String, (bool, bool)> = BTreeMap::new();
    for doc in topics(plan) {
        let (read, write) = access.entry(doc.topic).or_default();
        match doc.direction {
            Direction::Subscribe => *read = true,
            Direction::Publish => *write = true,
        }
    }
    for (topic, (read, write)) in &access {
        let word = match (read, write) {
            (true, true) => "readwrite",
            (true, false) => "read",
            (false, _) => "write",
        };
        out.push_str(&format!("topic {word} {}\n", speakable("topic", topic)?));
    }
    Ok(out)
}

/// A text that is what it is to the end of its line, and begins none of its own.
fn speakable<'a>(what: &'static str, text: &'a str) -> Result<&'a str, Unspeakable> {
    let is_cut = text.trim() != text || text.is_empty() || text.len() > LINE_MAX;
    match is_cut || text.chars().any(char::is_control) {
        false => Ok(text),
        true => Err(Unspeakable {
            what,
            text: text.to_owned(),
        }),
    }
}
