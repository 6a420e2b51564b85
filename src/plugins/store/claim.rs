//! That a file of values is ours alone: two processes that both write it would destroy what the other keeps.
//!
//! The file itself is replaced now and then, so what is locked is another beside it, `….lock`. It stays there:
//! whoever removed it could take it from under somebody who is about to lock it. The lock itself ends with
//! the process, however that ends.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// Lasts until it is dropped.
#[derive(Debug)]
pub(super) struct Claim {
    _locked: File,
}

/// Why a file cannot be claimed.
#[derive(Debug)]
pub(super) enum Unclaimed {
    /// Somebody else has. Who, as they say.
    Taken(String),
    /// It cannot be told.
    Failed(io::Error),
}

impl Claim {
    /// Claims a file, which need not be there, and removes what a process that was killed has left of it.
    pub(super) fn on(path: &Path) -> Result<Self, Unclaimed> {
        let path = real(path);
        let lock = open(&path, &beside(&path, ".lock")).map_err(Unclaimed::Failed)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(Unclaimed::Taken(holder(&lock))),
            Err(error) => return Err(Unclaimed::Failed(error.into())),
        }
        // Only for people, so that it does not matter whether it works.
        let _ = lock.set_len(0);
        let _ = (&lock).write_all(format!("{}\n", process::id()).as_bytes());
        sweep(&path);
        Ok(Self { _locked: lock })
    }
}

fn open(path: &Path, lock: &Path) -> io::Result<File> {
    // Opening a pipe could wait for somebody at its other end.
    match fs::metadata(lock) {
        Ok(found) if !found.is_file() => {
            let lock = lock.display();
            return Err(io::Error::other(format!("{lock} is not an ordinary file")));
        }
        Ok(_) | Err(_) => {}
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory(path))?;
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(lock)
}

fn holder(mut lock: &File) -> String {
    let mut said = [0; 20];
    let length = lock.read(&mut said).unwrap_or(0);
    let number = str::from_utf8(&said[..length]).map(|text| text.trim().parse::<u32>());
    match number {
        Ok(Ok(pid)) => format!("another process (PID {pid})"),
        Ok(Err(_)) | Err(_) => "another process".to_owned(),
    }
}

/// What was to become the file and never did. It holds values, so it does not stay.
fn sweep(path: &Path) {
    let Some(name) = path.file_name() else { return };
    let entries = fs::read_dir(directory(path)).into_iter().flatten();
    for entry in entries.flatten() {
        let found = entry.file_name();
        let rest = found.as_encoded_bytes();
        let rest = rest.strip_prefix(name.as_encoded_bytes());
        let middle = rest.and_then(|rest| rest.strip_prefix(b".")?.strip_suffix(b".new"));
        if middle.is_some_and(|it| it.iter().all(|c| c.is_ascii_digit() || *c == b'-')) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Where a file is, with no link in its place: a link stays one, and what it names is meant.
pub(super) fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(ending);
    PathBuf::from(name)
}

pub(super) fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

impl From<Unclaimed> for io::Error {
    fn from(unclaimed: Unclaimed) -> Self {
        match unclaimed {
            Unclaimed::Taken(by) => {
                Self::new(ErrorKind::WouldBlock, format!("{by} keeps values there"))
            }
            Unclaimed::Failed(error) => error,
        }
    }
}
