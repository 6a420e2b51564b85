//! The questions, one line each; an empty answer takes what stands in brackets.

use std::io::{self, BufRead, ErrorKind, Write};

use super::{Answers, Offers, TEMPLATES, Template, template};

/// What the command line has said already, and nobody is asked for.
#[derive(Clone, Debug, Default)]
pub struct Given {
    pub template: Option<&'static Template>,
    pub name: Option<String>,
    pub broker: Option<String>,
    pub adapter: Option<String>,
    pub plaintext: bool,
    pub home_assistant: bool,
    pub console: bool,
}

impl Given {
    /// What these make with this template, where nobody is asked.
    pub fn over(self, template: &'static Template) -> Answers {
        let usual = Answers::of(template);
        Answers {
            template,
            name: self.name.unwrap_or(usual.name),
            broker: self.broker.unwrap_or(usual.broker),
            adapter: self.adapter.unwrap_or(usual.adapter),
            plaintext: self.plaintext,
            home_assistant: self.home_assistant,
            console: self.console,
        }
    }
}

/// Asks for what is not given, until the answers make a configuration without mistakes.
///
/// # Errors
/// When nobody answers, or there is no way to ask.
pub fn ask(
    input: &mut dyn BufRead,
    output: &mut dyn Write,
    offers: Offers,
    given: Given,
) -> io::Result<Answers> {
    let mut talk = Talk { input, output };
    let template = match given.template {
        Some(template) => template,
        None => talk.template()?,
    };
    let is_given = given.clone();
    let mut answers = given.over(template);
    if is_given.name.is_none() {
        talk.text(&mut answers, "Name of the device, as phones see it", |it| {
            &mut it.name
        })?;
    }
    if is_given.broker.is_none() {
        talk.broker(&mut answers)?;
    }
    if is_given.adapter.is_none() {
        talk.text(
            &mut answers,
            "Bluetooth adapter (auto, hci0, an address, or virtual)",
            |it| &mut it.adapter,
        )?;
    }
    if offers.home_assistant && !answers.home_assistant {
        answers.home_assistant = talk.yes("Shall Home Assistant find it?", false)?;
    }
    if offers.console && !answers.console {
        answers.console = talk.yes("A console in the browser of this machine?", true)?;
    }
    Ok(answers)
}

struct Talk<'a> {
    input: &'a mut dyn BufRead,
    output: &'a mut dyn Write,
}

