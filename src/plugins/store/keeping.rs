//! The link at work: appends to the journal what has to outlive the process.
//!
//! A write that a central waits for is on the disk before anything else, together with all that came
//! meanwhile: one write to the disk for all of them. Values that change by themselves wait for their time
//! (`pacing`). That something owed has been delivered is written too, but nobody waits for the disk to have it:
//! after a power cut it is delivered once more.

use std::collections::BTreeSet;
use std::future::pending;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep_until};
use tracing::{debug, info, warn};

use super::Values;
use super::disk::{Disk, Outcome, Unwritten};
use super::ledger::{Ledger, Owing, State};
use super::pacing::Pacing;
use super::record::Debt;
use crate::engine::{CellId, Keeping};
use crate::plugin::{self, Port};

/// That something has been delivered is written so long after it, with all that was meanwhile.
const PAID_WITHIN: Duration = Duration::from_millis(200);
/// After a failure.
const RETRY: Duration = Duration::from_secs(1);
/// A journal that is larger, and eight times what it says, is written anew.
const LONG: usize = 64 * 1024;
/// However much it says, it does not grow by more.
const VERY_LONG: usize = 16 * 1024 * 1024;

pub(super) async fn keep(values: &Values, ledger: &mut Ledger, file: OnDisk, port: &Port) {
    let mut journal = Journal {
        values,
        ledger,
        port,
        file,
        pacing: Pacing::new(values.watched.keys().copied(), Instant::now()),
        changed: BTreeSet::new(),
        paid: BTreeSet::new(),
        awaited: Vec::new(),
        paid_by: None,
        again_at: None,
    };
    port.detail("journal", Some(journal.file.path.clone()));
    journal.go_on().await;
    journal.end().await;
}

struct Journal<'a> {
    values: &'a Values,
    ledger: &'a mut Ledger,
    port: &'a Port,
    file: OnDisk,
    pacing: Pacing,
    /// The values that may not be in the journal as they are.
    changed: BTreeSet<CellId>,
    /// Those of which something owed has been delivered.
    paid: BTreeSet<CellId>,
    /// What somebody waits for: it has been pulled and is delivered when it is on the disk.
    awaited: Vec<(CellId, u64)>,
    /// Something has been delivered, and is written then at the latest.
    paid_by: Option<Instant>,
    /// The last write failed; the next one is then.
    again_at: Option<Instant>,
}

