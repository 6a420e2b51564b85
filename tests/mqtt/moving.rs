//! A broker whose name leads to another address, or to several.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;

use rustix::process::Signal;
use tempfile::TempDir;

use super::NUMBER_HERE;
use super::bemo::yaml;
use super::lines::Lines;
use super::mosquitto::{Mosquitto, free_port};
use super::tap::Tap;

/// The program with a list of hosts of its own.
struct Elsewhere {
    child: Child,
    log: Arc<Lines>,
    directory: TempDir,
}

impl Elsewhere {
    fn start(port: u16, list: &str) -> Self {
        let directory = TempDir::new().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let more = "client_id: bemo, plaintext: allow, answer_within: 1s, retry_within: 1s";
        let section = format!("{{ broker: \"broker.test:{port}\", {more} }}");
        let config = directory.path().join("services.yaml");
        fs::write(&config, yaml(&section, &[NUMBER_HERE])).unwrap();
        let hosts = directory.path().join("hosts");
        fs::write(&hosts, list).unwrap();
        // Only this process and its children see the other list.
        let script = format!(
            "mount --bind {} /etc/hosts && exec {} --config {}",
            hosts.display(),
            env!("CARGO_BIN_EXE_bemo-sync"),
            config.display()
        );
        let mut child = Command::new("unshare")
            .args(["--map-root-user", "--mount", "sh", "-c", &script])
            .stderr(Stdio::piped())
            .spawn()
            .expect("util-linux is installed");
        let log = Arc::new(Lines::default());
        let (output, lines) = (child.stderr.take().unwrap(), log.clone());
        thread::spawn(move || {
            let read = BufReader::new(output).lines().map_while(Result::ok);
            read.for_each(|line| lines.push(line));
        });
        Self {
            child,
            log,
            directory,
        }
    }

    fn move_to(&self, address: &str) {
        let hosts = self.directory.path().join("hosts");
        fs::write(hosts, format!("{address} broker.test\n")).unwrap();
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Some containers let nobody have a list of hosts of his own.
fn can_have_own_hosts() -> bool {
    let tried = Command::new("unshare")
        .args([
            "--map-root-user",
            "--mount",
            "mount",
            "--bind",
            "/etc",
            "/etc",
        ])
        .status();
    tried.is_ok_and(|status| status.success())
}

#[test]
fn a_name_that_leads_elsewhere_is_followed() {
    if !can_have_own_hosts() {
        eprintln!("skipped: there can be no list of hosts of its own here");
        return;
    }
    let old = Mosquitto::start();
    let new = Mosquitto::configured(|_| {
        format!("allow_anonymous true\nlistener {} 127.0.0.2\n", old.port)
    });
    let moving = Elsewhere::start(old.port, "127.0.0.1 broker.test\n");
    moving.log.wait_for("connected to the MQTT broker");
    old.log.wait_for("Sending PUBACK to bemo");
    // Its machine is gone without a word: nothing says that this connection is none any more.
    old.signal(Signal::STOP);
    moving.move_to("127.0.0.2");
    moving.log.wait_for_count("connected to the MQTT broker", 2);
    let mut tap = Tap::on_everything(new.port);
    assert_eq!(tap.next_on("number/changed"), "{\"number\": 1}");
}

/// Nobody listens at the first of two.
#[test]
fn every_address_of_a_name_is_tried() {
    if !can_have_own_hosts() {
        eprintln!("skipped: there can be no list of hosts of its own here");
        return;
    }
    let port = free_port();
    let broker =
        Mosquitto::configured(|_| format!("allow_anonymous true\nlistener {port} 127.0.0.3\n"));
    let list = "127.0.0.1 broker.test\n127.0.0.3 broker.test\n";
    let moving = Elsewhere::start(port, list);
    moving.log.wait_for("connected to the MQTT broker");
    assert_eq!(moving.log.count("no connection"), 0);
    broker.log.wait_for("Sending PUBACK to bemo");
}
