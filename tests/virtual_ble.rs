//! What a central can rely on, by promise, on the virtual adapter.

mod air;

use bemo_sync::gatt::AttError::*;
use bemo_sync::gatt::server::{Central, RequestError, Subscribed};
use tokio::task::yield_now;

use air::{Air, KINDS, find, handle};

const DEMO: &str = r#"
version: 1
device: { name: Lampi-Test }
ble: { adapter: virtual }
services:
  - name: Number Service
    uuid: 7a4bbfe6-999f-4717-b63a-066e06971f59
    advertise: true
    characteristics:
      - name: Some Number
        uuid: 7a4b0001-999f-4717-b63a-066e06971f59
        access: [read, write, notify]
        value: { type: u8, min: 0, max: 255, overflow: wrap, initial: 0 }
  - name: Device Information
    uuid: 180A
    characteristics:
      - { name: Manufacturer Name, uuid: 2A29, access: [read], value: { type: utf8, constant: CWRU } }
      - { name: Model Number, uuid: 2A24, access: [read], value: { type: utf8, constant: LAMPI } }
      - { name: Serial Number, uuid: 2A25, access: [read], value: { type: utf8, constant: "123456" } }
"#;

/// Reads all descriptors with this UUID.
fn descriptor(central: &Central, of: &str, uuid: &str) -> Option<Vec<u8>> {
    let uuid = uuid.parse().unwrap();
    let descriptors = find(central, of).descriptors;
    let descriptor = descriptors.iter().find(|it| it.uuid == uuid)?;
    Some(central.read_long(descriptor.handle).unwrap())
}

/// What a central has been told when everything has come to rest.
async fn told(central: &Central) -> Vec<Vec<u8>> {
    for _ in 0..20 {
        yield_now().await;
    }
    let mut values = Vec::new();
    while let Some(notification) = central.try_notification().unwrap() {
        values.push(notification.value);
    }
    values
}

fn refused<T: std::fmt::Debug>(result: Result<T, RequestError>, error: bemo_sync::gatt::AttError) {
    assert_eq!(result.unwrap_err(), RequestError::Att(error));
}

#[tokio::test]
async fn the_declared_tree_is_discovered_in_declared_order_with_its_descriptors() {
    let air = Air::of(DEMO).await;
    assert_eq!(air.server.device_name(), "Lampi-Test");
    assert_eq!(air.server.advertised().services.len(), 1);

    let central = air.central();
    let services = central.discover();
    let shape: Vec<_> = services
        .iter()
        .map(|it| (it.uuid.to_string(), it.handle, it.end_handle))
        .collect();
    let number = "7a4bbfe6-999f-4717-b63a-066e06971f59".to_owned();
    assert_eq!(shape, [(number, 1, 6), ("0x180A".to_owned(), 7, 19)]);

    let number = "7a4b0001-999f-4717-b63a-066e06971f59";
    assert_eq!(find(&central, number).properties, 0x02 | 0x08 | 0x10);
    assert_eq!(
        descriptor(&central, number, "2901").unwrap(),
        b"Some Number"
    );
    let format = [0x04, 0x00, 0x00, 0x27, 0x01, 0x00, 0x00];
    assert_eq!(descriptor(&central, number, "2904").unwrap(), format);
    assert_eq!(descriptor(&central, number, "2902").unwrap(), [0, 0]);

    for (uuid, value) in [("2A29", "CWRU"), ("2A24", "LAMPI"), ("2A25", "123456")] {
        let characteristic = find(&central, uuid);
        assert_eq!(
            central.read(characteristic.handle).unwrap(),
            value.as_bytes()
        );
        assert_eq!(characteristic.properties, 0x02);
        assert_eq!(descriptor(&central, uuid, "2902"), None);
    }
    // The declarations themselves can be read, as on the air.
    assert_eq!(central.read(7).unwrap(), [0x0A, 0x18]);
    assert_eq!(central.read(8).unwrap(), [0x02, 9, 0, 0x29, 0x2A]);
}

