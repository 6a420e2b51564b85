//! What is advertised, on the virtual adapter; and what `check` says of what has no room.

mod air;

use std::path::Path;
use std::time::Duration;

use bemo_sync::config::{Placeholders, load_str};
use bemo_sync::gatt::advertising::Advertisement;

use air::Air;

fn source(advertise: &str) -> String {
    format!(
        "version: 1\ndevice: {{ name: Lampi }}\nble: {{ adapter: virtual{advertise} }}\nservices:\n- \
         {{ name: Battery, uuid: 180F, advertise: true, characteristics: [{{ name: Level, uuid: 2A19, \
         access: [read], value: {{ type: u8 }} }}] }}\n"
    )
}

async fn advertised(advertise: &str) -> Advertisement {
    let air = Air::of(&source(advertise)).await;
    air.server.advertised().clone()
}

fn said_of(advertise: &str) -> String {
    let host = Placeholders::new(Vec::new());
    let loaded = load_str(Path::new("test.yaml"), &source(advertise), &|_| None, host);
    loaded.map_or_else(|mistakes| mistakes.to_string(), |_| String::new())
}

#[tokio::test]
async fn without_a_word_the_name_and_the_services_are_advertised() {
    let expected = Advertisement {
        name: Some("Lampi".to_owned()),
        services: vec!["180F".parse().unwrap()],
        ..Advertisement::default()
    };
    assert_eq!(advertised("").await, expected);
    assert_eq!(advertised(", advertise: {}").await, expected);
    assert_eq!(advertised(", advertise: { name: true }").await, expected);
}

#[tokio::test]
async fn everything_that_is_declared_is_advertised() {
    let expected = Advertisement {
        name: Some("Lampi 2".to_owned()),
        services: vec!["180F".parse().unwrap()],
        service_data: vec![("180F".parse().unwrap(), vec![0x64])],
        manufacturer_data: vec![(0xFFFF, vec![1, 2])],
        interval: Some((Duration::from_millis(100), Duration::from_millis(150))),
        timeout: Some(Duration::from_secs(180)),
    };
    let declared = ", advertise: { name: \"{device_name} 2\", interval: [100ms, 150ms], \
        timeout: 3min, service_data: { 180F: 64 }, manufacturer_data: { 0xFFFF: \"0102\" } }";
    assert_eq!(advertised(declared).await, expected);

    let nameless = advertised(", advertise: { name: false, interval: 1s }").await;
    let second = Duration::from_secs(1);
    assert_eq!(
        (nameless.name, nameless.interval),
        (None, Some((second, second)))
    );
}

#[test]
fn exactly_31_bytes_fit() {
    // 3 of flags, 4 of the UUID, 4 and the data.
    let data = |bytes: usize| {
        let data = "00".repeat(bytes);
        said_of(&format!(
            ", advertise: {{ manufacturer_data: {{ \"0xFFFF\": \"{data}\" }} }}"
        ))
    };
    assert_eq!(data(20), "");
    let message = "the advertisement would have 32 bytes, and 31 is the most: flags 3, service \
        UUIDs 4, manufacturer data 25";
    let said = data(21);
    assert!(said.contains(message), "{said}");
    let name = |bytes: usize| said_of(&format!(", advertise: {{ name: {} }}", "n".repeat(bytes)));
    assert_eq!(name(29), "");
    assert!(name(30).contains("this name has 30 bytes, and 29 is the most"));
}

#[test]
fn what_cannot_be_advertised_is_a_mistake() {
    for (advertise, message) in [
        ("interval: 10ms", "nobody advertises in this interval"),
        ("interval: [150ms, 100ms]", "this is no range of intervals"),
        ("interval: [1s, 2s, 3s]", "this is no range of intervals"),
        ("interval: often", "`often` is no length of time"),
        ("timeout: 1500ms", "BlueZ cannot count this timeout"),
        ("timeout: 19h", "BlueZ cannot count this timeout"),
        ("name: \"\"", "a name has at least one character"),
        ("service_data: { 18: 64 }", "`18` is no UUID"),
        ("service_data: { 180F: 6 }", "`6` is no hexadecimal"),
        (
            "manufacturer_data: { 76: \"01\" }",
            "`76` is no company identifier",
        ),
    ] {
        let said = said_of(&format!(", advertise: {{ {advertise} }}"));
        assert!(said.contains(message), "{advertise}: {said}");
    }
}