impl Journal<'_> {
    async fn go_on(&mut self) {
        loop {
            if !self.file.is_busy() && self.again_at.is_none() && !self.awaited.is_empty() {
                self.write();
            }
            let due = self.due();
            tokio::select! {
                // The same every time. What has changed comes before what is written of it.
                biased;
                _ = self.port.stopped() => return,
                () = self.port.changed(), if self.again_at.is_none() => self.pull(),
                written = self.file.written() => self.settle(written),
                () = until(due) => self.time_has_come(),
            }
        }
    }

    fn due(&self) -> Option<Instant> {
        if self.file.is_busy() {
            return None;
        }
        match self.again_at {
            Some(at) => Some(at),
            None => self.pacing.due().into_iter().chain(self.paid_by).min(),
        }
    }

    fn time_has_come(&mut self) {
        let was_failure = self.again_at.take().is_some();
        if was_failure {
            self.pull();
        }
        let is_urgent = was_failure || self.pacing.due().is_some_and(|due| due <= Instant::now());
        if is_urgent {
            self.write();
            return;
        }
        // Who has only been paid is written alone: the others have their time.
        let paid = mem::take(&mut self.paid);
        self.write_of(paid, false, Vec::new());
    }

    fn pull(&mut self) {
        while let Some(effect) = self.port.pull() {
            let (cell, ticket) = (effect.cell, effect.ticket);
            let keeping = self.port.keeping(cell);
            // Nothing is kept before the file is sound.
            if keeping.is_awaited || !self.file.is_whole() {
                self.awaited.push((cell, ticket));
            } else {
                self.port.delivered(cell, ticket);
            }
            self.changed.insert(cell);
            self.note_when(cell, &keeping);
        }
    }

    /// When what has changed is to be written, if nobody waits for it. What only takes the place of what was
    /// written waits as any value does: until then the older one is owed.
    fn note_when(&mut self, cell: CellId, keeping: &Keeping) {
        let now = Instant::now();
        let key = &self.values.known[&cell].key;
        let owed = keeping.unpaid.iter().map(|unpaid| unpaid.version);
        let owing = self.ledger.compare(key, owed);
        let kept = self.kept(cell, keeping);
        if owing == Owing::Other || !self.ledger.is_kept_as(key, kept.as_deref()) {
            self.pacing.changed(now, cell);
        }
        if owing == Owing::Less {
            self.paid.insert(cell);
            self.paid_by.get_or_insert(now + PAID_WITHIN);
        }
    }

    /// What a value is kept as, if it is.
    fn kept(&self, cell: CellId, keeping: &Keeping) -> Option<String> {
        let watched = self.values.watched.get(&cell)?;
        let known = keeping.known.as_ref().filter(|_| watched.is_persistent);
        self.values.hex(cell, known?)
    }

    fn state(&self, cell: CellId, keeping: Keeping) -> State {
        let key = &self.values.known[&cell].key;
        let now = since_1970();
        let kept = self.kept(cell, &keeping);
        let owed = keeping.unpaid.into_iter().filter_map(|unpaid| {
            if self.ledger.knows(key, unpaid.version) {
                return Some((unpaid.version, None));
            }
            let with = unpaid.owed.with.iter().flat_map(|with| with.iter());
            let with = with.filter_map(|(cell, value)| {
                let key = self.values.known.get(cell)?.key.clone();
                Some((key, self.values.hex(*cell, value)?))
            });
            let age = u64::try_from(unpaid.owed.age.as_millis()).unwrap_or(u64::MAX);
            let debt = Debt {
                number: 0,
                hex: self.values.hex(cell, &unpaid.owed.value)?,
                at: now.saturating_sub(age),
                with: with.collect(),
            };
            Some((unpaid.version, Some(debt)))
        });
        State {
            kept,
            owed: owed.collect(),
        }
    }

    /// Begins to write all that has changed; it is on the disk when that is over. Whether there is anything.
    fn write(&mut self) -> bool {
        let all = mem::take(&mut self.changed);
        self.paid.clear();
        let awaited = mem::take(&mut self.awaited);
        let is_written = self.write_of(all, true, awaited);
        self.pacing.begins(Instant::now(), is_written);
        is_written
    }

    /// Begins to write how some values stand. Whether there is anything to write.
    fn write_of(
        &mut self,
        cells: BTreeSet<CellId>,
        is_urgent: bool,
        awaited: Vec<(CellId, u64)>,
    ) -> bool {
        let mut lines = String::new();
        for cell in cells {
            let known = &self.values.known[&cell];
            let state = self.state(cell, self.port.keeping(cell));
            if let Some(record) = self.ledger.note(&known.key, &known.name, state) {
                record.write(&mut lines);
            }
        }
        self.paid_by = None;
        let is_written = self.file.write(lines, self.ledger, is_urgent, awaited);
        if !is_written {
            let nothing = Written::nothing(mem::take(&mut self.file.awaited));
            self.settle(nothing);
        }
        is_written
    }

    fn settle(&mut self, written: Written) {
        let Written { is_kept, awaited } = written;
        for (cell, ticket) in awaited {
            match is_kept {
                true => self.port.delivered(cell, ticket),
                false => self.port.undelivered(cell, ticket),
            }
        }
        if is_kept {
            self.port.state(plugin::State::Up);
        } else {
            self.again_at = Some(Instant::now() + RETRY);
            let why = self.file.trouble.clone().unwrap_or_default();
            self.port.waits(why, Some(RETRY));
        }
    }

    /// All others have stopped: what has come of that is the last. What cannot be written is tried once more,
    /// as a whole.
    async fn end(&mut self) {
        let mut has_failed = self.again_at.take().is_some();
        loop {
            if self.file.is_busy() {
                let written = self.file.written().await;
                self.settle(written);
            }
            if self.again_at.take().is_some() && mem::replace(&mut has_failed, true) {
                let path = &self.file.path;
                warn!("what has changed and is not in {path} is lost");
                return;
            }
            self.pull();
            if !self.write() {
                return;
            }
        }
    }
}

/// The length from which a journal is written anew.
fn long(fresh: usize) -> usize {
    LONG.max((8 * fresh).min(fresh + VERY_LONG))
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}

/// Milliseconds, by a clock that may be wrong.
pub(super) fn since_1970() -> u64 {
    #[allow(
        clippy::disallowed_methods,
        reason = "the engine's clock ends with the process, and this outlives it"
    )]
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

/// What has become of a write.
struct Written {
    is_kept: bool,
    awaited: Vec<(CellId, u64)>,
}

impl Written {
    /// There was nothing to write.
    fn nothing(awaited: Vec<(CellId, u64)>) -> Self {
        let is_kept = true;
        Self { is_kept, awaited }
    }
}

