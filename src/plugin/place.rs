//! Where files are that outlive the process, when nobody says where.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{self, Path, PathBuf};

/// A file named after the configuration in the usual place; `None` if there is no such place.
pub(super) fn usual(
    configuration: &Path,
    ending: &str,
    environment: &dyn Fn(&str) -> Option<String>,
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
    Some(directory.join(name(configuration, ending)))
}

/// Most configurations are called `services.yaml`, so that where it is tells it from others.
fn name(configuration: &Path, ending: &str) -> OsString {
    let found = configuration.canonicalize();
    let place = found.or_else(|_| path::absolute(configuration));
    let place = place.unwrap_or_else(|_| configuration.to_owned());
    let mut name = configuration.file_stem().unwrap_or_default().to_owned();
    name.push(format!(
        "-{:08x}.{ending}",
        hash(place.as_os_str().as_bytes())
    ));
    name
}

/// FNV-1a: the same with every version of this program, as the names of files have to be.
fn hash(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual_with(environment: &[(&str, &str)]) -> Option<PathBuf> {
        usual(Path::new("/none/lamp.yaml"), "journal", &|name| {
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
            (&[home, xdg, systemd][..], Some("/var/lib/lamp")),
            (&[home, xdg], Some("/state/bemo-sync")),
            (&[home], Some("/home/bob/.local/state/bemo-sync")),
            (
                &[home, ("XDG_STATE_HOME", "here"), ("STATE_DIRECTORY", "")],
                Some("/home/bob/.local/state/bemo-sync"),
            ),
            (&[], None),
        ] {
            let expected =
                expected.map(|directory| Path::new(directory).join("lamp-6b39653c.journal"));
            assert_eq!(usual_with(environment), expected);
        }
    }

    #[test]
    fn configurations_of_one_name_in_two_places_have_two_files() {
        let (kitchen, bath) = (Path::new("/kitchen/a.yaml"), Path::new("/bath/a.yaml"));
        let name = |path| name(path, "journal");
        assert_eq!(name(kitchen), name(kitchen));
        assert_ne!(name(kitchen), name(bath));
        assert_eq!(
            hash(b"foobar"),
            0xbf9c_f968,
            "as its authors have published it"
        );
    }
}
