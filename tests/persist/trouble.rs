//! What stands in the file is not trusted: whatever it is, the process starts.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_broken_truncated_or_foreign_file_is_moved_away_and_values_begin_as_declared() {
    let deep = "[".repeat(100_000);
    let newer = line(r#"{"is":"journal","version":2,"more":[]}"#);
    let strange = line(r#"{"is":"something else"}"#);
    let secret = line(r#"{"is":"value","of":"0xFF00/0xFF01","name":"Value 0","kept":["s3cr3t"]}"#);
    for broken in [
        &b""[..],
        b"5d3ab1c0 {\"is\":\"jour",
        b"\0\0\0\0\0\0\0\0",
        b"\xFF\xFE",
        b"{}",
        b"[]",
        b"null",
        b"version: 1\n",
        deep.as_bytes(),
        newer.as_bytes(),
        strange.as_bytes(),
        secret.as_bytes(),
    ] {
        let bench = Bench::new();
        fs::write(bench.file(), broken).unwrap();
        let air = bench.start(&[LEVEL]).await;
        assert_eq!(read(&air, "FF01"), [50]);
        write(&air, "FF01", &[8]).await;
        air.runtime.stop().await;
        let moved = bench.directory.path().join("kept.journal.broken-1");
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

fn line(record: &str) -> String {
    let checksum = crc32fast::hash(record.as_bytes());
    format!("{checksum:08x} {record}\n")
}

#[tokio::test(start_paused = true)]
async fn a_journal_with_damaged_lines_is_used_as_far_as_it_is_sound_and_a_copy_stays() {
    let bench = Bench::new();
    let text = "uuid: FF04, access: [read, write], persist: true, value: { type: utf8 }";
    let air = bench.start(&[LEVEL, text]).await;
    write(&air, "FF01", &[7]).await;
    write(&air, "FF04", b"stays").await;
    air.runtime.stop().await;
    // 7 becomes 6, and nobody has ever written that.
    let mut bytes = fs::read(bench.file()).unwrap();
    let at = bench.text().find("\"kept\":\"07\"").unwrap() + "\"kept\":\"0".len();
    bytes[at] ^= 1;
    fs::write(bench.file(), &bytes).unwrap();
    let air = bench.start(&[LEVEL, text]).await;
    assert_eq!(read(&air, "FF01"), [50], "what it was before");
    assert_eq!(read(&air, "FF04"), b"stays");
    let moved = bench.directory.path().join("kept.journal.broken-1");
    assert!(fs::read(&moved).unwrap() == bytes);
    let warnings = bench.warnings();
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    for part in ["1 of 5 lines", &*moved.to_string_lossy()] {
        assert!(warnings[0].contains(part), "{part}: {}", warnings[0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_last_line_that_a_power_cut_has_cut_is_left_out_and_no_reason_to_worry() {
    let bench = Bench::new();
    let air = bench.start(&[LEVEL]).await;
    write(&air, "FF01", &[7]).await;
    air.runtime.stop().await;
    let text = bench.text();
    fs::write(bench.file(), &text[..text.len() - 9]).unwrap();
    let air = bench.start(&[LEVEL]).await;
    assert_eq!(read(&air, "FF01"), [50]);
    assert_eq!(bench.warnings(), [""; 0]);
    assert!(bench.log.count("was cut after") == 1);
    write(&air, "FF01", &[8]).await;
    air.runtime.stop().await;
    assert_eq!(read(&bench.start(&[LEVEL]).await, "FF01"), [8]);
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
            .join(format!("kept.journal.broken-{number}"));
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
    write(&air, "FF01", &[90]).await;
    write(&air, "FF02", b"geheim").await;
    write(&air, "FF04", b"stays").await;
    write(&air, "FF05", &[5]).await;
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