/// What is known of the file.
pub(super) struct OnDisk {
    disk: Arc<Mutex<Disk>>,
    path: String,
    /// It holds all that the ledger says, or will when the write that is under way is over.
    is_sound: bool,
    /// Some of that is on its way to the disk, and a power cut may take it.
    is_unsynced: bool,
    /// It is being written anew, and nobody knows whether that works.
    is_rewriting: bool,
    /// Its length, and that after it was last written anew.
    length: usize,
    fresh_length: usize,
    /// A write that is under way. Disks are slow, and nobody else is to wait for them.
    writing: Option<JoinHandle<Outcome>>,
    /// What waits for that.
    awaited: Vec<(CellId, u64)>,
    /// What was in the way of the last write.
    trouble: Option<String>,
    /// Whatever is in the way of the first has been said.
    is_said: bool,
}

impl OnDisk {
    pub(super) fn new(disk: &Arc<Mutex<Disk>>, is_said: bool) -> Self {
        Self {
            disk: disk.clone(),
            path: locked(disk, |disk| disk.path().display().to_string()),
            is_sound: false,
            is_unsynced: false,
            is_rewriting: false,
            length: 0,
            fresh_length: 0,
            writing: None,
            awaited: Vec::new(),
            trouble: None,
            is_said,
        }
    }

    /// Whether it is known to hold all that the ledger says, but for lines that are being added.
    fn is_whole(&self) -> bool {
        self.is_sound && !self.is_rewriting
    }

    fn is_busy(&self) -> bool {
        self.writing.is_some()
    }

    /// Begins to write these lines, or all that the ledger says. Whether there is anything to write.
    fn write(
        &mut self,
        lines: String,
        ledger: &Ledger,
        is_urgent: bool,
        awaited: Vec<(CellId, u64)>,
    ) -> bool {
        self.awaited = awaited;
        if self.is_sound && lines.is_empty() && !(is_urgent && self.is_unsynced) {
            return false;
        }
        self.is_unsynced = self.is_sound && !is_urgent;
        let length = self.length + lines.len();
        let is_long = length > long(self.fresh_length);
        let disk = self.disk.clone();
        self.writing = Some(if self.is_sound && !is_long {
            self.length = length;
            spawn_blocking(move || {
                let appended = locked(&disk, |disk| disk.append(&lines, is_urgent));
                Outcome {
                    moved: None,
                    written: appended.map_err(Unwritten::Before),
                }
            })
        } else {
            let whole = ledger.render();
            (self.length, self.fresh_length) = (whole.len(), whole.len());
            (self.is_sound, self.is_rewriting) = (true, true);
            spawn_blocking(move || locked(&disk, |disk| disk.write(&whole)))
        });
        true
    }

    /// Resolves when what is being written is. Can be given up at any time.
    async fn written(&mut self) -> Written {
        let Some(writing) = &mut self.writing else {
            return pending().await;
        };
        let outcome = writing.await.unwrap_or_else(|lost| Outcome {
            moved: None,
            written: Err(Unwritten::Unsure(lost.into())),
        });
        self.writing = None;
        let awaited = mem::take(&mut self.awaited);
        let is_kept = self.tell(outcome);
        self.is_sound &= is_kept;
        self.is_rewriting = false;
        Written { is_kept, awaited }
    }

    /// Says what is news to an operator; whether all is well.
    fn tell(&mut self, Outcome { moved, written }: Outcome) -> bool {
        let path = &self.path;
        if let Some(moved) = moved {
            let moved = moved.display();
            warn!("what stood in {path} and could not be used is now {moved}");
        }
        let trouble = match written {
            Ok(()) => {
                debug!("written to {path}");
                if self.trouble.take().is_some() {
                    info!("the journal is kept in {path} again");
                }
                return true;
            }
            Err(Unwritten::Before(error)) => format!(
                "the journal cannot be kept in {path}: {error}. Until it can, writes whose response promises more \
                than `ack: accepted` are refused. Make room, let this user write there, or name another file \
                with `store: {{ file: … }}`; tried again every second"
            ),
            Err(Unwritten::Unsure(error)) => format!(
                "the journal stands in {path}, but a power cut may take the last of it: {error}; tried again \
                every second"
            ),
        };
        let is_said = mem::take(&mut self.is_said) || self.trouble.as_ref() == Some(&trouble);
        if !is_said {
            warn!("{trouble}");
        }
        self.trouble = Some(trouble);
        false
    }
}

fn locked<T>(disk: &Mutex<Disk>, act: impl FnOnce(&mut Disk) -> T) -> T {
    // Whoever panicked with it may have left half a line; then the file is written anew.
    act(&mut disk.lock().unwrap_or_else(PoisonError::into_inner))
}
