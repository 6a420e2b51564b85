//! What a central hears of what came of its write, and in which value.

use std::collections::HashSet;
use std::time::Duration;

use super::characteristic::{is_from_environment, is_place_from_environment};
use super::initial::Unset;
use super::{Resolver, any_number};
use crate::codec::{Shown, Spec, Value};
use crate::config::diagnose::nearest;
use crate::config::model::{ResponseConfig, ValueConfig};
use crate::config::read::{Raw, Spanned};
use crate::config::tree::NodeId;
use crate::engine::{Ack, CellId, Delivery, Owner, Pace, Response, WhenFull};
use crate::gatt::Access;
use crate::plan::{CONFIRM_WITHIN, CellPlan};
use crate::plugin::Keys;

/// Answers tell of what has happened: each is told, and who is not there to hear it does not keep others
/// from being answered.
const ANSWERS: Delivery = Delivery::Every {
    room: Delivery::ROOM,
    when_full: WhenFull::DropOldest,
};

/// A characteristic, for a response that names it.
pub(super) struct Named {
    pub(super) name: String,
    pub(super) at: NodeId,
    pub(super) cell: CellId,
    pub(super) access: Access,
    /// Where its pace is said, unless that is to tell every change.
    pub(super) paced: Option<NodeId>,
    /// It says itself what of it is delivered.
    pub(super) delivery_declared: bool,
    /// A field of it repeats one of a request.
    pub(super) copy: Option<NodeId>,
    /// Its value could be told.
    pub(super) is_sound: bool,
}

/// A response that is declared and waits until all characteristics are known.
pub(super) struct Declared {
    at: NodeId,
    of: CellId,
    config: ResponseConfig,
    /// The value that it brings itself, and whether that could be told.
    own: Option<(CellId, bool)>,
}

