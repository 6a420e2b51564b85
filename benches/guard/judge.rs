//! Pure: what is said of figures that were counted, beside those that are committed.

use std::collections::BTreeMap;

/// By the name of what is done: instructions for one round.
pub type Figures = BTreeMap<String, u64>;

/// So many hundredths more or fewer are no news: another version of the C library, another place for a function.
pub const ALLOWED: u64 = 10;

/// What callgrind says of a run: the instructions of the whole program.
pub fn collected(said: &str) -> Option<u64> {
    let line = said.lines().find(|line| line.contains("Collected"))?;
    line.rsplit(' ').next()?.parse().ok()
}

/// What is wrong with what was counted, a line for each.
pub fn judge(counted: &Figures, committed: &Figures) -> Vec<String> {
    let mut wrong: Vec<String> = counted
        .iter()
        .filter_map(|(name, &now)| match committed.get(name) {
            None => Some(format!(
                "{name}: {now} instructions, and none are committed"
            )),
            Some(&before) => off(name, now, before),
        })
        .collect();
    let gone = committed.keys().filter(|name| !counted.contains_key(*name));
    wrong.extend(gone.map(|name| format!("{name}: is committed, and is not counted any more")));
    wrong
}

fn off(name: &str, now: u64, before: u64) -> Option<String> {
    let word = if now > before { "more" } else { "fewer" };
    let is_off = 100 * now.abs_diff(before) > ALLOWED * before;
    is_off.then(|| {
        let share = 100.0 * now.abs_diff(before) as f64 / before as f64;
        format!(
            "{name}: {now} instructions, {share:.1} % {word} than the {before} that are committed"
        )
    })
}
