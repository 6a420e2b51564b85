//! A broker that moves to another address of its name, or to another address under it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;

use rustix::process::Signal;
use tempfile::TempDir;

use super::bemo::{Bemo, yaml};
use super::lines::Lines;
use super::mosquitto::Mosquitto;
use super::tap::Tap;
use super::{NUMBER_HERE, int};

/// The program with a list of hosts of its own.
struct Elsewhere {
    child: Child,
    log: Arc<Lines>,
    directory: TempDir,
}

impl Elsewhere {
    fn start(port: u16) -> Self {
        let directory = TempDir::new().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let more = "client_id: bemo, answer_within: 1s, retry_within: 1s";
        let section = format!("{{ broker: \"broker.test:{port}\", {more} }}");
        let config = directory.path().join("services.yaml");
        fs::write(&config, yaml(&section, &[NUMBER_HERE])).unwrap();
        let hosts = directory.path().join("hosts");
        fs::write(&hosts, "127.0.0.1 broker.test\n").unwrap();
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
    let moving = Elsewhere::start(old.port);
    moving.log.wait_for("connected to the MQTT broker");
    old.log.wait_for("Sending PUBACK to bemo");
    // Its machine is gone without a word: nothing says that this connection is none any more.
    old.signal(Signal::STOP);
    moving.move_to("127.0.0.2");
    moving.log.wait_for_count("connected to the MQTT broker", 2);
    let mut tap = Tap::on_everything(new.port);
    assert_eq!(tap.next_on("number/changed"), "{\"number\": 1}");
}

#[test]
fn every_address_of_a_name_is_tried() {
    use std::net::ToSocketAddrs;
    let mut addresses = ("localhost", 1).to_socket_addrs().unwrap();
    if !addresses.any(|it| it.is_ipv6()) {
        eprintln!("skipped: localhost has one address here");
        return;
    }
    let mut broker = Mosquitto::start();
    let port = broker.port;
    let section = format!("{{ broker: \"localhost:{port}\", client_id: bemo }}");
    let bemo = Bemo::connected(&yaml(&section, &[NUMBER_HERE]));
    broker.kill();
    let other = Mosquitto::configured(|_| format!("allow_anonymous true\nlistener {port} ::1\n"));
    bemo.log.wait_for_count("connected to the MQTT broker", 2);
    bemo.write(0, int(7)).unwrap();
    let mut tap = Tap::on_everything(other.port);
    while tap.next_on("number/changed") != "{\"number\": 7}" {}
}
