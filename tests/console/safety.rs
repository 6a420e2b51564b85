//! Nobody else's page gets in, and nothing that is too big, too much or too slow.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::json;

use super::{World, demo};
use crate::http::Http;
use crate::mosquitto::PATIENCE;

const NUMBER: &str = "/api/v1/values/number-service.some-number";

#[test]
fn a_name_that_somebody_has_made_lead_here_does_not_get_in() {
    let token = "0123456789abcdef-token";
    let mut world = World::new(&demo(&format!("hosts: [lamp.local], token: {token}")));
    world.http = world.http.with("Authorization", &format!("Bearer {token}"));
    for path in [
        "/",
        "/console.js",
        "/api/v1/values",
        "/healthz",
        "/metrics",
        "/nowhere",
    ] {
        let ask = |host: &str| world.http.clone().with("Host", host).get(path);
        let detail = ask("evil.example").detail(421);
        assert!(detail.contains("`hosts`"), "{detail}");
        assert!(!detail.contains("evil"), "{detail}");
        ask("127.0.0.1.evil.example:80").problem(421);
        ask("192.168.1.7").problem(421);
        for ours in ["localhost", "127.0.0.1:9", "[::1]", "lamp.local:8080"] {
            assert_ne!(ask(ours).status, 421, "{ours}{path}");
        }
    }
    let mut twice = world.http.clone();
    twice.headers = vec![("X".to_owned(), "1\r\nHost: evil.example".to_owned())];
    twice.get("/").problem(400);
}

