//! A changed configuration takes the place of the one at work: it is checked first, what changes is said, and
//! one that is wrong, or asks for what cannot be had, changes nothing.
//!
//! How links and values go on is the runtime's part (`runtime::succession`); here is when and with what.

mod watch;

use std::io::ErrorKind;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::{Notify, mpsc, oneshot, watch as latest};
use tokio::time::Instant;
use tracing::{info, warn};

use crate::config::{Loaded, Mistakes, Outline, load, load_text};
use crate::gatt::server::GattServer;
use crate::gatt::structure;
use crate::runtime::{Back, Refused, Runtime, Succeeded};
pub use watch::Watch;

/// So many can wait for one reload after the other.
const WAITING: usize = 8;

/// What has come of a reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The configuration is at work.
    Applied,
    /// It says what the one at work says. What else links read, as certificates and passwords in files, they
    /// have read again.
    Unchanged,
    /// It has mistakes; the one before goes on as if nothing had been.
    Refused,
    /// It asks for what cannot be had; the one before is back.
    RolledBack,
    /// It asks for what cannot be had, and so does the one before, or that cannot be read any more. What is at work asks
    /// again and again.
    Failed,
}

/// What has come of a reload, for people.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Report {
    pub outcome: Outcome,
    /// A sentence; where there are mistakes, all of them with their lines.
    pub message: String,
    /// What is another in it, one line for each: `+` added, `-` gone, `~` changed. No texts, which may be secret.
    pub changes: Vec<String>,
}

/// Who has asked for a reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Asker {
    /// Somebody in the process, as the console.
    Console,
    /// The signal SIGHUP.
    Signal,
    /// The file, which is watched.
    File,
}

/// The last reload.
#[derive(Clone, Debug)]
pub struct Last {
    pub by: Asker,
    pub at: Instant,
    pub report: Report,
}

/// Asks for a reload, from anywhere in the process.
pub struct Reloader {
    asking: mpsc::Sender<oneshot::Sender<Report>>,
    generation: latest::Receiver<u64>,
    last: latest::Receiver<Option<Last>>,
}

impl Reloader {
    /// Has the file read again and waits for what comes of it; `None` when the process is about to end.
    pub async fn reload(&self) -> Option<Report> {
        let (answer, answered) = oneshot::channel();
        self.asking.send(answer).await.ok()?;
        answered.await.ok()
    }

    /// What came of the last one, whoever asked; it tells when there is another.
    pub fn last(&self) -> latest::Receiver<Option<Last>> {
        self.last.clone()
    }

    /// Grows with each configuration that is put to work; 1 is that of the start.
    pub fn generation(&self) -> u64 {
        *self.generation.borrow()
    }
}

/// The configuration at work, and whoever wants another.
pub struct Reloads {
    path: PathBuf,
    source: String,
    asked: mpsc::Receiver<oneshot::Sender<Report>>,
    generation: latest::Sender<u64>,
    last: latest::Sender<Option<Last>>,
    /// The text that was refused last: it is not complained about each time that somebody looks.
    refused: Option<String>,
    /// The file is not there, and that has been said.
    is_missed: bool,
}

impl Reloads {
    /// Of what has been started, and the way to ask for a reload of it.
    pub fn of(path: &Path, source: String) -> (Self, Arc<Reloader>) {
        let (asking, asked) = mpsc::channel(WAITING);
        let generation = latest::Sender::new(1);
        let last = latest::Sender::new(None);
        let reloader = Reloader {
            asking,
            generation: generation.subscribe(),
            last: last.subscribe(),
        };
        let reloads = Self {
            path: path.to_owned(),
            source,
            asked,
            generation,
            last,
            refused: None,
            is_missed: false,
        };
        (reloads, Arc::new(reloader))
    }

