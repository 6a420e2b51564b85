//! With a token, nothing is shown to whoever does not say it.

use tokio::time::Instant;

use serde_json::json;

use super::{World, demo};
use crate::http::Http;

const TOKEN: &str = "0123456789abcdef-token";

fn world() -> World {
    World::new(&demo(&format!("token: {TOKEN}")))
}

/// Everything that wants it.
const CLOSED: [&str; 8] = [
    "/api/v1/device",
    "/api/v1/values",
    "/api/v1/flow",
    "/api/v1/health",
    "/api/v1/events",
    "/api/v1/centrals",
    "/api/v1/openapi.json",
    "/metrics",
];

#[test]
fn without_the_token_there_is_only_the_page_and_the_health_in_a_word() {
    let world = world();
    for path in CLOSED {
        let response = world.http.get(path);
        assert!(response.detail(401).contains("token"), "{path}");
        assert_eq!(response.header("www-authenticate"), Some("Bearer"));
    }
    let number = "/api/v1/values/number-service.some-number";
    world.http.put(number, &json!({ "value": 1 })).problem(401);
    world.http.post("/api/v1/centrals", &json!({})).problem(401);
    world.http.post("/api/v1/reload", &json!({})).problem(401);
    world.http.delete("/api/v1/centrals/1").problem(401);
    for path in ["/", "/console.js", "/healthz"] {
        assert_eq!(world.http.get(path).status, 200, "{path}");
    }
    let session = world.http.json("/api/v1/session");
    assert_eq!(session["token_required"], json!(true));
    assert_eq!(session["open"], json!(false));
}

#[test]
fn whoever_says_the_token_gets_in_and_nobody_who_says_another() {
    let world = world();
    let says = |authorization: &str| world.http.clone().with("Authorization", authorization);
    for path in CLOSED.into_iter().filter(|path| !path.ends_with("events")) {
        let response = says(&format!("Bearer {TOKEN}")).get(path);
        assert_eq!(response.status, 200, "{path}");
    }
    assert_eq!(says(&format!("bearer  {TOKEN}")).get(CLOSED[0]).status, 200);
    for wrong in [
        format!("Basic {TOKEN}"),
        format!("Bearer {}", &TOKEN[1..]),
        format!("Bearer {TOKEN}0"),
        "Bearer".to_owned(),
    ] {
        let detail = says(&wrong).get(CLOSED[0]).detail(401);
        assert!(!detail.contains(TOKEN), "{detail}");
    }
}

