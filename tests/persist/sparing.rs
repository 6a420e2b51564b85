//! A flash card bears only so many writes: what changes all the time is not written all the time.

use std::os::unix::fs::MetadataExt;

use super::*;

const TICKING: &str = "uuid: FF09, access: [read, notify], persist: true, \
    value: { type: u32 }, source: { ticker: { every: 10ms } }";

/// Every write makes another file, so its number is another one each time.
struct Writes {
    file: PathBuf,
    last: Option<(u64, i64)>,
    count: u32,
}

impl Writes {
    fn of(bench: &Bench) -> Self {
        let (file, last, count) = (bench.file(), None, 0);
        Self { file, last, count }
    }

    /// How many there have been after so long. It is looked at more often than anything is written.
    async fn after(&mut self, time: Duration) -> u32 {
        let step = Duration::from_millis(500);
        for _ in 0..time.as_millis() / step.as_millis() {
            sleep(step).await;
            let found = fs::metadata(&self.file).ok();
            let found = found.map(|found| (found.ino(), found.mtime_nsec()));
            self.count += u32::from(found != self.last);
            self.last = found;
        }
        self.count
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_that_never_rests_is_written_once_a_minute() {
    let bench = Bench::new();
    let _air = bench.start(&[TICKING]).await;
    let mut writes = Writes::of(&bench);
    let first = writes.after(60 * SECOND).await;
    assert!((20..=32).contains(&first), "{first} in the first minute");
    let more = writes.after(10 * 60 * SECOND).await - first;
    assert!((9..=11).contains(&more), "{more} in ten minutes");
}

#[tokio::test(start_paused = true)]
async fn another_value_is_kept_after_a_second_all_the_same() {
    let bench = Bench::new();
    let air = bench.start(&[TICKING, LEVEL]).await;
    let mut writes = Writes::of(&bench);
    let before = writes.after(200 * SECOND).await;
    write(&air, "FF01", &[7]).await;
    assert!(writes.after(2 * SECOND).await > before);
    assert_eq!(bench.json()["values"]["0xFF00/0xFF01"]["value"], 7);
}

#[tokio::test(start_paused = true)]
async fn what_comes_together_is_written_together() {
    let bench = Bench::new();
    let air = bench.start(&[LEVEL]).await;
    let mut writes = Writes::of(&bench);
    assert_eq!(writes.after(5 * SECOND).await, 1, "at the start");
    for level in 0..100 {
        write(&air, "FF01", &[level]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(writes.after(60 * SECOND).await, 2);
    assert_eq!(bench.json()["values"]["0xFF00/0xFF01"]["value"], 99);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_is_taken_back_is_not_written() {
    let bench = Bench::new();
    let air = bench.start(&[LEVEL]).await;
    let mut writes = Writes::of(&bench);
    let before = writes.after(5 * SECOND).await;
    for _ in 0..100 {
        write(&air, "FF01", &[51]).await;
        write(&air, "FF01", &[50]).await;
        assert_eq!(writes.after(2 * SECOND).await, before);
    }
    write(&air, "FF01", &[51]).await;
    assert_eq!(
        writes.after(2 * SECOND).await,
        before + 1,
        "and that has cost nothing"
    );
}

#[tokio::test(start_paused = true)]
async fn a_rehearsal_neither_reads_nor_writes_the_file() {
    let bench = Bench::new();
    let kept = bench.yaml(&[LEVEL, TICKING]);
    fs::write(bench.file(), "neither read nor moved away").unwrap();
    let host = bemo_sync::config::Placeholders::new(Vec::new());
    let loaded = bemo_sync::config::load_str(Path::new("test.yaml"), &kept, &|_| None, host);
    let stage = bemo_sync::plugin::Stage::new();
    let runtime = bemo_sync::runtime::Runtime::rehearse(loaded.unwrap().plan, stage);
    sleep(100 * SECOND).await;
    runtime.stop().await;
    assert_eq!(bench.names(), ["kept.json"]);
    assert_eq!(bench.text(), "neither read nor moved away");
    assert_eq!(bench.warnings(), [""; 0]);
}
