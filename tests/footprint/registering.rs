//! Of many characteristics.

use std::time::Duration;

use tokio::time::timeout;

use super::Program;
use super::air::Air;
use super::generated::configuration;
use super::mosquitto::free_port;

const CHARACTERISTICS: usize = 1000;
const PATIENCE: Duration = Duration::from_secs(60);

/// What bluetoothd is told of them is longer than a socket takes at once.
#[tokio::test]
async fn a_thousand_characteristics_are_registered_at_the_first_try() {
    let air = Air::stand_in().await.expect("a stand-in");
    let configuration = configuration(CHARACTERISTICS)
        .replace("adapter: virtual", "adapter: hci0")
        .replace(
            "broker: auto",
            &format!("broker: 127.0.0.1:{}", free_port()),
        );
    let program = Program::start(&configuration, air.bus_address());
    let registered = timeout(PATIENCE, air.registered()).await;
    let registered = registered.expect("bluetoothd has all of them");
    assert_eq!(registered.characteristics, CHARACTERISTICS);
    let span = registered.managed_objects;
    println!("they are listed in {:?}", span.answered - span.asked);
    drop(program);
    air.gone().await;
}
