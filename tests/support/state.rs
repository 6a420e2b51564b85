//! Where the journals of tests are: never where those of this user are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder of this process. Those of processes that have ended go.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("state");
    for entry in fs::read_dir(&all).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if !Path::new("/proc").join(&name).exists() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let ours = all.join(process::id().to_string());
    let _ = fs::remove_dir_all(&ours);
    ours
});

/// An environment in which nothing is set but where state is kept: each time elsewhere.
pub fn environment() -> impl Fn(&str) -> Option<String> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let home = FOLDER.join(number.to_string());
    move |name| (name == "XDG_STATE_HOME").then(|| home.display().to_string())
}
