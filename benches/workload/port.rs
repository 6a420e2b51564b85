//! The same through a [`Port`]: what a link has to pay.

use std::hint::black_box;
use std::sync::mpsc::{Sender as Ports, channel};
use std::time::Duration;

use bemo_sync::codec::{Patch, Value};
use bemo_sync::engine::{
    Ack, Carries, CellId, Change, Delivery, LinkId, Mark, Owner, PeerId, Subscription,
};
use bemo_sync::plan::{CellPlan, LinkPlan, Plan};
use bemo_sync::plugin::{BoxFuture, Failure, Link, Port, Sender};
use bemo_sync::runtime::Runtime;
use tokio::runtime::Builder;

use super::Round;
use super::table::{MAX, number};

/// As for the engine alone.
const SECTIONS: [&str; 4] = ["store", "ble", "mqtt", "ticker"];
const BLE: usize = 1;
const MQTT: usize = 2;

/// The program at work, with links of ours. Its loop stands still while it is measured.
pub struct Bench {
    pub ports: Vec<Port>,
    values: usize,
    at: usize,
    number: i128,
    runtime: Option<Runtime>,
    tokio: tokio::runtime::Runtime,
}

/// A link that gives its port away.
struct Hand(Ports<Port>);

impl Link for Hand {
    fn name(&self) -> &'static str {
        "hand"
    }

    fn run(&mut self, port: Port) -> BoxFuture<'_, Result<(), Failure>> {
        let _ = self.0.send(port.clone());
        Box::pin(async move {
            port.stopped().await;
            Ok(())
        })
    }
}

fn cell(index: usize, owner: Owner) -> CellPlan {
    CellPlan {
        name: format!("Value {index}"),
        spec: number(),
        json: None,
        initial: Some(Value::Int(0)),
        is_from_environment: false,
        is_place_from_environment: false,
        restored: None,
        constant: false,
        owner,
        confirm_within: Duration::from_secs(2),
        delivery: Delivery::Latest,
        valid_for: None,
        expires: None,
        response: None,
        answers_only: false,
        with: Vec::new(),
        ack: Ack::Journaled,
        owed: Vec::new(),
    }
}

impl Bench {
    pub fn new(owner: Owner, values: usize) -> Self {
        let (ports, given) = channel();
        let mut plan = Plan {
            cells: (0..values).map(|index| cell(index, owner)).collect(),
            ..Plan::default()
        };
        for section in SECTIONS {
            plan.links.push(LinkPlan {
                section,
                candidates: vec![Box::new(Hand(ports.clone()))],
            });
        }
        let at_broker = match owner {
            Owner::Here => Carries::State,
            Owner::Remote(_) => Carries::Requests,
        };
        for index in 0..values {
            let roles = [Carries::Kept, Carries::State, at_broker];
            for (to, carries) in roles.into_iter().enumerate() {
                plan.subscribe(Subscription {
                    acknowledges: to == MQTT,
                    ..Subscription::new(LinkId::new(to), CellId::new(index), carries)
                });
            }
        }
        let tokio = Builder::new_current_thread().enable_time().build();
        let tokio = tokio.expect("a runtime of tokio's");
        let runtime = tokio.block_on(async {
            let runtime = Runtime::start(plan);
            tokio::task::yield_now().await;
            runtime
        });
        let mut ports: Vec<Port> = (0..SECTIONS.len())
            .map(|_| given.recv().expect("each link is run"))
            .collect();
        ports.sort_by_key(Port::link);
        let mut bench = Self {
            ports,
            values,
            at: 0,
            number: 0,
            runtime: Some(runtime),
            tokio,
        };
        bench.deliver();
        bench
    }

    fn next(&mut self) -> CellId {
        self.at = (self.at + 7919) % self.values;
        self.number = (self.number + 1) % (MAX + 1);
        CellId::new(self.at)
    }

    /// All links take everything, and all of it arrives.
    fn deliver(&mut self) {
        for port in &self.ports {
            while let Some(effect) = port.pull() {
                black_box(&effect);
                port.delivered(effect.cell, effect.ticket);
            }
        }
    }

    pub fn write(&mut self) {
        let cell = self.next();
        let sender = Sender {
            peer: Some(PeerId(1)),
            by: Some("00:AA:01:01:00:01"),
            ..Sender::nobody()
        };
        let promise = self.ports[BLE].write(cell, Value::Int(self.number), &sender);
        assert!(black_box(promise).is_ok());
        self.deliver();
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            self.tokio.block_on(async { drop(runtime) });
        }
    }
}

pub fn write(values: usize) -> Round {
    let mut bench = Bench::new(Owner::Here, values);
    Box::new(move || bench.write())
}

pub fn same_command(values: usize) -> Round {
    let mut bench = Bench::new(Owner::Here, values);
    Box::new(move || {
        let cell = bench.next();
        let change = Change::Rounded(Patch::Set(Value::Int(0)));
        let sender = Sender {
            by: Some("number/set"),
            payload: b"{\"number\": 0}",
            ..Sender::nobody()
        };
        let request = bench.ports[MQTT].request(cell, change, &sender);
        assert!(black_box(request).is_ok());
    })
}

pub fn report(values: usize) -> Round {
    let mut bench = Bench::new(Owner::Remote(LinkId::new(MQTT)), values);
    Box::new(move || {
        let cell = bench.next();
        let patch = Patch::Set(Value::Int(bench.number));
        let sender = Sender {
            by: Some("number/changed"),
            payload: b"{\"number\": 0}",
            ..Sender::nobody()
        };
        let report = bench.ports[MQTT].report(cell, patch, Mark::Foreign, &sender);
        assert!(black_box(report).is_ok());
        bench.deliver();
    })
}