#[test]
fn a_page_of_another_site_can_change_nothing() {
    let world = World::demo();
    let before = world.bemo.value(0);
    let change = json!({ "value": 9 });
    for (name, value) in [
        ("Origin", "http://evil.example"),
        ("Origin", "null"),
        ("Origin", "http://localhost"),
        ("Origin", "file://"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ] {
        let page = world.http.clone().with(name, value);
        let detail = page.put(NUMBER, &change).detail(403);
        assert!(detail.contains("another site"), "{detail}");
        page.post("/api/v1/centrals", &json!({})).problem(403);
        page.delete("/api/v1/session").problem(403);
        page.get("/api/v1/values").problem(403);
        let own = page.get("/");
        assert!(
            name == "Origin" || own.status == 200,
            "a link to the page is fine"
        );
    }
    assert_eq!(world.bemo.value(0), before);
    let own = format!("http://localhost:{}", world.http.port);
    let page = world
        .http
        .clone()
        .with("Origin", &own)
        .with("Sec-Fetch-Site", "same-origin");
    page.put(NUMBER, &change).ok();
    assert_ne!(world.bemo.value(0), before);
}

#[test]
fn what_a_form_can_send_is_no_request() {
    let world = World::demo();
    let before = world.bemo.value(0);
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "",
    ] {
        let form = world.http.clone().with("Content-Type", kind);
        form.send("PUT", NUMBER, r#"{"value": 9}"#).problem(415);
        form.send("POST", "/api/v1/centrals", "{}").problem(415);
    }
    assert_eq!(world.bemo.value(0), before);
    let json = world
        .http
        .clone()
        .with("Content-Type", "Application/JSON; charset=utf-8");
    json.send("PUT", NUMBER, r#"{"value": 9}"#).ok();
}

#[test]
fn a_body_has_64_kib_at_most() {
    let world = World::demo();
    let long = |length: usize| json!({ "value": "a".repeat(length) });
    let detail = world.http.put(NUMBER, &long(64 * 1024)).detail(413);
    assert!(detail.contains("65536"), "{detail}");
    world.http.put(NUMBER, &long(60 * 1024)).problem(422);
    // And so has one that does not say how long it is.
    let chunked = world
        .http
        .clone()
        .with("Transfer-Encoding", "chunked")
        .with("Content-Length", "");
    let mut chunked = chunked;
    chunked.headers.retain(|(name, _)| name != "Content-Length");
    let chunk = format!("{:x}\r\n{}\r\n0\r\n\r\n", 70_000, "a".repeat(70_000));
    let mut stream = TcpStream::connect(("127.0.0.1", world.http.port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!(
        "PUT {NUMBER} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    );
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(chunk.as_bytes());
    let mut said = [0; 12];
    stream.read_exact(&mut said).unwrap();
    assert_eq!(&said, b"HTTP/1.1 413");
}

#[test]
fn what_is_no_json_or_has_a_key_that_nobody_knows_is_said_without_repeating_it() {
    let world = World::demo();
    let send = |body: &str| {
        let json = world.http.clone().with("Content-Type", "application/json");
        json.send("PUT", NUMBER, body).detail(400)
    };
    for body in [
        "",
        "{",
        "[]",
        r#"{"value": 1, "s3cret": 2}"#,
        r#"{"s3cret": 1}"#,
    ] {
        let detail = send(body);
        assert!(detail.contains("line"), "{detail}");
        assert!(!detail.contains("s3cret"), "{detail}");
    }
}

#[test]
fn headers_that_never_end_are_not_waited_for_and_others_are_served_meanwhile() {
    let world = World::demo();
    let mut slow = Vec::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(("127.0.0.1", world.http.port)).unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-")
            .unwrap();
        slow.push(stream);
    }
    world.http.json("/api/v1/values");
    let long = world
        .http
        .clone()
        .with("X-Long", &"a".repeat(64 * 1024))
        .get("/");
    assert_eq!(long.status, 431);
}

#[test]
fn a_browser_is_told_to_be_careful() {
    let world = World::demo();
    for path in ["/", "/console.js", "/api/v1/values", "/healthz", "/nowhere"] {
        let response = world.http.get(path);
        let header = |name| {
            response
                .header(name)
                .unwrap_or_else(|| panic!("{name}: {path}"))
        };
        let policy = header("content-security-policy");
        for part in [
            "default-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin");
        assert_eq!(response.header("access-control-allow-origin"), None);
        let cache = match path {
            "/" | "/console.js" => "no-cache",
            _ => "no-store",
        };
        assert_eq!(header("cache-control"), cache, "{path}");
    }
}

#[test]
fn who_may_only_look_changes_nothing() {
    let world = World::new(&demo("read_only: true"));
    let before = world.bemo.value(0);
    let refused = |response: crate::http::Response| {
        let detail = response.detail(403);
        assert!(detail.contains("read_only"), "{detail}");
    };
    refused(world.http.put(NUMBER, &json!({ "value": 9 })));
    refused(world.http.post("/api/v1/reload", &json!({})));
    // A central reads and hears, and that is all.
    let central = world.central();
    let number = json!({ "characteristic": "number-service.some-number" });
    world.http.post(&format!("{central}/read"), &number).ok();
    let subscribe =
        json!({ "characteristic": "number-service.some-number", "how": "notifications" });
    world
        .http
        .post(&format!("{central}/subscribe"), &subscribe)
        .ok();
    let write = json!({ "characteristic": "number-service.some-number", "value": 9 });
    refused(world.http.post(&format!("{central}/write"), &write));
    refused(world.http.post(
        &format!("{central}/secure"),
        &json!({ "level": "encrypted" }),
    ));
    world.http.delete(&central).ok();
    assert_eq!(world.bemo.value(0), before);
    let device = world.http.json("/api/v1/device");
    assert_eq!(device["read_only"], json!(true));
    let number = &device["services"][0]["characteristics"][0];
    assert_eq!(number["settable"], json!(false));
}

#[test]
fn a_port_that_somebody_else_has_is_waited_for() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let yaml = super::DEMO.replace("127.0.0.1:0", &format!("127.0.0.1:{port}"));
    let bemo = crate::bemo::Bemo::start(&yaml);
    let said = bemo.log.wait_for("no console at");
    assert!(said.contains(&format!("127.0.0.1:{port}")), "{said}");
    // Nothing else waits for it.
    assert!(bemo.value(0).is_some());
    drop(taken);
    bemo.log.wait_for("the console is at");
    Http::to(port).json("/api/v1/values");
}
