//! Values that outlive the process: kept in a file, and what they begin with after a restart.
//!
//! `place` is where the file is, `claim` that it is ours alone, `contents` (pure) what stands in it, `disk`
//! how it is read and written, `pacing` (pure) when, and `keeping` the link at work.

mod claim;
mod contents;
mod disk;
mod keeping;
mod pacing;
mod place;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use schemars::JsonSchema;
use tracing::{info, warn};

use crate::codec::{Spec, att, json};
use crate::config::Spanned;
use crate::engine::{Carries, CellId};
use crate::gatt::SecurityLevel;
use crate::plugin::{Beginning, BoxFuture, Configure, Failure, Link, Place, Plugin, Port};
use claim::Unclaimed;
use contents::{Contents, Entry};
use disk::Disk;

/// Where values are kept that say `persist: true`.
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
        let kept = kept(declared);
        let mut places = declared.cells().map(|cell| declared.place(cell));
        if declared.declares("store") && !places.any(|at| declared.has_key(at, "persist")) {
            let at = declared.section::<StoreConfig>("store")?.at;
            let message = "nothing is kept here: no characteristic says `persist: true`";
            let help = "write that where a value is to outlive a restart, or remove the section";
            declared.mistake(at, message, help);
        }
        for kept in &kept {
            declared.subscribe(kept.cell, Carries::Newest);
        }
        let configuration = declared.file().to_owned();
        (!kept.is_empty()).then(|| {
            Box::new(Keeper {
                file,
                configuration,
                kept,
                disk: None,
                set_aside: BTreeMap::new(),
            }) as Box<dyn Link>
        })
    }
}

fn file(config: StoreConfig, declared: &mut Configure<'_>) -> Option<PathBuf> {
    let file = config.file?;
    let path = declared.path(&file);
    let help = "name a file that this program may write, as in `values.json`";
    if file.ends_with('/') || path.file_name().is_none() || file.value.is_empty() {
        declared.mistake(file.at, "this names no file", help);
    } else if path == declared.file() {
        declared.mistake(file.at, "this is the configuration itself", help);
    }
    Some(path)
}

/// The values that are declared to be kept.
fn kept(declared: &mut Configure<'_>) -> Vec<Kept> {
    let mut kept = Vec::new();
    for persist in declared.characteristics::<PersistConfig>("persist") {
        if !persist.value.0 {
            continue;
        }
        if declared.cell(persist.cell).constant {
            let message = "a constant is the same after every start";
            declared.mistake(persist.at, message, "remove `persist`, or `constant`");
            continue;
        }
        kept.extend(declared.services().iter().find_map(|service| {
            let mut all = service.characteristics.iter();
            let characteristic = all.find(|it| it.cell == persist.cell)?;
            Some(Kept {
                cell: persist.cell,
                // No service of a configuration, and no characteristic of a service, has a UUID twice.
                key: format!("{}/{}", service.uuid, characteristic.uuid),
                name: characteristic.name.clone(),
                spec: characteristic.spec.clone(),
                secret: characteristic.security.highest() > SecurityLevel::Open
                    || declared.cell(persist.cell).is_from_environment,
            })
        }));
    }
    kept
}

/// A value that is kept.
struct Kept {
    cell: CellId,
    /// What it is called in the file.
    key: String,
    name: String,
    spec: Spec,
    /// Only an encrypted link may see it: no log tells of what it is.
    secret: bool,
}

/// The link: what it keeps, and where.
struct Keeper {
    /// Where, if that is declared.
    file: Option<PathBuf>,
    configuration: PathBuf,
    kept: Vec<Kept>,
    /// Once it is known where. Blocking calls share it.
    disk: Option<Arc<Mutex<Disk>>>,
    /// What the file holds and nothing declared can be.
    set_aside: BTreeMap<String, Entry>,
}

