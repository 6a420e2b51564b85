//! Whatever happened to a connection: what a central reads, what the broker has retained and what the
//! engine holds are the same again, without anybody doing anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use bemo_sync::gatt::server::Central;
use rustix::process::Signal;
use tokio::time::Instant;

use super::bemo::{Bemo, yaml};
use super::fake_broker::{self, CONNECT, PUBLISH_RETAINED, SUBSCRIBE};
use super::mosquitto::{Mosquitto, PATIENCE};
use super::tap::Tap;
use super::{NUMBER_HERE, NUMBER_REMOTE, SILENCE, int};

const KEPT: &str = "client_id: bemo, clean_session: false";

/// On the virtual adapter, with these lines in the section `mqtt`.
fn on_air(port: u16, more: &str, characteristics: &[&str]) -> String {
    let section = format!("{{ broker: \"127.0.0.1:{port}\", {more} }}");
    format!(
        "{}ble: {{ adapter: virtual }}\n",
        yaml(&section, characteristics)
    )
}

/// Waits until all three say that the number is this one.
fn converges(bemo: &Bemo, central: &Central, port: u16, number: u8) {
    let handle = handle(central);
    let expected = format!("{{\"number\": {number}}}").into_bytes();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut late = Tap::connect(port, "late");
        late.subscribe("number/changed");
        let retained = late.next_within(SILENCE).map(|message| message.payload);
        let on_air = central.read(handle).ok();
        let held = bemo.value(0);
        let is_so = retained.as_ref() == Some(&expected)
            && on_air == Some(vec![number])
            && held == Some(int(number.into()));
        if is_so {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "not {number}: retained {retained:?}, on the air {on_air:?}, held {held:?}"
        );
        thread::park_timeout(Duration::from_millis(20));
    }
}

fn write(central: &Central, octets: &[u8]) {
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let write = central.write(handle(central), octets);
    tokio.unwrap().block_on(write).unwrap();
}

fn handle(central: &Central) -> u16 {
    central.discover()[0].characteristics[0].handle
}

#[test]
fn a_broker_that_was_killed_and_has_forgotten_everything() {
    let mut broker = Mosquitto::start();
    let bemo = Bemo::connected(&on_air(broker.port, "client_id: bemo", &[NUMBER_HERE]));
    let central = bemo.central();
    converges(&bemo, &central, broker.port, 1);
    for round in 1..=3 {
        broker.kill();
        write(&central, &[round * 10]);
        broker.start_again();
        converges(&bemo, &central, broker.port, round * 10);
        bemo.log.wait_for_count(
            "bemo_sync::plugins::mqtt::session: subscribed",
            1 + usize::from(round),
        );
        Tap::connect(broker.port, "tap").publish("number/set", format!("{{\"number\": {round}}}"));
        converges(&bemo, &central, broker.port, round);
    }
}

/// One that says that the session is there, and has lost what it acknowledged since it saved it.
#[test]
fn a_broker_that_comes_back_with_an_old_state_of_things_and_the_session() {
    let mut broker = Mosquitto::configured(|directory| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o777)).unwrap();
        let at = directory.display();
        format!("allow_anonymous true\npersistence true\npersistence_location {at}/\n")
    });
    let bemo = Bemo::connected(&on_air(broker.port, KEPT, &[NUMBER_HERE]));
    let central = bemo.central();
    converges(&bemo, &central, broker.port, 1);
    broker.signal(Signal::USR1);
    let file = broker.directory.path().join("mosquitto.db");
    let deadline = Instant::now() + PATIENCE;
    while !file.exists() {
        assert!(Instant::now() < deadline, "it does not save");
        thread::park_timeout(Duration::from_millis(5));
    }
    write(&central, &[2]);
    converges(&bemo, &central, broker.port, 2);
    broker.kill();
    broker.start_again();
    bemo.log.wait_for("accepted.session_present=true");
    converges(&bemo, &central, broker.port, 2);
}

