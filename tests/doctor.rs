//! `bemo-sync doctor` against real brokers, each with something else wrong, and on a machine without D-Bus: it finds what
//! is wrong, says what to do, and disturbs nobody.

#[cfg(feature = "broker")]
#[path = "support/bemo.rs"]
mod bemo;
#[path = "support/certificates.rs"]
mod certificates;
#[path = "support/lines.rs"]
mod lines;
#[path = "support/mosquitto.rs"]
mod mosquitto;
#[path = "support/tap.rs"]
mod tap;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use bemo_sync::doctor::report_schema;
use certificates::{Valid, authority, certificate};
use mosquitto::{Mosquitto, free_port, users, write};
use serde_json::Value as Json;
use tap::Tap;
use tempfile::TempDir;

const COMMITTED: &str = "schemas/doctor.schema.json";
const USER: (&str, &str) = ("lamp", "s3cret-of-lamp");
const ADMIN: (&str, &str) = ("admin", "p-of-admin");

/// More topics than mosquitto lets wait on one connection.
fn yaml(mqtt: &str, ble: &str) -> String {
    let mut yaml = format!("version: 1\nble: {{ adapter: {ble} }}\nmqtt: {mqtt}\nservices:\n");
    yaml += "- name: S\n  uuid: FF00\n  characteristics:\n";
    for index in 1..=24 {
        yaml += &format!(
            "  - {{ name: C{index}, uuid: FF{index:02X}, access: [read, write], \
             value: {{ type: u8, initial: 7 }}, mqtt: {{ state: c{index}, command: c{index}/set }} }}\n"
        );
    }
    yaml
}

fn section(port: u16, more: &str) -> String {
    format!(
        "{{ broker: \"127.0.0.1:{port}\", client_id: lamp, username: {}, password: \"{}\"{more} }}",
        USER.0, USER.1
    )
}

struct Examined {
    code: Option<i32>,
    report: Json,
    text: String,
    _directory: TempDir,
    file: PathBuf,
}

impl Examined {
    fn of(yaml: &str) -> Self {
        Self::with(yaml, &[])
    }

    fn with(yaml: &str, options: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("lamp.yaml");
        fs::write(&file, yaml).unwrap();
        let output = doctor(
            directory.path(),
            &[&["lamp.yaml", "--json"], options].concat(),
        );
        let text = String::from_utf8(output.stdout).unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let report = serde_json::from_str(&text).unwrap_or_else(|it| panic!("{it}: {text}{said}"));
        let validator = jsonschema::draft202012::new(report_schema().as_value()).unwrap();
        if let Err(problem) = validator.validate(&report) {
            panic!("{problem}: {text}");
        }
        assert!(!text.contains(USER.1), "a secret is shown: {text}");
        Self {
            code: output.status.code(),
            report,
            text,
            _directory: directory,
            file,
        }
    }

    /// What was found of this kind, with its level, and the fix.
    fn found(&self, check: &str) -> Vec<(String, String, String)> {
        let text = |it: &Json| it.as_str().unwrap_or_default().to_owned();
        let all = self.report["findings"].as_array().expect("a list").iter();
        let found = all.filter(|it| it["check"] == check);
        found
            .map(|it| (text(&it["level"]), text(&it["says"]), text(&it["fix"])))
            .collect()
    }

    fn assert_found(&self, check: &str, level: &str, says: &str, fix: &str) {
        let found = self.found(check);
        let is_it = |it: &&(String, String, String)| {
            it.0 == level && it.1.contains(says) && it.2.contains(fix)
        };
        assert!(
            found.iter().any(|it| is_it(&it)),
            "no {level} {check} {says:?} {fix:?}: {}",
            self.text
        );
        assert_eq!(
            self.report["healthy"],
            self.code == Some(0),
            "{}",
            self.text
        );
    }
}

/// On a machine without D-Bus, and with a state of its own.
fn doctor(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bemo-sync"));
    command.arg("doctor").args(arguments).current_dir(directory);
    command
        .env_remove("BEMO_SYNC_LOG")
        .env_remove("STATE_DIRECTORY");
    command.env("XDG_STATE_HOME", directory);
    command.env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere/at/all");
    command.output().expect("the program was built")
}

