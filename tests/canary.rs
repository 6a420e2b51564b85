//! No secret is ever shown, however much is logged: not by this program, not by the libraries below it,
//! not when something goes wrong. Every secret here has a canary in it, which must not be heard of.

#[path = "support/bemo.rs"]
mod bemo;
#[path = "support/certificates.rs"]
mod certificates;
#[path = "support/http.rs"]
mod http;
#[path = "support/lines.rs"]
mod lines;
#[path = "support/mosquitto.rs"]
mod mosquitto;
#[path = "support/tap.rs"]
mod tap;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;

use bemo::Bemo;
use bemo_sync::gatt::SecurityLevel;
use bemo_sync::gatt::server::GattServer;
use certificates::{Valid, authority, certificate};
use http::Http;
use lines::{Lines, Writer};
use mosquitto::{Mosquitto, free_port, users};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value as Json, json};
use tap::Tap;
use tracing_subscriber::util::SubscriberInitExt;

/// It stands in every text that is secret, and [`NUMBER`] is every number that is.
const CANARY: &str = "c4nary";
const NUMBER: &str = "3735928559";

const ANOTHER: &str = "${PIN_AS_ANOTHER_WRITES_IT}";

/// What is in the environment.
const ENVIRONMENT: [(&str, &str); 11] = [
    ("CONSOLE_TOKEN", "c4nary-of-the-console"),
    ("PASSWORD", "c4nary-password"),
    ("BIRTH", "c4nary-birth"),
    ("WILL", "c4nary-will"),
    ("TOKEN", "c4nary-token"),
    ("INITIAL", "c4nary-initial"),
    ("PIN", NUMBER),
    ("PIN_AS_ANOTHER_WRITES_IT", "0xDEADBEEF"),
    ("ALLOWED", "c4nary-allowed"),
    ("PATTERN", "c4nary-pattern"),
    ("PLACE", "c4nary-place"),
];

/// `BROKER`, `PASSWORD` and `DIR` are filled in.
const CONFIGURATION: &str = r#"
version: 1
ble: { adapter: virtual }
mqtt:
  BROKER
  client_id: watched
  username: bob
  password: PASSWORD
  birth: { topic: alive, payload: "${BIRTH}" }
  will: { topic: alive, payload: "${WILL}" }
  events: events
  rejected: rejected
documents:
  all:
    state: all
    command: all/set
    constants: { token: "${TOKEN}" }
console: { listen: "127.0.0.1:0", token: "${CONSOLE_TOKEN}" }
services:
  - name: Service
    uuid: FF00
    characteristics:
      - name: Key
        uuid: FF01
        access: [read, write]
        security: encrypted
        value: { type: utf8, max_length: 12 }
        mqtt: { state: key, command: key/set }
      - name: Key in the document
        uuid: FF02
        access: [read, write]
        security: encrypted
        value: { type: utf8, max_length: 12, json: /key }
        mqtt: { document: all }
      - name: Beside it
        uuid: FF03
        access: [read, write]
        value: { type: u8, max: 9, json: /beside }
        mqtt: { document: all }
      - name: Initial
        uuid: FF04
        access: [read, write]
        value: { type: utf8, initial: "${INITIAL}" }
        mqtt: { state: initial, command: initial/set }
      - name: Pin
        uuid: FF05
        access: [read, write]
        value: { type: struct, fields: [{ name: pin, type: u32, constant: "${PIN}" }, { name: on, type: u8 }] }
        mqtt: { state: pin, command: pin/set, format: hex }
      - name: With a token
        uuid: FF06
        access: [read, write]
        value: { type: u8, max: 9 }
        mqtt: { state: told, command: told/set, payload: { token: "${TOKEN}", number: $value } }
      - name: Allowed
        uuid: FF07
        access: [read, write]
        value: { type: utf8, allowed: ["${ALLOWED}", other], initial: other }
        mqtt: { state: allowed, command: allowed/set }
      - name: Pattern
        uuid: FF08
        access: [read, write]
        value: { type: utf8, max_length: 40, pattern: "^(${PATTERN}.*)?$", json: /pattern }
        mqtt: { document: all }
      - name: Words
        uuid: FF09
        access: [read, write]
        value: { type: u32, enum: { low: 0, high: "${PIN}" }, json: /words }
        mqtt: { document: all }
      - name: Range
        uuid: FF0A
        access: [read, write]
        value: { type: u32, max: "${PIN}" }
        mqtt: { state: range, command: range/set }
      - name: Place
        uuid: FF0B
        access: [read, write]
        value: { type: u8, json: "/${PLACE}" }
        mqtt: { document: all }
      - name: Nested
        uuid: FF0C
        access: [read, write]
        value:
          type: struct
          fields:
            - { name: all, type: array, max_items: 2, items: { type: u32, allowed: ["${PIN}", 0] } }
        mqtt: { state: nested, command: nested/set }
      - name: Answering
        uuid: FF0D
        access: [write, indicate]
        value: { type: u8 }
        response: { value: { type: utf8, allowed: ["${ALLOWED}", no] }, accepted: no, refused: no }
        mqtt: { state: answering }
