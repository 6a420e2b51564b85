//! What a central was told is safe reaches the broker, or something newer does, however often this program or
//! the broker is killed meanwhile.
//!
//! This process judges. It starts itself again as the one that is killed, with an adapter and centrals of its
//! own, and knows of it what those centrals were told and what a real broker has passed on.
//!
//! `BEMO_KILLS=500 cargo test --test kill` kills as often as that.

#[path = "../air/mod.rs"]
mod air;
#[path = "../support/lines.rs"]
mod lines;
#[path = "../support/mosquitto.rs"]
mod mosquitto;
#[path = "../support/tap.rs"]
mod tap;

mod oracle;
mod victim;

use std::env;
use std::time::Duration;

use mosquitto::Mosquitto;
use oracle::Oracle;
use tap::Tap;
use tempfile::TempDir;
use victim::{Process, VICTIM};

/// How often, unless somebody wants more.
const KILLS: u32 = 12;

fn kills() -> u32 {
    let wanted = env::var("BEMO_KILLS").ok();
    wanted.map_or(KILLS, |wanted| wanted.parse().expect("a number"))
}

/// Another one each time, and said, so that a failure can be had again.
fn chance() -> fastrand::Rng {
    let seed = env::var("BEMO_SEED").map_or_else(
        |_| fastrand::u64(..),
        |seed| seed.parse().expect("a number"),
    );
    println!("BEMO_SEED={seed}");
    fastrand::Rng::with_seed(seed)
}

/// This is no test: it is the process that is killed.
#[test]
fn victim() {
    if env::var_os(VICTIM).is_some() {
        victim::run();
    }
}

#[test]
fn no_acknowledged_write_is_lost_when_the_program_is_killed() {
    let mut chance = chance();
    let broker = Mosquitto::start();
    let home = TempDir::new().expect("a disk");
    let mut oracle = Oracle::new();
    let mut tap = Tap::on_everything(broker.port);
    for _ in 0..kills() {
        let mut process = Process::start(broker.port, home.path(), oracle.next());
        if chance.f32() < 0.25 {
            // While it still takes up what it was doing.
            process.kill_after(Duration::from_micros(chance.u64(0..60_000)), &mut oracle);
            continue;
        }
        process.wait_until_connected();
        oracle.wait_until_all_is_there(&mut tap);
        process.write();
        process.kill_after(Duration::from_micros(chance.u64(0..80_000)), &mut oracle);
    }
    let process = Process::start(broker.port, home.path(), oracle.next());
    process.wait_until_connected();
    oracle.wait_until_all_is_there(&mut tap);
    oracle.check_something_happened(kills());
}

#[test]
fn no_acknowledged_write_is_lost_when_the_broker_is_killed() {
    let mut chance = chance();
    let mut broker = Mosquitto::start();
    let home = TempDir::new().expect("a disk");
    let mut oracle = Oracle::new();
    let mut process = Process::start(broker.port, home.path(), oracle.next());
    process.wait_until_connected();
    process.write();
    for _ in 0..kills() {
        process.listen_for(Duration::from_micros(chance.u64(0..80_000)), &mut oracle);
        broker.kill();
        process.listen_for(Duration::from_micros(chance.u64(0..20_000)), &mut oracle);
        broker.start_again();
        process.wait_until_connected();
    }
    process.pause(&mut oracle);
    // It begins with nothing: all that it has, it has been told anew.
    let mut tap = Tap::on_everything(broker.port);
    oracle.wait_until_states_are_there(&mut tap);
    oracle.check_something_happened(kills());
}
