//! A file of values belongs to one process at a time.

use super::*;

#[tokio::test(start_paused = true)]
async fn who_comes_second_says_so_and_touches_nothing() {
    let bench = Bench::new();
    let first = bench.start(&[LEVEL]).await;
    write(&first, "FF01", &[7]).await;
    sleep(2 * SECOND).await;
    let text = bench.text();
    assert!(text.contains("\"value\": 7"), "{text}");
    let second = bench.start(&[LEVEL]).await;
    assert_eq!(read(&second, "FF01"), [50], "what others keep is not ours");
    write(&second, "FF01", &[8]).await;
    sleep(60 * SECOND).await;
    second.runtime.stop().await;
    assert_eq!(bench.text(), text);
    assert_eq!(bench.names(), ["kept.json"]);
    let warnings = bench.warnings();
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    let process = format!("(PID {})", std::process::id());
    for part in [&process, &*bench.file().to_string_lossy(), "another file"] {
        assert!(warnings[0].contains(part), "{part}: {}", warnings[0]);
    }
    // It goes on for the first, and whoever comes when that has gone has the file.
    write(&first, "FF01", &[9]).await;
    first.runtime.stop().await;
    assert_eq!(read(&bench.start(&[LEVEL]).await, "FF01"), [9]);
    assert_eq!(bench.warnings().len(), 1);
}

/// A disk that is mounted late, and somebody else is quicker.
#[tokio::test(start_paused = true)]
async fn what_others_have_written_meanwhile_is_not_lost() {
    let bench = Bench::new();
    let folder = bench.directory.path().join("state");
    fs::write(&folder, "in the way").unwrap();
    let file = folder.join("kept.json");
    let late = Air::of(&yaml(&file, &[LEVEL])).await;
    sleep(SECOND).await;
    fs::remove_file(&folder).unwrap();
    let quicker = Air::of(&yaml(&file, &[LEVEL])).await;
    write(&quicker, "FF01", &[7]).await;
    sleep(21 * SECOND).await;
    assert!(bench.warnings().last().unwrap().contains("another process"));
    assert_eq!(names_in(&folder), ["kept.json"]);
    quicker.runtime.stop().await;
    sleep(11 * SECOND).await;
    late.runtime.stop().await;
    assert_eq!(names_in(&folder), ["kept.json", "kept.json.broken-1"]);
    let moved = fs::read_to_string(folder.join("kept.json.broken-1")).unwrap();
    assert!(moved.contains("\"value\": 7"), "{moved}");
}

#[tokio::test(start_paused = true)]
async fn a_name_that_somebody_else_has_taken_is_not_written_into() {
    let bench = Bench::new();
    let air = bench.start(&[LEVEL]).await;
    let next = format!("kept.json.{}-2.new", std::process::id());
    fs::create_dir(bench.directory.path().join(&next)).unwrap();
    write(&air, "FF01", &[7]).await;
    sleep(2 * SECOND).await;
    write(&air, "FF01", &[8]).await;
    sleep(2 * SECOND).await;
    assert!(bench.text().contains("\"value\": 8"));
    assert_eq!(bench.names(), ["kept.json".to_owned(), next]);
}
