//! A place that cannot be read or written is said and tried again; the process works all the same.

use std::process::Command;

use super::*;

/// Root may write everywhere, so what is in the way here is not a permission.
#[tokio::test(start_paused = true)]
async fn a_place_that_cannot_be_written_is_said_and_tried_again() {
    let bench = Bench::new();
    let in_the_way = bench.directory.path().join("state");
    fs::write(&in_the_way, "a file where a folder is wanted").unwrap();
    let file = in_the_way.join("deep/kept.json");
    let air = Air::of(&yaml(&file, &[LEVEL])).await;
    sleep(60 * SECOND).await;
    let warnings = bench.warnings();
    assert_eq!(
        warnings.len(),
        2,
        "once for each of reading and writing: {warnings:#?}"
    );
    for said in &warnings {
        assert!(said.contains(&*file.to_string_lossy()), "{said}");
        assert!(said.contains("store: { file: … }"), "{said}");
    }
    write(&air, "FF01", &[7]).await;
    assert_eq!(read(&air, "FF01"), [7]);
    fs::remove_file(&in_the_way).unwrap();
    sleep(11 * SECOND).await;
    assert!(fs::read_to_string(&file).unwrap().contains("\"value\": 7"));
    assert!(bench.log.all().last().unwrap().contains("again"));
}

#[tokio::test(start_paused = true)]
async fn a_folder_without_the_right_to_write_is_said_too() {
    let bench = Bench::new();
    let folder = bench.directory.path().join("readonly");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o500)).unwrap();
    if fs::write(folder.join("probe"), "").is_ok() {
        return; // This is root, for whom no permission counts.
    }
    let air = Air::of(&yaml(&folder.join("kept.json"), &[LEVEL])).await;
    sleep(60 * SECOND).await;
    assert_eq!(bench.warnings().len(), 1);
    write(&air, "FF01", &[7]).await;
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    sleep(11 * SECOND).await;
    assert_eq!(names_in(&folder), ["kept.json"]);
}

#[tokio::test(start_paused = true)]
async fn a_folder_or_a_pipe_in_its_place_is_never_replaced() {
    let bench = Bench::new();
    fs::create_dir(bench.file()).unwrap();
    fs::write(bench.file().join("inside"), "").unwrap();
    let air = bench.start(&[LEVEL]).await;
    write(&air, "FF01", &[7]).await;
    sleep(60 * SECOND).await;
    air.runtime.stop().await;
    assert_eq!(bench.names(), ["kept.json"]);
    assert_eq!(names_in(&bench.file()), ["inside"]);
    assert!(bench.warnings()[0].contains("not an ordinary file"));
    // Whoever opened a pipe would wait for somebody at its other end.
    fs::rename(bench.file(), bench.directory.path().join("folder")).unwrap();
    let made = Command::new("mkfifo").arg(bench.file()).status().unwrap();
    assert!(made.success());
    bench.start(&[LEVEL]).await.runtime.stop().await;
    assert_eq!(bench.names(), ["folder", "kept.json"]);
}

/// A disk that is mounted late, say: what it holds was never read, and is not to be lost for that.
#[tokio::test(start_paused = true)]
async fn what_could_not_be_read_is_never_overwritten() {
    let bench = Bench::new();
    let folder = bench.directory.path().join("state");
    fs::write(&folder, "in the way").unwrap();
    let file = folder.join("kept.json");
    let air = Air::of(&yaml(&file, &[LEVEL])).await;
    sleep(SECOND).await;
    fs::remove_file(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    fs::write(&file, "from long ago").unwrap();
    sleep(11 * SECOND).await;
    air.runtime.stop().await;
    assert_eq!(names_in(&folder), ["kept.json", "kept.json.broken-1"]);
    let moved = folder.join("kept.json.broken-1");
    assert_eq!(fs::read_to_string(&moved).unwrap(), "from long ago");
    let warnings = bench.warnings();
    let said = warnings
        .iter()
        .any(|line| line.contains(&*moved.to_string_lossy()));
    assert!(said, "{warnings:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_link_in_its_place_stays_one() {
    let bench = Bench::new();
    let real = bench.directory.path().join("real.json");
    fs::write(&real, "").unwrap();
    fs::remove_file(&real).unwrap();
    bench.start(&[LEVEL]).await.runtime.stop().await;
    fs::rename(bench.file(), &real).unwrap();
    std::os::unix::fs::symlink(&real, bench.file()).unwrap();
    let air = bench.start(&[LEVEL]).await;
    write(&air, "FF01", &[7]).await;
    air.runtime.stop().await;
    assert!(fs::symlink_metadata(bench.file()).unwrap().is_symlink());
    assert!(fs::read_to_string(&real).unwrap().contains("\"value\": 7"));
}
