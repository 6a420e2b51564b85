//! From a file to a plan, or to all that is wrong with it.

use std::fmt;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::diagnose::{Diagnostic, Span, render_covered};
use super::interpolate::{Environment, interpolate};
use super::model::Config;
use super::placeholders::Placeholders;
use super::read::{MAX_MISTAKES, read};
use super::resolve::{Surroundings, resolve};
use super::sig::fill_in;
use super::tree::{MAX_BYTES, Tree};
use super::veil::Veil;
use crate::plan::Plan;
use crate::plugin::{Place, PlaceKind, Plugin, registry};

/// A configuration without mistakes.
pub struct Loaded {
    pub path: PathBuf,
    pub plan: Plan,
    /// The text of the file.
    pub source: String,
}

/// Everything that is wrong with a file, as a person reads it.
#[derive(Debug)]
pub struct Mistakes {
    pub diagnostics: Vec<Diagnostic>,
    /// There is no such file at all.
    pub is_missing: bool,
    file: String,
    rendered: String,
}

impl Mistakes {
    /// All of them, how many they are, and what has come of that.
    pub fn told(&self, so: &str) -> String {
        format!("{}{}: {}; {so}", self.rendered, self.file, self.count())
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told("nothing was started"))
    }
}

impl std::error::Error for Mistakes {}

impl Mistakes {
    /// How many there are, in words.
    pub fn count(&self) -> String {
        match self.diagnostics.len() {
            1 => "1 mistake".to_owned(),
            // Reading gives up there, so nobody knows.
            count if count >= MAX_MISTAKES => format!("{count} mistakes, perhaps more"),
            count => format!("{count} mistakes"),
        }
    }
}

/// Loads a file, with the environment and the host as they are.
///
/// # Errors
/// All mistakes at once.
pub fn load(path: &Path) -> Result<Loaded, Mistakes> {
    let environment = |name: &str| std::env::var(name).ok();
    load_with(path, &environment, Placeholders::of_this_host())
}

/// Loads a text as if it stood in a file, with the environment and the host as they are.
///
/// # Errors
/// All mistakes at once.
pub fn load_text(path: &Path, source: &str) -> Result<Loaded, Mistakes> {
    let environment = |name: &str| std::env::var(name).ok();
    load_str(path, source, &environment, Placeholders::of_this_host())
}

/// Loads a file, with another environment and another host.
///
/// # Errors
/// All mistakes at once.
pub(crate) fn load_with(
    path: &Path,
    environment: &Environment<'_>,
    host: Placeholders,
) -> Result<Loaded, Mistakes> {
    let source = read_file(path).map_err(|problem| Mistakes {
        is_missing: matches!(path.try_exists(), Ok(false)),
        ..mistakes(path, "", &Veil::default(), vec![problem])
    })?;
    load_str(path, &source, environment, host)
}

/// Loads the text of a file.
///
/// # Errors
/// All mistakes at once.
pub fn load_str(
    path: &Path,
    source: &str,
    environment: &Environment<'_>,
    host: Placeholders,
) -> Result<Loaded, Mistakes> {
    let plugins = registry();
    let secrecy = |key: &str, text: &str| {
        let said = plugins
            .iter()
            .filter_map(|plugin| plugin.secrecy(key, text));
        said.max()
    };
    let mut repeated = Vec::new();
    let mut tree = match Tree::parse(source, &mut repeated) {
        Ok(tree) => tree,
        Err(mistake) => {
            repeated.push(mistake);
            let veil = Veil::over_text(source, &secrecy);
            return Err(mistakes(path, source, &veil, repeated));
        }
    };
    // These name variables, and never say what is in them.
    let mut unset = Vec::new();
    interpolate(&mut tree, environment, &mut unset);
    let mut others = Vec::new();
    if let Err(too_large) = fill_in(&mut tree, &mut others) {
        let veil = Veil::over_text(source, &secrecy);
        return Err(mistakes(path, source, &veil, vec![too_large]));
    }
    let plan = plan_of(path, &tree, &plugins, environment, host, &mut others);
    if let (Some(plan), true) = (
        plan,
        repeated.is_empty() && unset.is_empty() && others.is_empty(),
    ) {
        let path = path.to_owned();
        let source = source.to_owned();
        return Ok(Loaded { path, plan, source });
    }
    let veil = Veil::over_tree(&tree, source, &secrecy, &repeated, &others);
    let quiet = repeated.into_iter().chain(others);
    let mut all: Vec<Diagnostic> = quiet.map(|mistake| veil.quiet(mistake)).collect();
    all.extend(unset);
    Err(mistakes(path, source, &veil, all))
}

fn plan_of(
    path: &Path,
    tree: &Tree,
    plugins: &[Box<dyn Plugin>],
    environment: &Environment<'_>,
    host: Placeholders,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Plan> {
    let places: Vec<Place> = plugins.iter().flat_map(|plugin| plugin.places()).collect();
    let config: Config = read(tree, tree.root(), &|name| keys(&places, name), diagnostics)?;
    let directory = path.parent().unwrap_or(Path::new(""));
    let surroundings = Surroundings {
        tree,
        plugins,
        environment,
        host: host.beside(directory),
        file: path,
        directory,
    };
    Some(resolve(config, surroundings, diagnostics))
}

/// The keys that plugins bring to a struct of the model.
fn keys(places: &[Place], name: &str) -> Vec<&'static str> {
    let kinds: &[PlaceKind] = match name {
        "Config" => &[PlaceKind::Section],
        "CharacteristicConfig" => &[PlaceKind::Characteristic, PlaceKind::CharacteristicOnly],
        "ResponseConfig" => &[PlaceKind::Characteristic],
        "SourceConfig" => &[PlaceKind::Source],
        _ => return Vec::new(),
    };
    let mut keys: Vec<_> = places
        .iter()
        .filter(|place| kinds.contains(&place.kind))
        .map(|place| place.key)
        .collect();
    keys.dedup();
    keys
}

/// The text of a file that is not trusted: no longer than it may be, and UTF-8.
pub(crate) fn read_file(path: &Path) -> Result<String, Diagnostic> {
    let mut bytes = Vec::new();
    // One byte more than allowed is enough to see that it is too much.
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| {
            let help = match error.kind() {
                ErrorKind::NotFound => {
                    "name a file with `--config FILE`; `services.yaml` here is the default"
                }
                ErrorKind::PermissionDenied => "let this user read it, and the folders above it",
                _ => "it has to be a file that this user may read",
            };
            Diagnostic::new(Span::START, format!("cannot be read: {error}")).help(help)
        })?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let before = String::from_utf8_lossy(valid);
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .map_or(0, |last| last.chars().count())
            + 1;
        Diagnostic::new(Span::new(line, column, 1), "this is not UTF-8")
            .help("save the file with the encoding UTF-8")
    })
}

/// Each mistake once, in the order of the file: plugins that share a section find the same ones.
fn mistakes(path: &Path, source: &str, veil: &Veil, mut found: Vec<Diagnostic>) -> Mistakes {
    found.sort_by(|a, b| (a.span, &a.message, &a.help).cmp(&(b.span, &b.message, &b.help)));
    found.dedup();
    let file = path.display().to_string();
    let rendered = render_covered(&file, source, &found, &|excerpt| veil.cover(excerpt));
    Mistakes {
        diagnostics: found,
        is_missing: false,
        file,
        rendered,
    }
}
