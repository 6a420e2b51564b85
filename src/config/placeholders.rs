//! `{hostname}` and the like, in names, topics and constants.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::diagnose::nearest;

/// What the host has to say about itself.
#[derive(Clone, Debug)]
pub struct Placeholders {
    values: Vec<(&'static str, String)>,
    /// Where the paths of files start.
    directory: PathBuf,
}

/// What is read of a file: nothing that is meant as a name or a topic is longer.
const FILE_MAX: u64 = 64 * 1024;

/// No name, topic or constant is longer, be it filled in as often as it may.
const EXPANDED_MAX: usize = 128 * 1024;

/// A placeholder that nobody knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownPlaceholder {
    pub message: String,
    pub help: String,
}

impl Placeholders {
    /// The host name, the machine id and the MAC address of this host.
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
        // What systemd writes until it makes one.
        let machine_id = read("/etc/machine-id").filter(|id| id != "uninitialized");
        let machine_id = machine_id.unwrap_or_default();
        Self::new(vec![
            ("hostname", hostname),
            ("machine_id", machine_id),
            ("mac", mac_address().unwrap_or_default()),
        ])
    }

    pub fn new(values: Vec<(&'static str, String)>) -> Self {
        Self {
            values,
            directory: PathBuf::new(),
        }
    }

    /// With files that are looked for in this directory.
    #[must_use]
    pub fn beside(mut self, directory: &Path) -> Self {
        directory.clone_into(&mut self.directory);
        self
    }

    /// These and one more.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: String) -> Self {
        self.values.push((name, value));
        self
    }

    /// The text with every `{word}` replaced, and every `{file:path}` by what is in that file, without
    /// the white space around it. Braces around anything else stay as they are.
    ///
    /// # Errors
    /// The first word that is not known, and which are; the first file that cannot be read.
    pub fn expand(&self, text: &str, more: &[(&str, &str)]) -> Result<String, UnknownPlaceholder> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, word, after)) = next_word(rest) {
            out.push_str(before);
            out.push_str(&match word {
                Word::Name(name) => self.named(name, more)?,
                Word::File(path) => self.file(path)?.into(),
            });
            rest = after;
            if out.len() > EXPANDED_MAX {
                return Err(UnknownPlaceholder {
                    message: "with what is filled in this is longer than 128 KiB".to_owned(),
                    help: "nothing that is filled in is meant to be so long".to_owned(),
                });
            }
        }
        out.push_str(rest);
        Ok(out)
    }

    fn named<'a>(
        &'a self,
        name: &str,
        more: &[(&str, &'a str)],
    ) -> Result<Cow<'a, str>, UnknownPlaceholder> {
        let own = self
            .values
            .iter()
            .map(|(known, value)| (*known, value.as_str()));
        let mut known = own.chain(more.iter().copied());
        match known.find(|(known, _)| *known == name) {
            // With nothing in its place, all machines of one image would have one name.
            Some(("machine_id", "")) => Err(UnknownPlaceholder {
                message: "this machine has no machine id to put in the place of `{machine_id}`"
                    .to_owned(),
                help: "it is in `/etc/machine-id`; `systemd-machine-id-setup` makes one".to_owned(),
            }),
            Some((_, value)) => Ok(value.into()),
            None => Err(self.unknown(name, more)),
        }
    }

    fn file(&self, path: &str) -> Result<String, UnknownPlaceholder> {
        let unreadable = |problem: String| UnknownPlaceholder {
            message: format!("the file `{path}` cannot be read: {problem}"),
            help: "paths are relative to the directory of this configuration".to_owned(),
        };
        let mut text = String::new();
        File::open(self.directory.join(path))
            .and_then(|file| file.take(FILE_MAX).read_to_string(&mut text))
            .map_err(|error| unreadable(error.to_string()))?;
        // The device tree ends its texts with a zero.
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        if text.is_empty() {
            return Err(UnknownPlaceholder {
                message: format!("the file `{path}` is empty"),
                help: "what is in it is put in the place of the braces".to_owned(),
            });
        }
        Ok(text.to_owned())
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

/// What can stand in braces.
enum Word<'a> {
    Name(&'a str),
    File(&'a str),
}

/// What stands before the next `{word}`, the word, and what stands after it.
fn next_word(text: &str) -> Option<(&str, Word<'_>, &str)> {
    let mut from = 0;
    loop {
        let open = from + text[from..].find('{')?;
        let inner = &text[open + 1..];
        if let Some(path) = inner.strip_prefix("file:")
            && let Some(end) = path.find('}')
        {
            return Some((&text[..open], Word::File(&path[..end]), &path[end + 1..]));
        }
        let end = inner
            .find(|c: char| !(c.is_ascii_lowercase() || c == '_'))
            .unwrap_or(inner.len());
        if end > 0 && inner[end..].starts_with('}') {
            return Some((&text[..open], Word::Name(&inner[..end]), &inner[end + 1..]));
        }
        from = open + 1;
    }
}

/// The address of the first network interface that is a device, in twelve digits: what is printed on
/// the box, more often than not.
fn mac_address() -> Option<String> {
    let interfaces = fs::read_dir("/sys/class/net").ok()?;
    let mut devices: Vec<PathBuf> = interfaces
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("device").exists())
        .collect();
    devices.sort();
    devices.iter().find_map(|path| {
        let address = fs::read_to_string(path.join("address")).ok()?;
        let digits = address.trim().replace(':', "");
        (digits.len() == 12).then_some(digits)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_stands_for_what_is_in_it() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("serial"), "  10000000abcdef\0\n").expect("a file");
        let placeholders =
            Placeholders::new(vec![("mac", "b827eb000001".to_owned())]).beside(directory.path());
        let expanded = placeholders.expand("pi-{mac}/{file:serial}/{not a word}", &[]);
        assert_eq!(
            expanded.as_deref(),
            Ok("pi-b827eb000001/10000000abcdef/{not a word}")
        );
        let missing = placeholders
            .expand("{file:nowhere}", &[])
            .expect_err("no such file");
        assert!(
            missing.message.contains("`nowhere` cannot be read"),
            "{}",
            missing.message
        );
    }

    #[test]
    fn what_is_not_there_stands_for_nothing_and_not_for_no_text() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("serial"), " \n").expect("a file");
        let placeholders = Placeholders::new(vec![("machine_id", String::new())]);
        let placeholders = placeholders.beside(directory.path());
        for (text, says) in [
            ("box-{machine_id}", "this machine has no machine id"),
            ("box-{file:serial}", "the file `serial` is empty"),
        ] {
            let problem = placeholders
                .expand(text, &[])
                .expect_err("all boxes would be one");
            assert!(problem.message.contains(says), "{}", problem.message);
        }
    }

    #[test]
    fn a_misspelt_word_is_answered_with_the_one_that_was_meant() {
        let placeholders = Placeholders::new(vec![("hostname", "pi".to_owned())]);
        let unknown = placeholders
            .expand("{hostnam}", &[])
            .expect_err("no such word");
        assert_eq!(unknown.help, "did you mean `{hostname}`?");
    }
}
