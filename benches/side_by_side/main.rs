//! bemo-sync beside what one would write by hand, on one machine and in one run: `make bench`.
//!
//! Absolute times are those of the machine and of what happens to run on it besides. So everybody is measured in each
//! round, one after the other, and what counts is how the medians of the rounds stand to each other.

// What it shares with `tests/stand_in` is tested there: here, nobody runs tests, and what only they import is unused.
#![cfg_attr(test, allow(unused_imports))]

mod about;
mod air;
mod broker;
mod contender;
mod criterion;
mod figures;
mod goals;
mod hour;
mod publisher;
mod report;
mod start;
mod usage;
mod workload;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, ValueEnum};

use air::Air;
use contender::Contender;
use figures::Figures;
use workload::{Load, measure};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Parser)]
enum Command {
    /// Measures everybody in turn.
    Run(Run),
    /// Puts everybody under load at once, for long, and looks at their memory.
    Hour {
        #[arg(long, default_value = env!("CARGO_MANIFEST_DIR"))]
        repository: PathBuf,
        #[arg(long, default_value_t = 3600)]
        seconds: u64,
    },
    /// Writes what was measured into docs/performance.md.
    Report {
        #[arg(long, default_value = env!("CARGO_MANIFEST_DIR"))]
        repository: PathBuf,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Where {
    /// A stand-in for bluetoothd.
    StandIn,
    /// bluetoothd, in the lab.
    Bluez,
}

#[derive(Args)]
struct Run {
    #[arg(long, value_enum, default_value = "stand-in")]
    air: Where,
    #[arg(long, default_value = env!("CARGO_MANIFEST_DIR"))]
    repository: PathBuf,
    /// Where the figures go, as JSON.
    #[arg(long)]
    out: Option<PathBuf>,
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    #[arg(long, default_value_t = 400)]
    writes: usize,
    #[arg(long, default_value_t = 5)]
    write_every_ms: u64,
    #[arg(long, default_value_t = 300)]
    updates: usize,
    #[arg(long, default_value_t = 20)]
    update_every_ms: u64,
    #[arg(long, default_value_t = 3_000)]
    burst: usize,
    #[arg(long, default_value_t = 3)]
    bursts: usize,
    #[arg(long, default_value_t = 10)]
    rest_seconds: u64,
    #[arg(long, default_value_t = 10)]
    patience_seconds: u64,
    /// Only these.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    match Command::parse() {
        Command::Run(run) => run.run().await,
        Command::Hour {
            repository,
            seconds,
        } => hour::run(repository, Duration::from_secs(seconds)).await,
        Command::Report { repository } => about::report(&repository),
    }
}

impl Run {
    async fn run(self) -> Result<()> {
        let load = Load {
            repository: self.repository.clone(),
            writes: self.writes,
            writes_every: Duration::from_millis(self.write_every_ms),
            updates: self.updates,
            updates_every: Duration::from_millis(self.update_every_ms),
            burst: self.burst,
            bursts: self.bursts,
            rest: Duration::from_secs(self.rest_seconds),
            patience: Duration::from_secs(self.patience_seconds),
        };
        let air = match self.air {
            Where::StandIn => Air::stand_in().await?,
            Where::Bluez => Air::bluez().await?,
        };
        let mut figures = Figures::default();
        about::gather(
            &self.repository,
            matches!(self.air, Where::Bluez),
            &mut figures,
        )?;
        for round in 1..=self.rounds {
            // Who comes first in a round comes after a rest, and who comes last after everybody's load.
            let mut all = Contender::ALL;
            let count = all.len();
            all.rotate_left((round - 1) * 2 % count);
            for contender in all {
                let name = contender.name();
                if !self.only.is_empty() && !self.only.iter().any(|only| only == name) {
                    continue;
                }
                eprintln!("round {round} of {}: {name}", self.rounds);
                if let Err(problem) = measure(contender, &air, &load, &mut figures).await {
                    eprintln!("{name}: {problem}");
                    let what = format!("{name} failed in round {round}");
                    figures.about.insert(what, problem.to_string());
                    air.gone().await;
                }
            }
            // What has been measured is measured, whatever comes of the next round.
            if let Some(out) = &self.out {
                figures.write(out)?;
            }
        }
        println!("{}", report::figures(&figures));
        println!("{}", report::goals(&[("ratio", &figures)]));
        Ok(())
    }
}
