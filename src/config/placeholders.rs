//! `{hostname}` and the like, in names and topics.

use std::fs;

use super::diagnose::nearest;

/// What the host has to say about itself.
#[derive(Clone, Debug)]
pub struct Placeholders {
    values: Vec<(&'static str, String)>,
}

/// A placeholder that nobody knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownPlaceholder {
    pub message: String,
    pub help: String,
}

impl Placeholders {
    /// The host name and the machine id of this host.
    pub fn of_this_host() -> Self {
        let read = |path| {
            fs::read_to_string(path)
                .map(|text| text.trim().to_owned())
                .ok()
        };
        let hostname = read("/proc/sys/kernel/hostname")
            .or_else(|| std::env::var("HOSTNAME").ok())
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| "localhost".to_owned());
        let machine_id = read("/etc/machine-id").unwrap_or_default();
        Self::new(vec![("hostname", hostname), ("machine_id", machine_id)])
    }

    pub fn new(values: Vec<(&'static str, String)>) -> Self {
        Self { values }
    }

    /// These and one more.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: String) -> Self {
        self.values.push((name, value));
        self
    }

    /// The text with every `{word}` replaced. Braces around anything but a word stay as they are.
    ///
    /// # Errors
    /// The first word that is not known, and which are.
    pub fn expand(&self, text: &str, more: &[(&str, &str)]) -> Result<String, UnknownPlaceholder> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, word, after)) = next_word(rest) {
            out.push_str(before);
            let value = self
                .values
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .chain(more.iter().copied())
                .find(|(name, _)| *name == word);
            match value {
                Some((_, value)) => out.push_str(value),
                None => return Err(self.unknown(word, more)),
            }
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    fn unknown(&self, word: &str, more: &[(&str, &str)]) -> UnknownPlaceholder {
        let names: Vec<&str> = self
            .values
            .iter()
            .map(|(name, _)| *name)
            .chain(more.iter().map(|(name, _)| *name))
            .collect();
        let help = match nearest(word, names.iter().copied()) {
            Some(near) => format!("did you mean `{{{near}}}`?"),
            None => {
                let known: Vec<_> = names.iter().map(|name| format!("`{{{name}}}`")).collect();
                format!("known here: {}", known.join(", "))
            }
        };
        UnknownPlaceholder {
            message: format!("nothing is known as `{{{word}}}`"),
            help,
        }
    }
}

/// What stands before the next `{word}`, the word, and what stands after it.
fn next_word(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let open = from + text[from..].find('{')?;
        let inner = &text[open + 1..];
        let end = inner
            .find(|c: char| !(c.is_ascii_lowercase() || c == '_'))
            .unwrap_or(inner.len());
        if end > 0 && inner[end..].starts_with('}') {
            return Some((&text[..open], &inner[..end], &inner[end + 1..]));
        }
        from = open + 1;
    }
}
