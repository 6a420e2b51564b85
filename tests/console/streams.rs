//! The stream of events: everything that has changed, the newest of each, and not too often.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use serde_json::{Value as Json, json};

use super::World;
use crate::bemo::yaml;

#[test]
fn a_stream_begins_with_how_things_stand() {
    let world = World::demo();
    let mut events = world.http.events("");
    let (first, device) = events.next();
    assert_eq!(
        (first.as_str(), &device["generation"]),
        ("device", &json!(1))
    );
    let (second, values) = events.next();
    assert_eq!(second, "values");
    assert_eq!(values.as_array().unwrap().len(), 2);
    let (third, health) = events.next();
    assert_eq!(
        (third.as_str(), &health["status"]),
        ("health", &json!("ok"))
    );
}

/// Twenty values that change a hundred times a second each.
fn restless() -> World {
    let line =
        "access: [read], value: { type: u32, initial: 0 }, source: { ticker: { every: 10ms } }";
    let yaml = yaml("{ broker: \"127.0.0.1:1\" }", &[line; 20]);
    World::new(&yaml.replace(
        "services:",
        "console: { listen: \"127.0.0.1:0\" }\nservices:",
    ))
}

#[test]
fn however_much_happens_a_stream_is_told_ten_times_a_second_at_most() {
    let world = restless();
    let mut events = world.http.events("");
    events.next_of("values");
    let begun = Instant::now();
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    let mut batches = 0;
    while batches < 15 {
        let views = events.next_of("values");
        batches += 1;
        let mut seen = Vec::new();
        for view in views.as_array().unwrap() {
            let id = view["id"].as_str().unwrap().to_owned();
            let version = view["version"].as_u64().unwrap();
            let before = last.insert(id.clone(), version);
            assert!(
                before.is_none_or(|before| before < version),
                "{id} goes back"
            );
            assert!(!seen.contains(&id), "{id} twice in one batch");
            seen.push(id);
        }
    }
    assert_eq!(last.len(), 20, "no value is left out");
    // The first may have come at once.
    assert!(
        begun.elapsed() >= Duration::from_millis(100) * 13,
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn of_too_many_steps_some_are_shown_and_the_others_counted() {
    let world = restless();
    let mut events = world.http.events("");
    let flow = events.wait_for("flow", |flow| flow["missed"].as_u64() > Some(0));
    assert!(flow["steps"].as_array().unwrap().len() <= 50);
    let kept = world.http.json("/api/v1/flow");
    assert!(kept["steps"].as_array().unwrap().len() <= 500);
}

#[test]
fn steps_are_followed_from_the_first_request_on() {
    let world = restless();
    let counted = |line: &str| line.starts_with("bemo_sync_changes_total") && !line.ends_with(" 0");
    let is_moving = || world.http.get("/metrics").body.lines().any(counted);
    assert!((0..2000).any(|_| is_moving()), "nothing changes");
    let before = world.http.json("/api/v1/flow");
    assert_eq!(before["steps"], json!([]), "nobody had looked");
    let mut events = world.http.events("");
    events.wait_for("flow", |flow| !flow["steps"].as_array().unwrap().is_empty());
    let kept = world.http.json("/api/v1/flow");
    assert!(!kept["steps"].as_array().unwrap().is_empty());
}

#[test]
fn a_browser_that_is_slow_is_told_the_newest_when_it_comes_back() {
    let world = restless();
    let mut slow = world.http.events("");
    let mut quick = world.http.events("");
    // More than any buffer on the way holds goes past the slow one.
    let newest = |views: &Json| views[0]["version"].as_u64();
    quick.wait_for("values", |views| newest(views) > Some(600));
    let mut last = 0;
    while last < 600 {
        let views = slow.next_of("values");
        for view in views.as_array().unwrap() {
            if view["id"] == json!("service.value-0") {
                let version = view["version"].as_u64().unwrap();
                assert!(version >= last, "it goes back");
                last = version;
            }
        }
    }
}

#[test]
fn only_so_many_streams_are_open_and_a_closed_one_makes_room() {
    let world = World::demo();
    let mut all: Vec<_> = (0..32).map(|_| world.http.events("")).collect();
    let detail = world.http.get("/api/v1/events").detail(429);
    assert!(detail.contains("32"), "{detail}");
    all.truncate(31);
    let mut watcher = all.pop().unwrap();
    // It is noticed when there is something to tell.
    let number = "/api/v1/values/number-service.some-number";
    world.http.put(number, &json!({ "value": 1 })).ok();
    watcher.wait_for("values", |views| views[0]["value"] == json!(1));
    let opened =
        (0..200).any(|_| world.http.get("/api/v1/health").ok()["counters"]["streams"] == json!(31));
    assert!(opened, "its place is free");
    world.http.events("");
}

#[test]
fn streams_end_when_the_program_does_and_do_not_hold_it_up() {
    let world = World::demo();
    let mut events = world.http.events("");
    events.next_of("values");
    let took = world.bemo.stop();
    while events.try_next().is_some() {}
    assert!(took < Duration::from_millis(1500), "{took:?}");
}