#[tokio::test]
async fn reads_honour_the_offset() {
    let air = Air::of(DEMO).await;
    let central = air.central();
    let model = handle(&central, "2A24");
    assert_eq!(central.read_blob(model, 2).unwrap(), b"MPI");
    assert_eq!(central.read_blob(model, 5).unwrap(), b"");
    refused(central.read_blob(model, 6), InvalidOffset);
}

#[tokio::test]
async fn a_write_that_breaks_a_constraint_is_an_att_error_and_changes_nothing() {
    let air = Air::of(KINDS).await;
    let central = air.central();
    let (rejects, long) = (handle(&central, "FF01"), handle(&central, "FF04"));
    refused(
        central.write(rejects, &[1]).await,
        InvalidAttributeValueLength,
    );
    refused(
        central.write(rejects, &[1, 0, 0]).await,
        InvalidAttributeValueLength,
    );
    refused(central.write(rejects, &[21, 0]).await, Refused);
    assert_eq!(Refused.code(), 0x80);
    refused(
        central.write_long(long, &[0; 513]).await,
        InvalidAttributeValueLength,
    );
    assert_eq!(central.read(rejects).unwrap(), [15, 0]);
    assert_eq!(central.read(long).unwrap(), b"");
    central.write(rejects, &[20, 0]).await.unwrap();
    assert_eq!(central.read(rejects).unwrap(), [20, 0]);
}

#[tokio::test]
async fn wrap_and_clamp_take_what_reject_refuses() {
    let air = Air::of(KINDS).await;
    let central = air.central();
    let (clamps, wraps) = (handle(&central, "FF02"), handle(&central, "FF03"));
    central.write(wraps, &[12]).await.unwrap();
    assert_eq!(central.read(wraps).unwrap(), [2]);
    central.write(clamps, &[0x80]).await.unwrap();
    assert_eq!(central.read(clamps).unwrap(), [0xFB]);
}

#[tokio::test]
async fn only_what_is_declared_is_permitted() {
    let air = Air::of(KINDS).await;
    let central = air.central();
    let (rejects, command) = (handle(&central, "FF01"), handle(&central, "FF05"));
    refused(central.read(command), ReadNotPermitted);
    refused(central.write(command, &[1]).await, WriteNotPermitted);
    refused(central.write(rejects - 1, &[1]).await, WriteNotPermitted);
    refused(
        central.prepare_write(rejects + 2, 0, b"x"),
        WriteNotPermitted,
    );
    refused(
        central.subscribe(command, Some(Subscribed::Notify)),
        AttributeNotFound,
    );
    refused(
        central.subscribe(rejects, Some(Subscribed::Indicate)),
        RequestNotSupported,
    );
    refused(
        central.write(rejects + 1, &[3, 0]).await,
        RequestNotSupported,
    );
    refused(
        central.write(rejects + 1, &[1]).await,
        InvalidAttributeValueLength,
    );
    refused(central.read(0), InvalidHandle);
    refused(central.read(0xFFFF), InvalidHandle);
    refused(central.write(0xFFFF, &[]).await, InvalidHandle);
    // A write command never answers, not even with an error.
    central.write_without_response(rejects, &[11, 0]);
    central.write_without_response(0xFFFF, &[]);
    assert_eq!(central.read(rejects).unwrap(), [15, 0]);
    central.write_without_response(command, &[7]);
}

