//! What outlives the process, in a journal: values that say so, and writes that were acknowledged and have yet
//! to be delivered.
//!
//! `claim` is that the file is ours alone, `record` (pure) one line of it, `ledger` (pure) all of
//! them together, `disk` how it is read and written, `pacing` (pure) when values are, `restoring` what is made
//! of it at the start, and `keeping` the link at work.

mod claim;
mod disk;
mod examine;
mod keeping;
mod ledger;
mod pacing;
mod record;
mod restoring;
#[doc(hidden)]
pub mod simulated;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use schemars::JsonSchema;

use crate::codec::{Spec, Value, att, json};
use crate::config::Spanned;
use crate::engine::{Carries, CellId};
use crate::gatt::SecurityLevel;
use crate::plugin::{
    Beginning, BoxFuture, Configure, Examination, Failure, Finding, Link, Place, Plugin, Port,
    Served, Stage, Succession,
};
use disk::Disk;
use keeping::OnDisk;
use ledger::Ledger;

/// Where the journal is: what is kept of values that say `persist: true`, and what centrals have written and has
/// yet to be delivered (`ack`).
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Store")]
pub struct StoreConfig {
    /// The file, beside the configuration unless the path is a full one. No two processes may share
    /// one. Without it, a file named after the configuration and where that is: in `$STATE_DIRECTORY`, as systemd sets it;
    /// else in `$XDG_STATE_HOME/bemo-sync`; else in `~/.local/state/bemo-sync`.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub file: Option<Spanned<String>>,
}

/// Whether the value is kept over restarts. Then it begins with what it last was; `initial` is for the
/// first start. With a remote owner, what a read gets until the owner speaks.
#[derive(Clone, Copy, Debug, serde::Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct PersistConfig(pub bool);

pub struct Store;

impl Plugin for Store {
    fn name(&self) -> &'static str {
        "store"
    }

    fn places(&self) -> Vec<Place> {
        vec![
            Place::section::<StoreConfig>("store"),
            Place::characteristic_only::<PersistConfig>("persist"),
        ]
    }

    fn connects(&self) -> bool {
        false
    }

    fn configure(&self, declared: &mut Configure<'_>) -> Option<Box<dyn Link>> {
        let section = declared.section::<StoreConfig>("store");
        let file = section.and_then(|section| file(section.value, declared));
        let persistent = persistent(declared);
        let watched = watched(declared, &persistent);
        let mut places = declared.cells().map(|cell| declared.place(cell));
        let says_persist = places.any(|at| declared.has_key(at, "persist"));
        if declared.declares("store") && watched.is_empty() && !says_persist {
            let at = declared.section::<StoreConfig>("store")?.at;
            let message = "nothing is kept here: no characteristic says `persist: true`, and no write is \
                both acknowledged and published";
            let help = "write `persist: true` where a value is to outlive a restart, or remove the section";
            declared.mistake(at, message, help);
        }
        for watched in &watched {
            declared.subscribe(watched.cell, Carries::Kept);
        }
        let usual = || declared.usual_file("journal");
        let file = file.or_else(usual);
        (!watched.is_empty()).then(|| {
            Box::new(Keeper {
                file,
                values: Values::new(declared, watched),
                disk: None,
                ledger: Ledger::default(),
                is_taken: false,
                follows: false,
            }) as Box<dyn Link>
        })
    }
}

fn file(config: StoreConfig, declared: &mut Configure<'_>) -> Option<PathBuf> {
    let file = config.file?;
    let path = declared.path(&file);
    let help = "name a file that this program may write, as in `values.journal`";
    if file.ends_with('/') || path.file_name().is_none() || file.value.is_empty() {
        declared.mistake(file.at, "this names no file", help);
    } else if path == declared.file() {
        declared.mistake(file.at, "this is the configuration itself", help);
    } else if path.is_dir() {
        declared.mistake(file.at, "this is a folder", help);
    }
    Some(path)
}

/// The values that are declared to be kept.
fn persistent(declared: &mut Configure<'_>) -> HashSet<CellId> {
    let mut persistent = HashSet::new();
    for persist in declared.characteristics::<PersistConfig>("persist") {
        if !persist.value.0 {
            continue;
        }
        if declared.cell(persist.cell).constant {
            let message = "a constant is the same after every start";
            declared.mistake(persist.at, message, "remove `persist`, or `constant`");
            continue;
        }
        persistent.insert(persist.cell);
    }
    persistent
}

/// The values of which anything can have to outlive the process.
fn watched(declared: &Configure<'_>, persistent: &HashSet<CellId>) -> Vec<Watched> {
    let cells = declared.cells().map(|cell| Watched {
        cell,
        is_persistent: persistent.contains(&cell),
        owes: declared.owes(cell),
    });
    cells.filter(|it| it.is_persistent || it.owes).collect()
}

