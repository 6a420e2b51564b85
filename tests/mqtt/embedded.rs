//! The broker that stands in where there is none.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use bemo_sync::plugins::mqtt::embedded::{Embedded, start};
use tokio::time::Instant;

use super::bemo::{Bemo, plan, yaml};
use super::mosquitto::{Mosquitto, free_port};
use super::tap::Tap;
use super::{NUMBER_HERE, SILENCE, at, int};

fn started(port: u16) -> Embedded {
    start(port).expect("the port is free")
}

#[test]
fn mosquitto_sub_joins_and_finds_what_is_retained() {
    let port = free_port();
    let _broker = started(port);
    let bemo = Bemo::connected(&yaml(&at(port), &[NUMBER_HERE]));
    let mut first = Tap::on_everything(port);
    assert_eq!(first.next_on("number/changed"), "{\"number\": 1}");
    let mut subscriber = Command::new("mosquitto_sub")
        .args([
            "-h",
            "localhost",
            "-p",
            &port.to_string(),
            "-t",
            "#",
            "-C",
            "1",
        ])
        .args(["-F", "%r %t %p", "-W", "20"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("mosquitto-clients is installed");
    let mut lines = BufReader::new(subscriber.stdout.take().unwrap()).lines();
    assert_eq!(
        lines.next().unwrap().unwrap(),
        "1 number/changed {\"number\": 1}"
    );
    subscriber.wait().unwrap();
    first.publish("number/set", "{\"number\": 9}");
    assert_eq!(bemo.next_heard(), (0, int(9)));
    assert_eq!(first.next_on("number/changed"), "{\"number\": 9}");
}

#[test]
fn a_second_start_on_a_taken_port_is_an_error_and_no_harm() {
    let port = free_port();
    let _broker = started(port);
    assert!(start(port).is_err());
    let _tap = Tap::on_everything(port);
}

const STANDS_IN: &str = "an embedded one serves there";

/// What `broker: auto` does, on a port of the test's own.
fn auto_on(port: u16) -> Bemo {
    let mut plan = plan(&yaml("{ broker: auto }", &[NUMBER_HERE]));
    let mut links = plan.links.iter_mut();
    let link = links.find(|link| link.section == "mqtt").unwrap();
    link.candidates = vec![bemo_sync::plugins::mqtt::auto_on(port)];
    Bemo::run(plan)
}

#[test]
fn without_a_broker_it_stands_in_soon_and_its_end_frees_the_port() {
    let port = free_port();
    let before = Instant::now();
    let bemo = auto_on(port);
    bemo.log.wait_for(STANDS_IN);
    bemo.log.wait_for("connected to the MQTT broker");
    let took = before.elapsed();
    assert!(took > Duration::from_millis(900), "{took:?}");
    assert_eq!(bemo.log.count("WARN"), 0);
    drop(Tap::on_everything(port));
    bemo.stop();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {}
    let _again = started(port);
}

#[test]
fn a_broker_that_starts_a_little_later_is_not_kept_from_its_port() {
    let mut broker = Mosquitto::stopped("allow_anonymous true\n");
    let bemo = auto_on(broker.port);
    std::thread::park_timeout(Duration::from_millis(50));
    broker.start_again();
    bemo.log.wait_for("connected to the MQTT broker");
    broker.log.wait_for("as bemo (p2");
    assert_eq!(bemo.log.count(STANDS_IN), 0);
}

#[test]
fn a_broker_that_is_restarted_gets_its_port_back() {
    let mut broker = Mosquitto::start();
    let bemo = auto_on(broker.port);
    bemo.log.wait_for("connected to the MQTT broker");
    std::thread::park_timeout(Duration::from_millis(1100));
    broker.kill();
    bemo.log.wait_for("lost the connection");
    bemo.log.wait_for_count("still no connection", 2);
    broker.start_again();
    bemo.log.wait_for_count("connected to the MQTT broker", 2);
    broker.log.wait_for_count("as bemo (p2", 2);
    assert_eq!(bemo.log.count(STANDS_IN), 0);
}

#[test]
fn a_broker_that_refuses_us_is_a_broker_too() {
    let mut broker = Mosquitto::stopped("allow_anonymous false\n");
    broker.start_again();
    let bemo = auto_on(broker.port);
    bemo.log.wait_for("it wants a user name and a password");
    std::thread::park_timeout(Duration::from_millis(1100));
    broker.kill();
    bemo.log.wait_for("nothing listens there");
    bemo.log.wait_for("still no connection");
    assert_eq!(bemo.log.count(STANDS_IN), 0);
}

#[test]
fn only_this_machine_can_reach_it() {
    let port = free_port();
    let _broker = started(port);
    let hex = format!(":{port:04X}");
    let mut listening = Vec::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let text = fs::read_to_string(table).unwrap_or_default();
        // The second column is the local address, the fourth the state; 0A is LISTEN.
        let addresses = text.lines().filter_map(|line| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            (columns[3] == "0A").then(|| columns[1].to_owned())
        });
        listening.extend(addresses.filter(|address| address.ends_with(&hex)));
    }
    assert!(!listening.is_empty());
    let loopback = ["0100007F", "00000000000000000000000001000000"];
    for address in listening {
        let host = address.split(':').next().unwrap();
        assert!(loopback.contains(&host), "{address}");
    }
}

