//! An event of a value of fixed size takes no memory: nothing fragments however long the program runs, and no event
//! waits for an allocator. What has to be put together, a payload or a sentence, takes what is declared for it.

#[path = "../benches/workload/mod.rs"]
mod workload;

use workload::{ENGINE, PAYLOADS, PORT, Workload};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const ROUNDS: u64 = 1000;

/// How often it allocates in so many rounds.
fn allocations(workload: &Workload, values: usize) -> u64 {
    let mut round = (workload.on)(values);
    // Each value comes by several times, and what grows has grown.
    (0..10 * values.max(1000)).for_each(|_| round());
    let profiler = dhat::Profiler::builder().testing().build();
    (0..ROUNDS).for_each(|_| round());
    let stats = dhat::HeapStats::get();
    drop(profiler);
    stats.total_blocks
}

/// The only test here: it counts what the whole process allocates.
#[test]
fn an_event_allocates_no_more_than_is_said() {
    let mut too_many = Vec::new();
    for workload in [&ENGINE[..], &PAYLOADS, &PORT].into_iter().flatten() {
        for values in [10, 1000] {
            let count = allocations(workload, values);
            if count != workload.allocations * ROUNDS {
                let name = workload.name;
                let said = workload.allocations;
                too_many.push(format!(
                    "{name}: {count} allocations in {ROUNDS} rounds on {values} values; {said} in each are said"
                ));
            }
        }
    }
    assert!(too_many.is_empty(), "{}", too_many.join("\n"));
}