"#;

/// What comes in on topics: what is taken, and what is refused.
const TAKEN: [(&str, &str); 4] = [
    ("key/set", "\"c4nary-taken\""),
    ("all/set", "{\"key\": \"c4nary-taken\", \"beside\": 1}"),
    ("pin/set", "efbeadde01"),
    ("told/set", "{\"token\": \"c4nary-token\", \"number\": 1}"),
];
const REFUSED: [(&str, &str); 11] = [
    ("key/set", "c4nary, and no JSON"),
    ("key/set", "\"c4nary-longer\""),
    ("all/set", "{\"key\": [\"c4nary\"]}"),
    ("all/set", "{\"key\": \"c4nary\", \"beside\": 77}"),
    ("pin/set", "0100000001"),
    ("told/set", "{\"token\": \"c4nary-token\", \"number\": 77}"),
    ("told/set", "{\"token\": \"c4nary-token\""),
    ("allowed/set", "\"open\""),
    ("all/set", "{\"pattern\": \"open\"}"),
    ("all/set", "{\"words\": \"open\"}"),
    ("range/set", "4294967295"),
];

/// The forms in which bytes are shown: as text, in hexadecimal digits, as a list of numbers.
fn assert_silent(what: &str, said: &str) {
    let listed = |of: fn(&u8) -> String, between: &str| {
        let digits: Vec<String> = CANARY.as_bytes().iter().map(of).collect();
        digits.join(between)
    };
    let hex: fn(&u8) -> String = |byte| format!("{byte:02x}");
    let upper: fn(&u8) -> String = |byte| format!("{byte:02X}");
    let octet: fn(&u8) -> String = u8::to_string;
    let forms = [
        CANARY.to_owned(),
        listed(hex, ""),
        listed(hex, " "),
        listed(upper, ""),
        listed(upper, " "),
        listed(octet, ", "),
        NUMBER.to_owned(),
        // Little-endian, as on the air.
        "efbeadde".to_owned(),
        "239, 190, 173, 222".to_owned(),
    ];
    for form in forms {
        let line = said.lines().find(|line| line.contains(&form));
        assert_eq!(line, None, "{what} shows {form:?}");
    }
}

/// The program itself.
struct Process {
    child: Child,
    said: Arc<Lines>,
    readers: Vec<thread::JoinHandle<()>>,
}

impl Process {
    /// Everything is logged that anything in the process can say.
    fn start(config: &Path, format: &str) -> Self {
        let mut child = command()
            .args([
                "--log",
                "trace,bemo_sync=trace",
                "--log-format",
                format,
                "--config",
            ])
            .arg(config)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program was built");
        let said = Arc::new(Lines::default());
        let out: Box<dyn Read + Send> = Box::new(child.stdout.take().expect("it is piped"));
        let err: Box<dyn Read + Send> = Box::new(child.stderr.take().expect("it is piped"));
        let readers = [out, err].map(|stream| {
            let said = said.clone();
            thread::spawn(move || {
                let lines = BufReader::new(stream).lines().map_while(Result::ok);
                lines.for_each(|line| said.push(line));
            })
        });
        Self {
            child,
            said,
            readers: readers.into(),
        }
    }

