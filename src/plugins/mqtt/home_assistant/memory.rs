//! Under which topics this configuration has told Home Assistant of itself, in a small file: what the broker
//! keeps there has to go when the device is called otherwise, or is not to be shown any more.
//!
//! It is a help and no more. Without it nothing is taken away that is not on our own topic. It counts on the
//! host alone that has written it: a card that was copied into another one would take away what is the
//! first one's.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use tracing::debug;

/// Nobody has more names than these; what comes first goes first.
const MAX: usize = 64;

/// What is remembered, and where.
#[derive(Clone, Debug, Default)]
pub(in crate::plugins::mqtt) struct Memory {
    file: Option<PathBuf>,
    /// What tells this host from others.
    host: String,
    /// One writes at a time.
    known: Arc<Mutex<Vec<Place>>>,
}

/// A topic at a broker.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Place {
    broker: String,
    topic: String,
}

#[derive(Deserialize, Serialize)]
struct File {
    host: String,
    published: Vec<Place>,
}

impl Memory {
    pub(in crate::plugins::mqtt) fn new(file: Option<PathBuf>, host: &str) -> Self {
        Self {
            file,
            host: format!("{:08x}", crc32fast::hash(host.as_bytes())),
            known: Arc::default(),
        }
    }

    /// The topics at a broker that were ours and are not `own`, which is ours from now on.
    pub(in crate::plugins::mqtt) async fn begin(
        &self,
        broker: &str,
        own: Option<&str>,
    ) -> Vec<String> {
        let memory = self.clone();
        let broker = broker.to_owned();
        let own = own.map(str::to_owned);
        let begun = spawn_blocking(move || {
            let mut known = memory.read();
            let before = known.clone();
            if let Some(topic) = own.clone() {
                let place = Place {
                    broker: broker.clone(),
                    topic,
                };
                known.retain(|other| *other != place);
                known.push(place);
                known.drain(..known.len().saturating_sub(MAX));
            }
            if known != before {
                memory.write(&known);
            }
            let at_broker = known.iter().filter(|it| it.broker == broker);
            let obsolete = at_broker
                .filter(|it| own.as_deref() != Some(&it.topic))
                .map(|it| it.topic.clone())
                .collect();
            if let Ok(mut all) = memory.known.lock() {
                *all = known;
            }
            obsolete
        });
        begun.await.unwrap_or_default()
    }

    /// Nothing of ours is kept there any more.
    pub(in crate::plugins::mqtt) fn forget(&self, broker: &str, topic: &str) {
        let memory = self.clone();
        let place = Place {
            broker: broker.to_owned(),
            topic: topic.to_owned(),
        };
        spawn_blocking(move || {
            let Ok(mut known) = memory.known.lock() else {
                return;
            };
            let before = known.len();
            known.retain(|other| *other != place);
            if known.len() != before {
                memory.write(&known);
            }
        });
    }

    fn read(&self) -> Vec<Place> {
        let Some(path) = &self.file else {
            return Vec::new();
        };
        let read = fs::read(path).and_then(|bytes| Ok(serde_json::from_slice::<File>(&bytes)?));
        match read {
            Ok(file) if file.host == self.host => file.published,
            Ok(_) => Vec::new(),
            Err(error) => {
                debug!("{}: {error}", path.display());
                Vec::new()
            }
        }
    }

    fn write(&self, known: &[Place]) {
        let Some(path) = &self.file else { return };
        let written = match known.is_empty() {
            true => fs::remove_file(path),
            false => replace(path, &self.host, known),
        };
        if let Err(error) = written {
            debug!("{} cannot be written: {error}", path.display());
        }
    }
}

/// The old file or the new one is there, whatever happens.
fn replace(path: &Path, host: &str, known: &[Place]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    let file = File {
        host: host.to_owned(),
        published: known.to_vec(),
    };
    let mut new = path.to_owned().into_os_string();
    new.push(".new");
    let mut written = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?;
    written.write_all(&serde_json::to_vec(&file)?)?;
    written.sync_all()?;
    fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_ours_is_known_after_a_start_and_on_this_host_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = Some(directory.path().join("state/lamp.home-assistant"));
        let (a, b) = (
            "homeassistant/device/a/config",
            "homeassistant/device/b/config",
        );
        let begin = async |host: &str, broker: &str, own: Option<&str>| {
            Memory::new(file.clone(), host).begin(broker, own).await
        };
        assert_eq!(begin("pi", "x:1883", Some(a)).await, [""; 0]);
        assert_eq!(begin("pi", "x:1883", Some(a)).await, [""; 0]);
        assert_eq!(begin("pi", "x:1883", Some(b)).await, [a]);
        assert_eq!(begin("pi", "y:1883", Some(b)).await, [""; 0]);
        assert_eq!(begin("pi", "x:1883", None).await, [a, b]);
        assert_eq!(begin("copy", "x:1883", None).await, [""; 0]);
    }
}
