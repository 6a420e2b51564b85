//! A link that asks to be prompted is told of a change before whoever makes it goes on, and fails alone.

#[path = "support/asks.rs"]
mod asks;
#[path = "support/state.rs"]
mod state;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use asks::Asks;
use bemo_sync::codec::{Patch, Value};
use bemo_sync::config::{Placeholders, load_str};
use bemo_sync::engine::{CellId, Change};
use bemo_sync::plan::{LinkPlan, Plan};
use bemo_sync::plugin::{BoxFuture, Failure, Link, Port, Sender};
use bemo_sync::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::yield_now;

const SERVICES: &str = "
version: 1
ble: { adapter: hci4711 }
services:
  - name: Numbers
    uuid: FF00
    characteristics:
      - { name: Number, uuid: FF01, access: [read, write, notify], value: { type: u8 } }
";

/// It takes what there is, and cannot stand this at first.
const UNBEARABLE: i128 = 13;

type Taken = Arc<Mutex<Vec<i128>>>;

struct Prompted {
    taken: Taken,
    runs: UnboundedSender<()>,
    is_hardened: Arc<AtomicBool>,
}

impl Link for Prompted {
    fn name(&self) -> &'static str {
        "prompted"
    }

    fn run(&mut self, port: Port) -> BoxFuture<'_, Result<(), Failure>> {
        let (taken, here) = (self.taken.clone(), port.clone());
        let is_hardened = self.is_hardened.clone();
        self.runs.send(()).expect("the test waits for it");
        let pull = move || {
            while let Some(effect) = here.pull() {
                let Value::Int(number) = effect.value else {
                    continue;
                };
                here.delivered(effect.cell, effect.ticket);
                assert!(number != UNBEARABLE || is_hardened.swap(true, Ordering::Relaxed));
                taken.lock().unwrap().push(number);
            }
        };
        Box::pin(async move {
            tokio::select! {
                never = port.prompted(pull) => match never {},
                _ = port.stopped() => Ok(()),
            }
        })
    }
}

struct World {
    runtime: Runtime,
    taken: Taken,
    runs: UnboundedReceiver<()>,
    port: Port,
}

impl World {
    async fn new() -> Self {
        let host = Placeholders::new(Vec::new());
        let loaded = load_str(
            Path::new("test.yaml"),
            SERVICES,
            &state::environment(),
            host,
        );
        let mut plan: Plan = loaded.unwrap_or_else(|mistakes| panic!("{mistakes}")).plan;
        let taken = Taken::default();
        let ((told, mut runs), (asks, mut ports)) = (unbounded_channel(), unbounded_channel());
        plan.links[0].candidates = vec![Box::new(Prompted {
            taken: taken.clone(),
            runs: told,
            is_hardened: Arc::default(),
        })];
        plan.links.push(LinkPlan {
            section: "asks",
            candidates: vec![Box::new(Asks(asks))],
        });
        let runtime = Runtime::start(plan);
        let port = ports.recv().await.expect("it runs");
        runs.recv().await.expect("it runs");
        Self {
            runtime,
            taken,
            runs,
            port,
        }
    }

    /// What the other link has taken last when the change has been made.
    fn set(&self, number: i128) -> Option<i128> {
        let change = Change::Rounded(Patch::Set(Value::Int(number)));
        let sender = Sender::nobody();
        let asked = self.port.request(CellId::new(0), change, &sender);
        asked.expect("it is no fault of who asks");
        self.last()
    }

    fn last(&self) -> Option<i128> {
        self.taken.lock().unwrap().last().copied()
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_is_taken_before_who_made_it_goes_on() {
    let world = World::new().await;
    assert_eq!(world.set(1), Some(1));
    assert_eq!(world.set(2), Some(2));
    world.runtime.stop().await;
}

#[tokio::test(start_paused = true)]
async fn who_panics_when_prompted_is_run_again_and_the_other_never_notices() {
    let mut world = World::new().await;
    assert_eq!(world.set(1), Some(1));
    assert_eq!(world.set(UNBEARABLE), Some(1));
    world.runs.recv().await.expect("it is run again");
    while world.last() != Some(UNBEARABLE) {
        yield_now().await;
    }
    assert_eq!(world.set(2), Some(2));
    world.runtime.stop().await;
}
