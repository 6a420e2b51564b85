//! How the links are, and who is connected.

use std::time::Duration;

use bemo_sync::gatt::server::Subscribed;
use bemo_sync::plan::{LinkPlan, Plan};
use bemo_sync::plugin::{BoxFuture, Failure, Health, How, Link, LinkHealth, Observer, Port, State};
use bemo_sync::runtime::Runtime;

use super::bemo::Bemo;
use super::mosquitto::{Mosquitto, free_port};
use super::{NUMBER, at, handle, wait, yaml};

fn link(health: &Health, section: &str) -> LinkHealth {
    let found = health.links.iter().find(|link| link.section == section);
    found.unwrap().clone()
}

/// Waits until a link is in a state like this.
fn until(observer: &Observer, section: &str, is_meant: impl Fn(&State) -> bool) -> LinkHealth {
    let mut changes = observer.health_changes();
    wait(async {
        loop {
            changes.borrow_and_update();
            let link = link(&observer.health(), section);
            if is_meant(&link.state) {
                return link;
            }
            changes.changed().await.unwrap();
        }
    })
}

#[test]
fn the_broker_is_waited_for_and_the_verdict_says_so_until_it_is_there() {
    let port = free_port();
    let bemo = Bemo::start(&yaml(&at(port), &[NUMBER]));
    let observer = bemo.port().observer();
    let waits = until(&observer, "mqtt", |state| {
        matches!(state, State::Waiting { .. })
    });
    let why = waits.state.why().unwrap();
    assert!(
        why.starts_with(&format!(
            "no connection to the MQTT broker at 127.0.0.1:{port}: "
        )),
        "{why}"
    );
    assert!(waits.state.again_in().is_some(), "it tries again");
    let verdict = observer.health().verdict();
    assert_eq!((verdict.is_well, verdict.status()), (false, 503));
    assert_eq!(verdict.reasons.len(), 1, "{verdict:?}");
    assert!(verdict.reasons[0].contains(why), "{verdict:?}");
    let broker = Mosquitto::configured_on(port, |_| "allow_anonymous true\n".to_owned());
    let up = until(&observer, "mqtt", |state| *state == State::Up);
    assert!(up.since >= waits.since);
    assert!(
        up.details
            .contains(&("broker", format!("127.0.0.1:{port}"))),
        "{:?}",
        up.details
    );
    let verdict = observer.health().verdict();
    assert_eq!((verdict.is_well, verdict.status()), (true, 200));
    assert_eq!(verdict.json(), serde_json::json!({ "status": "ok" }));
    drop(broker);
    until(&observer, "mqtt", |state| {
        matches!(state, State::Waiting { .. })
    });
}

#[test]
fn the_virtual_adapter_says_that_it_is_one() {
    let bemo = Bemo::start(&yaml(
        "",
        &["name: A, access: [read], value: { type: u8 }, source: { ticker: { every: 1h } }"],
    ));
    let observer = bemo.port().observer();
    let ble = until(&observer, "ble", |state| *state == State::Up);
    assert_eq!(ble.name, "virtual_ble");
    assert_eq!(ble.details, [("adapter", "virtual".to_owned())]);
    assert_eq!(link(&observer.health(), "ticker").state, State::Up);
}

#[test]
fn centrals_are_known_as_long_as_they_are_connected_with_what_they_hear_of() {
    let both = "name: Value, access: [read, write, notify, indicate], value: { type: u8 }";
    let bemo = Bemo::start(&yaml("", &[both]));
    let observer = bemo.port().observer();
    let (one, other) = (bemo.central(), bemo.central());
    let value = handle(&one, "FF01");
    one.subscribe(value, Some(Subscribed::Notify)).unwrap();
    other.subscribe(value, Some(Subscribed::Indicate)).unwrap();
    let how = |observer: &Observer| -> Vec<(String, Vec<Option<How>>)> {
        let centrals = observer.health().centrals.into_iter();
        let all = centrals.map(|it| (it.address, it.subscribed.iter().map(|it| it.how).collect()));
        all.collect()
    };
    let (first, second) = (one.address().to_owned(), other.address().to_owned());
    assert_eq!(
        how(&observer),
        [
            (first.clone(), vec![Some(How::Notifications)]),
            (second.clone(), vec![Some(How::Indications)]),
        ]
    );
    let subscribers = observer.view(super::cell(0)).unwrap().subscribers;
    let who: Vec<&str> = subscribers.iter().map(|it| &*it.central).collect();
    assert_eq!(who, [&first, &second]);
    one.subscribe(value, None).unwrap();
    drop(other);
    assert_eq!(how(&observer), [(first, Vec::new())]);
    assert!(
        observer
            .view(super::cell(0))
            .unwrap()
            .subscribers
            .is_empty()
    );
}

#[test]
fn a_journal_that_cannot_be_written_is_a_state_of_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("folder/values.journal");
    let yaml = yaml(
        &format!("store: {{ file: {} }}", file.display()),
        &["name: Kept, access: [read, write], value: { type: u8, initial: 1 }, persist: true"],
    );
    // Where the folder should be is a file.
    std::fs::write(folder.path().join("folder"), "").unwrap();
    let bemo = Bemo::start(&yaml);
    let observer = bemo.port().observer();
    let _ = bemo.write(0, super::int(2));
    let waits = until(&observer, "store", |state| {
        matches!(state, State::Waiting { .. })
    });
    let why = waits.state.why().unwrap();
    assert!(why.starts_with("the journal cannot be kept in "), "{why}");
    std::fs::remove_file(folder.path().join("folder")).unwrap();
    let up = until(&observer, "store", |state| *state == State::Up);
    assert_eq!(up.details, [("journal", file.display().to_string())]);
}

/// A link that fails, and works when it is run again.
#[derive(Default)]
struct Fails {
    has_failed: bool,
}

impl Link for Fails {
    fn name(&self) -> &'static str {
        "fails"
    }

    fn run(&mut self, port: Port) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async move {
            if !std::mem::replace(&mut self.has_failed, true) {
                return Err(Failure::new("the cable is out"));
            }
            port.stopped().await;
            Ok(())
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_that_fails_is_down_until_it_is_run_again_and_that_is_counted() {
    let mut plan = Plan::default();
    plan.links.push(LinkPlan {
        section: "cable",
        candidates: vec![Box::new(Fails::default())],
    });
    let runtime = Runtime::start(plan);
    let observer = runtime.observer();
    let mut changes = observer.health_changes();
    let down = loop {
        let health = observer.health();
        if let State::Down { .. } = link(&health, "cable").state {
            break health;
        }
        changes.changed().await.unwrap();
    };
    let failed = link(&down, "cable");
    assert_eq!((failed.name, failed.failures), ("fails", 1));
    assert_eq!(failed.state.why(), Some("the cable is out"));
    let pause = failed.state.again_in().unwrap();
    assert!(!pause.is_zero(), "it pauses");
    assert_eq!(
        down.verdict().reasons,
        ["fails has been down for 0 s: the cable is out"]
    );
    // The pause goes by while somebody looks.
    tokio::time::advance(pause / 2).await;
    let later = link(&observer.health(), "cable");
    assert_eq!(later.lasted, pause / 2);
    let left = later.state.again_in().unwrap();
    assert!(
        left.abs_diff(pause / 2) < Duration::from_millis(1),
        "{left:?}"
    );
    while link(&observer.health(), "cable").state != State::Up {
        changes.changed().await.unwrap();
    }
    let up = link(&observer.health(), "cable");
    assert_eq!(up.failures, 1, "it counts from the start on");
    assert!(up.lasted < pause);
    runtime.stop().await;
}
