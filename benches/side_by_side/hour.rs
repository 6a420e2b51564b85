//! Whether memory grows: everybody at once, each with an air and a broker of its own, at 50 publishes per second.

use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use tokio::task::LocalSet;

use crate::air::Air;
use crate::contender::Contender::{self, *};
use crate::figures::Figures;
use crate::workload::{Load, Session};
use crate::{Result, about};

const CONTENDERS: [Contender; 6] = [Bridge, Callback, Python, Bemo, BemoBare, BemoMany];
const EVERY: Duration = Duration::from_millis(20);

pub async fn run(repository: PathBuf, length: Duration) -> Result<()> {
    let load = Load {
        repository: repository.clone(),
        writes: 0,
        writes_every: EVERY,
        updates: (length.as_millis() / EVERY.as_millis()) as usize,
        updates_every: EVERY,
        burst: 0,
        bursts: 0,
        rest: Duration::ZERO,
        patience: Duration::from_secs(30),
    };
    let everybody = LocalSet::new();
    let tasks: Vec<_> = CONTENDERS
        .into_iter()
        .map(|contender| everybody.spawn_local(one(contender, load.clone())))
        .collect();
    everybody.await;
    let mut figures = Figures::default();
    about::gather(&repository, false, &mut figures)?;
    for task in tasks {
        for (contender, quantity, figure) in task.await?? {
            figures.add(contender, quantity, figure);
        }
    }
    figures
        .about
        .insert("seconds".to_owned(), length.as_secs().to_string());
    figures.write(&repository.join("target/bench/hour.json"))?;
    println!("{}", table(&figures));
    Ok(())
}

type Measured = Vec<(Contender, &'static str, f64)>;

async fn one(contender: Contender, load: Load) -> Result<Measured> {
    let air = Air::stand_in().await?;
    let mut ignored = Figures::default();
    let mut session = Session::start(contender, &air, &load, &mut ignored).await?;
    session.subscribe().await?;
    let mut measured = Vec::new();
    // A minute in, everybody has what it needs.
    session.updates(load.updates / 60, &mut ignored).await?;
    let before = session.used_memory()?;
    session.updates(load.updates, &mut ignored).await?;
    let after = session.used_memory()?;
    measured.push((contender, "rss before", before.rss_kib as f64));
    measured.push((contender, "rss after", after.rss_kib as f64));
    session.stop().await?;
    Ok(measured)
}

pub fn table(figures: &Figures) -> String {
    let known = |what: &str| figures.about.get(what).map_or("?", String::as_str);
    let mut text = format!(
        "{}, {} s at 50 publishes per second, everybody at once, RSS in KiB:\n\n\
         | | after a minute | at the end |\n|---|--:|--:|\n",
        known("date"),
        known("seconds")
    );
    for contender in CONTENDERS {
        let of = |quantity| figures.median(contender, quantity).unwrap_or_default();
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            contender.name(),
            of("rss before"),
            of("rss after")
        );
    }
    text
}
