//! The service of systemd: installed, on at boot, and running.

use std::fs;
use std::path::{Path, PathBuf};

use crate::plugin::Finding;

const CHECK: &str = "service";
const UNIT: &str = "bemo-sync.service";
/// Where systemd looks for units (systemd.unit(5)), the first counts.
const FOLDERS: [&str; 5] = [
    "etc/systemd/system",
    "run/systemd/system",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
    "lib/systemd/system",
];
const WANTED: &str = "etc/systemd/system/multi-user.target.wants";
const CGROUP: &str = "sys/fs/cgroup/system.slice";

/// What is known of the service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Facts {
    /// Whether systemd runs this machine (sd_booted(3)).
    is_systemd: bool,
    unit: Option<PathBuf>,
    is_masked: bool,
    is_enabled: bool,
    is_running: bool,
    /// The user as whom it runs, where the unit says so.
    user: Option<String>,
}

pub(super) fn examine(file: &Path) -> Finding {
    judge(&gather(Path::new("/")), file)
}

fn gather(root: &Path) -> Facts {
    let units = FOLDERS.iter().map(|folder| root.join(folder).join(UNIT));
    let unit = units
        .into_iter()
        .find(|unit| unit.symlink_metadata().is_ok());
    let is_link_to_nothing =
        |unit: &PathBuf| unit.canonicalize().is_ok_and(|it| it.ends_with("dev/null"));
    let text = unit.as_ref().and_then(|unit| fs::read_to_string(unit).ok());
    let user = text.as_ref().and_then(|text| {
        let mut lines = text.lines();
        lines.find_map(|line| Some(line.strip_prefix("User=")?.trim().to_owned()))
    });
    Facts {
        is_systemd: root.join("run/systemd/system").is_dir(),
        is_masked: unit.as_ref().is_some_and(is_link_to_nothing),
        is_enabled: root.join(WANTED).join(UNIT).symlink_metadata().is_ok(),
        // The group of a service is there as long as it has a process.
        is_running: root.join(CGROUP).join(UNIT).is_dir(),
        unit,
        user,
    }
}

fn judge(facts: &Facts, file: &Path) -> Finding {
    if !facts.is_systemd {
        return Finding::skipped(CHECK, "systemd does not run this machine");
    }
    let Some(unit) = &facts.unit else {
        let says = "not installed as a service: it runs as long as somebody runs it";
        return Finding::skipped(CHECK, says).fix("sudo apt install ./bemo-sync_*.deb");
    };
    let unit = unit.display();
    if facts.is_masked {
        let says = format!("{unit} is masked: it cannot be started");
        return Finding::warn(CHECK, says).fix("sudo systemctl unmask bemo-sync");
    }
    match (facts.is_enabled, facts.is_running) {
        (true, true) => {
            let says = match &facts.user {
                Some(user) => format!(
                    "enabled and running, as the user {user}; to see what that may do: sudo -u {user} bemo-sync doctor \
                     {}",
                    super::quoted(file)
                ),
                None => "enabled and running".to_owned(),
            };
            Finding::ok(CHECK, says)
        }
        (true, false) => {
            let says = "enabled, and it does not run";
            let fix = "sudo systemctl start bemo-sync; journalctl -u bemo-sync -e";
            Finding::warn(CHECK, says).fix(fix)
        }
        (false, true) => {
            let says = "it runs, and will not after the next boot";
            Finding::warn(CHECK, says).fix("sudo systemctl enable bemo-sync")
        }
        (false, false) => {
            let says = "installed, and neither enabled nor running";
            Finding::warn(CHECK, says).fix("sudo systemctl enable --now bemo-sync")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::plugin::Level;

    #[test]
    fn what_stands_on_the_disk_says_how_the_service_is() {
        let root = tempfile::tempdir().expect("there is a place for temporary files");
        let root = root.path();
        let judged = || judge(&gather(root), Path::new("a.yaml"));
        let makes = |folder: &str| fs::create_dir_all(root.join(folder)).expect("it can be made");
        assert_eq!(judged().level, Level::Skipped, "no systemd");
        makes("run/systemd/system");
        assert!(judged().says.contains("not installed"));
        makes("usr/lib/systemd/system");
        let unit = root.join("usr/lib/systemd/system").join(UNIT);
        fs::write(&unit, "[Service]\nUser=lamp\n").expect("it can be written");
        assert!(judged().fix.is_some_and(|fix| fix.contains("enable --now")));
        makes(WANTED);
        symlink(&unit, root.join(WANTED).join(UNIT)).expect("it can be linked");
        assert!(judged().says.contains("does not run"));
        makes(&format!("{CGROUP}/{UNIT}"));
        let all = judged();
        assert_eq!(all.level, Level::Ok);
        assert!(all.says.contains("sudo -u lamp"), "{all:?}");
        fs::remove_file(root.join(WANTED).join(UNIT)).expect("it is there");
        assert!(judged().says.contains("after the next boot"));
        makes("etc/systemd/system");
        symlink("/dev/null", root.join("etc/systemd/system").join(UNIT)).expect("it can be linked");
        assert!(judged().says.contains("masked"));
    }
}
