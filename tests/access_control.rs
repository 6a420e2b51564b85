//! Under mosquitto with the access control list that `bemo-sync docs --acl` prints, everything that is
//! declared works, nothing else is allowed, and no line of it is in vain.

#[path = "support/bemo.rs"]
mod bemo;
#[path = "support/files.rs"]
mod files;
#[path = "support/lines.rs"]
mod lines;
#[path = "support/mosquitto.rs"]
mod mosquitto;
#[path = "support/tap.rs"]
mod tap;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use bemo::{Bemo, plan};
use bemo_sync::codec::{Spec, Value, att};
use bemo_sync::docs::acl;
use bemo_sync::gatt::server::GattServer;
use mosquitto::{Mosquitto, users};
use tap::Tap;

/// The client under test, and one that may do everything.
const USER: (&str, &str) = ("lamp user", "p-of-lamp");
const ADMIN: (&str, &str) = ("admin", "p-of-admin");

/// What the examples do not have: a topic that goes both ways, signs that mean something elsewhere, and
/// topics of birth and will that differ.
const ODD: &str = "
version: 1
ble: { adapter: virtual }
mqtt:
  broker: auto
  client_id: odd
  birth: { topic: \"up/{client_id}\", payload: here }
  will: { topic: \"down/{client_id}\", payload: gone }
  events: odd/events
  rejected: odd/rejected
services:
  - name: Odd
    uuid: FF00
    characteristics:
      - { name: A, uuid: FF01, access: [read, write], value: { type: u8 }, mqtt: { state: both ways, command: \"read x\" } }
      - { name: B, uuid: FF02, access: [read, write], value: { type: u8 }, mqtt: { owner: remote, state: both ways, command: \"# no\" } }
      - { name: C, uuid: FF03, access: [read, write], value: { type: u8 }, mqtt: { state: \"%c/%u\", command: \"/ü/ /x\" } }
";

#[test]
fn everything_that_is_declared_works_and_nothing_else() {
    let mut sources: Vec<String> = files::yaml_files(Path::new("examples"))
        .iter()
        .map(|path| path.as_path())
        .chain([Path::new("services.yaml")])
        .map(|path| fs::read_to_string(path).expect("it is there"))
        .filter(|source| source.contains("broker: auto"))
        .collect();
    assert!(sources.len() > 9, "{}", sources.len());
    // `#` stands for something else at the start of a line of a list only.
    sources.push(ODD.replace("\"# no\"", "\"no, no\""));
    for source in sources {
        Proof::of(&source, Some(USER)).all();
    }
}

#[test]
fn a_client_without_a_name_has_lines_too() {
    let source = fs::read_to_string("services.yaml").expect("it is there");
    Proof::of(&source, None).all();
}

struct Proof {
    broker: Mosquitto,
    user: Option<(&'static str, &'static str)>,
    yaml: String,
    list: String,
    admin: Tap,
}

impl Proof {
    /// A broker with the list of this configuration, and lines for one that may do everything.
    fn of(source: &str, user: Option<(&'static str, &'static str)>) -> Self {
        let port = mosquitto::free_port();
        let credentials = match user {
            Some((name, password)) => format!(", username: {name}, password: {password}"),
            None => String::new(),
        };
        // Whatever else the section says stands on lines of its own.
        let broker = format!(
            "broker: \"127.0.0.1:{port}\"{}",
            credentials.replace(", ", "\n  ")
        );
        let yaml = source
            .replace("broker: auto", &broker)
            .replace("adapter: auto", "adapter: virtual")
            .replace("persist: true", "persist: false");
        let list = acl(&plan(&yaml)).expect("it can be said");
        let broker = Mosquitto::configured_on(port, |directory| {
            let line = users(directory, &[USER, ADMIN]);
            mosquitto::write(directory, "acl", &with_admin(&list));
            let (at, anonymous) = (directory.display(), user.is_none());
            format!("allow_anonymous {anonymous}\nacl_file {at}/acl\n{line}")
        });
        let mut admin = Tap::connect_as(port, "admin", Some(ADMIN));
        admin.subscribe("#");
        Self {
            broker,
            user,
            yaml,
            list,
            admin,
        }
    }

    fn all(mut self) {
        let topics = self.topics();
        self.works(&topics);
        self.is_minimal(&topics);
    }

    /// The lines for topics: the topic, and whether it may be read and written.
    fn topics(&self) -> Vec<(String, bool, bool)> {
        let lines = self
            .list
            .lines()
            .filter_map(|line| line.strip_prefix("topic "));
        let topics = lines.map(|line| match line.split_once(' ') {
            Some(("read", topic)) => (topic.to_owned(), true, false),
            Some(("write", topic)) => (topic.to_owned(), false, true),
            Some(("readwrite", topic)) => (topic.to_owned(), true, true),
            other => panic!("{other:?}: {}", self.list),
        });
        topics.collect()
    }

    /// The program itself hears everything that it has subscribed to, and is heard on everything else.
    fn works(&mut self, topics: &[(String, bool, bool)]) {
        let bemo = Bemo::connected(&self.yaml);
        let plan = plan(&self.yaml);
        let read = topics.iter().filter(|(_, read, _)| *read);
        for (topic, ..) in read.clone() {
            bemo.log.wait_for(&format!("subscribed topic=\"{topic}\""));
        }
        assert_eq!(bemo.log.count("subscribed topic="), read.clone().count());
        for (topic, ..) in read {
            self.admin.publish(topic, "?");
            bemo.log
                .wait_for(&format!("received topic=\"{topic}\" retained=false"));
        }
        if plan
            .services
            .iter()
            .any(|it| !it.characteristics.is_empty())
            && self.yaml.contains("ble:")
        {
            let tokio = tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap();
            drop(tokio.block_on(bemo.offered::<GattServer>()).connect());
        }
        for (cell, it) in plan.cells.iter().enumerate() {
            for value in values(&it.spec) {
                // What is refused is not what is tested here, but that it is told.
                let _ = bemo.write(cell, value);
            }
        }
        // On a topic of both directions what was published above is not what it publishes.
        for (topic, ..) in topics.iter().filter(|(_, read, write)| *read && *write) {
            bemo.log.wait_for(&format!("publishes topic=\"{topic}\""));
        }
        let client = plan.links.iter().flat_map(|link| &link.candidates);
        let client = client.filter_map(|link| link.broker()).next();
        let client = client.expect("there is a broker").client_id;
        let written = topics.iter().filter(|(_, _, write)| *write);
        let mut missing: BTreeSet<&str> = written.map(|(topic, ..)| topic.as_str()).collect();
        let is_last = |topic: &&str| topic.starts_with("down/");
        while !missing.iter().all(is_last) {
            missing.remove(self.admin.next().topic.as_str());
        }
        bemo.stop();
        while !missing.is_empty() {
            missing.remove(self.admin.next().topic.as_str());
        }
        self.broker
            .log
            .wait_for(&format!("Received DISCONNECT from {client}"));
        self.is_what_the_broker_saw(topics, &client);
    }

    /// The list is what the program does, as the broker has seen it, and nothing else.
    fn is_what_the_broker_saw(&self, topics: &[(String, bool, bool)], client: &str) {
        let denied = format!("Denied PUBLISH from {client} ");
        assert_eq!(self.broker.log.count(&denied), 0, "{}", self.list);
        let lines = self.broker.log.all();
        let publish = format!("Received PUBLISH from {client} (");
        let published = lines.iter().filter(|line| line.contains(&publish));
        let published = published.filter_map(|line| line.split('\'').nth(1));
        let subscribe = format!("Received SUBSCRIBE from {client}");
        let subscribed = lines.iter().skip_while(|line| !line.ends_with(&subscribe));
        let subscribed = subscribed
            .skip(1)
            .filter_map(|line| line.split_once(": \t")?.1.rsplit_once(" (QoS "))
            .map(|(topic, _)| topic);
        let seen = |is_so: fn(&(String, bool, bool)) -> bool| {
            let listed = topics.iter().filter(move |it| is_so(it));
            listed
                .map(|(topic, ..)| topic.as_str())
                .collect::<BTreeSet<_>>()
        };
        assert_eq!(
            published.collect::<BTreeSet<_>>(),
            seen(|(_, _, write)| *write)
        );
        assert_eq!(
            subscribed.collect::<BTreeSet<_>>(),
            seen(|(_, read, _)| *read)
        );
    }

    /// Each line allows what it says and no more, and without it that is denied.
    fn is_minimal(&mut self, topics: &[(String, bool, bool)]) {
        for (index, (topic, read, write)) in topics.iter().enumerate() {
            assert_eq!(self.may(topic), (*read, *write), "{topic}");
            let lines = self.list.lines();
            let of_topics = lines.clone().filter(|line| line.starts_with("topic "));
            let removed = of_topics
                .clone()
                .nth(index)
                .expect("each topic has its line");
            let rest: Vec<&str> = lines.filter(|line| *line != removed).collect();
            self.reload(&rest.join("\n"));
            assert_eq!(self.may(topic), (false, false), "{topic}");
            self.reload(&self.list.clone());
        }
        for outside in ["outside", "number/changed/x", "lamp"] {
            assert_eq!(self.may(outside), (false, false), "{outside}");
        }
        if let Some((name, _)) = self.user {
            let without = self.list.replace(&format!("user {name}\n"), "");
            self.reload(&without);
            for (topic, ..) in topics {
                assert_eq!(self.may(topic), (false, false), "{topic}");
            }
        }
    }

    fn reload(&self, list: &str) {
        mosquitto::write(self.broker.directory.path(), "acl", &with_admin(list));
        self.broker.reload();
    }

    /// Whether a client with the user's name may read from a topic and write to it. What comes first has
    /// come when what comes after it has.
    fn may(&mut self, topic: &str) -> (bool, bool) {
        let mut client = Tap::connect_as(self.broker.port, "probe", self.user);
        client.subscribe(topic);
        client.subscribe("sentinel/in");
        self.admin.publish(topic, "to");
        self.admin.publish("sentinel/in", "");
        client.publish(topic, "from");
        client.publish("sentinel/out", "");
        let came = |tap: &mut Tap, sentinel: &str, payload: &str| {
            let mut came = false;
            loop {
                let message = tap.next();
                if message.topic == sentinel {
                    return came;
                }
                came |= message.topic == topic && message.payload == payload.as_bytes();
            }
        };
        let read = came(&mut client, "sentinel/in", "to");
        (read, came(&mut self.admin, "sentinel/out", "from"))
    }
}

/// Mosquitto takes lines before the first `user` for clients without a name.
fn with_admin(list: &str) -> String {
    let sentinels = "topic read sentinel/in\ntopic write sentinel/out\n";
    let (name, _) = USER;
    format!("{sentinels}{list}\nuser {name}\n{sentinels}user admin\ntopic readwrite #\n")
}

/// Some values of a type, found by trying.
fn values(spec: &Spec) -> Vec<Value> {
    let filled = [0, 1, 2, 7, b'0', b'a']
        .into_iter()
        .flat_map(|byte| (0..=32).map(move |length| vec![byte; length]));
    let words = ["de", "off"].map(|word| word.as_bytes().to_vec());
    let all = filled
        .chain(words)
        .filter_map(|bytes| att::decode(spec, &bytes).ok());
    all.take(60).collect()
}
