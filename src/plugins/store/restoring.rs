//! What is made of the journal before anything works.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tracing::{debug, info, warn};

use super::claim::Unclaimed;
use super::disk::Disk;
use super::keeping::since_1970;
use super::ledger::{Aside, Entry, Ledger, Replayed};
use super::record::Debt;
use super::{Keeper, Values, Watched};
use crate::codec::{Spec, Value, Violation, att, json};
use crate::engine::{CellId, Owed, Snapshot};
use crate::plugin::Beginning;

pub(super) fn prepare(keeper: &mut Keeper, beginning: &mut Beginning<'_>) {
    let Some(path) = keeper.file.clone() else {
        warn!(
            "there is no place for the journal: none of $STATE_DIRECTORY, $XDG_STATE_HOME and $HOME is set. Name one \
            with `store: {{ file: … }}`; until then values begin as declared at each start, and writes whose \
            response promises more than `ack: accepted` are refused"
        );
        return;
    };
    let mut disk = Disk::new(path);
    match disk.claim() {
        Err(Unclaimed::Taken(by)) => {
            let path = disk.path().display();
            warn!(
                "{by} keeps its values in {path}, so values begin here as declared, and writes whose response \
                promises more than `ack: accepted` are refused. Stop one of the two and start the other again, or \
                name another file with `store: {{ file: … }}`"
            );
            keeper.is_taken = true;
        }
        // What is in the way is in the way of reading or writing too, and said there.
        Err(Unclaimed::Failed(_)) | Ok(()) => match read(&mut disk) {
            Some(ledger) => {
                keeper.ledger = restore(&keeper.values, ledger, &disk, beginning, keeper.follows);
            }
            None => info!(
                "what has to outlive this process is kept in {}",
                disk.path().display()
            ),
        },
    }
    keeper.disk = Some(Arc::new(Mutex::new(disk)));
}

/// What the file holds; whatever is in the way is said.
fn read(disk: &mut Disk) -> Option<Ledger> {
    let path = disk.path().to_owned();
    let path = path.display();
    let bytes = match disk.read() {
        Ok(bytes) => bytes?,
        Err(error) => {
            warn!(
                "{path} cannot be read: {error}. Values begin as declared. Let this user read and write \
                it, or name another file with `store: {{ file: … }}`"
            );
            return None;
        }
    };
    let problem = match Ledger::replay(&bytes) {
        Ok(replayed) => return Some(usable(replayed, disk)),
        Err(problem) => problem,
    };
    match disk.move_away() {
        Ok(moved) => warn!(
            "{path} is no journal: {problem}. Values begin as declared; what it was is now {}",
            moved.display()
        ),
        Err(error) => warn!(
            "{path} is no journal: {problem}. Values begin as declared; nothing is kept until it can be \
            moved away: {error}"
        ),
    }
    None
}

/// What could be read. Whatever could not is said, and a copy of it stays.
fn usable(replayed: Replayed, disk: &mut Disk) -> Ledger {
    let Replayed {
        ledger,
        lines,
        damaged,
        cut,
    } = replayed;
    let path = disk.path().to_owned();
    let path = path.display();
    if cut > 0 {
        info!(
            "the last line of {path} was cut after {cut} bytes, as a power cut does: nobody was told that it is kept"
        );
    }
    if damaged > 0 {
        let what = format!(
            "{damaged} of {} lines of {path} are damaged: what they said is lost, and older lines of the same \
            values count. Is the disk failing?",
            damaged + lines
        );
        match disk.copy_away() {
            Ok(copy) => warn!("{what} What the file was is kept as {}", copy.display()),
            Err(error) => warn!("{what} No copy of it can be kept either: {error}"),
        }
    }
    ledger
}

