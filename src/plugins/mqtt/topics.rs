//! What a topic may be (MQTT 3.1.1, 1.5.3 and 4.7).

/// The longest topic, in bytes.
const MAX_LENGTH: usize = 65_535;

/// What is wrong with a topic that is to be published on.
///
/// # Errors
/// What is wrong with it, and what to write instead.
pub fn check(topic: &str) -> Result<(), (String, &'static str)> {
    if topic.is_empty() {
        return Err((
            "the topic is empty".to_owned(),
            "name one, as in `number/changed`",
        ));
    }
    if topic.len() > MAX_LENGTH {
        let message = format!("a topic of {} bytes", topic.len());
        return Err((message, "MQTT allows 65535 bytes"));
    }
    if let Some(wildcard) = topic.chars().find(|c| matches!(c, '+' | '#')) {
        let help = "name one topic: wildcards are for those who subscribe to many";
        return Err((format!("`{wildcard}` is a wildcard"), help));
    }
    if let Some(wrong) = topic
        .chars()
        .find(|&c| c.is_control() || is_noncharacter(c))
    {
        let message = format!(
            "the topic contains the character U+{:04X}",
            u32::from(wrong)
        );
        return Err((message, "remove it: brokers close the connection over it"));
    }
    if topic.starts_with('$') {
        let help = "remove the `$`: a broker speaks of itself there, as in `$SYS/…`";
        return Err((
            "topics that begin with `$` belong to the broker".to_owned(),
            help,
        ));
    }
    Ok(())
}

/// Whether a code point can never be a character (Unicode 23.7).
fn is_noncharacter(c: char) -> bool {
    let code = u32::from(c);
    (0xFDD0..=0xFDEF).contains(&code) || code & 0xFFFE == 0xFFFE
}
