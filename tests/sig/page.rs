//! The page of names is the program's own table.

use std::fmt::Write;
use std::fs;

use bemo_sync::config::sig::characteristics;
use bemo_sync::gatt::assigned::{BtUuid, services, units};

const PAGE: &str = "docs/sig-characteristics.md";
const BEGIN: &str = "<!-- table: generated";

#[test]
fn the_page_of_names_is_the_programs_own_table() {
    let page = fs::read_to_string(PAGE).unwrap();
    let begin = page.find(BEGIN).expect("the page has the begin mark");
    let begin = begin + page[begin..].find('\n').expect("the mark ends its line") + 1;
    let tables = tables();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(PAGE, format!("{}{tables}", &page[..begin])).unwrap();
    } else {
        assert!(
            page[begin..] == tables,
            "{PAGE} is stale: run `UPDATE_DOCS=1 cargo test --test sig`"
        );
    }
}

fn tables() -> String {
    let mut out = String::from("\n## Characteristics\n\n");
    let head = "| name | UUID | type | unit | source |\n|---|---|---|---|---|";
    writeln!(out, "{head}").unwrap();
    for (name, entry) in characteristics() {
        let source = match entry.source() {
            "GSS" => format!("GSS, {}", entry.title()),
            other => other.replace("GSS;", &format!("GSS, {};", entry.title())),
        };
        let mut kind = format!("`{}`", entry.kind());
        let fields = entry.fields();
        if !fields.is_empty() {
            write!(kind, ": {}", fields.join(", ")).unwrap();
        }
        let unit = entry.unit().unwrap_or_default();
        writeln!(
            out,
            "| `{name}` | {} | {kind} | {unit} | {source} |",
            entry.uuid()
        )
        .unwrap();
    }
    out.push_str("\n## Services\n\n| name | UUID | official name |\n|---|---|---|\n");
    let mut known: Vec<_> = services().collect();
    known.sort_unstable_by_key(|(_, name, _)| *name);
    for (number, name, title) in known {
        writeln!(
            out,
            "| `{name}` | {} | {title} |",
            BtUuid::short(number.into())
        )
        .unwrap();
    }
    out.push_str("\n## Units\n\n| name | number | official name |\n|---|---|---|\n");
    for (number, name, title) in units() {
        writeln!(out, "| `{name}` | 0x{number:04X} | {title} |").unwrap();
    }
    out
}
