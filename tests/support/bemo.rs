//! bemo-sync in a thread of the test, with a link of the test's own beside those that are declared: it
//! writes as a central would, and hears what subscribers would.

// Each test binary uses a part of this.
#![allow(dead_code)]

#[path = "state.rs"]
mod state;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bemo_sync::codec::{Value, Violation};
use bemo_sync::config::{Placeholders, load_str};
use bemo_sync::engine::{Accepted, Carries, CellId, Change, LinkId, PeerId, Subscription};
use bemo_sync::gatt::server::{Central, GattServer};
use bemo_sync::plan::{LinkPlan, Plan};
use bemo_sync::plugin::{BoxFuture, Failure, Link, Notices, Port, Sender};
use bemo_sync::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::Level;
use tracing_subscriber::util::SubscriberInitExt;

use super::lines::{Lines, Writer};
use super::mosquitto::PATIENCE;

pub struct Bemo {
    port: Port,
    heard: Receiver<(CellId, Value)>,
    /// Everything that was logged, down to TRACE, by this program and by the libraries below it.
    pub log: Arc<Lines>,
    end: Option<oneshot::Sender<End>>,
    thread: Option<JoinHandle<()>>,
}

enum End {
    Stop,
    /// As if the process were killed.
    Drop,
}

/// The plan of a configuration without mistakes.
pub fn plan(yaml: &str) -> Plan {
    let host = Placeholders::new(vec![
        ("hostname", "raspberrypi".to_owned()),
        ("machine_id", "0123456789abcdef0123456789abcdef".to_owned()),
        ("mac", "aabbccddeeff".to_owned()),
    ]);
    match load_str(Path::new("test.yaml"), yaml, &state::environment(), host) {
        Ok(loaded) => loaded.plan,
        Err(mistakes) => panic!("{mistakes}"),
    }
}

/// A configuration with this section `mqtt` and one characteristic for each line.
pub fn yaml(mqtt: &str, characteristics: &[&str]) -> String {
    let mut yaml = format!(
        "version: 1\nmqtt: {mqtt}\nservices:\n  - name: Service\n    uuid: 180F\n    characteristics:\n"
    );
    for (index, characteristic) in characteristics.iter().enumerate() {
        yaml.push_str(&format!(
            "      - {{ name: Value {index}, uuid: {:04x}, {characteristic} }}\n",
            0xA000 + index
        ));
    }
    yaml
}

impl Bemo {
    pub fn start(yaml: &str) -> Self {
        Self::run(plan(yaml))
    }

    pub fn run(mut plan: Plan) -> Self {
        let link = LinkId::new(plan.links.len());
        for cell in 0..plan.cells.len() {
            plan.subscribe(Subscription::new(
                link,
                CellId::new(cell),
                Carries::StateOfOthers,
            ));
        }
        let (ports, port) = channel();
        let (hears, heard) = channel();
        let hand = Hand { ports, hears };
        plan.links.push(LinkPlan {
            section: "hand",
            candidates: vec![Box::new(hand)],
        });
        let log = Arc::new(Lines::default());
        let writer = Writer(log.clone());
        let (end, ended) = oneshot::channel();
        let thread = thread::spawn(move || {
            let _guard = tracing_subscriber::fmt()
                .with_max_level(Level::TRACE)
                .with_ansi(false)
                .with_writer(move || writer.clone())
                .finish()
                .set_default();
            let tokio = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            tokio.block_on(async {
                let runtime = Runtime::start(plan);
                match ended.await {
                    Ok(End::Stop) => runtime.stop().await,
                    Ok(End::Drop) | Err(_) => drop(runtime),
                }
            });
        });
        Self {
            port: port.recv_timeout(PATIENCE).expect("the link starts"),
            heard,
            log,
            end: Some(end),
            thread: Some(thread),
        }
    }

    /// Starts and waits for its broker.
    pub fn connected(yaml: &str) -> Self {
        let bemo = Self::start(yaml);
        bemo.log
            .wait_for("INFO bemo_sync::plugins::mqtt::client: connected to");
        bemo
    }

    /// What a central's write does.
    pub fn write(&self, cell: usize, value: Value) -> Result<Accepted, Violation> {
        let change = Change::Set(value);
        let sender = Sender {
            peer: Some(PeerId(1)),
            ..Sender::nobody()
        };
        self.port.request(CellId::new(cell), change, &sender)
    }

    pub fn value(&self, cell: usize) -> Option<Value> {
        self.port.value(CellId::new(cell))
    }

    /// The port of the test's own link.
    pub fn port(&self) -> &Port {
        &self.port
    }

    /// What is announced from now on.
    pub fn notices(&self) -> Notices {
        self.port.notices()
    }

    /// What a link has offered: the virtual adapter, say.
    pub async fn offered<T: std::any::Any + Send + Sync>(&self) -> Arc<T> {
        self.port.offered().await
    }

    /// A central of the virtual adapter.
    pub fn central(&self) -> Central {
        let tokio = tokio::runtime::Builder::new_current_thread().build();
        tokio
            .unwrap()
            .block_on(self.offered::<GattServer>())
            .connect()
    }

    /// What subscribers hear next.
    pub fn next_heard(&self) -> (usize, Value) {
        let (cell, value) = self
            .heard
            .recv_timeout(PATIENCE)
            .expect("something is heard");
        (cell.index(), value)
    }

    pub fn hears_nothing_for(&self, while_: Duration) -> bool {
        self.heard.recv_timeout(while_).is_err()
    }

    /// Stops in good order, and says how long that took.
    pub fn stop(mut self) -> Duration {
        let before = Instant::now();
        self.end(End::Stop);
        before.elapsed()
    }

    /// Ends without any order.
    pub fn abort(mut self) {
        self.end(End::Drop);
    }

    fn end(&mut self, end: End) {
        if let (Some(ending), Some(thread)) = (self.end.take(), self.thread.take()) {
            let _ = ending.send(end);
            let ended = thread.join();
            assert!(ended.is_ok() || thread::panicking(), "it has panicked");
        }
    }
}

impl Drop for Bemo {
    fn drop(&mut self) {
        self.end(End::Drop);
    }
}

/// The test's own link.
struct Hand {
    ports: std::sync::mpsc::Sender<Port>,
    hears: std::sync::mpsc::Sender<(CellId, Value)>,
}

impl Link for Hand {
    fn name(&self) -> &'static str {
        "hand"
    }

    fn run(&mut self, port: Port) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async move {
            // What there is from the start is no news.
            while let Some(effect) = port.pull() {
                port.delivered(effect.cell, effect.ticket);
            }
            let _ = self.ports.send(port.clone());
            loop {
                tokio::select! {
                    () = port.changed() => while let Some(effect) = port.pull() {
                        port.delivered(effect.cell, effect.ticket);
                        let _ = self.hears.send((effect.cell, effect.value));
                    },
                    _ = port.stopped() => return Ok(()),
                }
            }
        })
    }
}
