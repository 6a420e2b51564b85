//! Where values are kept when nobody says where.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// A file named after the configuration in the usual place; `None` if there is no such place.
pub(super) fn usual(
    configuration: &OsStr,
    environment: &dyn Fn(&str) -> Option<OsString>,
) -> Option<PathBuf> {
    // XDG Base Directory Specification: what is no full path is to be ignored.
    let named = |name: &str| {
        let path = environment(name).map(PathBuf::from);
        path.filter(|path| path.is_absolute())
    };
    let of_service = environment("STATE_DIRECTORY").and_then(|directories| {
        // There may be several, with colons between them.
        std::env::split_paths(&directories).find(|path| path.is_absolute())
    });
    let directory = of_service
        .or_else(|| Some(named("XDG_STATE_HOME")?.join("bemo-sync")))
        .or_else(|| Some(named("HOME")?.join(".local/state/bemo-sync")))?;
    let mut file = configuration.to_owned();
    file.push(".json");
    Some(directory.join(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual_with(environment: &[(&str, &str)]) -> Option<PathBuf> {
        usual(OsStr::new("lamp"), &|name| {
            let found = environment.iter().find(|(known, _)| *known == name)?;
            Some(found.1.into())
        })
    }

    #[test]
    fn the_directory_of_the_service_comes_first_then_that_of_the_user() {
        let home = ("HOME", "/home/bob");
        let xdg = ("XDG_STATE_HOME", "/state");
        let systemd = ("STATE_DIRECTORY", "/var/lib/lamp:/var/lib/more");
        for (environment, expected) in [
            (&[home, xdg, systemd][..], Some("/var/lib/lamp/lamp.json")),
            (&[home, xdg], Some("/state/bemo-sync/lamp.json")),
            (&[home], Some("/home/bob/.local/state/bemo-sync/lamp.json")),
            (
                &[home, ("XDG_STATE_HOME", "here"), ("STATE_DIRECTORY", "")],
                Some("/home/bob/.local/state/bemo-sync/lamp.json"),
            ),
            (&[], None),
        ] {
            assert_eq!(usual_with(environment), expected.map(PathBuf::from));
        }
    }
}