#[tokio::test]
async fn values_are_cut_to_the_mtu() {
    let air = Air::of(KINDS).await;
    let (writer, reader) = (air.central(), air.central());
    let (long, text) = (handle(&writer, "FF04"), handle(&writer, "FF06"));
    assert_eq!(writer.exchange_mtu(9999).unwrap(), 517);
    assert_eq!(writer.exchange_mtu(1).unwrap(), 23);
    assert_eq!(reader.exchange_mtu(100).unwrap(), 100);

    let octets: Vec<u8> = (0..=255).collect();
    writer.write_long(long, &octets).await.unwrap();
    assert_eq!(writer.read(long).unwrap(), octets[..22]);
    assert_eq!(writer.read_blob(long, 250).unwrap(), octets[250..]);
    assert_eq!(reader.read(long).unwrap(), octets[..99]);
    assert_eq!(reader.read_long(long).unwrap(), octets);

    let third = air.central();
    third.subscribe(text, Some(Subscribed::Notify)).unwrap();
    let forty = "x".repeat(40);
    refused(
        writer.write(text, forty.as_bytes()).await,
        InvalidAttributeValueLength,
    );
    writer.write_long(text, forty.as_bytes()).await.unwrap();
    assert_eq!(told(&third).await, [forty.as_bytes()[..20].to_vec()]);
}

#[tokio::test]
async fn a_write_is_heard_by_everybody_but_the_writer() {
    let air = Air::of(DEMO).await;
    let (one, other, deaf) = (air.central(), air.central(), air.central());
    let number = handle(&one, "7a4b0001-999f-4717-b63a-066e06971f59");
    for central in [&one, &other] {
        central.subscribe(number, Some(Subscribed::Notify)).unwrap();
    }
    assert_eq!(
        told(&one).await,
        Vec::<Vec<u8>>::new(),
        "nothing has changed yet"
    );
    one.write(number, &[99]).await.unwrap();
    assert_eq!(other.next_notification().await.unwrap().value, [99]);
    assert_eq!(told(&one).await, Vec::<Vec<u8>>::new());
    assert_eq!(told(&deaf).await, Vec::<Vec<u8>>::new());
    // The same again changes nothing, so nobody hears of it.
    one.write(number, &[99]).await.unwrap();
    assert_eq!(told(&other).await, Vec::<Vec<u8>>::new());
}

#[tokio::test]
async fn a_writer_whose_value_was_adjusted_hears_what_became_of_it() {
    let air = Air::of(KINDS).await;
    let (writer, other) = (air.central(), air.central());
    let clamps = handle(&writer, "FF02");
    for central in [&writer, &other] {
        central.subscribe(clamps, Some(Subscribed::Notify)).unwrap();
    }
    writer.write(clamps, &[100]).await.unwrap();
    assert_eq!(told(&writer).await, [[5]]);
    assert_eq!(told(&other).await, [[5]]);
}

#[tokio::test]
async fn a_slow_central_gets_the_newest_value_only_and_nothing_older_than_its_own_write() {
    let air = Air::of(DEMO).await;
    let (writer, slow) = (air.central(), air.central());
    let number = handle(&writer, "7a4b0001-999f-4717-b63a-066e06971f59");
    slow.subscribe(number, Some(Subscribed::Notify)).unwrap();
    for value in 1..=200 {
        writer.write(number, &[value]).await.unwrap();
        yield_now().await;
    }
    assert_eq!(told(&slow).await, [[200]]);

    writer.write(number, &[7]).await.unwrap();
    yield_now().await;
    slow.write(number, &[8]).await.unwrap();
    assert_eq!(told(&slow).await, Vec::<Vec<u8>>::new());
}

#[tokio::test]
async fn a_central_is_not_left_with_a_value_older_than_its_own_write() {
    let air = Air::of(DEMO).await;
    let (one, other) = (air.central(), air.central());
    let number = handle(&one, "7a4b0001-999f-4717-b63a-066e06971f59");
    one.subscribe(number, Some(Subscribed::Notify)).unwrap();
    other.write(number, &[1]).await.unwrap();
    yield_now().await;
    one.write(number, &[5]).await.unwrap();
    // At once: whoever serves has not seen the write yet.
    assert_eq!(one.try_notification().unwrap(), None);
    assert_eq!(told(&one).await, Vec::<Vec<u8>>::new());
}

