//! The file as such: read whole, appended to, and replaced whole, so that it is at any moment the one or the
//! other.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process;

use super::claim::{Claim, Unclaimed, beside, directory, real};

/// What this program writes does not get there: 65,535 events of 512 octets each are an eighth of it.
const MAX_BYTES: u64 = 512 * 1024 * 1024;

/// What has become of the file.
#[derive(Debug)]
pub(super) struct Outcome {
    /// What nobody could read stood there, and is here now, however the rest went.
    pub(super) moved: Option<PathBuf>,
    pub(super) written: Result<(), Unwritten>,
}

/// Why a text is not on the disk for certain.
#[derive(Debug)]
pub(super) enum Unwritten {
    /// The file is as it was.
    Before(io::Error),
    /// The file is as it should be, but after a power cut it may be as it was.
    Unsure(io::Error),
}

pub(super) struct Disk {
    path: PathBuf,
    /// Without it nothing is written.
    claim: Option<Claim>,
    /// By whom it was found taken. Whatever they have written there since, this process has not read, so it is
    /// theirs for as long as this process runs.
    taken: Option<String>,
    /// Has the names in a directory put on the disk.
    sync: fn(&Path) -> io::Result<()>,
    /// How many files have been written.
    written: u64,
    /// There is something that nobody could read, and that must not be lost.
    unread: bool,
    /// What is appended to: the file that was written here last.
    open: Option<File>,
}

impl Disk {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            claim: None,
            taken: None,
            sync: |directory| File::open(directory)?.sync_all(),
            written: 0,
            unread: false,
            open: None,
        }
    }

    /// Makes the file ours.
    ///
    /// # Errors
    /// When it is somebody else's, or nobody can tell.
    pub(super) fn claim(&mut self) -> Result<(), Unclaimed> {
        if self.claim.is_some() {
            return Ok(());
        }
        if let Some(by) = &self.taken {
            return Err(Unclaimed::Taken(by.clone()));
        }
        let claimed = Claim::on(&self.path);
        if let Err(Unclaimed::Taken(by)) = &claimed {
            self.taken = Some(by.clone());
        }
        self.claim = Some(claimed?);
        Ok(())
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
        let moved = self.free_name()?;
        fs::rename(&self.path, &moved)?;
        self.unread = false;
        Ok(moved)
    }

    /// Gives the file a second name that nothing has. It stays where it is until a new one takes its place, so
    /// that there is one at any moment.
    ///
    /// # Errors
    /// When that cannot be done.
    pub(super) fn copy_away(&self) -> io::Result<PathBuf> {
        let (path, copy) = (real(&self.path), self.free_name()?);
        match fs::hard_link(&path, &copy) {
            Ok(()) => {}
            // Not every file system has links.
            Err(_) => drop(fs::copy(&path, &copy)?),
        }
        Ok(copy)
    }

    fn free_name(&self) -> io::Result<PathBuf> {
        let mut number = 1_u32;
        loop {
            let candidate = beside(&self.path, &format!(".broken-{number}"));
            match fs::symlink_metadata(&candidate) {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(candidate),
                Err(error) => return Err(error),
                Ok(_) => number += 1,
            }
        }
    }

    /// Appends to what was written last, on the disk when this returns if that is wanted. After a failure
    /// nobody knows what is there: then it has to be written anew.
    ///
    /// # Errors
    /// When that cannot be done, or the file is not the one any more that was written last.
    pub(super) fn append(&mut self, text: &str, sync: bool) -> io::Result<()> {
        let appended = self.append_to_open(text, sync);
        if appended.is_err() {
            self.open = None;
        }
        appended
    }

    fn append_to_open(&mut self, text: &str, sync: bool) -> io::Result<()> {
        let Some(mut file) = self.open.as_ref() else {
            return Err(io::Error::other("it has to be written anew"));
        };
        let (ours, found) = (file.metadata()?, fs::metadata(&self.path)?);
        if (ours.dev(), ours.ino()) != (found.dev(), found.ino()) {
            self.unread = true;
            return Err(io::Error::other("somebody else has replaced it"));
        }
        let length = ours.len();
        let written = file.write_all(text.as_bytes());
        let written = written.and_then(|()| match sync {
            true => file.sync_data(),
            false => Ok(()),
        });
        if written.is_err() {
            // Half a line would take the next one with it.
            let _ = file.set_len(length);
        }
        written
    }

    /// Replaces the file. After a power cut it is there as it was before or as it is now. What nobody could
    /// read is moved away first.
    pub(super) fn write(&mut self, text: &str) -> Outcome {
        let mut moved = None;
        let written = match self.replace(text, &mut moved) {
            Ok(path) => (self.sync)(directory(&path)).map_err(Unwritten::Unsure),
            Err(error) => Err(Unwritten::Before(error)),
        };
        Outcome { moved, written }
    }

    fn replace(&mut self, text: &str, moved: &mut Option<PathBuf>) -> io::Result<PathBuf> {
        self.claim()?;
        match self.check_kind() {
            Ok(()) if self.unread => *moved = Some(self.move_away()?),
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let path = real(&self.path);
        let (file, fresh) = self.write_anew(&path, text)?;
        if let Err(error) = fs::rename(&fresh, &path) {
            let _ = fs::remove_file(&fresh);
            return Err(error);
        }
        self.unread = false;
        self.open = Some(file);
        Ok(path)
    }

    /// A file that only this user can read, and that is on the disk when this returns. Its name is one that
    /// nothing has: what somebody put there is not ours to write into.
    fn write_anew(&mut self, path: &Path, text: &str) -> io::Result<(File, PathBuf)> {
        let mut options = OpenOptions::new();
        options.append(true).create_new(true).mode(0o600);
        let (mut file, fresh) = loop {
            self.written += 1;
            let fresh = beside(path, &format!(".{}-{}.new", process::id(), self.written));
            match options.open(&fresh) {
                Ok(file) => break (file, fresh),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        };
        let written = file.write_all(text.as_bytes());
        if let Err(error) = written.and_then(|()| file.sync_all()) {
            drop(file);
            let _ = fs::remove_file(&fresh);
            return Err(error);
        }
        Ok((file, fresh))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_moved_and_what_is_written_is_told_also_when_the_last_step_fails() {
        let directory = tempfile::tempdir().expect("a disk");
        let path = directory.path().join("kept.journal");
        fs::write(&path, "nobody could read it").expect("a disk");
        let mut disk = Disk::new(path.clone());
        disk.unread = true;
        disk.sync = |_| Err(io::Error::other("the disk is gone"));
        let Outcome { moved, written } = disk.write("new");
        let moved = moved.expect("it is somewhere else now");
        let told = fs::read_to_string(moved).expect("a disk");
        assert_eq!(told, "nobody could read it");
        assert!(matches!(written, Err(Unwritten::Unsure(_))), "{written:?}");
        assert_eq!(fs::read_to_string(&path).expect("a disk"), "new");
    }

    #[test]
    fn what_could_not_be_replaced_is_as_it_was() {
        let directory = tempfile::tempdir().expect("a disk");
        let path = directory.path().join("kept.journal");
        fs::create_dir(&path).expect("a disk");
        let Outcome { moved, written } = Disk::new(path.clone()).write("new");
        assert_eq!(moved, None);
        assert!(matches!(written, Err(Unwritten::Before(_))), "{written:?}");
        assert!(path.is_dir());
    }
}
