//! What stands in the file is not trusted: whatever it is, the process starts.

use super::*;

const WHOLE: &str = r#"{
  "format": "bemo-sync values",
  "version": 1,
  "values": { "0xFF00/0xFF01": { "name": "Value 0", "hex": "07", "value": 7 } }
}"#;

#[tokio::test(start_paused = true)]
async fn a_broken_truncated_or_foreign_file_is_moved_away_and_values_begin_as_declared() {
    let deep = "[".repeat(100_000);
    let newer = WHOLE.replace("\"version\": 1", "\"version\": 2, \"more\": []");
    let foreign = WHOLE.replace("bemo-sync values", "something else");
    let secret = WHOLE.replace("\"07\"", "[\"s3cr3t\"]");
    for broken in [
        &b""[..],
        &WHOLE.as_bytes()[..WHOLE.len() / 2],
        b"\0\0\0\0\0\0\0\0",
        b"\xFF\xFE",
        b"{}",
        b"[]",
        b"null",
        b"version: 1\n",
        deep.as_bytes(),
        newer.as_bytes(),
        foreign.as_bytes(),
        secret.as_bytes(),
    ] {
        let bench = Bench::new();
        fs::write(bench.file(), broken).unwrap();
        let air = bench.start(&[LEVEL]).await;
        assert_eq!(read(&air, "FF01"), [50]);
        write(&air, "FF01", &[8]);
        air.runtime.stop().await;
        let moved = bench.directory.path().join("kept.json.broken-1");
        assert!(fs::read(&moved).unwrap() == broken);
        let warnings = bench.warnings();
        assert_eq!(warnings.len(), 1, "{warnings:#?}");
        let said = &warnings[0];
        assert!(said.contains(&*bench.file().to_string_lossy()), "{said}");
        assert!(said.contains(&*moved.to_string_lossy()), "{said}");
        assert!(!said.contains("s3cr3t"), "{said}");
        assert_eq!(read(&bench.start(&[LEVEL]).await, "FF01"), [8]);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_that_was_moved_away_before_is_lost() {
    let bench = Bench::new();
    for broken in ["one", "two", "three"] {
        fs::write(bench.file(), broken).unwrap();
        bench.start(&[LEVEL]).await.runtime.stop().await;
    }
    for (number, broken) in [(1, "one"), (2, "two"), (3, "three")] {
        let moved = bench
            .directory
            .path()
            .join(format!("kept.json.broken-{number}"));
        assert_eq!(fs::read_to_string(moved).unwrap(), broken);
    }
}

#[tokio::test(start_paused = true)]
async fn what_no_longer_fits_is_set_aside_with_one_warning_and_the_rest_is_used() {
    let bench = Bench::new();
    let text = "uuid: FF04, access: [read, write], persist: true, value: { type: utf8 }";
    let before = [
        LEVEL,
        KEY,
        text,
        "uuid: FF05, access: [read, write], persist: true, value: { type: u8 }",
    ];
    let air = bench.start(&before).await;
    write(&air, "FF01", &[90]);
    write(&air, "FF02", b"geheim");
    write(&air, "FF04", b"stays");
    write(&air, "FF05", &[5]);
    air.runtime.stop().await;
    // One has another range, though a central's number would be clamped to it, one another length, and
    // one is gone.
    let narrow = LEVEL.replace("max: 100", "max: 60, overflow: clamp");
    let short = KEY.replace("20", "3");
    let after = [narrow.as_str(), &short, text];
    let air = bench.start(&after).await;
    assert_eq!(read(&air, "FF01"), [50]);
    assert_eq!(read(&air, "FF02"), b"");
    assert_eq!(read(&air, "FF04"), b"stays");
    let warnings = bench.warnings();
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    for part in [
        "`Value 0` (90 is outside",
        "`Value 1` (why is not shown, for this is secret",
        "`Value 3` (not declared",
    ] {
        assert!(warnings[0].contains(part), "{part}: {}", warnings[0]);
    }
    air.runtime.stop().await;
    // It has been said; and a mistake that is taken back has lost nothing.
    bench.start(&after).await.runtime.stop().await;
    assert_eq!(bench.warnings().len(), 1);
    let air = bench.start(&before).await;
    assert_eq!(read(&air, "FF01"), [50], "what it was since comes first");
    assert_eq!(read(&air, "FF05"), [5]);
    assert_eq!(bench.warnings().len(), 1);
}
