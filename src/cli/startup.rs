//! What is served where, when the program starts: a few aligned lines on a terminal, else lines of the log.

use std::io::{IsTerminal, Write, stderr};
use std::path::Path;

use anstream::{AutoStream, ColorChoice};
use rustix::termios::tcgetwinsize;
use tracing::{Level, enabled, info};

use super::logging::LogFormat;
use super::qr;
use super::words::{FAINT, STRONG, count, styled};
use crate::plan::Plan;
use crate::plugin::{Availability, Link, Served};

/// More services are counted.
const SERVICES_MAX: usize = 8;
/// Where nobody knows how wide a terminal is.
const WIDTH: usize = 80;

/// Says what this plan serves, before any of it runs.
pub(super) async fn say(path: &Path, plan: &mut Plan, format: LogFormat) {
    if !enabled!(Level::INFO) {
        return;
    }
    let version = env!("CARGO_PKG_VERSION");
    let served = served(plan).await;
    let terminal = stderr();
    if !terminal.is_terminal() || !matches!(format, LogFormat::Text) {
        let what = headline(path, plan);
        info!("bemo-sync {version}: {what}");
        let (pages, others): (Vec<_>, Vec<_>) = served
            .into_iter()
            .filter(|it| !it.is_logged)
            .partition(|it| it.page.is_some());
        let others = others
            .iter()
            .map(|it| format!("; {}: {}", it.label, it.text));
        info!(
            "services: {}{}",
            services(plan, ", ").join(", "),
            others.collect::<String>()
        );
        for Served { label, text, .. } in pages {
            info!("{label}: {text}");
        }
        return;
    }
    let size = tcgetwinsize(&terminal).map_or(0, |size| usize::from(size.ws_col));
    let width = if size == 0 { WIDTH } else { size };
    let is_coloured = AutoStream::choice(&terminal) != ColorChoice::Never;
    let mut text = format!("{}\n\n", styled(STRONG, format!("bemo-sync {version}")));
    text += &sheet(path, plan, &served, width);
    if shows_blocks() {
        text.extend(codes(&served, is_coloured, width));
    }
    text += &format!("\n  {}\n\n", styled(FAINT, "Ctrl-C stops it."));
    // Whoever does not read it has the rest.
    let _ = AutoStream::auto(terminal.lock()).write_all(text.as_bytes());
}

/// What is served where, in aligned lines.
fn sheet(path: &Path, plan: &Plan, served: &[Served], width: usize) -> String {
    let device = format!("{} ({})", plan.device_name, path.display());
    let mut rows = vec![("device", device)];
    let services = services(plan, "  ").into_iter().enumerate();
    rows.extend(services.map(|(index, service)| {
        let label = if index == 0 { "services" } else { "" };
        (label, service)
    }));
    rows.extend(served.iter().map(|it| (it.label, it.text.clone())));
    table(&rows, width)
}

/// What this is, in one line.
pub(super) fn headline(path: &Path, plan: &Plan) -> String {
    format!(
        "{} as \"{}\", {} in {}",
        path.display(),
        plan.device_name,
        count(plan.cells.len(), "value"),
        count(plan.services.len(), "service"),
    )
}

/// What each link serves: the one that is going to run, where there are several.
async fn served(plan: &mut Plan) -> Vec<Served> {
    let mut served = Vec::new();
    for link in &mut plan.links {
        let chosen = first_ready(&mut link.candidates).await;
        served.extend(
            link.candidates
                .get(chosen)
                .iter()
                .flat_map(|link| link.serves()),
        );
    }
    served
}

async fn first_ready(candidates: &mut [Box<dyn Link>]) -> usize {
    if candidates.len() < 2 {
        return 0;
    }
    for (index, candidate) in candidates.iter_mut().enumerate() {
        if candidate.available().await == Availability::Ready {
            return index;
        }
    }
    0
}