impl Link for Keeper {
    fn name(&self) -> &'static str {
        "store"
    }

    fn prepare(&mut self, beginning: &mut Beginning<'_>) {
        let place = match &self.file {
            Some(file) => Some(file.clone()),
            None => place::usual(&self.configuration, &|name| std::env::var_os(name)),
        };
        let Some(path) = place else {
            warn!(
                "there is no place to keep values: none of $STATE_DIRECTORY, $XDG_STATE_HOME and $HOME is \
                set. Name one with `store: {{ file: … }}`; until then they begin as declared at each start"
            );
            return;
        };
        let mut disk = Disk::new(path);
        match disk.claim() {
            Err(Unclaimed::Taken(by)) => {
                let path = disk.path().display();
                warn!(
                    "{by} keeps its values in {path}, so nothing is kept here and values begin as declared. \
                    Stop it and start this again, or name another file with `store: {{ file: … }}`"
                );
                return;
            }
            // What is in the way is in the way of reading or writing too, and said there.
            Err(Unclaimed::Failed(_)) | Ok(()) => {}
        }
        if let Some(contents) = read(&mut disk) {
            self.restore(contents, &disk, beginning);
        }
        self.disk = Some(Arc::new(Mutex::new(disk)));
    }

    fn run(&mut self, port: Port) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async move {
            match self.disk.clone() {
                Some(disk) => keeping::keep(self, &disk, &port).await,
                None => port.stopped().await,
            }
            Ok(())
        })
    }

    /// There is no restart in a rehearsal, and no disk.
    fn can_rehearse(&self) -> bool {
        false
    }
}

/// What the file holds; whatever is in the way is said.
fn read(disk: &mut Disk) -> Option<Contents> {
    let path = disk.path().to_owned();
    let path = path.display();
    let problem = match disk.read() {
        Ok(None) => return None,
        Ok(Some(bytes)) => match Contents::parse(&bytes) {
            Ok(contents) => return Some(contents),
            Err(problem) => problem,
        },
        Err(error) => {
            warn!(
                "{path} cannot be read: {error}. Values begin as declared. Let this user read and write \
                it, or name another file with `store: {{ file: … }}`"
            );
            return None;
        }
    };
    match disk.move_away() {
        Ok(moved) => warn!(
            "{path} does not hold kept values: {problem}. Values begin as declared; what it was is now {}",
            moved.display()
        ),
        Err(error) => warn!(
            "{path} does not hold kept values: {problem}. Values begin as declared; nothing is kept until \
            it can be moved away: {error}"
        ),
    }
    None
}

impl Keeper {
    /// Values begin with what is kept. What they cannot be any more stays in the file, apart: who takes
    /// a mistake in the declaration back has them again.
    fn restore(&mut self, contents: Contents, disk: &Disk, beginning: &mut Beginning<'_>) {
        let Contents {
            mut values,
            mut set_aside,
            ..
        } = contents;
        let mut unfit = Vec::new();
        let mut restored = 0;
        for kept in &self.kept {
            let (entry, is_news) = match values.remove(&kept.key) {
                Some(entry) => (entry, true),
                None => match set_aside.remove(&kept.key) {
                    Some(entry) => (entry, false),
                    None => continue,
                },
            };
            let Err(problem) = kept.begin_with(&entry, beginning) else {
                set_aside.remove(&kept.key);
                restored += 1;
                continue;
            };
            if is_news {
                unfit.push(format!("`{}` ({problem})", kept.name));
            }
            set_aside.insert(kept.key.clone(), entry);
        }
        for (key, entry) in values {
            unfit.push(format!("`{}` (not declared to be kept)", entry.name));
            set_aside.insert(key, entry);
        }
        self.set_aside = set_aside;
        let path = disk.path().display();
        if !unfit.is_empty() {
            let unfit = unfit.join(", ");
            warn!("kept values that do not fit what is declared are set aside in {path}: {unfit}");
        }
        info!(restored, "values begin with what {path} has kept");
    }

    /// What the file is to hold now.
    fn contents(&self, port: &Port) -> String {
        let values = self.kept.iter().filter_map(|kept| {
            // After a power cut the request is gone, and what was asked for would stand as the truth.
            let value = port.known(kept.cell)?;
            let mut octets = Vec::new();
            att::encode(&kept.spec, &value, &mut octets);
            let entry = Entry {
                name: kept.name.clone(),
                hex: json::hex(&octets),
                value: json::to_json(&kept.spec, &value),
            };
            Some((kept.key.clone(), entry))
        });
        Contents::new(values.collect(), self.set_aside.clone()).render()
    }
}

impl Kept {
    /// The value begins with what is kept of it.
    fn begin_with(&self, entry: &Entry, beginning: &mut Beginning<'_>) -> Result<(), String> {
        let octets = json::from_hex(&entry.hex).ok_or("its `hex` is not hexadecimal")?;
        let value = att::decode(&self.spec, &octets);
        let restored = value.and_then(|value| beginning.restore(self.cell, value));
        restored.map_err(|violation| match self.secret {
            true => "why is not shown, for this is secret".to_owned(),
            false => violation.to_string(),
        })
    }
}
