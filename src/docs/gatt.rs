//! The GATT table as a page that an app can be written from.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::time::Duration;

use super::disclosure::Disclosure;
use super::layout::{self, Row, range};
use super::topics_of_cells;
use crate::codec::Spec;
use crate::codec::presentation::UNITLESS;
use crate::engine::{CellId, Owner, Pace, Response};
use crate::gatt::assigned::{
    BtUuid, CHARACTERISTIC_PRESENTATION_FORMAT, CHARACTERISTIC_USER_DESCRIPTION,
    CLIENT_CHARACTERISTIC_CONFIGURATION, unit_name,
};
use crate::gatt::{Access, Characteristic, SecurityLevel, Service};
use crate::plan::Plan;

const HEAD: &str = "The octets of a number are in little-endian order unless it says big-endian. An \
    offset is counted in octets from the beginning of the value, and that of a part of an item (`[]`) from \
    the beginning of the item; a number of octets that varies is \
    given with its least and its most. `0x2902` is the client characteristic configuration, where a \
    central subscribes.";

/// The page, in Markdown.
pub fn gatt(plan: &Plan) -> String {
    let mut out = String::new();
    Page {
        plan,
        disclosures: Disclosure::all(plan),
        out: &mut out,
    }
    .write()
    .expect("writing to a String cannot fail");
    out
}

struct Page<'a> {
    plan: &'a Plan,
    /// By value.
    disclosures: Vec<Disclosure>,
    out: &'a mut String,
}

impl Page<'_> {
    fn write(&mut self) -> fmt::Result {
        let plan = self.plan;
        let out = &mut self.out;
        writeln!(out, "# {}\n", text(&plan.device_name))?;
        writeln!(out, "Written by `bemo-sync docs`. {HEAD}\n")?;
        writeln!(out, "| service | UUID | advertised | characteristics |")?;
        writeln!(out, "|---|---|---|---|")?;
        for service in &plan.services {
            let Service { name, uuid, .. } = service;
            let advertised = if service.advertise { "yes" } else { "" };
            let names = service.characteristics.iter().map(|it| text(&it.name));
            let names = names.collect::<Vec<_>>().join(", ");
            writeln!(
                out,
                "| {} | `{uuid}` | {advertised} | {names} |",
                text(name)
            )?;
        }
        let topics = topics_of_cells(plan);
        for service in &plan.services {
            writeln!(self.out, "\n## {}\n", text(&service.name))?;
            writeln!(self.out, "Service `{}`.", service.uuid)?;
            for characteristic in &service.characteristics {
                self.characteristic(characteristic, &topics)?;
            }
        }
        Ok(())
    }

    fn characteristic(
        &mut self,
        it: &Characteristic,
        topics: &BTreeMap<CellId, Vec<String>>,
    ) -> fmt::Result {
        let topics_of = |cell| topics.get(&cell).map_or(String::new(), |it| it.join("; "));
        let cell = &self.plan.cells[it.cell.index()];
        let disclosure = self.disclosures[it.cell.index()];
        writeln!(self.out, "\n### {}\n\n| | |\n|---|---|", text(&it.name))?;
        self.row("UUID", &format!("`{}`", it.uuid))?;
        self.row("properties", &properties(it.access))?;
        self.row("security", &security(it))?;
        self.row("type", &type_of(&it.spec))?;
        self.row("value", &disclosure.meaning(layout::meaning(&it.spec)))?;
        if disclosure != Disclosure::FromEnvironment
            && it.presentation.unit != UNITLESS
            && let Some(unit) = unit_name(it.presentation.unit)
        {
            self.row("unit", &format!("{unit} (0x{:04X})", it.presentation.unit))?;
        }
        let is_shown = it.access.read || (it.access.can_subscribe() && it.told.is_none());
        match (&cell.initial, cell.constant) {
            _ if !is_shown => {}
            (Some(value), true) => self.row("constant", &disclosure.value(&it.spec, value))?,
            (Some(value), false) => self.row("at first", &disclosure.value(&it.spec, value))?,
            (None, _) => {
                let unknown = match cell.owner {
                    Owner::Remote(_) => "unknown until its owner speaks: a read is then refused",
                    Owner::Here => "",
                };
                self.row("at first", unknown)?;
            }
        }
        if it.access.can_subscribe() {
            match it.told {
                Some(_) => self.row("notified", "every answer")?,
                None => self.row("notified", &pace(it.pace))?,
            }
        }
        if let Some(response) = &cell.response {
            self.row("answer", &self.response(it, response))?;
        }
        self.row("descriptors", &descriptors(it, disclosure))?;
        self.row("MQTT", &topics_of(it.cell))?;
        self.layout(&layout::rows(&it.spec, disclosure))?;
        let Some((told, spec)) = &it.told else {
            return Ok(());
        };
        let what = "What a subscriber gets is another value than what is written:";
        writeln!(self.out, "\n{what}\n\n| | |\n|---|---|")?;
        self.row("type", &type_of(spec))?;
        let disclosure = self.disclosures[told.index()];
        self.row("value", &disclosure.meaning(layout::meaning(spec)))?;
        self.row("MQTT", &topics_of(*told))?;
        self.layout(&layout::rows(spec, disclosure))
    }

    /// A row that has something to say.
    fn row(&mut self, key: &str, value: &str) -> fmt::Result {
        match value.is_empty() {
            true => Ok(()),
            false => writeln!(self.out, "| {key} | {} |", cell(value)),
        }
    }

    fn layout(&mut self, rows: &[Row]) -> fmt::Result {
        if rows.is_empty() {
            return Ok(());
        }
        let has_conditions = rows.iter().any(|row| !row.when.is_empty());
        let (title, line) = match has_conditions {
            true => (" there if |", "---|"),
            false => ("", ""),
        };
        writeln!(
            self.out,
            "\n| offset | octets | field | type | value |{title}"
        )?;
        writeln!(self.out, "|---|---|---|---|---|{line}")?;
        for row in rows {
            write!(
                self.out,
                "| {} | {} | `{}` | {} | {} |",
                range(row.offset.0, row.offset.1),
                range(row.octets.0, row.octets.1),
                cell(&row.name),
                row.ty,
                cell(&row.meaning),
            )?;
            if has_conditions {
                write!(self.out, " {} |", cell(&row.when))?;
            }
            writeln!(self.out)?;
        }
        Ok(())
    }

    fn response(&self, it: &Characteristic, response: &Response) -> String {
        let answer = &self.plan.cells[response.cell.index()];
        let disclosure = self.disclosures[response.cell.index()];
        let value = |value| disclosure.value(&answer.spec, value);
        let mut said = match it
            .told
            .as_ref()
            .is_some_and(|(told, _)| *told == response.cell)
        {
            true => "every write is answered here".to_owned(),
            false => format!("every write is answered in {}", text(&answer.name)),
        };
        let mut add = |more: String| said.push_str(&more);
        if let Some(within) = response.within {
            add(format!(" within {}", time(within)));
        }
        if let Some(accepted) = &response.accepted {
            add(format!("; {} when it is accepted", value(accepted)));
        }
        if let Some(refused) = &response.refused {
            add(format!("; {} when it is refused", value(refused)));
        }
        if let Some(otherwise) = &response.otherwise {
            add(format!("; {} when nobody has answered", value(otherwise)));
        }
        said
    }
}