#[test]
fn a_configuration_that_is_not_there_is_not_called_a_mistake() {
    let directory = tempfile::tempdir().unwrap();
    let output = doctor(directory.path(), &["nofile.yaml"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("nofile.yaml is not there"), "{said}");
    assert!(
        said.contains("fix: bemo-sync init --output nofile.yaml"),
        "{said}"
    );
    assert!(!said.contains("1 mistake"), "{said}");
}

/// A broker that lets these lines be done by our user, and everything by another.
fn with_rules(rules: &str) -> Mosquitto {
    Mosquitto::configured(|directory| {
        let list = format!(
            "user {}\n{rules}user {}\ntopic readwrite #\n",
            USER.0, ADMIN.0
        );
        write(directory, "acl", &list);
        let users = users(directory, &[USER, ADMIN]);
        format!(
            "allow_anonymous false\nacl_file {}/acl\n{users}",
            directory.display()
        )
    })
}

const READS_VERSION: &str = "topic read $SYS/broker/version\n";

/// The list that the program prints for a configuration.
fn own_rules(yaml: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("lamp.yaml");
    fs::write(&file, yaml).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_bemo-sync"))
        .args(["docs", "--acl", "--config"])
        .arg(&file)
        .output()
        .unwrap();
    let list = String::from_utf8(output.stdout).unwrap();
    let rules = list.lines().filter(|line| line.starts_with("topic "));
    rules.map(|line| format!("{line}\n")).collect()
}

#[test]
fn under_the_list_that_docs_prints_all_is_well_and_nobody_is_disturbed() {
    let rules = own_rules(&yaml(&section(1, ""), "virtual"));
    let broker = with_rules(&format!("{rules}{READS_VERSION}"));
    // Somebody who hears everything, something that is retained, and the client itself.
    let mut all = Tap::connect_as(broker.port, "all", Some(ADMIN));
    all.subscribe("#");
    let mut ourselves = Tap::connect_as(broker.port, "lamp", Some(USER));
    ourselves.publish_retained("c1", b"5");
    assert_eq!(all.next().payload, b"5");
    let examined = Examined::of(&yaml(&section(broker.port, ""), "virtual"));
    assert_eq!(examined.code, Some(0), "{}", examined.text);
    examined.assert_found(
        "broker",
        "ok",
        "lets us in as the user `lamp`; it is mosquitto version",
        "",
    );
    examined.assert_found("publish", "ok", "all 24 topics", "");
    examined.assert_found("subscribe", "ok", "grants all 24 topics", "");
    examined.assert_found("subscribe", "skipped", "before one does", "");
    examined.assert_found("client-id", "skipped", "without driving it out", "");
    // The next thing that anybody hears is what comes after all of that.
    ourselves.publish("c2", b"6");
    let next = all.next();
    assert_eq!(
        (next.topic.as_str(), next.payload.as_slice()),
        ("c2", b"6".as_slice())
    );
    let mut later = Tap::connect_as(broker.port, "later", Some(ADMIN));
    later.subscribe("#");
    let kept = later.next();
    assert_eq!(
        (kept.topic.as_str(), kept.payload.as_slice(), kept.retain),
        ("c1", b"5".as_slice(), true)
    );
}

#[test]
fn what_the_broker_would_refuse_in_silence_is_found() {
    let rules = own_rules(&yaml(&section(1, ""), "virtual"));
    let rules = rules
        .replace("topic write c3\n", "")
        .replace("topic write c12\n", "topic read c12\n");
    let broker = with_rules(&format!("{rules}{READS_VERSION}"));
    let examined = Examined::of(&yaml(&section(broker.port, ""), "virtual"));
    assert_eq!(examined.code, Some(1), "{}", examined.text);
    examined.assert_found(
        "publish",
        "fail",
        "on `c12`, `c3` (asked as",
        "bemo-sync docs --acl",
    );
}

#[test]
fn what_is_not_granted_is_found() {
    let broker = Mosquitto::configured(|directory| {
        let access = r#"{ "publishClientSend": true, "publishClientReceive": true, "subscribe": false, "unsubscribe": true }"#;
        let rules = format!(
            r#"{{ "defaultACLAccess": {access}, "clients": [], "groups": [], "roles": [] }}"#
        );
        write(directory, "security.json", &rules);
        let plugin = "/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so";
        let plugin = match Path::new(plugin).exists() {
            true => plugin.to_owned(),
            false => plugin.replace("x86_64", "aarch64"),
        };
        format!(
            "allow_anonymous true\nplugin {plugin}\nplugin_opt_config_file {}/security.json\n",
            directory.display()
        )
    });
    let section = format!(
        "{{ broker: \"127.0.0.1:{}\", client_id: lamp }}",
        broker.port
    );
    let examined = Examined::of(&yaml(&section, "virtual"));
    assert_eq!(examined.code, Some(1), "{}", examined.text);
    examined.assert_found("subscribe", "fail", "does not grant `c1/set`", "docs --acl");
    examined.assert_found("subscribe", "fail", "and 16 more", "topic read");
}

#[test]
fn where_somebody_might_hear_of_it_nothing_is_tried_unless_that_is_said() {
    let rules = own_rules(&yaml(&section(1, ""), "virtual"));
    let broker = with_rules(&rules.replace("topic write c3\n", ""));
    let source = yaml(&section(broker.port, ""), "virtual");
    let examined = Examined::of(&source);
    assert_eq!(examined.code, Some(0), "{}", examined.text);
    examined.assert_found("publish", "skipped", "was not tried", "doctor --publish");
    let said = Examined::with(&source, &["--publish"]);
    assert_eq!(said.code, Some(1), "{}", said.text);
    said.assert_found("publish", "fail", "`c3`", "");
}

/// It ends a connection on which somebody asks what it is, and speaks MQTT 3.1.1 only.
#[cfg(feature = "broker")]
#[test]
fn of_an_embedded_broker_is_said_what_can_be_known() {
    let port = free_port();
    let number = "access: [read, write], value: { type: u8, initial: 0 }, mqtt: { state: number }";
    let mut plan = bemo::plan(&bemo::yaml("{ broker: auto }", &[number]));
    let mut links = plan.links.iter_mut();
    let link = links.find(|link| link.section == "mqtt").unwrap();
    link.candidates = vec![bemo_sync::plugins::mqtt::auto_on(port)];
    let bemo = bemo::Bemo::run(plan);
    bemo.log.wait_for("connected to the MQTT broker");
    let section = format!("{{ broker: \"127.0.0.1:{port}\", client_id: lamp }}");
    let source = yaml(&section, "virtual");
    let examined = Examined::of(&source);
    assert_eq!(examined.code, Some(0), "{}", examined.text);
    examined.assert_found("broker", "ok", "lets us in", "");
    examined.assert_found("subscribe", "ok", "grants all 24 topics", "");
    examined.assert_found("publish", "skipped", "was not tried", "");
    let said = Examined::with(&source, &["--publish"]);
    assert_eq!(said.code, Some(0), "{}", said.text);
    said.assert_found("publish", "skipped", "cannot be known", "");
    assert_eq!(bemo.log.count("lost the connection"), 0);
}

#[test]
fn a_message_that_came_is_a_proof_and_the_birth_message_tells_who_is_there() {
    let presence = ", birth: { topic: here, payload: on }, will: { topic: here, payload: off }";
    let broker = with_rules("topic readwrite #\n");
    let mut tap = Tap::connect_as(broker.port, "tap", Some(ADMIN));
    for index in 1..=24 {
        tap.publish_retained(&format!("c{index}/set"), b"1");
    }
    let source = yaml(&section(broker.port, presence), "virtual");
    let examined = Examined::of(&source);
    examined.assert_found("subscribe", "ok", "something came from each", "");
    examined.assert_found("client-id", "ok", "no client says", "");
    tap.publish_retained("here", b"on");
    let examined = Examined::of(&source);
    examined.assert_found("client-id", "ok", "a client is `lamp` already", "");
}

#[test]
fn who_is_not_let_in_hears_why() {
    let broker = Mosquitto::configured(|directory| {
        let users = users(directory, &[(USER.0, "another")]);
        format!("allow_anonymous false\n{users}")
    });
    let examined = Examined::of(&yaml(&section(broker.port, ""), "virtual"));
    assert_eq!(examined.code, Some(1), "{}", examined.text);
    examined.assert_found(
        "broker",
        "fail",
        "refuses the user `lamp`",
        "mosquitto_passwd",
    );
    examined.assert_found("subscribe", "skipped", "lets us in", "");

    let nobody = Examined::of(&yaml(&section(free_port(), ""), "virtual"));
    assert_eq!(nobody.code, Some(1), "{}", nobody.text);
    nobody.assert_found(
        "broker",
        "fail",
        "nothing listens there",
        "systemctl enable --now mosquitto",
    );
}

#[test]
fn certificates_are_looked_at() {
    let broker = Mosquitto::configured(|directory| {
        let ca = authority(directory, "ca", "ca");
        authority(directory, "other", "other");
        certificate(
            directory,
            &ca,
            "server",
            &["localhost", "127.0.0.1"],
            Valid::Now,
        );
        let at = directory.display();
        format!(
            "allow_anonymous true\ncafile {at}/ca.pem\ncertfile {at}/server.pem\nkeyfile {at}/server.key\n"
        )
    });
    let examined = |ca: &str| {
        let (port, at) = (broker.port, broker.directory.path().display());
        let section =
            format!("{{ broker: \"mqtts://127.0.0.1:{port}\", tls: {{ ca: \"{at}/{ca}.pem\" }} }}");
        Examined::of(&yaml(&section, "virtual"))
    };
    let well = examined("ca");
    assert_eq!(well.code, Some(0), "{}", well.text);
    well.assert_found("broker", "ok", ", encrypted", "");
    well.assert_found("publish", "ok", "all 24", "");
    let wrong = examined("other");
    assert_eq!(wrong.code, Some(1), "{}", wrong.text);
    wrong.assert_found("broker", "fail", "certificate", "openssl s_client");
}

#[test]
fn a_configuration_with_mistakes_is_exit_code_2() {
    let examined = Examined::of("version: 1\nservces: []\n");
    assert_eq!(examined.code, Some(2));
    examined.assert_found(
        "configuration",
        "fail",
        "lamp.yaml has 1 mistake",
        "bemo-sync check lamp.yaml",
    );
    examined.assert_found("links", "skipped", "", "");
    assert_eq!(examined.found("broker"), []);
}

#[test]
fn without_a_bus_an_adapter_that_is_named_cannot_work() {
    let section = format!("{{ broker: \"127.0.0.1:{}\" }}", Mosquitto::start().port);
    let named = Examined::of(&yaml(&section, "hci7"));
    assert_eq!(named.code, Some(1), "{}", named.text);
    named.assert_found(
        "d-bus",
        "fail",
        "cannot be reached",
        "apt install dbus bluez",
    );
    named.assert_found("adapter", "fail", "hci7", "");
    // As on most build machines; where there is one, it is wanted.
    if !Path::new("/sys/class/bluetooth/hci0").exists() {
        let broker = Mosquitto::start();
        let section = format!("{{ broker: \"127.0.0.1:{}\" }}", broker.port);
        let auto = Examined::of(&yaml(&section, "auto"));
        assert_eq!(auto.code, Some(0), "{}", auto.text);
        auto.assert_found("d-bus", "warn", "cannot be reached", "");
        auto.assert_found("adapter", "warn", "nothing is on the air", "");
    }
}

#[test]
fn a_person_reads_the_same_with_a_line_at_the_end() {
    let examined = Examined::of(&yaml(&section(free_port(), ""), "virtual"));
    let directory = examined.file.parent().unwrap();
    let output = doctor(directory, &["lamp.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.starts_with("ok       configuration  lamp.yaml has no mistakes\n"),
        "{said}"
    );
    assert!(
        said.contains("fix: sudo systemctl enable --now mosquitto"),
        "{said}"
    );
    let last = said.lines().last().unwrap();
    assert!(last.starts_with("lamp.yaml: not healthy: "), "{last}");
    assert!(last.contains("1 failure, "), "{last}");
    let left = fs::read_dir(directory).unwrap().count();
    assert_eq!(left, 1, "something was left behind");
}

#[test]
fn the_committed_schema_is_the_programs_own() {
    let committed = fs::read_to_string(COMMITTED).unwrap_or_default();
    let own = serde_json::to_string_pretty(&report_schema()).unwrap() + "\n";
    assert!(committed == own, "{COMMITTED} is stale: run `make docs`");
    assert!(jsonschema::draft202012::meta::is_valid(
        report_schema().as_value()
    ));
}
