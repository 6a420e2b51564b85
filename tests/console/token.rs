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
