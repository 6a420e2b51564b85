//! A broker that does not answer: every wait has an end, and there are few attempts.

use std::io::Read;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use bemo_sync::codec::Value;
use bemo_sync::runtime::Runtime;
use rustix::net::sockopt::set_socket_recv_buffer_size;
use rustix::process::Signal;
use tokio::time::Instant;
use tracing::Level;
use tracing_subscriber::util::SubscriberInitExt;

use super::bemo::{Bemo, plan, yaml};
use super::fake_broker::{self, CONNECT, PUBLISH_RETAINED, SUBSCRIBE};
use super::lines::{Lines, Writer};
use super::mosquitto::{Mosquitto, PATIENCE, free_port};
use super::program::Home;
use super::{NUMBER_HERE, int};

const PING: u8 = 0xC0;

/// With the least patience that can be declared.
fn impatient(port: u16) -> String {
    format!(
        "{{ broker: \"127.0.0.1:{port}\", client_id: bemo, answer_within: 1s, retry_within: 1s }}"
    )
}

/// A broker that on its first connection answers the first so many packets, and on every other one all
/// of them. Pings are answered while something else is not.
fn falls_silent_after(packets: usize) -> (u16, std::sync::mpsc::Receiver<(usize, u8)>) {
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::new(AtomicUsize::new(0));
    let (seen, heard) = std::sync::mpsc::channel();
    let port = fake_broker::start(move |kind, body| {
        if kind == CONNECT {
            connections.fetch_add(1, Ordering::SeqCst);
        }
        let connection = connections.load(Ordering::SeqCst);
        let _ = seen.send((connection, kind));
        // Until the ping itself is what is not answered.
        if kind == PING && (connection > 1 || packets < 3) {
            return vec![0xD0, 0];
        }
        if connection == 1 && count.fetch_add(1, Ordering::SeqCst) >= packets {
            return Vec::new();
        }
        match kind {
            CONNECT => vec![0x20, 2, 0, 0],
            SUBSCRIBE => vec![0x90, 3, body[0], body[1], 1],
            PUBLISH_RETAINED => vec![0x40, 2, body[16], body[17]],
            _ => Vec::new(),
        }
    });
    (port, heard)
}

/// To the connection itself, to a subscription, to a message, to a ping.
#[test]
fn a_broker_that_stops_to_answer_is_left_whatever_it_owes() {
    for answered in 0..4 {
        let (port, heard) = falls_silent_after(answered);
        let bemo = Bemo::start(&yaml(&impatient(port), &[NUMBER_HERE]));
        bemo.log.wait_for("it does not answer");
        while heard.recv_timeout(PATIENCE).unwrap() != (2, PUBLISH_RETAINED) {}
        drop(bemo);
    }
}

/// As one does that gets back a whole fleet at once. Giving up on it again and again would only make the queue longer.
#[test]
fn a_broker_that_takes_longer_than_usual_to_let_us_in_is_waited_for() {
    let connects = Arc::new(AtomicUsize::new(0));
    let count = connects.clone();
    let port = fake_broker::start(move |kind, body| match kind {
        CONNECT => {
            count.fetch_add(1, Ordering::SeqCst);
            thread::park_timeout(Duration::from_millis(2500));
            vec![0x20, 2, 0, 0]
        }
        SUBSCRIBE => vec![0x90, 3, body[0], body[1], 1],
        PUBLISH_RETAINED => vec![0x40, 2, body[16], body[17]],
        _ => Vec::new(),
    });
    let bemo = Bemo::start(&yaml(&impatient(port), &[NUMBER_HERE]));
    bemo.log.wait_for("it does not answer");
    bemo.log.wait_for("connected to the MQTT broker");
    // For one second, for two, and for four.
    assert_eq!(connects.load(Ordering::SeqCst), 3);
}