    /// Stops it as an operator does, and returns all that it has said.
    fn stop(mut self) -> String {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("it runs");
        assert_eq!(self.child.wait().expect("it was ours").code(), Some(0));
        for reader in self.readers.drain(..) {
            reader.join().expect("it only reads");
        }
        self.said.all().join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bemo-sync"));
    command
        .envs(ENVIRONMENT)
        .env_remove("BEMO_SYNC_LOG")
        .env_remove("STATE_DIRECTORY")
        .env(
            "XDG_STATE_HOME",
            concat!(env!("CARGO_TARGET_TMPDIR"), "/canary"),
        );
    command
}

/// A broker with TLS on one port and without on another, and all the files that a client needs.
struct World {
    broker: Mosquitto,
    tls_port: u16,
}

impl World {
    fn new() -> Self {
        let tls_port = free_port();
        let broker = Mosquitto::configured(|directory| {
            let ca = authority(directory, "ca", "ca");
            certificate(directory, &ca, "server", &["localhost"], Valid::Now);
            certificate(directory, &ca, "client", &[], Valid::Now);
            mosquitto::write(directory, "password", "c4nary-password\n");
            let users = users(directory, &[("bob", "c4nary-password"), ("tap", "tap")]);
            let at = directory.display();
            format!(
                "allow_anonymous false\n{users}listener {tls_port} 127.0.0.1\n\
                 require_certificate true\ncafile {at}/ca.pem\ncertfile {at}/server.pem\n\
                 keyfile {at}/server.key\n"
            )
        });
        Self { broker, tls_port }
    }

    fn tls(&self) -> String {
        let tls = "ca: \"DIR/ca.pem\", certificate: \"DIR/client.pem\", key: \"DIR/client.key\"";
        format!(
            "broker: \"mqtts://localhost:{}\"\n  tls: {{ {tls} }}",
            self.tls_port
        )
    }

    /// A file with the configuration.
    fn file(&self, broker: &str, password: &str) -> std::path::PathBuf {
        let directory = self.broker.directory.path();
        let path = directory.join("canary.yaml");
        let text = CONFIGURATION
            .replace("BROKER", broker)
            .replace("password: PASSWORD", &format!("password: {password}"))
            .replace("DIR", &directory.display().to_string());
        fs::write(&path, text).expect("it can be written");
        path
    }

    fn tap(&self) -> Tap {
        Tap::connect_as(self.broker.port, "tap", Some(("tap", "tap")))
    }

