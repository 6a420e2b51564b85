//! Whether there is a place for the journal.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, statvfs};

use crate::plugin::Finding;

const CHECK: &str = "journal";
/// It is written anew beside itself now and then; a few values never take as much.
const ROOM: u64 = 1024 * 1024;

/// What is known of the place.
#[derive(Debug)]
enum Facts {
    /// Nobody has said where, and there is no home either.
    Nowhere,
    /// Something is there that is no ordinary file.
    NoFile,
    /// The folder, and what came of writing there.
    There {
        folder: PathBuf,
        written: Result<(), io::Error>,
        free: Option<u64>,
    },
    /// The folder is made at the start; whether that is allowed in the first one above it that is there.
    ToBeMade {
        above: PathBuf,
        is_allowed: bool,
        free: Option<u64>,
    },
}

pub(super) fn examine(file: Option<&Path>) -> Finding {
    let facts = file.map_or(Facts::Nowhere, gather);
    judge(&facts, file.unwrap_or(Path::new("")))
}

fn gather(file: &Path) -> Facts {
    if fs::metadata(file).is_ok_and(|it| !it.is_file()) {
        return Facts::NoFile;
    }
    let folder = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if folder.is_dir() {
        return Facts::There {
            folder: folder.to_owned(),
            written: write(folder),
            free: free(folder),
        };
    }
    let above = folder.ancestors().find(|it| it.exists());
    let above = above.unwrap_or(Path::new("/"));
    Facts::ToBeMade {
        above: above.to_owned(),
        is_allowed: above.is_dir() && access(above, Access::WRITE_OK | Access::EXEC_OK).is_ok(),
        free: free(above),
    }
}

/// Writes a file of its own and removes it again. The journal itself may be in use.
fn write(folder: &Path) -> io::Result<()> {
    let name = format!(".bemo-sync-doctor-{}", std::process::id());
    let file = folder.join(name);
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&file)?;
    fs::remove_file(file)
}

fn free(folder: &Path) -> Option<u64> {
    let found = statvfs(folder).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

fn judge(facts: &Facts, file: &Path) -> Finding {
    let shown = file.display();
    let free = match facts {
        Facts::Nowhere => {
            let says = "there is no place for what has to outlive the process: neither STATE_DIRECTORY nor HOME is set";
            let fix = "name one in the configuration: `store: { file: /var/lib/bemo-sync/values.journal }`";
            return Finding::fail(CHECK, says).fix(fix);
        }
        Facts::NoFile => {
            let says = format!("{shown} is no ordinary file");
            return Finding::fail(CHECK, says)
                .fix("name another in the configuration: `store: { file: … }`");
        }
        Facts::There {
            folder,
            written: Err(problem),
            ..
        } => {
            let says = format!("{shown} cannot be written: {problem}");
            let fix = format!("sudo chown \"$USER\" {0}; df -h {0}", folder.display());
            return Finding::fail(CHECK, says).fix(fix);
        }
        Facts::ToBeMade {
            above,
            is_allowed: false,
            ..
        } => {
            let folder = file.parent().unwrap_or(Path::new("/")).display();
            let says = format!(
                "{folder} is not there, and may not be made in {}",
                above.display()
            );
            let fix = format!("sudo install -d -m 700 -o \"$USER\" {folder}");
            return Finding::fail(CHECK, says).fix(fix);
        }
        Facts::There { free, .. } | Facts::ToBeMade { free, .. } => *free,
    };
    match free {
        Some(free) if free < ROOM => {
            let says = format!("{shown} can be written, but the disk has {free} bytes left");
            Finding::fail(CHECK, says)
                .fix("make room: sudo journalctl --vacuum-size=50M; sudo apt clean")
        }
        _ => Finding::ok(CHECK, format!("{shown} can be written")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::Level;

    #[test]
    fn a_place_is_judged_by_what_came_of_writing_there() {
        let there = |written, free| Facts::There {
            folder: "/state".into(),
            written,
            free,
        };
        let to_be_made = |is_allowed| Facts::ToBeMade {
            above: "/".into(),
            is_allowed,
            free: Some(u64::MAX),
        };
        let denied = || Err(io::ErrorKind::PermissionDenied.into());
        for (facts, level) in [
            (Facts::Nowhere, Level::Fail),
            (Facts::NoFile, Level::Fail),
            (there(Ok(()), None), Level::Ok),
            (there(Ok(()), Some(ROOM)), Level::Ok),
            (there(Ok(()), Some(ROOM - 1)), Level::Fail),
            (there(denied(), Some(ROOM)), Level::Fail),
            (to_be_made(true), Level::Ok),
            (to_be_made(false), Level::Fail),
        ] {
            let found = judge(&facts, Path::new("/state/a.journal"));
            assert_eq!(found.level, level, "{facts:?}");
            assert_eq!(found.fix.is_some(), level == Level::Fail, "{found:?}");
        }
    }

    #[test]
    fn looking_leaves_nothing_behind() {
        let folder = tempfile::tempdir().expect("there is a place for temporary files");
        let found = examine(Some(&folder.path().join("a.journal")));
        assert_eq!(found.level, Level::Ok, "{found:?}");
        let found = examine(Some(&folder.path().join("b/c/a.journal")));
        assert_eq!(found.level, Level::Ok, "{found:?}");
        let left = fs::read_dir(folder.path()).expect("it can be listed");
        assert_eq!(left.count(), 0);
        let found = examine(Some(folder.path()));
        assert_eq!(found.level, Level::Fail, "a folder: {found:?}");
    }
}