/// It answers everything for ever but does not take another byte: the way to it is full.
#[test]
fn a_broker_that_stops_to_read_is_left() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    set_socket_recv_buffer_size(&listener, 4096).unwrap();
    let port = listener.local_addr().unwrap().port();
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = accepted.clone();
    thread::spawn(move || {
        let mut sockets = Vec::new();
        for mut socket in listener.incoming().map_while(Result::ok) {
            count.fetch_add(1, Ordering::SeqCst);
            let mut some = [0; 16];
            let _ = socket.read(&mut some);
            let _ = std::io::Write::write_all(&mut socket, &[0x20, 2, 0, 0]);
            // Acknowledges what nobody has sent, so that it is not silent, and reads no more.
            let mut other = socket.try_clone().unwrap();
            thread::spawn(move || {
                while std::io::Write::write_all(&mut other, &[0xD0, 0]).is_ok() {
                    thread::park_timeout(Duration::from_millis(50));
                }
            });
            sockets.push(socket);
        }
    });
    // Without an acknowledgement to wait for.
    let loud = "access: [read, write], value: { type: utf8, max_length: 512 }, \
        mqtt: { state: { topic: loud, qos: 0 } }";
    let bemo = Bemo::connected(&yaml(&impatient(port), &[loud]));
    let mut number = 1;
    let deadline = Instant::now() + PATIENCE;
    while number % 1000 != 0 || bemo.log.count("lost the connection") == 0 {
        number += 1;
        let text = format!("{number:0500}");
        bemo.write(0, Value::Text(text.into())).unwrap();
        thread::park_timeout(Duration::from_micros(20));
        assert!(Instant::now() < deadline, "it is never left");
    }
    bemo.log.wait_for("it does not answer");
    bemo.log.wait_for_count("connected to the MQTT broker", 2);
    assert!(accepted.load(Ordering::SeqCst) >= 2);
}

#[test]
fn a_silence_in_which_nothing_is_owed_is_asked_about_and_is_no_reason_to_leave() {
    let pings = Arc::new(AtomicUsize::new(0));
    let count = pings.clone();
    let port = fake_broker::start(move |kind, body| match kind {
        CONNECT => vec![0x20, 2, 0, 0],
        SUBSCRIBE => vec![0x90, 3, body[0], body[1], 1],
        PUBLISH_RETAINED => vec![0x40, 2, body[16], body[17]],
        PING => {
            count.fetch_add(1, Ordering::SeqCst);
            vec![0xD0, 0]
        }
        _ => Vec::new(),
    });
    let bemo = Bemo::connected(&yaml(&impatient(port), &[NUMBER_HERE]));
    bemo.log.wait_for_count("Incoming(PingResp", 3);
    assert!(pings.load(Ordering::SeqCst) >= 3);
    assert_eq!(bemo.log.count("lost the connection"), 0);
    bemo.write(0, int(7)).unwrap();
    bemo.log.wait_for_count("Incoming(PubAck", 2);
}

#[test]
fn a_sleep_of_our_own_is_not_the_silence_of_the_broker() {
    let broker = Mosquitto::start();
    let home = Home::with(&yaml(&impatient(broker.port), &[NUMBER_HERE]));
    let program = home.start(&[]);
    program.log.wait_for("connected to the MQTT broker");
    let pings = "Received PINGREQ from bemo";
    broker.log.wait_for(pings);
    for round in 2..5 {
        // In the middle of one, if it can be met.
        broker.log.wait_for_count(pings, round);
        program.signal(Signal::STOP);
        thread::park_timeout(Duration::from_millis(1500));
        program.signal(Signal::CONT);
    }
    broker.log.wait_for_count(pings, 6);
    assert_eq!(program.log.count("lost the connection"), 0);
}

/// However long it was away, it is tried again at least every four seconds, and not much more often.
#[tokio::test(start_paused = true)]
async fn a_broker_that_is_away_is_tried_seldom_and_for_ever() {
    let log = Arc::new(Lines::default());
    let writer = Writer(log.clone());
    let _guard = tracing_subscriber::fmt()
        .with_max_level(Level::DEBUG)
        .with_writer(move || writer.clone())
        .finish()
        .set_default();
    let section = format!("{{ broker: \"127.0.0.1:{}\" }}", free_port());
    let runtime = Runtime::start(plan(&yaml(&section, &[NUMBER_HERE])));
    let attempts = || log.count("still no connection");
    tokio::time::sleep(Duration::from_secs(60 * 60)).await;
    let after_an_hour = attempts();
    // A pause is between two seconds and four.
    assert!((900..=1810).contains(&after_an_hour), "{after_an_hour}");
    for _ in 0..100 {
        let before = attempts();
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert!((1..=2).contains(&(attempts() - before)));
    }
    runtime.stop().await;
}