/// One text for each service; with a gap, they stand below each other.
fn services(plan: &Plan, gap: &str) -> Vec<String> {
    let is_column = gap.trim().is_empty();
    let shown = plan.services.iter().take(match plan.services.len() {
        all if all <= SERVICES_MAX + 1 => all,
        _ => SERVICES_MAX,
    });
    let longest = shown.clone().map(|it| it.name.chars().count()).max();
    let width = longest.filter(|_| is_column).unwrap_or(0);
    let mut texts: Vec<String> = shown
        .clone()
        .map(|service| {
            let characteristics = count(service.characteristics.len(), "characteristic");
            match is_column {
                true => format!("{:width$}{gap}{characteristics}", service.name),
                false => format!("{} ({characteristics})", service.name),
            }
        })
        .collect();
    let more = plan.services.len() - shown.len();
    if more > 0 {
        texts.push(format!("and {more} more"));
    }
    texts
}

/// Labels and texts below each other; a text that is too long goes on below itself.
fn table(rows: &[(&str, String)], width: usize) -> String {
    let labels = rows.iter().map(|(label, _)| label.chars().count()).max();
    let labels = labels.unwrap_or(0);
    let room = width.saturating_sub(labels + 4).max(20);
    let mut out = String::new();
    for (label, text) in rows {
        let mut label = *label;
        for line in wrapped(text, room) {
            let shown = styled(FAINT, format_args!("{label:labels$}"));
            out += format!("  {shown}  {line}").trim_end();
            out.push('\n');
            label = "";
        }
    }
    out
}

/// Broken between words only; a word that is too long stands on a line of its own.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is always one");
        let length = line.chars().count();
        if length > 0 && length + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
            continue;
        }
        if length > 0 || word.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines
}

/// A code for each page that a phone can reach.
fn codes(served: &[Served], is_coloured: bool, width: usize) -> impl Iterator<Item = String> {
    let pages = served.iter().filter_map(|it| it.page.as_ref());
    let codes = pages
        .filter(|page| page.is_for_others)
        .filter_map(move |page| qr::code(&page.url, is_coloured, width));
    codes.map(|code| format!("\n{code}"))
}

/// Whether this terminal shows more than ASCII.
fn shows_blocks() -> bool {
    let names = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter();
    let mut said = names.filter_map(|name| std::env::var(name).ok());
    let first = said.find(|value| !value.is_empty()).unwrap_or_default();
    let first = first.to_lowercase();
    first.contains("utf-8") || first.contains("utf8")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Placeholders, load_str};
    use crate::plugin::Page;

    #[test]
    fn only_a_page_that_a_phone_can_reach_has_a_code() {
        let page = |url: &str, is_for_others| {
            let url = url.to_owned();
            Served::page("console", Page { url, is_for_others })
        };
        let here = page("http://127.0.0.1:8080/", false);
        let everywhere = page("http://192.0.2.1:8080/", true);
        assert_eq!(codes(std::slice::from_ref(&here), true, 80).count(), 0);
        assert_eq!(codes(&[here, everywhere], true, 80).count(), 1);
    }

    #[test]
    fn many_services_are_counted() {
        let shown = |count: usize| {
            let mut source = "version: 1\nble: {}\nservices:\n".to_owned();
            for index in 0..count {
                source += &format!(
                    "- {{ name: S{index}, uuid: FF{index:02X}, characteristics: [{{ name: C, \
                     uuid: FE00, access: [read], value: {{ type: u8, constant: 1 }} }}] }}\n"
                );
            }
            let host = Placeholders::new(Vec::new());
            let loaded = load_str(Path::new("x.yaml"), &source, &|_| None, host);
            services(&loaded.unwrap_or_else(|it| panic!("{it}")).plan, ", ")
        };
        assert_eq!(shown(1), ["S0 (1 characteristic)"]);
        assert_eq!(shown(9).len(), 9);
        assert_eq!(shown(10)[8], "and 2 more");
    }

    #[test]
    fn a_long_text_goes_on_below_itself() {
        let rows = [
            ("takes", "one/topic, another/topic, a/third".to_owned()),
            ("", "x  1".to_owned()),
            ("a longer", "word".to_owned()),
        ];
        let plain = anstream::adapter::strip_str(&table(&rows, 32)).to_string();
        assert_eq!(
            plain,
            "  takes     one/topic,\n            another/topic,\n            a/third\n            x  1\n  a longer  word\n"
        );
    }
}
