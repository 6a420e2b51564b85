//! Another tree: what a central sees as before, at the same handles, goes on; of the rest it is told.

use bemo_sync::gatt::AttError;
use bemo_sync::gatt::server::RequestError;
use bemo_sync::plugin::{Heard, Notice};

use crate::air::{find, handle};
use crate::bench::{Bench, subscribe, told, yaml};

const FIRST: &str = "name: First, uuid: FF01, access: [read, write, notify], value: { type: u8 }";
const SECOND: &str = "name: Second, uuid: FF11, access: [read, write, notify], value: { type: u8 }";
const MORE: &str = "name: More, uuid: FF12, access: [read], value: { type: u8, initial: 9 }";

#[tokio::test]
async fn what_stays_keeps_its_handles_and_subscribers_and_the_rest_is_told_of() {
    let mut bench = Bench::of(&yaml(&[&[FIRST], &[SECOND]])).await;
    let (central, writer) = (bench.server.connect(), bench.server.connect());
    let (first, second) = (find(&central, "FF01"), find(&central, "FF11"));
    subscribe(&central, first.handle);
    subscribe(&central, second.handle);
    let mut notices = bench.runtime.notices();
    bench.reload(&yaml(&[&[FIRST], &[SECOND, MORE]])).await;

    assert!(central.is_connected());
    assert_eq!(find(&central, "FF01"), first);
    assert_eq!(central.read(handle(&central, "FF12")).unwrap(), [9]);
    let changed = central.service_changed().unwrap().expect("it has changed");
    let service = &central.discover()[1];
    assert_eq!(changed, service.handle..=service.end_handle);
    assert_eq!(central.service_changed(), Ok(None), "told once");
    let ended = notices.next().await;
    let Heard::Notice(Notice::Unsubscribed { characteristic, .. }) = ended else {
        panic!("{ended:?}");
    };
    assert_eq!(characteristic, "Second");

    writer.write(first.handle, &[1]).await.unwrap();
    writer.write(second.handle, &[2]).await.unwrap();
    assert_eq!(told(&central).await, [(first.handle, vec![1])]);
    subscribe(&central, handle(&central, "FF11"));
    writer.write(second.handle, &[3]).await.unwrap();
    assert_eq!(told(&central).await, [(second.handle, vec![3])]);
}

#[tokio::test]
async fn who_moves_is_not_taken_for_who_was_there() {
    let mut bench = Bench::of(&yaml(&[&[FIRST], &[SECOND]])).await;
    let (central, writer) = (bench.server.connect(), bench.server.connect());
    let second = handle(&central, "FF11");
    subscribe(&central, second);
    central.prepare_write(second, 0, &[5]).unwrap();
    // The service before it is longer than it was.
    bench.reload(&yaml(&[&[FIRST, MORE], &[SECOND]])).await;
    let moved = handle(&central, "FF11");
    assert_ne!(moved, second);
    writer.write(moved, &[2]).await.unwrap();
    assert_eq!(told(&central).await, []);
    // What was begun for what was there is not written to what is there now.
    central.execute_write(true).await.unwrap();
    assert_eq!(central.read(moved).unwrap(), [2]);
}

#[tokio::test]
async fn another_type_is_read_and_written_as_such_by_who_is_connected() {
    let wide = SECOND.replace("type: u8", "type: u16");
    let mut bench = Bench::of(&yaml(&[&[FIRST], &[SECOND]])).await;
    let central = bench.server.connect();
    let second = handle(&central, "FF11");
    central.write(second, &[7]).await.unwrap();
    bench.reload(&yaml(&[&[FIRST], &[&wide]])).await;
    assert_eq!(
        central.read(second).unwrap(),
        [7, 0],
        "it holds what it held"
    );
    let short = central.write(second, &[8]).await;
    let expected = RequestError::Att(AttError::InvalidAttributeValueLength);
    assert_eq!(short, Err(expected));
    let text = SECOND.replace("type: u8", "type: utf8, initial: hello");
    bench.reload(&yaml(&[&[FIRST], &[&text]])).await;
    assert_eq!(central.read(second).unwrap(), b"hello");
}

#[tokio::test]
async fn what_is_gone_is_gone_for_who_still_knows_its_handle() {
    let mut bench = Bench::of(&yaml(&[&[FIRST], &[SECOND]])).await;
    let central = bench.server.connect();
    let second = handle(&central, "FF11");
    subscribe(&central, second);
    bench.reload(&yaml(&[&[FIRST]])).await;
    let expected = Err(RequestError::Att(AttError::InvalidHandle));
    assert_eq!(central.read(second), expected);
    assert_eq!(central.discover().len(), 1);
    // It comes back as something new.
    bench.reload(&yaml(&[&[FIRST], &[SECOND]])).await;
    bench.server.connect().write(second, &[4]).await.unwrap();
    assert_eq!(told(&central).await, []);
    let all = central.service_changed().unwrap().expect("twice");
    assert!(all.contains(&second), "{all:?}");
}
