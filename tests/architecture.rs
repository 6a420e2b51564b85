//! The rules that keep the parts apart, checked on the syntax of the source itself: however an import
//! is written, it is the same path.
//!
//! The pure parts touch neither clock, nor I/O, nor runtime; plugins do not know each other; and nobody
//! but the registry knows a plugin.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// Where, what may not be there, and why.
struct Rule {
    part: &'static str,
    /// Paths, with everything below them.
    forbidden: &'static [&'static str],
    because: &'static str,
}

const WORLD: &[&str] = &[
    "async",
    "bluer",
    "crate::cli",
    "crate::config",
    "crate::gatt",
    "crate::plan",
    "crate::plugin",
    "crate::plugins",
    "crate::runtime",
    "dbus",
    "eprintln",
    "fastrand",
    "print",
    "println",
    "rumqttc",
    "rumqttd",
    "rustls",
    "tokio_rustls",
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "tokio",
    "tracing",
];

/// What nothing does that only makes one thing of another.
const PURE: &[&str] = &[
    "async",
    "crate::plugins",
    "crate::runtime",
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::time::Instant",
    "std::time::SystemTime::now",
    "tokio",
    "tracing",
];

const RULES: &[Rule] = &[
    Rule {
        part: "src",
        forbidden: &["std::process::Command", "tokio::process"],
        because: "a child would have our environment: passwords, and the service manager's socket",
    },
    Rule {
        part: "src/codec",
        forbidden: WORLD,
        because: "the codec is pure",
    },
    Rule {
        part: "src/codec",
        forbidden: &["crate::engine"],
        because: "the codec knows no engine",
    },
    Rule {
        part: "src/engine",
        forbidden: WORLD,
        because: "the engine is pure",
    },
    Rule {
        part: "src/config",
        forbidden: &["crate::plugins"],
        because: "the configuration knows plugins through the registry only",
    },
    Rule {
        part: "src/gatt",
        forbidden: &["crate::plugins", "bluer", "dbus", "rumqttc", "tokio_rustls"],
        because: "what a read or a write means is the same on every adapter",
    },
    Rule {
        part: "src/doctor",
        forbidden: &["crate::plugins", "crate::cli", "rumqttc", "bluer"],
        because: "a link says itself what is wrong with its part of the world",
    },
    Rule {
        part: "src/init",
        forbidden: &[
            "crate::plugins",
            "crate::cli",
            "std::fs",
            "std::net",
            "tokio",
        ],
        because: "what is written is a text that is read as any other",
    },
    Rule {
        part: "src/cli",
        forbidden: &["crate::plugins"],
        because: "what is served and what is wrong with it says each link",
    },
    Rule {
        part: "src/plugins/mqtt/examine/judge.rs",
        forbidden: &["async", "tokio", "std::io", "std::net", "std::fs"],
        because: "what answers mean does not depend on how they came",
    },
    Rule {
        part: "src/plugins/ble/examine/judge.rs",
        forbidden: &["async", "tokio", "dbus", "bluer", "std::fs"],
        because: "what answers mean does not depend on how they came",
    },
    Rule {
        part: "src/plan.rs",
        forbidden: &["crate::plugins"],
        because: "a plan holds links, whatever they are",
    },
    Rule {
        part: "src/rehearsal",
        forbidden: &[
            "crate::plugins",
            "crate::cli",
            "rumqttc",
            "tokio_rustls",
            "bluer",
            "std::net",
        ],
        because: "a test runs links, whatever they are, and touches nothing of the world",
    },
    Rule {
        part: "src/plugins/mqtt/packet.rs",
        forbidden: &["async", "tokio", "std::io", "std::net", "std::time"],
        because: "what bytes mean does not depend on how they came",
    },
    Rule {
        part: "src/plugins/mqtt/retry.rs",
        forbidden: &["async", "fastrand", "tokio", "std::time::Instant"],
        because: "a fleet is simulated with it: time and chance are arguments",
    },
    Rule {
        part: "src/metrics.rs",
        forbidden: PURE,
        because: "a snapshot becomes a text, and nothing else happens",
    },
    Rule {
        part: "src/metrics",
        forbidden: PURE,
        because: "a snapshot becomes a text, and nothing else happens",
    },
    Rule {
        part: "src/runtime.rs",
        forbidden: &["crate::plugins"],
        because: "the runtime runs links, whatever they are",
    },
];