#[test]
fn a_command_of_meanwhile_to_a_session_that_was_kept() {
    let broker = Mosquitto::start();
    let yaml = on_air(broker.port, KEPT, &[NUMBER_HERE]);
    let bemo = Bemo::connected(&yaml);
    broker.log.wait_for("Sending SUBACK to bemo");
    bemo.abort();
    let mut tap = Tap::connect(broker.port, "tap");
    tap.publish("number/set", "{\"number\": 98}");
    tap.publish("number/set", "{\"number\": 99}");
    // A retained one too: it is delivered to the session as any other, and then again as retained.
    tap.publish_retained("number/set", "{\"number\": 7}");
    let bemo = Bemo::connected(&yaml);
    bemo.log.wait_for("cause=RetainedCommand");
    converges(&bemo, &bemo.central(), broker.port, 7);
    tap.publish("number/set", "{\"number\": 8}");
    converges(&bemo, &bemo.central(), broker.port, 8);
}

/// It was acknowledged by the broker, which then died with it: nobody will ever confirm it.
#[test]
fn a_request_that_a_broker_has_taken_with_it() {
    let mut broker = Mosquitto::start();
    let mut owner = Tap::connect(broker.port, "owner");
    owner.publish_retained("number/changed", "{\"number\": 5}");
    let bemo = Bemo::connected(&on_air(broker.port, "client_id: bemo", &[NUMBER_REMOTE]));
    let central = bemo.central();
    converges(&bemo, &central, broker.port, 5);
    write(&central, &[9]);
    bemo.log.wait_for("Incoming(PubAck");
    assert_eq!(bemo.value(0), Some(int(9)), "shown at once");
    broker.kill();
    let deadline = Instant::now() + PATIENCE;
    while bemo.value(0) != Some(int(5)) {
        assert!(Instant::now() < deadline, "nobody has confirmed it");
        thread::park_timeout(Duration::from_millis(5));
    }
    broker.start_again();
    bemo.log.wait_for_count("connected to the MQTT broker", 2);
    let mut owner = Tap::connect(broker.port, "owner");
    owner.subscribe("number/set");
    owner.publish_retained("number/changed", "{\"number\": 5}");
    converges(&bemo, &central, broker.port, 5);
    assert!(
        owner.is_silent_for(SILENCE),
        "its central has been told that it came to nothing"
    );
}

#[test]
fn a_broker_that_is_stopped_for_a_while_and_goes_on() {
    let broker = Mosquitto::start();
    let more = "client_id: bemo, answer_within: 1s, retry_within: 1s";
    let bemo = Bemo::connected(&on_air(broker.port, more, &[NUMBER_HERE]));
    let central = bemo.central();
    converges(&bemo, &central, broker.port, 1);
    for round in 1..=2 {
        broker.signal(Signal::STOP);
        // The first time it is silent about a message, then about nothing at all.
        if round == 1 {
            write(&central, &[77]);
        }
        bemo.log.wait_for_count("lost the connection", round);
        bemo.log.wait_for_count("it does not answer", round);
        write(&central, &[round as u8 * 10]);
        broker.signal(Signal::CONT);
        converges(&bemo, &central, broker.port, round as u8 * 10);
    }
}

/// It knows nothing of us, and says that it does.
#[test]
fn a_session_that_is_not_there_although_the_broker_says_so() {
    for more in ["client_id: bemo", KEPT] {
        let (seen, heard) = std::sync::mpsc::channel();
        let port = fake_broker::start(move |kind, body| {
            let _ = seen.send(kind);
            match kind {
                CONNECT => vec![0x20, 2, 1, 0],
                SUBSCRIBE => vec![0x90, 3, body[0], body[1], 1],
                _ => acknowledge(body),
            }
        });
        let _bemo = Bemo::start(&on_air(port, more, &[NUMBER_HERE]));
        let packets: Vec<u8> = (0..3)
            .map(|_| heard.recv_timeout(PATIENCE).unwrap())
            .collect();
        assert_eq!(packets, [CONNECT, SUBSCRIBE, PUBLISH_RETAINED]);
    }
}