/// A value of which something is kept.
#[derive(Clone, Copy, Debug)]
struct Watched {
    cell: CellId,
    /// Itself.
    is_persistent: bool,
    /// What is written and not yet delivered.
    owes: bool,
}

/// How a value is called and written in the journal.
struct Known {
    /// The UUIDs of its service and its characteristic: no service of a configuration, and no characteristic
    /// of a service, has one twice.
    key: String,
    name: String,
    spec: Spec,
    /// Only an encrypted link may see it: no log tells of what it is.
    secret: bool,
}

/// The values of the configuration, as the journal knows them.
struct Values {
    watched: BTreeMap<CellId, Watched>,
    known: HashMap<CellId, Known>,
    by_key: HashMap<String, CellId>,
}

impl Values {
    fn new(declared: &Configure<'_>, watched: Vec<Watched>) -> Self {
        let services = declared.services().iter();
        let all = services
            .flat_map(|service| service.characteristics.iter().map(move |it| (service, it)));
        let known = all.map(|(service, it)| {
            let known = Known {
                key: format!("{}/{}", service.uuid, it.uuid),
                name: it.name.clone(),
                spec: it.spec.clone(),
                secret: it.security.highest() > SecurityLevel::Open
                    || declared.cell(it.cell).is_from_environment,
            };
            (it.cell, known)
        });
        let known: HashMap<CellId, Known> = known.collect();
        let by_key = known.iter().map(|(cell, known)| (known.key.clone(), *cell));
        Self {
            by_key: by_key.collect(),
            watched: watched.into_iter().map(|it| (it.cell, it)).collect(),
            known,
        }
    }

    /// What is written of it, on the air and here.
    fn hex(&self, cell: CellId, value: &Value) -> Option<String> {
        let mut octets = Vec::new();
        att::encode(&self.known.get(&cell)?.spec, value, &mut octets);
        Some(json::hex(&octets))
    }
}

/// The link: what it keeps, and where.
struct Keeper {
    /// Where, if there is any place.
    file: Option<PathBuf>,
    values: Values,
    /// Once it is known where. Blocking calls share it.
    disk: Option<Arc<Mutex<Disk>>>,
    ledger: Ledger,
    /// Somebody else had it at the start, and that has been said.
    is_taken: bool,
    /// There was one before it in this process: values go on, and do not begin.
    follows: bool,
}

impl Link for Keeper {
    fn name(&self) -> &'static str {
        "store"
    }

    fn examine<'a>(&'a mut self, _: Examination<'a>) -> BoxFuture<'a, Vec<Finding>> {
        Box::pin(async { vec![examine::examine(self.file.as_deref())] })
    }

    fn serves(&self) -> Vec<Served> {
        let text = match &self.file {
            Some(file) => file.display().to_string(),
            None => "nowhere: there is no place for it".to_owned(),
        };
        vec![Served::new("journal", text).logged()]
    }

    fn take_over(&mut self, _before: &mut dyn Link) -> Succession {
        self.follows = true;
        Succession::Anew
    }

    fn prepare(&mut self, beginning: &mut Beginning<'_>) {
        restoring::prepare(self, beginning);
    }

    fn run(&mut self, port: Port) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async move {
            match self.disk.clone() {
                Some(disk) => {
                    let file = OnDisk::new(&disk, self.is_taken);
                    keeping::keep(&self.values, &mut self.ledger, file, &port).await;
                }
                None => nowhere(&port).await,
            }
            Ok(())
        })
    }

    fn stops_last(&self) -> bool {
        true
    }

    /// There is no restart in a rehearsal, and no disk: all is well kept.
    fn rehearse(&mut self, port: Port, stage: Stage) -> BoxFuture<'_, Result<(), Failure>> {
        drop(stage);
        Box::pin(async move {
            tokio::select! {
                biased;
                never = port.pass_over_all() => match never {},
                _ = port.stopped() => Ok(()),
            }
        })
    }
}

/// There is no place to keep anything: what promises that is refused from the first write on.
async fn nowhere(port: &Port) {
    port.waits(
        "there is no place to keep anything: name a file with `store: { file: … }`",
        None,
    );
    let all: Vec<_> = std::iter::from_fn(|| port.pull()).collect();
    for effect in all {
        port.undelivered(effect.cell, effect.ticket);
    }
    port.stopped().await;
}

/// What a journal says, as the file would be written anew. For who feeds it with what nobody has written.
///
/// # Errors
/// Why these bytes are no journal.
#[doc(hidden)]
pub fn written_anew(journal: &[u8]) -> Result<String, String> {
    Ledger::replay(journal).map(|replayed| replayed.ledger.render())
}
