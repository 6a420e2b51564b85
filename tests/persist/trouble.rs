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
async fn a_damaged_journal_is_there_until_a_new_one_is() {
    let bench = Bench::new();
    let sound = line(r#"{"is":"journal","version":1}"#)
        + &line(r#"{"is":"value","of":"0xFF00/0xFF01","name":"Value 0","kept":"09"}"#);
    fs::write(bench.file(), sound + "5d3ab1c0 rotten\n").unwrap();
    // It ends before it has written anything.
    let host = bemo_sync::config::Placeholders::new(Vec::new());
    let yaml = bench.yaml(&[LEVEL]);
    let loaded = bemo_sync::config::load_str(Path::new("a.yaml"), &yaml, &|_| None, host);
    drop(bemo_sync::runtime::Runtime::start(loaded.unwrap().plan));
    tokio::task::yield_now().await;
    assert_eq!(bench.names(), ["kept.journal", "kept.journal.broken-1"]);
    assert_eq!(read(&bench.start(&[LEVEL]).await, "FF01"), [9]);
}

/// A declaration that has become narrower: what still fits is taken up, the rest waits for it to be mended.
#[tokio::test(start_paused = true)]
async fn of_what_is_owed_only_what_no_longer_fits_is_set_aside() {
    let bench = Bench::new();
    let events = "uuid: FF01, access: [read, write], delivery: every, mqtt: { state: events }, \
        value: { type: u8, max: 250 }";
    let yaml = |max: &str| {
        let events = events.replace("250", max);
        let broker = "mqtt: { broker: \"127.0.0.1:1\" }\n";
        format!("{}{broker}", bench.yaml(&[&events]))
    };
    let owed = || {
        let mut owed = [Vec::new(), Vec::new()];
        for record in lines_of(&bench.file()) {
            let aside = usize::from(record["set_aside"] == true);
            let debts = record["owed"].as_array().into_iter().flatten();
            owed[aside].extend(debts.map(|debt| debt["hex"].as_str().unwrap().to_owned()));
        }
        owed
    };
    let air = Air::of(&yaml("250")).await;
    for value in [5, 200, 6] {
        write(&air, "FF01", &[value]).await;
    }
    air.runtime.stop().await;
    let air = Air::of(&yaml("100")).await;
    assert_eq!(read(&air, "FF01"), [6]);
    air.runtime.stop().await;
    assert_eq!(
        owed(),
        [vec!["05".to_owned(), "06".into()], vec!["c8".into()]]
    );
    assert_eq!(
        bench
            .warnings()
            .iter()
            .filter(|it| it.contains("set aside"))
            .count(),
        1
    );
    // The mistake is taken back.
    Air::of(&yaml("250")).await.runtime.stop().await;
    let [mut taken_up, aside] = owed();
    taken_up.sort();
    assert_eq!(taken_up, ["05", "06", "c8"]);
    assert_eq!(aside, [""; 0]);
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