#[test]
fn the_same_message_delivered_again_and_again() {
    let command = |duplicate: u8, id: u8| {
        let mut packet = vec![0x32 | duplicate, 28, 0, 10];
        packet.extend(b"number/set");
        packet.extend([0, id]);
        packet.extend(b"{\"number\": 99}");
        packet
    };
    let all = [command(0, 1), command(8, 1), command(8, 1), command(0, 2)].concat();
    let (seen, heard) = std::sync::mpsc::channel();
    let port = fake_broker::start(move |kind, body| {
        let _ = seen.send((kind, body.to_vec()));
        match kind {
            CONNECT => vec![0x20, 2, 0, 0],
            SUBSCRIBE => [vec![0x90, 3, body[0], body[1], 1], all.clone()].concat(),
            0x32 | 0x33 => acknowledge(body),
            // Acknowledged twice by the broker, and once what nobody has sent.
            _ => vec![0x40, 2, 0, 200],
        }
    });
    let bemo = Bemo::connected(&on_air(port, "client_id: bemo", &[NUMBER_HERE]));
    assert_eq!(bemo.next_heard(), (0, int(99)));
    let mut acks = Vec::new();
    let mut states = Vec::new();
    while acks.len() < 4 || states.last().is_none_or(|it: &String| !it.contains("99")) {
        let (kind, body) = heard.recv_timeout(PATIENCE).unwrap();
        match kind {
            0x40 => acks.push(body[1]),
            PUBLISH_RETAINED => states.push(String::from_utf8(body[18..].to_vec()).unwrap()),
            _ => {}
        }
    }
    assert_eq!(acks, [1, 1, 1, 2], "each of them is acknowledged");
    assert!(bemo.hears_nothing_for(SILENCE), "it is news once");
    states.dedup();
    assert!(states.len() <= 2, "{states:?}");
    bemo.log.wait_for("acknowledged, and not under way");
    assert_eq!(bemo.log.count("connected to the MQTT broker"), 1);
    assert_eq!(bemo.log.count("lost the connection"), 0);
}

/// With the id of a message that is never acknowledged as good as gone, and all the others in use again
/// and again, none is used twice at once; and what is passed over for too long is sent anew.
#[test]
fn acknowledgements_that_come_in_another_order_or_not_at_all() {
    let second = "access: [read, write], value: { type: u32 }, mqtt: { state: second }";
    let connections = Arc::new(AtomicUsize::new(0));
    let (seen, heard) = std::sync::mpsc::channel();
    let port = fake_broker::start(move |kind, body| match kind {
        CONNECT => {
            connections.fetch_add(1, Ordering::SeqCst);
            vec![0x20, 2, 0, 0]
        }
        SUBSCRIBE => vec![0x90, 3, body[0], body[1], 1],
        PUBLISH_RETAINED => {
            let is_first = body.starts_with(b"\x00\x0enumber/changed");
            let connection = connections.load(Ordering::SeqCst);
            let _ = seen.send((connection, is_first, body.to_vec()));
            match is_first && connection == 1 {
                true => Vec::new(),
                false => acknowledge(body),
            }
        }
        _ => Vec::new(),
    });
    let more = "client_id: bemo, answer_within: 1s";
    let bemo = Bemo::connected(&on_air(port, more, &[NUMBER_HERE, second]));
    let ids = |body: &[u8], topic: usize| u16::from_be_bytes([body[2 + topic], body[3 + topic]]);
    let mut first_id = None;
    let mut writes = 0;
    let deadline = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < deadline, "it is passed over for ever");
        // More of them than there are ids in many a client.
        writes += 1;
        bemo.write(1, int(writes)).unwrap();
        let (connection, is_first, body) = heard.recv_timeout(PATIENCE).unwrap();
        match (connection, is_first) {
            (1, true) => first_id = Some(ids(&body, 14)),
            (1, false) => assert_ne!(Some(ids(&body, 6)), first_id, "it is in use"),
            (_, true) => break,
            (_, false) => {}
        }
        if writes > 1500 {
            thread::park_timeout(Duration::from_millis(1));
        }
    }
    bemo.log
        .wait_for("it acknowledges other messages and not the first");
    assert!(writes > 1000, "only {writes} messages went by");
    bemo.write(0, int(3)).unwrap();
    loop {
        let (_, is_first, body) = heard.recv_timeout(PATIENCE).unwrap();
        if is_first && body.ends_with(b"{\"number\": 3}") {
            return;
        }
    }
}

/// The PUBACK to a PUBLISH.
fn acknowledge(body: &[u8]) -> Vec<u8> {
    let topic = usize::from(u16::from_be_bytes([body[0], body[1]]));
    vec![0x40, 2, body[2 + topic], body[3 + topic]]
}
