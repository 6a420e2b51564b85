//! Those who are measured, and how each is started.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use std::time::Instant;
use tempfile::TempDir;

use crate::Result;
use crate::air::now;
use crate::broker::free_port;

/// So many characteristics has the large configuration.
pub const MANY: usize = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contender {
    /// (a), latest wins.
    Bridge,
    /// (a), every value.
    BridgeEvery,
    /// (a) with D-Bus signals for notifications.
    Callback,
    /// (b)
    Python,
    /// (c)
    Bemo,
    /// (c) with `delivery: every`.
    BemoEvery,
    /// (c) without console and embedded broker.
    BemoBare,
    /// (d)
    BemoMany,
    /// (c) with the ticker that the others go without.
    BemoTicker,
}

use Contender::*;

impl Contender {
    pub const ALL: [Self; 9] = [
        Bridge,
        Callback,
        Python,
        Bemo,
        BemoMany,
        BemoBare,
        BridgeEvery,
        BemoEvery,
        BemoTicker,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Bridge => "bridge",
            BridgeEvery => "bridge-every",
            Callback => "bridge-callback",
            Python => "python",
            Bemo => "bemo",
            BemoEvery => "bemo-every",
            BemoBare => "bemo-bare",
            BemoMany => "bemo-many",
            BemoTicker => "bemo-ticker",
        }
    }

    /// Whether it tells every value and not just the newest. Python's queues have no end, so it is one of them.
    pub fn tells_every(self) -> bool {
        matches!(self, BridgeEvery | Python | BemoEvery)
    }

    fn command(self, repository: &Path, port: u16, directory: &TempDir) -> Result<Command> {
        let binaries = repository.join("target/bench/bin");
        let bridge = |form: &str| {
            let mut command = Command::new(binaries.join("bridge"));
            command.arg(port.to_string()).arg(form);
            command
        };
        let bemo = |binary: &str| -> Result<Command> {
            let config = directory.path().join("services.yaml");
            fs::write(&config, self.services_yaml(repository, port)?)?;
            let mut command = Command::new(binaries.join(binary));
            command.arg("--config").arg(config);
            command.env("XDG_STATE_HOME", directory.path());
            command.env_remove("STATE_DIRECTORY");
            Ok(command)
        };
        Ok(match self {
            Bridge => bridge("latest"),
            BridgeEvery => bridge("every"),
            Callback => bridge("callback"),
            Python => {
                let mut command = Command::new("/usr/bin/python3");
                command.arg(repository.join("benches/bridge/bridge.py"));
                command.arg(port.to_string());
                command.env("PYTHONPATH", repository.join("target/bench/python"));
                command.env("PYTHONDONTWRITEBYTECODE", "1");
                command
            }
            Bemo | BemoEvery | BemoMany | BemoTicker => bemo("bemo-sync")?,
            BemoBare => bemo("bemo-sync-bare")?,
        })
    }

    /// The demo's configuration with a few words put in the place of others.
    fn services_yaml(self, repository: &Path, port: u16) -> Result<String> {
        const TICKER: &str = "source: { ticker: { every: 1s, step: 1 } }";
        let mut yaml = fs::read_to_string(repository.join("services.yaml"))?;
        let mut replace = |from: &str, to: &str| {
            let found = yaml.matches(from).count();
            yaml = yaml.replacen(from, to, 1);
            match found {
                1 => Ok(()),
                _ => Err(format!("services.yaml has {found} times {from:?}")),
            }
        };
        replace("broker: auto", &format!("broker: 127.0.0.1:{port}"))?;
        // `auto` looks for a controller of the kernel's, and the stand-in has none.
        replace("adapter: auto", "adapter: hci0")?;
        let console = match self {
            BemoBare => String::new(),
            _ => format!("console: {{ listen: \"127.0.0.1:{}\" }}", free_port()?),
        };
        replace("console: {}", &console)?;
        let instead_of_ticker = match self {
            BemoTicker => TICKER,
            // As many as are published at once: what is measured is how fast they go out, not how many wait.
            BemoEvery => "ack: accepted\n        delivery: { every: 4096 }",
            _ => "ack: accepted",
        };
        replace(TICKER, instead_of_ticker)?;
        if self == BemoMany {
            yaml.push_str(&more_services(MANY - 4));
        }
        Ok(yaml)
    }
}

/// Services of ten characteristics each, in the form of the demo's.
fn more_services(characteristics: usize) -> String {
    let mut yaml = String::new();
    for index in 0..characteristics {
        if index % 10 == 0 {
            yaml.push_str(&format!(
                "  - name: Service {index}\n    uuid: 7a4c{index:04x}-999f-4717-b63a-066e06971f59\n    characteristics:\n"
            ));
        }
        yaml.push_str(&format!(
            "      - name: Number {index}\n        uuid: 7a4d{index:04x}-999f-4717-b63a-066e06971f59\n        \
             access: [read, write, notify]\n        \
             value: {{ type: u8, min: 0, max: 255, overflow: wrap, initial: 0 }}\n        \
             mqtt: {{ owner: here, state: number/{index}/changed, command: number/{index}/set, payload: {{ number: $value }} }}\n"
        ));
    }
    yaml
}

/// A contender at work. It ends with this.
pub struct Process {
    child: Child,
    pub started: Instant,
    _directory: TempDir,
}

impl Process {
    pub fn start(
        contender: Contender,
        repository: &Path,
        bus_address: &str,
        broker_port: u16,
    ) -> Result<Self> {
        let directory = TempDir::new()?;
        let mut command = contender.command(repository, broker_port, &directory)?;
        command
            .env("DBUS_SYSTEM_BUS_ADDRESS", bus_address)
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(
                repository.join(format!("target/bench/log/{}.log", contender.name())),
            )?);
        let started = now();
        Ok(Self {
            child: command.spawn()?,
            started,
            _directory: directory,
        })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Why it is of no use any more, if it is not.
    pub fn ended(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok()??;
        Some(status.to_string())
    }

    /// Asks it to end, and waits until it has.
    pub async fn stop(&mut self) -> Result<()> {
        if self.ended().is_none() {
            kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        }
        while self.child.try_wait()?.is_none() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