impl Talk<'_> {
    fn line(&mut self, question: &str, usual: &str) -> io::Result<String> {
        write!(self.output, "{question} [{usual}]: ")?;
        self.output.flush()?;
        let mut line = String::new();
        if self.input.read_line(&mut line)? == 0 {
            writeln!(self.output)?;
            return Err(io::Error::new(
                ErrorKind::UnexpectedEof,
                "nobody has answered",
            ));
        }
        let line = line.trim();
        Ok(if line.is_empty() { usual } else { line }.to_owned())
    }

    fn template(&mut self) -> io::Result<&'static Template> {
        writeln!(self.output, "What shall it be?")?;
        let width = TEMPLATES.iter().map(|it| it.name.len()).max().unwrap_or(0);
        for (index, it) in TEMPLATES.iter().enumerate() {
            writeln!(
                self.output,
                "  {}  {:width$}  {}",
                index + 1,
                it.name,
                it.about
            )?;
        }
        loop {
            let answer = self.line("Its number or name", TEMPLATES[0].name)?;
            let by_number = answer
                .parse::<usize>()
                .ok()
                .and_then(|it| it.checked_sub(1));
            let found = match by_number {
                Some(index) => TEMPLATES.get(index),
                None => template(&answer),
            };
            match found {
                Some(found) => return Ok(found),
                None => writeln!(self.output, "  `{answer}` is none of these")?,
            }
        }
    }

    /// Asks until nothing is wrong with the answer.
    fn text(
        &mut self,
        answers: &mut Answers,
        question: &str,
        of: fn(&mut Answers) -> &mut String,
    ) -> io::Result<()> {
        let usual = of(answers).clone();
        loop {
            *of(answers) = self.line(question, &usual)?;
            match answers.problem() {
                None => return Ok(()),
                Some(problem) => writeln!(self.output, "  {problem}")?,
            }
        }
    }

    fn broker(&mut self, answers: &mut Answers) -> io::Result<()> {
        let question = "MQTT broker (auto, a host, or mqtts://host)";
        loop {
            answers.plaintext = false;
            answers.broker = self.line(question, "auto")?;
            let Some(problem) = answers.problem() else {
                return Ok(());
            };
            // Nothing else may be wrong with it.
            answers.plaintext = true;
            if answers.problem().is_some() {
                writeln!(self.output, "  {problem}")?;
                continue;
            }
            let question =
                "Not encrypted: everybody on the way can read it and change it. Allow that?";
            if self.yes(question, false)? {
                return Ok(());
            }
        }
    }

    fn yes(&mut self, question: &str, usual: bool) -> io::Result<bool> {
        loop {
            let answer = self.line(question, if usual { "yes" } else { "no" })?;
            match answer.to_lowercase().as_str() {
                "y" | "yes" => return Ok(true),
                "n" | "no" => return Ok(false),
                _ => writeln!(self.output, "  yes or no")?,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Offers = Offers {
        home_assistant: false,
        console: false,
    };

    fn asked(offers: Offers, typed: &str) -> (io::Result<Answers>, String) {
        let mut said = Vec::new();
        let answers = ask(&mut typed.as_bytes(), &mut said, offers, Given::default());
        (answers, String::from_utf8(said).expect("it is text"))
    }

    #[test]
    fn whoever_only_presses_enter_gets_the_usual() {
        let (answers, said) = asked(NONE, "\n\n\n\n");
        let answers = answers.expect("all is answered");
        assert_eq!(answers.template.name, "number");
        assert_eq!((&*answers.broker, &*answers.adapter), ("auto", "auto"));
        assert_eq!(said.matches(": ").count(), 5, "{said}");
    }

    #[test]
    fn a_wrong_answer_is_asked_for_again_with_what_is_wrong() {
        let (answers, said) = asked(
            NONE,
            "9\nlampp\n2\n{nobody}\nKitchen\n1883\nauto\nhci\nhci1\n",
        );
        let answers = answers.expect("all is answered");
        assert_eq!((answers.template.name, &*answers.name), ("lamp", "Kitchen"));
        assert_eq!((&*answers.broker, &*answers.adapter), ("auto", "hci1"));
        for problem in ["`9` is none", "`lampp` is none", "nobody", "a port alone"] {
            assert!(said.contains(problem), "no {problem}: {said}");
        }
    }

    #[test]
    fn an_open_way_is_used_only_by_whoever_says_so() {
        let (answers, said) = asked(NONE, "\n\nbroker.local\nno\nmqtts://broker.local\n\n");
        let answers = answers.expect("all is answered");
        assert!(said.contains("everybody on the way"), "{said}");
        assert_eq!(
            (&*answers.broker, answers.plaintext),
            ("mqtts://broker.local", false)
        );
        let (answers, _) = asked(NONE, "\n\nbroker.local\ny\n\n");
        assert!(answers.expect("all is answered").plaintext);
    }

    #[test]
    fn what_this_build_does_not_have_is_not_asked_for() {
        let all = Offers {
            home_assistant: true,
            console: true,
        };
        let (answers, said) = asked(all, "\n\n\n\ny\nn\n");
        let answers = answers.expect("all is answered");
        assert!(answers.home_assistant && !answers.console);
        assert!(said.contains("Home Assistant"));
        let (_, said) = asked(NONE, "\n\n\n\n");
        assert!(!said.contains("Home Assistant") && !said.contains("console"));
    }

    #[test]
    fn without_an_answer_there_is_no_configuration() {
        let (answers, _) = asked(NONE, "lamp\nKitchen\n");
        assert!(answers.is_err());
    }
}
