//! The runtime keeps links apart: one that fails is run again, and the others never notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bemo_sync::plan::{LinkPlan, Plan};
use bemo_sync::plugin::{Availability, BoxFuture, Failure, Link, Port};
use bemo_sync::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep};

/// A link that does what its script says: one word for each time that it is run.
struct Scripted {
    script: &'static [&'static str],
    runs: usize,
    there: Arc<AtomicU32>,
    said: UnboundedSender<String>,
    name: &'static str,
}

impl Link for Scripted {
    fn name(&self) -> &'static str {
        self.name
    }

    fn available(&mut self) -> BoxFuture<'_, Availability> {
        let there = self.there.load(Ordering::Relaxed) != 0;
        Box::pin(async move {
            if there {
                Availability::Ready
            } else {
                Availability::Absent("it is not there".to_owned())
            }
        })
    }

    fn run(&mut self, port: Port) -> BoxFuture<'_, Result<(), Failure>> {
        let word = self.script.get(self.runs).copied().unwrap_or("work");
        self.runs += 1;
        Box::pin(async move {
            self.said.send(format!("{} {word}", self.name)).unwrap();
            match word {
                "fail" => Err(Failure::new("as the script says")),
                "panic" => panic!("as the script says"),
                _ => {
                    port.stopped().await;
                    self.said.send(format!("{} stops", self.name)).unwrap();
                    Ok(())
                }
            }
        })
    }
}

struct Stage {
    plan: Plan,
    said: UnboundedReceiver<String>,
    sayer: UnboundedSender<String>,
}

impl Stage {
    fn new() -> Self {
        let (sayer, said) = unbounded_channel();
        let plan = Plan {
            device_name: "device".to_owned(),
            ..Plan::default()
        };
        Self { plan, said, sayer }
    }

    fn candidate(
        &self,
        name: &'static str,
        script: &'static [&'static str],
        there: &Arc<AtomicU32>,
    ) -> Box<dyn Link> {
        let (there, said) = (there.clone(), self.sayer.clone());
        Box::new(Scripted {
            script,
            runs: 0,
            there,
            said,
            name,
        })
    }

    fn link(&mut self, candidates: Vec<Box<dyn Link>>) {
        self.plan.links.push(LinkPlan {
            section: "scripted",
            candidates,
        });
    }
}

fn there(is_there: u32) -> Arc<AtomicU32> {
    Arc::new(AtomicU32::new(is_there))
}

#[tokio::test(start_paused = true)]
async fn a_link_that_fails_or_panics_is_run_again_and_the_other_never_notices() {
    let mut stage = Stage::new();
    let broken = stage.candidate("broken", &["fail", "panic", "fail"], &there(1));
    let sound = stage.candidate("sound", &[], &there(1));
    stage.link(vec![broken]);
    stage.link(vec![sound]);
    let Stage { plan, mut said, .. } = stage;
    let runtime = Runtime::start(plan);
    let mut heard = Vec::new();
    while heard.last().is_none_or(|word| word != "broken work") {
        heard.push(said.recv().await.unwrap());
    }
    let of_broken: Vec<_> = heard
        .iter()
        .filter(|word| word.starts_with("broken"))
        .collect();
    assert_eq!(
        of_broken,
        ["broken fail", "broken panic", "broken fail", "broken work"]
    );
    assert_eq!(
        heard
            .iter()
            .filter(|word| word.starts_with("sound"))
            .count(),
        1
    );
    runtime.stop().await;
    let mut last = [said.recv().await.unwrap(), said.recv().await.unwrap()];
    last.sort();
    assert_eq!(last, ["broken stops", "sound stops"]);
}

#[tokio::test(start_paused = true)]
async fn the_second_choice_works_until_the_first_is_there() {
    let mut stage = Stage::new();
    let is_there = there(0);
    let first = stage.candidate("first", &[], &is_there);
    let second = stage.candidate("second", &[], &there(1));
    stage.link(vec![first, second]);
    let Stage { plan, mut said, .. } = stage;
    let runtime = Runtime::start(plan);
    assert_eq!(said.recv().await.unwrap(), "second work");
    is_there.store(1, Ordering::Relaxed);
    assert_eq!(said.recv().await.unwrap(), "first work");
    runtime.stop().await;
    assert_eq!(said.recv().await.unwrap(), "first stops");
}

#[tokio::test(start_paused = true)]
async fn without_any_choice_the_first_waits_by_itself() {
    let mut stage = Stage::new();
    let first = stage.candidate("first", &[], &there(0));
    let second = stage.candidate("second", &[], &there(0));
    stage.link(vec![first, second]);
    let Stage { plan, mut said, .. } = stage;
    let runtime = Runtime::start(plan);
    assert_eq!(said.recv().await.unwrap(), "first work");
    runtime.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_heartbeat_comes_when_all_links_have_begun_and_then_whenever_it_has_asked_to() {
    let mut stage = Stage::new();
    let link = stage.candidate("link", &[], &there(1));
    stage.link(vec![link]);
    let (began, sayer) = (Instant::now(), stage.sayer.clone());
    let Stage { plan, mut said, .. } = stage;
    let mut beats = 0;
    let heartbeat = move || {
        beats += 1;
        sayer
            .send(format!("beat at {:?}", began.elapsed()))
            .unwrap();
        (beats < 4).then_some(Duration::from_secs(15))
    };
    let runtime = Runtime::watched(plan, Box::new(heartbeat));
    for expected in [
        "link work",
        "beat at 0ns",
        "beat at 15s",
        "beat at 30s",
        "beat at 45s",
    ] {
        assert_eq!(said.recv().await.unwrap(), expected);
    }
    // It has asked for no more.
    sleep(Duration::from_secs(3600)).await;
    assert!(said.is_empty());
    runtime.stop().await;
}
