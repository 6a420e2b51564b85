//! What criterion has measured of the engine and the codec, where it has: `cargo bench`.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::Result;
use crate::report::short;

/// A table of everything below `target/criterion`; nothing where nothing was measured.
pub fn table(repository: &Path) -> Result<Option<String>> {
    let mut found = Vec::new();
    collect(&repository.join("target/criterion"), "", &mut found)?;
    found.sort();
    if found.is_empty() {
        return Ok(None);
    }
    let mut text = String::from("| | median | 95 % between |\n|---|--:|--:|\n");
    for (name, [median, low, high]) in found {
        let (median, low, high) = (time(median), time(low), time(high));
        text.push_str(&format!("| `{name}` | {median} | {low} – {high} |\n"));
    }
    Ok(Some(text))
}

type Found = (String, [u64; 3]);

fn collect(folder: &Path, name: &str, found: &mut Vec<Found>) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    if let Ok(text) = fs::read(folder.join("new/estimates.json")) {
        let estimates: Value = serde_json::from_slice(&text)?;
        let at = |pointer| estimates.pointer(pointer).and_then(Value::as_f64);
        let picoseconds = |pointer| at(pointer).map(|ns| (ns * 1e3) as u64);
        let figures = [
            "/median/point_estimate",
            "/median/confidence_interval/lower_bound",
            "/median/confidence_interval/upper_bound",
        ]
        .map(|pointer| picoseconds(pointer).unwrap_or_default());
        found.push((name.to_owned(), figures));
        return Ok(());
    }
    for entry in entries {
        let entry = entry?;
        let own = entry.file_name().to_string_lossy().into_owned();
        let slash = if name.is_empty() { "" } else { "/" };
        collect(&entry.path(), &format!("{name}{slash}{own}"), found)?;
    }
    Ok(())
}

fn time(picoseconds: u64) -> String {
    let ns = picoseconds as f64 / 1e3;
    match ns {
        ..1e3 => format!("{} ns", short(ns)),
        ..1e6 => format!("{} µs", short(ns / 1e3)),
        _ => format!("{} ms", short(ns / 1e6)),
    }
}
