//! A file of values belongs to one process at a time.

use super::*;

#[tokio::test(start_paused = true)]
async fn who_comes_second_says_so_and_touches_nothing() {
    let bench = Bench::new();
    let first = bench.start(&[LEVEL]).await;
    write(&first, "FF01", &[7]).await;
    sleep(2 * SECOND).await;
    let text = bench.text();
    assert_eq!(bench.kept()["0xFF00/0xFF01"], "07");
    let second = bench.start(&[LEVEL]).await;
    assert_eq!(read(&second, "FF01"), [50], "what others keep is not ours");
    sleep(SECOND).await;
    let refused = try_write(&second, "FF01", &[8]).await;
    refused.expect_err("nothing is kept here");
    sleep(60 * SECOND).await;
    second.runtime.stop().await;
    assert_eq!(bench.text(), text);
    assert_eq!(bench.names(), ["kept.journal"]);
    let warnings = bench.warnings();
    // That, that a write is refused, and that in the end something is lost.
    assert_eq!(warnings.len(), 3, "{warnings:#?}");
    let process = format!("(PID {})", std::process::id());
    for part in [&process, &*bench.file().to_string_lossy(), "another file"] {
        assert!(warnings[0].contains(part), "{part}: {}", warnings[0]);
    }
    // It goes on for the first, and whoever comes when that has gone has the file.
    write(&first, "FF01", &[9]).await;
    first.runtime.stop().await;
    assert_eq!(read(&bench.start(&[LEVEL]).await, "FF01"), [9]);
    assert_eq!(bench.warnings().len(), 3);
}

/// A disk that is mounted late, and somebody else is quicker. They may end first.
#[tokio::test(start_paused = true)]
async fn what_others_have_written_meanwhile_stays_where_it_is() {
    let bench = Bench::new();
    let folder = bench.directory.path().join("state");
    fs::write(&folder, "in the way").unwrap();
    let file = folder.join("kept.journal");
    let late = Air::of(&yaml(&file, &[LEVEL])).await;
    sleep(SECOND).await;
    fs::remove_file(&folder).unwrap();
    let quicker = Air::of(&yaml(&file, &[LEVEL])).await;
    write(&quicker, "FF01", &[7]).await;
    sleep(2 * SECOND).await;
    assert!(bench.warnings().last().unwrap().contains("another process"));
    assert_eq!(names_in(&folder), ["kept.journal"]);
    quicker.runtime.stop().await;
    sleep(2 * SECOND).await;
    late.runtime.stop().await;
    // They may have been acknowledged, and whoever starts next takes them up.
    assert_eq!(names_in(&folder), ["kept.journal"]);
    assert_eq!(kept_in(&file)["0xFF00/0xFF01"], "07");
}

#[tokio::test(start_paused = true)]
async fn a_name_that_somebody_else_has_taken_is_not_written_into() {
    let bench = Bench::new();
    let next = format!("kept.journal.{}-1.new", std::process::id());
    let taken = bench.directory.path().join(&next);
    fs::create_dir(&taken).unwrap();
    let air = bench.start(&[LEVEL]).await;
    write(&air, "FF01", &[7]).await;
    assert_eq!(bench.kept()["0xFF00/0xFF01"], "07");
    assert_eq!(bench.names(), ["kept.journal".to_owned(), next]);
}