    /// No line of the key of our own stands anywhere.
    fn assert_no_key(&self, said: &str) {
        let key = fs::read_to_string(self.broker.directory.path().join("client.key"));
        let key = key.expect("it was written");
        let lines = key.lines().filter(|line| !line.starts_with("-----"));
        for line in lines {
            assert!(!said.contains(line), "the key is shown");
        }
    }
}

/// Everything that the console answers, while there is something to answer.
fn all_that_the_console_says(port: u16) -> String {
    let says = |token: &str| Http::to(port).with("Authorization", &format!("Bearer {token}"));
    let http = says("c4nary-of-the-console");
    let mut said = String::new();
    let mut say = |response: http::Response| {
        said.push_str(&format!("{:?}\n{}\n", response.headers, response.body));
        response
    };
    say(says("c4nary-wrong").get("/api/v1/values")).problem(401);
    let wrong = json!({ "token": "c4nary-wrong" });
    say(Http::to(port).post("/api/v1/session", &wrong)).problem(401);
    let right = json!({ "token": "c4nary-of-the-console" });
    say(Http::to(port).post("/api/v1/session", &right)).ok();
    let device = say(http.get("/api/v1/device")).ok();
    let central = say(http.post("/api/v1/centrals", &json!({}))).ok();
    let id = central["id"].to_string();
    let mut events = http.events(&format!("?central={id}"));
    let act = |verb: &str, body: &Json| http.post(&format!("/api/v1/centrals/{id}/{verb}"), body);
    say(act("secure", &json!({ "level": "encrypted" }))).ok();
    for service in device["services"].as_array().expect("services") {
        for characteristic in service["characteristics"]
            .as_array()
            .expect("characteristics")
        {
            let id = characteristic["id"].as_str().expect("an id");
            let value = format!("/api/v1/values/{id}");
            // What is wrong with a value that everybody may see is shown.
            let word = match characteristic["withheld"] == true {
                true => "c4nary",
                false => "open",
            };
            say(http.put(&value, &json!({ "value": word })));
            say(http.put(&value, &json!({ "value": { word: [word] } })));
            say(act("read", &json!({ "characteristic": id })));
            for text in [word.to_owned(), format!("{word}-and-more")] {
                say(act(
                    "write",
                    &json!({ "characteristic": id, "value": text }),
                ));
                let hex = text.bytes().map(|byte| format!("{byte:02x}"));
                let hex: String = hex.collect();
                say(act("write", &json!({ "characteristic": id, "hex": hex })));
            }
            say(http.get(&value)).ok();
            say(http.get(&format!("{value}/history"))).ok();
            say(http.get(&format!("/api/v1/flow?value={id}"))).ok();
        }
    }
    for path in [
        "/",
        "/healthz",
        "/metrics",
        "/api/v1/values",
        "/api/v1/flow",
        "/api/v1/health",
        "/api/v1/centrals",
        "/api/v1/session",
        "/api/v1/openapi.json",
        "/api/v1/c4n",
    ] {
        say(http.get(path));
    }
    // All that has happened has been told when this is.
    let last = json!({ "value": 5 });
    say(http.put("/api/v1/values/service.beside-it", &last)).ok();
    loop {
        let (event, data) = events.next();
        said.push_str(&format!("{event} {data}\n"));
        let is_last = |view: &Json| view["id"] == "service.beside-it" && view["value"] == 5;
        if event == "values"
            && data
                .as_array()
                .is_some_and(|views| views.iter().any(is_last))
        {
            break;
        }
    }
    said
}

#[test]
fn what_is_secret_is_in_nothing_that_the_console_says() {
    let world = World::new();
    let process = Process::start(&world.file(&world.tls(), "c4nary-password"), "text");
    let mut tap = world.tap();
    process.said.wait_for("connected to the MQTT broker");
    // Before that, what is published is lost.
    world.broker.log.wait_for("Sending SUBACK to watched");
    let line = process.said.wait_for("the console is at http://");
    let (_, address) = line.split_once("http://127.0.0.1:").expect("an address");
    let digits = address.split('/').next();
    let port: u16 = digits.and_then(|it| it.parse().ok()).expect("a port");
    for (topic, payload) in TAKEN.into_iter().chain(REFUSED) {
        tap.publish(topic, payload);
    }
    process.said.wait_for("With a token");
    let said = all_that_the_console_says(port);
    // It had something to say.
    for part in [
        "withheld",
        "service.key",
        "\"topic\":\"told/set\"",
        "bemo_sync_centrals 1",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_silent("the console", &said);
    world.assert_no_key(&said);
    let logged = process.stop();
    assert_silent("the log", &logged);
}

const PASSWORDS: [&str; 3] = ["c4nary-password", "\"${PASSWORD}\"", "{ file: password }"];

#[test]
fn what_is_secret_is_used_and_not_logged() {
    let world = World::new();
    for (password, format) in PASSWORDS.into_iter().zip(["text", "json", "text"]) {
        let mut tap = world.tap();
        tap.subscribe("#");
        let process = Process::start(&world.file(&world.tls(), password), format);
        // All of it has been sent.
        let mut missing = BTreeSet::from(["alive", "all", "initial", "pin", "told"]);
        while !missing.is_empty() {
            let message = tap.next();
            if message.retain {
                continue; // What the last one has left.
            }
            let payload = String::from_utf8_lossy(&message.payload).into_owned();
            let secret = match message.topic.as_str() {
                "pin" => "efbeadde",
                "alive" | "all" | "initial" | "told" => CANARY,
                // What is secret of these is what they may be, or nobody has said what they are.
                _ => "",
            };
            assert!(payload.contains(secret), "{message:?}");
            missing.remove(message.topic.as_str());
        }
        for (topic, payload) in TAKEN {
            tap.publish(topic, payload);
        }
        while !tap.next_on("key").contains("c4nary-taken") {}
        for (topic, payload) in REFUSED {
            tap.publish(topic, payload);
            let rejected = tap.next_on("rejected");
            assert!(
                rejected.contains(&format!("\"topic\": \"{topic}\"")),
                "{rejected}"
            );
            assert_silent("what is told of a refusal", &rejected);
        }
        let said = process.stop();
        assert!(tap.next_on("alive").contains("c4nary-will"));
        // The libraries have had their say.
        for part in [
            "mqtt: outgoing publish",
            "Using ciphersuite",
            "mqtt: incoming publish",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert_silent("the log", &said);
        world.assert_no_key(&said);
    }
}

#[test]
fn what_is_secret_is_not_logged_when_there_is_no_connection() {
    let world = World::new();
    let wrong = "c4nary-wrong";
    let nobody = format!("broker: \"127.0.0.1:{}\"", free_port());
    let plain = format!("broker: \"127.0.0.1:{}\"", world.broker.port);
    let no_tls = world
        .tls()
        .replace(&world.tls_port.to_string(), &world.broker.port.to_string());
    let not_encrypted = format!("broker: \"127.0.0.1:{}\"", world.tls_port);
    for (broker, password, why) in [
        (&plain, wrong, "refuses the user"),
        (&nobody, "c4nary-password", "connection refused"),
        (&no_tls, "c4nary-password", "does it speak TLS"),
        (&not_encrypted, "\"${PASSWORD}\"", "does it want TLS"),
    ] {
        let process = Process::start(&world.file(broker, password), "text");
        let line = process.said.wait_for("no connection to the MQTT broker");
        assert!(line.contains(why), "{line}");
        process.said.wait_for("still no connection");
        let said = process.stop();
        assert_silent("the log", &said);
        world.assert_no_key(&said);
    }
}

#[test]
fn what_is_secret_is_in_nothing_that_is_printed() {
    let world = World::new();
    let directory = world.broker.directory.path();
    let print = |arguments: &[&str], config: &Path, code: i32| {
        let output = command()
            .args(["--log", "trace,bemo_sync=trace"])
            .args(arguments)
            .arg("--config")
            .arg(config)
            .output()
            .expect("the program was built");
        let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
        said.push_str(&String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert_silent(&format!("{arguments:?}"), &said);
        world.assert_no_key(&said);
        said
    };
    for password in PASSWORDS {
        let config = world.file(&world.tls(), password);
        let out = directory.join("out");
        let out = out.to_str().expect("it is text");
        for arguments in [
            &["check"][..],
            &["docs"],
            &["docs", "--asyncapi"],
            &["docs", "--acl"],
            &["docs", "--out", out],
            &["schema"],
            &["schema", "--out", out],
            &["--help"],
            &["docs", "--help"],
        ] {
            print(arguments, &config, 0);
        }
        for file in fs::read_dir(out).expect("it was written") {
            let path = file.expect("it is there").path();
            let text = fs::read_to_string(&path).expect("it is text");
            assert_silent(&path.display().to_string(), &text);
        }
    }
    // And in no mistake.
    for (right, wrong) in [
        ("password:", "passwort:"),
        (
            "password: c4nary-password",
            "password: { text: c4nary-password }",
        ),
        ("username: bob\n", ""),
        ("mqtts://localhost", "mqtts://bob:c4nary@localhost"),
        ("mqtts://localhost", "tcp://c4nary@localhost"),
        ("certificate: \"", "certificate: \"nowhere/"),
        ("client.pem", "client.key"),
        ("client.key", "client.pem"),
        ("client.key", "password"),
        ("client.key", "server.key"),
        ("max: 9 }", "max: \"${INITIAL}\" }"),
        ("topic: alive", "topic: \"${TOKEN}/#\""),
        (
            "max: \"${PIN}\"",
            "max: \"${PIN_AS_ANOTHER_WRITES_IT}\", initial: 4294967295",
        ),
        (
            "max: \"${PIN}\"",
            "min: 4294967295, max: \"${PIN_AS_ANOTHER_WRITES_IT}\"",
        ),
        (
            "type: u32, allowed: [\"${PIN}\", 0]",
            "type: u32, max: \"${PIN_AS_ANOTHER_WRITES_IT}\", allowed: [4294967295]",
        ),
        (
            "type: utf8, allowed: [\"${ALLOWED}\", no] }, accepted: no, refused: no",
            "type: u32, max: \"${PIN_AS_ANOTHER_WRITES_IT}\" }, accepted: 4294967295",
        ),
        ("json: /pattern", "json: /pattern, initial: open"),
        ("type: u8,", "type: \"${TOKEN}\","),
        ("token: \"${CONSOLE_TOKEN}\"", "token: c4nary"),
        (
            "token: \"${CONSOLE_TOKEN}\"",
            "token: [c4nary-of-the-console]",
        ),
        ("token: \"${CONSOLE_TOKEN}\"", "tokn: c4nary-of-the-console"),
        (
            "token: \"${CONSOLE_TOKEN}\"",
            "token: \"c4nary of the console\"",
        ),
    ] {
        let config = world.file(&world.tls(), "c4nary-password");
        let text = fs::read_to_string(&config).expect("it was written");
        assert!(text.contains(right), "{right}");
        let mut text = text.replacen(right, wrong, 1);
        if wrong.contains(ANOTHER) {
            // As it is shown, it stands nowhere then.
            text = text.replace("${PIN}", ANOTHER);
        }
        fs::write(&config, text).expect("it can be written");
        for arguments in [&["check"][..], &["docs", "--acl"], &[]] {
            let said = print(arguments, &config, 2);
            assert!(said.contains("canary.yaml:"), "{said}");
        }
    }
}

/// What a central writes over an encrypted link, taken or refused.
#[test]
fn what_only_an_encrypted_link_may_see_is_not_logged() {
    let world = World::new();
    let plain = format!("broker: \"127.0.0.1:{}\"", world.broker.port);
    let yaml = CONFIGURATION
        .replace("BROKER", &plain)
        .replace("password: PASSWORD", "password: c4nary-password");
    // Here nothing is in the environment, and so nothing else is secret.
    let yaml = yaml
        .replace("\"${PIN}\"", "7")
        .replace("${", "open-")
        .replace("}\"", "\"");
    let mut tap = world.tap();
    tap.subscribe("#");
    let bemo = Bemo::connected(&yaml);
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    // A central's calls run on this thread, and what is logged on the way comes to the rest.
    let writer = Writer(bemo.log.clone());
    let _guard = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish()
        .set_default();
    let central = tokio.block_on(bemo.offered::<GattServer>()).connect();
    central.secure(SecurityLevel::Encrypted).unwrap();
    let values: Vec<u16> = ["FF01", "FF02"]
        .map(|uuid| {
            let uuid = uuid.parse().unwrap();
            let services = central.discover();
            let services = services.iter();
            let mut all = services.flat_map(|service| &service.characteristics);
            all.find(|it| it.uuid == uuid).unwrap().handle
        })
        .into();
    for (value, topic) in values.iter().zip(["key", "all"]) {
        tokio
            .block_on(central.write(*value, b"c4nary-taken"))
            .unwrap();
        while !tap.next_on(topic).contains("c4nary-taken") {}
        assert_eq!(central.read(*value).unwrap(), b"c4nary-taken");
        for refused in [&b"c4nary-longer"[..], b"c4nary\xFF"] {
            tokio.block_on(central.write(*value, refused)).unwrap_err();
            assert_silent("what is told of a refusal", &tap.next_on("rejected"));
        }
    }
    let log = bemo.log.clone();
    bemo.stop();
    let said = log.all().join("\n");
    assert!(said.contains("refused: "), "{said}");
    assert!(said.contains("payload=\"(withheld)\""), "{said}");
    assert_silent("the log", &said);
}
