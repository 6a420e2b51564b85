//! How often something took how long. Counting costs two atomic additions and a short search.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The upper limits of the buckets; behind the last one everything else is counted. From what takes no I/O,
/// over a disk (1 ms), a broker (10 ms) and a radio (100 ms), to ATT's own deadline of 30 s.
pub const BUCKETS: [Duration; 14] = [
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
];

/// What is counted, by whoever sees it.
#[derive(Debug, Default)]
pub struct Histogram {
    counts: [AtomicU64; BUCKETS.len() + 1],
    /// In nanoseconds: full after 584 years.
    sum: AtomicU64,
}

/// What has been counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observations {
    /// By bucket, each without those before it; the last one has what is beyond all limits.
    pub counts: [u64; BUCKETS.len() + 1],
    pub sum: Duration,
}

impl Histogram {
    pub fn observe(&self, took: Duration) {
        let bucket = BUCKETS.partition_point(|limit| *limit < took);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.sum.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    pub fn read(&self) -> Observations {
        Observations {
            counts: std::array::from_fn(|index| self.counts[index].load(Ordering::Relaxed)),
            sum: Duration::from_nanos(self.sum.load(Ordering::Relaxed)),
        }
    }
}

impl Observations {
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}
