//! The link at work: writes the file when values have changed, and when the program stops.

use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep_until};
use tracing::{debug, info, warn};

use super::Keeper;
use super::disk::{Disk, Outcome, Unwritten};
use super::pacing::Pacing;
use crate::plugin::Port;

/// A write that is under way. Disks are slow, and nobody else is to wait for them.
type Writing = JoinHandle<Outcome>;

pub(super) async fn keep(keeper: &Keeper, disk: &Arc<Mutex<Disk>>, port: &Port) {
    let cells = keeper.kept.iter().map(|kept| kept.cell);
    let mut pacing = Pacing::new(cells, Instant::now());
    let mut file = OnDisk::new(disk);
    loop {
        let due = pacing.due().filter(|_| file.writing.is_none());
        tokio::select! {
            // The same every time. What has changed comes before what is written of it.
            biased;
            () = port.stopped() => break,
            () = port.changed() => drain(port, &mut pacing),
            is_written = file.written() => if !is_written {
                pacing.failed(Instant::now());
            },
            () = until(due) => {
                let is_written = file.write(keeper.contents(port));
                pacing.begins(Instant::now(), is_written);
            }
        }
    }
    if file.writing.is_some() {
        file.written().await;
    }
    // Others stop at the same time, and while this was written something may have changed once more.
    while file.write(keeper.contents(port)) {
        if !file.written().await {
            warn!("what has changed and is not in {} is lost", file.path);
            return;
        }
    }
}

fn drain(port: &Port, pacing: &mut Pacing) {
    while let Some(effect) = port.pull() {
        port.delivered(effect.cell, effect.ticket);
        pacing.changed(Instant::now(), effect.cell);
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}

/// What is known of the file.
struct OnDisk {
    disk: Arc<Mutex<Disk>>,
    path: String,
    /// What it holds, or will when the write that is under way is over.
    text: Option<String>,
    writing: Option<Writing>,
    /// What was in the way of the last write.
    trouble: Option<String>,
}

impl OnDisk {
    fn new(disk: &Arc<Mutex<Disk>>) -> Self {
        Self {
            disk: disk.clone(),
            path: locked(disk, |disk| disk.path().display().to_string()),
            text: None,
            writing: None,
            trouble: None,
        }
    }

    /// Begins to write, unless that is what it holds. Whether it does.
    fn write(&mut self, text: String) -> bool {
        if self.text.as_ref() == Some(&text) {
            return false;
        }
        let (disk, copy) = (self.disk.clone(), text.clone());
        self.text = Some(text);
        self.writing = Some(spawn_blocking(move || {
            locked(&disk, |disk| disk.write(&copy))
        }));
        true
    }

    /// Resolves when what is being written is, and says whether it worked. Can be given up at any time.
    async fn written(&mut self) -> bool {
        let Some(writing) = &mut self.writing else {
            return pending().await;
        };
        let outcome = writing.await.unwrap_or_else(|lost| Outcome {
            moved: None,
            written: Err(Unwritten::Unsure(lost.into())),
        });
        self.writing = None;
        let path = &self.path;
        if let Some(moved) = outcome.moved {
            let moved = moved.display();
            warn!("what stood in {path} and could not be used is now {moved}");
        }
        let trouble = match outcome.written {
            Ok(()) => {
                debug!("kept values written to {path}");
                if self.trouble.take().is_some() {
                    info!("values are kept in {path} again");
                }
                return true;
            }
            Err(Unwritten::Before(error)) => format!(
                "values cannot be kept in {path}: {error}. Let this user write there, or name another file \
                with `store: {{ file: … }}`; tried again every 10 s"
            ),
            Err(Unwritten::Unsure(error)) => format!(
                "values stand in {path}, but a power cut may take the last of them: {error}; tried again \
                every 10 s"
            ),
        };
        self.text = None;
        if self.trouble.as_ref() != Some(&trouble) {
            warn!("{trouble}");
        }
        self.trouble = Some(trouble);
        false
    }
}

fn locked<T>(disk: &Mutex<Disk>, act: impl FnOnce(&mut Disk) -> T) -> T {
    // Whoever panicked with it has left a file whole: that is what replacing it is for.
    act(&mut disk.lock().unwrap_or_else(PoisonError::into_inner))
}
