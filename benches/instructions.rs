//! Counts the instructions of what is done again and again, and holds them against the figures that are committed:
//! a guard that says the same on a machine that has other things to do. `make instructions` builds and runs it.
//!
//! Each workload runs twice under callgrind, once with more rounds than the other time: the difference is that of the
//! rounds alone, without the start and what is done for the first time.

#[path = "guard/judge.rs"]
mod judge;
mod workload;

use std::collections::BTreeMap;
use std::env::consts::ARCH;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

use judge::{ALLOWED, Figures, collected, judge};
use workload::{ENGINE, PAYLOADS, PORT, Workload};

/// On a table of so many values.
const VALUES: usize = 1000;
/// Enough for what depends on chance, as the seed of a hash table, not to be seen beside them.
const ROUNDS: u64 = 5000;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["measure", name, rounds] => measure(name, rounds),
        ["guard", ..] => return guard(),
        // As one of all benches, which are built in another way.
        _ => println!("instructions: `make instructions` counts them"),
    }
    ExitCode::SUCCESS
}

/// What is counted: so many rounds.
fn measure(name: &str, rounds: &str) {
    let workload = all().find(|it| it.name == name);
    let mut round = (workload.expect("it is one of them").on)(VALUES);
    let rounds: u64 = rounds.parse().expect("a number of rounds");
    (0..rounds).for_each(|_| round());
}

/// Counts all of them, and says what is not as it was; with `UPDATE` in the environment, writes it down instead.
fn guard() -> ExitCode {
    let mut committed = committed();
    let update = env::var_os("UPDATE").is_some();
    let Some(before) = committed
        .get(ARCH)
        .or(update.then_some(&Figures::new()))
        .cloned()
    else {
        println!("instructions: skipped, no figures are committed for {ARCH}");
        return ExitCode::SUCCESS;
    };
    let counted: Figures = all()
        .map(|it| (it.name.to_owned(), count(it.name)))
        .collect();
    for (name, now) in &counted {
        let before = before.get(name).map_or("-".to_owned(), u64::to_string);
        println!("{name:44} {now:>7} instructions, {before:>7} committed");
    }
    if update {
        committed.insert(ARCH.to_owned(), counted);
        let text = serde_json::to_string_pretty(&committed).expect("names and numbers are JSON");
        fs::write(file(), text + "\n").expect("the figures are written");
        return ExitCode::SUCCESS;
    }
    let wrong = judge(&counted, &before);
    if wrong.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("\ninstructions: more than {ALLOWED} % away from what is committed");
    wrong.iter().for_each(|line| eprintln!("  {line}"));
    let me = env::current_exe().expect("it runs");
    eprintln!(
        "If that is meant, `make instructions UPDATE=1` writes it to benches/instructions.json. If not, this shows \
         where they go:\n  valgrind --tool=callgrind --callgrind-out-file=out {} measure 'NAME' 20000\n  \
         callgrind_annotate --inclusive=yes out",
        me.display()
    );
    ExitCode::FAILURE
}

/// The instructions of one round.
fn count(name: &str) -> u64 {
    let [some, more] = [ROUNDS, 2 * ROUNDS].map(|rounds| run(name, rounds));
    more.saturating_sub(some) / ROUNDS
}

fn run(name: &str, rounds: u64) -> u64 {
    let me = env::current_exe().expect("it runs");
    // Nothing of the surroundings is to be counted: no variable, no settings of valgrind's, and not what the C library
    // chooses after the processor.
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(me)
        .args(["measure", name, &rounds.to_string()])
        .env_clear()
        .env(
            "GLIBC_TUNABLES",
            "glibc.cpu.hwcaps=-AVX,-AVX2,-AVX512F,-ERMS,-FSRM",
        )
        .current_dir("/")
        .output()
        .expect("valgrind is there: `make deps` installs it");
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = collected(&said).filter(|_| output.status.success());
    collected.unwrap_or_else(|| panic!("callgrind has counted nothing of {name}:\n{said}"))
}

fn all() -> impl Iterator<Item = &'static Workload> {
    [&ENGINE[..], &PAYLOADS, &PORT].into_iter().flatten()
}

/// By architecture.
fn committed() -> BTreeMap<String, Figures> {
    let text = fs::read_to_string(file()).expect("the figures are there");
    serde_json::from_str(&text).expect("figures by architecture")
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/instructions.json")
}
