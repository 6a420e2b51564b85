//! From a file to a [`Story`], or to all that is wrong with it and with the configuration it tests.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::model::{RetainedConfig, TestConfig, TestsConfig};
use super::steps::Steps;
use super::story::{Message, Story, Test, known};
use crate::config::{
    Diagnostic, Literal, NodeId, Placeholders, Raw, Span, Spanned, Tree, load_with, nearest, read,
    read_file, render,
};

/// How the name of a file of tests ends.
pub(super) const ENDING: &str = ".test.yaml";

/// Reads a file of tests, and the configuration that it tests.
///
/// # Errors
/// Everything that is wrong with either, as a person reads it.
pub(super) fn story(path: &Path) -> Result<Story, String> {
    let source = read_file(path).map_err(|mut problem| {
        if problem.message.contains("cannot be read") {
            problem = problem.help(missing(path));
        }
        said(path, "", vec![problem])
    })?;
    let mut mistakes = Vec::new();
    if source.trim().is_empty() {
        let help = "a file of tests begins with `tests:`";
        mistakes.push(Diagnostic::new(Span::START, "the file is empty").help(help));
        return Err(said(path, &source, mistakes));
    }
    let tree = match Tree::parse(&source, &mut mistakes) {
        Ok(tree) => tree,
        Err(mistake) => {
            mistakes.push(mistake);
            return Err(said(path, &source, mistakes));
        }
    };
    let Some(tests) = read::<TestsConfig>(&tree, tree.root(), &|_| Vec::new(), &mut mistakes)
    else {
        return Err(said(path, &source, mistakes));
    };
    let mut reading = Reading {
        path,
        tree: &tree,
        mistakes,
    };
    let (story, of_config) = reading.story(tests, &source);
    if reading.mistakes.is_empty() && of_config.is_none() {
        return Ok(story);
    }
    let of_tests = (!reading.mistakes.is_empty()).then(|| said(path, &source, reading.mistakes));
    let both: Vec<String> = of_tests.into_iter().chain(of_config).collect();
    Err(both.join("\n\n"))
}

fn missing(path: &Path) -> String {
    match path.to_string_lossy().strip_suffix(ENDING) {
        Some(name) => format!("tests of `{name}.yaml` are written there; or name other files"),
        None => "name a file of tests, or a folder that has some".to_owned(),
    }
}

fn said(path: &Path, source: &str, mut mistakes: Vec<Diagnostic>) -> String {
    mistakes.sort_by(|a, b| (a.span, &a.message).cmp(&(b.span, &b.message)));
    mistakes.dedup();
    let file = path.display().to_string();
    let rendered = render(&file, source, &mistakes);
    match mistakes.len() {
        1 => format!("{rendered}{file}: 1 mistake; these tests were not run"),
        count => format!("{rendered}{file}: {count} mistakes; these tests were not run"),
    }
}

struct Reading<'a> {
    path: &'a Path,
    tree: &'a Tree,
    mistakes: Vec<Diagnostic>,
}

