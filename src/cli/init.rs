//! `bemo-sync init`: a configuration to begin with.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, IsTerminal, Write, stderr, stdin};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use super::{EXIT_FAILURE, EXIT_MISTAKE, complain, print};
use crate::init::{Answers, Given, Offers, TEMPLATES, Template, ask, template};
use crate::rehearsal::beside;

/// Where the Debian package puts it.
const SCHEMA: &str = "/usr/share/bemo-sync/services.schema.json";

#[derive(Debug, Args)]
pub(super) struct Init {
    /// What to begin with. Then nothing is asked.
    #[arg(long, short, value_name = "TEMPLATE", value_parser = templates())]
    template: Option<&'static Template>,

    /// The name of the device, as phones see it. Without it, that of this machine.
    #[arg(long, short)]
    name: Option<String>,

    /// The MQTT broker: `auto`, a host, or `mqtts://host`. One on another machine wants `mqtts://` or `--plaintext`.
    #[arg(long, short, value_name = "ADDRESS")]
    broker: Option<String>,

    /// Allow a broker on another machine without encryption.
    #[arg(long)]
    plaintext: bool,

    /// The Bluetooth adapter: `auto`, `hci0`, an address, or `virtual`.
    #[arg(long, short)]
    adapter: Option<String>,

    /// Let Home Assistant find it.
    #[arg(long)]
    home_assistant: bool,

    /// Add a console in the browser of this machine.
    #[arg(long)]
    console: bool,

    /// Where to write it; the tests of it come beside it. Without it, to standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Write over what is there.
    #[arg(long, short, requires = "output")]
    force: bool,
}

fn templates() -> impl TypedValueParser<Value = &'static Template> {
    let names = TEMPLATES.iter();
    let names = names.map(|it| PossibleValue::new(it.name).help(it.about));
    PossibleValuesParser::new(names)
        .map(|name| template(&name).expect("only names of templates are possible"))
}

impl Init {
    pub(super) fn execute(self, config: &Path) -> ExitCode {
        let offers = Offers::of_this_build();
        for (is_asked_for, is_there, what) in [
            (self.home_assistant, offers.home_assistant, "home-assistant"),
            (self.console, offers.console, "console"),
        ] {
            if is_asked_for && !is_there {
                return wrong(&format!("--{what}: this build knows nothing of that"));
            }
        }
        let given = Given {
            template: self.template,
            name: self.name.clone(),
            broker: self.broker.clone(),
            adapter: self.adapter.clone(),
            plaintext: self.plaintext,
            home_assistant: self.home_assistant,
            console: self.console,
        };
        let (answers, output) = match self.template {
            Some(template) => (given.over(template), self.output.clone()),
            None if stdin().is_terminal() && stderr().is_terminal() => {
                match self.talk(offers, given, config) {
                    Ok((answers, output)) => (answers, Some(output)),
                    Err(problem) => return wrong(&problem.to_string()),
                }
            }
            None => {
                let names: Vec<&str> = TEMPLATES.iter().map(|it| it.name).collect();
                return wrong(&format!(
                    "there is no terminal to ask on; say what to begin with: --template {}",
                    names.join("|")
                ));
            }
        };
        if let Some(problem) = answers.problem() {
            let plainly = Answers {
                plaintext: true,
                ..answers.clone()
            };
            let option = match !answers.plaintext && plainly.problem().is_none() {
                true => "; here that is `--plaintext`",
                false => "",
            };
            return wrong(&format!("that makes no configuration: {problem}{option}"));
        }
        self.write(&answers, output.as_deref())
    }

    /// Asks on the terminal, and where to write it.
    fn talk(&self, offers: Offers, given: Given, config: &Path) -> io::Result<(Answers, PathBuf)> {
        let (mut input, mut output) = (stdin().lock(), stderr().lock());
        let answers = ask(&mut input, &mut output, offers, given)?;
        if let Some(file) = &self.output {
            return Ok((answers, file.clone()));
        }
        loop {
            write!(output, "Write it to [{}]: ", config.display())?;
            output.flush()?;
            let mut line = String::new();
            if io::BufRead::read_line(&mut input, &mut line)? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let file = match line.trim() {
                "" => config.to_owned(),
                file => PathBuf::from(file),
            };
            match [file.clone(), beside(&file)].iter().find(|it| it.exists()) {
                Some(there) => writeln!(output, "  {} is there already", there.display())?,
                None => return Ok((answers, file)),
            }
        }
    }

    fn write(&self, answers: &Answers, output: Option<&Path>) -> ExitCode {
        let schema = match Path::new(SCHEMA).exists() {
            true => SCHEMA,
            false => "services.schema.json",
        };
        let text = answers.configuration(fastrand::u128(..), schema);
        let Some(file) = output.filter(|it| it.as_os_str() != "-") else {
            return print(&text);
        };
        let tests = beside(file);
        if tests == file {
            let shown = file.display();
            return wrong(&format!(
                "{shown}: the name of a configuration ends in .yaml, and not in .test.yaml"
            ));
        }
        // Before anything is written.
        let there = [file, &tests].into_iter().find(|it| it.exists());
        if let (Some(there), false) = (there, self.force) {
            let there = there.display();
            return wrong(&format!("{there} is there already; --force writes over it"));
        }
        for (path, text) in [(file, text), (&tests, answers.tests())] {
            if let Err(problem) = self.put(path, &text) {
                complain(&format!("{}: {problem}", path.display()));
                return EXIT_FAILURE.into();
            }
        }
        let shown = file.display();
        let mut told = format!(
            "{shown}: written, and what it promises in {}\n",
            tests.display()
        );
        if schema != SCHEMA {
            told += "for help in an editor:  bemo-sync schema > services.schema.json (beside it)\n";
        }
        told += &format!("try it out:             bemo-sync test {shown}\n");
        told += &format!("run it:                 bemo-sync --config {shown}\n");
        // Whoever does not read it has the file.
        let _ = stderr().write_all(told.as_bytes());
        ExitCode::SUCCESS
    }

    fn put(&self, path: &Path, text: &str) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true);
        match self.force {
            true => options.create(true).truncate(true),
            false => options.create_new(true),
        };
        options.open(path)?.write_all(text.as_bytes())
    }
}

fn wrong(problem: &str) -> ExitCode {
    complain(problem);
    EXIT_MISTAKE.into()
}