#[tokio::test]
async fn a_write_that_was_refused_says_nothing_about_what_its_central_knows() {
    let air = Air::of(KINDS).await;
    let (one, other) = (air.central(), air.central());
    let rejects = handle(&one, "FF01");
    one.subscribe(rejects, Some(Subscribed::Notify)).unwrap();
    other.write(rejects, &[12, 0]).await.unwrap();
    yield_now().await;
    refused(one.write(rejects, &[99, 0]).await, Refused);
    assert_eq!(told(&one).await, [[12, 0]]);
}

#[tokio::test]
async fn the_next_indication_waits_for_the_confirmation_of_the_last() {
    let air = Air::of(KINDS).await;
    let (writer, central) = (air.central(), air.central());
    let (wraps, long) = (handle(&writer, "FF03"), handle(&writer, "FF04"));
    central
        .subscribe(wraps, Some(Subscribed::Indicate))
        .unwrap();
    central.subscribe(long, Some(Subscribed::Indicate)).unwrap();
    assert!(!central.confirm().unwrap());

    writer.write(wraps, &[1]).await.unwrap();
    let first = central.next_notification().await.unwrap();
    assert_eq!((first.handle, first.by), (wraps, Subscribed::Indicate));
    writer.write(wraps, &[2]).await.unwrap();
    writer.write(wraps, &[3]).await.unwrap();
    writer.write(long, b"abc").await.unwrap();
    assert_eq!(told(&central).await, Vec::<Vec<u8>>::new());

    assert!(central.confirm().unwrap());
    let mut rest = Vec::new();
    for _ in 0..2 {
        rest.push(central.next_notification().await.unwrap().value);
        assert!(central.confirm().unwrap());
    }
    assert_eq!(rest, [vec![3], b"abc".to_vec()]);
}

#[tokio::test]
async fn a_long_write_is_made_when_it_is_executed_or_not_at_all() {
    let air = Air::of(KINDS).await;
    let central = air.central();
    let long = handle(&central, "FF04");
    central.prepare_write(long, 0, b"abc").unwrap();
    central.prepare_write(long, 3, b"def").unwrap();
    assert_eq!(central.read(long).unwrap(), b"");
    central.execute_write(true).await.unwrap();
    assert_eq!(central.read(long).unwrap(), b"abcdef");

    central.prepare_write(long, 0, b"xyz").unwrap();
    central.execute_write(false).await.unwrap();
    central.execute_write(true).await.unwrap();
    assert_eq!(central.read(long).unwrap(), b"abcdef");

    central.prepare_write(long, 7, b"xyz").unwrap();
    refused(central.execute_write(true).await, InvalidOffset);
    central.write_long(long, b"").await.unwrap();
    assert_eq!(
        central.read(long).unwrap(),
        b"",
        "no octets are a value too"
    );
    central.exchange_mtu(517).unwrap();
    for _ in 0..4 {
        central.prepare_write(long, 0, &[0; 512]).unwrap();
    }
    refused(central.prepare_write(long, 0, &[0]), PrepareQueueFull);
}

#[tokio::test]
async fn a_disconnect_leaves_nothing_behind() {
    let air = Air::of(KINDS).await;
    let (rejects, long) = {
        let central = air.central();
        let handles = (handle(&central, "FF01"), handle(&central, "FF04"));
        central
            .subscribe(handles.0, Some(Subscribed::Notify))
            .unwrap();
        central.prepare_write(handles.1, 0, b"abc").unwrap();
        assert_eq!(air.server.connected(), 1);
        handles
    };
    assert_eq!(air.server.connected(), 0);
    let central = air.central();
    assert_eq!(central.read(rejects + 1).unwrap(), [0, 0]);
    central.execute_write(true).await.unwrap();
    assert_eq!(central.read(long).unwrap(), b"");

    let waiting = central.next_notification();
    let (notified, ()) = tokio::join!(waiting, air.runtime.stop());
    assert_eq!(notified, None);
    assert_eq!(central.read(rejects), Err(RequestError::Disconnected));
}