impl Resolver<'_> {
    /// Reads what one characteristic says, and makes the value that it brings, if any.
    pub(super) fn response(
        &mut self,
        of: CellId,
        access: Access,
        Spanned { at, value: config }: Spanned<ResponseConfig>,
    ) -> Option<(CellId, Spec)> {
        if !access.is_writable() {
            let help = "add `write` to `access`, or remove the response";
            self.mistake(at, "nothing is written here that could be answered", help);
        }
        let own = match (&config.of, &config.value) {
            (Some(of), Some(_)) => {
                let help = "keep one: the name of another characteristic, or a value of its own";
                self.mistake(of.at, "both `in` and `value`", help);
                None
            }
            (None, None) => {
                // One that is wrong or misspelt has been said to be.
                let meant = |key: &str| nearest(key, ["in", "value"]).is_some();
                if !self.values.tree.keys(at).any(meant) {
                    let help = "add `in: <name of a characteristic>`, or `value: …`";
                    self.mistake(at, "where the answer is to be told is missing here", help);
                }
                None
            }
            (Some(_), None) => {
                for (key, raw) in &config.plugins {
                    let message = format!("`{key}` is for an answer in a value of its own");
                    let help = "write it at the characteristic that `in` names";
                    self.values.mistake(raw.0, message, help);
                }
                None
            }
            (None, Some(value)) => {
                if !access.can_subscribe() {
                    let help = "add `notify` or `indicate` to `access`";
                    self.mistake(value.at, "no central could hear the answer", help);
                }
                Some(self.own_value(of, value))
            }
        };
        let told = own.as_ref().map(|(cell, spec)| {
            let spec = spec.clone();
            (*cell, spec.unwrap_or_else(any_number))
        });
        if let Some((cell, _)) = &own {
            let keys = config.plugins.clone();
            self.characteristics.push(Keys {
                cell: *cell,
                at,
                keys,
            });
        }
        let own = own.map(|(cell, spec)| (cell, spec.is_some()));
        self.responses.push(Declared {
            at,
            of,
            config,
            own,
        });
        told
    }

    fn own_value(&mut self, of: CellId, value: &Spanned<ValueConfig>) -> (CellId, Option<Spec>) {
        if let Some(constant) = value.constant {
            let help = "write what it is as `accepted`, `refused` or `otherwise`";
            self.mistake(constant.0, "an answer is no constant", help);
        }
        let before = self.values.diagnostics.len();
        let spec = self.values.spec(value);
        let initial = match (&spec, value.initial) {
            (Some(spec), Some(initial)) => self.values.literal_at("initial", initial.0, spec),
            _ => None,
        };
        let json = self.values.pointer(value);
        if is_from_environment(self.values.tree, value.at) {
            self.hush(before);
        }
        let cell = CellId::new(self.plan.cells.len());
        self.plan.cells.push(CellPlan {
            name: format!("{} (response)", self.plan.cells[of.index()].name),
            spec: spec.clone().unwrap_or_else(any_number),
            json,
            initial,
            is_from_environment: is_from_environment(self.values.tree, value.at),
            is_place_from_environment: is_place_from_environment(self.values.tree, value.at),
            restored: None,
            constant: false,
            owner: Owner::Here,
            confirm_within: CONFIRM_WITHIN,
            delivery: ANSWERS,
            valid_for: None,
            expires: None,
            response: None,
            answers_only: true,
            with: Vec::new(),
            ack: Ack::Accepted,
            owed: Vec::new(),
        });
        if spec.is_some() {
            self.unset.extend(Unset::of(cell, value));
        }
        (cell, spec)
    }

    /// When all characteristics are known: who answers whom. Returns the values that are set by it.
    pub(super) fn responses(&mut self) -> HashSet<CellId> {
        let mut answering = HashSet::new();
        let mut set = HashSet::new();
        for declared in std::mem::take(&mut self.responses) {
            let target = match declared.own {
                Some(own) => Some(own),
                None => self.named(&declared),
            };
            let Some((cell, is_sound)) = target else {
                continue;
            };
            answering.insert(cell);
            let Some(response) = self.settled(&declared, cell, is_sound) else {
                continue;
            };
            let answers = [&response.accepted, &response.refused, &response.otherwise];
            if answers.into_iter().any(Option::is_some) {
                set.insert(cell);
            }
            self.plan.cells[declared.of.index()].response = Some(response);
        }
        self.check_answering(&answering);
        set
    }

    /// The characteristic that `in` names.
    fn named(&mut self, declared: &Declared) -> Option<(CellId, bool)> {
        let wanted = declared.config.of.as_ref()?;
        if declared.config.value.is_some() {
            return None;
        }
        let name = self.expand(wanted)?;
        let mut found = self.named.iter().filter(|named| named.name == name);
        let Some(first) = found.next() else {
            let names = self.named.iter().map(|named| named.name.as_str());
            let help = match nearest(&name, names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "write the `name` of a characteristic".to_owned(),
            };
            let message = format!("there is no characteristic `{name}`");
            self.mistake(wanted.at, message, help);
            return None;
        };
        if let Some(second) = found.next() {
            let line = |at| self.values.tree.span(at).line;
            let (first, second) = (line(first.at), line(second.at));
            let message = format!("there are several characteristics `{name}`");
            let help = format!("those in line {first} and {second}: give each its own name");
            self.mistake(wanted.at, message, help);
            return None;
        }
        let (cell, is_sound, access) = (first.cell, first.is_sound, first.access);
        if cell == declared.of {
            let help = "name another, or write `value: …` for an answer of its own";
            self.mistake(wanted.at, "this is the characteristic itself", help);
            return None;
        }
        if self.plan.cells[cell.index()].constant {
            let help = "name another: a constant cannot be set to an answer";
            self.mistake(wanted.at, format!("`{name}` is constant"), help);
            return None;
        }
        if !access.can_subscribe() && !access.read {
            let help = "add `notify` or `indicate` to its `access`";
            self.mistake(wanted.at, format!("no central could hear `{name}`"), help);
        }
        Some((cell, is_sound))
    }

    /// What is answered, in a value of this type.
    fn settled(&mut self, declared: &Declared, cell: CellId, is_sound: bool) -> Option<Response> {
        let config = &declared.config;
        let within = self.waits(declared);
        let spec = self.plan.cells[cell.index()].spec.clone();
        let before = self.values.diagnostics.len();
        let mut literal = |what: &str, raw: Option<Raw>| {
            // Against a type that nobody knows, everything would look wrong.
            let raw = raw.filter(|_| is_sound)?;
            let value = self.values.literal_at(what, raw.0, &spec)?;
            let left_out = self.values.parts_left_out(raw.0, &spec);
            if let [first, ..] = left_out.as_slice() {
                let message = format!("`{what}` does not say what `{first}` is");
                let help = format!("add `{first}: …`: nobody else says it in this answer");
                self.mistake(raw.0, message, help);
            }
            Some(value)
        };
        let accepted: Option<Value> = literal("accepted", config.accepted);
        let refused = literal("refused", config.refused);
        let otherwise = literal("otherwise", config.otherwise);
        if self.plan.cells[cell.index()].is_from_environment {
            self.hush(before);
        }
        let answers = [config.accepted, config.refused, config.otherwise];
        let mut answers = answers.into_iter().flatten();
        if answers.any(|raw| self.values.tree.is_from_environment(raw.0)) {
            self.plan.cells[cell.index()].is_from_environment = true;
        }
        let request = self.plan.cells[declared.of.index()].spec.clone();
        let mut named = self.named.iter();
        let is_known = named.any(|named| named.cell == declared.of && named.is_sound);
        // What is wrong with what is written has been said.
        let copies = match is_known && is_sound {
            true => self.copies(declared.at, &request, &spec),
            false => Vec::new(),
        };
        Some(Response {
            cell,
            within,
            otherwise,
            accepted,
            refused,
            copies,
        })
    }

    /// How long somebody has to answer; and whether what is said of it belongs together.
    fn waits(&mut self, declared: &Declared) -> Option<Duration> {
        let ResponseConfig {
            value,
            within,
            otherwise,
            accepted,
            refused,
            ..
        } = &declared.config;
        let late = within.as_ref().map(|within| within.at);
        let late = late.or(otherwise.map(|otherwise| otherwise.0));
        match (accepted, within, otherwise, late) {
            (Some(_), _, _, Some(at)) => {
                let help = "remove `accepted`, or `within` and `otherwise`";
                let message = "what is accepted is answered at once, and nobody is waited for";
                self.mistake(at, message, help);
            }
            (None, None, Some(otherwise), _) if !self.is_meant(declared, "within") => {
                let help = "add `within: 10s`";
                self.mistake(otherwise.0, "when it is too late is not said", help);
            }
            (None, Some(within), None, _) if !self.is_meant(declared, "otherwise") => {
                let help = "add `otherwise: …`, the answer when nobody has given one";
                self.mistake(within.at, "what is answered then is not said", help);
            }
            (None, None, None, _) if refused.is_none() && value.is_none() => {
                let keys = ["accepted", "refused", "within", "otherwise"];
                if !keys.into_iter().any(|key| self.is_meant(declared, key)) {
                    let help = "add `accepted`, `refused`, or `within` and `otherwise`";
                    self.mistake(declared.at, "this answers nothing", help);
                }
            }
            _ => {}
        }
        let length = self.interval(within.as_ref()?)?;
        if length.is_zero() {
            let help = "write how long to wait, as in `10s`";
            self.mistake(within.as_ref()?.at, "nobody can answer in no time", help);
            return None;
        }
        Some(length)
    }

    /// Whether a key stands there, be it misspelt or wrong.
    fn is_meant(&self, declared: &Declared, key: &str) -> bool {
        let mut keys = self.values.tree.keys(declared.at);
        keys.any(|found| nearest(found, [key]).is_some())
    }

    /// Which fields of the answer repeat which fields of what was written.
    fn copies(&mut self, at: NodeId, request: &Spec, response: &Spec) -> Vec<(usize, usize)> {
        let Spec::Struct(answer) = response else {
            return Vec::new();
        };
        let mut copies = Vec::new();
        for (to, field) in answer.fields.iter().enumerate() {
            let Some(copy) = &field.copy else {
                continue;
            };
            let Spec::Struct(written) = request else {
                let message =
                    format!("the answer copies `{copy}`, and what is written is no struct");
                let help = "remove `copy`, or declare what is written as a struct";
                self.mistake(at, message, help);
                continue;
            };
            let Some(from) = written.position(copy) else {
                let names = written.fields.iter().map(|field| &*field.name);
                let help = match nearest(copy, names) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "copy a field of what is written".to_owned(),
                };
                let message = format!("the answer copies `{copy}`, and no such field is written");
                self.mistake(at, message, help);
                continue;
            };
            if !holds_any(&field.spec, &written.fields[from].spec) {
                let message = format!("the answer copies `{copy}`, and cannot hold every one");
                let help = "give it the same type, without `enum`, `scale` or limits: what was \
                    refused is copied too";
                self.mistake(at, message, help);
                continue;
            }
            copies.push((from, to));
        }
        copies
    }

    /// What has to be true of values that answer, and of those that do not.
    fn check_answering(&mut self, answering: &HashSet<CellId>) {
        for named in std::mem::take(&mut self.named) {
            if !answering.contains(&named.cell) {
                if let Some(copy) = named.copy {
                    let message = "nothing is answered here, so there is nothing to copy";
                    let help = "remove `copy`, or name this characteristic in a `response`";
                    self.mistake(copy, message, help);
                }
                continue;
            }
            if named.delivery_declared {
                continue;
            }
            self.plan.cells[named.cell.index()].delivery = ANSWERS;
            if let Some(at) = named.paced {
                let message = "this value answers writes, and every answer is told";
                let help = "remove `notify`, or write `delivery: latest`";
                self.mistake(at, message, help);
            }
        }
    }
}

/// Where a pace is said that passes changes over.
pub(super) fn paced(at: Option<NodeId>, pace: Pace) -> Option<NodeId> {
    match pace {
        Pace::OnChange => None,
        Pace::AtMost(_) | Pace::Every(_) => at,
    }
}

/// Where the first field of a value repeats one of a request.
pub(super) fn first_copy(value: &ValueConfig) -> Option<NodeId> {
    let fields = value.fields.as_ref()?;
    let copy = fields.iter().find_map(|field| field.copy.as_ref())?;
    Some(copy.at)
}

/// Whether a field of an answer can hold whatever a field of a request may be, be it refused.
fn holds_any(into: &Spec, of: &Spec) -> bool {
    match (into, of) {
        (Spec::Int(into), Spec::Int(of)) => {
            let (lowest, highest) = of.width.range(of.signed);
            matches!(into.shown, Shown::Plain)
                && into.allowed.is_none()
                && into.step.is_none()
                && (into.unknown.is_none() || into.unknown == of.unknown)
                && into.min.min(into.unknown.unwrap_or(into.min)) <= lowest
                && into.max.max(into.unknown.unwrap_or(into.max)) >= highest
        }
        (into, of) => into == of,
    }
}
