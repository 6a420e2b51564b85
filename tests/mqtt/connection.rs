//! The connection: waited for, lost, made anew, and what is said about it.

use std::fs;
use std::process::Command;

use super::bemo::{Bemo, yaml};
use super::fake_broker::{self, CONNECT, SUBSCRIBE};
use super::mosquitto::{Mosquitto, free_port};
use super::tap::Tap;
use super::{NUMBER_HERE, PROMISE, SILENCE, at, int};

const CANARY: &str = "canary-7d1f";

#[test]
fn a_broker_that_is_not_there_yet_is_waited_for_and_said_once() {
    let mut broker = Mosquitto::stopped("allow_anonymous true\n");
    let bemo = Bemo::start(&yaml(&at(broker.port), &[NUMBER_HERE]));
    let line = bemo.log.wait_for("no connection to the MQTT broker");
    assert!(
        line.contains("WARN") && line.contains("nothing listens there"),
        "{line}"
    );
    bemo.log.wait_for_count("still no connection", 2);
    assert_eq!(bemo.log.count("WARN"), 1);
    broker.start_again();
    bemo.log.wait_for("connected to the MQTT broker");
    let mut tap = Tap::on_everything(broker.port);
    assert_eq!(tap.next_on("number/changed"), "{\"number\": 1}");
}

#[test]
fn a_broker_that_was_killed_gets_state_and_subscriptions_again() {
    let mut broker = Mosquitto::start();
    let bemo = Bemo::connected(&yaml(&at(broker.port), &[NUMBER_HERE]));
    broker.log.wait_for("Sending SUBACK to bemo");
    for round in 1..=2 {
        broker.kill();
        bemo.log.wait_for_count("lost the connection", round);
        bemo.write(0, int(10 * round as i128)).unwrap();
        broker.start_again();
        bemo.log
            .wait_for_count("connected to the MQTT broker", round + 1);
        broker
            .log
            .wait_for_count("Sending SUBACK to bemo", round + 1);
        let mut tap = Tap::on_everything(broker.port);
        assert_eq!(
            tap.next_on("number/changed"),
            format!("{{\"number\": {round}0}}")
        );
        tap.publish("number/set", "{\"number\": 77}");
        assert_eq!(bemo.next_heard(), (0, int(77)));
    }
}

#[test]
fn without_a_kept_session_a_command_of_the_past_is_forgotten() {
    let broker = Mosquitto::start();
    let yaml = yaml(&at(broker.port), &[NUMBER_HERE]);
    let bemo = Bemo::connected(&yaml);
    broker.log.wait_for("Sending SUBACK to bemo");
    bemo.stop();
    Tap::connect(broker.port, "tap").publish("number/set", "{\"number\": 99}");
    let bemo = Bemo::connected(&yaml);
    broker.log.wait_for_count("Sending SUBACK to bemo", 2);
    assert!(bemo.hears_nothing_for(SILENCE));
}

#[test]
fn with_a_kept_session_it_is_carried_out_late() {
    let broker = Mosquitto::start();
    let port = broker.port;
    let section =
        format!("{{ broker: \"127.0.0.1:{port}\", client_id: bemo, clean_session: false }}");
    let yaml = yaml(&section, &[NUMBER_HERE]);
    let bemo = Bemo::connected(&yaml);
    broker.log.wait_for("Sending SUBACK to bemo");
    bemo.stop();
    Tap::connect(port, "tap").publish("number/set", "{\"number\": 99}");
    let bemo = Bemo::connected(&yaml);
    assert_eq!(bemo.next_heard(), (0, int(99)));
    let mut tap = Tap::on_everything(port);
    while tap.next_on("number/changed") != "{\"number\": 99}" {}
}