impl Reading<'_> {
    fn story(&mut self, tests: TestsConfig, source: &str) -> (Story, Option<String>) {
        let texts = |literal: Option<Literal>, otherwise: &str| {
            literal.map_or_else(|| otherwise.to_owned(), |literal| literal.text)
        };
        let host = Placeholders::new(vec![
            ("hostname", texts(tests.host.hostname, "raspberrypi")),
            (
                "machine_id",
                texts(tests.host.machine_id, "0123456789abcdef0123456789abcdef"),
            ),
            ("mac", texts(tests.host.mac, "aabbccddeeff")),
        ]);
        let environment: BTreeMap<String, String> = tests
            .environment
            .into_iter()
            .map(|(name, literal)| (name, literal.text))
            .collect();
        let centrals = self.centrals(tests.centrals.as_ref());

        let mut of_config = None;
        let mut characteristics = None;
        let config = self.config(tests.config.as_ref());
        if let Some(config) = &config {
            let variables = |name: &str| environment.get(name).cloned();
            match load_with(config, &variables, host.clone()) {
                Ok(loaded) => characteristics = Some(known(&loaded.plan.services)),
                Err(mistakes) => of_config = Some(mistakes.to_string()),
            }
        }
        let ignore = self.filters(&tests.ignore);
        let common = Common {
            ignore: &ignore,
            retained: &tests.retained,
            before: &tests.before,
        };
        let names = Names {
            centrals: &centrals,
            characteristics: characteristics.as_deref(),
        };
        let tests = match &tests.tests {
            Some(tests) if tests.is_empty() => {
                let help = "add one: `- name: …` and its `steps:`";
                self.mistake(tests.at, "there is no test in this", help);
                Vec::new()
            }
            Some(tests) => tests
                .iter()
                .map(|test| self.test(test, &common, &names))
                .collect(),
            None => {
                self.missing(self.tree.root(), "tests");
                Vec::new()
            }
        };
        let story = Story {
            path: self.path.to_owned(),
            source: source.to_owned(),
            config: config.unwrap_or_default(),
            host,
            environment,
            centrals,
            characteristics: characteristics.unwrap_or_default(),
            tests,
        };
        (story, of_config)
    }

    /// The file that is tested.
    fn config(&mut self, declared: Option<&Spanned<String>>) -> Option<PathBuf> {
        if let Some(declared) = declared {
            let folder = self.path.parent().unwrap_or(Path::new(""));
            let config = folder.join(&declared.value);
            if let Err(error) = config.metadata()
                && error.kind() == ErrorKind::NotFound
            {
                let help = "name it from the folder of this file";
                let message = format!("there is no `{}`", config.display());
                self.mistake(declared.at, message, help);
                return None;
            }
            return Some(config);
        }
        let name = self.path.to_string_lossy();
        let config = name.strip_suffix(ENDING).map(|name| format!("{name}.yaml"));
        if config.is_none() {
            let message = "it is not said which configuration this tests";
            let help = format!("add `config: …`, or call the file like it, ending in `{ENDING}`");
            self.mistake(self.tree.root(), message, help);
        }
        config.map(PathBuf::from)
    }

    fn centrals(&mut self, declared: Option<&Spanned<Vec<Spanned<String>>>>) -> Vec<String> {
        let Some(declared) = declared else {
            return vec!["phone".to_owned()];
        };
        if declared.is_empty() {
            let help = "name them, `[phone, tablet]`, or leave this out for one `phone`";
            self.mistake(declared.at, "no central is named", help);
        }
        let mut names: Vec<String> = Vec::new();
        for name in &declared.value {
            if super::model::STEP_WORDS.contains(&name.as_str()) {
                let message = format!("`{}` is the word of a step", name.value);
                self.mistake(name.at, message, "call the central something else");
            } else if names.contains(&name.value) {
                let message = format!("`{}` stands here a second time", name.value);
                self.mistake(name.at, message, "keep one");
            } else {
                names.push(name.value.clone());
            }
        }
        names
    }

    fn filters(&mut self, declared: &[Spanned<String>]) -> Vec<String> {
        for filter in declared {
            let levels: Vec<&str> = filter.split('/').collect();
            let is_wrong = levels
                .iter()
                .enumerate()
                .any(|(index, level)| match *level {
                    "#" => index + 1 < levels.len(),
                    "+" => false,
                    level => level.contains(['#', '+']),
                });
            if is_wrong || filter.is_empty() {
                let help = "`+` stands for one whole level, `#` for all the last ones: `lamp/#`";
                self.mistake(filter.at, "this matches no topic", help);
            }
        }
        declared.iter().map(|filter| filter.value.clone()).collect()
    }

    fn test(&mut self, test: &Spanned<TestConfig>, common: &Common<'_>, names: &Names<'_>) -> Test {
        let ignore = self.filters(&test.ignore);
        let retained = common.retained.iter().chain(&test.retained);
        let retained = retained.filter_map(|it| self.retained(it)).collect();
        let at = match &test.name {
            Some(name) => self.tree.span(name.at),
            None => self.tree.span(test.at),
        };
        if test.name.is_none() {
            self.missing(test.at, "name");
        }
        let steps = match &test.steps {
            None => {
                self.missing(test.at, "steps");
                &[]
            }
            Some(steps) => {
                if steps.is_empty() {
                    let help = "add one: `- publish: …`, or `- expect: …`";
                    self.mistake(steps.at, "there is no step in this", help);
                }
                steps.as_slice()
            }
        };
        let mut reader = Steps::new(self.tree, names, &mut self.mistakes);
        let steps = common.before.iter().chain(steps);
        let steps = steps.filter_map(|raw| reader.step(raw.0)).collect();
        Test {
            name: test
                .name
                .as_ref()
                .map_or_else(String::new, |name| name.value.clone()),
            at,
            retained,
            ignore: common.ignore.iter().cloned().chain(ignore).collect(),
            steps,
        }
    }

    fn retained(&mut self, message: &Spanned<RetainedConfig>) -> Option<Message> {
        let RetainedConfig {
            topic,
            payload,
            text,
            hex,
        } = &message.value;
        let none = Names {
            centrals: &[],
            characteristics: None,
        };
        let mut steps = Steps::new(self.tree, &none, &mut self.mistakes);
        steps.message(
            message.at,
            topic.as_ref(),
            *payload,
            text.as_ref(),
            hex.as_ref(),
        )
    }

    /// A key that has to be there is not, or has nothing behind it. If it was wrong, that has been said.
    fn missing(&mut self, of: NodeId, key: &str) {
        let entries = self.tree.entries(of).iter();
        let mut meant =
            entries.filter(|(found, _)| nearest(self.tree.text(*found), [key]).is_some());
        let is_there = meant.any(|(_, value)| {
            let mut none = Vec::new();
            let found = read::<Option<Raw>>(self.tree, *value, &|_| Vec::new(), &mut none);
            found.flatten().is_some()
        });
        if !is_there {
            self.mistake(
                of,
                format!("`{key}` is missing here"),
                format!("add `{key}: …`"),
            );
        }
    }

    fn mistake(&mut self, at: NodeId, message: impl Into<String>, help: impl Into<String>) {
        let mistake = Diagnostic::new(self.tree.span(at), message).help(help);
        self.mistakes.push(mistake);
    }
}

/// What every test of a file begins with.
struct Common<'a> {
    ignore: &'a [String],
    retained: &'a [Spanned<RetainedConfig>],
    before: &'a [Raw],
}

/// The names that steps may use.
pub(super) struct Names<'a> {
    pub(super) centrals: &'a [String],
    /// `None` when the configuration has mistakes of its own, and nothing can be told.
    pub(super) characteristics: Option<&'a [super::story::Known]>,
}