    /// Waits until somebody asks; where the report is to go.
    pub async fn asked(&mut self) -> oneshot::Sender<Report> {
        match self.asked.recv().await {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }

    /// Whether the file says something that has not been looked at. That it is gone is said once.
    pub fn is_news(&mut self) -> bool {
        match std::fs::read_to_string(&self.path) {
            Ok(text) => {
                self.is_missed = false;
                text != self.source && Some(&text) != self.refused.as_ref()
            }
            Err(problem) if problem.kind() == ErrorKind::NotFound => {
                if !mem::replace(&mut self.is_missed, true) {
                    warn!("{}", self.missing());
                }
                false
            }
            // What cannot be read now is about to be written; it is looked at again then.
            Err(_) => false,
        }
    }

    fn missing(&self) -> String {
        format!(
            "{} is not there: nothing has changed, and what was there before goes on. Put it back where it was",
            self.path.display()
        )
    }

    /// Reads the file again and puts it to work, because this one has asked. Whoever is in a `hurry` waits for
    /// nobody to grant anything.
    pub async fn reload(&mut self, runtime: &mut Runtime, by: Asker, hurry: &Notify) -> Report {
        let report = self.put_to_work(runtime, hurry).await;
        self.last.send_replace(Some(Last {
            by,
            at: Instant::now(),
            report: report.clone(),
        }));
        report
    }

    async fn put_to_work(&mut self, runtime: &mut Runtime, hurry: &Notify) -> Report {
        let file = self.path.display().to_string();
        let loaded = match load(&self.path) {
            Ok(loaded) => loaded,
            Err(mistakes) => return self.refuse(&mistakes),
        };
        self.refused = None;
        self.is_missed = false;
        let changes = Outline::of(&self.source).differences(&Outline::of(&loaded.source));
        info!("{file} is read again: {}", summary(&changes));
        for change in &changes {
            info!("  {change}");
        }
        let Loaded { plan, source, .. } = loaded;
        if let Some(seen) = structure::changes(runtime.services(), &plan.services) {
            // Only a virtual adapter has a server in this process.
            let is_on_the_air = runtime.offered_now::<GattServer>().is_none();
            seen.lines(is_on_the_air).for_each(|line| info!("  {line}"));
        }
        let before = || {
            let loaded = load_text(&self.path, &self.source);
            loaded.ok().map(|loaded| loaded.plan)
        };
        match runtime.succeed(plan, before, hurry).await {
            Ok(succeeded) => {
                self.at_work(source);
                self.applied(&file, changes, &succeeded)
            }
            Err(refused) => self.refused(&file, changes, source, refused),
        }
    }

    fn at_work(&mut self, source: String) {
        self.source = source;
        self.generation.send_modify(|generation| *generation += 1);
    }

    fn refused(
        &mut self,
        file: &str,
        changes: Vec<String>,
        source: String,
        refused: Refused,
    ) -> Report {
        let why = refused.reasons.join("; ");
        let (outcome, message) = match refused.back {
            Back::Whole => (
                Outcome::RolledBack,
                format!("{file} is not applied, and what was there before is back: {why}"),
            ),
            Back::Refused(reasons) => (
                Outcome::Failed,
                format!(
                    "{file} is not applied: {why}. What was there before is back, and is refused too, so it is asked \
                     for again and again: {}",
                    reasons.join("; ")
                ),
            ),
            Back::Never => {
                self.at_work(source.clone());
                let message = format!(
                    "{file} asks for what cannot be had, and asks again and again, for what was there before cannot \
                     be read any more: {why}"
                );
                (Outcome::Failed, message)
            }
        };
        warn!("{message}");
        self.refused = Some(source);
        Report {
            outcome,
            message,
            changes,
        }
    }

    fn applied(&self, file: &str, changes: Vec<String>, succeeded: &Succeeded) -> Report {
        let Succeeded { unfit, undelivered } = succeeded;
        let (outcome, mut message) = match changes.is_empty() {
            true => (
                Outcome::Unchanged,
                format!("{file} says what it said; files that it names have been read again"),
            ),
            false => (
                Outcome::Applied,
                format!("{file} is applied: {}", summary(&changes)),
            ),
        };
        if !unfit.is_empty() {
            message = format!(
                "{message}. What these held does not fit what is declared, so they begin anew: {}",
                unfit.join(", ")
            );
        }
        if !undelivered.is_empty() {
            message = format!(
                "{message}. What was accepted and not delivered yet has no way any more, or cannot be said as it is \
                 declared now: {}",
                undelivered.join(", ")
            );
            warn!("{message}");
        } else {
            info!("{message}");
        }
        Report {
            outcome,
            message,
            changes,
        }
    }

    fn refuse(&mut self, mistakes: &Mistakes) -> Report {
        self.refused = std::fs::read_to_string(&self.path).ok();
        self.is_missed = mistakes.is_missing;
        let message = match mistakes.is_missing {
            true => self.missing(),
            false => mistakes.told("nothing has changed, and what was there before goes on"),
        };
        match mistakes.is_missing {
            true => warn!("{message}"),
            false => warn!("{} is not applied:\n{message}", self.path.display()),
        }
        Report {
            outcome: Outcome::Refused,
            message,
            changes: Vec::new(),
        }
    }
}

fn summary(changes: &[String]) -> String {
    match changes.len() {
        0 => "nothing in it has changed".to_owned(),
        1 => "1 change".to_owned(),
        many => format!("{many} changes"),
    }
}
