//! A place that cannot be read or written is said and tried again; the process works all the same.

use std::process::Command;

use bemo_sync::gatt::AttError;
use bemo_sync::gatt::server::RequestError;

use super::*;

const NOT_KEPT: RequestError = RequestError::Att(AttError::NotKept);

/// Root may write everywhere, so what is in the way here is not a permission.
#[tokio::test(start_paused = true)]
async fn a_place_that_cannot_be_written_is_said_and_tried_again() {
    let bench = Bench::new();
    let in_the_way = bench.directory.path().join("state");
    fs::write(&in_the_way, "a file where a folder is wanted").unwrap();
    let file = in_the_way.join("deep/kept.journal");
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
    assert_eq!(try_write(&air, "FF01", &[7]).await, Err(NOT_KEPT));
    assert_eq!(read(&air, "FF01"), [50], "and nothing has changed");
    fs::remove_file(&in_the_way).unwrap();
    sleep(2 * SECOND).await;
    write(&air, "FF01", &[7]).await;
    assert_eq!(kept_in(&file)["0xFF00/0xFF01"], "07");
    assert_eq!(bench.log.count("the journal is kept in"), 1);
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
    let air = Air::of(&yaml(&folder.join("kept.journal"), &[LEVEL])).await;
    sleep(60 * SECOND).await;
    assert_eq!(bench.warnings().len(), 1);
    assert_eq!(try_write(&air, "FF01", &[7]).await, Err(NOT_KEPT));
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    sleep(11 * SECOND).await;
    assert_eq!(names_in(&folder), ["kept.journal"]);
}

#[tokio::test(start_paused = true)]
async fn a_folder_or_a_pipe_in_its_place_is_never_replaced() {
    let bench = Bench::new();
    let air = bench.start(&[LEVEL]).await;
    sleep(SECOND).await;
    // At the start it would have been a mistake in the configuration.
    fs::remove_file(bench.file()).unwrap();
    fs::create_dir(bench.file()).unwrap();
    fs::write(bench.file().join("inside"), "").unwrap();
    assert_eq!(try_write(&air, "FF01", &[7]).await, Err(NOT_KEPT));
    sleep(60 * SECOND).await;
    air.runtime.stop().await;
    assert_eq!(bench.names(), ["kept.journal"]);
    assert_eq!(names_in(&bench.file()), ["inside"]);
    let said = bench.warnings();
    assert!(
        said.iter().any(|it| it.contains("not an ordinary file")),
        "{said:#?}"
    );
    // Whoever opened a pipe would wait for somebody at its other end.
    fs::rename(bench.file(), bench.directory.path().join("folder")).unwrap();
    let made = Command::new("mkfifo").arg(bench.file()).status().unwrap();
    assert!(made.success());
    bench.start(&[LEVEL]).await.runtime.stop().await;
    assert_eq!(bench.names(), ["folder", "kept.journal"]);
}

/// A disk that is mounted late, say: what it holds was never read, and is not to be lost for that.
#[tokio::test(start_paused = true)]
async fn what_could_not_be_read_is_never_overwritten() {
    let bench = Bench::new();
    let folder = bench.directory.path().join("state");
    fs::write(&folder, "in the way").unwrap();
    let file = folder.join("kept.journal");
    let air = Air::of(&yaml(&file, &[LEVEL])).await;
    sleep(SECOND).await;
    fs::remove_file(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    fs::write(&file, "from long ago").unwrap();
    sleep(11 * SECOND).await;
    air.runtime.stop().await;
    assert_eq!(names_in(&folder), ["kept.journal", "kept.journal.broken-1"]);
    let moved = folder.join("kept.journal.broken-1");
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
    let real = bench.directory.path().join("real.journal");
    fs::write(&real, "").unwrap();
    fs::remove_file(&real).unwrap();
    bench.start(&[LEVEL]).await.runtime.stop().await;
    fs::rename(bench.file(), &real).unwrap();
    std::os::unix::fs::symlink(&real, bench.file()).unwrap();
    let air = bench.start(&[LEVEL]).await;
    write(&air, "FF01", &[7]).await;
    air.runtime.stop().await;
    assert!(fs::symlink_metadata(bench.file()).unwrap().is_symlink());
    assert_eq!(kept_in(&real)["0xFF00/0xFF01"], "07");
}