/// Values begin with what is kept, and what is owed is taken up. What they cannot be any more is set
/// aside: who takes a mistake in the declaration back has them again.
fn restore(
    values: &Values,
    mut ledger: Ledger,
    disk: &Disk,
    beginning: &mut Beginning<'_>,
    follows: bool,
) -> Ledger {
    let is_watched = |key: &str| {
        let cell = values.by_key.get(key);
        cell.is_some_and(|cell| values.watched.contains_key(cell))
    };
    let others = ledger.set_others_aside(is_watched);
    let mut unfit: Vec<String> = others
        .iter()
        .map(|name| format!("`{name}` (not declared to be kept)"))
        .collect();
    let (mut restored, mut owed) = (0, 0);
    for watched in values.watched.values() {
        let known = &values.known[&watched.cell];
        let was_aside = ledger.take_back(&known.key);
        let Some(entry) = ledger.get(&known.key) else {
            continue;
        };
        let begun = values.begin(*watched, entry, beginning);
        restored += usize::from(begun.is_restored);
        owed += begun.owed;
        let Begun {
            unfit: parts, why, ..
        } = begun;
        let is_news = (parts.is_kept && !was_aside.is_kept)
            || parts
                .owed
                .iter()
                .any(|number| !was_aside.owed.contains(number));
        if let Some(why) = why.filter(|_| is_news) {
            unfit.push(format!("`{}` ({why})", known.name));
        }
        ledger.set_aside(&known.key, &parts);
    }
    let path = disk.path().display();
    if !unfit.is_empty() {
        let unfit = unfit.join(", ");
        warn!("kept values that do not fit what is declared are set aside in {path}: {unfit}");
    }
    match follows {
        true => debug!(restored, owed, "{path} is read again"),
        false => info!(restored, owed, "values begin with what {path} has kept"),
    }
    ledger
}

/// What has come of one value.
#[derive(Default)]
struct Begun {
    is_restored: bool,
    owed: usize,
    /// What it cannot be as it is declared, and why not.
    unfit: Aside,
    why: Option<String>,
}

impl Values {
    /// A value begins with each part of what is known that it can be.
    fn begin(
        &self,
        Watched {
            cell,
            is_persistent,
            owes,
        }: Watched,
        entry: &Entry,
        beginning: &mut Beginning<'_>,
    ) -> Begun {
        let known = &self.known[&cell];
        let mut begun = Begun::default();
        if let Some(hex) = entry.kept.as_ref().filter(|_| is_persistent) {
            let value = decode(&known.spec, hex);
            match value.and_then(|value| told(beginning.restore(cell, value))) {
                Ok(()) => begun.is_restored = true,
                Err(why) => {
                    begun.unfit.is_kept = true;
                    begun.why = Some(why);
                }
            }
        }
        for debt in entry.owed.iter().filter(|_| owes) {
            let age = Duration::from_millis(since_1970().saturating_sub(debt.at));
            let expires = beginning.cell(cell).expires;
            if expires.is_some_and(|expires| age >= expires) {
                info!(
                    value = known.name,
                    "a write from {} s ago was acknowledged and never delivered, and has expired",
                    age.as_secs()
                );
                continue;
            }
            let with = self.with(debt);
            let value = decode(&known.spec, &debt.hex);
            let taken =
                value.and_then(|value| told(beginning.owe(cell, Owed { value, age, with })));
            match taken {
                Ok(()) => begun.owed += 1,
                Err(why) => {
                    begun.unfit.owed.push(debt.number);
                    begun.why.get_or_insert(why);
                }
            }
        }
        if known.secret {
            let hidden = |_| "why is not shown, for this is secret".to_owned();
            begun.why = begun.why.map(hidden);
        }
        begun
    }

    /// What is told with it, as far as it is still declared.
    fn with(&self, debt: &Debt) -> Option<Snapshot> {
        let with = debt.with.iter().filter_map(|(key, hex)| {
            let cell: CellId = *self.by_key.get(key)?;
            Some((cell, decode(&self.known.get(&cell)?.spec, hex).ok()?))
        });
        (!debt.with.is_empty()).then(|| with.collect())
    }
}

fn decode(spec: &Spec, hex: &str) -> Result<Value, String> {
    let octets = json::from_hex(hex).ok_or("it is not hexadecimal")?;
    told(att::decode(spec, &octets))
}

fn told<T>(result: Result<T, Violation>) -> Result<T, String> {
    result.map_err(|violation| violation.to_string())
}