#[test]
fn a_browser_that_has_said_it_has_a_cookie_that_no_script_and_no_other_site_gets() {
    let world = world();
    let session = world
        .http
        .post("/api/v1/session", &json!({ "token": TOKEN }));
    assert_eq!(session.ok()["open"], json!(true));
    let cookie = session.header("set-cookie").expect("a cookie").to_owned();
    for part in ["; HttpOnly", "; SameSite=Strict", "; Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains(TOKEN), "{cookie}");
    let pair = cookie.split(';').next().unwrap();
    let browser = |cookies: &str| world.http.clone().with("Cookie", cookies);
    let logged_in = browser(&format!("other=1; {pair}"));
    logged_in.json("/api/v1/values");
    browser(&pair[..pair.len() - 2])
        .get("/api/v1/values")
        .problem(401);
    // It ends when it is closed, and not only in the browser.
    let closed = logged_in.delete("/api/v1/session");
    closed.ok();
    assert!(closed.header("set-cookie").unwrap().contains("Max-Age=0"));
    logged_in.get("/api/v1/values").problem(401);
}

#[test]
fn who_tries_many_tokens_waits_ever_longer_for_an_answer() {
    let world = world();
    let try_one = |http: &Http| {
        let before = Instant::now();
        let wrong = json!({ "token": "wrong" });
        http.post("/api/v1/session", &wrong).problem(401);
        before.elapsed()
    };
    let quick = try_one(&world.http);
    let slow: Vec<_> = (0..6).map(|_| try_one(&world.http)).collect();
    assert!(slow.last().unwrap() > &(4 * quick), "{quick:?} {slow:?}");
    // Who knows it does not wait for those who do not.
    let right = world
        .http
        .clone()
        .with("Authorization", &format!("Bearer {TOKEN}"));
    let before = Instant::now();
    right.json("/api/v1/values");
    assert!(before.elapsed() < *slow.last().unwrap());
}

#[test]
fn whoever_logs_out_ends_what_the_session_had_open() {
    let world = world();
    let log_in = || {
        let token = json!({ "token": TOKEN });
        let session = world.http.post("/api/v1/session", &token);
        let cookie = session.header("set-cookie").expect("a cookie").to_owned();
        let pair = cookie.split(';').next().unwrap();
        world.http.clone().with("Cookie", pair)
    };
    let (one, other) = (log_in(), log_in());
    let mut streams = (one.events(""), one.events(""));
    let mut goes_on = other.events("");
    one.delete("/api/v1/session").ok();
    let streams_of = || other.json("/api/v1/health")["counters"]["streams"].clone();
    assert!(
        (0..500).any(|_| streams_of() == json!(1)),
        "{}",
        streams_of()
    );
    while streams.0.try_next().is_some() {}
    while streams.1.try_next().is_some() {}
    let number = "/api/v1/values/number-service.some-number";
    other.put(number, &json!({ "value": 42 })).ok();
    goes_on.wait_for("values", |views| views[0]["value"] == json!(42));
}

#[test]
fn the_cookie_is_of_this_port_and_for_tls_alone_where_the_page_came_by_it() {
    let world = world();
    let port = world.http.port;
    let cookie = |origin: &str| {
        let page = world.http.clone().with("Origin", origin);
        let session = page.post("/api/v1/session", &json!({ "token": TOKEN }));
        session.header("set-cookie").expect("a cookie").to_owned()
    };
    let plain = cookie(&format!("http://localhost:{port}"));
    assert!(
        plain.starts_with(&format!("bemo_sync_session_{port}=")),
        "{plain}"
    );
    assert!(!plain.contains("Secure"), "{plain}");
    let secure = cookie(&format!("https://localhost:{port}"));
    assert!(secure.contains("; Secure"), "{secure}");
    // One of another port of this machine is somebody else's.
    let pair = plain.split(';').next().unwrap();
    let others = pair.replace(&port.to_string(), "1");
    let browser = |pair: &str| world.http.clone().with("Cookie", pair);
    browser(&others).get("/api/v1/values").problem(401);
    browser(&format!("{others}; {pair}")).json("/api/v1/values");
}

#[test]
fn why_something_is_not_well_is_not_told_to_strangers() {
    let line = "access: [read], value: { type: u8, initial: 1 }";
    let yaml = crate::bemo::yaml("{ broker: \"127.0.0.1:1\" }", &[line]);
    let console = format!("console: {{ listen: \"127.0.0.1:0\", token: {TOKEN} }}\nservices:");
    let world = World::new(&yaml.replace("services:", &console));
    let owner = world
        .http
        .clone()
        .with("Authorization", &format!("Bearer {TOKEN}"));
    let known = (0..500).map(|_| owner.get("/healthz"));
    let known = known.skip_while(|it| !it.body.contains("127.0.0.1:1"));
    let known = known.take(1).last().expect("it says the broker");
    assert_eq!(known.status, 503, "{}", known.body);
    let stranger = world.http.get("/healthz");
    assert_eq!(stranger.status, 503);
    let said = stranger.parsed();
    assert_eq!(said["status"], json!("unavailable"), "{said}");
    assert_eq!(said.as_object().unwrap().len(), 2, "{said}");
    let links = said["links"].as_array().unwrap();
    let mqtt = links.iter().find(|it| it["link"] == json!("mqtt")).unwrap();
    assert_eq!(mqtt.as_object().unwrap().len(), 2, "{said}");
    assert!(!stranger.body.contains("127.0.0.1"), "{said}");
}
