//! A fleet whose broker goes and comes back, in virtual time, with the program's own pauses.

mod fleet;

use fleet::{Broker, Kind, Outcome, SECOND, play};

const BOXES: usize = 10_000;
const USUAL: Kind = Kind::Ours {
    retry_within: 4,
    answer_within: 4,
};

/// One that is away for so many tenths of a second.
fn broker(away: u64, rate: u64, backlog: usize) -> Broker {
    Broker {
        nodes: 1,
        rate,
        backlog,
        outages: vec![(0, 0, away * SECOND / 10)],
    }
}

/// Nobody's attempts are to be seen as a wave: neither at first, nor while the broker is away.
fn is_smooth(outcome: &Outcome) -> Result<(), String> {
    // Five for each box in the four seconds of the longest pause.
    let (peak, most) = (outcome.peak_from(0), 5 * BOXES / 4);
    if peak as usize > most {
        return Err(format!("{peak} attempts each second are more than {most}"));
    }
    let mean = outcome.mean(6 * SECOND, 10 * SECOND);
    let peak = f64::from(outcome.peak_from(6 * SECOND));
    if peak > mean * 1.4 {
        return Err(format!(
            "{peak} attempts each second, and {mean} in the mean"
        ));
    }
    Ok(())
}

#[test]
fn a_fleet_does_not_try_again_in_the_same_instant() {
    let play = |kind| play(BOXES, kind, broker(100, 500, 1024), 1, 60 * SECOND);
    let outcome = play(USUAL);
    is_smooth(&outcome).unwrap();
    // As fast as the broker lets them in, and one pause.
    let all = outcome.back_at(100).expect("nobody is left behind");
    assert!(all <= (10 + 20 + 4) * SECOND, "{all}");
    assert!(outcome.most_attempts() <= 15, "{}", outcome.most_attempts());
    let without_chance = play(Kind::WithoutChance);
    is_smooth(&without_chance).expect_err("this is what chance is for");
}

/// The declared pause is what spreads a fleet, the first attempts too.
#[test]
fn a_longer_pause_makes_a_smaller_peak() {
    let patient = Kind::Ours {
        retry_within: 40,
        answer_within: 4,
    };
    let outcome = play(BOXES, patient, broker(100, 500, 1024), 1, 120 * SECOND);
    let peak = outcome.peak_from(0) as usize;
    assert!(peak <= 5 * BOXES / 40 * 13 / 10, "{peak}");
    assert!(outcome.back_at(100).is_some(), "nobody is left behind");
}

/// Whoever gives up stands in the queue all the same. Its length is 5 s here, and the usual patience 4 s.
#[test]
fn a_queue_longer_than_the_patience_is_worked_off() {
    let play = |kind| play(3000, kind, broker(10, 200, 1024), 1, 120 * SECOND);
    let outcome = play(USUAL);
    let all = outcome.back_at(100).expect("nobody is left behind");
    assert!(all <= 60 * SECOND, "{all}");
    for other in [Kind::Doubling, Kind::Fixed(1)] {
        let percent = play(other).percent_back();
        assert!(
            percent < 60.0,
            "{percent}: the broker of this test is no trial"
        );
    }
}

#[test]
fn a_cluster_is_restarted_node_by_node() {
    let broker = Broker {
        nodes: 3,
        rate: 200,
        backlog: 1024,
        outages: (0..3)
            .map(|node| (node as usize, node * 60 * SECOND, (node * 60 + 20) * SECOND))
            .collect(),
    };
    let outcome = play(BOXES, USUAL, broker, 1, 60 * SECOND);
    assert!(outcome.peak_from(0) as usize <= 5 * BOXES / 4);
    let all = outcome.back_at(100).expect("nobody is left behind");
    assert!(all <= (120 + 40) * SECOND, "{all}");
    assert!(outcome.losses as usize <= 2 * BOXES, "{}", outcome.losses);
}

/// Where nothing else wants the broker. Nine times in ten, and the longest of a thousand, in seconds.
#[test]
fn a_single_box_is_soon_back_at_a_broker_that_was_restarted() {
    for (away, usually, at_most) in [
        (2, 1.8, 2.0),
        (10, 1.2, 2.0),
        (20, 1.8, 4.0),
        (600, 3.5, 4.0),
    ] {
        let outcomes = (0..1000).map(|seed| {
            let outcome = play(1, USUAL, broker(away, 1000, 1024), seed, 10 * SECOND);
            let at = outcome.back_at(100).expect("it is back");
            at.saturating_sub(away * SECOND / 10) as f64 / SECOND as f64
        });
        let mut late: Vec<f64> = outcomes.collect();
        late.sort_by(f64::total_cmp);
        println!("{away}: {} {} {}", late[500], late[900], late[999]);
        // And what it takes to connect.
        assert!(
            late[900] <= usually + 0.1,
            "away for {away}: {} late",
            late[900]
        );
        assert!(
            late[999] <= at_most + 0.01,
            "away for {away}: {} late",
            late[999]
        );
    }
}
