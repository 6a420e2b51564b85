//! Events of a value whose every event counts, while those are not there who would hear of them: where
//! nobody can be listening, they are over and keep nobody waiting.

#[path = "support/asks.rs"]
mod asks;
#[path = "support/state.rs"]
mod state;

use std::path::Path;

use asks::Asks;
use bemo_sync::codec::{Cause, Patch, Value, Violation};
use bemo_sync::config::{Placeholders, load_str};
use bemo_sync::engine::{Accepted, CellId, Change, Delivery, LinkId, WhenFull};
use bemo_sync::plan::{LinkPlan, Plan};
use bemo_sync::plugin::{BoxFuture, Failure, Link, Port, Sender};
use bemo_sync::runtime::Runtime;
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::yield_now;

const ROOM: usize = 4;

/// An adapter that no machine has.
const EVENTS: &str = "
version: 1
ble: { adapter: hci4711 }
services:
  - name: Events
    uuid: FF00
    characteristics:
      - { name: Event, uuid: FF01, access: [read, write, notify], value: { type: u8 } }
";

/// Never works.
struct Fails {
    carries_over: bool,
}

impl Link for Fails {
    fn name(&self) -> &'static str {
        "fails"
    }

    fn run(&mut self, _: Port) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async { Err(Failure::new("it is not there")) })
    }

    fn carries_over(&self) -> bool {
        self.carries_over
    }
}

/// The plan with every event of its value, after a change.
fn plan(change: impl FnOnce(&mut Plan)) -> Plan {
    let host = Placeholders::new(Vec::new());
    let loaded = load_str(Path::new("test.yaml"), EVENTS, &state::environment(), host);
    let mut plan = loaded.unwrap_or_else(|mistakes| panic!("{mistakes}")).plan;
    plan.cells[0].delivery = Delivery::Every {
        room: ROOM,
        when_full: WhenFull::Reject,
    };
    change(&mut plan);
    plan
}

/// What becomes of one more event than there is room for, and one that is under way.
async fn ask(mut plan: Plan) -> Result<Accepted, Violation> {
    let (asks, mut ports) = unbounded_channel();
    plan.links.push(LinkPlan {
        section: "asks",
        candidates: vec![Box::new(Asks(asks))],
    });
    let runtime = Runtime::start(plan);
    let port = ports.recv().await.expect("it runs");
    let mut last = Ok(Accepted::Unchanged);
    for number in 0..ROOM + 2 {
        for _ in 0..20 {
            yield_now().await;
        }
        let change = Change::Rounded(Patch::Set(Value::Int(number as i128)));
        last = port.request(CellId::new(0), change, &Sender::nobody());
    }
    runtime.stop().await;
    last
}

#[tokio::test]
async fn without_an_adapter_no_event_is_refused() {
    assert!(ask(plan(|_| {})).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn while_a_link_pauses_after_a_failure_events_wait_only_if_it_carries_them_over() {
    for carries_over in [false, true] {
        let failing = plan(|plan| {
            plan.links[0].candidates = vec![Box::new(Fails { carries_over })];
            assert!(plan.mentions(LinkId::new(0)));
        });
        let refused = ask(failing).await.err().map(|refused| refused.cause);
        assert_eq!(refused, carries_over.then_some(Cause::QueueFull));
    }
}