/// The names of plugins, which nothing in `src/config` may say, not even in a text.
const PLUGINS: &[&str] = &["ble", "console", "mqtt", "store", "ticker", "virtual_ble"];

#[test]
fn parts_that_must_not_know_each_other_do_not() {
    let broken: Vec<String> = RULES
        .iter()
        .flat_map(|rule| {
            sources(rule.part)
                .into_iter()
                .flat_map(|file| violations(rule, &file))
        })
        .collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn a_plugin_does_not_know_another() {
    let names: Vec<String> = fs::read_dir("src/plugins")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().is_some_and(|name| name != "mod.rs"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    assert!(names.len() >= 4, "only {names:?}: is this the right place?");
    let mut broken = Vec::new();
    for own in &names {
        let folder = format!("src/plugins/{own}");
        let part = if Path::new(&folder).is_dir() {
            folder
        } else {
            format!("{folder}.rs")
        };
        for file in sources(&part) {
            let seen = Seen::in_file(&file);
            for other in names.iter().filter(|other| *other != own) {
                if seen.names(&format!("crate::plugins::{other}")) {
                    broken.push(format!("{}: knows the plugin `{other}`", file.display()));
                }
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn the_configuration_does_not_name_a_plugin_even_in_a_text() {
    let mut broken = Vec::new();
    for file in sources("src/config") {
        for text in Seen::in_file(&file).texts {
            let words: Vec<&str> = text
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .collect();
            if let Some(name) = PLUGINS.iter().find(|name| words.contains(name)) {
                broken.push(format!("{}: `{name}` in {text:?}", file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn what_is_forbidden_is_found_however_it_is_written() {
    let found = |source: &str, forbidden: &str| {
        let syntax = syn::parse_file(source).expect("it is Rust");
        Seen::in_syntax(&syntax, &["crate", "plugins", "ble"]).names(forbidden)
    };
    assert!(found("use std::{fs as _, io as _};", "std::io"));
    assert!(found(
        "use super::{mqtt as _, virtual_ble as _};",
        "crate::plugins::mqtt"
    ));
    assert!(found(
        "use crate::{config as _, plugins::mqtt::Mqtt};",
        "crate::plugins::mqtt"
    ));
    assert!(found(
        "fn f() { let x = std::fs::read(\"http://x\"); }",
        "std::fs"
    ));
    assert!(found("use std::fs; fn f() { fs::read(\"x\"); }", "std::fs"));
    assert!(found("fn f() { vec![std::fs::read(x)]; }", "std::fs"));
    assert!(found("async fn f() {}", "async"));
    assert!(found("fn f() { println!(\"x\"); }", "println"));
    assert!(found(
        "mod inner { use super::super::mqtt; }",
        "crate::plugins::mqtt"
    ));
    assert!(!found(
        "// use std::fs;\nuse std::fs_extra; const X: &str = \"std::fs\";",
        "std::fs"
    ));
    assert!(!found("use std::time::Duration;", "std::time::Instant"));
}

fn violations(rule: &Rule, file: &Path) -> Vec<String> {
    let seen = Seen::in_file(file);
    let broken = rule
        .forbidden
        .iter()
        .filter(|forbidden| seen.names(forbidden));
    broken
        .map(|path| format!("{}: `{path}`, but {}", file.display(), rule.because))
        .collect()
}

/// Every path and every text of a file.
#[derive(Default)]
struct Seen {
    paths: Vec<String>,
    texts: Vec<String>,
    module: Vec<String>,
}

impl Seen {
    fn in_file(file: &Path) -> Self {
        let source = fs::read_to_string(file).expect("a source file can be read");
        let syntax = syn::parse_file(&source).unwrap_or_else(|error| panic!("{file:?}: {error}"));
        let without_end = file.with_extension("");
        let module: Vec<&str> = without_end
            .iter()
            .map(|part| part.to_str().expect("names are ASCII"))
            .map(|part| if part == "src" { "crate" } else { part })
            .filter(|part| *part != "mod")
            .collect();
        Self::in_syntax(&syntax, &module)
    }

    fn in_syntax(syntax: &syn::File, module: &[&str]) -> Self {
        let module = module.iter().map(ToString::to_string).collect();
        let mut seen = Self {
            module,
            ..Self::default()
        };
        seen.visit_file(syntax);
        seen
    }

    fn names(&self, forbidden: &str) -> bool {
        self.paths.iter().any(|path| {
            path.strip_prefix(forbidden)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        })
    }

    /// Remembers a path as it is from the root of the crate.
    fn add(&mut self, segments: &[String]) {
        let mut path: Vec<String> = Vec::new();
        for (index, segment) in segments.iter().enumerate() {
            match segment.as_str() {
                "self" if index == 0 => path.clone_from(&self.module),
                "super" if index == 0 => {
                    path.clone_from(&self.module);
                    path.pop();
                }
                "super" => drop(path.pop()),
                _ => path.push(segment.clone()),
            }
        }
        self.paths.push(path.join("::"));
    }

    fn add_use(&mut self, tree: &syn::UseTree, before: &[String]) {
        let with = |ident: &syn::Ident| [before, &[ident.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.add_use(&path.tree, &with(&path.ident)),
            syn::UseTree::Name(name) if name.ident == "self" => self.add(before),
            syn::UseTree::Name(name) => self.add(&with(&name.ident)),
            syn::UseTree::Rename(rename) if rename.ident == "self" => self.add(before),
            syn::UseTree::Rename(rename) => self.add(&with(&rename.ident)),
            syn::UseTree::Glob(_) => self.add(before),
            syn::UseTree::Group(group) => {
                group
                    .items
                    .iter()
                    .for_each(|tree| self.add_use(tree, before));
            }
        }
    }

    /// Inside of a macro there is no syntax, but there are paths all the same.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => path.push(ident.to_string()),
                TokenTree::Punct(punct) if punct.as_char() == ':' => {}
                TokenTree::Punct(_) | TokenTree::Literal(_) => self.end(&mut path),
                TokenTree::Group(group) => {
                    self.end(&mut path);
                    self.add_tokens(group.stream());
                }
            }
        }
        self.end(&mut path);
    }

    fn end(&mut self, path: &mut Vec<String>) {
        if !path.is_empty() {
            self.add(path);
            path.clear();
        }
    }
}

impl<'ast> Visit<'ast> for Seen {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add_use(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        self.add(&segments);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.add_tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        if signature.asyncness.is_some() {
            self.paths.push("async".to_owned());
        }
        visit::visit_signature(self, signature);
    }

    fn visit_expr_async(&mut self, block: &'ast syn::ExprAsync) {
        self.paths.push("async".to_owned());
        visit::visit_expr_async(self, block);
    }

    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        self.texts.push(text.value());
    }

    // Comments are attributes here, and may speak of everything.
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
}

fn sources(part: &str) -> Vec<PathBuf> {
    let path = Path::new(part);
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("{part}: {error}"));
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("it can be listed").path())
        .flat_map(|path| match path.extension() {
            None => sources(path.to_str().expect("names are ASCII")),
            Some(extension) if extension == "rs" => vec![path],
            Some(_) => Vec::new(),
        })
        .collect();
    files.sort();
    files
}