fn type_of(spec: &Spec) -> String {
    let (min, max) = spec.octets();
    let noun = if (min, max) == (1, 1) {
        "octet"
    } else {
        "octets"
    };
    format!("{}, {} {noun}", layout::ty(spec), range(min, max))
}

/// How often a subscriber hears of a value.
fn pace(pace: Pace) -> String {
    match pace {
        Pace::OnChange => "on every change".to_owned(),
        Pace::AtMost(apart) => format!("on changes, at most every {}", time(apart)),
        Pace::Every(period) => format!("every {}, changed or not", time(period)),
    }
}

fn properties(access: Access) -> String {
    let words = [
        (access.read, "read"),
        (access.write, "write"),
        (access.write_without_response, "write without response"),
        (access.notify, "notify"),
        (access.indicate, "indicate"),
    ];
    let words: Vec<&str> = words
        .into_iter()
        .filter_map(|(has, word)| has.then_some(word))
        .collect();
    format!("{} (0x{:02X})", words.join(", "), access.properties())
}

fn security(it: &Characteristic) -> String {
    let uses = [
        (it.access.read, "read", it.security.read),
        (it.access.is_writable(), "write", it.security.write),
        (it.access.can_subscribe(), "subscribe", it.security.notify),
    ];
    let uses: Vec<_> = uses.into_iter().filter(|(can, ..)| *can).collect();
    let level = |level| match level {
        SecurityLevel::Open => "open",
        SecurityLevel::Encrypted => "an encrypted link",
        SecurityLevel::Authenticated => {
            "an encrypted link to a central that has been authenticated"
        }
    };
    match uses.as_slice() {
        [(_, _, first), rest @ ..] if rest.iter().all(|(_, _, it)| it == first) => {
            level(*first).to_owned()
        }
        _ => {
            let said = uses
                .iter()
                .map(|(_, word, it)| format!("{word}: {}", level(*it)));
            said.collect::<Vec<_>>().join("; ")
        }
    }
}

fn descriptors(it: &Characteristic, disclosure: Disclosure) -> String {
    let configuration = it.access.can_subscribe();
    let configuration = configuration.then(|| format!("`{CLIENT_CHARACTERISTIC_CONFIGURATION}`"));
    let fixed = it.descriptors().into_iter().map(|descriptor| {
        let said = match descriptor.uuid {
            CHARACTERISTIC_USER_DESCRIPTION => {
                format!("description \"{}\"", text(&it.name))
            }
            CHARACTERISTIC_PRESENTATION_FORMAT => {
                let octets = descriptor.value.iter().map(|octet| format!("{octet:02X}"));
                let octets = format!("`{}`", octets.collect::<Vec<_>>().join(" "));
                format!("presentation format {}", disclosure.meaning(octets))
            }
            BtUuid(_) => String::new(),
        };
        format!("`{}` {said}", descriptor.uuid)
    });
    let all: Vec<String> = configuration.into_iter().chain(fixed).collect();
    all.join(", ")
}

fn time(duration: Duration) -> String {
    match duration.subsec_millis() {
        0 => format!("{} s", duration.as_secs()),
        _ => format!("{} ms", duration.as_millis()),
    }
}

/// What stands in a cell of a table may not end it.
fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            '|' if !out.ends_with('\\') => out.push_str("\\|"),
            c => out.push(c),
        }
    }
    out
}

/// A name, so that Markdown takes nothing in it for a sign of its own.
fn text(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
