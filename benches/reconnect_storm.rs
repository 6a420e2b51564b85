//! Ten thousand boxes lose their broker in the same instant: what becomes of it, as tables. Nothing is timed, time is
//! virtual; it is the program's own code that decides when a box tries again.
//!
//! `make storm` writes the tables into `docs/scaling.md`.

#[path = "../tests/storm/fleet.rs"]
mod fleet;

use std::env;
use std::fmt::Write;
use std::fs;

use fleet::{At, Broker, Kind, Outcome, SECOND, play};

const BOXES: usize = 10_000;
const SEED: u64 = 1;
/// Who is not back so long after the last outage does not come back.
const LONG: At = 15 * 60 * SECOND;
const PAGE: &str = "docs/scaling.md";
const BEGIN: &str = "<!-- storm: written by `make storm` -->\n";
const END: &str = "<!-- storm: end -->";

const KINDS: [(&str, Kind); 6] = [
    (
        "**bemo-sync**",
        Kind::Ours {
            retry_within: 4,
            answer_within: 4,
        },
    ),
    (
        "**bemo-sync**, `retry_within: 30s`, `answer_within: 20s`",
        Kind::Ours {
            retry_within: 30,
            answer_within: 20,
        },
    ),
    ("bemo-sync without chance", Kind::WithoutChance),
    ("doubling from 0.25 s to 4 s", Kind::Doubling),
    ("every second", Kind::Fixed(1)),
    ("every 5 s", Kind::Fixed(5)),
];

fn main() {
    let mut page = String::new();
    let cut = |name, seconds, rate, backlog| {
        let outages = vec![(0, 0, seconds * SECOND)];
        (
            name,
            Broker {
                nodes: 1,
                rate,
                backlog,
                outages,
            },
        )
    };
    page.push_str(
        "How long the outage is, with a broker that lets in 500 each second and 1,024 wait:\n\n",
    );
    table(
        &mut page,
        "outage",
        &[
            cut("1 s", 1, 500, 1024),
            cut("1 min", 60, 500, 1024),
            cut("10 min", 600, 500, 1024),
            cut("1 h", 3600, 500, 1024),
        ],
    );
    page.push_str(
        "\nHow many the broker lets in each second, and how many wait; an outage of 1 min:\n\n",
    );
    table(
        &mut page,
        "each second; wait",
        &[
            cut("1,000; 1,024", 60, 1000, 1024),
            cut("200; 128", 60, 200, 128),
            cut("200; 1,024", 60, 200, 1024),
            cut("200; 4,096", 60, 200, 4096),
        ],
    );
    let rolling = Broker {
        nodes: 3,
        rate: 200,
        backlog: 1024,
        outages: (0..3)
            .map(|node| {
                (
                    node as usize,
                    node * 120 * SECOND,
                    (node * 120 + 60) * SECOND,
                )
            })
            .collect(),
    };
    page.push_str(
        "\nA cluster of three nodes that are restarted one after the other, 1 min each and 1 min between, behind a load \
         balancer; each node lets in 200 each second, and 1,024 wait. Times are from when the last node went:\n\n",
    );
    table(&mut page, "", &[("rolling", rolling)]);
    print!("{page}");
    if env::var_os("UPDATE_DOCS").is_some() {
        let text = fs::read_to_string(PAGE).expect("the page is there");
        let (before, rest) = text.split_once(BEGIN).expect("it has a place for this");
        let (_, after) = rest.split_once(END).expect("which has an end");
        fs::write(PAGE, format!("{before}{BEGIN}\n{page}\n{END}{after}"))
            .expect("it can be written");
    }
}

fn table(page: &mut String, what: &str, brokers: &[(&str, Broker)]) {
    let _ = writeln!(
        page,
        "| {what} | tries again | attempts/s at the peak | attempts of a box (most) | 50 % back | 99 % | all | \
         let in for nothing |\n|---|---|---:|---:|---:|---:|---:|---:|"
    );
    for (name, broker) in brokers {
        for (kind_name, kind) in KINDS {
            let outcome = play(BOXES, kind, broker.clone(), SEED, LONG);
            let _ = writeln!(page, "| {name} | {kind_name} {}", row(&outcome, broker));
        }
    }
}

fn row(outcome: &Outcome, broker: &Broker) -> String {
    let &(_, from, to) = broker.outages.last().expect("there is one");
    // With other nodes there, nobody waits for the one that went.
    let since = if broker.nodes == 1 { to } else { from };
    let back = |percent| match outcome.back_at(percent) {
        Some(at) if at <= since => "–".to_owned(),
        Some(at) => format!("{:.1} s", (at - since) as f64 / SECOND as f64),
        None => "never".to_owned(),
    };
    format!(
        "| {} | {:.1} ({}) | {} | {} | {}{} | {} |",
        thousands(outcome.peak_from(0).into()),
        outcome.mean_attempts(),
        outcome.most_attempts(),
        back(50),
        back(99),
        back(100),
        match outcome.back_at(100) {
            None => format!(" ({:.0} % are)", outcome.percent_back()),
            Some(_) => String::new(),
        },
        thousands(outcome.in_vain),
    )
}

fn thousands(number: u64) -> String {
    match number {
        0..1000 => number.to_string(),
        _ => format!("{},{:03}", thousands(number / 1000), number % 1000),
    }
}
