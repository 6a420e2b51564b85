//! A disk that is full: what promises to be kept is refused with an ATT error, and everything else goes on.

use std::env;
use std::process::Command;

use bemo_sync::gatt::AttError;

use super::*;

/// Set in the process that has a small disk of its own.
const SMALL_DISK: &str = "BEMO_SMALL_DISK";
const NOT_KEPT: RequestError = RequestError::Att(AttError::NotKept);

/// This test starts itself again where it may mount a file system that nobody else sees.
#[test]
fn on_a_full_disk_a_write_is_an_att_error_and_the_rest_goes_on() {
    if let Ok(disk) = env::var(SMALL_DISK) {
        return inside(Path::new(&disk));
    }
    let disk = TempDir::new().unwrap();
    let name = "full::on_a_full_disk_a_write_is_an_att_error_and_the_rest_goes_on";
    let script = format!(
        "mount -t tmpfs -o size=64k none {0:?} && exec \"$0\" --exact {name} --nocapture",
        disk.path()
    );
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script])
        .arg(env::current_exe().unwrap())
        .env(SMALL_DISK, disk.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("unshare failed") || said.contains("mount: ") {
        println!("not shown: nobody may mount a file system here ({said})");
        return;
    }
    assert!(
        output.status.success(),
        "{}{said}",
        String::from_utf8_lossy(&output.stdout)
    );
}

fn inside(disk: &Path) {
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    tokio.block_on(async {
        let bench = Bench::new();
        let file = disk.join("kept.journal");
        let asks_for_nothing =
            "uuid: FF07, access: [read, write], ack: accepted, value: { type: u8 }";
        let air = Air::of(&yaml(&file, &[LEVEL, asks_for_nothing])).await;
        write(&air, "FF01", &[7]).await;
        // Somebody else fills it.
        let filler = disk.join("filler");
        fs::write(&filler, vec![0; 1 << 20]).expect_err("there is no room for that");
        let mut accepted = 7;
        let refused = loop {
            // A page that is begun has room for some more.
            match try_write(&air, "FF01", &[accepted + 1]).await {
                Ok(()) => accepted += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(refused, NOT_KEPT);
        assert_eq!(try_write(&air, "FF01", &[99]).await, Err(NOT_KEPT));
        assert_ne!(read(&air, "FF01"), [99], "nothing that is refused is taken");
        try_write(&air, "FF07", &[5])
            .await
            .expect("it promises nothing");
        assert_eq!(read(&air, "FF07"), [5]);
        let said = |part: &str| bench.log.count(part);
        assert_eq!(said("the journal cannot be kept in"), 1);
        sleep(60 * SECOND).await;
        assert_eq!(
            said("the journal cannot be kept in"),
            1,
            "once, not every second"
        );
        fs::remove_file(&filler).unwrap();
        sleep(2 * SECOND).await;
        assert_eq!(said("the journal is kept in"), 1);
        write(&air, "FF01", &[60]).await;
        drop(air);
        tokio::task::yield_now().await;
        let air = Air::of(&yaml(&file, &[LEVEL])).await;
        assert_eq!(read(&air, "FF01"), [60]);
        assert_eq!(said("damaged"), 0);
    });
}
