//! Thousands of characteristics.

use std::path::Path;
use std::time::Duration;

use bemo_sync::config::{Placeholders, load_str};
use rustix::time::{ClockId, clock_gettime};

use crate::generated::{configuration, line_of, with_mistakes_at};

fn said_of(source: &str) -> Result<usize, String> {
    let host = Placeholders::new(vec![("hostname", "host".to_owned())]);
    match load_str(Path::new("large.yaml"), source, &|_| None, host) {
        Ok(loaded) => Ok(loaded.plan.cells.len()),
        Err(mistakes) => Err(mistakes.to_string()),
    }
}

#[test]
fn five_thousand_characteristics_load() {
    assert_eq!(said_of(&configuration(5000)), Ok(5000));
}

#[test]
fn a_mistake_shows_at_its_line_wherever_it_is() {
    let fifty: Vec<usize> = (0..50).map(|part| part * 99 + 7).collect();
    for indexes in [vec![0], vec![2500], vec![4999], fifty] {
        let said = said_of(&with_mistakes_at(5000, &indexes)).expect_err("it is wrong");
        for index in &indexes {
            let line = line_of(*index);
            let shown = format!("large.yaml:{line}:");
            assert!(said.contains(&shown), "{shown} is not in\n{said}");
        }
        let unknown = said.matches("unknown key `valeu`").count();
        assert_eq!(unknown, indexes.len(), "{said}");
        assert!(said.contains("did you mean `value`?"), "{said}");
    }
}

/// Four times the file is about four times the work. Sixteen times would mean that something looks at
/// everything for everything.
#[test]
fn the_work_grows_with_the_file() {
    for (what, make) in [
        ("without mistakes", configuration as fn(usize) -> String),
        ("with one mistake", |count| {
            with_mistakes_at(count, &[count - 1])
        }),
        ("with fifty mistakes", with_fifty_mistakes),
    ] {
        let factor = work(&make(2000)) / work(&make(500));
        assert!(factor < 9.0, "{what}: {factor:.1} times the work");
    }
}

/// The file is not read once for each.
#[test]
fn fifty_mistakes_are_little_more_work_than_one() {
    let factor = work(&with_fifty_mistakes(2000)) / work(&with_mistakes_at(2000, &[1999]));
    assert!(factor < 2.0, "{factor:.1} times the work");
}

fn with_fifty_mistakes(count: usize) -> String {
    let indexes: Vec<usize> = (0..50).map(|part| part * count / 50).collect();
    with_mistakes_at(count, &indexes)
}

/// The least time of the processor that it takes to check a file, in seconds.
fn work(source: &str) -> f64 {
    let once = |_| {
        let before = processor_time();
        let _ = said_of(source);
        processor_time() - before
    };
    let least = (0..3).map(once).min().expect("there are three");
    least.as_secs_f64()
}

#[test]
fn more_than_there_are_handles_for_is_said_once() {
    let said = said_of(&configuration(22_000)).expect_err("it is too much");
    let shown = format!("large.yaml:{}:", line_of(21_845));
    assert!(said.contains(&shown), "{said}");
    assert_eq!(said.matches("more than 21845 characteristics").count(), 1);
}

/// Of this thread, so that whatever else the machine does makes no difference.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).expect("less than a second"),
    )
}
