//! That a file may have changed. Editors write another file and put it in the place of the old one, and some
//! systems swap a link to a whole folder, so it is the folders that are watched.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

/// Who writes a file may take several steps: nothing has happened for so long when it is done.
const QUIET: Duration = Duration::from_millis(150);

/// In a folder where something always happens, it is not waited for longer than this.
const LONGEST: Duration = Duration::from_secs(1);

/// The folders of a file: where its name is, and where the file itself is.
#[cfg(target_os = "linux")]
pub struct Watch {
    file: PathBuf,
    events: tokio::net::unix::pipe::Receiver,
}

#[cfg(target_os = "linux")]
impl Watch {
    /// Watches over a file from now on.
    ///
    /// # Errors
    /// When the system does not let it.
    pub fn over(file: &Path) -> io::Result<Self> {
        use rustix::fs::inotify::{CreateFlags, init};
        use tokio::net::unix::pipe::Receiver;

        let events = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let watch = Self {
            file: file.to_owned(),
            // It is no pipe, but it is waited for and read as one is.
            events: Receiver::from_owned_fd_unchecked(events)?,
        };
        watch.look_where_it_is()?;
        Ok(watch)
    }

    /// The folders in which the file is now; it may be a link that points elsewhere tomorrow.
    fn look_where_it_is(&self) -> io::Result<()> {
        use rustix::fs::inotify::{WatchFlags, add_watch};

        let what = WatchFlags::CLOSE_WRITE
            | WatchFlags::MOVED_TO
            | WatchFlags::CREATE
            | WatchFlags::MOVED_FROM
            | WatchFlags::DELETE
            | WatchFlags::ONLYDIR;
        add_watch(&self.events, directory(&self.file), what)?;
        if let Ok(real) = self.file.canonicalize() {
            add_watch(&self.events, directory(&real), what)?;
        }
        Ok(())
    }

    /// Resolves when something has happened in the folders, and then nothing more for a moment.
    ///
    /// # Errors
    /// When the system does not tell any more.
    pub async fn changed(&mut self) -> io::Result<()> {
        self.something().await?;
        let latest = Instant::now() + LONGEST;
        loop {
            tokio::select! {
                biased;
                () = sleep_until(latest) => break,
                more = self.something() => more?,
                () = sleep(QUIET) => break,
            }
        }
        self.look_where_it_is()
    }

    async fn something(&mut self) -> io::Result<()> {
        let mut buffer = [0; 4096];
        loop {
            self.events.readable().await?;
            // What it says is of no interest: the file itself tells.
            match self.events.try_read(&mut buffer) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(target_os = "linux")]
fn directory(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        Some(_) | None => PathBuf::from("."),
    }
}

#[cfg(not(target_os = "linux"))]
pub struct Watch(PathBuf);

#[cfg(not(target_os = "linux"))]
impl Watch {
    /// Watches over a file from now on.
    ///
    /// # Errors
    /// None here.
    pub fn over(file: &Path) -> io::Result<Self> {
        Ok(Self(file.to_owned()))
    }

    /// Resolves now and then: whoever asks looks at the file itself.
    ///
    /// # Errors
    /// None here.
    pub async fn changed(&mut self) -> io::Result<()> {
        sleep(10 * QUIET).await;
        Ok(())
    }
}
