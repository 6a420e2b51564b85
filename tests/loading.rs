//! What loading a configuration asks of the memory. One test, because everything in the process is counted.

#[path = "large/generated.rs"]
#[allow(dead_code)]
mod generated;

use std::path::Path;

use bemo_sync::config::{Loaded, Placeholders, load_str};

use generated::configuration;

/// Counts what is allocated while somebody asks.
#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// The demo takes about six hundred; to parse the whole table of well-known characteristics, many thousands.
const DEMO_MAX: u64 = 1_500;
/// For each characteristic, of all kinds.
const BLOCKS_MAX: u64 = 250;
/// And so many octets stay, with the configuration in text beside them.
const OCTETS_MAX: usize = 6 * 1024;

fn load(source: &str) -> Loaded {
    let host = Placeholders::new(Vec::new());
    let loaded = load_str(Path::new("footprint.yaml"), source, &|_| None, host);
    loaded.unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn blocks() -> u64 {
    dhat::HeapStats::get().total_blocks
}

#[test]
fn loading_allocates_little_and_in_proportion() {
    let demo = include_str!("../services.yaml");
    let (small, large) = (configuration(500), configuration(1000));
    let _profiler = dhat::Profiler::builder().testing().build();
    let before = blocks();
    drop(load(demo));
    let of_demo = blocks() - before;

    let before = blocks();
    drop(load(&small));
    let of_small = blocks() - before;

    let (before, held) = (blocks(), dhat::HeapStats::get().curr_bytes);
    let loaded = load(&large);
    let of_large = blocks() - before;
    let held = dhat::HeapStats::get().curr_bytes - held;
    drop(loaded);

    println!("{of_demo}; {of_small} and {of_large} blocks, {held} octets");
    assert!(of_demo <= DEMO_MAX, "{of_demo} for the demo");
    assert!(of_large <= 1000 * BLOCKS_MAX, "{of_large} for a thousand");
    assert!(
        of_large * 9 <= of_small * 20,
        "{of_small}, and {of_large} for twice as many"
    );
    assert!(held <= 1000 * OCTETS_MAX, "{held} octets");
}