#[test]
fn the_user_name_and_the_password_are_used_and_never_shown() {
    let broker = with_password();
    let section = |password: &str| {
        let port = broker.port;
        format!("{{ broker: \"127.0.0.1:{port}\", username: bob, password: {password} }}")
    };
    let bemo = Bemo::start(&yaml(&section(CANARY), &[NUMBER_HERE]));
    bemo.log.wait_for("connected to the MQTT broker");
    broker
        .log
        .wait_for("Sending PUBACK to bemo-sync-raspberrypi");
    bemo.log.wait_for("TRACE bemo_sync");
    assert_hidden(&bemo);

    let file = broker.directory.path().join("password");
    fs::write(&file, format!("{CANARY}\n")).unwrap();
    let by_file = format!("{{ file: \"{}\" }}", file.display());
    let bemo = Bemo::start(&yaml(&section(&by_file), &[NUMBER_HERE]));
    bemo.log.wait_for("connected to the MQTT broker");
    assert_hidden(&bemo);
}

#[test]
fn a_wrong_password_is_said_clearly_and_not_shown() {
    let broker = with_password();
    let port = broker.port;
    let section =
        format!("{{ broker: \"127.0.0.1:{port}\", username: bob, password: {CANARY}-wrong }}");
    let bemo = Bemo::start(&yaml(&section, &[NUMBER_HERE]));
    let line = bemo.log.wait_for("WARN");
    assert!(
        line.contains("it refuses the user `bob` with this password"),
        "{line}"
    );
    bemo.log.wait_for("still no connection");
    assert_hidden(&bemo);
    let bemo = Bemo::start(&yaml(&at(port), &[NUMBER_HERE]));
    bemo.log.wait_for("it wants a user name and a password");
}

#[test]
fn two_clients_of_the_same_name_are_recognised() {
    let broker = Mosquitto::start();
    let yaml = yaml(&at(broker.port), &[NUMBER_HERE]);
    let _first = Bemo::connected(&yaml);
    let second = Bemo::start(&yaml);
    second
        .log
        .wait_for("does another client have the client id `bemo`?");
}

#[test]
fn a_refused_subscription_is_said() {
    let port = fake_broker::start(|kind, body| match kind {
        CONNECT => vec![0x20, 2, 0, 0],
        SUBSCRIBE => vec![0x90, 3, body[0], body[1], 0x80],
        _ => Vec::new(),
    });
    let bemo = Bemo::start(&yaml(&at(port), &[NUMBER_HERE]));
    let line = bemo.log.wait_for("refuses the subscription");
    assert!(
        line.contains("WARN") && line.contains("`number/set`"),
        "{line}"
    );
}

#[test]
fn a_host_that_does_not_exist_is_said() {
    let section = "{ broker: nowhere.invalid, plaintext: allow }";
    let bemo = Bemo::start(&yaml(section, &[NUMBER_HERE]));
    let line = bemo
        .log
        .wait_for("no connection to the MQTT broker at nowhere.invalid:1883");
    assert!(line.contains("nobody knows the host"), "{line}");
}

#[test]
fn stopping_is_quick_while_there_is_no_broker() {
    let bemo = Bemo::start(&yaml(&at(free_port()), &[NUMBER_HERE]));
    bemo.log.wait_for("still no connection");
    let took = bemo.stop();
    assert!(took < PROMISE, "{took:?}");
}

fn assert_hidden(bemo: &Bemo) {
    let all = bemo.log.all();
    assert!(all.iter().all(|line| !line.contains(CANARY)), "{all:#?}");
}

/// A broker that knows one user.
fn with_password() -> Mosquitto {
    Mosquitto::configured(|directory| {
        let users = directory.join("users");
        let made = Command::new("mosquitto_passwd")
            .args(["-b", "-c"])
            .arg(&users)
            .args(["bob", CANARY])
            .output()
            .expect("mosquitto is installed");
        assert!(made.status.success());
        readable(&users);
        format!("password_file {}\n", users.display())
    })
}

/// As root, mosquitto becomes another user before it reads its files.
fn readable(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    for path in [path, path.parent().unwrap()] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}
