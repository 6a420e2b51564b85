//! What a central does in a step, read and judged.

use super::att_errors;
use super::model::{ByWord, CentralActConfig};
use super::steps::Steps;
use super::story::{Answer, CentralAct, Known, Octets};
use super::values::octets_of;
use crate::codec::Spec;
use crate::config::{Literal, NodeId, Spanned, nearest};
use crate::gatt::server::Subscribed;

/// What a central can do with a characteristic.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Read,
    Write,
    WriteWithoutResponse,
    Subscribe,
    Unsubscribe,
    Notified,
}

impl Verb {
    fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::WriteWithoutResponse => "write_without_response",
            Self::Subscribe => "subscribe",
            Self::Unsubscribe => "unsubscribe",
            Self::Notified => "notified",
        }
    }

    /// The other keys that can stand beside it.
    fn companions(self) -> &'static [&'static str] {
        match self {
            Self::Read => &["bytes", "value", "error"],
            Self::Write => &["bytes", "value", "error"],
            Self::WriteWithoutResponse => &["bytes", "value"],
            Self::Subscribe => &["by", "error"],
            Self::Unsubscribe => &[],
            Self::Notified => &["bytes", "value", "by"],
        }
    }
}

impl Steps<'_> {
    /// What a central does; `None` if something is wrong with it, which is then diagnosed.
    pub(super) fn central_act(
        &mut self,
        at: NodeId,
        mut act: CentralActConfig,
    ) -> Option<CentralAct> {
        act.value = self.given(at, "value", act.value);
        let verbs = [
            (Verb::Read, &act.read),
            (Verb::Write, &act.write),
            (Verb::WriteWithoutResponse, &act.write_without_response),
            (Verb::Subscribe, &act.subscribe),
            (Verb::Unsubscribe, &act.unsubscribe),
            (Verb::Notified, &act.notified),
        ];
        let named: Vec<_> = verbs
            .into_iter()
            .filter_map(|(verb, name)| Some((verb, name.as_ref()?)))
            .collect();
        let others = [act.pair.is_some(), act.mtu.is_some()];
        let count = named.len() + others.iter().filter(|is| **is).count();
        if count != 1 {
            let message = match count {
                0 => "it is not said what the central does",
                _ => "this is more than one thing in one step",
            };
            let help = "one of `read`, `write`, `write_without_response`, `subscribe`, \
                `unsubscribe`, `notified`, `pair`, `mtu`; or the word `connect` or `disconnect`";
            self.mistake(at, message, help);
            return None;
        }
        let Some((verb, name)) = named.first().copied() else {
            self.refuse_companions(at, "this", &[])?;
            return match (act.pair, act.mtu) {
                (Some(pair), _) => Some(CentralAct::Pair(pair.value)),
                (None, Some(mtu)) if !(23..=517).contains(&mtu.value) => {
                    self.mistake(mtu.at, "no connection has this MTU", "23 … 517");
                    None
                }
                (None, mtu) => mtu.map(|mtu| CentralAct::Mtu(mtu.value)),
            };
        };
        self.refuse_companions(at, verb.word(), verb.companions())?;
        let (of, known) = self.characteristic(name)?;
        self.verb(at, verb, of, &known, &act)
    }

    fn verb(
        &mut self,
        at: NodeId,
        verb: Verb,
        of: usize,
        known: &Known,
        act: &CentralActConfig,
    ) -> Option<CentralAct> {
        match verb {
            Verb::Read => {
                let answer = match (&act.error, self.octets(act)?) {
                    (Some(error), Some(_)) => {
                        let help = "keep one: an ATT error has no value with it";
                        self.mistake(error.at, "a read gets a value or an error", help);
                        return None;
                    }
                    (Some(error), None) => Answer::Error(self.error(error)?),
                    (None, Some(octets)) => Answer::Octets(octets),
                    (None, None) => Answer::Some,
                };
                Some(CentralAct::Read { of, answer })
            }
            Verb::Write => {
                let octets = self.written(at, &known.spec, act);
                let error = self.optional_error(act)?;
                let octets = octets?;
                Some(CentralAct::Write { of, octets, error })
            }
            Verb::WriteWithoutResponse => {
                let octets = self.written(at, &known.spec, act)?;
                Some(CentralAct::WriteWithoutResponse { of, octets })
            }
            Verb::Subscribe => {
                let by = match act.by.as_deref() {
                    Some(by) => subscribed(*by),
                    None if known.access.notify || !known.access.indicate => Subscribed::Notify,
                    None => Subscribed::Indicate,
                };
                let error = self.optional_error(act)?;
                Some(CentralAct::Subscribe { of, by, error })
            }
            Verb::Unsubscribe => Some(CentralAct::Unsubscribe { of }),
            Verb::Notified => {
                let octets = self.octets(act)?;
                let by = act.by.as_deref().map(|by| subscribed(*by));
                Some(CentralAct::Notified { of, octets, by })
            }
        }
    }

    /// The characteristic of this name.
    fn characteristic(&mut self, name: &Spanned<String>) -> Option<(usize, Known)> {
        let all = self.names.characteristics?;
        let is_meant = |known: &Known| [&known.name, &known.full_name].contains(&&name.value);
        if let Some(index) = all.iter().position(is_meant) {
            return Some((index, all[index].clone()));
        }
        let alike: Vec<String> = all
            .iter()
            .filter(|known| known.own_name == name.value)
            .map(|known| format!("`{}`", known.name))
            .collect();
        let (message, help) = if !alike.is_empty() {
            let message = format!("more than one characteristic is called `{}`", name.value);
            (message, format!("one of {}", alike.join(", ")))
        } else {
            let message = format!("no characteristic is called `{}`", name.value);
            let help = match nearest(&name.value, all.iter().map(|known| known.name.as_str())) {
                Some(near) => format!("did you mean `{near}`?"),
                None => {
                    let names: Vec<_> = all.iter().map(|it| format!("`{}`", it.name)).collect();
                    format!("there are {}", names.join(", "))
                }
            };
            (message, help)
        };
        self.mistake(name.at, message, help);
        None
    }

    /// The bytes that are expected: the outer `None` is a mistake, the inner one nothing said.
    fn octets(&mut self, act: &CentralActConfig) -> Option<Option<Octets>> {
        match (&act.bytes, act.value) {
            (Some(bytes), Some(_)) => {
                self.mistake(bytes.at, "this is said twice", "keep `bytes` or `value`");
                None
            }
            (Some(bytes), None) => Some(Some(Octets::Bytes(self.hex(bytes)?))),
            (None, Some(value)) => Some(Some(Octets::Value(self.json(value)?))),
            (None, None) => Some(None),
        }
    }

    /// The bytes that are written.
    fn written(&mut self, at: NodeId, spec: &Spec, act: &CentralActConfig) -> Option<Vec<u8>> {
        match self.octets(act)? {
            Some(Octets::Bytes(octets)) => Some(octets),
            Some(Octets::Value(json)) => match octets_of(spec, &json) {
                Ok(octets) => Some(octets),
                Err(problem) => {
                    let at = act.value.map_or(at, |value| value.0);
                    let message = format!("this cannot be written as a value: {problem}");
                    self.mistake(at, message, "write a right one, or a wrong one in `bytes`");
                    None
                }
            },
            None => {
                let help = "add `bytes: …`, or `value: …`; `bytes: \"\"` for none";
                self.mistake(at, "it is not said what is written", help);
                None
            }
        }
    }

    fn optional_error(&mut self, act: &CentralActConfig) -> Option<Option<u8>> {
        match &act.error {
            Some(error) => self.error(error).map(Some),
            None => Some(None),
        }
    }

    fn error(&mut self, literal: &Spanned<Literal>) -> Option<u8> {
        let text = literal.text.as_str();
        let number = match text.strip_prefix("0x") {
            Some(digits) => u8::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        };
        let code = number.filter(|code| *code > 0);
        let code = code.or_else(|| att_errors::code_of(text));
        if code.is_none() {
            let help = match nearest(text, att_errors::names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "a number as in `0x0D`, or a name as in `refused`".to_owned(),
            };
            self.mistake(literal.at, "there is no such ATT error", help);
        }
        code
    }

    /// A key that means nothing beside this verb.
    fn refuse_companions(&mut self, at: NodeId, verb: &str, allowed: &[&str]) -> Option<()> {
        let all = ["bytes", "value", "error", "by"];
        let wrong = self
            .tree
            .entries(at)
            .iter()
            .find(|(key, _)| {
                let word = self.tree.text(*key);
                all.contains(&word) && !allowed.contains(&word)
            })
            .copied();
        let Some((key, _)) = wrong else {
            return Some(());
        };
        let message = format!("`{}` means nothing beside `{verb}`", self.tree.text(key));
        self.mistake(key, message, "remove it");
        None
    }
}

fn subscribed(by: ByWord) -> Subscribed {
    match by {
        ByWord::Notification => Subscribed::Notify,
        ByWord::Indication => Subscribed::Indicate,
    }
}
