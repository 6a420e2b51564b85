//! Nothing that comes in makes it panic: every file that a fuzzer has found worth keeping, and every one that it broke something
//! with, goes through the same checks again. `fuzz/README.md` says how new ones are found.

#[path = "../fuzz/src/lib.rs"]
mod bodies;

use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Also those that somebody has caught: the runtime keeps a panic of one link from the others.
static PANICS: AtomicUsize = AtomicUsize::new(0);

#[test]
fn whatever_has_been_tried_is_survived_again() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        PANICS.fetch_add(1, Ordering::SeqCst);
        before(info);
    }));
    let mut bad = Vec::new();
    for (name, run) in bodies::ALL {
        let files = files_for(name);
        assert!(files.len() >= 20, "{name}: only {} files", files.len());
        for file in files {
            let bytes = fs::read(&file).expect("it can be read");
            let panics = PANICS.load(Ordering::SeqCst);
            let survived = panic::catch_unwind(AssertUnwindSafe(|| run(&bytes)));
            if survived.is_err() || PANICS.load(Ordering::SeqCst) != panics {
                bad.push(format!("{name}: {}", file.display()));
            }
        }
    }
    assert!(bad.is_empty(), "\n{}", bad.join("\n"));
}

/// What is tried on one way in. The configurations of this repository are tried too, right or wrong.
fn files_for(name: &str) -> Vec<PathBuf> {
    let mut folders = vec![
        format!("fuzz/corpus/{name}"),
        format!("fuzz/regressions/{name}"),
    ];
    if name == "yaml" {
        folders.extend(["examples", "examples/tutorial", "tests/mistakes"].map(str::to_owned));
    }
    let mut files: Vec<PathBuf> = folders
        .iter()
        .flat_map(|folder| files_in(Path::new(folder)))
        .collect();
    files.sort();
    files
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let paths = entries.map(|entry| entry.expect("it can be listed").path());
    paths.filter(|path| path.is_file()).collect()
}