#[test]
fn a_message_of_10_mb_and_clients_that_come_and_go_do_it_no_harm() {
    let port = free_port();
    let _broker = started(port);
    let bemo = Bemo::connected(&yaml(&at(port), &[NUMBER_HERE]));
    let mut tap = Tap::on_everything(port);
    assert_eq!(tap.next_on("number/changed"), "{\"number\": 1}");
    for _ in 0..20 {
        // The same name again while the last one is still there: the broker drops that one.
        let first = Tap::connect(port, "twin");
        drop(Tap::connect(port, "twin"));
        drop(first);
    }
    let mut sender = Tap::connect(port, "sender");
    sender.publish("number/set", vec![b'x'; 10 * 1024 * 1024]);
    bemo.log.wait_for("cause=TooLong");
    sender.publish("number/set", "{\"number\": 9}");
    assert_eq!(bemo.next_heard(), (0, int(9)));
}

#[test]
fn clients_that_it_would_not_accept_or_that_leave_early_do_it_no_harm() {
    let port = free_port();
    let _broker = started(port);
    let bemo = Bemo::connected(&yaml(&at(port), &[NUMBER_HERE]));
    for _ in 0..3 {
        drop(Tap::connect(port, "lamp/+#$"));
        let mut socket = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        socket.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        let _ = socket.read_to_end(&mut Vec::new());
        let mut socket = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        socket
            .write_all(b"\x10\x0f\x00\x04MQTT\x04\x02\x00\x3c\x00\x03gone")
            .unwrap();
    }
    let mut tap = Tap::on_everything(port);
    assert_eq!(tap.next_on("number/changed"), "{\"number\": 1}");
    tap.publish("number/set", "{\"number\": 9}");
    assert_eq!(bemo.next_heard(), (0, int(9)));
}

#[test]
fn clients_of_names_that_look_alike_are_two() {
    let port = free_port();
    let _broker = started(port);
    let mut slash = Tap::connect(port, "a/b");
    slash.subscribe("x");
    let mut others = ["a_b", "a+b", "a#b", "a$b"].map(|name| Tap::connect(port, name));
    for other in &mut others {
        other.publish("x", "1");
        assert_eq!(slash.next_on("x"), "1");
    }
}

#[test]
fn a_client_of_another_version_hears_that_it_is_the_wrong_one() {
    let port = free_port();
    let _broker = started(port);
    let v3 = b"\x10\x11\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x03tap".as_slice();
    let v5 = b"\x10\x10\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x03tap".as_slice();
    for (connect, answer) in [
        (v3, b"\x20\x02\x00\x01".as_slice()),
        (v5, b"\x20\x03\x00\x84\x00"),
    ] {
        let mut socket = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        socket.write_all(connect).unwrap();
        let mut heard = Vec::new();
        socket.read_to_end(&mut heard).unwrap();
        assert_eq!(heard, answer);
    }
    let asked = Command::new("mosquitto_sub")
        .args(["-V", "5", "-p", &port.to_string(), "-t", "#", "-W", "20"])
        .output()
        .expect("mosquitto-clients is installed");
    let said = String::from_utf8_lossy(&asked.stderr).to_lowercase();
    assert!(said.contains("protocol version"), "{said}");
}

#[test]
fn the_will_is_kept_until_a_connection_breaks() {
    let port = free_port();
    let _broker = started(port);
    let section = format!(
        "{{ broker: \"127.0.0.1:{port}\", client_id: lamp/1, \
         birth: {{ topic: state, payload: \"1\", qos: 2 }}, \
         will: {{ topic: state, payload: \"0\", qos: 2 }} }}"
    );
    let mut tap = Tap::connect(port, "tap");
    tap.subscribe("state");
    let bemo = Bemo::connected(&yaml(&section, &[NUMBER_HERE]));
    assert_eq!(tap.next_on("state"), "1");
    bemo.stop();
    assert_eq!(tap.next_on("state"), "0");
    assert!(tap.is_silent_for(SILENCE), "once");
    let bemo = Bemo::connected(&yaml(&section, &[NUMBER_HERE]));
    assert_eq!(tap.next_on("state"), "1");
    bemo.abort();
    assert_eq!(tap.next_on("state"), "0");
}
