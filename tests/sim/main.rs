//! Whatever happens, in whatever order: the engine and models of its links on virtual time, beside a reference that is
//! right by reading. A seed is one hour: fifty minutes in which everything goes wrong, and ten in which
//! nothing does; then all agree, and fall silent.
//!
//! `make sim` runs for as long as wanted. A seed that has failed once is kept in `seeds.txt` and comes first.

mod adversary;
mod air;
mod bus;
mod declaration;
mod disk;
mod oracle;
mod programs;
mod store;
mod trace;
mod world;

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use adversary::{Fault, Faults, Sabotage};
use world::World;

/// Simulated hours, each with a seed of its own.
const HOURS: u64 = 1_000;
/// Lines of a trace that are shown, before a failure.
const SHOWN: usize = 60;

/// Runs a seed; what is wrong with it.
fn run(world: &mut World) -> Option<String> {
    let result = catch_unwind(AssertUnwindSafe(|| world.run()));
    match result {
        Ok(()) => world.failure.clone(),
        Err(panic) => {
            let said = panic.downcast_ref::<String>().cloned();
            let said = said.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            Some(format!("it panics: {}", said.unwrap_or_default()))
        }
    }
}

fn try_seed(seed: u64, faults: Faults, sabotage: Option<Sabotage>) -> Result<World, String> {
    let mut world = World::new(seed, faults, sabotage, false);
    match run(&mut world) {
        None => Ok(world),
        Some(problem) => Err(problem),
    }
}

/// Everything about a seed that fails: with as few kinds of faults as it takes, and what came before.
fn told(seed: u64, mut faults: Faults, sabotage: Option<Sabotage>) -> String {
    let mut left_out = Vec::new();
    let shape = |problem: &str| problem.replace(|letter: char| letter.is_ascii_digit(), "");
    let whole = try_seed(seed, faults, sabotage).err().map(|it| shape(&it));
    let usual = faults;
    for (fault, name) in Fault::ALL.iter().filter(|(fault, _)| usual.has(*fault)) {
        let fewer = try_seed(seed, faults.without(*fault), sabotage).err();
        if fewer.map(|it| shape(&it)) == whole {
            faults = faults.without(*fault);
            left_out.push(*name);
        }
    }
    let mut world = World::new(seed, faults, sabotage, true);
    let problem = run(&mut world).unwrap_or_default();
    let lines = world.trace.lines.take().unwrap_or_default();
    let mut text = String::new();
    for line in &lines[lines.len().saturating_sub(SHOWN)..] {
        let _ = writeln!(text, "{line}");
    }
    let left_out = left_out.join(",");
    let added = std::env::var("BEMO_SIM_WITH").unwrap_or_default();
    let _ = writeln!(
        text,
        "seed {seed} at {} ms: {problem}\n\
        to repeat it: BEMO_SIM_SEED={seed} BEMO_SIM_WITH={added} BEMO_SIM_WITHOUT={left_out} cargo test --locked --test sim one_seed -- --nocapture\n\
        keep it: a line `{seed} why` in tests/sim/seeds.txt",
        world.now
    );
    text
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is a whole number, and not `{text}`")),
    )
}

/// The usual faults, less those that `BEMO_SIM_WITHOUT` names, with those that `BEMO_SIM_WITH` does.
fn faults() -> Faults {
    let named = |variable| {
        let text = std::env::var(variable).unwrap_or_default();
        let names: Vec<String> = text
            .split(',')
            .filter(|it| !it.is_empty())
            .map(str::to_owned)
            .collect();
        names.into_iter().map(move |name| {
            let fault = Fault::ALL.iter().find(|(_, it)| *it == name);
            fault
                .unwrap_or_else(|| panic!("{variable} names `{name}`, which is no fault"))
                .0
        })
    };
    let faults = named("BEMO_SIM_WITHOUT").fold(Faults::usual(), Faults::without);
    named("BEMO_SIM_WITH").fold(faults, Faults::with)
}

#[test]
fn whatever_happens_in_whatever_order_all_agree_in_the_end_and_fall_silent() {
    let hours = number("BEMO_SIM_HOURS").unwrap_or(HOURS);
    let first = number("BEMO_SIM_FIRST").unwrap_or(1);
    let mut lines = 0;
    for seed in first..first + hours {
        match try_seed(seed, faults(), None) {
            Ok(world) => lines += world.trace.count,
            Err(_) => panic!("{}", told(seed, faults(), None)),
        }
        if hours > HOURS && seed % HOURS == 0 {
            println!("{seed} hours, {lines} lines of trace");
        }
    }
    println!("{hours} hours from seed {first} on: {lines} lines of trace");
}

#[test]
fn seeds_that_have_failed_once_do_not_again() {
    for line in include_str!("seeds.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
    {
        let seed = line.split(' ').next().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| panic!("`{line}` does not begin with a seed"));
        // They are older than this one.
        let faults = Faults::usual().without(Fault::Succession);
        if try_seed(seed, faults, None).is_err() {
            panic!("{line}\n{}", told(seed, faults, None));
        }
    }
}

#[test]
fn the_same_seed_has_the_same_trace() {
    for seed in 1..=8 {
        let [one, other] = [0; 2].map(|_| {
            let mut world = World::new(seed, Faults::usual(), None, true);
            run(&mut world);
            (world.trace.hash(), world.trace.lines.unwrap_or_default())
        });
        let differs = one.1.iter().zip(&other.1).find(|(one, other)| one != other);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(one.0, other.0, "seed {seed}");
    }
}

#[test]
fn a_mistake_in_a_link_is_found() {
    for sabotage in [
        Sabotage::AcknowledgesBeforeSync,
        Sabotage::RestoresTwice,
        Sabotage::ForgetsAtSuccession,
        Sabotage::ClaimsTheSession,
        Sabotage::DeliversUnsent,
        Sabotage::SendsOldAgain,
    ] {
        let found = (1..=60).find_map(|seed| {
            let problem = try_seed(seed, Faults::usual(), Some(sabotage)).err()?;
            Some(format!("{sabotage:?}: seed {seed}: {problem}"))
        });
        println!(
            "{}",
            found.unwrap_or_else(|| panic!("{sabotage:?} is not found"))
        );
    }
}

/// For whoever looks at one: `BEMO_SIM_SEED=7 cargo test --test sim one_seed -- --nocapture`.
#[test]
fn one_seed() {
    let Some(seed) = number("BEMO_SIM_SEED") else {
        return;
    };
    let mut world = World::new(seed, faults(), None, true);
    let problem = run(&mut world);
    for line in world.trace.lines.iter().flatten() {
        println!("{line}");
    }
    assert_eq!(problem, None);
}
