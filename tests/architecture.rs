//! The rules that keep the parts apart, checked on the source itself.
//!
//! The pure parts touch neither clock, nor I/O, nor runtime; plugins do not know each other; and
//! nobody but the registry knows a plugin.

use std::fs;
use std::path::{Path, PathBuf};

/// Where, what may not be there, and why.
struct Rule {
    folder: &'static str,
    forbidden: &'static [&'static str],
    because: &'static str,
}

const WORLD: &[&str] = &[
    "tokio",
    "bluer",
    "dbus",
    "rumqttc",
    "rumqttd",
    "rustls",
    "fastrand",
    "tracing",
    "std::net",
    "std::fs",
    "std::io",
    "std::process",
    "std::thread",
    "std::env",
    "Instant",
    "SystemTime",
    "async",
    "await",
    "println",
    "eprintln",
    "crate::plugin",
    "crate::plugins",
    "crate::config",
    "crate::gatt",
    "crate::runtime",
    "crate::plan",
    "crate::cli",
];

const RULES: &[Rule] = &[
    Rule {
        folder: "src/codec",
        forbidden: WORLD,
        because: "the codec is pure",
    },
    Rule {
        folder: "src/codec",
        forbidden: &["crate::engine"],
        because: "the codec knows no engine",
    },
    Rule {
        folder: "src/engine",
        forbidden: WORLD,
        because: "the engine is pure",
    },
    Rule {
        folder: "src/config",
        forbidden: &["crate::plugins", "mqtt", "ticker", "virtual_ble", "ble"],
        because: "the configuration knows plugins through the registry only",
    },
    Rule {
        folder: "src/gatt",
        forbidden: &["crate::plugins", "bluer", "dbus", "mqtt"],
        because: "what a read or a write means is the same on every adapter",
    },
    Rule {
        folder: "src/plan.rs",
        forbidden: &["crate::plugins"],
        because: "a plan holds links, whatever they are",
    },
    Rule {
        folder: "src/runtime.rs",
        forbidden: &["crate::plugins"],
        because: "the runtime runs links, whatever they are",
    },
];

#[test]
fn parts_that_must_not_know_each_other_do_not() {
    let broken: Vec<String> = RULES
        .iter()
        .flat_map(|rule| {
            sources(Path::new(rule.folder))
                .into_iter()
                .flat_map(|file| violations(rule, &file))
        })
        .collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn a_plugin_does_not_know_another() {
    let root = Path::new("src/plugins");
    let names: Vec<String> = fs::read_dir(root)
        .expect("src/plugins is there")
        .map(|entry| entry.expect("it can be listed").path())
        .filter(|path| path.file_name().is_some_and(|name| name != "mod.rs"))
        .map(|path| {
            path.file_stem()
                .expect("it has a name")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    assert!(
        names.len() >= 4,
        "only {names:?} were found: is this the right place?"
    );
    let mut broken = Vec::new();
    for own in &names {
        let folder = root.join(own);
        let files = if folder.is_dir() {
            sources(&folder)
        } else {
            sources(&folder.with_extension("rs"))
        };
        for other in names.iter().filter(|other| *other != own) {
            for file in &files {
                let text = code_of(file);
                for path in [
                    format!("plugins::{other}"),
                    format!("super::super::{other}"),
                ] {
                    if text.contains(&path) {
                        broken.push(format!("{}: names `{path}`", file.display()));
                    }
                }
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn a_forbidden_word_is_found() {
    let rule = Rule {
        folder: "",
        forbidden: &["std::fs", "tokio"],
        because: "of this test",
    };
    assert_eq!(
        matches(&rule, "use std::fs;\nlet a = tokio::spawn(b);").len(),
        2
    );
    assert!(
        matches(
            &rule,
            &strip("// tokio is told of here\nlet a = \"std::fs\";")
        )
        .is_empty()
    );
    assert!(matches(&rule, "use std::fs_extra; let tokiox = 1;").is_empty());
}

fn violations(rule: &Rule, file: &Path) -> Vec<String> {
    matches(rule, &code_of(file))
        .into_iter()
        .map(|(line, word)| format!("{}:{line}: `{word}`, but {}", file.display(), rule.because))
        .collect()
}

/// Line and word of everything forbidden, as whole words.
fn matches(rule: &Rule, code: &str) -> Vec<(usize, &'static str)> {
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let mut found = Vec::new();
    for (number, line) in code.lines().enumerate() {
        for word in rule.forbidden {
            for (at, _) in line.match_indices(word) {
                let before = line[..at].chars().next_back();
                let after = line[at + word.len()..].chars().next();
                if !is_word(before) && !is_word(after) {
                    found.push((number + 1, *word));
                }
            }
        }
    }
    found
}

fn code_of(file: &Path) -> String {
    strip(&fs::read_to_string(file).expect("a source file can be read"))
}

/// The source without comments and without what is in quotes.
fn strip(source: &str) -> String {
    source
        .lines()
        .map(|line| {
            let code = line.split("//").next().unwrap_or_default();
            code.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
        })
        .collect::<Vec<_>>()
        .join("\n")
}

fn sources(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("it can be listed").path())
        .flat_map(|path| match path.extension() {
            None => sources(&path),
            Some(extension) if extension == "rs" => vec![path],
            Some(_) => Vec::new(),
        })
        .collect();
    files.sort();
    files
}
