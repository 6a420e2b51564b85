//! The file as such: read whole, and replaced whole, so that it is at any moment the one or the other.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Thousands of values of 512 octets each do not get there.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

pub(super) struct Disk {
    path: PathBuf,
    /// There is something that nobody could read, and that must not be lost.
    unread: bool,
}

impl Disk {
    pub(super) fn new(path: PathBuf) -> Self {
        let unread = false;
        Self { path, unread }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What the file holds; `None` if there is none.
    ///
    /// # Errors
    /// When there may be one and it cannot be read.
    pub(super) fn read(&mut self) -> io::Result<Option<Vec<u8>>> {
        match self.bytes() {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => {
                self.unread = true;
                Err(error)
            }
            Ok(bytes) => Ok(Some(bytes)),
        }
    }

    fn bytes(&self) -> io::Result<Vec<u8>> {
        self.check_kind()?;
        let mut bytes = Vec::new();
        let mut file = File::open(&self.path)?.take(MAX_BYTES + 1);
        file.read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(io::Error::other("it is too large"));
        }
        Ok(bytes)
    }

    /// Opening a pipe would wait, and a device or a folder is not ours to replace.
    fn check_kind(&self) -> io::Result<()> {
        match fs::metadata(&self.path)?.is_file() {
            true => Ok(()),
            false => Err(io::Error::other("it is not an ordinary file")),
        }
    }

    /// Gives the file a name that nothing has: `….broken-1`.
    ///
    /// # Errors
    /// When that cannot be done. Then nothing is written until it can.
    pub(super) fn move_away(&mut self) -> io::Result<PathBuf> {
        self.unread = true;
        self.check_kind()?;
        let mut number = 1_u32;
        let moved = loop {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".broken-{number}"));
            let candidate = PathBuf::from(name);
            match fs::symlink_metadata(&candidate) {
                Err(error) if error.kind() == ErrorKind::NotFound => break candidate,
                Err(error) => return Err(error),
                Ok(_) => number += 1,
            }
        };
        fs::rename(&self.path, &moved)?;
        self.unread = false;
        Ok(moved)
    }

    /// Replaces the file. After a power cut it is there as it was before or as it is now. What nobody could
    /// read is moved away first, to the path that this returns.
    ///
    /// # Errors
    /// When that cannot be done. The file is then as it was.
    pub(super) fn write(&mut self, text: &str) -> io::Result<Option<PathBuf>> {
        let moved = match self.check_kind() {
            Ok(()) if self.unread => Some(self.move_away()?),
            Ok(()) => None,
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        // A link stays one, and what it names is replaced.
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let directory = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)?;
        let mut name = path.clone().into_os_string();
        name.push(".new");
        let fresh = PathBuf::from(name);
        let written = write_anew(&fresh, text).and_then(|()| fs::rename(&fresh, &path));
        if written.is_err() {
            let _ = fs::remove_file(&fresh);
        }
        written?;
        self.unread = false;
        File::open(directory)?.sync_all()?;
        Ok(moved)
    }
}

/// A file that only this user can read, and that is on the disk when this returns.
fn write_anew(path: &Path, text: &str) -> io::Result<()> {
    // Left by a process that was killed, or put there by somebody: not ours to write into.
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
