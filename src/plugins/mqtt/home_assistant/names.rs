//! Pure: what things are called in Home Assistant, for people and for machines.

use super::flow::Flow;

/// The name of a value, and of the field of it.
pub(super) fn full_name(name: &str, flow: &Flow<'_>) -> String {
    let parts = flow.leaf.path.iter().map(|part| part.replace('_', " "));
    let all: Vec<String> = [name.to_owned()].into_iter().chain(parts).collect();
    all.join(" ")
}

/// What an entity is called at first, after its kind; whoever renames it there keeps that.
pub(super) fn entity_id(device: &str, name: Option<&str>) -> Option<String> {
    let parts = [Some(device), name].into_iter().flatten().map(slug);
    let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join("_"))
}

/// Letters and digits, with one `_` where there is anything else between them.
pub(super) fn slug(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<String> = words
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.join("_")
}

/// A UUID without what is between its digits.
pub(super) fn short_of(uuid: &str) -> String {
    let uuid = uuid.strip_prefix("0x").unwrap_or(uuid);
    uuid.replace('-', "").to_lowercase()
}

/// What identifies a device on a topic, made of a text: letters, digits, `-` and `_` stay. Two texts never
/// make the same.
pub(in crate::plugins::mqtt) fn identity(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if text.chars().all(is_plain) {
        return text.to_owned();
    }
    let replaced: String = text
        .chars()
        .map(|c| if is_plain(c) { c } else { '_' })
        .collect();
    format!("{replaced}-{:08x}", crc32fast::hash(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_identifies_a_device_can_stand_in_a_topic() {
        assert_eq!(identity("lamp-1_b"), "lamp-1_b");
        assert_eq!(identity("lamp.1"), "lamp_1-adc27ee7");
        assert_ne!(identity("lamp.1"), identity("lamp 1"));
    }
}
