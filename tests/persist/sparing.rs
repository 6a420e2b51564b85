//! A flash card bears only so many writes: what changes all the time is not written all the time.

use super::*;

const TICKING: &str = "uuid: FF09, access: [read, notify], persist: true, \
    value: { type: u32 }, source: { ticker: { every: 10ms } }";

/// How often it is written in so long.
async fn writes_in(bench: &Bench, time: Duration) -> usize {
    let before = bench.writes();
    sleep(time).await;
    bench.writes() - before
}

#[tokio::test(start_paused = true)]
async fn a_value_that_never_rests_is_written_once_a_minute() {
    let bench = Bench::new();
    let _air = bench.start(&[TICKING]).await;
    let first = writes_in(&bench, 60 * SECOND).await;
    assert!((20..=32).contains(&first), "{first} in the first minute");
    let more = writes_in(&bench, 10 * 60 * SECOND).await;
    assert!((9..=11).contains(&more), "{more} in ten minutes");
}

#[tokio::test(start_paused = true)]
async fn another_value_is_kept_after_a_second_all_the_same() {
    let bench = Bench::new();
    let air = bench.start(&[TICKING, &promising_nothing()]).await;
    sleep(200 * SECOND).await;
    write(&air, "FF01", &[7]).await;
    assert!(writes_in(&bench, 2 * SECOND).await > 0);
    assert_eq!(bench.kept()["0xFF00/0xFF01"], "07");
}

#[tokio::test(start_paused = true)]
async fn what_comes_together_is_written_together() {
    let bench = Bench::new();
    let air = bench.start(&[&promising_nothing()]).await;
    assert_eq!(writes_in(&bench, 5 * SECOND).await, 1, "at the start");
    for level in 0..100 {
        write(&air, "FF01", &[level]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(writes_in(&bench, 60 * SECOND).await, 1);
    assert_eq!(bench.kept()["0xFF00/0xFF01"], "63");
}

/// The disk is asked once for all who wait.
#[tokio::test(start_paused = true)]
async fn many_who_wait_at_once_share_one_write() {
    let bench = Bench::new();
    let levels: Vec<String> = (0..50)
        .map(|number| LEVEL.replace("FF01", &format!("EE{number:02}")))
        .collect();
    let levels: Vec<&str> = levels.iter().map(String::as_str).collect();
    let air = bench.start(&levels).await;
    sleep(5 * SECOND).await;
    let before = bench.writes();
    let centrals: Vec<_> = (0..50).map(|_| air.central()).collect();
    let mut promises = Vec::new();
    for (number, central) in centrals.iter().enumerate() {
        let handle = handle(central, &format!("EE{number:02}"));
        promises.extend(central.begin_write(handle, &[7]).unwrap());
    }
    for promise in promises {
        promise.kept().await.unwrap();
    }
    assert!(bench.kept().values().all(|kept| kept == "07"));
    let writes = bench.writes() - before;
    assert!((1..=2).contains(&writes), "{writes} writes");
}

#[tokio::test(start_paused = true)]
async fn a_change_that_is_taken_back_is_not_written() {
    let bench = Bench::new();
    let air = bench.start(&[&promising_nothing()]).await;
    sleep(5 * SECOND).await;
    for _ in 0..100 {
        write(&air, "FF01", &[51]).await;
        write(&air, "FF01", &[50]).await;
        assert_eq!(writes_in(&bench, 2 * SECOND).await, 0);
    }
    write(&air, "FF01", &[51]).await;
    let writes = writes_in(&bench, 2 * SECOND).await;
    assert_eq!(writes, 1, "and that has cost nothing");
}

/// What a tick makes of it is owed in its place, and nobody has been promised that.
#[tokio::test(start_paused = true)]
async fn a_ticker_does_not_write_at_each_tick_while_a_write_waits_for_the_broker() {
    let bench = Bench::new();
    let ticking = "uuid: FF09, access: [read, write, notify], value: { type: u32 }, \
        source: { ticker: { every: 1s } }, mqtt: { state: ticks }";
    let yaml = format!(
        "{}mqtt: {{ broker: \"127.0.0.1:1\" }}\n",
        bench.yaml(&[ticking])
    );
    let air = Air::of(&yaml).await;
    sleep(100 * SECOND).await;
    write(&air, "FF09", &[7, 0, 0, 0]).await;
    let first = writes_in(&bench, 60 * SECOND).await;
    assert!(first <= 32, "{first} in the first minute");
    let more = writes_in(&bench, 10 * 60 * SECOND).await;
    assert!((5..=15).contains(&more), "{more} in ten minutes");
}

/// It only grows; when it says far more than there is, it is written anew.
#[tokio::test(start_paused = true)]
async fn a_journal_does_not_grow_without_end() {
    let bench = Bench::new();
    let air = bench.start(&[LEVEL]).await;
    let mut longest = 0;
    for number in 0..3000_u32 {
        let level = u8::try_from(number % 100).unwrap();
        write(&air, "FF01", &[level]).await;
        longest = longest.max(fs::metadata(bench.file()).unwrap().len());
    }
    assert!((40_000..70_000).contains(&longest), "{longest} octets");
    air.runtime.stop().await;
    assert_eq!(read(&bench.start(&[LEVEL]).await, "FF01"), [99]);
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
    assert_eq!(bench.names(), ["kept.journal"]);
    assert_eq!(bench.text(), "neither read nor moved away");
    assert_eq!(bench.warnings(), [""; 0]);
}
