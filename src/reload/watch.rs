//! That a file may have changed. Editors write another file and put it in the place of the old one, and some
//! systems swap a link to a whole folder, so it is the folders that are watched.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::time::sleep;

/// Who writes a file may take several steps: nothing has happened for so long when it is done.
const QUIET: Duration = Duration::from_millis(150);

/// The folders of a file: where its name is, and where the file itself is.
#[cfg(target_os = "linux")]
pub struct Watch(tokio::net::unix::pipe::Receiver);

#[cfg(target_os = "linux")]
impl Watch {
    /// Watches over a file from now on.
    ///
    /// # Errors
    /// When the system does not let it.
    pub fn over(file: &Path) -> io::Result<Self> {
        use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
        use tokio::net::unix::pipe::Receiver;

        let watch = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let what = WatchFlags::CLOSE_WRITE
            | WatchFlags::MOVED_TO
            | WatchFlags::CREATE
            | WatchFlags::MOVED_FROM
            | WatchFlags::DELETE
            | WatchFlags::ONLYDIR;
        let directory = |file: &Path| match file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            Some(_) | None => Path::new(".").to_owned(),
        };
        add_watch(&watch, directory(file), what)?;
        if let Ok(real) = file.canonicalize() {
            add_watch(&watch, directory(&real), what)?;
        }
        // It is no pipe, but it is waited for and read as one is.
        Ok(Self(Receiver::from_owned_fd_unchecked(watch)?))
    }

    /// Resolves when something has happened in the folders, and then nothing more for a moment.
    ///
    /// # Errors
    /// When the system does not tell any more.
    pub async fn changed(&mut self) -> io::Result<()> {
        self.something().await?;
        loop {
            tokio::select! {
                more = self.something() => more?,
                () = sleep(QUIET) => return Ok(()),
            }
        }
    }

    async fn something(&mut self) -> io::Result<()> {
        let mut buffer = [0; 4096];
        loop {
            self.0.readable().await?;
            // What it says is of no interest: the file itself tells.
            match self.0.try_read(&mut buffer) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
pub struct Watch(std::path::PathBuf);

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
